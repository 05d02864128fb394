//! Downloads: parts of bootstraps, entries of the log, acknowledgements.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::Ordering;

use tidemark_changeset::body::{DownloadEntry, write_download_entry};
use tidemark_query::Steps;
use tidemark_storage::{Read, Storage};

use super::batch::Newest;
use super::before_images::lock;
use super::matching::CURSOR_LAG_MAX;
use super::sessions::{DownloadSide, Session, SessionId};
use super::stored::{Caches, StoredFacts};
use super::tables::{self, CLIENTS, RECORDS};
use super::{Ledger, newest_of};
use crate::error::{LedgerError, Result};
use crate::limits::{DOWNLOAD_BYTES_MIN, DOWNLOAD_STEPS_MAX, SCAN_ENTRIES_MAX};
use crate::object::ObjectKey;
use crate::rows::{ClientRow, Record};
use crate::select::{SERVER_IDENT, SYNTHETIC_TIMESTAMP, select};

/// What a message is in the sequence of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BatchState {
    /// Part of a bootstrap; more follows.
    MoreToCome = 0,
    /// Last part of a bootstrap.
    LastInBatch = 1,
    /// Entries of the log.
    Steady = 2,
}

/// How large messages may become before compression. A message ends with the entry that reaches its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadLimits {
    /// Entries of the log.
    pub steady_bytes: usize,
    /// A part of a bootstrap. The larger the part, the fewer bytes an object takes.
    pub bootstrap_bytes: usize,
}

impl DownloadLimits {
    /// One limit for all messages.
    pub fn of(bytes: usize) -> Self {
        Self {
            steady_bytes: bytes,
            bootstrap_bytes: bytes,
        }
    }

    fn raised(self) -> Self {
        Self {
            steady_bytes: self.steady_bytes.max(DOWNLOAD_BYTES_MIN),
            bootstrap_bytes: self.bootstrap_bytes.max(DOWNLOAD_BYTES_MIN),
        }
    }
}

/// The next DOWNLOAD of a session.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct DownloadPart {
    pub download_server_version: u64,
    pub download_client_version: u64,
    pub latest_server_version: u64,
    pub latest_server_version_salt: u64,
    pub upload_client_version: u64,
    pub upload_server_version: u64,
    pub query_version: u64,
    pub batch_state: BatchState,
    pub progress_estimate: f64,
    pub entries: usize,
    pub body: Vec<u8>,
    /// Whether nothing more was owed when it was made, so that the session need not be asked for until it is
    /// named.
    pub is_last: bool,
}

/// The body of a message being put together.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    entries: usize,
}

impl Body {
    fn push(
        &mut self,
        version: u64,
        client_version: u64,
        timestamp: u64,
        origin: u64,
        changeset: &[u8],
    ) {
        let entry = DownloadEntry {
            server_version: version,
            client_version,
            timestamp,
            origin_file_ident: origin,
            original_size: changeset.len() as u64,
            changeset,
        };
        write_download_entry(&mut self.bytes, &entry);
        self.entries += 1;
    }
}

impl<S: Storage> Ledger<S> {
    /// The next message owed to a session: parts of a bootstrap, entries of the log, or an acknowledgement.
    /// `None` if nothing is owed.
    pub fn next_download(
        &self,
        id: SessionId,
        limits: DownloadLimits,
    ) -> Result<Option<DownloadPart>> {
        let session = self.sessions.get(id)?;
        let mut side = lock(&session.download);
        let newest = self.newest();
        let end = newest.state.version;
        let is_quiet = side.jobs.is_empty() && !session.owed.load(Ordering::Acquire);
        if is_quiet && (side.to >= end || passes(&session, &mut side, end)) {
            return Ok(None);
        }
        // Cleared before the snapshot: what is integrated after it is owed again.
        let owed = session.owed.swap(false, Ordering::AcqRel);
        let limits = limits.raised();
        let part = self.download_from_snapshot(&session, &mut side, &newest, owed, limits);
        if part.is_err() {
            session.owed.store(true, Ordering::Release);
        }
        part
    }

    /// The next message of each of several sessions, as [`Ledger::next_download`] gives them: for many at
    /// once, since handing one over to another thread costs more than making it. Fewer answers than sessions
    /// where the messages together reach `bytes_max`; at least one.
    pub fn next_downloads(
        &self,
        sessions: &[SessionId],
        limits: DownloadLimits,
        bytes_max: usize,
    ) -> Vec<Result<Option<DownloadPart>>> {
        let mut answers = Vec::with_capacity(sessions.len());
        let mut bytes = 0;
        for session in sessions {
            if bytes >= bytes_max && !answers.is_empty() {
                break;
            }
            let answer = self.next_download(*session, limits);
            if let Ok(Some(part)) = &answer {
                bytes += part.body.len();
            }
            answers.push(answer);
        }
        answers
    }

    fn download_from_snapshot(
        &self,
        session: &Session,
        side: &mut DownloadSide,
        newest: &Newest,
        owed: bool,
        limits: DownloadLimits,
    ) -> Result<Option<DownloadPart>> {
        let snapshot = self.storage.snapshot()?;
        let newest = newest_of(newest, &snapshot)?;
        let caches = Caches::with_steps(Steps::new(DOWNLOAD_STEPS_MAX));
        let facts = StoredFacts {
            read: &snapshot,
            schema: &newest.schema,
            caches: &caches,
            trimmed: newest.trimmed(self.switches),
        };
        let row = client_row(&snapshot, session.ident)?;
        let header = Header {
            newest: &newest,
            row: &row,
        };
        let end = side
            .jobs
            .front()
            .map_or(newest.state.version, |job| job.version - 1);
        let body = self.steady(&facts, session, side, end, limits.steady_bytes)?;
        let behind = side.to < end;
        let lags = side.to.saturating_sub(side.mentioned) >= CURSOR_LAG_MAX;
        if behind || body.entries > 0 || (side.jobs.is_empty() && (owed || lags)) {
            let progress = if behind {
                catching_up(side.caught_up_from, side.to, end)
            } else {
                1.0
            };
            if !behind {
                side.caught_up_from = side.to;
            }
            let message = header.message(session, side, BatchState::Steady, progress, body);
            return Ok(Some(DownloadPart {
                is_last: !behind && side.jobs.is_empty(),
                ..message
            }));
        }
        self.bootstrap((&facts, &header), session, side, limits)
    }

    /// The next part of the bootstrap under way, if there is one.
    fn bootstrap<R: Read>(
        &self,
        (facts, header): (&StoredFacts<'_, R>, &Header<'_>),
        session: &Session,
        side: &mut DownloadSide,
        limits: DownloadLimits,
    ) -> Result<Option<DownloadPart>> {
        let Some(job) = side.jobs.front_mut() else {
            return Ok(None);
        };
        let objects = &header.newest.state.objects;
        let log = &self.log_objects;
        let part = job.next_part((facts, log), objects, self.switches, limits.bootstrap_bytes)?;
        let (version, query_version) = (job.version, job.query_version);
        let mut body = Body::default();
        for changeset in &part.changesets {
            body.push(
                version,
                side.client_version,
                self.synthetic_timestamp(),
                SERVER_IDENT,
                changeset,
            );
        }
        side.to = version;
        side.query_version = query_version;
        let state = if part.last {
            BatchState::LastInBatch
        } else {
            BatchState::MoreToCome
        };
        let message = header.message(session, side, state, part.progress, body);
        if part.last {
            side.jobs.pop_front();
            side.caught_up_from = side.to;
        } else {
            side.to = version - 1;
        }
        Ok(Some(message))
    }

    fn synthetic_timestamp(&self) -> u64 {
        // Without the rule: a time like any other's.
        if self.switches.highest_timestamp {
            SYNTHETIC_TIMESTAMP
        } else {
            0
        }
    }

    /// Selects entries up to `end`, as many as the message holds.
    fn steady<R: Read>(
        &self,
        facts: &StoredFacts<'_, R>,
        session: &Session,
        side: &mut DownloadSide,
        end: u64,
        bytes_max: usize,
    ) -> Result<Body> {
        let mut body = Body::default();
        let mut entries_left = SCAN_ENTRIES_MAX;
        let mut records = OwnRecords::of(session.ident);
        let is_short = |body: &Body| body.bytes.len() < bytes_max && !facts.is_long();
        while side.to < end && is_short(&body) && entries_left > 0 {
            let Some(version) = concern(session, side.to, end) else {
                side.to = end;
                break;
            };
            entries_left -= 1;
            let Some(entry) = facts.entry_once(version)? else {
                side.to = version;
                continue;
            };
            if entry.origin.ident == session.ident {
                side.client_version = side.client_version.max(entry.origin.client_version);
            }
            let records = records.at(facts, version, end)?;
            let selected = select(facts, &side.timeline, self.switches, &entry, &records)?;
            facts.check_steps()?;
            let origin = entry.origin;
            if !selected.entry.is_empty() {
                let changeset = &selected.entry;
                body.push(
                    version,
                    side.client_version,
                    origin.timestamp,
                    origin.ident,
                    changeset,
                );
            }
            if !selected.synthetic.is_empty() {
                let careless = origin.timestamp;
                let timestamp = if self.switches.highest_timestamp {
                    SYNTHETIC_TIMESTAMP
                } else {
                    careless
                };
                body.push(
                    version,
                    side.client_version,
                    timestamp,
                    SERVER_IDENT,
                    &selected.synthetic,
                );
            }
            side.to = version;
        }
        Ok(body)
    }
}

/// The first version above `after`, up to `end`, that may hold something for a session.
fn concern(session: &Session, after: u64, end: u64) -> Option<u64> {
    let next = lock(&session.concerns).next(after);
    next.filter(|version| *version <= end)
}

/// Whether nothing up to `end` concerns a session. It has passed all of it then; that its client is not told
/// of it does not matter for a while.
fn passes(session: &Session, side: &mut DownloadSide, end: u64) -> bool {
    let lags = end.saturating_sub(side.mentioned) >= CURSOR_LAG_MAX;
    let passes = !lags && concern(session, side.to, end).is_none();
    if passes {
        side.to = end;
    }
    passes
}

/// A client's records, read for many versions at a time.
struct OwnRecords {
    ident: u64,
    through: u64,
    records: BTreeMap<u64, Vec<(ObjectKey, Record)>>,
}

impl OwnRecords {
    fn of(ident: u64) -> Self {
        Self {
            ident,
            through: 0,
            records: BTreeMap::new(),
        }
    }

    /// Those at a version, which is above all that were asked for before; none above `end` is asked for.
    fn at<R: Read>(
        &mut self,
        facts: &StoredFacts<'_, R>,
        version: u64,
        end: u64,
    ) -> Result<Vec<(ObjectKey, Record)>> {
        if version > self.through {
            self.through = end.min(version.saturating_add(SCAN_ENTRIES_MAX as u64));
            self.records = records_between(facts, self.ident, version - 1, self.through)?;
        }
        Ok(self.records.remove(&version).unwrap_or_default())
    }
}

fn client_row(read: &impl Read, ident: u64) -> Result<ClientRow> {
    let row = read.get(CLIENTS, &tables::number(ident))?;
    ClientRow::read(&row.ok_or(LedgerError::NoSession)?)
}

fn catching_up(from: u64, to: u64, end: u64) -> f64 {
    let share = |value: u64| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    (share(to.saturating_sub(from)) / share(end.saturating_sub(from).max(1))).min(0.9999)
}

/// A client's records at versions above `after`, up to `through`, by version.
fn records_between<R: Read>(
    facts: &StoredFacts<'_, R>,
    ident: u64,
    after: u64,
    through: u64,
) -> Result<BTreeMap<u64, Vec<(ObjectKey, Record)>>> {
    const DAMAGED: LedgerError = LedgerError::Damaged("a record's key is too short");
    let from = tables::of_client(ident, after + 1);
    let to = tables::of_client(ident, through + 1);
    let range = facts
        .read
        .range(RECORDS, Bound::Included(&from), Bound::Excluded(&to))?;
    let mut records: BTreeMap<u64, Vec<(ObjectKey, Record)>> = BTreeMap::new();
    for line in range {
        let (key, value) = line?;
        let version = tables::last_number(key.get(..16).ok_or(DAMAGED)?)?;
        let object = ObjectKey::from_bytes(key.get(16..).ok_or(DAMAGED)?)?;
        records
            .entry(version)
            .or_default()
            .push((object, Record::read(&value)?));
    }
    Ok(records)
}

/// What the head of a message is made of.
struct Header<'a> {
    newest: &'a Newest,
    row: &'a ClientRow,
}

impl Header<'_> {
    fn message(
        &self,
        session: &Session,
        side: &mut DownloadSide,
        batch_state: BatchState,
        progress_estimate: f64,
        body: Body,
    ) -> DownloadPart {
        side.mentioned = side.to;
        side.latest = side.latest.max(side.to);
        session.sent.fetch_max(side.to, Ordering::AcqRel);
        DownloadPart {
            download_server_version: side.to,
            download_client_version: side.client_version,
            // Not the newest there is: after a client reset a file goes on from the latest version it was
            // told, so everything up to that must have been given to it.
            latest_server_version: side.latest,
            latest_server_version_salt: self.newest.state.salt(side.latest).unwrap_or_default(),
            upload_client_version: self.row.integrated,
            upload_server_version: self.row.progress.1,
            query_version: side.query_version,
            batch_state,
            progress_estimate,
            entries: body.entries,
            body: body.bytes,
            is_last: false,
        }
    }
}
