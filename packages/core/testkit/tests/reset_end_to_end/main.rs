//! Client resets against a real ledger: a client that the server cannot go on with starts over from a fresh
//! copy, uploads what it had not uploaded, and ends equal to everybody else.

mod client;

use std::sync::Arc;

use client::{Client, Server, Write, copy_of, serve};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, Payload, PrimaryKey,
    TableSpec, Value,
};
use tidemark_model::Node;
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::{ResetAction, ResetDemand, ResetPolicy, ResetReport};
use tidemark_store::{Database, DatabaseOptions, Location, Step};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::writing;

// --- what the clients do
// ----------------------------------------------------------------------------------------

const COUNT: u16 = 0;
const NAME: u16 = 1;
const TAGS: u16 = 2;
const FRIEND: u16 = 3;

fn schema() -> Vec<Instruction> {
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: KeyType::Int,
        key_nullable: false,
        asymmetric: false,
    };
    let class = || "City".into();
    let column = |field: &str, column_type, collection| {
        let target = (column_type == ColumnType::Link).then(class);
        let spec = ColumnSpec::new(column_type, false, collection, target);
        let (class, field) = (class(), field.into());
        Instruction::AddColumn { class, field, spec }
    };
    vec![
        Instruction::AddTable {
            class: class(),
            spec,
        },
        column("count", ColumnType::Int, CollectionKind::Single),
        column("name", ColumnType::String, CollectionKind::Single),
        column("tags", ColumnType::String, CollectionKind::List),
        column("friend", ColumnType::Link, CollectionKind::Single),
    ]
}

fn at(write: &mut Write, key: i64, column: u16, index: Option<u32>) -> Location {
    let view = write.view().expect("readable");
    let object = view.find(0, &PrimaryKey::Int(key)).expect("readable");
    Location {
        class: 0,
        object: object.expect("it exists"),
        column,
        steps: index.map(Step::Visible).into_iter().collect(),
    }
}

fn create(write: &mut Write, key: i64) {
    let created = write.create(0, &PrimaryKey::Int(key), false);
    created.expect("it can be made");
}

fn set(write: &mut Write, key: i64, column: u16, value: impl Into<Payload>) {
    let at = at(write, key, column, None);
    write.set(&at, false, &value.into()).expect("it fits");
}

fn text(value: &str) -> Payload {
    Payload::Value(Value::String(value.into()))
}

fn number(value: i64) -> Payload {
    Payload::Value(Value::Int(value))
}

fn link(key: i64) -> Value {
    let (class, key) = ("City".into(), PrimaryKey::Int(key));
    Value::Link(Box::new(Link { class, key }))
}

fn append_tag(write: &mut Write, key: i64, index: u32, tag: &str) {
    let at = at(write, key, TAGS, Some(index));
    write.list_insert(&at, &text(tag)).expect("it fits");
}

fn texts(values: &[&str]) -> Node {
    let node = |value: &&str| Node::Value(Value::String((*value).into()));
    Node::List(values.iter().map(node).collect())
}

fn field(client: &Client, key: i64, column: u16) -> Option<Node> {
    let model = client.model();
    let document = model.get(&"City".into(), &PrimaryKey::Int(key))?;
    document.field(usize::from(column)).cloned()
}

/// Anna and Bert share cities 1 to 3.
fn shared_cities(server: &Server) -> (Client, Client) {
    let anna = Client::new();
    anna.write(10, |write| {
        for instruction in schema() {
            write.change_schema(&instruction).expect("a legal schema");
        }
    });
    anna.sync(server);
    anna.subscribe(&["City"]);
    anna.sync(server);
    anna.write(20, |write| {
        for key in 1..=3 {
            create(write, key);
            append_tag(write, key, 0, "first");
        }
    });
    anna.sync(server);
    let bert = Client::subscribed(server, &["City"]);
    assert_eq!(anna.model(), bert.model());
    (anna, bert)
}

/// What Anna does while she is offline: something of every kind.
fn offline(anna: &Client) {
    anna.write(40, |write| {
        set(write, 1, NAME, text("Aarhus"));
        append_tag(write, 1, 1, "by the sea");
        let count = at(write, 1, COUNT, None);
        write.add_integer(&count, 5).expect("it is an integer");
    });
    anna.write(50, |write| {
        create(write, 10);
        set(write, 10, NAME, text("new"));
        set(write, 10, FRIEND, Payload::Value(link(1)));
        append_tag(write, 10, 0, "mine");
    });
    anna.write(60, |write| set(write, 3, FRIEND, Payload::Value(link(2))));
}

/// What Bert does meanwhile.
fn meanwhile(bert: &Client) {
    bert.write(45, |write| {
        set(write, 1, NAME, text("Oslo"));
        append_tag(write, 1, 0, "before");
        set(write, 1, COUNT, number(100));
        let second = at(write, 2, NAME, None);
        write.erase(0, second.object).expect("it exists");
        create(write, 4);
    });
}

/// Everything that the rules recover is there, on all sides.
fn expect_recovered(anna: &Client, others: &[&Client], report: &ResetReport) {
    for other in others {
        assert_eq!(anna.model(), other.model());
    }
    // City 2 is gone: the link to it is null now, and that is all that was lost.
    assert_eq!((report.changesets, report.changesets_recovered), (3, 3));
    assert_eq!(report.dropped_count, 1);
    assert_eq!(field(anna, 3, FRIEND), Some(Node::NULL));
    assert_eq!(
        field(anna, 1, NAME),
        Some(Node::Value(Value::String("Aarhus".into())))
    );
    assert_eq!(field(anna, 1, COUNT), Some(Node::Value(Value::Int(105))));
    assert_eq!(
        field(anna, 1, TAGS),
        Some(texts(&["before", "by the sea", "first"]))
    );
    assert_eq!(field(anna, 10, TAGS), Some(texts(&["mine"])));
    assert_eq!(field(anna, 10, FRIEND), Some(Node::Value(link(1))));
    assert!(field(anna, 4, NAME).is_some() && field(anna, 2, NAME).is_none());
}

#[test]
fn a_server_that_was_restored_from_a_backup() {
    let storage = Arc::new(OrderedStorage::new());
    let server = serve(&storage, 77);
    let (anna, bert) = shared_cities(&server);
    let backup = copy_of(&storage);
    // What comes now is acknowledged, and lost with the server.
    anna.write(30, |write| set(write, 3, NAME, text("lost")));
    anna.sync(&server);
    bert.sync(&server);
    offline(&anna);

    let server = serve(&backup, 78);
    let refusal = bert
        .connect(&server)
        .expect_err("its history is another one");
    let fresh = bert.fresh_copy(&server, false);
    bert.reset(&server, &refusal, &fresh);
    meanwhile(&bert);
    bert.sync(&server);
    let refusal = anna
        .connect(&server)
        .expect_err("her history is another one");
    let fresh = anna.fresh_copy(&server, false);
    let report = anna.reset(&server, &refusal, &fresh);
    bert.sync(&server);
    let carl = Client::subscribed(&server, &["City"]);
    expect_recovered(&anna, &[&bert, &carl], &report);
    // She goes on as before.
    anna.write(90, |write| set(write, 10, NAME, text("newer")));
    anna.sync(&server);
    bert.sync(&server);
    assert_eq!(anna.model(), bert.model());
}

/// The same for an ident that the server does not know, whether or not the copy's session has told the server
/// of versions that are Anna's unsynced ones.
#[test]
fn an_ident_that_the_server_does_not_know() {
    for is_careless in [false, true] {
        let storage = Arc::new(OrderedStorage::new());
        let server = serve(&storage, 77);
        let (anna, bert) = shared_cities(&server);
        offline(&anna);
        meanwhile(&bert);
        bert.sync(&server);
        anna.database
            .set_file_ident(1_000, 1)
            .expect("it is stored");
        let refusal = anna.connect(&server).expect_err("nobody has this ident");
        let fresh = anna.fresh_copy(&server, is_careless);
        if is_careless {
            // The server has heard of versions far beyond hers.
            for _ in 0..30 {
                fresh.write(1, |_| ());
            }
            fresh.sync(&server);
        }
        let report = anna.reset(&server, &refusal, &fresh);
        bert.sync(&server);
        expect_recovered(&anna, &[&bert], &report);
        assert_eq!(anna.database.pending_reset().expect("readable"), None);
    }
}

/// Anna's file, whose ident the server does not know, has just been reset; Bert wrote meanwhile.
fn reset_of_an_unknown_file(server: &Server, policy: ResetPolicy) -> (Client, Client, ResetReport) {
    let (anna, bert) = shared_cities(server);
    offline(&anna);
    meanwhile(&bert);
    bert.sync(server);
    anna.database
        .set_file_ident(1_000, 1)
        .expect("it is stored");
    let fresh = anna.fresh_copy(server, false);
    let demand = ResetDemand {
        policy,
        action: ResetAction::Reset,
        now_ms: 1,
        error_code: 208,
        error_message: String::new(),
    };
    anna.database.begin_reset(&demand).expect("it may be tried");
    let report = anna.database.reset_from(&fresh.database, 1_000);
    (anna, bert, report.expect("it can be done"))
}

/// A crash between the commit and the upload: the file knows all it needs.
#[test]
fn a_crash_before_the_recovered_changesets_are_uploaded() {
    let storage = Arc::new(OrderedStorage::new());
    let server = serve(&storage, 77);
    let (anna, bert, report) = reset_of_an_unknown_file(&server, ResetPolicy::Recover);
    // Bert writes on before she is back.
    bert.write(70, |write| append_tag(write, 1, 0, "later"));
    bert.sync(&server);
    let file = Arc::clone(anna.database.storage());
    drop(anna);
    let anna = Client {
        database: Database::open(file, DatabaseOptions::default()).expect("it opens"),
    };
    assert!(anna.database.pending_reset().expect("readable").is_some());
    anna.sync(&server);
    bert.sync(&server);
    assert_eq!(anna.model(), bert.model());
    assert_eq!(report.changesets_recovered, 3);
    let tags = texts(&["later", "before", "by the sea", "first"]);
    assert_eq!(field(&anna, 1, TAGS), Some(tags));
}

#[test]
fn discarding_takes_over_what_the_server_has() {
    let storage = Arc::new(OrderedStorage::new());
    let server = serve(&storage, 77);
    let (anna, bert, report) = reset_of_an_unknown_file(&server, ResetPolicy::Discard);
    assert_eq!(report.changesets, 3);
    assert_eq!(anna.model(), bert.model());
    anna.write(90, |write| create(write, 11));
    anna.sync(&server);
    bert.sync(&server);
    assert_eq!(anna.model(), bert.model());
}

// --- random histories
// -------------------------------------------------------------------------------------------

fn random_writes(client: &Client, dice: &mut Dice) {
    for _ in 0..dice.below(4) {
        let timestamp = 100 + dice.number() % 100;
        client.write(timestamp, |write| {
            for _ in 0..dice.below(12) {
                let model = write.view().and_then(|view| view.export());
                let instruction = writing::instruction(dice, &model.expect("readable"));
                writing::perform(write, &instruction);
            }
        });
    }
}

/// Three clients; now and then one of them is unknown to the server and starts over.
#[test]
fn random_clients_end_equal_whatever_is_reset() {
    let classes = ["T", "U"];
    let is_slow = std::env::var_os("TIDEMARK_SLOW").is_some();
    let mut recovered = 0;
    for seed in 0..if is_slow { 2_000 } else { 20 } {
        let mut dice = Dice::new(seed);
        let server = serve(&Arc::new(OrderedStorage::new()), 77);
        let first = Client::new();
        first.write(10, |write| {
            for instruction in writing::some_columns(&mut dice) {
                write.change_schema(&instruction).expect("a legal schema");
            }
        });
        first.sync(&server);
        first.subscribe(&classes);
        first.sync(&server);
        let mut clients = vec![first];
        clients.extend((0..2).map(|_| Client::subscribed(&server, &classes)));
        for round in 0..6 {
            for client in &clients {
                random_writes(client, &mut dice);
                if dice.chance(50) {
                    client.sync(&server);
                }
            }
            let unlucky = dice.pick(&clients);
            unlucky
                .database
                .set_file_ident(1_000 + round, 1)
                .expect("it is stored");
            let refusal = unlucky.connect(&server).expect_err("nobody has this ident");
            let fresh = unlucky.fresh_copy(&server, dice.chance(30));
            let report = unlucky.reset(&server, &refusal, &fresh);
            recovered += report.changesets_recovered;
        }
        for _ in 0..2 {
            for client in &clients {
                client.sync(&server);
            }
        }
        for client in &clients[1..] {
            assert_eq!(clients[0].model(), client.model(), "seed {seed}");
        }
    }
    assert!(recovered > 20, "{recovered}");
}
