/// A place in a text: line and column, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// A text's beginning.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// How far a text goes.
pub(super) struct Bounds {
    lines: usize,
    end: usize,
}

impl Bounds {
    pub fn of(text: &str) -> Self {
        let last = text.lines().last().unwrap_or_default();
        Self { lines: text.lines().count().max(1), end: last.chars().count() + 1 }
    }

    /// The nearest place in the text: parsers report its end as one line too far.
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
    fn a_place_past_the_end_is_the_end() {
        let at = |line, column| Position { line, column };
        let nearest = |place, text| Bounds::of(text).nearest(place);
        assert_eq!(nearest(at(3, 1), "a\nbcd\n"), at(2, 4));
        assert_eq!(nearest(at(2, 2), "a\nbcd\n"), at(2, 2));
        assert_eq!(nearest(at(1, 1), ""), at(1, 1));
    }
}
