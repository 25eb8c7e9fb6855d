//! What a phone is refused that speaks CAPF: it is told a number, the log and the audit say this.

use super::Side::{Ca, Device, Network, Operator};
use super::Stage::{Authorization, Issue, Message, Request};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "unknown-device",
        "",
        Authorization,
        "A device came to CAPF whose name is not in the inventory.",
        &[
            (
                Operator,
                "Add it: `signet device set NAME`, or import a list with `signet device import FILE.csv`.",
            ),
            (Network, "If many names are tried from {address}, find out who that is."),
        ],
    ),
    entry(
        "string-refused",
        "",
        Authorization,
        "The authentication string is not that of the device's operation.",
        &[
            (Device, "Enter the string again, all its digits."),
            (
                Operator,
                "If it is lost, set the operation anew: `signet device set NAME --operation install`.",
            ),
        ],
    ),
    entry(
        "device-locked",
        "",
        Authorization,
        "Wrong authentication strings came for this device, too many of them: {rule}.",
        &[
            (Network, "Find out who tries strings: `signet device history NAME` shows the addresses."),
            (Operator, "`signet device unlock NAME` lets strings be looked at again."),
        ],
    ),
    entry(
        "capf-mode",
        "",
        Authorization,
        "The device proves itself by other means than its operation asks for: a string where a certificate is \
         asked for, or the other way round.",
        &[
            (
                Operator,
                "Set the operation with the authentication that the device has: string, existing-lsc, existing-mic.",
            ),
            (Device, "Or enter the authentication string on the phone."),
        ],
    ),
    entry(
        "null-string-refused",
        "",
        Authorization,
        "The operation asks for no proof, and the device's profile does not allow that: {rule}.",
        &[
            (Operator, "Set the operation with an authentication string, or by existing certificate."),
            (
                Operator,
                "Or allow it: `null_string = true` in [capf] of the profile, then `signet profile reload`.",
            ),
        ],
    ),
    entry(
        "capf-proof",
        "",
        Authorization,
        "The certificate that the device shows does not prove that it is this device: {rule}.",
        &[
            (
                Operator,
                "For a MIC, put the manufacturer's CA into policies/manufacturing-roots and run `signet profile reload`.",
            ),
            (Operator, "Or let the device prove itself by an authentication string."),
        ],
    ),
    entry(
        "operation-late",
        "",
        Authorization,
        "The device came after the deadline of its operation.",
        &[(Operator, "Set the operation anew, with a later deadline.")],
    ),
    entry(
        "operation-changed",
        "",
        Authorization,
        "The device's operation was changed while the device was being served.",
        &[(Device, "Nothing: it comes again by itself, for the operation that stands now.")],
    ),
    entry(
        "capf-busy",
        "",
        Authorization,
        "Another session of the same device is open.",
        &[
            (Device, "Nothing: it tries again after half a minute."),
            (Network, "If that is not the phone itself, somebody else has its authentication string."),
        ],
    ),
    entry(
        "capf-cut",
        "",
        Message,
        "The connection broke before the conversation had ended.",
        &[
            (Device, "Nothing: it comes again, and goes on where it was."),
            (
                Network,
                "If it happens again and again, look at firewalls and proxies on the way to the CAPF port.",
            ),
        ],
    ),
    entry(
        "capf-late",
        "",
        Message,
        "The device said nothing whole in the time that it has.",
        &[(Device, "Nothing: it comes again. If it never ends, restart the phone.")],
    ),
    entry(
        "capf-key-late",
        "",
        Request,
        "The device took too long to make its key: {rule}.",
        &[
            (Device, "Nothing: it comes again."),
            (
                Operator,
                "Old phones take a minute for RSA-2048 and longer for more: ask for a smaller key, or P-256.",
            ),
        ],
    ),
    entry(
        "capf-no-key",
        "",
        Request,
        "The device could not make the key: {rule}.",
        &[(
            Operator,
            "Ask for another type or size of key: `signet device set NAME --operation install --key rsa-2048`.",
        )],
    ),
    entry(
        "capf-no-ec",
        "",
        Request,
        "The device makes RSA keys alone, and its operation asks for an EC key.",
        &[(Operator, "Allow an RSA key too: `--key p-256/rsa-2048` is EC preferred, with RSA as backup.")],
    ),
    entry(
        "capf-not-stored",
        "",
        Issue,
        "The device got its certificate and does not keep it: {rule}.",
        &[
            (Device, "Restart the phone: it comes again, and gets the same certificate for the same key."),
            (Ca, "Phones keep what they trust: the CAPF certificate must stand in their CTL or ITL."),
        ],
    ),
    entry(
        "capf-not-shown",
        "",
        Request,
        "The device was asked for its certificate and shows none: {rule}.",
        &[(Operator, "Install one: `signet device set NAME --operation install`.")],
    ),
    entry(
        "capf-shown",
        "",
        Request,
        "The device shows a certificate that is not accepted as its own: {rule}.",
        &[(Operator, "Install another: `signet device set NAME --operation install`.")],
    ),
    entry(
        "capf-not-deleted",
        "",
        Request,
        "The device was told to delete its certificate and did not: {rule}.",
        &[(Device, "Nothing: it is told again when it comes again. If it never does, reset the phone.")],
    ),
];
