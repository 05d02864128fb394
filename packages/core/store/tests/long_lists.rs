//! Long lists: which slots are seen, compared with a walk over all of them, and that an edit costs what it
//! edits.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::packed::{Packed, Reader};
use tidemark_changeset::{Instruction, Link, PathElement, PrimaryKey, Value};
use tidemark_store::boundary::{CollectionSizes, Contains, ValueAt, ViewWork, work};
use tidemark_store::{Step, WriteTransaction};

type Write = WriteTransaction<Memory>;

fn number(object: u64) -> f64 {
    f64::from(u32::try_from(object).unwrap())
}

fn path(index: u32) -> Vec<u8> {
    [&[0][..], &index.to_le_bytes()].concat()
}

fn sizes(write: &mut Write, object: u64, column: u16) -> (u32, u32) {
    let sizes = CollectionSizes {
        class: PERSON,
        object: number(object),
        column,
        path: &[],
    };
    let answer = sizes.work_in_write(write).unwrap();
    let number = |at: usize| u32::from_le_bytes(answer[at..at + 4].try_into().unwrap());
    (number(0), number(4))
}

fn value_at(write: &mut Write, object: u64, column: u16, path: &[u8]) -> Vec<u8> {
    let value = ValueAt {
        class: PERSON,
        object: number(object),
        column,
        path,
    };
    value.work_in_write(write).unwrap()
}

fn key_of(packed: &Packed<'_>) -> i64 {
    let Packed::Link(link) = packed else {
        panic!("a list of links holds links");
    };
    match tidemark_changeset::packed::read_key(link.key_bytes()).unwrap() {
        PrimaryKey::Int(key) => key,
        key => panic!("{key:?} is no key of a person"),
    }
}

fn friend(write: &mut Write, object: u64, index: u32) -> Option<i64> {
    let bytes = value_at(write, object, FRIENDS, &path(index));
    (!bytes.is_empty()).then(|| key_of(&Reader::new(&bytes).value().unwrap()))
}

/// All slots of the list.
fn slots(write: &mut Write, object: u64) -> Vec<i64> {
    let bytes = value_at(write, object, FRIENDS, &[]);
    let Packed::List(list) = Reader::new(&bytes).value().unwrap() else {
        panic!("it is a list");
    };
    list.iter()
        .map(|element| key_of(&element.unwrap()))
        .collect()
}

fn place(object: u64, index: u32) -> tidemark_store::Location {
    below(object, FRIENDS, &[Step::Visible(index)])
}

/// Small numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

const FRIENDS_MAX: usize = 12;

/// A list of links and who exists, as plain as can be.
struct Model {
    slots: Vec<i64>,
    exists: Vec<bool>,
}

impl Model {
    fn is_seen(&self, key: i64) -> bool {
        self.exists[usize::try_from(key).unwrap()]
    }

    fn seen(&self) -> Vec<i64> {
        self.slots
            .iter()
            .copied()
            .filter(|key| self.is_seen(*key))
            .collect()
    }

    fn real(&self, visible: usize) -> usize {
        let mut seen = 0;
        for (index, key) in self.slots.iter().enumerate() {
            if self.is_seen(*key) {
                if seen == visible {
                    return index;
                }
                seen += 1;
            }
        }
        self.slots.len()
    }

    fn someone(&self, numbers: &mut Numbers, exists: bool) -> Option<i64> {
        let all: Vec<usize> = (2..self.exists.len())
            .filter(|key| self.exists[*key] == exists)
            .collect();
        let key = all.get(numbers.below(all.len()))?;
        Some(i64::try_from(*key).unwrap())
    }

    fn edit(&mut self, write: &mut Write, owner: u64, numbers: &mut Numbers) {
        let seen = self.seen().len();
        let at = numbers.below(seen);
        let index = u32::try_from(at).unwrap();
        match numbers.below(12) {
            0..=4 => {
                let Some(key) = self.someone(numbers, true) else {
                    return;
                };
                let at = if numbers.below(2) == 0 {
                    seen
                } else {
                    numbers.below(seen + 1)
                };
                let place = place(owner, u32::try_from(at).unwrap());
                write.list_insert(&place, &payload(link(key))).unwrap();
                self.slots.insert(self.real(at), key);
            }
            5 if seen > 0 => {
                write.list_erase(&place(owner, index)).unwrap();
                self.slots.remove(self.real(at));
            }
            6 if seen > 0 => {
                let to = numbers.below(seen);
                write
                    .list_move(&place(owner, index), u32::try_from(to).unwrap())
                    .unwrap();
                let to = self.real(to);
                let key = self.slots.remove(self.real(at));
                self.slots.insert(to, key);
            }
            7 if seen > 0 => {
                let Some(key) = self.someone(numbers, true) else {
                    return;
                };
                write
                    .set(&place(owner, index), false, &payload(link(key)))
                    .unwrap();
                let at = self.real(at);
                self.slots[at] = key;
            }
            8 | 9 => {
                let Some(key) = self.someone(numbers, true) else {
                    return;
                };
                if numbers.below(3) == 0 {
                    // Here: the links go first.
                    let view = write.view().unwrap();
                    let object = view.find(PERSON, &PrimaryKey::Int(key)).unwrap().unwrap();
                    write.erase(PERSON, object).unwrap();
                    self.slots.retain(|slot| *slot != key);
                } else {
                    // Elsewhere: the links stay, hidden.
                    write.apply(&erase_instruction(key)).unwrap();
                }
                self.exists[usize::try_from(key).unwrap()] = false;
            }
            10 => {
                let Some(key) = self.someone(numbers, false) else {
                    return;
                };
                create(write, key);
                self.exists[usize::try_from(key).unwrap()] = true;
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_seen_is_what_a_walk_over_all_slots_sees() {
    let mut was_hidden = 0;
    for seed in 1..80 {
        let (_storage, database) = database();
        let mut owner = 0;
        write(&database, 2, |write| {
            owner = create(write, 1);
            for key in 2..FRIENDS_MAX {
                create(write, i64::try_from(key).unwrap());
            }
        });
        let mut numbers = Numbers(seed * 0x9E37_79B9);
        let mut model = Model {
            slots: Vec::new(),
            exists: vec![true; FRIENDS_MAX],
        };
        for _ in 0..4 {
            let mut write = database.begin_write().unwrap();
            for _ in 0..40 {
                model.edit(&mut write, owner, &mut numbers);
                let seen = model.seen();
                was_hidden += model.slots.len() - seen.len();
                let expected = (seen.len(), model.slots.len());
                let (visible, real) = sizes(&mut write, owner, FRIENDS);
                assert_eq!((visible as usize, real as usize), expected, "seed {seed}");
                let at = numbers.below(seen.len() + 2);
                let found = friend(&mut write, owner, u32::try_from(at).unwrap());
                // Behind the end there is nothing, hidden slots neither.
                assert_eq!(found, seen.get(at).copied(), "seed {seed}");
            }
            assert_eq!(slots(&mut write, owner), model.slots, "seed {seed}");
            database.commit(write, 3).unwrap();
        }
        // The backlinks are those of the links that there are.
        let snapshot = database.read().unwrap();
        for key in 2..FRIENDS_MAX {
            let key = i64::try_from(key).unwrap();
            let view = snapshot.view();
            let Some(object) = view.find(PERSON, &PrimaryKey::Int(key)).unwrap() else {
                continue;
            };
            let origins = view
                .origins(PERSON, [object].into_iter(), (PERSON, FRIENDS))
                .unwrap();
            let expected = model.slots.contains(&key);
            assert_eq!(origins.contains(&owner), expected, "seed {seed}, {key}");
        }
    }
    assert!(was_hidden > 1_000, "{was_hidden}");
}

/// What some work on a list that grows to a size counts.
fn steps(count: u32, edit: impl Fn(&mut Write, u64, &[u64])) -> u64 {
    let (_storage, database) = database();
    let mut owner = 0;
    let mut objects = Vec::new();
    write(&database, 2, |write| {
        owner = create(write, 1);
        objects = (0..count)
            .map(|index| create(write, 10 + i64::from(index)))
            .collect();
    });
    // One slot is hidden: what others erased.
    write(&database, 3, |write| {
        let key = 5;
        create(write, key);
        write
            .list_insert(&place(owner, 0), &payload(link(key)))
            .unwrap();
        write.apply(&erase_instruction(key)).unwrap();
    });
    let mut write = database.begin_write().unwrap();
    edit(&mut write, owner, &objects);
    let steps = write.steps();
    database.commit(write, 4).unwrap();
    steps
}

fn append_all(write: &mut Write, owner: u64, objects: &[u64]) {
    for (index, key) in (0..).zip(10..).take(objects.len()) {
        write
            .list_insert(&place(owner, index), &payload(link(key)))
            .unwrap();
    }
}

/// That ten times as many elements cost no more than a little over ten times as much.
fn is_linear(edit: impl Fn(&mut Write, u64, &[u64]) + Copy) {
    let (small, large) = (steps(1_000, edit), steps(10_000, edit));
    assert!(
        large <= small * 12 + 100,
        "{small} steps for 1,000 elements, {large} for 10,000"
    );
}

#[test]
fn appending_does_not_grow_with_the_list() {
    is_linear(append_all);
    assert!(steps(10_000, append_all) <= 100);
}

#[test]
fn reads_between_edits_do_not_grow_with_the_list() {
    is_linear(|write, owner, objects| {
        for (index, key) in (0..).zip(10..).take(objects.len()) {
            write
                .list_insert(&place(owner, index), &payload(link(key)))
                .unwrap();
            assert_eq!(sizes(write, owner, FRIENDS), (index + 1, index + 2));
            assert_eq!(
                friend(write, owner, index / 2),
                Some(10 + i64::from(index / 2))
            );
            let packed = value_at(write, owner, FRIENDS, &path(index));
            let Packed::Link(link) = Reader::new(&packed).value().unwrap() else {
                panic!("it is a link");
            };
            let find = work::Find(PERSON, link.key_bytes());
            assert!(find.work_in_write(write).unwrap() > 0.0);
            // A short value beside the long list.
            let objects = [number(owner)];
            let name = work::Column {
                class: PERSON,
                column: i32::from(NAME),
                objects: Some(&objects),
            };
            assert!(!name.work_in_write(write).unwrap().is_empty());
        }
    });
}

#[test]
fn deleting_what_a_list_links_to_does_not_grow_with_the_list() {
    let deleted = |write: &mut Write, owner: u64, objects: &[u64], is_reverse: bool| {
        append_all(write, owner, objects);
        for index in 0..objects.len() {
            let index = if is_reverse {
                objects.len() - 1 - index
            } else {
                index
            };
            write.erase(PERSON, objects[index]).unwrap();
        }
        assert_eq!(sizes(write, owner, FRIENDS), (0, 1));
    };
    is_linear(|write, owner, objects| deleted(write, owner, objects, false));
    is_linear(|write, owner, objects| deleted(write, owner, objects, true));
}

fn tag(key: i64) -> Value {
    Value::String(format!("tag {key}").into())
}

#[test]
fn sets_are_asked_without_being_looked_through() {
    is_linear(|write, owner, objects| {
        for (index, key) in (0..).zip(10..).take(objects.len()) {
            write.set_insert(&at(owner, KNOWN), &link(key)).unwrap();
            write.set_insert(&at(owner, TAGS), &tag(key)).unwrap();
            assert_eq!(sizes(write, owner, TAGS), (index + 1, index + 1));
            let mut value = Vec::new();
            tidemark_changeset::packed::write_value(&mut value, &tag(key));
            let contains = Contains {
                class: PERSON,
                object: number(owner),
                column: TAGS,
                path: &[],
                value: &value,
            };
            assert_eq!(contains.work_in_write(write).unwrap(), [1]);
        }
    });
}

#[test]
fn links_that_occur_several_times_go_from_the_first_on() {
    let (_storage, database) = database();
    let mut objects = Vec::new();
    write(&database, 2, |write| {
        objects = (1..=3).map(|key| create(write, key)).collect();
        for (index, key) in (0..).zip([2, 3, 2, 3, 2]) {
            write
                .list_insert(&place(objects[0], index), &payload(link(key)))
                .unwrap();
        }
    });
    let (_, emitted) = write(&database, 3, |write| {
        write.erase(PERSON, objects[1]).unwrap();
    });
    let erased: Vec<u32> = emitted
        .iter()
        .filter_map(|instruction| match instruction {
            Instruction::ArrayErase { target, .. } => match target.path.as_slice() {
                [PathElement::Index(index)] => Some(*index),
                path => panic!("{path:?}"),
            },
            _ => None,
        })
        .collect();
    assert_eq!(erased, [0, 1, 2]);
    let snapshot = database.read().unwrap();
    let left = Link {
        class: "Person".into(),
        key: PrimaryKey::Int(3),
    };
    assert!(snapshot.view().exists(&left).unwrap());
}
