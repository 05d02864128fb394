//! A local database beside a plain model of it, changed together.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, Name, PathElement, Payload,
    PrimaryKey, TableSpec, Target, UpdateKind, Value, order,
};
use tidemark_model::memory;
use tidemark_model::{Column, Document, Node, Schema};
use tidemark_storage::{OrderedStorage, Read, Storage, TableId};
use tidemark_store::migration::{NewColumn, Source};
use tidemark_store::{Database, DatabaseOptions, WriteTransaction};

pub type Memory = Arc<OrderedStorage>;

pub fn open() -> Database<Memory> {
    let options = DatabaseOptions {
        is_synced: false,
        ..DatabaseOptions::default()
    };
    Database::open(Arc::new(OrderedStorage::new()), options).unwrap()
}

pub fn add_table(class: &str, key: Option<(&str, KeyType)>) -> Instruction {
    let (field, key_type) = key.unwrap_or(("", KeyType::GlobalKey));
    Instruction::AddTable {
        class: class.into(),
        spec: TableSpec::TopLevel {
            key_field: field.into(),
            key_type,
            key_nullable: false,
            asymmetric: false,
        },
    }
}

pub fn add_embedded(class: &str) -> Instruction {
    Instruction::AddTable {
        class: class.into(),
        spec: TableSpec::Embedded,
    }
}

pub fn column(name: &str, column_type: ColumnType, collection: CollectionKind) -> Column {
    Column {
        name: name.into(),
        column_type,
        nullable: column_type == ColumnType::Mixed,
        collection,
        target: None,
    }
}

pub fn single(name: &str, column_type: ColumnType) -> Column {
    column(name, column_type, CollectionKind::Single)
}

pub fn optional(column: Column) -> Column {
    Column {
        nullable: true,
        ..column
    }
}

pub fn link(name: &str, target: &str, collection: CollectionKind) -> Column {
    let nullable = matches!(
        collection,
        CollectionKind::Single | CollectionKind::Dictionary
    );
    Column {
        nullable,
        target: Some(target.into()),
        ..column(name, ColumnType::Link, collection)
    }
}

pub fn add_column(class: &str, column: &Column) -> Instruction {
    let target = column.target.clone();
    Instruction::AddColumn {
        class: class.into(),
        field: column.name.clone(),
        spec: ColumnSpec::new(
            column.column_type,
            column.nullable,
            column.collection,
            target,
        ),
    }
}

pub fn from(name: &str, column: Column) -> NewColumn {
    NewColumn {
        column,
        source: Source::Column(name.into()),
    }
}

pub fn fresh(column: Column) -> NewColumn {
    NewColumn {
        column,
        source: Source::Default,
    }
}

pub fn create(class: &str, key: PrimaryKey) -> Instruction {
    Instruction::CreateObject {
        class: class.into(),
        key,
    }
}

pub fn target(class: &str, key: &PrimaryKey, field: &Name, path: &[PathElement]) -> Target {
    Target {
        class: class.into(),
        key: key.clone(),
        field: field.clone(),
        path: path.to_vec(),
    }
}

pub fn set(class: &str, key: &PrimaryKey, field: &str, value: Payload) -> Instruction {
    Instruction::Update {
        target: target(class, key, &field.into(), &[]),
        value,
        kind: UpdateKind::Property { is_default: false },
    }
}

pub fn to(class: &str, key: &PrimaryKey) -> Value {
    Value::Link(Box::new(Link {
        class: class.into(),
        key: key.clone(),
    }))
}

pub fn export<S: Storage>(write: &mut WriteTransaction<S>) -> memory::Database {
    write.view().unwrap().export().unwrap()
}

/// How many entries a table has.
pub fn entries(database: &Database<Memory>, table: u8) -> usize {
    let snapshot = database.storage().snapshot().unwrap();
    snapshot.prefix(TableId::new(table), &[]).unwrap().count()
}

/// What a class's objects are to be with other columns.
pub fn reshape(model: &mut memory::Database, class: &str, columns: &[NewColumn]) {
    let before = model.schema.clone();
    let name = Name::from(class);
    for (of, objects) in &mut model.objects {
        for document in objects.values_mut() {
            reshape_document(&before, of, document, &name, columns);
        }
    }
    let wanted = columns.iter().map(|new| new.column.clone()).collect();
    model.schema.classes.get_mut(&name).unwrap().columns = wanted;
}

fn reshape_document(
    before: &Schema,
    of: &Name,
    document: &mut Document,
    class: &Name,
    columns: &[NewColumn],
) {
    let old = &before.classes[of].columns;
    for (column, node) in old.iter().zip(&mut document.fields) {
        if let Some(target) = &column.target {
            each_object(node, &mut |inner| {
                reshape_document(before, target, inner, class, columns);
            });
        }
    }
    if of != class {
        return;
    }
    let values: BTreeMap<&Name, (&Column, &Node)> = old
        .iter()
        .zip(&document.fields)
        .map(|(column, node)| (&column.name, (column, node)))
        .collect();
    let fields = columns.iter().map(|NewColumn { column, source }| {
        let Source::Column(name) = source else {
            return Node::default_of(column);
        };
        let (was, node) = values[name];
        let same = (was.column_type, was.collection, &was.target)
            == (column.column_type, column.collection, &column.target);
        if !same {
            Node::default_of(column)
        } else if column.nullable || column.column_type == ColumnType::Link {
            node.clone()
        } else {
            required(column, node)
        }
    });
    document.fields = fields.collect();
}

fn required(column: &Column, node: &Node) -> Node {
    let default = Node::default_of(&Column {
        collection: CollectionKind::Single,
        ..column.clone()
    });
    let Node::Value(value) = &default else {
        panic!("a single value");
    };
    let fill = |it: &Node| {
        if it.is_null() {
            default.clone()
        } else {
            it.clone()
        }
    };
    match node {
        Node::List(list) => Node::List(list.iter().map(fill).collect()),
        Node::Dictionary(entries) => {
            Node::Dictionary(entries.iter().map(|(k, v)| (k.clone(), fill(v))).collect())
        }
        Node::Set(set) => {
            let mut set: Vec<Value> = set
                .iter()
                .map(|it| if *it == Value::Null { value } else { it })
                .cloned()
                .collect();
            set.sort_by(order::compare);
            set.dedup_by(|a, b| order::compare(a, b).is_eq());
            Node::Set(set)
        }
        single => fill(single),
    }
}

fn each_object(node: &mut Node, visit: &mut dyn FnMut(&mut Document)) {
    match node {
        Node::Object(document) => visit(document),
        Node::List(list) => list.iter_mut().for_each(|it| each_object(it, visit)),
        Node::Dictionary(entries) => entries.values_mut().for_each(|it| each_object(it, visit)),
        _ => {}
    }
}

/// Changes every link in a model; `None` takes it away as deleting its target does.
pub fn map_links(model: &mut memory::Database, change: &mut dyn FnMut(&Link) -> Option<Link>) {
    let schema = model.schema.clone();
    for (class, objects) in &mut model.objects {
        for document in objects.values_mut() {
            map_document(&schema, class, document, change);
        }
    }
}

fn map_document(
    schema: &Schema,
    class: &Name,
    document: &mut Document,
    change: &mut dyn FnMut(&Link) -> Option<Link>,
) {
    let columns = &schema.classes[class].columns;
    for (column, node) in columns.iter().zip(&mut document.fields) {
        map_node(schema, column, node, change);
    }
}

fn map_node(
    schema: &Schema,
    column: &Column,
    node: &mut Node,
    change: &mut dyn FnMut(&Link) -> Option<Link>,
) {
    let is_link = |node: &Node| matches!(node, Node::Value(Value::Link(_)));
    match node {
        Node::Value(Value::Link(link)) => {
            *node =
                change(link).map_or(Node::NULL, |link| Node::Value(Value::Link(Box::new(link))));
        }
        Node::Value(_) => {}
        Node::Set(set) => {
            let mapped = set.iter().filter_map(|value| match value {
                Value::Link(link) => change(link).map(|link| Value::Link(Box::new(link))),
                other => Some(other.clone()),
            });
            let mut mapped: Vec<Value> = mapped.collect();
            mapped.sort_by(order::compare);
            *set = mapped;
        }
        Node::List(list) => {
            let mut mapped = Vec::new();
            for mut element in std::mem::take(list) {
                let was_link = is_link(&element);
                map_node(schema, column, &mut element, change);
                // A typed list closes the gap.
                if !(was_link && element.is_null() && column.column_type == ColumnType::Link) {
                    mapped.push(element);
                }
            }
            *list = mapped;
        }
        Node::Dictionary(entries) => {
            for entry in entries.values_mut() {
                map_node(schema, column, entry, change);
            }
        }
        Node::Object(object) => {
            map_document(schema, column.target.as_ref().unwrap(), object, change);
        }
    }
}
