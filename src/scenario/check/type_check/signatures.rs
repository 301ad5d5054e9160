//! The functions for CEL in scenarios: CEL's standard library, its extensions for strings, lists and
//! math, and our own.

use std::fmt;
use std::sync::LazyLock;

use super::Type;

/// The type of a parameter or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Part {
    Any,
    /// Any type, the same wherever it is in the signature.
    #[strum(to_string = "any")]
    T,
    Bool,
    Int,
    Uint,
    Double,
    /// `int`, `uint` or `double`.
    Number,
    #[strum(to_string = "string")]
    Text,
    Bytes,
    Timestamp,
    Duration,
    Type,
    /// A map or an object.
    Map,
    /// A Kubernetes object.
    Object,
    List,
    #[strum(to_string = "list")]
    ListOfT,
    #[strum(to_string = "list(string)")]
    ListOfText,
    #[strum(to_string = "list(number)")]
    ListOfNumbers,
    #[strum(to_string = "optional")]
    OptionalOfT,
}

/// A function with its parameter types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature {
    pub name: &'static str,
    /// Whether the first parameter comes before the name: `text.contains(part)`.
    pub member: bool,
    pub parameters: &'static [Part],
    pub result: Part,
}

/// Functions with the same parameter lists and the same result.
struct Group {
    names: &'static [&'static str],
    member: bool,
    parameters: &'static [&'static [Part]],
    result: Part,
}

const fn functions(
    names: &'static [&'static str],
    parameters: &'static [&'static [Part]],
    result: Part,
) -> Group {
    Group { names, member: false, parameters, result }
}

const fn members(
    names: &'static [&'static str],
    parameters: &'static [&'static [Part]],
    result: Part,
) -> Group {
    Group { names, member: true, parameters, result }
}

use Part::{
    Any, Bool, Bytes, Double, Duration, Int, List, ListOfNumbers, ListOfT, ListOfText, Map, Number,
    Object, OptionalOfT, T, Text, Timestamp, Uint,
};

const GROUPS: &[Group] = &[
    // Scenarios' own.
    functions(&["ready"], &[&[Object]], Bool),
    functions(&["condition"], &[&[Object, Text]], Text),
    functions(&["size"], &[&[Text], &[Bytes], &[List], &[Map]], Int),
    members(&["size"], &[&[Text], &[Bytes], &[List], &[Map]], Int),
    // Conversions.
    functions(&["bool"], &[&[Bool], &[Text]], Bool),
    functions(&["bytes"], &[&[Text], &[Bytes]], Bytes),
    functions(&["double"], &[&[Number], &[Text]], Double),
    functions(&["int"], &[&[Number], &[Text], &[Timestamp]], Int),
    functions(&["uint"], &[&[Number], &[Text]], Uint),
    functions(
        &["string"],
        &[&[Text], &[Bool], &[Number], &[Bytes], &[Timestamp], &[Duration]],
        Text,
    ),
    functions(&["duration"], &[&[Text], &[Duration]], Duration),
    functions(&["timestamp"], &[&[Text], &[Timestamp], &[Int]], Timestamp),
    functions(&["dyn"], &[&[Any]], Any),
    functions(&["type"], &[&[Any]], Part::Type),
    // Texts.
    members(&["contains", "startsWith", "endsWith", "matches"], &[&[Text, Text]], Bool),
    functions(&["matches"], &[&[Text, Text]], Bool),
    members(&["charAt"], &[&[Text, Int]], Text),
    members(&["indexOf", "lastIndexOf"], &[&[Text, Text], &[Text, Text, Int]], Int),
    members(&["lowerAscii", "upperAscii", "trim"], &[&[Text]], Text),
    members(&["replace"], &[&[Text, Text, Text], &[Text, Text, Text, Int]], Text),
    members(&["split"], &[&[Text, Text], &[Text, Text, Int]], ListOfText),
    members(&["substring"], &[&[Text, Int], &[Text, Int, Int]], Text),
    members(&["format"], &[&[Text, List]], Text),
    members(&["reverse"], &[&[Text]], Text),
    members(&["join"], &[&[ListOfText], &[ListOfText, Text]], Text),
    functions(&["strings.quote"], &[&[Text]], Text),
    // Lists.
    members(&["slice"], &[&[ListOfT, Int, Int]], ListOfT),
    members(&["flatten"], &[&[List], &[List, Int]], List),
    members(&["distinct", "reverse", "sort"], &[&[ListOfT]], ListOfT),
    // What `sortBy` becomes.
    members(&["@sortByAssociatedKeys"], &[&[ListOfT, List]], ListOfT),
    functions(&["lists.range"], &[&[Int]], ListOfNumbers),
    // Times.
    members(
        &["getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"],
        &[&[Timestamp], &[Timestamp, Text]],
        Int,
    ),
    members(
        &["getHours", "getMinutes", "getSeconds", "getMilliseconds"],
        &[&[Timestamp], &[Timestamp, Text], &[Duration]],
        Int,
    ),
    // Numbers.
    functions(&["math.ceil", "math.floor", "math.round", "math.trunc"], &[&[Double]], Double),
    functions(&["math.isInf", "math.isNaN", "math.isFinite"], &[&[Double]], Bool),
    functions(&["math.abs", "math.sign"], &[&[Number]], T),
    functions(&["math.bitAnd", "math.bitOr", "math.bitXor"], &[&[Int, Int]], Int),
    functions(&["math.bitAnd", "math.bitOr", "math.bitXor"], &[&[Uint, Uint]], Uint),
    functions(&["math.bitNot"], &[&[Int]], Int),
    functions(&["math.bitNot"], &[&[Uint]], Uint),
    functions(&["math.bitShiftLeft", "math.bitShiftRight"], &[&[Int, Int]], Int),
    functions(&["math.bitShiftLeft", "math.bitShiftRight"], &[&[Uint, Int]], Uint),
    functions(&["math.sqrt"], &[&[Number]], Double),
    // What `math.greatest` and `math.least` become.
    functions(&["math.@max", "math.@min"], &[&[Number], &[Number, Number], &[ListOfNumbers]], T),
    // Values that may be missing.
    functions(&["optional.none"], &[&[]], OptionalOfT),
    functions(&["optional.of", "optional.ofNonZeroValue"], &[&[T]], OptionalOfT),
    members(&["value"], &[&[OptionalOfT]], T),
    members(&["hasValue"], &[&[OptionalOfT]], Bool),
    members(&["or"], &[&[OptionalOfT, OptionalOfT]], OptionalOfT),
    members(&["orValue"], &[&[OptionalOfT, T]], T),
];

/// All functions, one entry for each list of parameters.
pub(super) static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for &Group { names, member, parameters, result } in GROUPS {
        for name in names {
            let with = |&parameters| Signature { name, member, parameters, result };
            all.extend(parameters.iter().map(with));
        }
    }
    all
});

/// Macros, which declare variables, and how to call them.
pub(super) const MACROS: &[(&str, &str)] = &[
    ("has", "has(object.field)"),
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("existsOne", "list.existsOne(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("map", "list.map(x, value) or list.map(x, condition, value)"),
    ("sortBy", "list.sortBy(x, key)"),
    ("optMap", "optional.optMap(x, value)"),
    ("optFlatMap", "optional.optFlatMap(x, optional)"),
    ("greatest", "math.greatest(a, b)"),
    ("least", "math.least(a, b)"),
];

/// The names of types, such as in `type(x) == int`.
pub(super) const TYPE_NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
    "optional_type",
];

impl Part {
    /// Whether it accepts `argument`; `t` is the signature's type parameter so far.
    pub fn accepts(self, argument: &Type, t: &mut Type) -> bool {
        let mut bind = |argument: &Type| {
            *t = t.clone().join(argument.clone());
            true
        };
        if argument.is_open() {
            return match self {
                T | Number | ListOfT | ListOfNumbers | OptionalOfT => bind(argument),
                _ => true,
            };
        }
        match (self, argument) {
            (Any, _) => true,
            (T, argument) => bind(argument),
            (Number, argument) => argument.is_number() && bind(argument),
            (Map, argument) => argument.is_map(),
            (Object, argument) => matches!(argument, Type::Object(_) | Type::Map(..)),
            (List, Type::List(_)) => true,
            (ListOfT, Type::List(element)) => bind(element),
            (ListOfText, Type::List(element)) => {
                element.is_open() || matches!(**element, Type::String)
            }
            (ListOfNumbers, Type::List(element)) => {
                (element.is_open() || element.is_number()) && bind(element)
            }
            (OptionalOfT, Type::Optional(value)) => bind(value),
            (part, argument) => part.simple() == Some(argument),
        }
    }

    /// The type of the result if the signature's type parameter is `t`.
    pub fn result(self, t: Type) -> Type {
        match self {
            T => t,
            List => Type::list(Type::Dyn),
            ListOfT => Type::list(t),
            ListOfText => Type::list(Type::String),
            ListOfNumbers => Type::list(Type::Int),
            OptionalOfT => Type::optional(t),
            part => part.simple().cloned().unwrap_or(Type::Dyn),
        }
    }

    fn simple(self) -> Option<&'static Type> {
        Some(match self {
            Bool => &Type::Bool,
            Int => &Type::Int,
            Uint => &Type::Uint,
            Double => &Type::Double,
            Text => &Type::String,
            Bytes => &Type::Bytes,
            Timestamp => &Type::Timestamp,
            Duration => &Type::Duration,
            Part::Type => &Type::Type,
            _ => return None,
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&written_call(self.name, self.member, self.parameters))
    }
}

/// A call such as `string.contains(string)` or `size(list)`.
pub(super) fn written_call(name: &str, member: bool, parts: &[impl ToString]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    match parts.split_first() {
        Some((target, rest)) if member => format!("{target}.{name}({})", rest.join(", ")),
        _ => format!("{name}({})", parts.join(", ")),
    }
}
