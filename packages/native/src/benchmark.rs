//! The codec's work repeated inside the core, for the benchmarks of this repository. JavaScript measures:
//! nothing here knows a clock. Each function answers the number of bytes that it read or wrote in all
//! rounds.

use std::hint::black_box;

use napi_derive::napi;
use tidemark_changeset::codec;

use crate::failure::{Code, Result};

fn refused(error: &codec::DecodeError) -> napi::Error<Code> {
    napi::Error::new(Code("bad-changeset"), error.to_string())
}

/// Sums of a benchmark stay far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn number_of(bytes: usize) -> f64 {
    bytes as f64
}

/// Reads a changeset `rounds` times over: bytes to instructions.
#[napi(catch_unwind)]
pub fn decode_repeatedly(changeset: &[u8], rounds: u32) -> Result<f64> {
    for _ in 0..rounds {
        black_box(codec::decode(black_box(changeset)).map_err(|error| refused(&error))?);
    }
    Ok(number_of(changeset.len() * rounds as usize))
}

/// Writes the instructions of a changeset `rounds` times over, as a client emits them.
#[napi(catch_unwind)]
pub fn encode_repeatedly(changeset: &[u8], rounds: u32) -> Result<f64> {
    let decoded = codec::decode(changeset).map_err(|error| refused(&error))?;
    let written =
        (0..rounds).map(|_| black_box(codec::encode(black_box(&decoded.instructions))).len());
    Ok(number_of(written.sum()))
}

/// Copies bytes `rounds` times over: what the two above are compared with.
#[napi(catch_unwind)]
pub fn copy_repeatedly(changeset: &[u8], rounds: u32) -> f64 {
    let mut copy = vec![0; changeset.len()];
    for _ in 0..rounds {
        black_box(&mut copy).copy_from_slice(black_box(changeset));
    }
    number_of(changeset.len() * rounds as usize)
}
