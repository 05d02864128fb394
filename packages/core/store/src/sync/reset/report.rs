//! What a reset did, and why one is impossible.

use thiserror::Error;
use tidemark_changeset::{Link, Name, PathElement, PrimaryKey};
use tidemark_model::{ApplyError, Problem};

/// Dropped instructions that a report lists; beyond it they are only counted.
pub(super) const DROPPED_LISTED_MAX: usize = 1_000;

/// How a reset is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ResetMode {
    /// What was not uploaded is replayed onto the fresh state.
    Recover = 1,
    /// What was not uploaded is discarded.
    Discard = 2,
}

/// Why a reset cannot be done. The file is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResetFailure {
    /// The server forbids recovery, and the application does not want to discard.
    #[error("the server does not allow unsynced changes to be recovered")]
    RecoveryForbidden,
    /// The last reset did not help.
    #[error("a reset ({mode:?}) was tried before and did not help")]
    Repeated {
        /// How the last one was done.
        mode: ResetMode,
    },
    /// No reset was begun.
    #[error("no reset was begun")]
    NotBegun,
    /// The fresh copy has no file ident, or ident and salt of the file to be reset: the server would take new
    /// versions for ones that it has seen.
    #[error("the fresh copy has no file ident of its own")]
    NoFreshIdent,
    /// Something was written into the fresh copy.
    #[error("the fresh copy has unsynced changes of its own")]
    FreshCopyWritten,
    /// The fresh copy is not downloaded wholly: parts of a bootstrap wait in it.
    #[error("the fresh copy is not complete")]
    FreshCopyIncomplete,
    /// A class of the file that the server does not have.
    #[error("class '{0}' is missing remotely")]
    ClassMissing(Name),
    /// A class that is of another kind on the server, or has another primary key.
    #[error("class '{0}' differs remotely")]
    ClassDiffers(Name),
    /// A column of the file that the server does not have.
    #[error("column '{0}.{1}' is missing remotely")]
    ColumnMissing(Name, Name),
    /// A column of another type or kind on the server.
    #[error("column '{0}.{1}' differs remotely")]
    ColumnDiffers(Name, Name),
    /// A class or column was erased here: such a change is not replayed.
    #[error("class '{0}' or a column of it was erased and that cannot be recovered")]
    SchemaErased(Name),
    /// A class or column was made here and exists on the server with another type.
    #[error("the schema cannot be recovered: {0}")]
    SchemaConflict(ApplyError),
}

/// Why a replayed instruction had no effect, or another one than here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// The object does not exist in the fresh state.
    ObjectMissing,
    /// The way to the place leads through null, an absent key, or a value of another kind.
    PathGone,
    /// The target of a link does not exist in the fresh state.
    LinkTargetMissing {
        /// The target.
        link: Link,
        /// Whether null stands there now; otherwise what was there stays.
        became_null: bool,
    },
    /// Something was to be added to a value that is no integer.
    NotAnInteger,
    /// A schema default for an object that exists in the fresh state: its value stays, as it would in a
    /// merge.
    DefaultOvertaken,
    /// A list that was to be taken over as it was here is not to be found any more, here or in the fresh
    /// state.
    ListNotCopied,
    /// Downloads that the file integrated after the write left nothing of what its changeset says on the
    /// object: the object was deleted or left the view, or all the values are older than those that came.
    Overruled,
    /// The reset was to discard.
    Discarded,
    /// The fresh state refuses it.
    Refused(Problem),
}

/// An instruction that was dropped, or part of a list that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The client version whose changeset it was part of.
    pub client_version: u64,
    /// Class of the object.
    pub class: Name,
    /// Its primary key.
    pub key: PrimaryKey,
    /// The field; `None` if it concerns the object as a whole.
    pub field: Option<Name>,
    /// The way below the field, as it was here.
    pub path: Vec<PathElement>,
    /// Why.
    pub reason: DropReason,
}

/// What a reset did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetReport {
    /// How it was done.
    pub mode: ResetMode,
    /// The version that it made.
    pub version: u64,
    /// The file ident that the file has now.
    pub file_ident: u64,
    /// Changesets that were not acknowledged: replayed or discarded, as the mode says.
    pub changesets: u64,
    /// Of these, those that hold something to upload after the reset.
    pub changesets_recovered: u64,
    /// Instructions in the replayed changesets.
    pub instructions: u64,
    /// Instructions that the replay made from them.
    pub instructions_recovered: u64,
    /// Instructions whose effect was there already.
    pub instructions_needless: u64,
    /// Instructions on lists that were taken over as they were here.
    pub instructions_in_copied_lists: u64,
    /// Lists that were taken over as they were here.
    pub lists_copied: u64,
    /// What was dropped: the first thousand.
    pub dropped: Vec<Dropped>,
    /// How many were dropped.
    pub dropped_count: u64,
    /// Objects that the reset added to the file.
    pub objects_created: u64,
    /// Objects that it took out of the file.
    pub objects_deleted: u64,
    /// Objects that it changed.
    pub objects_changed: u64,
    /// Subscription sets that were discarded because they were newer than the active one.
    pub subscription_sets_dropped: Vec<u64>,
}

impl ResetReport {
    pub(super) fn new(mode: ResetMode) -> Self {
        Self {
            mode,
            version: 0,
            file_ident: 0,
            changesets: 0,
            changesets_recovered: 0,
            instructions: 0,
            instructions_recovered: 0,
            instructions_needless: 0,
            instructions_in_copied_lists: 0,
            lists_copied: 0,
            dropped: Vec::new(),
            dropped_count: 0,
            objects_created: 0,
            objects_deleted: 0,
            objects_changed: 0,
            subscription_sets_dropped: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, dropped: Dropped) {
        self.dropped_count += 1;
        if self.dropped.len() < DROPPED_LISTED_MAX {
            self.dropped.push(dropped);
        }
    }
}
