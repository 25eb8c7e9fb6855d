//! `signet trust` against a running server: from nothing to published lists, and back into another cluster.

use crate::moving_in::Site;
use crate::openssl::openssl;

#[test]
fn a_cluster_is_made_published_compared_and_taken_over() {
    let site = Site::new();
    let on = |arguments: &[&str]| -> String {
        let (code, out, said) = site.home.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        out
    };
    let made = site.json(&["trust", "cluster", "create", "hq", "--with-tvs", "--with-tftp"]);
    assert_eq!((&made["anchors"], &made["signer"]), (&4.into(), &"CN=Signet ITLRecovery 1".into()));
    let shown = on(&["trust", "publish", "hq", "--dry-run"]);
    assert!(shown.contains("itl: release 1 would be new, 4 entries"), "{shown}");
    assert!(shown.contains("added tvs CN=Signet TVS"), "{shown}");
    let published = on(&["trust", "publish", "hq"]);
    assert!(published.contains("itl: release 1 published, 4 entries"), "{published}");
    assert_eq!(on(&["trust", "publish", "hq"]), "itl: release 1 stands, nothing changed\n");

    let shown = on(&["trust", "release", "show", "hq", "itl"]);
    assert!(shown.contains("ROLES") && shown.contains("CN=Signet TVS"), "{shown}");

    let file = site.path("ITLFile.tlv").display().to_string();
    on(&["trust", "release", "download", "hq", "itl", "--out", &file]);
    let parsed = site.json(&["trust", "list", "parse", &file]);
    assert_eq!((&parsed["signature"], &parsed["entries"]), (&"holds".into(), &4.into()));
    let people = on(&["trust", "list", "parse", &file]);
    assert!(people.contains("ccm+tftp") && people.contains("CN=Signet TFTP"), "{people}");
    assert!(
        on(&["trust", "list", "verify", &file]).starts_with("ITLFile.tlv: signed by CN=Signet ITLRecovery 1")
    );

    // A certificate from a file, by the beginning of its fingerprint from then on.
    let pem = site.path("cucm.pem").display().to_string();
    let key = site.path("cucm.key").display().to_string();
    let subject = ["-subj", "/CN=cucm-pub", "-days", "30", "-keyout", &key, "-out", &pem];
    openssl(&[&["req", "-x509", "-newkey", "rsa:2048", "-nodes"][..], &subject].concat(), b"");
    let (code, said) = site.refused(&["trust", "anchor", "add", "hq", "--file", &pem]);
    assert!(code == 2 && said.contains("--role sast"), "{said}");
    let added =
        site.json(&["trust", "anchor", "add", "hq", "--file", &pem, "--role", "ccm+tftp", "--role", "sast"]);
    let sha256 = added["items"][0]["sha256"].as_str().unwrap()[..12].to_lowercase();
    on(&["trust", "anchor", "roles", "hq", &sha256, "--role", "ccm"]);
    assert!(on(&["trust", "anchor", "list", "hq"]).contains("CN=cucm-pub"));
    on(&["trust", "publish", "hq"]);
    let told = on(&["trust", "release", "diff", "hq", "itl"]);
    assert!(told.starts_with("itl: from release 1 to 2\n  added ccm CN=cucm-pub"), "{told}");
    on(&["trust", "anchor", "remove", "hq", &sha256]);
    assert_eq!(site.refused(&["trust", "anchor", "show", "hq", &sha256]).0, 1);
    assert_eq!(site.json(&["trust", "release", "list", "hq"])["items"].as_array().unwrap().len(), 2);

    on(&["trust", "cluster", "create", "branch"]);
    on(&["trust", "list", "import", &file, "--cluster", "branch"]);
    assert_eq!(site.json(&["trust", "cluster", "show", "branch"])["itl_release"], 1);
    assert_eq!(site.refused(&["trust", "cluster", "delete", "branch"]).0, 2);
    on(&["trust", "cluster", "delete", "branch", "--yes"]);

    let (pass, out) =
        (site.path("pass").display().to_string(), site.path("recovery.pem").display().to_string());
    std::fs::write(&pass, "correct horse battery\n").unwrap();
    on(&["trust", "recovery", "export", "--out", &out, "--passphrase-file", &pass]);
    openssl(&["pkey", "-in", &out, "-passin", "pass:correct horse battery", "-noout"], b"");
    assert_eq!(
        site.refused(&["trust", "recovery", "export", "--out", &out, "--passphrase-file", &pass]).0,
        1
    );
    let sealed = site.path("recovery.p12").display().to_string();
    on(&["trust", "recovery", "export", "--out", &sealed, "--format", "pkcs12", "--passphrase-file", &pass]);
    openssl(&["pkcs12", "-in", &sealed, "-passin", "pass:correct horse battery", "-nodes"], b"");
    assert!(on(&["trust", "recovery", "list"]).contains("CN=Signet ITLRecovery 1"));
    // Clusters, anchors, releases and recovery signers are records like all others.
    assert_eq!(site.json(&["check"])["ok"], true);
}

#[test]
fn a_file_that_is_no_list_or_is_forged_is_refused_on_this_machine() {
    let site = Site::new();
    let bad = site.path("bad.tlv").display().to_string();
    std::fs::write(&bad, b"\x01\x00\x02\x01\x02\x02\x00").unwrap();
    for verb in ["parse", "verify"] {
        let (code, said) = site.refused(&["trust", "list", verb, &bad]);
        assert!(code == 1 && said.contains("element"), "{verb}: {said}");
    }
    site.json(&["trust", "cluster", "create", "hq"]);
    site.json(&["trust", "publish", "hq"]);
    site.json(&["trust", "release", "download", "hq", "itl", "--out", &bad]);
    let mut bytes = std::fs::read(&bad).unwrap();
    let name = bytes.windows(11).position(|part| part == b"ITLFile.tlv").unwrap();
    bytes[name + 3] = b'X';
    std::fs::write(&bad, &bytes).unwrap();
    assert_eq!(site.json(&["trust", "list", "parse", &bad])["signature"], "does not hold");
    let (code, said) = site.refused(&["trust", "list", "verify", &bad]);
    assert!(code == 1 && said.contains("signature does not hold"), "{said}");
    assert_eq!(site.refused(&["trust", "list", "import", &bad, "--cluster", "hq"]).0, 1);
}
