//! Names of objects as the ledger's tables sort them: class number, then primary key in the order of its
//! type.

use std::borrow::Borrow;
use std::sync::Arc;

use tidemark_changeset::{Name, ObjectId, PrimaryKey, Uuid};
use tidemark_storage::keys::{KeyReader, KeyWriter};

use crate::error::{LedgerError, Result};

/// Number of a class: classes are numbered in the order in which they were added, and never renumbered.
pub type ClassNumber = u32;

const CLASS_BYTES: usize = 4;
const NULL: u8 = 0;
const INT: u8 = 1;
const STRING: u8 = 3;
const OBJECT_ID: u8 = 10;
const UUID: u8 = 11;
const GLOBAL_KEY: u8 = 16;

/// An object: its class and primary key, as bytes that sort by both and serve as a key of tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<[u8]>);

impl ObjectKey {
    /// The object of a class with a primary key.
    pub fn new(class: ClassNumber, key: &PrimaryKey) -> Self {
        let writer = KeyWriter::new().u32(class);
        let writer = match key {
            PrimaryKey::Null => writer.u8(NULL),
            PrimaryKey::Int(value) => writer.u8(INT).i64(*value),
            PrimaryKey::String(text) => writer.u8(STRING).bytes(text.as_bytes()),
            PrimaryKey::ObjectId(id) => writer.u8(OBJECT_ID).raw(&id.0),
            PrimaryKey::Uuid(id) => writer.u8(UUID).raw(&id.0),
            PrimaryKey::GlobalKey(high, low) => writer.u8(GLOBAL_KEY).u64(*high).u64(*low),
        };
        Self(Arc::from(writer.finish()))
    }

    /// An object by the bytes of its name, as a table gave them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if is_key(bytes) {
            Ok(Self(Arc::from(bytes)))
        } else {
            Err(UNREADABLE)
        }
    }

    /// The bytes, a key of tables.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Number of the class.
    pub fn class(&self) -> ClassNumber {
        self.0
            .first_chunk::<CLASS_BYTES>()
            .map_or(0, |bytes| ClassNumber::from_be_bytes(*bytes))
    }

    /// The primary key.
    pub fn key(&self) -> PrimaryKey {
        self.parse()
            .expect("an object key is checked when it is made")
    }

    fn parse(&self) -> Result<PrimaryKey> {
        let mut reader = KeyReader::new(&self.0);
        read_key(&mut reader).ok_or(UNREADABLE)
    }
}

impl Borrow<[u8]> for ObjectKey {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

const UNREADABLE: LedgerError = LedgerError::Damaged("an object's name cannot be read");

/// Whether [`read_key`] can read it. Scans check every object's name, and most are never read.
fn is_key(bytes: &[u8]) -> bool {
    let Some((kind, key)) = bytes.get(CLASS_BYTES..).and_then(<[u8]>::split_first) else {
        return false;
    };
    match *kind {
        NULL => key.is_empty(),
        INT => key.len() == 8,
        OBJECT_ID => key.len() == 12,
        UUID | GLOBAL_KEY => key.len() == 16,
        STRING => {
            let mut reader = KeyReader::new(key);
            reader.bytes().is_some() && reader.rest().is_empty()
        }
        _ => false,
    }
}

fn read_key(reader: &mut KeyReader<'_>) -> Option<PrimaryKey> {
    reader.u32()?;
    let key = match reader.u8()? {
        NULL => PrimaryKey::Null,
        INT => PrimaryKey::Int(reader.i64()?),
        STRING => PrimaryKey::String(Name::from(&reader.bytes()?[..])),
        OBJECT_ID => {
            let id = reader.rest().first_chunk::<12>()?;
            return (reader.rest().len() == 12).then_some(PrimaryKey::ObjectId(ObjectId(*id)));
        }
        UUID => {
            let id = reader.rest().first_chunk::<16>()?;
            return (reader.rest().len() == 16).then_some(PrimaryKey::Uuid(Uuid(*id)));
        }
        GLOBAL_KEY => PrimaryKey::GlobalKey(reader.u64()?, reader.u64()?),
        _ => return None,
    };
    reader.rest().is_empty().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_in_order() {
        let keys = [
            PrimaryKey::Null,
            PrimaryKey::Int(i64::MIN),
            PrimaryKey::Int(-1),
            PrimaryKey::Int(7),
            PrimaryKey::String("".into()),
            PrimaryKey::String("a\0b".into()),
            PrimaryKey::String("ab".into()),
            PrimaryKey::ObjectId(ObjectId([0; 12])),
            PrimaryKey::ObjectId(ObjectId([9; 12])),
            PrimaryKey::Uuid(Uuid([3; 16])),
            PrimaryKey::GlobalKey(1, 2),
        ];
        for pair in keys.windows(2) {
            assert!(
                ObjectKey::new(1, &pair[0]) < ObjectKey::new(1, &pair[1]),
                "{pair:?}"
            );
            assert!(ObjectKey::new(1, &pair[1]) < ObjectKey::new(2, &pair[0]));
        }
        for key in keys {
            let object = ObjectKey::new(5, &key);
            assert_eq!(object.class(), 5);
            assert_eq!(object.key(), key);
            assert_eq!(
                ObjectKey::from_bytes(object.as_bytes()).expect("just made"),
                object
            );
        }
    }

    #[test]
    fn foreign_bytes_are_refused() {
        for bytes in [
            &b""[..],
            b"\0\0\0\x01",
            b"\0\0\0\x01\x09",
            b"\0\0\0\x01\x01\0",
            b"\0\0\0\x01\0\0",
        ] {
            assert!(ObjectKey::from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_taken_can_be_read() {
        let text = PrimaryKey::String("a\0b".into());
        let id = PrimaryKey::ObjectId(ObjectId([0; 12]));
        let uuid = PrimaryKey::Uuid(Uuid([3; 16]));
        let global = PrimaryKey::GlobalKey(1, 2);
        for key in [PrimaryKey::Null, PrimaryKey::Int(7), text, id, uuid, global] {
            let object = ObjectKey::new(5, &key);
            let mut bytes = object.as_bytes().to_vec();
            bytes.extend([0, 0xff, 0, 0]);
            for length in 0..=bytes.len() {
                let part = bytes.get(..length).expect("within");
                let is_read = ObjectKey(Arc::from(part)).parse().is_ok();
                assert_eq!(ObjectKey::from_bytes(part).is_ok(), is_read, "{part:?}");
            }
        }
    }
}
