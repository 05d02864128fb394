//! Instructions → bytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::ops::Range;

use super::OPCODE_INTERN;
use super::varint::{write_coefficient, write_signed, write_unsigned};
use crate::{
    Changeset, CollectionKind, ColumnSpec, ColumnType, Instruction, Name, PathElement, Payload,
    PrimaryKey, TableSpec, Target, UpdateKind, Value,
};

/// Writes instructions as a client emits them: each string is defined just before the first
/// instruction that needs it, in the order the instruction names its strings.
#[derive(Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
    interner: Interner,
    /// Intern indexes of the instruction at hand, in the order in which it writes them.
    indexes: Vec<u32>,
}

impl Encoder {
    /// An encoder without strings or instructions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an instruction.
    pub fn push(&mut self, instruction: &Instruction) {
        self.indexes.clear();
        let Self {
            out,
            interner,
            indexes,
        } = self;
        visit_names(instruction, &mut |name| {
            indexes.push(interner.intern(name, out));
        });
        if is_plain_column(instruction) {
            // A client hands its empty link target to the interner even where it is then not
            // written.
            interner.intern(&Name::from(""), out);
        }
        write_instruction(out, instruction, indexes);
    }

    /// Defines a string now, unless it is. A client selects the class of the embedded object it
    /// changes before it writes the instruction, and thereby interns the class's name, although the
    /// instruction never refers to it: whoever wants the very bytes of a client calls this with
    /// that name before [`Encoder::push`].
    pub fn define(&mut self, name: &Name) {
        self.interner.intern(name, &mut self.out);
    }

    /// Number of bytes so far, definitions included.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// The changeset's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Writes instructions as a client emits them; see [`Encoder`].
pub fn encode(instructions: &[Instruction]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for instruction in instructions {
        encoder.push(instruction);
    }
    encoder.finish()
}

/// Writes instructions one by one, to be put in another order at the end: all definitions come first, so that
/// no instruction depends on one before it.
#[derive(Debug, Default)]
pub struct PieceEncoder {
    definitions: Vec<u8>,
    pieces: Vec<u8>,
    interner: Interner,
    indexes: Vec<u32>,
}

impl PieceEncoder {
    /// An encoder without strings or instructions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an instruction behind the others. Its bytes are what [`PieceEncoder::pieces`] has grown by.
    pub fn push(&mut self, instruction: &Instruction) {
        self.indexes.clear();
        let Self {
            definitions,
            pieces,
            interner,
            indexes,
        } = self;
        visit_names(instruction, &mut |name| {
            indexes.push(interner.intern(name, definitions));
        });
        write_instruction(pieces, instruction, indexes);
    }

    /// The instructions written so far, without definitions.
    pub fn pieces(&self) -> &[u8] {
        &self.pieces
    }

    /// Number of bytes so far, definitions included.
    pub fn len(&self) -> usize {
        self.definitions.len() + self.pieces.len()
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The changeset's bytes with the instructions in the order of `ranges`, each a range of
    /// [`PieceEncoder::pieces`].
    pub fn finish(mut self, ranges: impl IntoIterator<Item = Range<usize>>) -> Vec<u8> {
        self.definitions.reserve_exact(self.pieces.len());
        for range in ranges {
            self.definitions
                .extend_from_slice(self.pieces.get(range).unwrap_or_default());
        }
        self.definitions
    }
}

/// Writes a changeset with all definitions first: the strings of `changeset.strings` in their
/// order, used or not, then others as they are met. A changeset without instructions is empty
/// bytes.
pub fn encode_canonical(changeset: &Changeset) -> Vec<u8> {
    if changeset.instructions.is_empty() {
        return Vec::new();
    }
    let mut definitions = Vec::new();
    let mut interner = Interner::default();
    for name in &changeset.strings {
        interner.intern(name, &mut definitions);
    }
    let mut instructions = Vec::new();
    let mut indexes = Vec::new();
    for instruction in &changeset.instructions {
        indexes.clear();
        visit_names(instruction, &mut |name| {
            indexes.push(interner.intern(name, &mut definitions));
        });
        write_instruction(&mut instructions, instruction, &indexes);
    }
    definitions.append(&mut instructions);
    definitions
}

/// Up to this many strings are searched in a row; beyond, a hash table is kept.
const LINEAR_MAX: usize = 8;
/// Slots of the cache by address; a power of two.
const CACHE_SLOTS: usize = 256;
const SLOT_EMPTY: u32 = u32::MAX;

/// The strings defined so far.
///
/// Names of decoded or repeated instructions share their bytes, so most look-ups are answered by a
/// small cache addressed by where the bytes lie. A hit is verified by comparing texts, so a stale
/// slot does no harm. The hash table has a fixed key: nothing here may be random, and a crafted
/// collision costs its author one upload.
#[derive(Debug)]
struct Interner {
    strings: Vec<Name>,
    by_text: HashMap<Name, u32, BuildHasherDefault<DefaultHasher>>,
    by_address: Box<[u32; CACHE_SLOTS]>,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            strings: Vec::new(),
            by_text: HashMap::default(),
            by_address: Box::new([SLOT_EMPTY; CACHE_SLOTS]),
        }
    }
}

impl Interner {
    /// The index of `name`; a new name is defined at the end of `definitions`.
    fn intern(&mut self, name: &Name, definitions: &mut Vec<u8>) -> u32 {
        let slot = slot_of(name);
        let cached = self.by_address.get(slot).copied().unwrap_or(SLOT_EMPTY);
        if self
            .strings
            .get(cached as usize)
            .is_some_and(|known| same(known, name))
        {
            return cached;
        }
        let index = self
            .find(name)
            .unwrap_or_else(|| self.define(name, definitions));
        if let Some(entry) = self.by_address.get_mut(slot) {
            *entry = index;
        }
        index
    }

    fn find(&self, name: &Name) -> Option<u32> {
        if self.strings.len() <= LINEAR_MAX {
            let position = self.strings.iter().position(|known| known == name)?;
            return u32::try_from(position).ok();
        }
        self.by_text.get(name).copied()
    }

    fn define(&mut self, name: &Name, definitions: &mut Vec<u8>) -> u32 {
        let index =
            u32::try_from(self.strings.len()).expect("a changeset has fewer than 2^32 strings");
        definitions.push(OPCODE_INTERN);
        write_unsigned(definitions, u64::from(index));
        write_bytes(definitions, name.as_bytes());
        self.strings.push(name.clone());
        if self.strings.len() > LINEAR_MAX {
            if self.by_text.is_empty() {
                self.by_text = (0..)
                    .zip(&self.strings)
                    .map(|(index, name)| (name.clone(), index))
                    .collect();
            } else {
                self.by_text.insert(name.clone(), index);
            }
        }
        index
    }
}

fn same(a: &Name, b: &Name) -> bool {
    std::ptr::eq(a.as_bytes(), b.as_bytes()) || a == b
}

fn slot_of(name: &Name) -> usize {
    // Allocations are at least 16 bytes apart.
    let address = name.as_bytes().as_ptr().addr() >> 4;
    (address ^ (address >> 8)) & (CACHE_SLOTS - 1)
}

fn is_plain_column(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::AddColumn { spec, .. } if spec.column_type != ColumnType::Link)
}

/// Calls `visit` for every string the instruction references, in the order it writes them.
fn visit_names(instruction: &Instruction, visit: &mut impl FnMut(&Name)) {
    match instruction {
        Instruction::AddTable { class, spec } => {
            visit(class);
            if let TableSpec::TopLevel { key_field, .. } = spec {
                visit(key_field);
            }
        }
        Instruction::EraseTable { class } => visit(class),
        Instruction::AddColumn { class, field, spec } => {
            visit(class);
            visit(field);
            match &spec.target {
                Some(target) if spec.column_type == ColumnType::Link => visit(target),
                None if spec.column_type == ColumnType::Link => visit(&Name::from("")),
                _ => {}
            }
        }
        Instruction::EraseColumn { class, field } => {
            visit(class);
            visit(field);
        }
        Instruction::CreateObject { class, key } | Instruction::EraseObject { class, key } => {
            visit(class);
            visit_key(key, visit);
        }
        Instruction::Update { target, value, .. }
        | Instruction::ArrayInsert { target, value, .. }
        | Instruction::SetInsert { target, value }
        | Instruction::SetErase { target, value } => {
            visit_target(target, visit);
            if let Payload::Value(Value::Link(link)) = value {
                visit(&link.class);
                visit_key(&link.key, visit);
            }
        }
        Instruction::AddInteger { target, .. }
        | Instruction::ArrayMove { target, .. }
        | Instruction::ArrayErase { target, .. }
        | Instruction::Clear { target, .. } => visit_target(target, visit),
    }
}

fn visit_target(target: &Target, visit: &mut impl FnMut(&Name)) {
    visit(&target.class);
    visit_key(&target.key, visit);
    visit(&target.field);
    for element in &target.path {
        if let PathElement::Key(name) = element {
            visit(name);
        }
    }
}

fn visit_key(key: &PrimaryKey, visit: &mut impl FnMut(&Name)) {
    if let PrimaryKey::String(name) = key {
        visit(name);
    }
}

/// Hands out the intern indexes that [`visit_names`] found, in the same order.
struct Indexes<'a>(std::slice::Iter<'a, u32>);

impl Indexes<'_> {
    fn write(&mut self, out: &mut Vec<u8>) {
        let index = self
            .0
            .next()
            .expect("writing names the same strings as visiting");
        write_unsigned(out, u64::from(*index));
    }
}

fn write_instruction(out: &mut Vec<u8>, instruction: &Instruction, indexes: &[u32]) {
    let mut names = Indexes(indexes.iter());
    out.push(opcode(instruction));
    match instruction {
        Instruction::AddTable { spec, .. } => write_table(out, spec, &mut names),
        Instruction::EraseTable { .. } => names.write(out),
        Instruction::AddColumn { spec, .. } => write_column(out, spec, &mut names),
        Instruction::EraseColumn { .. } => {
            names.write(out);
            names.write(out);
        }
        Instruction::CreateObject { key, .. } | Instruction::EraseObject { key, .. } => {
            names.write(out);
            write_key(out, key, &mut names);
        }
        Instruction::Update {
            target,
            value,
            kind,
        } => {
            write_target(out, target, &mut names);
            write_payload(out, value, &mut names);
            match kind {
                UpdateKind::Element { prior_size } => write_unsigned(out, u64::from(*prior_size)),
                UpdateKind::Property { is_default } => out.push(u8::from(*is_default)),
            }
        }
        Instruction::AddInteger { target, delta } => {
            write_target(out, target, &mut names);
            write_signed(out, *delta);
        }
        Instruction::ArrayInsert {
            target,
            value,
            prior_size,
        } => {
            write_target(out, target, &mut names);
            write_payload(out, value, &mut names);
            write_unsigned(out, u64::from(*prior_size));
        }
        Instruction::ArrayMove {
            target,
            to,
            prior_size,
        } => {
            write_target(out, target, &mut names);
            write_unsigned(out, u64::from(*to));
            write_unsigned(out, u64::from(*prior_size));
        }
        Instruction::ArrayErase { target, prior_size } => {
            write_target(out, target, &mut names);
            write_unsigned(out, u64::from(*prior_size));
        }
        Instruction::Clear { target, collection } => {
            write_target(out, target, &mut names);
            out.push(*collection as u8);
        }
        Instruction::SetInsert { target, value } | Instruction::SetErase { target, value } => {
            write_target(out, target, &mut names);
            write_payload(out, value, &mut names);
        }
    }
}

fn opcode(instruction: &Instruction) -> u8 {
    match instruction {
        Instruction::AddTable { .. } => 0x00,
        Instruction::EraseTable { .. } => 0x01,
        Instruction::CreateObject { .. } => 0x02,
        Instruction::EraseObject { .. } => 0x03,
        Instruction::Update { .. } => 0x04,
        Instruction::AddInteger { .. } => 0x05,
        Instruction::AddColumn { .. } => 0x06,
        Instruction::EraseColumn { .. } => 0x07,
        Instruction::ArrayInsert { .. } => 0x08,
        Instruction::ArrayMove { .. } => 0x09,
        Instruction::ArrayErase { .. } => 0x0a,
        Instruction::Clear { .. } => 0x0b,
        Instruction::SetInsert { .. } => 0x0c,
        Instruction::SetErase { .. } => 0x0d,
    }
}

fn write_table(out: &mut Vec<u8>, spec: &TableSpec, names: &mut Indexes<'_>) {
    names.write(out);
    match spec {
        TableSpec::Embedded => out.push(1),
        TableSpec::TopLevel {
            key_type,
            key_nullable,
            asymmetric,
            ..
        } => {
            out.push(if *asymmetric { 2 } else { 0 });
            names.write(out);
            write_signed(out, *key_type as i64);
            out.push(u8::from(*key_nullable));
        }
    }
}

fn write_column(out: &mut Vec<u8>, spec: &ColumnSpec, names: &mut Indexes<'_>) {
    names.write(out);
    names.write(out);
    write_signed(out, column_tag(spec.column_type));
    out.push(u8::from(spec.nullable));
    out.push(spec.collection as u8);
    if spec.column_type == ColumnType::Link {
        names.write(out);
    }
    if spec.collection == CollectionKind::Dictionary {
        write_signed(out, column_tag(spec.key_type.unwrap_or(ColumnType::String)));
    }
}

/// The signed tag: column types at the top of the byte stand for the negative ones.
fn column_tag(column_type: ColumnType) -> i64 {
    i64::from((column_type as u8).cast_signed())
}

fn write_target(out: &mut Vec<u8>, target: &Target, names: &mut Indexes<'_>) {
    names.write(out);
    write_key(out, &target.key, names);
    names.write(out);
    write_unsigned(out, target.path.len() as u64);
    for element in &target.path {
        match element {
            PathElement::Index(index) => write_unsigned(out, u64::from(*index)),
            PathElement::Key(_) => {
                write_signed(out, -1);
                names.write(out);
            }
        }
    }
}

fn write_key(out: &mut Vec<u8>, key: &PrimaryKey, names: &mut Indexes<'_>) {
    match key {
        PrimaryKey::Null => out.push(0),
        PrimaryKey::Int(value) => {
            out.push(1);
            write_signed(out, *value);
        }
        PrimaryKey::String(_) => {
            out.push(3);
            names.write(out);
        }
        PrimaryKey::GlobalKey(high, low) => {
            write_signed(out, -1);
            write_unsigned(out, *high);
            write_unsigned(out, *low);
        }
        PrimaryKey::ObjectId(id) => {
            out.push(10);
            out.extend_from_slice(&id.0);
        }
        PrimaryKey::Uuid(id) => {
            out.push(11);
            out.extend_from_slice(&id.0);
        }
    }
}

fn write_payload(out: &mut Vec<u8>, payload: &Payload, names: &mut Indexes<'_>) {
    match payload {
        Payload::Value(value) => write_value(out, value, names),
        Payload::Object => write_signed(out, -2),
        Payload::Dictionary => write_signed(out, -3),
        Payload::Erased => write_signed(out, -4),
        Payload::List => write_signed(out, -5),
        Payload::Set => write_signed(out, -6),
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value, names: &mut Indexes<'_>) {
    match value {
        Value::Null => out.push(0),
        Value::Int(value) => {
            out.push(1);
            write_signed(out, *value);
        }
        Value::Bool(value) => out.extend_from_slice(&[2, u8::from(*value)]),
        Value::String(text) => {
            out.push(3);
            write_bytes(out, text.as_bytes());
        }
        Value::Binary(bytes) => {
            out.push(4);
            write_bytes(out, bytes);
        }
        Value::Timestamp(time) => {
            out.push(5);
            write_signed(out, time.seconds);
            write_signed(out, i64::from(time.nanoseconds));
        }
        Value::Float(value) => {
            out.push(6);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Double(value) => {
            out.push(7);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Decimal(decimal) => {
            out.push(8);
            write_coefficient(out, decimal.coefficient);
            write_signed(out, i64::from(decimal.exponent));
            out.push(u8::from(decimal.negative));
        }
        Value::Link(link) => {
            out.push(9);
            names.write(out);
            write_key(out, &link.key, names);
        }
        Value::ObjectId(id) => {
            out.push(10);
            out.extend_from_slice(&id.0);
        }
        Value::Uuid(id) => {
            out.push(11);
            out.extend_from_slice(&id.0);
        }
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
