//! Simulated phones and the real server, by the command line: what an operator sees of both.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::running::Running;
use crate::serve::Home;

const NAME: &str = "SEP000000000001";
const XML: &str = "<device><fullConfig>true</fullConfig><loadInformation>sip88xx</loadInformation></device>";

/// A server with everything that phones come to, a cluster, and phones that keep what they have.
struct House {
    on: Running,
    addresses: Value,
}

impl House {
    fn new() -> Self {
        let home = Home::new();
        let phones =
            ["--capf", "--tvs", "--phone-http", "--syslog-in"].map(|flag| [flag, "127.0.0.1:0"]).concat();
        let server = home.up_with(&phones);
        let on = Running { home, server };
        on.done(&["trust", "cluster", "create", "hq", "--with-tvs", "--with-tftp"]);
        on.done(&["trust", "publish", "hq"]);
        let addresses = serde_json::from_str(&on.home.read("listeners.json")).unwrap();
        Self { on, addresses }
    }

    fn at(&self, listener: &str) -> &str {
        self.addresses[listener].as_str().unwrap()
    }

    /// Adds a device that is to install, with a string.
    fn add(&self, name: &str) {
        let how = ["--operation", "install", "--auth", "string", "--string", "471100", "--key", "rsa-2048"];
        self.on
            .done(&[&["device", "add", name, "--model", "8845", "--profile", "capf-lsc"], &how[..]].concat());
    }

    /// What is to be done with the phone next.
    fn set(&self, auth: &str, key: &str) {
        self.on.done(&["device", "set", NAME, "--operation", "install", "--auth", auth, "--key", key]);
    }

    /// Boots; the exit code and the document of the boot.
    fn boot(&self, more: &[&str]) -> (i32, Value) {
        let (lists, capf) = (self.at("phone_http"), self.at("capf"));
        let (tvs, alarms, keep) = (self.at("tvs"), self.at("syslog_in"), self.on.path("phones.json"));
        let usual = ["phone", "simulate", "--lists", lists, "--capf", capf, "--tvs", tvs, "--alarms", alarms];
        let arguments = [&usual[..], &["--keep", &keep, "--output", "json"], more].concat();
        let (code, out, said) = self.on.home.run(&arguments);
        let document: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{said}"));
        (code, document["boots"][0].clone())
    }

    /// Boots, and all is well.
    fn well(&self, more: &[&str]) -> Value {
        let (code, boot) = self.boot(more);
        assert_eq!((code, &boot["faults"]), (0, &Value::Array(Vec::new())), "{boot}");
        boot
    }

    /// The LSC that the server knows of the phone, and how far its operation is.
    fn lsc(&self) -> (String, String, String) {
        let device = self.on.json(&["device", "show", NAME]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&device["state"]), text(&device["lsc"]["key"]), text(&device["lsc"]["serial"]))
    }
}

#[test]
fn a_phone_installs_by_its_string_and_renews_by_the_certificate_that_it_kept() {
    let house = House::new();
    house.add(NAME);
    let first = house.well(&["--string", "471100"]);
    assert_eq!((&first["served_by_capf"], &first["alarms"]["ITL_INITIAL_SUCCESS"]), (&1.into(), &1.into()));
    let (state, key, installed) = house.lsc();
    assert_eq!((state.as_str(), key.as_str()), ("installed", "rsa-2048"));
    let keep = std::fs::metadata(house.on.path("phones.json")).unwrap();
    assert_eq!(keep.permissions().mode() & 0o777, 0o600, "keys stand in it");

    let mut serial = installed;
    for wanted in ["rsa-2048", "p-256", "p-384", "p-521", "rsa-2048"] {
        house.set("existing-lsc", wanted);
        let renewed = house.well(&[]);
        assert_eq!((&renewed["served_by_capf"], &renewed["alarms"]), (&1.into(), &serde_json::json!({})));
        let (state, key, next) = house.lsc();
        assert_eq!((state.as_str(), key.as_str()), ("installed", wanted));
        assert_ne!(next, serial, "{wanted}");
        serial = next;
    }

    // A phone of the same name that has not the certificate does not pass for it.
    house.set("existing-lsc", "rsa-2048");
    let stranger = house.on.path("stranger.json");
    let (code, out, _) =
        house.on.home.run(&["phone", "simulate", "--capf", house.at("capf"), "--keep", &stranger]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("CAPF refused, reason 7"), "{out}");
    assert_eq!(house.lsc().2, serial);
}

#[test]
fn a_phone_proves_itself_by_the_certificate_of_its_manufacturer_once_the_server_believes_that() {
    let house = House::new();
    house.add(NAME);
    house.set("existing-mic", "rsa-2048");
    let maker = house.on.path("maker");
    let said = house.on.done(&["phone", "manufacturer", &maker]);
    assert!(said.contains("manufacturing-roots"), "{said}");
    let again = house.on.refused(1, &["phone", "manufacturer", &maker]);
    assert!(again.contains("is there already"), "{again}");
    let (code, unknown) = house.boot(&["--manufacturer", &maker]);
    assert_eq!((code, &unknown["served_by_capf"]), (1, &0.into()), "{unknown}");

    let roots = house.on.home.file("policies/manufacturing-roots");
    std::fs::create_dir_all(&roots).unwrap();
    std::fs::copy(format!("{maker}/manufacturer.pem"), roots.join("simulated.pem")).unwrap();
    house.on.done(&["profile", "reload"]);
    assert_eq!(house.well(&["--manufacturer", &maker])["served_by_capf"], 1);
    let mic = house.on.json(&["device", "show", NAME])["mic"].clone();
    assert!(mic["issuer"].as_str().unwrap().contains("Simulated Manufacturing CA"), "{mic}");
    // It has an LSC now, and shows its MIC all the same.
    let (_, _, before) = house.lsc();
    house.set("existing-mic", "rsa-2048");
    assert_eq!(house.well(&["--manufacturer", &maker, "--mic-first"])["served_by_capf"], 1);
    assert_ne!(house.lsc().2, before);
}

#[test]
fn a_phone_opens_what_the_server_encrypted_to_it_until_it_has_another_key() {
    let house = House::new();
    house.add(NAME);
    house.well(&["--string", "471100"]);
    let (from, to) = (house.on.path("tftp"), house.on.home.file("files/hq"));
    std::fs::create_dir_all(&from).unwrap();
    std::fs::write(format!("{from}/{NAME}.cnf.xml"), XML).unwrap();
    let sign = |more: &[&str]| {
        let to = to.display().to_string();
        house.on.done(&[&["file", "sign", &from, "--cluster", "hq", "--out", &to], more].concat());
    };
    sign(&[]);
    assert_eq!(house.well(&["--configuration"])["encrypted_configurations"], 0, "signed alone");
    sign(&["--encrypt"]);
    assert_eq!(house.well(&["--configuration"])["encrypted_configurations"], 1);

    house.set("existing-lsc", "rsa-2048");
    let (code, stale) = house.boot(&["--configuration"]);
    let why = stale["faults"][0]["why"].as_str().unwrap();
    assert_eq!((code, stale["served_by_capf"].as_u64()), (1, Some(1)), "{stale}");
    assert!(why.contains("sign the files anew"), "{why}");
    sign(&["--encrypt"]);
    assert_eq!(house.well(&["--configuration"])["encrypted_configurations"], 1);
}

#[test]
fn what_a_fleet_did_is_told_for_people_and_for_scripts() {
    let house = House::new();
    for number in 1..=3 {
        house.add(&format!("SEP00000000000{number}"));
    }
    let four =
        ["--count", "4", "--string", "471100", "--seed", "7", "--per-second", "1000", "--at-once", "2"];
    let (code, boot) = house.boot(&four);
    assert_eq!((code, &boot["phones"], &boot["well"]), (1, &4.into(), &3.into()), "{boot}");
    let fault = &boot["faults"][0];
    assert_eq!((&fault["phones"], &fault["first"]), (&1.into(), &serde_json::json!(["SEP000000000004"])));
    assert!(fault["why"].as_str().unwrap().contains("no such device in the inventory"), "{fault}");
    let times = &boot["boot_seconds"];
    let at = |name: &str| times[name].as_f64().unwrap();
    assert!(0.0 < at("p50") && at("p50") <= at("p90") && at("p99") <= at("max"), "{times}");

    let (_, out, _) =
        house.on.home.run(&["phone", "simulate", "--lists", house.at("phone_http"), "--count", "2"]);
    assert!(out.contains("boot 1: 2 of 2 phones took everything"), "{out}");
    assert!(out.contains("ITL_INITIAL_SUCCESS: 2"), "{out}");
    for (arguments, why) in [
        (&["phone", "simulate"][..], "--lists, --capf or both"),
        (&["phone", "simulate", "--capf", "127.0.0.1:1", "--first", "SEPX"], "12 hexadecimal digits"),
        (
            &["phone", "simulate", "--capf", "127.0.0.1:1", "--first", "SEPFFFFFFFFFFFF", "--count", "2"],
            "so is the last",
        ),
        (&["phone", "simulate", "--capf", "127.0.0.1:1", "--manufacturer", "/nowhere"], "manufacturer.key"),
    ] {
        let (code, _, said) = house.on.home.run(arguments);
        assert!(code != 0 && said.contains(why), "{arguments:?}: {code} {said}");
    }
}
