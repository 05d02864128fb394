//! The guard before a client reset: a record that is durable before the work begins and goes once the server
//! has taken the file in its new shape. A reset that fails, or is demanded again at once, is thereby not
//! tried for ever.

use tidemark_storage::{Read, Storage, Write};

use crate::boundary::reset_report_text;
use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::reset::{ResetFailure, ResetMode, ResetReport};
use crate::tables::{META, meta};
use crate::{Result, StoreError};

/// What the application wants when the server demands a client reset. (A manual reset never comes here.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetPolicy {
    /// Replay what was not uploaded; fail where that is impossible.
    Recover,
    /// Replay what was not uploaded; discard it where that is impossible.
    RecoverOrDiscard,
    /// Discard what was not uploaded.
    Discard,
}

/// What the server demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetAction {
    /// A client reset.
    Reset = 1,
    /// A client reset that must not bring back what was not uploaded.
    ResetWithoutRecovery = 2,
}

/// Attempts of one reset that may end without a commit, as when the process dies, before it counts as done
/// in vain.
const ATTEMPTS_MAX: u32 = 3;

/// A reset that was begun and is not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingReset {
    /// How it is done.
    pub mode: ResetMode,
    /// What the server demanded.
    pub action: ResetAction,
    /// Whether its commit was made. Before, nothing of it is to be seen but this record.
    pub is_applied: bool,
    /// How often it was begun without a commit, this time included.
    pub attempts: u32,
    /// When it was begun: milliseconds since 1970.
    pub begun_at_ms: u64,
    /// The server's error code.
    pub error_code: u32,
    /// The server's words.
    pub error_message: String,
}

impl ResetPolicy {
    /// Decides how a demanded reset is done, given the one that was begun before and never acknowledged.
    ///
    /// A discarding reset that did not help will not help the second time. A recovering one may have failed
    /// because of what it recovers: whoever allows it goes on by discarding. One that ended before its commit
    /// says nothing about either and is done again, unless it ends so each time.
    pub fn decide(
        self,
        action: ResetAction,
        previous: Option<&PendingReset>,
    ) -> std::result::Result<ResetMode, ResetFailure> {
        let wanted = match (self, action) {
            (Self::Recover, ResetAction::ResetWithoutRecovery) => {
                return Err(ResetFailure::RecoveryForbidden);
            }
            (Self::Recover | Self::RecoverOrDiscard, ResetAction::Reset) => ResetMode::Recover,
            (Self::Discard | Self::RecoverOrDiscard, _) => ResetMode::Discard,
        };
        // Where the server demands something else now, that is a new beginning.
        let Some(previous) = previous.filter(|previous| previous.action == action) else {
            return Ok(wanted);
        };
        let mode = previous.mode;
        if !previous.is_spent() {
            return Ok(match self {
                // What had made it discard was already too much for recovery.
                Self::RecoverOrDiscard => mode,
                Self::Recover | Self::Discard => wanted,
            });
        }
        match (mode, self) {
            (ResetMode::Discard, _) | (ResetMode::Recover, Self::Recover) => {
                Err(ResetFailure::Repeated { mode })
            }
            (ResetMode::Recover, Self::RecoverOrDiscard | Self::Discard) => Ok(ResetMode::Discard),
        }
    }
}

impl PendingReset {
    /// Whether it has been tried: it was committed, or ended too often without.
    fn is_spent(&self) -> bool {
        self.is_applied || self.attempts >= ATTEMPTS_MAX
    }

    pub(super) fn read(from: &impl Read) -> Result<Option<Self>> {
        let Some(bytes) = from.get(META, meta::RESET)? else {
            return Ok(None);
        };
        let damaged = || StoreError::Damaged("the record of the reset cannot be read");
        let mut record = RecordReader::new(&bytes);
        let mode = match record.u8()? {
            1 => ResetMode::Recover,
            2 => ResetMode::Discard,
            _ => return Err(damaged()),
        };
        let action = match record.u8()? {
            1 => ResetAction::Reset,
            2 => ResetAction::ResetWithoutRecovery,
            _ => return Err(damaged()),
        };
        Ok(Some(Self {
            mode,
            action,
            is_applied: record.u8()? != 0,
            attempts: record.u32()?,
            begun_at_ms: record.u64()?,
            error_code: record.u32()?,
            error_message: record.text()?,
        }))
    }

    pub(super) fn write<S: Storage>(&self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record
            .u8(self.mode as u8)
            .u8(self.action as u8)
            .u8(u8::from(self.is_applied))
            .u32(self.attempts)
            .u64(self.begun_at_ms)
            .u32(self.error_code)
            .bytes(self.error_message.as_bytes());
        to.put(META, meta::RESET, &record.finish());
    }
}

/// A reset that the server demands, as it is put to [`Database::begin_reset`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetDemand {
    /// What the application wants.
    pub policy: ResetPolicy,
    /// What the server demands.
    pub action: ResetAction,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// The server's error code.
    pub error_code: u32,
    /// The server's words.
    pub error_message: String,
}

impl<S: Storage> Database<S> {
    /// The reset that was begun and is not acknowledged yet.
    pub fn pending_reset(&self) -> Result<Option<PendingReset>> {
        self.expect_synced()?;
        PendingReset::read(&self.read()?.storage)
    }

    /// How a demanded reset would be done, before anything is downloaded for it. Fails like
    /// [`Database::begin_reset`].
    pub fn check_reset(&self, policy: ResetPolicy, action: ResetAction) -> Result<ResetMode> {
        Ok(policy.decide(action, self.pending_reset()?.as_ref())?)
    }

    /// Decides how the demanded reset is done and makes that durable. To be called when the fresh copy is
    /// there, right before [`Database::reset_from`].
    ///
    /// Fails with [`StoreError::ResetFailed`] where the guard forbids another attempt; nothing is changed
    /// then, and the reset is the application's own business.
    pub fn begin_reset(&self, demand: &ResetDemand) -> Result<ResetMode> {
        let previous = self.pending_reset()?;
        let mode = demand.policy.decide(demand.action, previous.as_ref())?;
        let repeated = previous.filter(|previous| {
            !previous.is_spent() && previous.action == demand.action && previous.mode == mode
        });
        let pending = PendingReset {
            mode,
            action: demand.action,
            is_applied: false,
            attempts: repeated.map_or(0, |previous| previous.attempts) + 1,
            begun_at_ms: demand.now_ms,
            error_code: demand.error_code,
            error_message: demand.error_message.clone(),
        };
        self.change_quietly(|write| {
            pending.write(write);
            Ok(())
        })?;
        Ok(mode)
    }

    /// The server has taken the file in its new shape (uploads and downloads are complete): the guard goes.
    pub fn finish_reset(&self) -> Result<()> {
        self.expect_synced()?;
        self.change_quietly(|write| {
            write.delete(META, meta::RESET);
            Ok(())
        })
    }

    /// What the resets did that nobody has taken note of yet, oldest first, as a JSON array of what
    /// [`crate::boundary::reset_report_text`] writes.
    pub fn reset_reports(&self) -> Result<Option<String>> {
        self.expect_synced()?;
        read_reports(&self.read()?.storage)
    }

    /// They were taken note of.
    pub fn forget_reset_reports(&self) -> Result<()> {
        self.expect_synced()?;
        self.change_quietly(|write| {
            write.delete(META, meta::RESET_REPORTS);
            Ok(())
        })
    }
}

/// Reports that nobody takes note of are kept up to this size; then the older ones go.
const REPORTS_BYTES_MAX: usize = 4 * 1024 * 1024;

fn read_reports(from: &impl Read) -> Result<Option<String>> {
    let bytes = from.get(META, meta::RESET_REPORTS)?;
    let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec()));
    text.transpose()
        .map_err(|_| StoreError::Damaged("the reports of resets cannot be read"))
}

/// Keeps a report, in the write that does what it tells of: a crash right after does not lose it.
pub(super) fn keep_report<S: Storage>(write: &mut Write<S>, report: &ResetReport) -> Result<()> {
    let text = reset_report_text(report);
    let earlier = read_reports(write)?.filter(|earlier| earlier.len() < REPORTS_BYTES_MAX);
    let all = match earlier.as_deref().and_then(|text| text.strip_suffix(']')) {
        Some(earlier) => format!("{earlier},{text}]"),
        None => format!("[{text}]"),
    };
    write.put(META, meta::RESET_REPORTS, all.as_bytes());
    Ok(())
}
