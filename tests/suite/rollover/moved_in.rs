//! A CA that moved in and signs itself: its name in other string types than ours.

use signet::x509::cert::Certificate;

use super::house::{CAS, House};
use crate::openssl::openssl;

const CONFIG: &str = "
[req]
distinguished_name = name
string_mask = nombstr
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_followed_by_one_of_the_same_name_byte_for_byte() {
    let house = House::build().await;
    let (config, key) = (house.file("ca.cnf", CONFIG.as_bytes()), house.home.path().join("old-ca.key"));
    let (config, key) = (config.to_str().unwrap(), key.to_str().unwrap());
    let make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-config", config];
    let as_ca = ["-extensions", "root", "-subj", "/O=Example/CN=Old CA", "-keyout", key];
    let pem = String::from_utf8(openssl(&[&make[..], &as_ca].concat(), b"")).unwrap();
    // It begins at the machine's time, after which the house lives.
    let begins = Certificate::read(pem.as_bytes()).unwrap().not_before();
    house.clock.advance(begins.since(house.clock.now()));
    let key = std::fs::read_to_string(key).unwrap();
    let body = serde_json::json!({"id": "old", "role": "issuing", "key_pem": key, "chain_pem": pem});
    house.post(&format!("{CAS}/import"), &body.to_string()).await;
    house.post(&format!("{CAS}/import/old/activate"), "{}").await;

    let next = house.prepare("old").await;
    assert_eq!(
        (&next["id"], &next["role"], &next["parent"]),
        (&"old-g2".into(), &"issuing".into(), &serde_json::Value::Null)
    );
    let (old, new) = (house.pem("old").await, next["pem"].as_str().unwrap());
    let subject = |pem: &str| Certificate::read(pem.as_bytes()).unwrap().subject().der().to_vec();
    assert_eq!(subject(&old), subject(new));
    for (name, root, leaf) in [("old-g2.by-old", &old[..], new), ("old.by-old-g2", new, &old[..])] {
        let (status, cross) = house.get(&format!("/ca/{name}.crt")).await;
        assert_eq!(status, 200, "{name}");
        let root = house.file("root.pem", root.as_bytes());
        house.judge(&cross, &["-CAfile", root.to_str().unwrap()]).unwrap();
        assert_eq!(
            Certificate::from_der(&cross).unwrap().spki(),
            Certificate::read(leaf.as_bytes()).unwrap().spki()
        );
    }
    house.activate("old").await;
    assert_eq!(house.ca("old").await["state"], "retiring");
}
