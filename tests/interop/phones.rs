//! Lists and files for phones, fetched by clients of others: tftp-hpa, atftp, curl and OpenSSL.

use std::path::Path;
use std::process::Command;

use signet::trust::records::ListKind;

use crate::estate::Estate;

/// Runs a program to its end, elsewhere than where the server answers.
async fn run(folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).stdin(std::process::Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

async fn estate(list: &[u8]) -> Estate {
    let estate = Estate::new(&["hq"]).await;
    estate.publish("hq", ListKind::Itl, 1, list, &[]).await;
    estate.add_device("SEP0123456789AB", None).await;
    estate
}

fn list() -> Vec<u8> {
    (0..50_000u32).map(|i| (i % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tftp_hpa_fetches_a_list_and_is_told_what_there_is_not() {
    let (estate, folder) = (estate(&list()).await, tempfile::tempdir().unwrap());
    let port = estate.at.tftp.unwrap().port().to_string();
    let get = async |name: &str| {
        run(folder.path(), "tftp", &["-m", "octet", "127.0.0.1", &port, "-c", "get", name, "got"]).await
    };
    let (_, told) = get("ITLSEP0123456789AB.tlv").await;
    assert_eq!(std::fs::read(folder.path().join("got")).unwrap(), list(), "{told}");
    let (_, told) = get("CTLSEP0123456789AB.tlv").await;
    assert!(told.contains("no such file for this device"), "{told}");
    let (_, told) = get("../admin.token").await;
    assert!(told.contains("no such file for this device"), "{told}");
    std::fs::write(folder.path().join("mine"), b"mine").unwrap();
    let put = ["-m", "octet", "127.0.0.1", &port, "-c", "put", "mine", "ITLFile.tlv"];
    let (_, told) = run(folder.path(), "tftp", &put).await;
    assert!(told.contains("files are only read here"), "{told}");
    let fetched = estate.trust("SEP0123456789AB").await["fetched"].clone();
    assert_eq!((&fetched[0]["over"], &fetched[0]["times"]), (&"tftp".into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn atftp_agrees_on_block_size_and_size() {
    for block_size in ["512", "1024", "1428", "65464"] {
        let (estate, folder) = (estate(&list()).await, tempfile::tempdir().unwrap());
        let port = estate.at.tftp.unwrap().port().to_string();
        let option = format!("blksize {block_size}");
        let get = [
            "-g",
            "-r",
            "ITLFile.tlv",
            "-l",
            "got",
            "--option",
            &option,
            "--option",
            "tsize enable",
            "127.0.0.1",
            &port,
        ];
        let (done, told) = run(folder.path(), "atftp", &get).await;
        assert!(done, "{told}");
        assert_eq!(std::fs::read(folder.path().join("got")).unwrap(), list(), "{block_size}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_fetches_by_tftp_and_http_alike() {
    let (estate, folder) = (estate(&list()).await, tempfile::tempdir().unwrap());
    let (tftp, http) = (estate.at.tftp.unwrap(), estate.at.phone_http.unwrap());
    for url in [format!("tftp://{tftp}/ITLFile.tlv"), format!("http://{http}/ITLFile.tlv")] {
        let (done, told) = run(folder.path(), "curl", &["-fsS", "-o", "got", &url]).await;
        assert!(done, "{url}: {told}");
        assert_eq!(std::fs::read(folder.path().join("got")).unwrap(), list(), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_is_shown_the_listed_certificates_over_tls_1_2_and_1_3() {
    let (estate, folder) = (estate(b"a list").await, tempfile::tempdir().unwrap());
    for (at, identity) in [
        (estate.at.tvs.unwrap(), &estate.tvs),
        (estate.at.phone_https.unwrap(), &estate.tftp),
        (estate.at.phone_https_second.unwrap(), &estate.tftp),
    ] {
        for version in ["-tls1_2", "-tls1_3"] {
            let (done, told) =
                run(folder.path(), "openssl", &["s_client", "-connect", &at.to_string(), version]).await;
            assert!(done && told.contains("-----BEGIN CERTIFICATE-----"), "{at} {version}: {told}");
            assert!(told.contains(identity.certificate.pem().trim()), "{at} {version}: {told}");
        }
        let old = run(folder.path(), "openssl", &["s_client", "-connect", &at.to_string(), "-tls1_1"]).await;
        assert!(!old.0, "TLS 1.1 is refused: {}", old.1);
    }
}
