use std::ops::Range;

/// Something wrong in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as `steps[2].assert.eventually`.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// Where in the field's text, in characters.
    pub offset: Option<Range<usize>>,
}
