//! SCEP and CAPF messages that could not be taken: read, believed, opened.

use super::Side::{Ca, Device, Network, Operator};
use super::Stage::{Envelope, Message, Signature};
use super::{Entry, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "bad-ber",
        "",
        Message,
        "What came is not well-formed BER or DER, so nothing in it could be read: {rule}.",
        &[
            (
                Device,
                "Check that the URL is that of SCEP and that the client sends a SCEP message (a \
                PKCS#7).",
            ),
            (
                Network,
                "If other messages of this client are read, something on the way (a proxy) changed or \
                cut this one.",
            ),
        ],
    ),
    entry(
        "bad-cms",
        "",
        Message,
        "The message is no PKCS#7 SignedData as SCEP has it: {rule}.",
        &[(
            Device,
            "Send a SCEP pkiMessage with exactly one signer; a bare PKCS#10 request belongs to \
                the API.",
        )],
    ),
    entry(
        "scep-unreadable",
        "",
        Message,
        "No signed transaction id could be read, so there is nothing to answer to: {rule}.",
        &[(
            Device,
            "The client must sign its attributes, with a transactionID that is a PrintableString \
                of 1 to 255 characters.",
        )],
    ),
    entry(
        "scep-query",
        "",
        Message,
        "The query of the URL could not be read: {rule}.",
        &[(Device, "Use ?operation=PKIOperation, and POST for messages of more than 60 KiB in base64.")],
    ),
    entry(
        "scep-body",
        "",
        Message,
        "The message is larger than 64 KiB.",
        &[(Device, "Send a smaller message: one request, without a long chain.")],
    ),
    entry(
        "body-too-large",
        "",
        Message,
        "The request is larger than 64 KiB.",
        &[(Device, "Send one PKCS#10 request and nothing else.")],
    ),
    entry(
        "cms-attribute",
        "",
        Message,
        "A signed attribute is not as CMS has it: {rule}.",
        &[(Device, "Each signed attribute stands once, with one value.")],
    ),
    entry(
        "scep-message-type",
        "",
        Message,
        "The message type is none that is served (17 RenewalReq, 19 PKCSReq, 20 CertPoll, 21 \
                GetCert, 22 GetCRL): {rule}.",
        &[(
            Device,
            "Use type 19 for an enrolment and 17 or 19 for a renewal. Type 18 (UpdateReq) is \
                obsolete and refused.",
        )],
    ),
    entry(
        "scep-nonce",
        "",
        Message,
        "The senderNonce is missing or has another length than 8 to 16 bytes.",
        &[(Device, "Send a nonce of 16 random bytes.")],
    ),
    entry(
        "scep-content",
        "",
        Message,
        "The content of the message is not what its type needs: {rule}.",
        &[(
            Device,
            "A request for a certificate is an EnvelopedData, with the content type data around \
                it.",
        )],
    ),
    entry(
        "scep-time",
        "",
        Signature,
        "The message says that it was signed more than a day before or after it came.",
        &[
            (Device, "Set the clock of the device (NTP), then enrol again."),
            (
                Network,
                "If many devices are refused so, look at the time server that they use, and at this \
                server's clock.",
            ),
        ],
    ),
    entry(
        "cms-algorithm",
        "digest",
        Signature,
        "The message is digested by an algorithm that the profile {profile} does not allow: \
                {rule}.",
        &[
            (
                Device,
                "Set the client to SHA-256 or better. Many clients choose by GetCACaps: let it ask \
                again.",
            ),
            (
                Operator,
                "Or serve such devices by a profile of their own that lists the digest under [scep] \
                (see policies/profiles/legacy.toml).",
            ),
        ],
    ),
    entry(
        "cms-algorithm",
        "cipher",
        Envelope,
        "The request is encrypted by a cipher that the profile {profile} does not allow: \
                {rule}.",
        &[
            (Device, "Set the client to AES. Many clients choose by GetCACaps: let it ask again."),
            (
                Operator,
                "Or serve such devices by a profile of their own that lists the cipher under [scep] \
                (see policies/profiles/legacy.toml).",
            ),
        ],
    ),
    entry(
        "cms-algorithm",
        "",
        Signature,
        "The message uses an algorithm that is not allowed or not known: {rule}.",
        &[(
            Device,
            "Use RSA with SHA-256 for signatures, RSAES-PKCS1-v1_5 or RSA-OAEP for the content \
                key, and AES-CBC for the content.",
        )],
    ),
    entry(
        "signature-algorithm",
        "",
        Signature,
        "The signature is made by an algorithm that is not allowed: {rule}.",
        &[(Device, "Sign with SHA-256 or better, by an algorithm that fits the key.")],
    ),
    entry(
        "cms-signature",
        "",
        Signature,
        "The signature of the message does not hold, or its signer cannot be told: {rule}.",
        &[
            (
                Device,
                "The client must sign with the key of the certificate that it sends along, and send \
                that certificate.",
            ),
            (Network, "If it did, the message was changed on its way."),
        ],
    ),
    entry(
        "signature-invalid",
        "",
        Signature,
        "A signature does not hold.",
        &[(Device, "Sign with the key that belongs to the certificate or request.")],
    ),
    entry(
        "bad-certificate",
        "",
        Signature,
        "A certificate in the message cannot be read: {rule}.",
        &[(Device, "Send the signer's certificate as X.509 in DER.")],
    ),
    entry(
        "bad-pem",
        "",
        Message,
        "The PEM text cannot be read: {rule}.",
        &[(Device, "Send one block, from its BEGIN line to its END line.")],
    ),
    entry("bad-crl", "", Message, "A CRL cannot be read: {rule}.", &[(Device, "Send a CRL as DER or PEM.")]),
    entry(
        "cms-recipient",
        "",
        Envelope,
        "The signer's key is not RSA, and the reply could not be encrypted to it: {rule}.",
        &[
            (Device, "Use an RSA key for SCEP."),
            (Operator, "For EC keys, issue by the API (`signet cert issue --profile {profile} --csr FILE`)."),
        ],
    ),
    entry(
        "scep-signer",
        "",
        Signature,
        "The message is signed by another key than the one that the certificate is for; the \
                profile {profile} does not allow that on a first enrolment.",
        &[
            (Device, "Sign the message with a self-signed certificate of the request's own key."),
            (
                Operator,
                "For clients that sign otherwise (an MDM, a vendor's certificate), set \
                `require_same_key = false` under [scep] of a profile for them.",
            ),
        ],
    ),
    entry(
        "not-addressed",
        "",
        Envelope,
        "The message is encrypted for another registration authority than ours: {rule}.",
        &[
            (
                Device,
                "Fetch the CA's certificates again (GetCACert): the registration authority's \
                certificate is renewed every few weeks.",
            ),
            (Network, "If it just did, look whether the URL leads to this server for every request."),
        ],
    ),
    entry(
        "cannot-open",
        "",
        Envelope,
        "The envelope could not be opened, or what is in it is no request that proves its \
                key. Which of the two is told to nobody, because the answer would help to guess what \
                is in others' envelopes.",
        &[
            (
                Device,
                "Fetch the CA's certificates again, and encrypt the request to the registration \
                authority's certificate (the first one).",
            ),
            (Device, "Make key and request anew: the request must be signed by its own key."),
        ],
    ),
    entry(
        "not-proven",
        "",
        Envelope,
        "The request inside the envelope is not signed by the key that it is for.",
        &[(
            Device,
            "Make the request anew, signed by its own key; a changed or re-encoded request no \
                longer verifies.",
        )],
    ),
    entry(
        "scep-certificate-id",
        "",
        Message,
        "The client asked for a certificate or CRL that is not given out over SCEP.",
        &[(Operator, "CRLs are published by HTTP at /crl/<ca>.crl, CA certificates at /ca/<ca>.crt.")],
    ),
    entry(
        "scep-transaction",
        "",
        Message,
        "The client polls for a request that is not known for this transaction id and this \
                key.",
        &[
            (Device, "Enrol again: a poll must be signed by the key that signed the request."),
            (Ca, "Requests are per profile: the poll must go to the URL that the request went to."),
        ],
    ),
    entry(
        "not-found",
        "",
        Message,
        "What was named does not exist: {rule}.",
        &[
            (Device, "Correct the name of the profile in the URL or the request."),
            (Operator, "`signet profile list` shows the profiles in force."),
        ],
    ),
    entry(
        "capf-message",
        "",
        Message,
        "What came is not a CAPF message as phones send them: {rule}.",
        &[
            (Device, "If it is a phone, restart it, so that it begins a new session."),
            (Network, "If it is not, find out what else connects to the CAPF port from {address}."),
        ],
    ),
];
