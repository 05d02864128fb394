//! Objects of plain values are changed as rows: the result is that of the general way.
//!
//! The same batches go to two databases. The class of one has a column more, of mixed values, that nobody
//! uses: it is what makes its objects go the general way.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::packed::{write_key, write_value};
use tidemark_changeset::{Instruction, PrimaryKey, Value};
use tidemark_model::Document;
use tidemark_store::boundary::{self, update_schema};
use tidemark_store::{ClassChanges, Database, DatabaseOptions, WriteTransaction};

const PLAIN: &str = r#"{"name":"n","type":"int","nullable":false},
    {"name":"text","type":"string","nullable":false},
    {"name":"maybe","type":"double","nullable":true},
    {"name":"when","type":"timestamp","nullable":false}"#;
const MIXED: &str = r#",{"name":"zz","type":"mixed","nullable":true}"#;
const N: u16 = 0;
const TEXT: u16 = 1;
const MAYBE: u16 = 2;

fn open(extra: &str, is_synced: bool) -> Database<Memory> {
    open_with(PLAIN, extra, is_synced)
}

fn open_with(plain: &str, extra: &str, is_synced: bool) -> Database<Memory> {
    let options = DatabaseOptions {
        is_synced,
        ..DatabaseOptions::default()
    };
    let database = Database::open(Memory::default(), options).unwrap();
    let mut write = database.begin_write().unwrap();
    let schema = format!(
        r#"[{{"name":"Item","kind":"top","primaryKey":{{"name":"_id","type":"int","nullable":false}},
        "columns":[{plain}{extra}]}}]"#
    );
    update_schema(&mut write, &schema).unwrap();
    database.commit(write, 1).unwrap();
    database
}

/// Builds batches as JavaScript does.
#[derive(Default)]
struct Batch(Vec<u8>);

impl Batch {
    /// `None` leaves a column out, `true` marks a default.
    fn create_with(&mut self, key: i64, values: &[Option<(bool, Value)>]) {
        self.0.extend([0x0c, 0, 0]);
        write_key(&mut self.0, &PrimaryKey::Int(key));
        let count = u16::try_from(values.len()).unwrap();
        self.0.extend(count.to_le_bytes());
        for value in values {
            match value {
                None => self.0.push(0),
                Some((is_default, value)) => {
                    self.0.push(1 + u8::from(*is_default));
                    write_value(&mut self.0, value);
                }
            }
        }
    }

    fn at(&mut self, code: u8, object: f64) {
        self.0.extend([code, 0, 0]);
        self.0.extend(object.to_le_bytes());
    }

    fn set(&mut self, object: f64, column: u16, value: &Value) {
        self.at(0x03, object);
        self.0.extend(column.to_le_bytes());
        self.0.extend([0, 0]);
        write_value(&mut self.0, value);
    }

    fn add(&mut self, object: f64, amount: i64) {
        self.at(0x04, object);
        self.0.extend(N.to_le_bytes());
        self.0.push(0);
        self.0.extend(amount.to_le_bytes());
    }

    fn erase(&mut self, object: f64) {
        self.at(0x02, object);
    }
}

/// Everything that a commit leaves behind, without the column that one of them has more.
#[derive(Debug, PartialEq)]
struct Outcome {
    answer: Vec<u8>,
    emitted: Vec<Instruction>,
    changes: Option<ClassChanges>,
    documents: Vec<(PrimaryKey, Document)>,
    count: u64,
}

fn outcome(database: &Database<Memory>, batches: &[Vec<u8>]) -> Outcome {
    let before = database.version();
    let mut answer = Vec::new();
    let mut work = |write: &mut WriteTransaction<Memory>| {
        for batch in batches {
            answer.extend(boundary::mutate(write, batch).unwrap());
            // What is read in between must not make a difference.
            write.view().unwrap().count(0).unwrap();
        }
    };
    let emitted = if database.is_synced() {
        write(database, 2, work).1
    } else {
        let mut write = database.begin_write().unwrap();
        work(&mut write);
        database.commit(write, 2).unwrap();
        Vec::new()
    };
    let changes = database.changes_since(before);
    let snapshot = database.read().unwrap();
    let model = snapshot.view().export().unwrap();
    let documents = model.objects.get(&"Item".into()).into_iter().flatten();
    Outcome {
        answer,
        emitted,
        changes: changes.classes.get(&"Item".into()).cloned(),
        documents: documents
            .map(|(key, document)| {
                let fields = document.fields.iter().take(4).cloned().collect();
                (key.clone(), Document { fields })
            })
            .collect(),
        count: snapshot.view().count(0).unwrap(),
    }
}

fn values(n: i64, text: &str) -> Vec<Option<(bool, Value)>> {
    vec![
        Some((false, Value::Int(n))),
        Some((n % 3 == 0, Value::String(text.into()))),
        (n % 2 == 0).then_some((false, Value::Null)),
        None,
    ]
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// One transaction's batches; `alive` are the objects that there are, whose keys are counted from 0.
fn transaction(dice: &mut Dice, alive: &mut Vec<u64>, next: &mut u64) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    for _ in 0..=dice.below(2) {
        let mut batch = Batch::default();
        for _ in 0..dice.below(12) {
            let n = i64::try_from(dice.below(1_000)).unwrap();
            let place = usize::try_from(dice.below(alive.len() as u64 + 1)).unwrap();
            match (dice.below(5), alive.get(place).copied()) {
                (0 | 1, _) | (_, None) => {
                    batch.create_with(i64::try_from(*next).unwrap(), &values(n, "made"));
                    if dice.below(3) == 0 {
                        batch.set(-1.0, TEXT, &Value::String("made and set".into()));
                    }
                    alive.push(*next);
                    *next += 1;
                }
                (2, Some(object)) => batch.add(boundary::number_of(object), n),
                (3, Some(object)) => {
                    let text = "x".repeat(usize::try_from(n % 7).unwrap());
                    batch.set(
                        boundary::number_of(object),
                        TEXT,
                        &Value::String(text.as_str().into()),
                    );
                    batch.set(boundary::number_of(object), MAYBE, &Value::Double(0.5));
                }
                (_, Some(object)) => {
                    batch.erase(boundary::number_of(object));
                    alive.retain(|other| *other != object);
                }
            }
        }
        batches.push(batch.0);
    }
    batches
}

#[test]
fn rows_changed_in_place_are_those_of_the_general_way() {
    for is_synced in [false, true] {
        for seed in 0..100 {
            let (flat, general) = (open("", is_synced), open(MIXED, is_synced));
            let (mut dice, mut alive, mut next) = (Dice(seed), Vec::new(), 0);
            for _ in 0..6 {
                let batches = transaction(&mut dice, &mut alive, &mut next);
                let (ours, theirs) = (outcome(&flat, &batches), outcome(&general, &batches));
                assert_eq!(ours, theirs, "seed {seed}, synced: {is_synced}");
            }
        }
    }
}

#[test]
fn indexes_follow_rows_that_are_changed_in_place() {
    let indexed = PLAIN.replacen(r#""type""#, r#""indexed":true,"type""#, 2);
    for is_synced in [false, true] {
        for seed in 0..60 {
            let (flat, general) = (
                open_with(&indexed, "", is_synced),
                open_with(&indexed, MIXED, is_synced),
            );
            let (mut dice, mut alive, mut next) = (Dice(seed), Vec::new(), 0);
            for _ in 0..6 {
                let batches = transaction(&mut dice, &mut alive, &mut next);
                let (ours, theirs) = (outcome(&flat, &batches), outcome(&general, &batches));
                assert_eq!(ours, theirs, "seed {seed}, synced: {is_synced}");
                let snapshot = flat.read().unwrap();
                let view = snapshot.view();
                let all: Vec<u64> = view
                    .objects(0)
                    .unwrap()
                    .map(|entry| entry.unwrap().0)
                    .collect();
                for text in ["n < 500", "n >= 500", "text == 'made'", "text == 'xxx'"] {
                    let found = view.query_counted(0, text, &[], None).unwrap();
                    let scanned = view.query(0, text, &[], Some(&all)).unwrap();
                    assert_eq!(found.objects, scanned, "{text}, seed {seed}");
                    assert!(found.rows_visited <= found.objects.len() as u64, "{text}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_as_the_general_way_does() {
    let refused: [Vec<Option<(bool, Value)>>; 4] = [
        vec![Some((false, Value::Bool(true)))],
        vec![Some((false, Value::Null))],
        vec![Some((false, Value::Int(1))); 6],
        values(1, "there already"),
    ];
    for is_synced in [false, true] {
        for (number, values_given) in refused.iter().enumerate() {
            let errors = ["", MIXED].map(|extra| {
                let database = open(extra, is_synced);
                outcome(&database, &{
                    let mut batch = Batch::default();
                    batch.create_with(7, &values(0, "first"));
                    [batch.0]
                });
                let mut batch = Batch::default();
                batch.create_with(if number == 3 { 7 } else { 8 }, values_given);
                let mut write = database.begin_write().unwrap();
                boundary::mutate(&mut write, &batch.0)
                    .unwrap_err()
                    .to_string()
            });
            assert_eq!(errors[0], errors[1]);
        }
    }
    let database = open("", false);
    let mut write = database.begin_write().unwrap();
    for object in [0.0, 5.0] {
        let mut batch = Batch::default();
        batch.set(object, N, &Value::Int(1));
        boundary::mutate(&mut write, &batch.0).unwrap_err();
        let mut batch = Batch::default();
        batch.erase(object);
        boundary::mutate(&mut write, &batch.0).unwrap_err();
    }
}

#[test]
fn a_guessed_place_is_never_believed_without_the_key() {
    let database = open("", false);
    let mut batch = Batch::default();
    // The first keys are as far from their objects as each other, the later ones are not.
    let keys: Vec<i64> = (100..200).chain([5, 4, 3, 1_000, -7]).collect();
    for key in &keys {
        batch.create_with(*key, &values(*key, "guessed"));
    }
    outcome(&database, &[batch.0]);
    let snapshot = database.read().unwrap();
    let mut guess = boundary::KeyGuess::default();
    let absent = [-1, 0, 99, 200, 205, 1_001, i64::MAX, i64::MIN];
    for round in 0..300 {
        for key in keys.iter().chain(&absent).skip(round % 7) {
            let mut packed = Vec::new();
            write_key(&mut packed, &PrimaryKey::Int(*key));
            let found = boundary::find_row(snapshot.view(), 0, &packed, &mut guess).unwrap();
            let plain = boundary::find(snapshot.view(), 0, &packed).unwrap();
            let object = found.as_ref().map_or(-1.0, |(object, _)| *object);
            assert!(
                (object - plain).abs() < 0.5,
                "key {key}: {object} and {plain}"
            );
            assert_eq!(found.is_none(), absent.contains(key));
        }
    }
}

#[test]
fn a_key_is_refused_while_there_is_an_object_with_it_and_no_longer() {
    let database = open("", false);
    let mut write = database.begin_write().unwrap();
    let mut alive = std::collections::BTreeMap::new();
    let mut next = 0;
    let mut dice = Dice(3);
    for round in 0..400 {
        let low = i64::try_from(dice.below(60)).unwrap() - 20;
        // Mostly counted up, beyond all others.
        let key = if dice.below(3) > 0 { 40 + round } else { low };
        if dice.below(4) == 0
            && let Some(object) = alive.remove(&key)
        {
            let mut batch = Batch::default();
            batch.erase(boundary::number_of(object));
            boundary::mutate(&mut write, &batch.0).unwrap();
        }
        let mut batch = Batch::default();
        batch.create_with(key, &values(key, "made"));
        let result = boundary::mutate(&mut write, &batch.0);
        assert_eq!(result.is_ok(), !alive.contains_key(&key), "{key}");
        if result.is_ok() {
            alive.insert(key, next);
            next += 1;
        }
        let greatest = write.view().unwrap().greatest_integer_key(0).unwrap();
        assert_eq!(greatest, alive.keys().next_back().copied());
        if round % 100 == 99 {
            database.commit(write, 2).unwrap();
            write = database.begin_write().unwrap();
        }
    }
}

#[test]
fn sums_are_those_of_the_rows() {
    let database = open("", false);
    let sum = |column, objects: Option<&[f64]>| {
        let snapshot = database.read().unwrap();
        boundary::sum(snapshot.view(), 0, column, objects).unwrap()
    };
    let (n, text, maybe) = (i32::from(N), i32::from(TEXT), i32::from(MAYBE));
    assert_eq!([sum(n, None), sum(maybe, None)], [Some(0.0), Some(0.0)]);
    let mut batch = Batch::default();
    for key in 0..10 {
        batch.create_with(key, &values(key * 3, "x"));
        if key == 4 {
            batch.set(-1.0, MAYBE, &Value::Double(0.25));
        }
    }
    outcome(&database, &[batch.0]);
    assert_eq!(sum(n, None), Some(135.0));
    assert_eq!(sum(n, Some(&[9.0, 1.0, 77.0])), Some(30.0));
    assert_eq!(sum(maybe, None), Some(0.25));
    // What is no number, and the primary key, has none.
    assert_eq!([sum(text, None), sum(-1, None), sum(9, None)], [None; 3]);
    for value in [1 << 53, i64::MIN] {
        let mut batch = Batch::default();
        batch.set(3.0, N, &Value::Int(value));
        outcome(&database, &[batch.0]);
        assert_eq!(sum(n, None), None);
    }
}
