//! How many bytes a long time offline costs to upload, against one changeset of what came of it; and what
//! compaction costs the writes.
//!
//! ```text
//! cargo run --release -p tidemark-testkit --example compaction [-- TRANSACTIONS [SHAPE]]
//! ```
//!
//! 10,000 objects that the server has; offline, `TRANSACTIONS` (10,000) transactions of 100 single-field
//! updates. Shapes: `rounds` goes through the objects in turn, `random` picks one at a time, `fields` picks
//! object and one of six fields. The figure is what all UPLOAD bodies take, deflated as the session does it;
//! its peer is one changeset with the final value of every changed field, deflated in the same way; both say
//! the same in the end, which is checked. One JSON object a line; what is going on goes to standard error.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use miniz_oxide::deflate::compress_to_vec_zlib;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{Instruction, Name, Payload, PrimaryKey, Value, codec};
use tidemark_storage::{FileStorage, Storage};
use tidemark_store::boundary::update_schema;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, Location};
use tidemark_testkit::dice::Dice;
use tidemark_transform::compaction::Folds;

const OBJECTS: usize = 10_000;
const UPDATES_PER_TRANSACTION: usize = 100;
const FIELDS: u16 = 6;
const UPLOAD_BYTES_MAX: u64 = 131_072;

/// The level of the session's deflate.
const COMPRESSION_LEVEL: u8 = 1;

const SCHEMA: &str = r#"[{"name":"Item","kind":"top",
  "primaryKey":{"name":"_id","type":"int","nullable":false},
  "columns":[{"name":"title","type":"string","nullable":false},{"name":"count","type":"int","nullable":false},
    {"name":"price","type":"double","nullable":false},{"name":"done","type":"bool","nullable":false},
    {"name":"at","type":"timestamp","nullable":false},{"name":"text","type":"string","nullable":false}]}]"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Rounds,
    Random,
    Fields,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Rounds => "rounds",
            Self::Random => "random",
            Self::Fields => "fields",
        }
    }

    /// Object and column of the next update.
    fn next(self, number: usize, dice: &mut Dice) -> (usize, u16) {
        match self {
            Self::Rounds => (number % OBJECTS, 1),
            Self::Random => (dice.below(OBJECTS), 1),
            Self::Fields => {
                let column = u16::try_from(dice.below(usize::from(FIELDS))).unwrap_or_default();
                (dice.below(OBJECTS), column)
            }
        }
    }
}

fn value(column: u16, dice: &mut Dice) -> Value {
    let number = i64::try_from(dice.below(1_000_000)).unwrap_or_default();
    match column {
        0 => Value::String(format!("item {number}").as_str().into()),
        1 => Value::Int(number),
        2 => Value::Double(dice.below(100_000) as f64 / 100.0),
        3 => Value::Bool(number % 2 == 0),
        4 => Value::Timestamp(tidemark_changeset::Timestamp {
            seconds: 1_700_000_000 + number,
            nanoseconds: 0,
        }),
        _ => Value::String(
            format!("some text about the matter of number {number}")
                .as_str()
                .into(),
        ),
    }
}

fn open(name: &str, folds: Folds) -> (PathBuf, Database<Arc<FileStorage>>) {
    let file = format!("tidemark-compaction-{name}-{}", std::process::id());
    let path = std::env::temp_dir().join(file);
    let _ = std::fs::remove_file(&path);
    let storage = FileStorage::open(&path, CLIENT_FORMAT).expect("the file opens");
    let options = DatabaseOptions {
        folds,
        ..DatabaseOptions::default()
    };
    let database = Database::open(Arc::new(storage), options).expect("the database opens");
    let mut write = database.begin_write().expect("the write is free");
    update_schema(&mut write, SCHEMA).expect("the schema fits");
    for key in 0..OBJECTS {
        let key = PrimaryKey::Int(key.try_into().expect("small"));
        write.create(0, &key, false).expect("it is new");
    }
    database.commit(write, 1).expect("it commits");
    // The server has the objects, and the connection ends.
    upload(&database, 0);
    database.uploads_paused();
    (path, database)
}

struct Uploaded {
    version: u64,
    entries: u32,
    bytes: usize,
    deflated: usize,
    /// What a server ends with: by key and field.
    values: BTreeMap<(PrimaryKey, Name), Value>,
}

impl Uploaded {
    fn read(&mut self, body: &[u8]) {
        let entries = parse_upload_body(body, BodyLimits::default()).expect("our own");
        for entry in entries {
            let changeset = codec::decode(entry.changeset).expect("our own");
            for instruction in changeset.instructions {
                if let Instruction::Update { target, value, .. } = instruction
                    && let Payload::Value(value) = value
                {
                    self.values.insert((target.key, target.field), value);
                }
            }
        }
    }
}

fn upload<S: Storage>(database: &Database<S>, after: u64) -> Uploaded {
    let mut uploaded = Uploaded {
        version: after,
        entries: 0,
        bytes: 0,
        deflated: 0,
        values: BTreeMap::new(),
    };
    loop {
        let next = database
            .next_upload(uploaded.version, 0, u64::MAX, UPLOAD_BYTES_MAX)
            .expect("it can be read");
        uploaded.version = next.progress_client_version;
        if next.entries == 0 {
            return uploaded;
        }
        uploaded.entries += next.entries;
        uploaded.read(&next.body);
        uploaded.bytes += next.body.len();
        uploaded.deflated += compress_to_vec_zlib(&next.body, COMPRESSION_LEVEL).len();
    }
}

fn set<S: Storage>(
    write: &mut tidemark_store::WriteTransaction<S>,
    object: usize,
    column: u16,
    value: Value,
) {
    let location = Location {
        class: 0,
        object: object as u64,
        column,
        steps: Vec::new(),
    };
    write
        .set(&location, false, &Payload::Value(value))
        .expect("it fits");
}

struct Run {
    uploaded: Uploaded,
    writing: Duration,
    slowest: Duration,
    uploading: Duration,
    file_bytes: u64,
    finals: Vec<Vec<Option<Value>>>,
}

fn run(shape: Shape, transactions: usize, folds: Folds) -> Run {
    let (path, database) = open(shape.name(), folds);
    let before = database.version();
    let mut dice = Dice::new(1);
    let mut finals = vec![vec![None; usize::from(FIELDS)]; OBJECTS];
    let (mut writing, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for transaction in 0..transactions {
        let start = Instant::now();
        let mut write = database.begin_write().expect("the write is free");
        for update in 0..UPDATES_PER_TRANSACTION {
            let number = transaction * UPDATES_PER_TRANSACTION + update;
            let (object, column) = shape.next(number, &mut dice);
            let value = value(column, &mut dice);
            finals[object][usize::from(column)] = Some(value.clone());
            set(&mut write, object, column, value);
        }
        let time = 1_000 + 20 * transaction as u64;
        database.commit(write, time).expect("it commits");
        let took = start.elapsed();
        writing += took;
        slowest = slowest.max(took);
    }
    let start = Instant::now();
    let uploaded = upload(&database, before);
    let uploading = start.elapsed();
    drop(database);
    let file_bytes = std::fs::metadata(&path).map_or(0, |data| data.len());
    let _ = std::fs::remove_file(&path);
    Run {
        uploaded,
        writing,
        slowest,
        uploading,
        file_bytes,
        finals,
    }
}

/// One changeset with the final values.
fn snapshot(finals: &[Vec<Option<Value>>]) -> Uploaded {
    let (path, database) = open("snapshot", Folds::ALL);
    let before = database.version();
    let mut write = database.begin_write().expect("the write is free");
    for (object, fields) in finals.iter().enumerate() {
        for (column, value) in (0..).zip(fields) {
            if let Some(value) = value {
                set(&mut write, object, column, value.clone());
            }
        }
    }
    database.commit(write, 2).expect("it commits");
    let uploaded = upload(&database, before);
    drop(database);
    let _ = std::fs::remove_file(&path);
    uploaded
}

fn report(shape: Shape, transactions: usize) {
    let with = run(shape, transactions, Folds::ALL);
    let without = run(shape, transactions, Folds::NONE);
    let peer = snapshot(&with.finals);
    for run in [&with, &without] {
        assert_eq!(
            run.uploaded.values, peer.values,
            "the same values in the end"
        );
    }
    for (name, run) in [("compacted", &with), ("not compacted", &without)] {
        eprintln!(
            "{} {name}: {} entries, {} bytes, {} deflated; writing {:?}, slowest {:?}; upload {:?}; \
             file {} bytes",
            shape.name(),
            run.uploaded.entries,
            run.uploaded.bytes,
            run.uploaded.deflated,
            run.writing,
            run.slowest,
            run.uploading,
            run.file_bytes
        );
    }
    eprintln!(
        "{} peer: {} bytes, {} deflated",
        shape.name(),
        peer.bytes,
        peer.deflated
    );
    let suffix = if shape == Shape::Rounds {
        ""
    } else {
        shape.name()
    };
    let dash = if suffix.is_empty() { "" } else { "-" };
    figure(
        &format!("compaction-upload-vs-snapshot{dash}{suffix}"),
        "bytes",
        with.uploaded.deflated as f64,
        "one changeset of the final values",
        peer.deflated as f64,
    );
    figure(
        &format!("compaction-writes{dash}{suffix}"),
        "ms",
        with.writing.as_secs_f64() * 1e3,
        "without compaction",
        without.writing.as_secs_f64() * 1e3,
    );
}

fn figure(name: &str, unit: &str, value: f64, peer: &str, peer_value: f64) {
    let peer = format!(r#"{{"name":"{peer}","value":{peer_value:.0}}}"#);
    let ratio = value / peer_value;
    println!(
        r#"{{"name":"{name}","unit":"{unit}","value":{value:.0},"peer":{peer},"ratio":{ratio:.3}}}"#
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let transactions = arguments.get(1).map_or(10_000, |text| {
        text.parse().expect("a number of transactions")
    });
    for shape in [Shape::Rounds, Shape::Random, Shape::Fields] {
        if arguments.get(2).is_none_or(|name| name == shape.name()) {
            report(shape, transactions);
        }
    }
}
