//! Replaying unsynced changesets onto the fresh state, in a write of it that is recorded and never committed:
//! what it records are the recovered changesets.
//!
//! An instruction is applied as a downloaded one would be, and recorded as a client emits it: nothing for
//! what is there already, nullified links before an erased object. What does not fit the fresh state is
//! dropped and reported; lists follow [`super::tracker`].

mod lists;
mod look;

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;
use tidemark_changeset::codec::Encoder;
use tidemark_changeset::{
    CollectionKind, Instruction, Link, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind,
    Value,
};
use tidemark_model::{NESTING_MAX, Problem};
use tidemark_storage::{Read, Storage};

use super::report::{DropReason, Dropped, ResetFailure, ResetReport};
use super::tracker::{ListKey, Lists, Route, split};
use crate::seen::Seen;
use crate::tables::ClassId;
use crate::transaction::WriteTransaction;
use crate::view::View;
use crate::{Result, StoreError};
use look::At;

/// A recovery in progress.
pub(super) struct Replay<'a, F: Storage, R: Read> {
    /// A recorded write of the fresh copy.
    fresh: &'a mut WriteTransaction<F>,
    /// The file before the reset.
    local: View<'a, R>,
    lists: Lists,
    /// Lists that were taken over without links whose targets a later changeset may create.
    incomplete: BTreeSet<ListKey>,
    report: &'a mut ResetReport,
    /// Client version of the changeset at hand.
    version: u64,
}

impl<'a, F: Storage, R: Read> Replay<'a, F, R> {
    pub fn new(
        fresh: &'a mut WriteTransaction<F>,
        local: View<'a, R>,
        report: &'a mut ResetReport,
    ) -> Self {
        Self {
            fresh,
            local,
            lists: Lists::default(),
            incomplete: BTreeSet::new(),
            report,
            version: 0,
        }
    }

    /// Replays one changeset; the answer is the recovered one. `is_last` says that none follows.
    pub fn changeset(
        &mut self,
        version: u64,
        instructions: &[Instruction],
        is_last: bool,
    ) -> Result<Vec<u8>> {
        self.version = version;
        for instruction in instructions {
            self.report.instructions += 1;
            self.instruction(instruction)?;
        }
        let waiting = self.lists.take_waiting();
        for list in &waiting {
            self.report.lists_copied += u64::from(self.copy_list(list, is_last)?);
        }
        if is_last {
            // What was missing then may have been created since.
            for list in std::mem::take(&mut self.incomplete) {
                if self.lists.is_copied(&list) && !waiting.contains(&list) {
                    self.copy_list(&list, true)?;
                }
            }
        }
        self.fresh.drop_asymmetric()?;
        let recorder = self.fresh.recorder.replace(Encoder::new());
        Ok(recorder.map(Encoder::finish).unwrap_or_default())
    }

    /// Reports the objects that the changeset at hand spoke of when it was written, and does not any more.
    pub fn overruled(&mut self, written: &[Instruction], left: &[Instruction]) {
        let mut known: FxHashSet<_> = left.iter().filter_map(Instruction::object).collect();
        for instruction in written {
            let edited = instruction.object();
            let edited = edited.filter(|_| !matches!(instruction, Instruction::EraseObject { .. }));
            if let Some((class, key)) = edited
                && known.insert((class, key))
            {
                self.drop_object(class, key, DropReason::Overruled);
            }
        }
    }

    fn drop_it(&mut self, target: &Target, reason: DropReason) {
        self.report.note(Dropped {
            client_version: self.version,
            class: target.class.clone(),
            key: target.key.clone(),
            field: Some(target.field.clone()),
            path: target.path.clone(),
            reason,
        });
    }

    fn drop_object(&mut self, class: &Name, key: &PrimaryKey, reason: DropReason) {
        self.report.note(Dropped {
            client_version: self.version,
            class: class.clone(),
            key: key.clone(),
            field: None,
            path: Vec::new(),
            reason,
        });
    }

    fn needless(&mut self) {
        self.report.instructions_needless += 1;
    }

    fn instruction(&mut self, instruction: &Instruction) -> Result<()> {
        match instruction {
            Instruction::AddTable { .. } | Instruction::AddColumn { .. } => {
                self.fresh.apply(instruction).map_err(|error| match error {
                    StoreError::Apply(error) => ResetFailure::SchemaConflict(error).into(),
                    error => error,
                })?;
                // Also if it is there: the server forgives the repetition, not the lack.
                self.fresh.record(instruction);
                self.report.instructions_recovered += 1;
                Ok(())
            }
            Instruction::EraseTable { class } | Instruction::EraseColumn { class, .. } => {
                Err(ResetFailure::SchemaErased(class.clone()).into())
            }
            Instruction::CreateObject { class, key } => self.create(class, key),
            Instruction::EraseObject { class, key } => self.erase(class, key),
            _ => match instruction.target() {
                Some(target) => self.inside(instruction, target),
                None => Ok(()),
            },
        }
    }

    fn class(&mut self, class: &Name, key: &PrimaryKey) -> Option<ClassId> {
        let id = self.fresh.catalog.id(class);
        let problem = match (id, self.fresh.catalog.class(class)) {
            (Some(id), Some(definition)) if definition.accepts_key(key) => return Some(id),
            (Some(_), Some(_)) => Problem::KeyMismatch,
            _ => Problem::NoSuchClass(class.clone()),
        };
        // The schemas differ: the transfer will say so and fail.
        self.drop_object(class, key, DropReason::Refused(problem));
        None
    }

    fn create(&mut self, class: &Name, key: &PrimaryKey) -> Result<()> {
        let Some(id) = self.class(class, key) else {
            return Ok(());
        };
        if self.fresh.find(id, key)?.is_some() {
            self.needless();
            return Ok(());
        }
        self.fresh.insert(id, key)?;
        let (class, key) = (class.clone(), key.clone());
        self.fresh.record(&Instruction::CreateObject { class, key });
        self.report.instructions_recovered += 1;
        Ok(())
    }

    fn erase(&mut self, class: &Name, key: &PrimaryKey) -> Result<()> {
        let Some(id) = self.class(class, key) else {
            return Ok(());
        };
        self.lists.forget_object(class, key);
        let Some(object) = self.fresh.find(id, key)? else {
            self.needless();
            return Ok(());
        };
        let (lists, mut recovered) = (&mut self.lists, 1);
        self.fresh.erase_telling(id, object, &mut |nullified| {
            recovered += 1;
            if let Instruction::ArrayErase { target, .. } = nullified {
                lists.lost(target);
            }
        })?;
        self.report.instructions_recovered += recovered;
        Ok(())
    }

    fn inside(&mut self, instruction: &Instruction, target: &Target) -> Result<()> {
        let Some(class) = self.class(&target.class, &target.key) else {
            return Ok(());
        };
        if target.path.len() > NESTING_MAX {
            self.drop_it(target, DropReason::Refused(Problem::TooDeep));
            return Ok(());
        }
        let Some(object) = self.fresh.find(class, &target.key)? else {
            self.drop_it(target, DropReason::ObjectMissing);
            return Ok(());
        };
        let at = At {
            class,
            object,
            target,
        };
        let (keys, first_index) = split(&target.path);
        if first_index.is_some() {
            let keys: Vec<PathElement> = keys.into_iter().map(PathElement::Key).collect();
            let list = self.look(at, &keys, None)?;
            if list.is_none_or(|seen| seen.size.is_none()) {
                self.drop_it(target, DropReason::PathGone);
                return Ok(());
            }
        }
        match instruction {
            Instruction::ArrayInsert { value, .. } => self.array_insert(at, value),
            Instruction::ArrayErase { .. } => self.array_erase(at),
            Instruction::ArrayMove { to, .. } => self.array_move(at, *to),
            _ => match self.lists.route(target, &target.path) {
                Route::Copied => {
                    self.report.instructions_in_copied_lists += 1;
                    Ok(())
                }
                Route::At(path) => self.act(at, instruction, path),
            },
        }
    }

    /// Whether the value is a link to nothing.
    fn is_missing(&self, payload: &Payload) -> Result<Option<Link>> {
        let Payload::Value(Value::Link(link)) = payload else {
            return Ok(None);
        };
        let view = View::new(&self.fresh.storage, &self.fresh.catalog);
        Ok((!view.exists(link)?).then(|| (**link).clone()))
    }

    /// Applies and records; a refusal is reported.
    fn emit(&mut self, at: At<'_>, instruction: &Instruction) -> Result<bool> {
        match self.fresh.emit(at.class, at.object, instruction) {
            Ok(()) => {
                self.report.instructions_recovered += 1;
                Ok(true)
            }
            Err(StoreError::Apply(error)) => {
                self.drop_it(at.target, DropReason::Refused(error.problem));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn act(&mut self, at: At<'_>, instruction: &Instruction, path: Vec<PathElement>) -> Result<()> {
        let element = match instruction {
            Instruction::SetInsert { value, .. } | Instruction::SetErase { value, .. } => {
                match value {
                    Payload::Value(value) => Some(value),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(seen) = self.look(at, &path, element)? else {
            self.drop_it(at.target, DropReason::PathGone);
            return Ok(());
        };
        let target = Target {
            path,
            ..at.target.clone()
        };
        match instruction {
            Instruction::Update { value, kind, .. } => {
                self.update(at, target, &seen, value.clone(), *kind)
            }
            Instruction::AddInteger { delta, .. } if seen.is_int => {
                let delta = *delta;
                self.emit(at, &Instruction::AddInteger { target, delta })
                    .map(drop)
            }
            Instruction::AddInteger { .. } => {
                self.drop_it(at.target, DropReason::NotAnInteger);
                Ok(())
            }
            Instruction::Clear { collection, .. } => self.clear(at, target, &seen, *collection),
            Instruction::SetInsert { value, .. } => {
                if let Some(link) = self.is_missing(value)? {
                    let became_null = false;
                    self.drop_it(
                        at.target,
                        DropReason::LinkTargetMissing { link, became_null },
                    );
                } else if seen.contains {
                    self.needless();
                } else {
                    let value = value.clone();
                    self.emit(at, &Instruction::SetInsert { target, value })?;
                }
                Ok(())
            }
            Instruction::SetErase { value, .. } => {
                if seen.contains {
                    let value = value.clone();
                    self.emit(at, &Instruction::SetErase { target, value })?;
                } else {
                    self.needless();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn update(
        &mut self,
        at: At<'_>,
        target: Target,
        seen: &Seen,
        mut value: Payload,
        kind: UpdateKind,
    ) -> Result<()> {
        let is_there = match &value {
            Payload::Erased => !seen.exists,
            // Under a dictionary key a new object takes the place of the one that is there.
            Payload::Object => seen.list_size.is_some() || !(seen.is_entry || seen.is_null),
            Payload::List => seen.collection == Some(CollectionKind::List),
            Payload::Dictionary => seen.collection == Some(CollectionKind::Dictionary),
            Payload::Value(Value::Null) => {
                kind == UpdateKind::Property { is_default: true }
                    && seen.is_single_link
                    && seen.is_null
            }
            _ => false,
        };
        if is_there {
            self.needless();
            return Ok(());
        }
        if kind == (UpdateKind::Property { is_default: true })
            && target.path.is_empty()
            && !self.fresh.load(at.class, at.object)?.is_fresh
        {
            self.drop_it(at.target, DropReason::DefaultOvertaken);
            return Ok(());
        }
        if let Some(link) = self.is_missing(&value)? {
            let became_null = seen.is_nullable;
            self.drop_it(
                at.target,
                DropReason::LinkTargetMissing { link, became_null },
            );
            if !became_null {
                return Ok(());
            }
            value = Payload::Value(Value::Null);
        }
        let kind = match seen.list_size {
            Some(prior_size) => UpdateKind::Element { prior_size },
            None => kind,
        };
        let update = Instruction::Update {
            target,
            value,
            kind,
        };
        if self.emit(at, &update)? {
            self.lists.forget(at.target);
        }
        Ok(())
    }

    fn clear(
        &mut self,
        at: At<'_>,
        target: Target,
        seen: &Seen,
        collection: CollectionKind,
    ) -> Result<()> {
        if seen.is_typed_collection && seen.is_empty {
            self.lists.forget(at.target);
            self.needless();
            return Ok(());
        }
        if seen.is_entry && !seen.exists {
            let value = match collection {
                CollectionKind::Dictionary => Payload::Dictionary,
                _ => Payload::List,
            };
            let make = Instruction::Update {
                target: target.clone(),
                value,
                kind: UpdateKind::Property { is_default: false },
            };
            if !self.emit(at, &make)? {
                return Ok(());
            }
        }
        if self.emit(at, &Instruction::Clear { target, collection })? {
            self.lists.forget(at.target);
        }
        Ok(())
    }
}
