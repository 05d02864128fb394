//! Searches for parts of a text, made ready once for many texts.

use std::ops::Range;

use memchr::memmem::Finder;

/// Parts that are made ready; a text with more of them has the others searched for as they are needed.
const PARTS_MAX: usize = 8;

/// Searches by where the part begins that they look for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finders(Vec<(usize, Finder<'static>)>);

impl Finders {
    /// For the first of these parts of a text.
    pub(crate) fn new(text: &[u8], parts: impl Iterator<Item = Range<usize>>) -> Self {
        let finder = |part: Range<usize>| {
            let bytes = text.get(part.clone()).unwrap_or_default();
            (part.start, Finder::new(bytes).into_owned())
        };
        Self(parts.take(PARTS_MAX).map(finder).collect())
    }

    /// The search for the part that begins there.
    pub(crate) fn at(&self, start: usize) -> Option<&Finder<'static>> {
        let known = self.0.iter().find(|(known, _)| *known == start);
        known.map(|(_, finder)| finder)
    }
}
