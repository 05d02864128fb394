//! The string operators, and the case folding of `[c]`.
//!
//! Clients choose both the needle and the text that it is looked for in, so that this takes time for the sum
//! of their lengths and not for their product. Only parts of a LIKE pattern with a `?` between two `*` are
//! tried at each place; what that takes is counted like everything else.

use std::cell::Cell;
use std::ops::Range;

use memchr::{memchr2, memmem};

use crate::ast::Operator;
use crate::error::Result;
use crate::finders::Finders;
use crate::steps::Steps;

/// The right side of a comparison with text, made ready for many texts.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    operator: Operator,
    /// The text; if its case does not count, in lower case.
    lower: Vec<u8>,
    /// The same in upper case, of the same length, if case does not count: a character must equal either one.
    upper: Option<Vec<u8>>,
    /// If case counts, what finds the whole text, or the first parts of a LIKE.
    finders: Finders,
    /// If case does not count, per byte, how many bytes up to it are those that the needle begins with: there
    /// the search goes on when the next byte is another (Knuth, Morris and Pratt), without a copy of the text
    /// in one case. Of LIKE, each part between `*` is looked for by itself.
    borders: Vec<u32>,
    /// Fewest bytes of a text that match.
    bytes_min: usize,
}

/// A text being looked through.
struct Subject<'s> {
    bytes: &'s [u8],
    steps: &'s Steps,
    /// Bytes looked at that were not taken as steps yet.
    looked: Cell<usize>,
}

/// Bytes that are looked at before they are taken as steps.
const LOOKED_MAX: usize = 4096;

/// Bytes that could be looked at in the time that preparing a search takes.
const PREPARING_BYTES: usize = 64;

impl Subject<'_> {
    fn look(&self, bytes: usize) -> Result<()> {
        let looked = self.looked.get() + bytes;
        self.looked.set(looked);
        if looked < LOOKED_MAX {
            return Ok(());
        }
        self.settle()
    }

    fn settle(&self) -> Result<()> {
        self.steps.take_bytes(self.looked.take())
    }

    fn from(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// So many bytes from a place on, or what there is.
    fn within(&self, at: usize, most: usize) -> &[u8] {
        let rest = self.from(at);
        rest.get(..most).unwrap_or(rest)
    }

    /// Where the character after the one here begins.
    fn next(&self, at: usize) -> usize {
        at + character_length(self.from(at))
    }
}

impl Needle {
    pub(crate) fn new(operator: Operator, case_sensitive: bool, text: &[u8]) -> Self {
        let text = match operator {
            Operator::Like => without_needless_stars(text),
            _ => text.to_vec(),
        };
        let bytes_min = match operator {
            Operator::Like => characters(&text).filter(|one| *one != b"*").count(),
            _ => text.len(),
        };
        let (lower, upper) = if case_sensitive {
            (text, None)
        } else {
            let (lower, upper) = in_both_cases(&text);
            (lower, Some(upper))
        };
        let mut needle = Self {
            operator,
            finders: Finders::default(),
            lower,
            upper,
            borders: Vec::new(),
            bytes_min,
        };
        if case_sensitive && matches!(operator, Operator::Contains | Operator::Like) {
            needle.finders = Finders::new(&needle.lower, needle.parts());
        }
        needle.borders = match operator {
            _ if case_sensitive => Vec::new(),
            Operator::Contains => needle.borders_of(0..needle.lower.len()),
            Operator::Like => needle.borders_of_parts(),
            _ => Vec::new(),
        };
        needle
    }

    /// Whether the comparison holds for a text.
    pub(crate) fn holds(&self, text: &[u8], steps: &Steps) -> Result<bool> {
        let subject = Subject {
            bytes: text,
            steps,
            looked: Cell::new(0),
        };
        let holds = self.holds_for(&subject)?;
        subject.settle()?;
        Ok(holds)
    }

    fn holds_for(&self, subject: &Subject<'_>) -> Result<bool> {
        let Subject { bytes: text, .. } = subject;
        let whole = 0..self.lower.len();
        if self.operator == Operator::NotEqual {
            return Ok(text.len() != whole.end || !self.stands_at(0, &whole, subject)?);
        }
        let Some(most) = text.len().checked_sub(self.bytes_min) else {
            return Ok(false);
        };
        match self.operator {
            Operator::Equal | Operator::In => Ok(most == 0 && self.stands_at(0, &whole, subject)?),
            Operator::BeginsWith => self.stands_at(0, &whole, subject),
            Operator::EndsWith => self.stands_at(most, &whole, subject),
            Operator::Contains if self.is_searchable(&whole) => {
                Ok(self.search(&whole, 0, subject)?.is_some())
            }
            Operator::Contains => {
                for at in 0..=most {
                    if self.stands_at(at, &whole, subject)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Operator::Like => self.like(subject),
            _ => Ok(false),
        }
    }

    /// The bytes that may stand in a text for the one at a place of the needle.
    #[inline]
    fn cases(&self, place: usize) -> (Option<&u8>, Option<&u8>) {
        let upper = self.upper.as_ref().unwrap_or(&self.lower);
        (self.lower.get(place), upper.get(place))
    }

    #[inline]
    fn accepts(&self, place: usize, byte: u8) -> bool {
        let (lower, upper) = self.cases(place);
        lower == Some(&byte) || upper == Some(&byte)
    }

    fn borders_of(&self, part: Range<usize>) -> Vec<u32> {
        let mut borders: Vec<u32> = Vec::with_capacity(part.len());
        for place in part.clone() {
            let border_at = |length: usize| borders.get(length - 1).map_or(0, |at| *at as usize);
            let mut border = match borders.len() {
                0 => None,
                length => Some(border_at(length)),
            };
            while let Some(length) = border
                && self.cases(part.start + length) != self.cases(place)
            {
                border = (length > 0).then(|| border_at(length));
            }
            borders.push(border.map_or(0, |length| u32::try_from(length + 1).unwrap_or(0)));
        }
        borders
    }

    fn borders_of_parts(&self) -> Vec<u32> {
        let mut borders = Vec::with_capacity(self.lower.len());
        for part in self.parts() {
            borders.extend(self.borders_of(part));
            // For the star.
            borders.push(0);
        }
        borders
    }

    /// What is searched for: the whole text, or the parts of a LIKE.
    fn parts(&self) -> impl Iterator<Item = Range<usize>> {
        let first = match self.operator {
            Operator::Like => self.part(0),
            _ => 0..self.lower.len(),
        };
        let is_last = |part: &Range<usize>| part.end == self.lower.len();
        let next = move |part: &Range<usize>| (!is_last(part)).then(|| self.part(part.end + 1));
        std::iter::successors(Some(first), next)
    }

    /// Whether a part of the needle can be searched for without going back. Whether the second byte of a
    /// character has a case depends on the one before it: if case does not count, none may begin the part.
    fn is_searchable(&self, part: &Range<usize>) -> bool {
        let begins_inside = |byte: &u8| matches!(byte, 0x80..=0xbf);
        self.upper.is_none() || !self.lower.get(part.start).is_some_and(begins_inside)
    }

    /// Whether a part of the needle stands at a place of a text, byte for byte.
    fn stands_at(&self, at: usize, part: &Range<usize>, subject: &Subject<'_>) -> Result<bool> {
        let Some(text) = subject.bytes.get(at..at + part.len()) else {
            return Ok(false);
        };
        let differs = |(place, byte): (usize, &u8)| !self.accepts(place, *byte);
        let first = part.clone().zip(text).position(differs);
        subject.look(first.map_or(part.len(), |first| first + 1))?;
        Ok(first.is_none())
    }

    /// Where a part of the needle first stands in a text, from a place on.
    fn search(
        &self,
        part: &Range<usize>,
        from: usize,
        subject: &Subject<'_>,
    ) -> Result<Option<usize>> {
        if self.upper.is_some() {
            return self.search_folded(part, from, subject);
        }
        let bytes = self.lower.get(part.clone()).unwrap_or_default();
        let of_part;
        let finder = if let Some(finder) = self.finders.at(part.start) {
            finder
        } else {
            subject.look(bytes.len() + PREPARING_BYTES)?;
            of_part = memmem::Finder::new(bytes);
            &of_part
        };
        let window = bytes.len() + bytes.len().max(LOOKED_MAX);
        let mut at = from;
        loop {
            let text = subject.within(at, window);
            let found = finder.find(text);
            subject.look(found.map_or(text.len(), |found| found + bytes.len()))?;
            if found.is_some() || at + text.len() == subject.bytes.len() {
                return Ok(found.map(|found| at + found));
            }
            // What begins in this window may end in the next one.
            at += text.len() + 1 - bytes.len();
        }
    }

    fn search_folded(
        &self,
        part: &Range<usize>,
        from: usize,
        subject: &Subject<'_>,
    ) -> Result<Option<usize>> {
        let (Some(lower), Some(upper)) = self.cases(part.start) else {
            return Ok(Some(from));
        };
        let (mut at, mut met) = (from, 0);
        while let Some(byte) = subject.bytes.get(at) {
            subject.look(1)?;
            if met == 0 {
                let text = subject.within(at, LOOKED_MAX);
                let skipped = memchr2(*lower, *upper, text);
                let skips = skipped.unwrap_or(text.len());
                subject.look(skips)?;
                at += skips;
                if skipped.is_none() {
                    continue;
                }
            } else if !self.accepts(part.start + met, *byte) {
                let border = self.borders.get(part.start + met - 1);
                met = border.map_or(0, |border| *border as usize);
                continue;
            }
            at += 1;
            met += 1;
            if met == part.len() {
                return Ok(Some(at - met));
            }
        }
        Ok(None)
    }

    /// Whole-string match with `?` for one character and `*` for any number.
    fn like(&self, subject: &Subject<'_>) -> Result<bool> {
        let end = subject.bytes.len();
        let mut part = self.part(0);
        let Some(mut at) = self.part_ends(&part, 0, subject)? else {
            return Ok(false);
        };
        if part.end == self.lower.len() {
            return Ok(at == end);
        }
        loop {
            part = self.part(part.end + 1);
            if part.end == self.lower.len() {
                return self.is_end(&part, at, subject);
            }
            match self.next_part(&part, at, subject)? {
                Some(ends) => at = ends,
                None => return Ok(false),
            }
        }
    }

    /// The part of a pattern that begins at a place, up to the next `*`.
    fn part(&self, start: usize) -> Range<usize> {
        let mut place = start;
        while !matches!(self.lower.get(place), None | Some(b'*')) {
            place += self.length_at(place);
        }
        start..place.min(self.lower.len())
    }

    /// Length of the character at a place of the pattern.
    fn length_at(&self, place: usize) -> usize {
        character_length(self.lower.get(place..).unwrap_or_default())
    }

    /// Where a part of a pattern ends that begins at a place of a text; `None` if it does not stand there.
    fn part_ends(
        &self,
        part: &Range<usize>,
        mut at: usize,
        subject: &Subject<'_>,
    ) -> Result<Option<usize>> {
        let mut place = part.start;
        while place < part.end {
            if at >= subject.bytes.len() {
                return Ok(None);
            }
            if self.lower.get(place) == Some(&b'?') {
                subject.look(1)?;
                at = subject.next(at);
                place += 1;
                continue;
            }
            let length = self.length_at(place);
            subject.look(length)?;
            let text = subject.bytes.get(at..at + length);
            let is = |case: &Vec<u8>| text.is_some() && text == case.get(place..place + length);
            if !is(&self.lower) && !self.upper.as_ref().is_some_and(is) {
                return Ok(None);
            }
            at += length;
            place += length;
        }
        Ok(Some(at))
    }

    /// Where the first match of a part of a pattern ends, of those that begin with a character from `at` on.
    fn next_part(
        &self,
        part: &Range<usize>,
        mut at: usize,
        subject: &Subject<'_>,
    ) -> Result<Option<usize>> {
        let bytes = self.lower.get(part.clone()).unwrap_or_default();
        let is_searched = !bytes.contains(&b'?') && self.is_searchable(part);
        loop {
            if is_searched {
                let Some(found) = self.search(part, at, subject)? else {
                    return Ok(None);
                };
                // What is no text may hold it inside of a character, where it does not count.
                while at < found {
                    at = subject.next(at);
                }
            }
            if let Some(ends) = self.part_ends(part, at, subject)? {
                return Ok(Some(ends));
            }
            if at >= subject.bytes.len() {
                return Ok(None);
            }
            at = subject.next(at);
        }
    }

    /// Whether a text from a place on ends with the last part of a pattern.
    fn is_end(&self, part: &Range<usize>, mut at: usize, subject: &Subject<'_>) -> Result<bool> {
        subject.look(subject.from(at).len() + part.len())?;
        let has = characters(subject.from(at)).count();
        let needs = characters(self.lower.get(part.clone()).unwrap_or_default()).count();
        let Some(over) = has.checked_sub(needs) else {
            return Ok(false);
        };
        for _ in 0..over {
            at = subject.next(at);
        }
        Ok(self.part_ends(part, at, subject)? == Some(subject.bytes.len()))
    }
}

/// A text in lower and in upper case, each as long as the text.
fn in_both_cases(text: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut before = 0;
    let cases = text.iter().map(|byte| {
        let after_c3 = before == 0xc3;
        before = *byte;
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' => (byte | 0x20, byte & !0x20),
            // U+00C0–U+00DE and U+00E0–U+00FE are C3 80–9E and C3 A0–BE; × and ÷ have no case.
            0x80..=0x9e | 0xa0..=0xbe if after_c3 && byte & 0x1f != 0x17 => {
                (byte | 0x20, byte & !0x20)
            }
            _ => (*byte, *byte),
        }
    });
    cases.unzip()
}

/// A pattern with one `*` where there are several in a row.
fn without_needless_stars(pattern: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(pattern.len());
    let mut after_star = false;
    for character in characters(pattern) {
        let is_star = character == b"*";
        if !(is_star && after_star) {
            kept.extend_from_slice(character);
        }
        after_star = is_star;
    }
    kept
}

fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (character, after) = rest.split_at_checked(character_length(rest))?;
        rest = after;
        Some(character)
    })
}

/// Length of the UTF-8 character that begins here; a byte that begins none counts as one character.
fn character_length(bytes: &[u8]) -> usize {
    let length = match bytes.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    length.min(bytes.len()).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The operators as they are told: each place is tried.
    struct Plainly {
        operator: Operator,
        lower: Vec<u8>,
        upper: Vec<u8>,
    }

    impl Plainly {
        fn new(operator: Operator, case_sensitive: bool, needle: &[u8]) -> Self {
            let (lower, upper) = if case_sensitive {
                (needle.to_vec(), needle.to_vec())
            } else {
                in_both_cases(needle)
            };
            Self {
                operator,
                lower,
                upper,
            }
        }

        fn is(&self, part: &[u8]) -> bool {
            let cases = self.lower.iter().zip(&self.upper);
            part.len() == self.lower.len()
                && part
                    .iter()
                    .zip(cases)
                    .all(|(byte, (lower, upper))| byte == lower || byte == upper)
        }

        fn holds(&self, text: &[u8]) -> bool {
            let length = self.lower.len();
            match self.operator {
                Operator::Equal => self.is(text),
                Operator::NotEqual => !self.is(text),
                Operator::BeginsWith => text.get(..length).is_some_and(|part| self.is(part)),
                Operator::EndsWith => {
                    let start = text.len().checked_sub(length);
                    start.is_some_and(|start| self.is(&text[start..]))
                }
                Operator::Contains => length == 0 || text.windows(length).any(|part| self.is(part)),
                _ => self.is_like(text, 0),
            }
        }

        fn is_like(&self, text: &[u8], place: usize) -> bool {
            let Some(rest) = self.lower.get(place..).filter(|rest| !rest.is_empty()) else {
                return text.is_empty();
            };
            let after = |length: usize| text.get(length..).unwrap_or_default();
            let next = character_length(text);
            match rest[0] {
                b'*' => {
                    self.is_like(text, place + 1)
                        || (!text.is_empty() && self.is_like(after(next), place))
                }
                b'?' => !text.is_empty() && self.is_like(after(next), place + 1),
                _ => {
                    let length = character_length(rest);
                    let of = |case: &[u8]| text.starts_with(&case[place..place + length]);
                    (of(&self.lower) || of(&self.upper))
                        && self.is_like(after(length), place + length)
                }
            }
        }
    }

    /// Few bytes, so that much repeats itself: letters of both cases, with one and two bytes; wild ones; and
    /// what comes out when they are not put together to characters.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let bytes = |text: &'static str| Just(text.as_bytes().to_vec());
        let whole = prop_oneof![
            4 => bytes("a"), 2 => bytes("A"), 2 => bytes("b"),
            2 => bytes("é"), 2 => bytes("É"), 1 => bytes("ĉ"), 1 => bytes("€"),
        ];
        let wild = prop_oneof![2 => bytes("*"), 1 => bytes("?")];
        let broken = prop::sample::select(&[0xc3, 0x89, 0xa9, 0x97, 0xb7, 0xe2, 0xc4][..]);
        let broken = broken.prop_map(|byte| vec![byte]);
        let pieces = prop_oneof![
            prop::collection::vec(whole.clone(), 0..12),
            prop::collection::vec(prop_oneof![3 => whole.clone(), 1 => wild.clone()], 0..12),
            prop::collection::vec(prop_oneof![2 => whole, 1 => wild, 3 => broken], 0..12),
        ];
        pieces.prop_map(|pieces| pieces.concat())
    }

    const OPERATORS: [Operator; 6] = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::BeginsWith,
        Operator::EndsWith,
        Operator::Contains,
        Operator::Like,
    ];

    /// The first byte here has no case, after C3 it has one: they accept different bytes, and yet the needle
    /// may begin again there.
    #[test]
    fn what_begins_inside_a_character_is_found_as_well() {
        let beginning = [0x89, 0xe2, b'a', 0xc3];
        let needle = [&beginning[..], &[0x89, b'b']].concat();
        let text = [&beginning[..], &needle].concat();
        let pattern = [b"*", &needle[..], b"*"].concat();
        for (operator, needle) in [(Operator::Contains, needle), (Operator::Like, pattern)] {
            let found = Needle::new(operator, false, &needle).holds(&text, &Steps::unlimited());
            assert_eq!(found, Ok(true), "{operator:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 4096,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_found_is_what_trying_each_place_finds(
            needle in text(),
            before in text(),
            after in text(),
        ) {
            let steps = Steps::unlimited();
            let within = [before.as_slice(), &needle, &after].concat();
            for text in [&needle, &before, &within] {
                for operator in OPERATORS {
                    for case_sensitive in [true, false] {
                        let found = Needle::new(operator, case_sensitive, &needle);
                        let found = found.holds(text, &steps);
                        let expected = Plainly::new(operator, case_sensitive, &needle);
                        let expected = expected.holds(text);
                        prop_assert_eq!(found, Ok(expected), "{:?} {}", operator, case_sensitive);
                    }
                }
            }
        }
    }
}
