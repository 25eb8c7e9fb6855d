//! PyScep (PyPI), a library: `pyscep.py` beside this file calls it as its README does.

use super::profiles::{SPLIT, SPLIT_MANUAL};
use super::{Row, Stage};
use crate::server::{Ran, run};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin/python");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/clients/pyscep.py");

fn pyscep(stage: &Stage, profile: &str, arguments: &[&str]) -> Ran {
    let (url, folder) = (stage.scep(profile), stage.folder("pyscep"));
    let mut all = vec!["-W", "ignore", SCRIPT, &url, folder.to_str().unwrap()];
    all.extend(arguments);
    run(PYTHON, &all)
}

pub fn all(stage: &Stage, row: &mut Row) {
    let file = |name: &str| stage.folder("pyscep").join(name).to_str().unwrap().to_owned();
    row.does("GetCACert", || {
        let told = pyscep(stage, SPLIT, &["getcacert"]).ok();
        assert!(told.contains("Signet RSA Issuing CA"), "{told}");
    });
    let mut first = String::new();
    row.does("enrol", || {
        let challenge = stage.challenge(SPLIT, "CN=pyscep-1");
        pyscep(stage, SPLIT, &["enrol", "pyscep-1", &challenge]).ok();
        first = stage.verified_serial(&file("pyscep-1.pem"));
    });
    row.does("renew", || {
        pyscep(stage, SPLIT, &["renew", "pyscep-1"]).ok();
        assert_ne!(stage.verified_serial(&file("pyscep-1.pem")), first);
    });
    row.does("wrong challenge", || {
        let refused = pyscep(stage, SPLIT, &["enrol", "pyscep-2", "wrong"]);
        assert_eq!((refused.code, refused.out.trim()), (1, "FAILURE 2"), "{}", refused.err);
        assert!(!stage.is_issued(SPLIT, "pyscep-2"));
    });
    row.does("poll", || {
        let waiting = pyscep(stage, SPLIT_MANUAL, &["enrol", "pyscep-3", ""]);
        assert_eq!((waiting.code, waiting.out.trim()), (3, "PENDING"), "{}", waiting.err);
        let waiting = pyscep(stage, SPLIT_MANUAL, &["poll", "pyscep-3"]);
        assert_eq!((waiting.code, waiting.out.trim()), (3, "PENDING"), "{}", waiting.err);
        stage.approve("CN=pyscep-3");
        pyscep(stage, SPLIT_MANUAL, &["poll", "pyscep-3"]).ok();
        stage.verified_serial(&file("pyscep-3.pem"));
    });
    row.does("GetCert", || {
        let told = pyscep(stage, SPLIT, &["getcert", "pyscep-1"]).ok();
        assert!(told.contains("pyscep-1"), "{told}");
    });
    row.does("GetCRL", || {
        pyscep(stage, SPLIT, &["getcrl", "pyscep-1"]).ok();
        let crl =
            run("openssl", &["crl", "-inform", "DER", "-noout", "-issuer", "-in", &file("pyscep-1.crl")])
                .ok();
        assert!(crl.contains("Signet RSA Issuing CA"), "{crl}");
    });
}
