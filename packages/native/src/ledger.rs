//! The server's ledger for JavaScript: conversion, nothing else.
//!
//! Every method that takes time returns a promise and runs on libuv's thread pool. Errors carry a stable
//! `code`; refusals are values.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName, Uint8Array};
use napi::{Env, Error, JsError, Task};
use napi_derive::napi;
use tidemark_ledger::embedded::{self, Ledger, Options, tables};
use tidemark_ledger::error::Stop;
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::switches::Switches;
use tidemark_ledger::views::{ClassRole, Role};
use tidemark_ledger::{LedgerError, Refusal, records};
use tidemark_storage::{FileStorage, StorageError};

use crate::ledger_downloads::{
    NativeDownloadAnswer, NativeDownloadPart, byte_count, download_limits,
};
use crate::ledger_schema::{NativeQueryableFields, NativeSchemaChange, NativeSchemaPolicy, change};

type Store = Arc<Ledger<FileStorage>>;

/// What went wrong, for JavaScript.
#[derive(Debug)]
pub struct Failure {
    code: String,
    message: String,
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    fn into_error(self, env: Env) -> Error {
        let error = JsError::from(Error::new(self.code, self.message));
        Error::from(error.into_unknown(env))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

pub(crate) type Outcome<T> = Result<T, Failure>;
type Job<T> = Box<dyn FnOnce() -> Outcome<T> + Send>;

/// Work for the thread pool.
pub struct Work<T> {
    job: Option<Job<T>>,
}

impl<T> Work<T> {
    fn task(job: impl FnOnce() -> Outcome<T> + Send + 'static) -> AsyncTask<Self>
    where
        T: ToNapiValue + TypeName + Send + 'static,
    {
        AsyncTask::new(Self {
            job: Some(Box::new(job)),
        })
    }
}

impl<T: ToNapiValue + TypeName + Send + 'static> Task for Work<T> {
    type Output = Outcome<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let Some(job) = self.job.take() else {
            return Ok(Err(Failure::new("internal", "the work was done already")));
        };
        let result = catch_unwind(AssertUnwindSafe(job));
        Ok(result
            .unwrap_or_else(|_| Err(Failure::new("internal", "a broken invariant in the ledger"))))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|failure| failure.into_error(env))
    }
}

pub(crate) fn version(value: f64) -> Outcome<u64> {
    const VERSION_MAX: f64 = 9_007_199_254_740_991.0;
    if value.fract() == 0.0 && (0.0..=VERSION_MAX).contains(&value) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        return Ok(value as u64);
    }
    Err(Failure::new("invalid-argument", "not a version"))
}

#[allow(
    clippy::cast_precision_loss,
    reason = "versions and counts stay below 2^53"
)]
pub(crate) fn number(value: u64) -> f64 {
    value as f64
}

fn decimal(text: &str) -> Outcome<u64> {
    text.parse()
        .map_err(|_| Failure::new("invalid-argument", "not a decimal number"))
}

#[napi(object, use_nullable = true)]
pub struct NativeLedgerOptions {
    pub path: Option<String>,
    pub epoch_salt: String,
    pub development_mode: bool,
}

#[napi(object)]
pub struct NativeRolePredicates {
    pub read: String,
    pub write: String,
    pub insert: String,
    pub delete: String,
    pub readable_fields: String,
    pub writable_fields: String,
}

#[napi(object)]
pub struct NativeRole {
    pub default: NativeRolePredicates,
    pub classes: HashMap<String, NativeRolePredicates>,
}

fn class_role(rules: NativeRolePredicates) -> Outcome<ClassRole> {
    Ok(ClassRole {
        read: rules.read,
        write: rules.write,
        insert: rules.insert,
        delete: rules.delete,
        readable: FieldAccess::parse(&rules.readable_fields)?,
        writable: FieldAccess::parse(&rules.writable_fields)?,
    })
}

fn role(role: NativeRole) -> Outcome<Role> {
    let classes = role.classes.into_iter();
    let classes = classes.map(|(class, rules)| Ok((class, class_role(rules)?)));
    Ok(Role {
        default: class_role(role.default)?,
        classes: classes.collect::<Outcome<_>>()?,
    })
}

#[napi(object)]
pub struct NativeIdentification {
    pub file_ident: String,
    pub file_ident_salt: String,
    pub user_id: String,
    pub download_server_version: f64,
    pub download_client_version: f64,
    pub latest_server_version: f64,
    pub latest_server_version_salt: String,
    pub query_version: f64,
    pub query: String,
    pub role: NativeRole,
    pub is_own_client: bool,
    pub protocol_version: u32,
    pub schema_version: f64,
}

fn identification(said: NativeIdentification) -> Outcome<embedded::Identification> {
    Ok(embedded::Identification {
        file_ident: decimal(&said.file_ident)?,
        file_ident_salt: decimal(&said.file_ident_salt)?,
        user: said.user_id,
        download_server_version: version(said.download_server_version)?,
        download_client_version: version(said.download_client_version)?,
        latest_server_version: version(said.latest_server_version)?,
        latest_server_version_salt: decimal(&said.latest_server_version_salt)?,
        query_version: version(said.query_version)?,
        query: said.query,
        role: role(said.role)?,
        is_own_client: said.is_own_client,
        protocol_version: said.protocol_version,
        schema_version: version(said.schema_version)?,
    })
}

#[napi(object)]
pub struct NativeRefusal {
    pub code: u32,
    pub message: String,
    pub action: String,
    pub damage: Option<String>,
}

impl From<Refusal> for NativeRefusal {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: u32::from(refusal.code),
            message: refusal.message,
            action: refusal.action.name().to_owned(),
            damage: refusal.damage.map(str::to_owned),
        }
    }
}

#[napi(object)]
pub struct NativeRejectedUpdate {
    pub table: String,
    pub primary_key: String,
    pub reason: String,
}

#[napi(object)]
pub struct NativeCompensation {
    pub server_version: f64,
    pub rejected_client_version: f64,
    pub rejected_updates: Vec<NativeRejectedUpdate>,
}

fn compensations(all: Vec<records::Compensation>) -> Vec<NativeCompensation> {
    let update = |update: records::RejectedUpdate| NativeRejectedUpdate {
        table: update.table,
        primary_key: update.primary_key,
        reason: update.reason,
    };
    all.into_iter()
        .map(|compensation| NativeCompensation {
            server_version: number(compensation.server_version),
            rejected_client_version: number(compensation.rejected_client_version),
            rejected_updates: compensation
                .rejected_updates
                .into_iter()
                .map(update)
                .collect(),
        })
        .collect()
}

/// Either `refusal`, or the others.
#[napi(object)]
pub struct NativeIdentifyAnswer {
    pub session: Option<u32>,
    pub compensations: Option<Vec<NativeCompensation>>,
    pub bootstrap_due: Option<bool>,
    /// Absent if the file is of the version that it was opened with.
    pub previous_schema_version: Option<f64>,
    pub refusal: Option<NativeRefusal>,
}

#[napi(object)]
pub struct NativeUpload {
    pub session: u32,
    pub progress_client_version: f64,
    pub progress_server_version: f64,
    pub locked_server_version: f64,
    pub body: Uint8Array,
}

/// An upload as its own: the bytes are copied out of JavaScript's memory before another thread reads them.
struct OwnedUpload {
    session: u32,
    progress: (u64, u64),
    locked: u64,
    body: Vec<u8>,
}

fn owned(upload: &NativeUpload) -> Outcome<OwnedUpload> {
    Ok(OwnedUpload {
        session: upload.session,
        progress: (
            version(upload.progress_client_version)?,
            version(upload.progress_server_version)?,
        ),
        locked: version(upload.locked_server_version)?,
        body: upload.body.to_vec(),
    })
}

#[napi(object)]
pub struct NativeUploadAnswer {
    pub refusal: Option<NativeRefusal>,
    pub compensations: Vec<NativeCompensation>,
    pub changesets: f64,
    pub instructions: f64,
    pub conflicts: f64,
    pub schema_changed: bool,
    pub clock_ahead_ms: Option<f64>,
}

impl From<embedded::UploadAnswer> for NativeUploadAnswer {
    fn from(answer: embedded::UploadAnswer) -> Self {
        Self {
            refusal: answer.refusal.map(Into::into),
            compensations: compensations(answer.compensations),
            changesets: number(answer.changesets),
            instructions: number(answer.instructions),
            conflicts: number(answer.conflicts),
            schema_changed: answer.schema_changed,
            clock_ahead_ms: answer.clock_ahead_ms.map(number),
        }
    }
}

#[napi(object)]
pub struct NativeLedgerStatus {
    pub version: f64,
    pub epoch: f64,
    pub clients: f64,
    pub objects: HashMap<String, f64>,
    pub bytes: f64,
    pub trimmed_version: f64,
    pub expired_clients: f64,
}

#[napi(object)]
pub struct NativeUpkeepStep {
    pub is_done: bool,
    pub clients_expired: f64,
    pub entries_trimmed: f64,
    pub bytes_trimmed: f64,
    pub instructions_folded: f64,
    pub cursors_owed: f64,
}

/// A ledger in a redb file, or in memory.
#[napi]
pub struct NativeLedger {
    ledger: Store,
}

/// Opens a ledger. The value satisfies `Ledger` of `@tidemark/server`.
#[napi(ts_return_type = "Promise<NativeLedger>")]
pub fn open_ledger(options: NativeLedgerOptions) -> AsyncTask<Work<NativeLedger>> {
    Work::task(move || {
        let storage = match &options.path {
            Some(path) => FileStorage::open(Path::new(path), tables::FORMAT)?,
            None => FileStorage::in_memory(tables::FORMAT)?,
        };
        let options = Options {
            epoch_salt: decimal(&options.epoch_salt)?,
            development_mode: options.development_mode,
            switches: Switches::ALL,
        };
        Ok(NativeLedger {
            ledger: Arc::new(Ledger::open(storage, options)?),
        })
    })
}

#[napi]
impl NativeLedger {
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<Work<()>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || Ok(ledger.close()?))
    }

    #[napi(ts_return_type = "Promise<NativeLedgerStatus>")]
    pub fn status(&self) -> AsyncTask<Work<NativeLedgerStatus>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let status = ledger.status();
            let objects = status
                .objects
                .into_iter()
                .map(|(class, count)| (class, number(count)));
            Ok(NativeLedgerStatus {
                version: number(status.version),
                epoch: number(status.epoch),
                clients: number(status.clients),
                objects: objects.collect(),
                bytes: number(status.bytes),
                trimmed_version: number(status.trimmed),
                expired_clients: number(status.expired),
            })
        })
    }

    #[napi(ts_return_type = "Promise<string>")]
    pub fn schema(&self) -> AsyncTask<Work<String>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || Ok(ledger.schema_json()))
    }

    #[napi(ts_return_type = "Promise<NativeSchemaChange>")]
    pub fn set_schema(
        &self,
        classes: String,
        policy: NativeSchemaPolicy,
    ) -> AsyncTask<Work<NativeSchemaChange>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let policy = policy.policy()?;
            Ok(change(ledger.set_schema_as(&classes, &policy)?))
        })
    }

    #[napi]
    pub fn schema_version(&self) -> f64 {
        number(self.ledger.schema_version())
    }

    #[napi(ts_return_type = "NativeRefusal | null")]
    pub fn check_schema_version(&self, presented: f64) -> napi::Result<Option<NativeRefusal>> {
        let presented =
            version(presented).map_err(|failure| Error::from_reason(failure.message))?;
        let refusal = self.ledger.check_schema_version(presented);
        Ok(refusal.map(Into::into))
    }

    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn force_reset(&self, file_ident: String) -> AsyncTask<Work<bool>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || Ok(ledger.force_reset(decimal(&file_ident)?)?))
    }

    #[napi(ts_return_type = "Promise<void>")]
    pub fn force_reset_all(&self) -> AsyncTask<Work<()>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || Ok(ledger.force_reset_all()?))
    }

    #[napi]
    pub fn set_queryable_fields(&self, fields: NativeQueryableFields) {
        self.ledger.set_queryable_fields(fields.fields());
    }

    #[napi]
    pub fn set_development_mode(&self, on: bool) {
        self.ledger.set_development_mode(on);
    }

    #[napi(ts_return_type = "Promise<string>")]
    pub fn allocate_file_ident(
        &self,
        user_id: String,
        salt: String,
        now_ms: f64,
    ) -> AsyncTask<Work<String>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let ident = ledger.allocate_file_ident(&user_id, decimal(&salt)?, version(now_ms)?)?;
            Ok(ident.to_string())
        })
    }

    #[napi(ts_return_type = "Promise<NativeIdentifyAnswer>")]
    pub fn identify(
        &self,
        said: NativeIdentification,
        now_ms: f64,
    ) -> AsyncTask<Work<NativeIdentifyAnswer>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(
            move || match ledger.identify(identification(said)?, version(now_ms)?) {
                Ok(identified) => Ok(NativeIdentifyAnswer {
                    session: Some(identified.session),
                    compensations: Some(compensations(identified.compensations)),
                    bootstrap_due: Some(identified.bootstrap_due),
                    previous_schema_version: identified.previous_schema_version.map(number),
                    refusal: None,
                }),
                Err(Stop::Refused(refusal)) => Ok(NativeIdentifyAnswer {
                    session: None,
                    compensations: None,
                    bootstrap_due: None,
                    previous_schema_version: None,
                    refusal: Some(refusal.into()),
                }),
                Err(Stop::Failed(error)) => Err(error.into()),
            },
        )
    }

    #[napi(ts_return_type = "Promise<string | null>")]
    pub fn query(
        &self,
        session: u32,
        query_version: f64,
        query: String,
    ) -> AsyncTask<Work<Option<String>>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || Ok(ledger.query(session, version(query_version)?, &query)?))
    }

    #[napi(ts_return_type = "Promise<NativeUploadAnswer[]>")]
    pub fn integrate(
        &self,
        uploads: Vec<NativeUpload>,
        now_ms: f64,
    ) -> AsyncTask<Work<Vec<NativeUploadAnswer>>> {
        let ledger = Arc::clone(&self.ledger);
        let uploads: Outcome<Vec<OwnedUpload>> = uploads.iter().map(owned).collect();
        Work::task(move || {
            let uploads = uploads?;
            let borrowed: Vec<embedded::Upload<'_>> = uploads
                .iter()
                .map(|upload| embedded::Upload {
                    session: upload.session,
                    progress_client_version: upload.progress.0,
                    progress_server_version: upload.progress.1,
                    locked_server_version: upload.locked,
                    body: &upload.body,
                })
                .collect();
            let answers = ledger.integrate(&borrowed, version(now_ms)?)?;
            Ok(answers.into_iter().map(Into::into).collect())
        })
    }

    #[napi(ts_return_type = "Promise<NativeDownloadPart | null>")]
    pub fn next_download(
        &self,
        session: u32,
        steady_bytes_max: u32,
        bootstrap_bytes_max: u32,
    ) -> AsyncTask<Work<Option<NativeDownloadPart>>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let limits = download_limits(steady_bytes_max, bootstrap_bytes_max);
            Ok(ledger.next_download(session, limits)?.map(Into::into))
        })
    }

    #[napi(ts_return_type = "Promise<NativeDownloadAnswer[]>")]
    pub fn next_downloads(
        &self,
        sessions: Vec<u32>,
        steady_bytes_max: u32,
        bootstrap_bytes_max: u32,
        bytes_max: u32,
    ) -> AsyncTask<Work<Vec<NativeDownloadAnswer>>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let limits = download_limits(steady_bytes_max, bootstrap_bytes_max);
            let answers = ledger.next_downloads(&sessions, limits, byte_count(bytes_max));
            Ok(answers.into_iter().map(Into::into).collect())
        })
    }

    #[napi]
    pub fn set_max_offline_ms(&self, max_offline_ms: f64) -> napi::Result<()> {
        let max_offline_ms = version(max_offline_ms.round())
            .map_err(|failure| Error::from_reason(failure.message))?;
        self.ledger.set_max_offline_ms(max_offline_ms);
        Ok(())
    }

    #[napi(ts_return_type = "Promise<NativeUpkeepStep>")]
    pub fn maintain(&self, now_ms: f64, budget: u32) -> AsyncTask<Work<NativeUpkeepStep>> {
        let ledger = Arc::clone(&self.ledger);
        Work::task(move || {
            let budget = usize::try_from(budget).unwrap_or(usize::MAX);
            let step = ledger.maintain(version(now_ms)?, budget)?;
            Ok(NativeUpkeepStep {
                is_done: step.is_done,
                clients_expired: number(step.clients_expired),
                entries_trimmed: number(step.entries_trimmed),
                bytes_trimmed: number(step.bytes_trimmed),
                instructions_folded: number(step.instructions_folded),
                cursors_owed: number(step.cursors_owed),
            })
        })
    }

    #[napi]
    pub fn take_touched(&self) -> Vec<u32> {
        self.ledger.take_touched()
    }

    #[napi]
    pub fn end_session(&self, session: u32) {
        self.ledger.end_session(session);
    }

    #[napi]
    pub fn version(&self) -> f64 {
        number(self.ledger.version())
    }
}
