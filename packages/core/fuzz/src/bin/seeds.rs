//! Writes the recorded vectors as first inputs for the fuzzers: `cargo run --bin seeds`.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use tidemark_testkit::fuzzing::write_section;
use tidemark_testkit::vectors;

fn hex(row: &Json) -> Option<Vec<u8>> {
    bytes(row.get("hex")?)
}

fn bytes(hex: &Json) -> Option<Vec<u8>> {
    let hex = hex.as_str()?;
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn rows<'a>(from: &'a Json, path: &str) -> impl Iterator<Item = &'a Json> {
    from.pointer(path)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}

fn small(row: &Json, name: &str) -> u8 {
    let text = row.get(name).and_then(Json::as_str).unwrap_or_default();
    text.parse::<u64>().map_or(0, |number| (number % 128) as u8)
}

/// The inputs that one line gives, by target.
fn seeds(case: &Json) -> Vec<(&'static str, Vec<u8>)> {
    let mut found: Vec<(&'static str, Vec<u8>)> = Vec::new();
    found.extend(hex(case).map(|bytes| ("codec", bytes)));
    let (mut merge, mut apply) = (Vec::new(), Vec::new());
    if let Some(base) = case.get("base").and_then(bytes) {
        write_section(&mut apply, 0, &base);
    }
    for (side, path) in [(0, "/input/ours"), (1, "/input/theirs")] {
        for row in rows(case, path) {
            let Some(changeset) = hex(row) else { continue };
            write_section(
                &mut merge,
                (small(row, "timestamp") << 1) | side,
                &changeset,
            );
            write_section(&mut apply, 0, &changeset);
        }
    }
    for path in ["/input/setup", "/input/changesets"] {
        for changeset in rows(case, path).filter_map(hex) {
            write_section(&mut apply, 0, &changeset);
        }
    }
    found.extend((!merge.is_empty()).then_some(("merge", merge)));
    found.extend((!apply.is_empty()).then_some(("apply", apply)));
    found
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = [
        "codec/roundtrip",
        "codec/malformed",
        "merge/merge",
        "apply/apply",
    ];
    for (number, file) in files.iter().enumerate() {
        let text = fs::read_to_string(vectors::directory().join(file).with_extension("jsonl"))?;
        for (line, text) in text.lines().enumerate() {
            for (target, seed) in seeds(&vectors::parse(text)?) {
                let folder = corpus.join(target);
                fs::create_dir_all(&folder)?;
                fs::write(folder.join(format!("vector-{number}-{line}")), seed)?;
            }
        }
    }
    Ok(())
}
