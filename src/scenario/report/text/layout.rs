use std::fmt::Write as _;

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
