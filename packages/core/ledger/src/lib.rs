//! The ledger: what the server keeps, and what each client has seen.
//!
//! One ledger per app. Every upload becomes one entry of a log; what a client is sent is derived from the
//! log, from its views and from its records. The rules, with two scenarios message by message, are in
//! `docs/ledger.md`.
//!
//! * [`plan`], [`integrate`], [`select`]: pure functions over what [`facts::Facts`] answers;
//! * [`fold`]: what of the log is said again later;
//! * [`entries`], [`rows`], [`view_list`], [`schema`]: what is stored, and its bytes;
//! * [`history`]: what an upload's changesets on one object share;
//! * [`views`], [`permission`], [`predicate`], [`field_access`], [`eye`]: what clients may see and write;
//! * [`embedded`]: runs all of it over a storage, with sessions in memory.

/// What the tests of this crate share names it so.
#[cfg(test)]
extern crate self as tidemark_ledger;

mod bytes;
mod deflate;
pub mod embedded;
pub mod entries;
pub mod error;
pub mod eye;
pub mod facts;
pub mod field_access;
pub mod fields;
pub mod fold;
pub mod history;
pub mod integrate;
pub mod limits;
pub mod merge;
pub mod object;
pub mod outcome;
pub mod permission;
pub mod plan;
pub mod predicate;
pub mod records;
pub mod rows;
pub mod schema;
pub mod schema_conflict;
pub mod select;
pub mod switches;
pub mod view_list;
pub mod view_rules;
pub mod views;

pub use deflate::{DEFLATE_BYTES_MIN, deflate};
pub use error::{Action, LedgerError, Refusal, Result};
