//! The Node addon: conversion between JavaScript values and the core, nothing else.

// Nothing is registered with Node in a unit test, so the exports look unused there.
#![cfg_attr(test, allow(dead_code))]

#[cfg(feature = "vectors")]
mod benchmark;
mod failure;
mod files;
mod gate;
mod hot;
mod kv;
mod ledger;
mod ledger_downloads;
mod ledger_schema;
mod registry;
mod resets;
mod store;
mod sync;
#[cfg(feature = "vectors")]
mod vectors;
