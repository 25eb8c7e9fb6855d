//! Keys that nobody may have, and keys and names that are taken.

use super::Side::{Device, Operator};
use super::Stage::{Policy, Request};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "bad-csr",
        "RSA key below 2048 bits",
        Request,
        "The RSA key is shorter than 2048 bits.",
        &[
            (Device, "Make a new RSA key of 2048 bits or more."),
            (
                Operator,
                "Devices that can make 1024 bits alone need \"rsa-1024\" in `keys` of a SCEP profile like \
                policies/profiles/legacy.toml, in a program built with feature legacy.",
            ),
        ],
    ),
    entry(
        "bad-csr",
        "RSA key above 8192 bits",
        Request,
        "The RSA key is longer than 8192 bits.",
        &[(Device, "Make a new RSA key of at most 8192 bits.")],
    ),
    entry(
        "bad-csr",
        "RSA exponent not allowed",
        Request,
        "The RSA key's public exponent is not an odd number from 65537 to 2^33.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "invalid RSA modulus",
        Request,
        "The RSA key's modulus is no product of two large primes.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "close-prime RSA modulus",
        Request,
        "The RSA key can be factored: its primes lie close together.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "invalid EC point",
        Request,
        "The EC key is no point of its curve.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "curve not allowed",
        Request,
        "The EC key lies on a curve that is not allowed, or does not name its curve.",
        &[(Device, "Make a new key on P-256, P-384 or P-521.")],
    ),
    entry(
        "bad-csr",
        "key type not allowed",
        Request,
        "The key is neither RSA nor EC.",
        &[(Device, "Make a new RSA or EC key.")],
    ),
    entry(
        "bad-csr",
        "Debian weak key",
        Policy,
        "The key is on a list of keys that others know (policies/blocked-keys).",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "key compromised",
        Policy,
        "The key was reported as compromised: it serves nobody again.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "key reserved",
        Policy,
        "The key is one of this authority's own.",
        &[(Device, "Make a key of the device's own: a copied key is nobody's.")],
    ),
    entry(
        "bad-csr",
        "key in use",
        Policy,
        "A valid certificate of another identity has this key; a key stands for one identity \
                at a time.",
        &[
            (Device, "Make a new key; devices that were cloned share theirs."),
            (
                Operator,
                "If the device was renamed, revoke its former certificate: `signet cert list --device \
                NAME`, then `signet cert revoke SERIAL --reason superseded`.",
            ),
        ],
    ),
    entry(
        "bad-csr",
        "reserved name",
        Policy,
        "The name is one of this authority's own: a CA's, or of its own servers.",
        &[
            (Device, "Ask for another name."),
            (Operator, "Reserved names stand in the internal profiles (policies/profiles/signet-tls.toml)."),
        ],
    ),
];
