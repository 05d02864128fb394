//! Text to tokens: longest match, and on equal length the earlier rule of the original's table.

use crate::error::{QueryError, Result};

/// What a token is. Text stays in the query; [`Token`] says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    End,
    Identifier,
    String,
    Base64,
    Infinity,
    Nan,
    Natural,
    Number,
    Float,
    Timestamp,
    Date,
    Uuid,
    ObjectId,
    Link,
    TypedLink,
    Argument,
    KeyPathArgument,
    BeginsWith,
    EndsWith,
    Contains,
    Text,
    Like,
    Between,
    In,
    GeoWithin,
    Obj,
    Sort,
    Distinct,
    Limit,
    Binary,
    Ascending,
    Descending,
    First,
    Last,
    IndexSize,
    Size,
    Type,
    KeysOrValues,
    Links,
    TruePredicate,
    FalsePredicate,
    Subquery,
    True,
    False,
    Null,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Case,
    Any,
    All,
    None,
    Max,
    Min,
    Sum,
    Average,
    And,
    Or,
    Not,
    GeoBox,
    GeoPolygon,
    GeoCircle,
    Punctuation(u8),
}

impl Kind {
    /// The name that syntax errors use.
    pub(crate) fn name(self) -> String {
        let name = match self {
            Self::End => "end of file",
            Self::Identifier => "identifier",
            Self::String => "string",
            Self::Base64 => "base64",
            Self::Infinity => "infinity",
            Self::Nan => "NaN",
            Self::Natural => "natural0",
            Self::Number => "number",
            Self::Float => "float",
            Self::Timestamp | Self::Date => "date",
            Self::Uuid => "UUID",
            Self::ObjectId => "ObjectId",
            Self::Link => "link",
            Self::TypedLink => "typed link",
            Self::Argument => "argument",
            Self::KeyPathArgument => "keypath",
            Self::BeginsWith => "beginswith",
            Self::EndsWith => "endswith",
            Self::Contains => "contains",
            Self::Text => "fulltext",
            Self::Like => "like",
            Self::Between => "between",
            Self::In => "in",
            Self::GeoWithin => "geowithin",
            Self::Obj => "obj",
            Self::Sort => "sort",
            Self::Distinct => "distinct",
            Self::Limit => "limit",
            Self::Binary => "binary",
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::First => "FIRST",
            Self::Last => "LAST",
            Self::IndexSize => "SIZE",
            Self::Size => "@size",
            Self::Type => "@type",
            Self::KeysOrValues => "key or value",
            Self::Links => "@links",
            Self::TruePredicate => "truepredicate",
            Self::FalsePredicate => "falsepredicate",
            Self::Subquery => "subquery",
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessEqual => "<=",
            Self::GreaterEqual => ">=",
            Self::Case => "[c]",
            Self::Any => "any",
            Self::All => "all",
            Self::None => "none",
            Self::Max => "@max",
            Self::Min => "@min",
            Self::Sum => "@sum",
            Self::Average => "@average",
            Self::And => "&&",
            Self::Or => "||",
            Self::Not => "!",
            Self::GeoBox => "geobox",
            Self::GeoPolygon => "geopolygon",
            Self::GeoCircle => "geocircle",
            Self::Punctuation(byte) => return format!("'{}'", char::from(byte)),
        };
        name.to_owned()
    }
}

/// A token and its place in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t str,
}

/// Reads tokens one by one, so that the first error of the text is the one reported.
pub(crate) struct Lexer<'t> {
    query: &'t str,
    position: usize,
}

/// Words that match in any mix of case.
const ANY_CASE: &[(&str, Kind)] = &[
    ("and", Kind::And),
    ("or", Kind::Or),
    ("beginswith", Kind::BeginsWith),
    ("endswith", Kind::EndsWith),
    ("contains", Kind::Contains),
    ("text", Kind::Text),
    ("like", Kind::Like),
    ("between", Kind::Between),
    ("geowithin", Kind::GeoWithin),
    ("null", Kind::Null),
    ("nil", Kind::Null),
    ("inf", Kind::Infinity),
    ("infinity", Kind::Infinity),
    ("nan", Kind::Nan),
    ("truepredicate", Kind::TruePredicate),
    ("falsepredicate", Kind::FalsePredicate),
    ("sort", Kind::Sort),
    ("distinct", Kind::Distinct),
    ("limit", Kind::Limit),
    ("asc", Kind::Ascending),
    ("ascending", Kind::Ascending),
    ("desc", Kind::Descending),
    ("descending", Kind::Descending),
    ("subquery", Kind::Subquery),
    ("bin", Kind::Binary),
    ("binary", Kind::Binary),
    ("obj", Kind::Obj),
    ("geobox", Kind::GeoBox),
    ("geopolygon", Kind::GeoPolygon),
    ("geocircle", Kind::GeoCircle),
];

/// Words that exist in lower case and in upper case only.
const TWO_CASES: &[(&str, Kind)] = &[
    ("in", Kind::In),
    ("not", Kind::Not),
    ("any", Kind::Any),
    ("some", Kind::Any),
    ("all", Kind::All),
    ("none", Kind::None),
    ("true", Kind::True),
    ("false", Kind::False),
    ("first", Kind::First),
    ("last", Kind::Last),
    ("size", Kind::IndexSize),
];

const AT_WORDS: &[(&str, Kind)] = &[
    ("@size", Kind::Size),
    ("@count", Kind::Size),
    ("@max", Kind::Max),
    ("@min", Kind::Min),
    ("@sum", Kind::Sum),
    ("@avg", Kind::Average),
    ("@links", Kind::Links),
    ("@type", Kind::Type),
    ("@keys", Kind::KeysOrValues),
    ("@values", Kind::KeysOrValues),
];

const OPERATORS: &[(&str, Kind)] = &[
    ("[c]", Kind::Case),
    ("==", Kind::Equal),
    ("=<", Kind::LessEqual),
    ("=>", Kind::GreaterEqual),
    ("!=", Kind::NotEqual),
    ("<>", Kind::NotEqual),
    ("<=", Kind::LessEqual),
    (">=", Kind::GreaterEqual),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("=", Kind::Equal),
    ("<", Kind::Less),
    (">", Kind::Greater),
    ("!", Kind::Not),
];

impl<'t> Lexer<'t> {
    pub(crate) fn new(query: &'t str) -> Self {
        Self { query, position: 0 }
    }

    /// The next token, or a syntax error that names the byte no token begins with.
    pub(crate) fn next(&mut self) -> Result<Token<'t>> {
        let rest = self.query.get(self.position..).unwrap_or("");
        let rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.position = self.query.len() - rest.len();
        if rest.is_empty() {
            return Ok(Token {
                kind: Kind::End,
                text: "",
            });
        }
        match scan(rest) {
            Some((kind, length)) => {
                self.position += length;
                Ok(Token {
                    kind,
                    text: rest.get(..length).unwrap_or(""),
                })
            }
            None => Err(self.invalid_character(rest)),
        }
    }

    fn invalid_character(&self, rest: &str) -> QueryError {
        let character = rest.chars().next().unwrap_or_default();
        self.error(&format!("invalid character: {character}"))
    }

    /// A syntax error in the original's words.
    pub(crate) fn error(&self, detail: &str) -> QueryError {
        QueryError::Syntax(format!("Invalid predicate: '{}': {detail}", self.query))
    }
}

/// The longest token at the beginning of a text that is not empty and does not begin with white space.
fn scan(rest: &str) -> Option<(Kind, usize)> {
    let bytes = rest.as_bytes();
    let first = *bytes.first()?;
    if is_identifier_start(first) {
        return Some(scan_word(rest));
    }
    if let Some(found) = scan_number(bytes) {
        return Some(found);
    }
    match first {
        b'"' | b'\'' => scan_string(bytes).map(|length| (Kind::String, length)),
        b'@' => prefix(rest, AT_WORDS),
        _ => prefix(rest, OPERATORS).or_else(|| {
            b"+-*/[],(){}."
                .contains(&first)
                .then_some((Kind::Punctuation(first), 1))
        }),
    }
}

fn prefix(rest: &str, table: &[(&str, Kind)]) -> Option<(Kind, usize)> {
    table
        .iter()
        .find(|(text, _)| rest.starts_with(text))
        .map(|(text, kind)| (*kind, text.len()))
}

fn is_identifier_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

fn hex_digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count()
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or(&[])
}

fn byte_at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

/// A token that begins like an identifier: identifier, keyword, or one of the literals with a letter in
/// front.
fn scan_word(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let literal = match byte_at(bytes, 0) {
        b'u' => scan_wrapped(rest, "uuid(", &[8, 4, 4, 4, 12]).map(|length| (Kind::Uuid, length)),
        b'o' => scan_wrapped(rest, "oid(", &[24]).map(|length| (Kind::ObjectId, length)),
        b'B' => scan_base64(rest).map(|length| (Kind::Base64, length)),
        b'T' => scan_pair(bytes, true).map(|length| (Kind::Timestamp, length)),
        b'L' => scan_pair(bytes, false).map(|length| (Kind::TypedLink, length)),
        _ => None,
    };
    if let Some(found) = literal {
        return found;
    }
    let length = identifier_length(bytes);
    let word = rest.get(..length).unwrap_or("");
    (word_kind(word), length)
}

fn identifier_length(bytes: &[u8]) -> usize {
    let mut length = 1;
    loop {
        let byte = byte_at(bytes, length);
        if is_identifier_start(byte) || byte.is_ascii_digit() || byte == b'-' {
            length += 1;
        } else if byte == b'\\' && matches!(byte_at(bytes, length + 1), b' ' | b'n' | b'r' | b't') {
            length += 2;
        } else {
            return length;
        }
    }
}

fn word_kind(word: &str) -> Kind {
    if let Some(number) = word.strip_prefix('$') {
        let (kind, number) = match number.strip_prefix('K') {
            Some(number) => (Kind::KeyPathArgument, number),
            None => (Kind::Argument, number),
        };
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return kind;
        }
    }
    if let Some(number) = word.strip_prefix('O')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Kind::Link;
    }
    if let Some((_, kind)) = ANY_CASE
        .iter()
        .find(|(text, _)| word.eq_ignore_ascii_case(text))
    {
        return *kind;
    }
    let two_cases = TWO_CASES
        .iter()
        .find(|(text, _)| word == *text || (word.eq_ignore_ascii_case(text) && is_upper(word)));
    two_cases.map_or(Kind::Identifier, |(_, kind)| *kind)
}

fn is_upper(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `opening` groups of hex digits joined by `-`, then `)`.
fn scan_wrapped(rest: &str, opening: &str, groups: &[usize]) -> Option<usize> {
    let bytes = rest.strip_prefix(opening)?.as_bytes();
    let mut at = 0;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            if byte_at(bytes, at) != b'-' {
                return None;
            }
            at += 1;
        }
        if hex_digits(tail(bytes, at)) < *group {
            return None;
        }
        at += group;
    }
    (byte_at(bytes, at) == b')').then_some(opening.len() + at + 1)
}

fn scan_base64(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix("B64\"")?.as_bytes();
    let length = body
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'='))
        .count();
    (byte_at(body, length) == b'"').then_some(length + 5)
}

/// A letter, an integer, a colon, an integer.
fn scan_pair(bytes: &[u8], signed: bool) -> Option<usize> {
    let mut at = 1;
    for part in 0..2 {
        if part == 1 {
            if byte_at(bytes, at) != b':' {
                return None;
            }
            at += 1;
        }
        if signed && matches!(byte_at(bytes, at), b'+' | b'-') {
            at += 1;
        }
        let count = digits(tail(bytes, at));
        if count == 0 {
            return None;
        }
        at += count;
    }
    Some(at)
}

/// Length of a string literal, or `None` where a quote is missing or an escape is unknown.
fn scan_string(bytes: &[u8]) -> Option<usize> {
    let quote = byte_at(bytes, 0);
    let mut at = 1;
    loop {
        let byte = *bytes.get(at)?;
        if byte == quote {
            return Some(at + 1);
        }
        if byte == 0 {
            return None;
        }
        if byte != b'\\' {
            at += 1;
            continue;
        }
        match *bytes.get(at + 1)? {
            b'"' | b'\'' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'0' | b'\\' => at += 2,
            b'u' if hex_digits(tail(bytes, at + 2)) >= 4 => at += 6,
            _ => return None,
        }
    }
}

/// Numbers, dates, and infinities and NaN with a sign.
fn scan_number(bytes: &[u8]) -> Option<(Kind, usize)> {
    let signed = matches!(byte_at(bytes, 0), b'+' | b'-');
    let start = usize::from(signed);
    if signed {
        let after = tail(bytes, start);
        for (word, kind) in [
            ("infinity", Kind::Infinity),
            ("inf", Kind::Infinity),
            ("nan", Kind::Nan),
        ] {
            if after
                .get(..word.len())
                .is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
            {
                return Some((kind, start + word.len()));
            }
        }
    } else if let Some(length) = scan_date(bytes) {
        return Some((Kind::Date, length));
    }
    if !signed && byte_at(bytes, 0) == b'0' && matches!(byte_at(bytes, 1), b'x' | b'X') {
        let count = hex_digits(tail(bytes, 2));
        if count > 0 {
            return Some((Kind::Number, 2 + count));
        }
    }
    scan_decimal(bytes, start)
}

fn scan_decimal(bytes: &[u8], start: usize) -> Option<(Kind, usize)> {
    let whole = digits(tail(bytes, start));
    let mut at = start + whole;
    let mut is_float = false;
    if byte_at(bytes, at) == b'.' {
        let fraction = digits(tail(bytes, at + 1));
        if whole > 0 || fraction > 0 {
            at += 1 + fraction;
            is_float = true;
        }
    }
    if whole == 0 && !is_float {
        return None;
    }
    if matches!(byte_at(bytes, at), b'e' | b'E') {
        let sign = usize::from(matches!(byte_at(bytes, at + 1), b'+' | b'-'));
        let exponent = digits(tail(bytes, at + 1 + sign));
        if exponent > 0 {
            at += 1 + sign + exponent;
            is_float = true;
        }
    }
    if byte_at(bytes, at) == b'f' {
        at += 1;
        is_float = true;
    }
    let kind = match (is_float, start) {
        (true, _) => Kind::Float,
        (false, 0) => Kind::Natural,
        (false, _) => Kind::Number,
    };
    Some((kind, at))
}

/// `Y-M-D@h:m:s[:ns]`, or with `T` in place of `@`.
fn scan_date(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (index, separator) in [0, b'-', b'-', b'@', b':', b':'].into_iter().enumerate() {
        if index > 0 {
            let byte = byte_at(bytes, at);
            if byte != separator && !(separator == b'@' && byte == b'T') {
                return None;
            }
            at += 1;
        }
        let count = digits(tail(bytes, at));
        if count == 0 {
            return None;
        }
        at += count;
    }
    let nanoseconds = digits(tail(bytes, at + 1));
    if byte_at(bytes, at) == b':' && nanoseconds > 0 {
        at += 1 + nanoseconds;
    }
    Some(at)
}
