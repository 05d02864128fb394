//! Properties of the codec and the model over random instructions.

use proptest::collection::vec;
use proptest::prelude::*;
use tidemark_changeset::body::{BodyLimits, parse_download_body, parse_upload_body};
use tidemark_changeset::codec::{decode, encode, encode_canonical};
use tidemark_changeset::json::{instruction_from_json, instruction_to_json};
use tidemark_changeset::{Changeset, Instruction, packed};
use tidemark_model::memory::Database;
use tidemark_model::{Document, image};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::generators::{arbitrary_instruction, fitting_instruction, schema};

fn arbitrary(seed: u64, count: usize) -> Vec<Instruction> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|_| arbitrary_instruction(&mut dice))
        .collect()
}

/// A database after `steps` random instructions, and how many of them applied.
fn grown(seed: u64, steps: usize) -> (Database, usize) {
    let mut dice = Dice::new(seed);
    let mut database = Database::new();
    database.apply(&schema()).expect("a legal schema");
    let mut applied = 0;
    for _ in 0..steps {
        let instruction = fitting_instruction(&mut dice, &database);
        let mut before = database.clone();
        if database.apply(std::slice::from_ref(&instruction)).is_ok() {
            applied += 1;
        } else {
            before.fill();
            database.fill();
            assert_eq!(
                before, database,
                "{instruction:?} failed and yet changed something"
            );
        }
    }
    (database, applied)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoding_what_was_encoded_gives_the_same(seed: u64, count in 0_usize..40) {
        let instructions = arbitrary(seed, count);
        let inline = decode(&encode(&instructions)).expect("legal");
        prop_assert_eq!(&inline.instructions, &instructions);
        let canonical = encode_canonical(&inline);
        prop_assert_eq!(encode_canonical(&decode(&canonical).expect("legal")), canonical.clone());
        let expected = if count == 0 { Changeset::default() } else { inline };
        prop_assert_eq!(decode(&canonical).expect("legal"), expected);
    }

    #[test]
    fn json_gives_the_same_back(seed: u64) {
        for instruction in arbitrary(seed, 5) {
            let json = instruction_to_json(&instruction);
            prop_assert_eq!(instruction_from_json(&json).expect("well-formed"), instruction);
        }
    }

    #[test]
    fn decoders_never_panic_on_random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = packed::read_all(&bytes);
        let _ = packed::read_payload(&bytes);
        let _ = Document::from_row(&bytes);
        let _ = parse_upload_body(&bytes, BodyLimits::default());
        let _ = parse_download_body(&bytes, BodyLimits::default());
    }

    #[test]
    fn decoding_damaged_bytes_never_panics(seed: u64, damage in vec((any::<usize>(), any::<u8>()), 1..5)) {
        let mut bytes = encode(&arbitrary(seed, 10));
        for (place, byte) in damage {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(changeset) = decode(&bytes) {
            // What was accepted is legal: it survives its own round trip.
            let again = decode(&encode(&changeset.instructions)).expect("legal");
            prop_assert_eq!(again.instructions, changeset.instructions);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_image_rebuilds_its_document(seed: u64) {
        let (database, _) = grown(seed, 150);
        let mut rebuilt = Database { schema: database.schema.clone(), ..Database::new() };
        for (class, objects) in &database.objects {
            let class = database.schema.class(class).expect("it has objects");
            for (key, document) in objects {
                let image = image(&database.schema, class, key, document);
                rebuilt.apply(&image).expect("an image applies to nothing");
            }
        }
        let mut database = database;
        database.fill();
        rebuilt.fill();
        prop_assert_eq!(rebuilt, database);
    }

    #[test]
    fn rows_give_their_documents_back(seed: u64, damage in vec((any::<usize>(), any::<u8>()), 1..5)) {
        let (database, _) = grown(seed, 100);
        for document in database.objects.values().flat_map(|objects| objects.values()) {
            let mut row = document.to_row();
            prop_assert_eq!(&Document::from_row(&row).expect("whole"), document);
            for (place, byte) in &damage {
                let place = place % row.len();
                row[place] = *byte;
            }
            let _ = Document::from_row(&row);
        }
    }

    #[test]
    fn applying_arbitrary_instructions_never_panics(seed: u64) {
        let (mut database, _) = grown(seed, 20);
        for instruction in arbitrary(seed, 100) {
            let _ = database.apply(&[instruction]);
        }
    }
}

#[test]
fn most_generated_instructions_apply() {
    let applied: usize = (0..20).map(|seed| grown(seed, 100).1).sum();
    assert!(applied > 1500, "only {applied} of 2000");
}
