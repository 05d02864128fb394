//! That what is decided on packed bytes is what the general evaluation says, and that packed rows are ordered
//! as others are.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::cmp::Ordering;

use proptest::prelude::*;
use tidemark_changeset::packed::{RowView, RowWriter, write_key, write_value};
use tidemark_changeset::{
    CollectionKind, ColumnType, Decimal, ObjectId, PrimaryKey, Timestamp, Uuid, Value,
};
use tidemark_query::{
    Argument, Catalog, Field, KeyView, LinkView, NoObjects, PackedRow, Place, Property, Row,
    Scalar, bind, order, parse,
};

/// One class with a property of every type, each of which may be null.
struct Schema;

const COLUMNS: [(&str, ColumnType); 11] = [
    ("int", ColumnType::Int),
    ("bool", ColumnType::Bool),
    ("text", ColumnType::String),
    ("data", ColumnType::Binary),
    ("time", ColumnType::Timestamp),
    ("float", ColumnType::Float),
    ("double", ColumnType::Double),
    ("decimal", ColumnType::Decimal),
    ("oid", ColumnType::ObjectId),
    ("uuid", ColumnType::Uuid),
    ("mixed", ColumnType::Mixed),
];

/// The rows are as old as this: they lack the last column.
const OLD: usize = 10;

impl Catalog for Schema {
    fn has_class(&self, class: &str) -> bool {
        class == "Thing"
    }

    fn property(&self, _class: &str, name: &str) -> Option<Property> {
        let property = |place, column_type| Property {
            place,
            column_type,
            nullable: true,
            collection: CollectionKind::Single,
            target: None,
            full_text: false,
        };
        if name == "_id" {
            return Some(property(Place::Key, ColumnType::String));
        }
        let at = COLUMNS.iter().position(|(known, _)| *known == name)?;
        Some(property(Place::Column(at), COLUMNS[at].1))
    }
}

#[derive(Clone, Debug)]
struct Thing {
    key: PrimaryKey,
    values: Vec<Value>,
}

impl Row for Thing {
    fn link(&self) -> Option<LinkView<'_>> {
        Some(LinkView {
            class: b"Thing",
            key: KeyView::from(&self.key),
        })
    }

    fn column(&self, index: usize) -> Field<'_> {
        Field::Scalar(self.values.get(index).map_or(Scalar::Null, Scalar::from))
    }
}

impl Thing {
    fn packed(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut key, mut row) = (Vec::new(), Vec::new());
        write_key(&mut key, &self.key);
        let mut writer = RowWriter::new(&mut row, self.values.len());
        for value in &self.values {
            writer.column(|out| write_value(out, value));
        }
        writer.finish();
        (key, row)
    }
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -3..4_i64,
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]),
        1 => prop::sample::select(vec![1 << 53, (1 << 53) + 1, -(1 << 53) - 1]),
    ]
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-6..7_i32).prop_map(|value| f64::from(value) / 2.0),
        1 => prop::sample::select(vec![-0.0, f64::NAN, -f64::NAN, f64::INFINITY, 1e300, 9e15]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(a|b|A|B|é|É|\u{0}){0,3}",
        1 => "exactly 13 chr(s|t)?",
        1 => "long shared beginning (a|b)",
    ]
}

fn value(column_type: ColumnType) -> BoxedStrategy<Value> {
    let some = match column_type {
        ColumnType::Int => int().prop_map(Value::Int).boxed(),
        ColumnType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ColumnType::String => text()
            .prop_map(|text| Value::String(text.as_str().into()))
            .boxed(),
        ColumnType::Binary => text()
            .prop_map(|text| Value::Binary(text.as_bytes().into()))
            .boxed(),
        ColumnType::Timestamp => (-2..3_i64, 0..3_i32)
            .prop_map(|(seconds, nanoseconds)| {
                Value::Timestamp(Timestamp {
                    seconds,
                    nanoseconds,
                })
            })
            .boxed(),
        ColumnType::Float => double()
            .prop_map(|value| {
                #[allow(clippy::cast_possible_truncation)]
                Value::Float(value as f32)
            })
            .boxed(),
        ColumnType::Double => double().prop_map(Value::Double).boxed(),
        ColumnType::Decimal => (0..30_u128, any::<bool>())
            .prop_map(|(coefficient, negative)| {
                Value::Decimal(Decimal {
                    coefficient,
                    exponent: -1,
                    negative,
                })
            })
            .boxed(),
        ColumnType::ObjectId => (0..3_u8)
            .prop_map(|byte| Value::ObjectId(ObjectId([byte; 12])))
            .boxed(),
        ColumnType::Uuid => (0..2_u8, 0..2_u8)
            .prop_map(|(first, last)| {
                let mut id = [7; 16];
                (id[0], id[15]) = (first, last);
                Value::Uuid(Uuid(id))
            })
            .boxed(),
        _ => {
            let types = COLUMNS.map(|(_, column_type)| column_type);
            prop::sample::select(types[..OLD].to_vec())
                .prop_flat_map(value)
                .boxed()
        }
    };
    prop_oneof![6 => some, 1 => Just(Value::Null)].boxed()
}

fn thing() -> impl Strategy<Value = Thing> {
    let columns: Vec<_> = COLUMNS.iter().map(|(_, kind)| value(*kind)).collect();
    (text(), columns, any::<bool>()).prop_map(|(key, mut values, is_old)| {
        if is_old {
            values.truncate(OLD);
        }
        let key = PrimaryKey::String(key.as_str().into());
        Thing { key, values }
    })
}

const COMPARING: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const LOOKING: [&str; 10] = [
    "CONTAINS",
    "CONTAINS[c]",
    "BEGINSWITH",
    "BEGINSWITH[c]",
    "ENDSWITH",
    "ENDSWITH[c]",
    "LIKE",
    "LIKE[c]",
    "==[c]",
    "!=[c]",
];

/// A condition whose constant is an argument, and the argument.
fn condition() -> impl Strategy<Value = (String, Vec<Argument>)> {
    let names: Vec<_> = COLUMNS.to_vec();
    let plain = prop::sample::select(names.clone()).prop_flat_map(|(name, column_type)| {
        let looks = matches!(
            column_type,
            ColumnType::String | ColumnType::Binary | ColumnType::Mixed
        );
        let mut operators = COMPARING.to_vec();
        if looks {
            operators.extend(LOOKING);
        }
        // Numbers are compared with numbers of other types too.
        let other = match column_type {
            ColumnType::Int
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Decimal
            | ColumnType::Mixed => vec![
                ColumnType::Int,
                ColumnType::Float,
                ColumnType::Double,
                ColumnType::Decimal,
                column_type,
            ],
            _ => vec![column_type],
        };
        let argument = prop::sample::select(other).prop_flat_map(value);
        (prop::sample::select(operators), argument).prop_map(move |(operator, argument)| {
            (
                format!("{name} {operator} $"),
                vec![Argument::Value(argument)],
            )
        })
    });
    let key = (prop::sample::select(COMPARING.to_vec()), text()).prop_map(|(operator, text)| {
        let argument = Argument::Value(Value::String(text.as_str().into()));
        (format!("_id {operator} $"), vec![argument])
    });
    let list = prop::sample::select(names).prop_flat_map(|(name, column_type)| {
        prop::collection::vec(value(column_type), 0..4)
            .prop_map(move |values| (format!("{name} IN $"), vec![Argument::List(values)]))
    });
    let between = (any::<bool>(), int(), int()).prop_map(|(is_time, low, high)| {
        let text = if is_time {
            let (low, high) = (low.clamp(-3, 3), high.clamp(-3, 3));
            format!("time BETWEEN {{T{low}:0, T{high}:0}}")
        } else {
            format!("int BETWEEN {{{low}, {high}}}")
        };
        (text, Vec::new())
    });
    let calculated = (
        prop::sample::select(vec!["int", "double", "float", "decimal", "mixed"]),
        prop::sample::select(vec!["+", "-", "*", "/"]),
        prop::sample::select(vec!["int", "double", "2", "1.5"]),
        prop::sample::select(COMPARING.to_vec()),
        prop::sample::select(vec!["int", "double", "3", "decimal"]),
    )
        .prop_map(|(left, operation, with, operator, right)| {
            (
                format!("{left} {operation} {with} {operator} {right}"),
                Vec::new(),
            )
        });
    prop_oneof![8 => plain, 1 => key, 2 => list, 1 => between, 2 => calculated]
}

/// Conditions and what stands between them, with numbers for their arguments.
fn predicate() -> impl Strategy<Value = (String, Vec<Argument>)> {
    condition().prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            (many, any::<bool>()).prop_map(|(parts, is_and)| {
                let (texts, arguments): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
                let text = texts.join(if is_and { " AND " } else { " OR " });
                (format!("({text})"), arguments.concat())
            }),
            inner.prop_map(|(text, arguments)| (format!("NOT ({text})"), arguments)),
        ]
    })
}

/// Each `$` with its number.
fn numbered(text: &str) -> String {
    let mut parts = text.split('$');
    let first = parts.next().unwrap().to_owned();
    let rest = parts.enumerate();
    rest.fold(first, |out, (number, part)| format!("{out}${number}{part}"))
}

thread_local! {
    /// How many rows were judged on their bytes, and how many were not.
    static JUDGED: RefCell<(u32, u32)> = const { RefCell::new((0, 0)) };
}

#[test]
fn what_bytes_say_is_what_values_do() {
    let config = ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((text, arguments) in predicate(), things in prop::collection::vec(thing(), 1..12))| {
        let text = numbered(&text);
        // Some pairs of types never compare, which binding refuses.
        let bound = bind(&parse(&text).unwrap(), "Thing", &Schema, &arguments);
        prop_assume!(bound.is_ok());
        let query = bound.unwrap();
        let direct = query.direct();
        for thing in &things {
            let (key, row) = thing.packed();
            let packed = PackedRow { key: &key, columns: RowView::new(&row).unwrap() };
            let known = direct.as_ref().and_then(|direct| direct.holds(&packed));
            JUDGED.with_borrow_mut(|(yes, no)| *if known.is_some() { yes } else { no } += 1);
            if let Some(known) = known {
                let general = query.matches(thing, &NoObjects).unwrap();
                prop_assert_eq!(known, general, "{} of {:?} with {:?}", text, thing, arguments);
            }
        }
    });
    let (judged, left) = JUDGED.with_borrow(|judged| *judged);
    assert!(
        judged > left * 4,
        "{judged} rows are judged, {left} are left"
    );
}

/// How two rows stand to each other.
fn compared(left: &Thing, right: &Thing, columns: &[(usize, bool)]) -> Ordering {
    let ordering = |(column, is_ascending): &(usize, bool)| {
        let value = |thing: &Thing| thing.values[*column].clone();
        let (left, right) = (value(left), value(right));
        let ordering = order(&Scalar::from(&left), &Scalar::from(&right));
        if *is_ascending {
            ordering
        } else {
            ordering.reverse()
        }
    };
    columns
        .iter()
        .map(ordering)
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packed_rows_are_ordered_as_their_values_are(
        things in prop::collection::vec(thing(), 0..24),
        columns in prop::collection::vec((0..OLD, any::<bool>()), 1..4),
        limit in prop::option::of(0..20_usize),
        is_packed in prop::collection::vec(any::<bool>(), 24),
    ) {
        let name = |(column, is_ascending): &(usize, bool)| {
            format!("{} {}", COLUMNS[*column].0, if *is_ascending { "ASC" } else { "DESC" })
        };
        let names: Vec<String> = columns.iter().map(name).collect();
        let limited = limit.map(|limit| format!(" LIMIT({limit})")).unwrap_or_default();
        let text = format!("TRUEPREDICATE SORT({}){limited}", names.join(", "));
        let found = arranged(&text, &things, &is_packed);
        let mut wanted: Vec<usize> = (0..things.len()).collect();
        wanted.sort_by(|left, right| compared(&things[*left], &things[*right], &columns));
        wanted.truncate(limit.unwrap_or(usize::MAX));
        prop_assert_eq!(found, wanted, "{}", text);
    }

    #[test]
    fn of_equal_packed_rows_the_first_one_stays(
        things in prop::collection::vec(thing(), 0..24),
        columns in prop::collection::vec((0..OLD, Just(true)), 1..3),
        is_packed in prop::collection::vec(any::<bool>(), 24),
    ) {
        let names: Vec<&str> = columns.iter().map(|(column, _)| COLUMNS[*column].0).collect();
        let text = format!("TRUEPREDICATE DISTINCT({})", names.join(", "));
        let found = arranged(&text, &things, &is_packed);
        let mut wanted: Vec<usize> = Vec::new();
        for at in 0..things.len() {
            if wanted.iter().all(|other| compared(&things[*other], &things[at], &columns).is_ne()) {
                wanted.push(at);
            }
        }
        prop_assert_eq!(found, wanted, "{}", text);
    }
}

/// The rows as a query arranges them, each pushed in one way or the other.
fn arranged(text: &str, things: &[Thing], is_packed: &[bool]) -> Vec<usize> {
    let query = bind(&parse(text).unwrap(), "Thing", &Schema, &[]).unwrap();
    let mut arranger = query.arranger();
    for (thing, is_packed) in things.iter().zip(is_packed) {
        let (key, row) = thing.packed();
        let packed = PackedRow {
            key: &key,
            columns: RowView::new(&row).unwrap(),
        };
        if !is_packed || !arranger.push_packed(&packed) {
            arranger.push(thing, &NoObjects).unwrap();
        }
    }
    arranger.finish().unwrap()
}
