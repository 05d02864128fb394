//! The rules of a view as they are stored.

use std::collections::BTreeMap;

use crate::bytes::{Reader, put_bytes, put_number};
use crate::error::{LedgerError, Result};
use crate::field_access::FieldAccess;

/// The rules of one class in a view: all of them have to match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClassRule {
    /// What the client subscribed to.
    pub subscription: String,
    /// What its user may read; without those that allow everything.
    pub reads: Vec<String>,
    /// Set if a role's rule did not fit the schema when the view was made: the class is then not in the view.
    pub unbound: bool,
    /// Which fields of the objects are in the view.
    pub readable: FieldAccess,
}

/// The rules of a view by class; a class not named is not in the view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRules {
    /// The rules by class name.
    pub classes: BTreeMap<String, ClassRule>,
}

impl ViewRules {
    /// Appends the rules as bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_number(out, self.classes.len() as u64);
        for (class, rule) in &self.classes {
            put_bytes(out, class.as_bytes());
            put_bytes(out, rule.subscription.as_bytes());
            out.push(u8::from(rule.unbound));
            put_number(out, rule.reads.len() as u64);
            for read in &rule.reads {
                put_bytes(out, read.as_bytes());
            }
            put_bytes(out, rule.readable.text().as_bytes());
        }
    }

    /// What the rules weigh in a stored list.
    pub fn size(&self) -> usize {
        let mut out = Vec::new();
        self.write(&mut out);
        out.len()
    }

    /// Reads what [`ViewRules::write`] wrote; older rules do not say which fields.
    pub(crate) fn read(reader: &mut Reader<'_>, says_fields: bool) -> Result<Self> {
        let mut classes = BTreeMap::new();
        for _ in 0..reader.length()? {
            let class = reader.text()?;
            let subscription = reader.text()?;
            let unbound = reader.byte()? != 0;
            let count = reader.length()?;
            let reads = (0..count)
                .map(|_| reader.text())
                .collect::<Result<Vec<_>>>()?;
            let readable = if says_fields {
                let text = reader.text()?;
                let read = FieldAccess::parse(&text);
                read.map_err(|_| {
                    LedgerError::Damaged("a client's views name fields in no known way")
                })?
            } else {
                FieldAccess::all()
            };
            classes.insert(
                class,
                ClassRule {
                    subscription,
                    reads,
                    unbound,
                    readable,
                },
            );
        }
        Ok(Self { classes })
    }
}
