//! What happened to an object since an upload's base, as one client is concerned: kept from one changeset
//! of an UPLOAD to the next.
//!
//! A client that was away uploads many changesets of one object, all made on the same base. Each is judged by
//! everything that touched the object since, those before it included. All of that is derived from what does
//! not change any more while the UPLOAD is integrated (nobody else writes meanwhile), so each touch is looked
//! at once, and each changeset only adds its own.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::Instruction;
use tidemark_model::{Class, Document, Schema};
use tidemark_transform::TransformError;

use crate::error::{LedgerError, Result};
use crate::eye::Eye;
use crate::facts::{Derivation, State, is_in, state_at};
use crate::limits::HISTORY_BYTES_MAX;
use crate::merge::{Foreign, Manner};
use crate::object::ObjectKey;
use crate::rows::{Reciprocal, Rejection, Touch};
use crate::views::View;

/// What an object's document and eye weigh together, to each byte of its row.
const DOCUMENT_FACTOR: usize = 32;

/// The histories of the objects that an UPLOAD touches more than once, since one base.
#[derive(Debug, Default)]
pub struct Histories {
    base: u64,
    by_object: FxHashMap<ObjectKey, History>,
    bytes: usize,
}

impl Histories {
    /// None yet, since a base.
    pub fn since(base: u64) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// Whether they serve a changeset with this base. If not, what they hold is to be stored first
    /// ([`Histories::into_forms`]).
    pub fn serve(&self, base: u64) -> bool {
        // One object alone has to be at hand in any case.
        let fits = self.bytes <= HISTORY_BYTES_MAX || self.by_object.len() <= 1;
        self.base == base && fits
    }

    /// The forms of others' entries that changed, by version and object.
    pub fn into_forms(
        self,
        schema: &Schema,
    ) -> std::result::Result<Vec<(u64, ObjectKey, Reciprocal)>, TransformError> {
        let mut forms = Vec::new();
        for (object, history) in self.by_object {
            let changed = history.foreign.into_changed(schema, self.base)?;
            forms.extend(changed.map(|(version, form)| (version, object.clone(), form)));
        }
        Ok(forms)
    }

    /// Takes an object's history out, brought up to a version.
    pub(crate) fn take(
        &mut self,
        derivation: &Derivation<'_>,
        object: &ObjectKey,
        through: u64,
    ) -> Result<History> {
        let kept = self.by_object.remove(object);
        let mut history = kept.unwrap_or_else(|| History::since(self.base));
        self.bytes -= history.weight();
        history.extend(derivation, object, through)?;
        Ok(history)
    }

    /// Puts it back. One without touches would save nothing to the next changeset.
    pub(crate) fn put(&mut self, object: ObjectKey, history: History) {
        if !history.touches.is_empty() {
            self.bytes += history.weight();
            self.by_object.insert(object, history);
        }
    }
}

/// From where an object is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub derivation: &'a Derivation<'a>,
    pub object: &'a ObjectKey,
    pub class: &'a Class,
    /// The view of the newest QUERY.
    pub newest: &'a View,
}

/// The object as a changeset finds it, or leaves it, in its client's eyes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub exists: bool,
    /// Whether it is in the view at the base, or in that of the newest QUERY.
    pub inside: bool,
}

/// A changeset's part on an object, in its client's eyes.
#[derive(Debug)]
pub(crate) struct Seen {
    pub found: Sight,
    pub left: Sight,
    /// Set if this changeset sees the object otherwise than the next one.
    eye: Option<Eye>,
}

/// The object as the client had it at the base.
#[derive(Debug)]
struct Had {
    state: State,
    inside: bool,
    /// Whether it was told by an entry, rather than by what is there now.
    by_entry: bool,
}

/// One object's history.
#[derive(Debug)]
pub(crate) struct History {
    base: u64,
    /// What touched the object, up to `through`.
    touches: Vec<Touch>,
    through: u64,
    /// Whether one of the touches changed the object.
    changed: bool,
    had: Option<Had>,
    /// The object in the client's eyes, after those of the first `replayed` touches that the client made.
    eye: Eye,
    replayed: usize,
    /// Version of the changeset that the eye has taken in before its touch was there.
    said: Option<u64>,
    /// How it looks, if that is known.
    sight: Option<Sight>,
    /// Why an earlier changeset was compensated that this one is made on top of.
    earlier: Option<Rejection>,
    /// By the base of an own upload, whether the changeset was made on top of it.
    contained: FxHashMap<u64, bool>,
    /// The entries that the changeset does not contain, those of the first `replayed` touches.
    foreign_touches: Vec<Touch>,
    foreign: Foreign,
    withheld: Withheld,
    wiped: Wiped,
    /// The object's newest row, decoded.
    document: Option<(Arc<[u8]>, Document)>,
}

/// Whether the client meets an entry that was kept from it.
#[derive(Debug, Default)]
struct Withheld {
    /// How many touches were asked.
    asked: usize,
    /// What the first one that was kept from it says: later ones do not change it.
    answer: Option<bool>,
}

/// Whether the client may be sent an erasure.
#[derive(Debug)]
struct Wiped {
    /// How many touches were asked, and up to which version bootstraps.
    asked: usize,
    through: u64,
    is: bool,
}

impl History {
    pub fn since(base: u64) -> Self {
        Self {
            base,
            touches: Vec::new(),
            through: base,
            changed: false,
            had: None,
            eye: Eye::absent(),
            replayed: 0,
            said: None,
            sight: None,
            earlier: None,
            contained: FxHashMap::default(),
            foreign_touches: Vec::new(),
            foreign: Foreign::default(),
            withheld: Withheld::default(),
            wiped: Wiped {
                asked: 0,
                through: base,
                is: false,
            },
            document: None,
        }
    }

    fn weight(&self) -> usize {
        let rows = self.document.as_ref().map_or(0, |(row, _)| row.len());
        self.touches.len() * size_of::<Touch>() + self.foreign.bytes() + rows * DOCUMENT_FACTOR
    }

    fn extend(
        &mut self,
        derivation: &Derivation<'_>,
        object: &ObjectKey,
        through: u64,
    ) -> Result<()> {
        let facts = derivation.facts;
        let more = facts.touches(object, self.through, through)?;
        self.changed |= more.iter().any(|touch| !touch.marks.ghost);
        self.touches.extend(more);
        self.through = through.max(self.through);
        Ok(())
    }

    pub fn is_untouched(&self) -> bool {
        self.touches.is_empty()
    }

    /// The object as the client had it at the base, and whether it was in the view then. `row`: as it is now.
    pub fn had(&mut self, look: &Look<'_>, row: Option<&Arc<[u8]>>) -> Result<(&State, bool)> {
        let stale = |had: &mut Had| had.by_entry != self.changed;
        if self.had.as_mut().is_none_or(stale) {
            let Derivation {
                facts, timeline, ..
            } = *look.derivation;
            let state = match row {
                _ if self.changed => state_at(facts, look.object, self.base)?,
                Some(row) => State::Row(Arc::clone(row)),
                None => State::Absent,
            };
            let view = timeline.view_at(self.base);
            let inside = is_in(facts, view, look.object, state.fields());
            self.eye = if inside {
                Eye::new(look.class, &state)
            } else {
                Eye::absent()
            };
            // What an entry says is only what can be asked for: all is seen again with that.
            (self.replayed, self.said, self.sight, self.earlier) = (0, None, None, None);
            self.foreign_touches.clear();
            self.had = Some(Had {
                state,
                inside,
                by_entry: self.changed,
            });
        }
        let had = self.had.as_ref().expect("just made");
        Ok((&had.state, had.inside))
    }

    /// Goes on through the touches: own ones that the changeset contains are seen, others are foreign.
    pub fn replay(&mut self, look: &Look<'_>) -> Result<()> {
        let Derivation {
            facts, timeline, ..
        } = *look.derivation;
        while let Some(touch) = self.touches.get(self.replayed).copied() {
            if touch.origin == timeline.ident && self.contains(look, &touch)? {
                if self.said != Some(touch.version) {
                    let own = facts.own_instructions(timeline.ident, touch.version, look.object)?;
                    self.eye.apply(&facts.schema().model, look.class, &own);
                    self.sight = None;
                }
                if touch.marks.compensated {
                    self.earlier = Some(if touch.marks.forbidden {
                        Rejection::Forbidden
                    } else {
                        Rejection::OutsideView
                    });
                }
            } else if !touch.marks.ghost {
                self.foreign_touches.push(touch);
            }
            self.replayed += 1;
        }
        Ok(())
    }

    /// Why an earlier changeset was compensated that this one is made on top of.
    pub fn earlier(&self) -> Option<Rejection> {
        self.earlier
    }

    /// Whether the changeset was made on top of an earlier own one: unless the client's copy of the object
    /// was wiped between the two bases.
    fn contains(&mut self, look: &Look<'_>, own: &Touch) -> Result<bool> {
        let derivation = look.derivation;
        if !derivation.switches.epoch || self.said == Some(own.version) {
            return Ok(true);
        }
        let facts = derivation.facts;
        let upload = facts.own_upload(derivation.timeline.ident, own.version)?;
        let upload = upload.ok_or(LedgerError::Damaged(
            "an own upload that is still needed is gone",
        ))?;
        if let Some(known) = self.contained.get(&upload.base) {
            return Ok(*known);
        }
        let contained = !derivation.wiped(look.object, upload.base, self.base)?;
        self.contained.insert(upload.base, contained);
        Ok(contained)
    }

    /// Shows the client's own instructions, those of `version`, to its eye.
    pub fn see(&mut self, look: &Look<'_>, instructions: &[Instruction], version: u64) -> Seen {
        let model = &look.derivation.facts.schema().model;
        let had = self.had.as_ref().filter(|had| had.inside);
        let creates = matches!(instructions.first(), Some(Instruction::CreateObject { .. }));
        self.said = Some(version);
        let known = self.sight.take();
        if let Some(had) = had
            && !creates
            && !self.eye.exists()
        {
            // Nobody edits what is not there: an own erasure has lost against what others created since.
            let mut eye = Eye::new(look.class, &had.state);
            let found = look.sight(self.base, &eye);
            eye.apply(model, look.class, instructions);
            self.eye.apply(model, look.class, instructions);
            return Seen {
                found,
                left: look.sight(self.base, &eye),
                eye: Some(eye),
            };
        }
        let found = known.unwrap_or_else(|| look.sight(self.base, &self.eye));
        self.eye.apply(model, look.class, instructions);
        let left = look.sight(self.base, &self.eye);
        self.sight = Some(left);
        Seen {
            found,
            left,
            eye: None,
        }
    }

    /// What the changeset last seen left.
    pub fn left(&self, seen: &Seen) -> State {
        seen.eye.as_ref().unwrap_or(&self.eye).state()
    }

    /// Whether another's entry on the object was kept from the client, and nothing wiped its copy since.
    pub fn meets_withheld(&mut self, look: &Look<'_>) -> Result<bool> {
        let derivation = look.derivation;
        let ident = derivation.timeline.ident;
        while self.withheld.answer.is_none() {
            let Some(touch) = self.touches.get(self.withheld.asked) else {
                return Ok(false);
            };
            let foreign = touch.origin != ident && !touch.marks.ghost;
            if foreign && derivation.withheld(look.object, touch)? {
                // An erasure before this entry is one before all later ones.
                let wiped = derivation.wiped(look.object, self.base, touch.version)?;
                self.withheld.answer = Some(!wiped);
            }
            self.withheld.asked += 1;
        }
        Ok(self.withheld.answer == Some(true))
    }

    /// The entries since the base that the changeset does not contain.
    pub fn foreign(&mut self, look: &Look<'_>) -> Result<&mut Foreign> {
        let new = self.foreign_touches.get(self.foreign.count()..);
        let new = new.unwrap_or_default();
        self.foreign
            .load(look.derivation, look.object, new, self.base)?;
        Ok(&mut self.foreign)
    }

    /// Takes the changeset's merge back.
    pub fn revoke_merge(&mut self, manner: Manner<'_>) -> std::result::Result<(), TransformError> {
        self.foreign.revoke(manner)
    }

    /// Whether the client was, or may yet be, sent an erasure of the object since the base.
    pub fn may_be_wiped(
        &mut self,
        derivation: &Derivation<'_>,
        object: &ObjectKey,
    ) -> Result<bool> {
        if !self.wiped.is {
            let new = self.touches.get(self.wiped.asked..).unwrap_or_default();
            let span = (self.wiped.through, self.through);
            self.wiped.is = derivation.may_be_wiped(object, self.base, span, new)?;
            (self.wiped.asked, self.wiped.through) = (self.touches.len(), self.through);
        }
        Ok(self.wiped.is)
    }

    /// The document of a row: the one kept, if it is of this very row.
    pub fn document(&mut self, row: &Arc<[u8]>) -> Result<Document> {
        match self.document.take() {
            Some((known, document)) if Arc::ptr_eq(&known, row) => Ok(document),
            _ => Document::from_row(row).map_err(|_| LedgerError::Damaged("a row cannot be read")),
        }
    }

    /// Keeps a document for the next changeset, with the row it was written to.
    pub fn keep_document(&mut self, row: &Arc<[u8]>, document: Document) {
        self.document = Some((Arc::clone(row), document));
    }
}

impl Look<'_> {
    fn sight(&self, base: u64, eye: &Eye) -> Sight {
        let Derivation {
            facts, timeline, ..
        } = *self.derivation;
        let views: [&View; 2] = [timeline.view_at(base), self.newest];
        let class = self.object.class();
        let exists = eye.exists();
        // What all of a class is in needs no look at the object's values.
        let inside = exists
            && (views.iter().any(|view| view.contains_all(class)) || {
                let state = eye.state();
                let inside = |view: &&View| is_in(facts, view, self.object, state.fields());
                views.iter().any(inside)
            });
        Sight { exists, inside }
    }
}
