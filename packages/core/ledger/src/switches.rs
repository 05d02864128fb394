//! Switches that leave out single rules, so that tests can show that each rule is needed.
//!
//! A test that cannot fail proves nothing: the simulation runs once with every rule on and finds no fault,
//! and once per switch with one rule off and has to find one.

/// Which rules are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Switches {
    /// An object that the client itself wrote out of its view is erased on it.
    pub own_leaves: bool,
    /// A write that meets what its client cannot see is compensated.
    pub collide: bool,
    /// An edit made after a pending edit was wiped does not contain that edit.
    pub epoch: bool,
    /// Synthetic changesets carry a timestamp above any that a client can have.
    pub highest_timestamp: bool,
    /// Records are kept until both cursors of their client have passed them.
    pub keep_records: bool,
    /// A bootstrap that did not arrive stays dead, whatever cursor is reported later.
    pub dead_stay_dead: bool,
    /// A bootstrap that died wiped nothing at its own version.
    pub dead_wipe_nothing: bool,
    /// While a bootstrap may still die, an upload is refreshed if it would have to be under the view before
    /// it.
    pub either_future: bool,
    /// Where the original's merge has a defect, a client that merges so is refreshed.
    pub defects: bool,
    /// Where a merge cannot tell whether both sides end equal, the client is refreshed.
    pub uncertain: bool,
    /// The log is kept from the lowest version that an unexpired client may refer to.
    pub keep_for_clients: bool,
    /// … also if it refers to it only by what earlier uploads or bootstraps left to be told apart.
    pub keep_for_derivations: bool,
    /// Who refers to what was trimmed is refused.
    pub refuse_trimmed: bool,
    /// An assignment is left out of the log only for one that is at least as strong.
    pub fold_by_rank: bool,
    /// … and only when its client has passed it.
    pub fold_when_passed: bool,
    /// A session does not read entries that its subscriptions do not concern. Without it, it reads all: what
    /// it is sent has to be the same.
    pub skip_unconcerned: bool,
    /// An object concerns the sessions that saw it before a change, too.
    pub concern_before: bool,
    /// A write on a field that its client may not write is compensated.
    pub judge_fields: bool,
    /// What a client may not read is not sent to it.
    pub cover_fields: bool,
    /// What a role takes away is not sent from the moment on at which it comes, be it of versions to which
    /// the old view applies.
    pub hold_back_at_once: bool,
    /// A write on a field that its client did not see when it made it is compensated.
    pub judge_sight: bool,
    /// An object of which other fields became readable is given afresh.
    pub fields_move: bool,
    /// What null and a number come to for a client that sees null as zero is put into the log, and given to
    /// it afresh.
    pub settle_sums: bool,
    /// Between a role with fewer fields and its bootstrap only the fields of both are sent.
    pub guard_fields: bool,
}

impl Switches {
    /// Every rule.
    pub const ALL: Self = Self {
        own_leaves: true,
        collide: true,
        epoch: true,
        highest_timestamp: true,
        keep_records: true,
        dead_stay_dead: true,
        dead_wipe_nothing: true,
        either_future: true,
        defects: true,
        uncertain: true,
        keep_for_clients: true,
        keep_for_derivations: true,
        refuse_trimmed: true,
        fold_by_rank: true,
        fold_when_passed: true,
        skip_unconcerned: true,
        concern_before: true,
        judge_fields: true,
        cover_fields: true,
        hold_back_at_once: true,
        judge_sight: true,
        fields_move: true,
        settle_sums: true,
        guard_fields: true,
    };
}

impl Default for Switches {
    fn default() -> Self {
        Self::ALL
    }
}
