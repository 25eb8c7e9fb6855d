//! What a phone finds: files over HTTP, a TVS and a CAPF that say what the test has them say.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::key::Key;
use super::writer::element;

/// Files by name, served until it is dropped.
pub struct Files {
    pub at: SocketAddr,
    files: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    _serving: JoinSet<()>,
}

impl Files {
    pub async fn serve() -> Self {
        let files: Arc<Mutex<HashMap<String, Vec<u8>>>> = Arc::default();
        let shelf = Arc::clone(&files);
        let (at, _serving) = accept(move |stream| answer(stream, Arc::clone(&shelf))).await;
        Self { at, files, _serving }
    }

    pub fn put(&self, name: &str, file: Vec<u8>) {
        self.files.lock().unwrap().insert(name.to_owned(), file);
    }

    pub fn remove(&self, name: &str) {
        self.files.lock().unwrap().remove(name);
    }
}

async fn accept<F, W>(serve: F) -> (SocketAddr, JoinSet<()>)
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(serve(stream));
        }
    });
    (at, serving)
}

async fn answer(mut stream: TcpStream, files: Arc<Mutex<HashMap<String, Vec<u8>>>>) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => asked.push(byte),
            Err(_) => return,
        }
    }
    let line = String::from_utf8(asked).unwrap();
    let name = line.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
    let file = files.lock().unwrap().get(&name).cloned();
    let (status, body) = file.map_or((404, Vec::new()), |file| (200, file));
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}

/// Somebody behind TLS, served until it is dropped; it counts who came.
pub struct Behind {
    pub at: SocketAddr,
    came: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Behind {
    /// With the certificate of `key`.
    pub async fn serve<F, W>(key: &Key, talk: F) -> Self
    where
        F: Fn(TlsStream<TcpStream>) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certificate = CertificateDer::from(key.der.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivatePkcs8KeyDer::from(key.pkcs8.clone()).into());
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let came: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&came);
        let one = move |stream| {
            let (acceptor, talk, count) = (acceptor.clone(), talk.clone(), Arc::clone(&count));
            async move {
                // Before the handshake: when that is done at the other end, it was counted.
                count.fetch_add(1, Ordering::SeqCst);
                if let Ok(stream) = acceptor.accept(stream).await {
                    talk(stream).await;
                }
            }
        };
        let (at, _serving) = accept(one).await;
        Self { at, came, _serving }
    }

    /// How many came.
    pub fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// Makes a good frame bad.
pub type Spoil = fn(Vec<u8>) -> Vec<u8>;

/// What TVS says: a command and the elements; the rest of the frame fits the question.
#[derive(Clone)]
pub struct Answer {
    pub status: Option<u8>,
    pub roles: Vec<u8>,
    pub ttl: u32,
    pub certificate: Option<Vec<u8>>,
    /// Done to the frame before it leaves.
    pub spoil: Spoil,
}

impl Answer {
    /// The certificate is valid in these roles for a day.
    pub fn valid(roles: &[u8]) -> Self {
        Self { status: Some(0), roles: roles.to_vec(), ttl: 86_400, certificate: None, spoil: |frame| frame }
    }

    pub fn invalid() -> Self {
        Self { status: Some(1), ..Self::valid(&[]) }
    }

    /// The answer to a query: this certificate.
    pub fn is(key: &Key, roles: &[u8]) -> Self {
        Self { certificate: Some(key.der.clone()), ..Self::valid(roles) }
    }

    fn frame(&self, question: &[u8; 10]) -> Vec<u8> {
        let mut body: Vec<u8> = self.certificate.iter().flat_map(|der| element(2, der)).collect();
        body.extend(self.status.iter().flat_map(|status| element(7, &[*status])));
        body.extend(element(8, &self.roles));
        body.extend(element(9, &self.ttl.to_be_bytes()));
        let mut frame = question.to_vec();
        frame[2] += 1;
        frame[8..].copy_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
        frame.extend(body);
        (self.spoil)(frame)
    }
}

/// A TVS that says the same to whoever asks.
pub async fn tvs(key: &Key, answer: Answer) -> Behind {
    let answer = Arc::new(answer);
    Behind::serve(key, move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            let mut head = [0; 10];
            if stream.read_exact(&mut head).await.is_err() {
                return;
            }
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[8], head[9]]))];
            if stream.read_exact(&mut body).await.is_ok() {
                let _ = stream.write_all(&answer.frame(&head)).await;
                let _ = stream.shutdown().await;
            }
        }
    })
    .await
}
