//! Encryption at rest: a device whose blocks are sealed before they reach the file.
//!
//! How the file is laid out, and why so, is in `docs/decisions/0020-encryption-at-rest.md`. In short: a
//! prelude that is written once, two places that the head of the database is written to in turn, then the
//! pages of redb, each sealed by itself with a nonce that is never used again.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Key, Tag, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use redb::StorageBackend;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::PAGE_BYTES;
use crate::{Result, StorageError};

/// Length of the key that an application gives.
pub const KEY_BYTES: usize = 64;

/// Length of the random bytes that every opening takes.
pub const SEED_BYTES: usize = 32;

/// First bytes of an encrypted file.
pub(super) const MAGIC: [u8; 16] = *b"tidemark-sealed\n";

const VERSION: u32 = 1;
const SALT_BYTES: usize = 16;
const CHECK_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const PREFIX_BYTES: usize = 16;

/// The prelude: magic, version, salt, check of the key. Smaller than a sector, so that it is whole or absent.
const PRELUDE_BYTES: usize = MAGIC.len() + 4 + SALT_BYTES + CHECK_BYTES;
/// Most that the head of the database takes; redb's has 320 bytes.
const HEAD_BYTES_MAX: usize = 400;
/// Sequence number, length, head.
const SLOT_PLAIN_BYTES: usize = 8 + 2 + HEAD_BYTES_MAX;
const SLOT_BYTES: usize = NONCE_BYTES + SLOT_PLAIN_BYTES + TAG_BYTES;
/// Where the two slots are: in pages of their own, so that no write of one can touch the other.
const SLOT_OFFSETS: [u64; 2] = [PAGE_BYTES, 2 * PAGE_BYTES];
/// Where the sealed pages begin.
pub(super) const PAGES_OFFSET: u64 = 3 * PAGE_BYTES;
/// A page on the disk.
const BLOCK_BYTES: u64 = PAGE_BYTES + (NONCE_BYTES + TAG_BYTES) as u64;

/// What an opening of an encrypted file needs.
pub struct Encryption {
    key: Zeroizing<[u8; KEY_BYTES]>,
    seed: [u8; SEED_BYTES],
}

impl Encryption {
    /// Takes the application's key, and random bytes that were never used before: nonces of this opening are
    /// made of them, and the salt of a file that it creates.
    pub fn new(key: &[u8], seed: &[u8]) -> Result<Self> {
        let length = key.len();
        Ok(Self {
            key: Zeroizing::new(
                key.try_into()
                    .map_err(|_| StorageError::InvalidKey(length))?,
            ),
            seed: seed
                .try_into()
                .map_err(|_| StorageError::Device("there is no randomness".to_owned()))?,
        })
    }

    pub(super) fn is_of(&self, key: &[u8]) -> bool {
        self.key[..] == *key
    }

    fn nonce_prefix(&self) -> [u8; PREFIX_BYTES] {
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(&self.seed[..PREFIX_BYTES]);
        prefix
    }

    fn new_salt(&self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&self.seed[PREFIX_BYTES..]);
        salt
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Encryption")
    }
}

/// Keys of one file, made of the application's key and the file's salt.
struct FileKeys {
    cipher: XChaCha20Poly1305,
    check: [u8; CHECK_BYTES],
}

impl FileKeys {
    fn new(encryption: &Encryption, salt: &[u8]) -> io::Result<Self> {
        let derivation = Hkdf::<Sha256>::new(Some(salt), &encryption.key[..]);
        let mut key = Zeroizing::new([0; 32]);
        let mut check = [0; CHECK_BYTES];
        derivation
            .expand(b"tidemark file 1: blocks", &mut key[..])
            .and_then(|()| derivation.expand(b"tidemark file 1: check", &mut check))
            .map_err(|_| io::Error::other("the key cannot be derived"))?;
        Ok(Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
            check,
        })
    }
}

/// The head of the database and where it is.
#[derive(Default)]
struct Head {
    /// Empty before the first write.
    bytes: Vec<u8>,
    sequence: u64,
    /// The slot that was written last.
    slot: usize,
    /// Whether that was after the last sync: then the other slot is the one that a crash falls back to.
    is_pending: bool,
}

/// A device that seals what it is given.
pub(super) struct Sealed {
    inner: Arc<dyn StorageBackend>,
    keys: FileKeys,
    nonce_prefix: [u8; PREFIX_BYTES],
    nonces_used: AtomicU64,
    head: Mutex<Head>,
    /// Whether a page that cannot be opened is read as zeros.
    is_lenient: AtomicBool,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed")
    }
}

impl Sealed {
    /// Makes an empty file an encrypted one.
    pub fn create(inner: Arc<dyn StorageBackend>, encryption: &Encryption) -> Result<Self> {
        let salt = encryption.new_salt();
        let keys = FileKeys::new(encryption, &salt)?;
        let mut prelude = Vec::with_capacity(PRELUDE_BYTES);
        prelude.extend_from_slice(&MAGIC);
        prelude.extend_from_slice(&VERSION.to_le_bytes());
        prelude.extend_from_slice(&salt);
        prelude.extend_from_slice(&keys.check);
        inner.set_len(PAGE_BYTES)?;
        inner.write(0, &prelude)?;
        inner.sync_data()?;
        Ok(Self::new(inner, keys, encryption, Head::default()))
    }

    /// Takes over an encrypted file. Changes nothing in it.
    pub fn open(inner: Arc<dyn StorageBackend>, encryption: &Encryption) -> Result<Self> {
        let mut prelude = [0; PRELUDE_BYTES];
        let length = inner.len()?;
        if length < PRELUDE_BYTES as u64 {
            return Err(StorageError::Damaged("the file is cut off".to_owned()));
        }
        inner.read(0, &mut prelude)?;
        let (version, rest) = prelude[MAGIC.len()..].split_at(4);
        let found = u32::from_le_bytes(version.try_into().unwrap_or_default());
        if found != VERSION {
            return Err(StorageError::NewerFormat {
                found,
                supported: VERSION,
            });
        }
        let (salt, check) = rest.split_at(SALT_BYTES);
        let keys = FileKeys::new(encryption, salt)?;
        if check != keys.check {
            return Err(StorageError::WrongKey);
        }
        let sealed = Self::new(inner, keys, encryption, Head::default());
        let head = sealed.read_head(length)?;
        *sealed.head() = head;
        Ok(sealed)
    }

    fn new(
        inner: Arc<dyn StorageBackend>,
        keys: FileKeys,
        encryption: &Encryption,
        head: Head,
    ) -> Self {
        Self {
            inner,
            keys,
            nonce_prefix: encryption.nonce_prefix(),
            nonces_used: AtomicU64::new(0),
            head: Mutex::new(head),
            is_lenient: AtomicBool::new(false),
        }
    }

    fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what becomes of pages that cannot be opened. A crash leaves such pages where nothing durable
    /// was, and redb looks at them to find that out: it has to be shown pages whose checksum is wrong.
    pub fn be_lenient(&self, is_lenient: bool) {
        self.is_lenient.store(is_lenient, Ordering::Release);
    }

    /// The newer one of the two slots that can be opened.
    fn read_head(&self, length: u64) -> Result<Head> {
        let mut newest = Head::default();
        for (slot, offset) in SLOT_OFFSETS.into_iter().enumerate() {
            if length < offset + SLOT_BYTES as u64 {
                continue;
            }
            let mut bytes = [0; SLOT_BYTES];
            self.inner.read(offset, &mut bytes)?;
            let Ok(plain) = self.unseal(offset, &mut bytes) else {
                continue;
            };
            let (sequence, rest) = plain.split_at(8);
            let sequence = u64::from_le_bytes(sequence.try_into().unwrap_or_default());
            let (size, head) = rest.split_at(2);
            let size = u16::from_le_bytes(size.try_into().unwrap_or_default());
            if sequence > newest.sequence {
                newest = Head {
                    bytes: head.get(..size.into()).unwrap_or_default().to_vec(),
                    sequence,
                    slot,
                    is_pending: false,
                };
            }
        }
        Ok(newest)
    }

    /// A nonce that was never used: random for the opening, counted within it.
    fn nonce(&self) -> XNonce {
        let count = self.nonces_used.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; NONCE_BYTES];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.nonce_prefix);
        nonce[PREFIX_BYTES..].copy_from_slice(&count.to_le_bytes());
        XNonce::from(nonce)
    }

    /// Nonce, sealed bytes, tag; bound to the place in the file.
    fn seal(&self, place: u64, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let nonce = self.nonce();
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plain);
        let tag = self
            .keys
            .cipher
            .encrypt_inout_detached(&nonce, &place.to_le_bytes(), (&mut out[start..]).into())
            .map_err(|_| io::Error::other("sealing failed"))?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Opens in place what `seal` made.
    fn unseal<'a>(&self, place: u64, sealed: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let failure = || {
            let text = format!("what is stored at {place} was altered or is torn");
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let (nonce, rest) = sealed
            .split_first_chunk_mut::<NONCE_BYTES>()
            .ok_or_else(failure)?;
        let (plain, tag) = rest
            .split_last_chunk_mut::<TAG_BYTES>()
            .ok_or_else(failure)?;
        let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
        self.keys
            .cipher
            .decrypt_inout_detached(&nonce, &place.to_le_bytes(), (&mut *plain).into(), &tag)
            .map_err(|_| failure())?;
        Ok(plain)
    }

    fn read_pages(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (page, count) = pages_of(offset, out.len())?;
        let mut blocks = vec![0; count * BLOCK_SIZE];
        let first = block_offset(page);
        self.inner.read(first, &mut blocks)?;
        let places = (0u64..).map(|index| first + index * BLOCK_BYTES);
        let pairs = blocks.chunks_mut(BLOCK_SIZE).zip(out.chunks_mut(PAGE_SIZE));
        for (place, (block, page)) in places.zip(pairs) {
            match self.unseal(place, block) {
                Ok(plain) => page.copy_from_slice(plain),
                Err(_) if self.is_lenient.load(Ordering::Acquire) => page.fill(0),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_pages(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (page, count) = pages_of(offset, data.len())?;
        let mut blocks = Vec::with_capacity(count * BLOCK_SIZE);
        let first = block_offset(page);
        for (index, plain) in (0u64..).zip(data.chunks(PAGE_SIZE)) {
            self.seal(first + index * BLOCK_BYTES, plain, &mut blocks)?;
        }
        self.inner.write(first, &blocks)
    }

    /// Writes the head to the slot that no crash may fall back to.
    fn write_head(&self, data: &[u8]) -> io::Result<()> {
        let mut head = self.head();
        let slot = if head.is_pending {
            head.slot
        } else {
            1 - head.slot
        };
        let sequence = head.sequence + 1;
        let length = u16::try_from(data.len()).map_err(io::Error::other)?;
        let mut plain = Vec::with_capacity(SLOT_PLAIN_BYTES);
        plain.extend_from_slice(&sequence.to_le_bytes());
        plain.extend_from_slice(&length.to_le_bytes());
        plain.extend_from_slice(data);
        plain.resize(SLOT_PLAIN_BYTES, 0);
        let mut sealed = Vec::with_capacity(SLOT_BYTES);
        self.seal(SLOT_OFFSETS[slot], &plain, &mut sealed)?;
        // Whatever becomes of the write, this slot is no longer what it was.
        (head.slot, head.sequence, head.is_pending) = (slot, sequence, true);
        self.inner.write(SLOT_OFFSETS[slot], &sealed)?;
        data.clone_into(&mut head.bytes);
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation)] // Both are small.
const BLOCK_SIZE: usize = BLOCK_BYTES as usize;
#[allow(clippy::cast_possible_truncation)]
const PAGE_SIZE: usize = PAGE_BYTES as usize;

/// Place of a page in the file; page 0 is the head's.
fn block_offset(page: u64) -> u64 {
    PAGES_OFFSET + (page - 1) * BLOCK_BYTES
}

/// First page and number of pages; redb reads and writes whole ones, but for its head.
fn pages_of(offset: u64, length: usize) -> io::Result<(u64, usize)> {
    let is_whole = offset.is_multiple_of(PAGE_BYTES) && length.is_multiple_of(PAGE_SIZE);
    if offset < PAGE_BYTES || !is_whole {
        return Err(io::Error::other("not a whole page"));
    }
    Ok((offset / PAGE_BYTES, length / PAGE_SIZE))
}

impl StorageBackend for Sealed {
    fn len(&self) -> io::Result<u64> {
        let length = self.inner.len()?;
        Ok(match length.checked_sub(PAGES_OFFSET) {
            None | Some(0) => 0,
            Some(blocks) => PAGE_BYTES + blocks / BLOCK_BYTES * PAGE_BYTES,
        })
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset >= PAGE_BYTES {
            return self.read_pages(offset, out);
        }
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        if start + out.len() > PAGE_SIZE {
            return Err(io::Error::other("not a whole page"));
        }
        let head = self.head();
        let known = head.bytes.get(start..).unwrap_or_default();
        let count = known.len().min(out.len());
        out[..count].copy_from_slice(&known[..count]);
        out[count..].fill(0);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if length == 0 {
            *self.head() = Head::default();
            return self.inner.set_len(PAGE_BYTES);
        }
        let pages = length.div_ceil(PAGE_BYTES).max(1);
        self.inner.set_len(block_offset(pages))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Held meanwhile: a head written during the sync may or may not be part of it.
        let mut head = self.head();
        self.inner.sync_data()?;
        head.is_pending = false;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset == 0 && data.len() <= HEAD_BYTES_MAX {
            return self.write_head(data);
        }
        self.write_pages(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}
