//! The JSON forms of values and instructions that the golden vectors use
//! (`packages/conformance/vectors`).
//!
//! 64-bit integers are strings, indices and sizes numbers, bytes lower-case hex. Floats are written
//! as the shortest text that reads back to the same bits; what is not finite is written by its
//! bits.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::{
    instruction_from_json, key_from_json, name_from_json, payload_from_json, value_from_json,
};
pub use write::{
    collection_name, column_type_name, instruction_to_json, key_to_json, key_type_name,
    name_to_json, payload_to_json, value_to_json,
};

/// JSON that is not of the form it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} expected, found {found}")]
pub struct JsonError {
    /// What should have been there.
    pub expected: &'static str,
    /// What was there, cut short.
    pub found: String,
}

/// Lower-case hex of bytes.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit =
        |nibble: u8| char::from_digit(u32::from(nibble), 16).expect("a nibble is one hex digit");
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes of hex text, or `None` if it is none.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?))
        .collect()
}
