//! A bootstrap under way: the difference of two views as of one version, part by part.
//!
//! Documents are read in key order, each part from its own short snapshot; what changed since the version
//! comes from [`BeforeImages`]. Objects of which an earlier, interrupted bootstrap may have left traces are
//! sent as well: those that the log touches since, in [`LogObjects`].

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::{Arc, RwLockReadGuard};

use tidemark_changeset::codec;
use tidemark_storage::{Read, keys};

use super::arrange::Arrangement;
use super::before_images::{BeforeImages, Image};
use super::log_objects::{Known, LogObjects};
use super::stored::StoredFacts;
use super::tables::OBJECTS;
use crate::error::{LedgerError, Result};
use crate::facts::{Derivation, is_in};
use crate::field_access::FieldAccess;
use crate::fields::Fields;
use crate::limits::{ENTRY_BYTES_SOFT, PART_BYTES_SHORT, REPAIR_ENTRIES_MAX, SCAN_DOCUMENTS_MAX};
use crate::object::{ClassNumber, ObjectKey};
use crate::schema_versions::Names;
use crate::switches::Switches;
use crate::view_list::Element;
use crate::views::Timeline;

/// A part of a bootstrap.
#[derive(Debug)]
pub(super) struct Part {
    /// The changesets of its entries.
    pub changesets: Vec<Vec<u8>>,
    /// Whether it is the last.
    pub last: bool,
    /// How much of the bootstrap was given with it.
    pub progress: f64,
}

/// A bootstrap that is due or under way.
#[derive(Debug)]
pub(super) struct Job {
    /// Its own version.
    pub version: u64,
    /// The query version it answers.
    pub query_version: u64,
    /// Objects that changed since, as they were.
    pub images: Arc<BeforeImages>,
    timeline: Arc<Timeline>,
    with_schema: bool,
    /// Classes to scan, the present one first; `None` before the first part.
    classes: Option<VecDeque<ClassNumber>>,
    /// The object dealt with last in the present class.
    cursor: Option<ObjectKey>,
    /// Version of the earliest bootstrap whose traces are to be repaired, if there is any: whatever changed
    /// since is looked at closely.
    repairs_since: Option<u64>,
    scanned: u64,
    total: u64,
    /// Whether any entry was given.
    given: bool,
}

/// Collects instructions into entries of bounded size.
#[derive(Default)]
struct Entries {
    open: Arrangement,
    changesets: Vec<Vec<u8>>,
    bytes: usize,
    /// Whether more objects would make each of them smaller; found out once there are some.
    gains_from_length: Option<bool>,
}

impl Entries {
    fn close(&mut self) {
        if !self.open.is_empty() {
            let changeset = std::mem::take(&mut self.open).finish();
            self.push(changeset);
        }
    }

    fn push(&mut self, changeset: Vec<u8>) {
        self.bytes += changeset.len();
        self.changesets.push(changeset);
    }

    fn close_if_full(&mut self, bytes_max: usize) {
        if self.open.len() >= ENTRY_BYTES_SOFT.min(bytes_max) {
            self.close();
        }
    }

    /// Whether the part is to be sent.
    fn is_full(&mut self, bytes_max: usize) -> bool {
        let size = self.bytes + self.open.len();
        if size < PART_BYTES_SHORT.min(bytes_max) {
            return false;
        }
        let open = &self.open;
        size >= bytes_max
            || !*self
                .gains_from_length
                .get_or_insert_with(|| open.gains_from_length())
    }
}

impl Job {
    pub fn new(
        version: u64,
        query_version: u64,
        timeline: Arc<Timeline>,
        with_schema: bool,
    ) -> Self {
        Self {
            version,
            query_version,
            images: BeforeImages::new(version),
            timeline,
            with_schema,
            classes: None,
            cursor: None,
            repairs_since: None,
            scanned: 0,
            total: 0,
            given: false,
        }
    }

    fn element(&self) -> Result<Element> {
        let element = self
            .timeline
            .list
            .elements
            .iter()
            .rfind(|element| element.from == self.version);
        element
            .cloned()
            .ok_or(LedgerError::Damaged("a bootstrap has no view"))
    }

    /// Fails when more changed meanwhile than is remembered: the session begins anew.
    fn check_images(&self) -> Result<()> {
        if self.images.overflown() {
            return Err(LedgerError::Restart(
                "too much changed while its bootstrap was sent",
            ));
        }
        Ok(())
    }

    /// The next part.
    pub fn next_part<R: Read>(
        &mut self,
        (facts, log): (&StoredFacts<'_, R>, &LogObjects),
        objects: &[u64],
        switches: Switches,
        bytes_max: usize,
    ) -> Result<Part> {
        self.check_images()?;
        let element = self.element()?;
        let names = facts.schema.names(self.timeline.schema_version);
        let names = names.ok_or(LedgerError::Restart("its version of the schema is gone"))?;
        let mut entries = Entries::default();
        if self.classes.is_none() {
            self.start((facts, &names), &element, objects, &mut entries);
        }
        let suspects = self.suspects(facts, log)?;
        if self.repairs_since.is_some() && suspects.is_none() {
            // The rest of the log is searched in the next part.
            self.given |= !entries.changesets.is_empty();
            return Ok(Part {
                changesets: entries.changesets,
                last: false,
                progress: 0.0,
            });
        }
        let timeline = Arc::clone(&self.timeline);
        let scan = Scan {
            facts,
            names,
            derivation: Derivation {
                facts,
                timeline: &timeline,
                download: 0,
                switches,
            },
            timeline: &timeline,
            element: &element,
            suspects,
            bytes_max,
        };
        let mut budget = SCAN_DOCUMENTS_MAX;
        while let Some(class) = self
            .classes
            .as_ref()
            .and_then(|classes| classes.front().copied())
        {
            if !self.scan_class(&scan, class, &mut budget, &mut entries)? {
                break;
            }
            if let Some(classes) = &mut self.classes {
                classes.pop_front();
            }
            self.cursor = None;
        }
        // Images given up while this part was read would have been missing in it.
        self.check_images()?;
        entries.close();
        let last = self.classes.as_ref().is_none_or(VecDeque::is_empty);
        if entries.changesets.is_empty() && last && !self.given {
            // A bootstrap without entries makes the original's client loop for ever.
            entries.changesets.push(Vec::new());
        }
        self.given |= !entries.changesets.is_empty();
        Ok(Part {
            changesets: entries.changesets,
            last,
            progress: self.progress(last),
        })
    }

    fn progress(&self, last: bool) -> f64 {
        if last {
            return 1.0;
        }
        let share = |value: u64| {
            f64::from(u32::try_from(value.min(u64::from(u32::MAX))).unwrap_or(u32::MAX))
        };
        (share(self.scanned) / share(self.total.max(1))).min(0.9999)
    }

    /// Finds out what there is to scan.
    fn start<R: Read>(
        &mut self,
        (facts, names): (&StoredFacts<'_, R>, &Names<'_>),
        element: &Element,
        objects: &[u64],
        entries: &mut Entries,
    ) {
        if self.with_schema {
            let instructions = names.all_outward(facts.schema.instructions());
            if !instructions.is_empty() {
                entries.push(codec::encode(&instructions));
            }
        }
        let of_leftovers = element
            .leftovers
            .iter()
            .flat_map(|left| [left.before, left.view]);
        let views = [element.before, element.view]
            .into_iter()
            .chain(of_leftovers);
        let mut classes: Vec<ClassNumber> = views
            .flat_map(|view| self.timeline.view(view).classes().collect::<Vec<_>>())
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let count = |class: &ClassNumber| objects.get(*class as usize).copied().unwrap_or_default();
        self.total = classes.iter().map(count).sum();
        self.repairs_since = element.leftovers.iter().map(|leftover| leftover.at).min();
        self.classes = Some(VecDeque::from(classes));
    }

    /// What changed since the earliest bootstrap to be repaired; `None` if there is none, or if not all of
    /// the log is searched yet.
    fn suspects<'a, R: Read>(
        &self,
        facts: &StoredFacts<'_, R>,
        log: &'a LogObjects,
    ) -> Result<Option<Suspects<'a>>> {
        let Some(since) = self.repairs_since else {
            return Ok(None);
        };
        let is_known = log.learn(facts, (since, self.version), REPAIR_ENTRIES_MAX)?;
        Ok(is_known.then(|| Suspects {
            known: log.read(),
            since,
        }))
    }

    /// Scans on in a class; `false` if the part is full before its end.
    fn scan_class<R: Read>(
        &mut self,
        scan: &Scan<'_, R>,
        class: ClassNumber,
        budget: &mut usize,
        entries: &mut Entries,
    ) -> Result<bool> {
        let prefix = class.to_be_bytes();
        let end = keys::after_prefix(&prefix);
        let end = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let cursor = self.cursor.clone();
        let from = after(cursor.as_ref(), &prefix);
        for line in scan.facts.read.range(OBJECTS, from, end)? {
            let (key, row) = line?;
            let object = ObjectKey::from_bytes(&key)?;
            let before = (&prefix[..], Bound::Excluded(object.as_bytes()));
            let is_open = self.give_gone(scan, before, budget, entries)?;
            if !is_open || scan.is_over(*budget, entries) {
                return Ok(false);
            }
            *budget -= 1;
            self.scanned += 1;
            match self.images.meet(&object) {
                Image::Unchanged => scan.give(&object, Some(&row), entries)?,
                Image::Absent => scan.give(&object, None, entries)?,
                Image::Row(image) => scan.give(&object, Some(&image), entries)?,
            }
            self.cursor = Some(object);
        }
        self.give_gone(scan, (&prefix, end), budget, entries)
    }

    /// Objects of a class from the cursor on that the scan cannot meet because they are gone by now; `false`
    /// if the part is full before all are dealt with.
    fn give_gone<R: Read>(
        &mut self,
        scan: &Scan<'_, R>,
        (prefix, end): (&[u8], Bound<&[u8]>),
        budget: &mut usize,
        entries: &mut Entries,
    ) -> Result<bool> {
        loop {
            let range = (after(self.cursor.as_ref(), prefix), end);
            let changed = self.images.first_existing(range);
            let suspects = scan.suspects.as_ref();
            let suspect = suspects.and_then(|suspects| suspects.first(range));
            let Some(object) = changed.iter().chain(suspect).min().cloned() else {
                return Ok(true);
            };
            if scan.is_over(*budget, entries) {
                return Ok(false);
            }
            *budget -= 1;
            match self.images.meet(&object) {
                Image::Row(image) => scan.give(&object, Some(&image), entries)?,
                Image::Unchanged | Image::Absent => scan.give(&object, None, entries)?,
            }
            self.cursor = Some(object);
        }
    }
}

/// The keys after a cursor, or those that begin with a prefix.
fn after<'a>(cursor: Option<&'a ObjectKey>, prefix: &'a [u8]) -> Bound<&'a [u8]> {
    cursor.map_or(Bound::Included(prefix), |cursor| {
        Bound::Excluded(cursor.as_bytes())
    })
}

/// Objects of which earlier bootstraps may have left traces.
struct Suspects<'a> {
    known: RwLockReadGuard<'a, Known>,
    since: u64,
}

impl Suspects<'_> {
    fn contains(&self, object: &ObjectKey) -> bool {
        self.known.touches_after(self.since, object)
    }

    fn first(&self, range: (Bound<&[u8]>, Bound<&[u8]>)) -> Option<&ObjectKey> {
        self.known.first_after(self.since, range)
    }
}

/// What does not change while a part is made.
struct Scan<'a, R: Read> {
    facts: &'a StoredFacts<'a, R>,
    /// Those of the client's version of the schema.
    names: Names<'a>,
    derivation: Derivation<'a>,
    timeline: &'a Timeline,
    element: &'a Element,
    suspects: Option<Suspects<'a>>,
    bytes_max: usize,
}

impl<R: Read> Scan<'_, R> {
    /// Which fields of a class the bootstrap gives, if not all.
    fn readable(&self, class: ClassNumber) -> Option<&FieldAccess> {
        let readable = self.timeline.view(self.element.view).readable(class);
        readable.filter(|_| self.derivation.switches.cover_fields)
    }

    /// Whether the part is to be sent before more is looked at.
    fn is_over(&self, budget: usize, entries: &mut Entries) -> bool {
        budget == 0 || self.facts.is_long() || entries.is_full(self.bytes_max)
    }

    /// Sends an object if the bootstrap touches it. `row` is as of the bootstrap's version.
    fn give(&self, object: &ObjectKey, row: Option<&[u8]>, entries: &mut Entries) -> Result<()> {
        let suspects = self.suspects.as_ref();
        let touched = if suspects.is_some_and(|suspects| suspects.contains(object)) {
            self.derivation.touched_by(self.element, object)?
        } else {
            self.touches_settled(object, row)
        };
        let enters = touched && self.contains(self.element.view, object, row);
        self.facts.check_steps()?;
        if touched {
            let row = row.filter(|_| enters);
            let readable = self.readable(object.class());
            entries.open.push(&self.names, object, row, readable)?;
            entries.close_if_full(self.bytes_max);
        }
        Ok(())
    }

    fn contains(&self, view: usize, object: &ObjectKey, row: Option<&[u8]>) -> bool {
        is_in(
            self.facts,
            self.timeline.view(view),
            object,
            row.map(Fields::Row),
        )
    }

    /// Whether the bootstrap sends an object that has not changed since the earliest version it repairs: then
    /// the row at hand says what every view held.
    fn touches_settled(&self, object: &ObjectKey, row: Option<&[u8]>) -> bool {
        let differs = |before, view| {
            let was_in = self.contains(before, object, row);
            was_in != self.contains(view, object, row)
                || (was_in && self.derivation.fields_differ(before, view, object))
        };
        differs(self.element.before, self.element.view)
            || self
                .element
                .leftovers
                .iter()
                .any(|left| differs(left.before, left.view))
    }
}
