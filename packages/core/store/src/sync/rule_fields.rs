//! Which fields the server's rules look at.
//!
//! The server judges each changeset by what an object is before and after it. What is folded out of the
//! unsent history must therefore not be a value that a rule asks for, just as it must not be one that a
//! subscription asks for. The server tells its fields; the file remembers them for the time without a
//! connection.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_storage::{Read, Storage, Write};

use crate::compaction::Compactor;
use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::tables::{META, meta};
use crate::{Result, StoreError};

/// Fields by class. Those that the file does not have count from when it has them.
pub type RuleFields = BTreeMap<String, BTreeSet<String>>;

/// Most fields that a file takes, of all classes together.
const RULE_FIELDS_MAX: usize = 100_000;

/// The fields that were told last; none where nothing was told.
pub(crate) fn read_rule_fields(from: &impl Read) -> Result<RuleFields> {
    let Some(bytes) = from.get(META, meta::RULE_FIELDS)? else {
        return Ok(RuleFields::new());
    };
    let mut record = RecordReader::new(&bytes);
    let mut fields = RuleFields::new();
    while !record.is_empty() {
        let class = record.text()?;
        fields.entry(class).or_default().insert(record.text()?);
    }
    Ok(fields)
}

fn write<S: Storage>(fields: &RuleFields, to: &mut Write<S>) {
    let mut record = RecordWriter::new();
    for (class, fields) in fields {
        for field in fields {
            record.bytes(class.as_bytes()).bytes(field.as_bytes());
        }
    }
    to.put(META, meta::RULE_FIELDS, &record.finish());
}

impl<S: Storage> Database<S> {
    /// Takes over which fields the server's rules look at. What was written before is not folded with what
    /// follows if that changes anything.
    pub fn set_rule_fields(&self, fields: &RuleFields) -> Result<()> {
        self.expect_synced()?;
        if fields.values().map(BTreeSet::len).sum::<usize>() > RULE_FIELDS_MAX {
            let text = format!("More than {RULE_FIELDS_MAX} fields of rules");
            return Err(StoreError::MalformedArgument(text));
        }
        if read_rule_fields(&self.read()?.storage)? == *fields {
            return Ok(());
        }
        self.change_quietly(|storage| {
            self.with_compactor(Compactor::subscriptions_changed);
            write(fields, storage);
            Ok(())
        })
    }
}
