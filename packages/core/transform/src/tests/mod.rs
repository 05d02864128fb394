//! Tests of the merge as a whole.
