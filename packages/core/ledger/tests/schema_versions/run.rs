//! Random histories: clients of several versions edit the same objects while new versions come. In the end
//! each holds what a new file of its version is given.

use std::collections::{BTreeMap, VecDeque};

use tidemark_changeset::{ColumnType, Instruction, Name, Value};
use tidemark_ledger::embedded::{Ledger, Options, SchemaPolicy};
use tidemark_ledger::switches::Switches;
use tidemark_model::memory::Database;
use tidemark_model::{Column, Document, Node, Schema};
use tidemark_storage::OrderedStorage;

use crate::client::{Fault, SetState, Subscription};
use crate::common::{SALT, TestLedger};
use crate::dice::Dice;
use crate::peer::Peer;
use crate::stage::{class, classes};
use crate::writer::VIEWS;

/// Each version, and what of the one before is not in it any more.
fn versions() -> [(Vec<String>, &'static [&'static str]); 3] {
    let object = |properties: &[&str]| class("Object", "top", properties);
    let part = |properties: &[&str]| class("Part", "embedded", properties);
    let partner = || class("Partner", "top", &["label string?"]);
    let first = vec![
        object(&[
            "view string",
            "n int",
            "s string",
            "kind int",
            "l int[]",
            "m mixed",
            "e ->Part",
            "es ->Part[]",
            "p ->Partner",
        ]),
        part(&["size int", "names string[]"]),
        partner(),
    ];
    let second = vec![
        object(&[
            "view string?",
            "n int?",
            "kind string",
            "l int[]",
            "m mixed",
            "e ->Part",
            "es ->Part[]",
        ]),
        part(&["size int?", "color string", "names string[]"]),
        class("Extra", "top", &["label string"]),
    ];
    let third = vec![
        object(&[
            "view string",
            "n int",
            "s string?",
            "kind int",
            "l int[]",
            "m mixed",
            "e ->Part",
        ]),
        part(&["size int", "color string?"]),
        partner(),
        class("Extra", "top", &["label string"]),
    ];
    [
        (first, &[]),
        (second, &["Object.s", "Object.p", "Partner"]),
        (third, &["Object.es", "Part.names"]),
    ]
}

/// Schema instructions of a version as its clients have them.
fn model(ledger: &TestLedger) -> Vec<Instruction> {
    let mut peer = Peer::new(ledger, ledger.schema_version());
    peer.pump(ledger).expect("a file of its own");
    let schema = peer.client.database.schema;
    instructions_of(&schema)
}

fn instructions_of(schema: &Schema) -> Vec<Instruction> {
    use tidemark_changeset::{ColumnSpec, TableSpec};
    use tidemark_model::ClassKind;
    let table = |class: &tidemark_model::Class| Instruction::AddTable {
        class: class.name.clone(),
        spec: match &class.kind {
            ClassKind::TopLevel {
                key_field,
                key_type,
                key_nullable,
            }
            | ClassKind::Asymmetric {
                key_field,
                key_type,
                key_nullable,
            } => TableSpec::TopLevel {
                key_field: key_field.clone(),
                key_type: *key_type,
                key_nullable: *key_nullable,
                asymmetric: class.is_asymmetric(),
            },
            ClassKind::Embedded => TableSpec::Embedded,
        },
    };
    let column = |class: &tidemark_model::Class, column: &Column| Instruction::AddColumn {
        class: class.name.clone(),
        field: column.name.clone(),
        spec: ColumnSpec::new(
            column.column_type,
            column.nullable,
            column.collection,
            column.target.clone(),
        ),
    };
    let tables = schema.classes.values().map(table);
    let columns = schema
        .classes
        .values()
        .flat_map(|class| class.columns.iter().map(move |of| column(class, of)));
    tables.chain(columns).collect()
}

/// What happened in some histories.
#[derive(Default)]
pub struct Tally {
    pub objects: usize,
    pub older: usize,
    pub zeros: usize,
}

fn history(seed: u64, switches: Switches, tally: &mut Tally) -> Result<(), Fault> {
    let options = Options {
        epoch_salt: SALT,
        development_mode: true,
        switches,
    };
    let ledger = &Ledger::open(OrderedStorage::new(), options).expect("it opens");
    let mut dice = Dice::new(seed);
    let mut ahead: VecDeque<_> = versions().into();
    let mut models = Vec::new();
    let mut peers: Vec<Peer> = Vec::new();
    let mut clock = 1000;
    for step in 0..160 {
        if step % 50 == 0
            && let Some((all, removed)) = ahead.pop_front()
        {
            deploy(ledger, &all, removed);
            models.push(model(ledger));
            for _ in 0..2 {
                let mut peer = Peer::new(ledger, ledger.schema_version());
                peer.client.write(models[models.len() - 1].clone(), 1);
                peer.subscribe(&mut dice);
                peer.pump(ledger)?;
                peers.push(peer);
            }
            // Some files hear of it at once, others go on.
            for peer in &mut peers {
                if dice.chance(500) {
                    peer.cut(ledger);
                }
            }
        }
        let at = usize::try_from(dice.below(peers.len() as u64)).expect("few");
        let peer = &mut peers[at];
        match dice.below(10) {
            0..=4 => {
                clock += dice.below(3);
                let skew = dice.below(20);
                peer.write(&mut dice, clock + skew);
            }
            5 => {
                peer.pump(ledger)?;
            }
            6 => peer.receive(ledger, 2)?,
            7 if dice.chance(300) => peer.cut(ledger),
            8 if dice.chance(200) => peer.subscribe(&mut dice),
            _ => {
                if peer.session.is_none() && peer.up.is_empty() {
                    peer.connect(ledger);
                }
                let message = peer.client.next_message(2);
                peer.up.extend(message);
                if !peer.up.is_empty() {
                    peer.serve(ledger)?;
                }
            }
        }
    }
    for peer in &mut peers {
        peer.cut(ledger);
    }
    settle(ledger, &mut peers)?;
    compare(ledger, &peers, tally)
}

fn deploy(ledger: &TestLedger, all: &[String], removed: &[&str]) {
    let removed = removed.iter().map(|place| match place.split_once('.') {
        Some((class, property)) => (class.to_owned(), Some(property.to_owned())),
        None => ((*place).to_owned(), None),
    });
    let policy = SchemaPolicy {
        allow_breaking: true,
        removed: removed.collect(),
        ..SchemaPolicy::default()
    };
    let change = ledger
        .set_schema_as(&classes(all), &policy)
        .expect("the ledger works");
    assert!(change.conflicts.is_empty() && change.changed, "{change:?}");
}

fn settle(ledger: &TestLedger, peers: &mut [Peer]) -> Result<(), Fault> {
    for round in 0..40 {
        let mut busy = false;
        for peer in &mut *peers {
            busy |= peer.pump(ledger)?;
        }
        let rest = |peer: &Peer| {
            peer.client.is_uploaded() && peer.client.newest_set().state == SetState::Complete
        };
        if !busy && round > 2 && peers.iter().all(rest) {
            return Ok(());
        }
    }
    Err("never comes to rest".to_owned())
}

/// Each holds what a new file of its version is given for the same subscription, and what two versions both
/// have is the same in both but for null and zero.
fn compare(ledger: &TestLedger, peers: &[Peer], tally: &mut Tally) -> Result<(), Fault> {
    for peer in peers {
        let fresh = new_file(
            ledger,
            peer.version,
            peer.client.newest_set().subscription.clone(),
        )?;
        let mut held = peer.client.database.clone();
        held.fill();
        if held.objects != fresh.objects {
            return Err(format!(
                "client {} of version {} differs:\n  has  {:?}\n  want {:?}",
                peer.client.ident, peer.version, held.objects, fresh.objects
            ));
        }
        tally.objects += held.objects.values().map(BTreeMap::len).sum::<usize>();
        tally.older += usize::from(peer.version == 0 && !held.objects.is_empty());
    }
    let everything = || Subscription {
        values: VIEWS.into_iter().collect(),
        partners: true,
    };
    let all: Vec<Database> = (0..=2)
        .map(|version| new_file(ledger, version, everything()))
        .collect::<Result<_, _>>()?;
    for one in &all {
        for other in &all {
            for (class, objects) in &one.objects {
                for (key, document) in objects {
                    if let Some(found) = other.get(class, key) {
                        tally.zeros += same(class, (one, document), (other, found))?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn same(
    class: &Name,
    (one, document): (&Database, &Document),
    (other, found): (&Database, &Document),
) -> Result<usize, Fault> {
    let mut zeros = 0;
    let columns = one
        .schema
        .class(class)
        .map_or(&[][..], |class| &class.columns);
    let others = other.schema.class(class).ok_or("no class")?;
    for (column, node) in columns.iter().zip(&document.fields) {
        let Some(index) = others.column_index(&column.name) else {
            continue;
        };
        let of_other = &others.columns[index];
        let plain =
            column.column_type == ColumnType::Int || column.column_type == ColumnType::String;
        if !plain
            || column.column_type != of_other.column_type
            || column.collection != of_other.collection
        {
            continue;
        }
        let found = found.field(index).ok_or("a short row")?;
        let with_zero = |node: &Node| match node {
            Node::Value(Value::Null) => Node::default_of(&Column {
                nullable: false,
                ..column.clone()
            }),
            node => node.clone(),
        };
        zeros += usize::from(node != found);
        if with_zero(node) != with_zero(found) {
            return Err(format!("{class}.{} is {node:?} and {found:?}", column.name));
        }
    }
    Ok(zeros)
}

fn new_file(
    ledger: &TestLedger,
    version: u64,
    subscription: Subscription,
) -> Result<Database, Fault> {
    let mut peer = Peer::new(ledger, version);
    peer.client.subscribe(subscription);
    for _ in 0..4 {
        peer.pump(ledger)?;
    }
    peer.cut(ledger);
    let mut database = peer.client.database;
    database.fill();
    Ok(database)
}

/// How many histories there are.
const HISTORIES: u64 = 40;

#[test]
fn clients_of_three_versions_end_with_what_their_versions_show() {
    let mut tally = Tally::default();
    for seed in 0..HISTORIES {
        if let Err(fault) = history(seed, Switches::ALL, &mut tally) {
            panic!("seed {seed}: {fault}");
        }
    }
    // What the histories are for has to happen in them.
    assert!(
        tally.objects > 400 && tally.older > 40 && tally.zeros > 10,
        "{} {} {}",
        tally.objects,
        tally.older,
        tally.zeros
    );
}

#[test]
fn without_settled_sums_they_do_not() {
    let switches = Switches {
        settle_sums: false,
        ..Switches::ALL
    };
    let fault = |seed| history(seed, switches, &mut Tally::default()).err();
    let fault = (0..HISTORIES * 2)
        .find_map(fault)
        .expect("some history needs the rule");
    assert!(
        fault.contains("differs") || fault.contains(" is "),
        "{fault}"
    );
}
