//! Integrating one changeset: a pure function from what is stored to what is to be stored.
//!
//! Judged and merged object by object. What the client may not write, or wrote to what it cannot see, is left
//! out and compensated; the rest is merged with what others did since its base and becomes one entry of the
//! log.

use std::ops::Range;
use std::sync::Arc;

use tidemark_changeset::{Instruction, UpdateKind};
use tidemark_model::{Class, Document, Schema, apply_to_document, list_size_at, original};
use tidemark_transform::{Branch, Budget};

use crate::entries::{Origin, TouchedObject};
use crate::error::{LedgerError, Refusal, Stop, codes};
use crate::facts::{Derivation, Facts, Passage, is_in};
use crate::fields::Fields;
use crate::history::{Histories, History, Look};
use crate::merge::Manner;
use crate::object::ObjectKey;
use crate::outcome::{Outcome, RowChange};
use crate::permission::{WriteRules, Written};
use crate::plan::{PlannedChangeset, PlannedChangesets, PlannedObject};
use crate::records::{Compensation, RejectedUpdate};
use crate::rows::{Marks, OwnUpload, Record, Rejection};
use crate::schema::LedgerSchema;
use crate::schema_versions::without_marks;
use crate::sums::Sums;
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
    /// What the merges of the upload may cost.
    pub budget: &'a Budget,
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
    after: Applied,
    conflict: bool,
    /// The client may hold something else than the server: its own merge may have ended elsewhere.
    defect: bool,
    /// Whether merging, and settling sums, left the instructions as they were uploaded.
    as_planned: bool,
}

/// Integrates the changeset at a place of several as the entry of `version`. `schema` are the schema
/// instructions that remain of it. `histories` are those that changesets of the same UPLOAD with the same
/// base have left; forms of others' entries that change are in them.
pub fn integrate(
    facts: &dyn Facts,
    uploader: &Uploader<'_>,
    histories: &mut Histories,
    (changesets, place): (&PlannedChangesets, usize),
    schema: Vec<Instruction>,
    version: u64,
) -> Result<Outcome, Stop> {
    let changeset = changesets.as_slice().get(place);
    let changeset = changeset.ok_or(LedgerError::Damaged("a changeset was not planned"))?;
    let step = Step::new(facts, uploader, (changesets, place, changeset), version);
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
        let mut history = if facts.schema().is_asymmetric(object.class()) {
            History::since(step.base)
        } else {
            histories.take(&step.derivation, &object, version - 1)?
        };
        match step.judge(planned, &object, before.as_ref(), &mut history)? {
            Verdict::Discarded => unchanged = false,
            Verdict::Compensated(rejection) => {
                unchanged = false;
                rejected.push(RejectedUpdate::new(&planned.class, &planned.key, rejection));
                outcome.compensate(&object, rejection, before, changeset.client_version);
            }
            Verdict::Integrated(integrated) => {
                unchanged &= integrated.as_planned;
                let before = (before, changeset.client_version);
                step.take(&mut outcome, &object, before, integrated, &mut history)?;
            }
        }
        histories.put(object, history);
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
    changesets: &'a PlannedChangesets,
    place: usize,
}

impl<'a> Step<'a> {
    fn new(
        facts: &'a dyn Facts,
        uploader: &'a Uploader<'a>,
        (changesets, place, changeset): (&'a PlannedChangesets, usize, &PlannedChangeset),
        version: u64,
    ) -> Self {
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
        Self {
            facts,
            uploader,
            derivation,
            version,
            base: changeset.base,
            timestamp: changeset.timestamp,
            changesets,
            place,
        }
    }

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
        history: &mut History,
    ) -> Result<Verdict, Stop> {
        if self.schema().is_asymmetric(object.class()) {
            return self.ingest(planned, object, row, history);
        }
        let class = self.schema().class(object.class());
        let look = Look {
            derivation: &self.derivation,
            object,
            class: class.ok_or(LedgerError::Damaged("an object without a class"))?,
            newest: self.uploader.newest,
        };
        if let Some(rejection) = self.reject(&look, planned, row, history)? {
            return Ok(Verdict::Compensated(rejection));
        }
        let foreign = history.foreign(&look)?;
        let mut integrated = Integrated {
            conflict: !foreign.is_empty(),
            ..Integrated::default()
        };
        if integrated.conflict {
            let ident = self.ident();
            let upload = Branch::new(self.timestamp, ident, planned.instructions.clone());
            let later = |most| {
                let later = self.changesets.later(self.place, planned).take(most);
                let branch = |(timestamp, instructions): (u64, &[Instruction])| {
                    Branch::new(timestamp, ident, instructions.to_vec())
                };
                later.map(branch).collect()
            };
            let merged = foreign.merge(self.manner(object), upload, later);
            let merged = merged.map_err(|error| bad_changeset(&error))?;
            integrated.instructions = merged.instructions;
            integrated.defect = merged.defect && self.uploader.switches.uncertain;
        } else {
            integrated.instructions.clone_from(&planned.instructions);
        }
        if let Some(sums) = self.sums()
            && sums.adds_to_zero(&planned.instructions)
        {
            integrated.defect |= integrated.conflict;
            sums.settle(object, row, &mut integrated.instructions)?;
        }
        // Last: what the upload said is looked for in the log unless this says that it reads otherwise.
        integrated.as_planned = integrated.instructions == planned.instructions;
        integrated.after = self.apply(object, row, &integrated.instructions, history)?;
        if self.derivation.refreshes_originals() {
            let moves = |of| original::mixed_moves(&self.schema().model, of);
            let lost = moves(&integrated.instructions) < moves(&planned.instructions);
            integrated.defect |= integrated.after.misapplied || lost;
        }
        let after = integrated.after.row.as_ref();
        if !integrated.instructions.is_empty()
            && !self.allowed(object, row, after, &integrated.instructions)
        {
            if integrated.conflict {
                let revoked = history.revoke_merge(self.manner(object));
                revoked.map_err(|error| bad_changeset(&error))?;
            }
            return Ok(Verdict::Compensated(Rejection::Forbidden));
        }
        Ok(Verdict::Integrated(integrated))
    }

    fn manner(&self, object: &ObjectKey) -> Manner<'_> {
        Manner {
            schema: &self.schema().model,
            budget: Some(self.uploader.budget),
            compare: self.derivation.refreshes_originals(),
            revocable: !self.uploader.writes.allow_all(object.class()),
        }
    }

    /// Objects of asymmetric classes are only created, by anybody, and never seen again.
    fn ingest(
        &self,
        planned: &PlannedObject,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
        history: &mut History,
    ) -> Result<Verdict, Stop> {
        if row.is_some() {
            return Ok(Verdict::Discarded);
        }
        let after = self.apply(object, None, &planned.instructions, history)?;
        let instructions = &planned.instructions;
        let allowed = self.allows_fields(object, planned, None)
            && self.allowed(object, None, after.row.as_ref(), instructions);
        if !allowed {
            let text =
                RejectedUpdate::new(&planned.class, &planned.key, Rejection::Forbidden).reason;
            return Err(Refusal::reset(codes::WRITE_NOT_ALLOWED, text).into());
        }
        let instructions = planned.instructions.clone();
        Ok(Verdict::Integrated(Integrated {
            instructions,
            after,
            as_planned: true,
            ..Integrated::default()
        }))
    }

    /// What sums with null come to; `None` where all versions of the schema see the same.
    fn sums(&self) -> Option<Sums<'_>> {
        let schema = self.schema();
        let on = self.uploader.switches.settle_sums && !schema.versions.is_empty();
        let names = schema.names(self.uploader.timeline.schema_version)?;
        on.then_some(Sums { names })
    }

    fn allowed(
        &self,
        object: &ObjectKey,
        before: Option<&Arc<[u8]>>,
        after: Option<&Arc<[u8]>>,
        instructions: &[Instruction],
    ) -> bool {
        let written = Written {
            before: before.map(|row| Fields::Row(row)),
            after: after.map(|row| Fields::Row(row)),
            is_another: erases_any(instructions),
        };
        self.uploader.writes.allow(self.schema(), object, written)
    }

    /// Whether the client may write the fields that it wrote: judged by what it said, not by what is left of
    /// it after merging. `row`: the object as it is now.
    fn allows_fields(
        &self,
        object: &ObjectKey,
        planned: &PlannedObject,
        row: Option<&Arc<[u8]>>,
    ) -> bool {
        let Uploader {
            writes, switches, ..
        } = self.uploader;
        let instructions = &planned.instructions;
        !switches.judge_fields
            || writes.allow_fields(self.schema(), object, instructions, row.is_some())
    }

    /// Whether the client wrote on fields of an object that it did not see when it did: it may by now, but
    /// what it says counts from nothing.
    fn is_blind(&self, object: &ObjectKey, planned: &PlannedObject) -> bool {
        let Uploader {
            timeline, switches, ..
        } = self.uploader;
        let model = &self.schema().model;
        let seen = timeline.readable_at(self.base, object.class());
        switches.judge_sight
            && seen.is_some_and(|seen| {
                !planned
                    .instructions
                    .iter()
                    .all(|one| seen.shows(model, one))
            })
    }

    /// Whether the write is on fields that the client may not write, or outside of its view, or meets what
    /// the client cannot see.
    fn reject(
        &self,
        look: &Look<'_>,
        planned: &PlannedObject,
        row: Option<&Arc<[u8]>>,
        history: &mut History,
    ) -> Result<Option<Rejection>, Stop> {
        let fields = self.allows_fields(look.object, planned, row);
        let (had, had_in) = history.had(look, row)?;
        let (existed, existed_outside) = (had.exists(), had.exists() && !had_in);
        let fields = fields && !(existed && self.is_blind(look.object, planned));
        if history.is_untouched() && had_in {
            return Ok((!fields).then_some(Rejection::Forbidden));
        }
        history.replay(look)?;
        let seen = history.see(look, &planned.instructions, self.version);
        let earlier = history.earlier();
        if earlier.is_some() {
            return Ok(earlier);
        }
        if !fields {
            return Ok(Some(Rejection::Forbidden));
        }
        let (first, last) = (planned.instructions.first(), planned.instructions.last());
        let creates = matches!(first, Some(Instruction::CreateObject { .. }));
        let erases = matches!(last, Some(Instruction::EraseObject { .. }));
        // What comes and goes in one changeset was never seen outside of it; the erasure alone may say so.
        let passes = erases && !seen.found.exists && (creates || planned.instructions.len() == 1);
        let inside = passes || seen.found.inside || seen.left.inside;
        let collides = existed_outside || history.meets_withheld(look)?;
        if inside && !(collides && self.uploader.switches.collide) {
            return Ok(None);
        }
        // The rules come first: what they forbid is not blamed on the view.
        let left = history.left(&seen);
        let written = Written {
            before: row.map(|row| Fields::Row(row)),
            after: left.fields(),
            is_another: erases_any(&planned.instructions),
        };
        let writes = self.uploader.writes;
        Ok(Some(if writes.allow(self.schema(), look.object, written) {
            Rejection::OutsideView
        } else {
            Rejection::Forbidden
        }))
    }

    fn apply(
        &self,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
        instructions: &[Instruction],
        history: &mut History,
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
        let mut document = row.map(|row| history.document(row)).transpose()?;
        for instruction in instructions {
            match instruction {
                Instruction::CreateObject { .. } => {
                    document.get_or_insert_with(|| Document::new(class));
                }
                Instruction::EraseObject { .. } => document = None,
                other => {
                    let refused = |text: String| bad_changeset(&text);
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
        let row = document.map(|document| {
            let row = Arc::from(document.to_row());
            history.keep_document(&row, document);
            row
        });
        Ok(Applied { row, misapplied })
    }

    /// Adds an object's part to the outcome.
    fn take(
        &self,
        outcome: &mut Outcome,
        object: &ObjectKey,
        (before, client_version): (Option<Arc<[u8]>>, u64),
        integrated: Integrated,
        history: &mut History,
    ) -> Result<(), Stop> {
        let Integrated {
            instructions,
            after,
            conflict,
            defect,
            as_planned: _,
        } = integrated;
        outcome.conflicts += usize::from(conflict);
        let first = outcome.instructions.len();
        let ghost = instructions.is_empty();
        outcome.instructions.extend(instructions);
        if self.schema().is_asymmetric(object.class()) {
            outcome.rows.push(RowChange {
                object: object.clone(),
                before,
                after: after.row,
            });
            return Ok(());
        }
        let span = first..outcome.instructions.len();
        let touched = self.touched(object, before.as_ref(), &after, span);
        let record = defect
            || history.may_be_wiped(&self.derivation, object)?
            || (!ghost && self.crosses(object, &touched));
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
                object: object.clone(),
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
                is_in(self.facts, view, object, fields)
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

/// Whether instructions erase their object, be it to make it anew.
fn erases_any(instructions: &[Instruction]) -> bool {
    let erases = |one: &Instruction| matches!(one, Instruction::EraseObject { .. });
    instructions.iter().any(erases)
}

/// What of an upload cannot be integrated.
pub(crate) fn bad_changeset(error: &dyn std::fmt::Display) -> Refusal {
    let text = without_marks(&format!("Bad changeset (UPLOAD): {error}"));
    Refusal::reset(codes::BAD_CHANGESET, text)
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
