//! A query ready to run.

use crate::access::{self, Access, Indexes};
use crate::arrange::Arranger;
use crate::bound::Condition;
use crate::catalog::Place;
use crate::describe::{self, Form};
use crate::descriptors::Descriptor;
use crate::direct::Direct;
use crate::error::Result;
use crate::evaluate;
use crate::pins::{self, Pin};
use crate::row::{Objects, Row};
use crate::steps::{Given, Steps};

/// The first rows in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The column whose values decide first.
    pub column: usize,
    /// Whether the least comes first.
    pub is_ascending: bool,
    /// How many rows.
    pub limit: usize,
}

/// A query bound to a class. Made by [`crate::bind`].
#[derive(Clone, Debug)]
pub struct Query {
    class: String,
    condition: Condition,
    descriptors: Vec<Descriptor>,
    fields: Vec<String>,
}

impl Query {
    pub(crate) fn new(
        class: &str,
        condition: Condition,
        descriptors: Vec<Descriptor>,
        fields: Vec<String>,
    ) -> Self {
        Self {
            class: class.to_owned(),
            condition,
            descriptors,
            fields,
        }
    }

    /// The class whose rows the query is about.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Whether a row of the class satisfies the predicate. Descriptors play no part.
    pub fn matches(&self, row: &dyn Row, objects: &dyn Objects) -> Result<bool> {
        self.matches_within(row, objects, &Steps::unlimited())
    }

    /// [`Query::matches`] with a bound: [`crate::QueryError::LimitExceeded`] where it takes more steps than
    /// are left. Those that it takes are gone.
    pub fn matches_within(
        &self,
        row: &dyn Row,
        objects: &dyn Objects,
        steps: &Steps,
    ) -> Result<bool> {
        evaluate::matches(&self.condition, row, Given { objects, steps })
    }

    /// Judges rows as they are stored, for readers whose rows are packed and need no bound; `None` if the
    /// predicate asks for more than plain properties at once.
    pub fn direct(&self) -> Option<Direct<'_>> {
        Direct::new(&self.condition)
    }

    /// Ways to rows among which all are that match, as far as the predicate restricts them to what can be
    /// looked up: each way leads to all of them, the first narrows most by its form. A reader that takes one
    /// asks [`Query::matches`] of what it finds.
    pub fn ways(&self, indexes: &dyn Indexes) -> Vec<Access> {
        access::of(&self.condition, &self.class, indexes)
    }

    /// What the result begins with, if it is the first rows in an order. A reader with an index over the
    /// column finds them without the others.
    pub fn beginning(&self) -> Option<Beginning> {
        let [Descriptor::Sort(columns), Descriptor::Limit(limit), ..] = self.descriptors.as_slice()
        else {
            return None;
        };
        let (column, is_ascending) = columns.first()?;
        let Place::Column(column) = column.plain()? else {
            return None;
        };
        Some(Beginning {
            column,
            is_ascending: *is_ascending,
            limit: usize::try_from(*limit).ok()?,
        })
    }

    /// Choices of pins: for each of them, every matching row has at least one of its pins ([`Pin`]). An empty
    /// choice says that nothing matches; no choice, that nothing is known. A choice has at most
    /// [`crate::PINS_MAX`] pins.
    pub fn pins(&self) -> Vec<Vec<Pin>> {
        pins::choices(&self.condition)
    }

    /// The top-level fields that the predicate and the descriptors read, sorted, each once.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The canonical text, arguments inlined, exactly as the original describes the query.
    pub fn describe(&self) -> String {
        describe::query_text(&self.condition, &self.descriptors, Form::Typed)
    }

    /// The text to send as a subscription: the canonical text with the places changed where it would not
    /// parse back to the same meaning (`2.0` keeps its point, floats their `f`).
    pub fn subscription_text(&self) -> String {
        describe::query_text(&self.condition, &self.descriptors, Form::Precise)
    }

    /// Whether there is a SORT, DISTINCT or LIMIT. Without one, results stand in table order.
    pub fn has_descriptors(&self) -> bool {
        !self.descriptors.is_empty()
    }

    /// Collects the matching rows, in table order, for SORT, DISTINCT and LIMIT.
    pub fn arranger(&self) -> Arranger<'_> {
        Arranger::new(&self.descriptors)
    }
}
