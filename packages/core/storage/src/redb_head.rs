//! What is known here of the head of redb's files, the first bytes of its first page.

/// First bytes of the head.
pub const MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Size of the head.
pub const HEAD_BYTES: usize = 320;
/// Where the flags are.
pub const FLAGS_OFFSET: usize = 9;
/// Which of the two commits that the head names is in force.
pub const SECOND_FLAG: u8 = 1;
/// The file was not closed.
pub const UNCLEAN_FLAG: u8 = 2;
/// The pages were durable before the head named them: redb takes them for whole then, unchecked.
pub const PAGES_FIRST_FLAG: u8 = 4;
/// Where the two commits are named.
pub const COMMIT_OFFSETS: [usize; 2] = [64, 192];
/// How much is said of each.
pub const COMMIT_BYTES: usize = 128;
/// Where a commit says, in two bytes, whether it has any tables.
pub const HAS_ROOTS_OFFSET: usize = 1;
