//! Rules of the language that no recorded query shows, over the data of the recorded ones.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value as Json;
use support::Dataset;
use tidemark_query::{QueryError, bind, parse};

fn zoo() -> &'static Dataset {
    static ZOO: OnceLock<Dataset> = OnceLock::new();
    ZOO.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../conformance/vectors/rql/datasets.json");
        let json: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        support::load(&json).remove("zoo").unwrap()
    })
}

/// How many objects a query finds, and how it describes itself.
fn answer(class: &str, text: &str) -> Result<(usize, String), QueryError> {
    let set = zoo();
    let query = bind(&parse(text)?, class, set, &[])?;
    let mut found = 0;
    for row in &set.classes[class].rows {
        found += usize::from(query.matches(&set.row(*row), set)?);
    }
    Ok((found, query.describe()))
}

/// Name and text of the error that a query is refused with.
fn refusal(class: &str, text: &str) -> (&'static str, String) {
    match answer(class, text) {
        Ok(found) => panic!("{text} is answered: {found:?}"),
        Err(error) => (error.name(), error.message().to_owned()),
    }
}

#[test]
fn a_nul_byte_is_no_part_of_a_query() {
    for text in ["strCol == 'a\0b'", "strCol\0 == 'a'", "\0strCol == 'a'"] {
        let (name, message) = refusal("AllTypes", text);
        assert_eq!(name, "SyntaxError");
        assert!(message.starts_with(&format!("Invalid predicate: '{text}': ")));
    }
}

#[test]
fn many_operators_one_after_the_other_are_not_deep() {
    let sums = vec!["(intCol + 1) * 2 == 3"; 500].join(" OR ");
    assert!(answer("AllTypes", &sums).is_ok());
    let inside = format!("SUBQUERY(links, $x, {sums}).@count + 1 == 1 AND {sums}");
    assert!(answer("AllTypes", &inside).is_ok());
}

#[test]
fn strings_begin_with_a_number_after_ascii_white_space_only() {
    assert_eq!(
        answer("AllTypes", "intCol == ' \t\u{b}\u{c}5'").unwrap().1,
        "intCol == 5"
    );
    assert_eq!(refusal("AllTypes", "intCol == '\u{a0}5'").0, "InvalidQuery");
}

#[test]
fn case_is_ignored_of_texts_and_of_properties_that_have_none() {
    let of_type = |operator: &str, name: &str| {
        let text = format!(
            "Unsupported comparison operator '{operator}' against type '{name}', right side must be a string \
             or binary type"
        );
        ("InvalidQuery", text)
    };
    for (text, operator, name) in [
        ("next.intCol ==[c] 5", "=[c]", "int"),
        ("intList ==[c] 5", "=[c]", "int"),
        ("intCol !=[c] intOpt", "!=[c]", "int"),
        ("5 ==[c] intCol", "=[c]", "int"),
        ("intCol + 1 ==[c] 2", "=[c]", "int"),
        ("next.boolCol !=[c] true", "!=[c]", "bool"),
        ("mixList ==[c] 5", "=[c]", "int"),
        ("next.mix ==[c] 5", "=[c]", "int"),
        ("intCol ==[c] 5.5", "=[c]", "double"),
        ("intCol IN[c] intList", "IN[c]", "int"),
        ("intCol ==[c] null", "=[c]", "null"),
        ("mixList ==[c] null", "=[c]", "null"),
        ("links.@count ==[c] 2", "=[c]", "int"),
    ] {
        assert_eq!(refusal("AllTypes", text), of_type(operator, name), "{text}");
    }
    for (text, plain) in [
        ("intCol ==[c] 5", "intCol == 5"),
        ("boolCol !=[c] true", "boolCol != true"),
        ("mix ==[c] null", "mix == null"),
        ("strOpt ==[c] null", "strOpt == null"),
        ("strList ==[c] null", "strList == null"),
        ("next.strOpt ==[c] null", "next.strOpt == null"),
        ("intCol IN[c] {1, 2}", "intCol IN {1, 2}"),
    ] {
        assert_eq!(
            answer("AllTypes", text).unwrap().0,
            answer("AllTypes", plain).unwrap().0,
            "{text}"
        );
    }
}

#[test]
fn links_in_a_list_are_of_the_class_that_is_linked_to() {
    for text in [
        "boss IN {obj('Person', 1), obj('Dog', 'rex')}",
        "boss == {obj('Dog', 'rex')}",
    ] {
        let message = "The relationship 'boss' which links to type 'Person' cannot be compared to an \
                       argument of type 'Dog' with primary key '\"rex\"'";
        assert_eq!(
            refusal("Person", text),
            ("InvalidQueryArg", message.to_owned())
        );
    }
    let message = "Unsupported comparison between type 'link' and type 'int'".to_owned();
    assert_eq!(refusal("Person", "dogs == {1}"), ("InvalidQuery", message));
    assert!(answer("Person", "boss IN {obj('Person', 1), null}").is_ok());
    assert!(answer("Person", "data IN {obj('Person', 1), obj('Dog', 'rex'), 5}").is_ok());
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it is about how long it takes")]
fn many_sorts_take_no_longer_than_many_columns() {
    let sorts = vec!["SORT(intCol ASC, strCol DESC)"; 8_000].join(" ");
    let query =
        format!("FALSEPREDICATE {sorts} LIMIT(1) SORT(_id ASC) SORT(intOpt ASC, strOpt DESC)");
    let started = std::time::Instant::now();
    let (_, description) = answer("AllTypes", &query).unwrap();
    let taken = started.elapsed();
    assert!(description.ends_with("DESC) LIMIT(1) SORT(intOpt ASC, strOpt DESC, _id ASC)"));
    let columns = vec!["intCol ASC, strCol DESC"; 8_000].join(", ");
    let started = std::time::Instant::now();
    answer("AllTypes", &format!("FALSEPREDICATE SORT({columns})")).unwrap();
    assert!(taken < 10 * started.elapsed(), "{taken:?}");
}

#[test]
fn a_list_may_begin_with_a_comma() {
    assert_eq!(
        answer("AllTypes", "intCol IN {, 5, 6}").unwrap().1,
        "intCol IN {5, 6}"
    );
    assert_eq!(refusal("AllTypes", "intCol IN {5, }").0, "SyntaxError");
}

/// Full text and places where the recorded queries are few.
#[test]
fn words_and_places_are_asked_about_as_properties_are() {
    let found = |class: &str, text: &str| answer(class, text).unwrap();
    assert_eq!(
        found("AllTypes", "ALL links.text TEXT 'quick'").1,
        "ALL links.text FULLTEXT \"quick\""
    );
    let (any, all) = (
        found("AllTypes", "links.text TEXT 'quick'").0,
        found("AllTypes", "TRUEPREDICATE").0,
    );
    assert_eq!(
        found("AllTypes", "NONE links.text TEXT 'quick'").0,
        all - any
    );
    assert_eq!(
        refusal("AllTypes", "prev.text TEXT 'quick'").0,
        "InvalidQuery"
    );
    assert_eq!(refusal("AllTypes", "'quick' TEXT text").0, "InvalidQuery");
    assert_eq!(
        refusal("AllTypes", "text TEXT {'quick', 'fox'}").0,
        "InvalidQuery"
    );
    assert_eq!(
        refusal("AllTypes", "intCol TEXT 'quick'").0,
        "IllegalOperation"
    );
    let outer = "{[0, 0], [20, 0], [20, 20], [0, 20], [0, 0]}";
    let hole = "{[5, 5], [12, 5], [12, 12], [5, 12], [5, 5]}";
    let within = |shape: &str| format!("location GEOWITHIN geoPolygon({shape})");
    let whole = found("Place", &within(outer)).0;
    let (part, description) = found("Place", &within(&format!("{outer}, {hole}")));
    // Two places are in the hole: at 10, 10 and beside it.
    assert_eq!((whole, part), (3, 1));
    assert_eq!(
        description,
        format!("location GEOWITHIN GeoPolygon({outer}, {hole})")
    );
    let outside = "{[25, 5], [30, 5], [30, 12], [25, 12], [25, 5]}";
    assert_eq!(
        refusal("Place", &within(&format!("{outer}, {outside}"))).0,
        "InvalidQueryArg"
    );
    assert_eq!(
        refusal("Place", "location GEOWITHIN geoCircle([0, 91], 1)").0,
        "InvalidQueryArg"
    );
    let many = vec!["[1, 2]"; 3_000].join(", ");
    assert_eq!(
        refusal("Place", &within(&format!("{{{many}}}"))).0,
        "LimitExceeded"
    );
}
