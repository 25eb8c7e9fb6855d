//! What comes to the TFTP port, the names that are asked for there, and syslog with alarms of phones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::device::alarm::syslog;
use signet::device::fetch::Wanted;
use signet::server::tftp::packet::{Packet, agreed};

fuzz_target!(|data: &[u8]| {
    if let Ok(Packet::Read(request)) = Packet::read(data) {
        assert!(request.block_size.is_none_or(|size| (8..=1428).contains(&size)));
        if let Some(options) = agreed(&request, data.len()) {
            assert!(options.len() <= 64 && options.starts_with(&[0, 6]));
        }
        name(&request.name);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        name(text);
    }
    if let Some(report) = syslog::read(data) {
        assert!((1..=9).contains(&report.alarm.code()));
    }
});

/// Whatever is a name stays in its folder.
fn name(text: &str) {
    if let Some(wanted) = Wanted::parse(text) {
        assert!(!text.contains(['/', '\\', '\0']) && !text.starts_with('.') && text.is_ascii(), "{wanted:?}");
    }
}
