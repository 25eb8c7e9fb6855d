//! Devices and campaigns by the command line, against a running server.

use std::os::unix::fs::PermissionsExt;

use super::running::Running;

const HEAD: &str = "name,model,region,operation,auth,string,key,deadline\n";

/// Devices 1 to `count`; every third is to install.
fn sheet(count: usize) -> String {
    let lines = (1..=count).map(|n| {
        let region = if n % 2 == 0 { "EMEA" } else { "APAC" };
        let rest =
            if n % 3 == 0 { "install,existing-mic,,p-384/rsa-2048,2031-01-01T00:00:00Z" } else { ",,,," };
        format!("SEP{n:012X},8845,{region},{rest}\n")
    });
    HEAD.to_owned() + &lines.collect::<String>()
}

#[test]
fn a_sheet_of_devices_is_looked_at_whole_then_imported_and_may_be_sent_again() {
    let on = Running::new();
    let bad =
        on.write("bad.csv", &format!("{HEAD}SEP000000000001,,,,,,,\nSEP 2,,,,,,,\n\nSEP3,,,reset,,,,\n"));
    let said = on.refused(1, &["device", "import", &bad]);
    assert!(said.contains("line 3, name: ") && said.contains("line 5, operation: "), "{said}");
    assert!(said.contains("nothing was sent") && !said.contains("line 2"), "{said}");
    assert_eq!(on.json(&["device", "list"])["items"].as_array().unwrap().len(), 0);

    let good = on.write("good.csv", &sheet(2_500));
    let out = on.done(&["device", "import", &good, "--dry-run"]);
    assert_eq!(out, "2500 lines: would be created 2500, updated 0, unchanged 0, refused 0\n");
    assert_eq!(on.json(&["device", "list", "--limit", "1"])["items"].as_array().unwrap().len(), 0);
    let report = on.json(&["device", "import", &good]);
    assert_eq!(
        (&report["lines"], &report["created"], &report["refused"]),
        (&2500.into(), &2500.into(), &0.into())
    );
    let again = on.done(&["device", "import", &good]);
    assert_eq!(again, "2500 lines: created 0, updated 0, unchanged 2500, refused 0\n");

    // What only the server knows is told with its line too, and stops no other.
    let half = on.write("half.csv", "region,name,profile\nLATAM,SEP000000000001,\n,SEPNEW,no-such-profile\n");
    let (code, out, said) = on.home.run(&["device", "import", &half]);
    assert_eq!(
        (code, out.as_str()),
        (1, "2 lines: created 0, updated 1, unchanged 0, refused 1\n"),
        "{said}"
    );
    assert!(said.contains("line 3, profile: "), "{said}");
    assert_eq!(on.json(&["device", "show", "sep000000000001"])["region"], "LATAM");
}

#[test]
fn an_export_is_a_sheet_that_changes_nothing_when_it_is_imported() {
    let on = Running::new();
    let sheet = on.write("phones.csv", &sheet(1_200));
    on.done(&["device", "import", &sheet]);
    let strings = on.path("strings.csv");
    let one =
        on.write("one.csv", &format!("{HEAD}SEP000000000001,,,install,string,generate,,\nSEPX,,,,,,,\n"));
    on.refused(2, &["device", "import", &one]);
    on.done(&["device", "import", &one, "--out", &strings]);
    let out = on.path("out.csv");
    on.done(&["device", "export", "--out", &out]);
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(
        text.starts_with("name,model,region,profile,operation,auth,string,key,deadline,state,reason,"),
        "{text:.200}"
    );
    assert_eq!(text.lines().count(), 1_202);
    let string = std::fs::read_to_string(&strings).unwrap();
    let string = string.lines().nth(1).unwrap().split_once(',').unwrap().1.to_owned();
    assert!(string.len() == 8 && !text.contains(&string), "authentication strings are never exported");
    let again = on.done(&["device", "import", &out]);
    assert_eq!(again, "1201 lines: created 0, updated 0, unchanged 1201, refused 0\n");
    let pending = on.done(&["device", "export", "--state", "pending", "--filter", "region=EMEA"]);
    assert_eq!(pending.lines().count(), 201);
    on.refused(2, &["device", "export", "--output", "json"]);
}

#[test]
fn generated_strings_go_to_a_file_of_their_owner_or_once_to_standard_output() {
    let on = Running::new();
    let sheet = on.write("phones.csv", &sheet(300));
    on.done(&["device", "import", &sheet]);
    let (code, string, said) =
        on.home.run(&["device", "set", "SEP000000000001", "--operation", "install", "--string", "generate"]);
    assert!(code == 0 && string.trim().len() == 8 && said.contains("shown this once"), "{string}{said}");

    let set = ["device", "set", "--filter", "region=EMEA", "--operation", "install", "--string", "generate"];
    let dry = on.done(&[&set[..], &["--dry-run"]].concat());
    assert_eq!(dry, "would-be-set 150\n");
    let said = on.refused(2, &set);
    assert!(said.contains("--yes"), "asked for on a terminal: {said}");
    let said = on.refused(2, &[&set[..], &["--yes"]].concat());
    assert!(said.contains("--out"), "{said}");
    let strings = on.path("strings.csv");
    let out = on.done(&[&set[..], &["--yes", "--out", &strings]].concat());
    assert_eq!(out, "set 150\n");
    assert_eq!(std::fs::metadata(&strings).unwrap().permissions().mode() & 0o777, 0o600);
    let mut file = csv::Reader::from_path(&strings).unwrap();
    let rows: Vec<_> = file.records().map(Result::unwrap).collect();
    assert!(rows.len() == 150 && rows.iter().all(|row| row[1].len() == 8), "{:?}", rows[0]);
    let said = on.refused(1, &[&set[..], &["--yes", "--out", &strings]].concat());
    assert!(said.contains("new file"), "{said}");
    on.refused(2, &["device", "set", "--filter", "region=EMEA", "--region", "LATAM", "--yes"]);
    on.refused(2, &["device", "set", "SEP1"]);
}

#[test]
fn one_device_is_added_changed_unlocked_shown_and_deleted() {
    let on = Running::new();
    let added = on.json(&["device", "add", "sep00112233aabb", "--model", "8845", "--region", "EMEA"]);
    assert_eq!(
        (&added["device"]["name"], &added["device"]["state"]),
        (&"SEP00112233AABB".into(), &"none".into())
    );
    assert!(on.refused(1, &["device", "add", "SEP00112233AABB"]).contains("device-exists"));
    on.done(&["device", "set", "SEP00112233AABB", "--operation", "install", "--auth", "existing-mic"]);
    on.done(&["device", "set", "SEP00112233AABB", "--region", "APAC", "--operation", "none"]);
    let shown = on.done(&["device", "show", "SEP00112233AABB"]);
    assert!(shown.lines().any(|line| line.starts_with("region ") && line.ends_with("APAC")), "{shown}");
    let steps = on.json(&["device", "history", "SEP00112233AABB"]);
    let steps: Vec<_> = steps["items"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect();
    assert_eq!(steps, ["cleared", "set"], "newest first");
    assert!(on.done(&["device", "history", "SEP00112233AABB", "--output", "csv"]).contains("existing-mic"));
    assert!(on.done(&["device", "unlock", "SEP00112233AABB"]).contains("unlocked"));
    assert!(on.refused(1, &["device", "set", "SEP0", "--region", "X"]).contains("not-found"));
    on.refused(2, &["device", "delete", "SEP00112233AABB"]);
    on.done(&["device", "delete", "SEP00112233AABB", "--yes"]);
    on.refused(1, &["device", "show", "SEP00112233AABB"]);
    on.refused(2, &["device", "show", ".."]);
    on.refused(2, &["device", "show", "../certificates"]);
}

#[test]
fn devices_are_listed_by_filters_watched_and_reported() {
    let on = Running::new();
    let sheet = on.write("phones.csv", &sheet(60));
    on.done(&["device", "import", &sheet]);
    let found = on.json(&["device", "list", "--state", "pending", "--filter", "region=EMEA"]);
    assert_eq!(found["items"].as_array().unwrap().len(), 10);
    assert!(on.done(&["device", "list", "--search", "00000000001"]).contains("SEP00000000001A"));
    let lines = on.done(&["device", "list", "--output", "csv"]);
    assert_eq!(lines.lines().count(), 61);
    let watched =
        on.done(&["device", "list", "--state", "pending", "--watch", "1", "--times", "2", "--limit", "5"]);
    assert_eq!(watched.matches("NAME ").count(), 2, "{watched}");
    assert!(watched.contains("5 devices, and more") && !watched.contains('\x1b'), "{watched}");
    on.refused(2, &["device", "list", "--filter", "colour=red"]);
    on.refused(2, &["device", "list", "--state", "failed", "--filter", "state=late"]);

    let report = on.done(&["device", "report"]);
    assert!(
        report.starts_with("60 devices") && report.contains("pending") && report.contains("40"),
        "{report}"
    );
    assert_eq!(on.json(&["device", "report"])["states"]["pending"], 20);
    assert!(on.done(&["device", "report", "--fips"]).contains("FIPS mode refuses none"));
    assert_eq!(on.json(&["device", "report", "--failed"])["count"], 0);
    assert!(
        on.done(&["device", "report", "--output", "csv"]).starts_with("sort,issuer,key,count,first_expires")
    );
}

#[test]
fn a_campaign_is_looked_at_made_paused_and_stopped() {
    let on = Running::new();
    let sheet = on.write("phones.csv", &sheet(40));
    on.done(&["device", "import", &sheet]);
    let create = [
        "campaign",
        "create",
        "spring",
        "--filter",
        "name=SEP",
        "--operation",
        "install",
        "--auth",
        "existing-mic",
        "--at-once",
        "5",
        "--hours",
        "EMEA:22-04+01:00",
    ];
    let dry = on.done(&[&create[..], &["--dry-run"]].concat());
    assert_eq!(
        dry,
        "40 devices; 13 have an operation already and would be left out; 20 are reached in the hours of their \
         region only\n"
    );
    assert!(on.refused(2, &create).contains("--yes"));
    on.done(&[&create[..], &["--yes"]].concat());
    assert!(on.refused(1, &[&create[..], &["--yes"]].concat()).contains("already-exists"));
    assert_eq!(on.json(&["campaign", "list"])["items"][0]["name"], "spring");
    on.done(&["campaign", "pause", "spring"]);
    on.done(&["campaign", "resume", "spring"]);
    let shown = on.done(&["campaign", "show", "spring", "--watch", "1", "--times", "2"]);
    assert!(shown.matches("spring  running").count() == 2 && shown.contains("at most 5 at once"), "{shown}");
    on.refused(2, &["campaign", "stop", "spring"]);
    on.done(&["campaign", "stop", "spring", "--yes"]);
    // The server's own task takes back what it had set.
    let shown = on.done(&["campaign", "show", "spring", "--watch", "1", "--times", "60"]);
    assert!(shown.contains("withdrawn") || shown.contains("to come"), "{shown}");
    let report = on.json(&["campaign", "report", "spring"]);
    assert_eq!(report["campaign"]["state"], "stopped", "{report}");
    assert!(on.done(&["campaign", "report", "spring"]).contains("REGION"));
    assert!(on.done(&["check"]).starts_with("consistent"), "every record is known and where it says");
    let devices = on.done(&["campaign", "devices", "spring", "--output", "csv"]);
    assert_eq!(
        devices.lines().count(),
        1 + report["campaign"]["counts"]["devices"].as_u64().unwrap() as usize
    );
    on.refused(
        2,
        &["campaign", "create", "x", "--filter", "name=S", "--operation", "install", "--hours", "EMEA"],
    );
}

/// The profile decides, line by line; what no profile can list is refused before anything is sent.
#[cfg(feature = "legacy")]
#[test]
fn a_key_of_1024_bits_is_ordered_by_a_profile_that_lists_it_alone() {
    let on = Running::new();
    let profiles = on.home.data().join("policies/profiles");
    let lsc = std::fs::read_to_string(profiles.join("capf-lsc.toml")).unwrap();
    let old = lsc.replacen("keys = [", "keys = [\"rsa-1024\", ", 1);
    std::fs::write(profiles.join("old-lsc.toml"), old).unwrap();
    on.done(&["profile", "reload"]);
    let both = on.write("both.csv", "name,profile\nSEP000000000001,\nSEP000000000002,\n");
    on.done(&["device", "import", &both]);
    let order = ["--operation", "install", "--auth", "existing-mic", "--key", "rsa-1024"];
    on.done(&[&["device", "set", "SEP000000000001", "--profile", "old-lsc"], &order[..]].concat());
    let said = on.refused(1, &[&["device", "set", "SEP000000000002"], &order[..]].concat());
    assert!(said.contains("the profile capf-lsc does not allow rsa-1024"), "{said}");
    let head = "name,profile,operation,auth,key\n";
    let lines = "SEP000000000003,old-lsc,install,existing-mic,rsa-1024\nSEP000000000004,,install,existing-mic,rsa-1024\n";
    let sheet = on.write("old.csv", &format!("{head}{lines}"));
    let (code, out, said) = on.home.run(&["device", "import", &sheet]);
    assert_eq!(
        (code, out.as_str()),
        (1, "2 lines: created 1, updated 0, unchanged 0, refused 1\n"),
        "{said}"
    );
    assert!(said.contains("line 3, key: ") && said.contains("does not allow rsa-1024"), "{said}");
    assert_eq!(on.json(&["device", "show", "SEP000000000003"])["operation"]["key"], "rsa-1024");
    let bad = on.write("bad.csv", &format!("{head}SEP000000000005,old-lsc,install,existing-mic,rsa-512\n"));
    assert!(on.refused(1, &["device", "import", &bad]).contains("line 2, key: "));
}
