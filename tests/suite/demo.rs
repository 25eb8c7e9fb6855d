//! `signet up --demo`: phones that enrol while one watches.

use serde_json::Value;

use crate::serve::Home;

#[test]
fn the_phones_of_a_demo_take_lists_certificate_and_configuration() {
    let home = Home::new();
    let phones =
        ["--capf", "--tvs", "--phone-http", "--syslog-in"].map(|flag| [flag, "127.0.0.1:0"]).concat();
    let _server = home.demo(&[&["--phones", "3"], &phones[..]].concat());
    home.wait_for_log("all 3 phones of the demo were switched on");
    let said = home.log();
    assert_eq!(said.matches("lists, certificate and configuration taken").count(), 3, "{said}");

    let (code, out, said) = home.run(&["device", "list", "--output", "json"]);
    assert_eq!(code, 0, "{said}");
    let devices: Value = serde_json::from_str(&out).unwrap();
    let devices = devices["items"].as_array().unwrap();
    assert_eq!(devices.len(), 3, "{devices:?}");
    for device in devices {
        assert_eq!(
            (&device["state"], &device["lsc"]["key"]),
            (&"installed".into(), &"p-256".into()),
            "{device}"
        );
    }
}
