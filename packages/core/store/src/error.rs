//! What can go wrong with a client's database.

use thiserror::Error;
use tidemark_changeset::codec::DecodeError;
use tidemark_changeset::packed::PackedError;
use tidemark_model::ApplyError;
use tidemark_query::QueryError;
use tidemark_storage::StorageError;

use crate::sync::ResetFailure;

/// Why the database refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The storage refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The database's own records contradict themselves.
    #[error("The database is damaged: {0}")]
    Damaged(&'static str),
    /// A class or property exists with another type.
    #[error("{0}")]
    SchemaMismatch(String),
    /// There is no such class, column or object.
    #[error("{0}")]
    NotFound(String),
    /// An object with this primary key exists.
    #[error("An object of class '{0}' with this primary key already exists")]
    ObjectExists(String),
    /// A mutation that the data model does not allow.
    #[error("{0}")]
    InvalidMutation(String),
    /// An instruction that does not fit the state.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// Two objects of a class would have one primary key.
    #[error("Primary key property '{0}' has duplicate values after migration.")]
    DuplicateKeys(String),
    /// A batch, parameter list or JSON text of the boundary is not what it should be.
    #[error("Malformed argument: {0}")]
    MalformedArgument(String),
    /// A query that cannot be parsed or bound.
    #[error("{0}")]
    InvalidQuery(String),
    /// Downloaded changes that cannot be parsed, merged or applied.
    #[error("Bad changeset: {0}")]
    BadChangeset(String),
    /// Progress or entries of a download break the checks of the protocol.
    #[error("Bad progress in a download: {0}")]
    BadProgress(String),
    /// A client reset that cannot be done; the file is as it was.
    #[error("Automatic client reset failed: {0}")]
    ResetFailed(#[from] ResetFailure),
    /// The database was opened without synchronisation.
    #[error("The database is not synchronised")]
    NotSynced,
    /// A copy for another device would take along what was not uploaded.
    #[error("All client changes must be integrated in server before writing copy")]
    Unsynced,
    /// No write is open on this handle.
    #[error("No write transaction is open")]
    NotInWrite,
    /// This thread already holds the write.
    #[error("A write transaction is already in progress")]
    WriteInProgress,
    /// The right to write did not become free in time.
    #[error("The write transaction could not begin in time")]
    WriteTimeout,
    /// The database may only be read.
    #[error("The database was opened read-only")]
    ReadOnly,
    /// The snapshot was ended or never existed.
    #[error("The snapshot is not valid")]
    InvalidSnapshot,
    /// The handle was closed.
    #[error("The database is closed")]
    Closed,
    /// The file is open in this process.
    #[error("The database file is open")]
    Open,
}

impl StoreError {
    /// Stable name of the kind, for bindings.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.code(),
            Self::Damaged(_) => "file-damaged",
            Self::SchemaMismatch(_) => "schema-mismatch",
            Self::NotFound(_) => "not-found",
            Self::ObjectExists(_) => "object-exists",
            Self::InvalidMutation(_) | Self::Apply(_) => "invalid-mutation",
            Self::DuplicateKeys(_) => "duplicate-keys",
            Self::MalformedArgument(_) => "malformed-argument",
            Self::InvalidQuery(_) => "invalid-query",
            Self::BadChangeset(_) => "bad-changeset",
            Self::BadProgress(_) => "bad-progress",
            Self::ResetFailed(_) => "client-reset-failed",
            Self::NotSynced => "not-synced",
            Self::Unsynced => "unsynced-changes",
            Self::NotInWrite => "not-in-write",
            Self::WriteInProgress => "write-in-progress",
            Self::WriteTimeout => "write-timeout",
            Self::ReadOnly => "read-only",
            Self::InvalidSnapshot => "invalid-snapshot",
            Self::Closed => "closed",
            Self::Open => "file-open",
        }
    }
}

impl From<PackedError> for StoreError {
    fn from(error: PackedError) -> Self {
        Self::MalformedArgument(error.to_string())
    }
}

impl From<DecodeError> for StoreError {
    fn from(error: DecodeError) -> Self {
        Self::BadChangeset(error.to_string())
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        Self::InvalidQuery(error.to_string())
    }
}
