//! Compaction of what was not sent: where its rules ([`tidemark_transform::compaction`]) meet the file.
//!
//! A commit notes what it does ([`Notes`]), is shortened by itself, and makes older instructions needless.
//! Those stay where they are until three quarters of an entry are needless; then the entry is written anew,
//! in the storage commit of whatever made it so. The rest is taken out when an entry is handed out to be
//! sent. What may have been sent is never touched: the record of the synchronisation says how far that goes.
//!
//! All that is in memory can be made again from the file, and is when it is first needed after a start.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use tidemark_changeset::codec::{self, Encoder};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, Name, PathElement, PrimaryKey, Target,
};
use tidemark_model::{Class, Column, Schema};
use tidemark_query::{Place, bind, parse};
use tidemark_storage::{Read, Storage, Write};
use tidemark_transform::compaction::{
    Committed, Effect, Folds, Footprint, Overwrites, effect, fold,
};

use crate::catalog::Catalog;
use crate::database::Database;
use crate::query::Names;
use crate::sync::{read_rule_fields, read_sets};
use crate::tables::{ClassId, INDEX, index_key};
use crate::transaction::{Touch, WriteTransaction, object_number};
use crate::{Result, StoreError, history};

/// An object of this file.
pub(crate) type ObjectId = (ClassId, u64);

/// Places below a column that one write remembers, to see whether it comes back to one.
const DEEP_PLACES_MAX: usize = 65_536;

/// What is committed while a session is behind by more than this is compacted, as if there were none. A
/// connection that is lost without notice leaves that much uncompacted.
const AWAITED_BYTES_MAX: u64 = 16 << 10;

/// Where an instruction acts, as far as compaction follows it.
struct Spot {
    path: Vec<Name>,
    /// Whether a plain value of a column with a type stands there.
    is_plain: bool,
}

/// Follows a target down to a place whose value one assignment replaces wholly: a property, a property of an
/// embedded object in a property, or an entry of a dictionary of plain values.
fn spot(schema: &Schema, target: &Target, typed: bool) -> Spot {
    let keys = target.path.iter().map_while(|element| match element {
        PathElement::Key(key) => Some(key),
        PathElement::Index(_) => None,
    });
    let path: Vec<Name> = keys.cloned().collect();
    let is_plain = path.len() == target.path.len()
        && schema
            .class(&target.class)
            .is_some_and(|class| is_plain(schema, class, &target.field, &path, typed));
    Spot { path, is_plain }
}

fn is_plain(schema: &Schema, class: &Class, field: &Name, path: &[Name], typed: bool) -> bool {
    let column = class
        .column_index(field)
        .and_then(|at| class.columns.get(at));
    let Some(column) = column else { return false };
    let embedded = embedded_class(schema, column);
    match (column.collection, path, embedded) {
        (CollectionKind::Single, [], None) | (CollectionKind::Dictionary, [_], None) => {
            column.column_type != ColumnType::Mixed || !typed
        }
        (CollectionKind::Single, [field, rest @ ..], Some(embedded)) => {
            is_plain(schema, embedded, field, rest, typed)
        }
        _ => false,
    }
}

fn embedded_class<'s>(schema: &'s Schema, column: &Column) -> Option<&'s Class> {
    let target = schema.class(column.target.as_ref()?)?;
    target.is_embedded().then_some(target)
}

/// What a write has done so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    folds: Folds,
    footprint: Footprint<ObjectId>,
    /// Whether it may have said something twice.
    repeats: bool,
    has_erased: bool,
    /// Whether it may have created again what it had erased.
    may_recreate: bool,
    deep: FxHashSet<u64>,
}

impl Notes {
    fn new(folds: Folds) -> Self {
        Self {
            folds,
            ..Self::default()
        }
    }

    /// The schema changed.
    pub fn schema(&mut self) {
        self.footprint.obscure();
    }

    /// An object was created: whatever is said about it in this write stays there.
    pub fn create(&mut self) {
        self.may_recreate |= self.has_erased;
        self.footprint.pass();
    }

    /// An object was erased.
    pub fn erase(&mut self, object: ObjectId, was_touched: bool) {
        self.repeats |= was_touched;
        self.has_erased = true;
        self.footprint.erased(&object);
    }

    /// Something was changed inside an object.
    pub fn edit(
        &mut self,
        schema: &Schema,
        object: ObjectId,
        touch: Touch,
        instruction: &Instruction,
    ) {
        let Some(target) = instruction.target() else {
            return self.footprint.pass();
        };
        let effect = effect(instruction);
        if effect != Effect::Other && !touch.is_first {
            self.repeats |=
                target.path.is_empty() || !self.is_new_below(object, touch.column, target);
        } else if effect != Effect::Other && !target.path.is_empty() {
            self.is_new_below(object, touch.column, target);
        }
        if touch.is_fresh {
            return self.footprint.pass();
        }
        let spot = spot(schema, target, self.folds.typed);
        let effect = if spot.is_plain { effect } else { Effect::Other };
        self.footprint
            .touched(&object, touch.column, &spot.path, effect);
    }

    /// Remembers a place below a column. Two that look alike by accident cost a look at the changeset, no
    /// more.
    fn is_new_below(&mut self, object: ObjectId, column: u16, target: &Target) -> bool {
        if self.deep.len() >= DEEP_PLACES_MAX {
            return true;
        }
        let mut hasher = FxHasher::default();
        (object, column, &target.path).hash(&mut hasher);
        self.deep.insert(hasher.finish())
    }
}

/// Which columns of a class decide whether the client's subscriptions show an object, and what the server's
/// rules allow with it.
#[derive(Debug)]
enum Decisive {
    Columns(BTreeSet<u16>),
    All,
}

/// What is kept in memory for compaction.
#[derive(Debug)]
pub(crate) struct Compactor {
    folds: Folds,
    /// `None` until first needed.
    overwrites: Option<Overwrites<ObjectId>>,
    /// `None` until first needed, and when the subscriptions or the schema have changed.
    decisive: Option<FxHashMap<ClassId, Decisive>>,
    /// How much a session that has taken everything will send at once when it is committed: there is nothing
    /// to compact in it, and the commit itself can say that it may be sent.
    awaited_bytes: u64,
}

impl Compactor {
    pub fn new(folds: Folds) -> Self {
        Self {
            folds,
            overwrites: None,
            decisive: None,
            awaited_bytes: 0,
        }
    }

    /// Forgets what is in memory: a write that used it was not committed.
    pub fn reset(&mut self) {
        *self = Self::new(self.folds);
    }

    /// Subscriptions have changed: what was overwritten before may decide something else now.
    pub fn subscriptions_changed(&mut self) {
        self.decisive = None;
        if let Some(overwrites) = &mut self.overwrites {
            overwrites.separate();
        }
    }

    /// The schema has changed: subscriptions may look at classes and columns that were not there.
    pub fn schema_changed(&mut self) {
        self.decisive = None;
    }

    /// A session has taken all there is.
    pub fn drained(&mut self) {
        self.awaited_bytes = AWAITED_BYTES_MAX;
    }

    /// No session waits for what is committed next.
    pub fn left_alone(&mut self) {
        self.awaited_bytes = 0;
    }

    /// What follows the history that was not sent: the versions in `unsent`, read from the file if need be.
    fn overwrites(
        &mut self,
        storage: &impl Read,
        catalog: &Catalog,
        unsent: RangeInclusive<u64>,
    ) -> Result<&mut Overwrites<ObjectId>> {
        if self.overwrites.is_none() {
            let mut overwrites = Overwrites::new(self.folds);
            if self.folds.across && !unsent.is_empty() {
                let decisive = decisive(storage, catalog)?;
                let history = UnsentHistory {
                    storage,
                    catalog,
                    folds: self.folds,
                    decisive: &decisive,
                };
                history.read(unsent, &mut overwrites)?;
                self.decisive = Some(decisive);
            }
            self.overwrites = Some(overwrites);
        }
        self.overwrites
            .as_mut()
            .ok_or(StoreError::Damaged("lost history"))
    }
}

fn is_decisive(decisive: &FxHashMap<ClassId, Decisive>, class: ClassId, column: u16) -> bool {
    match decisive.get(&class) {
        None => false,
        Some(Decisive::All) => true,
        Some(Decisive::Columns(columns)) => columns.contains(&column),
    }
}

/// The columns that the queries of all kept subscription sets look at, and the server's rules.
fn decisive(storage: &impl Read, catalog: &Catalog) -> Result<FxHashMap<ClassId, Decisive>> {
    let mut classes: FxHashMap<ClassId, Decisive> = FxHashMap::default();
    for subscription in read_sets(storage)?
        .into_iter()
        .flat_map(|set| set.subscriptions)
    {
        let name = Name::from(subscription.class_name.as_str());
        let (Some(id), Some(class)) = (catalog.id(&name), catalog.class(&name)) else {
            continue;
        };
        let columns = columns_of(catalog, class, &subscription.query);
        let known = classes
            .entry(id)
            .or_insert_with(|| Decisive::Columns(BTreeSet::new()));
        match (columns, known) {
            (Some(columns), Decisive::Columns(known)) => known.extend(columns),
            (Some(_), Decisive::All) => {}
            (None, known) => *known = Decisive::All,
        }
    }
    for (class, fields) in read_rule_fields(storage)? {
        let name = Name::from(class.as_str());
        let (Some(id), Some(class)) = (catalog.id(&name), catalog.class(&name)) else {
            continue;
        };
        let known = classes
            .entry(id)
            .or_insert_with(|| Decisive::Columns(BTreeSet::new()));
        if let Decisive::Columns(known) = known {
            let columns = fields
                .iter()
                .filter_map(|field| class.column_index(&Name::from(field.as_str())));
            known.extend(columns.filter_map(|column| u16::try_from(column).ok()));
        }
    }
    Ok(classes)
}

/// The columns that a query looks at; `None` if that is not clear.
fn columns_of(catalog: &Catalog, class: &Class, query: &str) -> Option<Vec<u16>> {
    if query.trim().is_empty() {
        return Some(Vec::new());
    }
    let names = Names {
        catalog,
        given: None,
    };
    let query = bind(&parse(query).ok()?, class.name.as_str()?, &names, &[]).ok()?;
    let mut columns = Vec::new();
    for field in query.fields() {
        let name = class.name.as_str()?;
        match tidemark_query::Catalog::property(&names, name, field)?.place {
            Place::Column(column) => columns.push(u16::try_from(column).ok()?),
            // A key never changes.
            Place::Key => {}
        }
    }
    Some(columns)
}

/// Entries that were not sent, in the file.
struct UnsentHistory<'a, R: Read> {
    storage: &'a R,
    catalog: &'a Catalog,
    folds: Folds,
    decisive: &'a FxHashMap<ClassId, Decisive>,
}

impl<R: Read> UnsentHistory<'_, R> {
    /// Goes through the entries as if they were committed now.
    fn read(&self, unsent: RangeInclusive<u64>, into: &mut Overwrites<ObjectId>) -> Result<()> {
        for head in history::heads(self.storage, *unsent.start(), *unsent.end())? {
            let (version, head) = head?;
            if !head.is_local {
                // An integration, new subscriptions, or an empty commit. What the subscriptions were before
                // is not known, so what was before stays as it is.
                *into = Overwrites::new(self.folds);
                continue;
            }
            let instructions = decode(&history::original(self.storage, version)?)?;
            let footprint = footprint_of(self.storage, self.catalog, self.folds, &instructions)?;
            let committed = Committed {
                version,
                timestamp: head.timestamp,
            };
            let decides = |object: &ObjectId, column| is_decisive(self.decisive, object.0, column);
            into.commit(committed, footprint, &decides);
        }
        Ok(())
    }
}

/// What instructions do, by the names they use. What an object that is not there any more is called says
/// nothing.
fn footprint_of(
    storage: &impl Read,
    catalog: &Catalog,
    folds: Folds,
    instructions: &[Instruction],
) -> Result<Footprint<ObjectId>> {
    let mut footprint = Footprint::default();
    let mut last: Option<(&Name, &PrimaryKey, Option<ObjectId>)> = None;
    for instruction in instructions {
        let Some((class, key)) = instruction.object() else {
            footprint.obscure();
            continue;
        };
        let object = match last {
            Some((last_class, last_key, object)) if last_class == class && last_key == key => {
                object
            }
            _ => find(storage, catalog, class, key)?,
        };
        last = Some((class, key, object));
        let Some(object) = object else {
            footprint.pass();
            continue;
        };
        match instruction {
            Instruction::CreateObject { .. } => footprint.created(&object),
            Instruction::EraseObject { .. } => footprint.erased(&object),
            _ => {
                let column = instruction.target().and_then(|target| {
                    let column = catalog.class(class)?.column_index(&target.field)?;
                    Some((u16::try_from(column).ok()?, target))
                });
                let Some((column, target)) = column else {
                    footprint.obscure();
                    continue;
                };
                let spot = spot(&catalog.schema, target, folds.typed);
                let effect = if spot.is_plain {
                    effect(instruction)
                } else {
                    Effect::Other
                };
                footprint.touched(&object, column, &spot.path, effect);
            }
        }
    }
    Ok(footprint)
}

fn find(
    storage: &impl Read,
    catalog: &Catalog,
    class: &Name,
    key: &PrimaryKey,
) -> Result<Option<ObjectId>> {
    let Some(id) = catalog.id(class) else {
        return Ok(None);
    };
    let entry = storage.get(INDEX, &index_key(id, key))?;
    entry
        .map(|bytes| Ok((id, object_number(&bytes)?)))
        .transpose()
}

fn decode(bytes: &[u8]) -> Result<Vec<Instruction>> {
    let damaged = |_| StoreError::Damaged("a changeset of the history cannot be read");
    Ok(codec::decode(bytes).map_err(damaged)?.instructions)
}

impl<S: Storage> WriteTransaction<S> {
    /// Begins to note what the write does.
    pub(crate) fn take_notes(&mut self, folds: Folds) {
        if folds.within || folds.across {
            self.notes = Some(Notes::new(folds));
        }
    }

    /// The changeset of the write, as short as it can be by itself, and what it did.
    pub(crate) fn finish_changeset(&mut self) -> Result<(Vec<u8>, Footprint<ObjectId>)> {
        let recorder = self.recorder.take();
        let changeset = recorder.map(Encoder::finish).unwrap_or_default();
        let mut notes = self.notes.take().unwrap_or_default();
        if notes.may_recreate {
            notes.footprint.doubt_erased();
        }
        if !(notes.repeats && notes.folds.within) {
            return Ok((changeset, notes.footprint));
        }
        let schema = &self.catalog.schema;
        let is_plain = |target: &Target| spot(schema, target, notes.folds.typed).is_plain;
        let Some(instructions) = fold(&decode(&changeset)?, &is_plain) else {
            return Ok((changeset, notes.footprint));
        };
        let mut footprint = footprint_of(&self.storage, &self.catalog, notes.folds, &instructions)?;
        footprint.adopt_erased(&notes.footprint);
        Ok((codec::encode(&instructions), footprint))
    }
}

impl<S: Storage> Database<S> {
    /// A local write is about to be committed: what it overwrites is needless now.
    pub(crate) fn follow(
        &self,
        write: &mut WriteTransaction<S>,
        committed: Committed,
        footprint: Footprint<ObjectId>,
        sent: u64,
    ) -> Result<()> {
        self.with_compactor(|compactor| {
            if !compactor.folds.across {
                return Ok(());
            }
            // The entry itself is in the storage already.
            let unsent = sent + 1..=committed.version - 1;
            compactor.overwrites(&write.storage, &write.catalog, unsent)?;
            if compactor.decisive.is_none() {
                compactor.decisive = Some(decisive(&write.storage, &write.catalog)?);
            }
            let (Some(overwrites), Some(decisive)) =
                (&mut compactor.overwrites, &compactor.decisive)
            else {
                return Ok(());
            };
            let decides = |object: &ObjectId, column| is_decisive(decisive, object.0, column);
            for version in overwrites.commit(committed, footprint, &decides) {
                self.take_out(&mut write.storage, overwrites, version)?;
            }
            Ok(())
        })
    }

    /// Stores an entry anew without its needless instructions.
    fn take_out(
        &self,
        write: &mut Write<S>,
        overwrites: &mut Overwrites<ObjectId>,
        version: u64,
    ) -> Result<()> {
        if history::has_reciprocal(write, version)? {
            // Its other form speaks of all its instructions.
            overwrites.leave(version);
            return Ok(());
        }
        let instructions = decode(&history::original(write, version)?)?;
        let kept = overwrites.take_out(version, instructions);
        history::shorten(write, version, &codec::encode(&kept))?;
        self.with_unsynced(|unsynced| unsynced.shortened(version));
        Ok(())
    }

    /// Takes out what is needless in an entry that is about to be sent.
    pub(crate) fn clean(
        &self,
        write: &mut Write<S>,
        catalog: &Catalog,
        sent: u64,
        version: u64,
    ) -> Result<()> {
        self.with_compactor(|compactor| {
            let overwrites = compactor.overwrites(write, catalog, sent + 1..=u64::MAX)?;
            if overwrites.is_pending(version) {
                self.take_out(write, overwrites, version)?;
            }
            Ok(())
        })
    }

    /// Entries up to this version may have been sent.
    pub(crate) fn handed_out(&self, version: u64) {
        self.with_compactor(|compactor| {
            if let Some(overwrites) = &mut compactor.overwrites {
                overwrites.sent(version);
            }
        });
    }

    /// A download is to be integrated, or the subscriptions change: nothing that follows overwrites what was
    /// made before. What is needless already is found out now, while it is still known what the
    /// subscriptions look at.
    pub(crate) fn separate_history(&self, write: &WriteTransaction<S>, sent: u64) -> Result<()> {
        self.with_compactor(|compactor| {
            // What this write has put into the history comes after that.
            let unsent = sent + 1..=write.head.version;
            compactor
                .overwrites(&write.storage, &write.catalog, unsent)?
                .separate();
            if write.changes.schema {
                compactor.schema_changed();
            }
            Ok(())
        })
    }

    /// Whether a session waits for a commit of this size; it waits for that much less from now on.
    pub(crate) fn take_awaited(&self, size: u32) -> bool {
        self.with_compactor(|compactor| {
            let awaited = compactor.awaited_bytes;
            compactor.awaited_bytes = awaited.saturating_sub(u64::from(size));
            awaited > 0
        })
    }

    /// No session takes uploads for now: what is committed from here on waits, and is compacted meanwhile.
    pub fn uploads_paused(&self) {
        self.with_compactor(Compactor::left_alone);
    }
}
