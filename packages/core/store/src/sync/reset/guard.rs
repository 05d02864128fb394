//! The guard before a client reset: a record that is durable before the work begins and goes once the server
//! has taken the file in its new shape. A reset that fails, or is demanded again at once, is thereby not
//! tried for ever.

use tidemark_storage::{Read, Storage, Write};

use crate::Result;
use crate::database::Database;
use crate::record::{RecordReader, RecordWriter};
use crate::sync::reset::ResetFailure;
use crate::tables::{META, meta};
use crate::{StoreError, sync::reset::ResetMode};

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

/// A reset that was begun and is not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingReset {
    /// How it is done.
    pub mode: ResetMode,
    /// What the server demanded.
    pub action: ResetAction,
    /// When it was begun: milliseconds since 1970.
    pub begun_at_ms: u64,
    /// The server's error code.
    pub error_code: u32,
    /// The server's words.
    pub error_message: String,
}

/// Decides how a demanded reset is done, given the one that was begun before and never acknowledged.
///
/// A discarding reset that did not help will not help the second time. A recovering one may have failed
/// because of what it recovers: whoever allows it goes on by discarding.
pub fn decide(
    previous: Option<(ResetMode, ResetAction)>,
    policy: ResetPolicy,
    action: ResetAction,
) -> std::result::Result<ResetMode, ResetFailure> {
    let wanted = match (policy, action) {
        (ResetPolicy::Recover, ResetAction::ResetWithoutRecovery) => {
            return Err(ResetFailure::RecoveryForbidden);
        }
        (ResetPolicy::Recover | ResetPolicy::RecoverOrDiscard, ResetAction::Reset) => {
            ResetMode::Recover
        }
        (ResetPolicy::Discard | ResetPolicy::RecoverOrDiscard, _) => ResetMode::Discard,
    };
    match previous {
        Some((mode, earlier)) if earlier == action => match (mode, policy) {
            (ResetMode::Discard, _) | (ResetMode::Recover, ResetPolicy::Recover) => {
                Err(ResetFailure::Repeated { mode })
            }
            (ResetMode::Recover, ResetPolicy::RecoverOrDiscard | ResetPolicy::Discard) => {
                Ok(ResetMode::Discard)
            }
        },
        // The server demands something else now: that is a new beginning.
        _ => Ok(wanted),
    }
}

impl PendingReset {
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
            begun_at_ms: record.u64()?,
            error_code: record.u32()?,
            error_message: record.text()?,
        }))
    }

    fn write<S: Storage>(&self, to: &mut Write<S>) {
        let mut record = RecordWriter::new();
        record
            .u8(self.mode as u8)
            .u8(self.action as u8)
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

    /// Decides how the demanded reset is done and makes that durable. To be called when the fresh copy is
    /// there, right before [`Database::reset_from`]: an attempt counts from here on, also one that a crash
    /// ends.
    ///
    /// Fails with [`StoreError::ResetFailed`] where the guard forbids another attempt; nothing is changed
    /// then, and the reset is the application's own business.
    pub fn begin_reset(&self, demand: &ResetDemand) -> Result<ResetMode> {
        let previous = self.pending_reset()?;
        let previous = previous.map(|pending| (pending.mode, pending.action));
        let mode = decide(previous, demand.policy, demand.action)?;
        let pending = PendingReset {
            mode,
            action: demand.action,
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
}
