//! Mutation batches.

use tidemark_changeset::Name;
use tidemark_changeset::packed::Reader;
use tidemark_storage::Storage;

use super::{malformed, number_of, object_of_number};
use crate::local::Location;
use crate::walk::Step;
use crate::{Given, Result, WriteTransaction};

mod op {
    pub const CREATE: u8 = 0x01;
    pub const ERASE: u8 = 0x02;
    pub const SET: u8 = 0x03;
    pub const ADD_INTEGER: u8 = 0x04;
    pub const LIST_INSERT: u8 = 0x05;
    pub const LIST_MOVE: u8 = 0x06;
    pub const LIST_ERASE: u8 = 0x07;
    pub const CLEAR: u8 = 0x08;
    pub const SET_INSERT: u8 = 0x09;
    pub const SET_ERASE: u8 = 0x0a;
    pub const ERASE_ALL: u8 = 0x0b;
    pub const CREATE_WITH: u8 = 0x0c;
}

/// Applies a batch of mutations. For each creation in it the answer holds `f64` object key, `u8` created.
///
/// If one is impossible, the write holds those before it and must be aborted.
pub fn mutate<S: Storage>(write: &mut WriteTransaction<S>, batch: &[u8]) -> Result<Vec<u8>> {
    let mut batch = Batch {
        reader: Reader::new(batch),
        values: Vec::new(),
        created: None,
    };
    let mut answer = Vec::new();
    while !batch.reader.is_empty() {
        batch.operation(write, &mut answer)?;
    }
    Ok(answer)
}

struct Batch<'a> {
    reader: Reader<'a>,
    /// Room for the values of a creation.
    values: Vec<Option<Given<'a>>>,
    /// The object of the nearest creation before.
    created: Option<u64>,
}

impl<'a> Batch<'a> {
    fn operation<S: Storage>(
        &mut self,
        write: &mut WriteTransaction<S>,
        answer: &mut Vec<u8>,
    ) -> Result<()> {
        match self.byte()? {
            op::CREATE => {
                let (class, may_exist) = (self.class()?, self.byte()? != 0);
                let key = self.reader.key()?;
                let (object, created) = write.create(class, &key, may_exist)?;
                self.created = Some(object);
                answer.extend_from_slice(&number_of(object).to_le_bytes());
                answer.push(u8::from(created));
                Ok(())
            }
            op::ERASE => {
                let (class, object) = (self.class()?, self.object()?);
                write.erase(class, object)
            }
            op::SET => self.set(write),
            op::ADD_INTEGER => {
                let location = self.location()?;
                write.add_integer(&location, i64::from_le_bytes(self.reader.array()?))
            }
            op::LIST_INSERT => {
                let location = self.location()?;
                write.list_insert(&location, &self.reader.payload()?)
            }
            op::LIST_MOVE => {
                let location = self.location()?;
                write.list_move(&location, u32::from_le_bytes(self.reader.array()?))
            }
            op::LIST_ERASE => write.list_erase(&self.location()?),
            op::CLEAR => write.clear(&self.location()?),
            op::SET_INSERT => {
                let location = self.location()?;
                write.set_insert(&location, &self.value()?)
            }
            op::SET_ERASE => {
                let location = self.location()?;
                write.set_erase(&location, &self.value()?)
            }
            op::ERASE_ALL => {
                let class = self.class()?;
                write.erase_all(class)
            }
            op::CREATE_WITH => {
                let object = self.create_with(write)?;
                self.created = Some(object);
                answer.extend_from_slice(&number_of(object).to_le_bytes());
                answer.push(1);
                Ok(())
            }
            _ => Err(malformed("a batch holds an unknown operation")),
        }
    }

    fn create_with<S: Storage>(&mut self, write: &mut WriteTransaction<S>) -> Result<u64> {
        let class = self.class()?;
        let key = self.reader.key()?;
        let count = u16::from_le_bytes(self.reader.array()?);
        self.values.clear();
        for _ in 0..count {
            let state = self.byte()?;
            let value = match state {
                0 => None,
                1 | 2 => Some(self.given(state == 2)?),
                _ => return Err(malformed("a batch holds an unknown kind of value")),
            };
            self.values.push(value);
        }
        write.create_with(class, &key, &self.values)
    }

    fn set<S: Storage>(&mut self, write: &mut WriteTransaction<S>) -> Result<()> {
        let (location, is_default) = (self.location()?, self.byte()? != 0);
        if location.steps.is_empty() {
            let here = self.reader;
            if let Ok(given) = self.given(is_default)
                && write.set_plain(location.class, location.object, location.column, &given)?
            {
                return Ok(());
            }
            // Markers are no values, and what does not fit is refused where everything is.
            self.reader = here;
        }
        write.set(&location, is_default, &self.reader.payload()?)
    }

    fn given(&mut self, is_default: bool) -> Result<Given<'a>> {
        let rest = self.reader.rest();
        let value = self.reader.value()?;
        let length = rest.len() - self.reader.rest().len();
        Ok(Given {
            is_default,
            bytes: rest.get(..length).unwrap_or_default(),
            value,
        })
    }

    fn byte(&mut self) -> Result<u8> {
        let [byte] = self.reader.array()?;
        Ok(byte)
    }

    fn class(&mut self) -> Result<usize> {
        Ok(usize::from(u16::from_le_bytes(self.reader.array()?)))
    }

    fn object(&mut self) -> Result<u64> {
        let number = f64::from_le_bytes(self.reader.array()?);
        if number < 0.0 {
            return self
                .created
                .ok_or_else(|| malformed("a batch speaks of no created object"));
        }
        object_of_number(number).ok_or_else(|| malformed("a batch holds an impossible object key"))
    }

    fn location(&mut self) -> Result<Location> {
        let (class, object) = (self.class()?, self.object()?);
        let column = u16::from_le_bytes(self.reader.array()?);
        let length = usize::from(self.byte()?);
        let mut steps = Vec::with_capacity(length);
        while steps.len() < length {
            steps.push(step(&mut self.reader)?);
        }
        Ok(Location {
            class,
            object,
            column,
            steps,
        })
    }

    fn value(&mut self) -> Result<tidemark_changeset::Value> {
        let value = self.reader.value()?.to_value();
        value.ok_or_else(|| malformed("a set holds plain values only"))
    }
}

/// The elements of a path that takes up all of the bytes.
pub(super) fn steps_of(path: &[u8]) -> Result<Vec<Step>> {
    let mut reader = Reader::new(path);
    let mut steps = Vec::new();
    while !reader.is_empty() {
        steps.push(step(&mut reader)?);
    }
    Ok(steps)
}

fn step(reader: &mut Reader<'_>) -> Result<Step> {
    match reader.array()? {
        [0] => Ok(Step::Visible(u32::from_le_bytes(reader.array()?))),
        [1] => Ok(Step::Key(Name::from(reader.sized()?))),
        _ => Err(malformed("a path holds an unknown kind of element")),
    }
}
