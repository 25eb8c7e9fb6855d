//! Requests to a CA elsewhere, read by a decoder of others (pyasn1, RFC 4211).

use signet::x509::cert::ext;
use signet::x509::crmf::{Wish, request_message, request_messages};
use signet::x509::name::Name;

use super::client::python_code;

/// Reads CertReqMessages strictly and prints what they ask for, a line each.
const READ: &str = r"
import sys
from pyasn1.codec.der import decoder, encoder
from pyasn1_alt_modules import rfc4211
der = open(sys.argv[1], 'rb').read()
messages, rest = decoder.decode(der, asn1Spec=rfc4211.CertReqMessages())
assert not rest and encoder.encode(messages) == der
for message in messages:
    request, popo = message['certReq'], message['popo'].getName()
    template = request['certTemplate']
    key = b''.join(encoder.encode(template['publicKey'][part]) for part in ('algorithm', 'subjectPublicKey'))
    names = [str(e['extnID']) + ('!' if e['critical'] else '') for e in template['extensions']]
    print(request['certReqId'], popo, encoder.encode(template['subject'][0]).hex(), key.hex(), *names)
";

#[test]
fn another_decoder_reads_what_is_asked_for_each_device() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.crmf");
    let key = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap();
    let keys = [key(&rcgen::PKCS_ECDSA_P256_SHA256), key(&rcgen::PKCS_ECDSA_P384_SHA384)];
    let names = ["CN=SEP0123456789AB,OU=Phones,O=Example", "CN=CSFalice"].map(|n| Name::parse(n).unwrap());
    let extensions = [ext::basic_constraints(false, None).unwrap(), ext::key_usage(0b1).unwrap()];
    let spkis = keys.each_ref().map(rcgen::PublicKeyData::subject_public_key_info);
    let messages: Vec<Vec<u8>> = (0..2)
        .map(|n| Wish { number: n as u64, subject: &names[n], spki: &spkis[n], extensions: &extensions })
        .map(|wish| request_message(&wish).unwrap())
        .collect();
    std::fs::write(&file, request_messages(&messages)).unwrap();
    let read = python_code(READ, &[file.to_str().unwrap()]);
    let expected: String = (0..2)
        .map(|n| {
            let (name, key) = (hex(names[n].der()), hex(&spkis[n][2..]));
            format!("{n} raVerified {name} {key} 2.5.29.19! 2.5.29.15!\n")
        })
        .collect();
    assert_eq!(read, expected);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
