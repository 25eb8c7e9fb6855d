//! The link to a device: whole messages over any stream of octets, each written at once and waited for so long.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::enrol::capf::frame::{HEADER_LEN, Header, malformed};
use crate::enrol::capf::message::{FromDevice, ToDevice};
use crate::error::Error;

/// Up to here a body is read into memory that was set aside for it: an authentication string in it is not left behind
/// by growing.
const SET_ASIDE: usize = 2048;
/// How long a device may take to take what it is told.
const WRITE: Duration = Duration::from_secs(10);

/// The octets of a connection: TLS by whatever library, or a pipe in a test.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One session on one connection.
pub struct Link<S> {
    stream: S,
    session: u32,
}

/// Why nothing more comes.
#[derive(Debug)]
pub enum Broken {
    /// What came is not what the protocol has.
    Malformed(Error),
    /// The device ended the connection, or the network did.
    Cut,
    /// Nothing whole came in time.
    Late,
    /// A fault of ours.
    Internal(Error),
}

impl<S: Stream> Link<S> {
    /// A session by this number.
    pub fn new(stream: S, session: u32) -> Self {
        Self { stream, session }
    }

    /// Tells the device something: header and body leave in a single write, or phones stall.
    pub async fn tell(&mut self, message: &ToDevice<'_>) -> Result<(), Broken> {
        let octets = message.write(self.session).map_err(Broken::Internal)?;
        let write = async {
            self.stream.write_all(&octets).await?;
            self.stream.flush().await
        };
        within(WRITE, write).await
    }

    /// What the device says next, whole, `within` this time. A device that says what is wrong is not read any further.
    pub async fn hear(&mut self, within: Duration) -> Result<FromDevice, Broken> {
        match tokio::time::timeout(within, self.read()).await {
            Ok(heard) => heard,
            Err(_) => Err(Broken::Late),
        }
    }

    /// Ends the connection, for better or worse.
    pub async fn close(mut self) {
        let _ = within(WRITE, self.stream.shutdown()).await;
    }

    async fn read(&mut self) -> Result<FromDevice, Broken> {
        let mut octets = [0; HEADER_LEN];
        self.stream.read_exact(&mut octets).await.map_err(|_| Broken::Cut)?;
        let header = Header::read(octets).map_err(Broken::Malformed)?;
        if header.session() != self.session {
            return Err(Broken::Malformed(malformed("session mismatch")));
        }
        let command = header.command().map_err(Broken::Malformed)?;
        let body = self.body(header.body_len()).await?;
        FromDevice::read(command, &body).map_err(Broken::Malformed)
    }

    /// Takes no more memory than what came, whatever the header says.
    async fn body(&mut self, length: usize) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let mut body = Zeroizing::new(Vec::with_capacity(length.min(SET_ASIDE) + 32));
        let mut limited = (&mut self.stream).take(length as u64);
        limited.read_to_end(&mut body).await.map_err(|_| Broken::Cut)?;
        if body.len() == length { Ok(body) } else { Err(Broken::Cut) }
    }
}

async fn within(time: Duration, work: impl Future<Output = std::io::Result<()>>) -> Result<(), Broken> {
    match tokio::time::timeout(time, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Broken::Cut),
        Err(_) => Err(Broken::Late),
    }
}

#[cfg(test)]
mod tests;
