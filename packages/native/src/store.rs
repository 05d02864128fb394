//! `Core` and `CoreStore` for Node: conversion, and the gate around whatever writes.

use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{BufferSlice, Env, Float64Array, Object, Uint8Array};
use napi_derive::napi;
use tidemark_store::boundary::{self, SnapshotId, ViewWork, work};
use tidemark_store::{QueryNames, StoreError, boundary::number_of};

use crate::failure::{Result, outside_failure, store_failure};
use crate::gate::Writer;
use crate::hot::{self, Hot};
use crate::registry::{self, OpenStore, Secret};

/// How long the session waits for its turn to write before it says so.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(60);

/// The key of an encrypted file, if there is one, with the host's random bytes.
pub(crate) fn secret_of<'a>(key: Option<&'a [u8]>, seed: Option<&'a [u8]>) -> Option<Secret<'a>> {
    let seed = seed.unwrap_or_default();
    key.map(|key| Secret { key, seed })
}

/// Opens a database, or joins the one that this process already has open at that path.
#[napi(catch_unwind)]
pub fn open_store(
    path: Option<String>,
    options: String,
    key: Option<&[u8]>,
    seed: Option<&[u8]>,
) -> Result<NativeStore> {
    let (options, is_read_only) = boundary::options_of(&options).map_err(store_failure)?;
    let secret = secret_of(key, seed);
    let open = registry::open(path.as_deref(), options, secret).map_err(store_failure)?;
    Ok(NativeStore {
        open: Some(open),
        is_read_only,
        is_writing: false,
        reads: HashMap::new(),
        names: QueryNames::default(),
        hot: Vec::new(),
    })
}

/// Whether a file at that path is open in this process.
#[napi(catch_unwind)]
pub fn is_open(path: String) -> bool {
    registry::is_open(&path)
}

/// Closes every database of this process, dropping uncommitted writes.
#[napi(catch_unwind)]
pub fn close_all() {
    registry::close_all();
}

/// Removes a database file. Throws if it is open.
#[napi(catch_unwind)]
pub fn delete_store(path: String) -> Result<()> {
    registry::delete(&path).map_err(store_failure)
}

/// Gathers what `Core` asks for in the export `core`.
#[napi(module_exports)]
pub fn export_core(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let mut core = Object::new(&env)?;
    core.set("kind", "native")?;
    for name in ["openStore", "isOpen", "closeAll", "deleteStore"] {
        if let Some(function) = exports.get::<napi::Unknown<'_>>(name)? {
            core.set(name, function)?;
        }
    }
    exports.set("core", core)
}

/// A handle of one open database; it belongs to the thread that opened it.
#[napi]
pub struct NativeStore {
    /// `None` once closed.
    open: Option<Arc<OpenStore>>,
    is_read_only: bool,
    /// Whether the open write was begun through this handle.
    is_writing: bool,
    /// Snapshots taken through this handle and not given back.
    pub(crate) reads: HashMap<SnapshotId, usize>,
    /// What queries through this handle may say beside the names of the file.
    names: QueryNames,
    /// What functions of [`NativeStore::hot_reads`] work on, as long as they live.
    hot: Vec<Weak<Hot>>,
}

impl Drop for NativeStore {
    fn drop(&mut self) {
        self.shut();
    }
}

pub(crate) fn unsigned(number: f64) -> u64 {
    // Negative and broken times count as zero; the cast saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = number as u64;
    whole
}

impl NativeStore {
    pub(crate) fn open(&self) -> Result<&Arc<OpenStore>, StoreError> {
        self.open.as_ref().ok_or(StoreError::Closed)
    }

    fn shut(&mut self) {
        let Some(open) = self.open.take() else { return };
        for hot in self.hot.drain(..).filter_map(|hot| hot.upgrade()) {
            hot.close();
        }
        if std::mem::take(&mut self.is_writing) {
            open.store.abort_write();
            open.gate.leave();
        }
        for (id, count) in self.reads.drain() {
            for _ in 0..count {
                // The table may have been emptied by `closeAll`.
                let _ = open.store.end_read(id);
            }
        }
        registry::release(&open);
    }

    fn view<T>(&self, snapshot: SnapshotId, work: impl ViewWork<T>) -> Result<T> {
        self.open()
            .and_then(|open| open.store.view(snapshot, work))
            .map_err(store_failure)
    }

    /// Work of the session, which waits until no application wants to write.
    pub(crate) fn as_session<T>(
        &self,
        work: impl FnOnce(&OpenStore) -> Result<T, StoreError>,
    ) -> Result<T> {
        let session = || {
            let open = self.open()?;
            if self.is_read_only {
                return Err(StoreError::ReadOnly);
            }
            open.gate
                .with(Writer::Session, SESSION_TIMEOUT, || work(open))
        };
        session().map_err(store_failure)
    }

    fn expect_writing(&self) -> Result<&Arc<OpenStore>, StoreError> {
        if self.is_writing {
            self.open()
        } else {
            Err(StoreError::NotInWrite)
        }
    }

    /// Ends the write begun through this handle.
    fn end_write<T>(&mut self, end: impl FnOnce(&OpenStore) -> Result<T, StoreError>) -> Result<T> {
        let open = Arc::clone(self.expect_writing().map_err(store_failure)?);
        self.is_writing = false;
        let result = end(&open);
        open.gate.leave();
        result.map_err(store_failure)
    }
}

#[napi]
impl NativeStore {
    /// Gives the handle back. The database closes with its last handle.
    #[napi(catch_unwind)]
    pub fn close(&mut self) {
        self.shut();
    }

    /// The schema at a snapshot, as JSON of `SchemaInformation`.
    #[napi(catch_unwind)]
    pub fn schema(&self, snapshot: u32) -> Result<String> {
        self.view(snapshot, work::Schema)
    }

    /// Adds what is missing, inside the open write transaction.
    #[napi(catch_unwind)]
    pub fn update_schema(&self, schema: String) -> Result<()> {
        let open = self.expect_writing().map_err(store_failure)?;
        open.store
            .with_write(|write| boundary::update_schema(write, &schema))
            .map_err(store_failure)
    }

    /// Changes the schema in more than additions, inside the open write transaction.
    #[napi(catch_unwind)]
    pub fn migrate_schema(&self, operations: String) -> Result<()> {
        let open = self.expect_writing().map_err(store_failure)?;
        open.store
            .with_write(|write| boundary::migrate_schema(write, &operations))
            .map_err(store_failure)
    }

    /// The version that the application has given its schema, −1 if it never did.
    #[napi(catch_unwind)]
    pub fn declared_version(&self, snapshot: u32) -> Result<f64> {
        self.view(snapshot, work::DeclaredVersion)
    }

    /// Remembers it, inside the open write transaction.
    #[napi(catch_unwind)]
    pub fn set_declared_version(&self, version: f64) -> Result<()> {
        let open = self.expect_writing().map_err(store_failure)?;
        let set = boundary::declared_version_of(version).and_then(|version| {
            open.store.with_write(|write| {
                write.set_declared_version(version);
                Ok(())
            })
        });
        set.map_err(store_failure)
    }

    /// Newest committed version.
    #[napi(catch_unwind)]
    pub fn version(&self) -> Result<f64> {
        let open = self.open().map_err(store_failure)?;
        Ok(number_of(open.store.database().version()))
    }

    /// Takes a snapshot of the newest committed version.
    #[napi(catch_unwind)]
    pub fn begin_read(&mut self) -> Result<u32> {
        let open = self.open().map_err(store_failure)?;
        let id = open.store.begin_read().map_err(store_failure)?;
        *self.reads.entry(id).or_default() += 1;
        Ok(id)
    }

    /// Version of a snapshot.
    #[napi(catch_unwind)]
    pub fn snapshot_version(&self, snapshot: u32) -> Result<f64> {
        let version = self
            .open()
            .and_then(|open| open.store.snapshot_version(snapshot));
        version.map(number_of).map_err(store_failure)
    }

    /// Gives a snapshot back.
    #[napi(catch_unwind)]
    pub fn end_read(&mut self, snapshot: u32) -> Result<()> {
        let Some(count) = self.reads.get_mut(&snapshot) else {
            return Err(store_failure(StoreError::InvalidSnapshot));
        };
        *count -= 1;
        if *count == 0 {
            self.reads.remove(&snapshot);
        }
        self.open()
            .and_then(|open| open.store.end_read(snapshot))
            .map_err(store_failure)
    }

    /// Number of objects of a class.
    #[napi(catch_unwind)]
    pub fn count(&self, snapshot: u32, class_index: u32) -> Result<f64> {
        self.view(snapshot, work::Count(class_index as usize))
    }

    /// Object with this packed primary key, or −1.
    #[napi(catch_unwind)]
    pub fn find(&self, snapshot: u32, class_index: u32, packed_key: &[u8]) -> Result<f64> {
        self.view(snapshot, work::Find(class_index as usize, packed_key))
    }

    /// `u32 length of key, key, row` of an object; `null` if there is no such object.
    #[napi(catch_unwind, ts_return_type = "Uint8Array | null")]
    pub fn row<'e>(
        &self,
        env: &'e Env,
        snapshot: u32,
        class_index: u32,
        object: f64,
    ) -> Result<Option<BufferSlice<'e>>> {
        // Copied into the JavaScript heap: an external buffer with a finaliser costs more than the copy.
        let copy = |row: Option<&[u8]>| {
            row.map(|row| BufferSlice::copy_from(env, row))
                .transpose()
                .map_err(|error| StoreError::MalformedArgument(error.to_string()))
        };
        self.view(snapshot, work::Row(class_index as usize, object, copy))
    }

    /// Copies what `row` gives to the start of a buffer: the answer is its length, or −1 if there is no
    /// such object. A longer row than the buffer is not copied; its length says how long the buffer has to
    /// be.
    #[napi(catch_unwind)]
    pub fn row_into(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        mut buffer: Uint8Array,
    ) -> Result<f64> {
        // The buffer is JavaScript's and nobody else's while this call lasts.
        let buffer = unsafe { buffer.as_mut() };
        let copy = |row: Option<&[u8]>| {
            let Some(row) = row else { return Ok(-1.0) };
            if let Some(place) = buffer.get_mut(..row.len()) {
                place.copy_from_slice(row);
            }
            Ok(number_of(row.len() as u64))
        };
        self.view(snapshot, work::Row(class_index as usize, object, copy))
    }

    /// Functions that read single objects, as long as the handle is open.
    #[napi(catch_unwind, ts_return_type = "HotReads")]
    pub fn hot_reads<'e>(&mut self, env: &'e Env) -> Result<Object<'e>> {
        let open = Arc::clone(self.open().map_err(store_failure)?);
        let (entries, hot) = hot::entries(env, &open)?;
        self.hot.retain(|hot| hot.strong_count() > 0);
        self.hot.push(Rc::downgrade(&hot));
        Ok(entries)
    }

    /// Several of them: for each `u32 length (0 if absent)` and the bytes that `row` gives.
    #[napi(catch_unwind, ts_return_type = "Uint8Array")]
    pub fn rows<'e>(
        &self,
        env: &'e Env,
        snapshot: u32,
        class_index: u32,
        objects: Float64Array,
    ) -> Result<BufferSlice<'e>> {
        let rows = self.view(snapshot, work::Rows(class_index as usize, &objects))?;
        BufferSlice::copy_from(env, &rows).map_err(outside_failure)
    }

    /// The packed values of one column, of all objects of a class or of those given which exist. The column
    /// −1 is the primary key.
    #[napi(catch_unwind)]
    pub fn column(
        &self,
        snapshot: u32,
        class_index: u32,
        column: i32,
        objects: Option<Float64Array>,
    ) -> Result<Uint8Array> {
        let read = work::Column {
            class: class_index as usize,
            column,
            objects: objects.as_deref(),
        };
        self.view(snapshot, read).map(Uint8Array::from)
    }

    /// Sum of one column of numbers, of all objects of a class or of those given which exist; NaN if the core
    /// does not say.
    #[napi(catch_unwind)]
    pub fn sum(
        &self,
        snapshot: u32,
        class_index: u32,
        column: i32,
        objects: Option<Float64Array>,
    ) -> Result<f64> {
        let of = work::Column {
            class: class_index as usize,
            column,
            objects: objects.as_deref(),
        };
        let sum = self.view(snapshot, work::Sum(of))?;
        Ok(sum.unwrap_or(f64::NAN))
    }

    /// Names that queries of this handle may use beside those of the file, as JSON.
    #[napi(catch_unwind)]
    pub fn set_query_names(&mut self, names: String) -> Result<()> {
        self.names = boundary::query_names_of(&names).map_err(store_failure)?;
        Ok(())
    }

    /// Objects that match a query text with its SORT, DISTINCT and LIMIT, in order.
    #[napi(catch_unwind)]
    pub fn query(
        &self,
        snapshot: u32,
        class_index: u32,
        text: String,
        parameters: &[u8],
        restrict: Option<Float64Array>,
    ) -> Result<Float64Array> {
        let (class, restrict) = (class_index as usize, restrict.as_deref());
        let query = work::Query {
            class,
            text: &text,
            parameters,
            restrict,
        };
        self.view(snapshot, work::Named(&self.names, query))
            .map(Float64Array::from)
    }

    /// Objects whose column of a class links to one of `targets`, in order of creation.
    #[napi(catch_unwind)]
    pub fn origins(
        &self,
        snapshot: u32,
        class_index: u32,
        targets: Float64Array,
        origin_class: u32,
        column: u16,
    ) -> Result<Float64Array> {
        let (class, origin) = (class_index as usize, origin_class as usize);
        self.view(snapshot, work::Origins(class, &targets, origin, column))
            .map(Float64Array::from)
    }

    /// Indexes, in the list or set of a column, of links to `targets`.
    #[napi(catch_unwind)]
    pub fn link_positions(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        target_class: u32,
        targets: Float64Array,
    ) -> Result<Float64Array> {
        let (class, target) = (class_index as usize, target_class as usize);
        let positions = work::LinkPositions(class, object, column, target, &targets);
        self.view(snapshot, positions).map(Float64Array::from)
    }

    /// How many elements of the collection at a path are seen, and how many there are: two `u32`, or nothing.
    #[napi(catch_unwind)]
    pub fn collection_sizes(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        path: &[u8],
    ) -> Result<Uint8Array> {
        let class = class_index as usize;
        let sizes = boundary::CollectionSizes {
            class,
            object,
            column,
            path,
        };
        self.view(snapshot, sizes).map(Uint8Array::from)
    }

    /// The packed value at a path; nothing if there is none.
    #[napi(catch_unwind)]
    pub fn value_at(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        path: &[u8],
    ) -> Result<Uint8Array> {
        let class = class_index as usize;
        let value = boundary::ValueAt {
            class,
            object,
            column,
            path,
        };
        self.view(snapshot, value).map(Uint8Array::from)
    }

    /// Whether the set at a path has an element with these bytes.
    #[napi(catch_unwind)]
    pub fn set_contains(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        path: &[u8],
        value: &[u8],
    ) -> Result<bool> {
        let class = class_index as usize;
        let contains = boundary::Contains {
            class,
            object,
            column,
            path,
            value,
        };
        self.view(snapshot, contains).map(|found| !found.is_empty())
    }

    /// The query as text without parameters: what a subscription sends.
    #[napi(catch_unwind)]
    pub fn describe_query(
        &self,
        snapshot: u32,
        class_index: u32,
        text: String,
        parameters: &[u8],
    ) -> Result<String> {
        let describe = work::Describe(class_index as usize, &text, parameters);
        self.view(snapshot, work::Named(&self.names, describe))
    }

    /// What changed after a version, up to the newest, as JSON.
    #[napi(catch_unwind)]
    pub fn changes_since(&self, version: f64) -> Result<String> {
        let open = self.open().map_err(store_failure)?;
        Ok(boundary::changes_text(
            &open.store.database().changes_since(unsigned(version)),
        ))
    }

    /// Opens the one write transaction and returns its view. The application goes before the session.
    #[napi(catch_unwind)]
    pub fn begin_write(&mut self, timeout_ms: f64) -> Result<u32> {
        let open = Arc::clone(self.open().map_err(store_failure)?);
        if self.is_read_only {
            return Err(store_failure(StoreError::ReadOnly));
        }
        let timeout = Duration::from_millis(unsigned(timeout_ms));
        open.gate
            .enter(Writer::Application, timeout)
            .map_err(store_failure)?;
        match open.store.begin_write() {
            Ok(id) => {
                self.is_writing = true;
                Ok(id)
            }
            Err(error) => {
                open.gate.leave();
                Err(store_failure(error))
            }
        }
    }

    /// Applies a batch of mutations; for each creation in it `f64 object key, u8 created` comes back.
    #[napi(catch_unwind)]
    pub fn mutate(&self, batch: &[u8]) -> Result<Uint8Array> {
        let open = self.expect_writing().map_err(store_failure)?;
        let answer = open
            .store
            .with_write(|write| boundary::mutate(write, batch));
        answer.map(Uint8Array::from).map_err(store_failure)
    }

    /// Commits, durable when it returns, and returns the new version.
    #[napi(catch_unwind)]
    pub fn commit_write(&mut self, timestamp_ms: f64) -> Result<f64> {
        self.end_write(|open| open.store.commit_write(unsigned(timestamp_ms)))
            .map(number_of)
    }

    /// Forgets the open write.
    #[napi(catch_unwind)]
    pub fn abort_write(&mut self) -> Result<()> {
        self.end_write(|open| {
            open.store.abort_write();
            Ok(())
        })
    }
}
