//! The WASM module: conversion between JavaScript values and the core, nothing else.

#[cfg(feature = "vectors")]
mod vectors;
