use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Iterator as Items, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelNull, CelString, CelUInt, Kind, LIST_TYPE,
    MAP_TYPE, Type,
};
use cel::common::value::{CowVal, Val};
use serde_json::{Map, Number, Value};

use super::direct::status_of;

/// The prefix of keys under which a mapping returns the status of a condition. No field of an object starts
/// with it. A CEL function can read the object only through such a key.
pub(super) const CONDITION: &str = "\0condition\0";

/// Converts a JSON value for CEL. Strings, lists and mappings are borrowed.
pub(super) fn to_val(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => number_val(number),
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(elements) => Box::new(List::new(Elements::Array(elements))),
        Value::Object(fields) => Box::new(Mapping::new(fields)),
    }
}

/// Converts a list of objects for CEL.
pub(super) fn objects_val<'a>(objects: Vec<&'a Value>) -> Box<dyn Val + 'a> {
    Box::new(List::new(Elements::Objects(objects.into())))
}

fn number_val<'v>(number: &Number) -> Box<dyn Val + 'v> {
    if let Some(integer) = number.as_i64() {
        Box::new(CelInt::from(integer))
    } else if let Some(integer) = number.as_u64() {
        Box::new(CelUInt::from(integer))
    } else {
        Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN)))
    }
}

/// Converts a CEL value to JSON, for people to read. Types that JSON lacks become text.
pub(super) fn to_json(value: &dyn Val) -> Value {
    match value.get_type().kind() {
        Kind::NullType => Value::Null,
        Kind::Boolean => {
            value.downcast_ref::<CelBool>().map_or(Value::Null, |b| (*b.inner()).into())
        }
        Kind::Int => value.downcast_ref::<CelInt>().map_or(Value::Null, |i| (*i.inner()).into()),
        Kind::UInt => value.downcast_ref::<CelUInt>().map_or(Value::Null, |u| (*u.inner()).into()),
        Kind::Double => {
            value.downcast_ref::<CelDouble>().map_or(Value::Null, |d| (*d.inner()).into())
        }
        Kind::String => value.downcast_ref::<CelString>().map_or(Value::Null, |s| s.inner().into()),
        Kind::List => {
            let mut list = Vec::new();
            if let Some(iterable) = value.as_iterable() {
                let mut items = iterable.iter();
                while let Some(item) = items.next() {
                    list.push(to_json(item));
                }
            }
            Value::Array(list)
        }
        Kind::Map => {
            let mut map = Map::new();
            if let (Some(iterable), Some(indexer)) = (value.as_iterable(), value.as_indexer()) {
                let mut keys = iterable.iter();
                while let Some(key) = keys.next() {
                    let name = match to_json(key) {
                        Value::String(name) => name,
                        other => other.to_string(),
                    };
                    map.insert(
                        name,
                        indexer.get(key).map_or(Value::Null, |value| to_json(&*value)),
                    );
                }
            }
            Value::Object(map)
        }
        _ => Value::String(
            cel::Value::try_from(value)
                .map_or_else(|_| value.get_type().name().to_owned(), |value| format!("{value:?}")),
        ),
    }
}

fn no_such_key(key: &str) -> ExecutionError {
    ExecutionError::no_such_key(key)
}

/// A JSON mapping.
#[derive(Debug)]
struct Mapping<'a> {
    fields: &'a Map<String, Value>,
    keys: OnceLock<Vec<CelString<'a>>>,
}

impl<'a> Mapping<'a> {
    fn new(fields: &'a Map<String, Value>) -> Self {
        Self { fields, keys: OnceLock::new() }
    }

    fn equals_built(&self, other: &CelMap<'_>) -> bool {
        self.fields.len() == other.inner().len()
            && other.inner().iter().all(|(key, value)| {
                key.inner()
                    .downcast_ref::<CelString>()
                    .and_then(|key| self.fields.get(key.inner()))
                    .is_some_and(|own| to_val(own).equals(value.as_ref()))
            })
    }

    /// Compares with any other kind of mapping, such as another JSON one.
    fn equals_any(&self, other: &dyn Val) -> bool {
        let (Some(sizer), Some(indexer)) = (other.as_sizer(), other.as_indexer()) else {
            return false;
        };
        usize::try_from(*sizer.size().inner()) == Ok(self.fields.len())
            && self.fields.iter().all(|(key, value)| {
                indexer
                    .get(&CelString::from(key.as_str()))
                    .is_ok_and(|other| to_val(value).equals(&*other))
            })
    }
}

impl Val for Mapping<'_> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        match other.downcast_ref::<CelMap>() {
            Some(built) => self.equals_built(built),
            None => other.get_type().kind() == Kind::Map && self.equals_any(other),
        }
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Self::new(self.fields))
    }
}

impl Container for Mapping<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(key.downcast_ref::<CelString>().is_some_and(|key| self.fields.contains_key(key.inner())))
    }
}

impl Indexer for Mapping<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(name) = key.downcast_ref::<CelString>() else {
            return Err(no_such_key(&to_json(key).to_string()));
        };
        if let Some(value) = self.fields.get(name.inner()) {
            return Ok(CowVal::Owned(to_val(value)));
        }
        match name.inner().strip_prefix(CONDITION) {
            Some(condition) => {
                let status = status_of(self.fields.get("status"), condition);
                Ok(CowVal::owned(CelString::from(status)))
            }
            None => Err(no_such_key(name.inner())),
        }
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(key).map(CowVal::into_owned)
    }
}

struct Keys<'b, 'a>(std::slice::Iter<'b, CelString<'a>>);

impl<'b, 'a: 'v, 'v> Items<'b, 'v> for Keys<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| key as &(dyn Val + 'v))
    }
}

impl Iterable for Mapping<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Items<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        let keys = self
            .keys
            .get_or_init(|| self.fields.keys().map(|key| CelString::from(key.as_str())).collect());
        Box::new(Keys(keys.iter()))
    }
}

impl Sizer for Mapping<'_> {
    fn size(&self) -> CelInt {
        length(self.fields.len())
    }
}

impl Zeroer for Mapping<'_> {
    fn is_zero_value(&self) -> bool {
        self.fields.is_empty()
    }
}

#[derive(Debug, Clone)]
enum Elements<'a> {
    Array(&'a [Value]),
    Objects(Arc<[&'a Value]>),
}

impl<'a> Elements<'a> {
    fn len(&self) -> usize {
        match self {
            Self::Array(values) => values.len(),
            Self::Objects(values) => values.len(),
        }
    }

    fn get(&self, index: usize) -> Option<&'a Value> {
        match self {
            Self::Array(values) => values.get(index),
            Self::Objects(values) => values.get(index).copied(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'a Value> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// A JSON list, or a list of objects.
#[derive(Debug)]
struct List<'a> {
    elements: Elements<'a>,
    boxed: OnceLock<Vec<Box<dyn Val + 'a>>>,
}

impl<'a> List<'a> {
    fn new(elements: Elements<'a>) -> Self {
        Self { elements, boxed: OnceLock::new() }
    }
}

impl Val for List<'_> {
    fn get_type(&self) -> &Type {
        &LIST_TYPE
    }

    fn cel_type() -> &'static Type {
        &LIST_TYPE
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        if other.get_type().kind() != Kind::List {
            return false;
        }
        let Some(iterable) = other.as_iterable() else { return false };
        let mut others = iterable.iter();
        let same = self
            .elements
            .iter()
            .all(|own| others.next().is_some_and(|other| to_val(own).equals(other)));
        same && others.next().is_none()
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(Self::new(self.elements.clone()))
    }
}

impl Adder for List<'_> {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(iterable) = other.as_iterable().filter(|_| other.get_type().kind() == Kind::List)
        else {
            let types = vec!["list".to_owned(), other.get_type().name().to_owned()];
            return Err(ExecutionError::no_such_overload("_+_", types));
        };
        let mut sum: Vec<Box<dyn Val + 'v>> = Vec::new();
        for element in self.elements.iter() {
            sum.push(to_val(element));
        }
        let mut items = iterable.iter();
        while let Some(item) = items.next() {
            sum.push(item.clone_as_boxed());
        }
        Ok(CowVal::owned(CelList::from(sum)))
    }
}

impl Container for List<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.elements.iter().any(|element| to_val(element).equals(value)))
    }
}

impl Indexer for List<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let position = to_json(index);
        let Some(position) = position.as_f64().filter(|number| number.fract() == 0.0) else {
            let types = vec!["list".to_owned(), index.get_type().name().to_owned()];
            return Err(ExecutionError::no_such_overload("_[_]", types));
        };
        // The cast saturates: negative numbers are rejected before, and a huge one is out of range.
        let element = (position >= 0.0).then(|| self.elements.get(position as usize)).flatten();
        match element {
            Some(value) => Ok(CowVal::Owned(to_val(value))),
            None => Err(ExecutionError::IndexOutOfBounds(cel::Value::Int(position as i64))),
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

struct Boxed<'b, 'a>(std::slice::Iter<'b, Box<dyn Val + 'a>>);

impl<'b, 'a: 'v, 'v> Items<'b, 'v> for Boxed<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|value| value.as_ref() as &(dyn Val + 'v))
    }
}

impl Iterable for List<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Items<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        let boxed = self.boxed.get_or_init(|| self.elements.iter().map(to_val).collect());
        Box::new(Boxed(boxed.iter()))
    }
}

impl Sizer for List<'_> {
    fn size(&self) -> CelInt {
        length(self.elements.len())
    }
}

impl Zeroer for List<'_> {
    fn is_zero_value(&self) -> bool {
        self.elements.len() == 0
    }
}

fn length(length: usize) -> CelInt {
    CelInt::from(i64::try_from(length).unwrap_or(i64::MAX))
}

/// The text of a CEL value, if it is a string.
pub(super) fn string_of<'b>(value: &'b dyn Val) -> Option<Cow<'b, str>> {
    value.downcast_ref::<CelString>().map(|text| Cow::Borrowed(text.inner()))
}
