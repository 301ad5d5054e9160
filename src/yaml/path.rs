use super::{Data, Node, Position};

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A mapping's key.
    Key(String),
    /// A list's element, from 0.
    Index(usize),
}

/// Appends a field's name to a path: `parent.name`, or `parent["na/me"]` if the name has other
/// characters than letters, digits, `_` and `-`.
pub(crate) fn join(parent: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    match (parent, plain) {
        (parent, false) => format!("{parent}[{name:?}]"),
        ("", true) => name.to_string(),
        (parent, true) => format!("{parent}.{name}"),
    }
}

/// Returns the path of the enclosing field; `None` for a top-level field.
pub(crate) fn enclosing(path: &str) -> Option<&str> {
    let end = match path.strip_suffix("\"]") {
        Some(quoted) => quoted.rfind("[\""),
        None => path.rfind(['.', '[']),
    };
    end.map(|end| &path[..end])
}

/// Splits a path that [`join`] wrote, up to the first invalid segment.
pub(crate) fn segments(path: &str) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('[') {
            if let Some((key, after)) = quoted_key(quoted) {
                found.push(Segment::Key(key));
                rest = after;
                continue;
            }
            let Some((index, after)) = quoted.split_once(']') else { break };
            let Ok(index) = index.parse() else { break };
            found.push(Segment::Index(index));
            rest = after;
            continue;
        }
        let word = rest.strip_prefix('.').unwrap_or(rest);
        let end = word.find(['.', '[']).unwrap_or(word.len());
        found.push(Segment::Key(word[..end].to_owned()));
        rest = &word[end..];
    }
    found
}

/// Splits `"KEY"]REST` into the key and the rest.
fn quoted_key(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    // Rust escapes a text as JSON does, except for rare characters.
    let key = serde_json::from_str(&text[..end + 2]).unwrap_or_else(|_| inner[..end].to_owned());
    Some((key, inner[end + 1..].strip_prefix(']')?))
}

impl Node {
    /// Returns the value at a path and `true`, or the nearest enclosing value and `false`.
    pub fn nearest(&self, path: &str) -> (&Self, bool) {
        let mut node = self;
        for segment in segments(path) {
            match node.child(&segment) {
                Some(child) => node = child,
                None => return (node, false),
            }
        }
        (node, true)
    }

    /// Returns the value at a path.
    pub fn at(&self, path: &str) -> Option<&Self> {
        match self.nearest(path) {
            (node, true) => Some(node),
            (_, false) => None,
        }
    }

    /// Returns the position of the field name at a path, or of the value if there is no name.
    pub fn name_position(&self, path: &str) -> Position {
        let mut node = self;
        let mut position = self.position;
        for segment in segments(path) {
            let Some(child) = node.child(&segment) else { break };
            position = match (&node.data, &segment) {
                (Data::Mapping(mapping), Segment::Key(key)) => {
                    mapping.entry(key).map_or(child.position, |entry| entry.position)
                }
                _ => child.position,
            };
            node = child;
        }
        position
    }

    fn child(&self, segment: &Segment) -> Option<&Self> {
        match (&self.data, segment) {
            (Data::Mapping(mapping), Segment::Key(key)) => {
                mapping.entry(key).map(|entry| &entry.value)
            }
            (Data::Sequence(items), Segment::Index(index)) => items.get(*index),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::parse;

    #[test]
    fn quotes_names_with_special_characters() {
        assert_eq!(join("", "name"), "name");
        assert_eq!(join("nodes[0]", "role"), "nodes[0].role");
        assert_eq!(join("labels", "a.b/c"), "labels[\"a.b/c\"]");
    }

    #[test]
    fn finds_values_by_path() {
        let root = parse("a:\n- b: 1\n- \"x.y/z\":\n    c: 2\n").unwrap().remove(0);
        let at = |path| root.at(path).map(|node| (node.position.line, node.position.column));
        assert_eq!(at("a[0].b"), Some((2, 6)));
        assert_eq!(at("a[1][\"x.y/z\"].c"), Some((4, 8)));
        assert_eq!(at("a[2].b"), None);
        assert_eq!(root.nearest("a[1].no.such").0.position.line, 3);
        assert_eq!(root.name_position("a[1][\"x.y/z\"]"), Position { line: 3, column: 3 });
        assert_eq!(enclosing("a[\"b.c\"]"), Some("a"));
        assert_eq!(enclosing("a"), None);
    }

    proptest! {
        #[test]
        fn segments_undo_join(names in proptest::collection::vec("[-a-z.\"\\\\/\\[\\] é]{0,6}", 1..4)) {
            let path = names.iter().fold(String::new(), |path, name| join(&path, name));
            let keys: Vec<_> = names.into_iter().map(Segment::Key).collect();
            prop_assert_eq!(segments(&path), keys);
        }
    }
}
