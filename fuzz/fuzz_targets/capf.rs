//! What a phone sends by CAPF: a header, then elements; whatever is read of it can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::enrol::capf::frame::{HEADER_LEN, Header, MAX_BODY};
use signet::enrol::capf::message::FromDevice;

fuzz_target!(|data: &[u8]| {
    let Some((head, body)) = data.split_first_chunk::<HEADER_LEN>() else { return };
    let Ok(header) = Header::read(*head) else { return };
    assert!(header.body_len() <= MAX_BODY);
    let Ok(command) = header.command() else { return };
    match FromDevice::read(command, body) {
        Ok(message) => assert!(!format!("{message:?}").chars().any(char::is_control)),
        Err(refused) => assert_eq!(refused.code(), "capf-message"),
    }
});
