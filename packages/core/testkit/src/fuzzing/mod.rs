//! What the fuzz targets of `packages/core/fuzz` check, as plain functions of bytes: they panic where
//! something is wrong and return where the input is merely refused. Regression inputs are replayed by
//! `tests/fuzz_regressions.rs` without a fuzzer.
//!
//! * [`codec`]: any bytes are read or refused, and what was read is written back to the same;
//! * [`merge`]: any decoded changesets are merged or refused, by both sets of rules;
//! * [`apply`]: any decoded changesets are applied or refused by the model in memory and by the store alike,
//!   and what was refused leaves nothing behind.

mod apply;
mod codec;
mod merge;

pub use apply::apply;
pub use codec::codec;
pub use merge::merge;

use tidemark_changeset::Instruction;

/// More instructions than this in one changeset only make a fuzzer slow.
const INSTRUCTIONS_MAX: usize = 256;

/// Changesets in one input at most.
const SECTIONS_MAX: usize = 8;

/// A part of an input: a byte of the harness's own and the bytes of a changeset.
struct Section<'a> {
    head: u8,
    bytes: &'a [u8],
}

/// Splits an input into sections: a head, a length of two bytes (little-endian, cut to what is there), and so
/// many bytes.
fn sections(input: &[u8]) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut rest = input;
    while sections.len() < SECTIONS_MAX
        && let [head, low, high, after @ ..] = rest
    {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (bytes, later) = after.split_at(length);
        sections.push(Section { head: *head, bytes });
        rest = later;
    }
    sections
}

/// Writes an input that [`sections`] reads, for seeds.
pub fn write_section(to: &mut Vec<u8>, head: u8, changeset: &[u8]) {
    let length = u16::try_from(changeset.len()).unwrap_or(u16::MAX);
    to.push(head);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(changeset.get(..usize::from(length)).unwrap_or(changeset));
}

/// The instructions of a section, if it is a changeset of a bearable length.
fn decoded(bytes: &[u8]) -> Option<Vec<Instruction>> {
    let changeset = tidemark_changeset::codec::decode(bytes).ok()?;
    (changeset.instructions.len() <= INSTRUCTIONS_MAX).then_some(changeset.instructions)
}
