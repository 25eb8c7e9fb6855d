//! The PKCS#11 module: loaded once in a process, initialised, and initialised anew when its token went away (some
//! modules see a token that came back only then).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Answer, RvError};

use super::fault::Fault;
use crate::clock::Stopwatch;

/// Initialising anew ends the sessions of all keys, so it is not done more often than this.
const REST: Duration = Duration::from_secs(1);

/// Every module of this process: a library is initialised once, however many stores use it.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A loaded module.
pub(super) struct Module(RwLock<State>);

/// What is in force while one is inside.
pub(super) struct State {
    pub context: Pkcs11,
    /// Rises with each initialisation: sessions of an earlier one are dead, and their numbers may be given again.
    pub generation: u64,
    fault: Option<Fault>,
    began: Stopwatch,
}

impl Module {
    /// The module at `path`, loaded if it is not yet. Errors: `Fault::Module`.
    pub fn load(path: &Path) -> Result<Arc<Self>, Fault> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(path) {
            return Ok(Arc::clone(module));
        }
        let context = Pkcs11::new(path)?;
        let fault = initialise(&context).err();
        let state = State { context, generation: 1, fault, began: Stopwatch::start() };
        let module = Arc::new(Self(RwLock::new(state)));
        loaded.insert(path.to_owned(), Arc::clone(&module));
        Ok(module)
    }

    /// Goes inside: as long as the guard lives the module is not initialised anew. Errors: why it could not be.
    pub fn enter(&self) -> Result<RwLockReadGuard<'_, State>, Fault> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &state.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(state),
        }
    }

    /// Initialises it anew, unless another did since `generation`, or somebody is inside, or it was done just now.
    pub fn restart(&self, generation: u64) {
        let mut state = match self.0.try_write() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let is_newer = state.generation > generation && state.fault.is_none();
        if is_newer || state.began.elapsed() < REST {
            return;
        }
        // One that was never initialised says so; the outcome of the next call counts.
        let _ = state.context.clone().finalize();
        state.fault = initialise(&state.context).err();
        state.generation += 1;
        state.began = Stopwatch::start();
    }
}

fn initialise(context: &Pkcs11) -> Result<(), Fault> {
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Answer::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(answer) => Err(match Fault::from(answer).while_connecting() {
            Fault::Lost(said) => {
                Fault::Lost(format!("the module cannot be initialised, as without its token ({said})"))
            }
            fault => fault,
        }),
    }
}
