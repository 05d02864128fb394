//! What the ledger keeps per client file: its row, its own uploads, reciprocal forms and records.

use std::sync::Arc;

use tidemark_changeset::{Instruction, codec};

use crate::bytes::{Reader, put_bytes, put_number};
use crate::error::{LedgerError, Result};

const FORMAT: u8 = 3;

const EXPIRED: u8 = 1;
const OWN: u8 = 2;
const ORIGINAL: u8 = 4;
const RESET: u8 = 8;

/// Rows without [`ClientRow::schema_version`].
const FORMAT_WITHOUT_VERSION: u8 = 2;

/// Rows without [`ClientRow::born`] as well, whose [`ClientRow::seen_ms`] was of another clock.
const FORMAT_WITHOUT_BIRTH: u8 = 1;

/// A client file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRow {
    /// Salt of its ident, known to it and to the server.
    pub salt: u64,
    /// The user it belongs to.
    pub user: String,
    /// When the ident was given out, Unix milliseconds.
    pub created_ms: u64,
    /// When it was last heard of, in milliseconds that the ledger has served (`State::served_ms`).
    pub seen_ms: u64,
    /// Newest version when its file began: what it makes before its first download is judged as of it.
    pub born: u64,
    /// Download cursor: server version it has integrated, and the client version contained in that.
    pub download: (u64, u64),
    /// Newest client version integrated from it: the acknowledgement.
    pub integrated: u64,
    /// Upload progress as the client stated it: client version and server version.
    pub progress: (u64, u64),
    /// Version of its newest entry in the log; 0 if there is none.
    pub newest_entry: u64,
    /// Whether it was expired: it has to start over.
    pub expired: bool,
    /// Whether it merges and stores as the original does. Known from its first IDENT on, and fixed then: what
    /// it was sent depends on it.
    pub is_original: Option<bool>,
    /// Whether the operator wants it to start over.
    pub reset: bool,
    /// The version of the schema that the file is of: the one it came with first. Files from before there
    /// were versions are of the first.
    pub schema_version: Option<u64>,
}

impl ClientRow {
    /// The row as bytes.
    pub fn write(&self) -> Vec<u8> {
        let kind = match self.is_original {
            None => 0,
            Some(false) => OWN,
            Some(true) => ORIGINAL,
        };
        let mut out = vec![
            FORMAT,
            u8::from(self.expired) * EXPIRED + u8::from(self.reset) * RESET + kind,
        ];
        put_number(&mut out, self.salt);
        put_bytes(&mut out, self.user.as_bytes());
        for number in [
            self.created_ms,
            self.seen_ms,
            self.born,
            self.download.0,
            self.download.1,
            self.integrated,
            self.progress.0,
            self.progress.1,
            self.newest_entry,
        ] {
            put_number(&mut out, number);
        }
        // 0 before it came first.
        put_number(
            &mut out,
            self.schema_version.map_or(0, |version| version + 1),
        );
        out
    }

    /// Reads what [`ClientRow::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let format = reader.byte()?;
        if ![FORMAT, FORMAT_WITHOUT_VERSION, FORMAT_WITHOUT_BIRTH].contains(&format) {
            return Err(LedgerError::Damaged("a row has an unknown format"));
        }
        let flags = reader.byte()?;
        let salt = reader.number()?;
        let user = reader.text()?;
        let mut number = || reader.number();
        let (created_ms, seen_ms) = (number()?, number()?);
        let (seen_ms, born) = if format == FORMAT_WITHOUT_BIRTH {
            (0, 0)
        } else {
            (seen_ms, number()?)
        };
        let mut row = Self {
            salt,
            user,
            created_ms,
            seen_ms,
            born,
            download: (number()?, number()?),
            integrated: number()?,
            progress: (number()?, number()?),
            newest_entry: number()?,
            expired: flags & EXPIRED != 0,
            is_original: (flags & (OWN | ORIGINAL) != 0).then_some(flags & ORIGINAL != 0),
            reset: flags & RESET != 0,
            schema_version: None,
        };
        row.schema_version = if format == FORMAT {
            number()?.checked_sub(1)
        } else {
            // What came before came without a version; what did not come yet says its own.
            row.is_original.map(|_| 0)
        };
        Ok(row)
    }
}

/// One line of the index by object: an entry that touched it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Version of the entry.
    pub version: u64,
    /// File ident of its origin.
    pub origin: u64,
    /// What the entry has to do with the object.
    pub marks: Marks,
}

/// What an entry has to do with one object, beyond instructions on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent marks, stored as bits"
)]
pub struct Marks {
    /// The upload named the object, but nothing on it remains in the entry: only its own client is concerned.
    pub ghost: bool,
    /// The upload's write on the object was compensated.
    pub compensated: bool,
    /// … because a role forbids it; otherwise because the object is outside of the view.
    pub forbidden: bool,
    /// There is a record of the object for the entry's client at this version.
    pub record: bool,
    /// A queryable value or the existence of the object changed.
    pub moves: bool,
    /// The original's storage makes something else of the instructions than they say: clients that store so
    /// are given the object afresh.
    pub misapplied: bool,
}

impl Marks {
    fn bits(self) -> u8 {
        u8::from(self.ghost)
            | u8::from(self.compensated) << 1
            | u8::from(self.forbidden) << 2
            | u8::from(self.record) << 3
            | u8::from(self.moves) << 4
            | u8::from(self.misapplied) << 5
    }

    fn from_bits(bits: u8) -> Self {
        Self {
            ghost: bits & 1 != 0,
            compensated: bits & 2 != 0,
            forbidden: bits & 4 != 0,
            record: bits & 8 != 0,
            moves: bits & 16 != 0,
            misapplied: bits & 32 != 0,
        }
    }
}

impl Touch {
    /// The value of the index line.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![self.marks.bits()];
        put_number(&mut out, self.origin);
        out
    }

    /// Reads what [`Touch::write`] wrote.
    pub fn read(version: u64, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let marks = Marks::from_bits(reader.byte()?);
        Ok(Self {
            version,
            origin: reader.number()?,
            marks,
        })
    }
}

/// A client's own upload since its base, beside the entry it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnUpload {
    /// The client's version.
    pub client_version: u64,
    /// The server version it had integrated when it made it.
    pub base: u64,
    /// The changeset as it was uploaded; `None` if the entry holds the same instructions.
    pub original: Option<Arc<[u8]>>,
}

impl OwnUpload {
    /// The row as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.client_version);
        put_number(&mut out, self.base);
        out.push(u8::from(self.original.is_some()));
        if let Some(original) = &self.original {
            out.extend_from_slice(original);
        }
        out
    }

    /// Reads what [`OwnUpload::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let client_version = reader.number()?;
        let base = reader.number()?;
        let original = (reader.byte()? != 0).then(|| Arc::from(reader.rest()));
        Ok(Self {
            client_version,
            base,
            original,
        })
    }
}

/// A foreign entry's instructions on one object as they read after a client's own edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reciprocal {
    /// Base of the upload that made this form. A wipe after it makes the form void.
    pub base: u64,
    /// The instructions.
    pub instructions: Vec<Instruction>,
}

impl Reciprocal {
    /// The row as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.base);
        out.extend_from_slice(&codec::encode(&self.instructions));
        out
    }

    /// Reads what [`Reciprocal::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let base = reader.number()?;
        let changeset = codec::decode(reader.rest())
            .map_err(|_| LedgerError::Damaged("a reciprocal form cannot be decoded"))?;
        Ok(Self {
            base,
            instructions: changeset.instructions,
        })
    }
}

/// Why a write was compensated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The object is outside of the client's view.
    OutsideView,
    /// The user's role does not allow it.
    Forbidden,
}

/// That a client is to be given an object's state at a version afresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Client version of the upload concerned.
    pub client_version: u64,
    /// Set if the write was compensated: the 231 names the object.
    pub rejection: Option<Rejection>,
    /// The object's row at that version; `None` if it did not exist.
    pub image: Option<Arc<[u8]>>,
}

impl Record {
    /// The row as bytes.
    pub fn write(&self) -> Vec<u8> {
        let rejection = match self.rejection {
            None => 0,
            Some(Rejection::OutsideView) => 1,
            Some(Rejection::Forbidden) => 2,
        };
        let mut out = vec![rejection, u8::from(self.image.is_some())];
        put_number(&mut out, self.client_version);
        if let Some(image) = &self.image {
            out.extend_from_slice(image);
        }
        out
    }

    /// Reads what [`Record::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let rejection = match reader.byte()? {
            0 => None,
            1 => Some(Rejection::OutsideView),
            2 => Some(Rejection::Forbidden),
            _ => return Err(LedgerError::Damaged("a record has an unknown reason")),
        };
        let has_image = reader.byte()? != 0;
        let client_version = reader.number()?;
        let image = has_image.then(|| Arc::from(reader.rest()));
        Ok(Self {
            client_version,
            rejection,
            image,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::PrimaryKey;

    #[test]
    fn older_rows_are_read() {
        let row = ClientRow {
            created_ms: 1,
            seen_ms: 2,
            born: 9,
            download: (3, 4),
            ..ClientRow::default()
        };
        let mut older = row.write();
        assert_eq!(older.pop(), Some(0), "the version of the schema");
        older[0] = FORMAT_WITHOUT_VERSION;
        assert_eq!(ClientRow::read(&older).expect("readable"), row);
        // A file that came before there were versions is of the first.
        older[1] |= ORIGINAL;
        let version = ClientRow::read(&older).expect("readable").schema_version;
        assert_eq!(version, Some(0));
        older[1] &= !ORIGINAL;
        older[0] = FORMAT_WITHOUT_BIRTH;
        let born_at = older.iter().position(|byte| *byte == 9).expect("born");
        older.remove(born_at);
        let (seen_ms, born) = (0, 0);
        let expected = ClientRow {
            seen_ms,
            born,
            ..row
        };
        assert_eq!(ClientRow::read(&older).expect("readable"), expected);
    }

    #[test]
    fn rows_come_back() {
        for is_original in [None, Some(false), Some(true)] {
            let row = ClientRow {
                salt: u64::MAX >> 1,
                user: "anna".to_owned(),
                created_ms: 1,
                seen_ms: 2,
                born: 9,
                download: (3, 4),
                integrated: 5,
                progress: (6, 7),
                newest_entry: 8,
                expired: is_original.is_some(),
                reset: is_original == Some(true),
                is_original,
                schema_version: is_original.map(u64::from),
            };
            assert_eq!(ClientRow::read(&row.write()).expect("just written"), row);
        }
        for bits in 0..64 {
            let touch = Touch {
                version: 9,
                origin: 300,
                marks: Marks::from_bits(bits),
            };
            assert_eq!(touch.marks.bits(), bits);
            assert_eq!(Touch::read(9, &touch.write()).expect("just written"), touch);
        }
        for original in [None, Some(Arc::from(&b"abc"[..]))] {
            let own = OwnUpload {
                client_version: 5,
                base: 6,
                original,
            };
            assert_eq!(OwnUpload::read(&own.write()).expect("just written"), own);
        }
        let erase = Instruction::EraseObject {
            class: "T".into(),
            key: PrimaryKey::Int(1),
        };
        let reciprocal = Reciprocal {
            base: 9,
            instructions: vec![erase],
        };
        assert_eq!(
            Reciprocal::read(&reciprocal.write()).expect("just written"),
            reciprocal
        );
        for rejection in [
            None,
            Some(Rejection::OutsideView),
            Some(Rejection::Forbidden),
        ] {
            for image in [
                None,
                Some(Arc::from(&b""[..])),
                Some(Arc::from(&b"row"[..])),
            ] {
                let record = Record {
                    client_version: 3,
                    rejection,
                    image,
                };
                assert_eq!(Record::read(&record.write()).expect("just written"), record);
            }
        }
        assert!(ClientRow::read(b"").is_err() && Record::read(&[3, 0, 0]).is_err());
    }
}
