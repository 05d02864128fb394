//! The bounds of what is accepted. They keep the cost of hostile text small.

/// Longest query text. The original's server refuses more than 256 kB.
pub const QUERY_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of parentheses, NOT and SUBQUERY. Bounds the stack of parsing, binding and evaluation.
pub const DEPTH_MAX: usize = 100;

/// Most arguments to one query.
pub const ARGUMENTS_MAX: usize = 10_000;

/// Most substitutions of linking-objects names in one path; the original's bound against loops.
pub const SUBSTITUTIONS_MAX: usize = 50;
