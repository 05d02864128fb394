//! Client resets: each rule of the replay, lists, the transfer, the guard, failures, crashes.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod failures;
mod guard;
mod history;
mod lists;
mod rules;
mod scene;
mod transfer;
