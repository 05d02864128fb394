//! Whom a commit names, and what a session is sent that was not named for long.

mod common;

use std::cell::Cell;

use common::{Peer, TestLedger, city_schema, create, entries, erase, open, set, text};
use tidemark_changeset::{Instruction, KeyType};
use tidemark_ledger::embedded::{DownloadLimits, SessionId};
use tidemark_storage::OrderedStorage;

type City<'a> = Peer<'a, OrderedStorage>;

/// A session that sees the cities of a predicate, with nothing left to fetch.
fn seeing<'a>(ledger: &'a TestLedger, predicate: &str) -> City<'a> {
    let mut peer = Peer::new(ledger);
    peer.identify((0, 0), 0, "{}");
    peer.drain();
    peer.query(
        1,
        &format!(r#"{{"City":"{}"}}"#, predicate.replace('"', "\\\"")),
    );
    peer.drain();
    ledger.take_touched();
    peer
}

/// A session that makes changes, and what it was told last.
struct Writer<'a> {
    peer: City<'a>,
    session: SessionId,
    base: Cell<u64>,
}

/// A session that made the class and sees everything.
fn writer(ledger: &TestLedger) -> Writer<'_> {
    let mut peer = Peer::new(ledger);
    peer.identify((0, 0), 0, "{}");
    peer.drain();
    peer.send((2, 0), 0, &[(2, 0, 1, city_schema())]);
    peer.drain();
    peer.query(1, r#"{"City":"TRUEPREDICATE"}"#);
    peer.drain();
    ledger.take_touched();
    Writer {
        session: peer.session,
        peer,
        base: Cell::new(ledger.version()),
    }
}

fn named(ledger: &TestLedger) -> Vec<SessionId> {
    let mut named = ledger.take_touched();
    named.sort_unstable();
    named
}

impl Writer<'_> {
    fn send(&self, version: u64, instructions: Vec<Instruction>) {
        let base = self.base.get();
        let made = [(version, base, version, instructions)];
        self.peer.send((version, base), base, &made);
    }

    fn drain(&self) {
        for part in self.peer.drain() {
            self.base.set(part.download_server_version);
        }
    }
}

/// Uploads a change of the writer, based on what it was told last.
fn change(writer: &Writer<'_>, version: u64, instructions: Vec<Instruction>) {
    writer.send(version, instructions);
    writer.drain();
}

#[test]
fn who_sees_an_object_before_or_after_is_named() {
    let ledger = open();
    let writer = writer(&ledger);
    let dk = seeing(&ledger, "country == \"DK\"");
    let se = seeing(&ledger, "country IN {\"SE\", \"NO\"}");
    let short = seeing(&ledger, "name BEGINSWITH \"Aa\"");
    let all = [writer.session, dk.session, se.session, short.session];
    let is = |expected: &[SessionId]| {
        assert_eq!(named(&ledger), expected);
        for peer in [&dk, &se, &short] {
            assert_eq!(peer.next().is_some(), expected.contains(&peer.session));
            assert_eq!(peer.next(), None);
        }
    };
    change(
        &writer,
        3,
        vec![create("City", 1), set("City", 1, "country", text("DK"))],
    );
    is(&[writer.session, dk.session]);
    change(&writer, 4, vec![set("City", 1, "name", text("Aarhus"))]);
    is(&[writer.session, dk.session, short.session]);
    change(&writer, 5, vec![set("City", 1, "country", text("SE"))]);
    is(&all);
    change(&writer, 6, vec![set("City", 1, "country", text("FI"))]);
    is(&[writer.session, se.session, short.session]);
    change(&writer, 7, vec![erase("City", 1)]);
    is(&[writer.session, short.session]);
    change(&writer, 8, vec![create("City", 2), erase("City", 2)]);
    is(&[writer.session]);
    ledger.end_session(se.session);
    let more = vec![common::add_table("Other", KeyType::Int)];
    change(&writer, 9, more);
    assert_eq!(named(&ledger), [writer.session, dk.session, short.session]);
}

#[test]
fn an_upload_that_is_sent_again_is_acknowledged_again() {
    let ledger = open();
    let writer = writer(&ledger);
    writer.send(3, vec![create("City", 1)]);
    writer.peer.drain();
    assert_eq!(named(&ledger), [writer.session]);
    writer.send(3, vec![create("City", 1)]);
    assert_eq!(named(&ledger), [writer.session]);
    assert_eq!(writer.peer.only().upload_client_version, 3);
}

#[test]
fn a_session_follows_its_newest_query() {
    let ledger = open();
    let writer = writer(&ledger);
    let peer = seeing(&ledger, "country == \"DK\"");
    peer.query(2, r#"{"City":"country == \"SE\""}"#);
    change(
        &writer,
        3,
        vec![create("City", 1), set("City", 1, "country", text("DK"))],
    );
    assert_eq!(named(&ledger), [writer.session]);
    change(
        &writer,
        4,
        vec![create("City", 2), set("City", 2, "country", text("SE"))],
    );
    assert_eq!(named(&ledger), [writer.session, peer.session]);
    let received: Vec<_> = peer.drain().iter().flat_map(entries).collect();
    assert_eq!(
        received.last().map(|entry| entry.version),
        Some(ledger.version())
    );
}

#[test]
fn what_a_slow_session_does_not_fetch_is_given_to_it_in_order_nevertheless() {
    const CHANGES: u64 = 2500;
    let ledger = open();
    let writer = writer(&ledger);
    let peer = seeing(&ledger, "country == \"DK\"");
    for number in 0..CHANGES {
        let key = number.cast_signed();
        let country = if number % 5 == 0 { "SE" } else { "DK" };
        change(
            &writer,
            3 + number,
            vec![
                create("City", key),
                set("City", key, "country", text(country)),
            ],
        );
    }
    let limits = DownloadLimits::of(20_000);
    let next = || {
        ledger
            .next_download(peer.session, limits)
            .expect("the ledger works")
    };
    let parts: Vec<_> = std::iter::from_fn(next).collect();
    assert!(parts.len() > 3);
    let versions: Vec<u64> = parts
        .iter()
        .flat_map(entries)
        .map(|entry| entry.version)
        .collect();
    assert!(versions.is_sorted());
    assert_eq!(versions.len() as u64, CHANGES - CHANGES / 5);
    assert_eq!(
        parts.last().map(|part| part.download_server_version),
        Some(ledger.version())
    );
}

#[test]
fn a_client_for_which_nothing_comes_is_told_of_its_cursor_in_time() {
    const CHANGES_MAX: u64 = 10_000 + 8 * 3;
    let ledger = open();
    let writer = writer(&ledger);
    let idle = seeing(&ledger, "country == \"DK\"");
    let before = ledger.version();
    for number in 0..=CHANGES_MAX {
        change(
            &writer,
            3 + number,
            vec![create("City", 1), set("City", 1, "name", text("a"))],
        );
        if named(&ledger).contains(&idle.session) {
            let part = idle.only();
            assert_eq!(part.entries, 0);
            assert_eq!(part.download_server_version, ledger.version());
            assert!(part.download_server_version - before >= 10_000);
            return;
        }
        if number == 5_000 {
            assert_eq!(idle.next(), None);
        }
    }
    panic!("nobody tells it");
}

#[test]
fn several_sessions_are_asked_for_at_once_as_far_as_there_is_room() {
    let ledger = open();
    let writer = writer(&ledger);
    let peers: Vec<_> = (0..3).map(|_| seeing(&ledger, "TRUEPREDICATE")).collect();
    let sessions: Vec<SessionId> = peers.iter().map(|peer| peer.session).collect();
    change(&writer, 3, vec![create("City", 1)]);
    let ask = |sessions: &[SessionId], bytes_max| {
        let answers = ledger.next_downloads(sessions, DownloadLimits::of(1 << 20), bytes_max);
        let parts = answers
            .into_iter()
            .map(|answer| answer.expect("the ledger works"));
        parts.collect::<Vec<_>>()
    };
    let first = ask(&sessions, 1);
    assert_eq!(first.len(), 1);
    let rest = ask(&sessions[1..], 1 << 20);
    assert_eq!(rest.len(), 2);
    let bodies: Vec<_> = first
        .iter()
        .chain(&rest)
        .flatten()
        .map(|part| &part.body)
        .collect();
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(ask(&sessions, 1), [None, None, None]);
    ledger.end_session(sessions[1]);
    let answers = ledger.next_downloads(&sessions, DownloadLimits::of(1 << 20), 1);
    assert_eq!(
        answers.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
}
