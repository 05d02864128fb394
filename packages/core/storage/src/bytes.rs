//! Bytes as a storage gives them: a view into a page, or a shared buffer.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Bytes read from a storage, without a copy where the form allows it.
pub struct Bytes(Form);

/// Bytes that are kept in place, at most.
#[cfg(feature = "redb")]
const SHORT_BYTES_MAX: usize = 30;

enum Form {
    Shared(Arc<[u8]>),
    #[cfg(feature = "redb")]
    Page(redb::AccessGuard<'static, &'static [u8]>),
    /// A part of a leaf.
    #[cfg(feature = "redb")]
    Part(Arc<crate::file::Leaf>, u32, u32),
    #[cfg(feature = "redb")]
    Short([u8; SHORT_BYTES_MAX], u8),
}

impl Bytes {
    #[cfg(feature = "redb")]
    pub(crate) fn page(guard: redb::AccessGuard<'static, &'static [u8]>) -> Self {
        // In a damaged page the view may lead out of it: that is found out here, not by who reads.
        let _ = guard.value();
        Self(Form::Page(guard))
    }

    /// A part of a leaf, which has to lie in it.
    #[cfg(feature = "redb")]
    pub(crate) fn part(leaf: &Arc<crate::file::Leaf>, start: usize, end: usize) -> Option<Self> {
        leaf.bytes().get(start..end)?;
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        Some(Self(Form::Part(Arc::clone(leaf), start, end)))
    }

    /// Bytes that come in two parts.
    #[cfg(feature = "redb")]
    pub(crate) fn joined(first: &[u8], second: &[u8]) -> Self {
        let length = first.len() + second.len();
        let mut short = [0; SHORT_BYTES_MAX];
        match (u8::try_from(length), short.get_mut(..length)) {
            (Ok(length), Some(place)) => {
                let (start, end) = place.split_at_mut(first.len());
                start.copy_from_slice(first);
                end.copy_from_slice(second);
                Self(Form::Short(short, length))
            }
            _ => Self(Form::Shared(Arc::from([first, second].concat()))),
        }
    }

    /// The bytes as a shared buffer; copied if they are a view into a page.
    pub fn into_shared(self) -> Arc<[u8]> {
        match self.0 {
            Form::Shared(bytes) => bytes,
            #[cfg(feature = "redb")]
            _ => Arc::from(&self[..]),
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
            #[cfg(feature = "redb")]
            Form::Part(leaf, start, end) => leaf
                .bytes()
                .get(*start as usize..*end as usize)
                .unwrap_or_default(),
            #[cfg(feature = "redb")]
            Form::Short(bytes, length) => &bytes[..usize::from(*length)],
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
