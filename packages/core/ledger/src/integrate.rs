//! Integrating one changeset: a pure function from what is stored to what is to be stored.
//!
//! Judged and merged object by object. What the client may not write, or wrote to what it cannot see, is left
//! out and compensated; the rest is merged with what others did since its base and becomes one entry of the
//! log.

use std::ops::Range;
use std::sync::Arc;

use tidemark_changeset::{Instruction, UpdateKind};
use tidemark_model::{Class, Document, Schema, apply_to_document, list_size_at, original};
use tidemark_transform::Branch;

use crate::entries::{Origin, TouchedObject};
use crate::error::{LedgerError, Refusal, Stop, codes};
use crate::eye::Eye;
use crate::facts::{Derivation, Facts, Passage, State, is_in, state_at};
use crate::fields::Fields;
use crate::merge::Foreign;
use crate::object::ObjectKey;
use crate::outcome::{Outcome, RowChange};
use crate::permission::WriteRules;
use crate::plan::{PlannedChangeset, PlannedObject};
use crate::records::{Compensation, RejectedUpdate};
use crate::rows::{Marks, OwnUpload, Reciprocal, Record, Rejection, Touch};
use crate::schema::LedgerSchema;
use crate::switches::Switches;
use crate::view_list::ElementKind;
use crate::views::{Timeline, View};

/// Who uploads, and by which rules that is judged.
#[derive(Debug)]
pub struct Uploader<'a> {
    /// The client's views.
    pub timeline: &'a Timeline,
    /// The view of the newest QUERY received before the upload, under the role in force.
    pub newest: &'a View,
    /// What the user may write.
    pub writes: &'a WriteRules,
    /// What the client has integrated.
    pub download: u64,
    /// Rules that tests leave out.
    pub switches: Switches,
}

/// What became of a changeset's part on one object.
enum Verdict {
    Compensated(Rejection),
    Integrated(Integrated),
    /// An object of an asymmetric class that exists already.
    Discarded,
}

/// An object after a changeset's instructions.
#[derive(Debug, Default)]
struct Applied {
    row: Option<Arc<[u8]>>,
    /// Whether the original's storage makes something else of the instructions than they say.
    misapplied: bool,
}

#[derive(Debug, Default)]
struct Integrated {
    instructions: Vec<Instruction>,
    reciprocals: Vec<(u64, Reciprocal)>,
    after: Applied,
    conflict: bool,
    /// The client may hold something else than the server: its own merge may have ended elsewhere.
    defect: bool,
    /// What touched the object since the base.
    touches: Vec<Touch>,
}

/// Integrates a changeset as the entry of `version`. `schema` are the schema instructions that remain of it.
pub fn integrate(
    facts: &dyn Facts,
    uploader: &Uploader<'_>,
    changeset: &PlannedChangeset,
    schema: Vec<Instruction>,
    version: u64,
) -> Result<Outcome, Stop> {
    let Uploader {
        timeline,
        download,
        switches,
        ..
    } = *uploader;
    let derivation = Derivation {
        facts,
        timeline,
        download,
        switches,
    };
    let step = Step {
        facts,
        uploader,
        derivation,
        version,
        base: changeset.base,
        timestamp: changeset.timestamp,
    };
    let mut outcome = Outcome {
        schema_instructions: schema.len(),
        instructions: schema,
        ..Outcome::default()
    };
    let mut rejected = Vec::new();
    let mut unchanged = true;
    for planned in &changeset.objects {
        let object = planned.object(facts.schema())?;
        let before = facts.row(&object)?;
        match step.judge(planned, &object, before.as_ref())? {
            Verdict::Discarded => unchanged = false,
            Verdict::Compensated(rejection) => {
                unchanged = false;
                rejected.push(RejectedUpdate::new(&planned.class, &planned.key, rejection));
                outcome.compensate(&object, rejection, before, changeset.client_version);
            }
            Verdict::Integrated(integrated) => {
                unchanged &= integrated.instructions == planned.instructions;
                step.take(
                    &mut outcome,
                    object,
                    before,
                    integrated,
                    changeset.client_version,
                )?;
            }
        }
    }
    outcome.sort();
    outcome.own = Some(OwnUpload {
        client_version: changeset.client_version,
        base: changeset.base,
        original: (!unchanged).then(|| Arc::from(changeset.original.as_slice())),
    });
    if !rejected.is_empty() {
        outcome.compensation = Some(Compensation {
            server_version: version,
            rejected_client_version: changeset.client_version,
            rejected_updates: rejected,
        });
    }
    Ok(outcome)
}

/// The changeset at hand.
struct Step<'a> {
    facts: &'a dyn Facts,
    uploader: &'a Uploader<'a>,
    derivation: Derivation<'a>,
    version: u64,
    base: u64,
    timestamp: u64,
}

impl Step<'_> {
    fn ident(&self) -> u64 {
        self.uploader.timeline.ident
    }

    fn schema(&self) -> &LedgerSchema {
        self.facts.schema()
    }

    fn judge(
        &self,
        planned: &PlannedObject,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
    ) -> Result<Verdict, Stop> {
        if self.schema().is_asymmetric(object.class()) {
            return self.ingest(planned, object, row);
        }
        let touches = self.facts.touches(object, self.base, self.version - 1)?;
        if let Some(rejection) = self.reject(planned, object, row, &touches)? {
            return Ok(Verdict::Compensated(rejection));
        }
        let foreign = self.foreign(object, &touches)?;
        let foreign = Foreign::load(&self.derivation, object, &foreign, self.base)?;
        let mut integrated = Integrated {
            conflict: !foreign.is_empty(),
            ..Integrated::default()
        };
        if integrated.conflict {
            let upload = Branch::new(self.timestamp, self.ident(), planned.instructions.clone());
            let compare = self.derivation.refreshes_originals();
            let merged = foreign
                .merge(&self.schema().model, upload, self.base, compare)
                .map_err(|error| {
                    Refusal::reset(
                        codes::BAD_CHANGESET,
                        format!("Bad changeset (UPLOAD): {error}"),
                    )
                })?;
            integrated.instructions = merged.instructions;
            integrated.reciprocals = merged.reciprocals;
            integrated.defect = merged.defect && self.uploader.switches.uncertain;
        } else {
            integrated.instructions.clone_from(&planned.instructions);
        }
        integrated.after = self.apply(object, row, &integrated.instructions)?;
        if self.derivation.refreshes_originals() {
            let moves = |of| original::mixed_moves(&self.schema().model, of);
            let lost = moves(&integrated.instructions) < moves(&planned.instructions);
            integrated.defect |= integrated.after.misapplied || lost;
        }
        if !integrated.instructions.is_empty()
            && !self.allowed(object, row, integrated.after.row.as_ref())
        {
            return Ok(Verdict::Compensated(Rejection::Forbidden));
        }
        integrated.touches = touches;
        Ok(Verdict::Integrated(integrated))
    }

    /// Objects of asymmetric classes are only created, by anybody, and never seen again.
    fn ingest(
        &self,
        planned: &PlannedObject,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
    ) -> Result<Verdict, Stop> {
        if row.is_some() {
            return Ok(Verdict::Discarded);
        }
        let after = self.apply(object, None, &planned.instructions)?;
        if !self.allowed(object, None, after.row.as_ref()) {
            let text =
                RejectedUpdate::new(&planned.class, &planned.key, Rejection::Forbidden).reason;
            return Err(Refusal::reset(codes::WRITE_NOT_ALLOWED, text).into());
        }
        let instructions = planned.instructions.clone();
        Ok(Verdict::Integrated(Integrated {
            instructions,
            after,
            ..Integrated::default()
        }))
    }

    fn allowed(
        &self,
        object: &ObjectKey,
        before: Option<&Arc<[u8]>>,
        after: Option<&Arc<[u8]>>,
    ) -> bool {
        let writes = self.uploader.writes;
        let allow = |row: Option<&Arc<[u8]>>| {
            writes.allow(self.schema(), object, row.map(|row| Fields::Row(row)))
        };
        allow(before) && allow(after)
    }

    /// Whether the write is outside of the client's view, or meets what the client cannot see.
    fn reject(
        &self,
        planned: &PlannedObject,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
        touches: &[Touch],
    ) -> Result<Option<Rejection>, Stop> {
        let schema = self.schema();
        let class = schema
            .class(object.class())
            .ok_or(LedgerError::Damaged("an object without a class"))?;
        let view = self.uploader.timeline.view_at(self.base);
        let had = match row {
            _ if !touches.is_empty() => state_at(self.facts, object, self.base)?,
            Some(row) => State::Row(Arc::clone(row)),
            None => State::Absent,
        };
        let had_in = is_in(schema, view, object, had.fields());
        if touches.is_empty() && had_in {
            return Ok(None);
        }
        let mut eye = if had_in {
            Eye::new(class, &had)
        } else {
            Eye::absent()
        };
        let mut earlier = None;
        for touch in touches.iter().filter(|touch| touch.origin == self.ident()) {
            if self.contains(object, touch)? {
                let own = self
                    .facts
                    .own_instructions(self.ident(), touch.version, object)?;
                eye.apply(&schema.model, class, &own);
                if touch.marks.compensated {
                    let forbidden = touch.marks.forbidden;
                    earlier = Some(if forbidden {
                        Rejection::Forbidden
                    } else {
                        Rejection::OutsideView
                    });
                }
            }
        }
        let (first, last) = (planned.instructions.first(), planned.instructions.last());
        let creates = matches!(first, Some(Instruction::CreateObject { .. }));
        let erases = matches!(last, Some(Instruction::EraseObject { .. }));
        if had_in && !creates && !eye.state().exists() {
            // Nobody edits what is not there: an own erasure has lost against what others created since.
            eye = Eye::new(class, &had);
        }
        let found = eye.state();
        eye.apply(&schema.model, class, &planned.instructions);
        let left = eye.state();
        if earlier.is_some() {
            return Ok(earlier);
        }
        let newest = self.uploader.newest;
        // What comes and goes in one changeset was never seen outside of it; the erasure alone may say so.
        let passes = erases && !found.exists() && (creates || planned.instructions.len() == 1);
        let inside = passes
            || [&found, &left].into_iter().any(|state| {
                is_in(schema, view, object, state.fields())
                    || is_in(schema, newest, object, state.fields())
            });
        let collides = (had.exists() && !had_in) || self.meets_withheld(object, touches)?;
        if inside && !(collides && self.uploader.switches.collide) {
            return Ok(None);
        }
        // The rules come first: what they forbid is not blamed on the view.
        let writes = self.uploader.writes;
        let allowed = writes.allow(schema, object, row.map(|row| Fields::Row(row)))
            && writes.allow(schema, object, left.fields());
        Ok(Some(if allowed {
            Rejection::OutsideView
        } else {
            Rejection::Forbidden
        }))
    }

    /// Whether the changeset was made on top of an earlier own one: unless the client's copy of the object
    /// was wiped between the two bases.
    fn contains(&self, object: &ObjectKey, own: &Touch) -> Result<bool, LedgerError> {
        if !self.uploader.switches.epoch {
            return Ok(true);
        }
        let upload =
            self.facts
                .own_upload(self.ident(), own.version)?
                .ok_or(LedgerError::Damaged(
                    "an own upload that is still needed is gone",
                ))?;
        Ok(!self.derivation.wiped(object, upload.base, self.base)?)
    }

    /// Whether another's entry on the object was kept from the client, and nothing wiped its copy since.
    fn meets_withheld(&self, object: &ObjectKey, touches: &[Touch]) -> Result<bool, LedgerError> {
        for touch in touches {
            let foreign = touch.origin != self.ident() && !touch.marks.ghost;
            if foreign
                && self.derivation.withheld(object, touch)?
                && !self.derivation.wiped(object, self.base, touch.version)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entries since the base that the changeset does not contain.
    fn foreign(&self, object: &ObjectKey, touches: &[Touch]) -> Result<Vec<Touch>, LedgerError> {
        let mut foreign = Vec::new();
        for touch in touches.iter().filter(|touch| !touch.marks.ghost) {
            if touch.origin != self.ident() || !self.contains(object, touch)? {
                foreign.push(*touch);
            }
        }
        Ok(foreign)
    }

    fn apply(
        &self,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
        instructions: &[Instruction],
    ) -> Result<Applied, Stop> {
        if instructions.is_empty() {
            return Ok(Applied {
                row: row.cloned(),
                misapplied: false,
            });
        }
        let mut misapplied = false;
        let schema = &self.schema().model;
        let class = self
            .schema()
            .class(object.class())
            .ok_or(LedgerError::Damaged("an object without a class"))?;
        let mut document = match row {
            Some(row) => Some(
                Document::from_row(row)
                    .map_err(|_| LedgerError::Damaged("a row cannot be read"))?,
            ),
            None => None,
        };
        for instruction in instructions {
            match instruction {
                Instruction::CreateObject { .. } => {
                    document.get_or_insert_with(|| Document::new(class));
                }
                Instruction::EraseObject { .. } => document = None,
                other => {
                    let refused = |text: String| {
                        let text = format!("Bad changeset (UPLOAD): {text}");
                        Refusal::reset(codes::BAD_CHANGESET, text)
                    };
                    let document = document
                        .as_mut()
                        .ok_or_else(|| refused("no such object".to_owned()))?;
                    check_size(schema, class, document, other).map_err(refused)?;
                    misapplied |= original::is_misapplied(schema, class, document, other);
                    apply_to_document(schema, class, document, other)
                        .map_err(|error| refused(error.to_string()))?;
                }
            }
        }
        Ok(Applied {
            row: document.map(|document| Arc::from(document.to_row())),
            misapplied,
        })
    }

    /// Adds an object's part to the outcome.
    fn take(
        &self,
        outcome: &mut Outcome,
        object: ObjectKey,
        before: Option<Arc<[u8]>>,
        integrated: Integrated,
        client_version: u64,
    ) -> Result<(), Stop> {
        let Integrated {
            instructions,
            reciprocals,
            after,
            conflict,
            defect,
            touches,
        } = integrated;
        outcome.conflicts += usize::from(conflict);
        let forms = reciprocals
            .into_iter()
            .map(|(version, form)| (version, object.clone(), form));
        outcome.reciprocals.extend(forms);
        let first = outcome.instructions.len();
        let ghost = instructions.is_empty();
        outcome.instructions.extend(instructions);
        if self.schema().is_asymmetric(object.class()) {
            outcome.rows.push(RowChange {
                object,
                before,
                after: after.row,
            });
            return Ok(());
        }
        let span = first..outcome.instructions.len();
        let touched = self.touched(&object, before.as_ref(), &after, span);
        let record = defect
            || self
                .derivation
                .may_be_wiped(&object, self.base, self.version - 1, &touches)?
            || (!ghost && self.crosses(&object, &touched));
        let marks = Marks {
            ghost,
            record,
            moves: touched.moves(),
            misapplied: after.misapplied,
            ..Marks::default()
        };
        outcome.touches.push((object.clone(), marks));
        if record {
            let record = Record {
                client_version,
                rejection: None,
                image: after.row.clone(),
            };
            outcome.records.push((object.clone(), record));
        }
        if !ghost {
            outcome.touch(self.schema(), touched);
            outcome.rows.push(RowChange {
                object,
                before,
                after: after.row,
            });
        }
        Ok(())
    }

    fn touched(
        &self,
        object: &ObjectKey,
        before: Option<&Arc<[u8]>>,
        after: &Applied,
        instructions: Range<usize>,
    ) -> TouchedObject {
        let columns = self.schema().evaluated(object.class());
        let pick = |row: &Arc<[u8]>| Fields::Row(row).pick(&columns);
        let values_before = before.map(pick);
        let values_after = after.row.as_ref().map(pick);
        let crossed =
            values_before.is_some() && values_after.is_some() && values_before != values_after;
        TouchedObject {
            object: object.clone(),
            image: after.row.clone().filter(|_| crossed || after.misapplied),
            misapplied: after.misapplied,
            before: values_before,
            after: values_after,
            instructions,
        }
    }

    /// Whether the changeset itself took the object into or out of the client's view, whichever that turns
    /// out to be.
    fn crosses(&self, object: &ObjectKey, touched: &TouchedObject) -> bool {
        let columns = self.schema().evaluated(object.class());
        let possible = self.derivation.possible_elements(self.version, self.base);
        possible.into_iter().any(|element| {
            let view = self.uploader.timeline.view(element.view);
            let contains = |values: &Option<Vec<u8>>| {
                let fields = values.as_ref().map(|values| Fields::Some {
                    columns: &columns,
                    values,
                });
                is_in(self.schema(), view, object, fields)
            };
            let passage = Passage {
                existed: touched.before.is_some(),
                exists: touched.after.is_some(),
                was_in: contains(&touched.before),
                now_in: contains(&touched.after),
                guarded: element.kind == ElementKind::Guard,
            };
            passage.wipes(self.uploader.switches.own_leaves)
        })
    }
}

/// That an element's assignment speaks of the list that is there. Applying does not depend on it, but every
/// later merge with it does: one that is wrong would stop others' uploads.
fn check_size(
    schema: &Schema,
    class: &Class,
    document: &Document,
    instruction: &Instruction,
) -> Result<(), String> {
    let Instruction::Update {
        target,
        kind: UpdateKind::Element { prior_size },
        ..
    } = instruction
    else {
        return Ok(());
    };
    let prior_size = *prior_size as usize;
    match list_size_at(schema, class, document, target) {
        Some(size) if size != prior_size => {
            Err(format!("prior size {prior_size} of a list of {size}"))
        }
        _ => Ok(()),
    }
}

/// Names what a changeset is kept under in the log.
pub fn origin(ident: u64, changeset: &PlannedChangeset) -> Origin {
    Origin {
        ident,
        client_version: changeset.client_version,
        timestamp: changeset.timestamp,
    }
}
