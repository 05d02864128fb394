//! What a user may write.

use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use tidemark_changeset::packed::{self, Packed};
use tidemark_changeset::{Instruction, Name, Payload, Target, Value};
use tidemark_model::{Node, Schema, column_at};

use crate::field_access::{FieldAccess, Reach};
use crate::fields::{Fields, ObjectRow};
use crate::object::{ClassNumber, ObjectKey};
use crate::predicate::Predicate;
use crate::schema::LedgerSchema;
use crate::views::Role;

/// The write rules of a role, bound to the classes there are.
#[derive(Debug, Default)]
pub struct WriteRules {
    role: Option<Role>,
    /// The indexed queryable field: clients do not change it in an object that exists.
    indexed: Option<Name>,
    classes: FxHashMap<ClassNumber, ClassRules>,
}

#[derive(Debug)]
struct ClassRules {
    write: Predicate,
    insert: Predicate,
    delete: Predicate,
    writable: FieldAccess,
    /// The column that keeps its value, whoever writes.
    fixed: Option<u16>,
    /// The revision of the schema in which all of it was looked for: what is not there has to be looked for
    /// again in another one only.
    revision: u64,
}

impl ClassRules {
    fn all(&self) -> [&Predicate; 3] {
        [&self.write, &self.insert, &self.delete]
    }
}

/// An object before and after a write, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// `None` if it did not exist.
    pub before: Option<Fields<'a>>,
    /// `None` if it does not exist any more.
    pub after: Option<Fields<'a>>,
    /// Whether it was deleted in between, and is another one now.
    pub is_another: bool,
}

impl WriteRules {
    /// Rules of a role, and the field whose value no client changes in an object that exists.
    pub fn new(role: Role, indexed: Option<Name>) -> Self {
        Self {
            role: Some(role),
            indexed,
            classes: FxHashMap::default(),
        }
    }

    /// Binds the rules of a class if that was not possible before: classes and fields appear while a session
    /// lives, and `revision` tells the schema from any other.
    pub fn prepare(&mut self, (schema, revision): (&LedgerSchema, u64), class: &Name) {
        let (Some(number), Some(role)) = (schema.number(class), &self.role) else {
            return;
        };
        let is_bound = |rule: &&Predicate| !matches!(rule, Predicate::Nothing);
        let bound = self.classes.get(&number);
        let has_fixed = |rules: &ClassRules| self.indexed.is_none() || rules.fixed.is_some();
        let is_settled = |rules: &ClassRules| {
            rules.revision == revision || (has_fixed(rules) && rules.all().iter().all(is_bound))
        };
        if bound.is_some_and(is_settled) {
            return;
        }
        let Some(role) = class.as_str().map(|name| role.of(name)) else {
            return;
        };
        let names = schema.newest_names();
        let bind =
            |text: &str| Predicate::compile(&names, class, text).unwrap_or(Predicate::Nothing);
        let rules = ClassRules {
            write: bind(&role.write),
            insert: bind(&role.insert),
            delete: bind(&role.delete),
            writable: role.writable.clone(),
            fixed: self
                .indexed
                .as_ref()
                .and_then(|field| names.column(number, field)),
            revision,
        };
        self.classes.insert(number, rules);
    }

    /// Whether any object of a class may be created, written and deleted, as far as predicates are concerned.
    pub fn allow_all(&self, class: ClassNumber) -> bool {
        let is_all = |rule: &&Predicate| matches!(rule, Predicate::Everything);
        let rules = self.classes.get(&class);
        rules.is_some_and(|rules| rules.fixed.is_none() && rules.all().iter().all(is_all))
    }

    /// Whether an object may be written so. What neither was there nor is there is no obstacle.
    pub fn allow(&self, schema: &LedgerSchema, object: &ObjectKey, written: Written<'_>) -> bool {
        let number = object.class();
        let Some(rules) = self.classes.get(&number) else {
            return written.before.is_none() && written.after.is_none();
        };
        let holds = |rule: &Predicate, fields| is_met(rule, schema, object, fields);
        match (written.before, written.after) {
            (None, None) => true,
            (None, Some(after)) => holds(&rules.insert, after),
            (Some(before), None) => holds(&rules.delete, before),
            (Some(before), Some(after)) if written.is_another => {
                holds(&rules.delete, before) && holds(&rules.insert, after)
            }
            (Some(before), Some(after)) => {
                holds(&rules.write, before)
                    && holds(&rules.write, after)
                    && rules
                        .fixed
                        .is_none_or(|column| is_same(schema, number, column, (before, after)))
            }
        }
    }

    /// Whether a client's own instructions on an object are on fields that may be written, each in full.
    /// `existed`: whether it was there before.
    pub fn allow_fields(
        &self,
        schema: &LedgerSchema,
        object: &ObjectKey,
        instructions: &[Instruction],
        existed: bool,
    ) -> bool {
        let Some(rules) = self.classes.get(&object.class()) else {
            return false;
        };
        if rules.writable.is_all() {
            return true;
        }
        let creates = matches!(instructions.first(), Some(Instruction::CreateObject { .. }));
        instructions.iter().all(|instruction| {
            let Some(target) = instruction.target() else {
                return true;
            };
            rules.writable.reach(&schema.model, target) == Reach::All
                || (creates && !existed && says_nothing(&schema.model, target, instruction))
        })
    }
}

/// Whether a column of a class holds the same in two states of an object.
fn is_same(
    schema: &LedgerSchema,
    class: ClassNumber,
    column: u16,
    (before, after): (Fields<'_>, Fields<'_>),
) -> bool {
    let columns = schema.class(class).map_or(&[][..], |class| &class.columns);
    let Some(definition) = columns.get(usize::from(column)) else {
        return true;
    };
    let default = Node::default_of(definition).marker();
    // An object that is older than the column holds the default.
    let value = |fields: Fields<'_>| {
        let bytes = fields.column(usize::from(column));
        let packed = bytes.and_then(|bytes| packed::Reader::new(bytes).value().ok());
        packed.map_or_else(|| default.clone(), payload_of)
    };
    value(before) == value(after)
}

/// A packed value of the types that an indexed queryable field may have.
fn payload_of(value: Packed<'_>) -> Payload {
    Payload::Value(match value {
        Packed::Int(value) => Value::Int(value),
        Packed::String(value) => Value::String(Name::from(value)),
        Packed::ObjectId(value) => Value::ObjectId(value),
        Packed::Uuid(value) => Value::Uuid(value),
        _ => Value::Null,
    })
}

fn is_met(rule: &Predicate, schema: &LedgerSchema, object: &ObjectKey, fields: Fields<'_>) -> bool {
    let number = object.class();
    match (rule, schema.name(number), schema.class(number)) {
        (Predicate::Everything, ..) => true,
        (Predicate::Query { .. }, Some(name), Some(class)) => {
            let row = ObjectRow {
                class: name,
                object,
                key: OnceCell::new(),
                columns: &class.columns,
                schema: &schema.model,
                fields,
            };
            rule.matches(&row)
        }
        _ => false,
    }
}

/// Whether an instruction leaves a field of an object that was just created as the creation made it. SDKs
/// that copy whole objects into a file name every field of them.
fn says_nothing(schema: &Schema, target: &Target, instruction: &Instruction) -> bool {
    if !target.path.is_empty() {
        return false;
    }
    match instruction {
        Instruction::Clear { .. } => true,
        Instruction::Update { value, .. } => {
            let column = column_at(schema, target);
            column.is_some_and(|column| *value == Node::default_of(column).marker())
        }
        _ => false,
    }
}
