//! Merging one upload's instructions on one object with what the log has on it since the upload's base.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, Name, Payload, Value};
use tidemark_model::Schema;
use tidemark_transform::{
    Branch, Budget, ColumnShape, MergeOptions, Rules, TransformError, merge_beside_original,
    merge_reporting,
};

use crate::entries::Origin;
use crate::error::Result;
use crate::facts::{Derivation, find};
use crate::object::ObjectKey;
use crate::rows::{Reciprocal, Touch};

/// How many uploads are merged at a time: enough for long histories of one list to be merged by clusters.
const AHEAD_MAX: usize = 256;

/// From how many entries on it is worth to merge several uploads at a time.
const SEVERAL_MIN: usize = 2;

/// A merge, or why it is none.
type Merge<T> = std::result::Result<T, TransformError>;

/// What an instruction weighs beside the bytes of its value.
const INSTRUCTION_BYTES: usize = 256;

/// Entries on an object that uploads since one base do not contain, in their present forms.
#[derive(Debug, Default)]
pub struct Foreign {
    entries: Vec<ForeignEntry>,
    /// Those that have instructions on a field, by its name: others cannot meet an instruction on that field,
    /// unless they are in `lives`.
    fields: FxHashMap<Name, BTreeSet<usize>>,
    /// Those that create or erase the object: they meet everything.
    lives: BTreeSet<usize>,
    /// How many still have instructions.
    alive: usize,
    bytes: usize,
    /// The last merge, as far as it may have to be taken back.
    ahead: Option<Ahead>,
    /// How many uploads to come are merged one by one: all at a time did not do for them.
    one_by_one: usize,
}

#[derive(Debug)]
struct ForeignEntry {
    version: u64,
    branch: Branch,
    /// Fields that its instructions are on; `None` stands for the object itself.
    fields: Vec<Option<Name>>,
    /// Whether this form is another than the stored one.
    changed: bool,
}

/// A merge of several uploads at a time, those to come included.
#[derive(Debug)]
struct Ahead {
    /// The entries that they meet, as they were before, and whether they had changed.
    before: Vec<(usize, Branch, bool)>,
    uploads: Vec<Branch>,
    /// What becomes of the uploads.
    merged: Vec<Branch>,
    /// How many of them were asked for.
    taken: usize,
}

/// How to merge.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    pub schema: &'a Schema,
    /// What the upload's merges may cost.
    pub budget: Option<&'a Budget>,
    /// Whether to merge by the original's rules too, to see whether a client that does so ends elsewhere.
    pub compare: bool,
    /// Whether [`Foreign::revoke`] may follow.
    pub revocable: bool,
}

/// A merge's result.
#[derive(Debug)]
pub struct Merged {
    /// The upload's instructions, as they apply to the newest state.
    pub instructions: Vec<Instruction>,
    /// Whether the original's rules would have ended elsewhere, or the order of application may matter: then
    /// the client may hold another state than the server.
    pub defect: bool,
}

/// The fields that instructions are on, each once, in order of first mention.
fn fields_of<'a>(instructions: impl IntoIterator<Item = &'a Instruction>) -> Vec<Option<Name>> {
    let mut fields: Vec<Option<&Name>> = Vec::new();
    for instruction in instructions {
        let field = instruction.target().map(|target| &target.field);
        if fields.last() != Some(&field) && !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields.into_iter().map(Option::<&Name>::cloned).collect()
}

fn weight(instruction: &Instruction) -> usize {
    let value = match instruction {
        Instruction::Update { value, .. } | Instruction::ArrayInsert { value, .. } => Some(value),
        _ => None,
    };
    let bytes = match value {
        Some(Payload::Value(Value::String(text))) => text.len(),
        Some(Payload::Value(Value::Binary(bytes))) => bytes.len(),
        _ => 0,
    };
    INSTRUCTION_BYTES + bytes
}

impl Foreign {
    /// Adds entries. A form kept from an earlier upload holds unless the client's copy of the object was
    /// wiped between the two bases: after a wipe the forms start again from the log.
    pub fn load(
        &mut self,
        derivation: &Derivation<'_>,
        object: &ObjectKey,
        touches: &[Touch],
        base: u64,
    ) -> Result<()> {
        let ident = derivation.timeline.ident;
        let mut wiped: FxHashMap<u64, bool> = FxHashMap::default();
        for touch in touches {
            let entry = derivation.facts.entry(touch.version)?;
            let kept = derivation.facts.reciprocal(ident, touch.version, object)?;
            let kept = match kept {
                Some(form) => {
                    let is_wiped = match wiped.get(&form.base) {
                        Some(known) => *known,
                        None => derivation.wiped(object, form.base, base)?,
                    };
                    wiped.insert(form.base, is_wiped);
                    (!is_wiped).then_some(form.instructions)
                }
                None => None,
            };
            let instructions = match kept {
                Some(instructions) => instructions,
                None => entry.instructions_of(find(&entry, object)?.1)?.to_vec(),
            };
            let Origin {
                ident, timestamp, ..
            } = entry.origin;
            let branch = Branch::new(timestamp, ident, instructions);
            self.push(touch.version, branch);
        }
        Ok(())
    }

    fn push(&mut self, version: u64, branch: Branch) {
        self.alive += usize::from(!branch.instructions.is_empty());
        self.bytes += branch.instructions.iter().map(weight).sum::<usize>();
        let place = self.entries.len();
        self.entries.push(ForeignEntry {
            version,
            branch,
            fields: Vec::new(),
            changed: false,
        });
        self.find_fields(place);
    }

    /// Puts an entry under the fields that it has instructions on now.
    fn find_fields(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let fields = fields_of(&entry.branch.instructions);
        if fields == entry.fields {
            return;
        }
        for field in std::mem::replace(&mut entry.fields, fields.clone()) {
            match field {
                Some(field) => {
                    self.fields
                        .get_mut(&field)
                        .map(|places| places.remove(&place));
                }
                None => {
                    self.lives.remove(&place);
                }
            }
        }
        for field in fields {
            match field {
                Some(field) => self.fields.entry(field).or_default(),
                None => &mut self.lives,
            }
            .insert(place);
        }
    }

    /// How many entries were added.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// What they weigh, with copies of what a merge ahead of its time changes.
    pub fn bytes(&self) -> usize {
        2 * self.bytes
    }

    /// Whether there is nothing to merge with.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// The entries that instructions can meet, in order: no rule acts between two fields of an object.
    fn meeting<'a>(&self, instructions: impl IntoIterator<Item = &'a Instruction>) -> Vec<usize> {
        let fields = fields_of(instructions);
        if fields.contains(&None) {
            let alive = |(_, entry): &(usize, &ForeignEntry)| !entry.fields.is_empty();
            let alive = self.entries.iter().enumerate().filter(alive);
            return alive.map(|(place, _)| place).collect();
        }
        let of_field = |field: &Option<Name>| self.fields.get(field.as_ref()?);
        let mut places: Vec<usize> = fields
            .iter()
            .filter_map(of_field)
            .flatten()
            .copied()
            .collect();
        if fields.len() > 1 || !self.lives.is_empty() {
            places.extend(&self.lives);
            places.sort_unstable();
            places.dedup();
        }
        places
    }

    /// Merges an upload's instructions with them. `later` says what the same client is about to upload on the
    /// object, with the same base: merged all at a time, long histories cost much less, and end the same.
    pub fn merge(
        &mut self,
        manner: Manner<'_>,
        upload: Branch,
        later: impl FnOnce(usize) -> Vec<Branch>,
    ) -> Merge<Merged> {
        if let Some(merged) = self.merged_ahead(&upload) {
            return Ok(merged);
        }
        self.settle(manner)?;
        // By the original's rules it counts how each one ends.
        let several = !manner.compare
            && self.one_by_one == 0
            && self.meeting(&upload.instructions).len() >= SEVERAL_MIN;
        self.one_by_one = self.one_by_one.saturating_sub(1);
        if several {
            let mut uploads = vec![upload.clone()];
            uploads.extend(later(AHEAD_MAX - 1));
            if uploads.len() > 1 {
                let count = uploads.len();
                if self.merge_several(manner, uploads) {
                    let merged = self.merged_ahead(&upload);
                    return Ok(merged.expect("it is the first of them"));
                }
                self.one_by_one = count - 1;
            }
        }
        self.merge_one(manner, upload)
    }

    /// The upload's instructions, if they were merged before their time.
    fn merged_ahead(&mut self, upload: &Branch) -> Option<Merged> {
        let ahead = self.ahead.as_mut()?;
        let next = ahead.uploads.get(ahead.taken)?;
        if next != upload {
            return None;
        }
        let merged = ahead.merged.get_mut(ahead.taken)?;
        ahead.taken += 1;
        Some(Merged {
            instructions: merged.instructions.clone(),
            defect: false,
        })
    }

    fn merge_one(&mut self, manner: Manner<'_>, upload: Branch) -> Merge<Merged> {
        let before = manner.revocable.then(|| self.copies(&upload.instructions));
        let uploads = before.is_some().then(|| vec![upload.clone()]);
        let mut theirs = vec![upload];
        let defect = self.merge_all(manner, &mut theirs)?;
        let instructions = theirs.pop().map(|upload| upload.instructions);
        if let (Some(before), Some(uploads)) = (before, uploads) {
            self.ahead = Some(Ahead {
                before,
                uploads,
                merged: Vec::new(),
                taken: 1,
            });
        }
        Ok(Merged {
            instructions: instructions.unwrap_or_default(),
            defect,
        })
    }

    /// Merges several uploads at a time. If that does not tell what becomes of each (one does not fit, or is
    /// uncertain, or nothing is left to meet after one of them), nothing changes.
    fn merge_several(&mut self, manner: Manner<'_>, uploads: Vec<Branch>) -> bool {
        let instructions = uploads.iter().flat_map(|upload| &upload.instructions);
        let before = self.copies(instructions);
        let mut merged = uploads.clone();
        let certain = self.merge_all(manner, &mut merged) == Ok(false);
        if !certain || self.alive == 0 {
            self.put_back(before);
            return false;
        }
        self.ahead = Some(Ahead {
            before,
            uploads,
            merged,
            taken: 0,
        });
        true
    }

    /// Merges uploads with what they meet; the answer is whether the client may end elsewhere.
    fn merge_all(&mut self, manner: Manner<'_>, theirs: &mut [Branch]) -> Merge<bool> {
        let Manner {
            schema,
            budget,
            compare,
            ..
        } = manner;
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        let places = self.meeting(theirs.iter().flat_map(|upload| &upload.instructions));
        let mut ours: Vec<Branch> = Vec::with_capacity(places.len());
        for place in &places {
            if let Some(entry) = self.entries.get_mut(*place) {
                let Branch {
                    timestamp, ident, ..
                } = entry.branch;
                let blank = Branch::new(timestamp, ident, Vec::new());
                ours.push(std::mem::replace(&mut entry.branch, blank));
            }
        }
        let options = MergeOptions {
            columns: Some(&columns),
            budget,
        };
        let merged = if compare {
            merge_beside_original(&mut ours, theirs, options)
        } else {
            merge_reporting(&mut ours, theirs, Rules::CORRECTED, options)
                .map(|report| !report.uncertain.is_empty())
        };
        for (place, mut branch) in places.into_iter().zip(ours) {
            let changed = std::mem::take(&mut branch.dirty);
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            self.alive -= usize::from(changed && branch.instructions.is_empty());
            entry.branch = branch;
            if changed {
                entry.changed = true;
                self.find_fields(place);
            }
        }
        merged
    }

    /// The entries that instructions meet, to be put back.
    fn copies<'a>(
        &self,
        instructions: impl IntoIterator<Item = &'a Instruction>,
    ) -> Vec<(usize, Branch, bool)> {
        let copy = |place: usize| {
            let entry = self.entries.get(place)?;
            Some((place, entry.branch.clone(), entry.changed))
        };
        self.meeting(instructions)
            .into_iter()
            .filter_map(copy)
            .collect()
    }

    /// Puts entries back that had instructions.
    fn put_back(&mut self, before: Vec<(usize, Branch, bool)>) {
        for (place, branch, changed) in before {
            if let Some(entry) = self.entries.get_mut(place) {
                self.alive += usize::from(entry.branch.instructions.is_empty());
                (entry.branch, entry.changed) = (branch, changed);
                self.find_fields(place);
            }
        }
    }

    /// Takes back what was merged before its time and was not asked for.
    fn settle(&mut self, manner: Manner<'_>) -> Merge<()> {
        let Some(ahead) = self.ahead.take() else {
            return Ok(());
        };
        let Ahead {
            before,
            mut uploads,
            taken,
            ..
        } = ahead;
        if taken < uploads.len() {
            self.put_back(before);
            uploads.truncate(taken);
            self.merge_all(manner, &mut uploads)?;
        }
        Ok(())
    }

    /// Takes the last merge back: the upload's instructions are not integrated after all.
    pub fn revoke(&mut self, manner: Manner<'_>) -> Merge<()> {
        if let Some(ahead) = &mut self.ahead {
            ahead.taken = ahead.taken.saturating_sub(1);
        }
        self.settle(manner)
    }

    /// The entries that read differently since an upload with this base, by version.
    pub fn into_changed(
        mut self,
        schema: &Schema,
        base: u64,
    ) -> Merge<impl Iterator<Item = (u64, Reciprocal)>> {
        self.settle(Manner {
            schema,
            // It was merged before, with more.
            budget: None,
            compare: false,
            revocable: false,
        })?;
        let changed = self.entries.into_iter().filter(|entry| entry.changed);
        Ok(changed.map(move |entry| {
            let instructions = entry.branch.instructions;
            (entry.version, Reciprocal { base, instructions })
        }))
    }
}

#[cfg(test)]
mod tests;
