//! One random history: clients, a server that is killed now and then, and the messages between them.
use std::collections::{BTreeSet, VecDeque};

use tidemark_ledger::embedded::Ledger;
use tidemark_ledger::switches::Switches;
use tidemark_transform::Rules;

use crate::client::{Client, Fault, Message, SetState, Subscription};
use crate::dice::Dice;
use crate::ops::{Features, VIEWS, Writer, schema};
use crate::peer::{Answer, Peer, Tally};
use crate::recovery::recover;
use crate::rights::Rights;
use crate::shadow::Shadow;
use crate::show;
use crate::storage::{Disk, open};
use crate::upkeep::{Time, Upkeep};

/// How histories are made.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "independent features")]
pub struct Plan {
    pub clients: usize,
    pub steps: usize,
    pub features: Features,
    pub roles: bool,
    /// Whether roles also say which objects may be created and deleted, and which fields read and written.
    pub fields: bool,
    pub subscriptions: bool,
    pub cuts: bool,
    pub kills: bool,
    pub originals: bool,
    /// Whether clients of ours may have to start over as well.
    pub own_resets: bool,
    pub switches: Switches,
    pub weights: Weights,
    pub trace: bool,
    pub upkeep: Upkeep,
    /// Whether a second ledger takes the same messages and keeps everything.
    pub shadow: bool,
}

/// After so many resets in a row a client gives up what it had not synchronised.
const ATTEMPTS_MAX: u64 = 3;

/// How often what happens: write, speak, serve, send, receive, pump, cut, connect, subscribe, change of role,
/// kill.
pub type Weights = [u64; 11];

pub struct World {
    pub dice: Dice,
    pub plan: Plan,
    pub disk: Disk,
    pub ledger: Ledger<Disk>,
    starts: u64,
    clock: u64,
    pub peers: Vec<Peer>,
    pub tally: Tally,
    pub time: Time,
    pub shadow: Option<Shadow>,
}

impl World {
    pub fn new(seed: u64, plan: Plan) -> Self {
        let disk = Disk::new();
        let ledger = open(&disk, 0, plan.switches);
        let mut world = Self {
            dice: Dice::new(seed),
            plan,
            disk,
            ledger,
            starts: 0,
            clock: 1000,
            peers: Vec::new(),
            tally: Tally::default(),
            time: Time::new(seed, plan.upkeep),
            shadow: Shadow::new(&plan),
        };
        world.set_window();
        for number in 0..plan.clients {
            let defects = plan.features.defect.is_some() && number > 0;
            let peer = world.new_peer(plan.originals && (number % 2 == 1 || defects));
            world.peers.push(peer);
        }
        world
    }

    pub fn new_peer(&mut self, original: bool) -> Peer {
        let salt = 7;
        let now_ms = self.time.now_ms;
        let ident = self
            .ledger
            .allocate_file_ident("user", salt, now_ms)
            .expect("an ident is given");
        if let Some(shadow) = &self.shadow {
            shadow.allocate(salt);
        }
        let rules = if original {
            Rules::ORIGINAL
        } else {
            Rules::CORRECTED
        };
        let mut client = Client::new(ident, rules);
        client.may_fail |= self.plan.own_resets;
        client.write(schema(self.plan.features.defect), 1);
        Peer {
            client,
            rights: Rights::everything(),
            rights_before: Rights::everything(),
            session: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            marks: 0,
            recovered_to: 0,
            attempts: 0,
            salt,
            current_ms: now_ms,
        }
    }

    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.plan.trace {
            eprintln!("{}", text());
        }
    }

    fn connect(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        let delayed = self.dice.chance(500) || peer.client.download == (0, 0);
        peer.up = peer.client.connect(delayed).into();
        peer.down.clear();
        peer.marks = 0;
        self.end_session(at);
        self.say(|| format!("connect {}", self.peers[at].client.ident));
    }

    fn end_session(&mut self, at: usize) {
        if let Some(session) = self.peers[at].session.take() {
            self.ledger.end_session(session);
            if let Some(shadow) = &mut self.shadow {
                shadow.end_session(session);
            }
        }
    }

    pub fn cut(&mut self, at: usize) {
        if self.peers[at].client.online {
            self.say(|| format!("cut {}", self.peers[at].client.ident));
            let restart = self.dice.chance(300);
            let peer = &mut self.peers[at];
            peer.client.disconnect(restart);
            peer.up.clear();
            peer.down.clear();
            self.end_session(at);
        }
    }

    /// The server's process dies, and another begins.
    pub fn kill(&mut self) {
        self.say(|| "kill".to_owned());
        self.tally.kills += 1;
        for at in 0..self.peers.len() {
            self.cut(at);
        }
        self.disk.revive();
        self.starts += 1;
        self.ledger = open(&self.disk, self.starts, self.plan.switches);
        self.set_window();
    }

    fn write(&mut self, at: usize) {
        let step = *self.dice.pick(&[0, 1, 5]);
        self.clock += step;
        let skew = if self.plan.features.skew {
            self.dice.below(120)
        } else {
            60
        };
        let client = &self.peers[at].client;
        let writer = Writer::new(&mut self.dice, self.plan.features, client);
        let instructions = writer.transaction();
        if !instructions.is_empty() {
            let timestamp = self.clock + skew - 60;
            self.say(|| {
                let client = &self.peers[at].client;
                format!(
                    "write {} cv {} base {} ts {timestamp} {}",
                    client.ident,
                    client.version + 1,
                    client.download.0,
                    show::instructions(&instructions)
                )
            });
            self.peers[at].client.write(instructions, timestamp);
        }
    }

    fn subscribe(&mut self, at: usize) {
        let mut values = BTreeSet::new();
        for value in VIEWS {
            if self.dice.chance(700) {
                values.insert(value);
            }
        }
        let subscription = Subscription {
            values,
            partners: self.dice.chance(600),
        };
        self.say(|| format!("subscribe {} {subscription:?}", self.peers[at].client.ident));
        self.peers[at].client.subscribe(subscription);
    }

    fn change_role(&mut self, at: usize) {
        let mut rights = Rights::random(&mut self.dice);
        if self.plan.fields {
            rights.narrow(&mut self.dice);
            // Often it was a mistake, and is taken back.
            if self.dice.chance(350) {
                rights = self.peers[at].rights_before.clone();
            }
        }
        self.peers[at].rights_before = self.peers[at].rights.clone();
        self.say(|| format!("role {} {rights:?}", self.peers[at].client.ident));
        self.peers[at].rights = rights;
        self.cut(at);
    }

    pub fn receive(&mut self, at: usize) -> Result<(), Fault> {
        let Some(answer) = self.peers[at].down.pop_front() else {
            return Ok(());
        };
        if self.plan.trace {
            eprintln!(
                "client {} < {}",
                self.peers[at].client.ident,
                show::answer(&answer)
            );
        }
        let peer = &mut self.peers[at];
        match answer {
            Answer::Mark => peer.client.receive_mark(),
            Answer::Compensation(version, client) => {
                peer.client.receive_compensation(version, client)?;
            }
            Answer::Part(part) => {
                if !peer.client.receive(&part)? {
                    self.reset(at)?;
                }
            }
        }
        Ok(())
    }

    /// A client whose own merge failed, whose upload was refused or that was away for too long begins with a
    /// new file, and does again what it had not synchronised.
    pub fn reset(&mut self, at: usize) -> Result<(), Fault> {
        self.tally.resets += 1;
        let original = self.peers[at].client.rules == Rules::ORIGINAL;
        self.tally.own_resets += u64::from(!original);
        self.say(|| format!("reset {}", self.peers[at].client.ident));
        self.end_session(at);
        let mut fresh = self.new_peer(original);
        fresh.rights = self.peers[at].rights.clone();
        fresh.rights_before = self.peers[at].rights_before.clone();
        let subscription = self.peers[at].client.newest_set().subscription.clone();
        fresh.client.subscribe(subscription);
        let lost = std::mem::replace(&mut self.peers[at], fresh);
        for _ in 0..20 {
            if self.peers[at].client.newest_set().state == SetState::Complete {
                break;
            }
            self.pump(at)?;
        }
        let changes = recover(&lost.client, &self.peers[at].client.database);
        let peer = &mut self.peers[at];
        if lost.client.upload.0 < lost.recovered_to {
            peer.attempts = lost.attempts + 1;
        }
        if peer.attempts == ATTEMPTS_MAX {
            self.tally.discarded += changes.len() as u64;
            return Ok(());
        }
        for change in changes {
            self.tally.recovered += change.instructions.len() as u64;
            self.tally.dropped += change.dropped as u64;
            if !change.instructions.is_empty() {
                peer.client.write(change.instructions, change.timestamp);
                peer.recovered_to = peer.client.version;
            }
        }
        if self.tally.resets > 100 {
            return Err("resets without end".to_owned());
        }
        Ok(())
    }

    fn speak(&mut self, at: usize) {
        let changes_max = *self.dice.pick(&[1, 2, 5]);
        if let Some(message) = self.peers[at].client.next_message(changes_max) {
            self.peers[at].up.push_back(message);
        }
    }

    /// Exchanges messages until a client has said and heard everything.
    pub fn pump(&mut self, at: usize) -> Result<bool, Fault> {
        let mut busy = false;
        if !self.peers[at].client.online {
            self.connect(at);
        }
        for _ in 0..200 {
            let message = self.peers[at].client.next_message(5);
            busy |= matches!(&message, Some(Message::Query { .. }));
            busy |=
                matches!(&message, Some(Message::Upload { changes, .. }) if !changes.is_empty());
            self.peers[at].up.extend(message);
            if self.peers[at].up.is_empty() && self.peers[at].down.is_empty() {
                break;
            }
            while !self.peers[at].up.is_empty() {
                self.serve(at)?;
            }
            self.send(at, true)?;
            while !self.peers[at].down.is_empty() {
                self.receive(at)?;
            }
            if !self.peers[at].client.online {
                self.connect(at);
            }
        }
        self.send(at, true)?;
        while !self.peers[at].down.is_empty() {
            self.receive(at)?;
        }
        Ok(busy)
    }

    pub fn step(&mut self) -> Result<(), Fault> {
        let at = usize::try_from(self.dice.below(self.peers.len() as u64)).expect("small");
        if self.time.is_away(at) {
            return Ok(());
        }
        let total: u64 = self.plan.weights.iter().sum();
        let mut roll = self.dice.below(total);
        let weights = self.plan.weights.iter();
        let choice = weights
            .take_while(|weight| {
                roll.checked_sub(**weight)
                    .inspect(|rest| roll = *rest)
                    .is_some()
            })
            .count();
        match choice {
            0 => self.write(at),
            1 => self.speak(at),
            2 => self.serve(at)?,
            3 => self.send(at, false)?,
            4 => {
                for _ in 0..self.dice.between(1, 3) {
                    self.receive(at)?;
                }
            }
            5 => {
                self.pump(at)?;
            }
            6 if self.plan.cuts => self.cut(at),
            7 if !self.peers[at].client.online => self.connect(at),
            8 if self.plan.subscriptions => self.subscribe(at),
            9 if self.plan.roles => self.change_role(at),
            10 if self.plan.kills => self.kill(),
            _ => {}
        }
        Ok(())
    }

    pub fn run(&mut self) -> Result<(), Fault> {
        for at in 0..self.peers.len() {
            self.connect(at);
            if self.plan.subscriptions && self.dice.chance(900) {
                self.subscribe(at);
            } else if !self.plan.subscriptions {
                let values = VIEWS.into_iter().collect();
                self.peers[at].client.subscribe(Subscription {
                    values,
                    partners: true,
                });
            }
            if self.dice.chance(800) {
                self.pump(at)?;
                self.pump(at)?;
            }
        }
        for _ in 0..self.plan.steps {
            self.step()?;
            self.keep_up()?;
        }
        self.settle()?;
        self.compare()?;
        if let Some(shadow) = &self.shadow {
            shadow.compare(&self.disk, &self.ledger)?;
        }
        self.check_size()
    }
}
