//! A YAML text as a tree of nodes with positions.
//!
//! The tree is built from parser events, because the trees of YAML crates keep only the last of
//! repeated keys. kindrs reports a repeated key as an error.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::position::Bounds;
use super::{Position, join};

/// Maximum nesting depth. Schemas of custom resources nest deepest.
const DEEPEST: usize = 64;
/// Maximum number of values in a text after expanding aliases, which can grow exponentially.
const MOST_NODES: usize = 200_000;

/// A value and its position.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub position: Position,
    pub data: Data,
}

#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Text without quotes and escapes.
    Scalar {
        text: String,
        style: Style,
    },
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

/// The notation of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes or a tag: the text determines the type.
    Plain,
    /// Without quotes, but tagged as a string.
    Tagged,
    /// In `'`.
    Single,
    /// In `"`.
    Double,
    /// In a block, after `|` or `>`.
    Block,
}

/// Keys with values, in order. Keys merged by `<<` come last and never replace others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mapping {
    pub entries: Vec<Entry>,
    pub repeated: Vec<Repeated>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub position: Position,
    pub value: Node,
}

/// A repeated key.
#[derive(Debug, Clone)]
pub(crate) struct Repeated {
    pub key: String,
    pub position: Position,
    pub first: Position,
}

/// Invalid YAML, or YAML that kindrs does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub position: Position,
    pub message: String,
}

impl Node {
    /// Whether the value is absent or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, style: Style::Plain }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns the text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            Data::Sequence(_) | Data::Mapping(_) => None,
        }
    }

    /// Returns the value of a field if the node is a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Mapping(mapping) => mapping.entry(key).map(|entry| &entry.value),
            Data::Scalar { .. } | Data::Sequence(_) => None,
        }
    }

    /// Calls `visit` with each scalar of this value and its path.
    pub fn scalars<'a>(&'a self, path: &str, visit: &mut dyn FnMut(&str, &'a Self)) {
        match &self.data {
            Data::Scalar { .. } => visit(path, self),
            Data::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.scalars(&format!("{path}[{index}]"), visit);
                }
            }
            Data::Mapping(mapping) => {
                for entry in &mapping.entries {
                    entry.value.scalars(&join(path, &entry.key), visit);
                }
            }
        }
    }

    fn count(&self) -> usize {
        1 + match &self.data {
            Data::Scalar { .. } => 0,
            Data::Sequence(items) => items.iter().map(Node::count).sum(),
            Data::Mapping(mapping) => mapping.entries.iter().map(|e| e.value.count()).sum(),
        }
    }
}

impl Mapping {
    /// The entry with a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn position_of(&self, key: &str) -> Option<Position> {
        self.entry(key).map(|entry| entry.position)
    }
}

/// Parses the documents of a YAML text. An empty document becomes a null node.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, SyntaxError> {
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut builder = Builder::default();
    let bounds = Bounds::of(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| SyntaxError {
            position: bounds.nearest(position(*error.marker())),
            message: format!("not valid YAML: {}", error.info()),
        })?;
        builder.accept(event, bounds.nearest(position(span.start)))?;
    }
    Ok(builder.documents)
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A collection that the parser has not finished.
struct Open {
    position: Position,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { mapping: Mapping, key: Option<(String, Position)>, merged: Vec<Node> },
}

impl Builder {
    fn accept(&mut self, event: Event<'_>, position: Position) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged_string = match tag.as_deref() {
                    Some(tag) => check_tag(tag, position)? == "str",
                    None => false,
                };
                let style = match style {
                    ScalarStyle::Plain if tagged_string => Style::Tagged,
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let data = Data::Scalar { text: text.into_owned(), style };
                self.add(Node { position, data }, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Content::Sequence(Vec::new()), anchor, tag.as_deref(), position)
            }
            Event::MappingStart(anchor, tag) => {
                let content =
                    Content::Mapping { mapping: Mapping::default(), key: None, merged: Vec::new() };
                self.open(content, anchor, tag.as_deref(), position)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    let nodes = node.count();
                    self.add(node, 0, nodes)
                }
                None => Err(error(position, "the alias is inside the value that it refers to")),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(
        &mut self,
        content: Content,
        anchor: usize,
        tag: Option<&Tag>,
        position: Position,
    ) -> Result<(), SyntaxError> {
        if let Some(tag) = tag {
            check_tag(tag, position)?;
        }
        if self.open.len() == DEEPEST {
            return Err(error(position, format!("nested more than {DEEPEST} levels deep")));
        }
        self.open.push(Open { position, anchor, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(Open { position, anchor, content }) = self.open.pop() else { return Ok(()) };
        let data = match content {
            Content::Sequence(items) => Data::Sequence(items),
            Content::Mapping { mut mapping, merged, .. } => {
                for node in merged {
                    merge(&mut mapping, node)?;
                }
                Data::Mapping(mapping)
            }
        };
        self.add(Node { position, data }, anchor, 1)
    }

    /// Adds a finished node to the innermost open collection.
    fn add(&mut self, node: Node, anchor: usize, nodes: usize) -> Result<(), SyntaxError> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            let message = format!("more than {MOST_NODES} values after expanding aliases");
            return Err(error(node.position, message));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut parent.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { mapping, key, merged } => match key.take() {
                None => match node.data {
                    Data::Scalar { text, style } => {
                        // A quoted "<<" is a key like any other, and an unknown field.
                        let text = if text == "<<" && style != Style::Plain {
                            "\"<<\"".into()
                        } else {
                            text
                        };
                        *key = Some((text, node.position));
                    }
                    Data::Sequence(_) | Data::Mapping(_) => {
                        return Err(error(
                            node.position,
                            "expected a scalar as key, found a list or mapping",
                        ));
                    }
                },
                Some((name, _)) if name == "<<" => merged.push(node),
                Some((name, position)) => match mapping.position_of(&name) {
                    Some(first) => {
                        mapping.repeated.push(Repeated { key: name, position, first });
                    }
                    None => mapping.entries.push(Entry { key: name, position, value: node }),
                },
            },
        }
        Ok(())
    }
}

/// Merges the entries of the mapping, or of each mapping of a list, that `<<` names.
fn merge(into: &mut Mapping, node: Node) -> Result<(), SyntaxError> {
    match node.data {
        Data::Mapping(from) => {
            for entry in from.entries {
                if into.position_of(&entry.key).is_none() {
                    into.entries.push(entry);
                }
            }
            Ok(())
        }
        Data::Sequence(items) if items.iter().all(|i| matches!(i.data, Data::Mapping(_))) => {
            items.into_iter().try_for_each(|item| merge(into, item))
        }
        Data::Sequence(_) | Data::Scalar { .. } => {
            Err(error(node.position, "expected a mapping or a list of mappings after `<<`"))
        }
    }
}

/// Returns the suffix of a standard tag, such as `!!str`, and rejects other tags.
fn check_tag(tag: &Tag, position: Position) -> Result<&str, SyntaxError> {
    let suffix = tag.suffix.as_str();
    let standard = ["str", "int", "bool", "null", "float", "map", "seq"];
    if tag.handle.is_empty() && suffix == "!" {
        return Ok("str");
    }
    if tag.is_yaml_core_schema() && standard.contains(&suffix) {
        return Ok(suffix);
    }
    Err(error(position, format!("unsupported tag `{tag}`")))
}

fn error(position: Position, message: impl Into<String>) -> SyntaxError {
    SyntaxError { position, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        let mut documents = parse(text).unwrap();
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    fn outline(node: &Node) -> String {
        match &node.data {
            Data::Scalar { text, style: Style::Plain } => text.clone(),
            Data::Scalar { text, .. } => format!("{text:?}"),
            Data::Sequence(items) => {
                format!("[{}]", items.iter().map(outline).collect::<Vec<_>>().join(" "))
            }
            Data::Mapping(mapping) => {
                let entry = |e: &Entry| format!("{}={}", e.key, outline(&e.value));
                format!("{{{}}}", mapping.entries.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn failure(text: &str) -> String {
        let error = parse(text).unwrap_err();
        format!("{}:{}: {}", error.position.line, error.position.column, error.message)
    }

    #[test]
    fn parses_values_with_positions() {
        let root = only("a: 1\nnodes:\n- rôle: 'x'\n  é: y\n");
        let Data::Mapping(root) = root.data else { panic!() };
        let Data::Sequence(nodes) = &root.entries[1].value.data else { panic!() };
        let Data::Mapping(node) = &nodes[0].data else { panic!() };
        let at = |line, column| Position { line, column };
        assert_eq!(root.entries[0].position, at(1, 1));
        assert_eq!(root.entries[0].value.position, at(1, 4));
        assert_eq!(node.entries[0].position, at(3, 3));
        assert_eq!(node.entries[0].value.position, at(3, 9));
        assert_eq!(node.entries[1].value.position, at(4, 6));
    }

    #[test]
    fn parses_anchors_merge_keys_tags_and_json() {
        assert_eq!(outline(&only("a: &x {b: 1}\nc: *x")), "{a={b=1} c={b=1}}");
        assert_eq!(
            outline(&only("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}")),
            "{a={b=1 c=2} d={c=3 b=1}}"
        );
        assert_eq!(
            outline(&only("- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]")),
            "[{a=1} {a=2 b=2} {a=1 b=2}]"
        );
        assert_eq!(outline(&only("a: !!str 80\nb: ! 80")), "{a=\"80\" b=\"80\"}");
        assert_eq!(outline(&only("{\"a\": [1, \"2\", null]}")), "{a=[1 \"2\" null]}");
        assert_eq!(outline(&only("\u{feff}a: 1")), "{a=1}");
    }

    #[test]
    fn keeps_repeated_keys() {
        let Data::Mapping(root) = only("a: 1\nb: 2\na: 3").data else { panic!() };
        assert_eq!(root.entries.len(), 2);
        assert_eq!(root.repeated[0].position.line, 3);
        assert_eq!(root.repeated[0].first.line, 1);
    }

    #[test]
    fn parses_several_documents() {
        assert_eq!(parse("").unwrap().len(), 0);
        assert_eq!(parse("# nothing\n").unwrap().len(), 0);
        assert_eq!(parse("a: 1\n---\nb: 2\n---\n").unwrap().len(), 3);
        assert!(parse("---\n").unwrap()[0].is_null());
    }

    #[test]
    fn rejects_invalid_yaml() {
        insta::assert_snapshot!(failure("a: &x [*x]"), @"1:8: the alias is inside the value that it refers to");
        insta::assert_snapshot!(failure("a: *x"), @"1:4: not valid YAML: while parsing node, found unknown anchor");
        insta::assert_snapshot!(failure("? [a]\n: b"), @"1:3: expected a scalar as key, found a list or mapping");
        insta::assert_snapshot!(failure("a: !secret b"), @"1:12: unsupported tag `!secret`");
        insta::assert_snapshot!(failure("a: {<<: b}"), @"1:9: expected a mapping or a list of mappings after `<<`");
        insta::assert_snapshot!(failure("a: [b\nc: d\n"), @"2:2: not valid YAML: illegal placement of ':' indicator");
        insta::assert_snapshot!(failure("a:\n\tb: c\n"), @"2:2: not valid YAML: tabs disallowed within this context (block indentation)");
        insta::assert_snapshot!(failure(&"[".repeat(65)), @"1:65: nested more than 64 levels deep");
    }

    #[test]
    fn limits_the_expansion_of_aliases() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(failure(&text).ends_with("more than 200000 values after expanding aliases"));
    }
}
