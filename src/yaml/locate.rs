//! Positions of parts of a text in the file that contains it.

use super::document::{Data, Node, Style};
use super::position::Position;

impl Node {
    /// Returns the position in `source`, the whole file, of a byte of this text. For a value that
    /// is not a scalar, returns the value's position.
    ///
    /// White space differs between the two because of line breaks, indentation and escapes, so
    /// only the other characters count.
    pub fn locate(&self, source: &str, offset: usize) -> Position {
        let Data::Scalar { text, style } = &self.data else { return self.position };
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = text[..offset].chars().filter(|c| !c.is_whitespace()).count();
        let in_word = text[offset..].chars().next().is_some_and(|c| !c.is_whitespace());
        let mut written =
            Written::new(source, self.position, *style).filter(|(c, ..)| !c.is_whitespace());
        let found = match (in_word, before.checked_sub(1)) {
            (true, _) => written.nth(before).map(|(_, start, _)| start),
            (false, Some(last)) => written.nth(last).map(|(_, _, end)| end),
            (false, None) => None,
        };
        found.unwrap_or(self.position)
    }
}

/// The characters of a text, each with its start and end in the source.
struct Written<'a> {
    rest: std::str::Chars<'a>,
    place: Position,
    style: Style,
}

impl<'a> Written<'a> {
    fn new(source: &'a str, start: Position, style: Style) -> Self {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut written = Self { rest: source.chars(), place: Position::START, style };
        while written.place < start && written.step().is_some() {}
        match style {
            Style::Plain | Style::Tagged => {}
            Style::Single | Style::Double => {
                written.step();
            }
            Style::Block => {
                let mut header = written.rest.clone();
                if header.next().is_some_and(|c| c == '|' || c == '>') {
                    while written.step().is_some_and(|c| c != '\n') {}
                }
            }
        }
        written
    }

    fn step(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.place = Position { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(next)
    }

    /// Reads the rest of an escape sequence in double quotes (<https://yaml.org/spec/1.2.2/#57-escaped-characters>).
    fn escaped(&mut self) -> Option<char> {
        let digits = match self.step()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'n' | 'r' | 't' | '\t' | 'v' | 'f' | 'N' | '_' | 'L' | 'P' | '\n' => return Some(' '),
            other => return Some(other),
        };
        let code: String = (0..digits).filter_map(|_| self.step()).collect();
        u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)
    }
}

impl Iterator for Written<'_> {
    type Item = (char, Position, Position);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.place;
        let stands_for = match (self.step()?, self.style) {
            ('\\', Style::Double) => self.escaped()?,
            ('\'', Style::Single) => self.step()?,
            (other, _) => other,
        };
        Some((stands_for, start, self.place))
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Data, parse};

    /// Returns the position of `needle` in the value of `a`.
    fn at(source: &str, needle: &str) -> (usize, usize) {
        let root = parse(source).unwrap().remove(0);
        let node = root.at("a").unwrap();
        let Data::Scalar { text, .. } = &node.data else { panic!() };
        let offset = if needle.is_empty() { text.len() } else { text.find(needle).unwrap() };
        let place = node.locate(source, offset);
        (place.line, place.column)
    }

    #[test]
    fn locates_parts_of_texts_in_every_style() {
        assert_eq!(at("a: size(web) = 2", "= 2"), (1, 14));
        assert_eq!(at("b: c\na: one\n  two  three\n", "three"), (3, 8));
        assert_eq!(at("a: 'it''s é == x'", "== x"), (1, 13));
        assert_eq!(at(r#"a: "\"\x41\" \n é == \tx""#, "=="), (1, 19));
        assert_eq!(at("a: \"one \\\n   two\"", "two"), (2, 4));
        assert_eq!(at("b:\na: |-  # why\n    one\n      two\n", "two"), (4, 7));
        assert_eq!(at("a: >\n  one\n  two\n\n  three\n", "three"), (5, 3));
        assert_eq!(at("a: !!str one two", "two"), (1, 14));
        assert_eq!(at("\u{feff}a: one two", "two"), (1, 8));
        assert_eq!(at("{b: 1, a: one two}", "two"), (1, 15));
    }

    #[test]
    fn locates_the_end_after_the_last_character() {
        assert_eq!(at("a: one", ""), (1, 7));
        assert_eq!(at("a: |\n  one\n  two\n", ""), (3, 6));
        assert_eq!(at("a: ''", ""), (1, 4));
    }
}
