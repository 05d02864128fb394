//! IDENT and QUERY: who a client is, where it stands, and what it is to see.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidemark_changeset::Name;
use tidemark_storage::Storage;

use super::Ledger;
use super::batch::Batch;
use super::before_images::lock;
use super::concerns::Concerns;
use super::job::Job;
use super::sessions::{DownloadSide, Session, SessionId, UploadSide};
use super::standing::{check, pending_compensations};
use crate::error::{LedgerError, Refusal, Result, Stop, codes};
use crate::field_access::FieldAccess;
use crate::limits::{BOOTSTRAPS_UNARRIVED_MAX, VIEWS_BYTES_MAX};
use crate::permission::WriteRules;
use crate::predicate::Predicate;
use crate::records::Compensation;
use crate::rows::ClientRow;
use crate::schema::LedgerSchema;
use crate::schema_versions::Names;
use crate::view_list::{Element, ElementKind, ElementState, ViewList, ViewRules};
use crate::views::{Role, Timeline, View, effective_rules, narrowed_rules};

/// What IDENT says, with what the server knows about the sender.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Identification {
    pub file_ident: u64,
    pub file_ident_salt: u64,
    pub user: String,
    pub download_server_version: u64,
    pub download_client_version: u64,
    pub latest_server_version: u64,
    pub latest_server_version_salt: u64,
    pub query_version: u64,
    /// Class name to predicate, as JSON text.
    pub query: String,
    pub role: Role,
    /// Whether the client merges by our corrected rules. What it says first holds for good.
    pub is_own_client: bool,
    pub protocol_version: u32,
    /// Version of the schema that the client was opened with; 0 for one that knows of no versions. A file
    /// keeps the one that it said first.
    pub schema_version: u64,
}

/// The answer to an IDENT that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The session.
    pub session: SessionId,
    /// Compensating-write errors to be sent again before any download.
    pub compensations: Vec<Compensation>,
    /// Whether a bootstrap is owed.
    pub bootstrap_due: bool,
    /// The version of the schema that the file is of, if the client was opened with another one.
    pub previous_schema_version: Option<u64>,
}

/// From this version of the protocol on, clients tell a bootstrap of the set that they have from a steady
/// message. Older ones have to start over when their view has changed.
const SERVER_BOOTSTRAP_PROTOCOL_MIN: u32 = 14;

/// Columns that the rules of a view, and those for writing, read: entries have to keep their values.
fn evaluate(batch: &mut Batch<impl Storage>, view: &View, role: &Role, rules: &ViewRules) {
    let schema = Arc::clone(&batch.newest.schema);
    let newest = schema.newest_names();
    let mut wanted: Vec<(u32, Vec<u16>)> = view.columns().collect();
    for class in rules.classes.keys() {
        let name = Name::from(class.as_str());
        let of_class = role.of(class);
        for text in [&of_class.write, &of_class.insert, &of_class.delete] {
            if let Some(number) = schema.number(&name)
                && let Ok(rule) = Predicate::compile(&newest, &name, text)
            {
                wanted.push((number, rule.columns().to_vec()));
            }
        }
    }
    let version = batch.newest.state.version;
    for (class, columns) in wanted {
        let known = schema.evaluated(class);
        if columns.iter().any(|column| !known.contains(column)) {
            batch.schema_mut().evaluate(class, &columns, version);
        }
    }
}

/// Where a session starts.
struct Start {
    timeline: Arc<Timeline>,
    view: Arc<View>,
    /// Up to here the client needs nothing.
    to: u64,
    jobs: VecDeque<Job>,
}

fn session_of(said: Identification, start: Start, since_ms: u64, indexed: Option<Name>) -> Session {
    let download = (said.download_server_version, said.download_client_version);
    Session {
        ident: said.file_ident,
        since_ms,
        sent: AtomicU64::new(download.0),
        owed: AtomicBool::new(true),
        live: AtomicBool::new(true),
        concerns: Mutex::new(Concerns::all_through(u64::MAX)),
        named: AtomicBool::new(false),
        named_in: AtomicU64::new(u64::MAX),
        upload: Mutex::new(UploadSide {
            timeline: Arc::clone(&start.timeline),
            newest: start.view,
            writes: WriteRules::new(said.role.clone(), indexed),
            progress: (0, 0),
            locked: 0,
            refused: None,
        }),
        download: Mutex::new(DownloadSide {
            timeline: Arc::clone(&start.timeline),
            to: start.to,
            mentioned: download.0,
            latest: said.latest_server_version,
            client_version: download.1,
            query_version: said.query_version,
            jobs: start.jobs,
            caught_up_from: download.0,
        }),
        role: said.role,
        schema_version: start.timeline.schema_version,
    }
}

/// A bootstrap that begins: its element is stored, its job is to be run.
struct Begun {
    timeline: Arc<Timeline>,
    job: Job,
}

impl<S: Storage> Ledger<S> {
    /// Checks an IDENT by the protocol's rules in their order, and opens a session.
    pub fn identify(
        &self,
        said: Identification,
        now_ms: u64,
    ) -> std::result::Result<Identified, Stop> {
        let said_version = said.schema_version;
        self.write_then(
            |batch| self.identified(batch, said, now_ms),
            |(session, compensations, due), newest| {
                let session = Arc::new(session);
                let version = session.schema_version;
                let timeline = Arc::clone(&lock(&session.download).timeline);
                let id = self.sessions.add(Arc::clone(&session));
                self.enlist(newest, (id, session), &timeline);
                Identified {
                    session: id,
                    compensations,
                    bootstrap_due: due,
                    previous_schema_version: (version != said_version).then_some(version),
                }
            },
        )
    }

    fn identified(
        &self,
        batch: &mut Batch<S>,
        said: Identification,
        now_ms: u64,
    ) -> std::result::Result<(Session, Vec<Compensation>, bool), Stop> {
        let ident = said.file_ident;
        let is_first = said.download_server_version == 0;
        let mut row = check(batch, &said)?;
        self.sessions.supersede(ident);
        self.count_time(batch, now_ms);
        let schema = Arc::clone(&batch.newest.schema);
        let names = names_of(&schema, &said, &mut row)?;
        let subscriptions = self
            .admit(&names, &said.query)
            .map_err(|text| Refusal::reset(codes::BAD_QUERY, text))?;
        let download = (said.download_server_version, said.download_client_version);
        row.is_original.get_or_insert(!said.is_own_client);
        let since_ms = came(batch, ident, &mut row, download);
        let mut views = batch.views(ident)?;
        let changed = if self.switches.dead_stay_dead {
            views.identified(download.0)
        } else {
            views.identified_carelessly(download.0, said.query_version)
        };
        if changed {
            batch.put_views(ident, &views);
        }
        let rules = effective_rules(&names, &subscriptions, &said.role);
        let view = Arc::new(View::compile(&names, &rules));
        evaluate(batch, &view, &said.role, &rules);
        let in_force = views.in_force(batch.newest.state.version);
        let current = views
            .elements
            .get(in_force)
            .ok_or(LedgerError::Damaged("a client has no views"))?;
        let settled = current.kind != ElementKind::Guard;
        let repair = self.repair_is_due(batch, (ident, &row), &views)?;
        let due = is_first || !settled || repair || views.rules.get(current.view) != Some(&rules);
        if due && !is_first && said.protocol_version < SERVER_BOOTSTRAP_PROTOCOL_MIN {
            let text = "Permissions have changed since the last session (IDENT)";
            return Err(Refusal::reset(codes::SERVER_PERMISSIONS_CHANGED, text).into());
        }
        let compensations = pending_compensations(batch, ident, download.0)?;
        let skips_log = is_first && row.integrated == 0;
        let (timeline, jobs) = if due {
            let last = download.0.max(row.newest_entry);
            guard(batch, &mut views, &said.role, (download.0, last));
            let begun = Self::begin(
                batch,
                ident,
                &row,
                views,
                &rules,
                said.query_version,
                is_first,
            )?;
            // Before the writer is free again: a commit that came between would not be shown to the job.
            self.jobs.add(&begun.job.images);
            (begun.timeline, VecDeque::from([begun.job]))
        } else {
            (timeline_of(batch, ident, &row, views)?, VecDeque::new())
        };
        let to = match jobs.front() {
            Some(job) if skips_log => job.version - 1,
            _ => download.0.max(row.born),
        };
        let start = Start {
            timeline,
            view,
            to,
            jobs,
        };
        let session = session_of(said, start, since_ms, self.indexed_field());
        Ok((session, compensations, due))
    }

    /// Whether an interrupted bootstrap has waited so long for its repair that the repair must not wait for
    /// the next change of the view: what it has to look at would be trimmed. Where there are too many to
    /// repair, or the views have become too large, the client starts over.
    fn repair_is_due(
        &self,
        batch: &Batch<S>,
        (ident, row): (u64, &ClientRow),
        views: &ViewList,
    ) -> std::result::Result<bool, Stop> {
        let state = &batch.newest.state;
        let too_large = batch.views_size(ident)? > VIEWS_BYTES_MAX / 2;
        if too_large || views.unarrived() > BOOTSTRAPS_UNARRIVED_MAX {
            return Err(Refusal::expired("IDENT").into());
        }
        let Some(oldest) = oldest_leftover(views, row, state.version) else {
            return Ok(false);
        };
        if oldest < batch.trimmed() {
            return Err(Refusal::expired("IDENT").into());
        }
        let window_ms = self.max_offline_ms.load(Ordering::Relaxed);
        let before_ms = state.served_ms.checked_sub(window_ms / 4);
        let upkeep = lock(&self.upkeep);
        Ok(before_ms.is_some_and(|ms| oldest < upkeep.version_at(ms)))
    }

    /// Takes a QUERY: `Some` is the text of a `QUERY_ERROR`.
    pub fn query(&self, id: SessionId, query_version: u64, query: &str) -> Result<Option<String>> {
        let session = self.sessions.get(id)?;
        // Held throughout: no download may pass the bootstrap's version before the session knows of it.
        let mut download = lock(&session.download);
        let work = |batch: &mut Batch<S>| -> std::result::Result<_, QueryStop> {
            let schema = Arc::clone(&batch.newest.schema);
            let names = schema.names(session.schema_version);
            let names = names.ok_or(LedgerError::Restart(VERSION_GONE))?;
            let subscriptions = self.admit(&names, query).map_err(QueryStop::Invalid)?;
            let rules = effective_rules(&names, &subscriptions, &session.role);
            let view = Arc::new(View::compile(&names, &rules));
            evaluate(batch, &view, &session.role, &rules);
            let row = batch.client(session.ident)?.ok_or(LedgerError::NoSession)?;
            let views = batch.views(session.ident)?;
            if views.unarrived() >= BOOTSTRAPS_UNARRIVED_MAX {
                let text = "too many bootstraps are not known to have arrived";
                return Err(LedgerError::Restart(text).into());
            }
            if batch.views_size(session.ident)? + rules.size() > VIEWS_BYTES_MAX {
                let text = "the views of its client have become too large";
                return Err(LedgerError::Restart(text).into());
            }
            let oldest = oldest_leftover(&views, &row, batch.newest.state.version);
            if oldest.is_some_and(|oldest| oldest < batch.trimmed()) {
                return Err(LedgerError::Trimmed.into());
            }
            let begun = Self::begin(
                batch,
                session.ident,
                &row,
                views,
                &rules,
                query_version,
                false,
            )?;
            self.jobs.add(&begun.job.images);
            Ok((begun, view))
        };
        let result = self.write_then(work, |(begun, view), newest| {
            // Uploads of later commits are judged by it.
            let mut upload = lock(&session.upload);
            upload.timeline = Arc::clone(&begun.timeline);
            upload.newest = view;
            drop(upload);
            // Superseded since, it must not take the place of the session that did it.
            if session.live.load(Ordering::Acquire) {
                let session = (id, Arc::clone(&session));
                let mut matcher = self.matcher();
                matcher.register(&newest.schema, session, &begun.timeline);
            }
            begun
        });
        let begun = match result {
            Ok(begun) => begun,
            Err(QueryStop::Invalid(text)) => return Ok(Some(text)),
            Err(QueryStop::Failed(error)) => return Err(error),
        };
        download.timeline = begun.timeline;
        download.jobs.push_back(begun.job);
        session.owed.store(true, Ordering::Release);
        Ok(None)
    }

    /// Gives a bootstrap its own version and stores its element.
    fn begin(
        batch: &mut Batch<S>,
        ident: u64,
        row: &ClientRow,
        mut views: ViewList,
        rules: &ViewRules,
        query_version: u64,
        with_schema: bool,
    ) -> Result<Begun> {
        let last = batch.newest.state.version;
        let in_force = views.in_force(last);
        let before = views
            .elements
            .get(in_force)
            .map_or(0, |element| element.view);
        let leftovers = views.leftovers(row.newest_entry, last);
        let version = batch.append_empty();
        let view = views.intern(rules);
        views.elements.push(Element {
            kind: ElementKind::Bootstrap,
            from: version,
            since: last,
            query_version,
            view,
            before,
            state: ElementState::Unconfirmed,
            leftovers,
        });
        batch.put_views(ident, &views);
        let timeline = timeline_of(batch, ident, row, views)?;
        let job = Job::new(version, query_version, Arc::clone(&timeline), with_schema);
        Ok(Begun { timeline, job })
    }
}

/// That a version of the schema was dropped, which only happens when all files have to start over.
const VERSION_GONE: &str = "its version of the schema is gone";

/// The names in which a client speaks: those of the version that its file is of, which is the one it came
/// with first.
fn names_of<'a>(
    schema: &'a LedgerSchema,
    said: &Identification,
    row: &mut ClientRow,
) -> std::result::Result<Names<'a>, Stop> {
    let newest = schema.newest_version();
    if said.schema_version > newest {
        return Err(Refusal::bad_schema_version(said.schema_version, newest).into());
    }
    let version = *row.schema_version.get_or_insert(said.schema_version);
    Ok(schema
        .names(version)
        .ok_or(LedgerError::Restart(VERSION_GONE))?)
}

/// Notes in a client's row that it came. Returns when, in milliseconds that the ledger has served.
fn came(
    batch: &mut Batch<impl Storage>,
    ident: u64,
    row: &mut ClientRow,
    download: (u64, u64),
) -> u64 {
    let state = &batch.newest.state;
    let now_ms = state.served_ms;
    row.download = download;
    row.seen_ms = now_ms;
    if download.0 == 0 && row.integrated == 0 {
        // Nothing is known of it yet, and nothing to it: it may as well begin now.
        row.born = state.version;
    }
    batch.put_client(ident, row);
    now_ms
}

/// The lowest version that a bootstrap made now would have to look at to repair earlier ones.
fn oldest_leftover(views: &ViewList, row: &ClientRow, version: u64) -> Option<u64> {
    let leftovers = views.leftovers(row.newest_entry, version);
    leftovers.iter().map(|leftover| leftover.at).min()
}

/// A client's views, compiled.
fn timeline_of(
    batch: &Batch<impl Storage>,
    ident: u64,
    row: &ClientRow,
    views: ViewList,
) -> Result<Arc<Timeline>> {
    // What never said what it is merges as the original does, for all that is known.
    let is_original = row.is_original.unwrap_or(true);
    let names = batch.newest.schema.names(row.schema_version.unwrap_or(0));
    let names = names.ok_or(LedgerError::Restart(VERSION_GONE))?;
    Ok(Arc::new(Timeline::new(ident, is_original, &names, views)))
}

/// Puts a narrowed view in force from the next version on, if the new role forbids what the old one allowed:
/// what others wrote meanwhile must not reach the client before the bootstrap that takes it away. `last` is
/// the last version to which the old rules apply: the client has integrated it, or was still writing under
/// them. Of fields that the new role does not show nothing is sent from `since` on, what the client has.
fn guard(
    batch: &mut Batch<impl Storage>,
    views: &mut ViewList,
    role: &Role,
    (since, last): (u64, u64),
) {
    let newest = batch.newest.state.version;
    let Some(current) = views.elements.get(views.in_force(newest)).cloned() else {
        return;
    };
    let Some(rules) = views.rules.get(current.view) else {
        return;
    };
    let narrowed = narrowed_rules(&batch.newest.schema, rules, role, last);
    let Some(mut narrowed) = narrowed else { return };
    if !batch.switches.guard_fields {
        for (class, rule) in &mut narrowed.classes {
            let before = rules.classes.get(class);
            rule.readable = before.map_or_else(FieldAccess::all, |before| before.readable.clone());
        }
    }
    let readable = |rules: &ViewRules| -> Vec<FieldAccess> {
        let of_classes = rules.classes.values();
        of_classes.map(|rule| rule.readable.clone()).collect()
    };
    // Of fields it says what is left out on the way to it as well.
    if last >= newest && readable(rules) == readable(&narrowed) {
        return;
    }
    let before = views
        .elements
        .get(views.in_force(last))
        .map_or(current.view, |element| element.view);
    let view = views.intern(&narrowed);
    let since = if batch.switches.hold_back_at_once {
        since
    } else {
        last
    };
    views.elements.push(Element {
        kind: ElementKind::Guard,
        from: last + 1,
        since,
        query_version: current.query_version,
        view,
        before,
        state: ElementState::Confirmed,
        leftovers: Vec::new(),
    });
}

enum QueryStop {
    Invalid(String),
    Failed(LedgerError),
}

impl From<LedgerError> for QueryStop {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}
