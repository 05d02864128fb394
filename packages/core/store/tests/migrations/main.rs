//! Schemas that change in more than additions.

#![allow(clippy::unwrap_used)]

mod cases;
mod random;
mod scene;
