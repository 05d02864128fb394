//! Random histories: clients of several versions edit the same objects while new versions come. In the end
//! each holds what a new file of its version is given.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidemark_changeset::body::{UploadEntry, write_upload_body};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, Link, Name, PathElement, Payload, PrimaryKey, Target,
    UpdateKind, Value, codec,
};
use tidemark_ledger::embedded::{
    DownloadLimits, Identification, Ledger, Options, SchemaPolicy, SessionId, Upload,
};
use tidemark_ledger::switches::Switches;
use tidemark_ledger::views::Role;
use tidemark_model::memory::Database;
use tidemark_model::{Column, Document, Node, Schema};
use tidemark_storage::OrderedStorage;
use tidemark_transform::Rules;

use crate::client::{Client, Fault, Message, SetState, Subscription};
use crate::common::{SALT, TestLedger};
use crate::dice::Dice;
use crate::stage::{class, classes};

const VIEWS: [&str; 3] = ["", "a", "b"];

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
    let json: serde_json::Value = serde_json::from_str(&ledger.schema_json()).expect("it is JSON");
    let mut database = Peer::new(ledger, ledger.schema_version());
    database.pump(ledger).expect("a file of its own");
    assert!(json.is_array());
    let schema = database.client.database.schema;
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

struct Peer {
    client: Client,
    version: u64,
    session: Option<SessionId>,
    marks: usize,
    up: VecDeque<Message>,
}

fn query_text(version: u64, subscription: &Subscription) -> String {
    let views: Vec<String> = subscription
        .values
        .iter()
        .map(|value| format!("view == '{value}'"))
        .collect();
    let mut all = BTreeMap::new();
    if !views.is_empty() {
        all.insert("Object", views.join(" OR "));
    }
    if subscription.partners {
        all.insert("Partner", "TRUEPREDICATE".to_owned());
    }
    if subscription.partners && version > 0 {
        all.insert("Extra", "TRUEPREDICATE".to_owned());
    }
    serde_json::to_string(&all).expect("texts make JSON")
}

impl Peer {
    fn new(ledger: &TestLedger, version: u64) -> Self {
        let ident = ledger
            .allocate_file_ident("user", 7, 0)
            .expect("an ident is given");
        let client = Client::new(ident, Rules::CORRECTED);
        Self {
            client,
            version,
            session: None,
            marks: 0,
            up: VecDeque::new(),
        }
    }

    fn cut(&mut self, ledger: &TestLedger) {
        self.client.disconnect(false);
        self.up.clear();
        self.marks = 0;
        if let Some(session) = self.session.take() {
            ledger.end_session(session);
        }
    }

    fn connect(&mut self, ledger: &TestLedger) {
        self.cut(ledger);
        let delayed = self.client.download == (0, 0);
        self.up = self.client.connect(delayed).into();
    }

    fn serve(&mut self, ledger: &TestLedger) -> Result<(), Fault> {
        let Some(message) = self.up.pop_front() else {
            return Ok(());
        };
        match message {
            Message::Ident {
                download,
                latest,
                query_version,
                subscription,
            } => {
                let said = Identification {
                    file_ident: self.client.ident,
                    file_ident_salt: 7,
                    user: "user".to_owned(),
                    download_server_version: download.0,
                    download_client_version: download.1,
                    latest_server_version: latest.0,
                    latest_server_version_salt: latest.1,
                    query_version,
                    query: query_text(self.version, &subscription),
                    role: Role::everything(),
                    is_own_client: true,
                    protocol_version: 14,
                    schema_version: self.version,
                };
                let identified = ledger
                    .identify(said, 0)
                    .map_err(|stop| format!("ident: {stop}"))?;
                self.session = Some(identified.session);
                for told in identified.compensations {
                    self.client
                        .receive_compensation(told.server_version, told.rejected_client_version)?;
                }
            }
            Message::Mark => self.marks += 1,
            Message::Query {
                version,
                subscription,
            } => {
                let session = self.session.ok_or("no session")?;
                let answer =
                    ledger.query(session, version, &query_text(self.version, &subscription));
                self.marks += 1;
                if !matches!(answer, Ok(None)) {
                    return Err(format!("query: {answer:?}"));
                }
            }
            Message::Upload {
                progress,
                locked,
                changes,
            } => {
                let encoded: Vec<_> = changes
                    .iter()
                    .map(|change| codec::encode(&change.instructions))
                    .collect();
                let entries: Vec<_> = changes
                    .iter()
                    .zip(&encoded)
                    .map(|(change, changeset)| UploadEntry {
                        client_version: change.client_version,
                        server_version: change.base,
                        timestamp: change.timestamp,
                        origin_file_ident: 0,
                        changeset,
                    })
                    .collect();
                let upload = Upload {
                    session: self.session.ok_or("no session")?,
                    progress_client_version: progress.0,
                    progress_server_version: progress.1,
                    locked_server_version: locked,
                    body: &write_upload_body(&entries),
                };
                let answers = ledger
                    .integrate(&[upload], 0)
                    .map_err(|error| format!("upload: {error}"))?;
                for answer in answers {
                    if let Some(refusal) = answer.refusal {
                        return Err(format!(
                            "upload of version {} refused: {refusal}",
                            self.version
                        ));
                    }
                    for told in answer.compensations {
                        self.client.receive_compensation(
                            told.server_version,
                            told.rejected_client_version,
                        )?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes some of what is owed, or all.
    fn receive(&mut self, ledger: &TestLedger, count: usize) -> Result<(), Fault> {
        let Some(session) = self.session else {
            return Ok(());
        };
        for _ in 0..count {
            let part = ledger.next_download(
                session,
                DownloadLimits::of(if count > 9 { 1 << 20 } else { 100 }),
            );
            match part.map_err(|error| format!("download: {error}"))? {
                Some(part) => {
                    self.client.receive(&part)?;
                }
                None => {
                    for _ in 0..std::mem::take(&mut self.marks) {
                        self.client.receive_mark();
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn pump(&mut self, ledger: &TestLedger) -> Result<bool, Fault> {
        let mut busy = false;
        if self.session.is_none() {
            self.connect(ledger);
        }
        for _ in 0..200 {
            let message = self.client.next_message(5);
            busy |= matches!(&message, Some(Message::Query { .. }));
            busy |=
                matches!(&message, Some(Message::Upload { changes, .. }) if !changes.is_empty());
            self.up.extend(message);
            if self.up.is_empty() {
                break;
            }
            while !self.up.is_empty() {
                self.serve(ledger)?;
            }
            self.receive(ledger, 1000)?;
        }
        self.receive(ledger, 1000)?;
        Ok(busy)
    }

    fn subscribe(&mut self, dice: &mut Dice) {
        let values: BTreeSet<_> = VIEWS.into_iter().filter(|_| dice.chance(750)).collect();
        self.client.subscribe(Subscription {
            values,
            partners: dice.chance(800),
        });
    }

    fn write(&mut self, dice: &mut Dice, timestamp: u64) {
        let mut writer = Writer {
            dice,
            database: self.client.database.clone(),
            out: Vec::new(),
        };
        for _ in 0..writer.dice.between(1, 4) {
            writer.instruction();
        }
        let out = writer.out;
        if !out.is_empty() {
            self.client.write(out, timestamp);
        }
    }
}

/// Makes whatever the schema at hand allows.
struct Writer<'a> {
    dice: &'a mut Dice,
    database: Database,
    out: Vec<Instruction>,
}

impl Writer<'_> {
    fn emit(&mut self, instruction: Instruction) {
        self.database
            .apply(std::slice::from_ref(&instruction))
            .expect("a client writes only what applies");
        self.out.push(instruction);
    }

    fn instruction(&mut self) {
        let schema = self.database.schema.clone();
        let names: Vec<&Name> = schema
            .classes
            .values()
            .filter(|of| !of.is_embedded())
            .map(|of| &of.name)
            .collect();
        if names.is_empty() {
            return;
        }
        let class = if self.dice.chance(700) {
            Name::from("Object")
        } else {
            (*self.dice.pick(&names)).clone()
        };
        let key = PrimaryKey::Int(i64::try_from(self.dice.below(3)).expect("small"));
        let Some(document) = self.database.get(&class, &key).cloned() else {
            return self.emit(Instruction::CreateObject { class, key });
        };
        if self.dice.chance(40) {
            return self.emit(Instruction::EraseObject { class, key });
        }
        let definition = schema.class(&class).expect("it was picked");
        let target = |field: &Name| Target {
            class: class.clone(),
            key: key.clone(),
            field: field.clone(),
            path: Vec::new(),
        };
        let column = self.dice.pick(&definition.columns).clone();
        let index = definition
            .column_index(&column.name)
            .expect("it was picked");
        let node = document
            .field(index)
            .cloned()
            .unwrap_or_else(|| Node::default_of(&column));
        self.change(&schema, &column, target(&column.name), &node);
    }

    /// Changes a field, or something in it.
    fn change(&mut self, schema: &Schema, column: &Column, target: Target, node: &Node) {
        let kind = UpdateKind::Property { is_default: false };
        let embedded = schema.embedded_target(column);
        match (column.collection, node) {
            (CollectionKind::List, Node::List(elements)) => {
                self.change_list(schema, column, target, elements)
            }
            (_, Node::Object(object)) if self.dice.chance(850) => {
                self.change_embedded(schema, column, target, object);
            }
            _ if embedded.is_some() => {
                let value = if self.dice.chance(150) {
                    Payload::Value(Value::Null)
                } else {
                    Payload::Object
                };
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
            (_, Node::Value(Value::Int(_)))
                if column.column_type == ColumnType::Int && self.dice.chance(500) =>
            {
                let delta = i64::try_from(self.dice.below(9)).expect("small") - 4;
                self.emit(Instruction::AddInteger { target, delta });
            }
            _ => {
                let value = Payload::Value(self.value(column));
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
        }
    }

    fn change_embedded(
        &mut self,
        schema: &Schema,
        column: &Column,
        target: Target,
        object: &Document,
    ) {
        let class = schema
            .embedded_target(column)
            .expect("the column holds an object");
        let inner = self.dice.pick(&class.columns).clone();
        let index = class.column_index(&inner.name).expect("it was picked");
        let node = object
            .field(index)
            .cloned()
            .unwrap_or_else(|| Node::default_of(&inner));
        let mut target = target;
        target.path.push(PathElement::Key(inner.name.clone()));
        self.change(schema, &inner, target, &node);
    }

    fn change_list(
        &mut self,
        schema: &Schema,
        column: &Column,
        mut target: Target,
        elements: &[Node],
    ) {
        let prior_size = u32::try_from(elements.len()).expect("lists are short");
        let is_embedded = schema.embedded_target(column).is_some();
        let at = u32::try_from(self.dice.below(u64::from(prior_size) + 1)).expect("small");
        target.path.push(PathElement::Index(at));
        match elements.get(at as usize) {
            Some(Node::Object(object)) if self.dice.chance(500) => {
                self.change_embedded(schema, column, target, object);
            }
            Some(_) if prior_size > 3 || self.dice.chance(300) => {
                self.emit(Instruction::ArrayErase { target, prior_size });
            }
            Some(_) if !is_embedded && self.dice.chance(300) => {
                let (value, kind) = (
                    Payload::Value(self.value(column)),
                    UpdateKind::Element { prior_size },
                );
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
            _ => {
                let value = if is_embedded {
                    Payload::Object
                } else {
                    Payload::Value(self.value(column))
                };
                self.emit(Instruction::ArrayInsert {
                    target,
                    value,
                    prior_size,
                });
            }
        }
    }

    fn value(&mut self, column: &Column) -> Value {
        if column.nullable && self.dice.chance(300) {
            return Value::Null;
        }
        let number = i64::try_from(self.dice.below(5)).expect("small");
        let link = |class: &str| {
            let (class, key) = (class.into(), PrimaryKey::Int(number % 3));
            Value::Link(Box::new(Link { class, key }))
        };
        match column.column_type {
            ColumnType::Int => Value::Int(number),
            ColumnType::String => Value::String((*self.dice.pick(&VIEWS)).into()),
            ColumnType::Link => link(
                column
                    .target
                    .as_ref()
                    .and_then(|target| target.as_str())
                    .expect("a target"),
            ),
            ColumnType::Mixed => {
                let known = ["Object", "Partner", "Extra"];
                let known = known
                    .into_iter()
                    .filter(|class| self.database.schema.class(&(*class).into()).is_some());
                let known: Vec<&str> = known.collect();
                if self.dice.chance(500) {
                    link(*self.dice.pick::<&str>(&known))
                } else {
                    Value::Int(number)
                }
            }
            other => panic!("no values of {other:?}"),
        }
    }
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

fn seeds() -> u64 {
    std::env::var("SCHEMA_VERSION_HISTORIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(40)
}

#[test]
fn clients_of_three_versions_end_with_what_their_versions_show() {
    let mut tally = Tally::default();
    for seed in 0..seeds() {
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
    let fault = (0..seeds() * 2)
        .find_map(fault)
        .expect("some history needs the rule");
    assert!(
        fault.contains("differs") || fault.contains(" is "),
        "{fault}"
    );
}
