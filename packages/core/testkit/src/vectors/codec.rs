//! Replay of `codec/roundtrip.jsonl` and `codec/malformed.jsonl`.

use std::path::Path;

use serde_json::Value as Json;
use tidemark_changeset::codec::{decode, encode, encode_canonical};
use tidemark_changeset::json::{name_from_json, to_hex};
use tidemark_changeset::{Changeset, Name};

use super::{Outcome, array, hex, instructions, member, named, parse, text};

/// Replays one line of either file.
pub fn replay_line(line: &str, _file: Option<&Path>) -> Result<Outcome, String> {
    let case = parse(line)?;
    let result = if case.get("accepted").is_some() {
        malformed(&case)
    } else {
        roundtrip(&case)
    };
    named(&case, result)
}

fn roundtrip(case: &Json) -> Result<Outcome, String> {
    let strings = array(case, "strings")?;
    let strings: Vec<Name> = strings
        .iter()
        .map(name_from_json)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let expected = Changeset {
        strings,
        instructions: instructions(case)?,
    };
    let decoded = decode(&hex(case, "hex")?).map_err(|error| error.to_string())?;
    if decoded != expected {
        return Err(format!("decoded {decoded:?}, expected {expected:?}"));
    }
    compare(case, "canonicalHex", &encode_canonical(&expected))?;
    compare(case, "inlineHex", &encode(&expected.instructions))?;
    Ok(Outcome::Passed)
}

fn malformed(case: &Json) -> Result<Outcome, String> {
    let accepted = member(case, "accepted")?
        .as_bool()
        .ok_or("accepted is not a boolean")?;
    match (decode(&hex(case, "hex")?), accepted) {
        (Err(_), false) => Ok(Outcome::Passed),
        (Err(error), true) => {
            if names_a_number_out_of_range(text(case, "description")?) {
                Ok(Outcome::Stricter)
            } else {
                Err(format!("rejected: {error}"))
            }
        }
        (Ok(decoded), false) => Err(format!("accepted as {:?}", decoded.instructions)),
        (Ok(decoded), true) => {
            let expected = instructions(case)?;
            if decoded.instructions != expected {
                return Err(format!(
                    "decoded {:?}, expected {expected:?}",
                    decoded.instructions
                ));
            }
            compare(case, "canonicalHex", &encode_canonical(&decoded))?;
            Ok(Outcome::Passed)
        }
    }
}

/// Numbers that the original cuts or wraps; a flipped bit never names one.
fn names_a_number_out_of_range(description: &str) -> bool {
    const NUMBERS: [&str; 9] = [
        "opcode",
        "type",
        "boolean",
        "prior_size",
        "path index",
        "timestamp",
        "nanoseconds",
        "decimal",
        "global key",
    ];
    !description.contains("bit flipped")
        && NUMBERS.iter().any(|number| description.contains(number))
}

fn compare(case: &Json, name: &str, bytes: &[u8]) -> Result<(), String> {
    let expected = text(case, name)?;
    let actual = to_hex(bytes);
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{name} {actual}, expected {expected}"))
    }
}
