#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidemark_testkit::fuzzing::merge(input));
