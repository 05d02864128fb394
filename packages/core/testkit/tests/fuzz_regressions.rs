//! Inputs that a fuzzer once broke something with, and small ones of every shape.

use std::fs;
use std::path::Path;

use tidemark_testkit::fuzzing::{apply, codec, merge};

fn replay(target: &str, check: impl Fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz_regressions")
        .join(target);
    let files = fs::read_dir(folder).expect("the folder is there");
    let inputs: Vec<_> = files
        .map(|file| fs::read(file.expect("it can be listed").path()).expect("it can be read"))
        .collect();
    for input in &inputs {
        check(input);
    }
    inputs.len()
}

#[test]
fn inputs_of_the_past_do_no_harm() {
    let counts = [
        replay("codec", codec),
        replay("merge", merge),
        replay("apply", apply),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}
