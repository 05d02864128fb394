//! What clients may ask for: subscription sets against the schema and the queryable fields.

use std::collections::BTreeMap;

use tidemark_changeset::{CollectionKind, ColumnType, Name};
use tidemark_query::sync::{admit_indexed, admit_text};
use tidemark_query::{Catalog as _, Place};
use tidemark_storage::Storage;

use super::{Ledger, QueryableFields};
use crate::limits::{QUERY_BODY_BYTES_MAX, SUBSCRIPTION_BYTES_MAX, SUBSCRIPTION_CLASSES_MAX};
use crate::predicate::{EVERYTHING, Predicate};
use crate::schema_versions::Names;

/// Predicates by class.
pub(super) type Subscriptions = BTreeMap<String, String>;

/// Reads the body of a QUERY.
fn parse_subscriptions(text: &str) -> std::result::Result<Subscriptions, String> {
    if text.len() > QUERY_BODY_BYTES_MAX {
        return Err("Invalid query: the subscription set is too long".to_owned());
    }
    let parsed: Subscriptions = serde_json::from_str(if text.is_empty() { "{}" } else { text })
        .map_err(|error| format!("Client provided query with bad syntax: {error}"))?;
    if parsed.len() > SUBSCRIPTION_CLASSES_MAX {
        return Err("Invalid query: the subscription set names too many classes".to_owned());
    }
    let whole_class = |query: String| {
        if query.trim().is_empty() {
            EVERYTHING.to_owned()
        } else {
            query
        }
    };
    Ok(parsed
        .into_iter()
        .map(|(class, query)| (class, whole_class(query)))
        .collect())
}

impl QueryableFields {
    fn allow(&self, class: &str, field: &str) -> bool {
        let named = |fields: &[String]| fields.iter().any(|known| known == field);
        named(&self.global) || self.classes.get(class).is_some_and(|fields| named(fields))
    }
}

impl<S: Storage> Ledger<S> {
    /// Checks a subscription set against the schema and the queryable fields; the error is the text of a
    /// `QUERY_ERROR`.
    ///
    /// What another version of the schema has may be asked for: it is not given.
    pub(super) fn admit(
        &self,
        names: &Names<'_>,
        text: &str,
    ) -> std::result::Result<Subscriptions, String> {
        let schema = names.schema;
        let others = names.with_others();
        let newest = schema.newest_names();
        let subscriptions = parse_subscriptions(text)?;
        let development = self.development();
        let allowed = self
            .queryable
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for (class, query) in &subscriptions {
            if query.len() > SUBSCRIPTION_BYTES_MAX {
                let text = format!(
                    "Invalid query: query for table \"{class}\" exceeds the limit of 256 kB"
                );
                return Err(text);
            }
            let name = Name::from(class.as_str());
            let Some(number) = others.any_number(&name) else {
                return Err(format!(
                    "Invalid query: unsupported query for table \"{class}\": table does not exist"
                ));
            };
            if schema.is_asymmetric(number) || schema.object_class(number).is_none() {
                return Err(format!(
                    "Invalid query: unsupported query for table \"{class}\": table cannot be subscribed to"
                ));
            }
            let queryable = |field: &str| {
                let is_key = schema.is_key(number, field);
                let column = names.column(number, &Name::from(field));
                let is_gone =
                    column.is_none() || column != newest.column(number, &Name::from(field));
                is_key
                    || (is_gone && !names.are_plain())
                    || (is_eligible(&others, class, field)
                        && (development || allowed.allow(class, field)))
            };
            admit_text(query, class, &others, &queryable)?;
            if let Some(indexed) = &allowed.indexed {
                let is_key = schema.is_key(number, indexed);
                let column = names.column(number, &Name::from(indexed.as_str()));
                if is_key || column.is_some() {
                    admit_indexed(query, class, indexed)?;
                }
            }
            Predicate::fields(&others, class, query).map_err(|error| {
                format!("Invalid query: unsupported query for table \"{class}\": {error}")
            })?;
        }
        Ok(subscriptions)
    }

    /// The field whose value no client changes in an object that exists.
    pub(super) fn indexed_field(&self) -> Option<Name> {
        let fields = self.queryable.read();
        let fields = fields.unwrap_or_else(std::sync::PoisonError::into_inner);
        fields.indexed.as_deref().map(Name::from)
    }
}

/// Whether subscriptions may use a field at all: scalars, collections of scalars, and embedded points.
fn is_eligible(names: &Names<'_>, class: &str, field: &str) -> bool {
    let Some(property) = names.property(class, field) else {
        return false;
    };
    if property.column_type != ColumnType::Link || property.place == Place::Key {
        return property.collection != CollectionKind::Dictionary;
    }
    let target = property.target.unwrap_or_default();
    let is_point = names
        .any_number(&Name::from(target.as_str()))
        .is_some_and(|number| names.schema.is_point(number));
    property.collection == CollectionKind::Single && is_point
}
