//! Compression of what goes out.

use libdeflater::{CompressionLvl, Compressor};

/// Bodies up to this length go out as they are, as with the original's clients.
pub const DEFLATE_BYTES_MIN: usize = 1024;

/// Bootstraps come out shorter than with the next level, in two thirds of its time.
const LEVEL: i32 = 5;

/// A message's body as one zlib stream; `None` where that is not shorter, or not worth it.
pub fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() <= DEFLATE_BYTES_MIN {
        return None;
    }
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).ok()?);
    // One byte less than the body: a stream that does not fit is not wanted.
    let mut out = vec![0; body.len() - 1];
    let length = compressor.zlib_compress(body, &mut out).ok()?;
    out.truncate(length);
    out.shrink_to_fit();
    Some(out)
}
