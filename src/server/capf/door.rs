//! The way from a listener to the enrolment desk.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use super::Door;
use crate::enrol::capf::{Service, serve};

impl Door for Service {
    async fn serve<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        serve(stream, peer.ip(), self).await;
    }
}
