//! The token and its threads: a few sessions, a bounded queue, and callers that wait no longer than they say.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::availability::Availability;
use super::connection::Connection;
use super::fault::Fault;
use super::line::{Line, Shared};
use super::login::Login;
use crate::error::{Error, Kind, Result};
use crate::keys::TokenStatus;
use crate::keys::token::TokenSettings;

/// At least and at most so many sessions: one for each core between.
const SESSIONS: (usize, usize) = (2, 8);
/// So many callers may wait for a session.
const QUEUE: usize = 64;
/// How often an idle thread asks whether it is time to look after the token.
const TICK: Duration = Duration::from_millis(250);
/// A signature takes milliseconds, over a network tens of them.
pub(super) const SIGNATURE: Duration = Duration::from_secs(10);
/// A large RSA key takes a smart card minutes.
pub(super) const KEY_PAIR: Duration = Duration::from_secs(300);

/// A token in use. Dropped, it ends its sessions and threads.
pub(super) struct Token {
    queue: SyncSender<Job>,
    shared: Arc<Shared>,
}

type Job = Box<dyn FnOnce(&mut Line) + Send>;

impl Token {
    /// Starts its threads; nothing is asked of it yet. Errors: `internal` if there is no thread to be had.
    pub fn start(settings: TokenSettings) -> Result<Self> {
        let shared = Arc::new(Shared {
            module: settings.module,
            token: settings.token,
            login: Login::new(settings.pin),
            availability: Availability::new(),
            watched: Mutex::default(),
        });
        let (queue, jobs) = sync_channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for number in 0..cores.clamp(SESSIONS.0, SESSIONS.1) {
            let (jobs, mut line) = (Arc::clone(&jobs), Line::new(Arc::clone(&shared)));
            thread::Builder::new()
                .name(format!("token-{number}"))
                .spawn(move || serve(&jobs, &mut line))
                .map_err(|e| Error::internal("no thread for the token").because(e))?;
        }
        Ok(Self { queue, shared })
    }

    /// Does `work` on one of the threads and waits for it, `limit` at the most. It may be done twice: the token may have
    /// been lost between its doing and its answer. While the token is away it is not asked at all.
    /// Errors: `token-not-ready`, `token-refused`, `token-module`, `busy`.
    pub fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Fn(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        if let Some(why) = self.shared.availability.fault() {
            return Err(self.not_ready(&why));
        }
        let (answer, answered) = sync_channel(1);
        let left = Arc::new(AtomicBool::new(false));
        let has_left = Arc::clone(&left);
        let job: Job = Box::new(move |line| {
            if !has_left.load(Ordering::Relaxed) {
                // Who left meanwhile is told nothing, by its own choice.
                let _ = answer.send(line.work(&work));
            }
        });
        self.queue.try_send(job).map_err(|e| self.full(&e))?;
        match answered.recv_timeout(limit) {
            Ok(done) => done.map_err(|fault| self.error(fault)),
            Err(RecvTimeoutError::Timeout) => {
                left.store(true, Ordering::Relaxed);
                Err(self.silent(limit))
            }
            Err(RecvTimeoutError::Disconnected) => Err(Error::internal("asking the token panicked")),
        }
    }

    /// Its name, and what is wrong with it.
    pub fn status(&self) -> TokenStatus {
        TokenStatus { name: self.name().to_owned(), fault: self.shared.availability.trouble() }
    }

    /// Its label or serial number, as the settings say.
    pub fn name(&self) -> &str {
        &self.shared.token
    }

    /// The key of this CKA_ID must be there for the token to count as well.
    pub fn watch(&self, object: &[u8]) {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(object.to_vec());
    }

    /// The key of this CKA_ID needs not be there any more.
    pub fn forget(&self, object: &[u8]) {
        self.shared.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(object);
    }

    /// Lets the PIN be read and tried once more.
    pub fn try_again(&self) {
        self.shared.login.again();
        self.shared.availability.hurry();
    }

    fn silent(&self, limit: Duration) -> Error {
        let why = format!("it gave no answer within {} seconds", limit.as_secs());
        if self.shared.availability.is_lost(why.clone()) {
            tracing::error!(token = self.name(), why, "the token cannot be used; it is tried again");
        }
        self.not_ready(&why)
    }

    fn error(&self, fault: Fault) -> Error {
        match fault {
            Fault::Lost(why) | Fault::Absent(why) | Fault::Pin(why) => self.not_ready(&why),
            Fault::Module(why) => Error::invalid(
                "token-module",
                format!("the PKCS#11 module {} cannot be used: {why}", self.shared.module.display()),
            ),
            Fault::Refused(said) => Error::conflict(
                "token-refused",
                format!("the token {} refused: {said}; look whether it allows this to its user", self.name()),
            ),
        }
    }

    fn not_ready(&self, why: &str) -> Error {
        let token = self.name();
        Error::new(
            Kind::Busy,
            "token-not-ready",
            format!("the token {token} with the private key cannot be used now: {why}; see signet health"),
        )
    }

    fn full(&self, error: &TrySendError<Job>) -> Error {
        match error {
            TrySendError::Full(_) => Error::new(
                Kind::Busy,
                "busy",
                format!("{QUEUE} signatures wait for the token {}", self.name()),
            ),
            TrySendError::Disconnected(_) => Error::internal("the threads of the token ended"),
        }
    }
}

/// A thread's life: it does what is asked, and looks after the token while nothing is.
fn serve(jobs: &Mutex<Receiver<Job>>, line: &mut Line) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK);
        match next {
            // A panic drops the answer, which tells the caller; the thread lives on.
            Ok(job) => drop(catch_unwind(AssertUnwindSafe(|| job(line)))),
            Err(RecvTimeoutError::Timeout) => line.look_if_due(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
