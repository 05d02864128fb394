//! One open database as JavaScript sees it: snapshots and the open write by number.
//!
//! Handles of several threads may share it. It never waits for the right to write: whoever shares it
//! between threads puts a gate in front.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tidemark_storage::{Read, Storage};

use super::reading;
use crate::database::{Database, Snapshot};
use crate::sync::{DownloadProgress, Integrated, PreparedDownload};
use crate::{Result, StoreError, View, WriteTransaction};

/// Number of a snapshot, or of the open write's view.
pub type SnapshotId = u32;

/// An open database with its snapshots and its open write.
pub struct SharedStore<S: Storage> {
    database: Database<S>,
    snapshots: Mutex<Snapshots<S>>,
    write: Mutex<Option<OpenWrite<S>>>,
    /// The download that is being integrated slice by slice.
    download: Mutex<Option<PreparedDownload>>,
}

struct OpenWrite<S: Storage> {
    id: SnapshotId,
    transaction: WriteTransaction<S>,
}

/// The snapshot that further readers join.
struct Newest {
    id: SnapshotId,
    version: u64,
    /// The storage's: one from before it was opened anew may fail.
    epoch: u64,
}

/// Snapshots by number; one per version, counted.
struct Snapshots<S: Storage> {
    last_id: SnapshotId,
    newest: Option<Newest>,
    open: FxHashMap<SnapshotId, (Arc<Snapshot<S>>, usize)>,
}

/// Work on a view, whichever storage view it is over.
pub trait ViewWork<T> {
    /// Does it.
    fn work<R: Read>(self, view: View<'_, R>) -> Result<T>;

    /// Does it on the open write. What needs only some of what the write holds decoded, does not wait for
    /// all of it to be encoded.
    fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<T>
    where
        Self: Sized,
    {
        self.work(write.view()?)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Storage> SharedStore<S> {
    /// Shares a database.
    pub fn new(database: Database<S>) -> Self {
        let snapshots = Snapshots {
            last_id: 0,
            newest: None,
            open: FxHashMap::default(),
        };
        Self {
            database,
            snapshots: Mutex::new(snapshots),
            write: Mutex::new(None),
            download: Mutex::new(None),
        }
    }

    /// The database.
    pub fn database(&self) -> &Database<S> {
        &self.database
    }

    /// Takes a snapshot of the newest version; equal versions share one.
    pub fn begin_read(&self) -> Result<SnapshotId> {
        let mut snapshots = lock(&self.snapshots);
        let epoch = self.database.storage().epoch();
        if let Some(Newest {
            id,
            version,
            epoch: of,
        }) = snapshots.newest
            && (version, of) == (self.database.version(), epoch)
            && let Some((_, count)) = snapshots.open.get_mut(&id)
        {
            *count += 1;
            return Ok(id);
        }
        let snapshot = Arc::new(self.database.read()?);
        let id = snapshots.next_id();
        let version = snapshot.version();
        snapshots.newest = Some(Newest { id, version, epoch });
        snapshots.open.insert(id, (snapshot, 1));
        Ok(id)
    }

    /// Takes a snapshot that is open already once more, so that it outlasts who took it first.
    pub fn share_read(&self, id: SnapshotId) -> Result<()> {
        let mut snapshots = lock(&self.snapshots);
        let found = snapshots.open.get_mut(&id);
        found.ok_or(StoreError::InvalidSnapshot)?.1 += 1;
        Ok(())
    }

    /// Gives a snapshot back.
    pub fn end_read(&self, id: SnapshotId) -> Result<()> {
        let mut snapshots = lock(&self.snapshots);
        let (_, count) = snapshots
            .open
            .get_mut(&id)
            .ok_or(StoreError::InvalidSnapshot)?;
        *count -= 1;
        if *count == 0 {
            let gone = snapshots.open.remove(&id);
            if snapshots
                .newest
                .as_ref()
                .is_some_and(|newest| newest.id == id)
            {
                snapshots.newest = None;
            }
            drop(snapshots);
            drop(gone);
        }
        Ok(())
    }

    fn snapshot(&self, id: SnapshotId) -> Option<Arc<Snapshot<S>>> {
        lock(&self.snapshots)
            .open
            .get(&id)
            .map(|(snapshot, _)| Arc::clone(snapshot))
    }

    /// Version of a snapshot; that of the open write is the one it is based on.
    pub fn snapshot_version(&self, id: SnapshotId) -> Result<u64> {
        if let Some(snapshot) = self.snapshot(id) {
            return Ok(snapshot.version());
        }
        self.with_write_of(id, |write| Ok(write.next_version() - 1))
    }

    fn with_write_of<T>(
        &self,
        id: SnapshotId,
        work: impl FnOnce(&mut WriteTransaction<S>) -> Result<T>,
    ) -> Result<T> {
        match &mut *lock(&self.write) {
            Some(open) if open.id == id => work(&mut open.transaction),
            _ => Err(StoreError::InvalidSnapshot),
        }
    }

    /// Reads from a snapshot or the open write.
    pub fn view<T>(&self, id: SnapshotId, work: impl ViewWork<T>) -> Result<T> {
        match self.snapshot(id) {
            Some(snapshot) => work.work(snapshot.view()),
            None => self.with_write_of(id, |write| work.work_in_write(write)),
        }
    }

    /// Opens the write and returns the number of its view.
    pub fn begin_write(&self) -> Result<SnapshotId> {
        let mut write = lock(&self.write);
        if write.is_some() {
            return Err(StoreError::WriteInProgress);
        }
        let transaction = self.database.begin_write()?;
        let id = lock(&self.snapshots).next_id();
        *write = Some(OpenWrite { id, transaction });
        Ok(id)
    }

    /// Whether a write is open here.
    pub fn is_writing(&self) -> bool {
        lock(&self.write).is_some()
    }

    /// Works on the open write.
    pub fn with_write<T>(
        &self,
        work: impl FnOnce(&mut WriteTransaction<S>) -> Result<T>,
    ) -> Result<T> {
        match &mut *lock(&self.write) {
            Some(open) => work(&mut open.transaction),
            None => Err(StoreError::NotInWrite),
        }
    }

    /// Commits the open write, which is over in any case, and returns the new version.
    pub fn commit_write(&self, timestamp: u64) -> Result<u64> {
        let open = lock(&self.write).take().ok_or(StoreError::NotInWrite)?;
        self.database.commit(open.transaction, timestamp)
    }

    /// Forgets the open write, if there is one.
    pub fn abort_write(&self) {
        let open = lock(&self.write).take();
        drop(open);
    }

    /// Integrates a steady DOWNLOAD, or with an empty body the next slice of the one at hand.
    pub fn integrate(
        &self,
        progress: DownloadProgress,
        body: &[u8],
        timestamp: u64,
    ) -> Result<Integrated> {
        let mut slot = lock(&self.download);
        let mut download = match slot.take() {
            Some(download) if body.is_empty() => download,
            _ => self.database.prepare_download(progress, body)?,
        };
        let integrated = self.database.integrate_slice(&mut download, timestamp)?;
        if !integrated.is_done {
            *slot = Some(download);
        }
        Ok(integrated)
    }

    /// Parses a DOWNLOAD ahead, so that the next [`SharedStore::integrate`] with an empty body only has to
    /// write.
    pub fn prepare(&self, progress: DownloadProgress, body: &[u8]) -> Result<()> {
        let mut slot = lock(&self.download);
        if slot.is_none() || !body.is_empty() {
            *slot = None;
            *slot = Some(self.database.prepare_download(progress, body)?);
        }
        Ok(())
    }

    /// Forgets an incomplete bootstrap and a download that is half integrated: a session begins anew. Says
    /// whether a complete bootstrap waits to be applied.
    pub fn discard_partial_bootstrap(&self) -> Result<bool> {
        *lock(&self.download) = None;
        self.database.discard_partial_bootstrap()
    }

    /// Gives unused space back to the file system, if nobody reads: whether it was done. Refused while a
    /// write is open.
    pub fn compact(&self) -> Result<bool> {
        // Held so that nobody begins meanwhile.
        let snapshots = lock(&self.snapshots);
        let write = lock(&self.write);
        if write.is_some() {
            return Err(StoreError::WriteInProgress);
        }
        if !snapshots.open.is_empty() {
            return Ok(false);
        }
        Ok(self.database.storage().compact()?)
    }

    /// Drops all snapshots and the open write, and closes the storage.
    pub fn close(&self) -> Result<()> {
        self.abort_write();
        let gone = {
            let mut snapshots = lock(&self.snapshots);
            snapshots.newest = None;
            std::mem::take(&mut snapshots.open)
        };
        drop(gone);
        self.database.close()
    }
}

impl<S: Storage> Snapshots<S> {
    fn next_id(&mut self) -> SnapshotId {
        // Zero is no number, and after four thousand million snapshots old numbers are free again.
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            if self.last_id != 0 && !self.open.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}

/// The questions of the boundary, as work on a view.
pub mod work {
    use super::reading::KeyGuess;
    use super::{Read, Result, Storage, View, ViewWork, WriteTransaction, reading};
    use crate::QueryNames;
    use crate::boundary::collections::{column_in_write, find_row_in_write};
    use crate::boundary::{number_of, object_of_number, schema_text};

    /// The schema as text.
    pub struct Schema;

    impl ViewWork<String> for Schema {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<String> {
            Ok(schema_text(view.catalog()))
        }
    }

    /// The version that the application has given its schema, −1 if it never did.
    pub struct DeclaredVersion;

    impl ViewWork<f64> for DeclaredVersion {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<f64> {
            Ok(view.declared_version()?.map_or(-1.0, number_of))
        }
    }

    /// Number of objects of a class.
    pub struct Count(pub usize);

    impl ViewWork<f64> for Count {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<f64> {
            Ok(number_of(view.count(self.0)?))
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<f64> {
            self.work(write.view_of_keys())
        }
    }

    /// Object with a packed key.
    pub struct Find<'a>(pub usize, pub &'a [u8]);

    impl ViewWork<f64> for Find<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<f64> {
            reading::find(view, self.0, self.1)
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<f64> {
            self.work(write.view_of_keys())
        }
    }

    /// Object with a packed key and its row, handed to a function that copies it. The row is empty if it is
    /// that of a long collection which the open write has changed: to encode it would cost too much.
    pub struct FindRow<'a, F> {
        /// Position of the class.
        pub class: usize,
        /// The key.
        pub packed_key: &'a [u8],
        /// Where objects of the class are likely to be.
        pub guess: &'a mut KeyGuess,
        /// Takes the object and its row.
        pub copy: F,
    }

    impl<T, F: FnOnce(Option<(f64, &[u8])>) -> Result<T>> ViewWork<T> for FindRow<'_, F> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<T> {
            let found = reading::find_row(view, self.class, self.packed_key, self.guess)?;
            (self.copy)(found.as_ref().map(|(object, row)| (*object, &row[..])))
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<T> {
            let found = find_row_in_write(write, self.class, self.packed_key, self.guess)?;
            (self.copy)(found.as_ref().map(|(object, row)| {
                let row = row.as_deref().unwrap_or_default();
                (*object, row)
            }))
        }
    }

    /// One row, handed to a function that copies it.
    pub struct Row<F>(pub usize, pub f64, pub F);

    impl<T, F: FnOnce(Option<&[u8]>) -> Result<T>> ViewWork<T> for Row<F> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<T> {
            let row = reading::row(view, self.0, self.1)?;
            (self.2)(row.as_deref())
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<T> {
            let class = write.catalog().id_at(self.0)?;
            let object = object_of_number(self.1);
            self.work(write.view_of_rows(class, object.into_iter()))
        }
    }

    /// Several rows.
    pub struct Rows<'a>(pub usize, pub &'a [f64]);

    impl ViewWork<Vec<u8>> for Rows<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<u8>> {
            reading::rows(view, self.0, self.1)
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<Vec<u8>> {
            let class = write.catalog().id_at(self.0)?;
            let objects = self.1.iter().filter_map(|object| object_of_number(*object));
            self.work(write.view_of_rows(class, objects))
        }
    }

    /// Values of one column.
    pub struct Column<'a> {
        /// Position of the class.
        pub class: usize,
        /// Position of the column; a negative one stands for the primary key.
        pub column: i32,
        /// Whose values; `None` for all objects of the class.
        pub objects: Option<&'a [f64]>,
    }

    impl ViewWork<Vec<u8>> for Column<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<u8>> {
            reading::column(view, self.class, self.column, self.objects)
        }

        fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<Vec<u8>> {
            match self.objects {
                Some([object]) => column_in_write(write, self.class, self.column, *object),
                _ => self.work(write.view()?),
            }
        }
    }

    /// Sum of one column, as [`reading::sum`] says.
    pub struct Sum<'a>(pub Column<'a>);

    impl ViewWork<Option<f64>> for Sum<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Option<f64>> {
            let Column {
                class,
                column,
                objects,
            } = self.0;
            reading::sum(view, class, column, objects)
        }
    }

    /// The greatest integer among the primary keys of a class, −∞ if it has none.
    pub struct GreatestKey(pub usize);

    impl ViewWork<f64> for GreatestKey {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<f64> {
            let greatest = view.greatest_integer_key(self.0)?;
            // What is beyond JavaScript's safe integers is rounded, but stays beyond.
            #[allow(clippy::cast_precision_loss)]
            let greatest = greatest.map_or(f64::NEG_INFINITY, |key| key as f64);
            Ok(greatest)
        }
    }

    /// Work with queries that use the application's names.
    pub struct Named<'a, W>(pub &'a QueryNames, pub W);

    impl<T, W: ViewWork<T>> ViewWork<T> for Named<'_, W> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<T> {
            self.1.work(view.with_names(self.0))
        }
    }

    /// A query.
    pub struct Query<'a> {
        /// Position of the class.
        pub class: usize,
        /// Its text.
        pub text: &'a str,
        /// Packed parameters.
        pub parameters: &'a [u8],
        /// Objects to choose from.
        pub restrict: Option<&'a [f64]>,
    }

    impl ViewWork<Vec<f64>> for Query<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<f64>> {
            reading::query(view, self.class, self.text, self.parameters, self.restrict)
        }
    }

    /// Objects whose column links to one of some objects: their class, the objects, the class and column.
    pub struct Origins<'a>(pub usize, pub &'a [f64], pub usize, pub u16);

    impl ViewWork<Vec<f64>> for Origins<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<f64>> {
            reading::origins(view, self.0, self.1, (self.2, self.3))
        }
    }

    /// Where a list or set links to some objects: class, object, column, the objects and their class.
    pub struct LinkPositions<'a>(pub usize, pub f64, pub u16, pub usize, pub &'a [f64]);

    impl ViewWork<Vec<f64>> for LinkPositions<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<f64>> {
            reading::link_positions(view, (self.0, self.1, self.2), self.3, self.4)
        }
    }

    /// A query as text without parameters.
    pub struct Describe<'a>(pub usize, pub &'a str, pub &'a [u8]);

    impl ViewWork<String> for Describe<'_> {
        fn work<R: Read>(self, view: View<'_, R>) -> Result<String> {
            reading::describe_query(view, self.0, self.1, self.2)
        }
    }
}
