//! What is not the requester's fault.

use super::Side::{Ca, Device, Network, Operator};
use super::Stage::{Issue, Service};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "ca-expires",
        "",
        Issue,
        "The CA expires too soon to issue from it: {rule}.",
        &[
            (Ca, "Make its successor (`signet ca create`)."),
            (
                Operator,
                "Name the successor as `ca` in policies/profiles/{profile}.toml and run `signet \
                profile reload`.",
            ),
        ],
    ),
    entry(
        "ca-not-ready",
        "",
        Issue,
        "The CA cannot sign now: {rule}.",
        &[
            (Ca, "`signet ca show {ca}` says what is missing: its certificate, or its key."),
            (Device, "Ask again when it is ready."),
        ],
    ),
    entry(
        "token-not-ready",
        "",
        Issue,
        "The CA's key lies in a token that cannot be used now: {rule}.",
        &[
            (
                Ca,
                "Bring the token back, or mend its PIN; `signet health` says why. It is found again by itself.",
            ),
            (Device, "Ask again when it is back."),
        ],
    ),
    entry(
        "token-refused",
        "",
        Issue,
        "The token with the CA's key does not sign: {rule}.",
        &[(
            Ca,
            "Look whether the token allows its user RSA (CKM_RSA_PKCS) or ECDSA signatures with this key.",
        )],
    ),
    entry(
        "ca-revoked",
        "",
        Issue,
        "The CA was revoked, or one above it: {rule}.",
        &[
            (
                Operator,
                "Name another CA as `ca` in policies/profiles/{profile}.toml and run `signet profile reload`.",
            ),
            (Device, "Take the new CA's certificate into its trust store, and enrol anew."),
        ],
    ),
    entry(
        "not-after-passed",
        "",
        Issue,
        "The end of validity that was asked for lies in the past.",
        &[(Device, "Ask for a later end, or for none."), (Network, "Set the clock of the client (NTP).")],
    ),
    entry(
        "lint",
        "",
        Issue,
        "The certificate would break a rule of X.509, so it was not signed: {rule}.",
        &[
            (Operator, "Correct the profile {profile}: its subject, names and usage lead to this."),
            (Device, "Or ask for a subject and names within the rules."),
        ],
    ),
    entry(
        "digest-not-supported",
        "",
        Issue,
        "The CA's key does not sign with the digest that the profile {profile} names.",
        &[(
            Operator,
            "Remove `digest` from policies/profiles/{profile}.toml, or name the digest of the \
                CA's curve, and run `signet profile reload`.",
        )],
    ),
    entry(
        "serial-taken",
        "",
        Issue,
        "The serial number that was drawn is taken.",
        &[(Device, "Ask again: another is drawn.")],
    ),
    entry(
        "ra-not-ready",
        "",
        Service,
        "The registration authority of the CA has no certificate yet.",
        &[(Ca, "It is made within seconds; if not, the log says why (`/readyz`)."), (Device, "Ask again.")],
    ),
    entry(
        "busy",
        "",
        Service,
        "The authority has more work than it can take: {rule}.",
        &[
            (Device, "Ask again after the seconds in Retry-After."),
            (Ca, "If this lasts, give it more cores, or spread the devices' renewals."),
        ],
    ),
    entry(
        "storage",
        "",
        Service,
        "The store cannot read or write now.",
        &[
            (
                Ca,
                "Make room on its disk, or mend it; the log says which. Nothing was acknowledged that \
                is not stored.",
            ),
            (Device, "Ask again."),
        ],
    ),
    entry(
        "internal",
        "",
        Service,
        "A fault of the service; its log says more.",
        &[(Ca, "Look into the log, and report the fault."), (Device, "Ask again.")],
    ),
    entry(
        "damaged-file",
        "",
        Service,
        "A key file of the authority is damaged: {rule}.",
        &[(Ca, "Restore the file from the backup.")],
    ),
    entry(
        "key-not-present",
        "",
        Service,
        "The private key is not present: {rule}.",
        &[(Ca, "Bring the key back, or make a successor to the CA.")],
    ),
    entry(
        "key-not-rsa",
        "",
        Service,
        "SCEP needs an RSA key of its registration authority: {rule}.",
        &[(Ca, "Let the profile scep-ra allow RSA keys.")],
    ),
    entry(
        "unreachable",
        "",
        Service,
        "Another service did not answer: {rule}.",
        &[(Network, "Look whether it can be reached from this server."), (Device, "Ask again.")],
    ),
    entry(
        "scep-crl",
        "",
        Service,
        "The CRL that was asked for is too large for an answer over SCEP: {rule}.",
        &[(Device, "Fetch it by HTTP: /crl/{ca}.crl.")],
    ),
];
