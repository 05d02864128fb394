//! Selecting a download: what a client is sent of one version. A pure function of the entry, the client's
//! records and the view in force at that version, so that it does not matter where messages and connections
//! are cut.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, codec};
use tidemark_model::{Document, image};

use crate::entries::{Entry, Touched, TouchedGroup};
use crate::error::{LedgerError, Result};
use crate::facts::{Facts, is_in, passage};
use crate::field_access::FieldAccess;
use crate::fields::Fields;
use crate::object::{ClassNumber, ObjectKey};
use crate::rows::Record;
use crate::schema::LedgerSchema;
use crate::schema_versions::Names;
use crate::switches::Switches;
use crate::views::Timeline;

/// File ident of the server.
pub const SERVER_IDENT: u64 = 1;

/// Timestamp of synthetic changesets, milliseconds since 2015-01-01: above any that a client can have. With a
/// lower one a pending erasure of the client with a later time would survive the wipe, and what was created
/// after it.
pub const SYNTHETIC_TIMESTAMP: u64 = 1_000_000_000_000_000;

/// What a client is sent of one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// The entry's own instructions, as far as the client sees what they are on; empty for none.
    pub entry: Vec<u8>,
    /// Erasures and states afresh on the server's account; empty for none.
    pub synthetic: Vec<u8>,
}

/// What gives a client an object afresh, or takes it away. `readable`: which of its fields the client may
/// read, if not all. In the names of the client's version of the schema.
pub fn afresh(
    names: &Names<'_>,
    object: &ObjectKey,
    row: Option<&[u8]>,
    readable: Option<&FieldAccess>,
) -> Result<Vec<Instruction>> {
    const DAMAGED: LedgerError = LedgerError::Damaged("an object's row or class cannot be read");
    let schema = names.schema;
    let class = schema.class(object.class()).ok_or(DAMAGED)?;
    let key = object.key();
    let mut instructions = vec![Instruction::EraseObject {
        class: class.name.clone(),
        key: key.clone(),
    }];
    if let Some(row) = row {
        let mut document = Document::from_row(row).map_err(|_| DAMAGED)?;
        if let Some(readable) = readable {
            readable.cover(&schema.model, class, &mut document);
        }
        instructions.append(&mut image(&schema.model, class, &key, &document));
    }
    Ok(names.all_outward(instructions))
}

/// Which part of an entry goes out how.
struct Selection<'a> {
    facts: &'a dyn Facts,
    schema: &'a LedgerSchema,
    /// Those of the client's version of the schema.
    names: Names<'a>,
    timeline: &'a Timeline,
    entry: &'a Entry,
    own: bool,
    switches: Switches,
    /// Instructions to send as they are, and those of them that are on fields of which some may not be read.
    spans: Vec<(Range<usize>, Readable)>,
    /// Objects to erase, or to give afresh.
    afresh: Vec<(ObjectKey, Afresh)>,
    /// What was found out about classes.
    readable: FxHashMap<ClassNumber, Readable>,
}

/// Which fields of a class the client may read, if not all.
type Readable = Option<Arc<FieldAccess>>;

/// What follows the erasure of an object.
enum Afresh {
    Nothing,
    /// This row.
    Row(Arc<[u8]>),
    /// The entry's own instructions, which make it from nothing.
    Made(Range<usize>),
}

/// Selects what the client of a timeline is sent of an entry. `records` are the client's at that version.
pub fn select(
    facts: &dyn Facts,
    timeline: &Timeline,
    switches: Switches,
    entry: &Entry,
    records: &[(ObjectKey, Record)],
) -> Result<Selected> {
    let view = timeline.view_at(entry.version);
    let own = entry.origin.ident == timeline.ident;
    let schema = facts.schema();
    let names = schema.names(timeline.schema_version);
    let names = names.ok_or(LedgerError::Restart("its version of the schema is gone"))?;
    let mut selection = Selection {
        facts,
        schema,
        names,
        timeline,
        entry,
        own,
        switches,
        spans: Vec::new(),
        afresh: Vec::new(),
        readable: FxHashMap::default(),
    };
    if !own && entry.schema_instructions > 0 {
        selection.spans.push((0..entry.schema_instructions, None));
    }
    for group in entry.groups()? {
        if own || view.names(group.class) {
            for touched in &group.touched {
                let recorded = records.binary_search_by(|(object, _)| object.cmp(&touched.object));
                if recorded.is_err() {
                    selection.touched(group, touched)?;
                }
            }
        }
    }
    for (object, record) in records {
        let fields = record.image.as_deref().map(Fields::Row);
        let image = record
            .image
            .clone()
            .filter(|_| is_in(facts, view, object, fields));
        selection
            .afresh
            .push((object.clone(), image.map_or(Afresh::Nothing, Afresh::Row)));
    }
    selection.encode()
}

impl<'a> Selection<'a> {
    fn touched(&mut self, group: &TouchedGroup, touched: &Touched) -> Result<()> {
        let element = self.timeline.element_at(self.entry.version);
        let passage = passage(
            self.facts,
            self.timeline,
            element,
            self.entry,
            group,
            touched,
        );
        if passage.entered() {
            if !self.own {
                let afresh = match self.entry.image(touched) {
                    Some(image) => Afresh::Row(Arc::from(image)),
                    None if !passage.existed => Afresh::Made(touched.instructions.clone()),
                    None => return Err(LedgerError::Damaged("an entry misses an after-image")),
                };
                self.afresh.push((touched.object.clone(), afresh));
            }
        } else if passage.wipes(self.own && self.switches.own_leaves) {
            self.afresh.push((touched.object.clone(), Afresh::Nothing));
        } else if !self.own && (passage.was_in || passage.now_in) {
            if touched.misapplied && self.timeline.is_original && self.switches.defects {
                let image = self.entry.image(touched).filter(|_| passage.now_in);
                let afresh = image.map_or(Afresh::Nothing, |image| Afresh::Row(Arc::from(image)));
                self.afresh.push((touched.object.clone(), afresh));
            } else {
                let readable = self.readable(touched.object.class());
                self.spans.push((touched.instructions.clone(), readable));
            }
        }
        Ok(())
    }

    fn encode(mut self) -> Result<Selected> {
        let mut selected = Selected::default();
        self.spans.retain(|(span, _)| !span.is_empty());
        if !self.spans.is_empty() {
            selected.entry = self.encode_spans()?;
        }
        if !self.afresh.is_empty() {
            self.afresh.sort_by(|left, right| left.0.cmp(&right.0));
            let mut encoder = codec::Encoder::new();
            for (object, how) in &std::mem::take(&mut self.afresh) {
                let row = if let Afresh::Row(row) = how {
                    Some(&row[..])
                } else {
                    None
                };
                let readable = self.readable(object.class());
                let readable = readable.as_deref();
                for instruction in &afresh(&self.names, object, row, readable)? {
                    encoder.push(instruction);
                }
                if let Afresh::Made(span) = how {
                    for instruction in self.shown(span, readable)? {
                        encoder.push(&instruction);
                    }
                }
            }
            selected.synthetic = encoder.finish();
        }
        Ok(selected)
    }

    fn readable(&mut self, class: ClassNumber) -> Readable {
        if let Some(known) = self.readable.get(&class) {
            return known.clone();
        }
        let readable = self.timeline.readable_at(self.entry.version, class);
        let readable = readable.filter(|_| self.switches.cover_fields);
        let readable = readable.map(|readable| Arc::new(readable.into_owned()));
        self.readable.insert(class, readable.clone());
        readable
    }

    /// Instructions of the entry, as far as they are on what the client may read.
    fn shown(
        &self,
        span: &Range<usize>,
        readable: Option<&FieldAccess>,
    ) -> Result<impl Iterator<Item = Cow<'a, Instruction>>> {
        let part = self.entry.instructions()?.get(span.clone());
        let part = part.ok_or(LedgerError::Damaged(
            "an entry has fewer instructions than it says",
        ))?;
        let model = &self.schema.model;
        let is_shown =
            move |one: &&Instruction| readable.is_none_or(|readable| readable.shows(model, one));
        let names = self.names;
        let named = move |one: &'a Instruction| {
            if names.are_plain() {
                return Some(Cow::Borrowed(one));
            }
            names.outward(one).map(Cow::Owned)
        };
        Ok(part.iter().filter(is_shown).filter_map(named))
    }

    /// The changeset of the spans; empty if the client may read nothing of them.
    fn encode_spans(&mut self) -> Result<Vec<u8>> {
        self.spans.sort_by_key(|(span, _)| span.start);
        let wanted: usize = self.spans.iter().map(|(span, _)| span.len()).sum();
        let all_readable = self.spans.iter().all(|(_, readable)| readable.is_none());
        if self.names.are_plain() && all_readable && wanted == self.entry.instructions()?.len() {
            return Ok(self.entry.changeset().to_vec());
        }
        let mut encoder = codec::Encoder::new();
        let mut shown = 0;
        for (span, readable) in &self.spans {
            for instruction in self.shown(span, readable.as_deref())? {
                encoder.push(&instruction);
                shown += 1;
            }
        }
        Ok(if shown > 0 {
            encoder.finish()
        } else {
            Vec::new()
        })
    }
}
