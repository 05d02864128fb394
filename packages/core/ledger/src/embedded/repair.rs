//! That a bootstrap which repairs what interrupted ones left costs little, however many repair at once.

use tidemark_changeset::Instruction;

use super::common::{Peer, TestLedger, city_schema, create, erase, open, set, text};
use super::download::{BatchState, DownloadLimits, DownloadPart};
use super::stored::asked::during;
use crate::error::LedgerError;
use crate::limits::{LOG_OBJECTS_MAX, REPAIR_ENTRIES_MAX};

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

type Client<'a> = Peer<'a, tidemark_storage::OrderedStorage>;

fn subscribed<'a>(ledger: &'a TestLedger, query: &str) -> Client<'a> {
    let mut client = Peer::new(ledger);
    client.identify((0, 0), 0, "{}");
    client.drain();
    client.query(1, query);
    client.drain();
    client
}

/// Somebody who sees all cities and has written so many; the version that was sent last.
fn stage(ledger: &TestLedger, cities: i64) -> (Client<'_>, u64) {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((2, 0), 0, &[(2, 0, 1, city_schema())]);
    anna.query(1, ALL);
    anna.drain();
    let named = |key| {
        [
            create("City", key),
            set("City", key, "name", text(&"a".repeat(100))),
        ]
    };
    anna.send(
        (3, 0),
        0,
        &[(3, 0, 2, (1..=cities).flat_map(named).collect())],
    );
    anna.drain();
    (anna, ledger.version())
}

/// So many entries, each of one instruction.
fn write((anna, base): (&Client<'_>, u64), count: i64, instruction: impl Fn(i64) -> Instruction) {
    for number in 0..count {
        let version = 4 + number.cast_unsigned();
        let made = (version, base, 3, vec![instruction(number)]);
        anna.send((version, base), base, &[made]);
    }
}

#[test]
fn who_repairs_after_others_finds_the_log_searched() {
    let ledger = open();
    let (anna, base) = stage(&ledger, 3);
    let version = ledger.version();
    let dead = |_| {
        let mut client = Peer::new(&ledger);
        client.identify((0, 0), 0, "{}");
        client.drain();
        client.query(1, ALL);
        client
    };
    let clients: Vec<_> = (0..3).map(dead).collect();
    let entries = 2 * REPAIR_ENTRIES_MAX;
    write((&anna, base), entries.cast_signed(), |key| {
        set("City", 1 + key % 3, "name", text("b"))
    });
    let mut reads = Vec::new();
    for mut client in clients {
        client.identify((version, 0), 1, ALL);
        let mut repaired = Vec::new();
        reads.push(during(|| repaired = client.drain()).entries_read);
        let last = repaired.last().expect("a bootstrap");
        assert_eq!(last.batch_state, BatchState::LastInBatch);
    }
    let [first, others @ ..] = &reads[..] else {
        panic!("three clients");
    };
    // Each reads the log once to be sent what it has missed, and their bootstraps are in it too.
    assert!(*first as u64 >= 2 * entries, "{reads:?}");
    let once = entries + REPAIR_ENTRIES_MAX / 2;
    assert!(others.iter().all(|read| (*read as u64) < once), "{reads:?}");
}

#[test]
fn what_is_gone_since_a_part_was_made_fills_parts_as_well() {
    const CITIES: i64 = 100;
    let limits = DownloadLimits::of(1_000);
    let ledger = open();
    let (anna, base) = stage(&ledger, CITIES);
    let mut bert = Peer::new(&ledger);
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    let next = || {
        ledger
            .next_download(bert.session, limits)
            .expect("the ledger works")
    };
    let first = next().expect("a part");
    let all = (1..=CITIES).map(|key| erase("City", key)).collect();
    anna.send((4, base), base, &[(4, base, 3, all)]);
    let parts: Vec<DownloadPart> = std::iter::from_fn(next)
        .take_while(|part| part.batch_state != BatchState::Steady)
        .collect();
    for part in [&first].into_iter().chain(&parts) {
        assert!(part.body.len() < 1_300, "{}", part.body.len());
    }
    assert!(parts.len() > 5, "{}", parts.len());
    let last = parts.last().map(|part| part.batch_state);
    assert_eq!(last, Some(BatchState::LastInBatch));
}

#[test]
fn who_would_have_to_repair_too_much_starts_over() {
    let ledger = open();
    let (anna, base) = stage(&ledger, 3);
    let version = ledger.version();
    let mut client = Peer::new(&ledger);
    client.identify((0, 0), 0, "{}");
    client.drain();
    client.query(1, ALL);
    let objects = i64::try_from(LOG_OBJECTS_MAX).expect("few in tests") + 1;
    write((&anna, base), objects, |key| create("City", 1_000 + key));
    client.identify((version, 0), 1, ALL);
    let stopped = loop {
        match ledger.next_download(client.session, DownloadLimits::of(1 << 20)) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it was repaired"),
            Err(error) => break error,
        }
    };
    assert!(matches!(stopped, LedgerError::Trimmed), "{stopped:?}");
    // Others have nothing to repair.
    subscribed(&ledger, ALL);
}
