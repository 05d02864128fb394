//! What the server accepts as a subscription: a part of the language, over queryable fields only.
//!
//! The texts are those of the original server where they are known, because SDK users match on them: a
//! query that does not parse is `invalid RQL`, one that parses but asks for too much is an `unsupported
//! query`.

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::ast::{
    Ast, Constant, Descriptor, Expression, Operator, Path, PathElement, Post, Predicate,
};
use crate::catalog::{Catalog, Property};
use crate::error::QueryError;

type Admission = std::result::Result<(), String>;

/// Checks a subscription's query as the original server does and answers its error text otherwise.
///
/// `queryable` says whether a field of the class may be used. Accepted is what clients print as a
/// subscription's canonical text: comparisons of queryable scalars and arrays with constants, under AND,
/// OR and NOT. Sorting, limits, paths through links, aggregates, arithmetic and comparisons of two fields
/// are refused.
pub fn admit(
    query: &Ast,
    class: &str,
    catalog: &dyn Catalog,
    queryable: &dyn Fn(&str) -> bool,
) -> Admission {
    if let Some(descriptor) = query.descriptors.first() {
        let word = match descriptor {
            Descriptor::Sort(_) => "Sort",
            Descriptor::Distinct(_) => "Distinct",
            Descriptor::Limit(_) => "Limit",
        };
        // The server parses the queries of a class as `(q1) OR (q2)`, hence what it expects.
        return Err(invalid(
            class,
            &format!("syntax error: unexpected {word}, expecting Or or RightParenthesis"),
        ));
    }
    if !catalog.has_class(class) {
        return Err(unsupported(class, "table does not exist"));
    }
    let check = Check {
        class,
        catalog,
        queryable,
    };
    check
        .predicate(&query.predicate)
        .map_err(|text| unsupported(class, &text))?;
    // What is left can only be wrong in its types.
    match crate::bind(query, class, catalog, &[]) {
        Ok(_) => Ok(()),
        Err(error) => Err(unsupported(class, error.message())),
    }
}

/// [`admit`] for a query that is still text: a text that does not parse gives the server's text too. A
/// blank text asks for the whole class, like TRUEPREDICATE.
pub fn admit_text(
    text: &str,
    class: &str,
    catalog: &dyn Catalog,
    queryable: &dyn Fn(&str) -> bool,
) -> Admission {
    if text.trim().is_empty() {
        return Ok(());
    }
    match crate::parse(text) {
        Ok(query) => admit(&query, class, catalog, queryable),
        Err(error) => Err(parse_error(class, text, &error)),
    }
}

fn invalid(class: &str, detail: &str) -> String {
    format!("Invalid query: invalid RQL for table \"{class}\": {detail}")
}

fn unsupported(class: &str, detail: &str) -> String {
    format!("Invalid query: unsupported query for table \"{class}\": {detail}")
}

/// The client's syntax error without the query, in the server's punctuation.
fn parse_error(class: &str, text: &str, error: &QueryError) -> String {
    let message = error.message();
    let prefix = format!("Invalid predicate: '{text}': ");
    let detail = message.strip_prefix(&prefix).unwrap_or(message);
    let detail = detail.strip_prefix("syntax error, ").unwrap_or(detail);
    invalid(class, &format!("syntax error: {detail}"))
}

/// Checks that a subscription's query asks for constants of a field: each of its alternatives has to hold a
/// comparison of the field with a constant by `==` or `IN`, at its top level.
pub fn admit_indexed(text: &str, class: &str, field: &str) -> Admission {
    let asks = |predicate: &Predicate| match predicate {
        Predicate::Compare {
            operator,
            case_sensitive: true,
            left,
            right,
        } => {
            let of_field = is_field(left, field) || is_field(right, field);
            let of_constant = is_constant(left) || is_constant(right);
            of_field && of_constant && matches!(operator, Operator::Equal | Operator::In)
        }
        _ => false,
    };
    let holds = |query: Ast| match &query.predicate {
        Predicate::And(parts) => parts.iter().any(asks),
        other => asks(other),
    };
    let query = crate::parse(text).ok();
    let mut alternatives = query.map_or_else(Vec::new, Ast::alternatives).into_iter();
    if alternatives.len() > 0 && alternatives.all(holds) {
        return Ok(());
    }
    let detail = format!(
        "every query must compare the indexed queryable field \"{field}\" with a constant by == or IN, joined by AND"
    );
    Err(unsupported(class, &detail))
}

fn is_field(expression: &Expression, field: &str) -> bool {
    let Expression::Path(path) = expression else {
        return false;
    };
    let is_named = matches!(path.elements.as_slice(), [PathElement::Name(name)] if name == field);
    path.quantifier.is_none() && path.post.is_none() && is_named
}

struct Check<'c> {
    class: &'c str,
    catalog: &'c dyn Catalog,
    queryable: &'c dyn Fn(&str) -> bool,
}

impl Check<'_> {
    fn predicate(&self, predicate: &Predicate) -> Admission {
        match predicate {
            Predicate::True | Predicate::False => Ok(()),
            Predicate::And(children) | Predicate::Or(children) | Predicate::Nested(children) => {
                children.iter().try_for_each(|child| self.predicate(child))
            }
            Predicate::Not(inner) => self.predicate(inner),
            Predicate::Compare {
                operator,
                left,
                right,
                ..
            } => {
                if *operator == crate::ast::Operator::Text {
                    return Err(not_yet("TEXT"));
                }
                self.comparison(left, right)
            }
            Predicate::Between { value, range } => {
                range.elements.iter().try_for_each(constant)?;
                self.field(value).map(|_| ())
            }
            Predicate::GeoWithin { path, .. } => self.path(path).map(|_| ()),
        }
    }

    /// One side must be a field, the other a constant.
    fn comparison(&self, left: &Expression, right: &Expression) -> Admission {
        let (field, other) = match (is_constant(left), is_constant(right)) {
            (true, true) => return Err("Cannot compare two constants".to_owned()),
            (false, false) => {
                self.field(left)?;
                self.field(right)?;
                return Err(
                    "comparison of two fields is not yet supported in server-side queries"
                        .to_owned(),
                );
            }
            (false, true) => (left, right),
            (true, false) => (right, left),
        };
        let property = self.field(field)?;
        match other {
            Expression::List(list) => {
                list.elements.iter().try_for_each(constant)?;
                if property.collection != CollectionKind::Single && !is_count(field) {
                    return Err(
                        "comparison of two lists is not yet supported in server-side queries"
                            .to_owned(),
                    );
                }
                Ok(())
            }
            Expression::Constant(value) => constant(value),
            _ => Err(not_yet("arithmetic")),
        }
    }

    /// A side that must be a field of the class.
    fn field(&self, expression: &Expression) -> std::result::Result<Property, String> {
        match expression {
            Expression::Path(path) => self.path(path),
            Expression::Aggregate { operation, .. } => Err(not_yet(match operation {
                crate::ast::Aggregate::Min => "@min",
                crate::ast::Aggregate::Max => "@max",
                crate::ast::Aggregate::Sum => "@sum",
                crate::ast::Aggregate::Average => "@avg",
            })),
            Expression::Subquery { .. } => Err(not_yet("SUBQUERY")),
            Expression::Arithmetic { .. } => Err(not_yet("arithmetic")),
            Expression::Constant(_) | Expression::List(_) => {
                Err("Cannot compare two constants".to_owned())
            }
        }
    }

    fn path(&self, path: &Path) -> std::result::Result<Property, String> {
        let mut names = Vec::with_capacity(path.elements.len());
        for element in &path.elements {
            match element {
                PathElement::Name(name) if name == "@links" => return Err(not_yet("@links")),
                PathElement::Name(name) => names.push(name.as_str()),
                PathElement::KeyPath(_) | PathElement::Argument(_) => {
                    return Err(not_yet("argument"));
                }
                // The wildcard says what an array means anyway.
                PathElement::Wildcard => {}
                _ => return Err(not_yet("an index")),
            }
        }
        let key = names.join(".");
        let property = match names.as_slice() {
            [name] if (self.queryable)(name) => self.catalog.property(self.class, name),
            _ => None,
        };
        let Some(property) = property else {
            return Err(format!("key \"{key}\" is not a queryable field"));
        };
        match path.post {
            Some(Post::Type) => return Err(not_yet("@type")),
            Some(Post::Size | Post::Count) if !is_array(&property) => {
                return Err("@count is only supported on arrays in server-side queries".to_owned());
            }
            _ => {}
        }
        Ok(property)
    }
}

fn is_array(property: &Property) -> bool {
    matches!(
        property.collection,
        CollectionKind::List | CollectionKind::Set
    ) && property.column_type != ColumnType::Link
}

fn is_count(expression: &Expression) -> bool {
    matches!(
        expression,
        Expression::Path(Path {
            post: Some(Post::Size | Post::Count),
            ..
        })
    )
}

/// Whether a side names no field. Arithmetic on constants does not either.
fn is_constant(expression: &Expression) -> bool {
    match expression {
        Expression::Constant(_) | Expression::List(_) => true,
        Expression::Arithmetic { left, right, .. } => is_constant(left) && is_constant(right),
        _ => false,
    }
}

fn constant(constant: &Constant) -> Admission {
    match constant {
        Constant::Object { .. } | Constant::InternalLink => Err(not_yet("obj()")),
        Constant::Argument(_) | Constant::QuantifiedArgument(..) => Err(not_yet("argument")),
        _ => Ok(()),
    }
}

fn not_yet(what: &str) -> String {
    format!("{what} is not yet supported in server-side queries")
}
