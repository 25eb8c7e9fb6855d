//! What a RADIUS server (or whoever pretends to be one) sends: never believed without its authenticators.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::enrol::source::radius::reply::Unverified;
use signet::enrol::source::radius::request::{AccessRequest, Sent};
use signet::random::Random;

const SECRET: &[u8] = b"a secret that the fuzzer does not know";

fuzz_target!(|data: &[u8]| {
    let Ok(unverified) = Unverified::read(data) else { return };
    let _ = unverified.says();
    let request = AccessRequest { user: "gw1", password: "x", nas_identifier: "signet", station: None };
    let sent = request.write(SECRET, &Random::system()).expect("it fits");
    assert!(unverified.verify(&Sent { id: data[1], ..sent }, SECRET).is_err());
});
