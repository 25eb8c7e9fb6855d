//! One thread's line to the token: it connects when it must, and once more when the connection was lost.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::availability::Availability;
use super::connection::Connection;
use super::fault::Fault;
use super::login::Login;
use super::module::Module;

/// What the threads share.
pub(super) struct Shared {
    /// The PKCS#11 module.
    pub module: PathBuf,
    /// The token's label or serial number.
    pub token: String,
    pub login: Login,
    pub availability: Availability,
    /// The CKA_IDs of the keys that must be there.
    pub watched: Mutex<BTreeSet<Vec<u8>>>,
}

/// A thread's line. Dropped, it ends its session.
pub(super) struct Line {
    shared: Arc<Shared>,
    module: Option<Arc<Module>>,
    /// The generation of the module that was met last.
    met: u64,
    /// With the generation of the module that it belongs to.
    connection: Option<(u64, Connection)>,
}

impl Line {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, module: None, met: 0, connection: None }
    }

    /// Does `work`: what was lost is connected anew once, and once more after the module was initialised anew.
    pub fn work<T>(&mut self, work: &impl Fn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut done = self.once(work);
        if matches!(done, Err(Fault::Lost(_) | Fault::Absent(_))) {
            done = self.once(work);
        }
        if let Err(Fault::Lost(first)) = &done {
            let first = first.clone();
            done = self.restarted(work).map_err(|fault| fault.after(&first));
        }
        self.note(done.as_ref().err());
        done
    }

    /// Looks whether the token is there with every key that it should have, if it is time to.
    pub fn look_if_due(&mut self) {
        if !self.shared.availability.is_due() {
            return;
        }
        let watched = self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = |connection: &mut Connection| connection.look(&watched);
        let mut found = self.work(&look);
        // Some modules show an empty token when theirs went away, until they are initialised anew.
        if matches!(found, Err(Fault::Absent(_))) && self.shared.availability.lacks_nothing() {
            found = self.restarted(&look);
            self.note(found.as_ref().err());
        }
        let lacking = if let Err(Fault::Absent(what)) = found { Some(what) } else { None };
        self.shared.availability.lacks(lacking);
    }

    fn restarted<T>(&mut self, work: &impl Fn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(module) = &self.module {
            module.restart(self.met);
        }
        self.once(work)
    }

    fn once<T>(&mut self, work: &impl Fn(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let module = self.module()?;
        let inside = module.enter()?;
        self.met = inside.generation;
        let mut connection = match self.connection.take() {
            Some((generation, connection)) if generation == inside.generation => connection,
            // One of an earlier generation died with it.
            Some(_) | None => Connection::open(&inside.context, &self.shared.token, &self.shared.login)
                .map_err(Fault::while_connecting)?,
        };
        let done = work(&mut connection);
        if matches!(done, Err(Fault::Lost(_) | Fault::Absent(_))) {
            connection.close();
        } else {
            self.connection = Some((inside.generation, connection));
        }
        done
    }

    fn module(&mut self) -> Result<Arc<Module>, Fault> {
        if let Some(module) = &self.module {
            return Ok(Arc::clone(module));
        }
        let module = Module::load(&self.shared.module)?;
        self.module = Some(Arc::clone(&module));
        Ok(module)
    }

    fn note(&self, fault: Option<&Fault>) {
        let (token, availability) = (&self.shared.token, &self.shared.availability);
        match fault {
            Some(Fault::Lost(why) | Fault::Pin(why) | Fault::Module(why)) => {
                if availability.is_lost(why.clone()) {
                    tracing::error!(token, why, "the token cannot be used; it is tried again");
                }
            }
            // It answers, whatever it says.
            Some(Fault::Refused(_) | Fault::Absent(_)) | None => {
                if availability.is_back() {
                    tracing::info!(token, "the token can be used again");
                }
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (Some(module), Some((generation, connection))) = (&self.module, self.connection.take()) else {
            return;
        };
        if let Ok(inside) = module.enter()
            && inside.generation == generation
        {
            connection.close();
        }
    }
}
