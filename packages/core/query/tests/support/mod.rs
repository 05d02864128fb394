//! The data sets of the vectors, held in memory, as rows that queries can read.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use serde_json::Value as Json;
use tidemark_changeset::{CollectionKind, ColumnType, Link, PrimaryKey, Value};
use tidemark_query::{
    Catalog, Field, Items, KeyView, LinkView, Objects, Place, Property, QueryError, Row, Scalar,
    order,
};

pub mod values;

use values::{scalar, to_key};

/// A field of an object.
pub enum Node {
    Value(Value),
    List(Vec<Node>),
    Set(Vec<Node>),
    Dictionary(BTreeMap<Vec<u8>, Node>),
}

pub struct Class {
    pub name: String,
    pub key: Option<String>,
    pub primary_key: Option<String>,
    pub embedded: bool,
    pub properties: BTreeMap<String, Property>,
    pub linking: BTreeMap<String, (String, String)>,
    /// The defaults of the columns.
    defaults: Vec<Json>,
    column_names: Vec<String>,
    pub rows: Vec<usize>,
}

pub struct Object {
    class: String,
    key: PrimaryKey,
    columns: Vec<Node>,
}

pub struct Dataset {
    pub classes: HashMap<String, Class>,
    pub objects: Vec<Object>,
    by_key: HashMap<(String, PrimaryKey), usize>,
    /// Target, then origin class and property, once per occurrence.
    incoming: HashMap<usize, Vec<(String, String, usize)>>,
}

pub struct RowOf<'a> {
    object: &'a Object,
}

impl Row for RowOf<'_> {
    fn link(&self) -> Option<LinkView<'_>> {
        Some(LinkView {
            class: self.object.class.as_bytes(),
            key: KeyView::from(&self.object.key),
        })
    }

    fn column(&self, index: usize) -> Field<'_> {
        field(&self.object.columns[index])
    }
}

fn field(node: &Node) -> Field<'_> {
    match node {
        Node::Value(value) => Field::Scalar(Scalar::from(value)),
        Node::List(nodes) => Field::List(Box::new(Sequence(nodes))),
        Node::Set(nodes) => Field::Set(Box::new(Sequence(nodes))),
        Node::Dictionary(entries) => Field::Dictionary(Box::new(Entries(entries))),
    }
}

struct Sequence<'a>(&'a [Node]);

impl<'a> Items<'a> for Sequence<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for node in self.0 {
            if visit(None, field(node)).is_break() {
                return;
            }
        }
    }
}

struct Entries<'a>(&'a BTreeMap<Vec<u8>, Node>);

impl<'a> Items<'a> for Entries<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for (key, node) in self.0 {
            if visit(Some(key), field(node)).is_break() {
                return;
            }
        }
    }
}

impl Dataset {
    pub fn row(&self, index: usize) -> RowOf<'_> {
        RowOf {
            object: &self.objects[index],
        }
    }

    fn find(&self, link: LinkView<'_>) -> Option<usize> {
        let class = std::str::from_utf8(link.class).ok()?;
        self.by_key
            .get(&(class.to_owned(), link.key.to_key()))
            .copied()
    }

    /// The value under which the vectors report an object, as JSON text.
    pub fn report(&self, index: usize) -> String {
        let object = &self.objects[index];
        let class = &self.classes[&object.class];
        let key = class.key.clone().unwrap_or_else(|| "_id".to_owned());
        let property = &class.properties[&key];
        let value = match property.place {
            Place::Key => match &object.key {
                PrimaryKey::Null => Value::Null,
                PrimaryKey::Int(value) => Value::Int(*value),
                PrimaryKey::String(value) => Value::String(value.clone()),
                PrimaryKey::ObjectId(value) => Value::ObjectId(*value),
                PrimaryKey::Uuid(value) => Value::Uuid(*value),
                PrimaryKey::GlobalKey(..) => unreachable!("a class with a key property"),
            },
            Place::Column(column) => match &object.columns[column] {
                Node::Value(value) => value.clone(),
                _ => panic!("key property is a collection"),
            },
        };
        format!("{value:?}")
    }
}

impl Objects for Dataset {
    fn visit(
        &self,
        link: LinkView<'_>,
        visitor: &mut dyn FnMut(&dyn Row),
    ) -> Result<bool, QueryError> {
        match self.find(link) {
            Some(index) => {
                visitor(&self.row(index));
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn backlinks(
        &self,
        target: LinkView<'_>,
        origin: &str,
        property: &str,
        visitor: &mut dyn FnMut(&dyn Row),
    ) -> Result<(), QueryError> {
        let Some(index) = self.find(target) else {
            return Ok(());
        };
        for (class, name, source) in self.incoming.get(&index).map_or(&[][..], Vec::as_slice) {
            if class == origin && name == property {
                visitor(&self.row(*source));
            }
        }
        Ok(())
    }

    fn backlink_count(&self, target: LinkView<'_>) -> Result<u64, QueryError> {
        let count = self
            .find(target)
            .and_then(|index| self.incoming.get(&index))
            .map_or(0, Vec::len);
        Ok(count as u64)
    }

    fn position(&self, link: LinkView<'_>) -> Option<u64> {
        self.find(link).map(|index| index as u64)
    }

    fn place(&self, class: &[u8], property: &[u8]) -> Option<Place> {
        let class = self.classes.get(std::str::from_utf8(class).ok()?)?;
        class
            .properties
            .get(std::str::from_utf8(property).ok()?)
            .map(|property| property.place)
    }
}

impl Catalog for Dataset {
    fn has_class(&self, class: &str) -> bool {
        self.classes.contains_key(class)
    }

    fn property(&self, class: &str, name: &str) -> Option<Property> {
        self.classes.get(class)?.properties.get(name).cloned()
    }

    fn linking(&self, class: &str, name: &str) -> Option<(String, String)> {
        self.classes.get(class)?.linking.get(name).cloned()
    }

    fn has_object(&self, class: &str, key: KeyView<'_>) -> Option<bool> {
        Some(self.by_key.contains_key(&(class.to_owned(), key.to_key())))
    }
}

/// Reads `datasets.json`.
pub fn load(json: &Json) -> HashMap<String, Dataset> {
    let sets = json["datasets"].as_array().unwrap();
    sets.iter()
        .map(|set| (set["name"].as_str().unwrap().to_owned(), dataset(set)))
        .collect()
}

fn dataset(json: &Json) -> Dataset {
    let mut set = Dataset {
        classes: HashMap::new(),
        objects: Vec::new(),
        by_key: HashMap::new(),
        incoming: HashMap::new(),
    };
    for class in json["classes"].as_array().unwrap() {
        let class = read_class(class);
        set.classes.insert(class.name.clone(), class);
    }
    let objects = json["objects"].as_array().unwrap();
    let mut indexes = Vec::new();
    for object in objects {
        let class = object["class"].as_str().unwrap();
        let primary_key = set.classes[class].primary_key.clone();
        let key = primary_key.map(|name| to_key(&scalar(&object["values"][&name])));
        indexes.push(create(&mut set, class, key));
    }
    for (object, index) in objects.iter().zip(indexes) {
        fill(&mut set, index, &object["values"]);
    }
    set
}

fn create(set: &mut Dataset, class: &str, key: Option<PrimaryKey>) -> usize {
    let index = set.objects.len();
    let key = key.unwrap_or(PrimaryKey::GlobalKey(0, index as u64));
    let entry = set.classes.get_mut(class).unwrap();
    entry.rows.push(index);
    let columns = entry.defaults.clone();
    let names = entry.column_names.clone();
    let mut nodes = Vec::new();
    for (default, name) in columns.iter().zip(&names) {
        let property = set.classes[class].properties[name].clone();
        nodes.push(node(set, &property, default, index, name));
    }
    set.by_key.insert((class.to_owned(), key.clone()), index);
    set.objects.push(Object {
        class: class.to_owned(),
        key,
        columns: nodes,
    });
    index
}

fn fill(set: &mut Dataset, index: usize, values: &Json) {
    let class = set.objects[index].class.clone();
    let names = set.classes[&class].column_names.clone();
    for (column, name) in names.iter().enumerate() {
        if let Some(value) = values.get(name) {
            let property = set.classes[&class].properties[name].clone();
            let node = node(set, &property, value, index, name);
            set.objects[index].columns[column] = node;
        }
    }
}

/// A property's value; links are noted as incoming links of their targets.
fn node(set: &mut Dataset, property: &Property, json: &Json, owner: usize, name: &str) -> Node {
    match property.collection {
        CollectionKind::Single => single(set, property, json, owner, name),
        CollectionKind::List => Node::List(
            json.as_array()
                .unwrap()
                .iter()
                .map(|json| single(set, property, json, owner, name))
                .collect(),
        ),
        CollectionKind::Set => {
            let mut values: Vec<Value> = Vec::new();
            for json in json.as_array().unwrap() {
                let value = scalar(json);
                let known = values.iter().any(|other| {
                    let (left, right) = (Scalar::from(other), Scalar::from(&value));
                    order(&left, &right).is_eq()
                        && (order_tag(&left) == order_tag(&right)
                            || property.column_type == ColumnType::Mixed)
                });
                if !known {
                    values.push(value);
                }
            }
            values.sort_by(|left, right| order(&Scalar::from(left), &Scalar::from(right)));
            let mut nodes = Vec::new();
            for value in values {
                note_link(set, &value, owner, name);
                nodes.push(Node::Value(value));
            }
            Node::Set(nodes)
        }
        CollectionKind::Dictionary => {
            let mut entries = BTreeMap::new();
            for (key, json) in json.as_object().unwrap() {
                let node = single(set, property, json, owner, name);
                entries.insert(key.as_bytes().to_vec(), node);
            }
            Node::Dictionary(entries)
        }
    }
}

fn order_tag(value: &Scalar<'_>) -> std::mem::Discriminant<Value> {
    std::mem::discriminant(&value.to_value())
}

fn single(set: &mut Dataset, property: &Property, json: &Json, owner: usize, name: &str) -> Node {
    if let Some(target) = &property.target
        && set.classes[target].embedded
    {
        if json.is_null() {
            return Node::Value(Value::Null);
        }
        let index = create(set, target, None);
        fill(set, index, json);
        let key = set.objects[index].key.clone();
        let link = Value::Link(Box::new(Link {
            class: target.as_str().into(),
            key,
        }));
        note_link(set, &link, owner, name);
        return Node::Value(link);
    }
    nested(set, json, owner, name)
}

fn nested(set: &mut Dataset, json: &Json, owner: usize, name: &str) -> Node {
    if let Some(list) = json.get("$list").and_then(Json::as_array) {
        return Node::List(
            list.iter()
                .map(|json| nested(set, json, owner, name))
                .collect(),
        );
    }
    if let Some(entries) = json.get("$dict").and_then(Json::as_object) {
        let entries = entries
            .iter()
            .map(|(key, json)| (key.as_bytes().to_vec(), nested(set, json, owner, name)))
            .collect();
        return Node::Dictionary(entries);
    }
    let value = scalar(json);
    note_link(set, &value, owner, name);
    Node::Value(value)
}

fn note_link(set: &mut Dataset, value: &Value, owner: usize, name: &str) {
    let Value::Link(link) = value else { return };
    let Some(target) = set
        .by_key
        .get(&(link.class.to_string(), link.key.clone()))
        .copied()
    else {
        return;
    };
    let class = set.objects.get(owner).map(|object| object.class.clone());
    let class = class.unwrap_or_default();
    set.incoming
        .entry(target)
        .or_default()
        .push((class, name.to_owned(), owner));
}

fn read_class(json: &Json) -> Class {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let mut class = Class {
        name: text("name").unwrap(),
        key: text("key"),
        primary_key: text("primaryKey"),
        embedded: json
            .get("embedded")
            .and_then(Json::as_bool)
            .unwrap_or(false),
        properties: BTreeMap::new(),
        linking: BTreeMap::new(),
        defaults: Vec::new(),
        column_names: Vec::new(),
        rows: Vec::new(),
    };
    for property in json["properties"].as_array().unwrap() {
        let text = |name: &str| property.get(name).and_then(Json::as_str).map(str::to_owned);
        let name = text("name").unwrap();
        if text("type").as_deref() == Some("linkingObjects") {
            class.linking.insert(
                name,
                (
                    text("originClass").unwrap(),
                    text("originProperty").unwrap(),
                ),
            );
            continue;
        }
        let column_type = column_type(&text("type").unwrap());
        let collection = match text("collection").as_deref() {
            None => CollectionKind::Single,
            Some("list") => CollectionKind::List,
            Some("set") => CollectionKind::Set,
            Some("dictionary") => CollectionKind::Dictionary,
            Some(other) => panic!("collection {other}"),
        };
        let optional = property
            .get("optional")
            .and_then(Json::as_bool)
            .unwrap_or(false);
        let nullable = optional || matches!(column_type, ColumnType::Mixed | ColumnType::Link);
        let place = if class.primary_key.as_ref() == Some(&name) {
            Place::Key
        } else {
            class.column_names.push(name.clone());
            class
                .defaults
                .push(default(column_type, collection, nullable));
            Place::Column(class.column_names.len() - 1)
        };
        let full_text = text("indexed").as_deref() == Some("fulltext");
        let target = text("target");
        class.properties.insert(
            name,
            Property {
                place,
                column_type,
                nullable,
                collection,
                target,
                full_text,
            },
        );
    }
    class
}

fn column_type(name: &str) -> ColumnType {
    match name {
        "int" => ColumnType::Int,
        "bool" => ColumnType::Bool,
        "string" => ColumnType::String,
        "binary" => ColumnType::Binary,
        "date" => ColumnType::Timestamp,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "decimal" => ColumnType::Decimal,
        "objectId" => ColumnType::ObjectId,
        "uuid" => ColumnType::Uuid,
        "mixed" => ColumnType::Mixed,
        "object" => ColumnType::Link,
        other => panic!("type {other}"),
    }
}

fn default(column_type: ColumnType, collection: CollectionKind, nullable: bool) -> Json {
    match (collection, column_type) {
        (CollectionKind::List | CollectionKind::Set, _) => Json::Array(Vec::new()),
        (CollectionKind::Dictionary, _) => Json::Object(serde_json::Map::new()),
        _ if nullable => Json::Null,
        (_, ColumnType::Int) => 0.into(),
        (_, ColumnType::Bool) => false.into(),
        (_, ColumnType::String) => "".into(),
        (_, ColumnType::Binary) => serde_json::json!({"$binary": ""}),
        (_, ColumnType::Timestamp) => serde_json::json!({"$date": "0:0"}),
        (_, ColumnType::Float) => serde_json::json!({"$float": "0"}),
        (_, ColumnType::Double) => serde_json::json!({"$double": "0"}),
        (_, ColumnType::Decimal) => serde_json::json!({"$decimal": "0"}),
        (_, ColumnType::ObjectId) => serde_json::json!({"$oid": "000000000000000000000000"}),
        (_, ColumnType::Uuid) => {
            serde_json::json!({"$uuid": "00000000-0000-0000-0000-000000000000"})
        }
        _ => Json::Null,
    }
}
