//! Programs that judge challenges: a webhook and a RADIUS server, as a test wants them.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::Value;
use tokio::net::{TcpListener, UdpSocket};

pub const SECRET: &str = "correct horse battery";

/// A profile whose challenges are judged as these lines of `[challenge]` say.
pub fn profile(challenge: &str) -> String {
    format!(
        "description = \"Judged elsewhere.\"\nca = \"rsa-issuing\"\napproval = \"challenge\"\nkeys = [\"p-256\"]\n\
         validity = \"30d\"\ndevice = \"CN\"\nacknowledge_unsafe = true\n\
         [subject]\nCN = {{ from = \"request\", required = true }}\n[san]\nallow = [\"dns\"]\n\
         [usage]\nkey = [\"digitalSignature\"]\nextended = [\"clientAuth\"]\n\
         [renewal]\nfrom = 0.5\nearly = true\nkey_reuse = true\n[challenge]\n{challenge}\n"
    )
}

/// A file that only its owner reads; its path.
pub fn secret_file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A question as a webhook received it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A webhook on this machine, and what it was asked.
pub struct Webhook {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Webhook {
    /// That answers each question with what `answer` makes of it.
    pub async fn answering<F: Future<Output = Response> + Send>(
        answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let heard = asked.clone();
        let handle = async move |headers: HeaderMap, body: Bytes| {
            let question = Asked { headers, body };
            heard.lock().unwrap().push(question.clone());
            answer(question).await
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked }
    }

    /// That always answers with this status and body.
    pub async fn always(status: u16, body: &'static str) -> Self {
        Self::answering(move |_| async move { response(status, body) }).await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The lines of `[challenge]` that lead here.
    pub fn lines(&self, dir: &Path) -> String {
        let secret = secret_file(dir, "webhook.secret", SECRET);
        let address = self.address;
        format!(
            "source = \"webhook\"\nurl = \"http://{address}/ask\"\nsecret_file = \"{secret}\"\ntimeout = \"1s\""
        )
    }
}

pub fn response(status: u16, body: impl Into<axum::body::Body>) -> Response {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// What a RADIUS server of a test does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Answers as it should.
    Sound,
    /// Answers without Message-Authenticator.
    Unauthenticated,
    /// Never answers.
    Silent,
    /// Accepts everybody, first under another secret and then not at all.
    Forging,
}

/// Type and value of each attribute.
pub type Attributes = Vec<(u8, Vec<u8>)>;

/// A RADIUS server that accepts the password `open sesame`, asks more of `more`, and rejects all others.
pub struct Radius {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Attributes>>>,
}

impl Radius {
    pub async fn start(manner: Manner) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<_>>> = Arc::default();
        let heard = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
                let packet = &buffer[..length];
                heard.lock().unwrap().push(attributes(packet));
                if let Some(answer) = answer(packet, manner) {
                    socket.send_to(&answer, client).await.unwrap();
                }
            }
        });
        Self { address, asked }
    }

    /// The attributes of each packet that came.
    pub fn asked(&self) -> Vec<Attributes> {
        self.asked.lock().unwrap().clone()
    }
}

/// The lines of `[challenge]` that lead to these servers.
pub fn radius_lines(dir: &Path, servers: &[&Radius]) -> String {
    let secret = secret_file(dir, "radius.secret", SECRET);
    let servers: Vec<_> = servers.iter().map(|s| format!("\"{}\"", s.address)).collect();
    format!(
        "source = \"radius\"\nservers = [{}]\nsecret_file = \"{secret}\"\ntimeout = \"1s\"\ntries = 1",
        servers.join(", ")
    )
}

fn attributes(packet: &[u8]) -> Attributes {
    let (mut found, mut rest) = (Vec::new(), &packet[20..]);
    while let [kind, length, ..] = rest {
        let (this, next) = rest.split_at(usize::from(*length));
        found.push((*kind, this[2..].to_vec()));
        rest = next;
    }
    found
}

fn answer(packet: &[u8], manner: Manner) -> Option<Vec<u8>> {
    let secret = match manner {
        Manner::Sound | Manner::Unauthenticated => SECRET,
        Manner::Forging => "another secret of ours",
        Manner::Silent => return None,
    };
    let value = |kind| attributes(packet).into_iter().find(|(k, _)| *k == kind).unwrap().1;
    let authenticator = &packet[4..20];
    let password = reveal(&value(2), authenticator, secret);
    let (code, message): (u8, &[u8]) = match (manner, password.as_str()) {
        (Manner::Forging, _) | (_, "open sesame") => (2, b""),
        (_, "more") => (11, b""),
        _ => (3, b"\x12\x0ano\nentry"),
    };
    let mut answer = vec![code, packet[1], 0, 0];
    answer.extend(authenticator);
    answer.extend(message);
    let at = answer.len() + 2;
    if manner != Manner::Unauthenticated {
        answer.extend([80, 18]);
        answer.extend([0; 16]);
    }
    let length = answer.len() as u16;
    answer[2..4].copy_from_slice(&length.to_be_bytes());
    if manner != Manner::Unauthenticated {
        let mac = Hmac::<Md5>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&answer);
        answer[at..at + 16].copy_from_slice(&mac.finalize().into_bytes());
    }
    let sum = Md5::new().chain_update(&answer).chain_update(secret).finalize();
    answer[4..20].copy_from_slice(&sum);
    Some(answer)
}

/// RFC 2865 §5.2, backwards.
fn reveal(hidden: &[u8], authenticator: &[u8], secret: &str) -> String {
    let (mut before, mut open) = (authenticator.to_vec(), Vec::new());
    for block in hidden.chunks(16) {
        let mask = Md5::new().chain_update(secret).chain_update(&before).finalize();
        open.extend(block.iter().zip(mask).map(|(a, b)| a ^ b));
        before = block.to_vec();
    }
    String::from_utf8_lossy(&open).trim_end_matches('\0').to_owned()
}
