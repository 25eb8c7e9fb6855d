//! Keep-alive connections that send prepared HTTP/1.1 requests and time the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Report;
use super::server::Server;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Where to connect, and how.
#[derive(Clone)]
pub enum Target {
    /// Plain HTTP.
    Plain(String),
    /// HTTPS with this client configuration.
    Tls(String, Arc<rustls::ClientConfig>),
}

/// Whether an answer counts as done: its status and body.
pub type Judge = fn(u16, &[u8]) -> bool;

/// Sends every request once over `connections` keep-alive connections.
pub async fn run(
    server: &Server,
    target: &Target,
    connections: usize,
    requests: Arc<Vec<Vec<u8>>>,
    judge: Judge,
) -> Result<Report, AnyError> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(connect(target).await?);
    }
    let (cpu, start) = (server.cpu_time()?, Instant::now());
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(drive(target.clone(), stream, requests.clone(), next.clone(), judge)))
        .collect();
    let (mut latencies, mut failed) = (Vec::new(), 0);
    for task in tasks {
        let (times, bad) = task.await??;
        latencies.extend(times);
        failed += bad;
    }
    let (wall, server_cpu) = (start.elapsed(), server.cpu_time()? - cpu);
    latencies.sort();
    Ok(Report { connections, done: latencies.len() - failed, failed, wall, server_cpu, latencies })
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn connect(target: &Target) -> Result<Box<dyn Stream>, AnyError> {
    match target {
        Target::Plain(address) => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Box::new(tcp))
        }
        Target::Tls(address, config) => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            // By address, as in the requests' Host.
            let name = rustls::pki_types::ServerName::from(tcp.peer_addr()?.ip());
            Ok(Box::new(tokio_rustls::TlsConnector::from(config.clone()).connect(name, tcp).await?))
        }
    }
}

async fn drive(
    target: Target,
    mut stream: Box<dyn Stream>,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    judge: Judge,
) -> Result<(Vec<Duration>, usize), AnyError> {
    let (mut times, mut failed, mut buffer) = (Vec::new(), 0, Vec::with_capacity(16 * 1024));
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let start = Instant::now();
        stream.write_all(request).await?;
        stream.flush().await?;
        let (status, body, closes) = answer(&mut stream, &mut buffer).await?;
        times.push(start.elapsed());
        if closes {
            stream = connect(&target).await?;
        }
        if !judge(status, &body) {
            failed += 1;
            if failed <= 3 {
                eprintln!("answered {status}: {}", String::from_utf8_lossy(&body[..body.len().min(300)]));
            }
        }
    }
    Ok((times, failed))
}

/// Reads one answer with a Content-Length: status, body, and whether the server closes the connection.
async fn answer(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    buffer: &mut Vec<u8>,
) -> Result<(u16, Vec<u8>, bool), AnyError> {
    buffer.clear();
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    };
    let text = std::str::from_utf8(&buffer[..head])?.to_ascii_lowercase();
    let status = text.get(9..12).and_then(|s| s.parse().ok()).ok_or("no status")?;
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(Ok(0), |v| v.trim().parse())?;
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    Ok((status, buffer[head..head + length].to_vec(), text.contains("\r\nconnection: close\r\n")))
}

/// Sends requests one after the other and returns the bodies; any status but `expected` is an error.
pub async fn ask_all(target: &Target, requests: &[Vec<u8>], expected: u16) -> Result<Vec<Vec<u8>>, AnyError> {
    let (mut stream, mut buffer, mut bodies) = (connect(target).await?, Vec::new(), Vec::new());
    for request in requests {
        stream.write_all(request).await?;
        stream.flush().await?;
        let (status, body, closes) = answer(&mut stream, &mut buffer).await?;
        if closes {
            stream = connect(target).await?;
        }
        if status != expected {
            return Err(format!("answered {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        bodies.push(body);
    }
    Ok(bodies)
}
