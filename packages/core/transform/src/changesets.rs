//! The merge of received changesets with a history, as the original does it for one message.

use tidemark_changeset::{Changeset, Name, codec};

use crate::driver::{self, Adopted, Options};
use crate::error::TransformError;
use crate::places::Places;
use crate::rules::Rules;
use crate::{Branch, Columns, MergeOptions};

/// A changeset in a history, or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its version, on the side that made it.
    pub version: u64,
    /// The last version of the other side that its maker had integrated.
    pub last_integrated_remote_version: u64,
    /// When it was made: milliseconds since 2015-01-01.
    pub timestamp: u64,
    /// File ident of its origin; 0 stands for the local file.
    pub ident: u64,
    /// What it does. The string table grows by names that the merge takes over from the other side, so that
    /// [`codec::encode_canonical`] gives the bytes the original gives.
    pub changeset: Changeset,
    /// Whether the merge changed the instructions; never cleared here.
    pub dirty: bool,
    places: Places,
}

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true // Derived from the bytes, and of no meaning by itself.
    }
}

impl Eq for Places {}

impl Entry {
    /// An entry from its bytes. The bytes, rather than the instructions, because the original's comparison of
    /// set erasures depends on them.
    pub fn decode(
        version: u64,
        last_integrated_remote_version: u64,
        timestamp: u64,
        ident: u64,
        bytes: &[u8],
    ) -> Result<Self, codec::DecodeError> {
        let changeset = codec::decode(bytes)?;
        let places = Places::find(&changeset, codec::encode_canonical(&changeset) == bytes);
        Ok(Self {
            version,
            last_integrated_remote_version,
            timestamp,
            ident,
            changeset,
            dirty: false,
            places,
        })
    }
}

/// Merges what was received (`theirs`, in order) into a history (`ours`, by ascending version).
///
/// `theirs` is split into runs with equal base, the last version of ours that their maker had seen. Each run
/// is merged with all of ours after the base, in the form that earlier runs left them in. On an error both
/// lists are in an unspecified, but valid, state: whoever called gives the integration up. `columns` is the
/// schema, if it is at hand (see [`crate::merge_with_columns`]).
pub fn merge_changesets(
    local_ident: u64,
    ours: &mut [Entry],
    theirs: &mut [Entry],
    rules: Rules,
    columns: Option<Columns<'_>>,
) -> Result<(), TransformError> {
    let budget = None;
    let options = Options::new(rules, MergeOptions { columns, budget });
    let mut rest = theirs;
    while let Some(base) = rest
        .first()
        .map(|entry| entry.last_integrated_remote_version)
    {
        let length = rest
            .iter()
            .take_while(|entry| entry.last_integrated_remote_version == base)
            .count();
        let (run, later) = rest.split_at_mut(length);
        let mut after_base: Vec<_> = ours
            .iter_mut()
            .filter(|entry| entry.version > base)
            .collect();
        let mut run: Vec<_> = run.iter_mut().collect();
        merge_run(local_ident, &mut after_base, &mut run, &options)?;
        rest = later;
    }
    Ok(())
}

fn merge_run(
    local_ident: u64,
    ours: &mut [&mut Entry],
    theirs: &mut [&mut Entry],
    options: &Options<'_>,
) -> Result<(), TransformError> {
    let (mut our_branches, mut our_places) = take(local_ident, ours);
    let (mut their_branches, mut their_places) = take(local_ident, theirs);
    let places = Some((our_places.as_mut_slice(), their_places.as_mut_slice()));
    let merged = driver::merge(&mut our_branches, &mut their_branches, options, places);
    put_back(ours, our_branches, our_places);
    put_back(theirs, their_branches, their_places);
    let Adopted {
        ours: our_names,
        theirs: their_names,
    } = merged?.adopted;
    adopt(ours, our_names);
    adopt(theirs, their_names);
    Ok(())
}

fn adopt(entries: &mut [&mut Entry], names: Vec<(usize, Name)>) {
    for (branch, name) in names {
        if let Some(entry) = entries.get_mut(branch)
            && !entry.changeset.strings.contains(&name)
        {
            entry.changeset.strings.push(name);
        }
    }
}

fn take(local_ident: u64, entries: &mut [&mut Entry]) -> (Vec<Branch>, Vec<Places>) {
    entries
        .iter_mut()
        .map(|entry| {
            let branch = Branch {
                timestamp: entry.timestamp,
                ident: if entry.ident == 0 {
                    local_ident
                } else {
                    entry.ident
                },
                instructions: std::mem::take(&mut entry.changeset.instructions),
                dirty: entry.dirty,
            };
            (branch, std::mem::take(&mut entry.places))
        })
        .unzip()
}

fn put_back(entries: &mut [&mut Entry], branches: Vec<Branch>, places: Vec<Places>) {
    for ((entry, branch), places) in entries.iter_mut().zip(branches).zip(places) {
        entry.changeset.instructions = branch.instructions;
        entry.dirty = branch.dirty;
        entry.places = places;
    }
}
