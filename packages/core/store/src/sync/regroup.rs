//! Changesets of bootstraps, put back into the order of objects.
//!
//! A server may send a bootstrap column by column, since that takes fewer bytes. Applied in slices, it would
//! load and store each object once per column. Instructions on different objects do not depend on each other,
//! so they can be taken object by object, and a slice holds whole objects.

use rustc_hash::FxHashMap;
use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, parse_download_body, write_download_entry,
};
use tidemark_changeset::codec::Encoder;
use tidemark_changeset::{Instruction, Name, PrimaryKey};

use crate::sync::download::Incoming;
use crate::{Result, StoreError};

/// An instruction takes about this many bytes; bodies are cut into pieces of one slice each.
const INSTRUCTION_BYTES: usize = 16;

/// An entry above this many slices is taken apart into entries of this size. A commit costs as much as
/// applying some thousand instructions, and nobody can write between two slices of a bootstrap anyway.
const REGROUPED_SLICES: usize = 9;

/// A body's entries as pieces of about one slice each, of `slice_instructions_max`. `decoded` are the same
/// entries. Large ones are taken apart if `may_regroup`.
pub(crate) fn pieces(
    body: &[u8],
    decoded: &[Incoming],
    slice_instructions_max: usize,
    may_regroup: bool,
) -> Result<Vec<Vec<u8>>> {
    let entries = parse_download_body(body, BodyLimits::default())
        .map_err(|error| StoreError::BadChangeset(error.to_string()))?;
    let mut pieces = Pieces {
        slice_bytes_max: slice_instructions_max.saturating_mul(INSTRUCTION_BYTES),
        ..Pieces::default()
    };
    for (entry, incoming) in entries.iter().zip(decoded) {
        let is_large = entry.changeset.len() > pieces.regrouped_bytes_max();
        match by_object(&incoming.instructions).filter(|_| is_large && may_regroup) {
            Some(order) => pieces.push_regrouped(entry, &incoming.instructions, &order),
            None => pieces.push(entry),
        }
    }
    Ok(pieces.finish())
}

#[derive(Default)]
struct Pieces {
    slice_bytes_max: usize,
    done: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Pieces {
    fn regrouped_bytes_max(&self) -> usize {
        self.slice_bytes_max.saturating_mul(REGROUPED_SLICES)
    }

    fn push(&mut self, entry: &DownloadEntry<'_>) {
        write_download_entry(&mut self.open, entry);
        if self.open.len() >= self.slice_bytes_max {
            self.done.push(std::mem::take(&mut self.open));
        }
    }

    /// Pushes an entry as several ones, each of whole objects.
    fn push_regrouped(
        &mut self,
        entry: &DownloadEntry<'_>,
        instructions: &[Instruction],
        order: &ByObject,
    ) {
        let mut encoder = Encoder::new();
        // Alike in length: a short one would cost as much as any to commit.
        let count = entry.changeset.len().div_ceil(self.regrouped_bytes_max());
        let objects_max = order.objects().len().div_ceil(count.max(1));
        let mut objects = 0;
        // The size counts once.
        let mut original_size = entry.original_size;
        let last = order.objects().len().saturating_sub(1);
        for (number, object) in order.objects().enumerate() {
            for index in object {
                if let Some(instruction) = instructions.get(*index as usize) {
                    encoder.push(instruction);
                }
            }
            objects += 1;
            let is_full = objects == objects_max || encoder.len() >= self.regrouped_bytes_max();
            if number == last || is_full {
                objects = 0;
                let changeset = std::mem::take(&mut encoder).finish();
                self.push(&DownloadEntry {
                    original_size: std::mem::take(&mut original_size),
                    changeset: &changeset,
                    ..*entry
                });
            }
        }
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        if !self.open.is_empty() {
            self.done.push(self.open);
        }
        self.done
    }
}

/// Which instructions are on each object.
struct ByObject {
    /// The indexes of the instructions, object after object, in their order.
    indexes: Vec<u32>,
    /// Where those of each object begin, the objects in the order in which they are first named.
    starts: Vec<u32>,
}

impl ByObject {
    /// The indexes of each object's instructions.
    fn objects(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.starts.array_windows().map(|[from, to]| {
            self.indexes
                .get(*from as usize..*to as usize)
                .unwrap_or_default()
        })
    }
}

/// `None` if any instruction is not on an object.
fn by_object(instructions: &[Instruction]) -> Option<ByObject> {
    let mut numbers = Numbers::default();
    let of_each: Vec<u32> = instructions
        .iter()
        .map(|instruction| Some(numbers.number(instruction.object()?)))
        .collect::<Option<_>>()?;
    // Sorted by counting: a vector per object would be most of the work.
    let mut starts = vec![0_u32; numbers.objects.len() + 1];
    for number in &of_each {
        *starts.get_mut(*number as usize + 1)? += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut next = starts.clone();
    let mut indexes = vec![0_u32; of_each.len()];
    for (index, number) in (0_u32..).zip(&of_each) {
        let at = next.get_mut(*number as usize)?;
        *indexes.get_mut(*at as usize)? = index;
        *at += 1;
    }
    Some(ByObject { indexes, starts })
}

/// Numbers objects in the order in which they are first named. Keys are copied: behind references they would
/// lie all over the instructions, and each comparison would wait for memory.
#[derive(Default)]
struct Numbers<'a> {
    classes: FxHashMap<&'a Name, u32>,
    last_class: Option<(&'a Name, u32)>,
    by_key: FxHashMap<(u32, PrimaryKey), u32>,
    objects: Vec<(u32, PrimaryKey)>,
    last: u32,
}

impl<'a> Numbers<'a> {
    fn number(&mut self, (class, key): (&'a Name, &'a PrimaryKey)) -> u32 {
        let class = self.class(class);
        // Columns mostly name the objects in the order of the column before.
        let expected = self.last + 1;
        let next = self.objects.get(expected as usize);
        if next.is_some_and(|next| next.0 == class && next.1 == *key) {
            self.last = expected;
            return expected;
        }
        let new = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        let object = (class, key.clone());
        if let Some(number) = self.by_key.get(&object) {
            self.last = *number;
        } else {
            self.by_key.insert(object.clone(), new);
            self.objects.push(object);
            self.last = new;
        }
        self.last
    }

    fn class(&mut self, class: &'a Name) -> u32 {
        if let Some((last, number)) = self.last_class
            && last == class
        {
            return number;
        }
        let new = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
        let number = *self.classes.entry(class).or_insert(new);
        self.last_class = Some((class, number));
        number
    }
}

#[cfg(test)]
mod tests {
    use tidemark_changeset::{Target, UpdateKind, Value, codec};

    use super::*;
    use crate::sync::download::SLICE_INSTRUCTIONS_MAX;

    fn erase(key: i64) -> Instruction {
        Instruction::EraseObject {
            class: "City".into(),
            key: PrimaryKey::Int(key),
        }
    }

    /// Of about a kilobyte.
    fn fill(key: i64) -> Instruction {
        Instruction::Update {
            target: Target {
                class: "City".into(),
                key: PrimaryKey::Int(key),
                field: "name".into(),
                path: Vec::new(),
            },
            value: Value::String("x".repeat(1_000).as_str().into()).into(),
            kind: UpdateKind::Property { is_default: false },
        }
    }

    fn incoming(instructions: Vec<Instruction>) -> (Vec<u8>, Incoming) {
        let changeset = codec::encode(&instructions);
        let mut body = Vec::new();
        let entry = DownloadEntry {
            server_version: 9,
            client_version: 3,
            timestamp: 77,
            origin_file_ident: 1,
            original_size: changeset.len() as u64,
            changeset: &changeset,
        };
        write_download_entry(&mut body, &entry);
        let incoming = Incoming {
            server_version: 9,
            client_version: 3,
            timestamp: 77,
            origin_file_ident: 1,
            original_size: changeset.len() as u64,
            instructions,
            changeset: Vec::new(),
        };
        (body, incoming)
    }

    #[test]
    fn a_large_entry_becomes_slices_of_whole_objects() {
        let keys = 0..1_300;
        let columns = keys
            .clone()
            .map(erase)
            .chain(keys.clone().map(fill))
            .collect();
        let (body, incoming) = incoming(columns);
        let sizes = incoming.original_size;
        let pieces =
            pieces(&body, &[incoming], SLICE_INSTRUCTIONS_MAX, true).expect("the body can be read");
        assert!(pieces.len() > 1);
        let (mut original_size, mut instructions) = (0, Vec::new());
        for piece in &pieces {
            let regrouped = SLICE_INSTRUCTIONS_MAX * INSTRUCTION_BYTES * REGROUPED_SLICES;
            assert!(piece.len() < regrouped + 2_000);
            for entry in parse_download_body(piece, BodyLimits::default()).expect("a body") {
                assert_eq!((entry.server_version, entry.client_version), (9, 3));
                assert_eq!((entry.timestamp, entry.origin_file_ident), (77, 1));
                original_size += entry.original_size;
                let decoded = codec::decode(entry.changeset).expect("a changeset");
                assert_eq!(decoded.instructions.len() % 2, 0, "an object was cut");
                instructions.extend(decoded.instructions);
            }
        }
        assert_eq!(original_size, sizes);
        let expected: Vec<Instruction> = keys.flat_map(|key| [erase(key), fill(key)]).collect();
        assert_eq!(instructions, expected);
    }

    #[test]
    fn what_is_not_to_be_taken_apart_stays_as_it_came() {
        let cut = |body: &[u8], incoming: Incoming, may_regroup| {
            pieces(body, &[incoming], SLICE_INSTRUCTIONS_MAX, may_regroup)
                .expect("the body can be read")
        };
        let keys = 0..600;
        let (large, decoded) = incoming(keys.map(fill).collect());
        assert_eq!(cut(&large, decoded.clone(), false), [large]);
        let mut instructions = decoded.instructions;
        instructions.push(Instruction::EraseTable {
            class: "City".into(),
        });
        let (with_schema, decoded) = incoming(instructions);
        assert_eq!(cut(&with_schema, decoded, true), [with_schema]);
        let (small, decoded) = incoming(vec![erase(2), erase(1), fill(2), fill(1)]);
        assert_eq!(cut(&small, decoded, true), [small]);
    }
}
