//! Keys of CAs in a PKCS#11 token, judged with SoftHSM: made there, used, lost, found again, and never let out.

use std::process::Command;

mod home;

use home::{Home, LABEL, MODULE, PIN};

/// Where the keys of the CAs are made.
const ALL: &[&str] = &["--ca-keys", "pkcs11"];

/// The tests of `issue` that take a key out of the key folder, which no token lets happen.
const OF_KEYS_THAT_LEAVE: [&str; 6] = [
    "issue::revoked_ca::a_parent_whose_key_is_away_needs_its_exported_key",
    "issue::custody::a_removed_root_key_is_asked_for_by_name",
    "issue::custody::the_exported_key_signs_the_next_crl_and_a_new_ca",
    "issue::custody::another_key_is_not_taken_for_the_roots",
    "issue::custody::a_removal",
    "issue::custody::an_issuing_key_stays",
];

#[test]
fn the_issuing_suite_passes_over_a_token() {
    let home = Home::new();
    let mut suite = Command::new(std::env::current_exe().unwrap());
    suite.arg("issue::").args(OF_KEYS_THAT_LEAVE.iter().flat_map(|name| ["--skip", name]));
    suite.env("SOFTHSM2_CONF", home.path("softhsm2.conf")).env("SIGNET_TEST_TOKEN", LABEL);
    let output = suite.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let keys = objects(&home, "privkey");
    assert!(keys.matches("signet ca-ec-issuing").count() > 10, "the suite's keys lie in the token: {keys}");
}

/// The token's objects of a type, by another program.
fn objects(home: &Home, kind: &str) -> String {
    home.pkcs11_tool(&["--list-objects", "--type", kind])
}

#[test]
fn a_ca_whose_keys_lie_in_a_token_serves_and_none_of_them_leaves_it() {
    let home = Home::new();
    let (code, _, said) = home.init(ALL);
    assert_eq!(code, 0, "{said}");
    let keys = objects(&home, "privkey");
    for ca in ["rsa-root", "rsa-issuing", "capf", "ec-root", "ec-issuing"] {
        assert!(!home.data().join(format!("keys/ca-{ca}.key")).exists(), "{ca}");
        assert!(keys.contains(&format!("signet ca-{ca}")), "{keys}");
    }
    assert_eq!(keys.matches("sensitive, always sensitive, never extractable, local").count(), 5, "{keys}");
    let settings = std::fs::read_to_string(home.data().join("signet.toml")).unwrap();
    assert!(settings.contains("pkcs11-token = \"ca-token\"") && !settings.contains(PIN), "{settings}");

    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    assert_eq!(home.token_health(), ("ok".to_owned(), String::new()));
    for profile in ["tls-server", "scep-device"] {
        verified(&home, profile);
    }
    let shown = home.json(&["ca", "show", "ec-issuing"]);
    assert_eq!((&shown["key_store"], &shown["key"]), (&"pkcs11".into(), &"present".into()));
    let pass = home.write("pass", "a long passphrase");
    let out = home.path("exported").display().to_string();
    for verb in [
        &["ca", "export-key", "ec-root", "--out", &out, "--passphrase-file", &pass][..],
        &["ca", "remove-key", "ec-root", "--yes"],
    ] {
        let (code, _, said) = home.run(verb);
        assert!(code == 1 && said.contains("made in a token and stays there"), "{said}");
    }

    home.done(&["ca", "create", "voice", "--parent", "rsa-root", "--key", "p-521", "--key-store", "pkcs11"]);
    home.done(&["ca", "create", "plain", "--parent", "ec-root", "--key", "p-256"]);
    home.done(&["ca", "create", "outside", "--external", "--key", "rsa-2048", "--key-store", "pkcs11"]);
    let stores = ["voice", "plain", "outside"].map(|ca| home.json(&["ca", "show", ca])["key_store"].clone());
    assert_eq!(stores, ["pkcs11", "software", "pkcs11"]);
    assert_eq!(home.json(&["ca", "sign-crl", "voice"])["number"], 2);
    server.stop();

    assert!(!home.log().contains(PIN), "{}", home.log());
    let server = home.serve();
    home.eventually("ready again", || server.get("/readyz") == 200);
    verified(&home, "tls-server");
}

/// Issues by a profile; openssl verifies the leaf with chain and CRLs.
fn verified(home: &Home, profile: &str) {
    let csr = home.csr();
    let request = if profile == "tls-server" {
        csr
    } else {
        let (key, csr) = (home.path("d.key").display().to_string(), home.path("d.csr").display().to_string());
        let new = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gw1.example.org"];
        home.tool(&[&new[..], &["-keyout", &key, "-out", &csr]].concat());
        csr
    };
    let pem = home.done(&["cert", "issue", "--profile", profile, "--csr", &request]);
    let chain = home.write("chain.pem", &pem);
    let cas = if profile == "tls-server" { ["ec-issuing", "ec-root"] } else { ["rsa-issuing", "rsa-root"] };
    let mut trusted = String::new();
    for ca in cas {
        trusted += home.json(&["ca", "show", ca])["pem"].as_str().unwrap();
    }
    let root = home.write("root.pem", &trusted);
    home.tool(&["openssl", "verify", "-x509_strict", "-CAfile", &root, "-untrusted", &chain, &chain]);
}

#[test]
fn a_key_that_was_made_in_a_ceremony_becomes_a_cas() {
    let home = Home::new();
    let make = |id: &str, label: &str, more: &[&str]| {
        home.pkcs11_tool(&[&["--keypairgen", "--id", id, "--label", label], more].concat());
    };
    make("a1b2", "ceremony", &["--key-type", "EC:secp384r1", "--usage-sign", "--sensitive"]);
    make("c3", "loose", &["--key-type", "EC:prime256v1", "--usage-sign", "--extractable"]);
    assert_eq!(home.init(&[]).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    let create = |name: &str, id: &str, key: &str| {
        home.run(&["ca", "create", name, "--root", "--key", key, "--pkcs11-id", id])
    };
    for (id, key, what) in [
        ("a1b2", "p-256", "is not one of p-256"),
        ("a1b2", "rsa-2048", "is not one of rsa-2048"),
        ("c3", "p-256", "may leave the token"),
        ("d4", "p-256", "holds no private key with the CKA_ID d4"),
    ] {
        let (code, _, said) = create("x", id, key);
        assert!(code == 1 && said.contains(what), "{id} {key}: {said}");
    }
    assert_eq!(create("x", "no-hex", "p-256").0, 2);
    home.eventually("what the token holds is not doubted", || home.token_health().0 == "ok");
    let (code, _, said) = create("ceremony-root", "a1b2", "p-384");
    assert_eq!(code, 0, "{said}");
    home.done(&["ca", "create", "below", "--parent", "ceremony-root", "--key", "p-256"]);
    let pem = |ca: &str| home.json(&["ca", "show", ca])["pem"].as_str().unwrap().to_owned();
    let (root, below) =
        (home.write("root.pem", &pem("ceremony-root")), home.write("below.pem", &pem("below")));
    home.tool(&["openssl", "verify", "-x509_strict", "-CAfile", &root, &below]);
}

#[test]
fn a_token_that_goes_away_and_comes_back() {
    let home = Home::new();
    assert_eq!(home.init(ALL).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    assert_eq!(home.issue().0, 0);
    home.done(&["ca", "create", "plain", "--root", "--key", "p-256"]);

    home.take_token_away();
    let (code, _, said) = home.issue();
    assert!(code == 1 && said.contains("the token ca-token") && said.contains("signet health"), "{said}");
    home.eventually("health names the token", || home.token_health().0 == "degraded");
    let (code, shown, _) = home.run(&["health"]);
    assert!(code == 1 && shown.contains("token ca-token"), "{shown}");
    let (code, _, said) = home.issue();
    assert!(code == 1 && said.contains("the token ca-token"), "{said}");
    home.done(&["ca", "sign-crl", "plain"]);
    assert_eq!(server.get("/crl/ec-issuing.crl"), 200, "what was signed is served");

    home.bring_token_back();
    home.eventually("it is found again, without a restart", || home.token_health().0 == "ok");
    assert_eq!(home.issue().0, 0, "{}", home.log());
    server.stop();

    // Nor does a start need it.
    home.take_token_away();
    let server = home.serve();
    assert_eq!(home.token_health().0, "degraded");
    home.bring_token_back();
    home.eventually("it is found", || home.token_health().0 == "ok");
    home.eventually("ready", || server.get("/readyz") == 200);
    assert_eq!(home.issue().0, 0, "{}", home.log());
}

#[test]
fn a_key_that_the_token_lost_is_named_and_the_others_serve() {
    let home = Home::new();
    assert_eq!(home.init(ALL).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    let note = std::fs::read_to_string(home.data().join("keys/ca-rsa-root.token")).unwrap();
    let id =
        note.lines().find_map(|line| line.strip_prefix("object = ")).unwrap().trim_matches('"').to_owned();
    home.pkcs11_tool(&["--delete-object", "--type", "privkey", "--id", &id]);
    home.eventually("health names the key", || home.token_health().1.contains(&format!("the CKA_ID {id}")));
    let (code, _, said) = home.run(&["ca", "sign-crl", "rsa-root"]);
    assert!(code == 1 && said.contains("holds no private key"), "{said}");
    assert_eq!(home.issue().0, 0, "{}", home.log());
}

#[test]
fn roots_in_the_token_are_not_missed_in_daily_work() {
    let home = Home::new();
    assert_eq!(home.init(&["--root-keys", "pkcs11"]).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    home.take_token_away();
    home.eventually("health names the token", || home.token_health().0 == "degraded");
    assert_eq!(home.issue().0, 0);
    let (code, _, said) = home.run(&["ca", "sign-crl", "ec-root"]);
    assert!(code == 1 && said.contains("the token ca-token"), "{said}");
    home.bring_token_back();
    home.eventually("it is found again", || home.token_health().0 == "ok");
    home.done(&["ca", "sign-crl", "ec-root"]);
}

#[test]
fn a_wrong_pin_is_sent_once() {
    let home = Home::with_shim();
    home.write("pin", "9999");
    let (code, _, said) = home.init(ALL);
    assert!(code == 1 && said.contains("the PIN was refused") && !said.contains("9999"), "{said}");
    assert!(!home.data().exists(), "nothing is left");
    assert_eq!(home.logins(), 1, "several keys were wanted at once");

    home.write("pin", PIN);
    assert_eq!(home.init(ALL).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    server.stop();
    home.write("pin", "9999");
    let before = home.logins();
    let server = home.serve();
    home.eventually("health names the PIN", || home.token_health().1.contains("the PIN was refused"));
    assert_eq!(home.issue().0, 1);
    server.hang_up();
    home.eventually("the policies are read", || home.log().contains("the policies were read anew"));
    assert_eq!(home.issue().0, 1);
    assert_eq!(home.logins() - before, 1, "the very PIN that was refused is not sent again");

    home.write("pin", PIN);
    home.done(&["profile", "reload"]);
    home.eventually("it is logged in", || home.token_health().0 == "ok");
    assert_eq!(home.issue().0, 0);
    assert!(!home.log().contains("9999"), "{}", home.log());
}

#[test]
fn a_module_that_hangs_holds_nothing_else_up() {
    let home = Home::with_shim();
    assert_eq!(home.init(ALL).0, 0);
    let server = home.serve();
    home.eventually("ready", || server.get("/readyz") == 200);
    home.done(&["ca", "create", "plain", "--root", "--key", "p-256"]);
    home.csr();

    home.write("hang", "");
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(|| home.issue())).collect();
        home.done(&["ca", "sign-crl", "plain"]);
        assert_eq!(server.get("/healthz"), 200);
        for asked in asked {
            let (code, _, said) = asked.join().unwrap();
            assert!(code == 1 && said.contains("gave no answer within 10 seconds"), "{said}");
        }
    });
    assert!(home.token_health().1.contains("gave no answer"));
    std::fs::remove_file(home.path("hang")).unwrap();
    home.eventually("it answers again", || home.token_health().0 == "ok");
    assert_eq!(home.issue().0, 0, "{}", home.log());
}

#[test]
fn settings_of_a_token_that_cannot_be_used_are_refused_before_anything_is_made() {
    let home = Home::new();
    let pin = home.path("pin").display().to_string();
    let refused = |more: &[&str], what: &str| {
        let made = [&["init", "--url", "http://localhost", "--ca-keys", "pkcs11"], more].concat();
        let (code, _, said) = home
            .command(&made)
            .env("SIGNET_SECURITY_PASSWORD_FILE", &pin)
            .output()
            .map(|o| (o.status.code().unwrap(), o.stdout, String::from_utf8(o.stderr).unwrap()))
            .unwrap();
        assert!(code == 1 && said.contains(what), "{more:?}: {said}");
        assert!(!home.data().exists(), "{more:?}");
    };
    refused(&[], "no token is named");
    refused(&["--pkcs11-token", LABEL], "a token needs both");
    refused(
        &["--pkcs11-module", "/no/such.so", "--pkcs11-token", LABEL, "--pkcs11-pin-file", &pin],
        "no PKCS#11 module",
    );
    refused(&["--pkcs11-module", MODULE, "--pkcs11-token", LABEL], "signet-pkcs11-pin");
    refused(&["--pkcs11-module", &pin, "--pkcs11-token", LABEL, "--pkcs11-pin-file", &pin], "cannot be used");
    refused(&["--pkcs11-module", MODULE, "--pkcs11-token", "x", "--pkcs11-pin-file", &pin], "shows no token");
    let slots = home.tool(&["softhsm2-util", "--show-slots"]);
    let serial = slots.lines().find_map(|line| line.trim().strip_prefix("Serial number:")).unwrap().trim();
    let twin =
        ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "12345678"];
    home.tool(&twin);
    let token = ["--pkcs11-module", MODULE, "--pkcs11-pin-file", &pin, "--pkcs11-token"];
    refused(&[&token[..], &[LABEL]].concat(), "name its serial number");
    let open = home.write("open", PIN);
    Command::new("chmod").args(["644", &open]).status().unwrap();
    refused(
        &["--pkcs11-module", MODULE, "--pkcs11-token", LABEL, "--pkcs11-pin-file", &open],
        "is open to others",
    );

    let (code, _, said) = home.init(&[ALL, &["--pkcs11-token", serial]].concat());
    assert_eq!(code, 0, "{said}");
    let settings = home.data().join("signet.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let without: String =
        text.lines().filter(|l| !l.starts_with("pkcs11-")).map(|l| format!("{l}\n")).collect();
    std::fs::write(&settings, without).unwrap();
    let (code, _, said) = home.run(&["serve"]);
    assert!(
        code == 1 && said.contains(&format!("lies in the token {serial}: give --pkcs11-module")),
        "{said}"
    );
}
