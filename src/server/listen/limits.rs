//! Bounds of a connection.

use std::time::Duration;

/// How many, how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections of one listener at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Connections from one IP address at once; more are closed.
    pub connections_per_address: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request's head, from its first byte.
    pub head: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For the answer to be made; then 503.
    pub answer: Duration,
    /// For the peer to take the next bytes of an answer.
    pub stall: Duration,
    /// Without a request; then the connection is closed.
    pub idle: Duration,
    /// Requests on one HTTP/1 connection, pipelined or not; then it is closed.
    pub requests: usize,
    /// For what was accepted to finish at the end.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 512,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(15),
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            requests: 1000,
            drain: Duration::from_secs(30),
        }
    }
}
