//! A stream that gives up on a peer that sends its head too slowly or does not take its answer.
//! (hyper's own header timeout runs while a connection is idle too, so it serves as the idle limit.)

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::server::listen::Limits;

/// What a connection is doing; shared by its stream and its requests.
#[derive(Debug, Default)]
pub struct Activity {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Activity {
    /// Counts a request as begun, until the returned value is dropped. Its number: 1, 2, 3 …
    pub fn begin(self: &Arc<Self>) -> (usize, Running) {
        (self.begun.fetch_add(1, Ordering::SeqCst) + 1, Running(self.clone()))
    }

    /// How many requests have begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Whether no request is being answered.
    pub fn is_waiting(&self) -> bool {
        self.ended.load(Ordering::SeqCst) == self.begun()
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// The guarded stream.
pub struct Guarded<S> {
    io: S,
    activity: Arc<Activity>,
    limits: Limits,
    /// Whether each head is timed (HTTP/1), or only the first (HTTP/2).
    every_head: bool,
    /// How many requests had begun when the head's timer was set.
    head_after: usize,
    /// Whether a head began whose timer is not set yet: most come whole, and need none.
    head_began: bool,
    head: Pin<Box<Sleep>>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Guards `io`; the first head's time runs from now.
    pub fn new(io: S, activity: Arc<Activity>, limits: Limits, every_head: bool) -> Self {
        let head = Box::pin(sleep(limits.head));
        Self { io, activity, limits, every_head, head_after: 0, head_began: false, head, write: None }
    }

    /// A head's first bytes set its timer.
    fn bytes_came(&mut self) {
        let begun = self.activity.begun();
        if self.every_head && self.head_after != begun && self.activity.is_waiting() {
            self.head_after = begun;
            self.head_began = true;
        }
    }

    fn head_is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.head_after != self.activity.begun() {
            return false;
        }
        if std::mem::take(&mut self.head_began) {
            self.head.as_mut().reset(sleep(self.limits.head).deadline());
        }
        self.head.as_mut().poll(cx).is_ready()
    }

    fn watch_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write = None;
            return written;
        }
        let limit: Duration = self.limits.stall;
        let timer = self.write.get_or_insert_with(|| Box::pin(sleep(limit)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Ready(result) => {
                this.bytes_came();
                Poll::Ready(result)
            }
            Poll::Pending if this.head_is_late(cx) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, buf);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.watch_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.io).poll_shutdown(cx);
        this.watch_write(cx, shut)
    }
}
