//! What is refused, with which code, and that a refusal leaves nothing behind.

mod common;

use common::{
    Made, Peer, SALT, TestLedger, add_column, body, city_schema, create, entries, erase, insert,
    open, set, target, text,
};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, KeyType, PathElement, Payload, TableSpec, UpdateKind,
};
use tidemark_ledger::Refusal;
use tidemark_ledger::embedded::{Identification, QueryableFields, Upload};
use tidemark_ledger::error::Stop;
use tidemark_storage::OrderedStorage;

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

/// A client that sees all cities, up to date at version 5: City 1 exists.
fn ready(ledger: &TestLedger) -> Peer<'_, OrderedStorage> {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}"); // 2
    anna.drain();
    anna.send((2, 2), 2, &[(2, 0, 1, city_schema())]); // 3
    anna.query(1, ALL); // 4
    anna.drain();
    anna.send(
        (3, 4),
        4,
        &[(
            3,
            4,
            2,
            vec![create("City", 1), set("City", 1, "name", text("a"))],
        )],
    ); // 5
    anna.drain();
    anna
}

fn refused(result: Result<tidemark_ledger::embedded::Identified, Stop>) -> u16 {
    match result {
        Err(Stop::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table of what IDENT can say wrong")]
fn ident_is_checked_in_the_order_of_the_protocol() {
    let ledger = open();
    let mut anna = ready(&ledger);
    let good = || anna.identification((5, 3), 1, ALL);
    let bad: [(u16, Identification); 9] = [
        (
            208,
            Identification {
                file_ident: 99,
                file_ident_salt: 9,
                ..good()
            },
        ),
        (
            208,
            Identification {
                file_ident: 1,
                ..good()
            },
        ),
        (
            211,
            Identification {
                file_ident_salt: 9,
                user: "other".to_owned(),
                ..good()
            },
        ),
        (
            223,
            Identification {
                user: "other".to_owned(),
                download_server_version: 1,
                ..good()
            },
        ),
        (
            209,
            Identification {
                download_server_version: 3,
                ..good()
            },
        ),
        (
            209,
            Identification {
                download_server_version: 6,
                latest_server_version: 6,
                ..good()
            },
        ),
        (
            210,
            Identification {
                download_client_version: 4,
                ..good()
            },
        ),
        (
            209,
            Identification {
                latest_server_version: 4,
                ..good()
            },
        ),
        (
            211,
            Identification {
                latest_server_version_salt: 78,
                ..good()
            },
        ),
    ];
    for (code, said) in bad {
        let what = format!("{said:?}");
        assert_eq!(refused(ledger.identify(said, 0)), code, "{what}");
    }
    let said = anna.identification((5, 3), 1, r#"{"City":"nope == 1"}"#);
    assert_eq!(refused(ledger.identify(said, 0)), 226);
    let said = good();
    anna.try_identify(said)
        .expect("nothing was changed by what was refused");
}

/// They would take a bootstrap of the set that they have for a steady message.
#[test]
fn older_clients_start_over_when_their_rules_have_changed() {
    let ledger = open();
    let mut anna = ready(&ledger);
    ledger.end_session(anna.session);
    let older = |anna: &Peer<'_, OrderedStorage>| Identification {
        protocol_version: 13,
        ..anna.identification((5, 3), 1, ALL)
    };
    let said = older(&anna);
    let unchanged = anna.try_identify(said).expect("it is let in");
    assert!(!unchanged.bootstrap_due);
    ledger.end_session(unchanged.session);
    anna.role = common::role("name == \"b\"", "TRUEPREDICATE");
    let said = older(&anna);
    assert_eq!(refused(anna.try_identify(said)), 228);
    let said = anna.identification((5, 3), 1, ALL);
    assert!(anna.try_identify(said).expect("it is let in").bootstrap_due);
}

#[test]
fn versions_of_another_epoch_have_another_salt() {
    let ledger = open();
    let anna = ready(&ledger);
    let said = anna.identification((5, 3), 1, ALL);
    let salted = |salt| Identification {
        latest_server_version_salt: salt,
        ..said.clone()
    };
    assert_eq!(refused(ledger.identify(salted(SALT + 1), 0)), 211);
    assert!(ledger.identify(salted(SALT), 0).is_ok());
}

/// Uploads that have to be refused, and leave no trace.
fn refuse(progress: (u64, u64), locked: u64, changesets: &[Made]) -> Refusal {
    let ledger = open();
    let anna = ready(&ledger);
    let refusal = anna
        .upload(progress, locked, changesets)
        .refusal
        .expect("it has to be refused");
    assert_eq!(ledger.version(), 5);
    let again = anna.upload(
        (9, 5),
        5,
        &[(9, 5, 9, vec![set("City", 1, "name", text("z"))])],
    );
    assert_eq!(again.refusal, Some(refusal.clone()), "the session is over");
    let mut bert = anna;
    bert.identify((5, 3), 1, ALL);
    assert_eq!(
        bert.send(
            (9, 5),
            5,
            &[(9, 5, 9, vec![set("City", 1, "name", text("z"))])]
        )
        .changesets,
        1
    );
    refusal
}

#[test]
fn bad_cursors_are_refused() {
    let made = |version, base| (version, base, 9, vec![set("City", 1, "name", text("b"))]);
    assert_eq!(refuse((4, 6), 5, &[made(4, 5)]).code, 209);
    assert_eq!(refuse((4, 5), 6, &[made(4, 5)]).code, 209);
    assert_eq!(refuse((4, 5), 5, &[made(4, 6)]).code, 209);
    assert_eq!(refuse((4, 5), 5, &[made(4, 3)]).code, 209);
    assert_eq!(refuse((5, 5), 5, &[made(4, 5), made(5, 4)]).code, 209);
    assert_eq!(refuse((4, 5), 5, &[made(5, 5)]).code, 210);
    assert_eq!(refuse((5, 5), 5, &[made(5, 5), made(5, 5)]).code, 210);
    assert_eq!(refuse((5, 5), 5, &[made(5, 5), made(4, 5)]).code, 210);
}

#[test]
fn empty_uploads_with_bad_cursors_are_ignored() {
    let ledger = open();
    let anna = ready(&ledger);
    assert_eq!(anna.upload((4, 99), 99, &[]).refusal, None);
    assert_eq!(
        anna.send(
            (4, 5),
            5,
            &[(4, 5, 9, vec![set("City", 1, "name", text("b"))])]
        )
        .changesets,
        1
    );
}

#[test]
fn bad_changesets_are_refused_whole() {
    let good: Made = (4, 5, 9, vec![create("City", 2)]);
    let bad = |instructions| [good.clone(), (5, 5, 9, instructions)];
    // Applying would not mind the size, but every merge with it would.
    let of_another_size = Instruction::Update {
        target: target("City", 2, "tags", vec![PathElement::Index(0)]),
        value: Payload::Value(text("y")),
        kind: UpdateKind::Element { prior_size: 2 },
    };
    let cases: [Vec<Instruction>; 6] = [
        vec![insert("City", 2, "tags", 0, text("x"), 0), of_another_size],
        vec![insert("City", 1, "tags", 3, text("x"), 3)],
        vec![set("City", 1, "nope", text("x"))],
        vec![set("Nope", 1, "name", text("x"))],
        vec![set("City", 1, "name", tidemark_changeset::Value::Int(1))],
        vec![create("Nope", 1)],
    ];
    for case in cases {
        let refusal = refuse((5, 5), 5, &bad(case.clone()));
        assert_eq!(
            (refusal.code, refusal.action.name()),
            (212, "ClientReset"),
            "{case:?}"
        );
    }
}

#[test]
fn hostile_bytes_never_panic() {
    let whole = body(&[(
        4,
        5,
        9,
        vec![create("City", 2), set("City", 2, "name", text("b"))],
    )]);
    let mut bodies: Vec<Vec<u8>> = (0..whole.len())
        .map(|length| whole[..length].to_vec())
        .collect();
    for at in 0..whole.len() {
        for bits in [0x01, 0x40, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[at] ^= bits;
            bodies.push(flipped);
        }
    }
    let mut refusals = 0;
    for body in bodies {
        let ledger = open();
        let anna = ready(&ledger);
        let upload = Upload {
            session: anna.session,
            progress_client_version: 4,
            progress_server_version: 5,
            locked_server_version: 5,
            body: &body,
        };
        let answer = ledger
            .integrate(&[upload], 0)
            .expect("the ledger works")
            .remove(0);
        if answer.refusal.is_some() {
            refusals += 1;
            assert_eq!(
                ledger.version(),
                5,
                "a refused upload left something behind"
            );
        }
    }
    assert!(refusals > 100, "{refusals}");
}

#[test]
fn duplicates_are_skipped_silently() {
    let ledger = open();
    let mut anna = ready(&ledger);
    let made: Made = (4, 5, 9, vec![insert("City", 1, "tags", 0, text("x"), 0)]);
    anna.send((4, 5), 5, std::slice::from_ref(&made));
    assert_eq!(ledger.version(), 6);
    anna.identify((5, 3), 1, ALL);
    let later: Made = (6, 5, 9, vec![insert("City", 1, "tags", 1, text("y"), 1)]);
    let answer = anna.send((7, 5), 5, &[made, later]);
    assert_eq!((answer.changesets, ledger.version()), (1, 7));
    let ack = anna.only();
    assert_eq!(
        (ack.upload_client_version, ack.upload_server_version),
        (7, 5)
    );
}

#[test]
fn without_development_mode_the_schema_is_fixed() {
    let ledger = open();
    let anna = ready(&ledger);
    ledger.set_development_mode(false);
    let column = add_column("City", "other_col", ColumnType::Int, CollectionKind::Single);
    let refusal = anna
        .upload((4, 5), 5, &[(4, 5, 9, vec![column])])
        .refusal
        .expect("the schema is fixed");
    assert_eq!(
        (refusal.code, refusal.action.name()),
        (225, "ApplicationBug")
    );
    assert_eq!(
        refusal.message,
        "Invalid schema change (UPLOAD): non-breaking schema change: adding \"Int\" column at field \
         \"other_col\" in schema \"City\", schema changes from clients are restricted when developer mode is disabled"
    );
    assert_eq!(ledger.version(), 5);
}

#[test]
fn erasing_schema_is_refused_always() {
    let erasure = Instruction::EraseTable {
        class: "City".into(),
    };
    assert_eq!(refuse((4, 5), 5, &[(4, 5, 9, vec![erasure])]).code, 225);
    let erasure = Instruction::EraseColumn {
        class: "City".into(),
        field: "name".into(),
    };
    assert_eq!(refuse((4, 5), 5, &[(4, 5, 9, vec![erasure])]).code, 225);
}

#[test]
fn queries_are_admitted_by_field() {
    let ledger = open();
    let anna = ready(&ledger);
    let query = |text: &str| {
        ledger
            .query(anna.session, 2, text)
            .expect("the ledger works")
    };
    ledger.set_development_mode(false);
    let refusal = query(r#"{"City":"country == \"DK\""}"#).expect("country is not queryable");
    assert!(
        refusal.contains("\"City\": key \"country\" is not a queryable field"),
        "{refusal}"
    );
    assert_eq!(query(r#"{"City":"_id > 3"}"#), None);
    ledger.set_queryable_fields(QueryableFields {
        global: vec!["country".to_owned()],
        ..QueryableFields::default()
    });
    assert_eq!(query(r#"{"City":"country == \"DK\""}"#), None);
    ledger.set_development_mode(true);
    for bad in [
        r#"{"Nope":"TRUEPREDICATE"}"#,
        r#"{"City":"name =="}"#,
        "[]",
        r#"{"City":"TRUEPREDICATE LIMIT(1)"}"#,
    ] {
        assert!(query(bad).is_some(), "{bad}");
    }
    let long = format!(r#"{{"City":"name == \"{}\""}}"#, "x".repeat(300 * 1024));
    assert!(query(&long).expect("too long").contains("256 kB"));
    assert_eq!(query(r#"{"City":"name BEGINSWITH \"a\""}"#), None);
}

#[test]
fn asymmetric_objects_are_stored_and_never_sent() {
    let ledger = open();
    let mut anna = ready(&ledger);
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: KeyType::Int,
        key_nullable: false,
        asymmetric: true,
    };
    let event = |key| {
        vec![
            create("Event", key),
            set("Event", key, "text", text("hello")),
        ]
    };
    let schema = vec![
        Instruction::AddTable {
            class: "Event".into(),
            spec,
        },
        add_column("Event", "text", ColumnType::String, CollectionKind::Single),
    ];
    anna.send((4, 5), 5, &[(4, 5, 9, [schema, event(1)].concat())]);
    assert!(
        ledger
            .query(anna.session, 2, r#"{"Event":"TRUEPREDICATE"}"#)
            .expect("works")
            .is_some()
    );
    // A second one of the same key is discarded without a word.
    let answer = anna.send((5, 5), 5, &[(5, 5, 9, event(1))]);
    assert_eq!(answer.compensations, []);
    assert_eq!(ledger.status().objects[1], ("Event".to_owned(), 1));
    assert!(anna.drain().iter().all(|part| part.entries == 0));
    let mut bert = Peer::new(&ledger);
    bert.identify((0, 0), 0, "{}");
    let sent = entries(&bert.only());
    assert!(
        sent[0]
            .instructions
            .iter()
            .all(|instruction| instruction.object().is_none())
    );
    anna.role = common::role("TRUEPREDICATE", "FALSEPREDICATE");
    anna.identify((7, 5), 1, ALL);
    let refusal = anna
        .upload((6, 7), 7, &[(6, 7, 9, event(2))])
        .refusal
        .expect("not allowed");
    assert_eq!(refusal.code, 230);
    assert_eq!(ledger.status().objects[1].1, 1);
    let _ = erase("Event", 1);
}
