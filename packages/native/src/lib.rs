//! The Node addon: conversion between JavaScript values and the core, nothing else.

#[cfg(feature = "vectors")]
mod benchmark;
mod failure;
mod gate;
mod kv;
mod ledger;
mod registry;
mod store;
#[cfg(feature = "vectors")]
mod vectors;
