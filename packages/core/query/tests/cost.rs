//! That judging a row takes steps for what the query and the row hold together, not for their product, and
//! that it ends where it is told to.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use tidemark_changeset::{CollectionKind, ColumnType};
use tidemark_query::{
    Catalog, Field, Items, LinkView, NoObjects, Place, Property, QueryError, Row, Scalar, Steps,
    bind, parse,
};

/// One class with a text, bytes and a list of texts.
struct Schema;

const COLUMNS: [(&str, ColumnType, CollectionKind); 4] = [
    ("text", ColumnType::String, CollectionKind::Single),
    ("data", ColumnType::Binary, CollectionKind::Single),
    ("texts", ColumnType::String, CollectionKind::List),
    ("mixed", ColumnType::Mixed, CollectionKind::Single),
];

impl Catalog for Schema {
    fn has_class(&self, class: &str) -> bool {
        class == "Thing"
    }

    fn property(&self, _class: &str, name: &str) -> Option<Property> {
        let at = COLUMNS.iter().position(|(known, ..)| *known == name)?;
        let (_, column_type, collection) = COLUMNS[at];
        Some(Property {
            place: Place::Column(at),
            column_type,
            nullable: true,
            collection,
            target: None,
            full_text: false,
        })
    }
}

#[derive(Default)]
struct Thing {
    text: Vec<u8>,
    texts: Vec<Vec<u8>>,
}

impl Row for Thing {
    fn link(&self) -> Option<LinkView<'_>> {
        None
    }

    fn column(&self, index: usize) -> Field<'_> {
        match index {
            0 => Field::Scalar(Scalar::String(&self.text)),
            1 => Field::Scalar(Scalar::Binary(&self.text)),
            2 => Field::List(Box::new(Texts(&self.texts))),
            _ => Field::Scalar(Scalar::Null),
        }
    }
}

struct Texts<'a>(&'a [Vec<u8>]);

impl<'a> Items<'a> for Texts<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for text in self.0 {
            if visit(None, Field::Scalar(Scalar::String(text))).is_break() {
                return;
            }
        }
    }
}

const MANY: u64 = 1 << 50;

/// Whether a thing matches, and the steps that takes.
fn judge(query: &str, thing: &Thing) -> (bool, u64) {
    let query = bind(&parse(query).unwrap(), "Thing", &Schema, &[]).unwrap();
    let steps = Steps::new(MANY);
    let matches = query.matches_within(thing, &NoObjects, &steps).unwrap();
    (matches, MANY - steps.left())
}

fn judge_text(query: &str, text: &str) -> (bool, u64) {
    let text = text.as_bytes().to_vec();
    judge(
        query,
        &Thing {
            text,
            ..Thing::default()
        },
    )
}

/// A few steps for 16 bytes.
#[track_caller]
fn assert_linear(steps: u64, bytes: usize) {
    let most = 6 * (bytes as u64 / 16) + 20;
    assert!(steps <= most, "{steps} steps for {bytes} bytes");
}

/// Half of the size of the subjects.
const HALF: usize = 8_000;

#[test]
fn looking_for_a_text_takes_one_pass() {
    let subject = "a".repeat(2 * HALF);
    let beginning = "a".repeat(HALF);
    // Each is there but for its last character.
    for (operator, needle) in [
        ("CONTAINS", format!("{beginning}b")),
        ("CONTAINS[c]", format!("{beginning}B")),
        ("LIKE", format!("*{beginning}b*")),
        ("LIKE[c]", format!("*{beginning}B*")),
        ("LIKE", format!("*{beginning}?b")),
        ("LIKE", format!("*{}", "a*b*".repeat(HALF / 4))),
        ("BEGINSWITH[c]", format!("{beginning}b")),
        ("ENDSWITH[c]", format!("{beginning}b")),
    ] {
        let query = format!("text {operator} '{needle}'");
        let (matches, steps) = judge_text(&query, &subject);
        assert!(!matches, "{operator}");
        assert_linear(steps, subject.len() + needle.len());
    }
}

#[test]
fn a_text_that_is_there_is_found_in_one_pass() {
    let beginning = "a".repeat(HALF);
    let subject = format!("{beginning}{beginning}b{beginning}c");
    for (operator, needle) in [
        ("CONTAINS", format!("{beginning}b")),
        ("CONTAINS[c]", format!("{beginning}B")),
        ("LIKE", format!("*{beginning}b*")),
        ("LIKE[c]", format!("*{beginning}B*{beginning}*C")),
        ("LIKE", format!("{beginning}*a?b*?")),
    ] {
        let (matches, steps) = judge_text(&format!("text {operator} '{needle}'"), &subject);
        assert!(matches, "{operator}");
        assert_linear(steps, subject.len() + needle.len());
    }
}

#[test]
fn characters_of_several_bytes_are_looked_for_in_one_pass() {
    let subject = "é".repeat(HALF);
    for operator in ["CONTAINS", "CONTAINS[c]", "LIKE", "LIKE[c]"] {
        let star = if operator.starts_with("LIKE") {
            "*"
        } else {
            ""
        };
        let needle = format!("{star}{}ê{star}", "é".repeat(HALF / 2));
        let (matches, steps) = judge_text(&format!("text {operator} '{needle}'"), &subject);
        assert!(!matches, "{operator}");
        assert_linear(steps, subject.len() + needle.len());
    }
}

#[test]
fn a_long_needle_is_not_read_again_for_each_short_text() {
    let texts = vec![b"aaaa".to_vec(); 1_000];
    let thing = Thing {
        texts,
        ..Thing::default()
    };
    for (operator, needle) in [
        ("==[c]", "a".repeat(HALF)),
        ("CONTAINS", "a".repeat(HALF)),
        ("CONTAINS[c]", "a".repeat(HALF)),
        ("BEGINSWITH[c]", "a".repeat(HALF)),
        ("LIKE", format!("*{}", "a".repeat(HALF))),
        ("LIKE[c]", format!("b{}", "*".repeat(HALF))),
        ("LIKE", format!("a{}b", "*".repeat(HALF))),
    ] {
        let (matches, steps) = judge(&format!("ANY texts {operator} '{needle}'"), &thing);
        assert!(!matches, "{operator}");
        assert!(steps <= 5 * 1_000, "{operator}: {steps}");
    }
}

#[test]
fn an_evaluation_ends_where_its_steps_do() {
    let text = "a".repeat(HALF).into_bytes();
    let texts = vec![b"aaaa".to_vec(); 1_000];
    let thing = Thing { text, texts };
    let same = format!("text == '{}'", "a".repeat(HALF));
    let conditions = vec!["text == 'b'"; 1_000].join(" OR ");
    for (query, least) in [
        ("text CONTAINS 'b'", 400),
        ("text CONTAINS[c] 'b'", 400),
        ("text LIKE '*b'", 400),
        (&same, 400),
        ("ANY texts == 'b'", 1_000),
        ("texts.@count == 0 OR ANY texts.length == 3", 1_000),
        ("mixed IN {'a', 'b', 'c', 'd', 'e', 'f'}", 6),
        (&conditions, 1_000),
    ] {
        let (matches, taken) = judge(query, &thing);
        assert!(taken >= least, "{query}: {taken}");
        let query = bind(&parse(query).unwrap(), "Thing", &Schema, &[]).unwrap();
        let enough = Steps::new(taken);
        let again = query.matches_within(&thing, &NoObjects, &enough);
        assert_eq!((again, enough.left()), (Ok(matches), 0));
        let too_few = Steps::new(taken - 1);
        let error = query
            .matches_within(&thing, &NoObjects, &too_few)
            .unwrap_err();
        assert!(matches!(error, QueryError::LimitExceeded(_)), "{error:?}");
        assert_eq!(too_few.left(), 0);
        assert_eq!(query.matches(&thing, &NoObjects), Ok(matches));
    }
}
