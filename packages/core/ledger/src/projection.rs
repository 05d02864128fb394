//! Changesets in the names of a version of the schema, and back.
//!
//! What a version does not show is left out on the way to a client, and refused on the way from one. Where a
//! version requires a value that others may leave null, null is shown as the type's zero.

use tidemark_changeset::{
    CollectionKind, Instruction, Link, Name, PathElement, Payload, PrimaryKey, TableSpec, Target,
    Value,
};
use tidemark_model::{Column, Node};

use crate::object::ClassNumber;
use crate::schema::{column_spec, table_spec};
use crate::schema_versions::{Names, ShownClass, shown};

/// Which way a changeset is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From shown names to physical ones.
    In,
    /// From physical names to shown ones.
    Out,
}

/// Where an instruction acts, in the other names.
struct Place<'a> {
    target: Target,
    /// The class, and the column in it, at the end of the way.
    end: (ClassNumber, u16),
    column: &'a Column,
    /// Whether it acts on the whole value of a column that the version requires.
    is_required: bool,
}

impl<'a> Names<'a> {
    /// A client's instruction on an object, in physical names.
    ///
    /// # Errors
    ///
    /// The text says what the version does not have.
    pub fn inward(&self, instruction: &Instruction) -> Result<Instruction, String> {
        self.translate(Way::In, instruction)
    }

    /// An instruction as the version's clients are told; `None` if they are not.
    pub fn outward(&self, instruction: &Instruction) -> Option<Instruction> {
        match instruction {
            Instruction::AddTable { class, .. } => {
                let number = self.schema.number(class)?;
                let known = self.class_of(number)?;
                let mut spec = table_spec(self.schema.class(number)?);
                if let TableSpec::TopLevel { key_nullable, .. } = &mut spec {
                    *key_nullable = known.key_nullable;
                }
                Some(Instruction::AddTable {
                    class: shown(class),
                    spec,
                })
            }
            Instruction::AddColumn { class, field, spec } => {
                let number = self.schema.number(class)?;
                let index = self.schema.class(number)?.column_index(field)?;
                let column = self.schema.class(number)?.columns.get(index)?;
                let nullable = self
                    .class_of(number)?
                    .columns
                    .get(&u16::try_from(index).ok()?)?;
                let mut of_version = column_spec(column);
                if spec.collection == CollectionKind::Single {
                    of_version.nullable = *nullable;
                }
                of_version.target = of_version.target.as_ref().map(shown);
                let (class, field) = (shown(class), shown(field));
                Some(Instruction::AddColumn {
                    class,
                    field,
                    spec: of_version,
                })
            }
            other => self.translate(Way::Out, other).ok(),
        }
    }

    /// Instructions as the version's clients are told.
    pub fn all_outward(&self, instructions: Vec<Instruction>) -> Vec<Instruction> {
        if self.are_plain() {
            return instructions;
        }
        instructions
            .iter()
            .filter_map(|one| self.outward(one))
            .collect()
    }

    /// The column, and the class that it is of, at the end of a physical target's way.
    pub fn end_of(&self, target: &Target) -> Option<(ClassNumber, u16)> {
        self.place(Way::Out, target).ok().map(|place| place.end)
    }

    fn class_of(&self, number: ClassNumber) -> Option<&'a ShownClass> {
        self.shown?.classes.get(&number)
    }

    /// The class of a name on one side, and its name on the other.
    fn class(&self, way: Way, class: &Name) -> Result<(ClassNumber, Name), String> {
        let found = match way {
            Way::In => self.number(class),
            Way::Out => self
                .schema
                .number(class)
                .filter(|number| self.shows(*number)),
        };
        let number = found.ok_or_else(|| format!("no class \"{class}\""))?;
        let name = match way {
            Way::In => self.schema.name(number).cloned(),
            Way::Out => Some(shown(class)),
        };
        Ok((number, name.ok_or("a class without a name")?))
    }

    /// The class of an object in the other names.
    fn object(&self, way: Way, class: &Name, key: &PrimaryKey) -> Result<Name, String> {
        let (number, name) = self.class(way, class)?;
        let has_null = self.class_of(number).is_none_or(|known| known.key_nullable);
        if *key == PrimaryKey::Null && !has_null {
            return Err(format!("null is no key in \"{class}\""));
        }
        Ok(name)
    }

    fn translate(&self, way: Way, instruction: &Instruction) -> Result<Instruction, String> {
        let mut translated = instruction.clone();
        match &mut translated {
            Instruction::CreateObject { class, key } | Instruction::EraseObject { class, key } => {
                *class = self.object(way, class, key)?;
            }
            Instruction::AddInteger { target, .. }
            | Instruction::ArrayMove { target, .. }
            | Instruction::ArrayErase { target, .. }
            | Instruction::Clear { target, .. } => *target = self.place(way, target)?.target,
            Instruction::Update { target, value, .. }
            | Instruction::ArrayInsert { target, value, .. } => {
                let place = self.place(way, target)?;
                *value = self.value(way, &place, value)?;
                *target = place.target;
            }
            Instruction::SetInsert { target, value } | Instruction::SetErase { target, value } => {
                *target = self.place(way, target)?.target;
                *value = self.element(way, value)?;
            }
            _ => return Err("a schema instruction is no instruction on an object".to_owned()),
        }
        Ok(translated)
    }

    /// Follows a target through embedded objects.
    fn place(&self, way: Way, target: &Target) -> Result<Place<'a>, String> {
        let name = self.object(way, &target.class, &target.key)?;
        let (mut number, _) = self.class(way, &target.class)?;
        let mut path = target.path.as_slice();
        let (mut field, mut field_out) = (&target.field, None);
        let mut path_out = Vec::with_capacity(path.len());
        loop {
            let missing = || format!("no field \"{field}\" in \"{}\"", shown(&target.class));
            let class = self.schema.class(number).ok_or_else(missing)?;
            let index = match way {
                Way::In => self.column(number, field),
                Way::Out => class
                    .column_index(field)
                    .and_then(|index| u16::try_from(index).ok()),
            };
            let index = index.ok_or_else(missing)?;
            let nullable = self
                .class_of(number)
                .and_then(|class| class.columns.get(&index));
            let nullable = *nullable.ok_or_else(missing)?;
            let column = class.columns.get(usize::from(index)).ok_or_else(missing)?;
            let name_out = match way {
                Way::In => column.name.clone(),
                Way::Out => shown(&column.name),
            };
            match field_out {
                None => field_out = Some(name_out),
                Some(_) => path_out.push(PathElement::Key(name_out)),
            }
            let embedded = self.schema.model.embedded_target(column);
            let is_single = column.collection == CollectionKind::Single;
            if embedded.is_some() && !is_single {
                path_out.extend(path.first().cloned());
                path = path.get(1..).unwrap_or_default();
            }
            if let (Some(embedded), Some((PathElement::Key(next), rest))) =
                (embedded, path.split_first())
            {
                number = self.schema.number(&embedded.name).ok_or_else(missing)?;
                (field, path) = (next, rest);
                continue;
            }
            let is_required = is_single && embedded.is_none() && path.is_empty() && !nullable;
            path_out.extend_from_slice(path);
            let (class, key) = (name, target.key.clone());
            let field = field_out.unwrap_or_else(|| target.field.clone());
            let target = Target {
                class,
                key,
                field,
                path: path_out,
            };
            return Ok(Place {
                target,
                end: (number, index),
                column,
                is_required,
            });
        }
    }

    fn value(&self, way: Way, place: &Place<'_>, value: &Payload) -> Result<Payload, String> {
        match value {
            Payload::Value(Value::Null) if place.is_required => match way {
                Way::In => Err(format!(
                    "null in the required field \"{}\"",
                    shown(&place.target.field)
                )),
                Way::Out => {
                    let required = Column {
                        nullable: false,
                        ..place.column.clone()
                    };
                    Ok(Node::default_of(&required).marker())
                }
            },
            // Another element keeps its index where a link to what is not shown stands.
            Payload::Value(Value::Link(_)) if way == Way::Out => Ok(self
                .element(way, value)
                .unwrap_or(Payload::Value(Value::Null))),
            other => self.element(way, other),
        }
    }

    /// A value by itself: a link leads to a class that has a name.
    fn element(&self, way: Way, value: &Payload) -> Result<Payload, String> {
        let Payload::Value(Value::Link(link)) = value else {
            return Ok(value.clone());
        };
        let class = self.object(way, &link.class, &link.key)?;
        let key = link.key.clone();
        Ok(Payload::Value(Value::Link(Box::new(Link { class, key }))))
    }
}
