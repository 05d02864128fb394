//! The schema as JSON, both ways.

use std::fmt::Write;

use tidemark_changeset::{CollectionKind, ColumnType, Name};
use tidemark_model::{Class, ClassKind, Column};
use tidemark_storage::Storage;

use super::malformed;
use crate::catalog::{
    Catalog, add_column, add_table, collection_name, collection_of_name, key_type_name,
    key_type_of_name, type_name, type_of_name,
};
use crate::json::{Json, write_array, write_string};
use crate::{Result, StoreError, WriteTransaction};

/// The schema as `SchemaInformation`.
pub fn schema_text(catalog: &Catalog) -> String {
    let mut out = format!("{{\"version\":{},\"classes\":", catalog.version());
    write_array(&mut out, catalog.classes(), |out, class| {
        write_class(out, catalog, class);
    });
    out.push('}');
    out
}

fn write_class(out: &mut String, catalog: &Catalog, class: &Class) {
    out.push_str("{\"name\":");
    write_string(out, &class.name.to_string());
    let kind = match class.kind {
        ClassKind::TopLevel { .. } => "top",
        ClassKind::Asymmetric { .. } => "asymmetric",
        ClassKind::Embedded => "embedded",
    };
    let _ = write!(out, ",\"kind\":\"{kind}\"");
    if let Some(key) = class.key_field() {
        out.push_str(",\"primaryKey\":{\"name\":");
        write_string(out, &key.name.to_string());
        let (key_type, nullable) = (key_type_name(key.key_type), key.nullable);
        let _ = write!(out, ",\"type\":\"{key_type}\",\"nullable\":{nullable}}}");
    }
    out.push_str(",\"columns\":");
    let columns = class.columns.iter().enumerate();
    write_array(out, columns, |out, (index, column)| {
        write_column(out, column, catalog.is_indexed(&class.name, index));
    });
    out.push('}');
}

fn write_column(out: &mut String, column: &Column, is_indexed: bool) {
    out.push_str("{\"name\":");
    write_string(out, &column.name.to_string());
    let (kind, collection) = (
        type_name(column.column_type),
        collection_name(column.collection),
    );
    let nullable = column.nullable;
    let _ = write!(
        out,
        ",\"type\":\"{kind}\",\"nullable\":{nullable},\"collection\":\"{collection}\""
    );
    if let Some(target) = &column.target {
        out.push_str(",\"target\":");
        write_string(out, &target.to_string());
    }
    if is_indexed {
        out.push_str(",\"indexed\":true");
    }
    out.push('}');
}

/// A class as the application declares it.
struct Declared {
    class: Class,
    /// Names of the columns that are to have an index.
    indexed: Vec<Name>,
}

/// Adds what is missing: classes by name, then their columns as declared, as the original does; then gives
/// the columns that are listed the indexes they are to have, and takes away others.
pub fn update_schema<S: Storage>(write: &mut WriteTransaction<S>, text: &str) -> Result<()> {
    let json = Json::parse(text).ok_or_else(|| malformed("the schema is not JSON"))?;
    let listed = json.get("classes").unwrap_or(&json);
    let listed = listed
        .as_array()
        .ok_or_else(|| malformed("the schema has no classes"))?;
    let mut classes = listed.iter().map(read_class).collect::<Result<Vec<_>>>()?;
    classes.sort_by(|a, b| a.class.name.cmp(&b.class.name));
    for Declared { class, .. } in &classes {
        match write.catalog().class(&class.name) {
            None => write
                .change_schema(&add_table(&class.name, &class.kind))
                .map_err(mismatch)?,
            Some(existing) if existing.kind == class.kind => {}
            Some(_) => {
                return Err(StoreError::SchemaMismatch(format!(
                    "Class '{}' exists with another kind or primary key",
                    class.name
                )));
            }
        }
    }
    for Declared { class, .. } in &classes {
        for column in &class.columns {
            let existing = write.catalog().class(&class.name).and_then(|existing| {
                existing
                    .columns
                    .iter()
                    .find(|existing| existing.name == column.name)
            });
            match existing {
                None => write
                    .change_schema(&add_column(&class.name, column))
                    .map_err(mismatch)?,
                Some(existing) if agrees(existing, column) => {}
                Some(_) => {
                    return Err(StoreError::SchemaMismatch(format!(
                        "Property '{}.{}' exists with another type",
                        class.name, column.name
                    )));
                }
            }
        }
    }
    for Declared { class, indexed } in &classes {
        // The primary key may be listed too; it needs no index and is no column.
        let is_column = |column: &&Column| {
            let stored = write.catalog().class(&class.name);
            stored.is_some_and(|stored| stored.column_index(&column.name).is_some())
        };
        let columns: Vec<_> = class.columns.iter().filter(is_column).collect();
        for column in columns {
            write.set_indexed(&class.name, &column.name, indexed.contains(&column.name))?;
        }
    }
    Ok(())
}

fn mismatch(error: StoreError) -> StoreError {
    match error {
        StoreError::Apply(error) => StoreError::SchemaMismatch(error.to_string()),
        other => other,
    }
}

/// Whether a column is what was asked for. Mixed values and links have one nullability each, whatever was
/// said.
fn agrees(existing: &Column, asked: &Column) -> bool {
    existing.column_type == asked.column_type
        && existing.collection == asked.collection
        && existing.target == asked.target
        && (existing.nullable == asked.nullable
            || matches!(existing.column_type, ColumnType::Mixed | ColumnType::Link))
}

fn name_of(json: &Json, member: &str) -> Result<Name> {
    let name = json.get(member).and_then(Json::as_str);
    name.map(Name::from)
        .ok_or_else(|| malformed("a name is missing in the schema"))
}

fn read_class(json: &Json) -> Result<Declared> {
    let name = name_of(json, "name")?;
    let kind = json.get("kind").and_then(Json::as_str).unwrap_or("top");
    let kind = if kind == "embedded" {
        ClassKind::Embedded
    } else {
        let key = json.get("primaryKey");
        let (key_field, key_type, key_nullable) = match key {
            Some(key) if *key != Json::Null => {
                let key_type = key
                    .get("type")
                    .and_then(Json::as_str)
                    .and_then(key_type_of_name);
                let nullable = key.get("nullable").and_then(Json::as_bool).unwrap_or(false);
                let key_type =
                    key_type.ok_or_else(|| malformed("an unknown type of primary key"))?;
                (name_of(key, "name")?, key_type, nullable)
            }
            _ => (
                Name::from(""),
                tidemark_changeset::KeyType::GlobalKey,
                false,
            ),
        };
        if kind == "asymmetric" {
            ClassKind::Asymmetric {
                key_field,
                key_type,
                key_nullable,
            }
        } else {
            ClassKind::TopLevel {
                key_field,
                key_type,
                key_nullable,
            }
        }
    };
    let columns = json
        .get("columns")
        .and_then(Json::as_array)
        .unwrap_or_default();
    let is_indexed = |column: &&Json| column.get("indexed").and_then(Json::as_bool) == Some(true);
    let indexed = columns.iter().filter(is_indexed);
    let indexed = indexed.map(|column| name_of(column, "name"));
    Ok(Declared {
        indexed: indexed.collect::<Result<_>>()?,
        class: Class {
            name,
            kind,
            columns: columns.iter().map(read_column).collect::<Result<_>>()?,
        },
    })
}

fn read_column(json: &Json) -> Result<Column> {
    let column_type = json
        .get("type")
        .and_then(Json::as_str)
        .and_then(type_of_name);
    let collection = json
        .get("collection")
        .and_then(Json::as_str)
        .unwrap_or("single");
    Ok(Column {
        name: name_of(json, "name")?,
        column_type: column_type.ok_or_else(|| malformed("an unknown type of column"))?,
        nullable: json
            .get("nullable")
            .and_then(Json::as_bool)
            .unwrap_or(false),
        collection: collection_of_name(collection).unwrap_or(CollectionKind::Single),
        target: json.get("target").and_then(Json::as_str).map(Name::from),
    })
}
