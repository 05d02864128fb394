//! Random schemas, data and changes of both, against the model.

use std::collections::BTreeMap;

use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, KeyType, Link, Name, PathElement, Payload, PrimaryKey,
    Text, UpdateKind, Value,
};
use tidemark_model::{Column, Node, memory};
use tidemark_storage::Storage;
use tidemark_store::WriteTransaction;
use tidemark_store::migration::NewColumn;

use crate::scene::*;

const TOP_LEVEL: [&str; 3] = ["A", "B", "C"];
const COLLECTIONS: [CollectionKind; 4] = [
    CollectionKind::Single,
    CollectionKind::List,
    CollectionKind::Set,
    CollectionKind::Dictionary,
];

/// A small generator: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()].clone()
    }

    fn column(&mut self, name: &str, allows_embedded: bool) -> Column {
        let collection = self.pick(&COLLECTIONS);
        let column_type = self.pick(&[
            ColumnType::Int,
            ColumnType::String,
            ColumnType::Mixed,
            ColumnType::Link,
            ColumnType::Link,
        ]);
        if column_type == ColumnType::Link {
            if allows_embedded && collection != CollectionKind::Set && self.below(3) == 0 {
                return link(name, "E", collection);
            }
            return link(name, self.pick(&TOP_LEVEL), collection);
        }
        let made = column(name, column_type, collection);
        if self.below(2) == 0 {
            optional(made)
        } else {
            made
        }
    }

    fn columns(&mut self, allows_embedded: bool) -> Vec<Column> {
        let names = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
        let mut columns = Vec::new();
        for name in names {
            if self.below(3) > 0 {
                columns.push(self.column(name, allows_embedded));
            }
        }
        columns
    }

    /// Other columns for a class: kept, changed, renamed, moved, dropped, added.
    fn reshaped(&mut self, old: &[Column], allows_embedded: bool) -> Vec<NewColumn> {
        let mut new: Vec<NewColumn> = Vec::new();
        for column in old {
            let name = column.name.to_string();
            let free = format!("q{}", self.below(9));
            let is_free = old.iter().all(|it| it.name != free.as_str().into())
                && new.iter().all(|it| it.column.name != free.as_str().into());
            new.push(match self.below(6) {
                0 => continue,
                1 => from(&name, self.column(&name, allows_embedded)),
                2 if is_free => from(
                    &name,
                    Column {
                        name: free.as_str().into(),
                        ..column.clone()
                    },
                ),
                3 if column.column_type != ColumnType::Link
                    && column.column_type != ColumnType::Mixed =>
                {
                    let nullable = !column.nullable;
                    let changed = Column {
                        nullable,
                        ..column.clone()
                    };
                    from(&name, changed)
                }
                _ => from(&name, column.clone()),
            });
        }
        if self.below(2) == 0 {
            let name = format!("r{}", self.below(1_000_000));
            new.push(fresh(self.column(&name, allows_embedded)));
        }
        if self.below(3) == 0 {
            new.reverse();
        }
        new
    }

    fn value(&mut self, column: &Column, keys: &BTreeMap<&str, Vec<PrimaryKey>>) -> Value {
        if column.nullable && self.below(3) == 0 {
            return Value::Null;
        }
        match column.column_type {
            ColumnType::Int => Value::Int(self.below(5).cast_signed()),
            ColumnType::String => Value::String(Text::from(self.pick(&["", "a", "b", "zz"]))),
            ColumnType::Mixed => {
                let class = self.pick(&TOP_LEVEL);
                let linked = to(class, &self.pick(&keys[class]));
                self.pick(&[Value::Int(7), Value::String(Text::from("m")), linked])
            }
            _ => {
                let class = TOP_LEVEL
                    .into_iter()
                    .find(|class| column.target == Some((*class).into()));
                let class = class.unwrap();
                to(class, &self.pick(&keys[class]))
            }
        }
    }
}

struct Scene {
    dice: Dice,
    keys: BTreeMap<&'static str, Vec<PrimaryKey>>,
}

impl Scene {
    fn fill<S: Storage>(&mut self, write: &mut WriteTransaction<S>) {
        let schema = export(write).schema;
        for class in TOP_LEVEL {
            for key in self.keys[class].clone() {
                for column in &schema.class(&class.into()).unwrap().columns {
                    self.fill_field(write, (class, &key, &column.name), &[], column);
                }
            }
        }
    }

    fn fill_field<S: Storage>(
        &mut self,
        write: &mut WriteTransaction<S>,
        (class, key, field): (&str, &PrimaryKey, &Name),
        path: &[PathElement],
        column: &Column,
    ) {
        let is_embedded = column.target == Some("E".into());
        let count = match column.collection {
            CollectionKind::Single => 1,
            _ => self.dice.below(4),
        };
        for position in 0..count {
            let mut place = path.to_vec();
            match column.collection {
                CollectionKind::List => {
                    place.push(PathElement::Index(u32::try_from(position).unwrap()));
                }
                CollectionKind::Dictionary => {
                    place.push(PathElement::Key(format!("k{position}").as_str().into()));
                }
                _ => {}
            }
            let payload = if is_embedded {
                Payload::Object
            } else {
                Payload::Value(self.dice.value(column, &self.keys))
            };
            let target = target(class, key, field, &place);
            write
                .apply(&match column.collection {
                    CollectionKind::List => Instruction::ArrayInsert {
                        target,
                        value: payload,
                        prior_size: u32::try_from(position).unwrap(),
                    },
                    CollectionKind::Set => Instruction::SetInsert {
                        target,
                        value: payload,
                    },
                    CollectionKind::Dictionary | CollectionKind::Single => Instruction::Update {
                        target,
                        value: payload,
                        kind: UpdateKind::Property { is_default: false },
                    },
                })
                .unwrap();
            if is_embedded {
                let inner = write.catalog().class(&"E".into()).unwrap().columns.clone();
                for column in &inner {
                    let mut below = place.clone();
                    below.push(PathElement::Key(column.name.clone()));
                    self.fill_field(write, (class, key, field), &below, column);
                }
            }
        }
    }
}

fn build<S: Storage>(write: &mut WriteTransaction<S>, dice: Dice) -> Scene {
    let mut scene = Scene {
        dice,
        keys: BTreeMap::new(),
    };
    let tables = [
        add_table("A", Some(("_id", KeyType::Int))),
        add_table("B", Some(("_id", KeyType::String))),
        add_table("C", None),
        add_embedded("E"),
    ];
    for instruction in tables {
        write.change_schema(&instruction).unwrap();
    }
    for class in ["A", "B", "C", "E"] {
        for column in scene.dice.columns(class != "E") {
            write.change_schema(&add_column(class, &column)).unwrap();
            let is_indexable = column.collection == CollectionKind::Single
                && column.column_type != ColumnType::Link;
            if class != "E" && is_indexable && scene.dice.below(2) == 0 {
                let class = class.into();
                write.set_indexed(&class, &column.name, true).unwrap();
            }
        }
    }
    let count = 1 + scene.dice.below(6);
    for class in TOP_LEVEL {
        let keys = (0..count).map(|number| match class {
            "A" => PrimaryKey::Int(number.cast_signed() * 3),
            "B" => PrimaryKey::String(format!("key {number}").as_str().into()),
            _ => PrimaryKey::GlobalKey(0, number),
        });
        let keys: Vec<_> = keys.collect();
        for key in &keys {
            write.apply(&create(class, key.clone())).unwrap();
        }
        scene.keys.insert(class, keys);
    }
    scene.fill(write);
    scene
}

fn change<S: Storage>(
    write: &mut WriteTransaction<S>,
    model: &mut memory::Database,
    scene: &mut Scene,
) {
    if scene.dice.below(3) == 0 {
        let class = scene.dice.pick(&TOP_LEVEL);
        return change_key(write, model, scene, class);
    }
    let class = scene.dice.pick(&["A", "B", "C", "E"]);
    let old = model.schema.classes[&class.into()].columns.clone();
    let columns = scene.dice.reshaped(&old, class != "E");
    write.reshape(&class.into(), &columns).unwrap();
    reshape(model, class, &columns);
}

/// The key goes, another property with values of its own becomes it.
fn change_key<S: Storage>(
    write: &mut WriteTransaction<S>,
    model: &mut memory::Database,
    scene: &mut Scene,
    class: &'static str,
) {
    release(write, model, scene, class);
    make(write, model, scene, class);
}

/// Gives the objects of a class other keys in the model, and all links to them.
fn rekey(model: &mut memory::Database, class: &str, keys: &BTreeMap<PrimaryKey, PrimaryKey>) {
    let name = Name::from(class);
    map_links(model, &mut |link| {
        let key = if link.class == name {
            &keys[&link.key]
        } else {
            &link.key
        };
        Some(Link {
            class: link.class.clone(),
            key: key.clone(),
        })
    });
    let objects = model.objects.remove(&name).unwrap();
    let objects = objects
        .into_iter()
        .map(|(key, it)| (keys[&key].clone(), it));
    model.objects.insert(name, objects.collect());
}

fn value_of(key: &PrimaryKey) -> Value {
    match key {
        PrimaryKey::Int(number) => Value::Int(*number),
        PrimaryKey::String(text) => Value::String(text.clone()),
        other => panic!("{other:?}"),
    }
}

fn release<S: Storage>(
    write: &mut WriteTransaction<S>,
    model: &mut memory::Database,
    scene: &Scene,
    class: &str,
) {
    let name = Name::from(class);
    let key = model.schema.classes[&name].key_field().unwrap();
    if !key.name.is_empty() {
        write.release_key(&name).unwrap();
        for (key, document) in model.objects.get_mut(&name).unwrap() {
            document.fields.push(Node::Value(value_of(key)));
        }
    }
    let keys = scene.keys[class].iter().cloned();
    let numbers = (0..).map(|number| PrimaryKey::GlobalKey(0, number));
    rekey(model, class, &keys.zip(numbers).collect());
    let released = export(write);
    model.schema = released.schema.clone();
    assert_eq!(released, *model);
}

fn make<S: Storage>(
    write: &mut WriteTransaction<S>,
    model: &mut memory::Database,
    scene: &mut Scene,
    class: &'static str,
) {
    let name = Name::from(class);
    let field = format!("key{}", scene.dice.below(1_000_000));
    let is_text = scene.dice.below(2) == 0;
    let column_type = if is_text {
        ColumnType::String
    } else {
        ColumnType::Int
    };
    let column = single(&field, column_type);
    write.change_schema(&add_column(class, &column)).unwrap();
    let count = scene.keys[class].len() as u64;
    let mut keys = BTreeMap::new();
    for number in 0..count {
        // Descending where they were ascending before: links have to follow each one.
        let rest = count - number;
        let new = if is_text {
            PrimaryKey::String(format!("{rest}").as_str().into())
        } else {
            PrimaryKey::Int(rest.cast_signed() * 3)
        };
        let old = PrimaryKey::GlobalKey(0, number);
        let value = Payload::Value(value_of(&new));
        write.apply(&set(class, &old, &field, value)).unwrap();
        keys.insert(old, new);
    }
    write.make_key(&name, &field.as_str().into()).unwrap();
    rekey(model, class, &keys);
    model.schema = export(write).schema;
    scene.keys.insert(class, keys.into_values().collect());
}

#[test]
fn any_schema_becomes_any_other() {
    for seed in 0..200 {
        let database = open();
        let mut write = database.begin_write().unwrap();
        let mut scene = build(&mut write, Dice(seed));
        let mut model = export(&mut write);
        if scene.dice.below(2) == 0 {
            database.commit(write, 1).unwrap();
            write = database.begin_write().unwrap();
        }
        for round in 0..4 {
            change(&mut write, &mut model, &mut scene);
            assert_eq!(export(&mut write), model, "seed {seed} round {round}");
        }
        database.commit(write, 2).unwrap();
        assert_eq!(database.read().unwrap().view().export().unwrap(), model);

        // Who links to whom is known: what is deleted disappears everywhere.
        let mut write = database.begin_write().unwrap();
        let class = scene.dice.pick(&TOP_LEVEL);
        let key = scene.dice.pick(&scene.keys[class]);
        let position = write.catalog().position(&class.into()).unwrap();
        let object = write.view().unwrap().find(position, &key).unwrap().unwrap();
        write.erase(position, object).unwrap();
        let name = Name::from(class);
        model.objects.get_mut(&name).unwrap().remove(&key);
        map_links(&mut model, &mut |link| {
            (link.class != name || link.key != key).then(|| link.clone())
        });
        model.fill();
        assert_eq!(export(&mut write), model, "seed {seed}");

        // Nothing stays of what has gone: not in rows, keys, backlinks, absent targets, entries of indexes.
        for class in TOP_LEVEL {
            let position = write.catalog().position(&class.into()).unwrap();
            write.erase_all(position).unwrap();
        }
        database.commit(write, 3).unwrap();
        for table in [1, 2, 3, 4, 10] {
            assert_eq!(entries(&database, table), 0, "seed {seed} table {table}");
        }
    }
}
