//! Makes the fixture of the format that ledgers have now:
//! `cargo run -p tidemark-ledger --example make_fixture`.
//! One that is there already is left as it is; its format is history.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/fixtures/content.rs"]
mod content;

use libdeflater::{CompressionLvl, Compressor};

fn main() {
    let path = content::path(content::format().version);
    if path.exists() {
        println!("{} is there already", path.display());
        return;
    }
    let name = format!("tidemark-ledger-fixture-{}", std::process::id());
    let scratch = std::env::temp_dir().join(name);
    content::write_file(&scratch);
    let bytes = std::fs::read(&scratch).unwrap();
    std::fs::remove_file(&scratch).unwrap();
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut deflated = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(&bytes, &mut deflated).unwrap();
    // The length of what is inside comes first: whoever inflates it has to know.
    let size = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    std::fs::write(&path, [&size, &deflated[..length]].concat()).unwrap();
    println!("{}: {length} of {} bytes", path.display(), bytes.len());
}
