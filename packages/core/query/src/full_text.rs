//! Full text: texts as words, and what TEXT looks for among them (rql.md §10.2).
//!
//! A row is judged by the words of its text alone, so that a full-text property needs no index that is kept.

use std::collections::{BTreeMap, BTreeSet};

use crate::bind::Binder;
use crate::bound::{Condition, DataType, End, Expression, PathExpression, Step};
use crate::compare::Owned;
use crate::error::{QueryError, Result};
use crate::row::{Field, Row, Scalar};
use crate::steps::{Given, Steps};
use crate::walk;

/// What a text has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Words that have to be there, each with its number.
    words: BTreeMap<Vec<u8>, usize>,
    /// Beginnings that some word has to have, numbered on from the words.
    beginnings: BTreeMap<Vec<u8>, usize>,
    /// Lengths of the beginnings.
    lengths: BTreeSet<usize>,
    /// Words that must not be there.
    excluded: BTreeSet<Vec<u8>>,
    /// Whether a word is looked for that no text has.
    is_hopeless: bool,
}

impl Search {
    /// Reads the right side of TEXT: words between white space, `-word` for one that must be absent and
    /// `word*` for a beginning.
    pub(crate) fn parse(text: &[u8]) -> Result<Self> {
        let (mut words, mut beginnings, mut excluded) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            let (word, is_excluded) = match word.strip_prefix(b"-") {
                Some(word) => (word, true),
                None => (word, false),
            };
            let (word, is_beginning) = match word.strip_suffix(b"*") {
                Some(word) => (word, true),
                None => (word, false),
            };
            let token = single_token(word)?;
            match (is_excluded, is_beginning) {
                (false, false) => words.insert(token),
                (false, true) => beginnings.insert(token),
                (true, false) => excluded.insert(token),
                (true, true) => {
                    return Err(QueryError::InvalidArgument(
                        "Words to exclude cannot be given by their beginning".into(),
                    ));
                }
            };
        }
        if words.is_empty() && beginnings.is_empty() && excluded.is_empty() {
            return Err(QueryError::InvalidArgument("Missing search token".into()));
        }
        if !words.is_disjoint(&excluded) {
            return Err(QueryError::InvalidArgument(
                "You can't include and exclude the same token".into(),
            ));
        }
        // What has no letter and no digit is no word of any text.
        let none = &Vec::new();
        let is_hopeless = words.remove(none) | beginnings.remove(none);
        excluded.remove(none);
        let lengths = beginnings.iter().map(Vec::len).collect();
        let words: BTreeMap<_, _> = (0..).zip(words).map(|(at, word)| (word, at)).collect();
        let beginnings = (words.len()..).zip(beginnings);
        Ok(Self {
            beginnings: beginnings.map(|(at, word)| (word, at)).collect(),
            words,
            lengths,
            excluded,
            is_hopeless,
        })
    }

    /// Whether a text holds all that it has to, and nothing else that it must not. An absent text has no
    /// words.
    fn holds(&self, text: &[u8], steps: &Steps) -> Result<bool> {
        if self.is_hopeless {
            return Ok(false);
        }
        let mut found = vec![false; self.words.len() + self.beginnings.len()];
        let mut missing = found.len();
        let mut mark = |at: Option<&usize>| {
            if let Some(seen) = at.and_then(|at| found.get_mut(*at))
                && !std::mem::replace(seen, true)
            {
                missing -= 1;
            }
        };
        let mut rest = text;
        while let Some((token, after)) = next_token(rest) {
            steps.take(1)?;
            steps.take_bytes(rest.len() - after.len())?;
            rest = after;
            if self.excluded.contains(&token) {
                return Ok(false);
            }
            mark(self.words.get(&token));
            for length in self.lengths.range(..=token.len()) {
                steps.take(1)?;
                steps.take_bytes(*length)?;
                mark(
                    token
                        .get(..*length)
                        .and_then(|start| self.beginnings.get(start)),
                );
            }
        }
        Ok(missing == 0)
    }
}

/// The one word that a part of a search is; empty if it has no letter and no digit.
fn single_token(word: &[u8]) -> Result<Vec<u8>> {
    let Some((token, rest)) = next_token(word) else {
        return Ok(Vec::new());
    };
    match next_token(rest) {
        None => Ok(token),
        Some(_) => Err(QueryError::InvalidArgument(
            "Non alphanumeric characters not allowed inside search word".into(),
        )),
    }
}

/// The next word of a text, as words are compared, and what comes after it.
fn next_token(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut token = Vec::new();
    let mut rest = text;
    loop {
        let (letter, length) = letter(rest);
        match letter {
            Some(letter) => {
                let mut buffer = [0; 4];
                token.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
            }
            None if !token.is_empty() => return Some((token, rest)),
            None => {}
        }
        rest = rest.get(length..).unwrap_or_default();
        if length == 0 {
            return (!token.is_empty()).then_some((token, rest));
        }
    }
}

/// What the first character of a text is in a word, if it can be in one, and how many bytes it takes.
fn letter(text: &[u8]) -> (Option<char>, usize) {
    match text {
        [] => (None, 0),
        [byte, ..] if byte.is_ascii_alphanumeric() => {
            (Some(char::from(byte.to_ascii_lowercase())), 1)
        }
        // U+00C0 to U+00FF but × and ÷.
        [0xc3, byte @ 0x80..=0xbf, ..] if byte & 0x1f != 0x17 => {
            // All but ß have their small letters 32 code points on.
            let small = if *byte == 0x9f { *byte } else { byte | 0x20 };
            (Some(without_accent(char::from(0x40 + small))), 2)
        }
        _ => (None, 1),
    }
}

/// A small letter of Latin-1 without its accent; `å æ ð ø þ ß` are letters of their own.
fn without_accent(letter: char) -> char {
    match letter {
        'à'..='ä' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

impl Binder<'_> {
    /// `property TEXT 'words'`.
    pub(crate) fn text(&self, left: Expression, right: Expression) -> Result<Condition> {
        let words = match right {
            Expression::Constant { value } => Some(value),
            // A list of one is that one, as wherever a single text is asked for.
            Expression::List { elements, .. } => match <[Owned; 1]>::try_from(elements) {
                Ok([value]) => Some(value),
                Err(_) => None,
            },
            _ => None,
        };
        let (Expression::Path(path), Some(words)) = (left, words) else {
            return Err(QueryError::InvalidQuery(
                "The left side of 'TEXT' must be a property, and the right side a constant".into(),
            ));
        };
        let words = match words.view() {
            Scalar::Null => Vec::new(),
            Scalar::String(text) | Scalar::Binary(text) => text.to_vec(),
            _ => {
                let name = crate::bound::type_of(&words).map_or("null", DataType::name);
                return Err(QueryError::InvalidQuery(format!(
                    "Unsupported comparison operator 'text' against type '{name}', right side must be a \
                     string or binary type"
                )));
            }
        };
        if path
            .steps
            .iter()
            .any(|step| matches!(step, Step::Backlinks { .. }))
        {
            return Err(QueryError::InvalidQuery(
                "'TEXT' is not supported over linking objects".into(),
            ));
        }
        let has_index = path.post.is_none()
            && matches!(&path.end, End::Field { indexes, .. } if indexes.is_empty())
            && self
                .catalog
                .property(&path.class, &path.name)
                .is_some_and(|property| property.full_text);
        if !has_index {
            return Err(QueryError::IllegalOperation(
                "Column has no fulltext index".into(),
            ));
        }
        Ok(Condition::Text {
            search: Search::parse(&words)?,
            path: *path,
            words,
        })
    }
}

/// Whether one of the texts that a path leads to is found.
pub(crate) fn matches(
    path: &PathExpression,
    search: &Search,
    row: &dyn Row,
    given: Given<'_>,
) -> Result<bool> {
    let End::Field { place, .. } = &path.end else {
        return Ok(false);
    };
    let (mut any, mut all) = (false, true);
    walk::walk(&path.steps, row, given, false, &mut |target| {
        let field = target.map(|target| walk::read(target, *place));
        let text = match field {
            Some(Field::Scalar(Scalar::String(text))) => text,
            _ => &[],
        };
        let holds = search.holds(text, given.steps)?;
        any |= holds;
        all &= holds;
        Ok(())
    })?;
    Ok(crate::evaluate::quantified(
        path.quantifier.unwrap_or(crate::ast::Quantifier::Any),
        any,
        all,
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<String> {
        let mut rest = text.as_bytes();
        let mut words = Vec::new();
        while let Some((token, after)) = next_token(rest) {
            words.push(String::from_utf8(token).unwrap());
            rest = after;
        }
        words
    }

    fn finds(search: &str, text: &str) -> bool {
        let search = Search::parse(search.as_bytes()).unwrap();
        search.holds(text.as_bytes(), &Steps::unlimited()).unwrap()
    }

    #[test]
    fn words_are_runs_of_latin_letters_and_digits() {
        for (text, words) in [
            ("The end.", &["the", "end"][..]),
            ("brown-eyed fox2", &["brown", "eyed", "fox2"]),
            ("ÀÁÂÃÄ àáâãä", &["aaaaa", "aaaaa"]),
            ("ÇÈÉÊËÌÍÎÏÑ", &["ceeeeiiiin"]),
            ("ÒÓÔÕÖÙÚÛÜÝÿ", &["ooooouuuuyy"]),
            (
                "Åben Ærø Ðe Þorn groß",
                &["åben", "ærø", "ðe", "þorn", "groß"],
            ),
            ("3×4÷5", &["3", "4", "5"]),
            ("a\u{a0}b Ÿz œuvre", &["a", "b", "z", "uvre"]),
            ("привет x", &["x"]),
            ("", &[]),
            ("-*,", &[]),
        ] {
            assert_eq!(words_of(text), words, "{text}");
        }
    }

    #[test]
    fn every_word_is_looked_for_and_none_that_is_excluded() {
        let text = "The quick brown fox; CAFÉ";
        for search in [
            "quick",
            "FOX brown",
            "cafe",
            "qui*",
            "quick -dog",
            "-dog",
            "t* f*",
            "-",
        ] {
            assert!(finds(search, text), "{search}");
        }
        for search in [
            "dog",
            "quick dog",
            "-fox",
            "quick -fox",
            "quic",
            "foxy*",
            "*",
            ". quick",
        ] {
            assert!(!finds(search, text), "{search}");
        }
        assert!(finds("-fox", ""));
        assert!(!finds("fox", ""));
    }

    #[test]
    fn what_is_no_search_is_refused() {
        for (search, message) in [
            ("", "Missing search token"),
            (" \t\n", "Missing search token"),
            (
                "brown-eyed",
                "Non alphanumeric characters not allowed inside search word",
            ),
            (
                "-a.b",
                "Non alphanumeric characters not allowed inside search word",
            ),
            ("fox -FOX", "You can't include and exclude the same token"),
            (
                "-fo*",
                "Words to exclude cannot be given by their beginning",
            ),
        ] {
            let refused = QueryError::InvalidArgument(message.into());
            assert_eq!(Search::parse(search.as_bytes()), Err(refused), "{search}");
        }
    }
}
