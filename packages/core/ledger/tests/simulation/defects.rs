//! Edits that provoke the defects of the original's merge and storage, one kind each.

use tidemark_changeset::order;
use tidemark_changeset::{
    CollectionKind, ColumnType, Decimal, Instruction, PathElement, Payload, PrimaryKey, Target,
    UpdateKind, Value,
};
use tidemark_model::{Node, node_at};

use crate::ops::{OBJECT, PART, Writer, column, index, int, link, name, target};

/// A known defect, by its number in the records of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A move in a list of embedded objects, against an edit inside one of them.
    NestedMove,
    /// A Clear of a list that is an element of a list, against edits of the outer list.
    ClearOfElement,
    /// Erasures from a set of strings.
    EraseByPlace,
    /// Embedded objects under one dictionary key.
    EmbeddedUnderKey,
    /// Equal numbers of several types in a set of mixed values.
    EqualNumbers,
    /// Collection markers against scalars and other collections.
    KeptContent,
    /// Zeros of both signs.
    KeptZero,
    /// Moves in a list of collections.
    MovedCollection,
    /// A Clear under a dictionary key, against the erasure of the key.
    ClearOfErasedKey,
}

/// The columns that these edits need besides the usual ones.
pub fn columns() -> Vec<Instruction> {
    use CollectionKind::{Dictionary, List, Set, Single};
    use ColumnType::{Double, Mixed};
    vec![
        column(OBJECT, "ml", Mixed, true, List),
        column(OBJECT, "md", Mixed, true, Dictionary),
        column(OBJECT, "ms", Mixed, true, Set),
        column(OBJECT, "f", Double, false, Single),
        column(OBJECT, "fn", Double, true, Single),
        column(OBJECT, "fl", Double, false, List),
        link("de", PART, Dictionary),
    ]
}

impl Writer<'_> {
    /// One edit of the kind.
    pub fn provoke(&mut self, defect: Defect, key: &PrimaryKey) {
        match defect {
            Defect::NestedMove => self.nested_move(key),
            Defect::ClearOfElement => self.collections(key, false),
            Defect::EraseByPlace => self.strings(key),
            Defect::EmbeddedUnderKey => self.embedded_under_key(key),
            Defect::EqualNumbers => self.equal_numbers(key),
            Defect::KeptContent => self.markers(target(key, "m", vec![])),
            Defect::KeptZero => self.zeros(key),
            Defect::MovedCollection => self.collections(key, true),
            Defect::ClearOfErasedKey => self.keys(key),
        }
    }

    fn node(&self, target: &Target) -> Option<&Node> {
        let class = self.database.schema.class(&target.class)?;
        let document = self.database.get(&target.class, &target.key)?;
        node_at(&self.database.schema, class, document, target)
    }

    fn key(&mut self) -> PathElement {
        name(if self.dice.chance(500) { "x" } else { "y" })
    }

    fn size(&self, target: &Target) -> u64 {
        match self.node(target) {
            Some(Node::List(items)) => items.len() as u64,
            _ => 0,
        }
    }

    fn shift(&mut self, list: &Target, size: u64) {
        let from = self.dice.below(size);
        let to = (from + self.dice.between(1, size - 1)) % size;
        self.push(Instruction::ArrayMove {
            target: at(list, from),
            to: u32::try_from(to).expect("lists are short"),
            prior_size: u32::try_from(size).expect("lists are short"),
        });
    }

    fn erase_element(&mut self, list: &Target, size: u64) {
        let place = self.dice.below(size);
        self.push(Instruction::ArrayErase {
            target: at(list, place),
            prior_size: u32::try_from(size).expect("lists are short"),
        });
    }

    fn nested_move(&mut self, key: &PrimaryKey) {
        let list = target(key, "es", vec![]);
        let size = self.size(&list);
        match self.dice.below(10) {
            _ if size < 2 => self.insert(at(&list, size), Payload::Object, size),
            0 => {
                let place = self.dice.between(0, size);
                self.insert(at(&list, place), Payload::Object, size);
            }
            1 => self.erase_element(&list, size),
            2..6 => self.shift(&list, size),
            6..8 => {
                let mut inner = at(&list, self.dice.below(size));
                inner.path.push(name("size"));
                let value = int(self.dice.below(100));
                self.update(inner, value);
            }
            _ => {
                let mut names = at(&list, self.dice.below(size));
                names.path.push(name("names"));
                let size = self.size(&names);
                let value = Payload::Value(Value::String("n".into()));
                let place = self.dice.between(0, size);
                self.insert(at(&names, place), value, size);
            }
        }
    }

    /// A list of scalars and lists; `moves` instead of clearing inner lists.
    fn collections(&mut self, key: &PrimaryKey, moves: bool) {
        let list = target(key, "ml", vec![]);
        let size = self.size(&list);
        if size < 2 || self.dice.chance(200) {
            let place = self.dice.between(0, size);
            let value = if self.dice.chance(700) {
                Payload::List
            } else {
                int(self.dice.below(100))
            };
            return self.insert(at(&list, place), value, size);
        }
        let inner = at(&list, self.dice.below(size));
        match self.dice.below(10) {
            0 => self.erase_element(&list, size),
            1..4 if moves => self.shift(&list, size),
            1..4 if matches!(self.node(&inner), Some(Node::List(_))) => {
                self.push(Instruction::Clear {
                    target: inner,
                    collection: CollectionKind::List,
                });
            }
            4 if moves => {
                let value = if self.dice.chance(500) {
                    Payload::List
                } else {
                    int(self.dice.below(100))
                };
                let prior_size = u32::try_from(size).expect("lists are short");
                self.push(Instruction::Update {
                    target: inner,
                    value,
                    kind: UpdateKind::Element { prior_size },
                });
            }
            _ if matches!(self.node(&inner), Some(Node::List(_))) => {
                let size = self.size(&inner);
                let place = self.dice.between(0, size);
                let value = int(self.dice.below(100));
                self.insert(at(&inner, place), value, size);
            }
            _ => {}
        }
    }

    fn strings(&mut self, key: &PrimaryKey) {
        let set = target(key, "t", vec![]);
        let text = *self.dice.pick(&["u", "v", "w", "x"]);
        let value = Value::String(text.into());
        self.toggle(set, value);
    }

    /// What a client says: it inserts what is not in the set, and erases what is.
    fn toggle(&mut self, target: Target, value: Value) {
        let held = match self.node(&target) {
            Some(Node::Set(values)) => values
                .iter()
                .any(|held| order::compare(held, &value).is_eq()),
            _ => false,
        };
        let value = Payload::Value(value);
        self.push(if held {
            Instruction::SetErase { target, value }
        } else {
            Instruction::SetInsert { target, value }
        });
    }

    fn equal_numbers(&mut self, key: &PrimaryKey) {
        let decimal = Value::Decimal(Decimal {
            coefficient: 10,
            exponent: -1,
            negative: false,
        });
        let values = [
            Value::Int(1),
            Value::Double(1.0),
            Value::Float(1.0),
            decimal,
            Value::Double(0.0),
            Value::Double(-0.0),
        ];
        let value = self.dice.pick(&values).clone();
        self.toggle(target(key, "ms", vec![]), value);
    }

    fn embedded_under_key(&mut self, key: &PrimaryKey) {
        let entry = self.key();
        let place = target(key, "de", vec![entry.clone()]);
        let is_there = self.node(&place).is_some();
        match self.dice.below(10) {
            0 if is_there => self.update(place, Payload::Erased),
            1..7 if is_there => {
                let inner = target(key, "de", vec![entry, name("size")]);
                let value = int(self.dice.below(100));
                self.update(inner, value);
            }
            _ => self.update(place, Payload::Object),
        }
    }

    /// A mixed place: scalars, markers also where such a collection is already, content, Clear.
    fn markers(&mut self, place: Target) {
        let kind = match self.node(&place) {
            Some(Node::List(_)) => CollectionKind::List,
            Some(Node::Dictionary(_)) => CollectionKind::Dictionary,
            _ => CollectionKind::Single,
        };
        match (self.dice.below(10), kind) {
            (0, _) => {
                let value = int(self.dice.below(100));
                self.update(place, value);
            }
            (1 | 2, _) | (_, CollectionKind::Single) => {
                let marker = if self.dice.chance(700) {
                    Payload::List
                } else {
                    Payload::Dictionary
                };
                self.update(place, marker);
            }
            (3, _) => self.push(Instruction::Clear {
                target: place,
                collection: kind,
            }),
            (_, CollectionKind::List) => {
                let size = self.size(&place);
                let spot = self.dice.between(0, size);
                let value = int(self.dice.below(100));
                self.insert(at(&place, spot), value, size);
            }
            _ => {
                let mut inner = place;
                inner.path.push(self.key());
                let value = int(self.dice.below(100));
                self.update(inner, value);
            }
        }
    }

    fn zeros(&mut self, key: &PrimaryKey) {
        let value = Payload::Value(Value::Double(*self.dice.pick(&[0.0, -0.0, 0.0, -0.0, 1.0])));
        let list = target(key, "fl", vec![]);
        let size = self.size(&list);
        match self.dice.below(4) {
            0 => self.update(target(key, "f", vec![]), value),
            1 => self.update(target(key, "fn", vec![]), value),
            2 if size > 0 => {
                let place = at(&list, self.dice.below(size));
                let prior_size = u32::try_from(size).expect("lists are short");
                self.push(Instruction::Update {
                    target: place,
                    value,
                    kind: UpdateKind::Element { prior_size },
                });
            }
            _ if size < 3 => self.insert(at(&list, size), value, size),
            _ => self.erase_element(&list, size),
        }
    }

    fn keys(&mut self, key: &PrimaryKey) {
        let entry = self.key();
        let place = target(key, "md", vec![entry]);
        let is_list = matches!(self.node(&place), Some(Node::List(_)));
        match self.dice.below(10) {
            0..3 => self.update(place, Payload::Erased),
            3..6 if is_list => self.push(Instruction::Clear {
                target: place,
                collection: CollectionKind::List,
            }),
            _ if is_list => {
                let size = self.size(&place);
                let value = int(self.dice.below(100));
                self.insert(at(&place, size), value, size);
            }
            _ => self.update(place, Payload::List),
        }
    }
}

fn at(list: &Target, place: u64) -> Target {
    let mut element = list.clone();
    element.path.push(index(place));
    element
}
