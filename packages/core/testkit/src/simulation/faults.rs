//! Deliberate faults: each has to be found by the checks, or the checks prove nothing.

use super::server::ServerFaults;

/// What is done wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// In a client's merge, of two changes made at one time the wrong one counts as the later.
    pub flips_ties: bool,
    /// A crash loses the last durable commit.
    pub forgets_commits: bool,
    /// Faults of the server.
    pub server: ServerFaults,
}

impl Faults {
    /// Nothing is done wrong.
    pub const NONE: Self = Self {
        flips_ties: false,
        forgets_commits: false,
        server: ServerFaults {
            loses_uploads: false,
            loses_downloads: false,
            is_silent_about_rejections: false,
            forgets_marks: false,
            shows_all_fields: false,
            takes_all_fields: false,
        },
    };
}
