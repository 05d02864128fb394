//! What must be true in the end, however a history went.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use tidemark_changeset::{Instruction, Name, PrimaryKey, Text, Value};
use tidemark_ledger::embedded::tables;
use tidemark_ledger::entries::Entry;
use tidemark_ledger::object::ObjectKey;
use tidemark_ledger::records::RejectedUpdate;
use tidemark_ledger::rows::Rejection;
use tidemark_ledger::views::Role;
use tidemark_model::memory::Database as Model;
use tidemark_model::{Document, Node};
use tidemark_storage::{Read, Storage};

use super::client::{Client, File};
use super::rights;
use super::sent;
use super::world::{Peer, World, text};
use crate::models::canonical;

/// Everything that was in the log: who made it (ident, client version), and the entry.
pub(super) type Log = BTreeMap<(u64, u64), Entry>;

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl World<'_> {
    /// All checks, once everything has settled.
    pub fn check(&mut self) -> Result<(), String> {
        self.read_log()?;
        let log = std::mem::take(&mut self.log);
        for client in self.peers.iter_mut().map(|peer| &mut peer.client) {
            client.file.acknowledged = client.acknowledged().map_err(text)?;
        }
        for file in self.files() {
            check_acknowledged(file, &log)?;
        }
        self.check_origins(&log)?;
        let everything = rights::everything(&self.script.layout);
        let observer = self.observer("observer", &everything)?;
        let mut truth = observer.export().map_err(text)?;
        canonical(&mut truth);
        let mut held = self.read_documents()?;
        for entry in log.values() {
            for instruction in entry.instructions().map_err(words)? {
                self.coverage.say(&held.schema, instruction);
            }
        }
        let (sent, late) = sent::check(self.files(), &log, &held)?;
        self.coverage.count("asymmetric objects", sent);
        self.coverage.count("asymmetric objects sent twice", late);
        // Objects that are only sent up come down to nobody.
        held.objects.retain(|class, _| {
            held.schema
                .class(class)
                .is_none_or(|class| !class.is_asymmetric())
        });
        canonical(&mut held);
        compare(&truth, &held)
            .map_err(|what| format!("a new file differs from the server: {what}"))?;
        self.check_marks(&log, &truth)?;
        for who in 0..self.peers.len() {
            self.check_view(who, &observer, &truth)?;
        }
        for objects in truth.objects.values() {
            self.digest.number(objects.len() as u64);
            for document in objects.values() {
                self.digest.bytes(&document.to_row());
            }
        }
        Ok(())
    }

    /// All files that there ever were, but for observers and fresh copies.
    fn files(&self) -> impl Iterator<Item = &File> {
        let in_use = self.peers.iter().map(|peer| &peer.client.file);
        in_use.chain(&self.former)
    }

    /// A new file that is up to date.
    fn observer(
        &mut self,
        user: &str,
        wanted: &BTreeMap<String, String>,
    ) -> Result<Client, String> {
        let client = self.new_client(user.to_owned(), None, wanted, None)?;
        self.peers.push(Peer {
            client,
            link: None,
            dropped: Vec::new(),
        });
        let who = self.peers.len() - 1;
        self.exchange(who)?;
        self.cut(who);
        let peer = self.peers.pop().ok_or("the observer is gone")?;
        Ok(peer.client)
    }

    fn check_view(&mut self, who: usize, observer: &Client, truth: &Model) -> Result<(), String> {
        let client = &self.peers[who].client;
        let (name, user, wanted) = (client.name(), client.user.clone(), client.wanted.clone());
        let role = self.server.roles.get(&user);
        let seen = |class: &str| {
            let subscription = wanted.get(class)?;
            let read = role.map_or("TRUEPREDICATE", |role| &role.of(class).read);
            Some(format!("({subscription}) AND ({read})"))
        };
        let mut expected = restrict(truth, observer, &seen)?;
        if let Some(role) = role {
            cover(&mut expected, role);
        }
        let mut held = client.export().map_err(text)?;
        canonical(&mut held);
        compare(&expected, &held)
            .map_err(|what| format!("{name} differs from its view: {what}"))?;
        let fresh = self.observer(&user, &wanted)?;
        let mut held = fresh.export().map_err(text)?;
        canonical(&mut held);
        compare(&expected, &held)
            .map_err(|what| format!("a new file of {name} differs from its view: {what}"))
    }

    /// Reads what is new in the log, before it may be trimmed.
    pub(super) fn read_log(&mut self) -> Result<(), String> {
        let snapshot = self.server.disk.snapshot().map_err(words)?;
        let from = tables::number(self.log_read + 1);
        let range = snapshot.range(tables::ENTRIES, Bound::Included(&from), Bound::Unbounded);
        for line in range.map_err(words)? {
            let (key, bytes) = line.map_err(words)?;
            let version = tables::last_number(&key).map_err(words)?;
            let entry = Entry::read(version, std::sync::Arc::from(&bytes[..])).map_err(words)?;
            let origin = (entry.origin.ident, entry.origin.client_version);
            self.log_read = version;
            if origin.0 < 2 {
                continue;
            }
            if let Some(other) = self.log.insert(origin, entry) {
                let other = other.version;
                return Err(format!(
                    "{origin:?} is in the log twice: {other} and {version}"
                ));
            }
        }
        Ok(())
    }

    /// Nothing is in the log that nobody wrote.
    fn check_origins(&self, log: &Log) -> Result<(), String> {
        let files: BTreeMap<u64, &File> = self.files().map(|file| (file.ident, file)).collect();
        for ((ident, version), entry) in log {
            let timestamp = entry.origin.timestamp;
            let file = files.get(ident).ok_or("the log has an entry of no file")?;
            let committed = file
                .committed
                .iter()
                .find(|commit| commit.version == *version);
            let known = match (committed, &file.recovered) {
                (Some(commit), _) => commit.timestamp == timestamp,
                (None, Some((through, times))) => version <= through && times.contains(&timestamp),
                (None, None) => false,
            };
            if !known {
                return Err(format!(
                    "the log has {version} of file {ident} of {timestamp}, committed: {committed:?}"
                ));
            }
        }
        Ok(())
    }

    fn read_documents(&self) -> Result<Model, String> {
        let snapshot = self.server.disk.snapshot().map_err(words)?;
        let schema = self.server.schema()?;
        let mut model = Model::new();
        for number in 0..u32::try_from(schema.len()).map_err(words)? {
            if let Some(class) = schema.class(number) {
                model
                    .schema
                    .classes
                    .insert(class.name.clone(), class.clone());
            }
        }
        for line in snapshot.prefix(tables::OBJECTS, &[]).map_err(words)? {
            let (key, row) = line.map_err(words)?;
            let object = ObjectKey::from_bytes(&key).map_err(words)?;
            let class = schema.name(object.class()).ok_or("an object of no class")?;
            let document = Document::from_row(&row).map_err(|error| format!("a row: {error:?}"))?;
            let objects = model.objects.entry(class.clone()).or_default();
            objects.insert(object.key(), document);
        }
        model.fill();
        Ok(model)
    }

    /// Additions and insertions that nobody took back are there, but for the ones that were rejected.
    fn check_marks(&self, log: &Log, truth: &Model) -> Result<(), String> {
        let mut marks = Marks::default();
        for peer in &self.peers {
            marks.take(&peer.client.file, log, true)?;
        }
        for file in &self.former {
            marks.take(file, log, false)?;
        }
        for entry in log.values() {
            for instruction in entry.instructions().map_err(words)? {
                if let Instruction::EraseObject { class, key } = instruction {
                    marks.erased.insert((class.clone(), key.clone()));
                }
            }
        }
        marks.check(truth)
    }
}

/// What has to be found.
#[derive(Default)]
struct Marks {
    counts: BTreeMap<(Name, PrimaryKey), i64>,
    tokens: Vec<(Name, PrimaryKey, Text)>,
    erased: BTreeSet<(Name, PrimaryKey)>,
    /// Objects whose counter a client reset brought back as a number.
    assigned: BTreeSet<(Name, PrimaryKey)>,
}

impl Marks {
    /// Takes what a file wrote and the log has. What was rejected is known by the 231s of a file that is in
    /// use; of one that was given up, by the log itself, which also says what was recovered.
    fn take(&mut self, file: &File, log: &Log, is_in_use: bool) -> Result<(), String> {
        for commit in &file.committed {
            // What was deleted before it was ever sent has left no trace, thanks to compaction.
            self.erased.extend(commit.erased.iter().cloned());
            let Some(entry) = log.get(&(file.ident, commit.version)) else {
                continue;
            };
            let kept = |class: &Name, key: &PrimaryKey| {
                if is_in_use {
                    Ok(!is_rejected(file, commit.version, class, key))
                } else {
                    speaks_of(entry, class, key)
                }
            };
            for (class, key, delta) in &commit.counts {
                if kept(class, key)? {
                    self.count(class, key, *delta);
                }
            }
            for (class, key, token) in &commit.tokens {
                if kept(class, key)? {
                    self.tokens
                        .push((class.clone(), key.clone(), token.clone()));
                }
            }
        }
        if let Some((through, _)) = file.recovered {
            let own = log.range((file.ident, 0)..=(file.ident, through));
            for (_, entry) in own {
                self.take_recovered(entry)?;
            }
        }
        for (class, key, token) in &file.promised {
            let told = RejectedUpdate::new(class, key, Rejection::OutsideView);
            let is_rejected = file
                .rejected
                .iter()
                .any(|(_, table, key)| *table == told.table && *key == told.primary_key);
            if is_in_use && !is_rejected {
                self.tokens
                    .push((class.clone(), key.clone(), token.clone()));
            }
        }
        Ok(())
    }

    fn count(&mut self, class: &Name, key: &PrimaryKey, delta: i64) {
        let sum = self.counts.entry((class.clone(), key.clone())).or_default();
        *sum = sum.wrapping_add(delta);
    }

    fn take_recovered(&mut self, entry: &Entry) -> Result<(), String> {
        for instruction in entry.instructions().map_err(words)? {
            let Some(target) = instruction.target() else {
                continue;
            };
            let object = (target.class.clone(), target.key.clone());
            if !target.path.is_empty() || target.field != Name::from("count") {
                continue;
            }
            match instruction {
                Instruction::AddInteger { delta, .. } => self.count(&object.0, &object.1, *delta),
                _ => drop(self.assigned.insert(object)),
            }
        }
        Ok(())
    }

    fn check(&self, truth: &Model) -> Result<(), String> {
        let field = |class: &Name, key: &PrimaryKey, field: &str| {
            let column = truth.schema.class(class)?.column_index(&field.into())?;
            truth.get(class, key)?.field(column).cloned()
        };
        let was_erased =
            |class: &Name, key: &PrimaryKey| self.erased.contains(&(class.clone(), key.clone()));
        for ((class, key), sum) in &self.counts {
            if self.assigned.contains(&(class.clone(), key.clone())) {
                continue;
            }
            let found = field(class, key, "count");
            if !was_erased(class, key) && found != Some(Node::Value(Value::Int(*sum))) {
                return Err(format!(
                    "{class}[{key:?}].count is {found:?}, {sum} was acknowledged"
                ));
            }
        }
        for (class, key, token) in &self.tokens {
            let found = field(class, key, "tokens");
            let value = Value::String(token.clone());
            let is_there = matches!(&found, Some(Node::Set(elements)) if elements.contains(&value));
            if !was_erased(class, key) && !is_there {
                return Err(format!(
                    "{token:?} was acknowledged, {class}[{key:?}] has {found:?}"
                ));
            }
        }
        Ok(())
    }
}

fn is_rejected(file: &File, version: u64, class: &Name, key: &PrimaryKey) -> bool {
    let told = RejectedUpdate::new(class, key, Rejection::OutsideView);
    let rejected = (version, told.table, told.primary_key);
    file.rejected.contains(&rejected)
}

fn speaks_of(entry: &Entry, class: &Name, key: &PrimaryKey) -> Result<bool, String> {
    let instructions = entry.instructions().map_err(words)?;
    Ok(instructions
        .iter()
        .any(|instruction| instruction.object() == Some((class, key))))
}

/// Everything that the server has acknowledged is in the log: whatever was said in an upload, and whatever
/// holds something that compaction keeps.
fn check_acknowledged(file: &File, log: &Log) -> Result<(), String> {
    let lasting = file.committed.iter().filter(|commit| commit.is_lasting());
    let due = lasting
        .map(|commit| commit.version)
        .chain(file.sent.keys().copied());
    for version in due.filter(|version| *version <= file.acknowledged) {
        if !log.contains_key(&(file.ident, version)) {
            return Err(format!(
                "version {version} of file {} was acknowledged and is not in the log",
                file.ident
            ));
        }
    }
    Ok(())
}

/// The part of everything that a query per class selects.
fn restrict(
    truth: &Model,
    observer: &Client,
    seen: &dyn Fn(&str) -> Option<String>,
) -> Result<Model, String> {
    let mut expected = truth.clone();
    let snapshot = observer.database().map_err(text)?.read().map_err(words)?;
    let (view, catalog) = (snapshot.view(), snapshot.catalog());
    for (class, objects) in &mut expected.objects {
        let position = catalog.position(class).ok_or("a lost class")?;
        let Some(query) = seen(&class.to_string()) else {
            objects.clear();
            continue;
        };
        let found = view.query(position, &query, &[], None).map_err(words)?;
        let found: BTreeSet<u64> = found.into_iter().collect();
        let mut kept = BTreeMap::new();
        for (key, document) in std::mem::take(objects) {
            let object = view.find(position, &key).map_err(words)?;
            if object.is_some_and(|object| found.contains(&object)) {
                kept.insert(key, document);
            }
        }
        *objects = kept;
    }
    expected.objects.retain(|_, objects| !objects.is_empty());
    Ok(expected)
}

/// Takes away what a role does not let read.
fn cover(model: &mut Model, role: &Role) {
    for (name, objects) in &mut model.objects {
        let visible = role.of(&name.to_string()).visible();
        let Some(class) = model.schema.class(name).filter(|_| !visible.is_all()) else {
            continue;
        };
        for document in objects.values_mut() {
            visible.cover(&model.schema, class, document);
        }
    }
}

fn compare(wanted: &Model, held: &Model) -> Result<(), String> {
    if wanted.objects == held.objects {
        return Ok(());
    }
    let classes: BTreeSet<&Name> = wanted.objects.keys().chain(held.objects.keys()).collect();
    for class in classes {
        let none = BTreeMap::new();
        let wanted_objects = wanted.objects.get(class).unwrap_or(&none);
        let held_objects = held.objects.get(class).unwrap_or(&none);
        let keys: BTreeSet<_> = wanted_objects.keys().chain(held_objects.keys()).collect();
        for key in keys {
            let (wanted_object, held_object) = (wanted_objects.get(key), held_objects.get(key));
            if wanted_object == held_object {
                continue;
            }
            let (Some(wanted_object), Some(held_object)) = (wanted_object, held_object) else {
                let which = if held_object.is_some() {
                    "is there"
                } else {
                    "is missing"
                };
                return Err(format!("{class}[{key:?}] {which}"));
            };
            let columns = wanted
                .schema
                .class(class)
                .map(|class| class.columns.clone());
            for (at, column) in columns.unwrap_or_default().iter().enumerate() {
                let (wanted_node, held_node) = (wanted_object.field(at), held_object.field(at));
                if wanted_node != held_node {
                    let name = &column.name;
                    return Err(format!(
                        "{class}[{key:?}].{name} is {held_node:?}, not {wanted_node:?}"
                    ));
                }
            }
        }
    }
    Err("the two differ".to_owned())
}
