//! Reading bytes from outside: changesets and the bodies of messages.

use tidemark_changeset::body::{
    BodyLimits, parse_download_body, parse_upload_body, write_download_body, write_upload_body,
};
use tidemark_changeset::codec::{decode, encode, encode_canonical};

/// Reads `input` as everything that bytes from outside can be. What is accepted must come back unchanged from
/// what is written for it.
pub fn codec(input: &[u8]) {
    changeset(input);
    if let Ok(entries) = parse_upload_body(input, BodyLimits::default()) {
        let written = write_upload_body(&entries);
        let again = parse_upload_body(&written, BodyLimits::default());
        assert_eq!(again.as_ref(), Ok(&entries), "an UPLOAD comes back");
        for entry in &entries {
            changeset(entry.changeset);
        }
    }
    if let Ok(entries) = parse_download_body(input, BodyLimits::default()) {
        let written = write_download_body(&entries);
        let again = parse_download_body(&written, BodyLimits::default());
        assert_eq!(again.as_ref(), Ok(&entries), "a DOWNLOAD comes back");
        for entry in &entries {
            changeset(entry.changeset);
        }
    }
}

fn changeset(bytes: &[u8]) {
    let Ok(read) = decode(bytes) else {
        return;
    };
    let canonical = encode_canonical(&read);
    let again = decode(&canonical).expect("what was written can be read");
    // Without instructions nothing is written, not even the strings.
    assert_eq!(again.instructions, read.instructions, "the canonical form");
    assert_eq!(
        encode_canonical(&again),
        canonical,
        "written the same twice"
    );
    let emitted = decode(&encode(&read.instructions)).expect("what was written can be read");
    assert_eq!(emitted.instructions, read.instructions, "the emitted form");
}
