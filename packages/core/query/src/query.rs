//! The public face: parse, bind, match, arrange.

use crate::argument::Argument;
use crate::catalog::Catalog;
use crate::error::{QueryError, Result};
use crate::row::{Objects, Row};

/// A parsed query, not yet tied to a schema.
#[derive(Clone, Debug)]
pub struct Ast {}

/// Parses a query with its descriptors.
pub fn parse(_text: &str) -> Result<Ast> {
    Err(QueryError::Unsupported("not written yet".into()))
}

/// Ties a query to a class: resolves names, converts constants toward the types they are compared with, and
/// inlines the arguments.
pub fn bind(
    _ast: &Ast,
    _class: &str,
    _catalog: &dyn Catalog,
    _arguments: &[Argument],
) -> Result<Query> {
    Err(QueryError::Unsupported("not written yet".into()))
}

/// A query bound to a class.
#[derive(Debug)]
pub struct Query {
    fields: Vec<String>,
    description: String,
}

impl Query {
    /// Whether a row of the class satisfies the predicate. Descriptors play no part.
    pub fn matches(&self, _row: &dyn Row, _objects: &dyn Objects) -> Result<bool> {
        Err(QueryError::Unsupported("not written yet".into()))
    }

    /// The top-level fields that the predicate and the descriptors read, sorted, each once.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The canonical text, arguments inlined, exactly as the original describes the query.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// The text to send as a subscription: the canonical text with the places changed where it would not
    /// parse back to the same meaning (`2.0` keeps its point).
    pub fn subscription_text(&self) -> String {
        self.description.clone()
    }

    /// Whether there is a SORT, DISTINCT or LIMIT. Without one, results stand in table order.
    pub fn has_descriptors(&self) -> bool {
        false
    }

    /// Collects the matching rows, in table order, for SORT, DISTINCT and LIMIT.
    pub fn arranger(&self) -> Arranger<'_> {
        Arranger { _query: self }
    }
}

/// Applies SORT, DISTINCT and LIMIT to the rows of a result. It keeps the values it orders by, not the rows.
#[derive(Debug)]
pub struct Arranger<'q> {
    _query: &'q Query,
}

impl Arranger<'_> {
    /// Adds the next row of the result, in table order.
    pub fn push(&mut self, _row: &dyn Row, _objects: &dyn Objects) -> Result<()> {
        Ok(())
    }

    /// Whether another row could change the result: `false` once a LIMIT that stands first is full.
    pub fn wants_more(&self) -> bool {
        true
    }

    /// The order of the final result, as indexes of the pushed rows.
    pub fn finish(self) -> Result<Vec<usize>> {
        Ok(Vec::new())
    }
}
