//! Which sessions a commit concerns: random histories, twice, once with the matching and once with sessions
//! that read every entry. Both have to send the same bytes, and who was not named must have nothing to fetch.
//!
//! `TIDEMARK_SEEDS=N` runs N histories, `TIDEMARK_SEED=S` one of them.

#[path = "../common/mod.rs"]
mod common;
#[path = "../simulation/dice.rs"]
mod dice;
mod texts;

use std::collections::BTreeMap;

use common::{SALT, TestLedger, add_column, add_table, body, options};
use dice::Dice;
use texts::{CLASSES, FIELDS, predicate, value};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, Instruction, KeyType, ObjectId, PathElement, Payload, PrimaryKey,
    Target, UpdateKind,
};
use tidemark_ledger::embedded::{
    BatchState, DownloadLimits, Identification, Ledger, Options, SessionId, Upload,
};
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::switches::Switches;
use tidemark_ledger::views::{ClassRole, Role};
use tidemark_storage::OrderedStorage;

const STEPS: usize = 120;
const PEERS: usize = 7;
const KEYS: u64 = 4;
const EVERYTHING: &str = "TRUEPREDICATE";

/// A client file, as far as the ledger can tell.
struct Peer {
    ident: u64,
    session: SessionId,
    /// Server and client version.
    cursor: (u64, u64),
    latest: u64,
    client_version: u64,
    query_version: u64,
    query: String,
    role: Role,
    is_original: bool,
    /// Whether it may be owed something.
    is_named: bool,
}

#[derive(Default)]
struct Tally {
    sent: u64,
    last: u64,
    steady: u64,
    synthetic: u64,
    spared: u64,
    refused: u64,
    compensated: u64,
    queries: u64,
    queries_refused: u64,
}

struct World {
    dice: Dice,
    matched: TestLedger,
    scanning: TestLedger,
    peers: Vec<Peer>,
    /// The fields of this history: with all at once, too little would meet.
    focus: [usize; 2],
    clock: u64,
    tally: Tally,
}

fn open(switches: Switches) -> TestLedger {
    let options = Options {
        switches,
        ..options(SALT)
    };
    Ledger::open(OrderedStorage::new(), options).expect("a new ledger opens")
}

fn key(class: usize, number: u64) -> PrimaryKey {
    match CLASSES[class].1 {
        KeyType::Int => PrimaryKey::Int(number.cast_signed()),
        KeyType::String => PrimaryKey::String(number.to_string().as_str().into()),
        _ => PrimaryKey::ObjectId(ObjectId([u8::try_from(number).expect("small"); 12])),
    }
}

fn schema() -> Vec<Instruction> {
    let mut instructions = Vec::new();
    for (class, key_type) in CLASSES {
        instructions.push(add_table(class, key_type));
        for field in &FIELDS {
            let spec = ColumnSpec::new(field.column_type, field.nullable, field.collection, None);
            instructions.push(Instruction::AddColumn {
                class: class.into(),
                field: field.name.into(),
                spec,
            });
        }
    }
    instructions
}

impl World {
    fn new(seed: u64, switches: Switches) -> Self {
        let scanning = Switches {
            skip_unconcerned: false,
            ..switches
        };
        let mut world = Self {
            dice: Dice::new(seed),
            matched: open(switches),
            scanning: open(scanning),
            peers: Vec::new(),
            focus: [0, 1],
            clock: 1,
            tally: Tally::default(),
        };
        let field =
            |dice: &mut Dice| usize::try_from(dice.below(FIELDS.len() as u64)).expect("small");
        world.focus = [field(&mut world.dice), field(&mut world.dice)];
        for number in 0..PEERS {
            let peer = world.peer();
            world.peers.push(peer);
            world.identify(number);
            if number == 0 {
                world.upload(&[(0, schema())]);
            }
            world.subscribe(number);
        }
        world
    }

    fn peer(&mut self) -> Peer {
        let ident = self
            .matched
            .allocate_file_ident("user", 5, 0)
            .expect("an ident is given");
        let same = self
            .scanning
            .allocate_file_ident("user", 5, 0)
            .expect("an ident is given");
        assert_eq!(ident, same);
        Peer {
            ident,
            session: 0,
            cursor: (0, 0),
            latest: 0,
            client_version: 1,
            query_version: 0,
            query: "{}".to_owned(),
            role: Role::everything(),
            is_original: self.dice.chance(300),
            is_named: true,
        }
    }

    fn role(&mut self) -> Role {
        let everything = || ClassRole::by_predicates(EVERYTHING, EVERYTHING);
        let mut role = Role {
            default: everything(),
            classes: BTreeMap::new(),
        };
        for (number, (class, _)) in CLASSES.iter().enumerate() {
            if self.dice.chance(300) {
                let read = predicate(&mut self.dice, &self.focus, number, 1);
                let write = if self.dice.chance(500) {
                    EVERYTHING.to_owned()
                } else {
                    read.clone()
                };
                let mut rules = ClassRole::by_predicates(&read, &write);
                if self.dice.chance(300) {
                    // Reads one of the fields, and what the others hold is not sent.
                    let field = FIELDS[*self.dice.pick(&self.focus)].name;
                    rules.readable = FieldAccess::new(false, [(field.into(), FieldAccess::all())]);
                    rules.writable = rules.readable.clone();
                }
                role.classes.insert((*class).to_owned(), rules);
            }
        }
        role
    }

    fn identify(&mut self, at: usize) {
        let peer = &self.peers[at];
        let said = Identification {
            file_ident: peer.ident,
            file_ident_salt: 5,
            user: "user".to_owned(),
            download_server_version: peer.cursor.0,
            download_client_version: peer.cursor.1,
            latest_server_version: peer.latest,
            latest_server_version_salt: if peer.latest == 0 { 0 } else { SALT },
            query_version: peer.query_version,
            query: peer.query.clone(),
            role: peer.role.clone(),
            is_own_client: !peer.is_original,
            protocol_version: 14,
            schema_version: 0,
        };
        let identified = self
            .matched
            .identify(said.clone(), 0)
            .expect("it is let in");
        let same = self.scanning.identify(said, 0).expect("it is let in");
        assert_eq!(identified, same);
        self.peers[at].session = identified.session;
        self.peers[at].is_named = true;
    }

    /// The connection breaks, and another is made, perhaps with other rights.
    fn reconnect(&mut self, at: usize) {
        let session = self.peers[at].session;
        let is_noticed = self.dice.chance(700);
        if is_noticed {
            self.matched.end_session(session);
            self.scanning.end_session(session);
        }
        if self.dice.chance(400) {
            self.peers[at].role = self.role();
        }
        self.identify(at);
        if !is_noticed {
            self.matched.end_session(session);
            self.scanning.end_session(session);
        }
    }

    fn subscribe(&mut self, at: usize) {
        let mut classes = BTreeMap::new();
        for (number, (class, _)) in CLASSES.iter().enumerate() {
            if self.dice.chance(700) {
                let depth = self.dice.below(3);
                classes.insert(
                    *class,
                    predicate(&mut self.dice, &self.focus, number, depth),
                );
            }
        }
        let query = serde_json::to_string(&classes).expect("texts make JSON");
        self.drain(at);
        let peer = &mut self.peers[at];
        let (session, version) = (peer.session, peer.query_version + 1);
        let refused = self
            .matched
            .query(session, version, &query)
            .expect("the ledger works");
        let same = self
            .scanning
            .query(session, version, &query)
            .expect("the ledger works");
        assert_eq!(refused, same);
        self.tally.queries += 1;
        if refused.is_some() {
            self.tally.queries_refused += 1;
            return;
        }
        peer.query_version = version;
        peer.query = query;
        peer.is_named = true;
    }

    fn instructions(&mut self) -> Vec<Instruction> {
        let mut made = Vec::new();
        for _ in 0..self.dice.between(1, 3) {
            let number = usize::try_from(self.dice.below(CLASSES.len() as u64)).expect("small");
            let class = CLASSES[number].0;
            let key = key(number, self.dice.below(KEYS));
            let create = || Instruction::CreateObject {
                class: class.into(),
                key: key.clone(),
            };
            let erase = || Instruction::EraseObject {
                class: class.into(),
                key: key.clone(),
            };
            if self.dice.chance(150) {
                made.push(erase());
                continue;
            }
            let target = |field: &str, path| Target {
                class: class.into(),
                key: key.clone(),
                field: field.into(),
                path,
            };
            if self.dice.chance(200) {
                made.extend([erase(), create()]);
                for index in 0..u32::try_from(self.dice.below(3)).expect("small") {
                    let value = value(&mut self.dice, FIELDS[14].column_type, true);
                    made.push(Instruction::ArrayInsert {
                        target: target("tags", vec![PathElement::Index(index)]),
                        value: Payload::Value(value),
                        prior_size: index,
                    });
                }
            } else {
                made.push(create());
            }
            for _ in 0..self.dice.between(1, 4) {
                let field = &FIELDS[*self.dice.pick(&self.focus)];
                if field.collection == CollectionKind::Single {
                    let value = value(&mut self.dice, field.column_type, field.nullable);
                    made.push(Instruction::Update {
                        target: target(field.name, Vec::new()),
                        value: Payload::Value(value),
                        kind: UpdateKind::Property { is_default: false },
                    });
                }
            }
        }
        made
    }

    /// One commit of changesets of these clients, each of another.
    fn upload(&mut self, changes: &[(usize, Vec<Instruction>)]) {
        let mut bodies = Vec::new();
        for (at, instructions) in changes {
            self.clock += 1;
            let peer = &mut self.peers[*at];
            peer.client_version += 1;
            let made = (
                peer.client_version,
                peer.cursor.0,
                self.clock,
                instructions.clone(),
            );
            bodies.push((*at, body(&[made])));
        }
        let upload = |(at, body): &'_ (usize, Vec<u8>)| {
            let peer = &self.peers[*at];
            (
                peer.session,
                peer.client_version,
                peer.cursor.0,
                body.clone(),
            )
        };
        let said: Vec<_> = bodies.iter().map(upload).collect();
        let uploads: Vec<Upload<'_>> = said
            .iter()
            .map(|(session, client, server, body)| Upload {
                session: *session,
                progress_client_version: *client,
                progress_server_version: *server,
                locked_server_version: *server,
                body,
            })
            .collect();
        let answers = self
            .matched
            .integrate(&uploads, 0)
            .expect("the ledger works");
        let same = self
            .scanning
            .integrate(&uploads, 0)
            .expect("the ledger works");
        assert_eq!(answers, same);
        self.named();
        for ((at, _), answer) in bodies.iter().zip(answers) {
            self.tally.compensated += answer.compensations.len() as u64;
            if answer.refusal.is_some() {
                // A file that was refused begins anew.
                self.tally.refused += 1;
                let peer = self.peer();
                self.peers[*at] = peer;
                self.identify(*at);
                self.subscribe(*at);
            }
        }
    }

    fn named(&mut self) {
        let named = self.matched.take_touched();
        let mut once = named.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), named.len(), "a session is named twice");
        for peer in &mut self.peers {
            peer.is_named |= named.contains(&peer.session);
        }
    }

    /// Fetches a message. Returns whether there was one.
    fn fetch(&mut self, at: usize, bytes: usize) -> bool {
        let session = self.peers[at].session;
        let limits = DownloadLimits::of(bytes);
        let part = self
            .matched
            .next_download(session, limits)
            .expect("the ledger works");
        let same = self
            .scanning
            .next_download(session, limits)
            .expect("the ledger works");
        assert_eq!(part, same, "{:?}", self.peers[at].query);
        let peer = &mut self.peers[at];
        let Some(part) = part else {
            self.tally.spared += u64::from(!peer.is_named);
            peer.is_named = false;
            return false;
        };
        assert!(peer.is_named, "{} was not named for {part:?}", peer.query);
        // What says that it is the last is not followed by anything until the session is named.
        peer.is_named = !part.is_last;
        self.tally.sent += 1;
        self.tally.last += u64::from(part.is_last);
        peer.latest = part.latest_server_version;
        if part.batch_state == BatchState::Steady {
            self.tally.steady += u64::from(part.entries > 0);
            let synthetic = |received: &common::Received| received.origin == 1;
            self.tally.synthetic += common::entries(&part)
                .iter()
                .filter(|entry| synthetic(entry))
                .count() as u64;
        }
        if part.batch_state != BatchState::MoreToCome {
            peer.cursor = (part.download_server_version, part.download_client_version);
        }
        true
    }

    fn drain(&mut self, at: usize) {
        while self.fetch(at, 1 << 20) {}
    }

    fn any(&mut self) -> usize {
        usize::try_from(self.dice.below(self.peers.len() as u64)).expect("small")
    }

    fn step(&mut self) {
        let at = self.any();
        match self.dice.below(20) {
            0 => self.subscribe(at),
            1 => self.reconnect(at),
            2..=6 => {
                for _ in 0..self.dice.between(1, 3) {
                    let bytes = *self.dice.pick(&[1, 100, 1000, 1 << 20]);
                    self.fetch(at, bytes);
                }
            }
            7 => {
                // Whoever was not named has nothing to fetch.
                for at in 0..self.peers.len() {
                    if !self.peers[at].is_named {
                        assert!(!self.fetch(at, 1 << 20));
                    }
                }
            }
            8 if self.dice.chance(100) => {
                let field = format!("later{}", self.clock);
                let column = add_column(
                    "Alpha",
                    &field,
                    FIELDS[0].column_type,
                    CollectionKind::Single,
                );
                self.drain(at);
                self.upload(&[(at, vec![column])]);
            }
            _ => {
                let mut changes = Vec::new();
                for _ in 0..self.dice.between(1, 3) {
                    let at = self.any();
                    if changes.iter().all(|(other, _)| *other != at) {
                        // No upload of a session is integrated before its bootstrap was given.
                        self.drain(at);
                        changes.push((at, self.instructions()));
                    }
                }
                self.upload(&changes);
            }
        }
    }

    fn run(seed: u64, switches: Switches) -> Tally {
        let mut world = Self::new(seed, switches);
        for _ in 0..STEPS {
            world.step();
        }
        for at in 0..world.peers.len() {
            world.drain(at);
        }
        world.tally
    }
}

fn number(name: &str) -> Option<u64> {
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may be told how long to run"
    )]
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn who_is_not_named_is_owed_nothing_and_all_are_sent_what_reading_everything_gives() {
    if let Some(seed) = number("TIDEMARK_SEED") {
        World::run(seed, Switches::ALL);
        return;
    }
    let mut total = Tally::default();
    for seed in 0..number("TIDEMARK_SEEDS").unwrap_or(60) {
        let tally = std::panic::catch_unwind(|| World::run(seed, Switches::ALL));
        let tally = tally.unwrap_or_else(|_| panic!("seed {seed}"));
        total.sent += tally.sent;
        total.last += tally.last;
        total.steady += tally.steady;
        total.synthetic += tally.synthetic;
        total.spared += tally.spared;
        total.refused += tally.refused;
        total.compensated += tally.compensated;
        total.queries += tally.queries;
        total.queries_refused += tally.queries_refused;
    }
    let Tally {
        sent,
        last,
        steady,
        synthetic,
        spared,
        refused,
        compensated,
        queries,
        queries_refused,
    } = total;
    // Histories in which none of this happens prove nothing.
    assert!(
        sent > 1000
            && last > 500
            && steady > 500
            && synthetic > 100
            && spared > 500
            && compensated > 0
    );
    assert!(
        queries_refused * 2 < queries && refused * 20 < sent,
        "{queries_refused} of {queries}, {refused}"
    );
}

#[test]
fn without_the_values_before_somebody_is_missed() {
    let switches = Switches {
        concern_before: false,
        ..Switches::ALL
    };
    let missed = |seed: u64| std::panic::catch_unwind(|| World::run(seed, switches)).is_err();
    assert!((0..100).any(missed));
}
