//! Uploads: checked, integrated one after the other, made durable together.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidemark_changeset::Instruction;
use tidemark_changeset::body::UploadEntry;
use tidemark_storage::Storage;
use tidemark_transform::Budget;

use super::Ledger;
use super::batch::Batch;
use super::before_images::lock;
use super::sessions::{Session, SessionId, UploadSide};
use crate::error::{LedgerError, Refusal, Result, Stop, codes};
use crate::history::Histories;
use crate::integrate::{Uploader, bad_changeset, integrate, origin};
use crate::limits::{
    CLOCK_AHEAD_MAX_MS, PLANNED_BYTES_MAX, PLANNED_MAX, TIMESTAMP_START_UNIX_MS, UPLOAD_PAIRS_MAX,
    UPLOAD_STEPS_MAX,
};
use crate::plan::{PlannedChangeset, PlannedChangesets, plan_changeset, read_body};
use crate::records::Compensation;
use crate::rows::ClientRow;
use crate::schema::LedgerSchema;
use crate::schema_change::Speaker;
use crate::schema_conflict::{Extension, SchemaConflict, describe_addition};

/// One UPLOAD message.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Upload<'a> {
    pub session: SessionId,
    pub progress_client_version: u64,
    pub progress_server_version: u64,
    pub locked_server_version: u64,
    /// Uncompressed entries.
    pub body: &'a [u8],
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadAnswer {
    /// Set if the upload was refused: nothing of it was stored.
    pub refusal: Option<Refusal>,
    /// Errors to be sent before the download that holds the compensations.
    pub compensations: Vec<Compensation>,
    /// Changesets integrated.
    pub changesets: u64,
    /// Instructions in them.
    pub instructions: u64,
    /// Objects on which they met a foreign change.
    pub conflicts: u64,
    /// Objects that the client is to be given afresh, other than after compensations.
    pub refreshes: u64,
    /// Whether the schema changed.
    pub schema_changed: bool,
    /// By how many milliseconds the newest timestamp of a changeset is ahead of the server's clock, if by
    /// more than [`CLOCK_AHEAD_MAX_MS`]. It is never rewritten: the merge of the device would differ.
    pub clock_ahead_ms: Option<u64>,
}

/// How far a timestamp of a changeset is ahead of a time of the Unix clock, if that is too far.
fn clock_ahead(timestamp: u64, now_ms: u64) -> Option<u64> {
    let made_ms = timestamp.saturating_add(TIMESTAMP_START_UNIX_MS);
    let ahead = made_ms.saturating_sub(now_ms);
    (ahead > CLOCK_AHEAD_MAX_MS).then_some(ahead)
}

/// What a session remembers once the batch is durable.
struct Accepted {
    id: SessionId,
    session: Arc<Session>,
    progress: (u64, u64),
    locked: u64,
    owed: bool,
}

/// One attempt at a batch: answers, and what sessions remember; `None` if it has to be made again.
type Attempt = Option<(Vec<UploadAnswer>, Vec<Accepted>)>;

/// Refuses an upload, and the later ones of its session.
fn refuse(
    uploads: &[Upload<'_>],
    refusals: &mut [Option<Refusal>],
    index: usize,
    refusal: &Refusal,
) {
    let session = uploads.get(index).map(|upload| upload.session);
    for (upload, slot) in uploads.iter().zip(refusals).skip(index) {
        if Some(upload.session) == session {
            slot.get_or_insert_with(|| refusal.clone());
        }
    }
}

impl<S: Storage> Ledger<S> {
    /// Integrates uploads of several sessions in one durable commit. An upload that is refused leaves nothing
    /// behind and does not touch the others; later ones of its session are refused as well.
    pub fn integrate(&self, uploads: &[Upload<'_>], now_ms: u64) -> Result<Vec<UploadAnswer>> {
        let mut writer = lock(&self.writer);
        let mut refusals: Vec<Option<Refusal>> = vec![None; uploads.len()];
        loop {
            let mut batch = Batch::begin(&self.storage, &writer, self.switches)?;
            match self.attempt(&mut batch, uploads, &mut refusals, now_ms)? {
                // The batch holds a part of the refused upload: it is dropped, and made again without that
                // one.
                None => {}
                Some((answers, accepted)) => {
                    let mut named = Vec::new();
                    if batch.writes > 0 {
                        named = self.commit(&mut writer, batch)?;
                    }
                    self.remember(uploads, &answers, &accepted);
                    let owed = accepted.into_iter().filter(|accepted| accepted.owed);
                    named.extend(owed.map(|accepted| (accepted.id, accepted.session)));
                    self.name(named);
                    return Ok(answers);
                }
            }
        }
    }

    fn remember(&self, uploads: &[Upload<'_>], answers: &[UploadAnswer], accepted: &[Accepted]) {
        for (upload, answer) in uploads.iter().zip(answers) {
            if let (Some(refusal), Ok(session)) =
                (&answer.refusal, self.sessions.get(upload.session))
            {
                lock(&session.upload)
                    .refused
                    .get_or_insert_with(|| refusal.clone());
            }
        }
        for accepted in accepted {
            let mut side = lock(&accepted.session.upload);
            side.progress = accepted.progress;
            side.locked = accepted.locked;
            if accepted.owed {
                accepted.session.owed.store(true, Ordering::Release);
            }
        }
    }

    fn attempt(
        &self,
        batch: &mut Batch<S>,
        uploads: &[Upload<'_>],
        refusals: &mut [Option<Refusal>],
        now_ms: u64,
    ) -> Result<Attempt> {
        let mut answers = Vec::with_capacity(uploads.len());
        let mut accepted: Vec<Accepted> = Vec::new();
        self.count_time(batch, now_ms);
        for (index, upload) in uploads.iter().enumerate() {
            let writes = batch.writes;
            let refused = refusals.get(index).cloned().flatten();
            let taken = refused.map_or_else(
                || {
                    self.attempt_one(batch, upload, &accepted, now_ms)
                        .map_err(alone)
                },
                |refusal| Err(refusal.into()),
            );
            match taken {
                Ok((answer, remembered)) => {
                    answers.push(answer);
                    accepted.push(remembered);
                }
                Err(Stop::Refused(refusal)) => {
                    refuse(uploads, refusals, index, &refusal);
                    if batch.writes != writes {
                        return Ok(None);
                    }
                    answers.push(UploadAnswer {
                        refusal: Some(refusal),
                        ..UploadAnswer::default()
                    });
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
        Ok(Some((answers, accepted)))
    }

    fn attempt_one(
        &self,
        batch: &mut Batch<S>,
        upload: &Upload<'_>,
        accepted: &[Accepted],
        now_ms: u64,
    ) -> std::result::Result<(UploadAnswer, Accepted), Stop> {
        let session = self.sessions.get(upload.session).map_err(|_| ended())?;
        let mut side = lock(&session.upload);
        if let Some(refusal) = side.refused.clone() {
            return Err(refusal.into());
        }
        let earlier = accepted
            .iter()
            .rfind(|earlier| Arc::ptr_eq(&earlier.session, &session));
        let (progress, locked) = earlier.map_or((side.progress, side.locked), |earlier| {
            (earlier.progress, earlier.locked)
        });
        let mut message = Message {
            batch,
            session: &session,
            side: &mut side,
            histories: Histories::default(),
            budget: Budget::new(UPLOAD_PAIRS_MAX),
            stated: (progress, locked),
            now_ms,
            development: self.development(),
            switches: self.switches,
        };
        let Taken {
            answer,
            counts,
            owed,
        } = message.take(upload)?;
        drop(side);
        if !counts {
            return Ok((
                answer,
                Accepted {
                    id: upload.session,
                    session,
                    progress,
                    locked,
                    owed,
                },
            ));
        }
        let progress = (
            upload.progress_client_version.max(progress.0),
            upload.progress_server_version.max(progress.1),
        );
        let locked = upload.locked_server_version.max(locked);
        Ok((
            answer,
            Accepted {
                id: upload.session,
                session,
                progress,
                locked,
                owed,
            },
        ))
    }
}

fn ended() -> Refusal {
    Refusal::transient("The session has ended")
}

/// What stops an upload alone: what it lacks, or meets, is no reason not to take the others. A storage that
/// fails stops all.
fn alone(stop: Stop) -> Stop {
    let refusal = match stop {
        Stop::Failed(LedgerError::Trimmed) => Refusal::expired("UPLOAD"),
        Stop::Failed(LedgerError::Damaged(damage)) => Refusal::damaged(damage),
        Stop::Failed(LedgerError::NoSession) => ended(),
        stop => return stop,
    };
    refusal.into()
}

/// An UPLOAD that was not refused.
struct Taken {
    answer: UploadAnswer,
    /// Whether its cursors are to be remembered.
    counts: bool,
    /// Whether it has to be acknowledged.
    owed: bool,
}

/// One UPLOAD being taken.
struct Message<'a, S: Storage> {
    batch: &'a mut Batch<S>,
    session: &'a Arc<Session>,
    side: &'a mut UploadSide,
    /// What the changesets on one object share.
    histories: Histories,
    /// What its merges may cost.
    budget: Budget,
    /// Progress and locked version stated before in this session.
    stated: ((u64, u64), u64),
    now_ms: u64,
    development: bool,
    switches: crate::switches::Switches,
}

impl<S: Storage> Message<'_, S> {
    fn take(&mut self, upload: &Upload<'_>) -> std::result::Result<Taken, Stop> {
        let ident = self.session.ident;
        let mut row = self.batch.client(ident)?.ok_or(LedgerError::NoSession)?;
        self.batch.allow_steps(UPLOAD_STEPS_MAX);
        let entries = read_body(upload.body)?;
        let mut answer = UploadAnswer::default();
        if let Err(refusal) = self.check(upload, &entries, &row) {
            // Old clients are known to send empty uploads whose cursors contradict each other.
            return if entries.is_empty() {
                Ok(Taken {
                    answer,
                    counts: false,
                    owed: false,
                })
            } else {
                Err(refusal.into())
            };
        }
        self.confirm(&mut row, upload.locked_server_version)?;
        let known = entries.partition_point(|entry| entry.client_version <= row.integrated);
        let mut new = entries.get(known..).unwrap_or_default();
        while !new.is_empty() {
            let (changesets, rest) = self.plan(&mut answer, new, &row);
            for (place, changeset) in changesets.as_slice().iter().enumerate() {
                self.changeset(&mut answer, &changesets, place, row.download.0)?;
                row.newest_entry = self.batch.newest.state.version;
                row.integrated = changeset.client_version;
            }
            new = rest?;
        }
        row.integrated = row.integrated.max(upload.progress_client_version);
        row.progress = (
            row.progress.0.max(upload.progress_client_version),
            row.progress.1.max(upload.progress_server_version),
        );
        row.seen_ms = self.batch.newest.state.served_ms;
        self.store_histories(0)?;
        let horizon = self.batch.trim(ident, &row)?;
        self.batch.put_client(ident, &row);
        let mut views = self.batch.views(ident)?;
        if views.prune(horizon) {
            self.batch.put_views(ident, &views);
        }
        Ok(Taken {
            answer,
            counts: true,
            owed: !entries.is_empty(),
        })
    }

    /// The protocol's checks of cursors, which also bound what every entry can refer to.
    fn check(
        &self,
        upload: &Upload<'_>,
        entries: &[UploadEntry<'_>],
        row: &ClientRow,
    ) -> std::result::Result<(), Refusal> {
        let bad_client = |text: &str| {
            Err(Refusal::reset(
                codes::BAD_CLIENT_VERSION,
                format!("Bad client version (UPLOAD): {text}"),
            ))
        };
        let bad_server = |text: &str| {
            Err(Refusal::reset(
                codes::BAD_SERVER_VERSION,
                format!("Bad server version (UPLOAD): {text}"),
            ))
        };
        let sent = self.session.sent.load(Ordering::Acquire);
        let ((stated_client, stated_server), stated_locked) = self.stated;
        let client = upload.progress_client_version;
        let server = upload.progress_server_version;
        let locked = upload.locked_server_version;
        if client < stated_client {
            return bad_client("progress decreases");
        }
        if server < stated_server || locked < stated_locked {
            return bad_server("progress decreases");
        }
        if server > sent || locked > sent {
            return bad_server("beyond what was sent");
        }
        if client == 0 && server != 0 {
            return bad_server("progress without client version");
        }
        let mut last = (0, 0);
        for entry in entries {
            if entry.client_version <= last.0 || entry.client_version > client {
                return bad_client("changesets are out of order");
            }
            if entry.server_version < last.1 || entry.server_version > sent {
                return bad_server("bases are out of order");
            }
            last = (entry.client_version, entry.server_version);
            let is_new = entry.client_version > row.integrated;
            if is_new && entry.server_version < row.progress.1 {
                return bad_server("base below acknowledged progress");
            }
            if is_new && entry.server_version.max(row.born) < self.batch.trimmed() {
                return Err(Refusal::expired("UPLOAD"));
            }
        }
        Ok(())
    }

    /// The client has integrated everything up to the locked version.
    fn confirm(&mut self, row: &mut ClientRow, locked: u64) -> Result<()> {
        if locked <= row.download.0 {
            return Ok(());
        }
        row.download.0 = locked;
        Arc::make_mut(&mut self.side.timeline).list.locked(locked);
        let mut views = self.batch.views(self.session.ident)?;
        let changed = if self.switches.dead_stay_dead {
            views.locked(locked)
        } else {
            views.locked_carelessly(locked)
        };
        if changed {
            self.batch.put_views(self.session.ident, &views);
        }
        Ok(())
    }

    fn changeset(
        &mut self,
        answer: &mut UploadAnswer,
        changesets: &PlannedChangesets,
        place: usize,
        download: u64,
    ) -> std::result::Result<(), Stop> {
        let Some(changeset) = changesets.as_slice().get(place) else {
            return Ok(());
        };
        let schema = self.extend_schema(&changeset.schema)?;
        answer.schema_changed |= !schema.is_empty();
        if !schema.is_empty() || !self.histories.serve(changeset.base) {
            self.store_histories(changeset.base)?;
        }
        let newest = &self.batch.newest;
        for planned in &changeset.objects {
            let schema = (&*newest.schema, newest.state.schema_revision);
            self.side.writes.prepare(schema, &planned.class);
        }
        check_named(&newest.schema, changeset)?;
        let version = self.batch.newest.state.version + 1;
        let uploader = Uploader {
            timeline: &self.side.timeline,
            newest: &self.side.newest,
            writes: &self.side.writes,
            download,
            budget: &self.budget,
            switches: self.switches,
        };
        let facts = self.batch.facts();
        let histories = &mut self.histories;
        let changesets = (changesets, place);
        let mut outcome = integrate(&facts, &uploader, histories, changesets, schema, version)?;
        facts.check_steps()?;
        answer.changesets += 1;
        answer.instructions += changeset
            .objects
            .iter()
            .map(|object| object.instructions.len() as u64)
            .sum::<u64>()
            + changeset.schema.len() as u64;
        answer.conflicts += outcome.conflicts as u64;
        answer.refreshes += outcome.refreshes() as u64;
        answer.compensations.extend(outcome.compensation.take());
        self.batch
            .apply(origin(self.session.ident, changeset), outcome);
        Ok(())
    }

    /// Plans as many changesets as are looked at together. With them comes what is left of the entries,
    /// or why the next one cannot be planned: those before it are integrated first.
    fn plan<'e, 'b>(
        &self,
        answer: &mut UploadAnswer,
        entries: &'e [UploadEntry<'b>],
        row: &ClientRow,
    ) -> (
        PlannedChangesets,
        std::result::Result<&'e [UploadEntry<'b>], Refusal>,
    ) {
        let (mut planned, mut bytes) = (Vec::new(), 0);
        let newest = &self.batch.newest.schema;
        let version = self.session.schema_version;
        let has_versions = newest.names(version).is_none_or(|names| !names.are_plain());
        let mut tentative = has_versions.then(|| Arc::clone(newest));
        let mut rest = Ok(&entries[entries.len()..]);
        for (at, entry) in entries.iter().enumerate() {
            bytes += entry.changeset.len();
            if at > 0 && (at >= PLANNED_MAX || bytes > PLANNED_BYTES_MAX) {
                rest = Ok(&entries[at..]);
                break;
            }
            let tentative = tentative.as_mut().map(|schema| (schema, version));
            match plan_changeset(entry, tentative) {
                Ok(mut changeset) => {
                    changeset.base = changeset.base.max(row.born);
                    let ahead = clock_ahead(changeset.timestamp, self.now_ms);
                    answer.clock_ahead_ms = answer.clock_ahead_ms.max(ahead);
                    planned.push(changeset);
                }
                Err(refusal) => {
                    rest = Err(refusal);
                    break;
                }
            }
        }
        (PlannedChangesets::new(planned), rest)
    }

    /// Stores what the changesets so far have left, and begins anew since a base.
    fn store_histories(&mut self, base: u64) -> std::result::Result<(), Refusal> {
        let histories = std::mem::replace(&mut self.histories, Histories::since(base));
        let forms = histories.into_forms(&self.batch.newest.schema.model);
        let forms = forms.map_err(|error| bad_changeset(&error))?;
        self.batch.put_forms(self.session.ident, forms);
        Ok(())
    }

    /// Takes the schema instructions of a changeset; those that add something remain.
    fn extend_schema(
        &mut self,
        instructions: &[Instruction],
    ) -> std::result::Result<Vec<Instruction>, Stop> {
        if instructions.is_empty() {
            return Ok(Vec::new());
        }
        let mut schema: LedgerSchema = (*self.batch.newest.schema).clone();
        let speaker = Speaker::Client(self.session.schema_version);
        let mut added = Vec::new();
        for instruction in instructions {
            let extended = match schema.extend_as(speaker, instruction) {
                Ok((Extension::Added, _)) if !self.development => {
                    Err(SchemaConflict::Addition(describe_addition(instruction)))
                }
                extended => extended,
            };
            match extended {
                Ok((Extension::Added | Extension::Settled, named)) => added.push(named),
                Ok((Extension::Known, _)) => {}
                Err(conflict) => return Err(refuse_schema(&conflict).into()),
            }
        }
        if !added.is_empty() {
            *self.batch.schema_mut() = schema;
        }
        Ok(added)
    }
}

/// That a changeset writes only to columns that other clients know of.
fn check_named(
    schema: &LedgerSchema,
    changeset: &PlannedChangeset,
) -> std::result::Result<(), Refusal> {
    let instructions = changeset
        .objects
        .iter()
        .flat_map(|object| &object.instructions);
    let targets = instructions.filter_map(Instruction::target);
    for target in targets {
        if let Some(field) = schema.open_on_the_way(target) {
            let text = format!("no client has added the field \"{field}\" yet");
            return Err(bad_changeset(&text));
        }
    }
    Ok(())
}

fn refuse_schema(conflict: &SchemaConflict) -> Refusal {
    let text = match conflict {
        SchemaConflict::Addition(what) => format!(
            "Invalid schema change (UPLOAD): non-breaking schema change: {what}, schema changes from \
             clients are restricted when developer mode is disabled"
        ),
        SchemaConflict::Outdated(what) => {
            format!("Invalid schema change (UPLOAD): non-breaking schema change: {what}")
        }
        SchemaConflict::Contradiction(_) | SchemaConflict::Impossible(_) => {
            format!("Invalid schema change (UPLOAD): breaking schema change: {conflict}")
        }
    };
    Refusal::bug(codes::INVALID_SCHEMA_CHANGE, text)
}
