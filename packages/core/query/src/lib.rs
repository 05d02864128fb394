//! Queries: the Realm Query Language, from text to matching rows.
//!
//! [`parse`] turns text into an [`Ast`]; [`bind`] resolves names and types against a [`Catalog`] and puts
//! the arguments in; the [`Query`] then answers per row ([`Query::matches`]) and orders results
//! ([`Query::arranger`]). What a name, a literal or an operator means, and the text of every error,
//! follows the original engine, quirks of evaluation order and number formats included, because a
//! subscription's text is read by both sides.
//!
//! **Invariant**: parsing and binding bound their recursion ([`limits::DEPTH_MAX`]) and never panic on
//! any text.
//! **Invariant**: comparing a scalar property with a constant allocates nothing per row.

pub mod argument;
pub mod catalog;
pub mod error;
pub mod limits;
pub mod row;
pub mod sync;

mod access;
mod aggregate;
mod arithmetic;
mod arrange;
mod ast;
mod bind;
mod bind_compare;
mod bind_constant;
mod bind_path;
mod bind_value;
mod bound;
mod compare;
mod decimal;
mod describe;
mod descriptors;
mod direct;
mod evaluate;
mod finders;
mod full_text;
mod geo;
mod index_key;
mod lexer;
mod number;
mod parse_value;
mod parser;
mod pins;
mod query;
mod runs;
mod sort_keys;
mod sphere;
mod steps;
mod text;
mod types;
mod walk;

pub use access::{Access, Indexes, KeySpan};
pub use argument::{Argument, GeoShape};
pub use arrange::Arranger;
pub use ast::Ast;
pub use bind::bind;
pub use catalog::{Catalog, Place, Property};
pub use compare::order;
pub use direct::{Direct, PackedRow};
pub use error::{QueryError, Result};
pub use index_key::{KeyRange, write_index_key};
pub use parser::parse;
pub use pins::{PINS_MAX, Pin, PinnedValue};
pub use query::{Beginning, Query};
pub use row::{Field, Items, KeyView, LinkView, NoObjects, Objects, Row, Scalar};
pub use steps::Steps;
