//! Changes of a schema that has versions: what a client or the operator adds to one, and what makes a new
//! one.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, TableSpec,
};
use tidemark_model::{Class, ClassKind, Column};

use crate::limits::{CLASSES_MAX, COLUMNS_MAX, SCHEMA_VERSIONS_MAX};
use crate::object::ClassNumber;
use crate::schema::{LedgerSchema, column_spec, key_field, table_spec};
use crate::schema_conflict::{Contradiction, Extension, SchemaConflict, describe_addition};
use crate::schema_versions::{SchemaVersion, has_null_keys, is_marked, physical, shown};

/// Who says a schema instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// A client of a version.
    Client(u64),
    /// The operator, who speaks of the newest version, and does not say whether elements may be null.
    Operator,
}

/// What became of a schema instruction: what it is to the schema, and the instruction in physical names.
pub type Extended = std::result::Result<(Extension, Instruction), SchemaConflict>;

/// What an operator's schema says of one property or class.
enum Said<'a> {
    Table(&'a Name, &'a TableSpec),
    Column(&'a Name, &'a Name, &'a ColumnSpec),
}

impl<'a> Said<'a> {
    fn by(instruction: &'a Instruction) -> std::result::Result<Self, SchemaConflict> {
        match instruction {
            Instruction::AddTable { class, spec } => Ok(Self::Table(class, spec)),
            Instruction::AddColumn { class, field, spec } => Ok(Self::Column(class, field, spec)),
            Instruction::EraseTable { class } => Err(SchemaConflict::Impossible(format!(
                "removing schema \"{class}\""
            ))),
            Instruction::EraseColumn { class, field } => Err(SchemaConflict::Impossible(format!(
                "removing field \"{field}\" in schema \"{class}\""
            ))),
            _ => Err(SchemaConflict::Impossible("not a schema change".to_owned())),
        }
    }
}

fn impossible<T>(text: impl Into<String>) -> std::result::Result<T, SchemaConflict> {
    Err(SchemaConflict::Impossible(text.into()))
}

/// Whether objects of two descriptions can be the same ones.
fn is_same_class(known: &TableSpec, said: &TableSpec) -> bool {
    let mut known = known.clone();
    if let (
        TableSpec::TopLevel { key_nullable, .. },
        TableSpec::TopLevel {
            key_nullable: said, ..
        },
    ) = (&mut known, said)
    {
        *key_nullable = *said;
    }
    known == *said
}

/// Whether two descriptions can be of the same values.
fn is_same_column(known: &ColumnSpec, said: &ColumnSpec) -> bool {
    known.column_type == said.column_type
        && known.collection == said.collection
        && known.target == said.target
}

/// Whether values may be null, in the form in which the model has it.
fn model_nullable(spec: &ColumnSpec) -> bool {
    match (spec.column_type, spec.collection) {
        (ColumnType::Mixed, _)
        | (ColumnType::Link, CollectionKind::Single | CollectionKind::Dictionary) => true,
        (ColumnType::Link, _) => false,
        _ => spec.nullable,
    }
}

impl LedgerSchema {
    /// Takes a schema instruction in the names of a version.
    pub fn extend_as(&mut self, speaker: Speaker, instruction: &Instruction) -> Extended {
        if self.versions.is_empty() {
            let extension = match speaker {
                Speaker::Client(_) => self.extend(instruction),
                Speaker::Operator => self.adopt(instruction),
            };
            return extension.map(|extension| (extension, instruction.clone()));
        }
        match Said::by(instruction)? {
            Said::Table(class, spec) => self.extend_tables(speaker, instruction, (class, spec)),
            Said::Column(class, field, spec) => {
                self.extend_columns(speaker, instruction, (class, field, spec))
            }
        }
    }

    fn version_of(
        &self,
        speaker: Speaker,
    ) -> std::result::Result<(usize, &SchemaVersion), SchemaConflict> {
        let version = match speaker {
            Speaker::Client(version) => version,
            Speaker::Operator => self.newest_version(),
        };
        let index = usize::try_from(version).unwrap_or(usize::MAX);
        match self.versions.get(index) {
            Some(known) => Ok((index, known)),
            None => impossible("no such version of the schema"),
        }
    }

    /// Additions go to the newest version: its clients alone are told of them.
    fn check_addition(
        &self,
        version: usize,
        instruction: &Instruction,
    ) -> std::result::Result<(), SchemaConflict> {
        let newest = self.newest_version();
        if version as u64 != newest {
            let what = describe_addition(instruction);
            return Err(SchemaConflict::Outdated(format!(
                "{what}, schema version {version} can no longer be changed, the newest one is {newest}"
            )));
        }
        self.check_limits(instruction)
    }

    fn extend_tables(
        &mut self,
        speaker: Speaker,
        instruction: &Instruction,
        (class, spec): (&Name, &TableSpec),
    ) -> Extended {
        let (at, version) = self.version_of(speaker)?;
        if let Some(number) = version.number(class) {
            let known = self.class(number).map(table_spec);
            let mut known = known.unwrap_or(TableSpec::Embedded);
            if let (TableSpec::TopLevel { key_nullable, .. }, Some(shown)) =
                (&mut known, version.classes.get(&number))
            {
                *key_nullable = shown.key_nullable;
            }
            if known == *spec {
                return Ok((Extension::Known, instruction.clone()));
            }
            let what = Contradiction::of_class(class, &known, spec);
            return Err(SchemaConflict::Contradiction(what));
        }
        self.check_addition(at, instruction)?;
        let (number, name) = self.insert_class(class, spec)?;
        let key_nullable = self.class(number).is_some_and(has_null_keys);
        if let Some(version) = self.versions.get_mut(at) {
            version.show(&name, number, key_nullable);
        }
        let added = Instruction::AddTable {
            class: name,
            spec: spec.clone(),
        };
        Ok((Extension::Added, added))
    }

    fn extend_columns(
        &mut self,
        speaker: Speaker,
        instruction: &Instruction,
        (class, field, spec): (&Name, &Name, &ColumnSpec),
    ) -> Extended {
        let (at, version) = self.version_of(speaker)?;
        let Some(number) = version.number(class) else {
            return impossible(format!("no schema \"{class}\""));
        };
        let target = match &spec.target {
            Some(target) if spec.column_type == ColumnType::Link => match version.number(target) {
                Some(number) => self.name(number).cloned(),
                None => return impossible(format!("no schema \"{target}\"")),
            },
            _ => None,
        };
        let (column_type, collection) = (spec.column_type, spec.collection);
        let spec = ColumnSpec::new(column_type, spec.nullable, collection, target);
        let shown_class = version.classes.get(&number);
        let Some(index) = shown_class.and_then(|shown| shown.column(field)) else {
            if self.is_key(number, &field.to_string()) {
                return self.repeat_key(number, instruction, &spec);
            }
            self.check_addition(at, instruction)?;
            return self.add_column(speaker, at, (number, field), spec);
        };
        let nullable = shown_class.and_then(|shown| shown.columns.get(&index).copied());
        let column = self
            .class(number)
            .and_then(|class| class.columns.get(usize::from(index)));
        let Some(column) = column else {
            return impossible("a column is missing");
        };
        let class = self.name(number).cloned().unwrap_or_else(|| class.clone());
        let named = Instruction::AddColumn {
            class,
            field: column.name.clone(),
            spec: spec.clone(),
        };
        let mut known = column_spec(column);
        if collection == CollectionKind::Single {
            known.nullable = nullable.unwrap_or(known.nullable);
        } else if speaker == Speaker::Operator {
            known.nullable = spec.nullable;
        } else if self.is_open_at((number, index)) {
            self.settle((number, index), &named)?;
            return Ok((Extension::Settled, named));
        }
        if known == spec {
            return Ok((Extension::Known, named));
        }
        known.target = known.target.as_ref().map(shown);
        let said = ColumnSpec {
            target: spec.target.as_ref().map(shown),
            ..spec
        };
        let what = Contradiction::of_property(&shown(named.class()), field, &known, &said);
        Err(SchemaConflict::Contradiction(what))
    }

    /// Makes a column that a version shows.
    fn add_column(
        &mut self,
        speaker: Speaker,
        version: usize,
        (number, field): (ClassNumber, &Name),
        spec: ColumnSpec,
    ) -> Extended {
        let (index, name) = self.insert_column(number, field, &spec)?;
        let version = self.versions.get_mut(version);
        if let Some(shown) = version.and_then(|of| of.classes.get_mut(&number)) {
            shown.show(&name, index, model_nullable(&spec));
        }
        if speaker == Speaker::Operator && spec.collection != CollectionKind::Single {
            self.set_open((number, index));
        }
        let Some(class) = self.name(number).cloned() else {
            return impossible("no such class");
        };
        let added = Instruction::AddColumn {
            class,
            field: name,
            spec,
        };
        Ok((Extension::Added, added))
    }

    /// A client may name the primary key as a column; that adds nothing.
    fn repeat_key(
        &self,
        number: ClassNumber,
        instruction: &Instruction,
        spec: &ColumnSpec,
    ) -> Extended {
        let key_type = self
            .class(number)
            .and_then(Class::key_field)
            .map(|key| key.key_type);
        let fits = match key_type {
            Some(KeyType::Int) => spec.column_type == ColumnType::Int,
            Some(KeyType::String) => spec.column_type == ColumnType::String,
            Some(KeyType::ObjectId) => spec.column_type == ColumnType::ObjectId,
            Some(KeyType::Uuid) => spec.column_type == ColumnType::Uuid,
            _ => false,
        };
        if fits && spec.collection == CollectionKind::Single {
            return Ok((Extension::Known, instruction.clone()));
        }
        impossible("the primary key is of another type")
    }

    /// Makes a physical class for a shown name.
    fn insert_class(
        &mut self,
        class: &Name,
        spec: &TableSpec,
    ) -> std::result::Result<(ClassNumber, Name), SchemaConflict> {
        if self.len() >= CLASSES_MAX {
            return impossible("too many classes");
        }
        let name = physical(class, |name| self.model.classes.contains_key(name));
        let number = self.put_class(&name, spec);
        Ok((number, name))
    }

    fn put_class(&mut self, name: &Name, spec: &TableSpec) -> ClassNumber {
        let kind = match spec.clone() {
            TableSpec::Embedded => ClassKind::Embedded,
            TableSpec::TopLevel {
                key_field,
                key_type,
                key_nullable,
                asymmetric: true,
            } => ClassKind::Asymmetric {
                key_field,
                key_type,
                key_nullable,
            },
            TableSpec::TopLevel {
                key_field,
                key_type,
                key_nullable,
                asymmetric: false,
            } => ClassKind::TopLevel {
                key_field,
                key_type,
                key_nullable,
            },
        };
        let class = Class {
            name: name.clone(),
            kind,
            columns: Vec::new(),
        };
        self.model.classes.insert(name.clone(), class);
        self.number_class(name)
    }

    /// Makes a physical column for a shown name; the target is a physical class.
    fn insert_column(
        &mut self,
        class: ClassNumber,
        field: &Name,
        spec: &ColumnSpec,
    ) -> std::result::Result<(u16, Name), SchemaConflict> {
        let known = self.class(class).map_or(&[][..], |class| &class.columns);
        if known.len() >= COLUMNS_MAX {
            return impossible("too many fields");
        }
        if !spec.column_type.is_storable() {
            return impossible("bad column type");
        }
        let name = physical(field, |name| {
            known.iter().any(|column| column.name == *name)
        });
        match self.put_column(class, &name, spec) {
            Some(index) => Ok((index, name)),
            None => impossible("no such class"),
        }
    }

    fn put_column(&mut self, class: ClassNumber, name: &Name, spec: &ColumnSpec) -> Option<u16> {
        let of = self.name(class)?.clone();
        let columns = &mut self.model.classes.get_mut(&of)?.columns;
        let index = u16::try_from(columns.len()).ok()?;
        columns.push(Column {
            name: name.clone(),
            column_type: spec.column_type,
            nullable: model_nullable(spec),
            collection: spec.collection,
            target: spec.target.clone(),
        });
        Some(index)
    }

    /// Puts back what was written, in physical names.
    pub(crate) fn restore(
        &mut self,
        instruction: &Instruction,
    ) -> std::result::Result<(), SchemaConflict> {
        match Said::by(instruction)? {
            Said::Table(class, spec) if is_marked(class) => {
                self.put_class(class, spec);
            }
            Said::Column(class, field, spec) if is_marked(field) || is_marked(class) => {
                let number = self.number(class);
                if number
                    .and_then(|number| self.put_column(number, field, spec))
                    .is_none()
                {
                    return impossible("no such class");
                }
            }
            _ => {
                self.extend(instruction)?;
            }
        }
        Ok(())
    }

    /// Makes a new version that holds these classes, without what is removed of the newest one. What is
    /// there from any version is taken up again where it can be the same.
    ///
    /// # Errors
    ///
    /// The schema is then to be thrown away.
    pub fn advance(
        &mut self,
        instructions: &[Instruction],
        removed: &[(Name, Option<Name>)],
    ) -> std::result::Result<(), SchemaConflict> {
        if self.versions.is_empty() {
            self.versions.push(self.whole());
        }
        if self.versions.len() >= SCHEMA_VERSIONS_MAX {
            return impossible("too many versions of the schema");
        }
        let mut next = self.versions.last().cloned().unwrap_or_default();
        for (class, field) in removed {
            match field {
                None => next.hide(class),
                Some(field) => {
                    let shown = next
                        .number(class)
                        .and_then(|number| next.classes.get_mut(&number));
                    if let Some(shown) = shown {
                        shown.hide(field);
                    }
                }
            }
        }
        for instruction in instructions {
            if let Said::Table(class, spec) = Said::by(instruction)? {
                self.advance_class(&mut next, instruction, (class, spec))?;
            }
        }
        self.drop_dangling(&mut next);
        for instruction in instructions {
            if let Said::Column(class, field, spec) = Said::by(instruction)? {
                self.advance_column(&mut next, instruction, (class, field, spec))?;
            }
        }
        self.versions.push(next);
        Ok(())
    }

    fn advance_class(
        &mut self,
        next: &mut SchemaVersion,
        instruction: &Instruction,
        (class, spec): (&Name, &TableSpec),
    ) -> std::result::Result<(), SchemaConflict> {
        let is_same = |number: &ClassNumber| {
            let known = self.class(*number);
            known.is_some_and(|known| {
                shown(&known.name) == *class && is_same_class(&table_spec(known), spec)
            })
        };
        let numbers = 0..ClassNumber::try_from(self.len()).unwrap_or(ClassNumber::MAX);
        let present = next.number(class).filter(&is_same);
        let found = present.or_else(|| numbers.rev().find(&is_same));
        let number = if let Some(number) = found {
            number
        } else {
            self.check_limits(instruction)?;
            self.insert_class(class, spec)?.0
        };
        let key_nullable = matches!(
            spec,
            TableSpec::TopLevel {
                key_nullable: true,
                ..
            }
        );
        if let Some(name) = self.name(number).cloned() {
            if key_nullable && let Some(known) = self.model.classes.get_mut(&name) {
                allow_null_keys(known);
            }
            next.show(&name, number, key_nullable);
        }
        Ok(())
    }

    /// No longer shows columns that lead to classes that are not shown.
    fn drop_dangling(&self, next: &mut SchemaVersion) {
        let is_shown: Vec<ClassNumber> = next.classes.keys().copied().collect();
        for (number, shown_class) in &mut next.classes {
            let Some(class) = self.class(*number) else {
                continue;
            };
            for column in &class.columns {
                let target = column
                    .target
                    .as_ref()
                    .and_then(|target| self.number(target));
                let dangles = target.is_some_and(|target| is_shown.binary_search(&target).is_err());
                let field = shown(&column.name);
                if dangles
                    && shown_class.column(&field)
                        == class.column_index(&column.name).and_then(index)
                {
                    shown_class.hide(&field);
                }
            }
        }
    }

    fn advance_column(
        &mut self,
        next: &mut SchemaVersion,
        instruction: &Instruction,
        (class, field, spec): (&Name, &Name, &ColumnSpec),
    ) -> std::result::Result<(), SchemaConflict> {
        let Some(number) = next.number(class) else {
            return impossible(format!("no schema \"{class}\""));
        };
        if self.class(number).and_then(key_field) == Some(field) {
            return Ok(());
        }
        let target = match &spec.target {
            Some(target) if spec.column_type == ColumnType::Link => match next.number(target) {
                Some(target) => self.name(target).cloned(),
                None => return impossible(format!("no schema \"{target}\"")),
            },
            _ => None,
        };
        let spec = ColumnSpec::new(spec.column_type, spec.nullable, spec.collection, target);
        let columns = self.class(number).map_or(&[][..], |class| &class.columns);
        let is_same = |at: &u16| {
            let column = columns.get(usize::from(*at));
            column.is_some_and(|known| {
                shown(&known.name) == *field && is_same_column(&column_spec(known), &spec)
            })
        };
        let present = next
            .classes
            .get(&number)
            .and_then(|shown| shown.column(field));
        let present = present.filter(&is_same);
        let all = 0..u16::try_from(columns.len()).unwrap_or(u16::MAX);
        let found = present.or_else(|| all.rev().find(&is_same));
        let index = if let Some(index) = found {
            index
        } else {
            self.check_limits(instruction)?;
            let (index, _) = self.insert_column(number, field, &spec)?;
            if spec.collection != CollectionKind::Single {
                self.set_open((number, index));
            }
            index
        };
        let nullable = model_nullable(&spec);
        let of = self.name(number).cloned();
        let of = of.and_then(|name| self.model.classes.get_mut(&name));
        // Only single values may be null in one version and not in another.
        if let Some(column) = of.and_then(|class| class.columns.get_mut(usize::from(index))) {
            column.nullable |= nullable && spec.collection == CollectionKind::Single;
            if let Some(shown) = next.classes.get_mut(&number) {
                shown.show(&column.name, index, nullable);
            }
        }
        Ok(())
    }

    /// Makes the newest version one of that number, and gives those before it that are missing what it holds.
    pub fn count_from(&mut self, version: u64) -> std::result::Result<(), SchemaConflict> {
        let count = usize::try_from(version).unwrap_or(usize::MAX);
        if count >= SCHEMA_VERSIONS_MAX {
            return impossible("too many versions of the schema");
        }
        let newest = self.versions.last().cloned();
        let newest = newest.unwrap_or_else(|| self.whole());
        self.versions.resize(count + 1, newest);
        Ok(())
    }

    /// Begins with version 0 again, which is what the newest one was.
    pub fn start_over(&mut self) {
        let newest = self.versions.pop();
        self.versions = newest.into_iter().collect();
    }
}

fn index(index: usize) -> Option<u16> {
    u16::try_from(index).ok()
}

fn allow_null_keys(class: &mut Class) {
    match &mut class.kind {
        ClassKind::TopLevel { key_nullable, .. } | ClassKind::Asymmetric { key_nullable, .. } => {
            *key_nullable = true;
        }
        ClassKind::Embedded => {}
    }
}
