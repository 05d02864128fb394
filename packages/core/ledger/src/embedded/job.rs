//! A bootstrap under way: the difference of two views as of one version, part by part.
//!
//! Documents are read in key order, each part from its own short snapshot; what changed since the version
//! comes from [`BeforeImages`]. Objects of which an earlier, interrupted bootstrap may have left traces are
//! sent as well.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use tidemark_changeset::codec;
use tidemark_storage::{Read, keys};

use super::arrange::Arrangement;
use super::before_images::{BeforeImages, Image};
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
    /// The object scanned last in the present class.
    cursor: Option<ObjectKey>,
    /// Objects met in the scan that had changed since the version.
    met: FxHashSet<ObjectKey>,
    /// Objects that changed since the earliest bootstrap whose traces are to be repaired, and were not met
    /// yet.
    suspects: BTreeSet<ObjectKey>,
    /// The next entry to be searched for them; past the bootstrap's version when all were.
    suspects_from: u64,
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
            met: FxHashSet::default(),
            suspects: BTreeSet::new(),
            suspects_from: version + 1,
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
        facts: &StoredFacts<'_, R>,
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
        if !self.find_suspects(facts)? {
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
            self.finish_class(&scan, class, &mut entries)?;
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
        if let Some(first) = element.leftovers.iter().map(|leftover| leftover.at).min() {
            self.suspects_from = first + 1;
        }
        self.classes = Some(VecDeque::from(classes));
    }

    /// Searches the entries since the earliest bootstrap to be repaired, some at a time; `false` if there are
    /// more.
    fn find_suspects<R: Read>(&mut self, facts: &StoredFacts<'_, R>) -> Result<bool> {
        let last = self
            .version
            .min(self.suspects_from.saturating_add(REPAIR_ENTRIES_MAX - 1));
        while self.suspects_from <= last {
            if let Some(entry) = facts.entry_once(self.suspects_from)? {
                for group in entry.groups()? {
                    let changed = group.touched.iter().map(|touched| touched.object.clone());
                    self.suspects.extend(changed);
                }
            }
            self.suspects_from += 1;
        }
        Ok(self.suspects_from > self.version)
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
        let cursor = self.cursor.take();
        let from = cursor
            .as_ref()
            .map_or(Bound::Included(&prefix[..]), |cursor| {
                Bound::Excluded(cursor.as_bytes())
            });
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let range = scan.facts.read.range(OBJECTS, from, to)?;
        let mut last = cursor;
        for line in range {
            if *budget == 0 || scan.facts.is_long() || entries.is_full(scan.bytes_max) {
                self.cursor = last;
                return Ok(false);
            }
            let (key, row) = line?;
            let object = ObjectKey::from_bytes(&key)?;
            *budget -= 1;
            self.scanned += 1;
            match self.images.meet(&object) {
                Image::Unchanged => self.give(scan, &object, Some(&row), entries)?,
                Image::Absent => {
                    self.met.insert(object.clone());
                    self.give(scan, &object, None, entries)?;
                }
                Image::Row(image) => {
                    self.met.insert(object.clone());
                    self.give(scan, &object, Some(&image), entries)?;
                }
            }
            last = Some(object);
        }
        Ok(true)
    }

    /// Objects of a class that the scan could not meet because they are gone by now.
    fn finish_class<R: Read>(
        &mut self,
        scan: &Scan<'_, R>,
        class: ClassNumber,
        entries: &mut Entries,
    ) -> Result<()> {
        for (object, row) in self.images.of_class(class) {
            if !self.met.contains(&object) {
                self.give(scan, &object, Some(&row), entries)?;
            }
        }
        let suspects: Vec<ObjectKey> = self
            .suspects
            .iter()
            .filter(|object| object.class() == class)
            .cloned()
            .collect();
        for object in suspects {
            self.give(scan, &object, None, entries)?;
        }
        self.met.clear();
        Ok(())
    }

    /// Sends an object if the bootstrap touches it. `row` is as of the bootstrap's version.
    fn give<R: Read>(
        &mut self,
        scan: &Scan<'_, R>,
        object: &ObjectKey,
        row: Option<&[u8]>,
        entries: &mut Entries,
    ) -> Result<()> {
        let suspect = !self.suspects.is_empty() && self.suspects.remove(object);
        let touched = if suspect {
            scan.derivation.touched_by(scan.element, object)?
        } else {
            scan.touches_settled(object, row)
        };
        let enters = touched && scan.contains(scan.element.view, object, row);
        scan.facts.check_steps()?;
        if touched {
            let row = row.filter(|_| enters);
            let readable = scan.readable(object.class());
            entries.open.push(&scan.names, object, row, readable)?;
            entries.close_if_full(scan.bytes_max);
        }
        Ok(())
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
    bytes_max: usize,
}

impl<R: Read> Scan<'_, R> {
    /// Which fields of a class the bootstrap gives, if not all.
    fn readable(&self, class: ClassNumber) -> Option<&FieldAccess> {
        let readable = self.timeline.view(self.element.view).readable(class);
        readable.filter(|_| self.derivation.switches.cover_fields)
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
