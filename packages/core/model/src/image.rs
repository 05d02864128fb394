//! The instructions that rebuild an object from nothing.

use tidemark_changeset::{
    CollectionKind, Instruction, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use crate::document::{Document, Node};
use crate::original::keeps_zero;
use crate::schema::{Class, Column, Schema};

/// The instructions that make `document` where there is no such object: `CreateObject`, then what
/// its fields hold.
///
/// Fields and embedded fields that hold their defaults need no instruction, since a new object
/// holds them anyway. Applied where the object exists already the result is another: what is there
/// would stay in those fields.
pub fn image(
    schema: &Schema,
    class: &Class,
    key: &PrimaryKey,
    document: &Document,
) -> Vec<Instruction> {
    let create = Instruction::CreateObject {
        class: class.name.clone(),
        key: key.clone(),
    };
    let mut painter = Painter {
        schema,
        class,
        key,
        field: &class.name,
        path: Vec::new(),
        out: vec![create],
    };
    for (column, node) in class.columns.iter().zip(&document.fields) {
        painter.field = &column.name;
        painter.column(column, node);
    }
    painter.out
}

struct Painter<'a> {
    schema: &'a Schema,
    class: &'a Class,
    key: &'a PrimaryKey,
    field: &'a Name,
    path: Vec<PathElement>,
    out: Vec<Instruction>,
}

impl Painter<'_> {
    fn target(&self) -> Target {
        Target {
            class: self.class.name.clone(),
            key: self.key.clone(),
            field: self.field.clone(),
            path: self.path.clone(),
        }
    }

    fn update(&mut self, value: Payload) {
        let kind = UpdateKind::Property { is_default: false };
        self.out.push(Instruction::Update {
            target: self.target(),
            value,
            kind,
        });
    }

    /// Writes what a field holds. The collection of a collection column is there already.
    fn column(&mut self, column: &Column, node: &Node) {
        if *node == Node::default_of(column) {
            return;
        }
        let embedded = self.schema.embedded_target(column);
        if column.collection == CollectionKind::Single {
            if let Node::Value(value) = node
                && keeps_zero(&Node::default_of(column), value)
            {
                // Something else first, or the original's storage would keep the zero of a new object (OT12).
                self.update(Payload::Value(match value {
                    Value::Float(_) => Value::Float(1.0),
                    _ => Value::Double(1.0),
                }));
            }
            self.place(embedded, node);
        } else {
            self.fill(embedded, node);
        }
    }

    /// Makes the node where nothing is yet: in a property or under a dictionary key.
    fn place(&mut self, embedded: Option<&Class>, node: &Node) {
        self.update(node.marker());
        self.fill(embedded, node);
    }

    /// Writes what a collection or embedded object that is there, empty, holds.
    fn fill(&mut self, embedded: Option<&Class>, node: &Node) {
        match node {
            Node::Value(_) => {}
            Node::Set(elements) => {
                for element in elements {
                    let value = Payload::Value(element.clone());
                    self.out.push(Instruction::SetInsert {
                        target: self.target(),
                        value,
                    });
                }
            }
            Node::List(elements) => self.list(embedded, elements),
            Node::Dictionary(entries) => {
                for (key, entry) in entries {
                    self.path.push(PathElement::Key(key.clone()));
                    self.place(embedded, entry);
                    self.path.pop();
                }
            }
            Node::Object(document) => self.object(embedded, document),
        }
    }

    fn list(&mut self, embedded: Option<&Class>, elements: &[Node]) {
        for (index, element) in (0_u32..).zip(elements) {
            self.path.push(PathElement::Index(index));
            let value = element.marker();
            self.out.push(Instruction::ArrayInsert {
                target: self.target(),
                value,
                prior_size: index,
            });
            self.fill(embedded, element);
            self.path.pop();
        }
    }

    fn object(&mut self, class: Option<&Class>, document: &Document) {
        let class = class.expect("only columns of embedded classes hold objects");
        for (column, node) in class.columns.iter().zip(&document.fields) {
            self.path.push(PathElement::Key(column.name.clone()));
            self.column(column, node);
            self.path.pop();
        }
    }
}
