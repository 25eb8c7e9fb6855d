//! A CA under an external root that openssl plays.

use std::process::Command;

use signet::audit::Actor;
use signet::ca::create::{install_chain, request};
use signet::ca::issue::issue;
use signet::trust::bundle;
use signet::x509::key::KeyAlgorithm;
use signet::x509::name::Name;
use signet::x509::pem;

use super::fixture::{Fixture, ca, place, run};

/// A fixture whose CA `corp` waits for its certificate, and what openssl makes of its request.
struct External {
    fixture: Fixture,
}

impl External {
    async fn new() -> Self {
        let fixture = Fixture::empty().await;
        let subject = Name::parse("CN=Corp Issuing CA,O=Corp").unwrap();
        let record =
            request(&fixture.authority, ca("corp"), subject, (place(), KeyAlgorithm::P256), Actor::System)
                .await
                .unwrap();
        fixture.write("corp.csr", pem::encode("CERTIFICATE REQUEST", &record.request.unwrap()));
        openssl(
            &fixture,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key \
            -out ext-root.pem -days 3650 -subj /CN=Corp_Root -addext keyUsage=critical,keyCertSign,cRLSign",
        );
        // openssl took the machine's time, which has gone on since the fixture's clock was set.
        fixture.authority.clock.advance(std::time::Duration::from_secs(300));
        Self { fixture }
    }

    /// The chain with a certificate whose extensions are `extensions`.
    fn signed(&self, extensions: &str, days: &str) -> String {
        self.fixture.write("ext.cnf", extensions);
        openssl(
            &self.fixture,
            &format!(
                "x509 -req -in corp.csr -CA ext-root.pem -CAkey root.key -CAcreateserial \
            -days {days} -extfile ext.cnf -out corp.pem"
            ),
        );
        self.read("corp.pem") + &self.read("ext-root.pem")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.fixture.dir.path().join(name)).unwrap()
    }

    async fn refused(&self, chain: &str) -> String {
        let installed =
            install_chain(&self.fixture.authority, &ca("corp"), chain.as_bytes(), Actor::System).await;
        let error = installed.unwrap_err();
        assert_eq!(error.code(), "bad-chain", "{error}");
        error.detail().to_owned()
    }
}

const GOOD: &str = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
    subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n";

fn openssl(fixture: &Fixture, arguments: &str) {
    let (ok, said) =
        run(Command::new("openssl").current_dir(fixture.dir.path()).args(arguments.split_whitespace()));
    assert!(ok, "openssl {arguments}: {said}");
}

#[tokio::test]
async fn a_chain_that_came_back_makes_the_ca_ready() {
    let external = External::new().await;
    let fixture = &external.fixture;
    openssl(fixture, "req -in corp.csr -verify -noout");
    let waiting = fixture.authority.hierarchy().require(&ca("corp")).unwrap().ready().unwrap_err();
    assert_eq!(waiting.code(), "ca-not-ready");
    assert!(waiting.detail().contains("signet ca certificate corp --chain FILE"), "{waiting}");

    let chain = external.signed(GOOD, "365");
    install_chain(&fixture.authority, &ca("corp"), chain.as_bytes(), Actor::System).await.unwrap();
    assert_eq!(fixture.authority.published().of(&ca("corp")).unwrap().number, 1);
    let key = fixture.key("leaf", KeyAlgorithm::P256);
    let order = fixture.order("tls-server", "corp", "CN=l", &["dns:l.acme.example"], key);
    let issued = issue(&fixture.authority, order).await.unwrap();
    assert_eq!(issued.chain.len(), 2, "the external root is in the chain");
    let leaf = fixture.write("l.pem", pem::encode("CERTIFICATE", &issued.record.der));
    let (ok, said) = run(Command::new("openssl")
        .current_dir(fixture.dir.path())
        .args(["verify", "-x509_strict", "-CAfile", "ext-root.pem", "-untrusted", "corp.pem"])
        .arg(leaf));
    assert!(ok, "{said}");
    for store in ["signet", "corp"] {
        let anchors = bundle::anchors(&fixture.authority.hierarchy(), store).unwrap();
        let names: Vec<_> = anchors.iter().map(|c| c.subject().to_string()).collect();
        assert_eq!(
            names,
            ["CN=Corp_Root", "CN=Corp Issuing CA,O=Corp"],
            "{store}: the external root is an anchor"
        );
    }

    install_chain(&fixture.authority, &ca("corp"), chain.as_bytes(), Actor::System).await.unwrap();
    assert_eq!(
        fixture.authority.published().of(&ca("corp")).unwrap().number,
        2,
        "a later chain is taken too"
    );
}

#[tokio::test]
async fn a_chain_with_a_fault_is_refused_with_the_rule() {
    let external = External::new().await;
    let no_ca = GOOD.replace("CA:TRUE,pathlen:0", "CA:FALSE");
    assert!(external.refused(&external.signed(&no_ca, "365")).await.contains("no CA certificate"));
    let no_sign = GOOD.replace("keyCertSign,", "");
    assert!(external.refused(&external.signed(&no_sign, "365")).await.contains("keyCertSign"));
    let no_crl = GOOD.replace(",cRLSign", "");
    assert!(external.refused(&external.signed(&no_crl, "365")).await.contains("cRLSign"));
    external.signed(GOOD, "365");
    assert!(external.refused(&external.read("corp.pem")).await.contains("is missing"));
    assert!(external.refused(&external.read("ext-root.pem")).await.contains("none of the certificates"));
    let chain = external.signed(GOOD, "1");
    external.fixture.authority.clock.advance(super::fixture::DAY * 2);
    assert!(external.refused(&chain).await.contains("not in date"));
}

#[tokio::test]
async fn a_root_that_only_shares_the_name_is_refused() {
    let external = External::new().await;
    external.signed(GOOD, "365");
    openssl(
        &external.fixture,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout o.key \
        -out other.pem -subj /CN=Corp_Root",
    );
    let chain = external.read("corp.pem") + &external.read("other.pem");
    assert!(external.refused(&chain).await.contains("is missing"));
}

#[tokio::test]
async fn a_root_that_forbids_cas_below_it_is_refused() {
    let external = External::new().await;
    openssl(
        &external.fixture,
        "req -x509 -key root.key -out ext-root.pem -subj /CN=Corp_Root -config /dev/null \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign",
    );
    // The root itself may have one CA below it only if its path length says 1 or more.
    let said = external.refused(&external.signed(GOOD, "365")).await;
    assert!(said.contains("fewer CAs"), "{said}");
}
