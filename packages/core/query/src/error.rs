//! Why a query was refused, in the words the original engine uses.

/// A refused query. The variants are the error names the SDKs show; the text is the original's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not a query.
    #[error("{0}")]
    Syntax(String),
    /// The query does not fit the schema.
    #[error("{0}")]
    InvalidQuery(String),
    /// An argument is missing or of the wrong type.
    #[error("{0}")]
    InvalidQueryArg(String),
    /// A value is out of the range its place allows.
    #[error("{0}")]
    InvalidArgument(String),
    /// The operation does not exist for this property.
    #[error("{0}")]
    IllegalOperation(String),
    /// A SORT or DISTINCT that cannot be applied.
    #[error("{0}")]
    InvalidSortDescriptor(String),
    /// A backlink over a property that does not link here.
    #[error("{0}")]
    InvalidProperty(String),
    /// The query is longer, deeper or wider than the limits of this crate.
    #[error("{0}")]
    LimitExceeded(String),
    /// A construct of the language that this engine does not evaluate.
    #[error("{0}")]
    Unsupported(String),
    /// The rows could not be read; the text is the source's.
    #[error("{0}")]
    Source(String),
}

impl QueryError {
    /// A number per variant that never changes.
    pub fn code(&self) -> u16 {
        match self {
            Self::Syntax(_) => 1,
            Self::InvalidQuery(_) => 2,
            Self::InvalidQueryArg(_) => 3,
            Self::InvalidArgument(_) => 4,
            Self::IllegalOperation(_) => 5,
            Self::InvalidSortDescriptor(_) => 6,
            Self::InvalidProperty(_) => 7,
            Self::LimitExceeded(_) => 8,
            Self::Unsupported(_) => 9,
            Self::Source(_) => 10,
        }
    }

    /// The name under which SDKs know the error.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "SyntaxError",
            Self::InvalidQuery(_) | Self::Unsupported(_) => "InvalidQuery",
            Self::InvalidQueryArg(_) => "InvalidQueryArg",
            Self::InvalidArgument(_) => "InvalidArgument",
            Self::IllegalOperation(_) => "IllegalOperation",
            Self::InvalidSortDescriptor(_) => "InvalidSortDescriptor",
            Self::InvalidProperty(_) => "InvalidProperty",
            Self::LimitExceeded(_) => "LimitExceeded",
            Self::Source(_) => "RuntimeError",
        }
    }

    /// The text.
    pub fn message(&self) -> &str {
        match self {
            Self::Syntax(text)
            | Self::InvalidQuery(text)
            | Self::InvalidQueryArg(text)
            | Self::InvalidArgument(text)
            | Self::IllegalOperation(text)
            | Self::InvalidSortDescriptor(text)
            | Self::InvalidProperty(text)
            | Self::LimitExceeded(text)
            | Self::Unsupported(text)
            | Self::Source(text) => text,
        }
    }
}

/// Short for the results of this crate.
pub type Result<T> = std::result::Result<T, QueryError>;
