//! The server: the real ledger over a [`Disk`], with what `session.ts`, `download-pump.ts` and
//! `commit-queue.ts` of the server do around it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidemark_changeset::body::{BodyLimits, parse_download_body};
use tidemark_changeset::codec;
use tidemark_ledger::embedded::{
    BatchState, DownloadLimits, Identification, Ledger, Options, Progress, SessionId, Upload,
    UploadAnswer, tables,
};
use tidemark_ledger::error::{LedgerError, Refusal, Stop as LedgerStop, codes};
use tidemark_ledger::records::Compensation;
use tidemark_ledger::schema::LedgerSchema;
use tidemark_ledger::switches::Switches;
use tidemark_ledger::views::Role;
use tidemark_storage::{Read, Storage};

use super::client::Stop;
use super::disk::Disk;
use super::messages::{Answer, Ident, Request};

/// A connection as both ends and the network have it.
#[derive(Debug)]
pub struct Link {
    pub id: u64,
    pub user: String,
    pub up: VecDeque<Request>,
    pub down: VecDeque<Answer>,
    pub side: ServerSide,
}

/// A session as the server has it.
#[derive(Debug, Default)]
pub struct ServerSide {
    /// The server regards the session as ended.
    pub is_over: bool,
    pub file_ident: u64,
    /// What its user may do, as of its IDENT.
    role: Option<Role>,
    session: Option<SessionId>,
    uploads_under_way: usize,
    bootstraps_owed: usize,
    bootstraps_done: usize,
    marks: VecDeque<Mark>,
}

#[derive(Debug)]
struct Mark {
    request: u64,
    version: u64,
    bootstraps: usize,
}

/// What became of the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    Done,
    /// There is none.
    Nothing,
    /// It has to wait for a bootstrap or a commit.
    Waits,
}

/// An upload that waits for its commit.
struct Waiting {
    link: u64,
    session: SessionId,
    progress: (u64, u64),
    locked: u64,
    body: Vec<u8>,
}

/// Deliberate faults of the server, which the checks have to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent faults")]
pub struct ServerFaults {
    /// An upload is acknowledged that was not looked at.
    pub loses_uploads: bool,
    /// The entries of a download are not sent.
    pub loses_downloads: bool,
    /// No error 231 is sent.
    pub is_silent_about_rejections: bool,
    /// A MARK is not answered.
    pub forgets_marks: bool,
    /// Fields are sent that may not be read.
    pub shows_all_fields: bool,
    /// Fields are taken that may not be written.
    pub takes_all_fields: bool,
}

/// The server's process and its disk.
pub struct Server {
    pub disk: Disk,
    pub roles: BTreeMap<String, Role>,
    pub faults: ServerFaults,
    /// The server's clock.
    pub now_ms: u64,
    ledger: Option<Ledger<Disk>>,
    starts: u64,
    waiting: Vec<Waiting>,
    /// Sessions for which there may be something to download; no others are asked for.
    wanted: BTreeSet<SessionId>,
    uploads: u64,
}

/// How long a client may be away.
const OFFLINE_MAX_MS: u64 = 1_500;

/// Salt of every file.
const SALT: u64 = 7;

impl Server {
    /// A new server over an empty disk.
    pub fn new(forgets: bool, faults: ServerFaults) -> Result<Self, Stop> {
        let disk = Disk::new(forgets).map_err(|error| Stop::Fault(error.to_string()))?;
        let mut server = Self {
            disk,
            roles: BTreeMap::new(),
            faults,
            now_ms: 0,
            ledger: None,
            starts: 0,
            waiting: Vec::new(),
            wanted: BTreeSet::new(),
            uploads: 0,
        };
        server.open()?;
        Ok(server)
    }

    fn open(&mut self) -> Result<(), Stop> {
        self.starts += 1;
        self.disk.doing("open ledger");
        let options = Options {
            epoch_salt: 1000 + self.starts,
            development_mode: true,
            switches: Switches {
                cover_fields: !self.faults.shows_all_fields,
                judge_fields: !self.faults.takes_all_fields,
                ..Switches::ALL
            },
        };
        let opened = Ledger::open(self.disk.clone(), options);
        let ledger = opened.map_err(|error| self.stop(&error))?;
        ledger.set_max_offline_ms(OFFLINE_MAX_MS);
        self.ledger = Some(ledger);
        Ok(())
    }

    /// A new process. Connections have to be gone.
    pub fn restart(&mut self) -> Result<(), Stop> {
        self.ledger = None;
        self.waiting.clear();
        self.wanted.clear();
        self.disk.restart();
        self.open()
    }

    fn stop(&self, error: &LedgerError) -> Stop {
        match self.disk.crashed() {
            Some(point) => Stop::Crash(point),
            None => Stop::Fault(format!("the ledger fails: {error}")),
        }
    }

    /// The running ledger.
    pub fn ledger(&self) -> Result<&Ledger<Disk>, Stop> {
        let ledger = self.ledger.as_ref();
        ledger.ok_or_else(|| Stop::Fault("the server is not running".to_owned()))
    }

    /// Newest version.
    pub fn version(&self) -> Result<u64, Stop> {
        Ok(self.ledger()?.version())
    }

    /// How many uploads wait for a commit.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Ends a session. Uploads that wait are integrated all the same; the link has to be kept until then.
    pub fn end(&mut self, link: &mut Link) {
        link.side.is_over = true;
        link.up.clear();
        link.down.clear();
        self.settle(link);
    }

    /// Whether a link may be forgotten.
    pub fn is_settled(link: &Link) -> bool {
        link.side.is_over && link.side.uploads_under_way == 0
    }

    fn settle(&self, link: &mut Link) {
        if Self::is_settled(link)
            && let (Some(session), Some(ledger)) = (link.side.session.take(), &self.ledger)
        {
            ledger.end_session(session);
        }
    }

    /// Takes the next message of a link. `others` are the user's older links.
    pub fn serve(&mut self, link: &mut Link, others: &mut [Link]) -> Result<Served, Stop> {
        let side = &link.side;
        let waits = match link.up.front() {
            None => return Ok(Served::Nothing),
            Some(Request::Query { .. }) => side.bootstraps_owed > 0 || side.uploads_under_way > 0,
            Some(Request::Mark(_)) => side.uploads_under_way > 0,
            Some(Request::Upload { .. }) => side.bootstraps_owed > 0,
            Some(Request::Ident(ident)) => !self.claim(ident.file_ident, others),
            Some(Request::Bind { .. } | Request::Error { .. }) => false,
        };
        if waits {
            return Ok(Served::Waits);
        }
        match link.up.pop_front() {
            None => return Ok(Served::Nothing),
            Some(Request::Bind { needs_file_ident }) => {
                if needs_file_ident {
                    self.allocate(link)?;
                }
            }
            Some(Request::Ident(ident)) => self.identify(link, ident)?,
            Some(Request::Mark(request)) => self.mark(link, request)?,
            Some(Request::Query { version, text }) => self.query(link, version, &text)?,
            Some(Request::Upload {
                upload,
                locked_server_version,
            }) => {
                if let Some(session) = link.side.session {
                    let body = self.received(upload.body);
                    link.side.uploads_under_way += 1;
                    self.waiting.push(Waiting {
                        link: link.id,
                        session,
                        progress: (
                            upload.progress_client_version,
                            upload.progress_server_version,
                        ),
                        locked: locked_server_version,
                        body,
                    });
                }
            }
            Some(Request::Error { code, text }) => {
                let who = &link.user;
                return Err(Stop::Fault(format!(
                    "{who} cannot take a download in: {code}, {text}"
                )));
            }
        }
        Ok(Served::Done)
    }

    fn received(&mut self, body: Vec<u8>) -> Vec<u8> {
        self.uploads += 1;
        let loses = self.faults.loses_uploads && self.uploads.is_multiple_of(7);
        if loses { Vec::new() } else { body }
    }

    /// Makes older links of the same file go. Says whether they are gone.
    fn claim(&mut self, file_ident: u64, others: &mut [Link]) -> bool {
        let mut is_free = true;
        for other in others
            .iter_mut()
            .filter(|other| other.side.file_ident == file_ident)
        {
            if !other.side.is_over {
                self.end(other);
            }
            is_free &= Self::is_settled(other);
        }
        is_free
    }

    fn allocate(&mut self, link: &mut Link) -> Result<(), Stop> {
        self.disk.doing("allocate a file ident");
        let allocated = self
            .ledger()?
            .allocate_file_ident(&link.user, SALT, self.now_ms);
        let file_ident = allocated.map_err(|error| self.stop(&error))?;
        link.down.push_back(Answer::Ident {
            file_ident,
            salt: SALT,
        });
        Ok(())
    }

    fn identify(&mut self, link: &mut Link, ident: Ident) -> Result<(), Stop> {
        self.disk.doing("identify");
        let role = self.roles.get(&link.user).cloned();
        link.side.role.clone_from(&role);
        let progress = ident.progress;
        let said = Identification {
            file_ident: ident.file_ident,
            file_ident_salt: ident.file_ident_salt,
            user: link.user.clone(),
            download_server_version: progress.download_server_version,
            download_client_version: progress.download_client_version,
            latest_server_version: progress.latest_server_version,
            latest_server_version_salt: progress.latest_server_version_salt,
            query_version: ident.query_version,
            query: ident.query,
            role: role.unwrap_or_else(Role::everything),
            is_own_client: true,
            protocol_version: 14,
            schema_version: 0,
        };
        link.side.file_ident = ident.file_ident;
        match self.ledger()?.identify(said, self.now_ms) {
            Ok(identified) => {
                link.side.session = Some(identified.session);
                self.wanted.insert(identified.session);
                link.side.bootstraps_owed += usize::from(identified.bootstrap_due);
                self.tell(link, identified.compensations);
                Ok(())
            }
            Err(LedgerStop::Refused(refusal)) => {
                link.down.push_back(Answer::Error(refusal));
                Ok(())
            }
            Err(LedgerStop::Failed(error)) => Err(self.stop(&error)),
        }
    }

    fn tell(&self, link: &mut Link, compensations: Vec<Compensation>) {
        if !self.faults.is_silent_about_rejections {
            link.down
                .extend(compensations.into_iter().map(Answer::Compensation));
        }
    }

    fn mark(&mut self, link: &mut Link, request: u64) -> Result<(), Stop> {
        let version = self.version()?;
        let side = &mut link.side;
        self.wanted.extend(side.session);
        let bootstraps = side.bootstraps_done + side.bootstraps_owed;
        if !(self.faults.forgets_marks && request % 5 == 4) {
            side.marks.push_back(Mark {
                request,
                version,
                bootstraps,
            });
        }
        Ok(())
    }

    fn query(&mut self, link: &mut Link, version: u64, text: &str) -> Result<(), Stop> {
        let Some(session) = link.side.session else {
            return Ok(());
        };
        self.disk.doing("query");
        match self.ledger()?.query(session, version, text) {
            Ok(None) => {
                link.side.bootstraps_owed += 1;
                self.wanted.insert(session);
            }
            Ok(Some(text)) => link.down.push_back(Answer::QueryError { version, text }),
            Err(LedgerError::Restart(_) | LedgerError::NoSession) => self.end(link),
            Err(LedgerError::Trimmed) => expire(link),
            Err(error) => return Err(self.stop(&error)),
        }
        Ok(())
    }

    /// Makes the next download of a link, or answers its marks. Says whether anything was sent.
    pub fn pull(&mut self, link: &mut Link, bytes_max: usize) -> Result<bool, Stop> {
        let Some(session) = link.side.session.filter(|_| !link.side.is_over) else {
            return Ok(false);
        };
        if !self.wanted.contains(&session) {
            return Ok(false);
        }
        self.disk.doing("download");
        let part = match self
            .ledger()?
            .next_download(session, DownloadLimits::of(bytes_max))
        {
            Ok(part) => part,
            Err(LedgerError::Restart(_) | LedgerError::NoSession) => {
                self.end(link);
                return Ok(false);
            }
            Err(LedgerError::Trimmed) => {
                expire(link);
                return Ok(false);
            }
            Err(error) => return Err(self.stop(&error)),
        };
        let Some(mut part) = part else {
            // Nothing is owed, so every mark is due.
            self.wanted.remove(&session);
            let marks = std::mem::take(&mut link.side.marks);
            let was_any = !marks.is_empty();
            link.down
                .extend(marks.into_iter().map(|mark| Answer::Mark(mark.request)));
            return Ok(was_any);
        };
        let steady = part.batch_state == BatchState::Steady;
        if self.faults.loses_downloads && steady && part.download_server_version % 11 == 3 {
            part.body.clear();
        }
        if part.is_last {
            self.wanted.remove(&session);
        }
        if let Some(role) = &link.side.role {
            self.check_readable(role, &part.body).map_err(Stop::Fault)?;
        }
        let (state, version) = (part.batch_state, part.download_server_version);
        link.down.push_back(Answer::Download(Box::new(part)));
        if state == BatchState::LastInBatch {
            link.side.bootstraps_owed = link.side.bootstraps_owed.saturating_sub(1);
            link.side.bootstraps_done += 1;
        }
        if state != BatchState::MoreToCome {
            let done = link.side.bootstraps_done;
            let is_due = |mark: &Mark| mark.version <= version && mark.bootstraps <= done;
            while link.side.marks.front().is_some_and(is_due) {
                if let Some(mark) = link.side.marks.pop_front() {
                    link.down.push_back(Answer::Mark(mark.request));
                }
            }
        }
        Ok(true)
    }

    /// The schema as it is stored.
    pub fn schema(&self) -> Result<LedgerSchema, String> {
        let snapshot = self.disk.snapshot().map_err(|error| error.to_string())?;
        let stored = snapshot.get(tables::META, tables::SCHEMA);
        let stored = stored.map_err(|error| error.to_string())?;
        let stored = stored.ok_or("the ledger has no schema")?;
        LedgerSchema::read(&stored).map_err(|error| error.to_string())
    }

    /// Nothing in a message is of a field that its receiver may not read.
    fn check_readable(&self, role: &Role, body: &[u8]) -> Result<(), String> {
        let mut rules = role.classes.values();
        if rules.all(|rule| rule.visible().is_all()) {
            return Ok(());
        }
        let schema = self.schema()?;
        let parsed = parse_download_body(body, BodyLimits::default());
        for entry in parsed.map_err(|error| error.to_string())? {
            let changeset = codec::decode(entry.changeset).map_err(|error| error.to_string())?;
            for instruction in changeset.instructions {
                let class = instruction.class().to_string();
                let is_schema = instruction.object().is_none();
                if !is_schema && !role.of(&class).visible().shows(&schema.model, &instruction) {
                    return Err(format!("sent what may not be read: {instruction:?}"));
                }
            }
        }
        Ok(())
    }

    /// A step of the upkeep.
    pub fn maintain(&mut self, budget: usize) -> Result<Progress, Stop> {
        self.disk.doing("maintain");
        let progress = self.ledger()?.maintain(self.now_ms, budget);
        let progress = progress.map_err(|error| self.stop(&error))?;
        self.want_touched()?;
        Ok(progress)
    }

    /// Wakes whom the ledger names.
    fn want_touched(&mut self) -> Result<(), Stop> {
        let touched = self.ledger()?.take_touched();
        self.wanted.extend(touched);
        Ok(())
    }

    /// Integrates the uploads that wait, all in one commit.
    pub fn commit(&mut self, links: &mut [&mut Link]) -> Result<Committed, Stop> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(Committed::default());
        }
        let uploads: Vec<Upload<'_>> = waiting
            .iter()
            .map(|one| Upload {
                session: one.session,
                progress_client_version: one.progress.0,
                progress_server_version: one.progress.1,
                locked_server_version: one.locked,
                body: &one.body,
            })
            .collect();
        self.disk.doing("integrate");
        let answers = self.ledger()?.integrate(&uploads, self.now_ms);
        let answers = answers.map_err(|error| self.stop(&error))?;
        self.want_touched()?;
        let mut committed = Committed {
            uploads: uploads.len() as u64,
            ..Committed::default()
        };
        for (one, answer) in waiting.iter().zip(answers) {
            committed.add(&answer);
            let link = links.iter_mut().find(|link| link.id == one.link);
            let Some(link) = link else { continue };
            link.side.uploads_under_way -= 1;
            if link.side.is_over {
                self.settle(link);
                continue;
            }
            self.tell(link, answer.compensations);
            if let Some(refusal) = answer.refusal {
                link.down.push_back(Answer::Error(refusal));
            }
        }
        Ok(committed)
    }
}

/// A session that is behind what the log has kept is told to start over.
fn expire(link: &mut Link) {
    let text = "Client file has expired";
    let refusal = Refusal::reset(codes::CLIENT_FILE_EXPIRED, text);
    link.down.push_back(Answer::Error(refusal));
}

/// What a commit was about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Committed {
    pub uploads: u64,
    pub changesets: u64,
    pub conflicts: u64,
    pub compensations: u64,
}

impl Committed {
    fn add(&mut self, answer: &UploadAnswer) {
        self.changesets += answer.changesets;
        self.conflicts += answer.conflicts;
        self.compensations += answer.compensations.len() as u64;
    }
}
