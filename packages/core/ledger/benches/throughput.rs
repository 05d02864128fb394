//! Figures, not assertions: `cargo bench -p tidemark-ledger --bench throughput`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "it measures time and says so"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{Made, Peer, add_column, add_table, create, insert, options, set, text};
use tidemark_changeset::{CollectionKind, ColumnType, Instruction, KeyType, Value};
use tidemark_ledger::embedded::{Ledger, Upload, tables};
use tidemark_storage::FileStorage;

const OBJECTS: i64 = 100_000;
const PER_TRANSACTION: i64 = 1_000;
const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

fn ledger(name: &str) -> Ledger<FileStorage> {
    let path = std::env::temp_dir().join(format!("tidemark-ledger-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let storage = FileStorage::open(&path, tables::FORMAT).expect("a file can be made");
    Ledger::open(storage, options(77)).expect("a new ledger opens")
}

fn schema() -> Vec<Instruction> {
    let single = CollectionKind::Single;
    vec![
        add_table("City", KeyType::Int),
        add_column("City", "name", ColumnType::String, single),
        add_column("City", "country", ColumnType::String, single),
        add_column("City", "population", ColumnType::Int, single),
        add_column("City", "capital", ColumnType::Bool, single),
        add_column("City", "latitude", ColumnType::Double, single),
        add_column("City", "tags", ColumnType::String, CollectionKind::List),
    ]
}

fn city(key: i64) -> Vec<Instruction> {
    vec![
        create("City", key),
        set("City", key, "name", text(&format!("City number {key}"))),
        set(
            "City",
            key,
            "country",
            text(if key % 10 == 0 { "DK" } else { "SE" }),
        ),
        set("City", key, "population", Value::Int(key * 37)),
        set("City", key, "latitude", Value::Double(55.5)),
    ]
}

fn fill(peer: &Peer<'_, FileStorage>, base: u64, first_version: u64) -> f64 {
    let transactions: Vec<Made> = (0..OBJECTS / PER_TRANSACTION)
        .map(|number| {
            let keys = number * PER_TRANSACTION..(number + 1) * PER_TRANSACTION;
            (
                first_version + number.cast_unsigned(),
                base,
                1000,
                keys.flat_map(city).collect(),
            )
        })
        .collect();
    let start = Instant::now();
    for made in transactions {
        peer.send((made.0, base), base, &[made]);
    }
    start.elapsed().as_secs_f64()
}

fn bootstrap(ledger: &Ledger<FileStorage>, query: &str) -> (f64, usize, usize) {
    let mut peer = Peer::new(ledger);
    peer.identify((0, 0), 0, "{}");
    peer.drain();
    let start = Instant::now();
    peer.query(1, query);
    let mut bytes = 0;
    let mut parts = 0;
    while let Some(part) = peer.next() {
        bytes += part.body.len();
        parts += 1;
    }
    (start.elapsed().as_secs_f64(), bytes, parts)
}

fn main() {
    let ledger = ledger("figures");
    let mut anna = Peer::new(&ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((2, 2), 2, &[(2, 0, 1, schema())]);
    anna.query(1, ALL);
    anna.drain();
    let mut reader = Peer::new(&ledger);
    reader.identify((0, 0), 0, "{}");
    reader.drain();
    reader.query(1, ALL);
    reader.drain();
    let mut danish = Peer::new(&ledger);
    danish.identify((0, 0), 0, "{}");
    danish.drain();
    danish.query(1, r#"{"City":"country == \"DK\""}"#);
    danish.drain();
    let base = ledger.version();
    let seconds = fill(&anna, 4, 10);
    eprintln!("integrate: {:.0} objects/s", OBJECTS as f64 / seconds);
    for (name, peer) in [("all", &reader), ("a tenth", &danish)] {
        let start = Instant::now();
        let parts = peer.drain();
        let bytes: usize = parts.iter().map(|part| part.body.len()).sum();
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "steady, {name}: {seconds:.3} s, {bytes} bytes, {} messages",
            parts.len()
        );
    }
    for (name, query) in [("all", ALL), ("a tenth", r#"{"City":"country == \"DK\""}"#)] {
        let (seconds, bytes, parts) = bootstrap(&ledger, query);
        eprintln!("bootstrap, {name}: {seconds:.3} s, {bytes} bytes, {parts} messages");
    }
    away(&ledger, &anna, base);
    group(&ledger);
}

/// A client that has been away for many foreign versions uploads one edit.
fn away(ledger: &Ledger<FileStorage>, anna: &Peer<'_, FileStorage>, base: u64) {
    let mut bert = Peer::new(ledger);
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    while bert.next().is_some() {}
    let base = ledger.version().max(base);
    anna.drain();
    for round in 0..20u64 {
        let made: Vec<Made> = (0..1000)
            .map(|at| {
                let version = 10_000 + round * 1000 + at;
                let key = (version % 5000).cast_signed() + 10;
                (
                    version,
                    base,
                    2000 + version,
                    vec![set("City", key, "population", Value::Int(1))],
                )
            })
            .collect();
        anna.send((10_000 + round * 1000 + 999, base), base, &made);
    }
    let start = Instant::now();
    bert.send(
        (900, base),
        base,
        &[(
            900,
            base,
            9,
            vec![insert("City", 7, "tags", 0, text("a"), 0)],
        )],
    );
    eprintln!(
        "upload after 20000 foreign versions: {:.2} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
}

/// Small uploads of many sessions in one commit.
fn group(ledger: &Ledger<FileStorage>) {
    let mut peers: Vec<_> = (0..100).map(|_| Peer::new(ledger)).collect();
    for peer in &mut peers {
        peer.identify((0, 0), 0, "{}");
        peer.drain();
        peer.query(1, r#"{"City":"_id > 1000000"}"#);
        peer.drain();
    }
    let mut count = 0;
    let start = Instant::now();
    for round in 0..20u64 {
        let bodies: Vec<Vec<u8>> = (0..100i64)
            .map(|at| {
                let key = 2_000_000 + at * 1000 + round.cast_signed();
                common::body(&[(10 + round, 0, 5, city(key))])
            })
            .collect();
        let uploads: Vec<Upload<'_>> = peers
            .iter()
            .zip(&bodies)
            .map(|(peer, body)| Upload {
                session: peer.session,
                progress_client_version: 10 + round,
                progress_server_version: 0,
                locked_server_version: 0,
                body,
            })
            .collect();
        let answers = ledger.integrate(&uploads, 0).expect("the ledger works");
        count += answers.iter().map(|answer| answer.changesets).sum::<u64>();
    }
    eprintln!(
        "group commit: {:.0} changesets/s",
        count as f64 / start.elapsed().as_secs_f64()
    );
}
