//! The classes and columns of a history, and the objects that it speaks of.
//!
//! Each class of objects has three columns that a script does not name: `view`, by which subscriptions and
//! roles select; `count`, to which is only ever added; `tokens`, into which is only ever put.

use std::fmt;

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, ObjectId, PrimaryKey,
    TableSpec, Uuid,
};

use super::script::Words;

/// Values of `view`: 0 up to this.
pub const VIEWS: u32 = 4;

/// Objects per class that a script speaks of.
pub const KEYS: u32 = 4;

/// All classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// In the order of the script.
    pub classes: Vec<ClassLayout>,
    /// Whether values, keys of dictionaries and depths may be odd ones.
    pub is_odd: bool,
}

/// What a class is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassUse {
    Top { key_type: KeyType, nullable: bool },
    Asymmetric,
    Embedded,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassLayout {
    pub name: String,
    pub class_use: ClassUse,
    pub columns: Vec<ColumnLayout>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnLayout {
    pub name: String,
    pub spec: ColumnSpec,
    /// Whether clients add it on the way.
    pub is_extra: bool,
}

pub(super) const COLUMN_TYPES: [(&str, ColumnType); 12] = [
    ("mixed", ColumnType::Mixed),
    ("int", ColumnType::Int),
    ("bool", ColumnType::Bool),
    ("string", ColumnType::String),
    ("binary", ColumnType::Binary),
    ("date", ColumnType::Timestamp),
    ("float", ColumnType::Float),
    ("double", ColumnType::Double),
    ("decimal", ColumnType::Decimal),
    ("link", ColumnType::Link),
    ("objectId", ColumnType::ObjectId),
    ("uuid", ColumnType::Uuid),
];
pub(super) const KEY_TYPES: [(&str, KeyType); 4] = [
    ("int", KeyType::Int),
    ("string", KeyType::String),
    ("objectId", KeyType::ObjectId),
    ("uuid", KeyType::Uuid),
];
const COLLECTIONS: [(&str, CollectionKind); 4] = [
    ("single", CollectionKind::Single),
    ("list", CollectionKind::List),
    ("dictionary", CollectionKind::Dictionary),
    ("set", CollectionKind::Set),
];

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Result<T, String> {
    let found = table.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("'{name}' is not known"))
}

fn name_of<T: Copy + PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    let found = table.iter().find(|(_, known)| *known == value);
    found.map_or("?", |(name, _)| *name)
}

impl fmt::Display for Layout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_odd {
            writeln!(out, "values odd")?;
        }
        for class in &self.classes {
            let name = &class.name;
            match class.class_use {
                ClassUse::Embedded => writeln!(out, "class {name} embedded")?,
                ClassUse::Asymmetric => writeln!(out, "class {name} asymmetric")?,
                ClassUse::Top { key_type, nullable } => {
                    let key = name_of(&KEY_TYPES, key_type);
                    writeln!(out, "class {name} {key}{}", if nullable { "?" } else { "" })?;
                }
            }
        }
        for class in &self.classes {
            for column in &class.columns {
                let ColumnSpec {
                    column_type,
                    nullable,
                    collection,
                    target,
                    ..
                } = &column.spec;
                write!(out, "column {} {} ", class.name, column.name)?;
                write!(out, "{} ", name_of(&COLLECTIONS, *collection))?;
                write!(out, "{}", name_of(&COLUMN_TYPES, *column_type))?;
                if *nullable {
                    write!(out, "?")?;
                }
                if let Some(target) = target {
                    write!(out, " {target}")?;
                }
                writeln!(out, "{}", if column.is_extra { " extra" } else { "" })?;
            }
        }
        Ok(())
    }
}

impl Layout {
    pub(super) fn add_class(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let name = words.word()?.to_owned();
        let kind = words.word()?;
        let class_use = match kind {
            "embedded" => ClassUse::Embedded,
            "asymmetric" => ClassUse::Asymmetric,
            _ => ClassUse::Top {
                key_type: named(&KEY_TYPES, kind.trim_end_matches('?'))?,
                nullable: kind.ends_with('?'),
            },
        };
        self.classes.push(ClassLayout {
            name,
            class_use,
            columns: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn add_column(&mut self, words: &mut Words<'_>) -> Result<(), String> {
        let class = words.word()?;
        let name = words.word()?.to_owned();
        let collection = named(&COLLECTIONS, words.word()?)?;
        let kind = words.word()?;
        let column_type = named(&COLUMN_TYPES, kind.trim_end_matches('?'))?;
        let target = match column_type {
            ColumnType::Link => Some(Name::from(words.word()?)),
            _ => None,
        };
        let is_extra = words.optional() == Some("extra");
        let spec = ColumnSpec::new(column_type, kind.ends_with('?'), collection, target);
        let class = self.classes.iter_mut().find(|known| known.name == class);
        let class = class.ok_or("a column of no class")?;
        class.columns.push(ColumnLayout {
            name,
            spec,
            is_extra,
        });
        Ok(())
    }

    fn with(&self, wanted: impl Fn(ClassUse) -> bool) -> impl Iterator<Item = &ClassLayout> {
        self.classes
            .iter()
            .filter(move |class| wanted(class.class_use))
    }

    /// The classes of objects that are kept and sent both ways.
    pub fn tops(&self) -> impl Iterator<Item = &ClassLayout> {
        self.with(|class_use| matches!(class_use, ClassUse::Top { .. }))
    }

    /// A class of [`Layout::tops`]; the number wraps around.
    pub fn top(&self, number: u32) -> Option<&ClassLayout> {
        let count = self.tops().count();
        self.tops().nth(wrap(number, count)?)
    }

    /// A class of objects that are only sent up; the number wraps around.
    pub fn asymmetric(&self, number: u32) -> Option<&ClassLayout> {
        let of_that_use = || self.with(|class_use| class_use == ClassUse::Asymmetric);
        of_that_use().nth(wrap(number, of_that_use().count())?)
    }

    /// The instructions that make everything but the extra columns.
    pub fn instructions(&self) -> Vec<Instruction> {
        let tables = self.classes.iter().map(|class| Instruction::AddTable {
            class: class.name.as_str().into(),
            spec: class.table(),
        });
        let columns = self.classes.iter().flat_map(|class| {
            let own = class.columns.iter().filter(|column| !column.is_extra);
            let own = own.map(|column| class.column(&column.name, column.spec.clone()));
            class.special().into_iter().chain(own)
        });
        tables.chain(columns).collect()
    }

    /// The instruction that makes an extra column; the number wraps around.
    pub fn extension(&self, number: u32) -> Option<Instruction> {
        let extra = || {
            let columns = self
                .classes
                .iter()
                .flat_map(|class| class.columns.iter().map(move |column| (class, column)));
            columns.filter(|(_, column)| column.is_extra)
        };
        let (class, column) = extra().nth(wrap(number, extra().count())?)?;
        Some(class.column(&column.name, column.spec.clone()))
    }
}

impl ClassLayout {
    fn table(&self) -> TableSpec {
        match self.class_use {
            ClassUse::Embedded => TableSpec::Embedded,
            ClassUse::Asymmetric => TableSpec::TopLevel {
                key_field: "_id".into(),
                key_type: KeyType::Int,
                key_nullable: false,
                asymmetric: true,
            },
            ClassUse::Top { key_type, nullable } => TableSpec::TopLevel {
                key_field: "_id".into(),
                key_type,
                key_nullable: nullable,
                asymmetric: false,
            },
        }
    }

    fn column(&self, name: &str, spec: ColumnSpec) -> Instruction {
        Instruction::AddColumn {
            class: self.name.as_str().into(),
            field: name.into(),
            spec,
        }
    }

    fn special(&self) -> Vec<Instruction> {
        if !matches!(self.class_use, ClassUse::Top { .. }) {
            return Vec::new();
        }
        let column = |name, column_type, collection| {
            self.column(name, ColumnSpec::new(column_type, false, collection, None))
        };
        vec![
            column("view", ColumnType::Int, CollectionKind::Single),
            column("count", ColumnType::Int, CollectionKind::Single),
            column("tokens", ColumnType::String, CollectionKind::Set),
        ]
    }

    /// The key of an object; the number wraps around.
    pub fn key(&self, number: u32) -> PrimaryKey {
        let number = number % KEYS;
        let byte = u8::try_from(number).expect("there are few keys");
        match self.class_use {
            ClassUse::Top { nullable: true, .. } if number == KEYS - 1 => PrimaryKey::Null,
            ClassUse::Top {
                key_type: KeyType::String,
                ..
            } => PrimaryKey::String(format!("k{number}").into()),
            ClassUse::Top {
                key_type: KeyType::ObjectId,
                ..
            } => PrimaryKey::ObjectId(ObjectId([byte; 12])),
            ClassUse::Top {
                key_type: KeyType::Uuid,
                ..
            } => PrimaryKey::Uuid(Uuid([byte; 16])),
            _ => PrimaryKey::Int(i64::from(number)),
        }
    }
}

/// Whether a column is one that ordinary changes leave alone.
pub fn is_special(field: &Name) -> bool {
    matches!(field.as_bytes(), b"view" | b"count" | b"tokens")
}

/// Objects with these keys are never deleted by anybody.
pub fn is_eternal(key: u32) -> bool {
    key.is_multiple_of(KEYS)
}

/// Whether a key is that of such an object.
pub fn is_eternal_key(key: &PrimaryKey) -> bool {
    match key {
        PrimaryKey::Int(number) => *number == 0,
        PrimaryKey::String(text) => text.as_bytes() == b"k0",
        PrimaryKey::ObjectId(id) => id.0 == [0; 12],
        PrimaryKey::Uuid(id) => id.0 == [0; 16],
        _ => false,
    }
}

/// A number below `count`; `None` if there is none.
pub fn wrap(number: u32, count: usize) -> Option<usize> {
    (number as usize).checked_rem(count)
}
