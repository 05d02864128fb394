//! Random write transactions over everything an object can hold.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, Name, PathElement, Payload,
    PrimaryKey, TableSpec, Target, UpdateKind, Value,
};
use tidemark_model::memory::Database;
use tidemark_model::{Document, Node};
use tidemark_transform::Rules;

use crate::client::{Client, apply};
use crate::defects::{self, Defect};
use crate::dice::Dice;

/// Values of the field that subscriptions and roles ask about.
pub const VIEWS: [&str; 4] = ["", "a", "b", "c"];

/// The second class: its objects are subscribed to whole or not at all.
pub const PARTNER: &str = "Partner";
pub const OBJECT: &str = "Object";
pub const PART: &str = "Part";

/// What random transactions may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    pub erase: bool,
    pub skew: bool,
    pub rich: bool,
    pub keys: u64,
    /// Little else than what provokes a defect of the original's.
    pub defect: Option<Defect>,
}

fn table(class: &str, key_type: KeyType) -> Instruction {
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type,
        key_nullable: false,
        asymmetric: false,
    };
    Instruction::AddTable {
        class: class.into(),
        spec,
    }
}

pub fn column(
    class: &str,
    field: &str,
    of: ColumnType,
    nullable: bool,
    kind: CollectionKind,
) -> Instruction {
    Instruction::AddColumn {
        class: class.into(),
        field: field.into(),
        spec: ColumnSpec::new(of, nullable, kind, None),
    }
}

pub fn link(field: &str, target: &str, kind: CollectionKind) -> Instruction {
    let nullable = matches!(kind, CollectionKind::Single | CollectionKind::Dictionary);
    let spec = ColumnSpec::new(ColumnType::Link, nullable, kind, Some(target.into()));
    Instruction::AddColumn {
        class: OBJECT.into(),
        field: field.into(),
        spec,
    }
}

/// The schema every client brings along.
pub fn schema(defect: Option<Defect>) -> Vec<Instruction> {
    use CollectionKind::{Dictionary, List, Set, Single};
    use ColumnType::{Int, Mixed, String};
    let mut all = vec![
        table(OBJECT, KeyType::Int),
        table(PARTNER, KeyType::String),
        Instruction::AddTable {
            class: PART.into(),
            spec: TableSpec::Embedded,
        },
        column(PART, "size", Int, false, Single),
        column(PART, "names", String, false, List),
        column(OBJECT, "view", String, false, Single),
        column(OBJECT, "n", Int, false, Single),
        column(OBJECT, "s", String, false, Single),
        column(OBJECT, "l", Int, false, List),
        column(OBJECT, "d", Int, false, Dictionary),
        column(OBJECT, "t", String, false, Set),
        column(OBJECT, "m", Mixed, true, Single),
        link("p", PARTNER, Single),
        link("ps", PARTNER, List),
        link("e", PART, Single),
        link("es", PART, List),
        column(PARTNER, "name", String, true, Single),
        column(PARTNER, "l", Int, false, List),
    ];
    if defect.is_some() {
        all.extend(defects::columns());
    }
    all
}

/// Makes transactions of one client.
pub struct Writer<'a> {
    pub dice: &'a mut Dice,
    pub features: Features,
    rules: Rules,
    pub database: Database,
    out: Vec<Instruction>,
}

pub fn target(key: &PrimaryKey, field: &str, path: Vec<PathElement>) -> Target {
    Target {
        class: OBJECT.into(),
        key: key.clone(),
        field: field.into(),
        path,
    }
}

pub fn index(at: u64) -> PathElement {
    PathElement::Index(u32::try_from(at).expect("lists are short"))
}

pub fn name(text: &str) -> PathElement {
    PathElement::Key(text.into())
}

pub fn int(value: u64) -> Payload {
    Payload::Value(Value::Int(i64::try_from(value).expect("small")))
}

pub fn text(value: &str) -> Payload {
    Payload::Value(Value::String(value.into()))
}

pub fn list_size(node: Option<&Node>) -> u64 {
    match node {
        Some(Node::List(items)) => items.len() as u64,
        _ => 0,
    }
}

impl<'a> Writer<'a> {
    pub fn new(dice: &'a mut Dice, features: Features, client: &Client) -> Self {
        Self {
            dice,
            features,
            rules: client.rules,
            database: client.database.clone(),
            out: Vec::new(),
        }
    }

    /// A transaction of up to three steps.
    pub fn transaction(mut self) -> Vec<Instruction> {
        for _ in 0..*self.dice.pick(&[1, 1, 2, 3]) {
            let key = PrimaryKey::Int(
                i64::try_from(self.dice.between(1, self.features.keys)).expect("small"),
            );
            if self.features.rich && self.dice.chance(80) {
                self.partner();
            } else if self.document(&key).is_none() {
                self.create(&key);
            } else if let Some(defect) = self.features.defect
                && self.dice.chance(900)
            {
                self.provoke(defect, &key);
            } else {
                self.change(&key);
            }
        }
        self.out
    }

    pub fn document(&self, key: &PrimaryKey) -> Option<&Document> {
        self.database.get(&Name::from(OBJECT), key)
    }

    pub fn field(&self, key: &PrimaryKey, field: &str) -> Option<&Node> {
        let class = self.database.schema.class(&Name::from(OBJECT))?;
        self.document(key)?
            .field(class.column_index(&Name::from(field))?)
    }

    pub fn push(&mut self, instruction: Instruction) {
        let one = std::slice::from_ref(&instruction);
        apply(self.rules, &mut self.database, one)
            .unwrap_or_else(|error| panic!("{error}: {instruction:?}"));
        self.out.push(instruction);
    }

    pub fn update(&mut self, target: Target, value: Payload) {
        self.push(Instruction::Update {
            target,
            value,
            kind: UpdateKind::Property { is_default: false },
        });
    }

    fn create(&mut self, key: &PrimaryKey) {
        self.push(Instruction::CreateObject {
            class: OBJECT.into(),
            key: key.clone(),
        });
        let view = *self.dice.pick(&VIEWS);
        self.update(target(key, "view", vec![]), text(view));
        if self.dice.chance(600) {
            let value = int(self.dice.below(10));
            self.insert(target(key, "l", vec![index(0)]), value, 0);
        }
    }

    pub fn insert(&mut self, target: Target, value: Payload, size: u64) {
        let prior_size = u32::try_from(size).expect("lists are short");
        self.push(Instruction::ArrayInsert {
            target,
            value,
            prior_size,
        });
    }

    fn partner(&mut self) {
        let key = PrimaryKey::String((*self.dice.pick(&["x", "y"])).into());
        let class = Name::from(PARTNER);
        let exists = self.database.get(&class, &key).is_some();
        if !exists {
            self.push(Instruction::CreateObject { class, key });
        } else if self.features.erase && self.dice.chance(200) {
            self.push(Instruction::EraseObject { class, key });
        } else {
            let target = Target {
                class,
                key,
                field: "name".into(),
                path: vec![],
            };
            let value = text(&format!("n{}", self.dice.below(100)));
            self.update(target, value);
        }
    }

    fn change(&mut self, key: &PrimaryKey) {
        let roll = self.dice.below(1000);
        match roll {
            0..120 if self.features.erase => {
                self.push(Instruction::EraseObject {
                    class: OBJECT.into(),
                    key: key.clone(),
                });
            }
            0..300 => {
                let view = *self.dice.pick(&VIEWS);
                self.update(target(key, "view", vec![]), text(view));
            }
            300..380 => {
                let value = text(&format!("s{}", self.dice.below(100)));
                self.update(target(key, "s", vec![]), value);
            }
            380..430 => {
                let value = int(self.dice.below(10));
                self.update(target(key, "n", vec![]), value);
            }
            430..500 => {
                let delta = i64::try_from(self.dice.between(1, 9)).expect("small");
                self.push(Instruction::AddInteger {
                    target: target(key, "n", vec![]),
                    delta,
                });
            }
            500..570 => {
                let entry = *self.dice.pick(&["x", "y"]);
                let erased = self.dice.chance(300);
                let value = if erased {
                    Payload::Erased
                } else {
                    int(self.dice.below(10))
                };
                self.update(target(key, "d", vec![name(entry)]), value);
            }
            570..800 if self.features.rich => self.rich(key),
            _ => self.list(key, "l", vec![]),
        }
    }

    /// One edit of a list of integers, or of embedded objects.
    fn list(&mut self, key: &PrimaryKey, field: &str, path: Vec<PathElement>) {
        let size = list_size(self.field(key, field));
        let roll = self.dice.below(100);
        let at = |at: u64| target(key, field, [path.clone(), vec![index(at)]].concat());
        let prior_size = u32::try_from(size).expect("lists are short");
        let embedded = field == "es";
        if size == 0 || roll < 50 {
            let place = self.dice.between(0, size);
            let value = if embedded {
                Payload::Object
            } else {
                int(self.dice.between(10, 99))
            };
            self.insert(at(place), value, size);
        } else if roll < 65 {
            let place = self.dice.below(size);
            self.push(Instruction::ArrayErase {
                target: at(place),
                prior_size,
            });
        } else if roll < 85 {
            let place = self.dice.below(size);
            if embedded {
                let mut target = at(place);
                target.path.push(name("size"));
                let value = int(self.dice.below(100));
                self.update(target, value);
            } else {
                let value = int(self.dice.between(100, 199));
                self.push(Instruction::Update {
                    target: at(place),
                    value,
                    kind: UpdateKind::Element { prior_size },
                });
            }
        } else if roll < 95 && size > 1 {
            let from = self.dice.below(size);
            let to = (from + self.dice.between(1, size - 1)) % size;
            let to = u32::try_from(to).expect("lists are short");
            self.push(Instruction::ArrayMove {
                target: at(from),
                to,
                prior_size,
            });
        } else {
            self.push(Instruction::Clear {
                target: target(key, field, path),
                collection: CollectionKind::List,
            });
        }
    }

    fn rich(&mut self, key: &PrimaryKey) {
        match self.dice.below(8) {
            0 | 1 => {
                let value =
                    Payload::Value(Value::String((*self.dice.pick(&["u", "v", "w"])).into()));
                let target = target(key, "t", vec![]);
                let inserts = self.dice.chance(600);
                self.push(if inserts {
                    Instruction::SetInsert { target, value }
                } else {
                    Instruction::SetErase { target, value }
                });
            }
            2 => self.mixed(key),
            3 => {
                let partner = PrimaryKey::String((*self.dice.pick(&["x", "y"])).into());
                let link = Value::Link(Box::new(Link {
                    class: PARTNER.into(),
                    key: partner,
                }));
                self.update(target(key, "p", vec![]), Payload::Value(link));
            }
            4 => {
                let size = list_size(self.field(key, "ps"));
                let place = self.dice.between(0, size);
                let partner = PrimaryKey::String((*self.dice.pick(&["x", "y"])).into());
                let link = Value::Link(Box::new(Link {
                    class: PARTNER.into(),
                    key: partner,
                }));
                self.insert(
                    target(key, "ps", vec![index(place)]),
                    Payload::Value(link),
                    size,
                );
            }
            5 => self.embedded(key),
            _ => self.list(key, "es", vec![]),
        }
    }

    fn embedded(&mut self, key: &PrimaryKey) {
        let names = match self.field(key, "e") {
            Some(Node::Object(part)) => Some(list_size(part.field(1))),
            _ => None,
        };
        match names {
            None => self.update(target(key, "e", vec![]), Payload::Object),
            Some(_) if self.dice.chance(150) => {
                self.update(target(key, "e", vec![]), Payload::Value(Value::Null));
            }
            Some(size) if self.dice.chance(500) => {
                let place = self.dice.between(0, size);
                let value = text(&format!("e{}", self.dice.below(100)));
                self.insert(
                    target(key, "e", vec![name("names"), index(place)]),
                    value,
                    size,
                );
            }
            Some(_) => {
                let value = int(self.dice.below(100));
                self.update(target(key, "e", vec![name("size")]), value);
            }
        }
    }

    /// A mixed field: scalars, a list, a dictionary.
    fn mixed(&mut self, key: &PrimaryKey) {
        let place = target(key, "m", vec![]);
        let (is_list, is_dictionary) = match self.field(key, "m") {
            Some(Node::List(_)) => (true, false),
            Some(Node::Dictionary(_)) => (false, true),
            _ => (false, false),
        };
        match self.dice.below(5) {
            0 => {
                let value = int(self.dice.below(100));
                self.update(place, value);
            }
            1 if !is_list && !is_dictionary => self.update(place, Payload::List),
            2 if !is_list && !is_dictionary => self.update(place, Payload::Dictionary),
            _ if is_list => {
                let size = list_size(self.field(key, "m"));
                let at = self.dice.between(0, size);
                let value = int(self.dice.below(100));
                self.insert(target(key, "m", vec![index(at)]), value, size);
            }
            _ if is_dictionary => {
                let entry = *self.dice.pick(&["x", "y"]);
                let value = int(self.dice.below(100));
                self.update(target(key, "m", vec![name(entry)]), value);
            }
            _ => {
                let value = text(&format!("m{}", self.dice.below(100)));
                self.update(place, value);
            }
        }
    }
}
