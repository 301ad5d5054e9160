/// A position in a text. Lines and columns start at 1, and columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub const START: Self = Self { line: 1, column: 1 };
}

/// The extent of a text.
pub(super) struct Bounds {
    lines: usize,
    end: usize,
}

impl Bounds {
    pub fn of(text: &str) -> Self {
        let last = text.lines().last().unwrap_or_default();
        Self { lines: text.lines().count().max(1), end: last.chars().count() + 1 }
    }

    /// Returns the nearest position in the text. Parsers report the end one line too late.
    pub fn nearest(&self, place: Position) -> Position {
        if place.line <= self.lines {
            return Position { line: place.line.max(1), column: place.column.max(1) };
        }
        Position { line: self.lines, column: self.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_a_position_past_the_end_to_the_end() {
        let at = |line, column| Position { line, column };
        let nearest = |place, text| Bounds::of(text).nearest(place);
        assert_eq!(nearest(at(3, 1), "a\nbcd\n"), at(2, 4));
        assert_eq!(nearest(at(2, 2), "a\nbcd\n"), at(2, 2));
        assert_eq!(nearest(at(1, 1), ""), at(1, 1));
    }
}
