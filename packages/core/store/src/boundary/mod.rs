//! What crosses to JavaScript: bytes for the hot calls, JSON texts for the rare ones.
//!
//! The layouts are in `docs/boundary.md`; the native addon and the browser's module both call what stands
//! here and only convert.

mod batch;
mod collections;
mod migration;
mod reading;
mod resets;
mod schema;
mod shared;
mod texts;

pub use batch::mutate;
pub use collections::{CollectionSizes, Contains, ValueAt};
pub use migration::{declared_version_of, migrate_schema};
pub use reading::{KeyGuess, column, describe_query, find, find_row, query, row, rows, sum};
pub use resets::{check_of, demand_of, pending_reset_text, reset_mode_name, reset_report_text};
pub use schema::{schema_text, update_schema};
pub use shared::{SharedStore, SnapshotId, ViewWork, work};
pub use texts::{
    bootstrap_text, changes_text, copy_form_of, integrated_text, options_of, progress_of,
    query_names_of, rule_fields_of, sizes_text, subscription_sets_text, subscriptions_of,
    sync_state_text, upload_bytes,
};

use crate::StoreError;

pub(crate) fn malformed(what: &str) -> StoreError {
    StoreError::MalformedArgument(what.to_owned())
}

/// An object key as JavaScript holds it: a whole number below 2^53.
pub(crate) fn object_of_number(number: f64) -> Option<u64> {
    // Exactly representable and not negative, so nothing is cut.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    ((0.0..9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0)
        .then_some(number as u64)
}

/// A version or object key as a JavaScript number.
pub fn number_of(value: u64) -> f64 {
    // Versions and keys stay far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let number = value as f64;
    number
}
