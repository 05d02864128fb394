//! What other vectors say about the codec and the model, beyond what they were made for.

use serde_json::Value as Json;
use tidemark_changeset::Instruction;
use tidemark_changeset::codec::{Encoder, decode, encode_canonical};
use tidemark_changeset::json::{from_hex, instruction_to_json};
use tidemark_model::Schema;
use tidemark_model::memory::Database;
use tidemark_testkit::vectors;

fn lines(file: &str) -> Vec<Json> {
    let path = vectors::directory().join(file);
    let text = std::fs::read_to_string(path).expect("the file is there");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn rows<'a>(case: &'a Json, pointer: &str) -> &'a [Json] {
    case.pointer(pointer)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

fn bytes(row: &Json) -> Vec<u8> {
    from_hex(row["hex"].as_str().expect("hex text")).expect("hex")
}

/// The bytes a client would emit, which has all classes of `schema`.
fn emit(schema: &Schema, instructions: &[Instruction]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for instruction in instructions {
        let owner = instruction.target().and_then(|target| schema.owner(target));
        if let Some(owner) = owner.filter(|owner| owner.is_embedded()) {
            encoder.define(&owner.name);
        }
        encoder.push(instruction);
    }
    encoder.finish()
}

#[test]
fn uploads_of_real_clients_encode_to_their_own_bytes() {
    let mut uploads = 0;
    for case in lines("convergence/convergence.jsonl") {
        let mut schema = Schema::default();
        for upload in rows(&case, "/expected/uploads") {
            let changeset = decode(&bytes(upload)).expect("legal");
            for instruction in &changeset.instructions {
                if let Instruction::AddTable { .. } | Instruction::AddColumn { .. } = instruction {
                    schema.apply(instruction).expect("schemas agree");
                }
            }
            assert_eq!(
                emit(&schema, &changeset.instructions),
                bytes(upload),
                "{}",
                case["id"]
            );
            uploads += 1;
        }
    }
    assert!(uploads > 1000, "only {uploads}");
}

#[test]
fn transformed_changesets_encode_to_their_own_bytes() {
    let mut changesets = 0;
    for case in lines("merge/merge.jsonl") {
        for row in rows(&case, "/expected/theirs") {
            let changeset = decode(&bytes(row)).expect("legal");
            assert_eq!(encode_canonical(&changeset), bytes(row), "{}", case["id"]);
            let instructions: Json = changeset
                .instructions
                .iter()
                .map(instruction_to_json)
                .collect();
            assert_eq!(instructions, row["instructions"], "{}", case["id"]);
            changesets += 1;
        }
    }
    assert!(changesets > 2000, "only {changesets}");
}

#[test]
fn server_histories_lead_to_the_recorded_states() {
    let mut histories = 0;
    for case in lines("convergence/convergence.jsonl") {
        if case["expected"].get("error").is_some() {
            continue;
        }
        let mut database = Database::new();
        for entry in rows(&case, "/expected/serverHistory") {
            let changeset = decode(&bytes(entry)).expect("legal");
            database
                .apply(&changeset.instructions)
                .unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        }
        let expected = case["expected"]
            .get("state")
            .unwrap_or_else(|| &case["expected"]["states"]["1"]);
        let compared = vectors::apply::compare_states(&database, expected);
        compared.unwrap_or_else(|difference| panic!("{}: {difference}", case["id"]));
        histories += 1;
    }
    assert!(histories > 250, "only {histories}");
}
