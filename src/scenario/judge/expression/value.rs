use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use cel::ExecutionError;
use cel::common::traits::{Adder, Container, Indexer, Iterable, Iterator as Items, Sizer, Zeroer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt, DYN_TYPE, Kind, LIST_TYPE,
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
        Value::Array(elements) => Json::boxed(Data::Array(elements)),
        Value::Object(fields) => Json::boxed(Data::Fields(fields)),
    }
}

pub(super) fn objects_val<'a>(objects: Vec<&'a Value>) -> Box<dyn Val + 'a> {
    Json::boxed(Data::Objects(objects.into()))
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

/// A JSON mapping, a JSON list, or a list of objects.
#[derive(Debug, Clone)]
enum Data<'a> {
    Fields(&'a Map<String, Value>),
    Array(&'a [Value]),
    Objects(Arc<[&'a Value]>),
}

#[derive(Debug)]
struct Json<'a> {
    data: Data<'a>,
    /// The keys of a mapping or the elements of a list, for iterations.
    items: OnceLock<Vec<Box<dyn Val + 'a>>>,
}

impl<'a> Json<'a> {
    fn boxed(data: Data<'a>) -> Box<dyn Val + 'a> {
        Box::new(Self { data, items: OnceLock::new() })
    }

    fn len(&self) -> usize {
        match &self.data {
            Data::Fields(fields) => fields.len(),
            Data::Array(values) => values.len(),
            Data::Objects(values) => values.len(),
        }
    }

    fn element(&self, index: usize) -> Option<&'a Value> {
        match &self.data {
            Data::Fields(_) => None,
            Data::Array(values) => values.get(index),
            Data::Objects(values) => values.get(index).copied(),
        }
    }

    fn elements(&self) -> impl Iterator<Item = &'a Value> {
        (0..self.len()).map_while(|index| self.element(index))
    }

    fn equals_list(&self, other: &dyn Val) -> bool {
        let Some(iterable) = other.as_iterable() else { return false };
        let mut others = iterable.iter();
        let same =
            self.elements().all(|own| others.next().is_some_and(|other| to_val(own).equals(other)));
        same && others.next().is_none()
    }
}

fn equals_mapping(fields: &Map<String, Value>, other: &dyn Val) -> bool {
    let (Some(sizer), Some(indexer)) = (other.as_sizer(), other.as_indexer()) else {
        return false;
    };
    usize::try_from(*sizer.size().inner()) == Ok(fields.len())
        && fields.iter().all(|(key, value)| {
            indexer
                .get(&CelString::from(key.as_str()))
                .is_ok_and(|other| to_val(value).equals(&*other))
        })
}

impl Val for Json<'_> {
    fn get_type(&self) -> &Type {
        match self.data {
            Data::Fields(_) => &MAP_TYPE,
            Data::Array(_) | Data::Objects(_) => &LIST_TYPE,
        }
    }

    fn cel_type() -> &'static Type {
        &DYN_TYPE
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        match self.data {
            Data::Fields(_) => None,
            Data::Array(_) | Data::Objects(_) => Some(self),
        }
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
        let kind = other.get_type().kind();
        match &self.data {
            Data::Fields(fields) => kind == Kind::Map && equals_mapping(fields, other),
            _ => kind == Kind::List && self.equals_list(other),
        }
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Json::boxed(self.data.clone())
    }
}

impl Adder for Json<'_> {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let Some(iterable) = other.as_iterable().filter(|_| other.get_type().kind() == Kind::List)
        else {
            return Err(no_overload("_+_", other));
        };
        let mut sum: Vec<Box<dyn Val + 'v>> = Vec::new();
        for element in self.elements() {
            sum.push(to_val(element));
        }
        let mut items = iterable.iter();
        while let Some(item) = items.next() {
            sum.push(item.clone_as_boxed());
        }
        Ok(CowVal::owned(CelList::from(sum)))
    }
}

fn no_overload(operator: &str, other: &dyn Val) -> ExecutionError {
    let types = vec!["list".to_owned(), other.get_type().name().to_owned()];
    ExecutionError::no_such_overload(operator, types)
}

impl Container for Json<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(match &self.data {
            Data::Fields(fields) => value
                .downcast_ref::<CelString>()
                .is_some_and(|key| fields.contains_key(key.inner())),
            _ => self.elements().any(|element| to_val(element).equals(value)),
        })
    }
}

impl Indexer for Json<'_> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        match &self.data {
            Data::Fields(fields) => field(fields, index),
            Data::Array(_) | Data::Objects(_) => {
                let position = to_json(index);
                let Some(position) = position.as_f64().filter(|number| number.fract() == 0.0)
                else {
                    return Err(no_overload("_[_]", index));
                };
                // The cast saturates: negative numbers are rejected before, and a huge one is out of range.
                let element = (position >= 0.0).then(|| self.element(position as usize)).flatten();
                element.map(|value| CowVal::Owned(to_val(value))).ok_or_else(|| {
                    ExecutionError::IndexOutOfBounds(cel::Value::Int(position as i64))
                })
            }
        }
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

fn field<'b, 'v, 'a: 'v>(
    fields: &'a Map<String, Value>,
    key: &dyn Val,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let Some(name) = key.downcast_ref::<CelString>() else {
        return Err(ExecutionError::no_such_key(&to_json(key).to_string()));
    };
    if let Some(value) = fields.get(name.inner()) {
        return Ok(CowVal::Owned(to_val(value)));
    }
    let Some(condition) = name.inner().strip_prefix(CONDITION) else {
        return Err(ExecutionError::no_such_key(name.inner()));
    };
    let status = status_of(fields.get("status"), condition);
    Ok(CowVal::owned(CelString::from(status)))
}

struct Boxed<'b, 'a>(std::slice::Iter<'b, Box<dyn Val + 'a>>);

impl<'b, 'a: 'v, 'v> Items<'b, 'v> for Boxed<'b, 'a> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|value| value.as_ref() as &(dyn Val + 'v))
    }
}

impl Iterable for Json<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Items<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        let items = self.items.get_or_init(|| match &self.data {
            Data::Fields(fields) => {
                fields.keys().map(|key| Box::new(CelString::from(key.as_str())) as _).collect()
            }
            _ => self.elements().map(to_val).collect(),
        });
        Box::new(Boxed(items.iter()))
    }
}

impl Sizer for Json<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.len()).unwrap_or(i64::MAX))
    }
}

impl Zeroer for Json<'_> {
    fn is_zero_value(&self) -> bool {
        self.len() == 0
    }
}

pub(super) fn string_of<'b>(value: &'b dyn Val) -> Option<Cow<'b, str>> {
    value.downcast_ref::<CelString>().map(|text| Cow::Borrowed(text.inner()))
}
