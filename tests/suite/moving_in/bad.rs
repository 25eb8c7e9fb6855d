//! What is refused, with the reason, and what a broken-off import leaves.

use std::path::Path;

use super::old_ca::OldCa;
use super::{Site, openssl, serial, text, verified};

fn with<'a>(arguments: &'a [String], from: &str, to: &'a str) -> Vec<&'a str> {
    arguments.iter().map(|a| if a.ends_with(from) { to } else { a.as_str() }).collect()
}

#[test]
fn keys_chains_crls_and_indexes_that_do_not_fit_are_refused_with_the_reason() {
    let site = Site::new();
    let (folder, other_folder) = (site.path("old"), site.path("other"));
    let (old, other) = (OldCa::new(&folder), OldCa::new(&other_folder));
    let certificate = old.issue("gw1");
    old.revoke(&certificate, "superseded");
    let arguments = old.arguments("old");
    let write = |name: &str, content: &[u8]| {
        std::fs::write(site.path(name), content).unwrap();
        text(&site.path(name)).to_owned()
    };
    let refused = |arguments: &[&str], expected: &str| {
        let (code, said) = site.refused(arguments);
        assert!(code == 1 && said.contains(expected), "{expected}: {said}");
    };
    let foreign_key = text(&other_folder.join("private/cakey.pem")).to_owned();
    refused(&with(&arguments, "cakey.pem", &foreign_key), "is it the key of another CA?");
    let leaf = text(&certificate).to_owned();
    refused(&with(&arguments, "cacert.pem", &leaf), "is it the key of another CA?");

    let index = std::fs::read(folder.join("index.txt")).unwrap();
    let bad = [&index[..], b"R\t291231235959Z\t240101000000Z\tnothex\tx\t/CN=x\n\xff\xfe\n"].concat();
    let bad = write("bad-index.txt", &bad);
    refused(
        &with(&arguments, "index.txt", &bad),
        "line 2: the serial number is not hexadecimal; line 3: six fields",
    );
    let endless = write("endless.txt", &vec![b'x'; 70_000]);
    refused(&with(&arguments, "index.txt", &endless), "line 1: it is over 64 KiB");

    let crl = text(&other.publish_crl()).to_owned();
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    all.extend(["--crl", &crl]);
    refused(&all, "not by this CA");
    let own = std::fs::read_to_string(old.publish_crl()).unwrap();
    let cut = write("cut.crl", &own.as_bytes()[..own.len() / 2]);
    *all.last_mut().unwrap() = &cut;
    refused(&all, "cut.crl: a block has no END line");
    let crlnumber = write("crlnumber", b"not a number\n");
    refused(&[&all[..all.len() - 2], &["--crlnumber", &crlnumber]].concat(), "hexadecimal number");

    let (p12, passphrase) = (site.path("ca.p12"), write("pass", b"secret\n"));
    let (key, ca) = (folder.join("private/cakey.pem"), folder.join("cacert.pem"));
    openssl(
        site.work.path(),
        &[
            "pkcs12",
            "-export",
            "-inkey",
            text(&key),
            "-in",
            text(&ca),
            "-passout",
            "pass:secret",
            "-out",
            text(&p12),
        ],
    );
    let wrong = write("wrong", b"guess\n");
    let token = |file: &Path, pass: &str| {
        let words =
            ["ca", "import", "old", "--role", "issuing", "--pkcs12", text(file), "--passphrase-file", pass];
        words.map(str::to_owned)
    };
    refused(&token(&p12, &wrong).each_ref().map(String::as_str), "does not open this PKCS#12 file");
    let half = std::fs::read(&p12).unwrap();
    std::fs::write(site.path("half.p12"), &half[..half.len() / 2]).unwrap();
    refused(&token(&site.path("half.p12"), &passphrase).each_ref().map(String::as_str), "cut short");
    std::fs::write(site.path("huge.p12"), vec![0x30; 60_000]).unwrap();
    let (code, said) =
        site.refused(&token(&site.path("huge.p12"), &passphrase).each_ref().map(String::as_str));
    assert!(code == 1 && said.contains("65536 bytes"), "{said}");

    let taken =
        ["ca", "import", "ec-issuing", "--role", "issuing", "--key", text(&key), "--chain", text(&ca)];
    refused(&taken, "ca-exists");
    let cas = site.json(&["ca", "list"]);
    assert_eq!(cas["items"].as_array().unwrap().len(), 5, "{cas}");
    site.clean();
}

#[test]
fn a_chain_is_complete_in_date_and_of_cas() {
    let site = Site::new();
    let dir = site.work.path();
    let run = |line: &str| openssl(dir, &line.split_whitespace().collect::<Vec<_>>());
    std::fs::write(
        dir.join("sub.ext"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    )
    .unwrap();
    for name in ["root", "sub"] {
        run(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
    }
    let usage = "-addext keyUsage=critical,keyCertSign,cRLSign";
    run(&format!("req -x509 -key root.key -subj /CN=Root -days 3650 {usage} -out root.pem"));
    run("req -new -key sub.key -subj /CN=Sub -out sub.csr");
    run("x509 -req -in sub.csr -CA root.pem -CAkey root.key -days 100 -extfile sub.ext -out sub.pem");
    run("x509 -req -in sub.csr -CA root.pem -CAkey root.key -days 100 -out leaf.pem");
    run("req -x509 -key sub.key -subj /CN=Bare -days 10 -out bare.pem");
    let import = |chain: &str, more: &[&str]| {
        let (key, chain) = (site.path("sub.key"), site.path(chain));
        let words = ["ca", "import", "sub", "--key", text(&key), "--chain", text(&chain)];
        let words: Vec<String> = words.iter().chain(more).map(|w| (*w).to_owned()).collect();
        words
    };
    let refused = |words: Vec<String>, expected: &str| {
        let (_, said) = site.refused(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said.contains(expected), "{expected}: {said}");
    };
    refused(import("sub.pem", &[]), "the certificate that signed CN=Sub is missing: CN=Root");
    refused(import("leaf.pem", &["--root-external"]), "no CA certificate (CA:TRUE is missing)");
    refused(import("bare.pem", &["--role", "issuing"]), "keyCertSign and cRLSign");
    refused(import("sub.pem", &["--root-external", "--role", "root"]), "a root signs itself");
    let past = site.path("past");
    let arguments = OldCa::new(&past).expire();
    refused(arguments, "is not in date");

    let words = import("sub.pem", &["--root-external"]);
    site.json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let bundle = String::from_utf8(site.server.fetch("/trust/signet.pem")).unwrap();
    assert!(bundle.contains("CN=Sub") && !bundle.contains("CN=Root,"), "{bundle}");
    site.clean();
}

#[test]
fn odd_serial_numbers_and_old_signatures_move_in() {
    let site = Site::new();
    let folder = site.path("old");
    let old = OldCa::new(&folder);
    let (sha1, first) = (old.issue_with("sha1", &["-md", "sha1"]), old.issue("first"));
    // A second certificate with the serial number of the first, and an entry for a negative one.
    std::fs::write(folder.join("serial"), format!("{}\n", serial(&first))).unwrap();
    std::fs::write(folder.join("index.txt"), "").unwrap();
    std::fs::rename(&first, folder.join("newcerts/first.pem")).unwrap();
    old.issue("second");
    let negative = "R\t491231235959Z\t240101000000Z,superseded\t-7F\tunknown\t/CN=negative\n";
    let gone = "R\t211231235959Z\t200101000000Z\t0A\tunknown\t/CN=expired\n";
    std::fs::write(folder.join("index.txt"), format!("{negative}{gone}")).unwrap();

    let arguments = old.arguments("old");
    let done = site.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let counts = &done["certificates"];
    assert_eq!((counts["imported"].as_u64(), counts["refused"].as_u64()), (Some(2), Some(1)), "{done}");
    assert_eq!(done["findings"][0]["code"], "duplicate-serial", "{done}");
    assert_eq!(site.json(&["cert", "show", &serial(&sha1)])["ca"], "old");
    let listed = |crl: &Path| openssl(Path::new("."), &["crl", "-in", text(crl), "-noout", "-text"]);
    let crl = site.crl("old");
    let all = listed(&crl);
    assert!(all.contains("Serial Number: -7F") && all.contains("Serial Number: 0A"), "{all}");
    let ca = folder.join("cacert.pem");
    assert!(verified(&ca, &crl, &folder.join("newcerts/first.pem")).0);

    // What expired was on one CRL after its end, stays on the next one's making, and leaves; a repeat does not bring it back.
    site.json(&["ca", "sign-crl", "old"]);
    site.json(&["ca", "sign-crl", "old"]);
    site.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let left = listed(&site.crl("old"));
    assert!(left.contains("Serial Number: -7F") && !left.contains("Serial Number: 0A"), "{left}");
    site.clean();
}
