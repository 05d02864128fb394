//! Indexes answer as scans do, whichever way the objects came to be; and they are asked.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod paths;
mod rows_visited;
mod schemas;
mod things;
