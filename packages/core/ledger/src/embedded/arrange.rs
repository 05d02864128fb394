//! The order of a bootstrap's instructions within a part, chosen so that they deflate well.
//!
//! Every property of an object is an instruction of its own and names class, object and field anew. Given
//! object by object, what repeats lies a whole object back, at a distance that changes with each text in it.
//! Given column by column, what repeats is the instruction before: all erasures, all creations, then one
//! field of all objects after the other. Instructions on different objects do not depend on each other, and
//! those on one object keep their order where it matters: erasure, creation, then the fields, of which each
//! has all its instructions together.
//!
//! Within a column the objects may stand in any order, and each kind of value has one that suits it
//! ([`Order`]). The numbers are in `docs/benchmarks.md`.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use tidemark_changeset::Instruction;
use tidemark_changeset::codec::PieceEncoder;

use crate::error::{LedgerError, Result};
use crate::field_access::FieldAccess;
use crate::object::{ClassNumber, ObjectKey};
use crate::schema::LedgerSchema;
use crate::select::afresh;

/// Type tags of encoded values and keys.
mod tag {
    pub const INT: u8 = 1;
    pub const STRING: u8 = 3;
    pub const BINARY: u8 = 4;
    pub const FLOAT: u8 = 6;
    pub const DOUBLE: u8 = 7;
}

/// Keys that differ from the one before by more bytes than this on the average are not repeated in every
/// column: they are written once, and the other instructions on the object follow at once.
const KEY_BYTES_NEW_MAX: usize = 3;

/// Low bytes of fractions that stand in more objects than this on the average cost next to nothing already.
const LOW_BYTES_REPEATED: usize = 16;

/// Instructions on objects, each object once.
#[derive(Default)]
pub(super) struct Arrangement {
    encoder: PieceEncoder,
    groups: Vec<Group>,
}

/// Objects of one class, in the order in which they were pushed.
struct Group {
    class: ClassNumber,
    /// Where the encoded key of each stands.
    keys: Vec<Range<usize>>,
    pieces: Vec<Piece>,
}

/// What is written as a whole: an erasure, a creation, or all instructions on one field of an object.
struct Piece {
    object: usize,
    /// 0 for the erasure, 1 for the creation, then the columns of the class.
    column: usize,
    bytes: Range<usize>,
    /// The encoded value, if the piece is the assignment of one; empty otherwise.
    value: Range<usize>,
}

/// In which order the objects stand in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// By key: an instruction differs from the one before in one byte. Keys whose first byte is alike in the
    /// bits that a deflater looks at when it decides on a new block stand together, so that this byte has
    /// eight times fewer values in a block.
    Keys,
    /// By the low bytes of the fraction. Numbers with few decimal digits have few low halves: 3,125 with five
    /// digits after the point, so that most agree with the one before in five of eight bytes.
    Fractions,
    /// Among those of which only the first byte of the key differs, which costs that byte in any order: by
    /// the encoded text, that is by length, then by letters.
    Texts,
}

impl Arrangement {
    /// Takes an object: its erasure and, with a row, what makes it anew, as far as it is `readable`.
    pub fn push(
        &mut self,
        schema: &LedgerSchema,
        object: &ObjectKey,
        row: Option<&[u8]>,
        readable: Option<&FieldAccess>,
    ) -> Result<()> {
        let instructions = afresh(schema, object, row, readable)?;
        let class = object.class();
        if self.groups.last().is_none_or(|group| group.class != class) {
            self.groups.push(Group {
                class,
                keys: Vec::new(),
                pieces: Vec::new(),
            });
        }
        let (Some(group), Some(definition)) = (self.groups.last_mut(), schema.class(class)) else {
            return Err(LedgerError::Damaged("an object has no class"));
        };
        let mut field = 0;
        for instruction in &instructions {
            let start = self.encoder.pieces().len();
            self.encoder.push(instruction);
            let written = self.encoder.pieces();
            let bytes = start..written.len();
            let column = match instruction {
                Instruction::EraseObject { .. } => {
                    group.keys.push(after_number(written, start + 1)..bytes.end);
                    0
                }
                Instruction::CreateObject { .. } => 1,
                _ => {
                    // An image names the columns in their order.
                    let name = instruction.target().map(|target| &target.field);
                    let mut ahead = definition.columns.iter().skip(field);
                    field += ahead
                        .position(|column| Some(&column.name) == name)
                        .unwrap_or(0);
                    2 + field
                }
            };
            group.add(column, bytes, instruction, written);
        }
        Ok(())
    }

    /// Number of bytes so far.
    pub fn len(&self) -> usize {
        self.encoder.len()
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether more objects would make each of them smaller: whether the last class has a column of fractions
    /// whose low bytes repeat, but not yet often.
    pub fn gains_from_length(&self) -> bool {
        self.groups
            .last()
            .is_some_and(|group| group.gains_from_length(self.encoder.pieces()))
    }

    /// The changeset.
    pub fn finish(self) -> Vec<u8> {
        let mut ranges = Vec::new();
        for group in &self.groups {
            group.arrange(self.encoder.pieces(), &mut ranges);
        }
        self.encoder.finish(ranges)
    }
}

impl Group {
    /// Adds an instruction on the last object.
    fn add(
        &mut self,
        column: usize,
        bytes: Range<usize>,
        instruction: &Instruction,
        written: &[u8],
    ) {
        let object = self.keys.len().saturating_sub(1);
        if let Some(last) = self.pieces.last_mut()
            && (last.object, last.column) == (object, column)
        {
            last.bytes.end = bytes.end;
            last.value = 0..0;
            return;
        }
        let is_plain =
            matches!(instruction, Instruction::Update { target, .. } if target.path.is_empty());
        let value = if is_plain {
            let key = self.keys.last().map_or(0, ExactSizeIterator::len);
            let field = after_number(written, bytes.start + 1) + key;
            // The length of the path is before it, the mark of defaults behind it.
            after_number(written, field) + 1..bytes.end - 1
        } else {
            0..0
        };
        self.pieces.push(Piece {
            object,
            column,
            bytes,
            value,
        });
    }

    /// Appends the pieces in the order in which they are to stand.
    fn arrange(&self, written: &[u8], ranges: &mut Vec<Range<usize>>) {
        let bytes = |piece: &&Piece| piece.bytes.clone();
        if !self.has_near_keys(written) {
            ranges.extend(self.pieces.iter().map(|piece| piece.bytes.clone()));
            return;
        }
        let mut columns: Vec<Vec<&Piece>> = Vec::new();
        for piece in &self.pieces {
            if columns.len() <= piece.column {
                columns.resize_with(piece.column + 1, Vec::new);
            }
            if let Some(column) = columns.get_mut(piece.column) {
                column.push(piece);
            }
        }
        let mut columns: Vec<(Order, Vec<&Piece>)> = columns
            .into_iter()
            .map(|column| (order_of(written, &column), column))
            .collect();
        // Erasures and creations have no values, and the sort is stable: they stay first.
        columns.sort_by_key(|(order, _)| *order);
        let keys = Keys {
            written,
            keys: &self.keys,
        };
        for (order, column) in &mut columns {
            match order {
                Order::Keys => column.sort_by_key(|piece| keys.block(piece)),
                Order::Fractions => {
                    column.sort_by_cached_key(|piece| (keys.fraction(piece), piece.object));
                }
                Order::Texts => {
                    for near in column.chunk_by_mut(|a, b| keys.rest(a) == keys.rest(b)) {
                        near.sort_by_key(|piece| written.get(piece.value.clone()));
                    }
                }
            }
            ranges.extend(column.iter().map(bytes));
        }
    }

    fn gains_from_length(&self, written: &[u8]) -> bool {
        if !self.has_near_keys(written) {
            return false;
        }
        let mut low_bytes: FxHashMap<usize, FxHashSet<&[u8]>> = FxHashMap::default();
        for piece in &self.pieces {
            let value = written.get(piece.value.clone()).unwrap_or_default();
            if let [tag::FLOAT | tag::DOUBLE, low @ ..] = value {
                let low = low.first_chunk::<2>().map_or(low, |low| low);
                low_bytes.entry(piece.column).or_default().insert(low);
            }
        }
        let count = self.keys.len();
        low_bytes
            .values()
            .any(|low| low.len() > count / LOW_BYTES_REPEATED && low.len() < count - count / 10)
    }

    /// Whether each key mostly says what the one before it says.
    fn has_near_keys(&self, written: &[u8]) -> bool {
        let key = |range: &Range<usize>| written.get(range.clone()).unwrap_or_default();
        let pairs = self.keys.iter().zip(self.keys.iter().skip(1));
        let new: usize = pairs.map(|(a, b)| bytes_new(key(a), key(b))).sum();
        new <= self.keys.len() * KEY_BYTES_NEW_MAX
    }
}

/// How many bytes of a key the one before it does not have in the same place.
fn bytes_new(before: &[u8], key: &[u8]) -> usize {
    if before.len() == key.len() {
        before.iter().zip(key).filter(|(a, b)| a != b).count()
    } else {
        key.len()
    }
}

/// The order that suits the values of a column.
fn order_of(written: &[u8], column: &[&Piece]) -> Order {
    let value = |piece: &Piece| written.get(piece.value.clone()).unwrap_or_default();
    let pairs = column.iter().zip(column.iter().skip(1));
    if pairs.filter(|(a, b)| value(a) == value(b)).count() * 2 > column.len() {
        return Order::Keys;
    }
    let most_are = |tags: [u8; 2]| {
        let is_one = |piece: &&&Piece| value(piece).first().is_some_and(|tag| tags.contains(tag));
        column.iter().filter(is_one).count() * 2 > column.len()
    };
    if most_are([tag::FLOAT, tag::DOUBLE]) {
        Order::Fractions
    } else if most_are([tag::STRING, tag::BINARY]) {
        Order::Texts
    } else {
        Order::Keys
    }
}

/// The encoded keys of objects.
struct Keys<'a> {
    written: &'a [u8],
    keys: &'a [Range<usize>],
}

impl<'a> Keys<'a> {
    fn key(&self, piece: &Piece) -> &'a [u8] {
        let range = self.keys.get(piece.object).cloned();
        range
            .and_then(|range| self.written.get(range))
            .unwrap_or_default()
    }

    /// The number in a key whose bytes come with the lowest first: an int, or the index of a string.
    fn number(key: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, number) = key.split_first()?;
        matches!(*tag, tag::INT | tag::STRING).then_some(number)
    }

    /// What the key has beside the byte that changes from each object to the next.
    fn rest(&self, piece: &Piece) -> &'a [u8] {
        let key = self.key(piece);
        match Self::number(key) {
            Some(number) => number.get(1..).unwrap_or_default(),
            None => key.split_last().map_or(&[], |(_, rest)| rest),
        }
    }

    /// The block in which the object stands in [`Order::Keys`].
    fn block(&self, piece: &Piece) -> u8 {
        match Self::number(self.key(piece)) {
            Some([first, _, ..]) => (first >> 4 & 0b110) | (first & 1),
            _ => 0,
        }
    }

    /// The low bytes of a fraction; then, where these agree, the high byte of the key, and the rest of the
    /// number from the top.
    fn fraction(&self, piece: &Piece) -> ([u8; 3], u8, [u8; 8]) {
        let value = self.written.get(piece.value.clone()).unwrap_or_default();
        let mut low = [0; 3];
        for (to, from) in low.iter_mut().zip(value) {
            *to = *from;
        }
        let mut from_top = [0; 8];
        for (to, from) in from_top.iter_mut().zip(value.iter().rev()) {
            *to = *from;
        }
        let high = Self::number(self.key(piece)).and_then(<[u8]>::last);
        (low, high.copied().unwrap_or_default(), from_top)
    }
}

/// Where the bytes after a number begin: its last byte is the first without the high bit.
fn after_number(bytes: &[u8], start: usize) -> usize {
    let number = bytes.get(start..).unwrap_or_default();
    start + 1 + number.iter().take_while(|byte| **byte >= 0x80).count()
}
