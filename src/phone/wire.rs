//! Connections of a phone: bounded in size and time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Fault, Outcome};

const PATIENCE: Duration = Duration::from_secs(20);
const LARGEST: u64 = 1024 * 1024;

/// Opens a connection.
pub async fn connect(to: &str) -> Outcome<TcpStream> {
    let connected = within(TcpStream::connect(to)).await?.map_err(|e| Fault::new(format!("{to}: {e}")))?;
    connected.set_nodelay(true)?;
    Ok(connected)
}

/// Waits, but not for ever.
pub async fn within<T>(what: impl Future<Output = T>) -> Outcome<T> {
    timeout(PATIENCE, what).await.map_err(|_| Fault::new("no answer in time"))
}

/// Asks for a file; none if the server has none of this name.
pub async fn fetch(from: &str, name: &str) -> Outcome<Option<Vec<u8>>> {
    let mut stream = connect(from).await?;
    let asked = format!("GET /{name} HTTP/1.1\r\nHost: {from}\r\nConnection: close\r\n\r\n");
    within(stream.write_all(asked.as_bytes())).await??;
    let mut answer = Vec::new();
    within(stream.take(LARGEST).read_to_end(&mut answer)).await??;
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n");
    let head = head.ok_or_else(|| Fault::new(format!("{name}: not an answer of HTTP")))?;
    let body = answer.split_off(head + 4);
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    match status.as_str() {
        "200" if length.is_none_or(|length| length.trim().parse() == Ok(body.len())) => Ok(Some(body)),
        "200" => Err(Fault::new(format!("{name}: cut off"))),
        "404" => Ok(None),
        other => Err(Fault::new(format!("{name}: HTTP status {other}"))),
    }
}
