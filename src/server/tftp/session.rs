//! One transfer: a block, its acknowledgement, the next.

use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::packet::{Packet, Request, agreed, data};

/// A block without a size of its own (RFC 1350).
const BLOCK: u16 = 512;
const WAIT: Duration = Duration::from_secs(1);
/// A packet is sent so often before the transfer is given up …
const TRIES: usize = 5;
/// … and so often before anything came back: an address that asked for nothing is not flooded.
const FIRST_TRIES: usize = 3;
/// No transfer takes longer.
const LONGEST: Duration = Duration::from_secs(120);

/// What is sent, and how.
pub(super) struct Session<'a> {
    bytes: &'a [u8],
    block_size: usize,
    blocks: u16,
    options: Option<Vec<u8>>,
    wait: Duration,
    heard: bool,
}

impl<'a> Session<'a> {
    /// A transfer of `bytes`; none if they have more blocks than can be counted.
    pub(super) fn new(request: &Request, bytes: &'a [u8]) -> Option<Self> {
        let block_size = usize::from(request.block_size.unwrap_or(BLOCK));
        // The last block is shorter than the others, if need be empty.
        let blocks = u16::try_from(bytes.len() / block_size + 1).ok()?;
        let wait = request.timeout.map_or(WAIT, |seconds| Duration::from_secs(seconds.into()));
        let options = agreed(request, bytes.len());
        Some(Self { bytes, block_size, blocks, options, wait, heard: false })
    }

    /// Sends everything. Errors: why it was given up.
    pub(super) async fn run(&mut self, socket: &UdpSocket) -> Result<(), &'static str> {
        timeout(LONGEST, self.send_all(socket)).await.unwrap_or(Err("it took too long"))
    }

    async fn send_all(&mut self, socket: &UdpSocket) -> Result<(), &'static str> {
        if let Some(options) = self.options.take() {
            self.send(socket, &options, 0).await?;
        }
        for block in 1..=self.blocks {
            let start = usize::from(block - 1) * self.block_size;
            let end = self.bytes.len().min(start + self.block_size);
            let packet = data(block, self.bytes.get(start..end).unwrap_or_default());
            self.send(socket, &packet, block).await?;
        }
        Ok(())
    }

    /// Sends a packet until its block is acknowledged. An acknowledgement of another block asks for nothing: to send
    /// again for each of them would double every packet from there on.
    async fn send(&mut self, socket: &UdpSocket, packet: &[u8], block: u16) -> Result<(), &'static str> {
        let mut tries = 0;
        while tries < if self.heard { TRIES } else { FIRST_TRIES } {
            tries += 1;
            // Who was not heard yet does not say how long a transfer stays open for it.
            let wait = if self.heard { self.wait } else { self.wait.min(WAIT) };
            socket.send(packet).await.map_err(|_| "nobody listens there")?;
            if let Ok(ended) = timeout(wait, acknowledgement(socket, block)).await {
                self.heard = true;
                return ended;
            }
        }
        Err("no acknowledgement came")
    }
}

/// Waits until this block is acknowledged. Errors: the client gave up, or is not there.
async fn acknowledgement(socket: &UdpSocket, block: u16) -> Result<(), &'static str> {
    let mut buffer = [0; 64];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(|_| "nobody listens there")?;
        match Packet::read(&buffer[..length]) {
            Ok(Packet::Acknowledgement(number)) if number == block => return Ok(()),
            Ok(Packet::Error) => return Err("the client gave up"),
            Ok(Packet::Acknowledgement(_) | Packet::Read(_)) | Err(_) => {}
        }
    }
}
