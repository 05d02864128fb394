//! Which slots of a list of links the application does not see, because the target does not exist.
//!
//! Nearly always there are none, which the counter of absent objects of the class says. Otherwise the slots
//! of a list are looked through once in a write, and followed through its edits.

use std::cell::RefCell;

use tidemark_changeset::{ColumnType, Instruction, Link, PathElement, Payload, Value};
use tidemark_model::{Column, Node};
use tidemark_storage::{Read, Storage};

use crate::tables::ClassId;
use crate::transaction::WriteTransaction;
use crate::view::View;
use crate::walk::narrow;
use crate::{Result, StoreError};

/// Lists of one object that are followed at once.
const FOLLOWED_MAX: usize = 8;

/// The hidden slots of one list, followed through its edits.
#[derive(Debug)]
pub(crate) struct HiddenSlots {
    column: u16,
    path: Vec<PathElement>,
    /// Until when links lead where they led.
    hiding: u64,
    /// Real indexes, ascending.
    slots: Vec<u32>,
}

/// The real index of a visible one. The end is the end: an append goes behind hidden slots too.
pub(crate) fn real_index(hidden: &[u32], size: usize, visible: u32) -> usize {
    let visible = visible as usize;
    let seen = size - hidden.len();
    if visible >= seen {
        // Indexes behind the end are for the instruction's own check.
        return size + visible - seen;
    }
    // So many visible slots are before each hidden one.
    let (mut low, mut high) = (0, hidden.len());
    while low < high {
        let middle = low.midpoint(high);
        let slot = hidden.get(middle).map_or(usize::MAX, |slot| *slot as usize);
        if slot - middle <= visible {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    visible + low
}

/// Says which slots of a list are hidden.
pub(crate) trait Visibility {
    /// Shows the hidden slots of the list at a path, in a column of the embedded object or object there.
    fn with_hidden(
        &self,
        column: &Column,
        path: &[PathElement],
        list: &[Node],
        work: &mut dyn FnMut(&[u32]),
    ) -> Result<()>;

    /// How many elements of a set of links are hidden.
    fn hidden_in_set(&self, column: &Column, elements: &[Value]) -> Result<usize>;
}

/// For paths with real indexes.
pub(crate) struct AllVisible;

impl Visibility for AllVisible {
    fn with_hidden(
        &self,
        _: &Column,
        _: &[PathElement],
        _: &[Node],
        work: &mut dyn FnMut(&[u32]),
    ) -> Result<()> {
        work(&[]);
        Ok(())
    }

    fn hidden_in_set(&self, _: &Column, _: &[Value]) -> Result<usize> {
        Ok(0)
    }
}

/// What a version shows, looked through each time.
pub(crate) struct OfView<'v, 'a, R: Read>(pub &'v View<'a, R>);

impl<R: Read> Visibility for OfView<'_, '_, R> {
    fn with_hidden(
        &self,
        column: &Column,
        _: &[PathElement],
        list: &[Node],
        work: &mut dyn FnMut(&[u32]),
    ) -> Result<()> {
        if column.column_type != ColumnType::Link {
            work(&[]);
            return Ok(());
        }
        work(&hidden_of(list, &|link| Ok(!self.0.exists(link)?))?);
        Ok(())
    }

    fn hidden_in_set(&self, _: &Column, elements: &[Value]) -> Result<usize> {
        count_hidden(elements, &|link| Ok(!self.0.exists(link)?))
    }
}

/// What a write shows of one of its objects.
pub(crate) struct OfWrite<'w, S: Storage> {
    pub write: &'w WriteTransaction<S>,
    pub known: &'w RefCell<Vec<HiddenSlots>>,
    /// The object's column that leads to the list.
    pub column: u16,
}

impl<S: Storage> Visibility for OfWrite<'_, S> {
    fn with_hidden(
        &self,
        column: &Column,
        path: &[PathElement],
        list: &[Node],
        work: &mut dyn FnMut(&[u32]),
    ) -> Result<()> {
        // Among mixed values a link to what does not exist reads as null: its slot is seen.
        if column.column_type != ColumnType::Link || !self.write.may_hide(column)? {
            work(&[]);
            return Ok(());
        }
        let hiding = self.write.hiding;
        let mut known = self.known.borrow_mut();
        known.retain(|slots| slots.hiding == hiding);
        let place = known
            .iter()
            .position(|slots| slots.column == self.column && slots.path == path);
        let place = if let Some(place) = place {
            place
        } else {
            if known.len() >= FOLLOWED_MAX {
                known.remove(0);
            }
            self.write.took_steps(list.len());
            known.push(HiddenSlots {
                column: self.column,
                path: path.to_vec(),
                hiding,
                slots: hidden_of(list, &|link| self.write.is_absent(link))?,
            });
            known.len() - 1
        };
        let slots = known.get(place).ok_or(StoreError::Damaged("lost slots"))?;
        work(&slots.slots);
        Ok(())
    }

    fn hidden_in_set(&self, column: &Column, elements: &[Value]) -> Result<usize> {
        if !self.write.may_hide(column)? {
            return Ok(0);
        }
        self.write.took_steps(elements.len());
        count_hidden(elements, &|link| self.write.is_absent(link))
    }
}

fn count_hidden(elements: &[Value], is_hidden: &dyn Fn(&Link) -> Result<bool>) -> Result<usize> {
    let mut count = 0;
    for element in elements {
        if let Value::Link(link) = element
            && is_hidden(link)?
        {
            count += 1;
        }
    }
    Ok(count)
}

fn hidden_of(list: &[Node], is_hidden: &dyn Fn(&Link) -> Result<bool>) -> Result<Vec<u32>> {
    let mut hidden = Vec::new();
    for (index, node) in list.iter().enumerate() {
        if let Node::Value(Value::Link(link)) = node
            && is_hidden(link)?
        {
            hidden.push(narrow(index)?);
        }
    }
    Ok(hidden)
}

impl HiddenSlots {
    fn place_of(&self, at: u32) -> std::result::Result<usize, usize> {
        self.slots.binary_search(&at)
    }

    fn shift(&mut self, from: usize, is_down: bool) {
        for slot in self.slots.iter_mut().skip(from) {
            *slot = if is_down { *slot - 1 } else { *slot + 1 };
        }
    }

    fn insert(&mut self, at: u32, is_hidden: bool) {
        let place = self.place_of(at).unwrap_or_else(|place| place);
        self.shift(place, false);
        if is_hidden {
            self.slots.insert(place, at);
        }
    }

    /// Says whether the slot was hidden.
    fn erase(&mut self, at: u32) -> bool {
        let (place, was_hidden) = match self.place_of(at) {
            Ok(place) => {
                self.slots.remove(place);
                (place, true)
            }
            Err(place) => (place, false),
        };
        self.shift(place, true);
        was_hidden
    }

    fn set(&mut self, at: u32, is_hidden: bool) {
        match (self.place_of(at), is_hidden) {
            (Ok(place), false) => drop(self.slots.remove(place)),
            (Err(place), true) => self.slots.insert(place, at),
            _ => {}
        }
    }
}

/// Follows an instruction that was applied to a column of an object.
pub(crate) fn follow(
    known: &mut Vec<HiddenSlots>,
    column: u16,
    instruction: &Instruction,
    is_hidden: &dyn Fn(&Link) -> bool,
) {
    let Some(path) = instruction.target().map(|target| target.path.as_slice()) else {
        known.clear();
        return;
    };
    let payload_hidden =
        |payload: &Payload| matches!(payload, Payload::Value(Value::Link(link)) if is_hidden(link));
    let (list, at) = match path.split_last() {
        Some((PathElement::Index(at), list)) => (list, Some(*at)),
        _ => (path, None),
    };
    known.retain_mut(|slots| {
        if slots.column != column {
            return true;
        }
        match (instruction, at) {
            (Instruction::ArrayInsert { value, .. }, Some(at)) if slots.path == list => {
                slots.insert(at, payload_hidden(value));
            }
            (Instruction::ArrayErase { .. }, Some(at)) if slots.path == list => {
                slots.erase(at);
            }
            (Instruction::ArrayMove { to, .. }, Some(at)) if slots.path == list => {
                let was_hidden = slots.erase(at);
                slots.insert(*to, was_hidden);
            }
            (Instruction::Update { value, .. }, Some(at)) if slots.path == list => {
                slots.set(at, payload_hidden(value));
            }
            // What is below an edited place may be another list now.
            _ => return !slots.path.starts_with(list),
        }
        true
    });
}

impl<S: Storage> WriteTransaction<S> {
    /// How many objects of a class are linked to but do not exist.
    pub(crate) fn absent_of(&self, class: ClassId) -> Result<u64> {
        match self.known_counters(class) {
            Some(counters) => Ok(counters.absent),
            None => Ok(crate::head::Counters::read(&self.storage, class)?.absent),
        }
    }

    /// Whether a link in a column may be hidden.
    fn may_hide(&self, column: &Column) -> Result<bool> {
        let target = column
            .target
            .as_ref()
            .and_then(|name| self.catalog.id(name));
        match target {
            Some(class) => Ok(self.absent_of(class)? > 0),
            None => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::real_index;

    /// As it was found by walking the slots.
    fn walked(is_hidden: &[bool], visible: usize) -> usize {
        let mut seen = 0;
        for (index, is_hidden) in is_hidden.iter().enumerate() {
            if *is_hidden {
                continue;
            }
            if seen == visible {
                return index;
            }
            seen += 1;
        }
        is_hidden.len() + visible - seen
    }

    #[test]
    fn real_indexes_are_those_of_a_walk() {
        for pattern in 0_u32..512 {
            let is_hidden: Vec<bool> = (0..9).map(|bit| pattern & (1 << bit) != 0).collect();
            let hidden: Vec<u32> = (0..9).filter(|bit| pattern & (1 << bit) != 0).collect();
            for visible in 0..12 {
                assert_eq!(
                    real_index(&hidden, 9, visible),
                    walked(&is_hidden, visible as usize),
                    "{is_hidden:?} {visible}"
                );
            }
        }
    }
}
