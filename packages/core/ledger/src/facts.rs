//! What the pure functions ask of whoever keeps the data, and what they derive from it.
//!
//! Everything here is derived from what is frozen: entries, records, and the elements of a client's timeline.
//! So an answer about versions that the client has integrated never changes, whatever happens later.

use std::cell::OnceCell;
use std::sync::Arc;

use tidemark_changeset::Instruction;
use tidemark_query::Steps;

use crate::entries::{Entry, Touched, TouchedGroup};
use crate::error::{LedgerError, Result};
use crate::fields::{Fields, ObjectRow};
use crate::object::ObjectKey;
use crate::predicate::Predicate;
use crate::rows::{OwnUpload, Reciprocal, Record, Touch};
use crate::schema::LedgerSchema;
use crate::switches::Switches;
use crate::view_list::{Element, ElementKind, ElementState, Leftover};
use crate::views::{Timeline, View};

/// Reading the ledger's data as of one state.
pub trait Facts {
    /// The schema.
    fn schema(&self) -> &LedgerSchema;
    /// What evaluating the client's views may cost. Once nothing is left, no answer is worth anything.
    fn steps(&self) -> &Steps;
    /// The entry of a version.
    fn entry(&self, version: u64) -> Result<Arc<Entry>>;
    /// What touched an object in versions above `after`, up to `through`, in order.
    fn touches(&self, object: &ObjectKey, after: u64, through: u64) -> Result<Vec<Touch>>;
    /// The first entry after a version that changed an object (ghosts do not count).
    fn first_change(&self, object: &ObjectKey, after: u64) -> Result<Option<Touch>>;
    /// An object's row now.
    fn row(&self, object: &ObjectKey) -> Result<Option<Arc<[u8]>>>;
    /// What is kept of a client's own upload.
    fn own_upload(&self, ident: u64, version: u64) -> Result<Option<OwnUpload>>;
    /// The instructions of a client's own upload on one object, as they were uploaded.
    fn own_instructions(
        &self,
        ident: u64,
        version: u64,
        object: &ObjectKey,
    ) -> Result<Vec<Instruction>>;
    /// The form of an entry's instructions on an object after a client's edits, if it differs from the log's.
    fn reciprocal(
        &self,
        ident: u64,
        version: u64,
        object: &ObjectKey,
    ) -> Result<Option<Reciprocal>>;
    /// The records of a client at one version, sorted by object.
    fn records(&self, ident: u64, version: u64) -> Result<Vec<(ObjectKey, Record)>>;
}

/// An object's fields as of some version, as far as they are known.
#[derive(Clone, Debug)]
pub enum State {
    /// It does not exist.
    Absent,
    /// Its whole row.
    Row(Arc<[u8]>),
    /// Queryable values.
    Values {
        /// Columns.
        columns: Vec<u16>,
        /// Their values as an entry keeps them.
        values: Vec<u8>,
    },
}

impl State {
    /// The fields, unless it does not exist.
    pub fn fields(&self) -> Option<Fields<'_>> {
        match self {
            Self::Absent => None,
            Self::Row(row) => Some(Fields::Row(row)),
            Self::Values { columns, values } => Some(Fields::Some { columns, values }),
        }
    }

    /// Whether it exists.
    pub fn exists(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// Whether an object with these fields is in a view. Takes steps, and says nothing when none are left.
pub fn is_in(
    facts: &dyn Facts,
    view: &View,
    object: &ObjectKey,
    fields: Option<Fields<'_>>,
) -> bool {
    let class = object.class();
    let Some(fields) = fields else { return false };
    if !view.names(class) {
        return false;
    }
    if view.contains_all(class) {
        return true;
    }
    let schema = facts.schema();
    let (Some(name), Some(definition)) = (schema.name(class), schema.class(class)) else {
        return false;
    };
    let columns = &definition.columns;
    let row = ObjectRow {
        class: name,
        object,
        key: OnceCell::new(),
        columns,
        schema: &schema.model,
        fields,
    };
    let rules = view.class(class).unwrap_or_default();
    let holds = |rule: &Predicate| rule.matches_within(&row, facts.steps()) == Some(true);
    rules.iter().all(holds)
}

/// An object's fields as of a version: those before the first later change, or those of now.
pub fn state_at(facts: &dyn Facts, object: &ObjectKey, version: u64) -> Result<State> {
    let Some(touch) = facts.first_change(object, version)? else {
        return Ok(facts.row(object)?.map_or(State::Absent, State::Row));
    };
    let entry = facts.entry(touch.version)?;
    let (group, touched) = find(&entry, object)?;
    Ok(match entry.before(touched) {
        None => State::Absent,
        Some(values) => State::Values {
            columns: group.columns.clone(),
            values: values.to_vec(),
        },
    })
}

/// A touched object that the index says is there.
pub fn find<'a>(entry: &'a Entry, object: &ObjectKey) -> Result<(&'a TouchedGroup, &'a Touched)> {
    entry.find(object)?.ok_or(LedgerError::Damaged(
        "the index names an entry that does not touch the object",
    ))
}

/// What an entry did to an object, seen through a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "two facts about each of two states"
)]
pub struct Passage {
    /// It existed before.
    pub existed: bool,
    /// It exists after.
    pub exists: bool,
    /// It was in the view before.
    pub was_in: bool,
    /// It is in the view after.
    pub now_in: bool,
    /// The view is a narrowing that was not sent: the client may hold objects that are outside of it.
    pub guarded: bool,
}

impl Passage {
    /// Whether it came into the view, and the client may hold something in its place.
    pub fn entered(self) -> bool {
        (self.existed || self.guarded) && !self.was_in && self.now_in
    }

    /// Whether the client is sent an erasure for it (view transition), on the server's account.
    /// `own`: the entry is the client's own, so that the client may hold what the view never did.
    pub fn wipes(self, own: bool) -> bool {
        let left = self.exists && !self.now_in && (self.was_in || own);
        left || self.entered()
    }
}

/// What an entry did to an object, seen through an element of a client's timeline.
pub fn passage(
    facts: &dyn Facts,
    timeline: &Timeline,
    element: &Element,
    entry: &Entry,
    group: &TouchedGroup,
    touched: &Touched,
) -> Passage {
    let view = timeline.view(element.view);
    let columns = &group.columns;
    let contains = |values: Option<&[u8]>| {
        let fields = values.map(|values| Fields::Some { columns, values });
        is_in(facts, view, &touched.object, fields)
    };
    Passage {
        existed: touched.existed(),
        exists: touched.exists(),
        was_in: contains(entry.before(touched)),
        now_in: contains(entry.after(touched)),
        guarded: element.kind == ElementKind::Guard,
    }
}

/// What can be derived about one client.
pub struct Derivation<'a> {
    /// The data.
    pub facts: &'a dyn Facts,
    /// The client's views.
    pub timeline: &'a Timeline,
    /// What the client has integrated. Of no consequence unless a test leaves out the rule that records are
    /// kept.
    pub download: u64,
    /// Rules that tests leave out.
    pub switches: Switches,
}

impl Derivation<'_> {
    /// Whether an object as of a version was in a view.
    fn was_in(&self, view: usize, object: &ObjectKey, state: &State) -> bool {
        is_in(self.facts, self.timeline.view(view), object, state.fields())
    }

    /// What an indexed entry did to an object, seen through an element.
    fn passage(&self, object: &ObjectKey, touch: &Touch, element: &Element) -> Result<Passage> {
        let entry = self.facts.entry(touch.version)?;
        let (group, touched) = find(&entry, object)?;
        Ok(passage(
            self.facts,
            self.timeline,
            element,
            &entry,
            group,
            touched,
        ))
    }

    /// Whether the client merges and stores as the original does, and is refreshed where that ends elsewhere.
    pub fn refreshes_originals(&self) -> bool {
        self.timeline.is_original && self.switches.defects
    }

    /// Whether another's entry on an object was not sent to the client: outside of its view before and after.
    pub fn withheld(&self, object: &ObjectKey, touch: &Touch) -> Result<bool> {
        let passage = self.passage(object, touch, self.timeline.element_at(touch.version))?;
        Ok(!passage.was_in && !passage.now_in)
    }

    /// Whether the client was, or would be, sent an erasure of an object at a version above `after`, up to
    /// `through`: a wipe. What the client held of the object before is gone with it.
    pub fn wiped(&self, object: &ObjectKey, after: u64, through: u64) -> Result<bool> {
        if after >= through {
            return Ok(false);
        }
        if self.wiped_by_bootstrap(object, after, through)? {
            return Ok(true);
        }
        for touch in self.facts.touches(object, after, through)? {
            if self.wiped_by(object, &touch, &[self.timeline.element_at(touch.version)])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a client that has integrated `base` was, or may yet be, sent an erasure of an object at a
    /// version above `after`, up to `through`. Bootstraps above the base may still die, and then the views
    /// before them are in force again: an upload integrated in the meantime has to be right in either case.
    /// `touches` is what touched the object in these versions.
    pub fn may_be_wiped(
        &self,
        object: &ObjectKey,
        base: u64,
        (after, through): (u64, u64),
        touches: &[Touch],
    ) -> Result<bool> {
        if self.wiped_by_bootstrap(object, after, through)? {
            return Ok(true);
        }
        for touch in touches {
            if self.wiped_by(object, touch, &self.possible_elements(touch.version, base))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The elements that may turn out to be in force at a version, for a client that has integrated `base`.
    pub fn possible_elements(&self, version: u64, base: u64) -> Vec<&Element> {
        let mut possible = Vec::new();
        for element in self.timeline.list.elements.iter().rev() {
            if element.state == ElementState::Dead || element.from > version {
                continue;
            }
            possible.push(element);
            let may_die = element.state == ElementState::Unconfirmed && element.from > base;
            if !may_die || !self.switches.either_future {
                break;
            }
        }
        possible
    }

    fn wiped_by_bootstrap(&self, object: &ObjectKey, after: u64, through: u64) -> Result<bool> {
        for element in &self.timeline.list.elements {
            let dead = element.state == ElementState::Dead && self.switches.dead_wipe_nothing;
            let sent = element.kind == ElementKind::Bootstrap && !dead;
            if sent
                && after < element.from
                && element.from <= through
                && self.touched_by(element, object)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wiped_by(&self, object: &ObjectKey, touch: &Touch, elements: &[&Element]) -> Result<bool> {
        let own = touch.origin == self.timeline.ident;
        let forgotten = !self.switches.keep_records && touch.version <= self.download;
        if own && touch.marks.record && !forgotten {
            return Ok(true);
        }
        let misapplied = touch.marks.misapplied && !own && self.refreshes_originals();
        // Neither existence nor a queryable value changed: the object did not cross the border of a view.
        // Only what the client itself writes outside of its view is erased nevertheless, and what it would
        // misapply.
        if touch.marks.ghost || (!touch.marks.moves && !own && !misapplied) {
            return Ok(false);
        }
        for element in elements {
            let passage = self.passage(object, touch, element)?;
            if passage.wipes(own && self.switches.own_leaves)
                || (misapplied && (passage.was_in || passage.now_in))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether two views hold other fields of an object: to who sees it in both it is another object.
    pub(crate) fn fields_differ(&self, before: usize, view: usize, object: &ObjectKey) -> bool {
        let class = object.class();
        let readable = |index| self.timeline.view(index).readable(class);
        self.switches.fields_move && readable(before) != readable(view)
    }

    /// Whether a bootstrap sends an object: it differs between the two views, in itself or in the fields that
    /// they hold, or an earlier bootstrap that did not arrive whole may have left traces of it.
    pub fn touched_by(&self, element: &Element, object: &ObjectKey) -> Result<bool> {
        let state = state_at(self.facts, object, element.from)?;
        let before = self.was_in(element.before, object, &state);
        if before != self.was_in(element.view, object, &state)
            || (before && self.fields_differ(element.before, element.view, object))
        {
            return Ok(true);
        }
        for leftover in &element.leftovers {
            if self.left_over(leftover, object)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn left_over(&self, leftover: &Leftover, object: &ObjectKey) -> Result<bool> {
        let state = state_at(self.facts, object, leftover.at)?;
        let before = self.was_in(leftover.before, object, &state);
        let view = self.was_in(leftover.view, object, &state);
        let other_fields = self.fields_differ(leftover.before, leftover.view, object);
        if before != view || (before && other_fields) {
            return Ok(true);
        }
        for touch in self.facts.touches(object, leftover.at, leftover.through)? {
            if touch.marks.ghost || !touch.marks.moves {
                continue;
            }
            let entry = self.facts.entry(touch.version)?;
            let (group, touched) = find(&entry, object)?;
            let columns = &group.columns;
            let fields = entry
                .after(touched)
                .map(|values| Fields::Some { columns, values });
            let inside = |index| is_in(self.facts, self.timeline.view(index), object, fields);
            if inside(leftover.before) != before || inside(leftover.view) != view {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
