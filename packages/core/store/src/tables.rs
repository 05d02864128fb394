//! The tables of a client's database and the keys in them.

use tidemark_changeset::PrimaryKey;
use tidemark_storage::keys::KeyWriter;
use tidemark_storage::{Format, LeafTable, TableId};

/// The format of a client's file.
///
/// Version 2 has indexes, which version 1 did not keep up; a file of version 1 is one that has none.
/// Version 3 keeps rows and what leads to them by the leaf.
pub const CLIENT_FORMAT: Format = Format {
    kind: "client",
    version: 3,
    leaves: &[
        by_leaf(ROWS, CLASS_BYTES),
        by_leaf(INDEX, CLASS_BYTES),
        by_leaf(BACKLINKS, CLASS_BYTES),
        by_leaf(INDEXES, size_of::<IndexId>()),
    ],
};

const CLASS_BYTES: usize = size_of::<ClassId>();

const fn by_leaf(table: TableId, group_bytes: usize) -> LeafTable {
    LeafTable { table, group_bytes }
}

/// Single records: see [`meta`].
pub(crate) const META: TableId = TableId::new(0);
/// Class id, object key → packed primary key (sized), row.
pub(crate) const ROWS: TableId = TableId::new(1);
/// Class id, primary key → object key.
pub(crate) const INDEX: TableId = TableId::new(2);
/// Class id of the target, its primary key, class id of the origin, column, object key of the origin →
/// nothing.
pub(crate) const BACKLINKS: TableId = TableId::new(3);
/// Class id, primary key of an object that does not exist but is linked to → nothing.
pub(crate) const ABSENT: TableId = TableId::new(4);
/// Class id → next object key, number of objects, number of absent targets.
pub(crate) const COUNTERS: TableId = TableId::new(5);
/// Client version → history entry.
pub(crate) const HISTORY: TableId = TableId::new(6);
/// Client version → reciprocal form of a local history entry that downloads have changed.
pub(crate) const RECIPROCALS: TableId = TableId::new(7);
/// Version → subscription set.
pub(crate) const SUBSCRIPTIONS: TableId = TableId::new(8);
/// Number of the part → stored part of a bootstrap.
pub(crate) const BOOTSTRAP: TableId = TableId::new(9);
/// Number of the index, key of the value ([`tidemark_query::write_index_key`]), object key → nothing.
pub(crate) const INDEXES: TableId = TableId::new(10);

/// Keys of the records in [`META`].
pub(crate) mod meta {
    /// Version of the database, version of the schema.
    pub const HEAD: &[u8] = b"head";
    /// Classes and columns.
    pub const SCHEMA: &[u8] = b"schema";
    /// Which columns have indexes.
    pub const INDEXES: &[u8] = b"indexes";
    /// Ident, cursors and counters of synchronisation.
    pub const SYNC: &[u8] = b"sync";
    /// What is known of the stored bootstrap.
    pub const BOOTSTRAP: &[u8] = b"bootstrap";
    /// A client reset that was begun and is not acknowledged yet.
    pub const RESET: &[u8] = b"reset";
    /// What client resets did, until somebody has taken note of it.
    pub const RESET_REPORTS: &[u8] = b"reset-reports";
    /// Of a copy that has not heard from the server yet: the subscription set whose bootstrap it waits for.
    pub const COPIED: &[u8] = b"copied";
    /// The version that the application has given its schema.
    pub const DECLARED_VERSION: &[u8] = b"declared-version";
    /// Fields that the server's rules look at.
    pub const RULE_FIELDS: &[u8] = b"rule-fields";
}

/// The number of a class inside a file. Given once, kept as long as the class lives.
pub(crate) type ClassId = u16;

/// The number of an index inside a file. Given once, so that it outlasts columns before its own.
pub(crate) type IndexId = u32;

pub(crate) fn row_key(class: ClassId, object: u64) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&class.to_be_bytes());
    key[2..].copy_from_slice(&object.to_be_bytes());
    key
}

/// The object key at the end of a key of [`ROWS`], [`BACKLINKS`] or [`INDEXES`].
pub(crate) fn object_of(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes))
}

fn key_part(writer: KeyWriter, key: &PrimaryKey, ended: bool) -> KeyWriter {
    match key {
        PrimaryKey::Null => writer.u8(0),
        PrimaryKey::Int(value) => writer.u8(1).i64(*value),
        PrimaryKey::String(text) if ended => writer.u8(3).bytes(text.as_bytes()),
        PrimaryKey::String(text) => writer.u8(3).raw(text.as_bytes()),
        PrimaryKey::ObjectId(id) => writer.u8(10).raw(&id.0),
        PrimaryKey::Uuid(id) => writer.u8(11).raw(&id.0),
        PrimaryKey::GlobalKey(high, low) => writer.u8(16).u64(*high).u64(*low),
    }
}

/// Key in [`INDEX`] and [`ABSENT`].
pub(crate) fn index_key(class: ClassId, key: &PrimaryKey) -> Vec<u8> {
    key_part(KeyWriter::new().u16(class), key, false).finish()
}

/// What all keys in [`BACKLINKS`] of one target begin with.
pub(crate) fn backlink_prefix(class: ClassId, key: &PrimaryKey) -> KeyWriter {
    key_part(KeyWriter::new().u16(class), key, true)
}

/// Key in [`BACKLINKS`].
pub(crate) fn backlink_key(
    target: (ClassId, &PrimaryKey),
    origin: ClassId,
    column: u16,
    object: u64,
) -> Vec<u8> {
    backlink_prefix(target.0, target.1)
        .u16(origin)
        .u16(column)
        .u64(object)
        .finish()
}
