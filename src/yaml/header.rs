use super::{Data, Entry, Node, Position, Problem, describe, nearest, parse};

/// The `kind` and `apiVersion` of a format.
pub(crate) struct Header {
    pub kind: &'static str,
    pub api_version: &'static str,
}

impl Header {
    /// Returns the only document of a text; `None` if the document has another format, because
    /// problems with its fields would be misleading.
    pub fn document(&self, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
        let documents = match parse(text) {
            Ok(documents) => documents,
            Err(error) => {
                problems.push(Problem::new(error.position, "", error.message));
                return None;
            }
        };
        let mut documents = documents.into_iter().filter(|document| !document.is_null());
        let Some(mut root) = documents.next() else {
            let Self { kind, api_version } = self;
            let message = format!("empty; expected `kind: {kind}`, `apiVersion: {api_version}`");
            problems.push(Problem::new(Position::START, "", message));
            return None;
        };
        if let Some(second) = documents.next() {
            let message = "found a second document; expected only one in a file";
            problems.push(Problem::new(second.position, "", message));
        }
        self.check(&mut root, problems).then_some(root)
    }

    /// Checks the header and completes it; `false` if the document is of another format.
    pub fn check(&self, root: &mut Node, problems: &mut Vec<Problem>) -> bool {
        let Data::Mapping(mapping) = &root.data else {
            let Self { kind, .. } = self;
            let message =
                format!("expected a mapping with `kind: {kind}`, found {}", describe(root));
            problems.push(Problem::new(root.position, "", message));
            return false;
        };
        let mut is_ours = self.fields().iter().any(|(name, _)| mapping.entry(name).is_some());
        for (name, expected) in self.fields() {
            let Some(Entry { value, .. }) = mapping.entry(name) else {
                let message =
                    format!("missing required field `{name}`; expected `{name}: {expected}`");
                problems.push(Problem::new(root.position, "", message));
                continue;
            };
            let (found, near) = match value.text() {
                Some(text) if text == expected => continue,
                Some(text) if !value.is_null() => {
                    (format!("`{}`", text.escape_debug()), nearest(text, &[expected]))
                }
                _ => (describe(value).to_owned(), None),
            };
            is_ours &= near.is_some();
            let message = format!("expected `{expected}`, found {found}");
            problems.push(Problem::new(value.position, name, message).suggest(near));
        }
        self.complete(root);
        is_ours
    }

    /// Adds the fields that are missing.
    pub fn complete(&self, root: &mut Node) {
        let position = root.position;
        let Data::Mapping(mapping) = &mut root.data else { return };
        for (name, word) in self.fields() {
            if mapping.entry(name).is_none() {
                let value = Node::from_json(&word.into(), position);
                mapping.entries.push(Entry { key: name.to_owned(), position, value });
            }
        }
    }

    fn fields(&self) -> [(&'static str, &'static str); 2] {
        [("kind", self.kind), ("apiVersion", self.api_version)]
    }
}
