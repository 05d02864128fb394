//! Where the values of set erasures lie within their changeset.
//!
//! The original compares the values of two set erasures by the memory they were decoded into (defect OT3):
//! strings and binaries by offset and length in a buffer of all strings of the changeset, links by the intern
//! indexes of their strings. To end where it ends, its rules need these places, and they follow from the
//! bytes.

use rustc_hash::{FxHashMap, FxHashSet};
use tidemark_changeset::{
    Changeset, Instruction, Name, PathElement, Payload, PrimaryKey, TableSpec, Value,
};

/// The places of one changeset's values, by position of the instruction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<Option<Box<[u8]>>>);

impl Places {
    /// The place of the value at `position`, if its kind has one.
    pub fn of(&self, position: usize) -> Option<&[u8]> {
        self.0.get(position)?.as_deref()
    }

    /// Keeps the places of the instructions that are kept; `positions` are their old ones, `None` for new
    /// ones.
    pub fn keep(&mut self, positions: impl Iterator<Item = Option<usize>>) {
        let mut old = std::mem::take(&mut self.0);
        self.0 = positions
            .map(|position| old.get_mut(position?)?.take())
            .collect();
    }

    /// Finds the places in a changeset. `definitions_first` says how its bytes were written: all strings
    /// before the instructions, or each before the first instruction that needs it.
    pub fn find(changeset: &Changeset, definitions_first: bool) -> Self {
        let mut buffer = Buffer::default();
        for name in &changeset.strings {
            buffer.index(name);
        }
        if definitions_first {
            for name in &changeset.strings {
                buffer.define(name);
            }
        }
        Self(
            changeset
                .instructions
                .iter()
                .map(|instruction| buffer.pass(instruction))
                .collect(),
        )
    }
}

/// The buffer that the original collects all strings of a changeset in, and its intern table.
#[derive(Default)]
struct Buffer<'a> {
    length: usize,
    indexes: FxHashMap<&'a Name, usize>,
    defined: FxHashSet<&'a Name>,
}

impl<'a> Buffer<'a> {
    fn index(&mut self, name: &'a Name) -> usize {
        let fresh = self.indexes.len();
        *self.indexes.entry(name).or_insert(fresh)
    }

    fn define(&mut self, name: &'a Name) {
        if self.defined.insert(name) {
            self.length += name.len();
        }
    }

    /// Reads one instruction; the answer is the place of its value.
    fn pass(&mut self, instruction: &'a Instruction) -> Option<Box<[u8]>> {
        for name in names(instruction) {
            self.define(name);
        }
        let (Instruction::Update {
            value: Payload::Value(value),
            ..
        }
        | Instruction::ArrayInsert {
            value: Payload::Value(value),
            ..
        }
        | Instruction::SetInsert {
            value: Payload::Value(value),
            ..
        }
        | Instruction::SetErase {
            value: Payload::Value(value),
            ..
        }) = instruction
        else {
            return None;
        };
        let mut place = Vec::new();
        match value {
            Value::String(text) => self.append(b's', text.len(), &mut place),
            Value::Binary(bytes) => self.append(b'b', bytes.len(), &mut place),
            Value::Link(link) => {
                place.push(b'l');
                place.extend_from_slice(&self.index(&link.class).to_le_bytes());
                match &link.key {
                    PrimaryKey::String(text) => {
                        place.push(b's');
                        place.extend_from_slice(&self.index(text).to_le_bytes());
                    }
                    key => place.extend_from_slice(format!("{key:?}").as_bytes()),
                }
            }
            _ => return None,
        }
        Some(place.into())
    }

    fn append(&mut self, tag: u8, length: usize, place: &mut Vec<u8>) {
        place.push(tag);
        place.extend_from_slice(&self.length.to_le_bytes());
        place.extend_from_slice(&length.to_le_bytes());
        self.length += length;
    }
}

/// The strings an instruction has interned, in any order. (The empty target of a plain column has no length.)
fn names(instruction: &Instruction) -> Vec<&Name> {
    let mut found = vec![instruction.class()];
    match instruction {
        Instruction::AddTable {
            spec: TableSpec::TopLevel { key_field, .. },
            ..
        } => found.push(key_field),
        Instruction::AddColumn { field, spec, .. } => {
            found.push(field);
            found.extend(&spec.target);
        }
        Instruction::EraseColumn { field, .. } => found.push(field),
        _ => {}
    }
    if let Some((_, PrimaryKey::String(text))) = instruction.object() {
        found.push(text);
    }
    if let Some(target) = instruction.target() {
        found.push(&target.field);
        found.extend(target.path.iter().filter_map(|element| match element {
            PathElement::Key(key) => Some(key),
            PathElement::Index(_) => None,
        }));
    }
    if let Instruction::Update {
        value: Payload::Value(Value::Link(link)),
        ..
    }
    | Instruction::ArrayInsert {
        value: Payload::Value(Value::Link(link)),
        ..
    }
    | Instruction::SetInsert {
        value: Payload::Value(Value::Link(link)),
        ..
    }
    | Instruction::SetErase {
        value: Payload::Value(Value::Link(link)),
        ..
    } = instruction
    {
        found.push(&link.class);
        if let PrimaryKey::String(text) = &link.key {
            found.push(text);
        }
    }
    found
}
