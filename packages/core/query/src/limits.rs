//! The bounds of what is accepted. They keep the cost of hostile text small.

/// Longest query text. The original's server refuses more than 256 kB.
pub const QUERY_BYTES_MAX: usize = 256 * 1024;

/// Deepest nesting of parentheses, NOT and SUBQUERY. Bounds the stack of parsing, binding and evaluation.
pub const DEPTH_MAX: usize = 100;

/// Most arguments to one query.
pub const ARGUMENTS_MAX: usize = 10_000;

/// Most names and indexes in one path. Bounds the stack of evaluation, which follows links one inside the
/// other.
pub const PATH_ELEMENTS_MAX: usize = 100;

/// Most vertices of a polygon in GEOWITHIN: whether its edges cross is asked of each two of them.
pub const POLYGON_VERTICES_MAX: usize = 2_000;

/// Most substitutions of linking-objects names in one path; the original's bound against loops.
pub const SUBSTITUTIONS_MAX: usize = 50;
