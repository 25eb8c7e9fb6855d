//! PKCS#10 requests that no profile could take.

use super::Side::{Ca, Device, Operator};
use super::Stage::Request;
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "bad-csr",
        "",
        Request,
        "The request is not one that can be certified: {rule}.",
        &[(Device, "Make the request anew, as the rule says.")],
    ),
    entry(
        "bad-csr",
        "not a PKCS#10 request",
        Request,
        "What came is not a PKCS#10 certificate request.",
        &[(Device, "Send one request, as DER, base64 or PEM (BEGIN CERTIFICATE REQUEST).")],
    ),
    entry(
        "bad-csr",
        "unsupported CSR version",
        Request,
        "The request's version is not 0 (v1).",
        &[(
            Device,
            "Make the request with current software, or send it by SCEP, where other versions are \
                read.",
        )],
    ),
    entry(
        "bad-csr",
        "proof of possession failed",
        Request,
        "The request is not signed by the key that it is for, or was changed since.",
        &[(Device, "Make the request anew, signed by its own key, and send it byte for byte.")],
    ),
    entry(
        "bad-csr",
        "signature algorithm",
        Request,
        "The request is signed by an algorithm that is not allowed: {rule}.",
        &[
            (Device, "Sign the request with SHA-256 or better, by an algorithm that fits its key."),
            (Operator, "Clients that know SHA-1 alone need a profile like policies/profiles/legacy.toml."),
        ],
    ),
    entry(
        "bad-csr",
        "no identity",
        Request,
        "The request names nobody: neither a subject nor an alternative name.",
        &[(Device, "Set a subject (at least a CN), or an alternative name.")],
    ),
    entry(
        "bad-csr",
        "control or invisible character",
        Request,
        "The subject holds a control or invisible character, which would make a name look \
                like another.",
        &[(Device, "Type the subject anew instead of copying it.")],
    ),
    entry(
        "bad-csr",
        "string type of an attribute",
        Request,
        "A value of the subject has a string type that is not allowed, or octets that do not \
                fit its type.",
        &[(Device, "Write names as UTF8String or PrintableString.")],
    ),
    entry(
        "bad-csr",
        "malformed name",
        Request,
        "The subject cannot be read.",
        &[(Device, "Make the request with current software.")],
    ),
    entry(
        "bad-csr",
        "the name ",
        Request,
        "The subject is larger than a name may be: {rule}.",
        &[(Device, "Ask for a shorter subject.")],
    ),
    entry(
        "bad-csr",
        "invalid UTF-8",
        Request,
        "The subject is not valid UTF-8: {rule}.",
        &[(Device, "Write the subject in UTF-8.")],
    ),
    entry(
        "bad-csr",
        "invalid BMPString",
        Request,
        "The subject is not valid: {rule}.",
        &[(Device, "Write the subject in UTF-8.")],
    ),
    entry(
        "bad-csr",
        "malformed OID",
        Request,
        "An object identifier in the request cannot be read.",
        &[(Device, "Make the request with current software.")],
    ),
    entry(
        "bad-csr",
        "malformed SPKI",
        Request,
        "The public key in the request cannot be read.",
        &[(Device, "Make a new key with current software, and a new request for it.")],
    ),
    entry(
        "bad-csr",
        "malformed extension",
        Request,
        "An extension that the request asks for cannot be read.",
        &[(
            Device,
            "Correct the extensions in the client's configuration, or leave them out: the profile \
                {profile} decides on usage.",
        )],
    ),
    entry(
        "bad-csr",
        "malformed SAN extension",
        Request,
        "The alternative names cannot be read.",
        &[(Device, "Correct the alternative names in the client's configuration.")],
    ),
    entry(
        "bad-csr",
        "malformed DNS name",
        Request,
        "An alternative name is no DNS name: labels of letters, digits and hyphens, at most \
                63 each and 253 in all.",
        &[(Device, "Correct the DNS name; spaces, underscores at the edges and empty labels are none.")],
    ),
    entry(
        "bad-csr",
        "malformed IP address",
        Request,
        "An IP address among the alternative names has another length than 4 or 16 octets.",
        &[(Device, "Write the address as an IP address, not as text.")],
    ),
    entry(
        "bad-csr",
        "IP address in DNS name",
        Request,
        "An IP address stands among the DNS names.",
        &[(Device, "Ask for it as an IP address (IP:10.0.0.1), not as a DNS name.")],
    ),
    entry(
        "bad-csr",
        "bad email SAN",
        Request,
        "An alternative name is no e-mail address.",
        &[(Device, "Correct the address: name@domain, in ASCII.")],
    ),
    entry(
        "bad-csr",
        "bad URI SAN",
        Request,
        "An alternative name is no absolute URI.",
        &[(Device, "Correct the URI: scheme://host/path, in ASCII.")],
    ),
    entry(
        "bad-csr",
        "invalid or confusable IDN",
        Request,
        "A DNS name holds an internationalized label that is invalid, or that looks like \
                another.",
        &[(
            Device,
            "Ask for the name in its A-label form (xn--…) as its registry writes it, or for one \
                in ASCII.",
        )],
    ),
    entry(
        "bad-csr",
        "wildcard not allowed here",
        Request,
        "A wildcard stands where there may be none: only a whole left-most label may be one \
                (*.example.com).",
        &[(Device, "Ask for *.DOMAIN with at least two labels after it, or for the names themselves.")],
    ),
    entry(
        "bad-csr",
        "SAN count out of range",
        Request,
        "The request holds no alternative name in its extension, or too many.",
        &[(Device, "Leave the extension out if it is empty; ask for fewer names in one certificate.")],
    ),
    entry(
        "bad-csr",
        "SAN type not allowed",
        Request,
        "An alternative name is of a sort that is never certified here.",
        &[(Device, "Ask for DNS names, IP addresses, e-mail addresses or URIs.")],
    ),
    entry(
        "bad-csr",
        "CA certificate not permitted",
        Request,
        "The request asks for a CA certificate (basicConstraints CA:TRUE).",
        &[
            (Device, "Leave basicConstraints out of the request."),
            (Ca, "Subordinate CAs are made by `signet ca create`."),
        ],
    ),
    entry(
        "bad-csr",
        "key usage not permitted",
        Request,
        "The request asks for a key usage of CAs (keyCertSign, cRLSign).",
        &[(Device, "Leave keyUsage out: the profile {profile} sets it.")],
    ),
    entry(
        "bad-csr",
        "EKU not permitted",
        Request,
        "The request asks for an extended key usage that is never given on request.",
        &[(Device, "Leave extendedKeyUsage out: the profile {profile} sets it.")],
    ),
    entry(
        "bad-csr",
        "unsupported critical extension",
        Request,
        "The request marks an extension as critical that is not known here.",
        &[(Device, "Leave the extension out, or do not mark it critical.")],
    ),
    entry(
        "bad-csr",
        "conflicting extension requests",
        Request,
        "The request asks for extensions twice, with different content.",
        &[(Device, "Ask for each extension once.")],
    ),
    entry(
        "bad-csr",
        "duplicate attribute",
        Request,
        "An attribute of the request stands twice.",
        &[(Device, "Make the request with each attribute once.")],
    ),
    entry(
        "bad-csr",
        "more than 64 attributes",
        Request,
        "The request has more attributes than anybody needs.",
        &[(Device, "Make the request with fewer attributes.")],
    ),
    entry(
        "bad-csr",
        "challengePassword must be single-valued",
        Request,
        "The request holds more than one challenge password.",
        &[(Device, "Set one challenge.")],
    ),
    entry(
        "bad-csr",
        "challengePassword over 255 characters",
        Request,
        "The challenge password is longer than 255 characters.",
        &[(Device, "Set the challenge as it was printed.")],
    ),
    entry(
        "bad-csr",
        "challengePassword:",
        Request,
        "The challenge password is of a string type that cannot be read: {rule}.",
        &[(Device, "Write the challenge as PrintableString or UTF8String.")],
    ),
    entry(
        "bad-csr",
        "an alternative name is written as",
        Request,
        "An alternative name is none that can be read: {rule}.",
        &[(Device, "Write it with its sort before it, as dns:host.example or ip:10.0.0.1.")],
    ),
    entry(
        "private-key-not-accepted",
        "",
        Request,
        "A private key was sent along; it was not kept.",
        &[
            (Device, "Send the request or certificate alone."),
            (Operator, "A key that left its device is no secret any more: make a new one."),
        ],
    ),
];
