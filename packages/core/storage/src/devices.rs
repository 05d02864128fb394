//! Devices for tests: one that remembers all that reached it, from which every file can be made that a crash
//! could leave, and one that fails when it is told to. Never part of what is published.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// What a disk writes at once.
pub const SECTOR_BYTES: usize = 512;

/// Numbers that look random and come from a seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = limit.max(1) as u64;
        usize::try_from(self.roll() % limit).unwrap_or_default()
    }

    /// Whether something of that probability, in percent, happens.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Random bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll().to_le_bytes()[0]).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn read_from(content: &[u8], offset: u64, out: &mut [u8]) -> io::Result<()> {
    let start = place(offset);
    let found = content.get(start..start.saturating_add(out.len()));
    out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

fn write_to(content: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let start = place(offset);
    if content.len() < start + data.len() {
        content.resize(start + data.len(), 0);
    }
    content[start..start + data.len()].copy_from_slice(data);
}

/// What reached a device.
#[derive(Clone, Debug)]
enum Event {
    Write(u64, Arc<[u8]>),
    SetLength(u64),
    Sync,
}

#[derive(Default)]
struct Journal {
    start: Vec<u8>,
    content: Vec<u8>,
    events: Vec<Event>,
}

/// A disk in memory that remembers everything.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Journal>>);

impl std::fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Recorder")
    }
}

impl Recorder {
    /// A disk with a file on it.
    pub fn new(content: Vec<u8>) -> Self {
        let journal = Journal {
            start: content.clone(),
            content,
            events: Vec::new(),
        };
        Self(Arc::new(Mutex::new(journal)))
    }

    /// How much has reached it.
    pub fn position(&self) -> usize {
        lock(&self.0).events.len()
    }

    /// Whether anything was synced since a position.
    pub fn has_synced_since(&self, position: usize) -> bool {
        let journal = lock(&self.0);
        let events = journal.events.get(position..).unwrap_or_default();
        events.iter().any(|event| matches!(event, Event::Sync))
    }

    /// The file as it is.
    pub fn content(&self) -> Vec<u8> {
        lock(&self.0).content.clone()
    }

    /// A file that a crash can leave when all events before a position have been asked for: what was written
    /// before the last sync, and of the rest any part, in any order and torn between sectors.
    pub fn crashed(&self, position: usize, dice: &mut Dice) -> Vec<u8> {
        let journal = lock(&self.0);
        let events = &journal.events[..position];
        let synced = events
            .iter()
            .rposition(|event| matches!(event, Event::Sync))
            .map_or(0, |index| index + 1);
        let mut content = journal.start.clone();
        for event in &events[..synced] {
            match event {
                Event::Write(offset, data) => write_to(&mut content, *offset, data),
                Event::SetLength(length) => content.resize(place(*length), 0),
                Event::Sync => {}
            }
        }
        // All of it is lost, all of it is there, or anything between.
        let kept_percent = [0, 100, 95, 50, 20][dice.below(5)];
        let mut writes = Vec::new();
        let mut are_lengths_kept = true;
        for event in &events[synced..] {
            match event {
                Event::Write(offset, data) => writes.push((*offset, Arc::clone(data))),
                Event::SetLength(length) => {
                    persist(&mut content, &mut writes, kept_percent, dice);
                    are_lengths_kept &= dice.percent(kept_percent);
                    if are_lengths_kept {
                        content.resize(place(*length), 0);
                    }
                }
                Event::Sync => {}
            }
        }
        persist(&mut content, &mut writes, kept_percent, dice);
        content
    }
}

/// Some of these writes reach the disk.
fn persist(
    content: &mut Vec<u8>,
    writes: &mut Vec<(u64, Arc<[u8]>)>,
    kept_percent: usize,
    dice: &mut Dice,
) {
    for index in (1..writes.len()).rev() {
        writes.swap(index, dice.below(index + 1));
    }
    for (offset, data) in writes.drain(..) {
        if !dice.percent(kept_percent) {
            continue;
        }
        if kept_percent == 100 || dice.percent(60) {
            write_to(content, offset, &data);
            continue;
        }
        let mut from = 0;
        while from < data.len() {
            let sector = place(offset) + from;
            let to = data.len().min(from + SECTOR_BYTES - sector % SECTOR_BYTES);
            if dice.percent(50) {
                write_to(content, sector as u64, &data[from..to]);
            }
            from = to;
        }
    }
}

impl StorageBackend for Recorder {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0).content.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_from(&lock(&self.0).content, offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut journal = lock(&self.0);
        journal.content.resize(place(length), 0);
        journal.events.push(Event::SetLength(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        lock(&self.0).events.push(Event::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut journal = lock(&self.0);
        write_to(&mut journal.content, offset, data);
        journal.events.push(Event::Write(offset, Arc::from(data)));
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Trouble {
    content: Mutex<Vec<u8>>,
    /// Calls that change something, so far.
    calls: AtomicU64,
    /// From which of them on the device fails; 0 for never.
    fails_at: AtomicU64,
    /// Whether it fails once, or until it is mended.
    is_passing: AtomicBool,
    fails_reads: AtomicBool,
    kind: Mutex<Option<io::ErrorKind>>,
}

/// A disk in memory that fails on command. What it refuses to write may be there in part.
#[derive(Clone, Debug, Default)]
pub struct Fragile(Arc<Trouble>);

impl Fragile {
    /// A disk with a file on it.
    pub fn new(content: Vec<u8>) -> Self {
        let device = Self::default();
        *lock(&device.0.content) = content;
        device
    }

    /// The file as it is.
    pub fn content(&self) -> Vec<u8> {
        lock(&self.0.content).clone()
    }

    /// How many calls that change something there were.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Fails at the n-th call from now that changes something, counted from 1: once, or until it is mended.
    pub fn fail(&self, call: u64, kind: io::ErrorKind, is_passing: bool) {
        *lock(&self.0.kind) = Some(kind);
        self.0.is_passing.store(is_passing, Ordering::Relaxed);
        self.0
            .fails_at
            .store(self.calls() + call, Ordering::Relaxed);
    }

    /// Fails all reads, until it is mended.
    pub fn fail_reads(&self, kind: io::ErrorKind) {
        *lock(&self.0.kind) = Some(kind);
        self.0.fails_reads.store(true, Ordering::Relaxed);
    }

    /// Works again.
    pub fn mend(&self) {
        self.0.fails_at.store(0, Ordering::Relaxed);
        self.0.fails_reads.store(false, Ordering::Relaxed);
    }

    fn failure(&self) -> io::Error {
        lock(&self.0.kind).unwrap_or(io::ErrorKind::Other).into()
    }

    fn changing(&self) -> io::Result<()> {
        let call = self.0.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let fails_at = self.0.fails_at.load(Ordering::Relaxed);
        let is_passing = self.0.is_passing.load(Ordering::Relaxed);
        if fails_at == 0 || call < fails_at || (is_passing && call > fails_at) {
            return Ok(());
        }
        Err(self.failure())
    }
}

impl StorageBackend for Fragile {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0.content).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.0.fails_reads.load(Ordering::Relaxed) {
            return Err(self.failure());
        }
        read_from(&lock(&self.0.content), offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.changing()?;
        lock(&self.0.content).resize(place(length), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.changing()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let allowed = self.changing();
        let count = if allowed.is_ok() {
            data.len()
        } else {
            data.len() / 2
        };
        write_to(&mut lock(&self.0.content), offset, &data[..count]);
        allowed
    }
}
