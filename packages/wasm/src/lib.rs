//! The WASM module: conversion between JavaScript values and the core, nothing else.

mod failure;
mod files;
mod registry;
mod resets;
mod store;
mod storing;
#[cfg(feature = "vectors")]
mod vectors;
