//! `signet device requests`: out as a folder or as one file, in as what CAs give back.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::capf::offline::{ca, openssl};
use crate::running::Running;
use crate::serve::Home;

const PHONES: [&str; 3] = ["SEP000000000001", "SEP000000000002", "SEP000000000003"];
/// As the manual has it.
const SIGN: &str = r#"
mkdir certificates && cd requests
for key in *.pub.pem; do
    name=${key%.pub.pem}
    openssl x509 -new -force_pubkey "$key" -subj "$(cat "$name.subject")" -days 365 \
        -CA ../ca.pem -CAkey ../ca.key -extfile "$name.cnf" -out "../certificates/$name.pem"
done
"#;

fn shell(folder: &Path, script: &str) {
    let done = Command::new("sh").current_dir(folder).args(["-ec", script]).output().unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Three phones left their keys for a CA that is offline.
fn waiting(folder: &Path) -> Running {
    let home = Home::new();
    let server = home.up_with(&["--capf", "127.0.0.1:0"]);
    let on = Running { home, server };
    let offline = format!("\n[offline]\nissuer = '''\n{}'''\n", ca(folder));
    let profile = on.home.read("policies/profiles/capf-lsc.toml") + &offline;
    fs::write(on.home.file("policies/profiles/elsewhere.toml"), profile).unwrap();
    on.done(&["profile", "reload"]);
    let rows = PHONES.map(|name| format!("{name},8845,elsewhere,install,string,4711,p-256\n")).concat();
    let sheet = on.write("phones.csv", &format!("name,model,profile,operation,auth,string,key\n{rows}"));
    on.done(&["device", "import", &sheet]);
    let listeners: serde_json::Value = serde_json::from_str(&on.home.read("listeners.json")).unwrap();
    let capf = listeners["capf"].as_str().unwrap();
    on.done(&["phone", "simulate", "--count", "3", "--string", "4711", "--capf", capf]);
    on
}

#[test]
fn requests_go_out_as_a_folder_or_one_file_and_certificates_come_in_as_cas_give_them() {
    let folder = tempfile::tempdir().unwrap();
    let (at, on) = (folder.path(), waiting(folder.path()));
    let path = |name: &str| at.join(name).display().to_string();
    let export = |target: &str| on.done(&["device", "requests", "export", target]);
    assert!(export(&path("requests")).starts_with("wrote 3 requests to "));
    assert!(on.refused(1, &["device", "requests", "export", &path("requests")]).contains("is not empty"));
    assert!(export(&path("one.tar")).contains("one.tar"));
    let data = on.home.data();
    let piped = Command::new(env!("CARGO_BIN_EXE_signet"))
        .args(["device", "requests", "export", "-", "--data"])
        .arg(&data)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    fs::write(at.join("two.tar"), piped.stdout).unwrap();
    // Both archives unpack to what the folder has.
    for archive in ["one.tar", "two.tar"] {
        shell(
            at,
            &format!(
                "mkdir {archive}.d && tar xf {archive} -C {archive}.d && diff -r requests {archive}.d/requests"
            ),
        );
    }
    assert_eq!(fs::read_dir(at.join("requests")).unwrap().count(), 3 * 3 + 2);

    shell(at, SIGN);
    let [a, b, c] = PHONES.map(|name| format!("certificates/{name}.pem"));
    let bundle = ["crl2pkcs7", "-nocrl", "-certfile", &a, "-certfile", &b, "-certfile", "ca.pem"];
    openssl(at, &[&bundle[..], &["-outform", "DER", "-out", "two.p7b"]].concat());
    openssl(at, &[&bundle[..], &["-out", "two.pem"]].concat());
    openssl(at, &["x509", "-in", &c, "-outform", "DER", "-out", "three.cer"]);
    shell(
        at,
        "cat ca.pem certificates/*.pem > all.pem; echo nothing > empty.pem; printf '0\\003\\002\\001\\000' > odd.der",
    );
    let import = |name: &str| on.done(&["device", "requests", "import", &path(name)]);
    // What the CA gave back with its own certificate: that is passed over.
    assert_eq!(import("two.p7b").trim(), "2 taken, 0 known already, 0 refused");
    assert_eq!(import("two.pem").trim(), "0 taken, 2 known already, 0 refused");
    assert_eq!(import("three.cer").trim(), "1 taken, 0 known already, 0 refused");
    assert_eq!(import("all.pem").trim(), "0 taken, 3 known already, 0 refused");
    assert_eq!(import("certificates").trim(), "0 taken, 3 known already, 0 refused");
    let empty = on.refused(1, &["device", "requests", "import", &path("empty.pem"), &path("ca.pem")]);
    assert!(empty.contains("no certificate of a device"), "{empty}");
    let odd = on.refused(1, &["device", "requests", "import", &path("odd.der")]);
    assert!(odd.contains("odd.der: no certificates in PEM, DER or PKCS#7"), "{odd}");
    assert!(export(&path("later.tar")).starts_with("wrote 0 requests to "), "none waits any more");
}
