use std::fmt::Write as _;

use crate::scenario::outcome::Verdict;
use crate::scenario::report::label::Label;

/// The width of all text: every terminal has that many columns.
pub const WIDTH: usize = 80;

/// Appends text in lines of at most [`WIDTH`] columns, with an indentation for the first and for
/// the other lines.
pub fn wrapped(out: &mut String, first: &str, rest: &str, text: &str) {
    let options = wrapping(WIDTH).initial_indent(first).subsequent_indent(rest);
    let _ = writeln!(out, "{}", textwrap::fill(text, options));
}

/// Breaks lines only at spaces: names with hyphens stay in one piece.
pub fn wrapping<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
}

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
