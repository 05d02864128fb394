//! The host's files as a backend of redb.

use std::cell::RefCell;
use std::io;

use js_sys::{Error, Reflect};
use redb::StorageBackend;
use tidemark_storage::StorageError;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/**
 * Files of the host, all calls synchronous. What is thrown carries a `code` as Node.js gives it: `EBUSY` for
 * a file that another process has open.
 */
export interface CoreFiles {
  /** The one path that stands for a file, whether or not it exists yet. */
  canonical(path: string): string;
  exists(path: string): boolean;
  /** Opens a file to read and write, or creates it; other processes are kept off it until it is closed. */
  open(path: string): number;
  length(file: number): number;
  /** Fills the buffer from a position; throws where the file ends before. */
  read(file: number, position: number, buffer: Uint8Array): void;
  write(file: number, position: number, bytes: Uint8Array): void;
  /** Cuts the file, or appends zeros. */
  setLength(file: number, length: number): void;
  /** What was written is on the disk when this returns. */
  sync(file: number): void;
  close(file: number): void;
  /** Removes a file; throws if another process has it open. */
  remove(path: string): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// The host's files.
    #[wasm_bindgen(typescript_type = "CoreFiles")]
    #[derive(Clone)]
    pub type CoreFiles;

    #[wasm_bindgen(method, catch)]
    fn canonical(this: &CoreFiles, path: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn exists(this: &CoreFiles, path: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn open(this: &CoreFiles, path: &str) -> Result<u32, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn length(this: &CoreFiles, file: u32) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn read(this: &CoreFiles, file: u32, position: f64, buffer: &mut [u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn write(this: &CoreFiles, file: u32, position: f64, bytes: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = setLength)]
    fn set_length(this: &CoreFiles, file: u32, length: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn sync(this: &CoreFiles, file: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &CoreFiles, file: u32) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn remove(this: &CoreFiles, path: &str) -> Result<(), JsValue>;
}

thread_local! {
    /// A backend of redb must be free to move between threads, which a JavaScript object is not: it is looked
    /// up.
    static FILES: RefCell<Option<CoreFiles>> = const { RefCell::new(None) };
}

/// Gives the module its files; without them every database is in memory.
#[wasm_bindgen(js_name = setFiles)]
pub fn set_files(files: CoreFiles) {
    FILES.set(Some(files));
}

fn with<T>(work: impl FnOnce(&CoreFiles) -> Result<T, JsValue>) -> io::Result<T> {
    let files = FILES.with_borrow(Clone::clone);
    let files = files
        .ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "there are no files here"))?;
    work(&files).map_err(|thrown| failure_of(&thrown))
}

/// What the host threw, with the kind that its `code` names.
fn failure_of(thrown: &JsValue) -> io::Error {
    let code = Reflect::get(thrown, &"code".into())
        .ok()
        .and_then(|code| code.as_string());
    let kind = match code.as_deref().unwrap_or_default() {
        "ENOSPC" => io::ErrorKind::StorageFull,
        "EDQUOT" => io::ErrorKind::QuotaExceeded,
        "EFBIG" => io::ErrorKind::FileTooLarge,
        "ENOENT" => io::ErrorKind::NotFound,
        "ENOTDIR" => io::ErrorKind::NotADirectory,
        "EACCES" | "EPERM" => io::ErrorKind::PermissionDenied,
        "EROFS" => io::ErrorKind::ReadOnlyFilesystem,
        "EBUSY" => io::ErrorKind::ResourceBusy,
        _ => io::ErrorKind::Other,
    };
    let text = match thrown.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{thrown:?}"),
    };
    io::Error::new(kind, text)
}

fn storage_failure(error: io::Error) -> StorageError {
    if error.kind() == io::ErrorKind::ResourceBusy {
        StorageError::InUse
    } else {
        error.into()
    }
}

/// The one path that stands for a file.
pub fn canonical(path: &str) -> Result<String, StorageError> {
    with(|files| files.canonical(path)).map_err(storage_failure)
}

/// Whether there is a file.
pub fn exists(path: &str) -> Result<bool, StorageError> {
    with(|files| files.exists(path)).map_err(storage_failure)
}

/// Removes a file, if it is there.
pub fn remove(path: &str) -> Result<(), StorageError> {
    let remove = |files: &CoreFiles| {
        if files.exists(path)? {
            files.remove(path)
        } else {
            Ok(())
        }
    };
    with(remove).map_err(storage_failure)
}

/// An open file of the host: its number there.
#[derive(Clone, Debug)]
pub struct HostFile(u32);

impl HostFile {
    /// Opens or creates a file.
    pub fn open(path: &str) -> Result<Self, StorageError> {
        with(|files| files.open(path))
            .map(Self)
            .map_err(storage_failure)
    }
}

/// Positions and lengths stay far below 2^53.
fn number(value: u64) -> f64 {
    tidemark_store::boundary::number_of(value)
}

impl StorageBackend for HostFile {
    fn len(&self) -> io::Result<u64> {
        with(|files| files.length(self.0)).map(crate::store::unsigned)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        with(|files| files.read(self.0, number(offset), out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        with(|files| files.set_length(self.0, number(length)))
    }

    fn sync_data(&self) -> io::Result<()> {
        with(|files| files.sync(self.0))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        with(|files| files.write(self.0, number(offset), data))
    }

    fn close(&self) -> io::Result<()> {
        with(|files| files.close(self.0))
    }
}
