//! That merging with less, or with more at a time, ends the same.

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

/// What a comparison went through.
#[derive(Default)]
struct Tally {
    met: usize,
    entries: usize,
    merged_ahead: usize,
    settled: usize,
}

/// What others did, and whether it has changed since.
fn others(seed: u64) -> (Foreign, Vec<(Branch, bool)>) {
    let mut editor = Editor::new(seed);
    let (mut foreign, mut all) = (Foreign::default(), Vec::new());
    for version in 0..u64::from(1 + editor.chance.below(30)) {
        let branch = Branch::new(editor.chance.below(9).into(), 3, editor.changeset());
        foreign.push(version, branch.clone());
        all.push((branch, false));
    }
    (foreign, all)
}

/// Merges uploads with what they meet only, and several at a time; and each with everything.
fn compare(seed: u64, compare: bool, revocable: bool, tally: &mut Tally) {
    let mut ours = Editor::new(seed + 1_000_000);
    let (mut foreign, mut all) = others(seed);
    let schema = Schema::default();
    let (options, budget) = (MergeOptions::default(), None);
    let manner = Manner {
        schema: &schema,
        budget,
        compare,
        revocable,
    };
    let upload = |_| Branch::new(ours.chance.below(9).into(), 2, ours.changeset());
    let uploads: Vec<Branch> = (0..12).map(upload).collect();
    let mut chance = ours.chance;
    for (at, upload) in uploads.iter().enumerate() {
        let is_left = all
            .iter()
            .any(|(branch, _)| !branch.instructions.is_empty());
        assert_eq!(foreign.is_empty(), !is_left);
        // Uploads that were about to come may be rejected.
        if !is_left || chance.below(12) == 0 {
            break;
        }
        tally.met += foreign.meeting(&upload.instructions).len();
        tally.entries += all.len();
        let known = chance.below(12) as usize;
        let later = |most| {
            uploads
                .iter()
                .skip(at + 1)
                .take(known.min(most))
                .cloned()
                .collect()
        };
        if revocable && chance.below(3) == 0 {
            foreign
                .merge(manner, upload.clone(), later)
                .expect("they fit");
            foreign.revoke(manner).expect("they fit");
        }
        let mut whole: Vec<Branch> = all.iter().map(|(branch, _)| branch.clone()).collect();
        let mut one = [upload.clone()];
        let defect = if compare {
            merge_beside_original(&mut whole, &mut one, options).expect("they fit")
        } else {
            let report = merge_reporting(&mut whole, &mut one, Rules::CORRECTED, options);
            !report.expect("they fit").uncertain.is_empty()
        };
        let merged = foreign
            .merge(manner, upload.clone(), later)
            .expect("they fit");
        let [one] = one;
        assert_eq!(
            (merged.instructions, merged.defect),
            (one.instructions, defect)
        );
        let several = |ahead: &Ahead| ahead.uploads.len() > 1;
        tally.merged_ahead += usize::from(foreign.ahead.as_ref().is_some_and(several));
        for ((kept, changed), mut branch) in all.iter_mut().zip(whole) {
            *changed |= std::mem::take(&mut branch.dirty);
            *kept = branch;
        }
    }
    let open = |ahead: &Ahead| ahead.taken < ahead.uploads.len();
    tally.settled += usize::from(foreign.ahead.as_ref().is_some_and(open));
    let changed = (0..).zip(all).filter(|(_, (_, changed))| *changed);
    let expected = changed.map(|(version, (branch, _))| (version, branch.instructions));
    let forms = foreign.into_changed(&schema, 4).expect("they fit");
    let forms = forms.map(|(version, form)| (version, form.instructions));
    assert_eq!(forms.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn fewer_entries_and_more_uploads_at_a_time_make_no_difference() {
    let mut tally = Tally::default();
    for seed in 0..1_000 {
        compare(seed, seed % 4 == 0, seed % 3 == 0, &mut tally);
    }
    assert!(0 < tally.met && tally.met < tally.entries);
    assert!(tally.merged_ahead > 1_000, "{}", tally.merged_ahead);
    assert!(tally.settled > 100, "{}", tally.settled);
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
        let version = foreign.count() as u64;
        foreign.push(version, Branch::new(1, 3, instructions));
    }
    assert_eq!(foreign.meeting(&[set("value")]), [0, 2, 3]);
    assert_eq!(foreign.meeting(&[set("third")]), [2]);
    assert_eq!(foreign.meeting(&[set("third"), set("other")]), [1, 2, 3]);
    assert_eq!(foreign.meeting(&[erase]), [0, 1, 2, 3]);
}
