//! Variables: shared with subshells until one of them changes any, and bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of all names and values.
const BYTES: usize = 48 * 1024;

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    One(Vec<u8>),
    Many(BTreeMap<u64, Vec<u8>>),
    /// Members by name.
    Map(BTreeMap<Vec<u8>, Vec<u8>>),
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) content: Content,
    pub(crate) exported: bool,
    pub(crate) read_only: bool,
}

/// Why a variable cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    ReadOnly,
    Full,
}

/// All of a shell's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    all: Arc<BTreeMap<Vec<u8>, Variable>>,
    /// What `local` hid, a layer a function call.
    hidden: Vec<BTreeMap<Vec<u8>, Option<Variable>>>,
    bytes: usize,
}

impl Variable {
    fn bytes(&self) -> usize {
        match &self.content {
            Content::One(value) => value.len(),
            Content::Many(values) => values.values().map(|value| value.len() + 16).sum(),
            Content::Map(values) => {
                values.iter().map(|(key, value)| key.len() + value.len() + 32).sum()
            }
        }
    }
}

impl Variables {
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Variable> {
        self.all.get(name)
    }

    /// The value, or an array's first.
    pub(crate) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        match &self.all.get(name)?.content {
            Content::One(value) => Some(value),
            Content::Many(values) => values.get(&0).map(Vec::as_slice),
            Content::Map(values) => values.get(&b"0"[..]).map(Vec::as_slice),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Variable)> {
        self.all.iter()
    }

    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refused> {
        match self.all.get(name) {
            Some(Variable { content: Content::Many(_), .. }) => self.set_member(name, 0, value),
            Some(Variable { content: Content::Map(_), .. }) => self.set_named(name, b"0", value),
            _ => self.put(name, Content::One(value.to_vec())),
        }
    }

    pub(crate) fn set_member(
        &mut self,
        name: &[u8],
        index: u64,
        value: &[u8],
    ) -> Result<(), Refused> {
        let mut values = match self.all.get(name).map(|variable| &variable.content) {
            Some(Content::Many(values)) => values.clone(),
            Some(Content::One(value)) => BTreeMap::from([(0, value.clone())]),
            Some(Content::Map(_)) | None => BTreeMap::new(),
        };
        values.insert(index, value.to_vec());
        self.put(name, Content::Many(values))
    }

    /// Whether its members have names.
    pub(crate) fn is_map(&self, name: &[u8]) -> bool {
        matches!(self.all.get(name), Some(Variable { content: Content::Map(_), .. }))
    }

    /// Sets a member by its name.
    pub(crate) fn set_named(
        &mut self,
        name: &[u8],
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Refused> {
        let mut values = match self.all.get(name).map(|variable| &variable.content) {
            Some(Content::Map(values)) => values.clone(),
            _ => BTreeMap::new(),
        };
        values.insert(key.to_vec(), value.to_vec());
        self.put(name, Content::Map(values))
    }

    pub(crate) fn unset_named(&mut self, name: &[u8], key: &[u8]) {
        if let Some(Content::Map(values)) = self.all.get(name).map(|variable| &variable.content) {
            let mut values = values.clone();
            values.remove(key);
            let _ = self.put(name, Content::Map(values));
        }
    }

    pub(crate) fn put(&mut self, name: &[u8], content: Content) -> Result<(), Refused> {
        let old = self.all.get(name);
        if old.is_some_and(|old| old.read_only) {
            return Err(Refused::ReadOnly);
        }
        let variable =
            Variable { content, exported: old.is_some_and(|old| old.exported), read_only: false };
        let before = old.map_or(0, |old| old.bytes() + name.len());
        let bytes = self.bytes.saturating_sub(before) + variable.bytes() + name.len();
        if bytes > BYTES {
            return Err(Refused::Full);
        }
        self.bytes = bytes;
        Arc::make_mut(&mut self.all).insert(name.to_vec(), variable);
        Ok(())
    }

    /// Whether it was there and could not be removed.
    pub(crate) fn unset(&mut self, name: &[u8]) -> bool {
        match self.all.get(name) {
            None => false,
            Some(old) if old.read_only => true,
            Some(old) => {
                self.bytes = self.bytes.saturating_sub(old.bytes() + name.len());
                Arc::make_mut(&mut self.all).remove(name);
                false
            }
        }
    }

    pub(crate) fn unset_member(&mut self, name: &[u8], index: u64) {
        if let Some(Content::Many(values)) = self.all.get(name).map(|variable| &variable.content) {
            let mut values = values.clone();
            values.remove(&index);
            let _ = self.put(name, Content::Many(values));
        }
    }

    pub(crate) fn export(&mut self, name: &[u8], exported: bool) {
        if let Some(variable) = Arc::make_mut(&mut self.all).get_mut(name) {
            variable.exported = exported;
        }
    }

    pub(crate) fn protect(&mut self, name: &[u8]) {
        if let Some(variable) = Arc::make_mut(&mut self.all).get_mut(name) {
            variable.read_only = true;
        }
    }

    pub(crate) fn set_exported(&mut self, name: &[u8], value: &[u8]) {
        if self.put(name, Content::One(value.to_vec())).is_ok() {
            self.export(name, true);
        }
    }

    /// What programs are given.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.all.iter().filter(|(_, variable)| variable.exported).filter_map(|(name, variable)| {
            match &variable.content {
                Content::One(value) => Some((&name[..], &value[..])),
                Content::Many(_) | Content::Map(_) => None,
            }
        })
    }

    /// The exported ones alone, as a new program has them.
    pub(crate) fn inherited(&self) -> Self {
        let mut new = Self::default();
        for (name, value) in self.environment() {
            new.set_exported(name, value);
        }
        new
    }

    /// A function begins.
    pub(crate) fn enter(&mut self) {
        self.hidden.push(BTreeMap::new());
    }

    /// It ends: its local variables are as they were.
    pub(crate) fn leave(&mut self) {
        for (name, old) in self.hidden.pop().unwrap_or_default() {
            match old {
                Some(variable) => {
                    Arc::make_mut(&mut self.all).insert(name, variable);
                }
                None => {
                    Arc::make_mut(&mut self.all).remove(&name);
                }
            }
        }
        self.bytes = self.all.iter().map(|(name, variable)| name.len() + variable.bytes()).sum();
    }

    /// Makes the name local to the running function; `false` outside of one.
    pub(crate) fn make_local(&mut self, name: &[u8]) -> bool {
        let old = self.all.get(name).cloned();
        let Some(layer) = self.hidden.last_mut() else { return false };
        layer.entry(name.to_vec()).or_insert(old);
        true
    }
}
