//! What others commit while a part of a bootstrap is made.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;

use tidemark_changeset::{Instruction, codec};
use tidemark_storage::{Bytes, Range, Read, Result, Storage, TableId};

use super::before_images::lock;
use super::common::{Peer, TestLedger, city_schema, create, erase, open, set, text};
use super::job::Part;
use super::stored::{Caches, StoredFacts};
use super::tables::OBJECTS;
use crate::switches::Switches;

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

/// A snapshot in the middle of whose scan something is done.
struct Interrupted<'a, R> {
    read: R,
    met: Cell<usize>,
    interruption: RefCell<Option<Box<dyn FnOnce() + 'a>>>,
}

impl<R: Read> Read for Interrupted<'_, R> {
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Bytes>> {
        self.read.get(table, key)
    }

    fn range(&self, table: TableId, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Range<'_>> {
        let range = self.read.range(table, from, to)?;
        let is_scan = table == OBJECTS;
        Ok(Box::new(range.inspect(move |_| {
            self.met.set(self.met.get() + usize::from(is_scan));
            // The first one is done with when the second is asked for.
            if self.met.get() == 2
                && let Some(interrupt) = self.interruption.take()
            {
                interrupt();
            }
        })))
    }
}

/// A ledger with three cities, and somebody who sees them.
fn stage(ledger: &TestLedger) -> Peer<'_, tidemark_storage::OrderedStorage> {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((2, 0), 0, &[(2, 0, 1, city_schema())]);
    anna.query(1, ALL);
    anna.drain();
    let city = |key| vec![create("City", key), set("City", key, "name", text("a"))];
    let cities = [city(1), city(2), city(3)].concat();
    anna.send((3, 0), 0, &[(3, 0, 2, cities)]);
    anna.drain();
    anna
}

/// The only part of a bootstrap of all cities, in the middle of which a change of a city that was met
/// already is committed, and one of a city that was not.
fn interrupted_part(change: fn(i64) -> Instruction) -> Part {
    let ledger = open();
    let anna = stage(&ledger);
    let base = ledger.version();
    let mut bert = Peer::new(&ledger);
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    let session = ledger.sessions.get(bert.session).expect("a session");
    let snapshot = Interrupted {
        read: ledger.storage.snapshot().expect("a snapshot"),
        met: Cell::default(),
        interruption: RefCell::new(Some(Box::new(|| {
            anna.send((4, 0), 0, &[(4, base, 3, vec![change(1), change(3)])]);
        }))),
    };
    let newest = ledger.newest();
    let caches = Caches::default();
    let facts = StoredFacts {
        read: &snapshot,
        schema: &newest.schema,
        caches: &caches,
        trimmed: 0,
    };
    let mut download = lock(&session.download);
    let job = download.jobs.front_mut().expect("a bootstrap is due");
    let stored = (&facts, &ledger.log_objects);
    let part = job.next_part(stored, &newest.state.objects, Switches::ALL, usize::MAX);
    assert!(snapshot.interruption.borrow().is_none(), "not interrupted");
    part.expect("a part")
}

#[test]
fn an_object_that_changes_when_it_was_given_is_not_given_again() {
    for change in [
        |key| set("City", key, "name", text("b")),
        |key| erase("City", key),
    ] {
        let part = interrupted_part(change);
        assert!(part.last);
        let mut given: BTreeMap<String, Vec<Instruction>> = BTreeMap::new();
        for changeset in &part.changesets {
            for instruction in codec::decode(changeset).expect("a changeset").instructions {
                let (_, key) = instruction.object().expect("on an object");
                given
                    .entry(format!("{key:?}"))
                    .or_default()
                    .push(instruction);
            }
        }
        for (key, instructions) in (1..).zip(given.values()) {
            let afresh = [
                erase("City", key),
                create("City", key),
                set("City", key, "name", text("a")),
            ];
            assert_eq!(instructions, &afresh);
        }
        assert_eq!(given.len(), 3);
    }
}
