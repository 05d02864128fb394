//! The mutations of a recorded case, performed as an application would.

use serde_json::Value as Json;
use tidemark_changeset::json::{key_from_json, name_from_json, payload_from_json, value_from_json};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, Payload, TableSpec, Value,
};
use tidemark_storage::Storage;
use tidemark_store::{Location, Step, WriteTransaction};

use super::super::{array, member, text};
use super::failure;

fn name(json: &Json, member_name: &str) -> Result<Name, String> {
    name_from_json(member(json, member_name)?).map_err(failure)
}

/// Performs one mutation as an application would.
pub(super) fn perform<S: Storage>(
    write: &mut WriteTransaction<S>,
    op: &Json,
) -> Result<(), String> {
    let table = || name(op, "table");
    match text(op, "op")? {
        "addTable" => {
            let class = table()?;
            let spec = table_spec(op)?;
            write
                .change_schema(&Instruction::AddTable { class, spec })
                .map_err(failure)
        }
        "addColumn" => {
            let (class, field, spec) = (table()?, name(op, "name")?, column_spec(op)?);
            write
                .change_schema(&Instruction::AddColumn { class, field, spec })
                .map_err(failure)
        }
        "eraseTable" => write
            .change_schema(&Instruction::EraseTable { class: table()? })
            .map_err(failure),
        "eraseColumn" => {
            let (class, field) = (table()?, name(op, "name")?);
            write
                .change_schema(&Instruction::EraseColumn { class, field })
                .map_err(failure)
        }
        "create" => {
            let class = position(write, &table()?)?;
            let key = key_from_json(member(op, "pk")?).map_err(failure)?;
            write.create(class, &key, true).map(drop).map_err(failure)
        }
        "erase" => {
            let class = position(write, &table()?)?;
            let object = find(write, class, member(op, "pk")?)?;
            write.erase(class, object).map_err(failure)
        }
        other => perform_at(write, other, op),
    }
}

fn perform_at<S: Storage>(
    write: &mut WriteTransaction<S>,
    kind: &str,
    op: &Json,
) -> Result<(), String> {
    let at = location(write, op)?;
    let payload = || payload_from_json(member(op, "value")?).map_err(failure);
    let value =
        || -> Result<Value, String> { value_from_json(member(op, "value")?).map_err(failure) };
    let to = || {
        member(op, "to")?
            .as_u64()
            .and_then(|to| u32::try_from(to).ok())
            .ok_or("no index".to_owned())
    };
    let result = match kind {
        "set" => {
            let is_default = op.get("default").and_then(Json::as_bool).unwrap_or(false);
            write.set(&at, is_default, &payload()?)
        }
        "addInt" => {
            let delta = text(op, "delta")?
                .parse()
                .map_err(|_| "delta is not a number")?;
            write.add_integer(&at, delta)
        }
        "insert" => write.list_insert(&at, &payload()?),
        "remove" => match at.steps.last() {
            Some(Step::Visible(_)) => write.list_erase(&at),
            _ => write.set(&at, false, &Payload::Erased),
        },
        "move" => write.list_move(&at, to()?),
        "swap" => swap(write, &at, to()?),
        "clear" => write.clear(&at),
        "setAdd" => write.set_insert(&at, &value()?),
        "setRemove" => write.set_erase(&at, &value()?),
        other => return Err(format!("unknown operation {other}")),
    };
    result.map_err(failure)
}

/// A swap is one move, or two if the elements are not neighbours.
fn swap<S: Storage>(
    write: &mut WriteTransaction<S>,
    at: &Location,
    to: u32,
) -> Result<(), tidemark_store::StoreError> {
    let Some(Step::Visible(from)) = at.steps.last().cloned() else {
        return Ok(());
    };
    let (low, high) = (from.min(to), from.max(to));
    let at_index = |index: u32| {
        let mut location = at.clone();
        location.steps.pop();
        location.steps.push(Step::Visible(index));
        location
    };
    if low == high {
        return Ok(());
    }
    write.list_move(&at_index(high), low)?;
    if high > low + 1 {
        write.list_move(&at_index(low + 1), high)
    } else {
        Ok(())
    }
}

fn position<S: Storage>(write: &WriteTransaction<S>, class: &Name) -> Result<usize, String> {
    write
        .catalog()
        .position(class)
        .ok_or_else(|| format!("no class {class}"))
}

fn find<S: Storage>(
    write: &mut WriteTransaction<S>,
    class: usize,
    key: &Json,
) -> Result<u64, String> {
    let key = key_from_json(key).map_err(failure)?;
    let found = write
        .view()
        .and_then(|view| view.find(class, &key))
        .map_err(failure)?;
    found.ok_or_else(|| format!("no object {key:?}"))
}

fn location<S: Storage>(write: &mut WriteTransaction<S>, op: &Json) -> Result<Location, String> {
    let [class, key, field, elements @ ..] = array(op, "at")? else {
        return Err("a place has class, key and field".to_owned());
    };
    let name = name_from_json(class).map_err(failure)?;
    let class = position(write, &name)?;
    let object = find(write, class, key)?;
    let field = name_from_json(field).map_err(failure)?;
    let column = write
        .catalog()
        .class(&name)
        .and_then(|class| class.column_index(&field));
    let column = column.and_then(|column| u16::try_from(column).ok());
    let steps = elements.iter().map(|element| match element.as_u64() {
        Some(index) => u32::try_from(index).map(Step::Visible).map_err(failure),
        None => name_from_json(element).map(Step::Key).map_err(failure),
    });
    Ok(Location {
        class,
        object,
        column: column.ok_or_else(|| format!("no field {field}"))?,
        steps: steps.collect::<Result<_, _>>()?,
    })
}

fn table_spec(op: &Json) -> Result<TableSpec, String> {
    let kind = text(op, "kind")?;
    if kind == "embedded" {
        return Ok(TableSpec::Embedded);
    }
    let key = member(op, "pk")?;
    let key_type = match text(key, "type")? {
        "int" => KeyType::Int,
        "string" => KeyType::String,
        "objectId" => KeyType::ObjectId,
        "uuid" => KeyType::Uuid,
        other => return Err(format!("unknown type of key {other}")),
    };
    Ok(TableSpec::TopLevel {
        key_field: name(key, "name")?,
        key_type,
        key_nullable: member(key, "nullable")?.as_bool().unwrap_or(false),
        asymmetric: kind == "asymmetric",
    })
}

fn column_spec(op: &Json) -> Result<ColumnSpec, String> {
    let column_type = match text(op, "type")? {
        "mixed" => ColumnType::Mixed,
        "int" => ColumnType::Int,
        "bool" => ColumnType::Bool,
        "string" => ColumnType::String,
        "binary" => ColumnType::Binary,
        "timestamp" => ColumnType::Timestamp,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "decimal" => ColumnType::Decimal,
        "link" => ColumnType::Link,
        "objectId" => ColumnType::ObjectId,
        "uuid" => ColumnType::Uuid,
        other => return Err(format!("unknown type {other}")),
    };
    let collection = match text(op, "collection")? {
        "single" => CollectionKind::Single,
        "list" => CollectionKind::List,
        "dictionary" => CollectionKind::Dictionary,
        "set" => CollectionKind::Set,
        other => return Err(format!("unknown collection {other}")),
    };
    let target = op.get("target").map(|_| name(op, "target")).transpose()?;
    let nullable = member(op, "nullable")?.as_bool().unwrap_or(false);
    Ok(ColumnSpec::new(column_type, nullable, collection, target))
}
