//! What queries over stored rows take: `cargo run --release -p tidemark-testkit --no-default-features
//! --example scans -- [--indexed] [ROUNDS]`.
//!
//! A line for each query: how many objects it finds, how many rows it visits, and the least time of the
//! processor of several rounds in milliseconds, parsing included. The objects are 100,000 of seven properties,
//! as in the other benchmarks.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures time and says so"
)]

use std::time::{Duration, Instant};

use tidemark_changeset::{Payload, PrimaryKey, Timestamp, Value};
use tidemark_storage::{FileStorage, Storage};
use tidemark_store::boundary::update_schema;
use tidemark_store::{CLIENT_FORMAT, Database, DatabaseOptions, Location, Snapshot};

const COUNT: i64 = 100_000;
const ITEM: usize = 0;

const QUERIES: [(&str, &str); 19] = [
    ("DB3  key", "_id == 77777"),
    ("DB5a range", "n >= 100 AND n < 200"),
    ("DB5b int", "n == 500"),
    ("DB5c string", "name == 'name-77777'"),
    ("DB5d contains[c]", "note CONTAINS[c] 'needle'"),
    ("DB5e contains", "note CONTAINS 'NEEDLE'"),
    ("DB5f beginswith", "name BEGINSWITH 'name-1'"),
    ("DB5g like", "note LIKE '*NEEDLE*'"),
    ("DB5h date", "t >= T1600050000:0"),
    ("DB5i or", "n < 10 OR b == true"),
    ("DB5j arithmetic", "n + 1 > 990"),
    ("DB6a sort", "TRUEPREDICATE SORT(n ASC, _id ASC)"),
    ("DB6b sort string", "TRUEPREDICATE SORT(name DESC)"),
    ("DB6c sort limit", "TRUEPREDICATE SORT(d DESC) LIMIT(100)"),
    ("DB6d distinct", "TRUEPREDICATE DISTINCT(n)"),
    ("     everything", "TRUEPREDICATE"),
    ("     nothing", "n == -1"),
    ("     in", "n IN {1, 2, 3}"),
    ("     double", "d > 49000.5"),
];

fn schema(indexed: bool) -> String {
    format!(
        r#"[{{"name":"Item","kind":"top","primaryKey":{{"name":"_id","type":"int","nullable":false}},
        "columns":[
            {{"name":"name","type":"string","nullable":false,"indexed":{indexed}}},
            {{"name":"n","type":"int","nullable":false,"indexed":{indexed}}},
            {{"name":"d","type":"double","nullable":false}},
            {{"name":"b","type":"bool","nullable":false}},
            {{"name":"t","type":"timestamp","nullable":false,"indexed":{indexed}}},
            {{"name":"note","type":"string","nullable":false}}]}}]"#
    )
}

fn fill<S: Storage>(database: &Database<S>, indexed: bool) -> Duration {
    let mut write = database.begin_write().expect("nobody writes");
    update_schema(&mut write, &schema(indexed)).expect("the schema fits");
    let start = Instant::now();
    for key in 0..COUNT {
        let (object, _) = write
            .create(ITEM, &PrimaryKey::Int(key), false)
            .expect("the key is new");
        let end = if key % 100 == 0 {
            " NEEDLE here"
        } else {
            " jumps over"
        };
        let note = format!("The quick brown fox item {key}{end}");
        let seconds = 1_600_000_000 + key;
        #[allow(clippy::cast_precision_loss)]
        let values = [
            Value::String(format!("name-{key}").as_str().into()),
            Value::Int(key * 7919 % 1000),
            Value::Double(key as f64 / 2.0),
            Value::Bool(key % 2 == 1),
            Value::Timestamp(Timestamp {
                seconds,
                nanoseconds: 0,
            }),
            Value::String(note.as_str().into()),
        ];
        for (column, value) in (0..).zip(values) {
            let place = Location {
                class: ITEM,
                object,
                column,
                steps: Vec::new(),
            };
            write
                .set(&place, false, &Payload::Value(value))
                .expect("the value fits");
        }
    }
    database.commit(write, 1).expect("the disk has room");
    start.elapsed()
}

/// Time that this thread had the processor for; where the operating system does not tell, that of the clock.
fn timed(work: impl FnOnce()) -> Duration {
    let processor_time = || {
        std::thread::yield_now();
        let status = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        status
            .split(' ')
            .next()?
            .parse()
            .ok()
            .map(Duration::from_nanos)
    };
    let before = processor_time();
    let start = Instant::now();
    work();
    let took = start.elapsed();
    let spent = before.and_then(|before| processor_time()?.checked_sub(before));
    spent.filter(|spent| !spent.is_zero()).unwrap_or(took)
}

fn measure<S: Storage>(snapshot: &Snapshot<S>, name: &str, text: &str, rounds: u32) {
    let mut answer = (0, 0);
    let times = (0..rounds).map(|_| {
        timed(|| {
            let found = snapshot.view().query_counted(ITEM, text, &[], None);
            let found = found.expect("the query can be asked");
            answer = (found.objects.len(), found.rows_visited);
        })
    });
    let least = times.min().unwrap_or_default();
    let milliseconds = least.as_secs_f64() * 1000.0;
    println!(
        "{name:<18} {:>7} {:>7} {milliseconds:>9.3}  {text}",
        answer.0, answer.1
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let indexed = arguments.iter().any(|argument| argument == "--indexed");
    let rounds = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(20);
    let path = std::env::temp_dir().join(format!("tidemark-scans-{}", std::process::id()));
    let storage = FileStorage::open(&path, CLIENT_FORMAT).expect("a new file");
    let database = Database::open(
        storage,
        DatabaseOptions {
            is_synced: false,
            ..DatabaseOptions::default()
        },
    )
    .expect("a new database");
    println!(
        "DB1  insert {:.1} ms",
        fill(&database, indexed).as_secs_f64() * 1000.0
    );
    let snapshot = database.read().expect("it was committed");
    for (name, text) in QUERIES {
        measure(&snapshot, name, text, rounds);
    }
    let parsing = timed(|| {
        for _ in 0..10_000 {
            let text = "n >= 100 AND name == 'abc' OR note CONTAINS[c] 'x'";
            let printed = snapshot.view().describe_query(ITEM, text, &[]);
            drop(printed.expect("it can be asked"));
        }
    });
    println!(
        "DB8  parse, bind and print ×10 000: {:.1} ms",
        parsing.as_secs_f64() * 1000.0
    );
    drop(snapshot);
    drop(database);
    let _ = std::fs::remove_file(&path);
}
