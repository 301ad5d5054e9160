use serde_json::Value;

use super::schema::{Kind, Schema};
use super::{Mapping, Node};

/// The fields that a mapping can have. Its own fields select a branch of each union.
pub(super) struct Fields<'s> {
    pub known: Vec<(&'s str, Schema<'s>)>,
    pub required: Vec<&'s str>,
    /// The schema of all other fields; `None` if other fields are not allowed.
    pub others: Option<Schema<'s>>,
    /// Fields of branches that are not selected, each with the field that selected another branch.
    pub excluded: Vec<(&'s str, &'s str)>,
    /// Unions without a selected branch.
    pub undecided: Vec<Undecided<'s>>,
}

/// The reason why no branch of a union is selected.
pub(super) enum Undecided<'s> {
    /// The mapping has none of these fields.
    NoneOf(Vec<&'s str>),
    /// The mapping has several of these fields, and only one is allowed.
    Several(Vec<&'s str>),
    /// The value of the tag field is not one of these words.
    Tag(&'s str, Vec<&'s str>),
}

impl<'s> Fields<'s> {
    /// Returns the fields of a mapping that could have any of the `alternatives`. `is_open` tells
    /// which texts still contain variables.
    pub fn of(
        alternatives: Vec<Schema<'s>>,
        mapping: &Mapping,
        is_open: &dyn Fn(&Node) -> bool,
    ) -> Option<Self> {
        let others = Some(alternatives.first()?.any());
        let mut fields = Self {
            known: Vec::new(),
            required: Vec::new(),
            others,
            excluded: Vec::new(),
            undecided: Vec::new(),
        };
        match alternatives.as_slice() {
            [only] => fields.add(only, mapping, is_open),
            _ => fields.choose(alternatives, mapping, is_open),
        }
        Some(fields)
    }

    pub fn get(&self, name: &str) -> Option<&Schema<'s>> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, schema)| schema)
    }

    fn add(&mut self, schema: &Schema<'s>, mapping: &Mapping, is_open: &dyn Fn(&Node) -> bool) {
        self.add_own(schema);
        for branches in schema.unions() {
            self.choose(branches, mapping, is_open);
        }
    }

    fn add_own(&mut self, schema: &Schema<'s>) {
        for part in &schema.parts {
            for (name, property) in
                part.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                if self.get(name).is_none() {
                    self.known.push((name, Schema::new(schema.root, property)));
                }
            }
            for keyword in ["additionalProperties", "unevaluatedProperties"] {
                match part.get(keyword) {
                    Some(Value::Bool(false)) => self.others = None,
                    Some(others) => self.others = Some(Schema::new(schema.root, others)),
                    None => {}
                }
            }
        }
        for name in schema.required() {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
    }

    fn choose(
        &mut self,
        branches: Vec<Schema<'s>>,
        mapping: &Mapping,
        is_open: &dyn Fn(&Node) -> bool,
    ) {
        let mut branches = branches;
        branches.retain(|branch| branch.accepts(Kind::Object));
        let chosen = match tag(&branches) {
            Some(tag) => self.tagged(tag, &branches, mapping, is_open),
            None => self.keyed(&branches, mapping),
        };
        let Some((chosen, key)) = chosen else { return };
        self.add(&branches[chosen], mapping, is_open);
        for (index, branch) in branches.iter().enumerate() {
            if index != chosen {
                self.excluded.extend(branch.field_names().into_iter().map(|field| (field, key)));
            }
        }
    }

    /// Returns the branch that the value of the field `tag` names.
    fn tagged(
        &mut self,
        tag: &'s str,
        branches: &[Schema<'s>],
        mapping: &Mapping,
        is_open: &dyn Fn(&Node) -> bool,
    ) -> Option<(usize, &'s str)> {
        let words: Vec<Vec<&str>> =
            branches.iter().map(|branch| tag_words(branch, tag).unwrap_or_default()).collect();
        let entry = mapping.entry(tag);
        let word = entry.and_then(|entry| entry.value.text()).unwrap_or_default();
        if let Some(chosen) = words.iter().position(|words| words.contains(&word)) {
            return Some((chosen, tag));
        }
        let any = branches.first()?.any();
        self.known.push((tag, any.clone()));
        if entry.is_some() {
            // The other fields belong to an unknown branch.
            self.others = Some(any);
        }
        match entry {
            Some(entry) if is_open(&entry.value) => {}
            Some(_) => self.undecided.push(Undecided::Tag(tag, words.concat())),
            None => self.required.push(tag),
        }
        None
    }

    /// Returns the branch that the mapping has the key of (see [`keys`]).
    fn keyed(&mut self, branches: &[Schema<'s>], mapping: &Mapping) -> Option<(usize, &'s str)> {
        let keys: Vec<Vec<&str>> = branches.iter().map(|branch| keys(branch, branches)).collect();
        let has = |key: &&&str| mapping.entry(key).is_some();
        let mut present: Vec<(usize, &str)> = Vec::new();
        for (index, keys) in keys.iter().enumerate() {
            present.extend(keys.iter().find(has).map(|key| (index, *key)));
        }
        // The key of one branch can be an ordinary field of another.
        let all = present.clone();
        let is_field = |(index, key): (usize, &str)| {
            let others = all.iter().filter(|(other, by)| *other != index && *by != key);
            others.into_iter().any(|(other, _)| branches[*other].field_names().contains(&key))
        };
        let independent: Vec<(usize, &str)> =
            all.iter().copied().filter(|one| !is_field(*one)).collect();
        if !independent.is_empty() {
            present = independent;
        }
        let unfit = |index: usize| {
            let fields = branches[index].field_names();
            mapping.entries.iter().filter(|entry| !fields.contains(&entry.key.as_str())).count()
        };
        if let Some((_, first)) = present.first().copied() {
            if present.iter().all(|(_, key)| *key == first) {
                return present.into_iter().min_by_key(|(index, _)| unfit(*index));
            }
            let position = |key: &str| mapping.entry(key).map(|entry| entry.position);
            let mut several: Vec<&str> = present.into_iter().map(|(_, key)| key).collect();
            several.sort_by_key(|key| position(key));
            several.dedup();
            self.undecided.push(Undecided::Several(several));
        } else if let Some(default) = keys.iter().position(Vec::is_empty) {
            let key = keys.concat().first().copied().unwrap_or_default();
            return Some((default, key));
        } else {
            let mut all = keys.concat();
            all.dedup();
            self.undecided.push(Undecided::NoneOf(all));
        }
        let required = self.required.len();
        for branch in branches {
            self.add_own(branch);
        }
        self.required.truncate(required);
        None
    }
}

/// Returns the tag: the required field that has fixed words in every branch.
fn tag<'s>(branches: &[Schema<'s>]) -> Option<&'s str> {
    let (first, others) = branches.split_first()?;
    let names_all = |name: &&'s str| {
        let mut all = std::iter::once(first).chain(others);
        !others.is_empty() && all.all(|branch| tag_words(branch, name).is_some())
    };
    first.required().find(names_all)
}

/// Returns the fixed words of a required field.
fn tag_words<'s>(branch: &Schema<'s>, name: &str) -> Option<Vec<&'s str>> {
    let property = branch.parts.iter().find_map(|part| part.get("properties")?.get(name))?;
    let words = Schema::new(branch.root, property).words();
    (branch.required().any(|required| required == name) && !words.is_empty()).then_some(words)
}

/// Returns the keys of a branch: the first of its `required` that the other branches do not share.
fn keys<'s>(branch: &Schema<'s>, branches: &[Schema<'s>]) -> Vec<&'s str> {
    let is_shared = |name: &str| {
        branches.len() > 1 && branches.iter().all(|other| other.required().any(|one| one == name))
    };
    match branch.required().find(|name| !is_shared(name)) {
        Some(key) => vec![key],
        None => branch
            .unions()
            .flat_map(|inner| inner.iter().flat_map(|one| keys(one, &inner)).collect::<Vec<_>>())
            .collect(),
    }
}
