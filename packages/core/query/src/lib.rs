//! Queries: the Realm Query Language, from text to matching rows.
//!
//! [`parse`] turns text into an [`Ast`]; [`bind`] resolves names and types against a [`Catalog`] and puts the
//! arguments in; the [`Query`] then answers per row ([`Query::matches`]) and orders results
//! ([`Query::arranger`]). What a name, a literal or an operator means, and the text of every error, follows the
//! original engine, quirks of evaluation order and number formats included, because a subscription's text is
//! read by both sides.
//!
//! **Invariant**: parsing and binding bound their recursion ([`limits::DEPTH_MAX`]) and never panic on any text.
//! **Invariant**: comparing a scalar property with a constant allocates nothing per row.

pub mod argument;
pub mod catalog;
pub mod error;
pub mod limits;
pub mod row;
pub mod sync;

mod query;

pub use argument::{Argument, GeoShape};
pub use catalog::{Catalog, Place, Property};
pub use error::{QueryError, Result};
pub use query::{Arranger, Ast, Query, bind, parse};
pub use row::{Field, Items, KeyView, LinkView, NoObjects, Objects, Row, Scalar};
