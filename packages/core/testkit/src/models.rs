//! Models in memory, to be compared.

use tidemark_model::memory::Database as Model;
use tidemark_model::{Class, Document, Node, Schema};

/// Makes defaults explicit and puts columns into the order of their names: two files may have come by them in
/// different orders.
pub fn canonical(model: &mut Model) {
    model.fill();
    let Model { schema, objects } = model;
    for (class, objects) in objects {
        if let Some(class) = schema.class(class) {
            for document in objects.values_mut() {
                sort_fields(schema, class, document);
            }
        }
    }
    for class in schema.classes.values_mut() {
        class
            .columns
            .sort_by(|left, right| left.name.cmp(&right.name));
    }
}

fn sort_fields(schema: &Schema, class: &Class, document: &mut Document) {
    for (column, node) in class.columns.iter().zip(&mut document.fields) {
        if let Some(embedded) = schema.embedded_target(column) {
            let enter = |node: &mut Node| {
                if let Node::Object(inner) = node {
                    sort_fields(schema, embedded, inner);
                }
            };
            match node {
                Node::List(elements) => elements.iter_mut().for_each(enter),
                Node::Dictionary(entries) => entries.values_mut().for_each(enter),
                single => enter(single),
            }
        }
    }
    let fields = std::mem::take(&mut document.fields);
    let mut named: Vec<_> = class
        .columns
        .iter()
        .map(|column| &column.name)
        .zip(fields)
        .collect();
    named.sort_by(|left, right| left.0.cmp(right.0));
    document.fields = named.into_iter().map(|(_, node)| node).collect();
}
