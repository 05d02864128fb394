//! What a client says of how far it is, truly or not: nothing that it says shows it what its role hides.

mod common;

use common::{Made, Peer, TestLedger, city_schema, create, entries, open, role, set, text};
use tidemark_changeset::{Instruction, Value};
use tidemark_ledger::error::{Action, Stop, codes};
use tidemark_storage::OrderedStorage;

type TestPeer<'a> = Peer<'a, OrderedStorage>;

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

/// What Anna has when she writes.
const BASE: u64 = 4;

/// Anna sees and writes all; there is City 1. Bert sees it as well.
fn stage(ledger: &TestLedger) -> (TestPeer<'_>, TestPeer<'_>) {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((2, 0), 0, &[(2, 0, 1, city_schema())]);
    anna.query(1, ALL);
    anna.drain();
    let city = vec![create("City", 1), set("City", 1, "name", text("Oslo"))];
    anna.send((3, BASE), BASE, &[(3, BASE, 2, city)]);
    anna.drain();
    let mut bert = Peer::new(ledger);
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    bert.drain();
    (anna, bert)
}

/// Anna writes what Bert's new role hides from him.
fn hide(anna: &TestPeer<'_>, bert: &mut TestPeer<'_>) {
    bert.role = role("_id == 9", "_id == 9");
    let secret: Made = (4, BASE, 3, vec![set("City", 1, "name", text("secret"))]);
    anna.send((4, BASE), BASE, &[secret]);
}

/// What a client is given that says it is so far; nothing if it has to start over.
fn given(peer: &mut TestPeer<'_>, download: (u64, u64)) -> Vec<Instruction> {
    let said = peer.identification(download, 1, ALL);
    match peer.try_identify(said) {
        Ok(identified) => {
            peer.session = identified.session;
            let parts = peer.drain();
            let entries = parts.iter().flat_map(entries);
            entries.flat_map(|entry| entry.instructions).collect()
        }
        Err(Stop::Refused(refusal)) => {
            let said = (refusal.code, refusal.action);
            assert_eq!(said, (codes::BAD_SERVER_VERSION, Action::ClientReset));
            Vec::new()
        }
        Err(Stop::Failed(error)) => panic!("{error}"),
    }
}

fn holds_secret(instructions: &[Instruction]) -> bool {
    let secret: Value = text("secret");
    instructions.contains(&set("City", 1, "name", secret))
}

#[test]
fn who_once_said_to_be_further_is_not_given_what_its_role_hides() {
    let ledger = open();
    let (anna, mut bert) = stage(&ledger);
    let old = (ledger.version(), 0);
    bert.identify(old, 1, ALL);
    bert.drain();
    hide(&anna, &mut bert);
    let mut all = Vec::new();
    // It has not got that far: nothing is held back of what it says to have …
    all.extend(given(&mut bert, (ledger.version(), 0)));
    // … and the bootstrap that takes away what its role hides has not arrived either.
    all.extend(given(&mut bert, (ledger.version(), 0)));
    all.extend(given(&mut bert, old));
    assert!(!holds_secret(&all), "{all:?}");
}

#[test]
fn who_says_to_begin_once_more_is_not_given_what_its_role_hides() {
    let ledger = open();
    let (anna, mut bert) = stage(&ledger);
    let locked = ledger.version();
    let city = vec![create("City", 5), set("City", 5, "name", text("Bergen"))];
    bert.send((2, 0), locked, &[(2, 0, 1, city)]);
    hide(&anna, &mut bert);
    let all = given(&mut bert, (0, 0));
    assert!(!holds_secret(&all), "{all:?}");
}

#[test]
fn a_cursor_does_not_go_back() {
    let ledger = open();
    let (_anna, mut bert) = stage(&ledger);
    let version = ledger.version();
    let refused = |bert: &mut TestPeer<'_>, download| {
        let said = bert.identification((download, 0), 1, ALL);
        let Err(Stop::Refused(refusal)) = bert.try_identify(said) else {
            panic!("let in")
        };
        let said = (refusal.code, refusal.action, &*refusal.message);
        let text = "Bad server version (IDENT): older than stated before";
        let expected = (codes::BAD_SERVER_VERSION, Action::ClientReset, text);
        assert_eq!(said, expected);
    };
    // A bootstrap that did not arrive is none that was stated.
    bert.identify((0, 0), 1, ALL);
    bert.identify((version, 0), 1, ALL);
    bert.identify((version, 0), 1, ALL);
    refused(&mut bert, version - 1);
    refused(&mut bert, 0);
    bert.identify((version, 0), 1, ALL);
    bert.drain();
    // What an upload says of it counts as well.
    let locked = ledger.version();
    assert!(locked > version);
    bert.send((0, 0), locked, &[]);
    refused(&mut bert, version);
    bert.identify((locked, 0), 1, ALL);
}
