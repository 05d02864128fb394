//! Synchronisation as the file knows it: cursors, uploads, downloads, bootstraps, subscriptions, client
//! resets.
//!
//! The messages themselves are TypeScript's. What stands here is durable before any call returns, so that
//! the session never speaks of something that a crash could take back.

mod bootstrap;
mod download;
mod original;
mod regroup;
mod reset;
mod rule_fields;
mod state;
mod subscriptions;
mod unsynced;
mod upload;

pub use bootstrap::{BootstrapApplied, BootstrapPart};
pub use download::{Integrated, PreparedDownload};
pub use reset::{
    DropReason, Dropped, PendingReset, ResetAction, ResetDemand, ResetFailure, ResetMode,
    ResetPolicy, ResetReport,
};
pub use rule_fields::RuleFields;
pub use state::{DownloadProgress, SyncState};
pub use subscriptions::{Subscription, SubscriptionSet, SubscriptionState};
pub use upload::Upload;

pub(crate) use bootstrap::BootstrapRecord;
pub(crate) use download::SLICE_INSTRUCTIONS_MAX;
pub(crate) use rule_fields::read_rule_fields;
pub(crate) use state::SyncRecord;
pub(crate) use subscriptions::{create_zeroth, read_sets, settle_sets};
pub(crate) use unsynced::Unsynced;
