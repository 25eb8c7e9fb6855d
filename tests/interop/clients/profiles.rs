//! The profiles that the clients are tried with, made of the shipped ones as an operator would.

use crate::server::{Server, read, run};

/// By challenge, AES and SHA-2: as shipped.
pub const CHALLENGE: &str = "scep-device";
/// By an operator.
pub const MANUAL: &str = "scep-manual";
/// With one RA certificate to sign and one to decrypt, as PyScep wants it.
pub const SPLIT: &str = "scep-split";
/// The same by an operator.
pub const SPLIT_MANUAL: &str = "scep-split-manual";
/// For old devices: single DES too.
pub const OLD: &str = "legacy";
/// The same by an operator.
pub const OLD_MANUAL: &str = "legacy-manual";
/// For old devices whose keys have 1024 bits.
pub const OLD_KEYS: &str = "legacy-keys";

/// Writes them and puts them in force; returns when each is served.
pub fn write(server: &Server) {
    let manual = ("approval = \"challenge\"", "approval = \"manual\"");
    let split = ("ra_mode = \"single\"", "ra_mode = \"split\"");
    let single_des = ("\"des3-cbc\"]", "\"des3-cbc\", \"des-cbc\"]");
    let old_keys = ("keys = [", "keys = [\"rsa-1024\", ");
    let enabled = ("enabled = false", "enabled = true");
    for (name, of, changes) in [
        (MANUAL, CHALLENGE, &[manual][..]),
        (SPLIT, CHALLENGE, &[split]),
        (SPLIT_MANUAL, CHALLENGE, &[split, manual]),
        (OLD_MANUAL, OLD, &[enabled, single_des, manual]),
        (OLD_KEYS, OLD, &[enabled, single_des, old_keys]),
        (OLD, OLD, &[enabled, single_des]),
    ] {
        let path = |name: &str| server.data().join(format!("policies/profiles/{name}.toml"));
        let mut text = read(path(of));
        for (from, to) in changes {
            assert!(text.contains(from), "{of} has no {from}");
            text = text.replace(from, to);
        }
        std::fs::write(path(name), text).unwrap();
    }
    server.signet(&["profile", "reload"]).ok();
    for name in [MANUAL, SPLIT, SPLIT_MANUAL, OLD_MANUAL, OLD_KEYS, OLD] {
        let url = server.url(&format!("/scep/{name}?operation=GetCACert"));
        run(
            "curl",
            &["-sf", "--retry", "60", "--retry-delay", "1", "--retry-all-errors", "-o", "/dev/null", &url],
        )
        .ok();
    }
}
