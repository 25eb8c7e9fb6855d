//! The listener for old phones, met by the `openssl` command (feature `legacy`).

use std::process::{Command, Stdio};

use rustls::version::TLS12;

use super::*;

/// One handshake by `openssl s_client`; its report, and whether it came to be.
fn s_client(at: SocketAddr, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &at.to_string()])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn old_phones_get_old_suites_by_the_old_listener_alone() {
    let house = House::open(None).await;
    let served = house.serve(Limits::default()).await;
    let (capf, legacy) = (served.capf, served.legacy);
    let done = tokio::task::spawn_blocking(move || {
        for (arguments, version, suite) in [
            (["-tls1", "-cipher", "AES128-SHA@SECLEVEL=0"], "TLSv1", "AES128-SHA"),
            (["-tls1_1", "-cipher", "AES256-SHA@SECLEVEL=0"], "TLSv1.1", "AES256-SHA"),
            (["-tls1_2", "-cipher", "AES128-SHA256@SECLEVEL=0"], "TLSv1.2", "AES128-SHA256"),
            (["-tls1", "-cipher", "ECDHE-RSA-AES128-SHA@SECLEVEL=0"], "TLSv1", "ECDHE-RSA-AES128-SHA"),
        ] {
            let (good, report) = s_client(legacy, &arguments);
            assert!(good, "{arguments:?}: {report}");
            assert!(report.contains(&format!("Cipher is {suite}")), "{report}");
            assert!(
                report.contains(&format!("Protocol  : {version}\n")) || report.contains(version),
                "{report}"
            );
            assert!(
                report.contains("CN = Signet CAPF CA") || report.contains("CN=Signet CAPF CA"),
                "{report}"
            );
            assert!(!s_client(capf, &arguments).0, "the listener of today takes {arguments:?}");
        }
        for weak in ["RC4-SHA", "DES-CBC3-SHA", "ADH-AES128-SHA", "NULL-SHA"] {
            let (good, _) = s_client(legacy, &["-tls1_2", "-cipher", &format!("{weak}@SECLEVEL=0")]);
            assert!(!good, "CAPF-57: {weak}");
        }
    });
    done.await.unwrap();
    Client::talk(legacy, &TLS12).await;
    let check = house.state.admin.listeners().into_iter().find(|l| l.name == "capf-legacy").unwrap();
    assert!(check.warning.unwrap().contains("TLS 1.0"), "{check:?}");
    let shown = Client::talk(capf, &TLS12).await;
    assert_eq!(shown[0].subject().common_name(), Some("Signet CAPF CA"));
}
