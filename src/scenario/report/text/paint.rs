use crate::scenario::judge::Verdict;
use crate::scenario::report::label::Label;

/// Colors for a terminal, or none. Colors repeat what the words say.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    pub color: bool,
}

impl Paint {
    pub const PLAIN: Self = Self { color: false };

    fn with(self, code: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// For headings.
    pub fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For details.
    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    /// The text in the color of a label.
    pub fn label(self, label: Label, text: &str) -> String {
        let code = match label.verdict {
            Some(Verdict::Pass) => "32",
            Some(Verdict::Inconclusive) => "33",
            Some(Verdict::Fail) => "1;31",
            None => "2",
        };
        self.with(code, text)
    }
}
