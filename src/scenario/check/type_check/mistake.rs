use std::fmt;
use std::ops::Range;

/// Something wrong in a CEL text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant, for the range's text.
    pub suggestion: Option<String>,
    /// Where, in characters of the text; `None` when it is the whole text's.
    pub range: Option<Range<usize>>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_mistake(out, &self.message, self.suggestion.as_deref())
    }
}

/// Something wrong in an object of Kubernetes'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMistake {
    /// The field, as `spec.template.spec.containers[0].image`; empty for the object itself.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant: for a field that is not known its name, else its value.
    pub suggestion: Option<String>,
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
