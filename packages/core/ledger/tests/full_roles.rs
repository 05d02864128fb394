//! What a role says beside reading and writing: who may create and delete, and which fields.

mod common;

use std::collections::BTreeMap;

use common::{
    Made, Peer, Received, TestLedger, add_column, add_table, city_schema, create, entries, erase,
    insert, open, set, target, text,
};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, PathElement, Payload, TableSpec,
    UpdateKind, Value,
};
use tidemark_ledger::embedded::UploadAnswer;
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::views::{ClassRole, Role};
use tidemark_storage::OrderedStorage;

const ALL: &str = r#"{"City":"TRUEPREDICATE","Shop":"TRUEPREDICATE"}"#;
const EVERYTHING: &str = "TRUEPREDICATE";

type TestPeer<'a> = Peer<'a, OrderedStorage>;

fn access(text: &str) -> FieldAccess {
    FieldAccess::parse(text).expect("an access")
}

fn role_of_cities(change: impl FnOnce(&mut ClassRole)) -> Role {
    let mut cities = ClassRole::by_predicates(EVERYTHING, EVERYTHING);
    change(&mut cities);
    Role {
        classes: BTreeMap::from([("City".to_owned(), cities)]),
        ..Role::everything()
    }
}

fn reading(fields: &str) -> Role {
    role_of_cities(|role| {
        role.readable = access(fields);
        role.writable = access(fields);
    })
}

/// Cities as elsewhere, with an embedded mayor and a list of squares; `Shop { _id, name }`.
fn schema() -> Vec<Instruction> {
    let part = |field: &str, kind| Instruction::AddColumn {
        class: "City".into(),
        field: field.into(),
        spec: ColumnSpec::new(
            ColumnType::Link,
            kind == CollectionKind::Single,
            kind,
            Some("Part".into()),
        ),
    };
    let embedded = Instruction::AddTable {
        class: "Part".into(),
        spec: TableSpec::Embedded,
    };
    let mut all = city_schema();
    all.extend([
        add_table("Shop", KeyType::Int),
        add_column("Shop", "name", ColumnType::String, CollectionKind::Single),
        embedded,
        add_column("Part", "name", ColumnType::String, CollectionKind::Single),
        add_column("Part", "secret", ColumnType::String, CollectionKind::Single),
        part("mayor", CollectionKind::Single),
        part("squares", CollectionKind::List),
    ]);
    all
}

fn part(field: &str, path: Vec<PathElement>, value: Payload) -> Instruction {
    Instruction::Update {
        target: target("City", 1, field, path),
        value,
        kind: UpdateKind::Property { is_default: false },
    }
}

fn key(name: &str) -> PathElement {
    PathElement::Key(name.into())
}

fn said(value: &str) -> Payload {
    Payload::Value(text(value))
}

fn mayor(field: &str, value: &str) -> Instruction {
    part("mayor", vec![key(field)], said(value))
}

fn square(field: &str, value: &str) -> Instruction {
    part(
        "squares",
        vec![PathElement::Index(0), key(field)],
        said(value),
    )
}

/// Anna may do everything and sees all; there are City 1 and Shop 1.
fn stage(ledger: &TestLedger) -> TestPeer<'_> {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}"); // 2
    anna.drain();
    anna.send((2, 2), 2, &[(2, 0, 1, schema())]); // 3
    anna.query(1, ALL); // 4
    anna.drain();
    let all = vec![
        create("City", 1),
        set("City", 1, "name", text("Oslo")),
        set("City", 1, "country", text("NO")),
        insert("City", 1, "tags", 0, text("old"), 0),
        part("mayor", vec![], Payload::Object),
        mayor("name", "Ann"),
        mayor("secret", "s1"),
        Instruction::ArrayInsert {
            target: target("City", 1, "squares", vec![PathElement::Index(0)]),
            value: Payload::Object,
            prior_size: 0,
        },
        square("name", "Main"),
        square("secret", "s2"),
        create("Shop", 1),
        set("Shop", 1, "name", text("Bakery")),
    ];
    anna.send((3, 4), 4, &[(3, 4, 2, all)]); // 5
    anna.drain();
    anna
}

/// A second client, which has taken in everything.
fn join(ledger: &TestLedger, role: Role) -> (TestPeer<'_>, Vec<Received>) {
    let mut bert = Peer::new(ledger);
    bert.role = role;
    bert.identify((0, 0), 0, "{}");
    bert.drain();
    bert.query(1, ALL);
    let parts = bert.drain();
    let received = parts.iter().flat_map(entries).collect();
    (bert, received)
}

/// Uploads one changeset that is made on all that there is.
fn write(peer: &TestPeer<'_>, version: u64, instructions: Vec<Instruction>) -> UploadAnswer {
    write_on(peer, (version, peer.ledger.version()), instructions)
}

fn write_on(
    peer: &TestPeer<'_>,
    (version, base): (u64, u64),
    instructions: Vec<Instruction>,
) -> UploadAnswer {
    peer.drain();
    let made: Made = (version, base, 100 + version, instructions);
    peer.send((version, base), base, &[made])
}

fn reasons(answer: &UploadAnswer) -> Vec<&str> {
    let updates = answer.compensations.iter();
    let updates = updates.flat_map(|told| &told.rejected_updates);
    updates.map(|update| &*update.reason).collect()
}

fn received(peer: &TestPeer<'_>) -> Vec<Instruction> {
    let entries = peer.drain().iter().flat_map(entries).collect::<Vec<_>>();
    entries
        .into_iter()
        .flat_map(|entry| entry.instructions)
        .collect()
}

const REFUSED: [&str; 1] = ["write to 1 in table \"City\" not allowed"];
const NONE: [&str; 0] = [];

#[test]
fn creating_and_deleting_have_their_own_rules() {
    let ledger = open();
    let _anna = stage(&ledger);
    let country = |code: &str| set("City", 1, "country", text(code));
    let only = |rule: &str| format!("country == \"{rule}\"");
    // Neither may be created nor deleted; what is there may be written, also by who thinks to create it.
    let (bert, _) = join(
        &ledger,
        role_of_cities(|role| {
            role.insert = "FALSEPREDICATE".to_owned();
            role.delete = "FALSEPREDICATE".to_owned();
        }),
    );
    assert_eq!(
        reasons(&write(&bert, 5, vec![create("City", 1), country("SE")])),
        NONE
    );
    let new = vec![create("City", 2), set("City", 2, "country", text("NO"))];
    let text_of_2 = "write to 2 in table \"City\" not allowed";
    assert_eq!(reasons(&write(&bert, 6, new.clone())), [text_of_2]);
    assert_eq!(reasons(&write(&bert, 7, vec![erase("City", 1)])), REFUSED);
    assert_eq!(
        received(&bert).first(),
        Some(&erase("City", 1)),
        "the image comes afresh"
    );
    // Both are judged by what is created and what is deleted.
    let (cecil, _) = join(
        &ledger,
        role_of_cities(|role| {
            role.insert = only("NO");
            role.delete = only("NO");
        }),
    );
    assert_eq!(
        reasons(&write(&cecil, 5, vec![erase("City", 1)])),
        REFUSED,
        "it is in SE"
    );
    assert_eq!(reasons(&write(&cecil, 6, vec![country("NO")])), NONE);
    assert_eq!(
        reasons(&write(&cecil, 7, vec![country("SE"), erase("City", 1)])),
        NONE
    );
    assert_eq!(reasons(&write(&cecil, 8, new)), NONE);
    let swap = |code: &str| {
        vec![
            erase("City", 2),
            create("City", 2),
            set("City", 2, "country", text(code)),
        ]
    };
    assert_eq!(
        reasons(&write(&cecil, 9, swap("SE"))),
        [text_of_2],
        "another one in SE"
    );
    assert_eq!(reasons(&write(&cecil, 10, swap("NO"))), NONE);
}

#[test]
fn a_write_needs_every_field_that_it_names_in_full() {
    let ledger = open();
    let _anna = stage(&ledger);
    let writable =
        r#"[false,[["mayor",[false,[["name",[true,[]]]]]],["name",[true,[]]],["tags",[true,[]]]]]"#;
    let (bert, _) = join(
        &ledger,
        role_of_cities(|role| role.writable = access(writable)),
    );
    let mut version = 4;
    let mut attempt = |instructions: Vec<Instruction>| {
        version += 1;
        let answer = write(&bert, version, instructions);
        reasons(&answer)
            .iter()
            .map(|reason| (*reason).to_owned())
            .collect::<Vec<_>>()
    };
    let name = || set("City", 1, "name", text("Bergen"));
    assert_eq!(
        attempt(vec![name(), insert("City", 1, "tags", 0, text("x"), 1)]),
        NONE
    );
    assert_eq!(attempt(vec![mayor("name", "Eva")]), NONE);
    for refused in [
        set("City", 1, "country", text("SE")),
        mayor("secret", "mine"),
        part("mayor", vec![], Payload::Object),
        part("mayor", vec![], Payload::Value(Value::Null)),
        square("name", "Side"),
        Instruction::Clear {
            target: target("City", 1, "squares", vec![]),
            collection: CollectionKind::List,
        },
    ] {
        assert_eq!(
            attempt(vec![name(), refused.clone()]),
            REFUSED,
            "{refused:?}"
        );
    }
    // The other objects of the changeset stand.
    let both = vec![
        set("City", 1, "country", text("SE")),
        set("Shop", 1, "name", text("Butcher")),
    ];
    assert_eq!(attempt(both), REFUSED);
    let sent = received(&bert);
    assert!(!sent.contains(&set("City", 1, "country", text("SE"))));
    // Deleting is no matter of fields.
    assert_eq!(attempt(vec![erase("City", 1)]), NONE);
    let others = |code: &str| {
        vec![
            create("City", 1),
            set("City", 1, "name", text("Oslo")),
            set("City", 1, "country", text(code)),
            Instruction::Clear {
                target: target("City", 1, "squares", vec![]),
                collection: CollectionKind::List,
            },
        ]
    };
    assert_eq!(attempt(others("NO")), REFUSED);
    assert_eq!(attempt(others("")), NONE, "a new object holds that anyway");
    assert_eq!(attempt(others("")), REFUSED, "it is not new any more");
}

#[test]
fn objects_that_are_only_sent_up_are_judged_as_well() {
    let ledger = open();
    let anna = stage(&ledger);
    let table = Instruction::AddTable {
        class: "Log".into(),
        spec: TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type: KeyType::Int,
            key_nullable: false,
            asymmetric: true,
        },
    };
    let column = add_column("Log", "line", ColumnType::String, CollectionKind::Single);
    write(&anna, 5, vec![table, column]);
    let line = |key| vec![create("Log", key), set("Log", key, "line", text("x"))];
    let role = |insert: &str, writable: &str| Role {
        default: ClassRole {
            insert: insert.to_owned(),
            writable: access(writable),
            ..ClassRole::by_predicates(EVERYTHING, EVERYTHING)
        },
        classes: BTreeMap::new(),
    };
    for (rules, key, is_taken) in [
        (role("line == \"y\"", "[true,[]]"), 1, false),
        (
            role(EVERYTHING, r#"[true,[["line",[false,[]]]]]"#),
            1,
            false,
        ),
        (role("line == \"x\"", "[true,[]]"), 1, true),
    ] {
        let (bert, _) = join(&ledger, rules);
        bert.drain();
        let base = ledger.version();
        let answer = bert.upload((5, base), base, &[(5, base, 9, line(key))]);
        let refusal = answer
            .refusal
            .map(|refusal| (refusal.code, refusal.message));
        let expected =
            (!is_taken).then(|| (230, "write to 1 in table \"Log\" not allowed".to_owned()));
        assert_eq!(refusal, expected);
    }
}

const OPEN_NAMES: &str = r#"[false,[
    ["mayor",[false,[["name",[true,[]]]]]],
    ["name",[true,[]]],
    ["squares",[true,[["secret",[false,[]]]]]]
]]"#;

#[test]
fn what_may_not_be_read_is_in_nothing_that_is_sent() {
    let ledger = open();
    let anna = stage(&ledger);
    let (bert, bootstrap) = join(&ledger, reading(OPEN_NAMES));
    let sent: Vec<_> = bootstrap
        .iter()
        .flat_map(|entry| &entry.instructions)
        .collect();
    for seen in [
        set("City", 1, "name", text("Oslo")),
        mayor("name", "Ann"),
        square("name", "Main"),
    ] {
        assert!(sent.contains(&&seen), "{seen:?} of {sent:?}");
    }
    let is_hidden = |text: &str| {
        !["s1", "s2", "NO", "old", "new"]
            .iter()
            .any(|word| text.contains(&format!("\"{word}\"")))
    };
    assert!(is_hidden(&format!("{sent:?}")), "{sent:?}");
    // Entries: field by field.
    let all = vec![
        set("City", 1, "name", text("Bergen")),
        set("City", 1, "country", text("SE")),
        insert("City", 1, "tags", 1, text("new"), 1),
        mayor("name", "Eva"),
        mayor("secret", "s3"),
        square("secret", "s4"),
    ];
    write_on(&anna, (5, 4), all);
    let expected = vec![set("City", 1, "name", text("Bergen")), mayor("name", "Eva")];
    assert_eq!(received(&bert), expected);
    let base = ledger.version();
    // Of an entry about nothing else nothing is sent at all.
    write_on(&anna, (6, 4), vec![set("City", 1, "country", text("DK"))]);
    assert_eq!(received(&bert), []);
    // A compensation gives the object as its client may see it.
    let answer = write_on(
        &bert,
        (5, base),
        vec![set("City", 1, "country", text("FI"))],
    );
    assert_eq!(reasons(&answer), REFUSED);
    let again = received(&bert);
    assert!(again.contains(&erase("City", 1)) && again.contains(&mayor("name", "Eva")));
    let said = format!("{again:?}");
    assert!(
        !["s3", "s4", "DK", "new"]
            .iter()
            .any(|word| said.contains(word)),
        "{said}"
    );
    // And so does a new file.
    let (_, bootstrap) = join(&ledger, reading(OPEN_NAMES));
    let said = format!("{bootstrap:?}");
    assert!(
        !["s3", "s4", "DK", "new"]
            .iter()
            .any(|word| said.contains(word)),
        "{said}"
    );
}

#[test]
fn a_subscription_to_a_field_that_may_not_be_read_matches_nothing() {
    let ledger = open();
    let _anna = stage(&ledger);
    let (bert, _) = join(&ledger, reading(OPEN_NAMES));
    let mut version = 1;
    let mut sees = |query: &str| {
        version += 1;
        bert.query(version, r#"{"City":"FALSEPREDICATE"}"#);
        bert.drain();
        version += 1;
        let query = serde_json::to_string(&BTreeMap::from([("City", query)]));
        bert.query(version, &query.expect("a text"));
        received(&bert).contains(&create("City", 1))
    };
    for query in [
        "country == 'NO'",
        "country != 'NO'",
        "NOT (country == 'SE')",
        "country == 'NO' AND name == 'Oslo'",
        "ANY tags == 'old'",
        "tags.@count == 1",
    ] {
        assert!(!sees(query), "{query}");
    }
    for query in [
        "name == 'Oslo'",
        "(country == 'SE') OR (name == 'Oslo')",
        "_id == 1 OR country == 'SE'",
    ] {
        assert!(sees(query), "{query}");
    }
}

#[test]
fn who_may_read_other_fields_is_given_their_objects_afresh() {
    let ledger = open();
    let anna = stage(&ledger);
    let (mut bert, _) = join(&ledger, Role::everything());
    let comes_back = |bert: &mut TestPeer<'_>, role: Role| {
        let version = ledger.version();
        bert.drain();
        ledger.end_session(bert.session);
        bert.role = role;
        bert.identify((version, 0), 1, ALL).bootstrap_due
    };
    // The same role, spelt in another way.
    let spelt = reading(r#"[true,[["name",[true,[]]]]]"#);
    assert!(!comes_back(&mut bert, spelt));
    assert!(comes_back(
        &mut bert,
        reading(r#"[true,[["country",[false,[]]]]]"#)
    ));
    let sent = received(&bert);
    assert_eq!(sent.first(), Some(&erase("City", 1)));
    assert!(sent.contains(&set("City", 1, "name", text("Oslo"))));
    assert!(!sent.contains(&set("City", 1, "country", text("NO"))));
    assert!(
        sent.iter().all(|one| *one.class() == "City".into()),
        "{sent:?}"
    );
    // An edit made before is refreshed, as its client has lost it with the object.
    let base = 7;
    bert.drain();
    let late: Made = (5, base, 50, vec![set("City", 1, "name", text("Bergen"))]);
    let now = ledger.version();
    let answer = bert.send((5, now), now, &[late]);
    assert_eq!((reasons(&answer).len(), answer.refreshes), (0, 1));
    anna.drain();
}

#[test]
fn between_a_role_with_fewer_fields_and_its_bootstrap_none_of_them_is_sent() {
    let ledger = open();
    let anna = stage(&ledger);
    let (mut bert, _) = join(&ledger, Role::everything());
    let known = ledger.version();
    ledger.end_session(bert.session);
    write_on(
        &anna,
        (5, 4),
        vec![
            set("City", 1, "country", text("SE")),
            set("City", 1, "name", text("Bergen")),
        ],
    );
    bert.role = reading(r#"[true,[["country",[false,[]]]]]"#);
    bert.identify((known, 0), 1, ALL);
    let first = bert.next().expect("the entry is owed");
    assert!(common::steady(&first));
    let sent: Vec<_> = entries(&first)
        .into_iter()
        .flat_map(|entry| entry.instructions)
        .collect();
    assert_eq!(sent, [set("City", 1, "name", text("Bergen"))]);
    // The bootstrap does not arrive, and the old role is back: what was held back is made up for.
    ledger.end_session(bert.session);
    bert.role = Role::everything();
    assert!(
        bert.identify((first.download_server_version, 0), 1, ALL)
            .bootstrap_due
    );
    assert!(received(&bert).contains(&set("City", 1, "country", text("SE"))));
}
