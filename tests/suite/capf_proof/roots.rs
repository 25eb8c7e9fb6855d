//! The folder of manufacturers' CAs: read as a whole, or not at all.

use super::*;

#[test]
fn the_folder_is_read_as_a_whole_with_every_fault_by_file() {
    let policies = tempfile::tempdir().unwrap();
    assert_eq!(ManufacturingRoots::load(policies.path()).unwrap().count(), 0, "no folder");
    let folder = policies.path().join("manufacturing-roots");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("README"), "not read").unwrap();
    let (one, two) = (Manufacturer::new("One"), Manufacturer::new("Two"));
    std::fs::write(folder.join("both.pem"), [one.pem(), two.pem()].concat()).unwrap();
    std::fs::write(folder.join("one.pem"), one.pem()).unwrap();
    assert_eq!(ManufacturingRoots::load(policies.path()).unwrap().count(), 3);

    let leaf = one.certify(&Key::ec("P-256"), &Mic::default());
    let leaf = Certificate::from_der(&leaf).unwrap().pem();
    let key = Key::ec("P-256");
    for (file, content, said) in [
        ("a.pem", b"nothing".to_vec(), "holds no certificate"),
        ("b.pem", leaf.into_bytes(), "is no CA's certificate"),
        ("c.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(), "not a DER"),
        ("d.pem", std::fs::read(key.path()).unwrap(), "certificates alone"),
    ] {
        std::fs::write(folder.join(file), content).unwrap();
        let faults = ManufacturingRoots::load(policies.path()).unwrap_err();
        assert_eq!(
            (faults.len(), faults[0].code(), faults[0].field()),
            (1, "bad-manufacturing-root", Some(file))
        );
        assert!(faults[0].detail().contains(said), "{}", faults[0].detail());
        std::fs::remove_file(folder.join(file)).unwrap();
    }
}
