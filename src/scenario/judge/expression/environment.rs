use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelString, DYN_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError, extensions};

use super::value::{CONDITION, string_of};

/// Returns the functions of scenarios' expressions: those of CEL, its extensions for strings, lists and
/// math, and
/// - `ready(object) -> bool`: whether the object's condition `Ready` is `True`;
/// - `condition(object, type) -> string`: the status of the object's condition of that type: `True`,
///   `False`, `Unknown`, or empty if the object has no such condition.
pub fn environment() -> Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        let declared = [
            env.add_extension(extensions::strings),
            env.add_extension(extensions::lists),
            env.add_extension(extensions::math),
            env.add_overload("ready", "ready_object", vec![DYN_TYPE], ready),
            env.add_overload(
                "condition",
                "condition_object_type",
                vec![DYN_TYPE, STRING_TYPE],
                condition,
            ),
        ];
        debug_assert!(declared.iter().all(Result::is_ok), "{declared:?}");
        Arc::new(env)
    });
    Arc::clone(&ENVIRONMENT)
}

fn ready<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let object = argument(&arguments, 0)?;
    let is_ready = condition_status(object, "Ready").is_some_and(|status| status == "True");
    Ok(CowVal::owned(CelBool::from(is_ready)))
}

fn condition<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let name = string_of(argument(&arguments, 1)?).unwrap_or_default();
    let status = condition_status(argument(&arguments, 0)?, &name).unwrap_or_default();
    Ok(CowVal::owned(CelString::from(status)))
}

fn argument<'a, 'v>(
    arguments: &'a [CowVal<'_, 'v>],
    index: usize,
) -> Result<&'a (dyn Val + 'v), ExecutionError> {
    arguments.get(index).map(|value| &**value).ok_or(ExecutionError::MissingArgumentOrTarget)
}

/// `None` for a value that is not an object.
fn condition_status(object: &dyn Val, name: &str) -> Option<String> {
    let key = CelString::from(format!("{CONDITION}{name}"));
    let status = object.as_indexer()?.get(&key).ok()?;
    string_of(&*status).map(std::borrow::Cow::into_owned)
}
