//! What a device is refused that came for an operation, and what is wrong with what is said of one.

use super::Side::{Device, Operator};
use super::Stage::{Authorization, Request};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "operation-refused",
        "",
        Authorization,
        "The device came to CAPF, and its operation does not allow the certificate: {rule}.",
        &[
            (
                Operator,
                "`signet device show NAME` says what is pending; set a new operation with `signet device set \
                NAME --operation install`.",
            ),
            (Device, "Nothing: it comes again by itself."),
        ],
    ),
    entry(
        "issuer-offline",
        "",
        Request,
        "The certificates of the profile {profile} are signed by a CA elsewhere, which is offline; Signet issues none by it.",
        &[
            (
                Operator,
                "Let the device come by CAPF, then carry its request there: `signet device requests export DIR`.",
            ),
            (
                Operator,
                "Or name another profile, or take `[offline]` out of policies/profiles/{profile}.toml.",
            ),
        ],
    ),
    entry(
        "invalid-device-name",
        "",
        Request,
        "The name is none that a device can have: {rule}.",
        &[(
            Operator,
            "Write it as call control does: SEP and the twelve digits of the MAC address, CSF and a name.",
        )],
    ),
];
