//! Bounds of what a client may ask for. Each keeps one kind of hostile input cheap.

/// Longest subscription query of one class, in bytes; the original refuses more than 256 kB.
pub const SUBSCRIPTION_BYTES_MAX: usize = 256 * 1024;

/// Most classes one subscription set may name.
pub const SUBSCRIPTION_CLASSES_MAX: usize = 1_000;

/// Longest body of a QUERY, or of the query in an IDENT.
pub const QUERY_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most changesets in one UPLOAD.
pub const UPLOAD_ENTRIES_MAX: usize = 65_536;

/// Pairs of instructions that the merges of one UPLOAD may compare; each takes some 30 ns, and others'
/// uploads wait meanwhile. Only moves, clears and the like within one list or collection come near it,
/// where each meets each. Fewer in tests.
pub const UPLOAD_PAIRS_MAX: u64 = if cfg!(test) { 1_000_000 } else { 1 << 30 };

/// Largest changeset. The original's clients send at most 16 MiB in one message, one larger changeset alone.
pub const CHANGESET_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bootstraps of a client that are not known to have arrived: the views of each are kept, for the next one to
/// repair what parts of it have done. A client sends one QUERY per subscription set. Fewer in tests.
pub const BOOTSTRAPS_UNARRIVED_MAX: usize = if cfg!(test) { 16 } else { 1_000 };

/// What is kept of the views of a client, in bytes: each holds the texts of its subscriptions and rules. At
/// an IDENT half of it, so that a session has room for queries. Fewer in tests.
pub const VIEWS_BYTES_MAX: usize = if cfg!(test) {
    64 * 1024
} else {
    32 * 1024 * 1024
};

/// Longest text of a role's access to the fields of a class.
pub const FIELD_ACCESS_BYTES_MAX: usize = 1024 * 1024;

/// How deep embedded objects may be named in it.
pub const FIELD_ACCESS_DEPTH_MAX: usize = 32;

/// How many fields it may name, those of embedded objects included.
pub const FIELD_ACCESS_FIELDS_MAX: usize = 10_000;

/// Bootstrap instructions are put into entries of about this size: below the 16 MiB that a client can store.
/// The original's client applies an entry as a whole, so that nobody sees objects of which only some columns
/// are there; the larger it is, the fewer bytes an object takes.
pub const ENTRY_BYTES_SOFT: usize = 8 * 1024 * 1024;

/// A part of a bootstrap ends here already if more objects would not make each of them smaller: a receiver
/// stores one part while the next one is made.
pub const PART_BYTES_SHORT: usize = 1024 * 1024;

/// Smallest soft limit of a download message; a caller's smaller one is raised to it.
pub const DOWNLOAD_BYTES_MIN: usize = 1;

/// Documents looked at for one part of a bootstrap before it is sent although it is not full, so that one
/// call stays short when hardly anything matches.
pub const SCAN_DOCUMENTS_MAX: usize = 200_000;

/// Log entries looked at for one steady download before it is sent although it is not full.
pub const SCAN_ENTRIES_MAX: usize = 200_000;

/// Log entries that one part of a bootstrap searches for what an interrupted one may have left. Fewer in
/// tests.
pub const REPAIR_ENTRIES_MAX: u64 = if cfg!(test) { 16 } else { 50_000 };

/// Objects that all entries touch which bootstraps have to search, kept in memory for all sessions: some 100
/// bytes each. Fewer in tests.
pub const LOG_OBJECTS_MAX: usize = if cfg!(test) { 200 } else { 1_000_000 };

/// Steps ([`tidemark_query::Steps`]) that judging one UPLOAD by its client's own view may take; each takes
/// some 10 ns, and others' uploads wait meanwhile. Fewer in tests.
pub const UPLOAD_STEPS_MAX: u64 = if cfg!(test) { 1 << 19 } else { 1 << 30 };

/// Steps that looking for what a client is to be sent may take at a time. Only one object, or one entry, that
/// takes very many comes near it. Fewer in tests.
pub const DOWNLOAD_STEPS_MAX: u64 = if cfg!(test) { 1 << 17 } else { 1 << 29 };

/// After so many of them a message is sent although it is not full, so that one call stays short. Fewer in
/// tests.
pub const DOWNLOAD_STEPS_SHORT: u64 = if cfg!(test) { 1 << 14 } else { 1 << 26 };

/// Steps that one commit may take to find out whom it concerns; each takes some
/// 10 ns, and others' uploads wait meanwhile. A commit that takes more concerns everybody. Fewer in tests.
pub const JUDGE_STEPS_MAX: u64 = if cfg!(test) { 1 << 16 } else { 1 << 23 };

/// How many of them may be spent on one rule. Sessions whose rule takes more are concerned. Fewer in tests.
pub const JUDGE_RULE_STEPS_MAX: u64 = if cfg!(test) { 1 << 12 } else { 1 << 15 };

/// Changesets of an UPLOAD that are decoded, and looked at together.
pub const PLANNED_MAX: usize = 1_000;

/// Bytes of these changesets; one is always decoded.
pub const PLANNED_BYTES_MAX: usize = 1024 * 1024;

/// What is kept of objects from one changeset of an UPLOAD to the next; if several weigh more, it is made
/// anew.
pub const HISTORY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Before-images kept for one bootstrap under way; a session that needs more has to start again.
pub const BEFORE_IMAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a client may be away before it has to start over, unless the server is told otherwise: 30 days.
pub const MAX_OFFLINE_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A changeset with a timestamp further ahead of the server's clock than this is reported: 5 minutes. Such a
/// device wins every conflict until the others have caught up with its clock.
pub const CLOCK_AHEAD_MAX_MS: u64 = 5 * 60 * 1000;

/// Start of the timestamps of changesets, 2015-01-01T00:00:00Z, in milliseconds of the Unix clock.
pub const TIMESTAMP_START_UNIX_MS: u64 = 1_420_070_400_000;

/// Length of a class name, as the original's database allows.
pub const CLASS_NAME_BYTES_MAX: usize = 57;

/// Length of a field name, as the original's database allows.
pub const FIELD_NAME_BYTES_MAX: usize = 63;

/// Most classes of an app.
pub const CLASSES_MAX: usize = 10_000;

/// Most columns of a class.
pub const COLUMNS_MAX: usize = 1_000;

/// Most versions of a schema.
pub const SCHEMA_VERSIONS_MAX: usize = 1_000;
