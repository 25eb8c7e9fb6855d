//! strongSwan's `pki` with the ciphers it has; strongswan.rs beside this folder looks closer at renewal and revocation.

use super::profiles::{CHALLENGE, MANUAL, OLD, OLD_MANUAL};
use super::{Row, Stage};
use crate::server::{Ran, run};

struct Pki<'a> {
    stage: &'a Stage,
    profile: &'static str,
    name: &'static str,
    algorithms: &'static [&'static str],
}

impl Pki<'_> {
    fn file(&self, name: &str) -> String {
        let folder = self.stage.folder(&format!("pki-{}", self.name));
        folder.join(name).to_str().unwrap().to_owned()
    }

    fn fetch(&self) -> String {
        let (ca, ra) = (self.file("ca.pem"), self.file("ra.pem"));
        let url = self.stage.scep(self.profile);
        run(
            "pki",
            &["--scepca", "--url", &url, "--caout", &ca, "--raout", &ra, "--outform", "pem", "--force"],
        )
        .err
    }

    fn key(&self, name: &str) -> String {
        let file = self.file(name);
        run("openssl", &["genrsa", "-traditional", "-out", &file, "2048"]).ok();
        file
    }

    fn scep(&self, key: &str, common_name: &str, more: &[&str]) -> Ran {
        let (url, dn, ra) = (self.stage.scep(self.profile), format!("CN={common_name}"), self.file("ra.pem"));
        let mut all = vec!["--scep", "--url", &url, "--in", key, "--dn", &dn, "--outform", "pem"];
        all.extend(["--cacert-enc", &ra, "--cacert-sig", &ra]);
        let (root, issuing) = (self.file("ca.pem"), self.file("ca-1.pem"));
        all.extend(["--cacert", &root, "--cacert", &issuing]);
        all.extend(self.algorithms);
        all.extend(more);
        run("pki", &all)
    }

    #[track_caller]
    fn keep(&self, name: &str, ran: Ran) -> (String, String) {
        let file = self.file(name);
        std::fs::write(&file, ran.ok()).unwrap();
        let serial = self.stage.verified_serial(&file);
        (file, serial)
    }
}

pub fn with_aes(stage: &Stage, row: &mut Row) {
    let algorithms = &["--cipher", "aes", "--digest", "sha256"];
    let pki = Pki { stage, profile: CHALLENGE, name: "aes", algorithms };
    all(&pki, MANUAL, row);
}

pub fn with_triple_des(stage: &Stage, row: &mut Row) {
    let algorithms = &["--cipher", "des3", "--digest", "sha1"];
    let pki = Pki { stage, profile: OLD, name: "des3", algorithms };
    all(&pki, OLD_MANUAL, row);
}

fn all(pki: &Pki<'_>, manual: &'static str, row: &mut Row) {
    let stage = pki.stage;
    let mut told = String::new();
    row.does("GetCACert", || {
        told = pki.fetch();
        assert!(told.contains("RA cert is trusted"), "{told}");
    });
    row.does("fingerprint", || {
        let told = told.replace(':', "").to_uppercase();
        assert!(
            told.contains(&stage.fingerprint("rsa-issuing")) && told.contains(&stage.fingerprint("rsa-root"))
        );
    });
    let (key, name) = (pki.key("key.pem"), format!("pki-{}-1", pki.name));
    let mut first = (String::new(), String::new());
    row.does("enrol", || {
        let challenge = stage.challenge(pki.profile, &format!("CN={name}"));
        first = pki.keep("cert.pem", pki.scep(&key, &name, &["--password", &challenge]));
    });
    row.does("renew", || {
        let new_key = pki.key("new-key.pem");
        let renewed = pki.scep(&new_key, &name, &["--cert", &first.0, "--key", &key]);
        assert_ne!(pki.keep("new.pem", renewed).1, first.1);
    });
    row.does("wrong challenge", || {
        let name = format!("pki-{}-2", pki.name);
        let refused = pki.scep(&pki.key("other.pem"), &name, &["--password", "wrong"]);
        assert_ne!(refused.code, 0);
        assert!(refused.err.contains("badRequest"), "{}", refused.err);
        assert!(!stage.is_issued(pki.profile, &name));
    });
    row.does("poll", || {
        let name = format!("pki-{}-3", pki.name);
        let pki = Pki { profile: manual, ..*pki };
        let key = pki.key("waiting.pem");
        let polled = std::thread::scope(|scope| {
            let enrolment =
                scope.spawn(|| pki.scep(&key, &name, &["--interval", "1", "--maxpolltime", "60"]));
            stage.approve(&format!("CN={name}"));
            enrolment.join().unwrap()
        });
        pki.keep("polled.pem", polled);
    });
}
