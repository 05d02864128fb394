//! A class with an indexed property of every type that may have one, and random values for them.

use tidemark_changeset::{
    Decimal, Instruction, Link, Name, ObjectId, Payload, PrimaryKey, Target, Timestamp, UpdateKind,
    Uuid, Value,
};
use tidemark_query::Argument;
use tidemark_storage::{Read, Storage, TableId};
use tidemark_store::{Database, Location, View, WriteTransaction};

/// The table of all index entries.
const INDEXES: TableId = TableId::new(10);

pub const THING: usize = 0;
pub const COLUMNS: [&str; 7] = ["i", "b", "s", "t", "o", "u", "m"];
pub const MIXED: u16 = 6;
pub const NEXT: u16 = 7;
pub const MANY: u16 = 8;

pub fn schema(indexed: bool) -> String {
    let column = |(name, kind): (&str, &str)| {
        format!(r#"{{"name":"{name}","type":"{kind}","nullable":true,"indexed":{indexed}}}"#)
    };
    let types = [
        "int",
        "bool",
        "string",
        "timestamp",
        "objectId",
        "uuid",
        "mixed",
    ];
    let columns: Vec<String> = COLUMNS.into_iter().zip(types).map(column).collect();
    format!(
        r#"[{{"name":"Thing","kind":"top","primaryKey":{{"name":"_id","type":"int","nullable":false}},
        "columns":[{},
        {{"name":"next","type":"link","nullable":true,"target":"Thing"}},
        {{"name":"many","type":"link","collection":"list","target":"Thing"}}]}}]"#,
        columns.join(",")
    )
}

/// A small generator: the same numbers for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }

    pub fn key(&mut self) -> i64 {
        self.below(40).cast_signed()
    }

    fn int(&mut self) -> Value {
        let extremes = [
            i64::MIN,
            i64::MIN + 1,
            -(1 << 53) - 1,
            -1,
            0,
            1,
            2,
            3,
            1 << 53,
            (1 << 53) + 1,
            (1 << 53) + 2,
            i64::MAX - 1,
            i64::MAX,
        ];
        Value::Int(self.pick(&extremes))
    }

    #[allow(clippy::excessive_precision)]
    fn number(&mut self) -> Value {
        let decimal = |coefficient, exponent, negative| {
            Value::Decimal(Decimal {
                coefficient,
                exponent,
                negative,
            })
        };
        match self.below(4) {
            0 => self.int(),
            1 => Value::Double(self.pick(&[
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.1,
                0.300_000_000_000_000_04,
                0.3,
                9_007_199_254_740_992.0,
                9_223_372_036_854_775_808.0,
                -9_223_372_036_854_775_808.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::MIN_POSITIVE,
                1e300,
            ])),
            2 => Value::Float(self.pick(&[0.1, 1.0, 3.0, -0.0, f32::NAN, f32::MAX, 0.333_333_3])),
            _ => {
                let values = [
                    decimal(1, 0, false),
                    decimal(10, -1, false),
                    decimal(1, -1, false),
                    decimal(3, -1, false),
                    decimal(0, 5, true),
                    decimal(1, 0, true),
                    decimal((1 << 53) + 1, 0, false),
                    decimal(9_223_372_036_854_775_807, 0, false),
                    decimal(1, 6000, false),
                    decimal(1, -6000, true),
                    decimal(0, 9696, false),
                    decimal(0, 9184, true),
                    decimal(10_u128.pow(34) - 1, 0, false),
                ];
                self.pick(&values)
            }
        }
    }

    pub fn text(&mut self) -> String {
        let long = "x".repeat(256);
        let texts = ["", "a", "ab", "abc", "b", "A", "a\0", "a\0b", "é", "\u{ff}"];
        match self.below(4) {
            0 => long + self.pick(&["", "y", "\0", "z"]),
            _ => self.pick(&texts).to_owned(),
        }
    }

    fn date(&mut self) -> Value {
        let (seconds, nanoseconds) = self.pick(&[
            (0, 0),
            (0, 1),
            (0, -1),
            (-1, 0),
            (-1, -5),
            (1, 0),
            (1 << 40, 999),
        ]);
        Value::Timestamp(Timestamp {
            seconds,
            nanoseconds,
        })
    }

    /// A value for a column, or one to compare it with.
    pub fn value(&mut self, column: &str) -> Value {
        if self.below(6) == 0 {
            return Value::Null;
        }
        let byte = self.pick(&[0, 1, 0x7f, 0xff]);
        match column {
            "i" => self.int(),
            "b" => Value::Bool(byte > 1),
            "s" => Value::String(self.text().as_str().into()),
            "t" => self.date(),
            "o" => Value::ObjectId(ObjectId([byte; 12])),
            "u" => Value::Uuid(Uuid([byte; 16])),
            _ => match self.below(9) {
                0..3 => self.number(),
                3 => Value::Binary(self.text().into_bytes().into()),
                4 => Value::Link(Box::new(Link {
                    class: "Thing".into(),
                    key: PrimaryKey::Int(self.key()),
                })),
                5 => self.date(),
                6 => Value::Bool(byte > 1),
                7 => Value::Uuid(Uuid([byte; 16])),
                _ => Value::String(self.text().as_str().into()),
            },
        }
    }

    pub fn column(&mut self) -> u16 {
        u16::try_from(self.below(COLUMNS.len() as u64)).unwrap()
    }

    /// A payload for a column: a mixed one may become a collection.
    pub fn payload(&mut self, column: u16) -> Payload {
        if column == MIXED && self.below(8) == 0 {
            return self.pick(&[Payload::List, Payload::Dictionary]);
        }
        Payload::Value(self.value(COLUMNS[usize::from(column)]))
    }

    /// What is downloaded about an object.
    pub fn instruction(&mut self) -> Vec<Instruction> {
        let key = PrimaryKey::Int(self.key());
        let class = Name::from("Thing");
        let create = Instruction::CreateObject {
            class: class.clone(),
            key: key.clone(),
        };
        if self.below(5) == 0 {
            let erase = Instruction::EraseObject { class, key };
            return vec![create, erase];
        }
        let column = self.column();
        let update = Instruction::Update {
            target: Target {
                class,
                key,
                field: COLUMNS[usize::from(column)].into(),
                path: Vec::new(),
            },
            value: self.payload(column),
            kind: UpdateKind::Property { is_default: false },
        };
        vec![create, update]
    }

    fn comparison(&mut self, arguments: &mut Vec<Argument>) -> String {
        let column = COLUMNS[usize::from(self.column())];
        let first = arguments.len();
        match self.below(8) {
            0 => {
                let values = (0..self.below(4)).map(|_| self.value(column)).collect();
                arguments.push(Argument::List(values));
                return format!("{column} IN ${first}");
            }
            1 if !matches!(column, "b" | "o" | "u") => {
                for _ in 0..2 {
                    let value = match self.value(column) {
                        Value::Null => Value::Int(0),
                        value => value,
                    };
                    arguments.push(Argument::Value(value));
                }
                return format!("{column} BETWEEN {{${first}, ${}}}", first + 1);
            }
            2 if matches!(column, "s" | "m") => {
                arguments.push(Argument::Value(Value::String(self.text().as_str().into())));
                return format!("{column} BEGINSWITH ${first}");
            }
            _ => {}
        }
        arguments.push(Argument::Value(self.value(column)));
        let operator = self.pick(&["==", "==", "!=", "<", "<=", ">", ">=", "==[c]"]);
        match self.below(6) {
            0 if operator != "==[c]" => format!("${first} {operator} {column}"),
            1 => format!("next.{column} {operator} ${first}"),
            2 => format!("ANY many.{column} {operator} ${first}"),
            _ => format!("{column} {operator} ${first}"),
        }
    }

    /// The first ones in an order by one or two columns.
    fn first_ones(&mut self) -> String {
        let columns: Vec<String> = (0..=self.below(2))
            .map(|_| {
                let column = COLUMNS[usize::from(self.column())];
                format!("{column} {}", self.pick(&["ASC", "DESC"]))
            })
            .collect();
        format!("SORT({}) LIMIT({})", columns.join(", "), self.below(6))
    }

    /// A query; not every one can be bound.
    pub fn query(&mut self) -> (String, Vec<Argument>) {
        let mut arguments = Vec::new();
        let mut text = self.comparison(&mut arguments);
        for _ in 0..self.below(4) {
            let other = match self.below(5) {
                0 => format!("_id {} {}", self.pick(&["==", "<", ">=", "!="]), self.key()),
                1 => format!("next._id {} {}", self.pick(&["==", "<="]), self.key()),
                2 => format!("many == obj('Thing', {})", self.key()),
                _ => self.comparison(&mut arguments),
            };
            text = match self.below(4) {
                0 => format!("({text}) OR {other}"),
                1 => format!("NOT ({text}) AND {other}"),
                _ => format!("({text}) AND {other}"),
            };
        }
        if self.below(3) == 0 {
            if self.below(2) == 0 {
                "TRUEPREDICATE".clone_into(&mut text);
                arguments.clear();
            }
            text = format!("{text} {}", self.first_ones());
        }
        (text, arguments)
    }
}

pub fn at(object: u64, column: u16) -> Location {
    Location {
        class: THING,
        object,
        column,
        steps: Vec::new(),
    }
}

/// A few random mutations, as an application does them.
pub fn mutate<S: Storage>(write: &mut WriteTransaction<S>, dice: &mut Dice) {
    for _ in 0..dice.below(12) {
        let key = dice.key();
        let (object, _) = write.create(THING, &PrimaryKey::Int(key), true).unwrap();
        match dice.below(8) {
            0 => write.erase(THING, object).unwrap(),
            1 | 2 => {
                let (target, _) = write
                    .create(THING, &PrimaryKey::Int(dice.key()), true)
                    .unwrap();
                let link = Payload::Value(link_to(write, target));
                if dice.below(2) == 0 {
                    write.set(&at(object, NEXT), false, &link).unwrap();
                } else {
                    let mut place = at(object, MANY);
                    place.steps.push(tidemark_store::Step::Visible(0));
                    write.list_insert(&place, &link).unwrap();
                }
            }
            _ => {
                let column = dice.column();
                let payload = dice.payload(column);
                // Links to what does not exist are refused here.
                let _ = write.set(&at(object, column), false, &payload);
            }
        }
        if dice.below(40) == 0 {
            write.erase_all(THING).unwrap();
        }
        if dice.below(20) == 0 {
            check(write.view().unwrap(), dice, 4);
        }
    }
}

fn link_to<S: Storage>(write: &mut WriteTransaction<S>, object: u64) -> Value {
    let row = write.view().unwrap().row(THING, object).unwrap().unwrap();
    let length = u32::from_le_bytes(*row.first_chunk().unwrap()) as usize;
    let key = tidemark_changeset::packed::read_key(&row[4..4 + length]).unwrap();
    Value::Link(Box::new(Link {
        class: "Thing".into(),
        key,
    }))
}

/// Indexes answer as a scan does, and hold nothing else.
pub fn check<R: Read>(view: View<'_, R>, dice: &mut Dice, queries: usize) {
    let all: Vec<u64> = view
        .objects(THING)
        .unwrap()
        .map(|object| object.unwrap().0)
        .collect();
    for _ in 0..queries {
        let (text, arguments) = dice.query();
        let found = view.query_counted(THING, &text, &arguments, None);
        let scanned = view.query(THING, &text, &arguments, Some(&all));
        match (found, scanned) {
            (Ok(found), Ok(scanned)) => {
                assert_eq!(found.objects, scanned, "{text} {arguments:?}");
            }
            (Err(_), Err(_)) => {}
            (found, scanned) => panic!("{text} {arguments:?}: {found:?} {scanned:?}"),
        }
    }
    // No entry is left over: what an equality leads to is what it finds. Long texts share keys.
    for (index, column) in COLUMNS[..6].iter().enumerate() {
        if !view.catalog().is_indexed(&Name::from("Thing"), index) {
            continue;
        }
        let value = dice.value(column);
        if matches!(&value, Value::String(text) if text.as_bytes().len() > 256) {
            continue;
        }
        let text = format!("{column} == $0");
        let found = view.query_counted(THING, &text, &[Argument::Value(value)], None);
        let found = found.unwrap();
        assert_eq!(found.rows_visited, found.objects.len() as u64, "{text}");
    }
}

pub fn check_database<S: Storage>(database: &Database<S>, dice: &mut Dice, queries: usize) {
    let snapshot = database.read().unwrap();
    check(snapshot.view(), dice, queries);
    let objects = snapshot.view().count(THING).unwrap();
    let tables = database.storage().snapshot().unwrap();
    let entries = tables.prefix(INDEXES, &[]).unwrap().count();
    assert_eq!(entries as u64, objects * COLUMNS.len() as u64);
}
