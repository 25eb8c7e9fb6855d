//! What profile and estate say, whoever asks.

use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use signet::enrol::Proof;
use signet::x509::crl::Reason;

use super::fixture::{Client, Office, by_operator};

const ONLY_PHONES: &str = r#"description = "Test."
ca = "ec-issuing"
approval = "automatic"
keys = ["p-256"]
validity = "30d"
device = "CN"
[subject]
CN = { from = "request", required = true, pattern = ["SEP[0-9A-F]{12}"] }
O = { from = "fixed", value = "Acme" }
[usage]
key = ["digitalSignature"]
[[rules]]
require = 'cn.startsWith("SEP00") && requester == "operator"'
message = "only phones of the first series"
"#;

async fn refused(office: &Office, client: &Client, profile: &str, cn: &str, sans: &[&str]) -> String {
    let (code, text) = office.refusal(client.request(profile, client.csr(cn, sans), by_operator())).await;
    assert_eq!(code, "bad-csr", "{text}");
    text
}

#[tokio::test]
async fn an_operator_is_issued_what_the_profile_makes_of_the_request() {
    let office = Office::with(&[("phones", ONLY_PHONES)]).await;
    let client = Client::new();
    let request = client.request("phones", client.csr("SEP001122334455", &[]), by_operator());
    let record = office.issued(office.enrol(request).await);
    assert_eq!(record.subject.to_string(), "CN=SEP001122334455,O=Acme");
    assert_eq!(record.device.as_deref(), Some("SEP001122334455"));
    assert_eq!(record.ca.as_str(), "ec-issuing");
}

#[tokio::test]
async fn subjects_and_rules_are_held() {
    let office = Office::with(&[("phones", ONLY_PHONES)]).await;
    let client = Client::new();
    assert_eq!(
        refused(&office, &client, "phones", "gateway", &[]).await,
        "subject CN \"gateway\" does not fit the profile's pattern SEP[0-9A-F]{12} (profile phones)"
    );
    let text = refused(&office, &client, "phones", "", &["dns:a.example"]).await;
    assert_eq!(text, "subject CN is required (profile phones)");
    assert_eq!(
        refused(&office, &client, "phones", "SEP001122334455", &["dns:a.example"]).await,
        "SAN type not allowed: dns:a.example; allowed: none (profile phones)"
    );
    let request = client.request("phones", client.csr("SEP111122334455", &[]), by_operator());
    assert_eq!(
        office.refusal(request).await,
        ("policy", "only phones of the first series (profile phones)".into())
    );
    assert!(office.certificates("phones").await.is_empty());
}

#[tokio::test]
async fn csr_36_40_48_names_of_server_certificates() {
    let office = Office::open().await;
    let client = Client::new();
    let text = refused(&office, &client, "tls-server", "a.example", &["dns:b.example"]).await;
    assert_eq!(text, "the CN must be one of the SANs: CN a.example, SANs dns:b.example (profile tls-server)");
    let text = refused(&office, &client, "tls-multi-server", "x", &["dns:*.b.example"]).await;
    assert_eq!(text, "wildcard not allowed here: dns:*.b.example (profile tls-multi-server)");
    let text = refused(&office, &client, "tls-server", "x", &["email:a@b.example"]).await;
    assert_eq!(text, "SAN type not allowed: email:a@b.example; allowed: dns, ip (profile tls-server)");
    let csr = client.csr("*.b.example", &[]);
    let record = office.issued(office.enrol(client.request("tls-server", csr, by_operator())).await);
    assert_eq!(record.sans.iter().map(ToString::to_string).collect::<Vec<_>>(), ["dns:*.b.example"]);
}

#[tokio::test]
async fn csr_08_20_23_keys_by_profile() {
    let rsa = ONLY_PHONES.replace("\"p-256\"", "\"rsa-3072\"");
    let office = Office::with(&[("curve", ONLY_PHONES), ("rsa", &rsa)]).await;
    let client = Client { key: KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(), ..Client::new() };
    let text = refused(&office, &client, "curve", "SEP001122334455", &[]).await;
    assert_eq!(text, "curve not allowed: it is p-384; allowed: p-256 (profile curve)");
    let text = refused(&office, &client, "rsa", "SEP001122334455", &[]).await;
    assert_eq!(text, "key type not allowed: it is p-384; allowed: rsa-3072 (profile rsa)");
}

#[tokio::test]
async fn csr_13_a_listed_key_is_refused() {
    let office = Office::open().await;
    let client = Client::new();
    let hex: String = client.fingerprint().iter().map(|b| format!("{b:02x}")).collect();
    let policies = office.dir.path().join("policies");
    std::fs::write(policies.join("blocked-keys/debian.txt"), hex).unwrap();
    office.desk.profiles.swap(signet::ca::profile::ProfileSet::load(&policies).unwrap());
    assert_eq!(refused(&office, &client, "tls-server", "a.example", &[]).await, "Debian weak key");
}

#[tokio::test]
async fn csr_16_our_own_keys_are_reserved() {
    let office = Office::open().await;
    let client = Client::new();
    let csr = client.csr("ca.example", &["dns:ca.example"]);
    office.issued(office.enrol(client.request("signet-tls", csr, Proof::Internal)).await);
    assert_eq!(refused(&office, &client, "tls-server", "ca.example", &[]).await, "key reserved");
}

#[tokio::test]
async fn csr_17_a_key_stands_for_one_identity_while_it_lives() {
    let office = Office::open().await;
    let client = Client::new();
    let first = client.request("tls-server", client.csr("a.example", &[]), by_operator());
    let first = office.issued(office.enrol(first).await);
    assert_eq!(refused(&office, &client, "tls-server", "b.example", &[]).await, "key in use");
    let again = client.request("tls-server", client.csr("a.example", &[]), by_operator());
    office.issued(office.enrol(again).await);
    for record in office.certificates("tls-server").await {
        office.revoke(&record, Reason::Superseded).await;
    }
    let other = client.request("tls-server", client.csr("b.example", &[]), by_operator());
    let other = office.issued(office.enrol(other).await);
    assert_ne!(first.serial, other.serial);
    office.revoke(&other, Reason::KeyCompromise).await;
    assert_eq!(refused(&office, &client, "tls-server", "b.example", &[]).await, "key compromised");
}

#[tokio::test]
async fn csr_54_nobody_is_named_as_we_are() {
    let office = Office::open().await;
    let client = Client::new();
    let hierarchy = office.desk.authority.hierarchy();
    let issuing = hierarchy.require(&"ec-issuing".parse().unwrap()).unwrap();
    let cn = issuing.record.subject.common_name().unwrap().to_uppercase();
    assert_eq!(issuing.record.subject.rdns().len(), 1, "the fixture's CAs have a CN alone");
    assert_eq!(refused(&office, &client, "tls-client", &cn, &[]).await, "reserved name");
    assert_eq!(refused(&office, &client, "tls-client", "Signet SCEP RA 7", &[]).await, "reserved name");
}

#[tokio::test]
async fn profiles_that_are_off_or_ours_are_refused() {
    let office = Office::open().await;
    let client = Client::new();
    for (profile, code) in
        [("legacy", "profile-disabled"), ("scep-ra", "internal-profile"), ("nowhere", "not-found")]
    {
        let request = client.request(profile, client.csr("a", &[]), by_operator());
        assert_eq!(office.refusal(request).await.0, code);
    }
    let mut request = client.request("tls-client", client.csr("a", &[]), by_operator());
    request.issuer = Some("rsa-issuing".parse().unwrap());
    assert_eq!(office.refusal(request).await.0, "issuer-not-allowed");
}

#[tokio::test]
async fn refusals_are_recorded_but_cannot_fill_the_log() {
    let office = Office::open().await;
    let client = Client::new();
    for _ in 0..30 {
        refused(&office, &client, "tls-multi-server", "x", &[]).await;
    }
    let written = office.details("enrol.refuse").await;
    assert_eq!(written.len(), 10);
    assert_eq!(
        written[0]["rule"],
        "SAN count out of range: 0 where 1 to 100 are allowed (profile tls-multi-server)"
    );
    assert_eq!(written[0]["subject"], "CN=x");
}

#[tokio::test]
async fn an_ocsp_responder_is_made_for_signet_alone() {
    let office = Office::open().await;
    let client = Client::new();
    let request = |proof| client.request("ocsp-responder", client.csr("responder", &[]), proof);
    assert_eq!(office.refusal(request(by_operator())).await.0, "internal-profile");
    let record = office.issued(office.enrol(request(Proof::Internal)).await);
    let hierarchy = office.desk.authority.hierarchy();
    let issuer = hierarchy.require(&record.ca).unwrap().certificate.clone().unwrap();
    let certificate = signet::x509::tlv::single(&record.der, 0x30).unwrap().content;
    let tbs = signet::x509::tlv::Reader::new(certificate).any().unwrap().whole;
    signet::ca::lint::lint(tbs, &issuer).unwrap();
}

/// Whoever had a certificate for the names of our listeners could stand in our place.
#[tokio::test]
async fn the_names_of_our_own_listeners_are_reserved() {
    let office = Office::open().await;
    let (own, client) = (Client::new(), Client::new());
    let request = client.request("tls-server", client.csr("other.example", &[]), by_operator());
    office.issued(office.enrol(request).await);
    let request = own.request("signet-tls", own.csr("", &["dns:ca.one.example"]), Proof::Internal);
    office.issued(office.enrol(request).await);
    office.desk.authority.clock.advance(std::time::Duration::from_secs(1));
    let fresh = Client::new();
    for (profile, cn, sans) in [
        ("tls-server", "", &["dns:ca.one.example"][..]),
        ("tls-server", "CA.one.example", &[]),
        ("tls-server", "*.one.example", &[]),
        ("tls-multi-server", "CA.One.Example", &["dns:b.example"]),
        ("tls-multi-server", "x", &["dns:b.example", "dns:ca.one.example"]),
    ] {
        assert_eq!(refused(&office, &fresh, profile, cn, sans).await, "reserved name", "{cn} {sans:?}");
    }
    for cn in ["one.example", "a.ca.one.example", "*.two.example"] {
        let other = Client::new();
        let request = other.request("tls-server", other.csr(cn, &[]), by_operator());
        office.issued(office.enrol(request).await);
    }
    office.desk.authority.clock.advance(super::fixture::DAY * 91);
    let request = fresh.request("tls-server", fresh.csr("ca.one.example", &[]), by_operator());
    office.issued(office.enrol(request).await);
}

#[tokio::test]
async fn a_compromised_key_is_known_however_many_certificates_it_has() {
    let office = Office::open().await;
    let client = Client::new();
    let request = || client.request("tls-server", client.csr("a.example", &[]), by_operator());
    let first = office.issued(office.enrol(request()).await);
    for _ in 0..65 {
        office.issued(office.enrol(request()).await);
    }
    office.revoke(&first, Reason::KeyCompromise).await;
    assert_eq!(refused(&office, &client, "tls-server", "a.example", &[]).await, "key compromised");
}

/// CSR-17
#[tokio::test]
async fn a_live_certificate_holds_its_key_behind_any_number_of_dead_ones() {
    let office = Office::open().await;
    let client = Client::new();
    let request = |cn: &str| client.request("tls-server", client.csr(cn, &[]), by_operator());
    let live = office.issued(office.enrol(request("a.example")).await);
    for _ in 0..70 {
        let dead = office.issued(office.enrol(request("a.example")).await);
        office.revoke(&dead, Reason::Superseded).await;
    }
    assert_eq!(refused(&office, &client, "tls-server", "b.example", &[]).await, "key in use");
    office.revoke(&live, Reason::Superseded).await;
    office.issued(office.enrol(request("b.example")).await);
}
