//! Bytes as a storage gives them: a view into a page, or a shared buffer.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes read from a storage, without a copy where the form allows it.
pub struct Bytes(Form);

enum Form {
    Shared(Arc<[u8]>),
    #[cfg(feature = "redb")]
    Page(redb::AccessGuard<'static, &'static [u8]>),
}

impl Bytes {
    #[cfg(feature = "redb")]
    pub(crate) fn page(guard: redb::AccessGuard<'static, &'static [u8]>) -> Self {
        // In a damaged page the view may lead out of it: that is found out here, not by who reads.
        let _ = guard.value();
        Self(Form::Page(guard))
    }

    /// The bytes as a shared buffer; copied if they are a view into a page.
    pub fn into_shared(self) -> Arc<[u8]> {
        match self.0 {
            Form::Shared(bytes) => bytes,
            #[cfg(feature = "redb")]
            Form::Page(guard) => Arc::from(guard.value()),
        }
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self(Form::Shared(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Form::Shared(bytes) => bytes,
            #[cfg(feature = "redb")]
            Form::Page(guard) => guard.value(),
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self[..], formatter)
    }
}
