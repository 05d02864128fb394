//! A look through a file before redb trusts it.
//!
//! redb takes the pages of a file that was closed for whole, and a damaged one can make it panic at any later
//! read. Where a panic can be caught that is an error of the file; where it ends the process, as in
//! WebAssembly, the file has to be looked at first. redb does that itself for a file that was not closed, by
//! the checksums of all its pages: it is shown such a file, and stopped before it would change anything.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use redb::{Database, DatabaseError, RepairSession, StorageBackend};

use crate::redb_head::{
    COMMIT_BYTES, COMMIT_OFFSETS, FLAGS_OFFSET, HAS_ROOTS_OFFSET, HEAD_BYTES, MAGIC,
    PAGES_FIRST_FLAG, SECOND_FLAG, UNCLEAN_FLAG,
};
use crate::{Result, StorageError};

/// Every page is read once.
const CACHE_BYTES_MAX: usize = 1 << 20;

/// How far redb is when it has found a wrong checksum, and when it has found none: 0.3 and 0.6.
const BETWEEN: f64 = 0.45;

/// Compares all of a plain file that was closed with its checksums, which reads all that is in use. What is
/// no such file is not looked at: it is recognised, checked or unsealed when it is opened.
///
/// # Errors
///
/// [`StorageError::Damaged`], or what the device says. The file stays as it is.
pub fn check_closed_file(file: Arc<dyn StorageBackend>) -> Result<()> {
    let Some(head) = head_to_check(&*file)? else {
        return Ok(());
    };
    let is_sound = Arc::new(AtomicBool::new(false));
    let found = Arc::clone(&is_sound);
    let opened = Database::builder()
        .set_cache_size(CACHE_BYTES_MAX)
        .set_repair_callback(move |session| stop_when_known(session, &found))
        .create_with_backend(Shown {
            file,
            head: Mutex::new(head),
        });
    match opened {
        Err(DatabaseError::RepairAborted) if is_sound.load(Ordering::Relaxed) => Ok(()),
        Err(DatabaseError::RepairAborted) | Ok(_) => {
            let text = "its content does not fit its checksums";
            Err(StorageError::Damaged(text.to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn stop_when_known(session: &mut RepairSession, is_sound: &AtomicBool) {
    // It says so before it begins, too.
    if session.progress() > 0.0 {
        is_sound.store(session.progress() > BETWEEN, Ordering::Relaxed);
        session.abort();
    }
}

/// The head that makes redb check the commit in force, if it would trust it otherwise.
fn head_to_check(file: &dyn StorageBackend) -> Result<Option<Vec<u8>>> {
    if file.len()? < HEAD_BYTES as u64 {
        return Ok(None);
    }
    let mut head = vec![0; HEAD_BYTES];
    file.read(0, &mut head)?;
    let flags = head[FLAGS_OFFSET];
    if !head.starts_with(MAGIC) || flags & PAGES_FIRST_FLAG == 0 {
        return Ok(None);
    }
    let [first, second] = COMMIT_OFFSETS;
    let is_second = flags & SECOND_FLAG != 0;
    let (named, other) = if is_second {
        (second, first)
    } else {
        (first, second)
    };
    if head[named + HAS_ROOTS_OFFSET..][..2] == [0, 0] {
        return Ok(None);
    }
    // The other commit must not be taken instead.
    head.copy_within(named..named + COMMIT_BYTES, other);
    head[FLAGS_OFFSET] = (flags & !PAGES_FIRST_FLAG) | UNCLEAN_FLAG;
    Ok(Some(head))
}

/// The file with another head. Nothing that is written reaches it.
struct Shown {
    file: Arc<dyn StorageBackend>,
    head: Mutex<Vec<u8>>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Shown")
    }
}

impl StorageBackend for Shown {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)?;
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rest) = usize::try_from(offset)
            .ok()
            .and_then(|from| head.get(from..))
        {
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
        }
        Ok(())
    }

    fn set_len(&self, _length: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        match data.get(..HEAD_BYTES) {
            Some(new) if offset == 0 => head.copy_from_slice(new),
            _ => return Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
        Ok(())
    }
}
