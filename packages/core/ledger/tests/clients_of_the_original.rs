//! What clients that merge and store as the original does are sent anew, message by message.

mod common;

use common::{Made, Peer, Received, TestLedger, create, entries, erase, open, set, target};
use common::{add_column, add_table};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, PathElement, Payload, UpdateKind,
    Value,
};
use tidemark_ledger::select::SERVER_IDENT;
use tidemark_storage::OrderedStorage;

const ALL: &str = r#"{"Box":"TRUEPREDICATE"}"#;

type TestPeer<'a> = Peer<'a, OrderedStorage>;

/// `Box { _id: int, items: [mixed], level: double }`.
fn schema() -> Vec<Instruction> {
    let items = ColumnSpec::new(ColumnType::Mixed, true, CollectionKind::List, None);
    vec![
        add_table("Box", KeyType::Int),
        Instruction::AddColumn {
            class: "Box".into(),
            field: "items".into(),
            spec: items,
        },
        add_column("Box", "level", ColumnType::Double, CollectionKind::Single),
    ]
}

fn item(index: u32, value: Payload) -> Instruction {
    Instruction::ArrayInsert {
        target: target("Box", 1, "items", vec![PathElement::Index(index)]),
        value,
        prior_size: index,
    }
}

fn moved() -> Instruction {
    Instruction::ArrayMove {
        target: target("Box", 1, "items", vec![PathElement::Index(0)]),
        to: 1,
        prior_size: 2,
    }
}

fn level(value: f64) -> Instruction {
    set("Box", 1, "level", Value::Double(value))
}

fn number() -> Payload {
    Payload::Value(Value::Int(7))
}

fn identify(peer: &mut TestPeer<'_>, download: (u64, u64), query_version: u64, own: bool) {
    let query = if query_version == 0 { "{}" } else { ALL };
    let mut said = peer.identification(download, query_version, query);
    said.is_own_client = own;
    peer.session = peer
        .try_identify(said)
        .expect("the client is let in")
        .session;
}

/// Anna and Carl are ours, Bert is not. All see Box 1 {items [list, 7], level 0}; the version is 9.
fn stage(ledger: &TestLedger) -> [TestPeer<'_>; 3] {
    let mut peers = [true, false, true].map(|own| {
        let mut peer = Peer::new(ledger);
        identify(&mut peer, (0, 0), 0, own); // 2, 3, 4
        peer.drain();
        peer
    });
    let made: Made = (2, 2, 1, schema());
    peers[0].send((2, 2), 2, &[made]); // 5
    for peer in &mut peers {
        peer.query(1, ALL); // 6, 7, 8
        peer.drain();
    }
    let items = vec![create("Box", 1), item(0, Payload::List), item(1, number())];
    peers[0].send((3, 6), 6, &[(3, 6, 2, items)]); // 9
    assert_eq!(ledger.version(), 9);
    for peer in &peers {
        peer.drain();
    }
    peers
}

fn only(peer: &TestPeer<'_>) -> Received {
    let mut received = entries(&peer.only());
    assert_eq!(received.len(), 1, "{received:?}");
    received.pop().expect("one entry")
}

#[test]
fn a_collection_that_moves_is_sent_with_its_object() {
    let ledger = open();
    let [anna, bert, carl] = stage(&ledger);
    anna.send((4, 9), 9, &[(4, 9, 3, vec![moved()])]);
    let received = only(&bert);
    assert_eq!((received.version, received.origin), (10, SERVER_IDENT));
    assert_eq!(
        received.instructions,
        [
            erase("Box", 1),
            create("Box", 1),
            item(0, number()),
            item(1, Payload::List)
        ]
    );
    assert_eq!(only(&carl).instructions, [moved()]);

    // What Bert wrote before he had it is gone on his side, so he is sent it, too. Carl is not.
    let edit = |value| (4, 9, 4, vec![level(value)]);
    assert_eq!(bert.send((4, 9), 9, &[edit(1.0)]).refreshes, 1);
    assert_eq!(carl.send((4, 9), 9, &[edit(2.0)]).refreshes, 0);
    // His own move he has lost by himself.
    let back: Made = (
        5,
        10,
        5,
        vec![Instruction::ArrayMove {
            target: target("Box", 1, "items", vec![PathElement::Index(1)]),
            to: 0,
            prior_size: 2,
        }],
    );
    assert_eq!(bert.send((5, 10), 10, &[back]).refreshes, 1);
}

#[test]
fn a_zero_over_a_zero_is_sent_with_its_object() {
    let ledger = open();
    let [anna, bert, carl] = stage(&ledger);
    anna.send((4, 9), 9, &[(4, 9, 3, vec![level(-0.0)])]);
    let received = only(&bert).instructions;
    // A new object holds 0, and the original would keep it.
    assert_eq!(received[..2], [erase("Box", 1), create("Box", 1)]);
    assert_eq!(received[4..], [level(1.0), level(-0.0)]);
    assert_eq!(only(&carl).instructions, [level(-0.0)]);
    // Storing it again changes nothing.
    anna.send((5, 9), 9, &[(5, 9, 4, vec![level(-0.0)])]);
    assert_eq!(only(&bert).instructions, [level(-0.0)]);
}

/// What a file was sent follows from what it is, so that does not change with what a later session says.
#[test]
fn what_a_client_is_holds_from_its_first_session_on() {
    let ledger = open();
    let [anna, mut bert, _] = stage(&ledger);
    identify(&mut bert, (9, 0), 1, true);
    bert.drain();
    anna.send((4, 9), 9, &[(4, 9, 3, vec![moved()])]);
    assert_eq!(only(&bert).origin, SERVER_IDENT);
}

/// Where both merge alike nobody is refreshed; where not even our merge can tell, everybody is.
#[test]
fn a_conflict_alone_is_no_reason() {
    let ledger = open();
    let [anna, bert, carl] = stage(&ledger);
    let inner = |value: i64| Instruction::Update {
        target: target("Box", 1, "items", vec![PathElement::Index(1)]),
        value: Payload::Value(Value::Int(value)),
        kind: UpdateKind::Element { prior_size: 2 },
    };
    // No defect: the later one wins on both sides.
    anna.send((4, 9), 9, &[(4, 9, 30, vec![inner(1)])]);
    let edit = |instructions| (4, 9, 40, instructions);
    assert_eq!(bert.send((4, 9), 9, &[edit(vec![inner(2)])]).refreshes, 0);
    // A marker against a number: nobody can tell from the instructions what is kept, not even for Carl.
    let marker = Instruction::Update {
        target: target("Box", 1, "items", vec![PathElement::Index(1)]),
        value: Payload::List,
        kind: UpdateKind::Element { prior_size: 2 },
    };
    let answer = carl.send((4, 9), 9, &[(4, 9, 50, vec![marker])]);
    assert_eq!((answer.conflicts, answer.refreshes), (1, 1));
}
