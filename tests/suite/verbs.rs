//! The command line against a running server: what it says, in which form, and how it ends.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use super::running::Running;
use super::serve::Home;

impl Running {
    /// Of `tls-server`, loaded.
    fn change_profile(&self, from: &str, to: &str) {
        let file = self.home.file("policies/profiles/tls-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
        self.done(&["profile", "reload"]);
    }

    fn csr(&self) -> String {
        let (key, csr) = (self.path("www.key"), self.path("www.csr"));
        let made = Command::new("openssl")
            .args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
            .args(["-subj", "/CN=www.example.org", "-addext", "subjectAltName=DNS:www.example.org"])
            .args(["-keyout", &key, "-out", &csr])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        csr
    }
}

#[test]
fn what_waits_for_an_operator_is_no_success_and_is_fetched_later() {
    let on = Running::new();
    let csr = on.csr();
    on.change_profile("approval = \"automatic\"", "approval = \"manual\"");

    let issue = ["cert", "issue", "--profile", "tls-server", "--csr", &csr];
    let (code, out, said) = on.home.run(&issue);
    assert_eq!((code, out.as_str()), (1, ""), "{said}");
    let waiting = on.json(&["request", "list"])["items"][0].clone();
    let id = waiting["id"].as_str().unwrap();
    assert!(
        said.contains(&format!("signet request approve {id}")) && said.contains("cert download"),
        "{said}"
    );
    assert_eq!(waiting["sans"][0], "dns:www.example.org");

    let token = on.done(&["token", "create", "--name", "boss", "--role", "operator"]);
    let token = on.write("boss.token", &token);
    let approved = on.done(&["request", "approve", id, "--token-file", &token]);
    let serial = on.json(&["request", "show", id])["serial"].as_str().unwrap().to_owned();
    assert!(approved.contains(&format!("signet cert download {serial}")), "{approved}");
    let file = on.json(&["cert", "download", &serial, "--format", "p7b"]);
    assert!(file["base64"].as_str().unwrap().starts_with("MII"), "{file}");
    let file = on.json(&["cert", "download", &serial]);
    assert!(file["pem"].as_str().unwrap().starts_with("-----BEGIN"), "{file}");
}

#[test]
fn a_root_signs_no_leaves_and_its_key_can_leave() {
    let on = Running::new();
    let (key, pass) = (on.path("ec-root.key"), on.write("pass", "correct horse battery\n"));
    let exported = on.json(&["ca", "export-key", "ec-root", "--out", &key, "--passphrase-file", &pass]);
    assert_eq!(exported["file"].as_str(), Some(key.as_str()));
    assert_eq!(on.json(&["ca", "remove-key", "ec-root", "--yes"])["key"], "removed");
    let (code, _, said) = on.home.run(&["ca", "sign-crl", "ec-root"]);
    assert!(code == 1 && said.contains("--key"), "{said}");
    on.done(&["ca", "sign-crl", "ec-root", "--key", &key, "--passphrase-file", &pass]);
}

#[test]
fn scripts_read_json_also_of_what_was_only_done_and_of_refusals() {
    let on = Running::new();
    let chains = on.json(&["ca", "chain"]);
    assert_eq!(chains["items"].as_array().unwrap().len(), 3, "one for each issuing CA");
    assert!(chains["items"][0]["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    on.done(&["challenge", "create", "--profile", "scep-device", "--subject", "CN=gw1"]);
    let id = on.json(&["challenge", "list"])["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(on.json(&["challenge", "withdraw", &id])["id"], id);

    let (code, out, said) = on.home.run(&["cert", "show", "3F0A", "--output", "json"]);
    let error: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
    assert_eq!((code, out.as_str(), &error["error"]["code"]), (1, "", &"not-found".into()));
    let (_, _, said) = on.home.run(&["audit", "list", "--limit", "1"]);
    assert!(said.contains("--before "), "{said}");
}

#[test]
fn challenges_are_made_for_every_line_of_a_file_or_for_none() {
    let on = Running::new();
    let head = "subject,san,ttl\n";
    let bad =
        on.write("bad.csv", &format!("{head}CN=gw1,dns:gw1.example,\nno name,,\nCN=gw3,ip:300.1.1.1,9w\n"));
    let (code, out, said) = on.home.run(&["challenge", "import", &bad, "--profile", "scep-device"]);
    assert!(code == 1 && out.is_empty(), "{out}{said}");
    assert!(said.contains("line 3, subject: ") && said.contains("line 4, "), "{said}");
    assert!(!said.contains("line 2"), "{said}");
    assert_eq!(on.json(&["challenge", "list"])["items"].as_array().unwrap().len(), 0);

    let lines: String =
        (0..250).map(|n| format!("\"CN=gw{n},O=Acme\",dns:gw{n}.example; dns:b{n}.example,7d\n")).collect();
    let good = on.write("good.csv", &format!("{head}{lines}"));
    let made = on.path("made.csv");
    let import = ["challenge", "import", &good, "--profile", "scep-device"];
    assert!(on.done(&[&import[..], &["--dry-run"]].concat()).contains("250 challenges would be made"));
    assert_eq!(on.json(&["challenge", "list", "--limit", "1"])["items"].as_array().unwrap().len(), 0);
    on.done(&[&import[..], &["--out", &made]].concat());
    assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o600);
    let mut sheet = csv::Reader::from_path(&made).unwrap();
    let rows: Vec<_> = sheet.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 250);
    assert_eq!((&rows[249][0], &rows[249][2]), ("251", "CN=gw249,O=Acme"));
    assert_eq!(&rows[249][3], "dns:gw249.example;dns:b249.example");
    let challenges: std::collections::HashSet<_> = rows.iter().map(|r| r[4].to_owned()).collect();
    assert_eq!(challenges.len(), 250);
    let (code, _, said) = on.home.run(&[&import[..], &["--out", &made]].concat());
    assert!(code == 1 && said.contains("new file"), "{said}");

    let one = on.write("one.csv", "subject\nCN=gw\n");
    let item = on.json(&["challenge", "import", &one, "--profile", "scep-device"])["items"][0].clone();
    assert!(item["line"] == 2 && item["challenge"].as_str().unwrap().len() > 20, "{item}");
    assert!(on.done(&["health"]).contains("ok"));
}

#[test]
fn a_ca_without_its_chain_has_none_to_show() {
    let on = Running::new();
    let (code, out, said) = on.home.run(&["ca", "create", "corp", "--external"]);
    assert!(code == 0 && out.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{said}");
    assert!(said.contains("signet ca certificate corp --chain FILE"), "{said}");
    let (code, out, said) = on.home.run(&["ca", "chain", "corp"]);
    assert!(code == 1 && out.is_empty() && said.contains("no certificate yet"), "{said}");
}

#[test]
fn a_lost_administrators_token_is_made_anew_where_no_server_runs() {
    let Running { home, server } = Running::new();
    let lost = home.read("admin.token");
    let (code, _, said) = home.run(&["token", "recover"]);
    assert!(code == 1 && said.contains("stop it first"), "{said}");
    server.stop();
    std::fs::remove_file(home.file("admin.token")).unwrap();
    let (code, out, said) = home.run(&["token", "recover"]);
    assert!(code == 0 && out.contains("admin.token") && !out.contains("signet_"), "{out}{said}");
    assert_eq!(home.mode("admin.token"), 0o600);
    assert_ne!(home.read("admin.token"), lost);
    let server = home.up();
    let (code, out, said) = home.run(&["audit", "list", "--action", "token.create"]);
    assert!(code == 0 && out.matches("token.create").count() == 2, "{out}{said}");
    server.stop();
}

#[test]
fn without_a_server_or_a_ca_the_reason_is_named() {
    let home = Home::new();
    std::fs::create_dir(home.data()).unwrap();
    for verb in [&["check"][..], &["audit", "verify"], &["token", "recover"]] {
        let (code, _, said) = home.run(verb);
        assert!(code == 1 && said.contains("there is no CA in"), "{verb:?}: {said}");
    }
    let (code, out, said) = home.run(&["version"]);
    assert!(code == 0 && out.contains(env!("CARGO_PKG_VERSION")), "{said}");
    assert!(said.contains("the server was not reached"), "{said}");
    for bad in ["http://localhost:8443", "https://localhost:8443/api/v1", "localhost:8443"] {
        let (code, _, said) = home.run(&["ca", "list", "--server", bad]);
        assert!(code == 2 && said.contains("--server"), "{bad}: {said}");
    }
}

#[test]
fn a_folder_of_requests_is_issued_in_one_go_and_what_is_there_is_passed_over() {
    let on = Running::new();
    let (folder, out) = (on.path("requests"), on.path("certificates"));
    std::fs::create_dir(&folder).unwrap();
    let csr = on.csr();
    std::fs::copy(&csr, format!("{folder}/www.csr")).unwrap();
    std::fs::write(format!("{folder}/broken.csr"), "not a request").unwrap();
    std::fs::write(format!("{folder}/README.txt"), "no request either").unwrap();
    let bulk = ["cert", "bulk", "--profile", "tls-server", "--from", &folder, "--out", &out];
    let (code, said, _) = on.home.run(&bulk);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("broken") && said.contains("issued 1, ") && said.contains("refused 1"), "{said}");
    let pem = std::fs::read_to_string(format!("{out}/www.pem")).unwrap();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 3, "leaf and chain");

    std::fs::remove_file(format!("{folder}/broken.csr")).unwrap();
    assert!(on.done(&bulk).contains("there already 1"));
    assert_eq!(on.json(&["cert", "list", "--search", "www"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_sheet_of_requests_is_issued_and_reported_row_by_row() {
    let on = Running::new();
    let (csr, out) = (on.csr(), on.path("certificates"));
    let file = csr.rsplit('/').next().unwrap();
    let rows =
        format!("csr,name,profile,not_after\n{file},first,,\n{file},second,nonesuch,\nabsent.csr,third,,\n");
    let sheet = on.write("phones.csv", &rows);
    let bulk = ["cert", "bulk", "--profile", "tls-server", "--from", &sheet, "--out", &out];
    let (code, report, _) = on.home.run(&[&bulk[..], &["--output", "csv"]].concat());
    assert_eq!(code, 1, "{report}");
    let mut lines: Vec<_> = report.lines().collect();
    assert!(lines.remove(0).starts_with("name,outcome,serial,request,code,detail,file"), "{report}");
    lines.sort_unstable();
    assert!(lines[0].starts_with("first,issued,") && lines[0].ends_with("first.pem"), "{report}");
    assert!(lines[1].starts_with("second,refused,,,"), "{report}");
    assert!(lines[2].starts_with("third,refused,,,unreadable-file,"), "{report}");

    let bad = on.write("bad.csv", "csr,colour\nwww.csr,red\n");
    let (code, _, said) = on.home.run(&["cert", "bulk", "--from", &bad, "--out", &out]);
    assert!(code == 2 && said.contains("colour") && said.contains("not_after"), "{said}");
    let bad = on.write("bad.csv", "csr,name\nwww.csr,../../etc/x\n");
    let (code, _, said) = on.home.run(&["cert", "bulk", "--from", &bad, "--out", &out]);
    assert!(code == 2 && said.contains("line 2"), "{said}");
}

#[test]
fn a_certificate_is_renewed_by_its_serial_and_lists_come_as_csv() {
    let on = Running::new();
    let csr = on.csr();
    let old = on.json(&["cert", "issue", "--profile", "tls-server", "--csr", &csr]);
    let serial = old["serial"].as_str().unwrap();
    let new = on.json(&["cert", "renew", serial, "--csr", &on.csr()]);
    assert_eq!(on.json(&["cert", "show", new["serial"].as_str().unwrap()])["renews"], serial);

    let due = on.done(&["cert", "list", "--expires-within", "91d", "--search", "www", "--output", "csv"]);
    let lines: Vec<_> = due.lines().collect();
    assert_eq!(lines.len(), 3, "{due}");
    assert!(lines[0].starts_with("serial,subject,profile,status,not_after,"), "{due}");
    assert!(lines[1].contains(",CN=www.example.org,tls-server,good,"), "{due}");
    let (code, _, said) = on.home.run(&["cert", "show", serial, "--output", "csv"]);
    assert!(code == 2 && said.contains("lists"), "{said}");
    let all = on.done(&["audit", "list", "--limit", "3", "--output", "csv"]);
    assert_eq!(all.lines().count(), 4, "{all}");
}

#[test]
fn after_a_crash_the_folder_itself_is_checked() {
    let Running { home, server } = Running::new();
    drop(server); // killed: its addresses stay behind
    assert!(home.file("listeners.json").exists());
    for verb in [&["check"][..], &["audit", "verify"]] {
        let (code, out, said) = home.run(verb);
        assert!(code == 0 && out.contains("consistent"), "{verb:?}: {out}{said}");
    }
}

#[test]
fn a_refused_request_is_listed_explained_and_tried_again() {
    let on = Running::new();
    let openssl = Command::new("openssl")
        .args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"])
        .args([&on.path("key.pem"), "-subj", "/CN=a.example.com/title=Boss"])
        .output()
        .unwrap();
    let file = on.write("a.csr", std::str::from_utf8(&openssl.stdout).unwrap());
    let (code, _, said) = on.home.run(&["cert", "issue", "--profile", "tls-server", "--csr", &file]);
    assert!(
        code == 1 && said.contains("subject title \"Boss\" is not allowed (profile tls-server)"),
        "{said}"
    );
    let list = on.json(&["request", "list", "--refused", "--since", "1h", "--profile", "tls-server"]);
    let id = list["items"][0]["id"].as_str().unwrap();
    let table = on.done(&["request", "list", "--refused", "--code", "bad-csr"]);
    assert!(table.contains(id) && table.starts_with("ID "), "{table}");
    let explained = on.done(&["request", "explain", id]);
    for part in [
        "The request asks for title=Boss in the subject; the profile tls-server",
        "device:   Remove title from the subject that the device asks for.",
        "policies/profiles/tls-server.toml",
        &format!("signet request replay {id}"),
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let (code, out, said) = on.home.run(&["request", "replay", id]);
    assert!(code == 1 && out.starts_with("Would be refused now: subject title"), "{out}{said}");
    on.change_profile("OU = { from", "title = { from = \"request\" }\nOU = { from");
    let out = on.done(&["request", "replay", id]);
    assert!(out.starts_with("Would be issued now by ec-issuing for "), "{out}");
    assert!(out.contains("The profile tls-server was changed since.\nIt is no longer refused."), "{out}");
    assert!(on.json(&["cert", "list", "--profile", "tls-server"])["items"].as_array().unwrap().is_empty());
    assert!(on.done(&["check"]).starts_with("consistent"));
}

#[test]
fn an_empty_environment_variable_counts_as_not_set() {
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        let done = command.env_clear().args(["ca", "list"]).envs(variables.iter().copied()).output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let unset = run(&[]);
    let empty = ["SIGNET_DATA", "SIGNET_SERVER", "SIGNET_TOKEN_FILE", "SIGNET_CA", "SIGNET_LOG_FORMAT"];
    let empty: Vec<_> = empty.map(|name| (name, "")).into();
    assert_eq!(run(&empty), unset);
    assert!(unset.0 == 2 && unset.1.contains("name the server"), "{}", unset.1);
}

#[test]
fn what_is_done_periodically_is_listed_with_what_is_scheduled() {
    let on = Running::new();
    let list = on.json(&["task", "list"]);
    let names: Vec<&str> =
        list["periodic"].as_array().unwrap().iter().map(|work| work["name"].as_str().unwrap()).collect();
    for name in ["audit.sign-head", "crl.publish", "identity.renew", "store.sweep"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let table = on.done(&["task", "list"]);
    assert!(table.starts_with("PERIODIC") && table.contains("\nID "), "{table}");
    assert!(on.done(&["task", "list", "--output", "csv"]).starts_with("id,"));
    let unknown = "0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f";
    for verb in ["show", "run", "cancel"] {
        let (code, _, said) = on.home.run(&["task", verb, unknown]);
        assert!(code == 1 && said.contains("no task"), "{verb}: {said}");
    }
}
