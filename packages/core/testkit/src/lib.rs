//! Test tools of the core, never shipped: replay of golden vectors, generators, the convergence
//! simulator.

pub mod dice;
pub mod fuzzing;
pub mod generators;
pub mod models;
pub mod said;
#[cfg(feature = "simulation")]
pub mod sessions;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod vectors;
pub mod writing;
