//! What was published after the backup is not lost: revocations, CRL numbers, certificates.

use signet::x509::crl::Crl;

use super::*;

/// The last is given by its address.
const CAS: [&str; 5] = ["rsa-root", "rsa-issuing", "capf", "ec-root", "ec-issuing"];

impl Site {
    fn crl(&self, ca: &str) -> Crl {
        Crl::from_der(&self.server().fetch(&format!("/crl/{ca}.crl"))).unwrap()
    }

    /// Waits until the CRL lists so many.
    fn crl_with(&self, ca: &str, entries: usize) -> Crl {
        let start = std::time::Instant::now();
        loop {
            let crl = self.crl(ca);
            if crl.entries().len() >= entries {
                return crl;
            }
            assert!(start.elapsed().as_secs() < 30, "no CRL with {entries} entries: {crl:?}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Waits until the CRL's number is above this.
    fn crl_above(&self, ca: &str, number: u64) -> Crl {
        let start = std::time::Instant::now();
        loop {
            let crl = self.crl(ca);
            if crl.number().unwrap() > number {
                return crl;
            }
            assert!(start.elapsed().as_secs() < 30, "no CRL above {number}: {:?}", crl.number());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// These CRLs as they are served, in files.
    fn saved_all(&self, names: &[&str]) -> Vec<PathBuf> {
        let save = |name: &&str| {
            let file = self.path(&format!("{}.crl", name.replace('/', "-")));
            std::fs::write(&file, self.crl(name).der()).unwrap();
            file
        };
        names.iter().map(save).collect()
    }

    /// The CRL as it is served, in a file.
    fn saved(&self, ca: &str) -> PathBuf {
        let file = self.path(&format!("{ca}.crl"));
        std::fs::write(&file, self.crl(ca).der()).unwrap();
        file
    }
}

/// The arguments of a restore with these CRLs and without the others.
fn given(files: &[PathBuf]) -> Vec<&str> {
    files.iter().flat_map(|file| ["--crl", text(file)]).chain(["--without-crl"]).collect()
}

fn serials(crl: &Crl) -> Vec<String> {
    crl.entries().iter().map(|entry| entry.serial.to_string()).collect()
}

#[test]
fn revocations_and_numbers_go_on_from_the_last_published_crls() {
    let site = Site::new();
    let (before, kept) = (site.issue("before"), site.issue("kept"));
    let file = site.backup("one.backup");
    let (after, lost) = (site.issue("after"), site.issue("lost"));
    site.done(&["cert", "revoke", &before, "--reason", "key-compromise"]);
    site.crl_with("ec-issuing", 1);
    site.done(&["cert", "revoke", &after, "--reason", "superseded"]);
    let last = site.crl_with("ec-issuing", 2);
    assert!(last.number().unwrap() >= 3, "{:?}", last.number());

    // One by its address, the others as files.
    let address = site.server().url("/crl/ec-issuing.crl");
    let files: Vec<PathBuf> = CAS[..4].iter().map(|ca| site.saved(ca)).collect();
    let mut arguments = vec!["--crl", address.as_str()];
    files.iter().for_each(|file| arguments.extend(["--crl", text(file)]));
    let (again, said) = site.restored_and_served(&file, &arguments);
    assert!(said.contains("2 revocations were new") && !said.contains("jumps"), "{said}");

    let next = again.crl_above("ec-issuing", last.number().unwrap());
    assert_eq!(next.number().unwrap(), last.number().unwrap() + 1);
    for (entry, published) in
        last.entries().iter().map(|e| (e, next.entries().iter().find(|n| n.serial == e.serial)))
    {
        assert_eq!(Some(entry), published, "an entry that was published is lost or changed");
    }
    for ca in &CAS[..4] {
        assert!(again.crl_above(ca, site.crl(ca).number().unwrap()).number() > site.crl(ca).number());
    }
    assert_eq!((again.status(&before), again.status(&kept)), ("revoked".into(), "good".into()));
    again.is_sound();

    comes_back(&site, &again, &after, &lost);
}

/// Certificates that were issued after the backup come back with a proof, and only so.
fn comes_back(site: &Site, again: &Site, after: &str, lost: &str) {
    let (code, _, said) = again.home.run(&["cert", "show", lost]);
    assert_eq!(code, 1, "{said}");
    let (lost_pem, after_pem) = (site.path("lost.pem"), site.path("after.pem"));
    let leaf = |from: &Path| {
        let to = from.with_extension("leaf.pem");
        openssl(&["x509", "-in", text(from), "-out", text(&to)]);
        to
    };
    let (lost_pem, after_pem) = (leaf(&lost_pem), leaf(&after_pem));
    let reimport = |file: &Path, csr: &Path, more: &[&str]| {
        again.home.run(&[&["cert", "reimport", text(file), "--csr", text(csr)], more].concat())
    };
    let (code, _, said) = reimport(&lost_pem, &site.request("other", "other"), &[]);
    assert_eq!((code, said.contains("signed by another key")), (1, true), "{said}");
    let foreign = site.path("foreign.pem");
    let key = site.path("lost.key");
    openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        text(&key),
        "-subj",
        "/CN=Signet EC Issuing CA",
        "-out",
        text(&foreign),
    ]);
    let (code, _, said) = reimport(&foreign, &site.request("lost", "proof"), &[]);
    assert_eq!((code, said.contains("by none of our CAs' keys")), (1, true), "{said}");

    let (code, out, said) = reimport(&lost_pem, &site.request("lost", "proof"), &["--profile", "tls-server"]);
    assert_eq!((code, out), (0, format!("brought in {lost} (good)\n")), "{said}");
    let (code, out, _) = reimport(&lost_pem, &site.request("lost", "proof"), &[]);
    assert_eq!((code, out), (0, format!("here already: {lost} (good)\n")));
    // The CRL that was taken over lists the other: it comes in as revoked, and stays on the CRL.
    let number = again.crl("ec-issuing").number().unwrap();
    let (code, out, said) = reimport(&after_pem, &site.request("after", "proof2"), &[]);
    assert_eq!((code, out), (0, format!("brought in {after} (revoked)\n")), "{said}");
    let crl = again.crl_above("ec-issuing", number);
    assert_eq!(serials(&crl).iter().filter(|serial| *serial == after).count(), 1);
    assert_eq!(again.events("certificate.reimport").len(), 2);
    again.is_sound();
}

#[test]
fn an_entry_stays_on_the_list_of_its_shard_also_where_its_certificate_is_not_known() {
    let site = Site::new();
    site.done(&["ca", "set", "ec-issuing", "--crl-shards", "2"]);
    let file = site.backup("one.backup");
    let after = site.issue("after");
    site.done(&["cert", "revoke", &after]);
    let start = std::time::Instant::now();
    let (shard, last) = loop {
        let found = (1..=2).map(|shard| (shard, site.crl(&format!("ec-issuing/{shard}"))));
        if let Some(found) = found.into_iter().find(|(_, crl)| serials(crl) == [after.clone()]) {
            break found;
        }
        assert!(start.elapsed().as_secs() < 30, "on no list");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let other = format!("ec-issuing/{}", 3 - shard);
    let name = format!("ec-issuing/{shard}");
    let all = site.saved_all(&["ec-issuing", &other, &name]);
    let (again, said) = site.restored_and_served(&file, &given(&all));
    assert!(said.contains("1 revocations were new"), "{said}");
    let next = again.crl_above(&name, last.number().unwrap());
    assert_eq!((next.number().unwrap(), serials(&next)), (last.number().unwrap() + 1, vec![after.clone()]));
    // The first CRL lists it now too, and is given before that of its shard: it still goes onto both.
    assert_eq!(serials(&again.crl_with("ec-issuing", 1)), std::slice::from_ref(&after));
    let all = again.saved_all(&["ec-issuing", &other, &name]);
    let (third, said) = site.restored_and_served(&file, &given(&all));
    assert!(said.contains("1 revocations were new"), "{said}");
    let third_next = third.crl_above(&name, next.number().unwrap());
    assert_eq!(serials(&third_next), std::slice::from_ref(&after));
    third.is_sound();
    let (leaf, csr) = (site.path("after.leaf.pem"), site.request("after", "proof"));
    openssl(&["x509", "-in", text(&site.path("after.pem")), "-out", text(&leaf)]);
    again.done(&["cert", "reimport", text(&leaf), "--csr", text(&csr)]);
    assert_eq!(serials(&again.crl_above(&name, next.number().unwrap())), [after]);
    again.is_sound();
}

#[test]
fn a_shard_that_came_after_the_backup_keeps_its_entries_and_gives_no_number_twice() {
    let site = Site::new();
    let file = site.backup("one.backup");
    site.done(&["ca", "set", "ec-issuing", "--crl-shards", "2"]);
    let after = site.issue("after");
    site.done(&["cert", "revoke", &after]);
    let (one, two) = ("ec-issuing/1", "ec-issuing/2");
    let start = std::time::Instant::now();
    let name = loop {
        if let Some(name) = [one, two].into_iter().find(|name| serials(&site.crl(name)) == [after.clone()]) {
            break name;
        }
        assert!(start.elapsed().as_secs() < 30, "on no list");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    let last = site.crl(name).number().unwrap();
    let crl = site.saved_all(&[name]);

    // Until the CA has shards again, the first CRL lists it, also when its certificate comes back.
    let (whole, _) = site.restored_and_served(&file, &given(&crl));
    assert_eq!(serials(&whole.crl_with("ec-issuing", 1)), std::slice::from_ref(&after));
    let number = whole.crl("ec-issuing").number().unwrap();
    let (leaf, csr) = (site.path("after.leaf.pem"), site.request("after", "proof"));
    openssl(&["x509", "-in", text(&site.path("after.pem")), "-out", text(&leaf)]);
    whole.done(&["cert", "reimport", text(&leaf), "--csr", text(&csr)]);
    assert_eq!(serials(&whole.crl_above("ec-issuing", number)), std::slice::from_ref(&after));
    whole.is_sound();

    let (sharded, _) = site.restored_and_served(&file, &given(&crl));
    sharded.done(&["ca", "set", "ec-issuing", "--crl-shards", "2"]);
    // Whoever kept a CRL of one of the shards, given or not, sees a later one.
    assert!(sharded.crl(name).number().unwrap() > last);
    for name in [one, two] {
        assert!(sharded.crl(name).number().unwrap() > 1 << 20, "{name}");
    }
    assert_eq!(serials(&sharded.crl_with(name, 1)), [after]);
    sharded.is_sound();
}

#[test]
fn delta_crls_that_came_after_the_backup_have_the_number_jump() {
    let site = Site::new();
    let file = site.backup("one.backup");
    site.done(&["ca", "set", "ec-issuing", "--crl-delta-hours", "4"]);
    let crl = site.saved_all(&["ec-issuing"]);
    let last = site.crl("ec-issuing").number().unwrap();
    let (again, said) = site.restored_and_served(&file, &given(&crl));
    assert_eq!(said.matches("jumps by").count(), 4, "{said}");
    assert!(again.crl_above("ec-issuing", last).number().unwrap() > last + (1 << 20));
    again.is_sound();
}

#[test]
fn a_ca_that_was_revoked_after_the_backup_issues_nothing() {
    let site = Site::new();
    let file = site.backup("one.backup");
    site.done(&["ca", "revoke", "ec-issuing", "--reason", "ca-compromise", "--yes"]);
    let last = site.crl("ec-root");
    assert_eq!(last.entries().len(), 1);
    let (again, said) = site.restored_and_served(&file, &given(&site.saved_all(&["ec-root"])));
    assert!(said.contains("1 revocations were new"), "{said}");
    assert_eq!(again.json(&["ca", "show", "ec-issuing"])["state"], "revoked");
    let csr = site.request("www", "www");
    let (code, _, said) = again.home.run(&["cert", "issue", "--profile", "tls-server", "--csr", text(&csr)]);
    assert_eq!(code, 1, "{said}");
    let next = again.crl_above("ec-root", last.number().unwrap());
    assert_eq!(next.entries(), last.entries());
    assert_eq!(again.events("ca.revoke").len(), 1);
    again.is_sound();
}

#[test]
fn which_crls_are_missing_is_said_before_anything_is_put_in_place() {
    let site = Site::new();
    let file = site.backup("one.backup");
    let (empty, (code, _, said)) = site.restored(&file, &[]);
    assert_eq!((code, said.contains("--without-crl")), (2, true), "{said}");
    assert_eq!(names(&empty.home.data()), ["security-password"]);

    let root = site.saved("ec-root");
    let (empty, (code, _, said)) = site.restored(&file, &["--crl", text(&root)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no CRL was given of capf, ec-issuing, rsa-issuing, rsa-root"), "{said}");
    assert!(!empty.home.file("keys").exists() && !empty.home.file(".init").exists());

    let (some, said) = site.restored_and_served(&file, &["--crl", text(&root), "--without-crl"]);
    assert_eq!((said.matches("goes on above").count(), said.matches("jumps by").count()), (1, 4), "{said}");
    assert!(some.crl_above("rsa-issuing", 1 << 20).number().unwrap() < (1 << 20) + 10);
    some.is_sound();
}

#[test]
fn a_crl_that_is_old_damaged_or_of_somebody_else_is_refused() {
    let site = Site::new();
    let serial = site.issue("www");
    let old = site.path("old.crl");
    std::fs::copy(site.saved("ec-issuing"), &old).unwrap();
    site.done(&["cert", "revoke", &serial]);
    site.crl_with("ec-issuing", 1);
    let file = site.backup("one.backup");
    let mut bytes = std::fs::read(site.saved("ec-root")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = site.path("damaged.crl");
    std::fs::write(&damaged, bytes).unwrap();
    let stranger = site.path("stranger.crl");
    std::fs::write(&stranger, Site::new().crl("ec-root").der()).unwrap();
    for (crl, reason) in [
        (&old, "give the last one that was published"),
        (&damaged, "its signature is not by this CA's key"),
        (&stranger, "its signature is not by this CA's key"),
        (&file, "CRL"),
        (&site.path("nowhere.crl"), "cannot read"),
    ] {
        let (empty, (code, _, said)) = site.restored(&file, &["--crl", text(crl), "--without-crl"]);
        assert_eq!((code, said.contains(reason)), (1, true), "{said}");
        assert_eq!(names(&empty.home.data()), ["lock", "security-password"]);
    }
    let (_, (code, _, said)) = site.restored(&file, &["--crl", "http://127.0.0.1:1/x.crl", "--without-crl"]);
    assert_eq!((code, said.contains("cannot fetch from http://127.0.0.1:1")), (3, true), "{said}");
}
