//! The first session of a file, as a real client holds it.

mod common;

use common::{
    Peer, TestLedger, add_table, city_schema, create, entries, erase, open, set, steady, text,
};
use tidemark_changeset::{Instruction, KeyType};
use tidemark_ledger::embedded::BatchState;
use tidemark_ledger::select::{SERVER_IDENT, SYNTHETIC_TIMESTAMP};
use tidemark_storage::OrderedStorage;

#[test]
fn schema_bootstrap_upload_query_and_steady() {
    let ledger = open();
    assert_eq!(ledger.version(), 1);
    let mut anna = Peer::new(&ledger);
    assert!(anna.identify((0, 0), 0, "{}").bootstrap_due);
    let part = anna.only();
    assert_eq!(
        (part.batch_state, part.entries, part.query_version),
        (BatchState::LastInBatch, 1, 0)
    );
    assert_eq!(
        (
            part.download_server_version,
            part.latest_server_version,
            part.latest_server_version_salt
        ),
        (2, 2, 77)
    );
    assert_eq!(entries(&part)[0].instructions, []);

    let answer = anna.send((9, 2), 2, &[(5, 0, 100, city_schema())]);
    assert!(answer.schema_changed);
    assert_eq!((answer.changesets, answer.instructions), (1, 4));
    let ack = anna.only();
    assert!(steady(&ack));
    assert_eq!(
        (ack.download_server_version, ack.download_client_version),
        (3, 5)
    );
    assert_eq!(
        (
            ack.upload_client_version,
            ack.upload_server_version,
            ack.entries
        ),
        (9, 2, 0)
    );

    anna.query(1, r#"{"City":"country == \"DK\""}"#);
    let part = anna.only();
    assert_eq!(
        (part.batch_state, part.entries, part.query_version),
        (BatchState::LastInBatch, 1, 1)
    );
    assert_eq!(
        (part.download_server_version, part.download_client_version),
        (4, 5)
    );
}

/// Anna sees the Danish cities; Bert has made one of them and a Norwegian one.
fn two_cities(
    ledger: &TestLedger,
) -> (Peer<'_, OrderedStorage>, Vec<Instruction>, Vec<Instruction>) {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((9, 2), 2, &[(5, 0, 100, city_schema())]);
    anna.query(1, r#"{"City":"country == \"DK\""}"#);
    anna.drain();
    let mut bert = Peer::new(ledger);
    bert.identify((0, 0), 0, "{}");
    assert_eq!(entries(&bert.only())[0].instructions, city_schema());
    bert.query(1, r#"{"City":"TRUEPREDICATE"}"#);
    bert.drain();
    let aarhus = vec![create("City", 7), set("City", 7, "country", text("DK"))];
    let oslo = vec![create("City", 8), set("City", 8, "country", text("NO"))];
    bert.send(
        (7, 6),
        6,
        &[(6, 6, 200, [aarhus.clone(), oslo.clone()].concat())],
    );
    assert_eq!(bert.only().entries, 0);
    (anna, aarhus, oslo)
}

#[test]
fn steady_entries_hold_what_the_view_shows() {
    let ledger = open();
    let (anna, aarhus, _) = two_cities(&ledger);
    let sent = entries(&anna.only());
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].origin, sent[0].timestamp, sent[0].client_version),
        (3, 200, 5)
    );
    assert_eq!(sent[0].instructions, aarhus);
}

#[test]
fn a_bootstrap_erases_objects_before_it_makes_them() {
    let ledger = open();
    let (_, aarhus, oslo) = two_cities(&ledger);
    let mut carl = Peer::new(&ledger);
    carl.identify((0, 0), 0, "{}");
    carl.drain();
    carl.query(1, r#"{"City":"TRUEPREDICATE"}"#);
    let sent = entries(&carl.only());
    assert_eq!(
        (sent[0].origin, sent[0].timestamp),
        (SERVER_IDENT, SYNTHETIC_TIMESTAMP)
    );
    // All erasures, all creations, then column by column.
    let mut expected = vec![erase("City", 7), erase("City", 8)];
    for (of_aarhus, of_oslo) in aarhus.into_iter().zip(oslo) {
        expected.extend([of_aarhus, of_oslo]);
    }
    assert_eq!(sent[0].instructions, expected);
    assert_eq!(ledger.status().objects, [("City".to_owned(), 2)]);
}

#[test]
fn a_schema_that_exists_is_no_change() {
    let ledger = open();
    let mut anna = Peer::new(&ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((3, 2), 2, &[(3, 0, 100, city_schema())]);
    let answer = anna.send((4, 2), 2, &[(4, 2, 100, city_schema())]);
    assert!(!answer.schema_changed);
    let answer = anna.upload(
        (5, 2),
        2,
        &[(5, 2, 100, vec![add_table("City", KeyType::String)])],
    );
    let refusal = answer
        .refusal
        .expect("another key type is a breaking change");
    assert_eq!(
        (refusal.code, refusal.action.name()),
        (225, "ApplicationBug")
    );
}
