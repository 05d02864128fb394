//! What merging costs a server, as lines of JSON: `cargo bench -p tidemark-ledger --bench merge -- [NAME…]`.
//!
//! * `merge-M1`: 100 replicas set 100 values each, one transaction a value, over 1,000 shared objects;
//! * `merge-M2`: two replicas make 5,000 insertions each at random places of one list, each all of its own in
//!   one transaction;
//! * `merge-M2-transactions-N`: two replicas make N insertions each, one transaction an insertion;
//! * `upload-transactions-N`: one replica does, and nobody else edits;
//! * `upload-after-N`: a client that was away while N foreign versions arrived uploads 10,000 changes.
//!
//! Each goes through everything a server does with an upload: reading bytes, checking, merging, storing (in
//! memory). Times are of the processor, so that what else runs on the machine matters less; the best of
//! several rounds counts.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures time and says so"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{
    Made, Peer, TestLedger, add_column, add_table, body, create, insert, open, options, set,
};
use tidemark_changeset::{CollectionKind, ColumnType, Instruction, KeyType, Value};
use tidemark_ledger::embedded::{Ledger, Upload};
use tidemark_storage::OrderedStorage;

const ROUNDS: usize = 7;
const ALL: &str = r#"{"Thing":"TRUEPREDICATE"}"#;
const AWAY_CHANGES: u64 = 10_000;

type Client<'a> = Peer<'a, OrderedStorage>;

/// Repeatable chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn schema() -> Vec<Instruction> {
    vec![
        add_table("Thing", KeyType::Int),
        add_column("Thing", "value", ColumnType::Int, CollectionKind::Single),
        add_column("Thing", "list", ColumnType::Int, CollectionKind::List),
    ]
}

/// Time that this thread has had; where the system does not say it, time that has passed.
fn processor_ms() -> f64 {
    thread_local! {
        static START: Instant = Instant::now();
    }
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = schedule.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || START.with(|start| start.elapsed().as_secs_f64() * 1e3),
        |nanoseconds| nanoseconds * 1e-6,
    )
}

/// A client that holds everything and has said so; the answer is its base.
fn subscribe(client: &mut Client<'_>) -> u64 {
    client.identify((0, 0), 0, "{}");
    client.drain();
    client.query(1, ALL);
    client.drain();
    client.ledger.version()
}

/// A ledger with so many objects that everybody knows.
fn with_objects(count: i64) -> TestLedger {
    let ledger = open();
    {
        let mut first = Peer::new(&ledger);
        first.identify((0, 0), 0, "{}");
        first.drain();
        first.send((2, 0), 0, &[(2, 0, 1, schema())]);
        let objects = (0..count).map(|key| create("Thing", key)).collect();
        first.query(1, ALL);
        first.drain();
        first.send((3, 0), 0, &[(3, 0, 2, objects)]);
    }
    ledger
}

/// Integrates one UPLOAD of each client; the answer is the time in milliseconds.
fn integrate(clients: &[Client<'_>], made: &[(u64, Vec<Made>)]) -> f64 {
    let ledger: &Ledger<OrderedStorage> = clients.first().expect("at least one client").ledger;
    let bodies: Vec<_> = made.iter().map(|(_, made)| body(made)).collect();
    let changesets: usize = made.iter().map(|(_, made)| made.len()).sum();
    let before = ledger.version();
    let start = processor_ms();
    for ((client, (base, made)), body) in clients.iter().zip(made).zip(&bodies) {
        let upload = Upload {
            session: client.session,
            progress_client_version: made.last().map_or(0, |last| last.0),
            progress_server_version: *base,
            locked_server_version: *base,
            body,
        };
        let answers = ledger.integrate(&[upload], 0).expect("the ledger works");
        let refused = answers.iter().any(|answer| answer.refusal.is_some());
        assert!(!refused, "{answers:?}");
    }
    let took = processor_ms() - start;
    assert_eq!(ledger.version() - before, changesets as u64, "all are in");
    took
}

/// Clients, and how far each was brought.
fn clients(ledger: &TestLedger, count: usize) -> (Vec<Client<'_>>, Vec<u64>) {
    let mut clients: Vec<_> = (0..count).map(|_| Peer::new(ledger)).collect();
    let bases = clients.iter_mut().map(subscribe).collect();
    (clients, bases)
}

fn m1(round: u64) -> f64 {
    let ledger = with_objects(1_000);
    let (clients, bases) = clients(&ledger, 100);
    let mut chance = Chance(round);
    let made: Vec<_> = (0..)
        .zip(bases)
        .map(|(replica, base): (u64, u64)| {
            let made = (0..100u64).map(|at| {
                let key = chance.below(1_000).cast_signed();
                let value = Value::Int((replica * 100 + at).cast_signed());
                let timestamp = 1_000 + chance.below(1_000);
                (
                    10 + at,
                    base,
                    timestamp,
                    vec![set("Thing", key, "value", value)],
                )
            });
            (base, made.collect())
        })
        .collect();
    integrate(&clients, &made)
}

/// Insertions at random places of one list.
fn insertions(chance: &mut Chance, count: u32) -> Vec<Instruction> {
    let insertions = (0..count).map(|at| {
        let place = chance.below(u64::from(at) + 1);
        let place = u32::try_from(place).expect("below a u32");
        insert("Thing", 0, "list", place, Value::Int(i64::from(at)), at)
    });
    insertions.collect()
}

fn m2(round: u64) -> f64 {
    let ledger = with_objects(1);
    let (clients, bases) = clients(&ledger, 2);
    let mut chance = Chance(round);
    let made: Vec<_> = (0..)
        .zip(bases)
        .map(|(replica, base): (u64, u64)| {
            let insertions = insertions(&mut chance, 5_000);
            (base, vec![(10, base, 1_000 + replica, insertions)])
        })
        .collect();
    integrate(&clients, &made)
}

/// As many replicas as asked for make as many insertions each, one transaction an insertion.
fn transactions(replicas: usize, count: u32) -> f64 {
    let ledger = with_objects(1);
    let (clients, bases) = clients(&ledger, replicas);
    let mut chance = Chance(1);
    let made: Vec<_> = (0..)
        .zip(bases)
        .map(|(replica, base): (u64, u64)| {
            let insertions = insertions(&mut chance, count).into_iter();
            let made = (10..).zip(insertions);
            let made = made.map(|(version, one)| (version, base, 1_000 + replica, vec![one]));
            (base, made.collect())
        })
        .collect();
    integrate(&clients, &made)
}

/// The writer works on other objects, and on one in a hundred of those that the late client has changed.
fn after(foreign: u64) -> f64 {
    const BATCH: u64 = 1_000;
    let ledger = with_objects(2 * AWAY_CHANGES.cast_signed());
    let (mut clients, bases) = clients(&ledger, 2);
    let away = clients.split_off(1);
    let [mut base, away_base] = bases.try_into().expect("two clients");
    for batch in 0..foreign / BATCH {
        let made: Vec<Made> = (0..BATCH)
            .map(|at| {
                let number = batch * BATCH + at;
                let key = if number.is_multiple_of(foreign.div_ceil(AWAY_CHANGES / 100)) {
                    100 * (number % (AWAY_CHANGES / 100))
                } else {
                    AWAY_CHANGES + number % AWAY_CHANGES
                };
                let change = set("Thing", key.cast_signed(), "value", Value::Int(1));
                (10 + number, base, 1_000 + number, vec![change])
            })
            .collect();
        integrate(&clients, &[(base, made)]);
        for client in &clients {
            client.drain();
        }
        base = ledger.version();
    }
    let made = (0..AWAY_CHANGES)
        .map(|at| {
            let change = set("Thing", at.cast_signed(), "value", Value::Int(2));
            (10 + at, away_base, 2_000, vec![change])
        })
        .collect();
    integrate(&away, &[(away_base, made)])
}

fn report(name: &str, rounds: usize, run: impl Fn(u64) -> f64) {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    if asked.is_empty() || asked.iter().any(|asked| asked == name) {
        let times = (0..rounds as u64).map(run);
        let best = times.min_by(f64::total_cmp).expect("at least one round");
        println!(r#"{{"name":"{name}","unit":"processor ms","value":{best:.3}}}"#);
    }
}

fn main() {
    let _ = options;
    report("merge-M1", ROUNDS, m1);
    report("merge-M2", ROUNDS, m2);
    for count in [500, 1_000, 5_000] {
        let name = format!("merge-M2-transactions-{count}");
        report(&name, 1, |_| transactions(2, count));
    }
    for count in [1_000, 2_000, 10_000] {
        let name = format!("upload-transactions-{count}");
        report(&name, 1, |_| transactions(1, count));
    }
    for foreign in [1_000, 10_000, 100_000, 1_000_000] {
        report(&format!("upload-after-{foreign}"), 1, |_| after(foreign));
    }
}
