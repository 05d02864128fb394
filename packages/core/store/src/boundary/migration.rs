//! Changes of the schema that are more than additions, as JSON.

use tidemark_changeset::Name;
use tidemark_storage::Storage;

use super::schema::{name_of, read_column};
use super::{malformed, object_of_number};
use crate::json::Json;
use crate::migration::{NewColumn, Source};
use crate::{Result, WriteTransaction};

/// The version that the application gives its schema: a whole number below 2^53.
pub fn declared_version_of(number: f64) -> Result<u64> {
    object_of_number(number)
        .ok_or_else(|| malformed("a version is a whole number from 0 to 2^53 - 1"))
}

/// Does `SchemaOperation`s one after another.
pub fn migrate_schema<S: Storage>(write: &mut WriteTransaction<S>, text: &str) -> Result<()> {
    let json = Json::parse(text).ok_or_else(|| malformed("the operations are not JSON"))?;
    let operations = json.as_array();
    let operations = operations.ok_or_else(|| malformed("the operations are no list"))?;
    operations
        .iter()
        .try_for_each(|operation| apply(write, operation))
}

fn apply<S: Storage>(write: &mut WriteTransaction<S>, operation: &Json) -> Result<()> {
    let class = name_of(operation, "class")?;
    match operation.get("operation").and_then(Json::as_str) {
        Some("reshape") => {
            let columns = operation.get("columns").and_then(Json::as_array);
            let columns = columns.ok_or_else(|| malformed("the columns are missing"))?;
            let columns = columns
                .iter()
                .map(read_new_column)
                .collect::<Result<Vec<_>>>()?;
            write.reshape(&class, &columns)
        }
        Some("removeClass") => write.remove_class(&class),
        Some("promote") => write.promote(&class),
        Some("releaseKey") => write.release_key(&class),
        Some("makeKey") => write.make_key(&class, &name_of(operation, "name")?),
        Some("embed") => {
            let resolves = operation.get("resolves").and_then(Json::as_bool);
            write.embed(&class, resolves.unwrap_or(false))
        }
        _ => Err(malformed("an unknown operation on the schema")),
    }
}

fn read_new_column(json: &Json) -> Result<NewColumn> {
    let source = json.get("from").and_then(Json::as_str);
    Ok(NewColumn {
        column: read_column(json)?,
        source: source.map_or(Source::Default, |from| Source::Column(Name::from(from))),
    })
}
