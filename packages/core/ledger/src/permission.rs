//! What a user may write.

use rustc_hash::FxHashMap;
use tidemark_changeset::Name;

use crate::fields::{Fields, ObjectRow};
use crate::object::{ClassNumber, ObjectKey};
use crate::predicate::Predicate;
use crate::schema::LedgerSchema;
use crate::views::Role;

/// The write rules of a role, bound to the classes there are.
#[derive(Debug, Default)]
pub struct WriteRules {
    role: Option<Role>,
    classes: FxHashMap<ClassNumber, Predicate>,
}

impl WriteRules {
    /// Rules of a role.
    pub fn new(role: Role) -> Self {
        Self {
            role: Some(role),
            classes: FxHashMap::default(),
        }
    }

    /// Binds the rule of a class if that was not possible before: classes and fields appear while a session
    /// lives.
    pub fn prepare(&mut self, schema: &LedgerSchema, class: &Name) {
        let (Some(number), Some(role)) = (schema.number(class), &self.role) else {
            return;
        };
        let bound = self.classes.get(&number);
        if bound.is_some_and(|rule| !matches!(rule, Predicate::Nothing)) {
            return;
        }
        let text = class.as_str().map_or("", |name| &role.of(name).write);
        let rule = Predicate::compile(schema, class, text).unwrap_or(Predicate::Nothing);
        self.classes.insert(number, rule);
    }

    /// Whether every object of a class may be written.
    pub fn allow_all(&self, class: ClassNumber) -> bool {
        matches!(self.classes.get(&class), Some(Predicate::Everything))
    }

    /// Whether an object with these fields may be written. One that does not exist is no obstacle.
    pub fn allow(
        &self,
        schema: &LedgerSchema,
        object: &ObjectKey,
        fields: Option<Fields<'_>>,
    ) -> bool {
        let Some(fields) = fields else { return true };
        let number = object.class();
        let rule = self.classes.get(&number).unwrap_or(&Predicate::Nothing);
        match (rule, schema.name(number), schema.class(number)) {
            (Predicate::Everything, ..) => true,
            (Predicate::Query { .. }, Some(name), Some(class)) => {
                let (key, columns) = (object.key(), &class.columns);
                let row = ObjectRow {
                    class: name,
                    key: &key,
                    columns,
                    schema: &schema.model,
                    fields,
                };
                rule.matches(&row)
            }
            _ => false,
        }
    }
}
