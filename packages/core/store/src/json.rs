//! The JSON of the boundary: reading the few texts that come in, writing the few that go out.
//!
//! Only rare calls carry JSON, so this is a small reader and writer rather than a dependency that would
//! weigh on the browser's module. Numbers are kept as text until somebody asks for a type, so that 64-bit
//! ones stay exact.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Deepest nesting that is read.
const DEPTH_MAX: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, by its text.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; of repeated names the last counts.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a text that is one JSON value.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { rest: text };
        let value = parser.value(0)?;
        parser.space();
        parser.rest.is_empty().then_some(value)
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// A whole number, written as a number or (beyond 2^53) as a string.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) | Self::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A whole number with a sign.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(text) | Self::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, token: &str) -> Option<()> {
        self.space();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.space();
        match self.rest.as_bytes().first()? {
            b'n' => self.eat("null").map(|()| Json::Null),
            b't' => self.eat("true").map(|()| Json::Bool(true)),
            b'f' => self.eat("false").map(|()| Json::Bool(false)),
            b'"' => self.string().map(Json::String),
            b'[' => self.array(depth),
            b'{' => self.object(depth),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Json> {
        let end = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        text.parse::<f64>().ok()?;
        self.rest = rest;
        Some(Json::Number(text.to_owned()))
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.eat("[")?;
        let mut elements = Vec::new();
        if self.eat("]").is_some() {
            return Some(Json::Array(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.eat("]").is_some() {
                return Some(Json::Array(elements));
            }
            self.eat(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.eat("{")?;
        let mut members = BTreeMap::new();
        if self.eat("}").is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.eat(":")?;
            members.insert(name, self.value(depth + 1)?);
            if self.eat("}").is_some() {
                return Some(Json::Object(members));
            }
            self.eat(",")?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let end = self.rest.find(['"', '\\'])?;
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            if let Some(rest) = rest.strip_prefix('"') {
                self.rest = rest;
                return Some(text);
            }
            let mut letters = rest.get(1..)?.chars();
            let letter = letters.next()?;
            self.rest = letters.as_str();
            text.push(match letter {
                '"' | '\\' | '/' => letter,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.escaped()?,
                _ => return None,
            });
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            // A lone half of a pair stands for no character.
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.rest = self.rest.strip_prefix("\\u")?;
        let second = self.four_digits()?.checked_sub(0xdc00)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        self.rest = self.rest.get(4..)?;
        Some(number)
    }
}

/// Appends a string with its quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter if letter < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// Appends elements between brackets, with commas.
pub fn write_array<T>(
    out: &mut String,
    elements: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, element);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let mut text = String::new();
        write_string(&mut text, "a\"\\\n\u{1}ü");
        assert_eq!(
            Json::parse(&text),
            Some(Json::String("a\"\\\n\u{1}ü".to_owned()))
        );
        assert_eq!(
            Json::parse("\"\\u00fc\\ud83d\\ude00\\/\""),
            Some(Json::String("ü😀/".to_owned()))
        );
    }

    #[test]
    fn keeps_large_numbers() {
        let value = Json::parse(r#" { "a" : [18446744073709551615, "7", -1.5e3, true, null] } "#);
        let value = value.expect("this is JSON");
        let elements = value.get("a").and_then(Json::as_array).expect("an array");
        assert_eq!(elements[0].as_u64(), Some(u64::MAX));
        assert_eq!(elements[1].as_u64(), Some(7));
        assert_eq!(elements[2].as_f64(), Some(-1500.0));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "\"\\x\"",
            "tru",
            "1 2",
            "\"\\ud800x\"",
        ] {
            assert_eq!(Json::parse(text), None, "{text}");
        }
        assert_eq!(Json::parse(&"[".repeat(100_000)), None);
    }
}
