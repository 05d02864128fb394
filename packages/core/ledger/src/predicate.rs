//! Predicates of subscriptions and roles, bound to a class.

use tidemark_changeset::Name;
use tidemark_query::{
    Ast, Catalog as _, Field, LinkView, NoObjects, Pin, PinnedValue, Place, Query, QueryError, Row,
    Scalar, Steps, bind, parse,
};

use crate::field_access::FieldAccess;
use crate::fields::ObjectRow;
use crate::schema_versions::{Names, shown};

/// The text of the predicate that everything matches.
pub const EVERYTHING: &str = "TRUEPREDICATE";

/// Whether a text plainly means everything: roles without conditions, and subscriptions to a whole class.
pub fn means_everything(text: &str) -> bool {
    let around =
        |character: char| character.is_whitespace() || character == '(' || character == ')';
    text.trim_matches(around).eq_ignore_ascii_case(EVERYTHING)
}

/// One predicate over objects of one class.
#[derive(Debug)]
pub enum Predicate {
    /// Matches every object.
    Everything,
    /// Matches none: a rule that does not fit the schema.
    Nothing,
    /// Matches by a query.
    Query {
        /// The query.
        query: Box<Query>,
        /// Columns it reads; the primary key is not among them.
        columns: Vec<u16>,
        /// Those of them that the names it is written in require: null counts as the type's zero.
        required: Vec<u16>,
    },
}

#[cfg(test)]
thread_local! {
    /// How many texts this thread has bound.
    pub(crate) static COMPILED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The pin of a required field to null.
fn null_of(pin: &Pin, required: &[u16]) -> Option<Pin> {
    let Place::Column(column) = pin.place else {
        return None;
    };
    let is_required = required.iter().any(|known| usize::from(*known) == column);
    let (place, value) = (pin.place, PinnedValue::Null);
    is_required.then_some(Pin { place, value })
}

/// An object as a version of the schema shows it that requires some columns.
struct WithZeros<'a> {
    object: &'a ObjectRow<'a>,
    required: &'a [u16],
}

impl Row for WithZeros<'_> {
    fn link(&self) -> Option<LinkView<'_>> {
        self.object.link()
    }

    fn column(&self, index: usize) -> Field<'_> {
        let field = self.object.column(index);
        let is_required = self
            .required
            .iter()
            .any(|column| usize::from(*column) == index);
        match (&field, self.object.columns.get(index)) {
            (Field::Scalar(Scalar::Null), Some(column)) if is_required => {
                Field::default_of(column.collection, column.column_type, false)
            }
            _ => field,
        }
    }
}

impl Predicate {
    /// Binds a text in some names to a class, by its physical name.
    pub fn compile(names: &Names<'_>, class: &Name, text: &str) -> Result<Self, String> {
        #[cfg(test)]
        COMPILED.set(COMPILED.get() + 1);
        if means_everything(text) {
            return Ok(Self::Everything);
        }
        let ast = parse(text).map_err(|error| error.message().to_owned())?;
        Self::bound(names, class, &ast)
    }

    /// [`Predicate::compile`] for what a client asks for that may read some fields only: of alternatives,
    /// those that read anything else match nothing. They would tell what the fields hold. Nor do those match
    /// that read a field that is `gone` from the schema.
    pub fn compile_readable(
        names: &Names<'_>,
        class: &Name,
        text: &str,
        (readable, gone): (&FieldAccess, &[String]),
    ) -> Result<Self, String> {
        if (readable.is_all() && gone.is_empty()) || means_everything(text) {
            return Self::compile(names, class, text);
        }
        let schema = names.schema;
        let number = schema.number(class).ok_or("no such class")?;
        let ast = parse(text).map_err(|error| error.message().to_owned())?;
        let name = shown(class);
        let name = name.as_str().ok_or("class name is not UTF-8")?;
        let others = names.with_others();
        let is_open = |ast: &Ast| -> Result<bool, String> {
            let query =
                bind(ast, name, &others, &[]).map_err(|error| error.message().to_owned())?;
            let open = |field: &String| {
                !gone.contains(field)
                    && (schema.is_key(number, field)
                        || readable.member(&Name::from(field.as_str())).is_all())
            };
            Ok(query.fields().iter().all(open))
        };
        let mut open = Vec::new();
        for alternative in ast.alternatives() {
            if is_open(&alternative)? {
                open.push(alternative);
            }
        }
        if open.is_empty() {
            return Ok(Self::Nothing);
        }
        Self::bound(names, class, &Ast::any_of(open))
    }

    /// The top-level fields that a text reads, in names that may be those of other versions.
    pub fn fields(names: &Names<'_>, class: &str, text: &str) -> Result<Vec<String>, String> {
        if means_everything(text) {
            return Ok(Vec::new());
        }
        let ast = parse(text).map_err(|error| error.message().to_owned())?;
        let query = bind(&ast, class, names, &[]).map_err(|error| error.message().to_owned())?;
        Ok(query.fields().to_vec())
    }

    fn bound(names: &Names<'_>, class: &Name, ast: &Ast) -> Result<Self, String> {
        let name = shown(class);
        let number = names.number(&name);
        if number.is_none() || number != names.schema.number(class) {
            return Err("no such class".to_owned());
        }
        let name = name.as_str().ok_or("class name is not UTF-8")?;
        let query = bind(ast, name, names, &[]).map_err(|error| error.message().to_owned())?;
        if query.has_descriptors() {
            return Err("SORT, DISTINCT and LIMIT are not possible here".to_owned());
        }
        let mut columns = Vec::new();
        for field in query.fields() {
            let property = names.property(name, field);
            match property.map(|property| property.place) {
                Some(Place::Column(index)) => {
                    columns.push(u16::try_from(index).map_err(|_| "too many columns")?);
                }
                Some(Place::Key) => {}
                None => return Err(format!("no field \"{field}\"")),
            }
        }
        let requires = |column: &u16| number.is_some_and(|number| names.requires(number, *column));
        let required = columns.iter().copied().filter(requires).collect();
        Ok(Self::Query {
            query: Box::new(query),
            columns,
            required,
        })
    }

    /// Whether two texts were bound to the same: then they match the same objects if they are the same text.
    pub fn reads_as(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Query {
                    columns, required, ..
                },
                Self::Query {
                    columns: others,
                    required: required_by_other,
                    ..
                },
            ) => columns == others && required == required_by_other,
            (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    /// Whether an object matches. What is not known of it does not match: such values are older than the
    /// moment from which on the field was evaluated.
    pub fn matches(&self, object: &ObjectRow<'_>) -> bool {
        let matches = self.matches_within(object, &Steps::unlimited());
        matches == Some(true)
    }

    /// [`Predicate::matches`] with a bound: `None` where that cannot be told in the steps that are left.
    pub fn matches_within(&self, object: &ObjectRow<'_>, steps: &Steps) -> Option<bool> {
        match self {
            Self::Everything => Some(true),
            Self::Nothing => Some(false),
            Self::Query {
                query,
                columns,
                required,
            } => {
                if !columns.iter().all(|column| object.fields.knows(*column)) {
                    return Some(false);
                }
                let matches = if required.is_empty() {
                    query.matches_within(object, &NoObjects, steps)
                } else {
                    query.matches_within(&WithZeros { object, required }, &NoObjects, steps)
                };
                match matches {
                    Err(QueryError::LimitExceeded(_)) => None,
                    matches => Some(matches.unwrap_or(false)),
                }
            }
        }
    }

    /// Choices of pins, as [`Query::pins`] gives them.
    pub fn pins(&self) -> Vec<Vec<Pin>> {
        match self {
            Self::Everything => Vec::new(),
            Self::Nothing => vec![Vec::new()],
            Self::Query {
                query, required, ..
            } => {
                let mut choices = query.pins();
                for choice in &mut choices {
                    // What is pinned to zero is found by null as well.
                    let nulls = choice.iter().filter_map(|pin| null_of(pin, required));
                    let nulls: Vec<Pin> = nulls.collect();
                    choice.extend(nulls);
                }
                choices
            }
        }
    }

    /// Columns it reads.
    pub fn columns(&self) -> &[u16] {
        match self {
            Self::Query { columns, .. } => columns,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_several_spellings() {
        for text in ["TRUEPREDICATE", "(truepredicate)", " ( (TRUEPREDICATE) ) "] {
            assert!(means_everything(text), "{text}");
        }
        for text in [
            "",
            "a == 1",
            "(TRUEPREDICATE) OR (a == 1)",
            "!(TRUEPREDICATE)",
        ] {
            assert!(!means_everything(text), "{text}");
        }
    }
}
