//! micromdm's `scepclient` (Debian's `scep` 2.1.0): single DES and SHA-1 whatever is offered.

use super::profiles::{OLD, OLD_KEYS, OLD_MANUAL};
use super::{Row, Stage};
use crate::server::{Ran, run};

struct ScepClient<'a> {
    stage: &'a Stage,
    profile: &'static str,
    name: &'static str,
}

impl ScepClient<'_> {
    fn file(&self, name: &str) -> String {
        let folder = self.stage.folder(&format!("scepclient-{}", self.name));
        folder.join(name).to_str().unwrap().to_owned()
    }

    /// It writes C, O, OU and CN, and takes the names of its own here.
    fn subject(&self) -> String {
        format!("CN={},OU=MDM,O=scep-client,C=US", self.name)
    }

    fn run(&self, more: &[&str]) -> Ran {
        let (url, key, certificate) =
            (self.stage.scep(self.profile), self.file("key.pem"), self.file("cert.pem"));
        let mut all = vec!["-server-url", &url, "-private-key", &key, "-certificate", &certificate];
        all.extend(["-cn", self.name, "-debug"]);
        all.extend(more);
        run("scepclient", &all)
    }
}

pub fn all(stage: &Stage, row: &mut Row) {
    let client = ScepClient { stage, profile: OLD, name: "scepclient-1" };
    let challenge = stage.challenge(OLD, &client.subject());
    row.does("GetCACert", || {
        let log = client.run(&["-challenge", "wrong"]).err;
        assert!(log.contains("Signet RSA Issuing CA"), "{log}");
    });
    row.does("wrong challenge", || {
        let refused = client.run(&["-challenge", "wrong"]);
        assert_ne!(refused.code, 0);
        assert!(refused.err.contains("badRequest") || refused.out.contains("badRequest"), "{}", refused.err);
        assert!(!std::path::Path::new(&client.file("cert.pem")).exists());
    });
    // It keeps its request in a file beside the key: without it, it makes one with the right challenge.
    std::fs::remove_file(client.file("csr.pem")).unwrap();
    row.does("fingerprint", || {
        let ra = run(
            "curl",
            &["-s", "-o", &client.file("ca.p7"), &format!("{}?operation=GetCACert", stage.scep(OLD))],
        );
        ra.ok();
        let chain =
            run("openssl", &["pkcs7", "-inform", "DER", "-in", &client.file("ca.p7"), "-print_certs"]).ok();
        std::fs::write(client.file("ra.pem"), chain).unwrap();
        let print = ["x509", "-noout", "-fingerprint", "-sha256", "-in", &client.file("ra.pem")];
        let fingerprint = run("openssl", &print).ok().split_once('=').unwrap().1.trim().replace(':', "");
        let wrong = client.run(&["-challenge", &challenge, "-ca-fingerprint", &"00".repeat(32)]);
        assert_ne!(wrong.code, 0, "{}", wrong.err);
        client.run(&["-challenge", &challenge, "-ca-fingerprint", &fingerprint]).ok();
    });
    let mut first = String::new();
    row.does("enrol", || first = stage.verified_serial(&client.file("cert.pem")));
    row.does("renew", || {
        client.run(&["-challenge", &challenge]).ok();
        assert_ne!(stage.verified_serial(&client.file("cert.pem")), first);
    });
    row.does("poll", || waits(stage));
}

/// With a key of 1024 bits, which it makes itself.
pub fn with_old_key(stage: &Stage, row: &mut Row) {
    let client = ScepClient { stage, profile: OLD_KEYS, name: "scepclient-3" };
    let challenge = stage.challenge(OLD_KEYS, &client.subject());
    let ask = || client.run(&["-challenge", &challenge, "-keySize", "1024"]);
    let mut first = String::new();
    row.does("enrol", || {
        ask().ok();
        first = stage.verified_serial(&client.file("cert.pem"));
        let shown = run("openssl", &["x509", "-noout", "-text", "-in", &client.file("cert.pem")]).ok();
        assert!(shown.contains("Public-Key: (1024 bit)"), "{shown}");
    });
    row.does("renew", || {
        ask().ok();
        assert_ne!(stage.verified_serial(&client.file("cert.pem")), first);
        let warned =
            stage.server.signet(&["audit", "list", "--action", "scep.legacy", "--output", "json"]).ok();
        assert!(warned.contains("des-cbc, sha-1, rsa-1024"), "{warned}");
        let counted = run("curl", &["-sf", &stage.server.url("/metrics")]).ok();
        let used = "signet_legacy_uses_total{what=\"rsa-1024\"} 2\n";
        assert!(counted.contains(used), "{counted}");
    });
}

/// It has no CertPoll: after half a minute it sends its request again.
fn waits(stage: &Stage) {
    let client = ScepClient { stage, profile: OLD_MANUAL, name: "scepclient-2" };
    std::thread::scope(|scope| {
        let enrolment = scope.spawn(|| client.run(&[]));
        stage.approve(&client.subject());
        enrolment.join().unwrap().ok();
    });
    stage.verified_serial(&client.file("cert.pem"));
}
