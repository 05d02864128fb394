//! Upkeep in random histories: steps of it at any moment, time that passes, clients that stay away, and what
//! may be left of the log in the end. Its chance is its own, so that a history with upkeep makes the same
//! choices as one without.

use tidemark_ledger::embedded::tables::{
    CLIENTS, ENTRIES, INDEX, META, OBJECTS, OWN_UPLOADS, RECIPROCALS, RECORDS, VIEWS, last_number,
};
use tidemark_storage::{Read, Storage, TableId};

use crate::client::Fault;
use crate::dice::Dice;
use crate::storage::Disk;
use crate::world::World;

/// The maximum offline time of these histories.
pub const WINDOW_MS: u64 = 12_000;

/// Which upkeep there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    None,
    /// Time stands still: only what no client can tell may go.
    Compaction,
    /// Time passes, and clients stay away.
    Expiry,
    /// One client leaves for ever in the middle, with work that it never uploads; and expires.
    Absence,
    /// The same without upkeep.
    Awaiting,
}

/// What everybody ends with: file ident, version, objects.
pub type End = Vec<(u64, u64, String)>;

/// The clock, and what is known of its past.
pub struct Time {
    dice: Dice,
    upkeep: Upkeep,
    pub now_ms: u64,
    /// The newest version at the end of each time, oldest first.
    versions: Vec<(u64, u64)>,
    /// Clients that stay away, and until when.
    away: Vec<(usize, u64)>,
    steps: usize,
}

impl Time {
    pub fn new(seed: u64, upkeep: Upkeep) -> Self {
        Self {
            dice: Dice::new(seed ^ 0x5eed_0f71_de5a),
            upkeep,
            now_ms: 1_000_000,
            versions: Vec::new(),
            away: Vec::new(),
            steps: 0,
        }
    }

    pub fn is_away(&self, at: usize) -> bool {
        self.away
            .iter()
            .any(|(who, until)| *who == at && self.now_ms < *until)
    }

    /// Whether a client never comes back.
    pub fn has_left(&self, at: usize) -> bool {
        self.away.contains(&(at, u64::MAX))
    }

    /// The newest version at a time; 0 before the first.
    fn version_at(&self, ms: u64) -> u64 {
        let known = self.versions.iter().rfind(|(at, _)| *at <= ms);
        known.map_or(0, |(_, version)| *version)
    }
}

/// Keys and bytes of a table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    pub keys: u64,
    pub bytes: u64,
}

pub fn size(disk: &Disk, table: TableId) -> Size {
    let snapshot = disk.snapshot().expect("the disk is there");
    let mut size = Size::default();
    for line in snapshot.prefix(table, &[]).expect("readable") {
        let (key, value) = line.expect("readable");
        size.keys += 1;
        size.bytes += (key.len() + value.len()) as u64;
    }
    size
}

fn idents(disk: &Disk, table: TableId) -> Vec<u64> {
    let snapshot = disk.snapshot().expect("the disk is there");
    let lines = snapshot.prefix(table, &[]).expect("readable");
    lines
        .map(|line| last_number(&line.expect("readable").0).expect("a number"))
        .collect()
}

/// Lowest version that the keys of a table end with, or begin with after the ident.
fn lowest_version(disk: &Disk, table: TableId, of_client: bool) -> u64 {
    let snapshot = disk.snapshot().expect("the disk is there");
    let lines = snapshot.prefix(table, &[]).expect("readable");
    let version = |key: &[u8]| {
        let key = if of_client { &key[8..16] } else { key };
        last_number(key).expect("a version")
    };
    lines
        .map(|line| version(&line.expect("readable").0))
        .min()
        .unwrap_or(u64::MAX)
}

impl World {
    pub fn set_window(&mut self) {
        self.ledger.set_max_offline_ms(WINDOW_MS);
    }

    /// What may happen between two steps of a history.
    pub fn keep_up(&mut self) -> Result<(), Fault> {
        if matches!(self.time.upkeep, Upkeep::Absence | Upkeep::Awaiting) {
            self.leave()?;
        }
        if matches!(self.time.upkeep, Upkeep::None | Upkeep::Awaiting) {
            return Ok(());
        }
        if self.time.dice.chance(400) {
            self.maintain_step()?;
        }
        if self.time.upkeep == Upkeep::Expiry && self.time.dice.chance(80) {
            let at = usize::try_from(self.time.dice.below(self.peers.len() as u64)).expect("small");
            if self.time.dice.chance(500) {
                let windows = *self.time.dice.pick(&[3, 8, 15, 30]);
                let until = self.time.now_ms + WINDOW_MS * windows / 10;
                self.say(|| format!("away {} until {until}", self.peers[at].client.ident));
                self.cut(at);
                self.time.away.push((at, until));
            }
            let tenths = *self.time.dice.pick(&[1, 2, 5, 11]);
            self.pass(WINDOW_MS * tenths / 10)?;
        }
        Ok(())
    }

    /// Now and then time passes while the others are connected; half-way the last client leaves for ever.
    /// Nothing here depends on whether there is upkeep.
    fn leave(&mut self) -> Result<(), Fault> {
        self.time.steps += 1;
        let last = self.peers.len() - 1;
        if self.time.steps == self.plan.steps / 2 {
            self.cut(last);
            self.time.away.push((last, u64::MAX));
        }
        if self.time.steps.is_multiple_of(20) {
            // Everybody connects anew, and so is told of a cursor that upkeep has no need to tell of.
            for _ in 0..3 {
                for at in 0..self.peers.len() {
                    if !self.time.has_left(at) {
                        self.cut(at);
                        self.pump(at)?;
                    }
                }
            }
            self.pass(WINDOW_MS * 8 / 10)?;
        }
        Ok(())
    }

    /// What everybody holds but those who left.
    pub fn end(&self) -> End {
        let here = (0..self.peers.len()).filter(|at| !self.time.is_away(*at));
        here.map(|at| {
            let client = &self.peers[at].client;
            let mut database = client.database.clone();
            database.fill();
            (
                client.ident,
                client.version,
                format!("{:?}", database.objects),
            )
        })
        .collect()
    }

    /// One step of the upkeep, in the commit of which the machine may die.
    fn maintain_step(&mut self) -> Result<bool, Fault> {
        let budget = usize::try_from(self.time.dice.between(1, 40)).expect("small");
        if self.plan.kills && self.time.dice.chance(30) {
            self.disk.die_in_next_commit();
            let died = self.ledger.maintain(self.time.now_ms, budget).is_err();
            self.disk.revive();
            if died {
                self.kill();
            }
            return Ok(false);
        }
        let progress = self.ledger.maintain(self.time.now_ms, budget);
        let progress = progress.map_err(|error| format!("upkeep fails: {error}"))?;
        self.tally.trimmed += progress.entries_trimmed;
        Ok(progress.is_done)
    }

    /// Whole cycles of upkeep.
    fn maintain(&mut self) -> Result<(), Fault> {
        for _ in 0..2 {
            for _ in 0..10_000 {
                if self.maintain_step()? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Time passes. What is on its way to those who are connected arrives meanwhile.
    fn pass(&mut self, duration_ms: u64) -> Result<(), Fault> {
        self.say(|| format!("{duration_ms} ms pass after {}", self.time.now_ms));
        for at in 0..self.peers.len() {
            if self.peers[at].client.online {
                self.pump(at)?;
            }
        }
        let end_ms = self.time.now_ms + duration_ms;
        while self.time.now_ms < end_ms {
            let version = self.ledger.version();
            self.time.versions.push((self.time.now_ms, version));
            self.time.now_ms = end_ms.min(self.time.now_ms + WINDOW_MS / 30);
            let waits = self.time.upkeep == Upkeep::Awaiting;
            if !waits && self.time.dice.chance(700) {
                self.maintain()?;
            }
            self.deliver()?;
        }
        Ok(())
    }

    /// Those who are connected get what they are owed, and are up to date then.
    fn deliver(&mut self) -> Result<(), Fault> {
        for at in 0..self.peers.len() {
            if self.peers[at].session.is_some() {
                self.send(at, true)?;
                while !self.peers[at].down.is_empty() {
                    self.receive(at)?;
                }
            }
            let now_ms = self.time.now_ms;
            let peer = &mut self.peers[at];
            if peer.session.is_some() && peer.client.is_uploaded() {
                peer.current_ms = now_ms;
            }
        }
        Ok(())
    }

    /// A client is told to start over. Only one that has not been up to date for too long may be told so.
    pub fn told_to_reset(&mut self, at: usize, by: &str) -> Result<(), Fault> {
        let peer = &self.peers[at];
        let away_ms = self.time.now_ms - peer.current_ms;
        if self.time.upkeep == Upkeep::Compaction || away_ms < WINDOW_MS {
            return Err(format!(
                "{by}: client {} is told to start over after {away_ms} ms",
                peer.client.ident
            ));
        }
        self.say(|| format!("{by}: {} starts over", self.peers[at].client.ident));
        self.tally.late += 1;
        self.cut(at);
        self.reset(at);
        Ok(())
    }

    /// When everything was said and heard, what is stored is bounded by what lives; and everybody can go on.
    pub fn check_size(&mut self) -> Result<(), Fault> {
        if matches!(self.time.upkeep, Upkeep::None | Upkeep::Awaiting) {
            return Ok(());
        }
        self.plan.kills = false;
        self.maintain()?;
        self.check_tables()?;
        if self.time.upkeep == Upkeep::Absence {
            let all = self.peers.len() as u64;
            let known = idents(&self.disk, CLIENTS).len() as u64;
            return if known + 1 == all {
                Ok(())
            } else {
                Err(format!("{known} clients are known, one of {all} left"))
            };
        }
        if self.time.upkeep == Upkeep::Compaction {
            return Ok(());
        }
        let gone: Vec<usize> = (0..self.peers.len())
            .filter(|_| self.time.dice.chance(300))
            .collect();
        for at in &gone {
            self.cut(*at);
        }
        self.pass(WINDOW_MS * 23 / 10)?;
        self.maintain()?;
        self.check_tables()?;
        self.check_quiet()?;
        for _ in 0..10 {
            self.step()?;
        }
        self.settle()?;
        self.compare()
    }

    /// Nothing is kept about what was trimmed, nor about who is not known.
    fn check_tables(&self) -> Result<(), Fault> {
        let status = self.ledger.status();
        for (name, table, of_client) in [
            ("entries", ENTRIES, false),
            ("index", INDEX, false),
            ("own uploads", OWN_UPLOADS, true),
            ("reciprocal forms", RECIPROCALS, true),
            ("records", RECORDS, true),
        ] {
            let lowest = lowest_version(&self.disk, table, of_client);
            if lowest <= status.trimmed {
                return Err(format!(
                    "{name} of version {lowest} are kept, trimmed {}",
                    status.trimmed
                ));
            }
        }
        let known = idents(&self.disk, CLIENTS);
        if known.len() as u64 != status.clients - status.expired {
            return Err(format!("{known:?} are known: {status:?}"));
        }
        if !idents(&self.disk, VIEWS)
            .iter()
            .all(|ident| known.contains(ident))
        {
            return Err("views are kept of clients that are not known".to_owned());
        }
        let old_ms = self.time.now_ms.saturating_sub(WINDOW_MS * 22 / 10);
        let old = self.time.version_at(old_ms);
        if status.trimmed < old {
            return Err(format!(
                "trimmed {} but {old} is older than two windows",
                status.trimmed
            ));
        }
        Ok(())
    }

    /// After two windows of silence only live data is left, and little for each client that is connected.
    fn check_quiet(&self) -> Result<(), Fault> {
        let of = |table| size(&self.disk, table);
        let log = [ENTRIES, INDEX, OWN_UPLOADS, RECIPROCALS, RECORDS].map(|table| of(table).keys);
        if log != [0; 5] {
            return Err(format!("a silent ledger keeps {log:?}"));
        }
        let connected = self.peers.iter().filter(|peer| peer.session.is_some());
        let connected = connected.count() as u64;
        let clients = of(CLIENTS);
        if clients.keys != connected {
            return Err(format!("{clients:?}, but {connected} are connected"));
        }
        let upkeep = clients.bytes + of(VIEWS).bytes + of(META).bytes;
        let bound = 6_000 + 4_000 * connected;
        if upkeep > bound {
            return Err(format!("{upkeep} bytes beside the objects, bound {bound}"));
        }
        self.say(|| format!("{upkeep} bytes beside objects of {:?}", of(OBJECTS)));
        Ok(())
    }
}
