//! What can go wrong with a storage, as kinds a program can act on.

use thiserror::Error;

/// Why a storage refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The file is not one of ours, or its content contradicts itself.
    #[error("The file is damaged or not a Tidemark database: {0}")]
    Damaged(String),
    /// Another process (or a second copy of this library) has the file open.
    #[error("The file is open in another process")]
    InUse,
    /// The file was written by a newer version of this software.
    #[error(
        "The file has format version {found}, newer than {supported}, which this build understands"
    )]
    NewerFormat {
        /// Version found in the file.
        found: u32,
        /// Newest version understood.
        supported: u32,
    },
    /// The file holds another kind of data, such as a server's ledger.
    #[error("The file holds \"{found}\" data, not \"{expected}\"")]
    OtherKind {
        /// Kind found in the file.
        found: String,
        /// Kind asked for.
        expected: String,
    },
    /// The file is encrypted, and no key was given.
    #[error("The file is encrypted: it can only be opened with its encryption key")]
    KeyNeeded,
    /// The file is encrypted with another key.
    #[error("The file is encrypted with another encryption key")]
    WrongKey,
    /// A key was given for a file that is not encrypted.
    #[error("The file is not encrypted: it cannot be opened with an encryption key")]
    NotEncrypted,
    /// The key has another length.
    #[error("The encryption key must be 64 bytes long, not {0}")]
    InvalidKey(usize),
    /// There is no room left on the device.
    #[error("There is no space left for the database: {0}")]
    Full(String),
    /// The file does not exist or its folder is missing.
    #[error("The file was not found: {0}")]
    NotFound(String),
    /// There is something at the path of a file that is to be made.
    #[error("File at path '{0}' already exists.")]
    Exists(String),
    /// The operating system forbids it.
    #[error("Access to the file was refused: {0}")]
    Denied(String),
    /// Another failure of the device or the operating system.
    #[error("Reading or writing the database failed: {0}")]
    Device(String),
    /// Somebody holds the right to write.
    #[error("A write is already in progress")]
    WriteInProgress,
    /// The storage was closed.
    #[error("The database is closed")]
    Closed,
    /// A key or value is larger than the form can hold.
    #[error("A value of {0} bytes is too large for the database")]
    TooLarge(usize),
}

impl StorageError {
    /// Stable name of the kind, for bindings.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "file-damaged",
            Self::InUse => "file-in-use",
            Self::NewerFormat { .. } => "file-newer-format",
            Self::OtherKind { .. } => "file-other-kind",
            Self::KeyNeeded => "file-key-needed",
            Self::WrongKey => "file-key-wrong",
            Self::NotEncrypted => "file-not-encrypted",
            Self::InvalidKey(_) => "invalid-key",
            Self::Full(_) => "disk-full",
            Self::NotFound(_) => "file-not-found",
            Self::Exists(_) => "file-exists",
            Self::Denied(_) => "file-access-denied",
            Self::Device(_) => "file-device",
            Self::WriteInProgress => "write-in-progress",
            Self::Closed => "closed",
            Self::TooLarge(_) => "value-too-large",
        }
    }
}

impl From<std::io::Error> for StorageError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        // Our own devices say through redb what they have found.
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        let text = error.to_string();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full(text)
            }
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::NotFound(text),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied(text),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::Damaged(text),
            _ => Self::Device(text),
        }
    }
}

#[cfg(feature = "redb")]
mod from_redb {
    use super::StorageError;

    impl From<redb::StorageError> for StorageError {
        fn from(error: redb::StorageError) -> Self {
            match error {
                redb::StorageError::Corrupted(text) => Self::Damaged(text),
                redb::StorageError::Io(error) => error.into(),
                redb::StorageError::ValueTooLarge(size) => Self::TooLarge(size),
                redb::StorageError::DatabaseClosed => Self::Closed,
                other => Self::Device(other.to_string()),
            }
        }
    }

    impl From<redb::DatabaseError> for StorageError {
        fn from(error: redb::DatabaseError) -> Self {
            match error {
                redb::DatabaseError::DatabaseAlreadyOpen => Self::InUse,
                redb::DatabaseError::Storage(error) => error.into(),
                // redb before 3 wrote such files; this software never did.
                other => Self::Damaged(other.to_string()),
            }
        }
    }

    impl From<redb::TableError> for StorageError {
        fn from(error: redb::TableError) -> Self {
            match error {
                redb::TableError::Storage(error) => error.into(),
                other => Self::Damaged(other.to_string()),
            }
        }
    }

    impl From<redb::TransactionError> for StorageError {
        fn from(error: redb::TransactionError) -> Self {
            match error {
                redb::TransactionError::Storage(error) => error.into(),
                other => Self::Device(other.to_string()),
            }
        }
    }

    impl From<redb::CommitError> for StorageError {
        fn from(error: redb::CommitError) -> Self {
            match error {
                redb::CommitError::Storage(error) => error.into(),
                other => Self::Device(other.to_string()),
            }
        }
    }

    impl From<redb::SetDurabilityError> for StorageError {
        fn from(error: redb::SetDurabilityError) -> Self {
            Self::Device(error.to_string())
        }
    }
}
