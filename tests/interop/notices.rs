//! Notices by mail to aiosmtpd and by syslog to rsyslog (Debian's 8.2): in the clear, after STARTTLS, under TLS.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use signet::ca::Authority;
use signet::ca::records::{CertificateRecord, Status};
use signet::clock::{Clock, Timestamp};
use signet::id::{RecordId, Serial};
use signet::keys::pool::Pool;
use signet::keys::software::Vault;
use signet::notice::policy::NoticePolicy;
use signet::notice::{self, Notices};
use signet::random::Random;
use signet::storage::{self, EngineKind};
use signet::store::{Db, PRIMARY, Scan, Unit};
use signet::task::{Handlers, Retry, Runner, State, TaskRecord};
use signet::x509::name::Name;

use crate::server::{SIGNET, Server, run};

/// A foreign server; killed when dropped.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(command: &mut Command, folder: &Path, ready: impl Fn() -> bool) -> Self {
        let log = folder.join("log");
        let file = std::fs::File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn();
        let mut running = Self { child: child.expect("tests/setup installs it"), log };
        running.until("it is ready", ready);
        running
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it stopped: {status}\n{log}");
            }
            assert!(start.elapsed() < Duration::from_secs(60), "waiting until {what}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Freed for a server to take: nothing else asks for this very port meanwhile.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A CA (`ca.pem`) and a certificate of it for localhost (`cert.pem`, `key.pem`), by openssl.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let made = Command::new("openssl").args(&arguments).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=Test"));
    openssl(&format!("req {key} -keyout key.pem -out csr.pem -subj /CN=localhost"));
    write(folder, "ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
    openssl(
        "x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out cert.pem",
    );
}

/// aiosmtpd, and the letters that it took.
struct Mail {
    running: Running,
    folder: tempfile::TempDir,
    port: u16,
}

impl Mail {
    fn start(encryption: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        certificates(folder.path());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(root.join("target/test-tools/bin/python"));
        command.arg(root.join("tests/interop/smtpd.py")).arg(folder.path());
        command.args([&port.to_string(), encryption]);
        command.args([folder.path().join("cert.pem"), folder.path().join("key.pem")]);
        let ready = folder.path().join("ready");
        let running = Running::start(&mut command, folder.path(), || ready.exists());
        Self { running, folder, port }
    }

    /// The channel that leads here.
    fn channel(&self, encryption: &str) -> String {
        let (folder, port) = (self.folder.path(), self.port);
        let password = write(folder, "password", "open sesame\n");
        let secure = format!(
            "ca_file = \"{}\"\nuser = \"signet\"\npassword_file = \"{password}\"\n",
            folder.join("ca.pem").display()
        );
        let more = if encryption == "none" { String::new() } else { secure };
        format!(
            "[channels.mail]\ntype = \"smtp\"\nserver = \"localhost:{port}\"\nencryption = \"{encryption}\"\n\
             from = \"Signet <signet@pki.example.org>\"\nto = [\"a@example.org\", \"b@example.org\"]\n{more}"
        )
    }

    /// The letters, as the server kept them.
    fn letters(&mut self, count: usize) -> Vec<String> {
        let path = |n: usize| self.folder.path().join(format!("{n}.eml"));
        self.running.until("the letter is there", || path(count).exists());
        assert!(!path(count + 1).exists(), "more letters than {count}");
        (1..=count).map(|n| std::fs::read_to_string(path(n)).unwrap().replace("\r\n", "\n")).collect()
    }
}

/// rsyslog, and the lines that it wrote.
struct Log {
    running: Running,
    folder: tempfile::TempDir,
    port: u16,
}

/// What it keeps of each message (RFC 5424 §6): the header's parts, then the text.
const TEMPLATE: &str = "%protocol-version% %pri% %timereported:::date-rfc3339% %app-name% %msgid% \
                        %structured-data%|%msg%\\n";

impl Log {
    fn start(transport: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        certificates(folder.path());
        let at = folder.path().display();
        let input = match transport {
            "udp" => {
                format!("module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")")
            }
            "tcp" => {
                format!("module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")")
            }
            _ => format!(
                "global(DefaultNetstreamDriverCAFile=\"{at}/ca.pem\" DefaultNetstreamDriverCertFile=\"{at}/cert.pem\" \
                 DefaultNetstreamDriverKeyFile=\"{at}/key.pem\")\n\
                 module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" \
                 StreamDriver.AuthMode=\"anon\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\")"
            ),
        };
        let configuration = format!(
            "global(workDirectory=\"{at}\" maxMessageSize=\"64k\")\n{input}\n\
             template(name=\"all\" type=\"string\" string=\"{TEMPLATE}\")\n\
             action(type=\"omfile\" file=\"{at}/received\" template=\"all\" asyncWriting=\"off\" flushOnTXEnd=\"on\")\n\
             action(type=\"omfile\" file=\"{at}/up\" template=\"all\")\n"
        );
        let configuration = write(folder.path(), "rsyslog.conf", &configuration);
        let mut command = Command::new("rsyslogd");
        command.args(["-n", "-f", &configuration, "-i"]).arg(folder.path().join("pid"));
        let up = folder.path().join("pid");
        let udp = transport == "udp";
        let running = Running::start(&mut command, folder.path(), || {
            if udp { up.exists() && is_bound(port) } else { answers(port) }
        });
        Self { running, folder, port }
    }

    fn channel(&self, transport: &str) -> String {
        let (port, ca) = (self.port, self.folder.path().join("ca.pem"));
        let more =
            if transport == "tls" { format!("ca_file = \"{}\"\n", ca.display()) } else { String::new() };
        format!(
            "[channels.log]\ntype = \"syslog\"\nserver = \"localhost:{port}\"\ntransport = \"{transport}\"\n\
             facility = \"local3\"\n{more}"
        )
    }

    /// The message of ours that it received.
    fn received(&mut self) -> String {
        let file = self.folder.path().join("received");
        let found = || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            text.lines().find(|line| line.contains(" signet notice ")).map(str::to_owned)
        };
        self.running.until("the message is there", || found().is_some());
        found().unwrap()
    }
}

/// Whether a process of this machine listens for datagrams at the port (proc(5)).
fn is_bound(port: u16) -> bool {
    let all = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    all.contains(&format!(":{port:04X} "))
}

/// Certificates that expire in nine days, a policy with this channel, and who sends.
struct House {
    _folder: tempfile::TempDir,
    db: Db,
    clock: Clock,
    notices: Arc<Notices>,
}

impl House {
    async fn new(channel: &str, certificates: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let random = Random::system();
        let db = Db::new(storage::create(&folder.path().join("store"), EngineKind::Redb).unwrap());
        let clock = Clock::manual(Timestamp::parse("2026-11-22T01:26:00Z").unwrap());
        let keys = Arc::new(Vault::create(folder.path(), "correct horse", &random).unwrap());
        let (pool, url) = (Pool::new(1, 4), "http://127.0.0.1:1".to_owned());
        let authority =
            Authority::load(db.clone(), clock.clone(), random.clone(), pool, keys, url).await.unwrap();
        let mut unit = Unit::new();
        for n in 0..certificates {
            unit.insert(&expiring(n, clock.now(), &random)).unwrap();
        }
        db.commit(unit).await.unwrap();
        let policy = NoticePolicy::parse(&format!("listed = 3\n{channel}")).unwrap();
        let notices = Arc::new(Notices::new(Arc::new(authority), policy));
        Self { _folder: folder, db, clock, notices }
    }

    /// Looks and sends; the task, as it stands then.
    async fn look(&self) -> TaskRecord {
        notice::look(&self.notices).await.unwrap();
        let notices = self.notices.clone();
        let handlers = Handlers::default().on(notice::SEND, Retry::default(), move |leased| {
            let notices = notices.clone();
            async move { notice::deliver(&notices, leased).await }
        });
        Runner::new(self.db.clone(), self.clock.clone(), handlers).run_due().await.unwrap();
        let tasks = self.db.all::<TaskRecord>(Scan::all::<TaskRecord>(PRIMARY)).await.unwrap();
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        tasks[0].value.clone()
    }
}

fn expiring(n: usize, now: Timestamp, random: &Random) -> CertificateRecord {
    let fingerprint = random.bytes().unwrap();
    CertificateRecord {
        id: RecordId::new(now, random).unwrap(),
        serial: Serial::new(now, random).unwrap(),
        ca: "rsa-issuing".parse().unwrap(),
        profile: "scep-device".parse().unwrap(),
        subject: Name::parse(&format!("CN=gw{n}.example.com,O=Zürich")).unwrap(),
        sans: Vec::new(),
        device: None,
        not_before: now.minus(Duration::from_hours(24 * 365)),
        not_after: now.plus(Duration::from_hours(24 * 9 + n as u64)),
        key_fingerprint: fingerprint,
        fingerprint,
        der: Vec::new(),
        status: Status::Good,
        requester: String::new(),
        renews: None,
        shard: 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_arrives_after_starttls_under_tls_and_in_the_clear() {
    for encryption in ["starttls", "tls", "none"] {
        let mut mail = Mail::start(encryption);
        let house = House::new(&mail.channel(encryption), 5).await;
        let task = house.look().await;
        assert_eq!(task.state, State::Done, "{encryption}: {:?}", task.said);
        let [letter] = mail.letters(1).try_into().unwrap();
        let secure = encryption != "none";
        for line in [
            "X-Hello: pki.example.org",
            "X-From: signet@pki.example.org",
            "X-To: a@example.org,b@example.org",
            if secure { "X-Tls: True" } else { "X-Tls: False" },
            if secure { "X-User: signet" } else { "X-User: None" },
            "Subject: Signet: 5 certificates expire, the first in 9 days",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(letter.lines().any(|l| l == line), "{encryption}: {line}: {letter}");
        }
        let body = letter.split_once("\n\n").unwrap().1;
        for part in ["gw0.example.com", "gw2.example.com", "profile scep-device", "and 2 more"] {
            assert!(body.replace("=\n", "").contains(part), "{encryption}: {part}: {body}");
        }
        assert!(!body.contains("gw3"), "{body}");
        assert!(!letter.contains("sesame"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_not_taken_is_sent_again_and_arrives_once() {
    let mut mail = Mail::start("starttls");
    let house = House::new(&mail.channel("starttls"), 1).await;
    let full = mail.folder.path().join("full");
    std::fs::write(&full, "").unwrap();
    let task = house.look().await;
    assert_eq!((task.state, task.attempts), (State::Waiting, 1));
    assert!(task.said.as_deref().unwrap().contains("no room"), "{:?}", task.said);
    std::fs::remove_file(&full).unwrap();
    house.clock.advance(Duration::from_secs(31));
    assert_eq!(house.look().await.state, State::Done);
    assert_eq!(house.look().await.attempts, 2);
    assert!(mail.letters(1)[0].contains("1 certificate expires"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_letter_goes_to_a_server_that_is_not_the_one_or_does_not_encrypt() {
    let mut mail = Mail::start("starttls");
    let channel = mail.channel("starttls");
    let stranger = tempfile::tempdir().unwrap();
    certificates(stranger.path());
    let (ours, theirs) = (mail.folder.path().join("ca.pem"), stranger.path().join("ca.pem"));
    let other_ca = channel.replace(ours.to_str().unwrap(), theirs.to_str().unwrap());
    let wrong = write(stranger.path(), "password", "open says me\n");
    let right = mail.folder.path().join("password");
    let other_password = channel.replace(right.to_str().unwrap(), &wrong);
    let plain = Mail::start("none");
    let not_encrypting = channel.replace(&mail.port.to_string(), &plain.port.to_string());
    for (channel, reason) in [
        (other_ca, "invalid peer certificate"),
        (other_password, "535"),
        (not_encrypting, "STARTTLS is not supported"),
    ] {
        let task = House::new(&channel, 1).await.look().await;
        let said = task.said.unwrap();
        assert!(task.state == State::Waiting && said.contains(reason), "{reason}: {said}");
        assert!(!said.contains("says me"), "{said}");
    }
    assert!(!plain.folder.path().join("1.eml").exists());
    House::new(&channel, 1).await.look().await;
    mail.letters(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rsyslog_receives_one_message_by_udp_tcp_and_tls() {
    for (transport, certificates) in [("udp", 2), ("tcp", 3), ("tls", 3)] {
        let mut log = Log::start(transport);
        let house = House::new(&log.channel(transport), certificates).await;
        let task = house.look().await;
        assert_eq!(task.state, State::Done, "{transport}: {:?}", task.said);
        let line = log.received();
        let (header, text) = line.split_once('|').unwrap();
        // local3 (19) times 8, and warning (4).
        assert_eq!(header, "1 156 2026-11-22T01:26:00Z signet notice -", "{transport}");
        let headline = format!("Signet: {certificates} certificates expire, the first in 9 days");
        assert!(text.trim_start_matches('\u{feff}').starts_with(&headline), "{transport}: {text}");
        for n in 0..certificates {
            assert!(text.contains(&format!("CN=gw{n}.example.com")), "{transport}: {text}");
        }
        assert!(text.contains("Zürich"), "{transport}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syslog_server_of_another_ca_receives_nothing() {
    let log = Log::start("tls");
    let stranger = tempfile::tempdir().unwrap();
    certificates(stranger.path());
    let (ours, theirs) = (log.folder.path().join("ca.pem"), stranger.path().join("ca.pem"));
    let channel = log.channel("tls").replace(ours.to_str().unwrap(), theirs.to_str().unwrap());
    let task = House::new(&channel, 1).await.look().await;
    let said = task.said.unwrap();
    assert!(task.state == State::Waiting && said.contains("invalid peer certificate"), "{said}");
}

#[test]
fn a_channel_is_tried_out_by_the_command_line() {
    let mut mail = Mail::start("starttls");
    let mut log = Log::start("tcp");
    let server = Server::start();
    let data = server.data();
    let signet = |arguments: &[&str]| run(SIGNET, &[arguments, &["--data", data.to_str().unwrap()]].concat());
    assert!(signet(&["notice", "channels"]).ok().starts_with("CHANNEL"));
    let policy = format!("{}{}", mail.channel("starttls"), log.channel("tcp"));
    write(&data.join("policies"), "notices.toml", &policy);
    signet(&["profile", "reload"]).ok();
    let channels = signet(&["notice", "channels"]).ok();
    assert!(channels.contains("a@example.org, b@example.org by localhost"), "{channels}");
    assert!(signet(&["notice", "test", "mail"]).ok().contains("sent a test to a@example.org"));
    assert!(mail.letters(1)[0].contains("Subject: Signet: a test of this channel"));
    signet(&["notice", "test", "log"]).ok();
    assert!(log.received().contains("a test of this channel"));
    drop(log);
    let failed = signet(&["notice", "test", "log"]);
    assert!(failed.code == 1 && failed.err.contains("the syslog server localhost"), "{}", failed.err);
    assert_eq!(signet(&["notice", "test", "pager"]).code, 1);
    assert!(signet(&["notice", "list"]).ok().starts_with("GIVEN"));
}
