//! What histories came by: pairs of instructions that met in a merge, places where processes died,
//! and the data model, as what reached the server says it.

use std::collections::BTreeMap;
use std::fmt;

use tidemark_changeset::Instruction;
use tidemark_model::Schema;
use tidemark_transform::simulation::{Pair, Relation};

use super::disk::{CrashPoint, Side};
use crate::said;

/// Counters of a run.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub pairs: BTreeMap<Pair, u64>,
    pub crashes: BTreeMap<CrashPoint, u64>,
    pub counters: BTreeMap<&'static str, u64>,
    /// What instructions of the log said, as [`said::words`] puts it.
    pub said: BTreeMap<String, u64>,
}

const LIST_EDITS: [&str; 3] = ["ArrayErase", "ArrayInsert", "ArrayMove"];
const EDITS: [&str; 8] = [
    "AddInteger",
    "ArrayErase",
    "ArrayInsert",
    "ArrayMove",
    "Clear",
    "SetErase",
    "SetInsert",
    "Update",
];

/// The pairs that a rule is about and that clients can bring about: a server refuses what erases a class or a
/// column, and sets cannot be nested.
fn expected_pairs() -> Vec<Pair> {
    let flat = [
        ("ArrayInsert", "ArrayInsert"),
        ("ArrayInsert", "Update"),
        ("ArrayMove", "Update"),
        ("ArrayErase", "Update"),
        ("ArrayMove", "ArrayInsert"),
        ("ArrayErase", "ArrayInsert"),
        ("ArrayMove", "ArrayMove"),
        ("ArrayErase", "ArrayMove"),
        ("ArrayErase", "ArrayErase"),
    ];
    let siblings = flat.map(|(left, right)| (Relation::Siblings, left, right));
    let same = [
        ("Update", "Update"),
        ("AddInteger", "Update"),
        ("Clear", "Update"),
        ("Clear", "AddInteger"),
        ("Clear", "Clear"),
        ("SetInsert", "Clear"),
        ("SetErase", "Clear"),
        ("SetInsert", "SetInsert"),
        ("SetErase", "SetInsert"),
        ("SetErase", "SetErase"),
    ];
    let same = same.map(|(left, right)| (Relation::Same, left, right));
    let whole = [
        ("AddTable", "AddTable"),
        ("AddColumn", "AddColumn"),
        ("EraseObject", "CreateObject"),
        ("EraseObject", "EraseObject"),
    ];
    let whole = whole.map(|(left, right)| (Relation::Whole, left, right));
    let erased = EDITS.map(|edit| (Relation::Whole, edit, "EraseObject"));
    let inside = ["Update", "Clear"]
        .into_iter()
        .flat_map(|outer| EDITS.map(|inner| (Relation::Inside, outer, inner)));
    let list_inside = LIST_EDITS.into_iter().flat_map(|outer| {
        let through = EDITS.map(|inner| (Relation::Inside, outer, inner));
        let beside = EDITS.map(|inner| (Relation::Beside, outer, inner));
        through.into_iter().chain(beside)
    });
    let mut all: Vec<Pair> = siblings
        .into_iter()
        .chain(same)
        .chain(whole)
        .chain(erased)
        .collect();
    all.extend(inside);
    all.extend(list_inside);
    all
}

/// Every place at which a process can die.
const CRASH_POINTS: [&str; 20] = [
    "open file",
    "set file ident",
    "local commit",
    "rest of a bootstrap before a write",
    "subscription commit",
    "subscription state",
    "bootstrap part",
    "bootstrap slice",
    "discard a partial bootstrap",
    "download slice",
    "open ledger",
    "allocate a file ident",
    "identify",
    "integrate",
    "query",
    "maintain",
    "hand out an upload",
    "begin a reset",
    "reset",
    "finish a reset",
];

/// What else has to happen.
const EVENTS: [&str; 23] = [
    "asymmetric objects",
    "asymmetric objects sent twice",
    "changesets",
    "changesets recovered",
    "client resets",
    "client resets that failed",
    "client resets that the server demands",
    "client restarts",
    "clients expired",
    "compensations",
    "conflicts",
    "cursors owed",
    "downloads",
    "entries trimmed",
    "group commits",
    "instructions folded",
    "messages of dropped connections",
    "new files",
    "operations",
    "role changes",
    "server restarts",
    "uploads",
    "writes between slices",
];

impl Coverage {
    /// Counts something.
    pub fn count(&mut self, what: &'static str, times: u64) {
        *self.counters.entry(what).or_default() += times;
    }

    /// Counts what an instruction says.
    pub fn say(&mut self, schema: &Schema, instruction: &Instruction) {
        for words in said::words(schema, instruction) {
            *self.said.entry(words).or_default() += 1;
        }
    }

    /// Counts where a process died.
    pub fn crash(&mut self, point: CrashPoint) {
        *self.crashes.entry(point).or_default() += 1;
    }

    /// Adds what another history came by.
    pub fn add(&mut self, other: &Self) {
        for (pair, count) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += count;
        }
        for (point, count) in &other.crashes {
            *self.crashes.entry(*point).or_default() += count;
        }
        for (what, count) in &other.counters {
            *self.counters.entry(what).or_default() += count;
        }
        for (words, count) in &other.said {
            *self.said.entry(words.clone()).or_default() += count;
        }
    }

    /// What no history came by, in words.
    pub fn missing(&self) -> Vec<String> {
        let pairs = expected_pairs().into_iter();
        let pairs = pairs.filter(|pair| !self.pairs.contains_key(pair));
        let pairs = pairs.map(|(relation, left, right)| format!("{relation:?} {left} / {right}"));
        let points = CRASH_POINTS.into_iter();
        let points = points.flat_map(|name| [(name, Side::Before), (name, Side::After)]);
        let points = points.filter(|point| !self.crashes.contains_key(point));
        let points = points.map(|(name, side)| format!("crash {side:?} {name}"));
        let is_absent = |event: &&str| self.counters.get(event).is_none_or(|count| *count == 0);
        let events = EVENTS.into_iter().filter(is_absent).map(str::to_owned);
        let said = said::of_histories().into_iter();
        let said = said.filter(|words| !self.said.contains_key(words));
        let said = said.map(|words| format!("instruction {words}"));
        pairs.chain(points).chain(events).chain(said).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.counters {
            writeln!(out, "{count:>10}  {what}")?;
        }
        for ((name, side), count) in &self.crashes {
            writeln!(out, "{count:>10}  crash {side:?} {name}")?;
        }
        for ((relation, left, right), count) in &self.pairs {
            writeln!(out, "{count:>10}  {relation:?} {left} / {right}")?;
        }
        for (words, count) in &self.said {
            writeln!(out, "{count:>10}  instruction {words}")?;
        }
        for missing in self.missing() {
            writeln!(out, "     never  {missing}")?;
        }
        Ok(())
    }
}
