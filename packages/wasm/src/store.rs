//! `Core` and `CoreStore` in WebAssembly: conversion. Everybody here shares one thread, so that a write is
//! refused where another one is open; the engine keeps its session still meanwhile.

use std::collections::HashMap;
use std::rc::Rc;

use js_sys::Uint8Array;
use tidemark_store::boundary::{self, SnapshotId, ViewWork, number_of, work};
use tidemark_store::sync::{BootstrapPart, SubscriptionState};
use tidemark_store::{QueryNames, StoreError};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::failure::{Result, expect_sound};
use crate::registry::{self, OpenStore, Secret};

/// Opens a database, or joins the one that is already open at that path.
#[wasm_bindgen(js_name = openStore)]
#[allow(clippy::needless_pass_by_value)] // What comes from JavaScript is owned.
pub fn open_store(
    path: Option<String>,
    options: &str,
    key: Option<Vec<u8>>,
    seed: Option<Vec<u8>>,
) -> Result<WasmStore> {
    expect_sound()?;
    let (options, is_read_only) = boundary::options_of(options)?;
    let secret = secret_of(key.as_deref(), seed.as_deref());
    let open = registry::open(path.as_deref(), options, secret)?;
    Ok(WasmStore {
        open: Some(open),
        is_read_only,
        is_writing: false,
        reads: HashMap::new(),
        names: QueryNames::default(),
    })
}

/// The key of an encrypted file, if there is one, with the host's random bytes.
pub(crate) fn secret_of<'a>(key: Option<&'a [u8]>, seed: Option<&'a [u8]>) -> Option<Secret<'a>> {
    let seed = seed.unwrap_or_default();
    key.map(|key| Secret { key, seed })
}

/// Whether a file at that path is open here.
#[wasm_bindgen(js_name = isOpen)]
pub fn is_open(path: &str) -> bool {
    registry::is_open(path)
}

/// Closes every database, dropping uncommitted writes.
#[wasm_bindgen(js_name = closeAll)]
pub fn close_all() -> Result<()> {
    expect_sound()?;
    registry::close_all();
    Ok(())
}

/// Removes a database file. Throws if it is open.
#[wasm_bindgen(js_name = deleteStore)]
pub fn delete_store(path: &str) -> Result<()> {
    expect_sound()?;
    Ok(registry::delete(path)?)
}

/// A handle of one open database.
#[wasm_bindgen]
pub struct WasmStore {
    /// `None` once closed.
    open: Option<Rc<OpenStore>>,
    is_read_only: bool,
    /// Whether the open write was begun through this handle.
    is_writing: bool,
    /// Snapshots taken through this handle and not given back.
    pub(crate) reads: HashMap<SnapshotId, usize>,
    /// What queries through this handle may say beside the names of the file.
    names: QueryNames,
}

impl Drop for WasmStore {
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

/// A text that may be missing, as JavaScript has it.
pub(crate) fn or_null(text: Option<String>) -> JsValue {
    text.map_or(JsValue::NULL, JsValue::from)
}

impl WasmStore {
    pub(crate) fn open(&self) -> Result<&Rc<OpenStore>> {
        expect_sound()?;
        Ok(self.open.as_ref().ok_or(StoreError::Closed)?)
    }

    fn shut(&mut self) {
        let Some(open) = self.open.take() else { return };
        if std::mem::take(&mut self.is_writing) {
            open.store.abort_write();
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
        Ok(self.open()?.store.view(snapshot, work)?)
    }

    /// For what the session writes.
    pub(crate) fn as_session(&self) -> Result<&Rc<OpenStore>> {
        let open = self.open()?;
        if self.is_read_only {
            return Err(StoreError::ReadOnly.into());
        }
        if open.store.is_writing() {
            return Err(StoreError::WriteInProgress.into());
        }
        Ok(open)
    }

    fn expect_writing(&self) -> Result<&Rc<OpenStore>> {
        if !self.is_writing {
            return Err(StoreError::NotInWrite.into());
        }
        self.open()
    }
}

#[wasm_bindgen]
impl WasmStore {
    /// Gives the handle back. The database closes with its last handle.
    pub fn close(&mut self) {
        self.shut();
    }

    /// The schema at a snapshot, as JSON of `SchemaInformation`.
    pub fn schema(&self, snapshot: u32) -> Result<String> {
        self.view(snapshot, work::Schema)
    }

    /// Adds what is missing, inside the open write transaction.
    #[wasm_bindgen(js_name = updateSchema)]
    pub fn update_schema(&self, schema: &str) -> Result<()> {
        let open = self.expect_writing()?;
        Ok(open
            .store
            .with_write(|write| boundary::update_schema(write, schema))?)
    }

    /// Changes the schema in more than additions, inside the open write transaction.
    #[wasm_bindgen(js_name = migrateSchema)]
    pub fn migrate_schema(&self, operations: &str) -> Result<()> {
        let open = self.expect_writing()?;
        Ok(open
            .store
            .with_write(|write| boundary::migrate_schema(write, operations))?)
    }

    /// The version that the application has given its schema, −1 if it never did.
    #[wasm_bindgen(js_name = declaredVersion)]
    pub fn declared_version(&self, snapshot: u32) -> Result<f64> {
        self.view(snapshot, work::DeclaredVersion)
    }

    /// Remembers it, inside the open write transaction.
    #[wasm_bindgen(js_name = setDeclaredVersion)]
    pub fn set_declared_version(&self, version: f64) -> Result<()> {
        let open = self.expect_writing()?;
        let version = boundary::declared_version_of(version)?;
        Ok(open.store.with_write(|write| {
            write.set_declared_version(version);
            Ok(())
        })?)
    }

    /// Newest committed version.
    pub fn version(&self) -> Result<f64> {
        Ok(number_of(self.open()?.store.database().version()))
    }

    /// Takes a snapshot of the newest committed version.
    #[wasm_bindgen(js_name = beginRead)]
    pub fn begin_read(&mut self) -> Result<u32> {
        let id = self.open()?.store.begin_read()?;
        *self.reads.entry(id).or_default() += 1;
        Ok(id)
    }

    /// Version of a snapshot.
    #[wasm_bindgen(js_name = snapshotVersion)]
    pub fn snapshot_version(&self, snapshot: u32) -> Result<f64> {
        Ok(number_of(self.open()?.store.snapshot_version(snapshot)?))
    }

    /// Gives a snapshot back.
    #[wasm_bindgen(js_name = endRead)]
    pub fn end_read(&mut self, snapshot: u32) -> Result<()> {
        let count = self
            .reads
            .get_mut(&snapshot)
            .ok_or(StoreError::InvalidSnapshot)?;
        *count -= 1;
        if *count == 0 {
            self.reads.remove(&snapshot);
        }
        Ok(self.open()?.store.end_read(snapshot)?)
    }

    /// Number of objects of a class.
    pub fn count(&self, snapshot: u32, class_index: u32) -> Result<f64> {
        self.view(snapshot, work::Count(class_index as usize))
    }

    /// Object with this packed primary key, or −1.
    pub fn find(&self, snapshot: u32, class_index: u32, packed_key: &[u8]) -> Result<f64> {
        self.view(snapshot, work::Find(class_index as usize, packed_key))
    }

    /// `u32 length of key, key, row` of an object; `null` if there is no such object.
    #[wasm_bindgen(unchecked_return_type = "Uint8Array | null")]
    pub fn row(&self, snapshot: u32, class_index: u32, object: f64) -> Result<JsValue> {
        let copy =
            |row: Option<&[u8]>| Ok(row.map_or(JsValue::NULL, |row| Uint8Array::from(row).into()));
        self.view(snapshot, work::Row(class_index as usize, object, copy))
    }

    /// Several of them: for each `u32 length (0 if absent)` and the bytes that `row` gives.
    pub fn rows(&self, snapshot: u32, class_index: u32, objects: &[f64]) -> Result<Vec<u8>> {
        self.view(snapshot, work::Rows(class_index as usize, objects))
    }

    /// The packed values of one column, of all objects of a class or of those given which exist. The column
    /// −1 is the primary key.
    pub fn column(
        &self,
        snapshot: u32,
        class_index: u32,
        column: i32,
        objects: Option<Vec<f64>>,
    ) -> Result<Vec<u8>> {
        let read = work::Column {
            class: class_index as usize,
            column,
            objects: objects.as_deref(),
        };
        self.view(snapshot, read)
    }

    /// Sum of one column of numbers, of all objects of a class or of those given which exist; NaN if the core
    /// does not say.
    pub fn sum(
        &self,
        snapshot: u32,
        class_index: u32,
        column: i32,
        objects: Option<Vec<f64>>,
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
    #[wasm_bindgen(js_name = setQueryNames)]
    pub fn set_query_names(&mut self, names: &str) -> Result<()> {
        self.open()?;
        self.names = boundary::query_names_of(names)?;
        Ok(())
    }

    /// Objects that match a query text with its SORT, DISTINCT and LIMIT, in order.
    pub fn query(
        &self,
        snapshot: u32,
        class_index: u32,
        text: &str,
        parameters: &[u8],
        restrict: Option<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        let query = work::Query {
            class: class_index as usize,
            text,
            parameters,
            restrict: restrict.as_deref(),
        };
        self.view(snapshot, work::Named(&self.names, query))
    }

    /// Objects whose column of a class links to one of `targets`, in order of creation.
    pub fn origins(
        &self,
        snapshot: u32,
        class_index: u32,
        targets: &[f64],
        origin_class: u32,
        column: u16,
    ) -> Result<Vec<f64>> {
        let (class, origin) = (class_index as usize, origin_class as usize);
        self.view(snapshot, work::Origins(class, targets, origin, column))
    }

    /// Indexes, in the list or set of a column, of links to `targets`.
    #[wasm_bindgen(js_name = linkPositions)]
    pub fn link_positions(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        target_class: u32,
        targets: &[f64],
    ) -> Result<Vec<f64>> {
        let (class, target) = (class_index as usize, target_class as usize);
        self.view(
            snapshot,
            work::LinkPositions(class, object, column, target, targets),
        )
    }

    /// How many elements of the collection at a path are seen, and how many there are: two `u32`, or nothing.
    #[wasm_bindgen(js_name = collectionSizes)]
    pub fn collection_sizes(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        path: &[u8],
    ) -> Result<Vec<u8>> {
        let class = class_index as usize;
        let sizes = boundary::CollectionSizes {
            class,
            object,
            column,
            path,
        };
        self.view(snapshot, sizes)
    }

    /// The packed value at a path; nothing if there is none.
    #[wasm_bindgen(js_name = valueAt)]
    pub fn value_at(
        &self,
        snapshot: u32,
        class_index: u32,
        object: f64,
        column: u16,
        path: &[u8],
    ) -> Result<Vec<u8>> {
        let class = class_index as usize;
        let value = boundary::ValueAt {
            class,
            object,
            column,
            path,
        };
        self.view(snapshot, value)
    }

    /// Whether the set at a path has an element with these bytes.
    #[wasm_bindgen(js_name = setContains)]
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
    #[wasm_bindgen(js_name = describeQuery)]
    pub fn describe_query(
        &self,
        snapshot: u32,
        class_index: u32,
        text: &str,
        parameters: &[u8],
    ) -> Result<String> {
        let describe = work::Describe(class_index as usize, text, parameters);
        self.view(snapshot, work::Named(&self.names, describe))
    }

    /// What changed after a version, up to the newest, as JSON.
    #[wasm_bindgen(js_name = changesSince)]
    pub fn changes_since(&self, version: f64) -> Result<String> {
        let database = self.open()?.store.database();
        Ok(boundary::changes_text(
            &database.changes_since(unsigned(version)),
        ))
    }

    /// Opens the one write transaction and returns its view. There is nobody to wait for.
    #[wasm_bindgen(js_name = beginWrite)]
    pub fn begin_write(&mut self, _timeout_ms: f64) -> Result<u32> {
        let open = self.open()?;
        if self.is_read_only {
            return Err(StoreError::ReadOnly.into());
        }
        let id = open.store.begin_write()?;
        self.is_writing = true;
        Ok(id)
    }

    /// Applies a batch of mutations; for each creation in it `f64 object key, u8 created` comes back.
    pub fn mutate(&self, batch: &[u8]) -> Result<Vec<u8>> {
        let open = self.expect_writing()?;
        Ok(open
            .store
            .with_write(|write| boundary::mutate(write, batch))?)
    }

    /// Commits, durable when it returns, and returns the new version.
    #[wasm_bindgen(js_name = commitWrite)]
    pub fn commit_write(&mut self, timestamp_ms: f64) -> Result<f64> {
        let open = Rc::clone(self.expect_writing()?);
        self.is_writing = false;
        Ok(number_of(open.store.commit_write(unsigned(timestamp_ms))?))
    }

    /// Forgets the open write.
    #[wasm_bindgen(js_name = abortWrite)]
    pub fn abort_write(&mut self) -> Result<()> {
        self.expect_writing()?.store.abort_write();
        self.is_writing = false;
        Ok(())
    }

    /// All kept subscription sets, oldest first, as JSON.
    #[wasm_bindgen(js_name = subscriptionSets)]
    pub fn subscription_sets(&self) -> Result<String> {
        let sets = self.open()?.store.database().subscription_sets()?;
        Ok(boundary::subscription_sets_text(&sets))
    }

    /// Commits a new newest set in a transaction of its own.
    #[wasm_bindgen(js_name = commitSubscriptionSet)]
    pub fn commit_subscription_set(&self, subscriptions: &str, timestamp_ms: f64) -> Result<f64> {
        let open = self.open()?;
        if open.store.is_writing() {
            return Err(StoreError::WriteInProgress.into());
        }
        let subscriptions = boundary::subscriptions_of(subscriptions)?;
        let timestamp = unsigned(timestamp_ms);
        let version = open
            .store
            .database()
            .commit_subscription_set(subscriptions, timestamp)?;
        Ok(number_of(version))
    }

    /// Moves a set's state.
    #[wasm_bindgen(js_name = setSubscriptionState)]
    pub fn set_subscription_state(
        &self,
        version: f64,
        state: &str,
        error: Option<String>,
    ) -> Result<()> {
        let state = SubscriptionState::of_name(state)
            .ok_or_else(|| StoreError::MalformedArgument("there is no such state".to_owned()))?;
        let database = self.as_session()?.store.database();
        Ok(database.set_subscription_state(unsigned(version), state, error)?)
    }

    /// Takes over which fields the server's rules look at, as JSON: names by class.
    #[wasm_bindgen(js_name = setRuleFields)]
    pub fn set_rule_fields(&self, fields: &str) -> Result<()> {
        let fields = boundary::rule_fields_of(fields)?;
        Ok(self
            .as_session()?
            .store
            .database()
            .set_rule_fields(&fields)?)
    }

    /// JSON of `SyncState`.
    #[wasm_bindgen(js_name = syncState)]
    pub fn sync_state(&self) -> Result<String> {
        let state = self.open()?.store.database().sync_state()?;
        Ok(boundary::sync_state_text(&state))
    }

    /// Stores the file ident that the server gave.
    #[wasm_bindgen(js_name = setFileIdent)]
    pub fn set_file_ident(&self, ident: u64, salt: u64) -> Result<()> {
        Ok(self
            .as_session()?
            .store
            .database()
            .set_file_ident(ident, salt)?)
    }

    /// No connection takes uploads for now.
    #[wasm_bindgen(js_name = uploadsPaused)]
    pub fn uploads_paused(&self) -> Result<()> {
        self.open()?.store.database().uploads_paused();
        Ok(())
    }

    /// Body of the next UPLOAD: `f64 client version, f64 server version, u32 entry count, body`. What leaves
    /// for the first time is written down as sent before; while a write is open, only what left once is
    /// given.
    #[wasm_bindgen(js_name = nextUpload)]
    pub fn next_upload(
        &self,
        scan_version: f64,
        scan_server_version: f64,
        target_version: f64,
        bytes_max: f64,
    ) -> Result<Vec<u8>> {
        let store = &self.open()?.store;
        let database = store.database();
        let (scan, mut target) = (unsigned(scan_version), unsigned(target_version));
        if store.is_writing() && database.hands_out(scan, target)? {
            target = target.min(database.handed_out_version()?);
        }
        let upload = database.next_upload(
            scan,
            unsigned(scan_server_version),
            target,
            unsigned(bytes_max),
        )?;
        Ok(boundary::upload_bytes(&upload))
    }

    /// Integrates a steady DOWNLOAD; with an empty body goes on with the one at hand.
    pub fn integrate(&self, progress: &str, body: &[u8], timestamp_ms: f64) -> Result<String> {
        let progress = boundary::progress_of(progress)?;
        let open = self.as_session()?;
        let integrated = open
            .store
            .integrate(progress, body, unsigned(timestamp_ms))?;
        Ok(boundary::integrated_text(integrated))
    }

    /// Stores one part of a bootstrap, raw.
    #[wasm_bindgen(js_name = storeBootstrap)]
    pub fn store_bootstrap(
        &self,
        query_version: f64,
        first: bool,
        last: bool,
        progress: &str,
        body: &[u8],
    ) -> Result<()> {
        let part = BootstrapPart {
            query_version: unsigned(query_version),
            is_first: first,
            is_last: last,
            progress: boundary::progress_of(progress)?,
            body,
        };
        Ok(self.as_session()?.store.database().store_bootstrap(&part)?)
    }

    /// Applies stored bootstrap parts once the last is there, a slice a call.
    #[wasm_bindgen(js_name = applyBootstrap)]
    pub fn apply_bootstrap(&self, timestamp_ms: f64) -> Result<String> {
        let database = self.as_session()?.store.database();
        Ok(boundary::bootstrap_text(
            database.apply_bootstrap(unsigned(timestamp_ms))?,
        ))
    }

    /// Forgets an incomplete bootstrap. Returns whether a complete one waits to be applied.
    #[wasm_bindgen(js_name = discardPartialBootstrap)]
    pub fn discard_partial_bootstrap(&self) -> Result<bool> {
        Ok(self.as_session()?.store.discard_partial_bootstrap()?)
    }
}
