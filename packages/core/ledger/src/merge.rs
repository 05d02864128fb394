//! Merging one upload's instructions on one object with what the log has on it since the upload's base.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, Name, Payload, Value};
use tidemark_model::Schema;
use tidemark_transform::{
    Branch, ColumnShape, Rules, TransformError, merge_beside_original, merge_reporting,
};

use crate::entries::Origin;
use crate::error::Result;
use crate::facts::{Derivation, find};
use crate::object::ObjectKey;
use crate::rows::{Reciprocal, Touch};

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
    /// The entries that the last merge met, as they were before, if that was asked for.
    before: Vec<(usize, Branch, bool)>,
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
fn fields_of(instructions: &[Instruction]) -> Vec<Option<Name>> {
    let mut fields: Vec<Option<&Name>> = Vec::new();
    for instruction in instructions {
        let field = instruction.target().map(|target| &target.field);
        if fields.last() != Some(&field) && !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields.into_iter().map(|field| field.cloned()).collect()
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
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What they weigh.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to merge with.
    pub fn is_empty(&self) -> bool {
        self.alive == 0
    }

    /// The entries that instructions can meet, in order: no rule acts between two fields of an object.
    fn meeting(&self, instructions: &[Instruction]) -> Vec<usize> {
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

    /// Merges an upload's instructions with them. `compare` also merges by the original's rules, to see
    /// whether a client that does so ends elsewhere. `revocable`: whether [`Foreign::revoke`] may follow.
    pub fn merge(
        &mut self,
        schema: &Schema,
        upload: Branch,
        compare: bool,
        revocable: bool,
    ) -> std::result::Result<Merged, TransformError> {
        let columns = |class: &Name, field: &Name| {
            let class = schema.class(class)?;
            let column = class.columns.get(class.column_index(field)?)?;
            Some(ColumnShape {
                collection: column.collection,
                target: column.target.clone(),
            })
        };
        let places = self.meeting(&upload.instructions);
        let mut ours: Vec<Branch> = Vec::with_capacity(places.len());
        self.before.clear();
        for place in &places {
            if let Some(entry) = self.entries.get_mut(*place) {
                if revocable {
                    let before = (*place, entry.branch.clone(), entry.changed);
                    self.before.push(before);
                }
                let Branch {
                    timestamp, ident, ..
                } = entry.branch;
                let blank = Branch::new(timestamp, ident, Vec::new());
                ours.push(std::mem::replace(&mut entry.branch, blank));
            }
        }
        let mut theirs = [upload];
        let defect = if compare {
            merge_beside_original(&mut ours, &mut theirs, Some(&columns))?
        } else {
            let report = merge_reporting(&mut ours, &mut theirs, Rules::CORRECTED, Some(&columns))?;
            !report.uncertain.is_empty()
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
        let [upload] = theirs;
        Ok(Merged {
            instructions: upload.instructions,
            defect,
        })
    }

    /// Takes the last merge back: the upload's instructions are not integrated after all.
    pub fn revoke(&mut self) {
        for (place, branch, changed) in std::mem::take(&mut self.before) {
            if let Some(entry) = self.entries.get_mut(place) {
                self.alive += usize::from(entry.branch.instructions.is_empty());
                (entry.branch, entry.changed) = (branch, changed);
                self.find_fields(place);
            }
        }
    }

    /// The entries that read differently since an upload with this base, by version.
    pub fn into_changed(self, base: u64) -> impl Iterator<Item = (u64, Reciprocal)> {
        let changed = self.entries.into_iter().filter(|entry| entry.changed);
        changed.map(move |entry| {
            let instructions = entry.branch.instructions;
            (entry.version, Reciprocal { base, instructions })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::{PathElement, PrimaryKey, Target, UpdateKind};

    /// Repeatable chance.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, end: u32) -> u32 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(self.0 >> 33).expect("31 bits") % end
        }
    }

    fn target(field: &str, path: Vec<PathElement>) -> Target {
        Target {
            class: "T".into(),
            key: PrimaryKey::Int(1),
            field: field.into(),
            path,
        }
    }

    /// One side's edits of one object, each fitting those before it.
    struct Editor {
        chance: Chance,
        exists: bool,
        sizes: [u32; 2],
    }

    impl Editor {
        fn new(seed: u64) -> Self {
            Self {
                chance: Chance(seed),
                exists: true,
                sizes: [3, 3],
            }
        }

        fn edit(&mut self) -> Instruction {
            let (class, key) = (Name::from("T"), PrimaryKey::Int(1));
            if !self.exists {
                (self.exists, self.sizes) = (true, [0, 0]);
                return Instruction::CreateObject { class, key };
            }
            if self.chance.below(40) == 0 {
                self.exists = false;
                return Instruction::EraseObject { class, key };
            }
            let which = self.chance.below(2) as usize;
            let list = ["left", "right"][which];
            let prior_size = self.sizes[which];
            let value = Payload::Value(Value::Int(i64::from(self.chance.below(5))));
            match self.chance.below(5) {
                0 => Instruction::Update {
                    target: target(["value", "other"][which], Vec::new()),
                    value,
                    kind: UpdateKind::Property { is_default: false },
                },
                1 => Instruction::AddInteger {
                    target: target(["value", "other"][which], Vec::new()),
                    delta: 1,
                },
                2 if prior_size > 0 => {
                    let place = self.chance.below(prior_size);
                    self.sizes[which] -= 1;
                    Instruction::ArrayErase {
                        target: target(list, vec![PathElement::Index(place)]),
                        prior_size,
                    }
                }
                3 => {
                    self.sizes[which] = 0;
                    Instruction::Clear {
                        target: target(list, Vec::new()),
                        collection: tidemark_changeset::CollectionKind::List,
                    }
                }
                _ => {
                    let place = self.chance.below(prior_size + 1);
                    self.sizes[which] += 1;
                    Instruction::ArrayInsert {
                        target: target(list, vec![PathElement::Index(place)]),
                        value,
                        prior_size,
                    }
                }
            }
        }

        fn changeset(&mut self) -> Vec<Instruction> {
            (0..=self.chance.below(3)).map(|_| self.edit()).collect()
        }
    }

    /// Merges changesets one after the other, with what they meet only, and with everything.
    fn compare(seed: u64, compare: bool, revocable: bool) -> (usize, usize) {
        let (mut theirs, mut ours) = (Editor::new(seed), Editor::new(seed + 1_000_000));
        let mut foreign = Foreign::default();
        let mut all = Vec::new();
        for version in 0..u64::from(1 + theirs.chance.below(12)) {
            let branch = Branch::new(theirs.chance.below(9).into(), 3, theirs.changeset());
            foreign.push(version, branch.clone());
            all.push((branch, false));
        }
        let (mut met, mut merges) = (0, 0);
        for _ in 0..12 {
            if foreign.is_empty() {
                break;
            }
            let upload = Branch::new(ours.chance.below(9).into(), 2, ours.changeset());
            met += foreign.meeting(&upload.instructions).len();
            merges += all.len();
            if revocable && ours.chance.below(3) == 0 {
                // As if it had never been, for the next one is made on it all the same.
                foreign
                    .merge(&Schema::default(), upload.clone(), compare, true)
                    .expect("they fit");
                foreign.revoke();
            }
            let mut whole: Vec<Branch> = all.iter().map(|(branch, _)| branch.clone()).collect();
            let mut one = [upload.clone()];
            let defect = if compare {
                merge_beside_original(&mut whole, &mut one, None).expect("they fit")
            } else {
                let report = merge_reporting(&mut whole, &mut one, Rules::CORRECTED, None);
                !report.expect("they fit").uncertain.is_empty()
            };
            let merged = foreign
                .merge(&Schema::default(), upload, compare, revocable)
                .expect("they fit");
            let [one] = one;
            assert_eq!(
                (merged.instructions, merged.defect),
                (one.instructions, defect)
            );
            for ((kept, changed), mut branch) in all.iter_mut().zip(whole) {
                *changed |= std::mem::take(&mut branch.dirty);
                *kept = branch;
            }
        }
        let some_left = all
            .iter()
            .any(|(branch, _)| !branch.instructions.is_empty());
        assert_eq!(foreign.is_empty(), !some_left);
        let expected: Vec<_> = (0..)
            .zip(all)
            .filter(|(_, (_, changed))| *changed)
            .map(|(version, (branch, _))| {
                let instructions = branch.instructions;
                (
                    version,
                    Reciprocal {
                        base: 4,
                        instructions,
                    },
                )
            })
            .collect();
        assert_eq!(foreign.into_changed(4).collect::<Vec<_>>(), expected);
        (met, merges)
    }

    #[test]
    fn what_an_upload_cannot_meet_makes_no_difference() {
        let (mut met, mut merges) = (0, 0);
        for seed in 0..2_000 {
            let (some, all) = compare(seed, seed % 2 == 0, seed % 3 == 0);
            met += some;
            merges += all;
        }
        assert!(0 < met && met < merges, "{met} of {merges}");
    }

    #[test]
    fn only_entries_on_the_same_field_are_met_and_what_creates_or_erases() {
        let set = |field: &str| Instruction::Update {
            target: target(field, Vec::new()),
            value: Payload::Value(Value::Int(1)),
            kind: UpdateKind::Property { is_default: false },
        };
        let erase = Instruction::EraseObject {
            class: "T".into(),
            key: PrimaryKey::Int(1),
        };
        let mut foreign = Foreign::default();
        for instructions in [
            vec![set("value")],
            vec![set("other")],
            vec![erase.clone()],
            vec![set("other"), set("value")],
            vec![],
        ] {
            let version = foreign.len() as u64;
            foreign.push(version, Branch::new(1, 3, instructions));
        }
        assert_eq!(foreign.meeting(&[set("value")]), [0, 2, 3]);
        assert_eq!(foreign.meeting(&[set("third")]), [2]);
        assert_eq!(foreign.meeting(&[set("third"), set("other")]), [1, 2, 3]);
        assert_eq!(foreign.meeting(&[erase]), [0, 1, 2, 3]);
    }
}
