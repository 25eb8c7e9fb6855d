//! `signet cert revoke`, `release` and `ca revoke` against a running server.

use std::process::Command;

use serde_json::Value;

use super::moving_in::Site;

impl Site {
    /// Certificates of `tls-server` for these hosts, by the bulk command; gives their serial numbers, in order.
    fn hosts(&self, names: &[&str]) -> Vec<String> {
        let requests = self.path("requests");
        std::fs::create_dir_all(&requests).unwrap();
        for name in names {
            let made = Command::new("openssl")
                .args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
                .args(["-subj", &format!("/CN={name}.example.org")])
                .args(["-addext", &format!("subjectAltName=DNS:{name}.example.org")])
                .arg("-keyout")
                .arg(self.path(&format!("{name}.key")))
                .arg("-out")
                .arg(requests.join(format!("{name}.csr")))
                .output()
                .unwrap();
            assert!(made.status.success());
        }
        let (from, out) = (requests.display().to_string(), self.path("certs").display().to_string());
        let report = self.json(&["cert", "bulk", "--profile", "tls-server", "--from", &from, "--out", &out]);
        let serial = |name: &&str| {
            let row = report["items"].as_array().unwrap().iter().find(|row| row["name"] == **name).unwrap();
            row["serial"].as_str().unwrap().to_owned()
        };
        names.iter().map(serial).collect()
    }

    fn status(&self, serial: &str) -> Value {
        self.json(&["cert", "show", serial])["status"].clone()
    }
}

#[test]
fn many_are_looked_at_asked_for_revoked_and_told() {
    let site = Site::new();
    let serials = site.hosts(&["lab-1", "lab-2", "lab-3", "shop"]);
    let by_filter =
        ["cert", "revoke", "--search", "lab", "--profile", "tls-server", "--reason", "superseded"];
    let plan = site.json(&[&by_filter[..], &["--dry-run"]].concat());
    assert_eq!((&plan["revoked"], &plan["dry_run"]), (&3.into(), &true.into()), "{plan}");
    let (code, said) = site.refused(&by_filter);
    assert!(code == 2 && said.contains("3 (3 tls-server)") && said.contains("--yes"), "{code}: {said}");
    assert_eq!(site.status(&serials[0]), "good", "nobody said yes");
    let done = site.json(&[&by_filter[..], &["--yes"]].concat());
    assert_eq!((&done["revoked"], &done["refused"]), (&3.into(), &0.into()), "{done}");
    assert_eq!(site.status(&serials[2]), "revoked");
    assert_eq!(site.status(&serials[3]), "good");

    // The list's own CSV, and again what is revoked already; one row names nothing that there is.
    let (code, listed, said) = site.home.run(&["cert", "list", "--search", "example", "--output", "csv"]);
    assert_eq!(code, 0, "{said}");
    let sheet = site.path("all.csv");
    std::fs::write(&sheet, &listed).unwrap();
    let by_sheet = ["cert", "revoke", "--csv", sheet.to_str().unwrap(), "--reason", "superseded", "--yes"];
    let (code, out, said) = site.home.run(&by_sheet);
    assert!(code == 0 && out.contains("revoked 1, revoked before 3, refused 0"), "{out}{said}");
    std::fs::write(&sheet, format!("serial\n{}\nFFFF\n", serials[3])).unwrap();
    let (code, out, _) = site.home.run(&[&by_sheet[..], &["--output", "csv"]].concat());
    assert!(code == 1 && out.starts_with("name,serial,ca,subject,device,profile"), "{code}: {out}");
    assert!(
        out.lines().any(|l| l.contains("known")) && out.lines().any(|l| l.contains("not-found")),
        "{out}"
    );
    let (code, said) = site.refused(&["cert", "revoke", "--device", "x", &serials[0]]);
    assert!(code == 2 && said.contains("either names or a filter"), "{said}");
    assert_eq!(site.refused(&["cert", "revoke"]).0, 2);
    site.clean();
}

#[test]
fn a_hold_is_released_and_our_own_certificate_is_only_revoked_by_name() {
    let site = Site::new();
    let serial = site.hosts(&["held"]).remove(0);
    site.json(&["cert", "revoke", &serial, "--reason", "certificate-hold"]);
    assert_eq!(site.status(&serial), "revoked");
    let (code, said, _) = site.home.run(&["cert", "release", &serial]);
    assert!(code == 0 && said.contains(&format!("released {serial}")), "{said}");
    assert_eq!(site.status(&serial), "good");
    let (code, said) = site.refused(&["cert", "release", &serial]);
    assert!(code == 1 && said.contains("only certificateHold can be released"), "{said}");

    let own = site.json(&["cert", "list", "--profile", "signet-tls"])["items"][0]["serial"].clone();
    let own = own.as_str().unwrap();
    let (code, out, _) = site.home.run(&["cert", "revoke", "--profile", "signet-tls", "--dry-run"]);
    assert!(code == 1 && out.contains("would be revoked 0") && out.contains("refused 1"), "{out}");
    let (_, said) = site.refused(&["cert", "revoke", own]);
    assert!(said.contains("Signet's own"), "{said}");
    site.json(&["cert", "revoke", own, "--own", "--reason", "superseded"]);
    site.clean();
}

#[test]
fn a_ca_is_revoked_by_its_parents_exported_key() {
    let site = Site::new();
    site.hosts(&["www"]);
    let (key, pass) = (site.path("ec-root.key"), site.path("pass"));
    let (key, pass) = (key.to_str().unwrap(), pass.to_str().unwrap());
    std::fs::write(pass, "a passphrase of some length\n").unwrap();
    site.json(&["ca", "export-key", "ec-root", "--out", key, "--passphrase-file", pass]);
    site.json(&["ca", "remove-key", "ec-root", "--yes"]);
    let revoke = ["ca", "revoke", "ec-issuing", "--reason", "ca-compromise"];
    let (code, plan, _) = site.home.run(&[&revoke[..], &["--dry-run"]].concat());
    assert!(code == 0 && plan.contains("ec-root") && plan.contains("tls-server"), "{plan}");
    let (code, said) = site.refused(&[&revoke[..], &["--yes"]].concat());
    assert!(code == 1 && said.contains("exported and removed"), "{said}");
    let with_key = [&revoke[..], &["--yes", "--parent-key", key, "--passphrase-file", pass]].concat();
    assert_eq!(site.json(&with_key)["parent"], "ec-root");
    assert_eq!(site.json(&["ca", "show", "ec-issuing"])["state"], "revoked");
    let text = super::moving_in::openssl(
        site.work.path(),
        &["crl", "-in", site.crl("ec-root").to_str().unwrap(), "-noout", "-text"],
    );
    assert!(text.contains("CA Compromise"), "{text}");
    site.crl("ec-issuing");
    let (code, said) = site.refused(&["ca", "revoke", "ec-root", "--yes"]);
    assert!(code == 1 && said.contains("is a root"), "{said}");
    site.clean();
}
