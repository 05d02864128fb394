//! Properties of the language: no text makes the parser panic, and a description says what the query means.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value as Json;
use support::Dataset;
use tidemark_query::{Query, QueryError, bind, parse};

const CLASS: &str = "AllTypes";

fn zoo() -> &'static Dataset {
    static ZOO: OnceLock<Dataset> = OnceLock::new();
    ZOO.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../conformance/vectors/rql/datasets.json");
        let json: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        support::load(&json).remove("zoo").unwrap()
    })
}

fn query(text: &str) -> Result<Query, QueryError> {
    bind(&parse(text)?, CLASS, zoo(), &[])
}

/// Which rows match; errors of evaluation count as none.
fn matching(query: &Query) -> Vec<bool> {
    let set = zoo();
    let rows = &set.classes[CLASS].rows;
    rows.iter()
        .map(|row| query.matches(&set.row(*row), set).unwrap_or(false))
        .collect()
}

/// A literal for a property of a type.
fn literal(kind: usize) -> BoxedStrategy<String> {
    match kind {
        0 => (-50_i64..60).prop_map(|value| value.to_string()).boxed(),
        1 => (-500_i32..500)
            .prop_map(|value| format!("{:?}", f64::from(value) / 8.0))
            .boxed(),
        2 => prop_oneof![
            "'[a-zA-Z*?]{0,3}'",
            "\"[a-zé ]{0,3}\"",
            Just("B64\"YWJj\"".to_owned())
        ]
        .boxed(),
        3 => prop_oneof![Just("true".to_owned()), Just("false".to_owned())].boxed(),
        4 => (-3_i64..3).prop_map(|value| format!("T{value}:0")).boxed(),
        _ => (-40_i32..40)
            .prop_map(|value| format!("{:?}", f64::from(value) / 4.0))
            .boxed(),
    }
}

fn comparison() -> impl Strategy<Value = String> {
    let columns: [&[&str]; 6] = [
        &[
            "intCol",
            "intOpt",
            "next.intCol",
            "links.intCol",
            "ANY intList",
            "intDict['a']",
            "mix",
        ],
        &["doubleCol", "doubleOpt", "ALL doubleList", "next.doubleOpt"],
        &["strCol", "strOpt", "NONE strList", "person.name", "mix"],
        &["boolCol", "boolOpt", "ANY boolSet"],
        &["dateCol", "dateOpt", "next.dateCol"],
        &["decCol", "decOpt", "ANY decList"],
    ];
    (0_usize..6).prop_flat_map(move |kind| {
        let column = prop::sample::select(columns[kind].to_vec());
        let operator = prop::sample::select(if kind == 2 {
            vec![
                "==",
                "!=",
                "<",
                ">=",
                "==[c]",
                "CONTAINS",
                "BEGINSWITH[c]",
                "LIKE",
            ]
        } else if kind == 3 {
            vec!["==", "!="]
        } else {
            vec!["==", "!=", "<", "<=", ">", ">="]
        });
        let plain = (column.clone(), operator, literal(kind))
            .prop_map(|(column, operator, value)| format!("{column} {operator} {value}"));
        let null = column
            .clone()
            .prop_map(|column| format!("{column} == null"));
        let scalar = columns[kind][0];
        let list = prop::collection::vec(literal(kind), 1..4)
            .prop_map(move |values| format!("{scalar} IN {{{}}}", values.join(", ")));
        prop_oneof![4 => plain, 1 => null, 1 => list]
    })
}

fn predicate() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..5)
                .prop_map(|parts| format!("({})", parts.join(" OR "))),
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| parts.join(" AND ")),
            inner.clone().prop_map(|part| format!("NOT ({part})")),
            inner.prop_map(|part| format!("({part})")),
        ]
    })
}

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "intCol", "links", "@links", "AllTypes", "@count", "@type", "@max", "$0", "$K0", "ANY", "ALL",
    "NONE", "(", ")", "{", "}", "[", "]", ".", ",", "+", "-", "*", "/", "==", "!=", "<=", ">",
    "[c]", "IN", "BETWEEN", "CONTAINS", "LIKE", "TEXT", "GEOWITHIN", "geoCircle", "SUBQUERY",
    "$x", "SORT", "DISTINCT", "LIMIT", "ASC", "5", "-5", "0x1F", "1.5", "2f", "'a'", "\"", "'",
    "B64\"YQ==\"", "T1:5", "T-1:5", "null", "true", "inf", "nan", "oid(", "uuid(", "obj",
    "binary", "AND", "OR", "NOT", "TRUEPREDICATE", "mix", "\\", "你", " ",
];

/// Fragments of the language in any order: texts that come further into the parser than random characters
/// do.
fn salad() -> impl Strategy<Value = String> {
    let words = prop::sample::select(WORDS);
    prop::collection::vec(words, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = query(&text);
    }

    #[test]
    fn no_mix_of_words_panics(text in salad()) {
        if let Ok(query) = query(&text) {
            let _ = matching(&query);
            let _ = query.describe();
        }
    }

    #[test]
    fn a_subscription_text_means_the_same(text in predicate()) {
        let first = query(&text).unwrap();
        let sent = first.subscription_text();
        let second = query(&sent).unwrap();
        prop_assert_eq!(matching(&first), matching(&second), "{} became {}", text, sent);
        let third = query(&second.subscription_text()).unwrap();
        prop_assert_eq!(matching(&first), matching(&third));
    }

    #[test]
    fn a_description_parses(text in predicate()) {
        let described = query(&text).unwrap().describe();
        prop_assert!(query(&described).is_ok(), "{} became {}", text, described);
    }

    #[test]
    fn not_is_plain_negation(text in predicate()) {
        let plain = matching(&query(&text).unwrap());
        let negated = matching(&query(&format!("NOT ({text})")).unwrap());
        prop_assert!(plain.iter().zip(&negated).all(|(plain, negated)| plain != negated));
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = format!("{}intCol == 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(parse(&nested), Err(QueryError::LimitExceeded(_))));
    let negated = format!("{}intCol == 1", "!".repeat(5000));
    assert!(matches!(parse(&negated), Err(QueryError::LimitExceeded(_))));
    let sum = format!("intCol{} == 1", " + 1".repeat(5000));
    assert!(matches!(parse(&sum), Err(QueryError::LimitExceeded(_))));
    let path = format!("{}intCol == 1", "next.".repeat(5000));
    assert!(matches!(parse(&path), Err(QueryError::LimitExceeded(_))));
    assert!(matches!(
        parse(&" ".repeat(300_000)),
        Err(QueryError::LimitExceeded(_))
    ));
}

#[test]
fn long_chains_are_no_deep_ones() {
    for word in [" OR ", " AND "] {
        let chain = vec!["intCol == 1"; 15_000].join(word);
        let bound = query(&chain).unwrap();
        assert_eq!(matching(&bound).len(), 60);
        let negated = query(&format!("NOT ({chain})")).unwrap();
        assert!(!negated.describe().is_empty());
    }
}
