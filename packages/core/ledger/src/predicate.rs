//! Predicates of subscriptions and roles, bound to a class.

use tidemark_changeset::Name;
use tidemark_query::{Ast, NoObjects, Pin, Place, Query, bind, parse};

use crate::field_access::FieldAccess;
use crate::fields::ObjectRow;
use crate::schema::LedgerSchema;

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
    },
}

impl Predicate {
    /// Binds a text to a class.
    pub fn compile(schema: &LedgerSchema, class: &Name, text: &str) -> Result<Self, String> {
        if means_everything(text) {
            return Ok(Self::Everything);
        }
        let ast = parse(text).map_err(|error| error.message().to_owned())?;
        Self::bound(schema, class, &ast)
    }

    /// [`Predicate::compile`] for what a client asks for that may read some fields only: of alternatives,
    /// those that read anything else match nothing. They would tell what the fields hold.
    pub fn compile_readable(
        schema: &LedgerSchema,
        class: &Name,
        text: &str,
        readable: &FieldAccess,
    ) -> Result<Self, String> {
        if readable.is_all() || means_everything(text) {
            return Self::compile(schema, class, text);
        }
        let number = schema.number(class).ok_or("no such class")?;
        let ast = parse(text).map_err(|error| error.message().to_owned())?;
        let name = class.as_str().ok_or("class name is not UTF-8")?;
        let is_open = |ast: &Ast| -> Result<bool, String> {
            let query = bind(ast, name, schema, &[]).map_err(|error| error.message().to_owned())?;
            let open = |field: &String| {
                schema.is_key(number, field)
                    || readable.member(&Name::from(field.as_str())).is_all()
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
        Self::bound(schema, class, &Ast::any_of(open))
    }

    fn bound(schema: &LedgerSchema, class: &Name, ast: &Ast) -> Result<Self, String> {
        let name = class.as_str().ok_or("class name is not UTF-8")?;
        let query = bind(ast, name, schema, &[]).map_err(|error| error.message().to_owned())?;
        if query.has_descriptors() {
            return Err("SORT, DISTINCT and LIMIT are not possible here".to_owned());
        }
        let mut columns = Vec::new();
        for field in query.fields() {
            let property = tidemark_query::Catalog::property(schema, name, field);
            match property.map(|property| property.place) {
                Some(Place::Column(index)) => {
                    columns.push(u16::try_from(index).map_err(|_| "too many columns")?);
                }
                Some(Place::Key) => {}
                None => return Err(format!("no field \"{field}\"")),
            }
        }
        Ok(Self::Query {
            query: Box::new(query),
            columns,
        })
    }

    /// Whether an object matches. What is not known of it does not match: such values are older than the
    /// moment from which on the field was evaluated.
    pub fn matches(&self, object: &ObjectRow<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Query { query, columns } => {
                columns.iter().all(|column| object.fields.knows(*column))
                    && query.matches(object, &NoObjects).unwrap_or(false)
            }
        }
    }

    /// Choices of pins, as [`Query::pins`] gives them.
    pub fn pins(&self) -> Vec<Vec<Pin>> {
        match self {
            Self::Everything => Vec::new(),
            Self::Nothing => vec![Vec::new()],
            Self::Query { query, .. } => query.pins(),
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
