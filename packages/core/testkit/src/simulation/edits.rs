//! What an application does in a write transaction, through the store's local mutations.
//!
//! An edit says where and gives a number; what happens there is drawn from the number and from what is there.

use std::collections::BTreeMap;

use tidemark_changeset::{
    CollectionKind, ColumnType, Link, Name, Payload, PrimaryKey, Text, Value,
};
use tidemark_model::{Class, Column, Document, Node};
use tidemark_storage::Storage;
use tidemark_store::{Location, Result, Step, StoreError, WriteTransaction};

use super::layout::{ClassLayout, Layout, VIEWS, is_eternal, is_special, wrap};
use super::script::{Edit, Pick};
use super::sent::Sent;
use super::values;
use crate::dice::Dice;

/// Elements from which on a list is rather shortened.
const LIST_LONG: usize = 5;

/// Dictionary keys.
const ENTRIES: usize = 3;

/// Collections inside collections, and where values are odd.
const DEPTH_MAX: usize = 3;
const DEPTH_ODD: usize = 7;

/// What a transaction did that can be looked for at the end.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Additions to `count`: class, key, sum.
    pub counts: Vec<(Name, PrimaryKey, i64)>,
    /// Objects that were deleted.
    pub erased: Vec<(Name, PrimaryKey)>,
    /// Insertions into `tokens`.
    pub tokens: Vec<(Name, PrimaryKey, Text)>,
    /// Objects of asymmetric classes.
    pub sent: Vec<Sent>,
}

/// An open transaction.
pub struct Writer<'a, S: Storage> {
    pub write: &'a mut WriteTransaction<S>,
    pub layout: &'a Layout,
    /// Number of the next token.
    pub next_token: &'a mut u64,
    pub marks: Marks,
    /// Objects of asymmetric classes that the transaction made: position of the class, key, object.
    pub sent: BTreeMap<(usize, PrimaryKey), u64>,
}

/// A place that an edit has come to.
struct Place<'c> {
    location: Location,
    column: &'c Column,
    depth: usize,
    kind: PlaceKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlaceKind {
    Property,
    Element,
    Entry,
}

impl<S: Storage> Writer<'_, S> {
    /// Does one edit. One that makes no sense in the state does nothing.
    pub fn edit(&mut self, edit: &Edit) -> Result<()> {
        match edit {
            Edit::Create {
                object,
                view,
                defaults,
            } => self.create(*object, *view, *defaults),
            Edit::Erase { object } if is_eternal(object.key) => Ok(()),
            Edit::Erase { object } => match self.find(*object)? {
                Some((class, object, key)) => {
                    let name = self.write.catalog().class_at(class)?.name.clone();
                    self.marks.erased.push((name, key));
                    self.write.erase(class, object)
                }
                None => Ok(()),
            },
            Edit::Move { object, view } => match self.find(*object)? {
                Some((class, object, _)) => {
                    let value = Payload::Value(Value::Int(i64::from(view % VIEWS)));
                    let location = self.field(class, object, "view")?;
                    self.write.set(&location, false, &value)
                }
                None => Ok(()),
            },
            Edit::Change {
                object,
                column,
                dice,
            } => self.change(*object, *column, *dice),
            Edit::Count { object, delta } => self.count(*object, i64::from(*delta)),
            Edit::Token { object } => self.token(*object),
            Edit::Extend(number) => match self.layout.extension(*number) {
                Some(instruction) => self.write.change_schema(&instruction),
                None => Ok(()),
            },
            Edit::Send(number) => self.send(*number),
        }
    }

    pub(super) fn position(&self, class: &ClassLayout) -> Option<usize> {
        self.write.catalog().position(&class.name.as_str().into())
    }

    /// Position of the class, the object and its key.
    fn find(&mut self, pick: Pick) -> Result<Option<(usize, u64, PrimaryKey)>> {
        let layout = self.layout;
        let Some(class) = layout.top(pick.class) else {
            return Ok(None);
        };
        let Some(position) = self.position(class) else {
            return Ok(None);
        };
        let key = class.key(pick.key);
        let object = self.write.view()?.find(position, &key)?;
        Ok(object.map(|object| (position, object, key)))
    }

    fn field(&self, class: usize, object: u64, field: &str) -> Result<Location> {
        let definition = self.write.catalog().class_at(class)?;
        let column = definition.column_index(&field.into());
        let column = column.and_then(|column| u16::try_from(column).ok());
        Ok(Location {
            class,
            object,
            column: column.ok_or_else(|| StoreError::NotFound(field.to_owned()))?,
            steps: Vec::new(),
        })
    }

    fn create(&mut self, pick: Pick, view: u32, defaults: u32) -> Result<()> {
        let layout = self.layout;
        let Some(class) = layout.top(pick.class) else {
            return Ok(());
        };
        let Some(position) = self.position(class) else {
            return Ok(());
        };
        let (object, is_new) = self.write.create(position, &class.key(pick.key), true)?;
        if !is_new {
            return Ok(());
        }
        let value = Payload::Value(Value::Int(i64::from(view % VIEWS)));
        let location = self.field(position, object, "view")?;
        self.write.set(&location, false, &value)?;
        if defaults == 0 {
            return Ok(());
        }
        // A schema's defaults: of the columns that hold one plain value.
        let dice = &mut Dice::new(u64::from(defaults));
        let columns = self.write.catalog().class_at(position)?.columns.clone();
        for (index, column) in columns.iter().enumerate() {
            let is_plain = column.collection == CollectionKind::Single
                && column.column_type != ColumnType::Link
                && !is_special(&column.name);
            if is_plain && dice.chance(40) {
                let value = Payload::Value(self.value(dice, column.column_type));
                let mut location = location.clone();
                location.column = u16::try_from(index).unwrap_or_default();
                self.write.set(&location, true, &value)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, pick: Pick, delta: i64) -> Result<()> {
        let Some((class, object, key)) = self.find(pick)? else {
            return Ok(());
        };
        let location = self.field(class, object, "count")?;
        self.write.add_integer(&location, delta)?;
        let name = self.write.catalog().class_at(class)?.name.clone();
        self.marks.counts.push((name, key, delta));
        Ok(())
    }

    fn token(&mut self, pick: Pick) -> Result<()> {
        let Some((class, object, key)) = self.find(pick)? else {
            return Ok(());
        };
        *self.next_token += 1;
        let token = Text::from(format!("t{}", self.next_token));
        let location = self.field(class, object, "tokens")?;
        self.write
            .set_insert(&location, &Value::String(token.clone()))?;
        let name = self.write.catalog().class_at(class)?.name.clone();
        self.marks.tokens.push((name, key, token));
        Ok(())
    }

    fn change(&mut self, pick: Pick, column: u32, dice: u32) -> Result<()> {
        let Some((class, object, _)) = self.find(pick)? else {
            return Ok(());
        };
        let definition = self.write.catalog().class_at(class)?.clone();
        let ordinary: Vec<usize> = (0..definition.columns.len())
            .filter(|index| !is_special(&definition.columns[*index].name))
            .collect();
        let Some(index) = wrap(column, ordinary.len()).map(|at| ordinary[at]) else {
            return Ok(());
        };
        self.change_column(class, object, index, &mut Dice::new(u64::from(dice)))
    }

    /// Changes something in a column; what, is drawn.
    pub(super) fn change_column(
        &mut self,
        class: usize,
        object: u64,
        index: usize,
        dice: &mut Dice,
    ) -> Result<()> {
        let columns = &self.write.catalog().class_at(class)?.columns;
        let Some(column) = columns.get(index).cloned() else {
            return Ok(());
        };
        let Some(document) = self.document(class, object)? else {
            return Ok(());
        };
        let place = Place {
            location: Location {
                class,
                object,
                column: u16::try_from(index).unwrap_or_default(),
                steps: Vec::new(),
            },
            column: &column,
            depth: 0,
            kind: PlaceKind::Property,
        };
        let node = document.field(index).cloned();
        let node = node.unwrap_or_else(|| Node::default_of(place.column));
        self.at(dice, place, &node)
    }

    pub(super) fn document(&mut self, class: usize, object: u64) -> Result<Option<Document>> {
        let Some(row) = self.write.view()?.row(class, object)? else {
            return Ok(None);
        };
        let damaged = StoreError::Damaged("a row is too short");
        let Some((size, rest)) = row.split_first_chunk::<4>() else {
            return Err(damaged);
        };
        let row = rest
            .get(u32::from_le_bytes(*size) as usize..)
            .ok_or(damaged)?;
        let document = Document::from_row(row);
        document
            .map(Some)
            .map_err(|_| StoreError::Damaged("a row cannot be read"))
    }

    fn embedded(&self, column: &Column) -> Option<Class> {
        let target = column.target.as_ref()?;
        let class = self.write.catalog().class(target)?;
        class.is_embedded().then(|| class.clone())
    }

    fn at(&mut self, dice: &mut Dice, place: Place<'_>, node: &Node) -> Result<()> {
        match node {
            Node::Set(elements) => self.set(dice, &place, elements),
            Node::List(_) | Node::Dictionary(_) if leaves(dice, &place) => {
                self.assign(dice, &place, node)
            }
            Node::List(elements) => self.list(dice, &place, elements),
            Node::Dictionary(entries) => {
                if dice.chance(6) {
                    return self.write.clear(&place.location);
                }
                let key = self.entry_key(dice);
                let entry = entries.get(&key);
                let place = place.below(Step::Key(key), PlaceKind::Entry);
                match entry {
                    Some(_) if dice.chance(20) => {
                        self.write.set(&place.location, false, &Payload::Erased)
                    }
                    Some(entry) => self.at(dice, place, entry),
                    None => self.assign(dice, &place, &Node::Value(Value::Null)),
                }
            }
            Node::Object(document) if dice.chance(80) => {
                let Some(class) = self.embedded(place.column) else {
                    return Ok(());
                };
                let index = dice.below(class.columns.len().max(1));
                let Some(column) = class.columns.get(index) else {
                    return Ok(());
                };
                let node = document.field(index).cloned();
                let node = node.unwrap_or_else(|| Node::default_of(column));
                let mut location = place.location;
                location.steps.push(Step::Key(column.name.clone()));
                let depth = place.depth + 1;
                let kind = PlaceKind::Property;
                self.at(
                    dice,
                    Place {
                        location,
                        column,
                        depth,
                        kind,
                    },
                    &node,
                )
            }
            _ => self.assign(dice, &place, node),
        }
    }

    fn set(&mut self, dice: &mut Dice, place: &Place<'_>, elements: &[Value]) -> Result<()> {
        if dice.chance(6) {
            return self.write.clear(&place.location);
        }
        if !elements.is_empty() && dice.chance(35) {
            let value = dice.pick(elements).clone();
            return self.write.set_erase(&place.location, &value);
        }
        match self.payload(dice, place)? {
            Some(Payload::Value(value)) => self.write.set_insert(&place.location, &value),
            _ => Ok(()),
        }
    }

    fn list(&mut self, dice: &mut Dice, place: &Place<'_>, elements: &[Node]) -> Result<()> {
        let visible = self.visible(elements)?;
        let length = visible.len();
        let choice = dice.below(if length > LIST_LONG { 17 } else { 13 });
        let step = |index: usize| Step::Visible(u32::try_from(index).unwrap_or_default());
        if length == 0 || choice < 3 {
            let element = place.below(step(dice.below(length + 1)), PlaceKind::Element);
            let Some(payload) = self.payload(dice, &element)? else {
                return Ok(());
            };
            self.write.list_insert(&element.location, &payload)?;
            return match payload {
                Payload::Object if dice.chance(60) => self.fill_object(dice, &element),
                _ => Ok(()),
            };
        }
        if choice == 3 && dice.chance(50) {
            return self.write.clear(&place.location);
        }
        let from = dice.below(length);
        let to = u32::try_from(dice.below(length)).unwrap_or_default();
        let node = visible[from];
        let element = place.below(step(from), PlaceKind::Element);
        match choice {
            3..6 => self.write.list_move(&element.location, to),
            // Two elements change places.
            6 => {
                let first = u32::try_from(from).unwrap_or_default();
                self.write.list_move(&element.location, to)?;
                let back = if first < to { to - 1 } else { to + 1 };
                if first == to || back as usize >= length {
                    return Ok(());
                }
                let mut location = element.location;
                location.steps.pop();
                location.steps.push(Step::Visible(back));
                self.write.list_move(&location, first)
            }
            7..11 => self.at(dice, element, node),
            _ => self.write.list_erase(&element.location),
        }
    }

    /// The elements that an application sees.
    fn visible<'n>(&mut self, elements: &'n [Node]) -> Result<Vec<&'n Node>> {
        let view = self.write.view()?;
        let mut visible = Vec::with_capacity(elements.len());
        for node in elements {
            match node {
                Node::Value(Value::Link(link)) if !view.exists(link)? => {}
                _ => visible.push(node),
            }
        }
        Ok(visible)
    }

    fn assign(&mut self, dice: &mut Dice, place: &Place<'_>, node: &Node) -> Result<()> {
        let is_property = place.kind == PlaceKind::Property;
        // What is in a mixed property is seldom a number.
        let percent = match place.column.column_type {
            ColumnType::Mixed => 70,
            _ => 30,
        };
        if is_property && matches!(node, Node::Value(Value::Int(_))) && dice.chance(percent) {
            let delta = if self.layout.is_odd {
                *dice.pick(&[1, -1, 5, i64::MAX, i64::MIN])
            } else {
                *dice.pick(&[1, -1, 5])
            };
            return self.write.add_integer(&place.location, delta);
        }
        let Some(payload) = self.payload(dice, place)? else {
            return Ok(());
        };
        let is_value = matches!(payload, Payload::Value(_));
        let is_default = is_property && is_value && dice.chance(8);
        self.write.set(&place.location, is_default, &payload)?;
        // An application that assigns a collection empties the one that may be there, then fills it.
        match payload {
            Payload::List | Payload::Dictionary if dice.chance(80) => {
                self.write.clear(&place.location)?;
                self.fill(dice, place, &payload)
            }
            _ => Ok(()),
        }
    }

    fn fill(&mut self, dice: &mut Dice, place: &Place<'_>, payload: &Payload) -> Result<()> {
        let value = Payload::Value(self.value(dice, ColumnType::Mixed));
        let mut location = place.location.clone();
        if *payload == Payload::List {
            location.steps.push(Step::Visible(0));
            return self.write.list_insert(&location, &value);
        }
        location.steps.push(Step::Key(self.entry_key(dice)));
        self.write.set(&location, false, &value)
    }

    /// Puts something into the lists and sets of a new embedded object.
    fn fill_object(&mut self, dice: &mut Dice, place: &Place<'_>) -> Result<()> {
        let class = self.embedded(place.column);
        for column in class.iter().flat_map(|class| &class.columns) {
            let is_list = match column.collection {
                CollectionKind::List => true,
                CollectionKind::Set => false,
                _ => continue,
            };
            if self.embedded(column).is_some() {
                continue;
            }
            let mut location = place.location.clone();
            location.steps.push(Step::Key(column.name.clone()));
            if is_list {
                location.steps.push(Step::Visible(0));
            }
            let element = Place {
                location,
                column,
                depth: place.depth + 2,
                kind: PlaceKind::Element,
            };
            for _ in 0..=dice.below(3) {
                match self.payload(dice, &element)? {
                    Some(payload) if is_list => {
                        self.write.list_insert(&element.location, &payload)?;
                    }
                    Some(Payload::Value(value)) => {
                        self.write.set_insert(&element.location, &value)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Something that fits a place; `None` if there is nothing, as where no object exists to link to.
    fn payload(&mut self, dice: &mut Dice, place: &Place<'_>) -> Result<Option<Payload>> {
        let column = place.column;
        let in_set = column.collection == CollectionKind::Set;
        if self.embedded(column).is_some() {
            let may_be_null = place.kind != PlaceKind::Element;
            let null = may_be_null && dice.chance(15);
            return Ok(Some(if null {
                Payload::Value(Value::Null)
            } else {
                Payload::Object
            }));
        }
        let may_be_null = match column.column_type {
            ColumnType::Link => place.kind != PlaceKind::Element && !in_set,
            _ => column.nullable || column.column_type == ColumnType::Mixed,
        };
        if may_be_null && dice.chance(15) {
            return Ok(Some(Payload::Value(Value::Null)));
        }
        match column.column_type {
            ColumnType::Link => {
                let class = column.target.clone().unwrap_or_else(|| "".into());
                self.link(dice, &class)
            }
            ColumnType::Mixed => {
                let depth = if self.layout.is_odd {
                    DEPTH_ODD
                } else {
                    DEPTH_MAX
                };
                let nests = !in_set && place.depth < depth;
                match dice.below(10) {
                    0..2 if nests => Ok(Some(Payload::List)),
                    2..4 if nests => Ok(Some(Payload::Dictionary)),
                    4 => {
                        let number = u32::try_from(dice.below(8)).unwrap_or_default();
                        let class = self
                            .layout
                            .top(number)
                            .map(|class| class.name.as_str().into());
                        match class {
                            Some(class) => self.link(dice, &class),
                            None => Ok(None),
                        }
                    }
                    _ => Ok(Some(Payload::Value(self.value(dice, ColumnType::Mixed)))),
                }
            }
            column_type => Ok(Some(Payload::Value(self.value(dice, column_type)))),
        }
    }

    fn value(&self, dice: &mut Dice, column_type: ColumnType) -> Value {
        if self.layout.is_odd {
            values::odd(dice, column_type)
        } else {
            values::value(dice, column_type)
        }
    }

    fn entry_key(&self, dice: &mut Dice) -> Name {
        if self.layout.is_odd && dice.chance(50) {
            return Name::from(*dice.pick(&values::ODD_KEYS));
        }
        Name::from(format!("k{}", dice.below(ENTRIES)))
    }

    fn link(&mut self, dice: &mut Dice, class: &Name) -> Result<Option<Payload>> {
        let layout = self.layout;
        let Some(target) = layout
            .tops()
            .find(|top| top.name.as_bytes() == class.as_bytes())
        else {
            return Ok(None);
        };
        let key = target.key(u32::try_from(dice.below(8)).unwrap_or_default());
        let link = Link {
            class: class.clone(),
            key,
        };
        let exists = self.write.view()?.exists(&link)?;
        Ok(exists.then(|| Payload::Value(Value::Link(Box::new(link)))))
    }
}

impl<'c> Place<'c> {
    fn below(&self, step: Step, kind: PlaceKind) -> Place<'c> {
        let mut location = self.location.clone();
        location.steps.push(step);
        Place {
            location,
            column: self.column,
            depth: self.depth + 1,
            kind,
        }
    }

    /// Whether the place is the collection of its column.
    fn is_collection(&self) -> bool {
        self.kind == PlaceKind::Property
    }
}

/// Whether a collection inside a mixed value is replaced rather than edited.
fn leaves(dice: &mut Dice, place: &Place<'_>) -> bool {
    let is_nested = place.column.collection == CollectionKind::Single || !place.is_collection();
    is_nested && dice.chance(12)
}
