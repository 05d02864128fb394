//! The record that says which version the database has, and the counters of its classes.

use tidemark_storage::{Read, Storage, Write};

use crate::record::{RecordReader, RecordWriter};
use crate::tables::{COUNTERS, ClassId, META, meta};
use crate::{Result, StoreError};

/// Version of a database that nothing was written to yet.
pub const FIRST_VERSION: u64 = 1;

/// Version of the database and of its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub version: u64,
    pub schema_version: u64,
}

impl Head {
    pub fn read(from: &impl Read) -> Result<Option<Self>> {
        let Some(bytes) = from.get(META, meta::HEAD)? else {
            return Ok(None);
        };
        let mut record = RecordReader::new(&bytes);
        Ok(Some(Self {
            version: record.u64()?,
            schema_version: record.u64()?,
        }))
    }

    pub fn expect(from: &impl Read) -> Result<Self> {
        Self::read(from)?.ok_or(StoreError::Damaged("the version is missing"))
    }

    pub fn write<S: Storage>(self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record.u64(self.version).u64(self.schema_version);
        to.put(META, meta::HEAD, &record.finish());
    }
}

/// Numbers kept per class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Key of the next object.
    pub next_object: u64,
    /// Number of objects.
    pub objects: u64,
    /// Number of objects that are linked to but do not exist.
    pub absent: u64,
}

impl Counters {
    pub fn read(from: &impl Read, class: ClassId) -> Result<Self> {
        let Some(bytes) = from.get(COUNTERS, &class.to_be_bytes())? else {
            return Ok(Self::default());
        };
        let mut record = RecordReader::new(&bytes);
        Ok(Self {
            next_object: record.u64()?,
            objects: record.u64()?,
            absent: record.u64()?,
        })
    }

    pub fn write<S: Storage>(self, to: &mut Write<S>, class: ClassId) {
        let mut record = RecordWriter::new();
        record
            .u64(self.next_object)
            .u64(self.objects)
            .u64(self.absent);
        to.put(COUNTERS, &class.to_be_bytes(), &record.finish());
    }
}
