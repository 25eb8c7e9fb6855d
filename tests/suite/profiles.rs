//! Profiles: read, checked and refused as a whole.

use std::fs;

use signet::ca::profile::{Approval, ProfileSet};
use signet::error::Error;
use signet::x509::key::KeyAlgorithm;

const MINIMAL: &str = r#"description = "Test."
ca = "rsa-issuing"
approval = "challenge"
keys = ["rsa-2048"]
validity = "30d"

[subject]
CN = { from = "request", required = true }

[usage]
key = ["digitalSignature"]
extended = ["clientAuth"]
"#;

fn faults(text: &str) -> Vec<Error> {
    ProfileSet::from_sources(vec![("test.toml".into(), text.into())]).unwrap_err()
}

/// The one fault of a profile: its code, its place and its reason.
fn fault(text: &str) -> (&'static str, String, String) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:?}");
    (found[0].code(), found[0].field().unwrap().to_owned(), found[0].detail().to_owned())
}

fn with(line: &str) -> String {
    format!("{line}\n{MINIMAL}")
}

#[test]
fn the_shipped_set_is_whole_and_says_what_it_should() {
    let set = ProfileSet::shipped().unwrap();
    let names: Vec<&str> = set.all().iter().map(|p| p.id().as_str()).collect();
    let expected = [
        "capf-lsc",
        "capf-tls",
        "dot1x-device",
        "legacy",
        "node-agent",
        "ocsp-responder",
        "phone-lsc",
        "scep-device",
        "scep-ra",
        "scep-ra-decrypt",
        "scep-ra-sign",
        "signet-tls",
        "tftp-ec-tls",
        "tftp-tls",
        "tls-client",
        "tls-multi-server",
        "tls-server",
        "tvs-tls",
    ];
    assert_eq!(names, expected);
    let profile = |name: &str| set.require(&name.parse().unwrap()).unwrap().clone();
    assert!(!profile("legacy").is_enabled());
    for half in ["scep-ra-sign", "scep-ra-decrypt"] {
        assert!(profile(half).is_internal());
    }
    assert!(profile("scep-ra").is_internal() && profile("signet-tls").is_internal());
    assert!(profile("ocsp-responder").ocsp_nocheck() && profile("ocsp-responder").is_internal());
    for scep in set.all().iter().filter_map(|p| p.scep()) {
        assert!(scep.require_same_key, "SCEP-42");
    }
    assert_eq!(profile("ocsp-responder").validity().as_secs(), 30 * 86_400);
    assert_eq!(profile("tls-server").validity().as_secs(), 90 * 86_400);
    assert_eq!(profile("phone-lsc").approval(), Approval::Challenge);
    assert!(profile("scep-device").scep().is_some());
    let cas = ["rsa-issuing".parse().unwrap(), "capf".parse().unwrap(), "ec-issuing".parse().unwrap()];
    set.validate_against(&cas).unwrap();
}

#[test]
fn the_minimal_profile_is_good() {
    let set = ProfileSet::from_sources(vec![("test.toml".into(), MINIMAL.into())]).unwrap();
    assert_eq!(set.all()[0].keys(), [KeyAlgorithm::Rsa2048]);
    assert_eq!(set.all()[0].source(), MINIMAL);
}

#[test]
fn every_fault_is_named_with_file_line_and_reason() {
    let text = MINIMAL
        .replace("30d", "0d")
        .replace("\"digitalSignature\"", "\"keyCertSign\"")
        .replace("CN = {", "Shoe = {")
        .replace("\"clientAuth\"", "\"3.1\"");
    let found: Vec<String> =
        faults(&text).iter().map(|e| format!("{} {}", e.field().unwrap(), e.code())).collect();
    let expected = [
        "test.toml:5 out-of-range",
        "test.toml:8 unknown-attribute",
        "test.toml:11 key-usage",
        "test.toml:12 invalid-oid",
    ];
    assert_eq!(found, expected);
}

#[test]
fn unknown_keys_and_broken_toml_are_refused_with_their_line() {
    let (code, place, reason) = fault(&with("colour = \"red\""));
    assert_eq!((code, place.as_str()), ("bad-profile", "test.toml:1"));
    assert!(reason.contains("colour"), "{reason}");
    let (_, place, _) = fault(&MINIMAL.replace("validity = \"30d\"", "validity = "));
    assert_eq!(place, "test.toml:5");
    let (_, place, _) = fault(&format!("{MINIMAL}\n[usage]\n"));
    assert_eq!(place, "test.toml:14");
}

#[test]
fn adminjson_39_41_42_52_bounds_and_unsafe_templates() {
    for (from, to, code) in [
        ("30d", "4000d", "out-of-range"),
        ("30d", "1000000d", "out-of-range"),
        ("30d", "-1d", "out-of-range"),
        ("30d", "P1Y", "invalid-duration"),
        ("\"clientAuth\"", "\"1.2.840.\"", "invalid-oid"),
        ("\"clientAuth\"", "\"anyExtendedKeyUsage\"", "extended-key-usage"),
        ("\"clientAuth\"", "\"OCSPSigning\", \"clientAuth\"", "extended-key-usage"),
        ("\"rsa-2048\"", "", "bad-profile"),
    ] {
        assert_eq!(fault(&MINIMAL.replacen(from, to, 1)).0, code, "{to}");
    }
    let responder =
        MINIMAL.replace("\"challenge\"", "\"automatic\"").replace("\"clientAuth\"", "\"OCSPSigning\"");
    let (code, place, _) = fault(&responder);
    assert_eq!((code, place.as_str()), ("unsafe-profile", "test.toml:12"));
    let internal = format!("internal = true\n{responder}");
    assert!(ProfileSet::from_sources(vec![("test.toml".into(), internal)]).is_ok());
    let open = format!("{}\n[san]\nallow = [\"dns\"]\n", MINIMAL.replace("\"challenge\"", "\"automatic\""));
    let (code, place, _) = fault(&open);
    assert_eq!((code, place.as_str()), ("unsafe-profile", "test.toml:15"));
    let meant = format!("acknowledge_unsafe = true\n{open}");
    assert!(ProfileSet::from_sources(vec![("test.toml".into(), meant)]).is_ok());
}

#[test]
fn renewal_goes_by_two_points_of_the_validity() {
    let good = |text: &str| {
        let text = format!("{MINIMAL}\n[renewal]\n{text}\n");
        let set = ProfileSet::from_sources(vec![("test.toml".into(), text)]).unwrap();
        let rules = *set.all()[0].renewal();
        (rules.points.parts(), rules.revoke_superseded_after)
    };
    let day = std::time::Duration::from_hours(24);
    assert_eq!(good(""), ((660_000, 900_000), None));
    assert_eq!(good("due = \"80%\"\nlate = \"90%\""), ((800_000, 900_000), None), "a gateway's");
    assert_eq!(good("from = 0.5"), ((500_000, 900_000), None), "as it was written before");
    assert_eq!(good("due = \"95%\""), ((950_000, 975_000), None), "late behind due");
    assert_eq!(good("revoke_superseded_after = \"7d\""), ((660_000, 900_000), Some(day * 7)));
    for (text, line, code) in [
        ("due = \"66\"", 15, "out-of-range"),
        ("due = \"100%\"", 15, "out-of-range"),
        ("late = \"60%\"", 15, "out-of-range"),
        ("from = 1.5", 15, "out-of-range"),
        ("due = \"66%\"\nfrom = 0.66", 16, "bad-profile"),
        ("revoke_superseded_after = \"-1d\"", 15, "out-of-range"),
        ("revoke_superseded_after = \"soon\"", 15, "invalid-duration"),
        ("revoke_superseded_after = \"9999d\"", 15, "out-of-range"),
    ] {
        let (found, place, _) = fault(&format!("{MINIMAL}\n[renewal]\n{text}\n"));
        assert_eq!((found, place), (code, format!("test.toml:{line}")), "{text}");
    }
}

#[test]
fn contradictions_are_refused() {
    for (text, code) in [
        (with("device = \"serialNumber\""), "bad-profile"),
        (with("reserved_names = [\"x\"]"), "bad-profile"),
        (with("internal = true"), "bad-profile"),
        (format!("{MINIMAL}\n[san]\nadd_cn = true\n"), "bad-profile"),
        (format!("{MINIMAL}\n[san]\nallow = [\"upn\"]\n"), "bad-profile"),
        (format!("{MINIMAL}\n[san]\nallow = [\"dns\"]\nmin = 5\nmax = 2\n"), "out-of-range"),
        (format!("{MINIMAL}\n[renewal]\nfrom = 1.5\n"), "out-of-range"),
        (format!("{MINIMAL}\n[scep]\ndigests = []\nciphers = []\n"), "bad-profile"),
        (MINIMAL.replace("\"digitalSignature\"", "\"keyAgreement\""), "key-usage"),
        (MINIMAL.replace("required = true", "value = \"x\""), "bad-profile"),
        (MINIMAL.replace("required = true", "pattern = [\"[\"]"), "invalid-pattern"),
    ] {
        assert_eq!(fault(&text).0, code, "{text}");
    }
}

#[test]
fn a_rule_that_does_not_compile_is_refused_with_its_line() {
    let text = format!("{MINIMAL}\n[[rules]]\nrequire = 'cn =='\nmessage = \"m\"\n");
    let (code, place, reason) = fault(&text);
    assert_eq!((code, place.as_str()), ("bad-rule", "test.toml:15"));
    assert!(reason.contains("not a CEL expression"), "{reason}");
}

#[test]
fn unknown_cas_are_found_at_load() {
    let set = ProfileSet::from_sources(vec![("test.toml".into(), MINIMAL.into())]).unwrap();
    let faults = set.validate_against(&["other".parse().unwrap()]).unwrap_err();
    assert_eq!((faults[0].code(), faults[0].field()), ("unknown-ca", Some("test.toml:2")));
}

#[test]
fn the_shipped_files_are_written_once_and_load_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let policies = dir.path().join("policies");
    ProfileSet::write_shipped(&policies).unwrap();
    let mine = policies.join("profiles/tls-server.toml");
    let edited = fs::read_to_string(&mine).unwrap().replace("\"90d\"", "\"30d\"");
    fs::write(&mine, &edited).unwrap();
    ProfileSet::write_shipped(&policies).unwrap();
    assert_eq!(fs::read_to_string(&mine).unwrap(), edited);

    let set = ProfileSet::load(&policies).unwrap();
    assert_eq!(set.all().len(), ProfileSet::shipped().unwrap().all().len());
    assert_eq!(set.require(&"tls-server".parse().unwrap()).unwrap().validity().as_secs(), 30 * 86_400);
}

#[test]
fn one_bad_file_refuses_the_whole_set() {
    let dir = tempfile::tempdir().unwrap();
    ProfileSet::write_shipped(dir.path()).unwrap();
    fs::write(dir.path().join("profiles/Bad Name.toml"), MINIMAL).unwrap();
    fs::write(dir.path().join("profiles/other.toml"), MINIMAL.replace("30d", "soon")).unwrap();
    let places: Vec<_> =
        ProfileSet::load(dir.path()).unwrap_err().iter().map(|e| e.field().unwrap().to_owned()).collect();
    assert_eq!(places, ["Bad Name.toml:1", "other.toml:5"]);
    assert!(ProfileSet::load(&dir.path().join("nowhere")).is_err());
}

#[test]
fn csr_13_blocked_keys_are_loaded_with_the_set() {
    let dir = tempfile::tempdir().unwrap();
    ProfileSet::write_shipped(dir.path()).unwrap();
    let list = dir.path().join("blocked-keys/debian.txt");
    fs::write(&list, format!("# weak\n{} # one\n\n", "aB".repeat(32))).unwrap();
    let set = ProfileSet::load(dir.path()).unwrap();
    assert!(set.is_blocked(&[0xab; 32]) && !set.is_blocked(&[0; 32]));
    fs::write(&list, "# weak\nabc\n").unwrap();
    let found = ProfileSet::load(dir.path()).unwrap_err();
    assert_eq!((found[0].code(), found[0].field()), ("bad-blocklist", Some("debian.txt:2")));
}

/// The one fault of the minimal profile with these lines of `[challenge]`, which begin on line 14: its code, place and reason.
fn challenge_fault(lines: &str) -> (&'static str, String, String) {
    fault(&format!("{MINIMAL}[challenge]\n{lines}\n"))
}

#[test]
fn a_challenge_source_is_named_and_one_time_without() {
    let source = |text: String| {
        let set = ProfileSet::from_sources(vec![("test.toml".into(), text)]).unwrap();
        set.all()[0].challenge_source().as_str()
    };
    assert_eq!(source(MINIMAL.into()), "one-time");
    let with = |lines: &str| source(format!("device = \"CN\"\n{MINIMAL}[challenge]\n{lines}\n"));
    assert_eq!(with(""), "one-time");
    assert_eq!(with("source = \"one-time\""), "one-time");
    let secret = "secret_file = \"/etc/s\"";
    assert_eq!(
        with(&format!("source = \"shared-secret\"\nacknowledge_shared_secret = true\n{secret}")),
        "shared-secret"
    );
    assert_eq!(with(&format!("source = \"webhook\"\nurl = \"https://x.example/\"\n{secret}")), "webhook");
    let servers = "servers = [\"10.0.0.5\", \"[2001:db8::1]:1645\", \"::1\"]";
    assert_eq!(
        with(&format!("source = \"radius\"\n{servers}\nsecret_file = \"credential:radius\"")),
        "radius"
    );
}

#[test]
fn a_challenge_source_without_what_it_needs_is_refused_with_its_line() {
    let (secret, url) = ("secret_file = \"/etc/s\"", "url = \"https://x.example/\"");
    for (lines, code, line, told) in [
        ("source = \"ldap\"".to_owned(), "bad-profile", 14, "unknown variant"),
        ("colour = 1".to_owned(), "bad-profile", 14, "colour"),
        (format!("source = \"shared-secret\"\n{secret}"), "unsafe-profile", 14, "acknowledge_shared_secret"),
        (
            "source = \"shared-secret\"\nacknowledge_shared_secret = true".into(),
            "bad-profile",
            14,
            "secret_file",
        ),
        (secret.to_owned(), "bad-profile", 14, "challenge.secret_file belongs to"),
        (format!("source = \"webhook\"\n{url}"), "bad-profile", 14, "needs challenge.secret_file"),
        (format!("source = \"webhook\"\n{secret}"), "bad-profile", 14, "needs challenge.url"),
        (
            format!("source = \"webhook\"\n{secret}\nurl = \"http://x.example/\""),
            "scheme-not-allowed",
            16,
            "https",
        ),
        (format!("source = \"webhook\"\n{secret}\nurl = \"file:///x\""), "scheme-not-allowed", 16, "https"),
        (
            format!("source = \"webhook\"\n{secret}\nurl = \"https://u:p@x.example/\""),
            "bad-address",
            16,
            "user name",
        ),
        (format!("source = \"webhook\"\n{url}\nsecret_file = \"s\""), "bad-profile", 16, "begins with /"),
        (
            format!("source = \"webhook\"\n{url}\nsecret_file = \"credential:../x\""),
            "bad-profile",
            16,
            "credential",
        ),
        (
            format!("source = \"webhook\"\n{url}\n{secret}\nca_file = \"ca.pem\""),
            "bad-profile",
            17,
            "begins with /",
        ),
        (
            format!("source = \"webhook\"\n{url}\n{secret}\ntimeout = \"31s\""),
            "out-of-range",
            17,
            "1s to 30s",
        ),
        (
            format!("source = \"webhook\"\n{url}\n{secret}\nservers = []"),
            "bad-profile",
            17,
            "belongs to source = \"radius\"",
        ),
    ] {
        let (found, place, reason) = challenge_fault(&lines);
        assert_eq!((found, place), (code, format!("test.toml:{line}")), "{lines}");
        assert!(reason.contains(told), "{lines}: {reason}");
    }
    let manual = MINIMAL.replace("\"challenge\"", "\"manual\"");
    let (code, place, reason) = fault(&format!("{manual}[challenge]\nsource = \"one-time\"\n"));
    assert_eq!((code, place.as_str()), ("bad-profile", "test.toml:13"));
    assert!(reason.contains("approval"), "{reason}");
}

#[test]
fn a_radius_source_is_held_to_its_bounds_and_to_the_names_it_judges() {
    let radius = "source = \"radius\"\nsecret_file = \"/etc/s\"\n";
    let device = format!("device = \"CN\"\n{MINIMAL}");
    for (lines, code, told) in [
        ("", "bad-profile", "needs challenge.servers"),
        ("servers = []", "out-of-range", "one to three"),
        ("servers = [\"::1\", \"::2\", \"::3\", \"::4\"]", "out-of-range", "one to three"),
        ("servers = [\"radius.example\"]", "bad-address", "IP address"),
        ("servers = [\"10.0.0.5:0\"]", "bad-address", "IP address"),
        ("servers = [\"0.0.0.0\"]", "bad-address", "IP address"),
        ("servers = [\"::1\"]\ntries = 6", "out-of-range", "from 1 to 5"),
        ("servers = [\"::1\", \"::2\"]\ntries = 4\ntimeout = \"4s\"", "out-of-range", "at most 30s"),
        ("servers = [\"::1\"]\nnas_identifier = \"\"", "bad-profile", "1 to 253"),
    ] {
        let (found, _, reason) = fault(&format!("{device}[challenge]\n{radius}{lines}\n"));
        assert_eq!(found, code, "{lines}: {reason}");
        assert!(reason.contains(told), "{lines}: {reason}");
    }
    let good = format!("[challenge]\n{radius}servers = [\"::1\"]\n");
    let (code, _, reason) = fault(&format!("{MINIMAL}{good}"));
    assert!(code == "bad-profile" && reason.contains("needs device"), "{reason}");
    let free = device.replace("[subject]\n", "[subject]\nOU = { from = \"request\" }\n");
    let (code, _, reason) = fault(&format!("{free}{good}"));
    assert!(code == "unsafe-profile" && reason.contains("chooses OU"), "{reason}");
    let open = format!("{device}[san]\nallow = [\"dns\"]\n{good}");
    let (code, place, _) = fault(&open);
    assert_eq!((code, place.as_str()), ("unsafe-profile", "test.toml:15"));
    for meant in [
        format!("acknowledge_unsafe = true\n{open}"),
        open.replace("allow = [\"dns\"]", "allow = [\"dns\"]\ncn_among = true\nmax = 1"),
    ] {
        ProfileSet::from_sources(vec![("test.toml".into(), meant)]).unwrap();
    }
}
