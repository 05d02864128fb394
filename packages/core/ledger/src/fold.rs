//! Folding: what an entry of the log says and a later one says again.
//!
//! An assignment of a plain field is left out of its entry when a later entry assigns the same field of the
//! same object, at least as strongly by every rule of the merge: nobody who still has to read the earlier one
//! can end elsewhere without it.
//!
//! * The later one is no default, and has no lower (timestamp, file ident), unless the earlier is a default:
//!   a pending edit that loses against the earlier loses against the later, and one that wins against the
//!   later wins against both.
//! * Between them nothing else touches the field, and the object is neither created nor erased.
//! * Of integers both are numbers: an addition survives an assignment of null, and nothing but a number lets
//!   it be added.
//! * The field is plain: no collection, embedded object, link or value of any type, which other instructions
//!   reach into; and no subscription reads it, so that what entries say of views does not change.
//! * The original's storage does not misapply the earlier one: its clients were sent the object afresh with
//!   it, which their later uploads are judged by.
//!
//! Whoever keeps the log sees to it that the origin has passed its own entry, from which the client versions
//! in its downloads come, and that every live session was given the later entry.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, Name, Payload, UpdateKind, Value, codec,
};
use tidemark_model::Class;

use crate::entries::{Entry, Touched, TouchedClass, TouchedObject, write_entry};
use crate::error::Result;
use crate::object::ObjectKey;
use crate::schema::LedgerSchema;

/// An assignment of a plain field.
#[derive(Clone, Copy, Debug)]
struct Assignment {
    rank: (u64, u64),
    is_default: bool,
    is_number: bool,
}

/// What an entry assigns to the plain fields of one object, for comparison with earlier entries.
#[derive(Debug)]
pub struct Later<'a> {
    class: &'a Class,
    evaluated: Arc<[u16]>,
    fields: FxHashMap<Name, Assignment>,
    /// Any order will do: by tests of the rule only.
    ignores_rank: bool,
}

impl<'a> Later<'a> {
    /// What an entry assigns; `None` if nothing that could stand for earlier assignments.
    pub fn new(
        schema: &'a LedgerSchema,
        entry: &Entry,
        touched: &Touched,
        ignores_rank: bool,
    ) -> Result<Option<Self>> {
        let number = touched.object.class();
        let Some(class) = schema.class(number) else {
            return Ok(None);
        };
        let mut later = Self {
            class,
            evaluated: schema.evaluated(number),
            fields: FxHashMap::default(),
            ignores_rank,
        };
        let mut blocked = FxHashSet::default();
        for instruction in entry.instructions_of(touched)?.iter().rev() {
            let Some(target) = instruction.target() else {
                return Ok(None);
            };
            match later.assignment(entry, instruction) {
                Some(assigned) if !assigned.is_default => {
                    if !blocked.contains(&target.field) {
                        later.fields.entry(target.field.clone()).or_insert(assigned);
                    }
                }
                _ => {
                    later.fields.remove(&target.field);
                    blocked.insert(target.field.clone());
                }
            }
        }
        Ok((!later.fields.is_empty()).then_some(later))
    }

    /// Which instructions of an earlier entry are said again, as places in its changeset. To be called from
    /// the newest entry on the object to the oldest; the second is whether to go on.
    pub fn overwritten(&mut self, entry: &Entry, touched: &Touched) -> Result<(Vec<usize>, bool)> {
        let mut places = Vec::new();
        if touched.misapplied {
            return Ok((places, true));
        }
        let instructions = entry.instructions_of(touched)?;
        for (at, instruction) in instructions.iter().enumerate().rev() {
            let Some(target) = instruction.target() else {
                return Ok((places, false));
            };
            let Some(later) = self.fields.get(&target.field) else {
                continue;
            };
            let Some(assigned) = self.assignment(entry, instruction) else {
                self.fields.remove(&target.field);
                continue;
            };
            let weaker = assigned.is_default || assigned.rank <= later.rank || self.ignores_rank;
            if weaker && assigned.is_number == later.is_number {
                places.push(touched.instructions.start + at);
            }
        }
        Ok((places, !self.fields.is_empty()))
    }

    fn assignment(&self, entry: &Entry, instruction: &Instruction) -> Option<Assignment> {
        let Instruction::Update {
            target,
            value: Payload::Value(value),
            kind: UpdateKind::Property { is_default },
        } = instruction
        else {
            return None;
        };
        let index = self.class.column_index(&target.field)?;
        let column = self.class.columns.get(index)?;
        let is_plain = target.path.is_empty()
            && column.collection == CollectionKind::Single
            && !matches!(column.column_type, ColumnType::Mixed | ColumnType::Link)
            && !u16::try_from(index).is_ok_and(|index| self.evaluated.contains(&index));
        // To what is no integer nothing is ever added.
        let is_number = column.column_type != ColumnType::Int || matches!(value, Value::Int(_));
        is_plain.then_some(Assignment {
            rank: (entry.origin.timestamp, entry.origin.ident),
            is_default: *is_default,
            is_number,
        })
    }
}

/// What is left of an entry.
#[derive(Debug)]
pub struct Folded {
    /// The entry; `None` if nothing is left.
    pub bytes: Option<Vec<u8>>,
    /// Objects that it no longer touches.
    pub gone: Vec<ObjectKey>,
}

/// An entry without some instructions of its changeset, none of which is about the schema. An object that it
/// says nothing more about is no longer touched, unless it moved: that is still to be known.
pub fn without(entry: &Entry, dropped: &BTreeSet<usize>) -> Result<Folded> {
    let instructions = entry.instructions()?;
    let mut kept = Vec::with_capacity(instructions.len());
    // Where each instruction stands afterwards, or would.
    let mut places = Vec::with_capacity(instructions.len() + 1);
    for (at, instruction) in instructions.iter().enumerate() {
        places.push(kept.len());
        if !dropped.contains(&at) {
            kept.push(instruction.clone());
        }
    }
    places.push(kept.len());
    let place = |at: usize| places.get(at).copied().unwrap_or(kept.len());
    let mut gone = Vec::new();
    let mut classes = Vec::new();
    for group in entry.groups()? {
        let mut objects = Vec::new();
        for touched in &group.touched {
            let span = place(touched.instructions.start)..place(touched.instructions.end);
            let object = TouchedObject {
                object: touched.object.clone(),
                before: entry.before(touched).map(<[u8]>::to_vec),
                after: entry.after(touched).map(<[u8]>::to_vec),
                image: entry.image(touched).map(Arc::from),
                instructions: span,
                misapplied: touched.misapplied,
            };
            let emptied = object.instructions.is_empty() && !touched.instructions.is_empty();
            if emptied && !object.moves() {
                gone.push(object.object);
            } else {
                objects.push(object);
            }
        }
        if !objects.is_empty() {
            classes.push(TouchedClass {
                class: group.class,
                columns: Arc::from(group.columns.as_slice()),
                objects,
            });
        }
    }
    let ghosts = entry.ghosts()?;
    let is_left = !(kept.is_empty() && classes.is_empty() && ghosts.is_empty());
    let bytes = is_left.then(|| {
        let changeset = codec::encode(&kept);
        write_entry(
            entry.origin,
            entry.schema_instructions,
            &changeset,
            &classes,
            &ghosts,
        )
    });
    Ok(Folded { bytes, gone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::Origin;
    use tidemark_changeset::{ColumnSpec, KeyType, PrimaryKey, TableSpec, Target};

    const KEY: PrimaryKey = PrimaryKey::Int(1);

    fn schema() -> LedgerSchema {
        let mut schema = LedgerSchema::default();
        let spec = TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type: KeyType::Int,
            key_nullable: false,
            asymmetric: false,
        };
        let class: Name = "T".into();
        let mut instructions = vec![Instruction::AddTable {
            class: class.clone(),
            spec,
        }];
        for (field, of, collection) in [
            ("s", ColumnType::String, CollectionKind::Single),
            ("n", ColumnType::Int, CollectionKind::Single),
            ("m", ColumnType::Mixed, CollectionKind::Single),
            ("q", ColumnType::String, CollectionKind::Single),
        ] {
            instructions.push(Instruction::AddColumn {
                class: class.clone(),
                field: field.into(),
                spec: ColumnSpec::new(of, true, collection, None),
            });
        }
        for instruction in &instructions {
            assert!(schema.extend(instruction).is_ok());
        }
        let number = schema.number(&class).expect("added");
        let column = schema
            .class(number)
            .and_then(|class| class.column_index(&"q".into()));
        let column = u16::try_from(column.expect("added")).expect("small");
        schema.evaluate(number, &[column], 1);
        schema
    }

    fn target(field: &str) -> Target {
        Target {
            class: "T".into(),
            key: KEY,
            field: field.into(),
            path: Vec::new(),
        }
    }

    fn assign(field: &str, value: Value) -> Instruction {
        default(field, value, false)
    }

    fn default(field: &str, value: Value, is_default: bool) -> Instruction {
        Instruction::Update {
            target: target(field),
            value: Payload::Value(value),
            kind: UpdateKind::Property { is_default },
        }
    }

    fn add(field: &str) -> Instruction {
        Instruction::AddInteger {
            target: target(field),
            delta: 1,
        }
    }

    fn text(value: &str) -> Value {
        Value::String(value.into())
    }

    /// An entry on one object, of which existence and queryable values stay or change.
    fn entry(timestamp: u64, instructions: &[Instruction], moves: bool) -> Entry {
        let object = TouchedObject {
            object: ObjectKey::new(0, &KEY),
            before: Some(vec![0]),
            after: Some(vec![u8::from(moves)]),
            image: moves.then(|| Arc::from(&b"row"[..])),
            instructions: 0..instructions.len(),
            misapplied: false,
        };
        let class = TouchedClass {
            class: 0,
            columns: Arc::from([3u16]),
            objects: vec![object],
        };
        let origin = Origin {
            ident: 2,
            client_version: 5,
            timestamp,
        };
        let changeset = codec::encode(instructions);
        let bytes = write_entry(origin, 0, &changeset, &[class], &[]);
        Entry::read(9, Arc::from(bytes)).expect("just written")
    }

    fn touched(entry: &Entry) -> &Touched {
        let groups = entry.groups().expect("readable");
        groups
            .first()
            .and_then(|group| group.touched.first())
            .expect("one object")
    }

    /// Which places of an earlier changeset a later one says again.
    fn said(earlier: &[&Instruction], later: &[&Instruction]) -> Vec<usize> {
        said_at(10, earlier, 11, later)
    }

    fn said_at(ago: u64, earlier: &[&Instruction], now: u64, later: &[&Instruction]) -> Vec<usize> {
        let schema = schema();
        let entry_of = |timestamp, instructions: &[&Instruction]| {
            let instructions: Vec<_> = instructions.iter().copied().cloned().collect();
            entry(timestamp, &instructions, false)
        };
        let (earlier, later) = (entry_of(ago, earlier), entry_of(now, later));
        let found = Later::new(&schema, &later, touched(&later), false).expect("readable");
        found.map_or_else(Vec::new, |mut found| {
            let places = found.overwritten(&earlier, touched(&earlier));
            places.expect("readable").0
        })
    }

    #[test]
    fn only_what_is_said_again_as_strongly_is_left_out() {
        let (s, t) = (&assign("s", text("a")), &assign("s", text("b")));
        assert_eq!(said(&[s, s], &[t]), [1, 0]);
        assert_eq!(said_at(12, &[s], 11, &[t]), [0; 0]);
        let loose = &default("s", text("a"), true);
        assert_eq!(said_at(12, &[loose], 11, &[t]), [0]);
        assert_eq!(said(&[s], &[loose]), [0; 0]);
        for field in ["q", "m"] {
            let again = &assign(field, text("a"));
            assert_eq!(said(&[again], &[again]), [0; 0], "{field}");
        }
        assert_eq!(said(&[s], &[&assign("n", Value::Int(1))]), [0; 0]);
        let create = &Instruction::CreateObject {
            class: "T".into(),
            key: KEY,
        };
        assert_eq!(said(&[s, create, s], &[t]), [2]);
        assert_eq!(said(&[s], &[create, t]), [0; 0]);
    }

    #[test]
    fn integers_are_compared_with_what_is_added() {
        let (one, two) = (&assign("n", Value::Int(1)), &assign("n", Value::Int(2)));
        let (null, add) = (&assign("n", Value::Null), &add("n"));
        assert_eq!(said(&[one], &[two]), [0]);
        assert_eq!(said(&[null], &[two]), [0; 0]);
        assert_eq!(said(&[one], &[null]), [0; 0]);
        assert_eq!(said(&[one, add], &[two]), [0; 0]);
        assert_eq!(said(&[add, one], &[two]), [1]);
        assert_eq!(said(&[one], &[add, two]), [0; 0]);
    }

    #[test]
    fn what_is_left_of_an_entry_can_be_read() {
        let changes = [assign("s", text("a")), add("n"), assign("s", text("b"))];
        let whole = entry(10, &changes, false);
        let folded = without(&whole, &BTreeSet::from([0, 2])).expect("readable");
        assert_eq!(folded.gone, []);
        let bytes = folded.bytes.expect("something is left");
        let left = Entry::read(9, Arc::from(bytes)).expect("just written");
        assert_eq!(left.origin, whole.origin);
        let instructions = left.instructions_of(touched(&left));
        assert_eq!(instructions.expect("readable"), [add("n")]);
        let all = BTreeSet::from([0, 1, 2]);
        let folded = without(&whole, &all).expect("readable");
        assert_eq!(folded.gone, [ObjectKey::new(0, &KEY)]);
        assert_eq!(folded.bytes, None);
        let moved = entry(10, &changes, true);
        let folded = without(&moved, &all).expect("readable");
        let left = Entry::read(9, Arc::from(folded.bytes.expect("it moved"))).expect("written");
        assert_eq!(left.image(touched(&left)), Some(&b"row"[..]));
        assert_eq!(left.after(touched(&left)), Some(&[1][..]));
    }
}
