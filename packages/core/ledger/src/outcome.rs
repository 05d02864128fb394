//! What integrating a changeset, or a change by the server, writes.

use std::sync::Arc;

use tidemark_changeset::Instruction;

use crate::entries::{TouchedClass, TouchedObject};
use crate::object::ObjectKey;
use crate::records::Compensation;
use crate::rows::{Marks, OwnUpload, Record, Rejection};
use crate::schema::LedgerSchema;

/// A row that changes.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// The object.
    pub object: ObjectKey,
    /// Its row before.
    pub before: Option<Arc<[u8]>>,
    /// Its row after.
    pub after: Option<Arc<[u8]>>,
}

/// Everything an integrated changeset writes.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many of the instructions are about the schema; they stand first.
    pub schema_instructions: usize,
    /// The transformed changeset.
    pub instructions: Vec<Instruction>,
    /// What the entry says about touched objects.
    pub classes: Vec<TouchedClass>,
    /// Lines of the index by object.
    pub touches: Vec<(ObjectKey, Marks)>,
    /// Rows that change.
    pub rows: Vec<RowChange>,
    /// What is kept of the upload itself.
    pub own: Option<OwnUpload>,
    /// Records for its client.
    pub records: Vec<(ObjectKey, Record)>,
    /// The 231 for its client, if something was rejected.
    pub compensation: Option<Compensation>,
    /// Objects on which it met a foreign change.
    pub conflicts: usize,
}

impl Outcome {
    /// Puts touched classes and objects in the order entries keep them in.
    pub(crate) fn sort(&mut self) {
        self.classes.sort_by_key(|class| class.class);
        for class in &mut self.classes {
            class
                .objects
                .sort_by(|left, right| left.object.cmp(&right.object));
        }
    }

    /// How many objects the client is to be given afresh, other than after compensations.
    pub fn refreshes(&self) -> usize {
        let refresh = |(_, record): &&(ObjectKey, Record)| record.rejection.is_none();
        self.records.iter().filter(refresh).count()
    }

    /// Adds an object whose part of the changeset is compensated; `image` is its row now.
    pub(crate) fn compensate(
        &mut self,
        object: &ObjectKey,
        rejection: Rejection,
        image: Option<Arc<[u8]>>,
        client_version: u64,
    ) {
        let forbidden = rejection == Rejection::Forbidden;
        let marks = Marks {
            ghost: true,
            compensated: true,
            forbidden,
            record: true,
            ..Marks::default()
        };
        self.touches.push((object.clone(), marks));
        self.records.push((
            object.clone(),
            Record {
                client_version,
                rejection: Some(rejection),
                image,
            },
        ));
    }

    /// Adds a touched object.
    pub(crate) fn touch(&mut self, schema: &LedgerSchema, touched: TouchedObject) {
        let number = touched.object.class();
        if let Some(class) = self
            .classes
            .iter_mut()
            .rev()
            .find(|class| class.class == number)
        {
            class.objects.push(touched);
        } else {
            let columns = schema.evaluated(number);
            self.classes.push(TouchedClass {
                class: number,
                columns,
                objects: vec![touched],
            });
        }
    }
}
