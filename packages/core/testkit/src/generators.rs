//! Random instructions: any at all, for the codec; and ones that fit a database, for applying and
//! merging.

use std::sync::Arc;

use tidemark_changeset::codec::{
    DECIMAL_COEFFICIENT_MAX, DECIMAL_EXPONENT_MAX, DECIMAL_EXPONENT_MIN,
};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Decimal, Instruction, KeyType, Link, Name, ObjectId,
    PathElement, Payload, PrimaryKey, TableSpec, Target, Text, Timestamp, UpdateKind, Uuid, Value,
};
use tidemark_model::memory::Database;
use tidemark_model::{Class, Column, Document, Node};

use crate::dice::Dice;
use crate::said::{COLLECTIONS, TYPES};
const KEY_TYPES: [KeyType; 5] = [
    KeyType::GlobalKey,
    KeyType::Int,
    KeyType::String,
    KeyType::ObjectId,
    KeyType::Uuid,
];
const MARKERS: [Payload; 5] = [
    Payload::Object,
    Payload::Dictionary,
    Payload::Erased,
    Payload::List,
    Payload::Set,
];

/// A name: often one of a few, sometimes new, empty or not UTF-8.
pub fn name(dice: &mut Dice) -> Name {
    match dice.below(12) {
        0 => Name::from(""),
        1 => Name::from(dice.bytes::<3>().as_slice()),
        2 => Name::from(format!("name {}", dice.below(1000))),
        _ => Name::from(*dice.pick(&["Foo", "Bar", "_id", "value", "a.b", "größe"])),
    }
}

/// An integer: small, at a boundary of the encoding, or any.
pub fn integer(dice: &mut Dice) -> i64 {
    let any = dice.number().cast_signed();
    match dice.below(4) {
        0 => any % 3,
        1 => (1_i64 << dice.below(63)).wrapping_add(any % 2),
        2 => (-1_i64 << dice.below(63)).wrapping_add(any % 2),
        _ => any,
    }
}

fn small(dice: &mut Dice) -> u32 {
    match dice.below(4) {
        0 => u32::MAX - u32::try_from(dice.below(2)).expect("small"),
        1 => 1 << dice.below(32),
        _ => u32::try_from(dice.below(5)).expect("small"),
    }
}

/// A primary key of any type.
pub fn key(dice: &mut Dice) -> PrimaryKey {
    match dice.below(6) {
        0 => PrimaryKey::Null,
        1 => PrimaryKey::Int(integer(dice)),
        2 => PrimaryKey::String(name(dice)),
        3 => PrimaryKey::GlobalKey(dice.number(), dice.number() % 100),
        4 => PrimaryKey::ObjectId(ObjectId(dice.bytes())),
        _ => PrimaryKey::Uuid(Uuid(dice.bytes())),
    }
}

fn decimal(dice: &mut Dice) -> Decimal {
    let coefficient = match dice.below(3) {
        0 => u128::from(dice.number() % 1000),
        1 => DECIMAL_COEFFICIENT_MAX - u128::from(dice.number() % 3),
        _ => (1 << dice.below(113)) | u128::from(dice.number() % 7),
    };
    let width = usize::try_from(DECIMAL_EXPONENT_MAX - DECIMAL_EXPONENT_MIN).expect("positive") + 1;
    let exponent = match dice.below(3) {
        0 => i32::try_from(dice.below(width)).expect("14 bits") + DECIMAL_EXPONENT_MIN,
        1 => *dice.pick(&[9184, 9696]),
        _ => i32::try_from(dice.below(7)).expect("small") - 3,
    };
    Decimal {
        coefficient,
        exponent,
        negative: dice.chance(50),
    }
}

/// A value of a type; for mixed, of any type but links.
pub fn value_of(dice: &mut Dice, column_type: ColumnType) -> Value {
    match column_type {
        ColumnType::Int => Value::Int(integer(dice)),
        ColumnType::Bool => Value::Bool(dice.chance(50)),
        ColumnType::String => Value::String(Text::from(name(dice).as_bytes())),
        ColumnType::Binary => Value::Binary(Arc::from(name(dice).as_bytes())),
        ColumnType::Timestamp => {
            let sign = if dice.chance(50) { 1 } else { -1 };
            let seconds = (dice.number() >> dice.below(64)).cast_signed();
            let nanoseconds = i32::try_from(dice.number() % 1_000_000_000).expect("below 2^31");
            let seconds = seconds.checked_abs().unwrap_or(0);
            Value::Timestamp(Timestamp {
                seconds: sign * seconds,
                nanoseconds: nanoseconds * if sign < 0 { -1 } else { 1 },
            })
        }
        ColumnType::Float => match dice.below(3) {
            0 => Value::Float(f32::from_bits(u32::from_le_bytes(dice.bytes()))),
            _ => Value::Float(*dice.pick(&[0.0, -0.0, 1.0, -1.5, 2.0])),
        },
        ColumnType::Double => match dice.below(3) {
            0 => Value::Double(f64::from_bits(dice.number())),
            _ => Value::Double(*dice.pick(&[0.0, -0.0, 1.0, -1.5, 2.0])),
        },
        ColumnType::Decimal => Value::Decimal(decimal(dice)),
        ColumnType::ObjectId => Value::ObjectId(ObjectId(dice.bytes())),
        ColumnType::Uuid => Value::Uuid(Uuid(dice.bytes())),
        _ => {
            let column_type = *dice.pick(&TYPES[1..9]);
            value_of(dice, column_type)
        }
    }
}

fn payload(dice: &mut Dice) -> Payload {
    match dice.below(10) {
        0 => Payload::Value(Value::Null),
        1 => Payload::Value(Value::Link(Box::new(Link {
            class: name(dice),
            key: key(dice),
        }))),
        2 => dice.pick(&MARKERS).clone(),
        _ => {
            let column_type = *dice.pick(&TYPES);
            Payload::Value(value_of(dice, column_type))
        }
    }
}

fn target(dice: &mut Dice) -> Target {
    let path = (0..dice.below(4)).map(|_| {
        if dice.chance(50) {
            PathElement::Index(small(dice))
        } else {
            PathElement::Key(name(dice))
        }
    });
    let path = path.collect();
    Target {
        class: name(dice),
        key: key(dice),
        field: name(dice),
        path,
    }
}

fn element_target(dice: &mut Dice) -> Target {
    let mut target = target(dice);
    target.path.push(PathElement::Index(small(dice)));
    target
}

/// Any instruction that the codec can say; no database would take most of them.
pub fn arbitrary_instruction(dice: &mut Dice) -> Instruction {
    match dice.below(14) {
        0 => Instruction::AddTable {
            class: name(dice),
            spec: table_spec(dice),
        },
        1 => Instruction::EraseTable { class: name(dice) },
        2 => Instruction::CreateObject {
            class: name(dice),
            key: key(dice),
        },
        3 => Instruction::EraseObject {
            class: name(dice),
            key: key(dice),
        },
        4 => {
            let target = target(dice);
            let kind = update_kind(dice, &target);
            Instruction::Update {
                target,
                value: payload(dice),
                kind,
            }
        }
        5 => Instruction::AddInteger {
            target: target(dice),
            delta: integer(dice),
        },
        6 => Instruction::AddColumn {
            class: name(dice),
            field: name(dice),
            spec: column_spec(dice),
        },
        7 => Instruction::EraseColumn {
            class: name(dice),
            field: name(dice),
        },
        8 => Instruction::ArrayInsert {
            target: element_target(dice),
            value: payload(dice),
            prior_size: small(dice),
        },
        9 => Instruction::ArrayMove {
            target: element_target(dice),
            to: small(dice),
            prior_size: small(dice),
        },
        10 => Instruction::ArrayErase {
            target: element_target(dice),
            prior_size: small(dice),
        },
        11 => Instruction::Clear {
            target: target(dice),
            collection: *dice.pick(&COLLECTIONS),
        },
        12 => Instruction::SetInsert {
            target: target(dice),
            value: payload(dice),
        },
        _ => Instruction::SetErase {
            target: target(dice),
            value: payload(dice),
        },
    }
}

fn update_kind(dice: &mut Dice, target: &Target) -> UpdateKind {
    if target.ends_with_index() {
        UpdateKind::Element {
            prior_size: small(dice),
        }
    } else {
        UpdateKind::Property {
            is_default: dice.chance(30),
        }
    }
}

fn table_spec(dice: &mut Dice) -> TableSpec {
    if dice.chance(30) {
        return TableSpec::Embedded;
    }
    TableSpec::TopLevel {
        key_field: name(dice),
        key_type: *dice.pick(&KEY_TYPES),
        key_nullable: dice.chance(50),
        asymmetric: dice.chance(20),
    }
}

fn column_spec(dice: &mut Dice) -> ColumnSpec {
    let column_type = *dice.pick(&TYPES);
    let target = (column_type == ColumnType::Link).then(|| name(dice));
    ColumnSpec::new(
        column_type,
        dice.chance(50),
        *dice.pick(&COLLECTIONS),
        target,
    )
}

/// A schema that has every type in every kind of collection: class `T` (integer keys) with a column
/// for each, class `U` (string keys) to link to, and the embedded class `E`.
pub fn schema() -> Vec<Instruction> {
    let top = |class: &str, key_type, key_nullable| Instruction::AddTable {
        class: class.into(),
        spec: TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type,
            key_nullable,
            asymmetric: false,
        },
    };
    let mut instructions = vec![
        top("T", KeyType::Int, false),
        top("U", KeyType::String, true),
        Instruction::AddTable {
            class: "E".into(),
            spec: TableSpec::Embedded,
        },
    ];
    for collection in COLLECTIONS {
        for column_type in TYPES {
            for nullable in [false, true] {
                let target = (column_type == ColumnType::Link).then(|| Name::from("U"));
                let field = format!("{column_type:?} {collection:?} {nullable}");
                let spec = ColumnSpec::new(column_type, nullable, collection, target);
                instructions.push(Instruction::AddColumn {
                    class: "T".into(),
                    field: field.into(),
                    spec,
                });
            }
        }
    }
    for class in ["T", "E"] {
        for collection in [
            CollectionKind::Single,
            CollectionKind::List,
            CollectionKind::Dictionary,
        ] {
            let spec = ColumnSpec::new(ColumnType::Link, true, collection, Some("E".into()));
            let field = format!("embedded {collection:?}");
            instructions.push(Instruction::AddColumn {
                class: class.into(),
                field: field.into(),
                spec,
            });
        }
    }
    for (field, column_type) in [("n", ColumnType::Int), ("m", ColumnType::Mixed)] {
        let spec = ColumnSpec::new(column_type, true, CollectionKind::Single, None);
        instructions.push(Instruction::AddColumn {
            class: "E".into(),
            field: field.into(),
            spec,
        });
    }
    instructions
}

/// An instruction on class `T` of [`schema`] that mostly applies: the way down is one that is
/// there, sizes are true, values fit. Now and then something does not.
pub fn fitting_instruction(dice: &mut Dice, database: &Database) -> Instruction {
    let class = database
        .schema
        .class(&"T".into())
        .expect("the schema has T");
    let key = PrimaryKey::Int(integer(dice) % 3);
    let Some(document) = database.get(&class.name, &key) else {
        return Instruction::CreateObject {
            class: class.name.clone(),
            key,
        };
    };
    if dice.chance(1) {
        return Instruction::EraseObject {
            class: class.name.clone(),
            key,
        };
    }
    let path = Vec::new();
    let target = Target {
        class: class.name.clone(),
        key,
        field: "".into(),
        path,
    };
    Walk {
        dice,
        database,
        target,
    }
    .object(class, document)
}

/// Walks down a document, noting the way, until it acts.
struct Walk<'a> {
    dice: &'a mut Dice,
    database: &'a Database,
    target: Target,
}

impl Walk<'_> {
    fn object(mut self, class: &Class, document: &Document) -> Instruction {
        let index = self.dice.below(class.columns.len());
        let column = class.columns.get(index).expect("below the length");
        if self.target.field.is_empty() {
            self.target.field = column.name.clone();
        } else {
            self.target.path.push(PathElement::Key(column.name.clone()));
        }
        match document.field(index) {
            Some(node) => self.property(column, node),
            None => self.update(column),
        }
    }

    fn property(self, column: &Column, node: &Node) -> Instruction {
        match node {
            Node::Set(elements) => self.set(column, elements),
            _ => self.node(column, node),
        }
    }

    fn node(mut self, column: &Column, node: &Node) -> Instruction {
        let whole = self.dice.chance(10);
        match node {
            Node::List(elements) if !whole => self.list(column, elements),
            Node::Dictionary(entries) if !whole => {
                let name = format!("k{}", self.dice.below(3));
                let existing = entries.get(&Name::from(name.as_str()));
                self.target.path.push(PathElement::Key(name.into()));
                match existing {
                    Some(entry) if self.dice.chance(60) => self.node(column, entry),
                    _ => self.update(column),
                }
            }
            Node::List(_) => self.clear(CollectionKind::List),
            Node::Dictionary(_) => self.clear(CollectionKind::Dictionary),
            Node::Object(document) if self.dice.chance(80) => {
                let embedded = self
                    .database
                    .schema
                    .embedded_target(column)
                    .expect("the column is of embedded objects");
                self.object(embedded, document)
            }
            Node::Value(Value::Int(_))
                if self.dice.chance(30) && !self.target.ends_with_index() =>
            {
                Instruction::AddInteger {
                    delta: integer(self.dice),
                    target: self.target,
                }
            }
            _ => self.update(column),
        }
    }

    fn list(mut self, column: &Column, elements: &[Node]) -> Instruction {
        let prior_size = u32::try_from(elements.len()).expect("a short list");
        let choice = if elements.is_empty() {
            0
        } else {
            self.dice.below(10)
        };
        let at = self.dice.below(elements.len() + usize::from(choice < 3));
        self.target
            .path
            .push(PathElement::Index(u32::try_from(at).expect("a short list")));
        match choice {
            0..3 => Instruction::ArrayInsert {
                value: self.payload(column),
                target: self.target,
                prior_size,
            },
            3 => {
                let to = u32::try_from(self.dice.below(elements.len())).expect("a short list");
                Instruction::ArrayMove {
                    target: self.target,
                    to,
                    prior_size,
                }
            }
            4 => Instruction::ArrayErase {
                target: self.target,
                prior_size,
            },
            _ => self.node(column, elements.get(at).expect("below the length")),
        }
    }

    fn set(mut self, column: &Column, elements: &[Value]) -> Instruction {
        if self.dice.chance(5) {
            return self.clear(CollectionKind::Set);
        }
        if !elements.is_empty() && self.dice.chance(30) {
            let value = Payload::Value(self.dice.pick(elements).clone());
            return Instruction::SetErase {
                target: self.target,
                value,
            };
        }
        Instruction::SetInsert {
            value: self.payload(column),
            target: self.target,
        }
    }

    fn clear(self, collection: CollectionKind) -> Instruction {
        Instruction::Clear {
            target: self.target,
            collection,
        }
    }

    fn update(mut self, column: &Column) -> Instruction {
        let value = match self.target.path.last() {
            Some(PathElement::Key(_)) if self.dice.chance(15) => Payload::Erased,
            _ => self.payload(column),
        };
        let kind = update_kind(self.dice, &self.target);
        Instruction::Update {
            target: self.target,
            value,
            kind,
        }
    }

    fn payload(&mut self, column: &Column) -> Payload {
        let embedded = self.database.schema.embedded_target(column).is_some();
        match self.dice.below(20) {
            0 => payload(self.dice),
            1 => Payload::Value(Value::Null),
            _ if embedded => Payload::Object,
            2..6 if column.column_type == ColumnType::Mixed => Payload::List,
            6..10 if column.column_type == ColumnType::Mixed => Payload::Dictionary,
            _ if column.column_type == ColumnType::Link => {
                let key = PrimaryKey::String(format!("u{}", self.dice.below(3)).into());
                Payload::Value(Value::Link(Box::new(Link {
                    class: "U".into(),
                    key,
                })))
            }
            _ => Payload::Value(value_of(self.dice, column.column_type)),
        }
    }
}
