//! A phone that writes octets by hand, and the office that serves it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use signet::audit::{Actor, Entry};
use signet::ca::records::{CertificateRecord, Status};
use signet::clock::Clock;
use signet::device::Change;
use signet::device::records::{Action, Authentication, DeviceRecord, Guesses, KeyOrder, Operation, State};
use signet::device::string::Strings;
use signet::enrol::capf::{Patience, Service, serve};
use signet::id::RecordId;
use signet::store::{AuditFilter, Scan, Stored, Unit};
use signet::x509::key::KeyAlgorithm;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use crate::fixture::Fixture;

pub const NAME: &str = "SEP001122334455";
pub const STRING: &str = "4711081500";
pub const PEER: &str = "10.0.0.7";

/// An office with one phone, and a CAPF service.
pub struct Office {
    pub fixture: Fixture,
    pub service: Arc<Service>,
}

impl Office {
    /// With the shipped profiles and one that allows null strings.
    pub async fn open() -> Self {
        Self::with_patience(Patience::default()).await
    }

    pub async fn with_patience(patience: Patience) -> Self {
        Self::on_clock(Clock::system(), patience).await
    }

    /// By a clock that stands until the test moves it.
    pub async fn with_standing_clock() -> (Self, Clock) {
        let clock = Clock::manual(Clock::system().now());
        (Self::on_clock(clock.clone(), Patience::default()).await, clock)
    }

    async fn on_clock(clock: Clock, patience: Patience) -> Self {
        let null = Fixture::profile("phone-lsc", &[("null_string = false", "null_string = true")]);
        let fixture = Fixture::on_clock(clock, &[("null-lsc", null)]).await;
        let service = Arc::new(Service::new(Arc::clone(&fixture.desk), patience));
        Self { fixture, service }
    }

    /// Enters a phone without an operation.
    pub async fn enter(&self, name: &str, profile: &str) -> RecordId {
        let authority = &self.fixture.desk.authority;
        let id = RecordId::new(authority.clock.now(), &authority.random).unwrap();
        let device = DeviceRecord {
            id,
            name: name.parse().unwrap(),
            model: Some("8845".to_owned()),
            region: None,
            profile: profile.parse().unwrap(),
            seen: None,
            lsc: None,
            unconfirmed: None,
            mic: None,
            operation: None,
            guesses: Guesses::default(),
            steps: 0,
        };
        let mut unit = Unit::new();
        unit.insert(&device).unwrap();
        authority.db.commit(unit).await.unwrap();
        id
    }

    /// Sets an operation, by string unless something else is said.
    pub async fn set(&self, device: RecordId, action: Action, edit: impl Fn(&mut Operation)) {
        let authority = &self.fixture.desk.authority;
        let now = authority.clock.now();
        let id = RecordId::new(now, &authority.random).unwrap();
        let mut operation = Operation {
            id,
            action,
            authentication: Authentication::String,
            string: Some(Strings::of(&*authority.keys).unwrap().mac(device, id, STRING)),
            key: KeyOrder::only(KeyAlgorithm::P256),
            deadline: None,
            requester: "test".to_owned(),
            campaign: None,
            state: State::Pending,
            trouble: None,
            failures: 0,
            changed: now,
        };
        edit(&mut operation);
        let mut unit = Unit::new();
        Change::of(self.stored(device).await, Actor::System, now).set(operation).write(&mut unit).unwrap();
        authority.db.commit(unit).await.unwrap();
    }

    /// A phone with an operation.
    pub async fn phone(&self, action: Action, edit: impl Fn(&mut Operation)) -> RecordId {
        let id = self.enter(NAME, "phone-lsc").await;
        self.set(id, action, edit).await;
        id
    }

    pub async fn stored(&self, device: RecordId) -> Stored<DeviceRecord> {
        self.fixture.desk.authority.db.require(device.as_bytes(), device).await.unwrap()
    }

    pub async fn device(&self, device: RecordId) -> DeviceRecord {
        self.stored(device).await.value
    }

    pub async fn operation(&self, device: RecordId) -> Operation {
        self.device(device).await.operation.unwrap()
    }

    /// The certificates of the office's phones, oldest first.
    pub async fn certificates(&self) -> Vec<CertificateRecord> {
        let scan = Scan::all::<CertificateRecord>(signet::store::PRIMARY);
        let all = self.fixture.desk.authority.db.all::<CertificateRecord>(scan).await.unwrap();
        all.into_iter().map(|stored| stored.value).filter(|c| c.profile.as_str().ends_with("-lsc")).collect()
    }

    pub async fn live(&self) -> Vec<CertificateRecord> {
        self.certificates().await.into_iter().filter(|c| c.status == Status::Good).collect()
    }

    pub async fn audit(&self, action: &str) -> Vec<Entry> {
        let filter = AuditFilter { action: Some(action.to_owned()), limit: 100, ..AuditFilter::default() };
        self.fixture.desk.authority.db.raw().audit(filter).await.unwrap()
    }

    /// Connects; the first message is heard already.
    pub async fn connect(&self) -> Phone {
        self.connect_from(PEER).await
    }

    pub async fn connect_from(&self, peer: &str) -> Phone {
        let (ours, theirs) = duplex(64 * 1024);
        let (service, peer) = (Arc::clone(&self.service), peer.parse().unwrap());
        let served = tokio::spawn(async move { serve(ours, peer, &service).await });
        let mut phone = Phone { link: theirs, session: 0, served };
        let (command, body) = phone.hear().await.unwrap();
        assert_eq!((command, body.as_slice()), (1, &[7, 0, 1, 3, 8, 0, 1, 0][..]));
        phone
    }
}

/// The other end of a connection.
pub struct Phone {
    pub link: DuplexStream,
    pub session: u32,
    pub served: JoinHandle<()>,
}

impl Phone {
    /// The next message; none if the connection ended.
    pub async fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let mut head = [0; 8];
            self.link.read_exact(&mut head).await.ok()?;
            assert_eq!(head[0], 0x55);
            let session = u32::from_be_bytes(head[2..6].try_into().unwrap());
            assert!(self.session == 0 || self.session == session, "another session");
            self.session = session;
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[6], head[7]]))];
            self.link.read_exact(&mut body).await.unwrap();
            Some((head[1], body))
        };
        tokio::time::timeout(Duration::from_secs(60), read).await.expect("the server says nothing")
    }

    /// Says something in this session.
    pub async fn say(&mut self, command: u8, body: &[u8]) {
        self.say_in(self.session, command, body).await;
    }

    pub async fn say_in(&mut self, session: u32, command: u8, body: &[u8]) {
        let mut message = vec![0x55, command];
        message.extend(session.to_be_bytes());
        message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        message.extend(body);
        // The server may have ended it already.
        let _ = self.link.write_all(&message).await;
    }

    pub async fn ask(&mut self, command: u8, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        self.say(command, body).await;
        self.hear().await
    }

    /// Says who it is, with a string.
    pub async fn auth(&mut self, string: &str) -> Option<(u8, Vec<u8>)> {
        let password = [string.as_bytes(), &[0]].concat();
        self.ask(2, &hello(&[(11, &password)])).await
    }

    /// Waits until the server is done with the connection.
    pub async fn gone(self) {
        drop(self.link);
        self.served.await.unwrap();
    }
}

/// An AuthResponse of a phone by its usual name, with more elements.
pub fn hello(more: &[(u8, &[u8])]) -> Vec<u8> {
    hello_as(NAME, 3, more)
}

pub fn hello_as(name: &str, version: u8, more: &[(u8, &[u8])]) -> Vec<u8> {
    let name = [name.as_bytes(), &[0]].concat();
    body(&[&[(1, &[1][..]), (7, &[version]), (13, &name)], more].concat())
}

pub fn body(elements: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, value) in elements {
        body.push(*tag);
        body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(*value);
    }
    body
}

/// What EndSession says.
pub fn end(reason: u8) -> Option<(u8, Vec<u8>)> {
    Some((15, vec![1, 0, 1, reason]))
}

/// The certificate in a StoreCertificateRequest.
pub fn stored(message: Option<(u8, Vec<u8>)>) -> Vec<u8> {
    let (command, body) = message.unwrap();
    assert_eq!(command, 9, "{body:?}");
    assert_eq!(body[..5], [3, 0, 1, 1, 4]);
    let outer = usize::from(u16::from_be_bytes([body[5], body[6]]));
    assert_eq!((outer, body[7]), (body.len() - 7, 1));
    let inner = usize::from(u16::from_be_bytes([body[8], body[9]]));
    assert_eq!((inner, &body[10..12]), (body.len() - 10, &[0, 1][..]));
    body[12..].to_vec()
}

/// A new P-256 key as a SubjectPublicKeyInfo.
pub fn ec_key() -> Vec<u8> {
    ec_key_on(&rcgen::PKCS_ECDSA_P256_SHA256)
}

pub fn ec_key_on(curve: &'static rcgen::SignatureAlgorithm) -> Vec<u8> {
    use rcgen::PublicKeyData as _;
    rcgen::KeyPair::generate_for(curve).unwrap().subject_public_key_info()
}

/// A new RSA key of 2048 bits.
pub fn rsa_key() -> Vec<u8> {
    use aws_lc_rs::signature::KeyPair as _;
    KeyPair::generate(KeySize::Rsa2048).unwrap().public_key().as_der().unwrap().as_ref().to_vec()
}
