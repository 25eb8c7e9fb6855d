//! The trust bundles, taken as they are by the tools of a server.

use std::path::Path;
use std::process::Command;

use axum::http::StatusCode;

use super::fixture::{Fixture, run};
use super::published::ask;
use signet::x509::pem;

#[tokio::test]
async fn the_bundle_names_each_ca_and_openssl_reads_both_formats() {
    let fixture = Fixture::ec().await;
    let router = signet::trust::http::router(fixture.authority.clone());
    let text = ask(&router, "GET", "/trust/signet.pem", &[]).await;
    let shown = String::from_utf8(text.body.clone()).unwrap();
    assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 2);
    assert!(shown.starts_with("# CN=Signet EC Root CA,O=Acme\\, Inc., expires 20"), "{shown}");
    let file = fixture.write("signet.p7b", ask(&router, "GET", "/trust/signet.p7b", &[]).await.body);
    let (ok, said) = run(Command::new("openssl")
        .args(["pkcs7", "-inform", "DER", "-print_certs", "-noout", "-in"])
        .arg(file));
    assert!(ok && said.matches("subject=").count() == 2, "{said}");
}

#[tokio::test]
async fn the_checksum_beside_it_is_read_by_sha512sum() {
    let fixture = Fixture::ec().await;
    let router = signet::trust::http::router(fixture.authority.clone());
    for name in ["signet.pem", "signet.p7b"] {
        let bundle = ask(&router, "GET", &format!("/trust/{name}"), &[]).await;
        let sum = ask(&router, "GET", &format!("/trust/{name}.sha512"), &[]).await;
        fixture.write(name, bundle.body);
        let file = fixture.write("sum", sum.body);
        let (ok, said) = run(Command::new("sha512sum")
            .current_dir(fixture.dir.path())
            .args(["--check", "--strict"])
            .arg(file));
        assert!(ok, "{said}");
        let tag = bundle.headers.get("etag").unwrap().to_str().unwrap();
        let again = ask(&router, "GET", &format!("/trust/{name}"), &[("if-none-match", tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    }
    for none in ["/trust/other.pem", "/trust/signet.jks", "/trust/signet", "/trust/signet.pem.sha1"] {
        assert_eq!(ask(&router, "GET", none, &[]).await.status, StatusCode::NOT_FOUND, "{none}");
    }
}

/// `update-ca-certificates` puts every certificate of a file into its bundle, but links only files with a single
/// one for lookup by hash: so the whole bundle serves -CAfile, and the bundle of one CA serves -CApath.
#[tokio::test]
async fn update_ca_certificates_takes_the_bundles_as_they_are() {
    let fixture = Fixture::ec().await;
    let router = signet::trust::http::router(fixture.authority.clone());
    let folder = |name: &str| {
        let path = fixture.dir.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let (local, hashed, hooks) = (folder("local"), folder("hashed"), folder("hooks"));
    let issued = fixture.server("s.acme.example").await;
    let leaf = fixture.write("leaf.pem", pem::encode("CERTIFICATE", &issued.record.der));
    let between = fixture.write("between.pem", pem::encode("CERTIFICATE", &issued.chain[0]));

    let all = ask(&router, "GET", "/trust/signet.pem", &[]).await.body;
    std::fs::write(local.join("signet.crt"), all).unwrap();
    update(fixture.dir.path(), &local, &hashed, &hooks);
    let (ok, said) = run(Command::new("openssl")
        .args(["verify", "-x509_strict", "-no-CApath", "-CAfile"])
        .arg(hashed.join("ca-certificates.crt"))
        .arg(&leaf));
    assert!(ok, "{said}");

    let root = ask(&router, "GET", "/trust/ec-root.pem", &[]).await.body;
    std::fs::write(local.join("ec-root.crt"), root).unwrap();
    update(fixture.dir.path(), &local, &hashed, &hooks);
    let (ok, said) = run(Command::new("openssl")
        .args(["verify", "-x509_strict", "-no-CAfile", "-CApath"])
        .arg(&hashed)
        .arg("-untrusted")
        .arg(between)
        .arg(&leaf));
    assert!(ok, "{said}");
}

fn update(dir: &Path, local: &Path, hashed: &Path, hooks: &Path) {
    let conf = dir.join("ca-certificates.conf");
    std::fs::write(&conf, "# none of the distribution's\n").unwrap();
    let (ok, said) = run(Command::new("update-ca-certificates")
        .arg("--certsconf")
        .arg(conf)
        .arg("--localcertsdir")
        .arg(local)
        .arg("--etccertsdir")
        .arg(hashed)
        .arg("--hooksdir")
        .arg(hooks));
    assert!(ok && said.contains("1 added"), "{said}");
}
