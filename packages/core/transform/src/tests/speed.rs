//! The merge as a plain double loop.
