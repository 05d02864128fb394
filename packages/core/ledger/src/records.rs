//! Compensating writes as the client is told of them (error 231).

use std::fmt::Write as _;

use tidemark_changeset::{Name, PrimaryKey};

use crate::rows::Rejection;
use crate::schema_versions::shown;

/// One 231: what was rejected of one changeset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compensation {
    /// The version at which the client is given the state it should have.
    pub server_version: u64,
    /// The client's version of the changeset.
    pub rejected_client_version: u64,
    /// The objects.
    pub rejected_updates: Vec<RejectedUpdate>,
}

/// One object in a 231.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedUpdate {
    /// Its class.
    pub table: String,
    /// Its primary key as the changeset encoding writes it (strings inline), in base64.
    pub primary_key: String,
    /// Why.
    pub reason: String,
}

impl RejectedUpdate {
    /// A rejected write to an object.
    pub fn new(class: &Name, key: &PrimaryKey, rejection: Rejection) -> Self {
        let class = shown(class);
        let view = match rejection {
            Rejection::OutsideView => "; object is outside of the current query view",
            Rejection::Forbidden => "",
        };
        let reason = format!(
            "write to {} in table \"{class}\" not allowed{view}",
            describe(key)
        );
        Self {
            table: class.to_string(),
            primary_key: base64(&encode_key(key)),
            reason,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A key as the original's texts show it.
fn describe(key: &PrimaryKey) -> String {
    match key {
        PrimaryKey::Null => "null".to_owned(),
        PrimaryKey::Int(value) => value.to_string(),
        PrimaryKey::String(text) => format!("\"{text}\""),
        PrimaryKey::ObjectId(id) => format!("ObjectID(\"{}\")", hex(&id.0)),
        PrimaryKey::GlobalKey(high, low) => format!("{{{high:04x}-{low:04x}}}"),
        PrimaryKey::Uuid(id) => {
            let text = hex(&id.0);
            let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
            let parts = [
                part(0..8),
                part(8..12),
                part(12..16),
                part(16..20),
                part(20..32),
            ];
            format!("UUID({})", parts.join("-"))
        }
    }
}

/// The varint of the changeset encoding: seven bits a byte, six and the sign in the last.
fn put_varint(out: &mut Vec<u8>, value: i64) {
    let negative = value < 0;
    let mut rest = if negative { !value } else { value }.cast_unsigned();
    while rest >= 0x40 {
        out.push(0x80 | (rest.to_le_bytes()[0] & 0x7f));
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0] | if negative { 0x40 } else { 0 });
}

fn encode_key(key: &PrimaryKey) -> Vec<u8> {
    let mut out = Vec::new();
    match key {
        PrimaryKey::Null => put_varint(&mut out, 0),
        PrimaryKey::Int(value) => {
            put_varint(&mut out, 1);
            put_varint(&mut out, *value);
        }
        PrimaryKey::String(text) => {
            put_varint(&mut out, 3);
            put_varint(&mut out, i64::try_from(text.len()).unwrap_or(i64::MAX));
            out.extend_from_slice(text.as_bytes());
        }
        PrimaryKey::GlobalKey(high, low) => {
            put_varint(&mut out, -1);
            put_varint(&mut out, high.cast_signed());
            put_varint(&mut out, low.cast_signed());
        }
        PrimaryKey::ObjectId(id) => {
            put_varint(&mut out, 10);
            out.extend_from_slice(&id.0);
        }
        PrimaryKey::Uuid(id) => {
            put_varint(&mut out, 11);
            out.extend_from_slice(&id.0);
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            let known = digit <= chunk.len();
            text.push(if known {
                char::from(DIGITS[value as usize])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::{ObjectId, Uuid};

    #[test]
    fn keys_are_written_as_the_original_does() {
        let id = ObjectId([0x65, 0x2e, 0x3f, 0x1a, 0x9b, 0x1e, 0x8c, 0, 1, 2, 3, 4]);
        let update = RejectedUpdate::new(
            &"Item".into(),
            &PrimaryKey::ObjectId(id),
            Rejection::OutsideView,
        );
        assert_eq!(update.primary_key, "CmUuPxqbHowAAQIDBA==");
        assert_eq!(
            update.reason,
            "write to ObjectID(\"652e3f1a9b1e8c0001020304\") in table \"Item\" not allowed; \
             object is outside of the current query view"
        );
        let reason = |key| RejectedUpdate::new(&"T".into(), &key, Rejection::Forbidden).reason;
        assert_eq!(
            reason(PrimaryKey::Int(123_456)),
            "write to 123456 in table \"T\" not allowed"
        );
        assert_eq!(
            reason(PrimaryKey::String("short".into())),
            "write to \"short\" in table \"T\" not allowed"
        );
        let uuid = [
            1, 0x23, 0x45, 0x67, 0x9a, 0xbc, 0x4d, 0xef, 0x90, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc,
            0xde,
        ];
        assert_eq!(
            reason(PrimaryKey::Uuid(Uuid(uuid))),
            "write to UUID(01234567-9abc-4def-9012-3456789abcde) in table \"T\" not allowed"
        );
    }

    #[test]
    fn varints_and_base64() {
        let encoded = |value| encode_key(&PrimaryKey::Int(value));
        assert_eq!(encoded(-1), [1, 0x40]);
        assert_eq!(encoded(300), [1, 0xac, 2]);
        assert_eq!(encoded(64), [1, 0xc0, 0]);
        assert_eq!(
            encode_key(&PrimaryKey::String("ab".into())),
            [3, 2, b'a', b'b']
        );
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"abc"), "YWJj");
    }
}
