//! The file of `--keep`: what phones keep between runs.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::phone::memory::Memory;
use crate::phone::{Fault, Phone};
use crate::server::files;

/// The file, or none.
pub(super) struct Keep {
    file: Option<PathBuf>,
    memory: Memory,
}

impl Keep {
    /// Reads the file, if it is there. Errors: `unreadable-file`, `bad-phones`.
    pub fn open(file: Option<PathBuf>) -> Result<Self> {
        let memory = match file.as_ref().filter(|file| file.exists()) {
            Some(file) => {
                let bytes = std::fs::read(file).map_err(|e| {
                    Error::invalid("unreadable-file", format!("cannot read {}", file.display())).because(e)
                })?;
                Memory::read(&bytes).map_err(bad)?
            }
            None => Memory::default(),
        };
        Ok(Self { file, memory })
    }

    /// Makes phones what they were. Errors: `bad-phones`.
    pub fn recall(&self, phones: &mut [Phone]) -> Result<()> {
        self.memory.recall(phones).map_err(bad)
    }

    /// Writes phones as they are now; nobody else may read the file, since their keys stand in it. Errors:
    /// `storage` naming the file.
    pub fn keep(&mut self, phones: &[Phone]) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        self.memory.keep(phones);
        let bytes = self.memory.bytes().map_err(bad)?;
        files::write(file, &bytes, files::PRIVATE)
    }
}

fn bad(fault: Fault) -> Error {
    Error::invalid("bad-phones", fault.to_string()).at("--keep")
}
