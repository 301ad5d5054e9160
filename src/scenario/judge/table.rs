//! Tables of a compiled program, and typed ids: an id of one table does not index another.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The place of a `T` in its table.
pub(super) struct Id<T> {
    index: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    fn new(index: usize) -> Self {
        Self { index, of: PhantomData }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{}", self.index)
    }
}

/// One `V` for each `K`, found by the ids of the `K`s. A `Table<K>` holds the `K`s and creates the ids.
#[derive(Debug, Clone)]
pub(super) struct Table<K, V = K> {
    values: Vec<V>,
    of: PhantomData<fn() -> K>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { values: Vec::new(), of: PhantomData }
    }
}

impl<T> Table<T> {
    /// Adds a value.
    pub(super) fn push(&mut self, value: T) -> Id<T> {
        self.values.push(value);
        Id::new(self.values.len() - 1)
    }

    /// Returns the id of the value that `is_same` accepts, or adds `value`.
    pub(super) fn intern(&mut self, value: T, is_same: impl Fn(&T, &T) -> bool) -> Id<T> {
        match self.find(|known| is_same(known, &value)) {
            Some(known) => known,
            None => self.push(value),
        }
    }
}

impl<K, V> Table<K, V> {
    /// Creates a table with one value for each entry of `other`.
    pub(super) fn for_each_of<U>(other: &Table<K, U>, value: impl FnMut() -> V) -> Self {
        let values = std::iter::repeat_with(value).take(other.values.len()).collect();
        Self { values, of: PhantomData }
    }

    pub(super) fn map<U>(&self, value: impl Fn(Id<K>, &V) -> U) -> Table<K, U> {
        let values = self.iter().map(|(id, own)| value(id, own)).collect();
        Table { values, of: PhantomData }
    }

    /// Makes room for each entry of `other`.
    pub(super) fn grow_to<U>(&mut self, other: &Table<K, U>)
    where
        V: Clone + Default,
    {
        self.values.resize(other.values.len(), V::default());
    }

    /// Returns the value of an id, which may be newer than the table.
    pub(super) fn get_or_default(&self, id: Id<K>) -> V
    where
        V: Copy + Default,
    {
        self.values.get(id.index).copied().unwrap_or_default()
    }

    /// Sets the value of an id, which may be newer than the table, and returns the value before.
    pub(super) fn replace(&mut self, id: Id<K>, value: V) -> V
    where
        V: Clone + Default,
    {
        if self.values.len() <= id.index {
            self.values.resize(id.index + 1, V::default());
        }
        std::mem::replace(&mut self.values[id.index], value)
    }

    pub(super) fn find(&self, is_it: impl Fn(&V) -> bool) -> Option<Id<K>> {
        self.values.iter().position(is_it).map(Id::new)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id<K>> + use<K, V> {
        (0..self.values.len()).map(Id::new)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Id<K>, &V)> {
        self.values.iter().enumerate().map(|(index, value)| (Id::new(index), value))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Id<K>, &mut V)> {
        self.values.iter_mut().enumerate().map(|(index, value)| (Id::new(index), value))
    }

    pub(super) fn values(&self) -> std::slice::Iter<'_, V> {
        self.values.iter()
    }

    /// The values that were added after the first `count`.
    pub(super) fn values_after(&mut self, count: usize) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut().skip(count)
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

impl<K, V> Index<Id<K>> for Table<K, V> {
    type Output = V;

    fn index(&self, id: Id<K>) -> &V {
        &self.values[id.index]
    }
}

impl<K, V> IndexMut<Id<K>> for Table<K, V> {
    fn index_mut(&mut self, id: Id<K>) -> &mut V {
        &mut self.values[id.index]
    }
}
