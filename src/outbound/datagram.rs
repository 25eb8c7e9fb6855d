//! One question in one datagram, sent again while nothing answers.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};

/// How often a datagram is sent, and how long each is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often.
    pub tries: u32,
    /// How long after each.
    pub wait: Duration,
}

/// Sends `packet` to `server` from a port of its own and returns what `accept` makes of the first datagram that it
/// takes; those that it does not take are passed over. At most `largest` bytes of a datagram are read, and a longer
/// one is passed over. Errors: `no-answer` after the last try, or at once if nobody listens there.
pub async fn exchange<T>(
    server: SocketAddr,
    packet: &[u8],
    patience: Patience,
    largest: usize,
    mut accept: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T> {
    let failed = |why: String| Error::new(Kind::Unreachable, "no-answer", format!("{server}: {why}"));
    let broken = |e: std::io::Error| failed(e.to_string());
    let socket = socket_to(server).await.map_err(broken)?;
    let mut buffer = vec![0; largest + 1];
    for _ in 0..patience.tries {
        socket.send(packet).await.map_err(broken)?;
        let taken = async {
            loop {
                let length = socket.recv(&mut buffer).await?;
                if length <= largest
                    && let Some(answer) = accept(&buffer[..length])
                {
                    return Ok(answer);
                }
            }
        };
        match timeout(patience.wait, taken).await {
            Ok(answer) => return answer.map_err(broken),
            Err(_elapsed) => {}
        }
    }
    Err(failed("no answer".to_owned()))
}

/// Connected, so that only what comes from the server is received, and a closed port is told at once.
async fn socket_to(server: SocketAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { tries: 3, wait: Duration::from_millis(50) };

    #[tokio::test]
    async fn the_same_datagram_is_sent_until_one_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serve = tokio::spawn(async move {
            let mut buffer = [0; 16];
            server.recv_from(&mut buffer).await.unwrap();
            let (length, client) = server.recv_from(&mut buffer).await.unwrap();
            server.send_to(b"not this one", client).await.unwrap();
            server.send_to(&[b"echo ", &buffer[..length]].concat(), client).await.unwrap();
        });
        let take = |d: &[u8]| d.strip_prefix(b"echo ").map(<[u8]>::to_vec);
        let patience = Patience { tries: 5, wait: Duration::from_millis(500) };
        assert_eq!(exchange(address, b"hello", patience, 64, take).await.unwrap(), b"hello");
        serve.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_and_silence_are_told() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let error = exchange(address, b"x", PATIENCE, 64, |_| Some(())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Unreachable, "no-answer"));
        drop(silent);
        assert_eq!(
            exchange(address, b"x", PATIENCE, 64, |_| Some(())).await.unwrap_err().code(),
            "no-answer"
        );
    }

    #[tokio::test]
    async fn a_datagram_over_the_limit_is_passed_over() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let serve = tokio::spawn(async move {
            let (_, client) = server.recv_from(&mut [0; 16]).await.unwrap();
            server.send_to(&[7; 65], client).await.unwrap();
            server.send_to(&[7; 64], client).await.unwrap();
        });
        let patience = Patience { tries: 1, wait: Duration::from_secs(10) };
        let length = exchange(address, b"x", patience, 64, |d| Some(d.len())).await.unwrap();
        assert_eq!(length, 64);
        serve.await.unwrap();
    }
}
