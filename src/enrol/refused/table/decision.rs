//! What speaks for a requester and does not suffice, and what else the decision refuses.

use super::Side::{Ca, Device, Network, Operator};
use super::Stage::{Authorization, Policy, Request};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "challenge-required",
        "",
        Authorization,
        "The request came without a challenge, and the profile {profile} asks for one: \
                nothing else speaks for the requester.",
        &[
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
            (Device, "Set the challenge on the device and enrol again."),
            (
                Operator,
                "Or let an operator decide each request: `approval = \"manual\"` in \
                policies/profiles/{profile}.toml.",
            ),
        ],
    ),
    entry(
        "challenge-refused",
        "challenge not valid for this identity",
        Authorization,
        "The challenge exists, but it was made for another subject or other names than \
                {subject}.",
        &[
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
            (
                Device,
                "Or ask for exactly the subject and names that the challenge was made for; the order \
                of the parts counts.",
            ),
        ],
    ),
    entry(
        "challenge-refused",
        "",
        Authorization,
        "The challenge is unknown, expired, used, withdrawn, or made for another profile than \
                {profile}. Which of these is not told, so that nobody can try challenges out.",
        &[
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
            (Device, "Set the new challenge exactly as it was printed, and enrol once."),
            (Operator, "`signet challenge list` shows which were used, and when the others expire."),
        ],
    ),
    entry(
        "challenge-source-busy",
        "",
        Authorization,
        "The webhook, RADIUS server or shared secret of {profile} is judging as many challenges as it may at once. \
                Nothing was counted against the device.",
        &[(Device, "Enrol again in a moment; most clients do so by themselves.")],
    ),
    entry(
        "challenge-source-unavailable",
        "",
        Authorization,
        "Whoever judges the challenges of {profile} said neither yes nor no. Nothing was counted against the device.",
        &[
            (
                Operator,
                "`signet health` says since when and why: the address, the server, its secret or its certificate. \
                Then `signet profile reload` if the profile was changed.",
            ),
            (Device, "Enrol again when that is mended."),
        ],
    ),
    entry(
        "challenge-not-asked",
        "",
        Authorization,
        "Subject, names and key would do. Whether the challenge is right is for a webhook or a RADIUS server to say, \
                and a replay asks neither: their passwords may work only once.",
        &[(Operator, "Look into the log of that server, or have the device enrol again.")],
    ),
    entry(
        "renewal-refused",
        "renewal signer is not a certificate of this CA",
        Authorization,
        "The message is signed as a renewal, but by a certificate that this authority did not \
                issue.",
        &[
            (Device, "Sign the renewal with the certificate that this authority issued to the device."),
            (Device, "Or enrol anew, with a challenge."),
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "profile mismatch",
        Authorization,
        "The certificate to be renewed was issued by another profile than {profile}.",
        &[
            (Device, "Renew at the URL of the profile that issued the certificate."),
            (Device, "Or enrol anew by this profile, with a challenge."),
        ],
    ),
    entry(
        "renewal-refused",
        "renewal signer is expired or revoked",
        Authorization,
        "The certificate to be renewed is expired or revoked: it no longer speaks for the \
                device.",
        &[
            (Device, "Enrol anew, with a challenge."),
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
            (
                Operator,
                "Let devices renew earlier: `from` under [renewal] in \
                policies/profiles/{profile}.toml.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "identity change",
        Authorization,
        "The renewal asks for another subject or other names than the certificate has.",
        &[
            (Device, "Renew for the same subject and names."),
            (
                Operator,
                "If the device has a new name, make a challenge for it: a new name is a new \
                enrolment.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "renewal is not due",
        Authorization,
        "It is too early: {rule}.",
        &[
            (Device, "Renew later."),
            (
                Operator,
                "Or set `early = true`, or an earlier `due`, under [renewal] in \
                policies/profiles/{profile}.toml and run `signet profile reload`.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "the profile wants a new key",
        Authorization,
        "The renewal keeps its key, and the profile {profile} wants a new one.",
        &[
            (Device, "Let the device make a new key for its renewal."),
            (
                Operator,
                "Or set `key_reuse = true` under [renewal] in policies/profiles/{profile}.toml and \
                run `signet profile reload`.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "the renewal signer's key was reported",
        Authorization,
        "The key that signed the renewal was reported as compromised: whoever else has it \
                could renew too.",
        &[
            (Device, "Enrol anew, with a new key and a challenge."),
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
        ],
    ),
    entry(
        "renewal-refused",
        "",
        Authorization,
        "The certificate that signed does not speak for this renewal: {rule}.",
        &[
            (Device, "Enrol anew, with a challenge."),
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
        ],
    ),
    entry(
        "throttled",
        "",
        Authorization,
        "Too many wrong attempts came from this key, this address or for this profile: \
                {rule}.",
        &[
            (Device, "Stop the device's retries, set a right challenge, and wait for that long."),
            (
                Network,
                "Devices behind one address ({address}) share its count: look for the one that tries \
                again and again.",
            ),
            (Operator, "`signet audit list --action enrol.lockout` shows who was locked out."),
        ],
    ),
    entry(
        "bad-request",
        "",
        Authorization,
        "The transaction id is in use by another key or another request.",
        &[(Device, "Begin a new transaction (a new id) for a new key.")],
    ),
    entry(
        "request-denied",
        "",
        Authorization,
        "An operator denied this request: {rule}.",
        &[
            (
                Operator,
                "If that was wrong: the device must ask with a new transaction; then `signet request \
                approve ID`.",
            ),
            (Device, "Enrol again with a new key or transaction, once the operator agrees."),
        ],
    ),
    entry(
        "denied",
        "",
        Authorization,
        "An operator denied the request that the client polls for.",
        &[(Operator, "If that was wrong, let the device ask again, and `signet request approve ID`.")],
    ),
    entry(
        "revoked",
        "",
        Authorization,
        "This is a copy of a request whose certificate was revoked: what was revoked does not \
                come back by itself.",
        &[
            (Device, "Make a new key and enrol anew, with a challenge."),
            (
                Operator,
                "Make a new challenge for exactly this device: `signet challenge create --profile \
                {profile} --subject {quoted-subject}{quoted-sans}`.",
            ),
        ],
    ),
    entry(
        "queue-full",
        "",
        Authorization,
        "Too many requests wait for an operator's decision: {rule}.",
        &[
            (Operator, "Decide those that wait: `signet request list --state pending`."),
            (Device, "Stop clients that ask again and again."),
        ],
    ),
    entry(
        "state-conflict",
        "",
        Authorization,
        "Another request or decision was faster, or the thing was decided already: {rule}.",
        &[(Device, "Ask again: the same request gets the same certificate.")],
    ),
    entry(
        "request-changed",
        "",
        Authorization,
        "The kept request is not the one that came in.",
        &[
            (Ca, "Run `signet check` and restore the store from a backup if it finds damage."),
            (Device, "Let the device ask again."),
        ],
    ),
    entry(
        "self-approval",
        "",
        Authorization,
        "Who asked for a certificate does not approve it.",
        &[(Operator, "Let another operator decide.")],
    ),
    entry(
        "invalid-comment",
        "",
        Authorization,
        "A comment is one line of at most 500 characters.",
        &[(Operator, "Write a shorter comment.")],
    ),
    entry(
        "profile-disabled",
        "",
        Policy,
        "The profile {profile} is switched off.",
        &[
            (
                Operator,
                "Set `enabled = true` in policies/profiles/{profile}.toml and run `signet profile \
                reload`.",
            ),
            (Device, "Or ask by another profile: `signet profile list`."),
        ],
    ),
    entry(
        "internal-profile",
        "",
        Policy,
        "The profile {profile} is for this authority's own certificates.",
        &[(Device, "Ask by another profile: `signet profile list`.")],
    ),
    entry(
        "issuer-not-allowed",
        "",
        Policy,
        "The requester named the CA; the profile {profile} names it already.",
        &[(Device, "Leave the issuer out."), (Operator, "Make a profile that names the wanted CA.")],
    ),
    entry(
        "no-challenges",
        "",
        Policy,
        "The profile {profile} takes no challenges.",
        &[(
            Operator,
            "Set `approval = \"challenge\"` in policies/profiles/{profile}.toml, or use another \
                profile.",
        )],
    ),
    entry(
        "bad-identity",
        "",
        Policy,
        "The profile {profile} would not certify what the challenge is for: {rule}.",
        &[(Operator, "Make the challenge for a subject and names that the profile allows.")],
    ),
    entry(
        "out-of-range",
        "",
        Policy,
        "A value is outside its bounds: {rule}.",
        &[(Operator, "Choose a value within them.")],
    ),
    entry(
        "policy",
        "",
        Policy,
        "A rule of the profile {profile} does not hold: {rule}.",
        &[
            (Device, "Ask for what the rule allows."),
            (
                Operator,
                "Or change the rule under [[rules]] in policies/profiles/{profile}.toml and run \
                `signet profile reload`.",
            ),
        ],
    ),
    entry(
        "bad-name",
        "",
        Request,
        "A name cannot be read: {rule}.",
        &[(Device, "Write it as RFC 4514 has it: CN=gateway-7,O=Acme,C=CH.")],
    ),
];
