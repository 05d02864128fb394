//! The tables of the embedded ledger and the keys in them.

use tidemark_storage::keys::KeyWriter;
use tidemark_storage::{Format, TableId};

use crate::bytes::{Reader, put_number};
use crate::error::{LedgerError, Result};
use crate::object::ObjectKey;

/// What the file says it is.
pub const FORMAT: Format = Format {
    kind: "ledger",
    version: 1,
    leaves: &[],
};

/// Rows that exist once: [`STATE`], [`SCHEMA`].
pub const META: TableId = TableId::new(0);
/// Version → entry.
pub const ENTRIES: TableId = TableId::new(1);
/// Object, version → what the entry has to do with the object.
pub const INDEX: TableId = TableId::new(2);
/// Object → row.
pub const OBJECTS: TableId = TableId::new(3);
/// File ident → client row.
pub const CLIENTS: TableId = TableId::new(4);
/// File ident → views.
pub const VIEWS: TableId = TableId::new(5);
/// File ident, version → own upload.
pub const OWN_UPLOADS: TableId = TableId::new(6);
/// File ident, version, object → reciprocal form.
pub const RECIPROCALS: TableId = TableId::new(7);
/// File ident, version, object → record.
pub const RECORDS: TableId = TableId::new(8);

/// Key of [`State`] in [`META`].
pub const STATE: &[u8] = b"state";
/// Key of the schema in [`META`].
pub const SCHEMA: &[u8] = b"schema";
/// Key of the checkpoints in [`META`]: when which version was the newest.
pub const CHECKPOINTS: &[u8] = b"checkpoints";

/// At most this share of the maximum offline time is counted for one silence of the host: an outage of the
/// server, or a leap of its clock, must not expire everybody.
const OUTAGE_SHARE: u64 = 10;

/// Key of a number.
pub fn number(value: u64) -> [u8; 8] {
    value.to_be_bytes()
}

/// Key of an index line.
pub fn index(object: &ObjectKey, version: u64) -> Vec<u8> {
    KeyWriter::new()
        .raw(object.as_bytes())
        .u64(version)
        .finish()
}

/// Key of something of a client at a version.
pub fn of_client(ident: u64, version: u64) -> Vec<u8> {
    KeyWriter::new().u64(ident).u64(version).finish()
}

/// Key of something of a client at a version about an object.
pub fn of_object(ident: u64, version: u64, object: &ObjectKey) -> Vec<u8> {
    KeyWriter::new()
        .u64(ident)
        .u64(version)
        .raw(object.as_bytes())
        .finish()
}

/// The number at the end of a key.
pub fn last_number(key: &[u8]) -> Result<u64> {
    let number = key
        .last_chunk::<8>()
        .ok_or(LedgerError::Damaged("a key is too short"))?;
    Ok(u64::from_be_bytes(*number))
}

/// One start of the server: versions from `first` on were made under its salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// First version.
    pub first: u64,
    /// The salt.
    pub salt: u64,
}

/// What changes with every commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Newest version.
    pub version: u64,
    /// The next file ident to give out.
    pub next_ident: u64,
    /// Client files given out.
    pub clients: u64,
    /// Grows with every change of the stored schema.
    pub schema_revision: u64,
    /// Bytes of all entries.
    pub entry_bytes: u64,
    /// The epochs, oldest first.
    pub epochs: Vec<Epoch>,
    /// Objects by class number.
    pub objects: Vec<u64>,
    /// Entries up to this version are gone. Whoever may refer to them is told to start over.
    pub trimmed: u64,
    /// For how long the ledger was served, in milliseconds: the clock of everything that expires. An outage
    /// counts for little, so that nobody expires because the server was away.
    pub served_ms: u64,
    /// The host's clock when that was last counted.
    pub counted_ms: u64,
    /// Client files that expired.
    pub expired: u64,
    /// Epochs dropped from the list because no client can present a version of them.
    pub epochs_dropped: u64,
}

impl State {
    /// The salt of a version; `None` before the first epoch.
    pub fn salt(&self, version: u64) -> Option<u64> {
        self.epochs
            .iter()
            .rfind(|epoch| epoch.first <= version)
            .map(|epoch| epoch.salt)
    }

    /// Counts the time since the last call, in part if that is long ago.
    pub fn count_time(&mut self, now_ms: u64, window_ms: u64) {
        let passed = if self.counted_ms == 0 {
            0
        } else {
            now_ms.saturating_sub(self.counted_ms)
        };
        self.served_ms += passed.min(window_ms / OUTAGE_SHARE);
        self.counted_ms = now_ms;
    }

    /// Counts objects that came or went.
    pub fn count(&mut self, object: &ObjectKey, existed: bool, exists: bool) {
        let class = object.class() as usize;
        if self.objects.len() <= class {
            self.objects.resize(class + 1, 0);
        }
        if let Some(count) = self.objects.get_mut(class) {
            *count = (*count + u64::from(exists)).saturating_sub(u64::from(existed));
        }
    }

    /// The state as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let numbers = [
            self.version,
            self.next_ident,
            self.clients,
            self.schema_revision,
            self.entry_bytes,
        ];
        for number in numbers {
            put_number(&mut out, number);
        }
        put_number(&mut out, self.epochs.len() as u64);
        for epoch in &self.epochs {
            put_number(&mut out, epoch.first);
            put_number(&mut out, epoch.salt);
        }
        put_number(&mut out, self.objects.len() as u64);
        for count in &self.objects {
            put_number(&mut out, *count);
        }
        let upkeep = [
            self.trimmed,
            self.served_ms,
            self.counted_ms,
            self.expired,
            self.epochs_dropped,
        ];
        for number in upkeep {
            put_number(&mut out, number);
        }
        out
    }

    /// Reads what [`State::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let reader = &mut reader;
        let mut state = Self {
            version: reader.number()?,
            next_ident: reader.number()?,
            clients: reader.number()?,
            schema_revision: reader.number()?,
            entry_bytes: reader.number()?,
            ..Self::default()
        };
        for _ in 0..reader.length()? {
            state.epochs.push(Epoch {
                first: reader.number()?,
                salt: reader.number()?,
            });
        }
        for _ in 0..reader.length()? {
            state.objects.push(reader.number()?);
        }
        // A ledger from before there was trimming ends here.
        if !reader.is_empty() {
            state.trimmed = reader.number()?;
            state.served_ms = reader.number()?;
            state.counted_ms = reader.number()?;
            state.expired = reader.number()?;
            state.epochs_dropped = reader.number()?;
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::PrimaryKey;

    #[test]
    fn state_comes_back_and_counts() {
        let mut state = State {
            version: 5,
            next_ident: 9,
            clients: 7,
            schema_revision: 3,
            entry_bytes: 1 << 40,
            epochs: vec![
                Epoch { first: 1, salt: 11 },
                Epoch {
                    first: 4,
                    salt: u64::MAX >> 1,
                },
            ],
            objects: vec![1],
            trimmed: 2,
            served_ms: 1 << 50,
            counted_ms: 4,
            expired: 1,
            epochs_dropped: 3,
        };
        let object = ObjectKey::new(2, &PrimaryKey::Int(1));
        state.count(&object, false, true);
        state.count(&object, true, true);
        assert_eq!(state.objects, [1, 0, 1]);
        state.count(&object, true, false);
        assert_eq!(state.objects, [1, 0, 0]);
        assert_eq!(State::read(&state.write()).expect("just written"), state);
        let written = state.write();
        let older = written
            .get(..written.len() - 12)
            .expect("the upkeep is 12 bytes here");
        let older = State::read(older).expect("a ledger without upkeep can be read");
        assert_eq!((older.trimmed, older.served_ms), (0, 0));
        assert_eq!(
            (state.salt(0), state.salt(3), state.salt(4)),
            (None, Some(11), Some(u64::MAX >> 1))
        );
    }
}
