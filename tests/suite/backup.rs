//! Backup and restore as an operator does them: while the server serves, without one, and into another data folder.

mod crls;
mod damage;
mod load;
mod mutated;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::serve::{Home, Server};

/// A data folder with its server, and what is written beside it.
struct Site {
    home: Home,
    server: Option<Server>,
}

impl Site {
    fn new() -> Self {
        let home = Home::new();
        let server = Some(home.up());
        Self { home, server }
    }

    /// What a restore into a new folder says (exit code, standard output, standard error), and the folder. The security
    /// password is put there first, as an administrator might.
    fn restored(&self, backup: &Path, arguments: &[&str]) -> (Self, (i32, String, String)) {
        let home = Home::new();
        self.give_password(&home);
        let ran = home.run(&[&["restore", text(backup)], arguments].concat());
        (Self { home, server: None }, ran)
    }

    /// The same, done, and served.
    #[track_caller]
    fn restored_and_served(&self, backup: &Path, arguments: &[&str]) -> (Self, String) {
        let (mut site, (code, out, said)) = self.restored(backup, arguments);
        assert_eq!(code, 0, "{out}{said}");
        site.server = Some(site.home.up());
        (site, out)
    }

    fn give_password(&self, home: &Home) {
        std::fs::create_dir_all(home.data()).unwrap();
        // Keeps the mode.
        std::fs::copy(self.home.file("security-password"), home.file("security-password")).unwrap();
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.data().with_file_name(name)
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let (code, out, said) = self.home.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{said}");
        out
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let out = self.done(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {out}"))
    }

    #[track_caller]
    fn backup(&self, name: &str) -> PathBuf {
        let file = self.path(name);
        self.done(&["backup", "create", text(&file)]);
        file
    }

    /// A certificate for `name`: its serial number; key, request and certificate lie beside the folder.
    #[track_caller]
    fn issue(&self, name: &str) -> String {
        let csr = self.request(name, name);
        let made = self.json(&["cert", "issue", "--profile", "tls-server", "--csr", text(&csr)]);
        std::fs::write(self.path(&format!("{name}.pem")), made["pem"].as_str().unwrap()).unwrap();
        made["serial"].as_str().unwrap().to_owned()
    }

    /// A request by the key `key`, which is made if it is not there.
    fn request(&self, key: &str, name: &str) -> PathBuf {
        let (key, csr) = (self.path(&format!("{key}.key")), self.path(&format!("{name}.csr")));
        let host = format!("{name}.example.org");
        let (subject, names) = (format!("/CN={host}"), format!("subjectAltName=DNS:{host}"));
        if !key.exists() {
            openssl(&[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-out",
                text(&key),
            ]);
        }
        let new =
            ["req", "-new", "-key", text(&key), "-subj", &subject, "-addext", &names, "-out", text(&csr)];
        openssl(&new);
        csr
    }

    fn status(&self, serial: &str) -> String {
        self.json(&["cert", "show", serial])["status"].as_str().unwrap().to_owned()
    }

    /// Consistent, by the commands that prove it.
    #[track_caller]
    fn is_sound(&self) {
        self.done(&["check"]);
        self.done(&["audit", "verify"]);
    }

    fn events(&self, action: &str) -> Vec<Value> {
        let found = self.json(&["audit", "list", "--action", action]);
        found["items"].as_array().unwrap().clone()
    }
}

#[track_caller]
fn openssl(arguments: &[&str]) -> String {
    let ran = Command::new("openssl").args(arguments).output().unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Everything that stands in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

#[test]
fn what_was_backed_up_while_serving_stands_again_elsewhere() {
    let site = Site::new();
    let serial = site.issue("www");
    std::fs::write(site.home.file("policies/note.txt"), "ours").unwrap();
    let file = site.backup("one.backup");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o777,
        0o600
    );
    assert!(!site.path("one.backup.part").exists());
    assert_eq!(site.events("backup.create").len(), 1);
    let verified = site.json(&["backup", "verify", text(&file)]);
    assert_eq!(verified["ok"], true);
    assert!(verified["records"].as_u64().unwrap() > 10, "{verified}");

    let (again, said) = site.restored_and_served(&file, &["--without-crl"]);
    assert!(said.contains("jumps by 1048576") && said.contains("signet serve --data"), "{said}");
    assert_eq!(again.status(&serial), "good");
    again.is_sound();
    let restored = &again.events("store.restore")[0];
    assert!(restored["details"]["crl ec-issuing"].as_str().unwrap().starts_with("jumped"), "{restored}");
    assert_eq!(again.home.read("policies/note.txt"), "ours");
    assert_eq!(again.home.mode("keys/vault"), 0o600);
    assert_eq!(again.home.mode("keys"), 0o700);
    for (name, same) in [("admin.token", true), ("tls-ca.pem", true), ("signet.toml", true)] {
        assert_eq!(again.home.read(name) == site.home.read(name), same, "{name}");
    }
    // It goes on issuing, under numbers that nobody had before.
    assert_ne!(again.issue("later"), serial);
    assert!(!names(&again.home.data()).contains(&".init".to_owned()));
}

#[test]
fn without_a_server_the_folder_itself_is_backed_up_and_one_that_serves_is_not_touched() {
    let mut site = Site::new();
    let serial = site.issue("www");
    site.server.take().unwrap().stop();
    let file = site.path("cold.backup");
    site.done(&["backup", "create", text(&file)]);
    let (code, _, said) = site.home.run(&["backup", "create", text(&file)]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is there already"), "{said}");
    site.done(&["backup", "create", text(&file), "--overwrite"]);
    let (again, _) = site.restored_and_served(&file, &["--without-crl"]);
    assert_eq!(again.status(&serial), "good");
    again.is_sound();
}

#[cfg(feature = "sled")]
#[test]
fn a_backup_of_one_engine_is_restored_into_the_other_and_back() {
    let site = Site::new();
    let serial = site.issue("www");
    let (sled, _) =
        site.restored_and_served(&site.backup("redb.backup"), &["--without-crl", "--store", "sled"]);
    assert!(sled.home.read("signet.toml").contains("store = \"sled\""));
    assert_eq!(sled.status(&serial), "good");
    sled.is_sound();
    let later = sled.issue("later");
    let (redb, _) =
        sled.restored_and_served(&sled.backup("sled.backup"), &["--without-crl", "--store", "redb"]);
    assert_eq!((redb.status(&serial), redb.status(&later)), ("good".into(), "good".into()));
    redb.is_sound();
}

#[test]
fn a_password_that_was_in_force_then_opens_it_and_no_other() {
    let site = Site::new();
    let file = site.backup("one.backup");
    let wrong = site.path("wrong");
    std::fs::write(&wrong, "another password\n").unwrap();
    std::fs::set_permissions(&wrong, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    for verb in [&["backup", "verify"][..], &["restore", "--without-crl"]] {
        let home = Home::new();
        let (code, _, said) =
            home.run(&[verb, &[text(&file), "--security-password-file", text(&wrong)]].concat());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("not the one that was in force when the backup was made"), "{said}");
        assert!(!home.data().exists(), "nothing is left");
    }
}

#[test]
fn challenges_that_were_not_used_are_ended_unless_they_are_kept() {
    let site = Site::new();
    let create = ["challenge", "create", "--profile", "scep-device", "--subject", "CN=gw1.example.org"];
    site.done(&create);
    let file = site.backup("one.backup");
    let states = |site: &Site| {
        let found = site.json(&["challenge", "list"]);
        found["items"].as_array().unwrap().iter().map(|c| c["state"].to_string()).collect::<Vec<_>>()
    };
    let (ended, said) = site.restored_and_served(&file, &["--without-crl"]);
    assert!(said.contains("1 challenges that were not used at the backup are ended"), "{said}");
    assert_eq!(states(&ended), ["\"expired\""]);
    let (kept, _) = site.restored_and_served(&file, &["--without-crl", "--keep-challenges"]);
    assert_eq!(states(&kept), states(&site));
    assert_ne!(states(&kept), ["\"expired\""]);
}

#[test]
fn a_folder_that_holds_something_is_never_restored_into() {
    let site = Site::new();
    let file = site.backup("one.backup");
    let (code, _, said) = site.home.run(&["restore", text(&file), "--without-crl"]);
    assert_eq!(code, 1, "{said}");
    let other = Home::new();
    site.give_password(&other);
    std::fs::write(other.file("signet.toml"), "http = \"off\"\n").unwrap();
    let (code, _, said) = other.run(&["restore", text(&file), "--without-crl"]);
    assert_eq!((code, said.contains("holds signet.toml")), (1, true), "{said}");
    std::fs::rename(other.file("signet.toml"), other.file("thesis.tex")).unwrap();
    let (code, _, said) = other.run(&["restore", text(&file), "--without-crl"]);
    assert_eq!((code, said.contains("holds thesis.tex")), (1, true), "{said}");
    assert_eq!(names(&other.data()), ["security-password", "thesis.tex"]);
}
