//! What an operator says: the schema, fields that can be queried, files that have to start over.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{
    Made, Peer, SALT, TestLedger, add_column, add_table, city_schema, create, entries, insert,
    open, options, set, steady, text,
};
use tidemark_changeset::{CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Value};
use tidemark_ledger::LedgerError;
use tidemark_ledger::embedded::{Ledger, QueryableFields};
use tidemark_ledger::error::{Action, Stop};
use tidemark_ledger::select::SERVER_IDENT;
use tidemark_storage::{OrderedStorage, Result, Storage};

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

type TestPeer<'a> = Peer<'a, OrderedStorage>;

fn column(name: &str, of: &str, collection: &str, nullable: bool) -> String {
    format!(
        r#"{{"name":"{name}","type":"{of}","nullable":{nullable},"collection":"{collection}"}}"#
    )
}

fn class(name: &str, columns: &[String]) -> String {
    let key = r#"{"name":"_id","type":"int","nullable":false}"#;
    let columns = columns.join(",");
    format!(r#"{{"name":"{name}","kind":"top","primaryKey":{key},"columns":[{columns}]}}"#)
}

fn classes(all: &[String]) -> String {
    format!("[{}]", all.join(","))
}

/// A client that sees all cities, up to date at version 4; Development Mode is off.
fn stage(ledger: &TestLedger) -> TestPeer<'_> {
    let mut anna = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}"); // 2
    anna.drain();
    anna.send((2, 2), 2, &[(2, 0, 1, city_schema())]); // 3
    anna.query(1, ALL); // 4
    anna.drain();
    ledger.set_development_mode(false);
    anna
}

fn strings(field: &str, nullable: bool) -> Instruction {
    Instruction::AddColumn {
        class: "City".into(),
        field: field.into(),
        spec: ColumnSpec::new(ColumnType::String, nullable, CollectionKind::List, None),
    }
}

#[test]
fn what_is_missing_is_added_in_one_version_and_clients_are_told_of_it() {
    let ledger = open();
    let anna = stage(&ledger);
    let shop = class("Shop", &[column("name", "string", "single", true)]);
    let city = class(
        "City",
        &[
            column("name", "string", "single", false),
            column("zip", "int", "single", true),
        ],
    );
    let wanted = classes(&[city, shop]);
    let change = ledger.set_schema(&wanted).expect("the ledger works");
    assert!(change.changed && change.conflicts.is_empty(), "{change:?}");
    assert_eq!(ledger.version(), 5);
    let part = anna.only();
    assert!(steady(&part));
    let sent = entries(&part);
    let nullable = |class: &str, field: &str, of| Instruction::AddColumn {
        class: class.into(),
        field: field.into(),
        spec: ColumnSpec::new(of, true, CollectionKind::Single, None),
    };
    let expected = [
        add_table("Shop", KeyType::Int),
        nullable("City", "zip", ColumnType::Int),
        nullable("Shop", "name", ColumnType::String),
    ];
    assert_eq!((sent[0].version, sent[0].origin), (5, SERVER_IDENT));
    assert_eq!(sent[0].instructions, expected);
    // Again: nothing.
    let change = ledger.set_schema(&wanted).expect("the ledger works");
    assert_eq!((change.changed, ledger.version()), (false, 5));
    // Clients may say what is there, and no more.
    assert_eq!(
        anna.upload((3, 5), 5, &[(3, 5, 2, expected.to_vec())])
            .refusal,
        None
    );
    let other = add_column("Shop", "owner", ColumnType::String, CollectionKind::Single);
    let refusal = anna.upload((4, 5), 5, &[(4, 5, 2, vec![other])]).refusal;
    assert_eq!(refusal.map(|refusal| refusal.code), Some(225));
    assert!(matches!(
        ledger.set_schema("[{}]"),
        Err(LedgerError::Argument(_))
    ));
    assert!(matches!(
        ledger.set_schema("{"),
        Err(LedgerError::Argument(_))
    ));
}

#[test]
fn contradictions_are_named_and_change_nothing() {
    let ledger = open();
    let anna = stage(&ledger);
    let embedded = r#"{"name":"Shop","kind":"embedded","columns":[]}"#.to_owned();
    assert!(
        ledger
            .set_schema(&classes(&[embedded]))
            .expect("it works")
            .changed
    );
    let before = ledger.schema_json();
    let city = class(
        "City",
        &[
            column("name", "int", "single", false),
            column("country", "string", "single", true),
            column("tags", "string", "set", false),
            column("new", "int", "single", false),
        ],
    );
    let wanted = classes(&[city, class("Shop", &[]), class("Other", &[])]);
    let change = ledger.set_schema(&wanted).expect("the ledger works");
    assert!(!change.changed);
    assert_eq!(
        change.conflicts,
        [
            "class \"Shop\": expected a class with the primary key \"_id\" of type Int, \
             found an embedded class",
            "class \"City\", property \"name\": expected Int, found String",
            "class \"City\", property \"country\": expected optional String, found String",
            "class \"City\", property \"tags\": expected Set of String, found List of String",
        ]
    );
    assert_eq!((ledger.schema_json(), ledger.version()), (before, 5));
    drop(anna);
}

#[test]
fn a_client_is_told_what_of_its_schema_does_not_fit() {
    let ledger = open();
    let anna = stage(&ledger);
    let said = |instruction: Instruction| {
        let refusal = anna.ledger.integrate(
            &[tidemark_ledger::embedded::Upload {
                session: anna.session,
                progress_client_version: 3,
                progress_server_version: 4,
                locked_server_version: 4,
                body: &common::body(&[(3, 4, 2, vec![instruction])]),
            }],
            0,
        );
        let answers = refusal.expect("the ledger works");
        answers[0].refusal.clone().expect("refused")
    };
    let other = add_column("City", "name", ColumnType::Int, CollectionKind::List);
    let refusal = said(other);
    assert_eq!(
        (refusal.code, refusal.action),
        (225, Action::ApplicationBug)
    );
    assert_eq!(
        refusal.message,
        "Invalid schema change (UPLOAD): breaking schema change: class \"City\", property \"name\": \
         expected String, found List of Int"
    );
}

#[test]
fn elements_of_the_operators_lists_are_as_the_first_client_says() {
    let ledger = open();
    let anna = stage(&ledger);
    let wanted = |nullable| {
        classes(&[class(
            "City",
            &[column("names", "string", "list", nullable)],
        )])
    };
    assert!(ledger.set_schema(&wanted(true)).expect("it works").changed);
    assert!(
        !ledger.set_schema(&wanted(false)).expect("it works").changed,
        "not compared"
    );
    // Clients are not told what would contradict them, be they there or new.
    assert_eq!(anna.drain().iter().flat_map(entries).count(), 0);
    let mut bert = Peer::new(&ledger);
    bert.identify((0, 0), 0, "{}");
    let sent: Vec<_> = bert.drain().iter().flat_map(entries).collect();
    assert_eq!(sent[0].instructions, city_schema());
    let known = ledger.version();
    // Nobody writes into it before that.
    let insertion = || insert("City", 1, "names", 0, text("Oslo"), 0);
    let mut cecil = Peer::new(&ledger);
    cecil.identify((0, 0), 0, "{}");
    cecil.drain();
    let base = ledger.version();
    let early: Made = (2, base, 3, vec![create("City", 1), insertion()]);
    let refusal = cecil.upload((2, base), base, &[early]).refusal;
    assert_eq!(
        refusal.map(|refusal| (refusal.code, refusal.message)),
        Some((
            212,
            "Bad changeset (UPLOAD): no client has added the field \"names\" yet".to_owned()
        ))
    );
    // Bert's elements may be null; so may all from now on.
    let null = insert("City", 1, "names", 0, Value::Null, 0);
    let made: Made = (
        2,
        known,
        3,
        vec![strings("names", true), create("City", 1), null],
    );
    let answer = bert.upload((2, known), known, &[made]);
    assert_eq!((answer.refusal, answer.schema_changed), (None, true));
    let sent: Vec<_> = anna.drain().iter().flat_map(entries).collect();
    let told = sent.last().expect("an entry");
    assert_eq!(
        told.instructions.first(),
        Some(&strings("names", true)),
        "before what uses it"
    );
    let now = ledger.version();
    let refusal = anna
        .upload((3, now), now, &[(3, now, 4, vec![strings("names", false)])])
        .refusal;
    assert_eq!(
        refusal.map(|refusal| refusal.message).as_deref(),
        Some(
            "Invalid schema change (UPLOAD): breaking schema change: class \"City\", property \"names\": \
             expected List of optional String, found List of String"
        )
    );
    assert!(!ledger.set_schema(&wanted(false)).expect("it works").changed);
    // A schema that was stored says the same.
    let mut dora = Peer::new(&ledger);
    dora.identify((0, 0), 0, "{}");
    let sent: Vec<_> = dora.drain().iter().flat_map(entries).collect();
    assert!(sent[0].instructions.contains(&strings("names", true)));
}

#[test]
fn a_list_of_another_type_is_a_contradiction_also_before_a_client_names_it() {
    let ledger = open();
    let anna = stage(&ledger);
    let wanted = classes(&[class("City", &[column("names", "int", "list", true)])]);
    assert!(ledger.set_schema(&wanted).expect("it works").changed);
    let made: Made = (3, 4, 4, vec![strings("names", true)]);
    let refusal = anna.upload((3, 4), 4, &[made]).refusal.expect("refused");
    assert!(
        refusal
            .message
            .ends_with("expected List of optional Int, found List of optional String")
    );
}

#[test]
fn without_development_mode_only_named_fields_can_be_queried() {
    let ledger = open();
    let anna = stage(&ledger);
    let fields = |global: &[&str], of_city: &[&str]| QueryableFields {
        global: global.iter().map(|field| (*field).to_owned()).collect(),
        classes: [(
            "City".to_owned(),
            of_city.iter().map(|field| (*field).to_owned()).collect(),
        )]
        .into(),
        indexed: None,
    };
    let refusal = |version, query: &str| {
        let query = format!(r#"{{"City":"{query}"}}"#);
        anna.ledger
            .query(anna.session, version, &query)
            .expect("it works")
    };
    let not_queryable = |field: &str| {
        let text = "Invalid query: unsupported query for table \"City\": key";
        Some(format!("{text} \"{field}\" is not a queryable field"))
    };
    assert_eq!(refusal(2, "name == 'x'"), not_queryable("name"));
    assert_eq!(refusal(2, "_id == 1"), None);
    ledger.set_queryable_fields(fields(&["name"], &["tags"]));
    assert_eq!(refusal(3, "name == 'x' AND 'x' IN tags"), None);
    assert_eq!(refusal(4, "country == 'x'"), not_queryable("country"));
    assert_eq!(
        anna.ledger
            .query(anna.session, 4, r#"{"Nowhere":"TRUEPREDICATE"}"#)
            .expect("it works"),
        Some(
            "Invalid query: unsupported query for table \"Nowhere\": table does not exist"
                .to_owned()
        )
    );
    for (query, expected) in [
        (
            "tags.@max == 'x'",
            "@max is not yet supported in server-side queries",
        ),
        (
            "SUBQUERY(tags, $t, $t == 'x').@count > 0",
            "SUBQUERY is not yet supported in server-side queries",
        ),
        (
            "name.@count == 1",
            "@count is only supported on arrays in server-side queries",
        ),
        (
            "name == tags",
            "comparison of two fields is not yet supported in server-side queries",
        ),
    ] {
        let found = refusal(4, query).expect("refused");
        assert!(found.ends_with(expected), "{query}: {found}");
    }
    let limit = refusal(4, "TRUEPREDICATE LIMIT(1)").expect("refused");
    let expected = "Invalid query: invalid RQL for table \"City\": syntax error: unexpected Limit, \
                    expecting Or or RightParenthesis";
    assert_eq!(limit, expected);
}

/// What the server selects is what the query language says.
#[test]
fn queries_of_lists_and_nulls_are_answered_as_the_language_says() {
    let ledger = open();
    let mut anna = Peer::new(&ledger);
    anna.identify((0, 0), 0, "{}"); // 2
    anna.drain();
    let mut schema = city_schema();
    schema.push(Instruction::AddColumn {
        class: "City".into(),
        field: "note".into(),
        spec: ColumnSpec::new(ColumnType::String, true, CollectionKind::Single, None),
    });
    anna.send((2, 2), 2, &[(2, 0, 1, schema)]); // 3
    anna.query(1, ALL); // 4
    anna.drain();
    let cities = vec![
        create("City", 1),
        create("City", 2),
        insert("City", 2, "tags", 0, text("x"), 0),
        set("City", 2, "note", text("b")),
        create("City", 3),
        insert("City", 3, "tags", 0, text("x"), 0),
        insert("City", 3, "tags", 1, text("y"), 1),
        set("City", 3, "note", text("")),
    ];
    anna.send((3, 4), 4, &[(3, 4, 2, cities)]);
    anna.drain();
    let mut version = 1;
    for (query, expected) in [
        ("'x' IN tags", vec![2, 3]),
        ("ANY tags == 'y'", vec![3]),
        ("ALL tags == 'x'", vec![1, 2]),
        ("NONE tags == 'x'", vec![1]),
        ("tags == 'y'", vec![3]),
        ("tags.@count == 0", vec![1]),
        ("tags.@count >= 1", vec![2, 3]),
        ("note == null", vec![1]),
        ("note != null", vec![2, 3]),
        ("note < 'a'", vec![1, 3]),
        ("note >= 'a'", vec![2]),
        ("NOT (note == 'b')", vec![1, 3]),
        ("note IN {'b', null}", vec![1, 2]),
    ] {
        version += 1;
        anna.query(version, r#"{"City":"FALSEPREDICATE"}"#);
        anna.drain();
        version += 1;
        anna.query(version, &format!(r#"{{"City":"{query}"}}"#));
        let sent = anna.drain();
        let created = (1..=3).filter(|key| {
            let all = sent
                .iter()
                .flat_map(entries)
                .flat_map(|entry| entry.instructions);
            all.into_iter()
                .any(|instruction| instruction == create("City", *key))
        });
        assert_eq!(created.collect::<Vec<_>>(), expected, "{query}");
    }
    // A list beside a list of constants is refused, as by the original.
    let query = r#"{"City":"tags IN {'x'}"}"#;
    let refused = ledger
        .query(anna.session, version + 1, query)
        .expect("it works");
    let expected = "comparison of two lists is not yet supported in server-side queries";
    assert!(refused.is_some_and(|text| text.ends_with(expected)));
}

#[test]
fn a_file_that_is_forced_to_start_over_is_not_let_in_again() {
    let ledger = open();
    let mut anna = stage(&ledger);
    assert!(!ledger.force_reset(99).expect("it works"));
    assert!(ledger.force_reset(anna.ident).expect("it works"));
    // The session goes on until the server ends it.
    anna.send((3, 4), 4, &[(3, 4, 2, vec![create("City", 1)])]);
    anna.drain();
    ledger.end_session(anna.session);
    for _ in 0..2 {
        let said = anna.identification((5, 3), 1, ALL);
        let Err(Stop::Refused(refusal)) = anna.try_identify(said) else {
            panic!("let in")
        };
        let text = "Bad client file identifier (IDENT)";
        assert_eq!(
            (refusal.code, refusal.action, &*refusal.message),
            (208, Action::ClientReset, text)
        );
    }
    // Nothing is kept for it.
    let step = ledger.maintain(0, 1_000).expect("it works");
    assert!(step.is_done, "{step:?}");
    assert_eq!(ledger.status().trimmed, ledger.version());
}

/// Counts the writes that are begun.
#[derive(Default)]
struct Counted {
    inner: OrderedStorage,
    writes: AtomicUsize,
}

impl Storage for Counted {
    type Snapshot = <OrderedStorage as Storage>::Snapshot;
    type Sink = <OrderedStorage as Storage>::Sink;

    fn snapshot(&self) -> Result<Self::Snapshot> {
        self.inner.snapshot()
    }

    fn sink(&self) -> Result<Self::Sink> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.sink()
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

#[test]
fn all_files_are_forced_to_start_over_by_one_write() {
    let storage = Arc::new(Counted::default());
    let ledger = Ledger::open(Arc::clone(&storage), options(SALT)).expect("a new ledger opens");
    let mut peers: Vec<_> = (0..5).map(|_| Peer::new(&ledger)).collect();
    assert!(ledger.force_reset(peers[1].ident).expect("it works"));
    let before = storage.writes.load(Ordering::Relaxed);
    ledger.force_reset_all().expect("it works");
    assert_eq!(storage.writes.load(Ordering::Relaxed), before + 1);
    for peer in &mut peers {
        let said = peer.identification((0, 0), 0, ALL);
        let Err(Stop::Refused(refusal)) = peer.try_identify(said) else {
            panic!("let in")
        };
        assert_eq!((refusal.code, refusal.action), (208, Action::ClientReset));
    }
    Peer::new(&ledger).identify((0, 0), 0, "{}");
}
