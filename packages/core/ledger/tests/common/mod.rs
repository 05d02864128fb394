//! What the ledger's tests share: a schema, instructions, and sessions driven by hand.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, UploadEntry, parse_download_body, write_upload_body,
};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, PathElement, Payload,
    PrimaryKey, TableSpec, Target, UpdateKind, Value, codec,
};
use tidemark_ledger::embedded::{
    BatchState, DownloadLimits, DownloadPart, Identification, Identified, Ledger, Options,
    SessionId, Upload, UploadAnswer,
};
use tidemark_ledger::error::Stop;
use tidemark_ledger::switches::Switches;
use tidemark_ledger::views::{ClassRole, Role};
use tidemark_storage::{OrderedStorage, Storage};

pub type TestLedger = Ledger<OrderedStorage>;

pub const SALT: u64 = 77;

pub fn options(salt: u64) -> Options {
    Options {
        epoch_salt: salt,
        development_mode: true,
        switches: Switches::ALL,
    }
}

pub fn open() -> TestLedger {
    Ledger::open(OrderedStorage::new(), options(SALT)).expect("a new ledger opens")
}

// --- instructions
// ------------------------------------------------------------------------------------------------

pub fn add_table(class: &str, key_type: KeyType) -> Instruction {
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type,
        key_nullable: false,
        asymmetric: false,
    };
    Instruction::AddTable {
        class: class.into(),
        spec,
    }
}

pub fn add_column(
    class: &str,
    field: &str,
    column_type: ColumnType,
    collection: CollectionKind,
) -> Instruction {
    let spec = ColumnSpec::new(column_type, false, collection, None);
    Instruction::AddColumn {
        class: class.into(),
        field: field.into(),
        spec,
    }
}

pub fn create(class: &str, key: i64) -> Instruction {
    Instruction::CreateObject {
        class: class.into(),
        key: PrimaryKey::Int(key),
    }
}

pub fn erase(class: &str, key: i64) -> Instruction {
    Instruction::EraseObject {
        class: class.into(),
        key: PrimaryKey::Int(key),
    }
}

pub fn target(class: &str, key: i64, field: &str, path: Vec<PathElement>) -> Target {
    Target {
        class: class.into(),
        key: PrimaryKey::Int(key),
        field: field.into(),
        path,
    }
}

pub fn set(class: &str, key: i64, field: &str, value: Value) -> Instruction {
    Instruction::Update {
        target: target(class, key, field, Vec::new()),
        value: Payload::Value(value),
        kind: UpdateKind::Property { is_default: false },
    }
}

pub fn text(value: &str) -> Value {
    Value::String(value.into())
}

pub fn insert(
    class: &str,
    key: i64,
    field: &str,
    index: u32,
    value: Value,
    prior_size: u32,
) -> Instruction {
    Instruction::ArrayInsert {
        target: target(class, key, field, vec![PathElement::Index(index)]),
        value: Payload::Value(value),
        prior_size,
    }
}

/// `City { _id: int, name: string, country: string, tags: [string] }`.
pub fn city_schema() -> Vec<Instruction> {
    vec![
        add_table("City", KeyType::Int),
        add_column("City", "name", ColumnType::String, CollectionKind::Single),
        add_column(
            "City",
            "country",
            ColumnType::String,
            CollectionKind::Single,
        ),
        add_column("City", "tags", ColumnType::String, CollectionKind::List),
    ]
}

// --- sessions
// ----------------------------------------------------------------------------------------------------

/// One changeset of an upload: client version, base, timestamp, instructions.
pub type Made = (u64, u64, u64, Vec<Instruction>);

pub fn body(changesets: &[Made]) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = changesets
        .iter()
        .map(|(_, _, _, instructions)| codec::encode(instructions))
        .collect();
    let entries: Vec<UploadEntry<'_>> = changesets
        .iter()
        .zip(&encoded)
        .map(
            |((client_version, server_version, timestamp, _), changeset)| UploadEntry {
                client_version: *client_version,
                server_version: *server_version,
                timestamp: *timestamp,
                origin_file_ident: 0,
                changeset,
            },
        )
        .collect();
    write_upload_body(&entries)
}

/// One entry of a download, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub version: u64,
    pub client_version: u64,
    pub timestamp: u64,
    pub origin: u64,
    pub instructions: Vec<Instruction>,
}

pub fn entries(part: &DownloadPart) -> Vec<Received> {
    let parsed =
        parse_download_body(&part.body, BodyLimits::default()).expect("a body can be read");
    assert_eq!(parsed.len(), part.entries);
    parsed
        .into_iter()
        .map(|entry: DownloadEntry<'_>| Received {
            version: entry.server_version,
            client_version: entry.client_version,
            timestamp: entry.timestamp,
            origin: entry.origin_file_ident,
            instructions: codec::decode(entry.changeset)
                .expect("a changeset can be read")
                .instructions,
        })
        .collect()
}

/// A role with one read and one write rule for all classes.
pub fn role(read: &str, write: &str) -> Role {
    Role {
        default: ClassRole::by_predicates(read, write),
        classes: BTreeMap::new(),
    }
}

/// A client file driven by hand.
pub struct Peer<'a, S: Storage> {
    pub ledger: &'a Ledger<S>,
    pub ident: u64,
    pub session: SessionId,
    pub role: Role,
    /// The server's clock.
    pub now_ms: u64,
}

impl<'a, S: Storage> Peer<'a, S> {
    pub fn new(ledger: &'a Ledger<S>) -> Self {
        let ident = ledger
            .allocate_file_ident("user", 5, 0)
            .expect("an ident is given");
        Self {
            ledger,
            ident,
            session: 0,
            role: Role::everything(),
            now_ms: 0,
        }
    }

    /// A client file that has its ident already.
    pub fn with_ident(ledger: &'a Ledger<S>, ident: u64) -> Self {
        Self {
            ledger,
            ident,
            session: 0,
            role: Role::everything(),
            now_ms: 0,
        }
    }

    pub fn identification(
        &self,
        download: (u64, u64),
        query_version: u64,
        query: &str,
    ) -> Identification {
        Identification {
            file_ident: self.ident,
            file_ident_salt: 5,
            user: "user".to_owned(),
            download_server_version: download.0,
            download_client_version: download.1,
            latest_server_version: download.0,
            latest_server_version_salt: if download.0 == 0 { 0 } else { SALT },
            query_version,
            query: query.to_owned(),
            role: self.role.clone(),
            is_own_client: true,
            protocol_version: 14,
            schema_version: 0,
        }
    }

    /// A new file that has uploaded the class of cities and subscribed; what it is sent is still to come.
    pub fn subscribed(ledger: &'a Ledger<S>, query: &str) -> Self {
        let mut peer = Self::new(ledger);
        peer.identify((0, 0), 0, "{}");
        peer.drain();
        let version = ledger.version();
        peer.send((2, version), version, &[(2, version, 1, city_schema())]);
        peer.query(1, query);
        peer
    }

    pub fn identify(
        &mut self,
        download: (u64, u64),
        query_version: u64,
        query: &str,
    ) -> Identified {
        let said = self.identification(download, query_version, query);
        let identified = self
            .ledger
            .identify(said, self.now_ms)
            .expect("the client is let in");
        self.session = identified.session;
        identified
    }

    pub fn try_identify(&mut self, said: Identification) -> Result<Identified, Stop> {
        self.ledger.identify(said, self.now_ms)
    }

    pub fn query(&self, version: u64, query: &str) {
        let refused = self
            .ledger
            .query(self.session, version, query)
            .expect("the query is taken");
        assert_eq!(refused, None);
    }

    pub fn upload(&self, progress: (u64, u64), locked: u64, changesets: &[Made]) -> UploadAnswer {
        let body = body(changesets);
        let upload = Upload {
            session: self.session,
            progress_client_version: progress.0,
            progress_server_version: progress.1,
            locked_server_version: locked,
            body: &body,
        };
        let mut answers = self
            .ledger
            .integrate(&[upload], self.now_ms)
            .expect("the ledger works");
        answers.pop().expect("one answer per upload")
    }

    /// An upload that has to be taken.
    pub fn send(&self, progress: (u64, u64), locked: u64, changesets: &[Made]) -> UploadAnswer {
        let answer = self.upload(progress, locked, changesets);
        assert_eq!(answer.refusal, None);
        answer
    }

    pub fn next(&self) -> Option<DownloadPart> {
        self.ledger
            .next_download(self.session, DownloadLimits::of(1 << 20))
            .expect("the ledger works")
    }

    /// Everything owed.
    pub fn drain(&self) -> Vec<DownloadPart> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// The one message that is owed.
    pub fn only(&self) -> DownloadPart {
        let mut parts = self.drain();
        assert_eq!(parts.len(), 1, "{parts:?}");
        parts.pop().expect("one part")
    }
}

pub fn steady(part: &DownloadPart) -> bool {
    part.batch_state == BatchState::Steady
}

pub fn name(text: &str) -> Name {
    text.into()
}
