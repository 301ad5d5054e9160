use std::fmt;
use std::ops::Range;

/// A mistake in a CEL expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong and what was expected.
    pub message: String,
    /// The probable intention, to replace the text of the range.
    pub suggestion: Option<String>,
    /// The place, in characters of the text; `None` for the whole text.
    pub range: Option<Range<usize>>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_mistake(out, &self.message, self.suggestion.as_deref())
    }
}

/// A mistake in a Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMistake {
    /// The field, such as `spec.template.spec.containers[0].image`; empty for the object itself.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The probable intention: the name of an unknown field, or the value of a known one.
    pub suggestion: Option<String>,
    /// Whether the field's name is wrong, not its value.
    pub is_about_name: bool,
}

impl fmt::Display for ObjectMistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        write_mistake(out, &self.message, self.suggestion.as_deref())
    }
}

fn write_mistake(
    out: &mut fmt::Formatter<'_>,
    message: &str,
    suggestion: Option<&str>,
) -> fmt::Result {
    out.write_str(message)?;
    match suggestion {
        Some(suggestion) => write!(out, " (did you mean `{suggestion}`?)"),
        None => Ok(()),
    }
}
