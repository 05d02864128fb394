//! Bytes → changeset.

use std::sync::Arc;

use super::{
    DECIMAL_COEFFICIENT_MAX, DECIMAL_EXPONENT_MAX, DECIMAL_EXPONENT_MIN, DecodeError,
    DecodeErrorKind, NANOSECONDS_END, OPCODE_INTERN, STRING_BYTES_MAX,
};
use crate::{
    Changeset, CollectionKind, ColumnSpec, ColumnType, Decimal, Instruction, KeyType, Link, Name,
    ObjectId, PathElement, Payload, PrimaryKey, TableSpec, Target, Text, Timestamp, UpdateKind,
    Uuid, Value,
};

/// Bytes per instruction assumed when room is made ahead: ordinary ones take ten or more.
const INSTRUCTION_BYTES_TYPICAL: usize = 12;
/// Most instructions room is made for ahead, so that a few hostile bytes cannot ask for much
/// memory.
const INSTRUCTIONS_AHEAD_MAX: usize = 1 << 18;

/// Reads a changeset: everything or an error.
pub fn decode(bytes: &[u8]) -> Result<Changeset, DecodeError> {
    let mut reader = Reader {
        bytes,
        position: 0,
        strings: Vec::new(),
    };
    let ahead = (bytes.len() / INSTRUCTION_BYTES_TYPICAL).min(INSTRUCTIONS_AHEAD_MAX);
    let mut instructions = Vec::with_capacity(ahead);
    while reader.position < bytes.len() {
        let opcode = reader.u64()?;
        if opcode == u64::from(OPCODE_INTERN) {
            reader.define()?;
        } else {
            let instruction = reader.instruction(opcode)?;
            instructions.push(instruction);
        }
    }
    reader.check_strings_distinct()?;
    Ok(Changeset {
        strings: reader.strings,
        instructions,
    })
}

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    strings: Vec<Name>,
}

impl Reader<'_> {
    #[cold]
    pub(super) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            kind,
            offset: self.position,
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        match self.bytes.get(self.position) {
            Some(byte) => {
                self.position += 1;
                Ok(*byte)
            }
            None => Err(self.error(DecodeErrorKind::Truncated)),
        }
    }

    fn take(&mut self, length: usize) -> Result<&[u8], DecodeError> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        match rest.get(..length) {
            Some(taken) => {
                self.position += length;
                Ok(taken)
            }
            None => Err(self.error(DecodeErrorKind::Truncated)),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("take gives exactly N bytes"))
    }

    fn boolean(&mut self) -> Result<bool, DecodeError> {
        Ok(self.u8()? != 0)
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        let length = self.u64()?;
        usize::try_from(length).map_err(|_| self.error(DecodeErrorKind::Truncated))
    }

    fn text(&mut self) -> Result<Text, DecodeError> {
        let length = self.length()?;
        if length > STRING_BYTES_MAX {
            return Err(self.error(DecodeErrorKind::StringTooLong));
        }
        Ok(Text::from(self.take(length)?))
    }

    fn define(&mut self) -> Result<(), DecodeError> {
        let index = self.u32()?;
        if usize::try_from(index) != Ok(self.strings.len()) {
            return Err(self.error(DecodeErrorKind::InternIndex));
        }
        let text = self.text()?;
        self.strings.push(text);
        Ok(())
    }

    /// Sorting once at the end is cheap and cannot be made slow by chosen texts, as a hash table
    /// could.
    fn check_strings_distinct(&self) -> Result<(), DecodeError> {
        let mut sorted: Vec<&[u8]> = self.strings.iter().map(Text::as_bytes).collect();
        sorted.sort_unstable();
        if sorted.array_windows().any(|[a, b]| a == b) {
            return Err(self.error(DecodeErrorKind::InternRepeated));
        }
        Ok(())
    }

    fn name(&mut self) -> Result<Name, DecodeError> {
        let index = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        match self.strings.get(index) {
            Some(name) => Ok(name.clone()),
            None => Err(self.error(DecodeErrorKind::InternUndefined)),
        }
    }

    fn instruction(&mut self, opcode: u64) -> Result<Instruction, DecodeError> {
        match opcode {
            0x00 => self.add_table(),
            0x01 => Ok(Instruction::EraseTable {
                class: self.name()?,
            }),
            0x02 => Ok(Instruction::CreateObject {
                class: self.name()?,
                key: self.primary_key()?,
            }),
            0x03 => Ok(Instruction::EraseObject {
                class: self.name()?,
                key: self.primary_key()?,
            }),
            0x04 => self.update(),
            0x05 => Ok(Instruction::AddInteger {
                target: self.target()?,
                delta: self.i64()?,
            }),
            0x06 => self.add_column(),
            0x07 => Ok(Instruction::EraseColumn {
                class: self.name()?,
                field: self.name()?,
            }),
            0x08 => Ok(Instruction::ArrayInsert {
                target: self.element()?,
                value: self.payload()?,
                prior_size: self.u32()?,
            }),
            0x09 => Ok(Instruction::ArrayMove {
                target: self.element()?,
                to: self.u32()?,
                prior_size: self.u32()?,
            }),
            0x0a => Ok(Instruction::ArrayErase {
                target: self.element()?,
                prior_size: self.u32()?,
            }),
            0x0b => Ok(Instruction::Clear {
                target: self.target()?,
                collection: self.collection()?,
            }),
            0x0c => Ok(Instruction::SetInsert {
                target: self.target()?,
                value: self.payload()?,
            }),
            0x0d => Ok(Instruction::SetErase {
                target: self.target()?,
                value: self.payload()?,
            }),
            _ => Err(self.error(DecodeErrorKind::UnknownOpcode)),
        }
    }

    fn add_table(&mut self) -> Result<Instruction, DecodeError> {
        let class = self.name()?;
        let kind = self.u8()?;
        let asymmetric = match kind {
            0 => false,
            1 => {
                return Ok(Instruction::AddTable {
                    class,
                    spec: TableSpec::Embedded,
                });
            }
            2 => true,
            _ => return Err(self.error(DecodeErrorKind::TableKind)),
        };
        let key_field = self.name()?;
        let key_type = match self.i64()? {
            -1 => KeyType::GlobalKey,
            1 => KeyType::Int,
            3 => KeyType::String,
            10 => KeyType::ObjectId,
            11 => KeyType::Uuid,
            _ => return Err(self.error(DecodeErrorKind::KeyType)),
        };
        let key_nullable = self.boolean()?;
        Ok(Instruction::AddTable {
            class,
            spec: TableSpec::TopLevel {
                key_field,
                key_type,
                key_nullable,
                asymmetric,
            },
        })
    }

    fn add_column(&mut self) -> Result<Instruction, DecodeError> {
        let class = self.name()?;
        let field = self.name()?;
        let column_type = self.column_type()?;
        let nullable = self.boolean()?;
        let collection = self.collection()?;
        let target = if column_type == ColumnType::Link {
            Some(self.name()?)
        } else {
            None
        };
        let key_type = if collection == CollectionKind::Dictionary {
            Some(self.column_type()?)
        } else {
            None
        };
        let spec = ColumnSpec {
            column_type,
            nullable,
            collection,
            target,
            key_type,
        };
        Ok(Instruction::AddColumn { class, field, spec })
    }

    fn update(&mut self) -> Result<Instruction, DecodeError> {
        let target = self.target()?;
        let value = self.payload()?;
        let kind = if target.ends_with_index() {
            UpdateKind::Element {
                prior_size: self.u32()?,
            }
        } else {
            UpdateKind::Property {
                is_default: self.boolean()?,
            }
        };
        Ok(Instruction::Update {
            target,
            value,
            kind,
        })
    }

    fn target(&mut self) -> Result<Target, DecodeError> {
        Ok(Target {
            class: self.name()?,
            key: self.primary_key()?,
            field: self.name()?,
            path: self.path()?,
        })
    }

    fn element(&mut self) -> Result<Target, DecodeError> {
        let target = self.target()?;
        if target.ends_with_index() {
            Ok(target)
        } else {
            Err(self.error(DecodeErrorKind::MissingIndex))
        }
    }

    fn path(&mut self) -> Result<Vec<PathElement>, DecodeError> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        if length > self.bytes.len() - self.position {
            // Each element takes a byte at least.
            return Err(self.error(DecodeErrorKind::Truncated));
        }
        // Room for what is usual; a long path grows as its elements really turn up.
        let mut path = Vec::with_capacity(length.min(4));
        for _ in 0..length {
            let element = self.i64()?;
            path.push(if element < 0 {
                PathElement::Key(self.name()?)
            } else {
                let index = u32::try_from(element)
                    .map_err(|_| self.error(DecodeErrorKind::IntegerOutOfRange))?;
                PathElement::Index(index)
            });
        }
        Ok(path)
    }

    fn primary_key(&mut self) -> Result<PrimaryKey, DecodeError> {
        match self.i64()? {
            -1 => Ok(PrimaryKey::GlobalKey(self.u64()?, self.u64()?)),
            0 => Ok(PrimaryKey::Null),
            1 => Ok(PrimaryKey::Int(self.i64()?)),
            3 => Ok(PrimaryKey::String(self.name()?)),
            10 => Ok(PrimaryKey::ObjectId(ObjectId(self.array()?))),
            11 => Ok(PrimaryKey::Uuid(Uuid(self.array()?))),
            _ => Err(self.error(DecodeErrorKind::KeyType)),
        }
    }

    fn payload(&mut self) -> Result<Payload, DecodeError> {
        let value = match self.i64()? {
            -6 => return Ok(Payload::Set),
            -5 => return Ok(Payload::List),
            -4 => return Ok(Payload::Erased),
            -3 => return Ok(Payload::Dictionary),
            -2 => return Ok(Payload::Object),
            0 => Value::Null,
            1 => Value::Int(self.i64()?),
            2 => Value::Bool(self.boolean()?),
            3 => Value::String(self.text()?),
            4 => {
                let length = self.length()?;
                Value::Binary(Arc::from(self.take(length)?))
            }
            5 => Value::Timestamp(self.timestamp()?),
            6 => Value::Float(f32::from_le_bytes(self.array()?)),
            7 => Value::Double(f64::from_le_bytes(self.array()?)),
            8 => Value::Decimal(self.decimal()?),
            9 => Value::Link(Box::new(Link {
                class: self.name()?,
                key: self.primary_key()?,
            })),
            10 => Value::ObjectId(ObjectId(self.array()?)),
            11 => Value::Uuid(Uuid(self.array()?)),
            _ => return Err(self.error(DecodeErrorKind::PayloadType)),
        };
        Ok(Payload::Value(value))
    }

    fn timestamp(&mut self) -> Result<Timestamp, DecodeError> {
        let seconds = self.i64()?;
        let nanoseconds = self.i64()?;
        let signs_agree = (seconds >= 0 || nanoseconds <= 0) && (seconds <= 0 || nanoseconds >= 0);
        if nanoseconds <= -NANOSECONDS_END || nanoseconds >= NANOSECONDS_END || !signs_agree {
            return Err(self.error(DecodeErrorKind::Timestamp));
        }
        let nanoseconds = i32::try_from(nanoseconds).expect("below a second in size");
        Ok(Timestamp {
            seconds,
            nanoseconds,
        })
    }

    fn decimal(&mut self) -> Result<Decimal, DecodeError> {
        let coefficient = self.coefficient()?;
        let exponent = self.i32()?;
        let sign = self.i32()?;
        let exponents = DECIMAL_EXPONENT_MIN..=DECIMAL_EXPONENT_MAX;
        if coefficient > DECIMAL_COEFFICIENT_MAX || !exponents.contains(&exponent) || sign < 0 {
            return Err(self.error(DecodeErrorKind::Decimal));
        }
        Ok(Decimal {
            coefficient,
            exponent,
            negative: sign != 0,
        })
    }

    fn collection(&mut self) -> Result<CollectionKind, DecodeError> {
        match self.u8()? {
            0 => Ok(CollectionKind::Single),
            1 => Ok(CollectionKind::List),
            2 => Ok(CollectionKind::Dictionary),
            3 => Ok(CollectionKind::Set),
            _ => Err(self.error(DecodeErrorKind::CollectionKind)),
        }
    }

    fn column_type(&mut self) -> Result<ColumnType, DecodeError> {
        Ok(match self.i64()? {
            -6 => ColumnType::Set,
            -5 => ColumnType::List,
            -4 => ColumnType::Erased,
            -3 => ColumnType::Dictionary,
            -2 => ColumnType::Object,
            -1 => ColumnType::GlobalKey,
            0 => ColumnType::Mixed,
            1 => ColumnType::Int,
            2 => ColumnType::Bool,
            3 => ColumnType::String,
            4 => ColumnType::Binary,
            5 => ColumnType::Timestamp,
            6 => ColumnType::Float,
            7 => ColumnType::Double,
            8 => ColumnType::Decimal,
            9 => ColumnType::Link,
            10 => ColumnType::ObjectId,
            11 => ColumnType::Uuid,
            _ => return Err(self.error(DecodeErrorKind::PayloadType)),
        })
    }
}
