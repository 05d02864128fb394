//! What a subscription may say, and the texts of the refusals.

#![allow(clippy::unwrap_used)]

use tidemark_changeset::{CollectionKind, ColumnType};
use tidemark_query::sync::admit_text;
use tidemark_query::{Catalog, Place, Property};

struct Schema;

impl Catalog for Schema {
    fn has_class(&self, class: &str) -> bool {
        matches!(class, "Task" | "Person")
    }

    fn property(&self, _class: &str, name: &str) -> Option<Property> {
        let (column_type, collection) = match name {
            "_id" => (ColumnType::ObjectId, CollectionKind::Single),
            "title" | "secret" | "type" => (ColumnType::String, CollectionKind::Single),
            "count" | "size" => (ColumnType::Int, CollectionKind::Single),
            "weight" => (ColumnType::Double, CollectionKind::Single),
            "done" => (ColumnType::Bool, CollectionKind::Single),
            "due" => (ColumnType::Timestamp, CollectionKind::Single),
            "data" => (ColumnType::Binary, CollectionKind::Single),
            "token" => (ColumnType::Uuid, CollectionKind::Single),
            "any" | "value" => (ColumnType::Mixed, CollectionKind::Single),
            "tags" => (ColumnType::String, CollectionKind::List),
            "coordinates" => (ColumnType::Double, CollectionKind::List),
            "owner" | "place" => (ColumnType::Link, CollectionKind::Single),
            _ => return None,
        };
        Some(Property {
            place: if name == "_id" {
                Place::Key
            } else {
                Place::Column(0)
            },
            column_type,
            nullable: true,
            collection,
            target: (column_type == ColumnType::Link).then(|| "Person".to_owned()),
            full_text: false,
        })
    }
}

fn admit(text: &str) -> Result<(), String> {
    admit_text(text, "Task", &Schema, &|field| {
        field != "secret" && field != "owner"
    })
}

#[test]
fn what_clients_send_is_accepted() {
    for text in [
        "",
        "TRUEPREDICATE",
        "FALSEPREDICATE",
        "count > 4",
        "count between {1, 5}",
        "(count == 1 or count == 2)",
        "count > 4 and done == true",
        "!(title == \"a\")",
        "!((count == 1 or count == 2))",
        "(count > 4) OR (title BEGINSWITH[c] \"x\")",
        "title IN {\"a\", \"b\", NULL}",
        "title == B64\"AAEC\"",
        "title ENDSWITH \"x\" and title CONTAINS[c] \"y\" and title LIKE \"*z\"",
        "title == NULL",
        "place GEOWITHIN GeoCircle([12.5, 55.75], 0.1) and done == true",
        "place GEOWITHIN GeoPolygon({[0, 0], [0, 11], [11, 11], [11, 0], [0, 0]})",
        "due > T1500000000:5",
        "data == binary(\"abc\")",
        "_id == oid(5f9b2c3d4e5f60718293a4b5)",
        "_id IN {oid(5f9b2c3d4e5f60718293a4b5)}",
        "token == uuid(3b241101-e2bb-4255-8caf-4136c566a962)",
        "weight >= 2.5 and weight != inf",
        "'x' IN tags",
        "ANY tags == 'x'",
        "NONE tags == 'x'",
        "ALL tags BEGINSWITH 'x'",
        "tags == 'x'",
        "tags.@count > 2",
        "value == 5",
    ] {
        assert_eq!(admit(text), Ok(()), "{text}");
    }
}

#[test]
#[allow(clippy::too_many_lines)] // One table.
fn refusals_have_the_texts_of_the_original() {
    let unsupported = |detail: &str| {
        Err(format!(
            "Invalid query: unsupported query for table \"Task\": {detail}"
        ))
    };
    let invalid = |detail: &str| {
        Err(format!(
            "Invalid query: invalid RQL for table \"Task\": {detail}"
        ))
    };
    let expecting = "expecting Or or RightParenthesis";
    for (text, expected) in [
        (
            "secret == 'x'",
            unsupported("key \"secret\" is not a queryable field"),
        ),
        (
            "nothing == 'x'",
            unsupported("key \"nothing\" is not a queryable field"),
        ),
        (
            "count > 1 AND secret == 'x'",
            unsupported("key \"secret\" is not a queryable field"),
        ),
        (
            "owner.title == 'x'",
            unsupported("key \"owner.title\" is not a queryable field"),
        ),
        (
            "count > 1 LIMIT(1)",
            invalid(&format!("syntax error: unexpected Limit, {expecting}")),
        ),
        (
            "count > 1 SORT(count ASC)",
            invalid(&format!("syntax error: unexpected Sort, {expecting}")),
        ),
        (
            "TRUEPREDICATE DISTINCT(count)",
            invalid(&format!("syntax error: unexpected Distinct, {expecting}")),
        ),
        ("count >", invalid("syntax error: unexpected end of file")),
        ("count > 1 #", invalid("syntax error: invalid character: #")),
        (
            "tags.@sum > 1",
            unsupported("@sum is not yet supported in server-side queries"),
        ),
        (
            "title.@count > 1",
            unsupported("@count is only supported on arrays in server-side queries"),
        ),
        (
            "{'a', 'b'} IN tags",
            unsupported("comparison of two lists is not yet supported in server-side queries"),
        ),
        (
            "count == size",
            unsupported("comparison of two fields is not yet supported in server-side queries"),
        ),
        (
            "count + 1 == 2",
            unsupported("arithmetic is not yet supported in server-side queries"),
        ),
        (
            "title TEXT 'x'",
            unsupported("TEXT is not yet supported in server-side queries"),
        ),
        (
            "tags[0] == 'x'",
            unsupported("an index is not yet supported in server-side queries"),
        ),
        (
            "value.@type == 'int'",
            unsupported("@type is not yet supported in server-side queries"),
        ),
        (
            "@links.Person.x.@count > 1",
            unsupported("@links is not yet supported in server-side queries"),
        ),
        (
            "SUBQUERY(owner, $x, $x.a == 1).@count > 0",
            unsupported("SUBQUERY is not yet supported in server-side queries"),
        ),
        (
            "count == $0",
            unsupported("argument is not yet supported in server-side queries"),
        ),
        (
            "count == true",
            unsupported("Unsupported comparison between type 'int' and type 'bool'"),
        ),
    ] {
        assert_eq!(admit(text), expected, "{text}");
    }
}

#[test]
fn long_queries_are_refused() {
    let text = format!("title == \"{}\"", "x".repeat(256 * 1024));
    assert!(
        admit(&text)
            .unwrap_err()
            .starts_with("Invalid query: invalid RQL for table \"Task\": ")
    );
}
