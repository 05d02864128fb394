//! Merging changesets of which nothing is known but that they can be decoded.

use tidemark_changeset::Instruction;
use tidemark_changeset::codec::{decode, encode};
use tidemark_transform::{Branch, Entry, MergeOptions, Rules, merge_changesets, merge_reporting};

use super::{decoded, sections};

/// Merges the sections of `input`: bit 0 of a section's head says whose it is, the others are its timestamp.
/// A merge is refused, or its result can be encoded; nothing is changed by a merge of branches that is
/// refused; merging by branches and merging by entries agree. (By the original's rules they need not: there a
/// comparison of set erasures depends on the bytes, which branches have none of.)
pub fn merge(input: &[u8]) {
    let mut ours: Vec<(u64, &[u8])> = Vec::new();
    let mut theirs: Vec<(u64, &[u8])> = Vec::new();
    for section in sections(input) {
        if decoded(section.bytes).is_none() {
            continue;
        }
        let side = if section.head & 1 == 0 {
            &mut ours
        } else {
            &mut theirs
        };
        side.push((u64::from(section.head >> 1), section.bytes));
    }
    let branches = by_branches(&ours, &theirs, Rules::CORRECTED);
    let entries = by_entries(&ours, &theirs, Rules::CORRECTED);
    assert_eq!(branches, entries, "branches and entries");
    by_branches(&ours, &theirs, Rules::ORIGINAL);
    by_entries(&ours, &theirs, Rules::ORIGINAL);
}

/// Both sides after a merge, ours first; `None` if it was refused.
type Merged = Option<Vec<Vec<Instruction>>>;

fn branches(side: &[(u64, &[u8])], ident: u64) -> Vec<Branch> {
    side.iter()
        .filter_map(|(timestamp, bytes)| Some(Branch::new(*timestamp, ident, decoded(bytes)?)))
        .collect()
}

fn by_branches(ours: &[(u64, &[u8])], theirs: &[(u64, &[u8])], rules: Rules) -> Merged {
    let (given_ours, given_theirs) = (branches(ours, 2), branches(theirs, 3));
    let (mut ours, mut theirs) = (given_ours.clone(), given_theirs.clone());
    let merged = merge_reporting(&mut ours, &mut theirs, rules, MergeOptions::default());
    if merged.is_err() {
        assert_eq!(
            (ours, theirs),
            (given_ours, given_theirs),
            "nothing is changed"
        );
        return None;
    }
    for (given, branch) in given_ours
        .iter()
        .chain(&given_theirs)
        .zip(ours.iter().chain(&theirs))
    {
        let bytes = encode(&branch.instructions);
        let again = decode(&bytes).expect("what was written can be read");
        assert_eq!(again.instructions, branch.instructions);
        let same = given.instructions == branch.instructions;
        assert!(branch.dirty || same, "what was changed is marked");
    }
    let both = ours.into_iter().chain(theirs);
    Some(both.map(|branch| branch.instructions).collect())
}

/// As a history and a message: one base, so that all of theirs meet all of ours.
fn by_entries(ours: &[(u64, &[u8])], theirs: &[(u64, &[u8])], rules: Rules) -> Merged {
    let entries = |side: &[(u64, &[u8])], ident: u64| -> Vec<Entry> {
        let entry = |(version, (timestamp, bytes)): (u64, &(u64, &[u8]))| {
            Entry::decode(version, 0, *timestamp, ident, bytes).ok()
        };
        (1..).zip(side).filter_map(entry).collect()
    };
    let (mut ours, mut theirs) = (entries(ours, 2), entries(theirs, 3));
    merge_changesets(2, &mut ours, &mut theirs, rules, None).ok()?;
    for entry in ours.iter().chain(&theirs) {
        let bytes = encode(&entry.changeset.instructions);
        decode(&bytes).expect("what was written can be read");
    }
    let both = ours.into_iter().chain(theirs);
    Some(both.map(|entry| entry.changeset.instructions).collect())
}
