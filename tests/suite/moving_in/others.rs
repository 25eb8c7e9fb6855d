//! step-ca, EJBCA and scepserver: their files, made by openssl in the forms that they write.

use super::old_ca::OldCa;
use super::{Site, openssl, serial, text, verified};

const PASSWORD: &str = "correct horse battery\n";

#[test]
fn a_depot_of_scepserver_moves_in_and_keeps_what_its_index_revoked() {
    let site = Site::new();
    let (folder, depot) = (site.path("old"), site.path("depot"));
    let old = OldCa::new(&folder);
    let (good, stolen) = (old.issue("phone1"), old.issue("phone2"));
    old.revoke(&stolen, "keyCompromise");
    std::fs::create_dir(&depot).unwrap();
    std::fs::write(depot.join("passphrase"), PASSWORD).unwrap();
    openssl(
        &depot,
        &[
            "rsa",
            "-in",
            text(&folder.join("private/cakey.pem")),
            "-traditional",
            "-des3",
            "-passout",
            "file:passphrase",
            "-out",
            "ca.key",
        ],
    );
    assert!(std::fs::read_to_string(depot.join("ca.key")).unwrap().contains("Proc-Type: 4,ENCRYPTED"));
    for (from, to) in [("cacert.pem", "ca.pem"), ("index.txt", "index.txt")] {
        std::fs::copy(folder.join(from), depot.join(to)).unwrap();
    }
    for certificate in [&good, &stolen] {
        std::fs::copy(certificate, depot.join(format!("phone.{}.pem", serial(certificate)))).unwrap();
    }
    let said = site.example("scepserver.sh", &[text(&depot), "depot", "scep-device"]);
    assert!(said.contains("3 read, 2 taken in, 0 known already, 1 skipped"), "its own certificate: {said}");
    assert!(said.contains("seconds since 1970") && !said.contains("battery"), "{said}");
    let (ca, crl) = (depot.join("ca.pem"), site.crl("depot"));
    assert!(verified(&ca, &crl, &good).0);
    assert!(verified(&ca, &crl, &stolen).1.contains("certificate revoked"));
    site.clean();
}

#[test]
fn a_two_tier_ca_with_encrypted_ec_keys_moves_in_as_step_ca_has_it() {
    let site = Site::new();
    let step = site.path("step");
    for folder in ["certs", "secrets"] {
        std::fs::create_dir_all(step.join(folder)).unwrap();
    }
    std::fs::write(step.join("secrets/password"), PASSWORD).unwrap();
    std::fs::write(
        step.join("sub.ext"),
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    )
    .unwrap();
    let run = |line: &str| openssl(&step, &line.split_whitespace().collect::<Vec<_>>());
    for name in ["root", "intermediate"] {
        run(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key"));
        run(&format!("ec -in {name}.key -aes256 -passout file:secrets/password -out secrets/{name}_ca_key"));
    }
    run(
        "req -x509 -key root.key -subj /O=Step/CN=Root -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign \
         -out certs/root_ca.crt",
    );
    run("req -new -key intermediate.key -subj /O=Step/CN=Intermediate -out sub.csr");
    run("x509 -req -in sub.csr -CA certs/root_ca.crt -CAkey root.key -days 1000 -extfile sub.ext -out \
         certs/intermediate_ca.crt");
    run("req -new -newkey rsa:2048 -nodes -keyout leaf.key -subj /CN=server -out leaf.csr");
    run(
        "x509 -req -in leaf.csr -CA certs/intermediate_ca.crt -CAkey intermediate.key -days 30 -out leaf.crt",
    );

    site.example("step-ca.sh", &[text(&step), "step", text(&step.join("leaf.crt"))]);
    let issuing = site.json(&["ca", "show", "step"]);
    assert_eq!((&issuing["role"], &issuing["parent"]), (&"issuing".into(), &"step-root".into()));
    assert_eq!(site.json(&["ca", "show", "step-root"])["role"], "root");
    let found = site.json(&["cert", "list", "--search", "server", "--profile", "imported"]);
    assert_eq!(found["items"][0]["ca"], "step");
    let (code, said) = site.refused(&["ca", "create", "import", "--root"]);
    assert!(code == 1 && said.contains("import names the place"), "{said}");
    site.clean();
}

#[test]
fn a_soft_token_of_ejbca_moves_in_with_its_crl_alone() {
    let site = Site::new();
    let (folder, export) = (site.path("old"), site.path("export"));
    let old = OldCa::new(&folder);
    let (good, stolen) = (old.issue("gw1"), old.issue("gw2"));
    old.revoke(&stolen, "certificateHold");
    std::fs::create_dir(&export).unwrap();
    std::fs::write(export.join("passphrase"), PASSWORD).unwrap();
    let key = folder.join("private/cakey.pem");
    openssl(
        &export,
        &[
            "pkcs12",
            "-export",
            "-inkey",
            text(&key),
            "-in",
            text(&folder.join("cacert.pem")),
            "-passout",
            "file:passphrase",
            "-out",
            "ca.p12",
        ],
    );
    let published = old.publish_crl();
    openssl(&export, &["crl", "-in", text(&published), "-outform", "DER", "-out", "ca.crl"]);
    // A bundle of certificates in one file, and nothing for the revoked one but its entry in the CRL.
    std::fs::copy(&good, export.join("certificates")).unwrap();

    let path = |name: &str| text(&export.join(name)).to_owned();
    let (p12, crl, passphrase, bundle) =
        (path("ca.p12"), path("ca.crl"), path("passphrase"), path("certificates"));
    let token = ["--pkcs12", &p12, "--crl", &crl, "--passphrase-file", &passphrase];
    let (code, said) = site.refused(&[&["ca", "import", "ejbca"][..], &token].concat());
    assert!(code == 2 && said.contains("--role issuing"), "of a self-signed CA its role is asked: {said}");
    let arguments =
        [&["ca", "import", "ejbca", "--role", "issuing"][..], &token, &["--certificates", &bundle]].concat();
    let done = site.json(&arguments);
    assert_eq!(
        (done["crl"]["number"].as_u64(), done["crl"]["entries"].as_u64()),
        (Some(2), Some(1)),
        "{done}"
    );
    let (ca, crl) = (folder.join("cacert.pem"), site.crl("ejbca"));
    assert!(verified(&ca, &crl, &good).0);
    assert!(verified(&ca, &crl, &stolen).1.contains("certificate revoked"));

    // The certificate turns up later: it comes in revoked.
    let later = [&arguments[..arguments.len() - 1], &[text(&stolen)]].concat();
    assert_eq!(site.json(&later)["certificates"]["imported"], 1);
    let shown = site.json(&["cert", "show", &serial(&stolen)]);
    assert_eq!((&shown["status"], &shown["reason"]), (&"revoked".into(), &"certificate-hold".into()));
    site.json(&["ca", "sign-crl", "ejbca"]);
    assert!(verified(&ca, &site.crl("ejbca"), &stolen).1.contains("certificate revoked"));
    site.clean();
}
