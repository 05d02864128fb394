//! A query on its way through rows: by an index, along one, or through all of them.

use tidemark_model::Class;
use tidemark_query::{Arranger, Beginning, Direct, PackedRow, Query};
use tidemark_storage::Read;

use crate::candidates::Lookups;
use crate::head::Counters;
use crate::indexes::objects_along;
use crate::query::{Found, StoredRow, packed_row};
use crate::tables::ClassId;
use crate::{Result, View};

/// Candidates are found by walking along the table if at most this many keys lie in it for each of them.
const SCAN_DENSITY: u64 = 8;

/// Looking up more than this part of the objects of a class takes longer than going through all of them.
const SCAN_SHARE: usize = 2;
/// Going along an index is given up after this part of the objects that would be gone through otherwise.
const WALK_SHARE: usize = 8;
/// So many are always looked up.
const LOOKUPS_MIN: usize = 256;

/// A query on its way through rows.
pub(crate) struct Search<'v, 'q, R: Read> {
    view: &'v View<'v, R>,
    class: &'v Class,
    query: &'q Query,
    direct: Option<Direct<'q>>,
    arranger: Option<Arranger<'q>>,
    found: Found,
}

impl<'v, 'q, R: Read> Search<'v, 'q, R> {
    pub(crate) fn new(view: &'v View<'v, R>, class: &'v Class, query: &'q Query) -> Self {
        Self {
            view,
            class,
            query,
            direct: query.direct(),
            arranger: query.has_descriptors().then(|| query.arranger()),
            found: Found::default(),
        }
    }

    /// Looks for them in the narrowest way.
    pub(crate) fn of_class(&mut self, class: ClassId) -> Result<()> {
        let view = self.view;
        let ways = self.query.ways(&Lookups(view.catalog));
        let beginning = self.query.beginning();
        if ways.is_empty() && beginning.is_none() {
            return self.everywhere(class);
        }
        let objects = Counters::read(view.storage, class)?.objects;
        let objects = usize::try_from(objects).unwrap_or(usize::MAX);
        let most = (objects / SCAN_SHARE).max(LOOKUPS_MIN);
        let candidates = view.narrowest(class, &ways, most, &mut self.found.rows_visited)?;
        let are_few = candidates
            .as_ref()
            .is_some_and(|found| found.len() <= LOOKUPS_MIN);
        if let Some(beginning) = beginning.filter(|_| !are_few) {
            let others = candidates.as_ref().map_or(objects, Vec::len);
            if self.walk_beginning(class, beginning, others)? {
                return Ok(());
            }
        }
        match candidates {
            Some(objects) => self.among(class, &objects, true),
            None => self.everywhere(class),
        }
    }

    /// Looks for the first ones along an index, if that leads to them before a share of the others, among
    /// which they would be found otherwise, has been looked at. Says whether it did.
    fn walk_beginning(
        &mut self,
        class: ClassId,
        beginning: Beginning,
        others: usize,
    ) -> Result<bool> {
        let view = self.view;
        let most = (others / WALK_SHARE).max(LOOKUPS_MIN);
        let index = view.catalog.index_of(class, beginning.column);
        let Some(index) = index.filter(|_| (1..=most).contains(&beginning.limit)) else {
            return Ok(false);
        };
        let (mut matching, mut visited) = (Vec::new(), 0);
        let mut last = Vec::new();
        let mut is_done = true;
        objects_along(
            view.storage,
            index,
            beginning.is_ascending,
            &mut |value, object| {
                if last != value {
                    if matching.len() >= beginning.limit {
                        return Ok(false);
                    }
                    last.clear();
                    last.extend_from_slice(value);
                }
                if visited == most {
                    is_done = false;
                    return Ok(false);
                }
                visited += 1;
                if let Some(row) = view.row_by_id(class, object)?
                    && self.judge(&packed_row(&row)?)?
                {
                    matching.push(object);
                }
                Ok(true)
            },
        )?;
        self.found.rows_visited += visited as u64;
        if is_done {
            matching.sort_unstable();
            for object in matching {
                if let Some(row) = view.row_by_id(class, object)? {
                    self.take(object, &packed_row(&row)?)?;
                }
            }
        }
        Ok(is_done)
    }

    fn row<'r>(&self, packed: &PackedRow<'r>) -> StoredRow<'r>
    where
        'v: 'r,
    {
        StoredRow::new(self.view.catalog, self.class, *packed)
    }

    #[inline]
    fn judge(&self, packed: &PackedRow<'_>) -> Result<bool> {
        let known = self.direct.as_ref();
        match known.and_then(|direct| direct.holds(packed)) {
            Some(matches) => Ok(matches),
            None => Ok(self.query.matches(&self.row(packed), self.view)?),
        }
    }

    /// Takes a row that matches; says whether more are wanted.
    fn take(&mut self, object: u64, packed: &PackedRow<'_>) -> Result<bool> {
        self.found.objects.push(object);
        let view = self.view;
        let row = self.row(packed);
        let Some(arranger) = &mut self.arranger else {
            return Ok(true);
        };
        if !arranger.push_packed(packed) {
            arranger.push(&row, view)?;
        }
        Ok(arranger.wants_more())
    }

    /// Judges a row; says whether more are wanted.
    #[inline]
    fn visit(&mut self, object: u64, bytes: &[u8]) -> Result<bool> {
        self.found.rows_visited += 1;
        let packed = packed_row(bytes)?;
        if self.judge(&packed)? {
            return self.take(object, &packed);
        }
        Ok(true)
    }

    fn everywhere(&mut self, class: ClassId) -> Result<()> {
        let view = self.view;
        view.scan(class, (0, u64::MAX), &mut |object, row| {
            self.visit(object, row)
        })
    }

    /// Some objects; `is_sorted` says that they stand in order of creation.
    pub(crate) fn among(&mut self, class: ClassId, objects: &[u64], is_sorted: bool) -> Result<()> {
        if let (true, Some(first), Some(last)) = (is_sorted, objects.first(), objects.last())
            && (last - first) / SCAN_DENSITY < objects.len() as u64
        {
            return self.along(class, objects, (*first, *last));
        }
        for &object in objects {
            if let Some(row) = self.view.row_by_id(class, object)?
                && !self.visit(object, &row)?
            {
                break;
            }
        }
        Ok(())
    }

    /// Sorted objects that lie so close that walking past those between is cheaper than looking each up.
    fn along(&mut self, class: ClassId, objects: &[u64], (first, last): (u64, u64)) -> Result<()> {
        let mut wanted = objects.iter().copied().peekable();
        let view = self.view;
        view.scan(class, (first, last), &mut |object, row| {
            while wanted.next_if(|wanted| *wanted < object).is_some() {}
            match wanted.next_if_eq(&object) {
                Some(_) => self.visit(object, row),
                None => Ok(true),
            }
        })
    }

    pub(crate) fn finish(self) -> Result<Found> {
        let Some(arranger) = self.arranger else {
            return Ok(self.found);
        };
        let order = arranger.finish()?.into_iter();
        let objects = order.filter_map(|index| self.found.objects.get(index).copied());
        Ok(Found {
            objects: objects.collect(),
            ..self.found
        })
    }
}
