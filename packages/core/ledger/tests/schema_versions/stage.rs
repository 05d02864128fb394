//! What the tests of schema versions share: schemas as the operator writes them, and clients that hold what
//! they were sent.

use tidemark_changeset::body::{BodyLimits, parse_download_body};
use tidemark_changeset::{Instruction, Name, PrimaryKey, Value, codec};
use tidemark_ledger::embedded::{Identified, Ledger, QueryableFields, SchemaChange, SchemaPolicy};
use tidemark_ledger::error::Stop;
use tidemark_ledger::views::Role;
use tidemark_model::memory::Database;
use tidemark_model::{Node, node_at};
use tidemark_storage::{OrderedStorage, Storage};

use crate::common::{Made, Peer, TestLedger, entries, open, target};

pub const EVERYTHING: &str = r#"{"City":"TRUEPREDICATE"}"#;

/// A property: `name type`, with `?` behind the type for optional ones and `[]` for lists.
pub fn class(name: &str, kind: &str, properties: &[&str]) -> String {
    let key = r#""primaryKey":{"name":"_id","type":"int","nullable":false},"#;
    let key = if kind == "embedded" { "" } else { key };
    let columns: Vec<String> = properties.iter().map(|text| column(text)).collect();
    let columns = columns.join(",");
    format!(r#"{{"name":"{name}","kind":"{kind}",{key}"columns":[{columns}]}}"#)
}

fn column(text: &str) -> String {
    let (name, of) = text.split_once(' ').expect("a name and a type");
    let (of, nullable) = of.strip_suffix('?').map_or((of, false), |of| (of, true));
    let (of, collection) = of
        .strip_suffix("[]")
        .map_or((of, "single"), |of| (of, "list"));
    let (of, target) = match of.strip_prefix("->") {
        Some(class) => ("link", format!(r#","target":"{class}""#)),
        None => (of, String::new()),
    };
    let nullable = nullable || (of == "link" && collection == "single") || of == "mixed";
    format!(
        r#"{{"name":"{name}","type":"{of}","nullable":{nullable},"collection":"{collection}"{target}}}"#
    )
}

pub fn classes(all: &[String]) -> String {
    format!("[{}]", all.join(","))
}

/// A change that may break older clients, which removes some properties (`Class.property`) or classes.
pub fn breaking<S: Storage>(ledger: &Ledger<S>, all: &[String], removed: &[&str]) -> SchemaChange {
    let removed = removed.iter().map(|place| match place.split_once('.') {
        Some((class, property)) => (class.to_owned(), Some(property.to_owned())),
        None => ((*place).to_owned(), None),
    });
    let policy = SchemaPolicy {
        allow_breaking: true,
        removed: removed.collect(),
        ..SchemaPolicy::default()
    };
    let change = ledger.set_schema_as(&classes(all), &policy);
    let change = change.expect("the ledger works");
    assert_eq!(change.conflicts, Vec::<String>::new());
    change
}

/// A client with what it was sent.
pub struct Replica<'a, S: Storage = OrderedStorage> {
    pub peer: Peer<'a, S>,
    pub version: u64,
    pub database: Database,
    pub download: (u64, u64),
    queries: u64,
    uploads: u64,
    query: String,
}

impl<'a, S: Storage> Replica<'a, S> {
    pub fn new(ledger: &'a Ledger<S>, version: u64) -> Self {
        Self {
            peer: Peer::new(ledger),
            version,
            database: Database::new(),
            download: (0, 0),
            queries: 0,
            uploads: 1,
            query: "{}".to_owned(),
        }
    }

    /// The same file at another ledger, or at this one opened again.
    pub fn of(self, ledger: &Ledger<S>) -> Replica<'_, S> {
        Replica {
            peer: Peer::with_ident(ledger, self.peer.ident),
            version: self.version,
            database: self.database,
            download: self.download,
            queries: self.queries,
            uploads: self.uploads,
            query: self.query,
        }
    }

    /// A new file that asks for all cities.
    pub fn with_cities(ledger: &'a Ledger<S>, version: u64) -> Self {
        let mut replica = Self::new(ledger, version);
        replica.open();
        replica.query(EVERYTHING);
        replica
    }

    pub fn try_open(&mut self, schema_version: u64) -> Result<Identified, Stop> {
        let mut said = self
            .peer
            .identification(self.download, self.queries, &self.query);
        said.schema_version = schema_version;
        let identified = self.peer.try_identify(said);
        if let Ok(identified) = &identified {
            self.peer.session = identified.session;
        }
        identified
    }

    pub fn open(&mut self) -> Identified {
        let identified = self.try_open(self.version);
        let identified = identified.expect("the client is let in");
        self.take();
        identified
    }

    pub fn open_as(&mut self, role: Role) -> Identified {
        self.peer.role = role;
        self.open()
    }

    pub fn try_query(&mut self, query: &str) -> Option<String> {
        let version = self.queries + 1;
        let refused = self.peer.ledger.query(self.peer.session, version, query);
        let refused = refused.expect("the ledger works");
        if refused.is_none() {
            (self.queries, self.query) = (version, query.to_owned());
            self.take();
        }
        refused
    }

    pub fn query(&mut self, query: &str) {
        assert_eq!(self.try_query(query), None);
    }

    /// Takes what is owed. The instructions of the last message come back.
    pub fn take(&mut self) -> Vec<Instruction> {
        self.take_messages().pop().unwrap_or_default()
    }

    /// … those of all messages.
    pub fn take_all(&mut self) -> Vec<Instruction> {
        self.take_messages().concat()
    }

    fn take_messages(&mut self) -> Vec<Vec<Instruction>> {
        let mut all = Vec::new();
        for part in self.peer.drain() {
            let parsed = parse_download_body(&part.body, BodyLimits::default());
            for entry in parsed.expect("a body can be read") {
                let marked = entry.changeset.contains(&1) && has_mark(entry.changeset);
                assert!(!marked, "a physical name was sent");
            }
            let instructions: Vec<_> = entries(&part)
                .into_iter()
                .flat_map(|entry| entry.instructions)
                .collect();
            self.database
                .apply(&instructions)
                .expect("what is sent can be applied");
            self.download = (part.download_server_version, part.download_client_version);
            all.push(instructions);
        }
        all
    }

    /// Uploads one changeset made on what it has, and takes the answer.
    pub fn write(&mut self, instructions: Vec<Instruction>) {
        self.database
            .apply(&instructions)
            .expect("it can be written");
        assert_eq!(self.send(instructions), None);
    }

    /// … the error code if it is refused.
    pub fn send(&mut self, instructions: Vec<Instruction>) -> Option<u16> {
        self.send_made(self.download.0, 1000 + self.uploads, instructions)
            .map(|(code, _)| code)
    }

    pub fn send_made(
        &mut self,
        base: u64,
        timestamp: u64,
        instructions: Vec<Instruction>,
    ) -> Option<(u16, String)> {
        self.uploads += 1;
        let made: Made = (self.uploads, base, timestamp, instructions);
        let answer = self.peer.upload((self.uploads, base), base, &[made]);
        if let Some(refusal) = answer.refusal {
            return Some((refusal.code, refusal.message));
        }
        self.take();
        None
    }

    /// The value of a field of a city.
    pub fn value(&self, key: i64, field: &str) -> Option<Value> {
        let class = self.database.schema.class(&Name::from("City"))?;
        let document = self.database.get(&class.name, &PrimaryKey::Int(key))?;
        let target = target("City", key, field, Vec::new());
        match node_at(&self.database.schema, class, document, &target) {
            Some(Node::Value(value)) => Some(value.clone()),
            Some(other) => panic!("{other:?} is no value"),
            None => class.column_index(&target.field).map(|index| {
                let Node::Value(value) = Node::default_of(&class.columns[index]) else {
                    panic!("a collection is no value");
                };
                value
            }),
        }
    }

    pub fn keys(&self, class: &str) -> Vec<i64> {
        let objects = self.database.objects.get(&Name::from(class));
        let keys = objects.into_iter().flatten().map(|(key, _)| match key {
            PrimaryKey::Int(key) => *key,
            other => panic!("{other:?}"),
        });
        keys.collect()
    }

    pub fn has_field(&self, class: &str, field: &str) -> bool {
        let class = self.database.schema.class(&Name::from(class));
        class.is_some_and(|class| class.column_index(&field.into()).is_some())
    }
}

/// Whether any name or text of a changeset holds the mark of physical names.
fn has_mark(changeset: &[u8]) -> bool {
    let changeset = codec::decode(changeset).expect("a changeset can be read");
    format!("{:?}", changeset.instructions).contains("\\u{1}")
}

#[allow(clippy::unnecessary_wraps, reason = "as values are looked up")]
pub fn int(value: i64) -> Option<Value> {
    Some(Value::Int(value))
}

pub const NULL: Option<Value> = Some(Value::Null);

pub fn city(properties: &[&str]) -> Vec<String> {
    vec![class("City", "top", properties)]
}

/// A ledger with a first schema, Development Mode off.
pub fn with_schema(all: &[String]) -> TestLedger {
    let ledger = open();
    ledger.set_development_mode(false);
    let change = ledger.set_schema(&classes(all)).expect("it works");
    assert!(change.changed && change.conflicts.is_empty());
    let queryable = ["size", "name", "kind", "old", "owner"].map(str::to_owned);
    ledger.set_queryable_fields(QueryableFields {
        global: queryable.into(),
        ..QueryableFields::default()
    });
    ledger
}
