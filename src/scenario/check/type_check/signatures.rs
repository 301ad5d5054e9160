//! The functions for CEL in scenarios: CEL's standard library, its extensions for strings, lists and
//! math, and our own.

use std::fmt;

use super::Type;

/// The type of a parameter or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Any type.
    Any,
    /// Any type, the same wherever it is in the signature.
    T,
    Bool,
    Int,
    Uint,
    Double,
    /// `int`, `uint` or `double`.
    Number,
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
    ListOfT,
    ListOfText,
    ListOfNumbers,
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

const fn function(name: &'static str, parameters: &'static [Part], result: Part) -> Signature {
    Signature { name, member: false, parameters, result }
}

const fn member(name: &'static str, parameters: &'static [Part], result: Part) -> Signature {
    Signature { name, member: true, parameters, result }
}

use Part::{
    Any, Bool, Bytes, Double, Duration, Int, List, ListOfNumbers, ListOfT, ListOfText, Map, Number,
    Object, OptionalOfT, T, Text, Timestamp, Uint,
};

pub(super) const SIGNATURES: &[Signature] = &[
    // Scenarios' own.
    function("ready", &[Object], Bool),
    function("condition", &[Object, Text], Text),
    // Sizes.
    function("size", &[Text], Int),
    function("size", &[Bytes], Int),
    function("size", &[List], Int),
    function("size", &[Map], Int),
    member("size", &[Text], Int),
    member("size", &[Bytes], Int),
    member("size", &[List], Int),
    member("size", &[Map], Int),
    // Conversions.
    function("bool", &[Bool], Bool),
    function("bool", &[Text], Bool),
    function("bytes", &[Text], Bytes),
    function("bytes", &[Bytes], Bytes),
    function("double", &[Number], Double),
    function("double", &[Text], Double),
    function("int", &[Number], Int),
    function("int", &[Text], Int),
    function("int", &[Timestamp], Int),
    function("uint", &[Number], Uint),
    function("uint", &[Text], Uint),
    function("string", &[Text], Text),
    function("string", &[Bool], Text),
    function("string", &[Number], Text),
    function("string", &[Bytes], Text),
    function("string", &[Timestamp], Text),
    function("string", &[Duration], Text),
    function("duration", &[Text], Duration),
    function("duration", &[Duration], Duration),
    function("timestamp", &[Text], Timestamp),
    function("timestamp", &[Timestamp], Timestamp),
    function("timestamp", &[Int], Timestamp),
    function("dyn", &[Any], Any),
    function("type", &[Any], Part::Type),
    // Texts.
    member("contains", &[Text, Text], Bool),
    member("startsWith", &[Text, Text], Bool),
    member("endsWith", &[Text, Text], Bool),
    member("matches", &[Text, Text], Bool),
    function("matches", &[Text, Text], Bool),
    member("charAt", &[Text, Int], Text),
    member("indexOf", &[Text, Text], Int),
    member("indexOf", &[Text, Text, Int], Int),
    member("lastIndexOf", &[Text, Text], Int),
    member("lastIndexOf", &[Text, Text, Int], Int),
    member("lowerAscii", &[Text], Text),
    member("upperAscii", &[Text], Text),
    member("trim", &[Text], Text),
    member("replace", &[Text, Text, Text], Text),
    member("replace", &[Text, Text, Text, Int], Text),
    member("split", &[Text, Text], ListOfText),
    member("split", &[Text, Text, Int], ListOfText),
    member("substring", &[Text, Int], Text),
    member("substring", &[Text, Int, Int], Text),
    member("format", &[Text, List], Text),
    member("reverse", &[Text], Text),
    member("join", &[ListOfText], Text),
    member("join", &[ListOfText, Text], Text),
    function("strings.quote", &[Text], Text),
    // Lists.
    member("slice", &[ListOfT, Int, Int], ListOfT),
    member("flatten", &[List], List),
    member("flatten", &[List, Int], List),
    member("distinct", &[ListOfT], ListOfT),
    member("reverse", &[ListOfT], ListOfT),
    member("sort", &[ListOfT], ListOfT),
    // What `sortBy` becomes.
    member("@sortByAssociatedKeys", &[ListOfT, List], ListOfT),
    function("lists.range", &[Int], ListOfNumbers),
    // Times.
    member("getFullYear", &[Timestamp], Int),
    member("getFullYear", &[Timestamp, Text], Int),
    member("getMonth", &[Timestamp], Int),
    member("getMonth", &[Timestamp, Text], Int),
    member("getDayOfYear", &[Timestamp], Int),
    member("getDayOfYear", &[Timestamp, Text], Int),
    member("getDayOfMonth", &[Timestamp], Int),
    member("getDayOfMonth", &[Timestamp, Text], Int),
    member("getDate", &[Timestamp], Int),
    member("getDate", &[Timestamp, Text], Int),
    member("getDayOfWeek", &[Timestamp], Int),
    member("getDayOfWeek", &[Timestamp, Text], Int),
    member("getHours", &[Timestamp], Int),
    member("getHours", &[Timestamp, Text], Int),
    member("getHours", &[Duration], Int),
    member("getMinutes", &[Timestamp], Int),
    member("getMinutes", &[Timestamp, Text], Int),
    member("getMinutes", &[Duration], Int),
    member("getSeconds", &[Timestamp], Int),
    member("getSeconds", &[Timestamp, Text], Int),
    member("getSeconds", &[Duration], Int),
    member("getMilliseconds", &[Timestamp], Int),
    member("getMilliseconds", &[Timestamp, Text], Int),
    member("getMilliseconds", &[Duration], Int),
    // Numbers.
    function("math.ceil", &[Double], Double),
    function("math.floor", &[Double], Double),
    function("math.round", &[Double], Double),
    function("math.trunc", &[Double], Double),
    function("math.isInf", &[Double], Bool),
    function("math.isNaN", &[Double], Bool),
    function("math.isFinite", &[Double], Bool),
    function("math.abs", &[Number], T),
    function("math.sign", &[Number], T),
    function("math.bitAnd", &[Int, Int], Int),
    function("math.bitAnd", &[Uint, Uint], Uint),
    function("math.bitOr", &[Int, Int], Int),
    function("math.bitOr", &[Uint, Uint], Uint),
    function("math.bitXor", &[Int, Int], Int),
    function("math.bitXor", &[Uint, Uint], Uint),
    function("math.bitNot", &[Int], Int),
    function("math.bitNot", &[Uint], Uint),
    function("math.bitShiftLeft", &[Int, Int], Int),
    function("math.bitShiftLeft", &[Uint, Int], Uint),
    function("math.bitShiftRight", &[Int, Int], Int),
    function("math.bitShiftRight", &[Uint, Int], Uint),
    function("math.sqrt", &[Number], Double),
    // What `math.greatest` and `math.least` become.
    function("math.@max", &[Number], T),
    function("math.@max", &[Number, Number], T),
    function("math.@max", &[ListOfNumbers], T),
    function("math.@min", &[Number], T),
    function("math.@min", &[Number, Number], T),
    function("math.@min", &[ListOfNumbers], T),
    // Values that may be missing.
    function("optional.none", &[], OptionalOfT),
    function("optional.of", &[T], OptionalOfT),
    function("optional.ofNonZeroValue", &[T], OptionalOfT),
    member("value", &[OptionalOfT], T),
    member("hasValue", &[OptionalOfT], Bool),
    member("or", &[OptionalOfT, OptionalOfT], OptionalOfT),
    member("orValue", &[OptionalOfT, T], T),
];

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

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Any | T => "any",
            Bool => "bool",
            Int => "int",
            Uint => "uint",
            Double => "double",
            Number => "number",
            Text => "string",
            Bytes => "bytes",
            Timestamp => "timestamp",
            Duration => "duration",
            Part::Type => "type",
            Map => "map",
            Object => "object",
            List | ListOfT => "list",
            ListOfText => "list(string)",
            ListOfNumbers => "list(number)",
            OptionalOfT => "optional",
        })
    }
}

impl fmt::Display for Signature {
    /// Such as `string.contains(string)` or `size(list)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parameters = self.parameters.iter();
        if let (true, Some(target)) = (self.member, parameters.next()) {
            write!(out, "{target}.")?;
        } else {
            parameters = self.parameters.iter();
        }
        let parameters: Vec<_> = parameters.map(ToString::to_string).collect();
        write!(out, "{}({})", self.name, parameters.join(", "))
    }
}
