//! The interpreter of scripts: clients, a server, a network between them, and a clock.

use std::collections::BTreeMap;

use tidemark_ledger::embedded::Progress;
use tidemark_ledger::entries::Entry;
use tidemark_store::sync::ResetPolicy;
use tidemark_transform::simulation as merge_hooks;

use super::client::{Client, File, Stop};
use super::coverage::Coverage;
use super::digest::Digest;
use super::disk::Fuse;
use super::faults::Faults;
use super::layout::Layout;
use super::rights;
use super::script::{Act, Edit, Script, Step};
use super::server::{Link, Served, Server};

/// A client and its connections.
pub struct Peer {
    pub client: Client,
    /// The connection that the client regards as its own.
    pub link: Option<Link>,
    /// Connections that the client has given up and the server has not.
    pub dropped: Vec<Link>,
}

/// A history under way.
pub struct World<'s> {
    pub script: &'s Script,
    pub server: Server,
    pub peers: Vec<Peer>,
    /// Files that were given up, with what was committed to them.
    pub former: Vec<File>,
    pub coverage: Coverage,
    pub digest: Digest,
    pub faults: Faults,
    /// Everything that was ever in the server's log, by who made it: ident and client version.
    pub log: BTreeMap<(u64, u64), Entry>,
    /// Up to which version the log was read.
    pub(super) log_read: u64,
    next_token: u64,
    next_link: u64,
    clock: u64,
    /// What each step did, if that is wanted.
    pub notes: Option<Vec<(usize, String)>>,
    pub(super) at: usize,
}

/// Where the clock begins: milliseconds since 2015-01-01.
const CLOCK_START: u64 = 1_000_000;

/// Messages to and fro in one exchange.
const EXCHANGE_ROUNDS: usize = 400;

/// Rounds of exchanges until everybody has to be at rest.
const SETTLE_ROUNDS: usize = 40;

pub(super) const BYTES_MAX: usize = 1 << 20;

const BYTES_SHORT: usize = 150;

impl<'s> World<'s> {
    /// Everybody before the first step: files with the schema, nobody connected.
    pub fn new(script: &'s Script, faults: Faults) -> Result<Self, String> {
        let server = Server::new(faults.forgets_commits, faults.server);
        let mut world = Self {
            script,
            server: server.map_err(text)?,
            peers: Vec::new(),
            former: Vec::new(),
            coverage: Coverage::default(),
            digest: Digest::default(),
            faults,
            log: BTreeMap::new(),
            log_read: 0,
            next_token: 0,
            next_link: 0,
            clock: CLOCK_START,
            notes: None,
            at: 0,
        };
        for number in 0..script.clients {
            let layout = Some(&script.layout);
            let nothing = BTreeMap::new();
            let client = world.new_client(format!("user {number}"), layout, &nothing, None)?;
            world.peers.push(Peer {
                client,
                link: None,
                dropped: Vec::new(),
            });
        }
        Ok(world)
    }

    /// A new file of a user, with the schema that the application has and what it subscribes to. Its process
    /// may die while it is made.
    pub(super) fn new_client(
        &mut self,
        user: String,
        layout: Option<&Layout>,
        wanted: &BTreeMap<String, String>,
        fuse: Option<Fuse>,
    ) -> Result<Client, String> {
        let client = Client::new(user, self.script.slice, self.faults.forgets_commits);
        let mut client = client.map_err(text)?;
        if let Some(fuse) = fuse {
            client.disk.arm(fuse);
        }
        loop {
            let result = client.begin(layout, wanted);
            let died = client.survive(result)?;
            if died.is_empty() {
                return Ok(client);
            }
            for point in died {
                self.coverage.crash(point);
            }
        }
    }

    /// Runs a step. The error is what nothing excuses.
    pub fn step(&mut self, step: &Step) -> Result<(), String> {
        if self.peers.is_empty() {
            return Ok(());
        }
        let who = step.who as usize % self.peers.len();
        self.digest.number(who as u64);
        match &step.act {
            Act::Write { wait, edits } => return self.write(who, *wait, edits),
            Act::Subscribe(dice) => {
                let wanted = rights::subscriptions(&self.script.layout, *dice);
                self.note(|| format!("{wanted:?}"));
                let time = self.time(who);
                let result = self.peers[who].client.subscribe(wanted, time);
                return self.client_did(who, result);
            }
            Act::Role(dice) => self.change_role(who, *dice),
            Act::Clock(offset) => self.peers[who].client.clock_offset = i64::from(*offset),
            Act::Connect { fast } => self.connect(who, *fast),
            Act::Cut => self.cut(who),
            Act::Drop => self.drop_link(who),
            Act::Send(count) => return self.send(who, *count),
            Act::Serve(count) => return self.serve(who, *count),
            Act::ServeDropped => return self.serve_dropped(who),
            Act::Commit => return self.commit(),
            Act::Pull { bytes, count } => return self.pull(who, *bytes as usize, *count),
            Act::Receive(count) => return self.receive(who, *count),
            Act::Exchange => return self.exchange(who).map(drop),
            Act::Crash(fuse) => self.peers[who].client.disk.arm(*fuse),
            Act::CrashServer(fuse) => self.server.disk.arm(*fuse),
            Act::Restart => return self.restart_client(who),
            Act::RestartServer => return self.restart_server(),
            Act::Reset(how) => self.start_over(who, *how)?,
            Act::Maintain { wait, budget } => return self.maintain(*wait, *budget as usize),
        }
        Ok(())
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push((self.at, text()));
        }
    }

    /// The time as a client's application has it.
    fn time(&self, who: usize) -> u64 {
        self.clock
            .saturating_add_signed(self.peers[who].client.clock_offset)
            .max(1)
    }

    fn pass(&mut self, milliseconds: u32) {
        self.clock += u64::from(milliseconds);
        self.server.now_ms = self.clock;
    }

    fn maintain(&mut self, wait: u32, budget: usize) -> Result<(), String> {
        self.pass(wait);
        self.read_log()?;
        let done = self.server.maintain(budget);
        if let Some(done) = self.server_did(done)? {
            let Progress {
                clients_expired,
                entries_trimmed,
                instructions_folded,
                cursors_owed,
                ..
            } = done;
            self.coverage.count("clients expired", clients_expired);
            self.coverage.count("entries trimmed", entries_trimmed);
            self.coverage
                .count("instructions folded", instructions_folded);
            self.coverage.count("cursors owed", cursors_owed);
        }
        Ok(())
    }

    fn write(&mut self, who: usize, wait: u32, edits: &[Edit]) -> Result<(), String> {
        self.pass(wait);
        let time = self.time(who);
        self.coverage.count("operations", edits.len() as u64);
        let Self {
            script, next_token, ..
        } = self;
        let client = &mut self.peers[who].client;
        if !client.session.is_idle() {
            self.coverage.count("writes between slices", 1);
        }
        let result = client.write(&script.layout, edits, time, next_token);
        self.client_did(who, result)
    }

    /// Takes what a client's process did: it may have died.
    pub(super) fn client_did(
        &mut self,
        who: usize,
        result: Result<(), Stop>,
    ) -> Result<(), String> {
        let died = self.peers[who].client.survive(result)?;
        if died.is_empty() {
            return Ok(());
        }
        self.drop_link(who);
        for point in died {
            self.coverage.crash(point);
            self.note(|| format!("the client died: {point:?}"));
        }
        Ok(())
    }

    /// Takes what the server's process did: it may have died.
    pub(super) fn server_did<T>(&mut self, result: Result<T, Stop>) -> Result<Option<T>, String> {
        match result {
            Ok(answer) => Ok(Some(answer)),
            Err(Stop::Fault(text)) => Err(text),
            Err(Stop::Crash(point)) => {
                self.coverage.crash(point);
                self.note(|| format!("the server died: {point:?}"));
                self.restart_server()?;
                Ok(None)
            }
        }
    }

    fn restart_client(&mut self, who: usize) -> Result<(), String> {
        self.coverage.count("client restarts", 1);
        self.drop_link(who);
        let result = self.peers[who].client.restart();
        self.client_did(who, result)
    }

    fn restart_server(&mut self) -> Result<(), String> {
        self.coverage.count("server restarts", 1);
        for peer in &mut self.peers {
            peer.link = None;
            peer.dropped.clear();
            peer.client.lose_connection();
        }
        for _ in 0..3 {
            match self.server.restart() {
                Ok(()) => return Ok(()),
                Err(Stop::Crash(point)) => self.coverage.crash(point),
                Err(Stop::Fault(text)) => return Err(text),
            }
        }
        Err("the server dies again and again".to_owned())
    }

    pub(super) fn connect(&mut self, who: usize, is_fast: bool) {
        if self.peers[who].link.is_some() {
            return;
        }
        self.next_link += 1;
        let peer = &mut self.peers[who];
        peer.link = Some(Link {
            id: self.next_link,
            user: peer.client.user.clone(),
            up: std::collections::VecDeque::new(),
            down: std::collections::VecDeque::new(),
            side: super::server::ServerSide::default(),
        });
        peer.client.session.established(is_fast);
    }

    /// Both ends notice that a connection is lost.
    pub(super) fn cut(&mut self, who: usize) {
        self.drop_link(who);
        let Self { peers, server, .. } = self;
        for link in &mut peers[who].dropped {
            server.end(link);
        }
        peers[who].dropped.retain(|link| !Server::is_settled(link));
    }

    fn drop_link(&mut self, who: usize) {
        let peer = &mut self.peers[who];
        peer.client.lose_connection();
        if let Some(mut link) = peer.link.take() {
            link.down.clear();
            peer.dropped.push(link);
        }
    }

    fn change_role(&mut self, who: usize, dice: u32) {
        let role = rights::role(&self.script.layout, dice);
        self.note(|| format!("{role:?}"));
        self.coverage.count("role changes", 1);
        let user = self.peers[who].client.user.clone();
        self.server.roles.insert(user, role);
        // The server restarts the sessions of a user whose rules have changed.
        self.cut(who);
    }

    fn send(&mut self, who: usize, count: u32) -> Result<(), String> {
        for _ in 0..count {
            let peer = &mut self.peers[who];
            let Some(link) = &mut peer.link else {
                return Ok(());
            };
            match peer.client.next_message() {
                Ok(Some(request)) => {
                    request.digest(&mut self.digest);
                    if let Some(notes) = &mut self.notes {
                        notes.push((self.at, super::notes::request(&request)));
                    }
                    link.up.push_back(request);
                }
                Ok(None) => return Ok(()),
                Err(stop) => return self.client_did(who, Err(stop)),
            }
        }
        Ok(())
    }

    fn serve(&mut self, who: usize, count: u32) -> Result<(), String> {
        for _ in 0..count {
            let Self { peers, server, .. } = self;
            let Peer {
                link: Some(link),
                dropped,
                ..
            } = &mut peers[who]
            else {
                return Ok(());
            };
            if link.side.is_over {
                // The server closed the session: the client comes back.
                self.cut(who);
                return Ok(());
            }
            let served = server.serve(link, dropped);
            dropped.retain(|link| !Server::is_settled(link));
            if self.server_did(served)? != Some(Served::Done) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn serve_dropped(&mut self, who: usize) -> Result<(), String> {
        let Self { peers, server, .. } = self;
        let Some((link, others)) = peers[who].dropped.split_first_mut() else {
            return Ok(());
        };
        if link.side.is_over {
            return Ok(());
        }
        let served = server.serve(link, others);
        link.down.clear();
        // What a message waits for may be a bootstrap, which goes out into the void.
        if let Ok(Served::Waits) = served {
            let pulled = server.pull(link, BYTES_MAX);
            link.down.clear();
            return self.server_did(pulled).map(drop);
        }
        self.coverage.count("messages of dropped connections", 1);
        self.server_did(served).map(drop)
    }

    pub(super) fn commit(&mut self) -> Result<(), String> {
        let Self { peers, server, .. } = self;
        let mut links: Vec<&mut Link> = peers
            .iter_mut()
            .flat_map(|peer| peer.link.iter_mut().chain(&mut peer.dropped))
            .collect();
        let result = server.commit(&mut links);
        for peer in peers.iter_mut() {
            peer.dropped.retain(|link| !Server::is_settled(link));
        }
        let result = self.server_did(result)?;
        self.read_log()?;
        if let Some(done) = result {
            self.coverage.count("uploads", done.uploads);
            self.coverage.count("changesets", done.changesets);
            self.coverage.count("conflicts", done.conflicts);
            self.coverage.count("compensations", done.compensations);
            self.coverage
                .count("group commits", u64::from(done.uploads > 1));
        }
        Ok(())
    }

    fn pull(&mut self, who: usize, bytes: usize, count: u32) -> Result<(), String> {
        for _ in 0..count {
            let Self { peers, server, .. } = self;
            let Some(link) = &mut peers[who].link else {
                return Ok(());
            };
            let pulled = server.pull(link, bytes.max(1));
            if self.server_did(pulled)? != Some(true) {
                return Ok(());
            }
            self.coverage.count("downloads", 1);
        }
        Ok(())
    }

    fn receive(&mut self, who: usize, count: u32) -> Result<(), String> {
        for _ in 0..count {
            let peer = &mut self.peers[who];
            let result = if peer.client.session.is_idle() {
                let Some(answer) = peer.link.as_mut().and_then(|link| link.down.pop_front()) else {
                    return Ok(());
                };
                answer.digest(&mut self.digest);
                if let Some(notes) = &mut self.notes {
                    notes.push((self.at, super::notes::answer(&answer)));
                }
                self.while_client_merges(|world| world.peers[who].client.receive(answer))
            } else {
                self.while_client_merges(|world| world.peers[who].client.work().map(drop))
            };
            let stopped = result.is_err();
            self.client_did(who, result)?;
            if self.peers[who].client.has_to_reset {
                self.coverage
                    .count("client resets that the server demands", 1);
                return self.client_reset(who, ResetPolicy::RecoverOrDiscard);
            }
            if stopped {
                return Ok(());
            }
        }
        Ok(())
    }

    fn while_client_merges<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        merge_hooks::flip_equal_times(self.faults.flips_ties);
        let result = work(self);
        merge_hooks::flip_equal_times(false);
        result
    }

    /// Messages to and fro between one client and the server until there are none. Says whether the client
    /// had anything new to say.
    pub(super) fn exchange(&mut self, who: usize) -> Result<bool, String> {
        self.connect(who, true);
        // Where slices are short, so are messages: bootstraps come in several parts.
        let bytes = if self.script.slice < 100 {
            BYTES_SHORT
        } else {
            BYTES_MAX
        };
        let mut was_busy = false;
        for _ in 0..EXCHANGE_ROUNDS {
            self.connect(who, true);
            self.send(who, 100)?;
            let said = self.peers[who]
                .link
                .as_ref()
                .map_or(0, |link| link.up.len());
            let held = !self.peers[who].client.session.is_idle();
            self.serve(who, 100)?;
            self.commit()?;
            self.pull(who, bytes, 1_000)?;
            let link = self.peers[who].link.as_ref();
            let heard = link.map_or(0, |link| link.down.len());
            self.receive(who, 10_000)?;
            let link = self.peers[who].link.as_ref();
            if said == 0 && heard == 0 && !held && link.is_some_and(|link| link.up.is_empty()) {
                return Ok(was_busy);
            }
            was_busy = true;
        }
        Err(format!(
            "{} and the server never stop talking",
            self.peers[who].client.name()
        ))
    }

    /// Everything heals: nothing dies any more, everybody is connected and says everything.
    pub fn settle(&mut self) -> Result<(), String> {
        let _ = self.server.disk.disarm();
        for who in 0..self.peers.len() {
            let _ = self.peers[who].client.disk.disarm();
            self.cut(who);
        }
        self.commit()?;
        for _ in 0..SETTLE_ROUNDS {
            let mut is_busy = false;
            for who in 0..self.peers.len() {
                is_busy |= self.exchange(who)?;
            }
            if !is_busy {
                return self.at_rest();
            }
        }
        Err("it never comes to rest".to_owned())
    }

    fn at_rest(&mut self) -> Result<(), String> {
        for peer in &mut self.peers {
            let client = &mut peer.client;
            let name = client.name();
            if !client.session.is_answered() {
                return Err(format!("{name} hangs: a mark was not answered"));
            }
            let state = client
                .run("read", tidemark_store::Database::sync_state)
                .map_err(text)?;
            let (sent, made) = (
                state.progress.upload_client_version,
                state.newest_uploadable_version,
            );
            if sent < made {
                return Err(format!(
                    "{name} hangs: {made} was made, {sent} is acknowledged"
                ));
            }
            let newest = client.sets().map_err(text)?.last().map(|set| set.state);
            let is_zeroth = client
                .sets()
                .map_err(text)?
                .last()
                .is_some_and(|set| set.version == 0);
            if !is_zeroth && newest != Some(tidemark_store::sync::SubscriptionState::Complete) {
                return Err(format!(
                    "{name} hangs: its newest subscription set is {newest:?}"
                ));
            }
        }
        Ok(())
    }
}

/// A stop as words; a crash is none that anybody asked for here.
pub(super) fn text(stop: Stop) -> String {
    match stop {
        Stop::Fault(text) => text,
        Stop::Crash(point) => format!("a process died where none should: {point:?}"),
    }
}
