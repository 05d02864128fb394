//! What can go wrong: refusals, which a client is told, and errors, which are the server's own.

use tidemark_storage::StorageError;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// A failure of the server's side. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Stored bytes are not what this version writes.
    #[error("the ledger is damaged: {0}")]
    Damaged(&'static str),
    /// The session was ended, or never existed.
    #[error("no such session")]
    NoSession,
    /// An argument that only the server can have got wrong.
    #[error("{0}")]
    Argument(String),
    /// A schema change by the server itself that contradicts the schema.
    #[error("{0}")]
    Schema(String),
    /// What a client refers to is no longer in the log: it has to start over.
    #[error("the history that the client refers to was trimmed")]
    Trimmed,
    /// The session cannot go on and has to be restarted by its client.
    #[error("the session has to be restarted: {0}")]
    Restart(&'static str),
    /// Evaluating a client's queries takes too long.
    #[error("the client's queries take too long to evaluate")]
    TooCostly,
}

impl LedgerError {
    /// Stable name of the kind, for bindings.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Storage(error) => error.code(),
            Self::Damaged(_) => "ledger-damaged",
            Self::NoSession => "no-session",
            Self::Argument(_) => "invalid-argument",
            Self::Schema(_) => "schema-mismatch",
            Self::Trimmed => "history-trimmed",
            Self::Restart(_) => "restart-session",
            Self::TooCostly => "query-too-costly",
        }
    }
}

/// What the client does about a refusal (wire-protocol: actions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start over from a fresh copy; recovery of local changes is allowed.
    ClientReset,
    /// Stop until the application reopens the file.
    ApplicationBug,
    /// Stop: the peer does not keep the protocol.
    ProtocolViolation,
    /// Try again.
    Transient,
}

impl Action {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientReset => "ClientReset",
            Self::ApplicationBug => "ApplicationBug",
            Self::ProtocolViolation => "ProtocolViolation",
            Self::Transient => "Transient",
        }
    }
}

/// A request that is refused: the protocol's error code, its action and a text for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Code of the protocol.
    pub code: u16,
    /// What the client is to do.
    pub action: Action,
    /// Text for the client.
    pub message: String,
    /// What is damaged, where that is why; for whoever runs the server, not for the client.
    pub damage: Option<&'static str>,
}

/// Codes of the protocol that the ledger gives.
#[allow(missing_docs)]
pub mod codes {
    pub const OTHER_SESSION_ERROR: u16 = 201;
    pub const BAD_CLIENT_FILE_IDENT: u16 = 208;
    pub const BAD_SERVER_VERSION: u16 = 209;
    pub const BAD_CLIENT_VERSION: u16 = 210;
    pub const DIVERGING_HISTORIES: u16 = 211;
    pub const BAD_CHANGESET: u16 = 212;
    pub const BAD_ORIGIN_FILE_IDENT: u16 = 216;
    pub const CLIENT_FILE_EXPIRED: u16 = 222;
    pub const USER_MISMATCH: u16 = 223;
    pub const INVALID_SCHEMA_CHANGE: u16 = 225;
    pub const BAD_QUERY: u16 = 226;
    pub const SERVER_PERMISSIONS_CHANGED: u16 = 228;
    pub const WRITE_NOT_ALLOWED: u16 = 230;
    pub const BAD_SCHEMA_VERSION: u16 = 235;
}

impl Refusal {
    /// A refusal after which the client starts over.
    pub fn reset(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            action: Action::ClientReset,
            message: message.into(),
            damage: None,
        }
    }

    /// The refusal of a client that refers to what is no longer in the log.
    pub fn expired(message: &str) -> Self {
        let text = format!("Client file has expired ({message})");
        Self::reset(codes::CLIENT_FILE_EXPIRED, text)
    }

    /// The refusal of a client that was opened with a version of the schema that there is not.
    pub fn bad_schema_version(presented: u64, newest: u64) -> Self {
        let text = format!(
            "Client provided invalid schema version: client presented schema version \"{presented}\" is \
             greater than latest schema version \"{newest}\""
        );
        Self::bug(codes::BAD_SCHEMA_VERSION, text)
    }

    /// A refusal that only the application can do something about.
    pub fn bug(code: u16, message: impl Into<String>) -> Self {
        Self {
            code,
            action: Action::ApplicationBug,
            message: message.into(),
            damage: None,
        }
    }

    /// A refusal for which the client can do nothing, and which may pass.
    pub fn transient(message: impl Into<String>) -> Self {
        Self {
            code: codes::OTHER_SESSION_ERROR,
            action: Action::Transient,
            message: message.into(),
            damage: None,
        }
    }

    /// The refusal of what cannot be judged because something that it needs is damaged.
    pub fn damaged(damage: &'static str) -> Self {
        Self {
            damage: Some(damage),
            ..Self::transient("internal server error")
        }
    }
}

/// What stops an upload or an IDENT: the client's fault or the server's.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Stop {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Failed(LedgerError),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        match error {
            // Only the application can ask for less.
            LedgerError::TooCostly => {
                let text = format!("Invalid query: {error}");
                Self::Refused(Refusal::bug(codes::BAD_QUERY, text))
            }
            error => Self::Failed(error),
        }
    }
}

impl From<StorageError> for Stop {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}
