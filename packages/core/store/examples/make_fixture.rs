//! Makes the fixtures of the format that files have now:
//! `cargo run -p tidemark-store --example make_fixture`.
//! Those that are there already are left as they are; their format is history.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "../tests/fixtures/content.rs"]
mod content;

use content::{KINDS, write_file};
use tidemark_store::CLIENT_FORMAT;

fn main() {
    // A number stands for an earlier format, which this build can write as it was.
    let asked = std::env::args().nth(1);
    let version = asked.map_or(CLIENT_FORMAT.version, |text| text.parse().unwrap());
    for kind in KINDS {
        let path = kind.path(version);
        if path.exists() {
            println!("{} is there already", path.display());
            continue;
        }
        let name = format!("tidemark-fixture-{}", std::process::id());
        let scratch = std::env::temp_dir().join(name);
        write_file(&scratch, kind, version);
        let bytes = std::fs::read(&scratch).unwrap();
        std::fs::remove_file(&scratch).unwrap();
        let deflated = miniz_oxide::deflate::compress_to_vec(&bytes, 10);
        std::fs::write(&path, &deflated).unwrap();
        println!(
            "{}: {} of {} bytes",
            path.display(),
            deflated.len(),
            bytes.len()
        );
    }
}
