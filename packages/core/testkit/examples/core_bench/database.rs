//! The local database through the core's own interface: the workloads of the benchmark of the same name, in
//! a file.

use std::path::PathBuf;
use std::time::Duration;

use tidemark_changeset::packed::{Reader, write_value};
use tidemark_changeset::{PrimaryKey, Text, Timestamp, Value};
use tidemark_storage::FileStorage;
use tidemark_store::boundary::{self, update_schema};
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, Given, Location, Snapshot};

use crate::{Bench, timed, timed_by_clock};

const SCHEMA: &str = r#"[{"name":"Item","kind":"top",
  "primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
  {"name":"name","type":"string","nullable":false},{"name":"n","type":"int","nullable":false},
  {"name":"d","type":"double","nullable":false},{"name":"b","type":"bool","nullable":false},
  {"name":"t","type":"timestamp","nullable":false},{"name":"note","type":"string","nullable":false}]}]"#;

/// Position of the class, and of two of its columns.
const ITEM: usize = 0;
const NAME: usize = 0;
const N: usize = 1;

/// Queries and orders with how many of 100,000 objects they find.
const QUERIES: [(&str, &str, usize); 13] = [
    ("scan-int-range", "n >= 100 AND n < 200", 10_000),
    ("scan-int-equal", "n == 500", 100),
    ("scan-string-equal", "name == 'name-77777'", 1),
    ("scan-contains", "note CONTAINS[c] 'needle'", 1_000),
    ("scan-contains-exactly", "note CONTAINS 'NEEDLE'", 1_000),
    ("scan-begins", "name BEGINSWITH 'name-1'", 11_111),
    ("scan-like", "note LIKE '*NEEDLE*'", 1_000),
    ("scan-date-range", "t >= T1600050000:0", 50_000),
    ("scan-or", "n < 10 OR b == true", 50_500),
    ("sort-int", "TRUEPREDICATE SORT(n ASC, _id ASC)", 100_000),
    ("sort-string", "TRUEPREDICATE SORT(name DESC)", 100_000),
    ("sort-limited", "TRUEPREDICATE SORT(d DESC) LIMIT(100)", 100),
    ("sort-distinct", "TRUEPREDICATE DISTINCT(n)", 1_000),
];

type File = Database<FileStorage>;

fn path() -> PathBuf {
    std::env::temp_dir().join(format!("tidemark-core-bench-{}.realm", std::process::id()))
}

fn open(is_synced: bool) -> File {
    let storage = FileStorage::open(&path(), CLIENT_FORMAT).expect("a file");
    let options = DatabaseOptions {
        is_synced,
        ..DatabaseOptions::default()
    };
    Database::open(storage, options).expect("a database")
}

fn create(is_synced: bool) -> File {
    let _ = std::fs::remove_file(path());
    let database = open(is_synced);
    let mut write = database.begin_write().expect("a write");
    update_schema(&mut write, SCHEMA).expect("a good schema");
    database.commit(write, 1).expect("a commit");
    database
}

/// The values of an object, packed, as every caller of the core has them.
fn item(i: u32) -> Vec<Vec<u8>> {
    let tail = if i.is_multiple_of(100) {
        "NEEDLE here"
    } else {
        "jumps over"
    };
    let values = [
        Value::String(Text::from(format!("name-{i}").as_str())),
        Value::Int(i64::from(i) * 7919 % 1000),
        Value::Double(f64::from(i) / 2.0),
        Value::Bool(!i.is_multiple_of(2)),
        Value::Timestamp(Timestamp {
            seconds: 1_600_000_000 + i64::from(i),
            nanoseconds: 0,
        }),
        Value::String(Text::from(
            format!("The quick brown fox item {i} {tail}").as_str(),
        )),
    ];
    values
        .iter()
        .map(|value| {
            let mut packed = Vec::new();
            write_value(&mut packed, value);
            packed
        })
        .collect()
}

fn given(bytes: &[u8]) -> Given<'_> {
    Given {
        is_default: false,
        bytes,
        value: Reader::new(bytes).value().expect("it was packed"),
    }
}

fn insert(database: &File, rows: &[Vec<Vec<u8>>], first: usize) {
    let mut write = database.begin_write().expect("a write");
    for (key, row) in (0..).zip(rows) {
        let values: Vec<_> = row.iter().map(|bytes| Some(given(bytes))).collect();
        let key = PrimaryKey::Int(key + i64::try_from(first).unwrap_or_default());
        write
            .create_with(ITEM, &key, &values)
            .expect("a new object");
    }
    database.commit(write, 2).expect("a commit");
}

fn transactions(database: &File, rows: &[Vec<Vec<u8>>]) {
    for (index, row) in rows.iter().enumerate() {
        insert(database, std::slice::from_ref(row), index);
    }
}

/// Numbers below `end` at random, the same in every run.
fn random(count: u32, end: u32) -> Vec<u32> {
    let mut state: u64 = 12_345;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((state >> 33) % u64::from(end)).unwrap_or_default()
    };
    (0..count).map(next).collect()
}

fn find(snapshot: &Snapshot<FileStorage>, keys: &[u32]) -> usize {
    let find = |key: &&u32| {
        let key = PrimaryKey::Int(i64::from(**key));
        snapshot
            .view()
            .find(ITEM, &key)
            .expect("a look-up")
            .is_some()
    };
    keys.iter().filter(find).count()
}

/// Reads a column of objects and counts its bytes.
fn read(snapshot: &Snapshot<FileStorage>, objects: &[u32], column: usize) -> usize {
    let view = snapshot.view();
    let length = |object: &u32| {
        let row = view.row(ITEM, u64::from(*object)).expect("a read");
        let row = row.expect("it is there");
        let key = u32::from_le_bytes(*row.first_chunk().expect("a row")) as usize;
        let row = tidemark_changeset::packed::RowView::new(&row[4 + key..]).expect("a row");
        row.column_bytes(column)
            .expect("a row")
            .map_or(0, <[u8]>::len)
    };
    objects.iter().map(length).sum()
}

fn update(database: &File, count: u32) {
    let mut write = database.begin_write().expect("a write");
    for object in 0..count {
        let mut packed = Vec::new();
        let value = i64::from(object) * 7919 % 1000 + 1;
        write_value(&mut packed, &Value::Int(value));
        let (object, column) = (u64::from(object), u16::try_from(N).unwrap_or_default());
        let is_set = write.set_plain(ITEM, object, column, &given(&packed));
        if !is_set.expect("a value that fits") {
            let location = Location {
                class: ITEM,
                object,
                column,
                steps: Vec::new(),
            };
            write
                .set(&location, false, &Value::Int(value).into())
                .expect("a value that fits");
        }
    }
    database.commit(write, 3).expect("a commit");
}

fn delete(database: &File, count: u32) {
    let mut write = database.begin_write().expect("a write");
    for object in 0..count {
        write.erase(ITEM, u64::from(object)).expect("it is there");
    }
    database.commit(write, 4).expect("a commit");
}

/// Measures on a file with all rows, which is made anew for each round.
fn with_rows(
    bench: &mut Bench,
    name: &str,
    (rows, is_synced): (&[Vec<Vec<u8>>], bool),
    work: impl Fn(&File) -> Duration,
) {
    bench.measure(name, || {
        let database = create(is_synced);
        insert(&database, rows, 0);
        work(&database)
    });
}

fn writing(bench: &mut Bench, rows: &[Vec<Vec<u8>>]) {
    let count = u32::try_from(rows.len()).unwrap_or_default();
    for is_synced in [false, true] {
        let ending = if is_synced { "-synced" } else { "" };
        bench.measure(&format!("database-rust-insert{ending}"), || {
            let database = create(is_synced);
            timed(|| insert(&database, rows, 0)).0
        });
        bench.measure(&format!("database-rust-transactions{ending}"), || {
            let database = create(is_synced);
            timed_by_clock(|| transactions(&database, &rows[..rows.len() / 10])).0
        });
        let name = format!("database-rust-update{ending}");
        with_rows(bench, &name, (rows, is_synced), |database| {
            timed(|| update(database, count)).0
        });
        let name = format!("database-rust-delete{ending}");
        with_rows(bench, &name, (rows, is_synced), |database| {
            timed(|| delete(database, count)).0
        });
    }
    bench.measure("database-rust-open", || {
        let database = create(false);
        insert(&database, rows, 0);
        drop(database);
        timed_by_clock(|| find(&open(false).read().expect("a snapshot"), &[0])).0
    });
}

fn reading(bench: &mut Bench, rows: &[Vec<Vec<u8>>]) {
    let count = u32::try_from(rows.len()).unwrap_or_default();
    let database = create(false);
    insert(&database, rows, 0);
    let snapshot = database.read().expect("a snapshot");
    let (ordered, keys): (Vec<u32>, _) = ((0..count).collect(), random(count, count));
    bench.measure("database-rust-find", || timed(|| find(&snapshot, &keys)).0);
    for (name, objects, column) in [
        ("database-rust-read-int", &ordered, N),
        ("database-rust-read-string", &ordered, NAME),
        ("database-rust-read-int-random", &keys, N),
    ] {
        let passes = || {
            (0..10)
                .map(|_| read(&snapshot, objects, column))
                .sum::<usize>()
        };
        bench.measure(name, || timed(passes).0);
    }
    for (name, text, expected) in QUERIES {
        bench.measure(&format!("database-rust-{name}"), || {
            let (took, found) = timed(|| snapshot.view().query(ITEM, text, &[], None));
            let found = found.expect("a query").len();
            assert!(count < 100_000 || found == expected, "{text} finds {found}");
            took
        });
    }
    bench.measure("database-rust-column", || {
        let column = i32::try_from(N).unwrap_or_default();
        timed(|| boundary::column(snapshot.view(), ITEM, column, None)).0
    });
}

/// Measures all figures whose names begin with `database-rust`.
pub fn measure(bench: &mut Bench) {
    // What nobody asked for is named with hardly any data.
    let is_asked = bench.asks_for("database-rust");
    let count = if is_asked { bench.count(100_000) } else { 1 };
    let rows: Vec<_> = (0..count).map(item).collect();
    writing(bench, &rows);
    reading(bench, &rows);
    let _ = std::fs::remove_file(path());
}
