//! Merging one upload's instructions on one object with what the log has on it since the upload's base.

use tidemark_changeset::{Instruction, Name};
use tidemark_model::Schema;
use tidemark_transform::{
    Branch, ColumnShape, Rules, TransformError, merge_beside_original, merge_reporting,
};

use crate::entries::Origin;
use crate::error::Result;
use crate::facts::{Derivation, find};
use crate::object::ObjectKey;
use crate::rows::{Reciprocal, Touch};

/// Entries on an object that an upload does not contain, in their present forms.
#[derive(Debug)]
pub struct Foreign {
    versions: Vec<u64>,
    branches: Vec<Branch>,
}

/// A merge's result.
#[derive(Debug)]
pub struct Merged {
    /// The upload's instructions, as they apply to the newest state.
    pub instructions: Vec<Instruction>,
    /// The entries that read differently from now on, by version.
    pub reciprocals: Vec<(u64, Reciprocal)>,
    /// Whether the original's rules would have ended elsewhere, or the order of application may matter: then
    /// the client may hold another state than the server.
    pub defect: bool,
}

impl Foreign {
    /// Loads the entries. A form kept from an earlier upload holds unless the client's copy of the object was
    /// wiped between the two bases: after a wipe the forms start again from the log.
    pub fn load(
        derivation: &Derivation<'_>,
        object: &ObjectKey,
        touches: &[Touch],
        base: u64,
    ) -> Result<Self> {
        let ident = derivation.timeline.ident;
        let mut foreign = Self {
            versions: Vec::new(),
            branches: Vec::new(),
        };
        for touch in touches {
            let entry = derivation.facts.entry(touch.version)?;
            let kept = derivation.facts.reciprocal(ident, touch.version, object)?;
            let instructions = match kept {
                Some(form) if !derivation.wiped(object, form.base, base)? => form.instructions,
                _ => entry.instructions_of(find(&entry, object)?.1)?.to_vec(),
            };
            let Origin {
                ident, timestamp, ..
            } = entry.origin;
            foreign.versions.push(touch.version);
            foreign
                .branches
                .push(Branch::new(timestamp, ident, instructions));
        }
        Ok(foreign)
    }

    /// Whether there is nothing to merge with.
    pub fn is_empty(&self) -> bool {
        self.branches
            .iter()
            .all(|branch| branch.instructions.is_empty())
    }

    /// Merges the upload's instructions with them. `compare` also merges by the original's rules, to see
    /// whether a client that does so ends elsewhere.
    pub fn merge(
        mut self,
        schema: &Schema,
        upload: Branch,
        base: u64,
        compare: bool,
    ) -> std::result::Result<Merged, TransformError> {
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        let (ours, mut theirs) = (&mut self.branches, [upload]);
        let defect = if compare {
            merge_beside_original(ours, &mut theirs, Some(&columns))?
        } else {
            let report = merge_reporting(ours, &mut theirs, Rules::CORRECTED, Some(&columns))?;
            !report.uncertain.is_empty()
        };
        let forms = self.versions.into_iter().zip(self.branches);
        let changed = forms.filter(|(_, branch)| branch.dirty);
        let reciprocals = changed
            .map(|(version, branch)| {
                (
                    version,
                    Reciprocal {
                        base,
                        instructions: branch.instructions,
                    },
                )
            })
            .collect();
        let [upload] = theirs;
        Ok(Merged {
            instructions: upload.instructions,
            reciprocals,
            defect,
        })
    }
}
