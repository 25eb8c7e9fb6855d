//! What a profile's rules refuse.

use super::Side::{Device, Operator};
use super::{Entry, Stage, entry};

pub(super) const SUBJECT_FORBIDDEN: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The request asks for {attribute}={value} in the subject; the profile {profile} \
                forbids {attribute}: what it does not name is not written. It names {allowed}.",
    &[
        (Device, "Remove {attribute} from the subject that the device asks for."),
        (
            Operator,
            "Or allow it: add `{attribute} = { from = \"request\" }` under [subject] in \
                policies/profiles/{profile}.toml and run `signet profile reload`.",
        ),
        (
            Operator,
            "Or write a value of your own whatever is asked: `{attribute} = { from = \"fixed\", \
                value = \"…\" }`.",
        ),
    ],
);
pub(super) const SUBJECT_REQUIRED: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The subject that was asked for, {subject}, has no {attribute}; the profile {profile} \
                requires one.",
    &[
        (Device, "Set {attribute} in the subject on the device."),
        (
            Operator,
            "Or drop `required = true` from {attribute} under [subject] in \
                policies/profiles/{profile}.toml, or give it a fixed value, and run `signet profile \
                reload`.",
        ),
    ],
);
pub(super) const SUBJECT_REPEATED: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The subject names {attribute} too often; {allowed} may stand there (a second CN \
                would make it ambiguous whom the certificate names).",
    &[(Device, "Ask for a subject that names {attribute} once, or no more often than allowed.")],
);
pub(super) const SUBJECT_PATTERN: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "{attribute}={value} does not fit what the profile {profile} allows there: {allowed}. \
                A pattern matches the whole value, and upper and lower case differ.",
    &[
        (Device, "Set {attribute} to a value that fits."),
        (
            Operator,
            "Or change the patterns of {attribute} under [subject] in \
                policies/profiles/{profile}.toml and run `signet profile reload`.",
        ),
    ],
);
pub(super) const SAN_TYPE: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The request asks for the alternative name {value}; the profile {profile} allows \
                names of these sorts: {allowed}.",
    &[
        (Device, "Remove that name from the request."),
        (
            Operator,
            "Or add its sort to `allow` under [san] in policies/profiles/{profile}.toml and run \
                `signet profile reload`.",
        ),
    ],
);
pub(super) const SAN_WILDCARD: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The request asks for the wildcard {value}; the profile {profile} allows none.",
    &[
        (Device, "Ask for each host by its name."),
        (Operator, "Or set `wildcard = true` under [san] in a profile for servers that may have one."),
    ],
);
pub(super) const SAN_PATTERN: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The alternative name {value} fits none of the profile {profile}'s patterns: \
                {allowed}.",
    &[
        (Device, "Ask for a name that fits."),
        (
            Operator,
            "Or change [san.patterns] in policies/profiles/{profile}.toml and run `signet profile \
                reload`.",
        ),
    ],
);
pub(super) const SAN_COUNT: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The request leads to {value} alternative names; the profile {profile} allows \
                {allowed}.",
    &[
        (Device, "Ask for that many names (a server certificate needs at least one)."),
        (
            Operator,
            "Or change `min` and `max`, or set `add_cn = true`, under [san] in \
                policies/profiles/{profile}.toml and run `signet profile reload`.",
        ),
    ],
);
pub(super) const COMMON_NAME_AMONG: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The CN {value} is none of the alternative names ({allowed}); the profile {profile} \
                wants it among them, because clients look at those names alone.",
    &[
        (Device, "Add the CN to the alternative names, or leave the CN out."),
        (
            Operator,
            "Or drop `cn_among = true` under [san] in policies/profiles/{profile}.toml and run \
                `signet profile reload`.",
        ),
    ],
);
pub(super) const KEY: Entry = entry(
    "bad-csr",
    "",
    Stage::Policy,
    "The request is for a key of the type {value}; the profile {profile} allows \
                {allowed}.",
    &[
        (Device, "Make a new key of an allowed type and size."),
        (
            Operator,
            "Or add the type to `keys` in policies/profiles/{profile}.toml and run `signet \
                profile reload`.",
        ),
    ],
);
pub(super) const EXPRESSION: Entry = entry(
    "policy",
    "",
    Stage::Policy,
    "A rule of the profile {profile} does not hold: {part}. The rule is `{allowed}`.",
    &[
        (Device, "Ask for what the rule allows."),
        (
            Operator,
            "Or change the rule under [[rules]] in policies/profiles/{profile}.toml and run \
                `signet profile reload`.",
        ),
    ],
);
