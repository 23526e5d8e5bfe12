//! Clients by their options: calls with equal options share connections, memory and limits.

use std::cell::Cell;
use std::sync::{LazyLock, Mutex, PoisonError};

use pyo3::prelude::*;
use s3dlio::{Client, Config, Frozen, Memory, Result};

use crate::errors;
use crate::options::OptionsArgument;
use crate::runtime;

/// Beside the one without options. More would be a program that makes up options per call.
const KEPT: usize = 16;

/// One for all clients of the process. A forked child has a copy, as of any memory.
static MEMORY: LazyLock<Memory> = LazyLock::new(Memory::default);

thread_local! {
    static FROZEN: Cell<Option<Frozen<'static>>> = const { Cell::new(None) };
}

pub fn memory() -> &'static Memory {
    &MEMORY
}

/// Until [`thaw`], on the same thread, nobody changes what `memory://` holds.
pub fn freeze() {
    FROZEN.set(Some(MEMORY.freeze()));
}

pub fn thaw() {
    drop(FROZEN.take());
}

#[derive(Default)]
pub struct Clients(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The client of calls without options, which read the environment once.
    default: Option<Client>,
    /// The most recently used comes last.
    others: Vec<(OptionsArgument, Client)>,
}

/// The client for `options=`, made when they are first seen.
///
/// # Errors
/// `InvalidInputError` naming the option or variable whose value is not valid.
pub fn of(py: Python<'_>, options: Option<&OptionsArgument>) -> PyResult<Client> {
    let options = options.cloned().unwrap_or_default();
    let call = runtime::enter(py)?;
    // Exceptions are made without the lock: to make one, Python may let another thread run, which then waits for it.
    call.process
        .clients
        .find(options)
        .map_err(errors::to_python)
}

impl Clients {
    fn find(&self, options: OptionsArgument) -> Result<Client> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if options.is_empty() {
            let client = match known.default.take() {
                Some(client) => client,
                None => make(&options)?,
            };
            return Ok(known.default.insert(client).clone());
        }
        let client = match known.others.iter().position(|(of, _)| *of == options) {
            Some(at) => known.others.remove(at).1,
            None => make(&options)?,
        };
        if known.others.len() == KEPT {
            known.others.remove(0);
        }
        known.others.push((options, client.clone()));
        Ok(client)
    }
}

fn make(options: &OptionsArgument) -> Result<Client> {
    let client = Client::new(Config::load(&options.resolve())?);
    Ok(client.with_memory(memory()))
}
