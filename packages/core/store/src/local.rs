//! Local mutations: what the application asks for, as the instructions that a client emits for it.
//!
//! The order and choice of instructions follow the original client (recorded in the convergence vectors): a
//! re-insert into a set says nothing, an embedded object is replaced by null and then a new one, deleting
//! an object first takes every link to it away, and so on. An instruction is applied before it is recorded.

use tidemark_changeset::{
    Instruction, Link, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};
use tidemark_model::ClassKind;
use tidemark_storage::{Read, Storage};

use crate::hidden::OfWrite;
use crate::seen::Seen;
use crate::tables::ClassId;
use crate::transaction::{WriteTransaction, class_of, no_object};
use crate::walk::{Step, walk};
use crate::{Result, StoreError};

/// Where a mutation acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Position of the class.
    pub class: usize,
    /// The object.
    pub object: u64,
    /// The column.
    pub column: u16,
    /// The way below the column.
    pub steps: Vec<Step>,
}

/// A place that was found: everything an instruction needs to say about it.
struct Place {
    class: ClassId,
    object: u64,
    target: Target,
    seen: Seen,
}

impl<S: Storage> WriteTransaction<S> {
    /// Finds a place. `element` is the set element in question, if any.
    fn place(&mut self, location: &Location, element: Option<&Value>) -> Result<Place> {
        let class = self.catalog.id_at(location.class)?;
        self.load(class, location.object)?;
        let definition = class_of(&self.catalog, class)?;
        let loaded = self
            .buffer
            .get(&(class, location.object))
            .ok_or_else(|| no_object(location.object))?;
        let visibility = OfWrite {
            write: &*self,
            known: &loaded.hidden,
            column: location.column,
        };
        let column = usize::from(location.column);
        let schema = &self.catalog.schema;
        let walk = walk(
            schema,
            definition,
            &loaded.document,
            column,
            &location.steps,
            &visibility,
        )?;
        let seen = Seen::of(&walk, element)?;
        let field = definition
            .columns
            .get(column)
            .map_or_else(|| Name::from(""), |c| c.name.clone());
        let target = Target {
            class: definition.name.clone(),
            key: loaded.key.clone(),
            field,
            path: walk.path,
        };
        Ok(Place {
            class,
            object: location.object,
            target,
            seen,
        })
    }

    /// Applies an instruction to the object at hand and records it.
    pub(crate) fn emit(
        &mut self,
        class: ClassId,
        object: u64,
        instruction: &Instruction,
    ) -> Result<()> {
        let touch = self.apply_inside(class, object, instruction)?;
        if let Some(notes) = &mut self.notes {
            notes.edit(&self.catalog.schema, (class, object), touch, instruction);
        }
        self.record(instruction);
        Ok(())
    }

    /// Makes a class or column, or drops one, as local schema changes do; says nothing about what is there
    /// already.
    pub fn change_schema(&mut self, instruction: &Instruction) -> Result<()> {
        let before = self.catalog.classes().count();
        let columns = self
            .catalog
            .class(instruction.class())
            .map(|class| class.columns.len());
        self.apply(instruction)?;
        let after = self
            .catalog
            .class(instruction.class())
            .map(|class| class.columns.len());
        if before != self.catalog.classes().count() || columns != after {
            if let Some(notes) = &mut self.notes {
                notes.schema();
            }
            self.record(instruction);
        }
        Ok(())
    }

    /// Creates an object, or finds it if it `may_exist`. Says whether it was created.
    pub fn create(
        &mut self,
        class: usize,
        key: &PrimaryKey,
        may_exist: bool,
    ) -> Result<(u64, bool)> {
        let id = self.catalog.id_at(class)?;
        let definition = class_of(&self.catalog, id)?;
        let name = definition.name.clone();
        let has_no_key = matches!(
            &definition.kind,
            ClassKind::TopLevel {
                key_type: tidemark_changeset::KeyType::GlobalKey,
                ..
            }
        );
        let key = if has_no_key && *key == PrimaryKey::Null {
            PrimaryKey::GlobalKey(0, self.counters(id)?.next_object)
        } else {
            key.clone()
        };
        if !class_of(&self.catalog, id)?.accepts_key(&key) {
            return Err(StoreError::InvalidMutation(format!(
                "The primary key does not fit class '{name}'"
            )));
        }
        if let Some(object) = self.find(id, &key)? {
            return if may_exist {
                Ok((object, false))
            } else {
                Err(StoreError::ObjectExists(name.to_string()))
            };
        }
        let object = self.insert(id, &key)?;
        if let Some(notes) = &mut self.notes {
            notes.create();
        }
        self.record(&Instruction::CreateObject { class: name, key });
        Ok((object, true))
    }

    /// Deletes an object: takes all links to it away, then erases it.
    pub fn erase(&mut self, class: usize, object: u64) -> Result<()> {
        let id = self.catalog.id_at(class)?;
        if self.erase_plain(id, object)? {
            return Ok(());
        }
        self.erase_telling(id, object, &mut |_| {})
    }

    /// Like [`WriteTransaction::erase`]; `nullified` is shown each instruction that took a link away.
    pub(crate) fn erase_telling(
        &mut self,
        id: ClassId,
        object: u64,
        nullified: &mut dyn FnMut(&Instruction),
    ) -> Result<()> {
        let key = self.load(id, object)?.key.clone();
        self.nullify_links(id, &key, nullified)?;
        let was_touched = self.is_touched(id, object);
        self.remove(id, object, false)?;
        let definition = class_of(&self.catalog, id)?;
        if !definition.is_asymmetric() {
            if let Some(notes) = &mut self.notes {
                notes.erase((id, object), was_touched);
            }
            let class = definition.name.clone();
            self.record(&Instruction::EraseObject { class, key });
        }
        Ok(())
    }

    /// Deletes all objects of a class.
    pub fn erase_all(&mut self, class: usize) -> Result<()> {
        let objects: Vec<u64> = {
            let rows = self.view()?.objects(class)?;
            rows.map(|row| Ok(row?.0)).collect::<Result<_>>()?
        };
        objects
            .into_iter()
            .try_for_each(|object| self.erase(class, object))
    }

    /// Assigns a property, list element or dictionary key.
    pub fn set(&mut self, location: &Location, is_default: bool, payload: &Payload) -> Result<()> {
        let place = self.place(location, None)?;
        match payload {
            Payload::Erased => return self.remove_key(&place),
            Payload::Object => return self.make_object(&place),
            Payload::Set => {
                return Err(StoreError::InvalidMutation(
                    "Sets cannot be nested".to_owned(),
                ));
            }
            Payload::Value(Value::Null)
                if is_default && place.seen.is_single_link && place.seen.is_null =>
            {
                return Ok(());
            }
            Payload::Value(Value::Link(link)) => self.check_target(link)?,
            Payload::Value(_) | Payload::List | Payload::Dictionary => {}
        }
        let kind = match place.seen.list_size {
            Some(prior_size) => UpdateKind::Element { prior_size },
            None => UpdateKind::Property {
                is_default: is_default && !place.seen.is_entry,
            },
        };
        let value = payload.clone();
        let Place {
            class,
            object,
            target,
            ..
        } = place;
        self.emit(
            class,
            object,
            &Instruction::Update {
                target,
                value,
                kind,
            },
        )
    }

    fn check_target(&mut self, link: &Link) -> Result<()> {
        let class = self
            .catalog
            .id(&link.class)
            .ok_or_else(|| StoreError::NotFound(format!("There is no class '{}'", link.class)))?;
        match self.find_quietly(class, &link.key)? {
            Some(_) => Ok(()),
            None => Err(StoreError::InvalidMutation(format!(
                "The object of class '{}' that is linked to does not exist",
                link.class
            ))),
        }
    }

    /// Like `find`, without forgetting the object that mutations speak of.
    fn find_quietly(&mut self, class: ClassId, key: &PrimaryKey) -> Result<Option<u64>> {
        let entry = self
            .storage
            .get(crate::tables::INDEX, &crate::tables::index_key(class, key))?;
        entry
            .map(|bytes| crate::transaction::object_number(&bytes))
            .transpose()
    }

    fn remove_key(&mut self, place: &Place) -> Result<()> {
        if !place.seen.exists {
            return Ok(());
        }
        let (target, kind) = (
            place.target.clone(),
            UpdateKind::Property { is_default: false },
        );
        let value = Payload::Erased;
        self.emit(
            place.class,
            place.object,
            &Instruction::Update {
                target,
                value,
                kind,
            },
        )
    }

    /// Makes a fresh embedded object at a place, which may hold one already.
    fn make_object(&mut self, place: &Place) -> Result<()> {
        let (class, object, target) = (place.class, place.object, &place.target);
        let update = |value| Instruction::Update {
            target: target.clone(),
            value,
            kind: UpdateKind::Property { is_default: false },
        };
        if let Some(prior_size) = place.seen.list_size {
            let erase = Instruction::ArrayErase {
                target: target.clone(),
                prior_size,
            };
            self.emit(class, object, &erase)?;
            let (target, value) = (target.clone(), Payload::Object);
            let prior_size = prior_size.saturating_sub(1);
            return self.emit(
                class,
                object,
                &Instruction::ArrayInsert {
                    target,
                    value,
                    prior_size,
                },
            );
        }
        if !place.seen.is_null && !place.seen.is_entry {
            self.emit(class, object, &update(Payload::Value(Value::Null)))?;
        }
        self.emit(class, object, &update(Payload::Object))
    }

    /// Adds to an integer.
    pub fn add_integer(&mut self, location: &Location, delta: i64) -> Result<()> {
        let Place {
            class,
            object,
            target,
            ..
        } = self.place(location, None)?;
        self.emit(class, object, &Instruction::AddInteger { target, delta })
    }

    /// Inserts into a list; the location ends with the index.
    pub fn list_insert(&mut self, location: &Location, payload: &Payload) -> Result<()> {
        let (place, prior_size) = self.element(location)?;
        if let Payload::Value(Value::Link(link)) = payload {
            self.check_target(link)?;
        }
        let (target, value) = (place.target, payload.clone());
        let insert = Instruction::ArrayInsert {
            target,
            value,
            prior_size,
        };
        self.emit(place.class, place.object, &insert)
    }

    /// Moves a list element to where `to` is before the move.
    pub fn list_move(&mut self, location: &Location, to: u32) -> Result<()> {
        let mut destination = location.clone();
        let Some(last) = destination.steps.last_mut() else {
            return Err(no_index());
        };
        *last = Step::Visible(to);
        let to = self.element(&destination)?.0.target.path.last().cloned();
        let Some(PathElement::Index(to)) = to else {
            return Err(no_index());
        };
        let (place, prior_size) = self.element(location)?;
        if place.target.path.last() == Some(&PathElement::Index(to)) {
            return Ok(());
        }
        let target = place.target;
        self.emit(
            place.class,
            place.object,
            &Instruction::ArrayMove {
                target,
                to,
                prior_size,
            },
        )
    }

    /// Removes a list element.
    pub fn list_erase(&mut self, location: &Location) -> Result<()> {
        let (place, prior_size) = self.element(location)?;
        let target = place.target;
        self.emit(
            place.class,
            place.object,
            &Instruction::ArrayErase { target, prior_size },
        )
    }

    fn element(&mut self, location: &Location) -> Result<(Place, u32)> {
        let place = self.place(location, None)?;
        let prior_size = place.seen.list_size.ok_or_else(no_index)?;
        Ok((place, prior_size))
    }

    /// Empties a collection. One that a column makes says nothing if it is empty already.
    pub fn clear(&mut self, location: &Location) -> Result<()> {
        let place = self.place(location, None)?;
        let collection = place.seen.collection.ok_or_else(|| {
            StoreError::InvalidMutation("There is no collection to clear".to_owned())
        })?;
        if place.seen.is_typed_collection && place.seen.is_empty {
            return Ok(());
        }
        let target = place.target;
        self.emit(
            place.class,
            place.object,
            &Instruction::Clear { target, collection },
        )
    }

    /// Inserts into a set; nothing happens if the value is in it.
    pub fn set_insert(&mut self, location: &Location, value: &Value) -> Result<()> {
        let place = self.place(location, Some(value))?;
        if place.seen.contains {
            return Ok(());
        }
        if let Value::Link(link) = value {
            self.check_target(link)?;
        }
        let (target, value) = (place.target, Payload::Value(value.clone()));
        self.emit(
            place.class,
            place.object,
            &Instruction::SetInsert { target, value },
        )
    }

    /// Removes from a set; nothing happens if the value is not in it.
    pub fn set_erase(&mut self, location: &Location, value: &Value) -> Result<()> {
        let place = self.place(location, Some(value))?;
        if !place.seen.contains {
            return Ok(());
        }
        let (target, value) = (place.target, Payload::Value(value.clone()));
        self.emit(
            place.class,
            place.object,
            &Instruction::SetErase { target, value },
        )
    }
}

fn no_index() -> StoreError {
    StoreError::InvalidMutation("The path does not lead to a list element".to_owned())
}
