//! The log is trimmed, files expire, and who refers to what is gone is told to start over.

mod common;

use common::{Peer, SALT, city_schema, create, erase, open, options, set, text};
use tidemark_ledger::LedgerError;
use tidemark_ledger::embedded::{DownloadLimits, Ledger, Options, Progress, tables};
use tidemark_ledger::error::{Action, Stop};
use tidemark_ledger::limits::{CLOCK_AHEAD_MAX_MS, TIMESTAMP_START_UNIX_MS};
use tidemark_ledger::switches::Switches;
use tidemark_storage::{FileStorage, OrderedStorage, Read, Storage, TableId};

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;
const DANISH: &str = r#"{"City":"country == \"DK\""}"#;
const WINDOW_MS: u64 = 30_000;
const START_MS: u64 = 1_000_000;

/// A clock that passes, with upkeep meanwhile.
struct Clock<'a, S: Storage> {
    ledger: &'a Ledger<S>,
    now_ms: u64,
}

impl<'a, S: Storage> Clock<'a, S> {
    fn new(ledger: &'a Ledger<S>) -> Self {
        ledger.set_max_offline_ms(WINDOW_MS);
        let clock = Self {
            ledger,
            now_ms: START_MS,
        };
        clock.cycle();
        clock
    }

    /// A whole cycle.
    fn cycle(&self) -> Progress {
        let mut total = Progress::default();
        while !total.is_done {
            let step = self.ledger.maintain(self.now_ms, 100).expect("it works");
            total.is_done = step.is_done;
            total.clients_expired += step.clients_expired;
            total.entries_trimmed += step.entries_trimmed;
            total.bytes_trimmed += step.bytes_trimmed;
            total.cursors_owed += step.cursors_owed;
        }
        total
    }

    /// A share of the maximum offline time passes.
    fn pass(&mut self, percent: u64) -> Progress {
        let end_ms = self.now_ms + WINDOW_MS * percent / 100;
        let mut total = Progress::default();
        while self.now_ms < end_ms {
            self.now_ms = end_ms.min(self.now_ms + WINDOW_MS / 50);
            let cycle = self.cycle();
            total.clients_expired += cycle.clients_expired;
            total.entries_trimmed += cycle.entries_trimmed;
            total.bytes_trimmed += cycle.bytes_trimmed;
            total.cursors_owed += cycle.cursors_owed;
        }
        total
    }

    /// A new file that sees what a query shows.
    fn join(&self, query: &str) -> Peer<'a, S> {
        let mut peer = Peer::new(self.ledger);
        peer.now_ms = self.now_ms;
        peer.identify((0, 0), 0, "{}");
        peer.drain();
        let version = self.ledger.version();
        peer.send((2, version), version, &[(2, version, 1, city_schema())]);
        peer.query(1, query);
        peer.drain();
        let version = self.ledger.version();
        peer.send((3, version), version, &[]);
        peer
    }
}

/// A client that has integrated everything, `cv` being its newest version, comes again.
fn reconnect<S: Storage>(peer: &mut Peer<'_, S>, now_ms: u64, cv: u64, query: &str) -> u64 {
    let version = peer.ledger.version();
    peer.now_ms = now_ms;
    peer.identify((version, cv), 1, query);
    peer.drain();
    version
}

fn rename<S: Storage>(peer: &mut Peer<'_, S>, now_ms: u64, cv: u64, name: &str) -> u64 {
    let base = reconnect(peer, now_ms, cv - 1, ALL);
    let change = vec![create("City", 1), set("City", 1, "name", text(name))];
    peer.send((cv, base), base, &[(cv, base, cv, change)]);
    peer.drain();
    peer.ledger.version()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Stop>) -> u16 {
    match result {
        Err(Stop::Refused(refusal)) => {
            assert_eq!(refusal.action, Action::ClientReset);
            refusal.code
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn keys(storage: &impl Storage, table: TableId) -> usize {
    let snapshot = storage.snapshot().expect("the storage is there");
    snapshot.prefix(table, &[]).expect("readable").count()
}

fn bytes(storage: &impl Storage) -> usize {
    let snapshot = storage.snapshot().expect("the storage is there");
    (0..9)
        .flat_map(|number| {
            let lines = snapshot.prefix(TableId::new(number), &[]);
            lines.expect("readable").map(|line| {
                let (key, value) = line.expect("readable");
                key.len() + value.len()
            })
        })
        .sum()
}

#[test]
fn who_stays_away_for_longer_than_the_maximum_starts_over() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let bert = clock.join(ALL);
    let base = rename(&mut anna, clock.now_ms, 4, "a");
    bert.drain();
    ledger.end_session(bert.session);
    let said = bert.identification((base, 3), 1, ALL);
    // Anna goes on. As long as Bert may come back, what he has not seen is kept for him.
    rename(&mut anna, clock.now_ms, 5, "b");
    assert_eq!(clock.pass(95).clients_expired, 0);
    assert!(ledger.status().trimmed <= base);
    let back = ledger.identify(said.clone(), clock.now_ms);
    let back = back.expect("he is not late").session;
    assert_eq!(
        ledger
            .next_download(back, DownloadLimits::of(1000))
            .expect("it works")
            .map(|part| part.entries),
        Some(1)
    );
    ledger.end_session(back);
    assert_eq!(clock.pass(120).clients_expired, 1);
    assert_eq!(refused(ledger.identify(said, clock.now_ms)), 222);
    let status = ledger.status();
    assert_eq!((status.clients, status.expired), (2, 1));
    assert_eq!(
        (status.trimmed, status.bytes),
        (ledger.version(), 0),
        "nothing is kept for Anna, who is connected"
    );
    // An ident that was never given out is another matter.
    let mut nobody = bert.identification((base, 3), 1, ALL);
    nobody.file_ident = 99;
    assert_eq!(refused(ledger.identify(nobody, clock.now_ms)), 208);
    // Whoever begins anew gets everything.
    let fresh = clock.join(ALL);
    rename(&mut anna, clock.now_ms, 6, "c");
    assert_eq!(fresh.only().entries, 1);
}

#[test]
fn a_cursor_behind_the_trim_is_refused_even_of_a_file_that_is_known() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(ALL);
    let old = ledger.version();
    // Bert is connected all the time; but his file was restored from a copy.
    for step in 0..30 {
        rename(&mut anna, clock.now_ms, 4 + step, "a");
        clock.pass(10);
        bert.drain();
    }
    assert!(ledger.status().trimmed > old);
    let said = bert.identification((old, 3), 1, ALL);
    assert_eq!(refused(ledger.identify(said, clock.now_ms)), 222);
    // And so is an edit made on top of it, by the same code.
    let now = ledger.version();
    bert.now_ms = clock.now_ms;
    bert.identify((now, 3), 1, ALL);
    bert.drain();
    let edit = vec![set("City", 1, "name", text("late"))];
    let answer = bert.upload((5, now), now, &[(5, old, 9, edit)]);
    assert_eq!(answer.refusal.map(|refusal| refusal.code), Some(222));
    assert_eq!(ledger.version(), now, "nothing of it is stored");
}

#[test]
fn who_is_connected_never_expires_and_is_told_of_its_cursor() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(DANISH);
    bert.drain();
    // For years, nothing comes for Bert: no Danish city changes.
    let mut cursor = ledger.version();
    for step in 0..100 {
        rename(&mut anna, clock.now_ms, 4 + step, "a");
        let owed = clock.pass(10).cursors_owed;
        for part in bert.drain() {
            assert_eq!(part.entries, 0);
            assert!(owed > 0 && part.download_server_version > cursor);
            cursor = part.download_server_version;
        }
    }
    let status = ledger.status();
    assert_eq!(status.expired, 0);
    assert!(cursor >= status.trimmed && ledger.version() - cursor < 5);
    // What he writes fits, and so does his cursor in the next session.
    bert.now_ms = clock.now_ms;
    let edit = vec![create("City", 2), set("City", 2, "country", text("DK"))];
    bert.send((4, cursor), cursor, &[(4, cursor, 9, edit)]);
    assert_eq!(anna.only().entries, 1);
    bert.identify((cursor, 3), 1, DANISH);
}

#[test]
fn an_outage_or_a_leap_of_the_clock_expires_nobody() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let bert = clock.join(ALL);
    let cursor = ledger.version();
    ledger.end_session(bert.session);
    clock.pass(50);
    clock.now_ms += 400 * 24 * 60 * 60 * 1000;
    assert_eq!(clock.cycle().clients_expired, 0);
    clock.now_ms = START_MS / 2;
    assert_eq!(clock.cycle().clients_expired, 0);
    assert_eq!(clock.pass(30).clients_expired, 0);
    let said = bert.identification((cursor, 3), 1, ALL);
    ledger
        .identify(said, clock.now_ms)
        .expect("he was not late");
}

#[test]
fn steps_are_short_and_a_new_process_goes_on() {
    let path = std::env::temp_dir().join(format!("tidemark-ledger-upkeep-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let open = |salt| {
        let storage = FileStorage::open(&path, tables::FORMAT).expect("the file opens");
        Ledger::open(storage, options(salt)).expect("the ledger opens")
    };
    let (mut steps, mut epochs) = (0, 0);
    for start in 0..20 {
        let ledger = open(SALT + start);
        ledger.set_max_offline_ms(WINDOW_MS);
        let mut peer = Peer::new(&ledger);
        peer.now_ms = START_MS + start;
        peer.identify((0, 0), 0, "{}");
        peer.drain();
        let edits: Vec<_> = (2..12)
            .map(|cv| {
                let edit = vec![create("City", 1)];
                (cv, 0, 1, [city_schema(), edit].concat())
            })
            .collect();
        peer.send((12, 0), 0, &edits);
        // Two steps and no more: the place in the cycle is lost each time.
        for _ in 0..2 {
            ledger.maintain(peer.now_ms, 3).expect("it works");
            steps += 1;
        }
        epochs = ledger.status().epoch;
        ledger.close().expect("the ledger closes");
    }
    let ledger = open(SALT + 100);
    let kept = ledger.version();
    let mut clock = Clock::new(&ledger);
    clock.now_ms = START_MS + 1000;
    loop {
        let step = ledger.maintain(clock.now_ms, 3).expect("it works");
        assert!(step.entries_trimmed <= 3 && step.clients_expired <= 3);
        if step.is_done {
            break;
        }
        steps += 1;
    }
    assert!(steps > 40, "{steps}");
    assert_eq!(clock.pass(120).clients_expired, 20);
    let status = ledger.status();
    assert_eq!((status.trimmed, status.bytes), (kept, 0));
    assert_eq!(status.epoch, epochs + 1, "epochs are counted, not kept");
    ledger.close().expect("the ledger closes");
    let _ = std::fs::remove_file(&path);
}

#[test]
fn an_expired_file_goes_in_steps_and_is_refused_from_the_first() {
    let storage = std::sync::Arc::new(OrderedStorage::new());
    let ledger = Ledger::open(std::sync::Arc::clone(&storage), options(SALT)).expect("it opens");
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(ALL);
    let base = reconnect(&mut bert, clock.now_ms, 3, ALL);
    rename(&mut anna, clock.now_ms, 4, "a");
    // Bert's edits meet Anna's: forms, records and originals are kept for him.
    bert.now_ms = clock.now_ms;
    let edits: Vec<_> = (4..40)
        .map(|cv| {
            (
                cv,
                base,
                cv,
                vec![create("City", 1), set("City", 1, "name", text("b"))],
            )
        })
        .collect();
    bert.send((40, base), base, &edits);
    ledger.end_session(bert.session);
    let before = keys(&*storage, tables::OWN_UPLOADS);
    assert!(before >= 36);
    let said = bert.identification((base, 3), 1, ALL);
    let mut known = true;
    let mut steps = 0;
    while keys(&*storage, tables::CLIENTS) > 1 {
        clock.now_ms += WINDOW_MS / 20;
        let step = ledger.maintain(clock.now_ms, 1).expect("it works");
        steps += 1;
        known &= step.clients_expired == 0;
        if !known {
            assert_eq!(refused(ledger.identify(said.clone(), clock.now_ms)), 222);
        }
    }
    assert!(!known && steps > 36, "{steps}");
    assert_eq!(keys(&*storage, tables::VIEWS), 1);
}

/// Whatever was done and whoever was there: after each window the storage holds what lives, what was made
/// within two windows, and a row for who may come back.
#[test]
fn size_is_bounded_by_live_data_and_the_offline_window() {
    let storage = std::sync::Arc::new(OrderedStorage::new());
    let ledger = Ledger::open(std::sync::Arc::clone(&storage), options(SALT)).expect("it opens");
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut largest = Vec::new();
    let mut cv = 4;
    for round in 0..60 {
        // A visitor comes, collides, and never comes back; ten cities come and go.
        let mut visitor = clock.join(if round % 2 == 0 { ALL } else { DANISH });
        let before = reconnect(
            &mut visitor,
            clock.now_ms,
            3,
            if round % 2 == 0 { ALL } else { DANISH },
        );
        for key in 1..11 {
            let base = reconnect(&mut anna, clock.now_ms, cv - 1, ALL);
            let edit = vec![
                create("City", key),
                set("City", key, "name", text("x")),
                set("City", key, "country", text("DK")),
            ];
            anna.send((cv, base), base, &[(cv, base, cv, edit.clone())]);
            visitor.now_ms = clock.now_ms;
            visitor.send((cv, before), before, &[(cv, before, cv, edit)]);
            cv += 1;
        }
        let base = reconnect(&mut anna, clock.now_ms, cv - 1, ALL);
        let gone = (1..11).map(|key| erase("City", key)).collect();
        anna.send((cv, base), base, &[(cv, base, cv, gone)]);
        cv += 1;
        anna.drain();
        ledger.end_session(visitor.session);
        clock.pass(40);
        largest.push(bytes(&*storage));
    }
    let early = largest[10..20].iter().max().expect("ten rounds");
    let late = largest[50..].iter().max().expect("ten rounds");
    assert!(*late <= early + early / 10, "{early} bytes grew to {late}");
    // And in silence nothing is left but the schema and Anna.
    clock.pass(220);
    let status = ledger.status();
    assert_eq!((status.bytes, status.clients - status.expired), (0, 1));
    assert!(bytes(&*storage) < 1_500, "{}", bytes(&*storage));
}

/// Bert's edit of City 1 is in the log, and he may have heard so. Then Anna says it again, while Carl has
/// heard of neither. Returns how many entries on the city are left, and which client versions Bert's
/// downloads have when he comes back.
fn said_again(switches: Switches, bert_hears: bool) -> (usize, Vec<u64>) {
    let storage = std::sync::Arc::new(OrderedStorage::new());
    let options = Options {
        switches,
        ..options(SALT)
    };
    let ledger = Ledger::open(std::sync::Arc::clone(&storage), options).expect("it opens");
    let clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(ALL);
    let carl = clock.join(ALL);
    ledger.end_session(carl.session);
    rename(&mut anna, clock.now_ms, 4, "a");
    let mut cursor = (reconnect(&mut bert, clock.now_ms, 3, ALL), 3);
    let edit = |name| vec![set("City", 1, "name", text(name))];
    bert.send((4, cursor.0), cursor.0, &[(4, cursor.0, 10, edit("b"))]);
    if bert_hears {
        cursor = (reconnect(&mut bert, clock.now_ms, 4, ALL), 4);
        bert.send((5, cursor.0), cursor.0, &[]);
    }
    ledger.end_session(bert.session);
    let base = reconnect(&mut anna, clock.now_ms, 4, ALL);
    anna.send((5, base), base, &[(5, base, 11, edit("c"))]);
    anna.drain();
    clock.cycle();
    bert.identify(cursor, 1, ALL);
    let parts = bert.drain();
    let told = parts.iter().flat_map(common::entries);
    (
        keys(&*storage, tables::INDEX),
        told.map(|entry| entry.client_version).collect(),
    )
}

#[test]
fn what_is_said_again_is_left_out_once_its_client_has_passed_it() {
    assert_eq!(said_again(Switches::ALL, true), (2, vec![4]));
    // He has to be told that Anna's edit knows his.
    assert_eq!(said_again(Switches::ALL, false), (3, vec![4]));
    let careless = Switches {
        fold_when_passed: false,
        ..Switches::ALL
    };
    assert_eq!(
        said_again(careless, false),
        (2, vec![3]),
        "without the rule Bert merges his edit with one that contains it"
    );
}

#[test]
fn what_came_and_went_before_a_file_began_does_not_concern_it() {
    let ledger = open();
    let clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    rename(&mut anna, clock.now_ms, 4, "a");
    let base = reconnect(&mut anna, clock.now_ms, 4, ALL);
    anna.send((5, base), base, &[(5, base, 5, vec![erase("City", 1)])]);
    // The first writes of a file say base 0, also when they come after its first query.
    let mut bert = Peer::new(&ledger);
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    let city = vec![create("City", 1), set("City", 1, "name", text("b"))];
    let answer = bert.send((2, 0), 0, &[(2, 0, 9, [city_schema(), city].concat())]);
    assert_eq!(answer.compensations, []);
    assert_eq!(ledger.status().objects, [("City".to_owned(), 1)]);
    // What is there already it cannot see, and so must not write.
    let mut carl = Peer::new(&ledger);
    carl.identify((0, 0), 0, "{}");
    carl.drain();
    carl.query(1, ALL);
    let city = vec![create("City", 1), set("City", 1, "name", text("c"))];
    let answer = carl.send((2, 0), 0, &[(2, 0, 9, [city_schema(), city].concat())]);
    assert_eq!(answer.compensations.len(), 1);
}

#[test]
fn a_query_that_would_have_to_look_below_the_trim_is_not_answered() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(ALL);
    let cursor = ledger.version();
    // A bootstrap of Bert's is interrupted, and he stays connected without another for very long.
    bert.query(2, DANISH);
    bert.now_ms = clock.now_ms;
    bert.identify((cursor, 3), 1, ALL);
    bert.drain();
    for step in 0..30 {
        rename(&mut anna, clock.now_ms, 4 + step, "a");
        clock.pass(10);
        bert.drain();
    }
    let answer = ledger.query(bert.session, 2, DANISH);
    assert!(matches!(answer, Err(LedgerError::Trimmed)), "{answer:?}");
    let said = bert.identification((ledger.version(), 3), 1, ALL);
    assert_eq!(refused(ledger.identify(said, clock.now_ms)), 222);
}

#[test]
fn an_interrupted_bootstrap_is_repaired_before_it_is_too_old() {
    let ledger = open();
    let mut clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let mut bert = clock.join(ALL);
    let cursor = ledger.version();
    bert.query(2, DANISH);
    rename(&mut anna, clock.now_ms, 4, "a");
    bert.now_ms = clock.now_ms;
    let young = bert.identify((cursor, 3), 1, ALL);
    assert!(!young.bootstrap_due, "the client sends its QUERY again");
    clock.pass(40);
    bert.now_ms = clock.now_ms;
    let version = ledger.version();
    let old = bert.identify((version, 3), 1, ALL);
    assert!(old.bootstrap_due);
}

#[test]
fn clocks_that_run_ahead_are_reported_and_timestamps_stay() {
    let ledger = open();
    let clock = Clock::new(&ledger);
    let mut anna = clock.join(ALL);
    let bert = clock.join(ALL);
    bert.drain();
    let now = 5_000_000;
    let base = reconnect(&mut anna, TIMESTAMP_START_UNIX_MS + now, 3, ALL);
    let ahead_of = |cv, timestamp| {
        let edit = vec![create("City", 1), set("City", 1, "name", text("a"))];
        let answer = anna.send((cv, base), base, &[(cv, base, timestamp, edit)]);
        answer.clock_ahead_ms
    };
    assert_eq!(ahead_of(4, now - 1_000_000), None);
    assert_eq!(ahead_of(5, now + CLOCK_AHEAD_MAX_MS), None);
    let ahead = CLOCK_AHEAD_MAX_MS + 1;
    assert_eq!(ahead_of(6, now + ahead), Some(ahead));
    assert_eq!(ahead_of(7, now), None);
    let sent: Vec<u64> = bert
        .drain()
        .iter()
        .flat_map(common::entries)
        .map(|entry| entry.timestamp)
        .collect();
    assert!(sent.contains(&(now + ahead)));
}
