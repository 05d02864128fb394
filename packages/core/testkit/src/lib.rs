//! Test tools of the core, never shipped: replay of golden vectors, generators, the convergence
//! simulator.

pub mod dice;
pub mod fuzzing;
pub mod generators;
pub mod vectors;
pub mod writing;
