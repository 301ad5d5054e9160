use crate::scenario::judge::Verdict;

/// Colors for a terminal, or none. They say nothing that the words do not.
#[derive(Debug, Clone, Copy)]
pub(in crate::scenario::report) struct Paint {
    /// Whether there are any.
    pub(in crate::scenario::report) color: bool,
}

impl Paint {
    /// None.
    pub(in crate::scenario::report) const PLAIN: Self = Self { color: false };

    fn with(self, code: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// For titles.
    pub(in crate::scenario::report) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what is beside the point.
    pub(in crate::scenario::report) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For what a verdict says.
    pub(in crate::scenario::report) fn verdict(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Pass => "32",
            Verdict::Inconclusive => "33",
            Verdict::Fail => "1;31",
        };
        self.with(code, text)
    }
}
