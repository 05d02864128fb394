//! What the server says about a ledger's schema, and which fields may be asked for.

use std::collections::HashMap;

use napi_derive::napi;
use tidemark_ledger::embedded::{QueryableFields, SchemaChange, SchemaPolicy};

use crate::ledger::{Outcome, number, version};

#[napi(object)]
pub struct NativeQueryableFields {
    pub global: Vec<String>,
    pub classes: HashMap<String, Vec<String>>,
    pub indexed: Option<String>,
}

#[napi(object)]
pub struct NativeSchemaPlace {
    pub class_name: String,
    pub property_name: Option<String>,
}

#[napi(object)]
pub struct NativeSchemaPolicy {
    pub allow_breaking: bool,
    pub removed: Vec<NativeSchemaPlace>,
    pub start_over: bool,
    pub version_min: f64,
}

#[napi(object)]
pub struct NativeSchemaChange {
    pub changed: bool,
    pub is_breaking: bool,
    pub version: f64,
    pub conflicts: Vec<String>,
}

impl NativeQueryableFields {
    pub(crate) fn fields(self) -> QueryableFields {
        QueryableFields {
            global: self.global,
            classes: self.classes.into_iter().collect(),
            indexed: self.indexed,
        }
    }
}

impl NativeSchemaPolicy {
    pub(crate) fn policy(self) -> Outcome<SchemaPolicy> {
        let removed = self.removed.into_iter();
        Ok(SchemaPolicy {
            allow_breaking: self.allow_breaking,
            removed: removed
                .map(|place| (place.class_name, place.property_name))
                .collect(),
            start_over: self.start_over,
            version_min: version(self.version_min)?,
        })
    }
}

pub(crate) fn change(change: SchemaChange) -> NativeSchemaChange {
    NativeSchemaChange {
        changed: change.changed,
        is_breaking: change.is_breaking,
        version: number(change.version),
        conflicts: change.conflicts,
    }
}
