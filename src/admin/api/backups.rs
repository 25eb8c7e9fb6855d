//! `POST /backups`: everything in one encrypted file, as of one instant, while the server serves.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Shared;
use super::auth::Caller;
use super::problem::{Answer, Refusals};
use crate::admin::roles::Permission;
use crate::admin::state::{Backups, State as Service};
use crate::audit::{Actor, Event, Outcome};
use crate::error::{Error, Result};
use crate::store::Unit;

/// So many bytes go to the connection at once.
const PIECE: usize = 128 * 1024;
/// So many pieces may wait for the client.
const WAITING: usize = 4;
/// For the client to take the next piece; a view of the store is held meanwhile.
const STALL: Duration = Duration::from_secs(60);

/// What a backup held.
#[derive(Clone, Copy, Debug)]
pub struct BackupMade {
    /// How many records.
    pub records: u64,
    /// How many audit entries.
    pub audit_entries: u64,
}

/// Makes a backup: everything in one file, encrypted under the security password in force, as of one instant. One is
/// made at a time. An answer that breaks off is no backup, and shows that at its end.
#[utoipa::path(post, path = "/api/v1/backups", operation_id = "create_backup", tag = "service",
    responses((status = 200, description = "The backup", content_type = "application/octet-stream", body = Vec<u8>), Refusals))]
pub async fn create(State(state): Shared, caller: Caller) -> Answer {
    caller.may(Permission::BackupCreate).await?;
    let backups = state.backups.clone().ok_or_else(|| Error::internal("nothing makes backups here"))?;
    let permit = state.backing_up.clone().try_acquire_owned().map_err(|_| {
        Error::conflict("backup-running", "another backup is being made; try again when it is done")
    })?;
    // Before the first byte leaves: also one that breaks off is known to have been taken.
    record(&state, event(&state, caller.actor(), "backup.create")).await?;
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let shared = state.clone();
    tokio::spawn(async move {
        let _permit = permit;
        run(&shared, caller.actor(), backups, sender).await;
    });
    match receiver.recv().await {
        Some(Ok(first)) => Ok(stream(Pieces { first: Some(first), receiver })),
        Some(Err(error)) => Err(error.into()),
        None => Err(Error::internal("the backup broke off").into()),
    }
}

type Piece = Result<Bytes>;

/// Makes the backup on a thread for that, and records how it ended.
async fn run(state: &Service, actor: Actor, backups: Arc<dyn Backups>, sender: mpsc::Sender<Piece>) {
    let runtime = Handle::current();
    let task = tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe { sender, runtime, held: Vec::with_capacity(PIECE), sent: 0 };
        let made = backups.write(&mut pipe).and_then(|made| {
            pipe.flush().map_err(|e| Error::storage("the backup cannot be sent").because(e))?;
            Ok((made, pipe.sent))
        });
        if let Err(error) = &made {
            // It ends the answer without its end; nobody may be there to see it.
            let told = Error::new(error.kind(), error.code(), error.detail());
            let _ = pipe.sender.blocking_send(Err(told));
        }
        made
    });
    let made = task.await.unwrap_or_else(|e| Err(Error::internal("the backup broke off").because(e)));
    let ended = event(state, actor, "backup.end");
    let ended = match &made {
        Ok((made, bytes)) => {
            ended.with("bytes", bytes).with("records", made.records).with("audit-entries", made.audit_entries)
        }
        Err(error) => {
            tracing::warn!(%error, code = error.code(), "a backup was not finished");
            ended.outcome(Outcome::Warning).with("code", error.code())
        }
    };
    if let Err(error) = record(state, ended).await {
        tracing::error!(%error, "the end of a backup could not be recorded");
    }
}

fn event(state: &Service, actor: Actor, action: &str) -> Event {
    Event::new(state.now(), actor, action, "store:all")
}

async fn record(state: &Service, event: Event) -> Result<()> {
    let mut unit = Unit::new();
    unit.event(event);
    state.desk.authority.db.commit(unit).await?;
    Ok(())
}

fn stream(pieces: Pieces) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"signet.backup\"")),
    ];
    (headers, Body::new(pieces)).into_response()
}

/// Gathers what is written and hands it to the connection, waiting for a slow client a while.
struct Pipe {
    sender: mpsc::Sender<Piece>,
    runtime: Handle,
    held: Vec<u8>,
    sent: u64,
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::replace(&mut self.held, Vec::with_capacity(PIECE)));
        self.sent += piece.len() as u64;
        let sending = self.sender.send_timeout(Ok(piece), STALL);
        self.runtime.block_on(sending).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.held.len() == PIECE {
            self.send()?;
        }
        let taken = bytes.len().min(PIECE - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() { Ok(()) } else { self.send() }
    }
}

/// The answer's body: what comes through the channel; an error there breaks the connection off.
struct Pieces {
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Piece>,
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.receiver.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
