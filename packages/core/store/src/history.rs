//! The history of local commits that the server has not acknowledged in a download yet.
//!
//! Every commit of a synchronised database has an entry; the ones with a changeset are kept until no
//! download can be based on a version before them, the others only as long as they lie between such.

use std::ops::Bound;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use tidemark_storage::{Read, Storage, Write};

use crate::record::{RecordReader, RecordWriter};
use crate::tables::{HISTORY, RECIPROCALS};
use crate::{Result, StoreError};

/// Changesets below this size are stored as they are.
const COMPRESSED_FROM_BYTES: usize = 1_024;

/// Fast rather than small: a bulk write waits for it.
const COMPRESSION_LEVEL: u8 = 1;

/// What a history entry says beside its changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryHead {
    /// Whether it holds a changeset to upload; otherwise it was an integration or an empty commit.
    pub is_local: bool,
    /// Server version it is based on (or, of an integration, the last one integrated).
    pub base: u64,
    /// Origin timestamp.
    pub timestamp: u64,
    /// Size of the changeset as it was committed, uncompressed: what progress counts.
    pub size: u32,
}

fn pack(record: &mut RecordWriter, changeset: &[u8]) {
    if changeset.len() >= COMPRESSED_FROM_BYTES {
        let compressed = compress_to_vec(changeset, COMPRESSION_LEVEL);
        if compressed.len() < changeset.len() {
            record.u8(1).u32(narrow(changeset.len())).raw(&compressed);
            return;
        }
    }
    record.u8(0).u32(narrow(changeset.len())).raw(changeset);
}

fn unpack(record: &mut RecordReader<'_>) -> Result<Vec<u8>> {
    let (form, size) = (record.u8()?, record.u32()? as usize);
    match form {
        0 => Ok(record.rest().to_vec()),
        _ => decompress_to_vec_with_limit(record.rest(), size)
            .map_err(|_| StoreError::Damaged("a changeset cannot be decompressed")),
    }
}

fn narrow(size: usize) -> u32 {
    u32::try_from(size).expect("a changeset is below 4 GiB")
}

/// Adds the entry of a commit.
pub(crate) fn put<S: Storage>(to: &mut Write<S>, version: u64, head: EntryHead, changeset: &[u8]) {
    let mut record = RecordWriter::new();
    record
        .u8(u8::from(head.is_local))
        .u64(head.base)
        .u64(head.timestamp)
        .u32(head.size);
    if head.is_local {
        pack(&mut record, changeset);
    }
    to.put(HISTORY, &version.to_be_bytes(), &record.finish());
}

fn read_head(record: &mut RecordReader<'_>) -> Result<EntryHead> {
    Ok(EntryHead {
        is_local: record.u8()? != 0,
        base: record.u64()?,
        timestamp: record.u64()?,
        size: record.u32()?,
    })
}

/// The heads of the entries of versions from … to, in order.
pub(crate) fn heads(
    from: &impl Read,
    first: u64,
    last: u64,
) -> Result<impl Iterator<Item = Result<(u64, EntryHead)>> + '_> {
    let (first, last) = (first.to_be_bytes(), last.to_be_bytes());
    let entries = from.range(HISTORY, Bound::Included(&first), Bound::Included(&last))?;
    Ok(entries.map(|entry| {
        let (key, value) = entry?;
        let version = key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let version = version.ok_or(StoreError::Damaged("a history key is too short"))?;
        Ok((version, read_head(&mut RecordReader::new(&value))?))
    }))
}

/// The changeset of an entry as it was emitted.
pub(crate) fn original(from: &impl Read, version: u64) -> Result<Vec<u8>> {
    let value = from.get(HISTORY, &version.to_be_bytes())?;
    let value = value.ok_or(StoreError::Damaged("a history entry is missing"))?;
    let mut record = RecordReader::new(&value);
    if !read_head(&mut record)?.is_local {
        return Ok(Vec::new());
    }
    unpack(&mut record)
}

/// The changeset of an entry in its reciprocal form: as it has to be merged with the next download.
pub(crate) fn reciprocal(from: &impl Read, version: u64) -> Result<Vec<u8>> {
    match from.get(RECIPROCALS, &version.to_be_bytes())? {
        Some(value) => unpack(&mut RecordReader::new(&value)),
        None => original(from, version),
    }
}

/// Stores an entry anew with a shorter changeset. Everything else about it stays: its size is that of what
/// was committed.
pub(crate) fn shorten<S: Storage>(to: &mut Write<S>, version: u64, changeset: &[u8]) -> Result<()> {
    let value = to.get(HISTORY, &version.to_be_bytes())?;
    let value = value.ok_or(StoreError::Damaged("a history entry is missing"))?;
    let head = read_head(&mut RecordReader::new(&value))?;
    put(to, version, head, changeset);
    Ok(())
}

/// Whether downloads have changed an entry.
pub(crate) fn has_reciprocal(from: &impl Read, version: u64) -> Result<bool> {
    Ok(from.contains(RECIPROCALS, &version.to_be_bytes())?)
}

/// Stores the reciprocal form of an entry.
pub(crate) fn put_reciprocal<S: Storage>(to: &mut Write<S>, version: u64, changeset: &[u8]) {
    let mut record = RecordWriter::new();
    pack(&mut record, changeset);
    to.put(RECIPROCALS, &version.to_be_bytes(), &record.finish());
}

/// Forgets all entries before a version.
pub(crate) fn trim<S: Storage>(from: &mut Write<S>, before: u64) -> Result<()> {
    let end = before.to_be_bytes();
    for table in [HISTORY, RECIPROCALS] {
        from.delete_range(table, Bound::Unbounded, Bound::Excluded(&end))?;
    }
    Ok(())
}
