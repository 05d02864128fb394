//! Reading single objects, by functions written by hand: what napi-rs does around a method of a class costs
//! as much again as the look-up.
//!
//! All functions of a handle share one [`Hot`], which the handle empties when it is closed.

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::{Env, FromNapiValue, Object};
use napi::sys;
use tidemark_storage::FileStorage;
use tidemark_store::StoreError;
use tidemark_store::boundary::{KeyGuess, SharedStore, number_of, work};

use crate::failure::{Result, outside_failure, store_failure};
use crate::registry::OpenStore;
use crate::store::unsigned;

/// What the functions of one handle share.
pub struct Hot {
    /// `None` once closed.
    open: RefCell<Option<Arc<OpenStore>>>,
    /// Where objects are likely to be, by the position of their class.
    guesses: RefCell<Vec<KeyGuess>>,
}

impl Hot {
    /// Lets go of the store.
    pub fn close(&self) {
        self.open.borrow_mut().take();
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&SharedStore<FileStorage>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let open = self.open.borrow();
        work(&open.as_ref().ok_or(StoreError::Closed)?.store)
    }
}

/// What a function is given: bytes of JavaScript's, where in them, and what to read.
struct Call<'c> {
    bytes: &'c mut [u8],
    at: usize,
    snapshot: u32,
    class: usize,
    /// An object, or the length of a packed key.
    number: f64,
}

impl Call<'_> {
    /// The packed key, moved out of the way of the answer.
    fn with_key<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &[u8]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let length = index(self.number);
        let key = self.bytes.get(self.at..self.at.saturating_add(length));
        let key = key.ok_or_else(|| {
            StoreError::MalformedArgument("a key reaches beyond its bytes".to_owned())
        })?;
        let mut short = [0; 64];
        if let Some(place) = short.get_mut(..key.len()) {
            place.copy_from_slice(key);
            return work(self, place);
        }
        let long = key.to_vec();
        work(self, &long)
    }

    /// Writes bytes some way behind the place given, if they fit, and answers how many they are.
    fn answer(&mut self, behind: usize, bytes: &[u8]) -> f64 {
        let start = self.at.saturating_add(behind);
        if let Some(place) = self.bytes.get_mut(start..start.saturating_add(bytes.len())) {
            place.copy_from_slice(bytes);
        }
        number_of(bytes.len() as u64)
    }
}

/// What a function does.
type Work = fn(&Hot, Call<'_>) -> Result<f64, StoreError>;

fn index(number: f64) -> usize {
    usize::try_from(unsigned(number)).unwrap_or(usize::MAX)
}

fn find(hot: &Hot, mut call: Call<'_>) -> Result<f64, StoreError> {
    call.with_key(|call, key| {
        hot.with(|store| store.view(call.snapshot, work::Find(call.class, key)))
    })
}

fn find_row(hot: &Hot, mut call: Call<'_>) -> Result<f64, StoreError> {
    let mut guesses = hot.guesses.borrow_mut();
    // Classes are counted in 16 bits.
    if call.class >= guesses.len() && call.class <= usize::from(u16::MAX) {
        guesses.resize_with(call.class + 1, KeyGuess::default);
    }
    let mut none = KeyGuess::default();
    let guess = guesses.get_mut(call.class).unwrap_or(&mut none);
    call.with_key(|call, key| {
        let (snapshot, class) = (call.snapshot, call.class);
        let copy = |found: Option<(f64, &[u8])>| {
            let Some((object, row)) = found else {
                return Ok(-1.0);
            };
            call.answer(0, &object.to_le_bytes());
            Ok(call.answer(size_of::<f64>(), row))
        };
        let find = work::FindRow {
            class,
            packed_key: key,
            guess,
            copy,
        };
        hot.with(|store| store.view(snapshot, find))
    })
}

fn row(hot: &Hot, mut call: Call<'_>) -> Result<f64, StoreError> {
    let (snapshot, class, object) = (call.snapshot, call.class, call.number);
    let copy = |row: Option<&[u8]>| Ok(row.map_or(-1.0, |row| call.answer(0, row)));
    hot.with(|store| store.view(snapshot, work::Row(class, object, copy)))
}

fn greatest_key(hot: &Hot, call: Call<'_>) -> Result<f64, StoreError> {
    hot.with(|store| store.view(call.snapshot, work::GreatestKey(call.class)))
}

/// A function with what it works on.
struct Entry {
    hot: Rc<Hot>,
    work: Work,
}

/// The functions by their names in JavaScript.
const ENTRIES: [(&str, Work); 4] = [
    ("find", find),
    ("findRow", find_row),
    ("row", row),
    ("greatestKey", greatest_key),
];

/// Makes the functions for a handle.
pub fn entries<'e>(env: &'e Env, open: &Arc<OpenStore>) -> Result<(Object<'e>, Rc<Hot>)> {
    let hot = Rc::new(Hot {
        open: RefCell::new(Some(Arc::clone(open))),
        guesses: RefCell::default(),
    });
    let mut object = Object::new(env).map_err(outside_failure)?;
    for (name, work) in ENTRIES {
        let entry = Box::new(Entry {
            hot: Rc::clone(&hot),
            work,
        });
        let function = function(env, name, entry)?;
        // It was made just now, for this environment.
        let function = unsafe { napi::Unknown::from_napi_value(env.raw(), function) };
        object
            .set(name, function.map_err(outside_failure)?)
            .map_err(outside_failure)?;
    }
    Ok((object, hot))
}

fn checked(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        return Ok(());
    }
    Err(outside_failure(napi::Error::from_status(
        napi::Status::from(status),
    )))
}

fn function(env: &Env, name: &str, entry: Box<Entry>) -> Result<sys::napi_value> {
    let mut function = ptr::null_mut();
    let data: *mut c_void = Box::into_raw(entry).cast();
    let length = isize::try_from(name.len()).unwrap_or_default();
    let name: *const c_char = name.as_ptr().cast();
    // What the data points to lives until the finaliser below, which runs after the last call; without one
    // it is given back here.
    let made = unsafe {
        sys::napi_create_function(
            env.raw(),
            name,
            length,
            Some(called),
            data,
            &raw mut function,
        )
    };
    let finalized = match made {
        sys::Status::napi_ok => unsafe {
            let (no_hint, no_reference) = (ptr::null_mut(), ptr::null_mut());
            sys::napi_add_finalizer(
                env.raw(),
                function,
                data,
                Some(finalize),
                no_hint,
                no_reference,
            )
        },
        failed => failed,
    };
    if finalized != sys::Status::napi_ok {
        drop(unsafe { Box::<Entry>::from_raw(data.cast()) });
    }
    checked(finalized)?;
    Ok(function)
}

unsafe extern "C" fn finalize(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    drop(unsafe { Box::<Entry>::from_raw(data.cast()) });
}

/// The bytes of a `Uint8Array`; none if it is something else.
unsafe fn bytes_of<'c>(env: sys::napi_env, value: sys::napi_value) -> &'c mut [u8] {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
    let status = unsafe {
        let (buffer, offset) = (ptr::null_mut(), ptr::null_mut());
        sys::napi_get_typedarray_info(
            env,
            value,
            &raw mut kind,
            &raw mut length,
            &raw mut data,
            buffer,
            offset,
        )
    };
    let is_bytes = kind == sys::TypedarrayType::uint8_array && !data.is_null();
    if status != sys::Status::napi_ok || !is_bytes {
        return &mut [];
    }
    unsafe { std::slice::from_raw_parts_mut(data.cast(), length) }
}

const ARGUMENTS: usize = 5;

unsafe extern "C" fn called(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut given = [ptr::null_mut(); ARGUMENTS];
    let mut count = ARGUMENTS;
    let mut data = ptr::null_mut();
    let mut result = ptr::null_mut();
    // Missing arguments are `undefined`; what is no number stays NaN, which counts as 0.
    let mut numbers = [f64::NAN; ARGUMENTS];
    unsafe {
        let this = ptr::null_mut();
        let (count, given) = (&raw mut count, given.as_mut_ptr());
        sys::napi_get_cb_info(env, info, count, given, this, &raw mut data);
    }
    if data.is_null() {
        return result;
    }
    for (number, value) in numbers.iter_mut().zip(given).skip(1) {
        unsafe { sys::napi_get_value_double(env, value, number) };
    }
    let [_, at, snapshot, class, number] = numbers;
    // The finaliser has not run, since the function is being called. The bytes are JavaScript's and nobody
    // else's while this call lasts.
    let (entry, bytes) = unsafe { (&*data.cast::<Entry>(), bytes_of(env, given[0])) };
    let call = Call {
        bytes,
        at: index(at),
        snapshot: u32::try_from(unsigned(snapshot)).unwrap_or(0),
        class: index(class),
        number,
    };
    let failure = match catch_unwind(AssertUnwindSafe(|| (entry.work)(&entry.hot, call))) {
        Ok(Ok(number)) => {
            unsafe { sys::napi_create_double(env, number, &raw mut result) };
            return result;
        }
        Ok(Err(error)) => store_failure(error),
        Err(_) => store_failure(StoreError::Damaged("an invariant is broken")),
    };
    unsafe { napi::JsError::from(failure).throw_into(env) };
    result
}
