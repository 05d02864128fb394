//! Random transactions over whatever a client's schema has.

use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, Link, Name, PathElement, Payload, PrimaryKey, Target,
    UpdateKind, Value,
};
use tidemark_model::memory::Database;
use tidemark_model::{Column, Document, Node, Schema};

use crate::dice::Dice;

/// Values of the field that subscriptions ask about.
pub const VIEWS: [&str; 3] = ["", "a", "b"];

/// Makes whatever the schema at hand allows.
pub struct Writer<'a> {
    pub dice: &'a mut Dice,
    pub database: Database,
    pub out: Vec<Instruction>,
}

impl Writer<'_> {
    fn emit(&mut self, instruction: Instruction) {
        self.database
            .apply(std::slice::from_ref(&instruction))
            .expect("a client writes only what applies");
        self.out.push(instruction);
    }

    /// Adds an instruction, if there is a class.
    pub fn instruction(&mut self) {
        let schema = self.database.schema.clone();
        let names: Vec<&Name> = schema
            .classes
            .values()
            .filter(|of| !of.is_embedded())
            .map(|of| &of.name)
            .collect();
        if names.is_empty() {
            return;
        }
        let class = if self.dice.chance(700) {
            Name::from("Object")
        } else {
            (*self.dice.pick(&names)).clone()
        };
        let key = PrimaryKey::Int(i64::try_from(self.dice.below(3)).expect("small"));
        let Some(document) = self.database.get(&class, &key).cloned() else {
            return self.emit(Instruction::CreateObject { class, key });
        };
        if self.dice.chance(40) {
            return self.emit(Instruction::EraseObject { class, key });
        }
        let definition = schema.class(&class).expect("it was picked");
        let target = |field: &Name| Target {
            class: class.clone(),
            key: key.clone(),
            field: field.clone(),
            path: Vec::new(),
        };
        // What versions differ about is met often enough to be met twice.
        let may_be_null = |of: &&Column| of.nullable && of.column_type == ColumnType::Int;
        let divided = definition.columns.iter().find(may_be_null);
        let column = match divided {
            Some(divided) if self.dice.chance(250) => divided,
            _ => self.dice.pick(&definition.columns),
        };
        let column = column.clone();
        let index = definition
            .column_index(&column.name)
            .expect("it was picked");
        let node = document
            .field(index)
            .cloned()
            .unwrap_or_else(|| Node::default_of(&column));
        self.change(&schema, &column, target(&column.name), &node);
    }

    /// Changes a field, or something in it.
    fn change(&mut self, schema: &Schema, column: &Column, target: Target, node: &Node) {
        let kind = UpdateKind::Property { is_default: false };
        let embedded = schema.embedded_target(column);
        match (column.collection, node) {
            (CollectionKind::List, Node::List(elements)) => {
                self.change_list(schema, column, target, elements);
            }
            (_, Node::Object(object)) if self.dice.chance(850) => {
                self.change_embedded(schema, column, target, object);
            }
            _ if embedded.is_some() => {
                let value = if self.dice.chance(150) {
                    Payload::Value(Value::Null)
                } else {
                    Payload::Object
                };
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
            (_, Node::Value(Value::Int(_) | Value::Null))
                if column.column_type == ColumnType::Int && self.dice.chance(500) =>
            {
                let delta = i64::try_from(self.dice.below(9)).expect("small") - 4;
                self.emit(Instruction::AddInteger { target, delta });
            }
            _ => {
                let value = Payload::Value(self.value(column));
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
        }
    }

    fn change_embedded(
        &mut self,
        schema: &Schema,
        column: &Column,
        target: Target,
        object: &Document,
    ) {
        let class = schema
            .embedded_target(column)
            .expect("the column holds an object");
        let inner = self.dice.pick(&class.columns).clone();
        let index = class.column_index(&inner.name).expect("it was picked");
        let node = object
            .field(index)
            .cloned()
            .unwrap_or_else(|| Node::default_of(&inner));
        let mut target = target;
        target.path.push(PathElement::Key(inner.name.clone()));
        self.change(schema, &inner, target, &node);
    }

    fn change_list(
        &mut self,
        schema: &Schema,
        column: &Column,
        mut target: Target,
        elements: &[Node],
    ) {
        let prior_size = u32::try_from(elements.len()).expect("lists are short");
        let is_embedded = schema.embedded_target(column).is_some();
        let at = u32::try_from(self.dice.below(u64::from(prior_size) + 1)).expect("small");
        target.path.push(PathElement::Index(at));
        match elements.get(at as usize) {
            Some(Node::Object(object)) if self.dice.chance(500) => {
                self.change_embedded(schema, column, target, object);
            }
            Some(_) if prior_size > 3 || self.dice.chance(300) => {
                self.emit(Instruction::ArrayErase { target, prior_size });
            }
            Some(_) if !is_embedded && self.dice.chance(300) => {
                let (value, kind) = (
                    Payload::Value(self.value(column)),
                    UpdateKind::Element { prior_size },
                );
                self.emit(Instruction::Update {
                    target,
                    value,
                    kind,
                });
            }
            _ => {
                let value = if is_embedded {
                    Payload::Object
                } else {
                    Payload::Value(self.value(column))
                };
                self.emit(Instruction::ArrayInsert {
                    target,
                    value,
                    prior_size,
                });
            }
        }
    }

    fn value(&mut self, column: &Column) -> Value {
        if column.nullable && self.dice.chance(300) {
            return Value::Null;
        }
        let number = i64::try_from(self.dice.below(5)).expect("small");
        let link = |class: &str| {
            let (class, key) = (class.into(), PrimaryKey::Int(number % 3));
            Value::Link(Box::new(Link { class, key }))
        };
        match column.column_type {
            ColumnType::Int => Value::Int(number),
            ColumnType::String => Value::String((*self.dice.pick(&VIEWS)).into()),
            ColumnType::Link => link(
                column
                    .target
                    .as_ref()
                    .and_then(|target| target.as_str())
                    .expect("a target"),
            ),
            ColumnType::Mixed => {
                let known = ["Object", "Partner", "Extra"];
                let known = known
                    .into_iter()
                    .filter(|class| self.database.schema.class(&(*class).into()).is_some());
                let known: Vec<&str> = known.collect();
                if self.dice.chance(500) {
                    link(self.dice.pick::<&str>(&known))
                } else {
                    Value::Int(number)
                }
            }
            other => panic!("no values of {other:?}"),
        }
    }
}
