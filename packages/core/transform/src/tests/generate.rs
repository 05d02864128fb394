//! Random histories: instructions that a client could emit on a state that it sees.

use std::collections::BTreeMap;

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Decimal, Instruction, KeyType, Link, Name, PathElement,
    Payload, PrimaryKey, TableSpec, Target, UpdateKind, Value,
};
use tidemark_model::{Class, Column, Document, Node, Schema, memory::Database, original};

use crate::{Branch, ColumnShape};

/// A small generator of numbers (splitmix64): a seed names a history for ever.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).expect("small")).expect("small")
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What histories may contain.
#[derive(Clone, Copy)]
pub struct Families {
    /// Columns and classes erased and added.
    pub schema: bool,
    /// Markers on a mixed value that holds a collection of the same kind already.
    pub kept_content: bool,
    /// The one who writes stores as the original does.
    pub original: bool,
    /// Which columns a history is about: few, so that both sides meet.
    pub focus: u64,
}

const KEYS: usize = 3;

/// How many columns a top-level class has, and which of them is mixed.
pub const TOP_LEVEL_COLUMNS: usize = 18;
pub const MIXED_COLUMN: usize = 4;

fn columns(class: &str) -> Vec<(&'static str, ColumnSpec)> {
    use CollectionKind::{Dictionary, List, Set, Single};
    let spec = |column_type, nullable, collection, target: Option<&str>| {
        ColumnSpec::new(column_type, nullable, collection, target.map(Name::from))
    };
    let link = |collection, target| {
        let nullable = matches!(collection, Single | Dictionary);
        spec(ColumnType::Link, nullable, collection, Some(target))
    };
    if class == "E" {
        return vec![
            ("x", spec(ColumnType::Int, true, Single, None)),
            ("l", spec(ColumnType::Int, false, List, None)),
            ("s", spec(ColumnType::String, false, Set, None)),
            ("m", spec(ColumnType::Mixed, true, Single, None)),
            ("e", link(Single, "E")),
            ("de", link(Dictionary, "E")),
            ("le", link(List, "E")),
        ];
    }
    vec![
        ("i", spec(ColumnType::Int, false, Single, None)),
        ("n", spec(ColumnType::Int, true, Single, None)),
        ("f", spec(ColumnType::Double, true, Single, None)),
        ("t", spec(ColumnType::String, true, Single, None)),
        ("m", spec(ColumnType::Mixed, true, Single, None)),
        ("k", link(Single, "T")),
        ("e", link(Single, "E")),
        ("l", spec(ColumnType::Int, true, List, None)),
        ("lm", spec(ColumnType::Mixed, true, List, None)),
        ("lk", link(List, "T")),
        ("le", link(List, "E")),
        ("d", spec(ColumnType::Int, true, Dictionary, None)),
        ("dm", spec(ColumnType::Mixed, true, Dictionary, None)),
        ("de", link(Dictionary, "E")),
        ("s", spec(ColumnType::Int, false, Set, None)),
        ("ss", spec(ColumnType::String, false, Set, None)),
        ("sd", spec(ColumnType::Decimal, false, Set, None)),
        ("sm", spec(ColumnType::Mixed, true, Set, None)),
    ]
}

/// The schema, and some objects with some content.
pub fn base(random: &mut Random, families: Families) -> Database {
    let mut state = Database::new();
    let key = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: KeyType::Int,
        key_nullable: false,
        asymmetric: false,
    };
    let mut setup = vec![
        Instruction::AddTable {
            class: "T".into(),
            spec: key,
        },
        Instruction::AddTable {
            class: "E".into(),
            spec: TableSpec::Embedded,
        },
    ];
    for class in ["T", "E"] {
        for (field, spec) in columns(class) {
            setup.push(Instruction::AddColumn {
                class: class.into(),
                field: field.into(),
                spec,
            });
        }
    }
    for key in 0..KEYS - 1 {
        setup.push(Instruction::CreateObject {
            class: "T".into(),
            key: key_of(key),
        });
    }
    state.apply(&setup).expect("the schema is legal");
    let plain = Families {
        schema: false,
        ..families
    };
    for _ in 0..random.below(40) {
        step(random, &mut state, plain);
    }
    state
}

fn key_of(number: usize) -> PrimaryKey {
    PrimaryKey::Int(i64::try_from(number).expect("small"))
}

/// What a merge asks of a schema.
pub fn shape(schema: &Schema, class: &Name, field: &Name) -> Option<ColumnShape> {
    let class = schema.class(class)?;
    let column = class.columns.get(class.column_index(field)?)?;
    Some(ColumnShape {
        collection: column.collection,
        target: column.target.clone(),
    })
}

/// One to three changesets of one to five instructions each, made from `base` on.
pub fn side(
    random: &mut Random,
    base: &Database,
    idents: std::ops::Range<u64>,
    families: Families,
) -> Vec<Branch> {
    let mut state = base.clone();
    let span = usize::try_from(idents.end - idents.start).expect("few");
    (0..=random.below(3))
        .map(|_| {
            let ident = idents.start + u64::try_from(random.below(span)).expect("few");
            let timestamp = 10 + u64::try_from(random.below(3)).expect("few");
            let mut instructions = Vec::new();
            for _ in 0..=random.below(5) {
                instructions.extend(step(random, &mut state, families));
            }
            Branch::new(timestamp, ident, instructions)
        })
        .collect()
}

/// Changes the state in one way, and says how. Nothing if the change drawn turned out to be impossible.
fn step(random: &mut Random, state: &mut Database, families: Families) -> Vec<Instruction> {
    let drawn = draw(random, state, families);
    let mut next = state.clone();
    let applied = if families.original {
        original::apply(&mut next, &drawn)
    } else {
        next.apply(&drawn)
    };
    match applied {
        Ok(()) => {
            *state = next;
            drawn
        }
        Err(_) => Vec::new(),
    }
}

fn draw(random: &mut Random, state: &Database, families: Families) -> Vec<Instruction> {
    let class = Name::from("T");
    if families.schema && random.one_in(6) {
        return vec![draw_schema(random)];
    }
    let key = key_of(random.below(KEYS));
    let Some(document) = state.get(&class, &key) else {
        return vec![Instruction::CreateObject { class, key }];
    };
    match random.below(30) {
        0 => return vec![Instruction::EraseObject { class, key }],
        1 => return vec![Instruction::CreateObject { class, key }],
        _ => {}
    }
    let Some(definition) = state.schema.class(&class) else {
        return Vec::new();
    };
    let mut draw = Draw {
        random,
        schema: &state.schema,
        families,
        class,
        key,
    };
    draw.in_document(definition, document, None, Vec::new())
}

fn draw_schema(random: &mut Random) -> Instruction {
    let class = *random.pick(&["T", "E"]);
    let (field, spec) = random.pick(&columns(class)).clone();
    let (class, field) = (Name::from(class), Name::from(field));
    if random.one_in(2) {
        Instruction::EraseColumn { class, field }
    } else {
        Instruction::AddColumn { class, field, spec }
    }
}

/// Goes down from an object until it finds something to do.
struct Draw<'a> {
    random: &'a mut Random,
    schema: &'a Schema,
    families: Families,
    class: Name,
    key: PrimaryKey,
}

impl Draw<'_> {
    fn target(&self, field: &Name, path: &[PathElement]) -> Target {
        let (class, key) = (self.class.clone(), self.key.clone());
        Target {
            class,
            key,
            field: field.clone(),
            path: path.to_vec(),
        }
    }

    /// `field` is the top-level field on the way down, and `path` the way from there to this object.
    fn in_document(
        &mut self,
        class: &Class,
        document: &Document,
        field: Option<&Name>,
        path: Vec<PathElement>,
    ) -> Vec<Instruction> {
        // The same few columns for both sides of a history.
        let drawn =
            u64::try_from(self.random.below(if field.is_some() { 3 } else { 2 })).expect("few");
        let at = Random(self.families.focus.wrapping_add(drawn)).below(class.columns.len());
        let (Some(column), Some(node)) = (class.columns.get(at), document.field(at)) else {
            return Vec::new();
        };
        let mut path = path;
        if field.is_some() {
            path.push(PathElement::Key(column.name.clone()));
        }
        let top = field.unwrap_or(&column.name).clone();
        self.in_node(column, node, &top, path, column.collection)
    }

    fn in_node(
        &mut self,
        column: &Column,
        node: &Node,
        field: &Name,
        path: Vec<PathElement>,
        collection: CollectionKind,
    ) -> Vec<Instruction> {
        match node {
            Node::List(elements) => self.in_list(column, elements, field, path, collection),
            Node::Dictionary(entries) => {
                self.in_dictionary(column, entries, field, path, collection)
            }
            Node::Set(values) => self.in_set(column, values, field, &path),
            Node::Object(object) if !self.random.one_in(5) => {
                let Some(class) = self.schema.embedded_target(column) else {
                    return Vec::new();
                };
                self.in_document(class, object, Some(field), path)
            }
            _ => self.assign(column, node, field, &path),
        }
    }

    fn assign(
        &mut self,
        column: &Column,
        node: &Node,
        field: &Name,
        path: &[PathElement],
    ) -> Vec<Instruction> {
        let target = self.target(field, path);
        if matches!(node, Node::Value(Value::Int(_) | Value::Null))
            && !matches!(path.last(), Some(PathElement::Index(_)))
            && self.random.one_in(3)
        {
            let delta = i64::try_from(self.random.below(5)).expect("small");
            return vec![Instruction::AddInteger { target, delta }];
        }
        let mut made = Vec::new();
        let value = self.value(column);
        let is_default = self.random.one_in(4);
        if value == Payload::Object && !node.is_null() {
            // What is in a field is taken away first; a dictionary's entry is simply replaced, and is drawn
            // elsewhere.
            let value = Payload::Value(Value::Null);
            let kind = UpdateKind::Property { is_default: false };
            made.push(Instruction::Update {
                target: target.clone(),
                value,
                kind,
            });
        }
        let is_default =
            is_default && !matches!(value, Payload::Object | Payload::List | Payload::Dictionary);
        made.push(Instruction::Update {
            target,
            value,
            kind: UpdateKind::Property { is_default },
        });
        made
    }

    fn in_list(
        &mut self,
        column: &Column,
        elements: &[Node],
        field: &Name,
        mut path: Vec<PathElement>,
        collection: CollectionKind,
    ) -> Vec<Instruction> {
        let prior_size = u32::try_from(elements.len()).expect("short");
        let choice = self.random.below(12);
        if elements.is_empty() || choice < 3 {
            let index = self.random.below(elements.len() + 1);
            path.push(PathElement::Index(u32::try_from(index).expect("short")));
            let (target, value) = (self.target(field, &path), self.value(column));
            return vec![Instruction::ArrayInsert {
                target,
                value,
                prior_size,
            }];
        }
        if choice == 3 {
            return self.replace(column, field, &path, collection, CollectionKind::List);
        }
        let index = self.random.below(elements.len());
        path.push(PathElement::Index(u32::try_from(index).expect("short")));
        let target = self.target(field, &path);
        let node = &elements[index];
        match choice {
            4 => vec![Instruction::ArrayErase { target, prior_size }],
            5 | 6 => {
                let to = u32::try_from(self.random.below(elements.len())).expect("short");
                if to as usize == index {
                    return Vec::new();
                }
                vec![Instruction::ArrayMove {
                    target,
                    to,
                    prior_size,
                }]
            }
            _ if !matches!(node, Node::Value(_)) => {
                self.in_node(column, node, field, path, CollectionKind::Single)
            }
            _ => {
                let value = self.value(column);
                if value == Payload::Object {
                    return Vec::new();
                }
                vec![Instruction::Update {
                    target,
                    value,
                    kind: UpdateKind::Element { prior_size },
                }]
            }
        }
    }

    fn in_dictionary(
        &mut self,
        column: &Column,
        entries: &BTreeMap<Name, Node>,
        field: &Name,
        mut path: Vec<PathElement>,
        collection: CollectionKind,
    ) -> Vec<Instruction> {
        if self.random.one_in(10) {
            return self.replace(column, field, &path, collection, CollectionKind::Dictionary);
        }
        let name = Name::from(*self.random.pick(&["a", "b", "x"]));
        path.push(PathElement::Key(name.clone()));
        let kind = UpdateKind::Property { is_default: false };
        let target = self.target(field, &path);
        match entries.get(&name) {
            Some(_) if self.random.one_in(4) => {
                vec![Instruction::Update {
                    target,
                    value: Payload::Erased,
                    kind,
                }]
            }
            Some(node) if !matches!(node, Node::Value(_)) && !self.random.one_in(4) => {
                self.in_node(column, node, field, path, CollectionKind::Single)
            }
            _ => vec![Instruction::Update {
                target,
                value: self.value(column),
                kind,
            }],
        }
    }

    /// Clears a collection, or, where it is the content of a mixed value, puts something in its place.
    fn replace(
        &mut self,
        column: &Column,
        field: &Name,
        path: &[PathElement],
        collection: CollectionKind,
        kind: CollectionKind,
    ) -> Vec<Instruction> {
        let target = self.target(field, path);
        // A column that is a collection holds no other; inside of one the value is mixed and can become
        // anything.
        let mixed = column.column_type == ColumnType::Mixed && collection == CollectionKind::Single;
        if !mixed || self.random.one_in(2) || target.ends_with_index() {
            return vec![Instruction::Clear {
                target,
                collection: kind,
            }];
        }
        let value = self.value(column);
        let same = matches!(
            (&value, kind),
            (Payload::List, CollectionKind::List)
                | (Payload::Dictionary, CollectionKind::Dictionary)
        );
        if same && !self.families.kept_content {
            return vec![Instruction::Clear {
                target,
                collection: kind,
            }];
        }
        vec![Instruction::Update {
            target,
            value,
            kind: UpdateKind::Property { is_default: false },
        }]
    }

    fn in_set(
        &mut self,
        column: &Column,
        values: &[Value],
        field: &Name,
        path: &[PathElement],
    ) -> Vec<Instruction> {
        let target = self.target(field, path);
        if self.random.one_in(8) {
            return vec![Instruction::Clear {
                target,
                collection: CollectionKind::Set,
            }];
        }
        let Payload::Value(value) = self.value(column) else {
            return Vec::new();
        };
        let present = values.iter().find(|other| {
            tidemark_changeset::order::compare(other, &value) == std::cmp::Ordering::Equal
        });
        vec![match present {
            // A client erases what it was asked for, equal to what is there though perhaps written
            // differently.
            Some(_) => Instruction::SetErase {
                target,
                value: Payload::Value(value),
            },
            None => Instruction::SetInsert {
                target,
                value: Payload::Value(value),
            },
        }]
    }

    fn value(&mut self, column: &Column) -> Payload {
        let small = i64::try_from(self.random.below(4)).expect("small");
        let null = column.nullable && self.random.one_in(6);
        if null {
            return Payload::Value(Value::Null);
        }
        Payload::Value(match column.column_type {
            ColumnType::Int => Value::Int(small),
            ColumnType::Double => self.number(2),
            ColumnType::Decimal => self.number(3),
            ColumnType::String => Value::String((*self.random.pick(&["", "a", "b", "ab"])).into()),
            ColumnType::Link if self.schema.embedded_target(column).is_some() => {
                return Payload::Object;
            }
            ColumnType::Link => {
                let key = key_of(self.random.below(KEYS));
                Value::Link(Box::new(Link {
                    class: "T".into(),
                    key,
                }))
            }
            _ => return self.mixed(column.collection == CollectionKind::Set),
        })
    }

    fn mixed(&mut self, plain: bool) -> Payload {
        match self.random.below(8) {
            0 => Payload::Value(Value::String("a".into())),
            1 => Payload::Value(Value::Bool(true)),
            2 | 3 if !plain => Payload::List,
            4 | 5 if !plain => Payload::Dictionary,
            kind => Payload::Value(self.number(kind % 4)),
        }
    }

    /// Few numbers in many ways to write them, zeros of both signs among them.
    #[allow(clippy::cast_precision_loss, reason = "the numbers are 0 to 2")]
    fn number(&mut self, kind: usize) -> Value {
        let small = self.random.below(3);
        let negative = self.random.one_in(3);
        match kind {
            0 => Value::Int(i64::try_from(small).expect("small")),
            1 => Value::Float(if negative {
                -(small as f32)
            } else {
                small as f32
            }),
            2 => Value::Double(if negative {
                -(small as f64)
            } else {
                small as f64
            }),
            _ => {
                let coefficient =
                    u128::try_from(small).expect("small") * if negative { 10 } else { 1 };
                Value::Decimal(Decimal {
                    coefficient,
                    exponent: if negative { -1 } else { 0 },
                    negative: false,
                })
            }
        }
    }
}
