//! What a client reads of a reply without an envelope: OpenSSL's PKCS#7, as certmonger calls it, must find something to
//! verify.

use super::server::scep;
use crate::openssl::openssl;

const VERIFY: [&str; 5] = ["smime", "-verify", "-inform", "DER", "-noverify"];

#[test]
fn a_refusal_and_a_pending_answer_hold_for_openssl_s_pkcs7_and_are_empty() {
    scep(async |server| {
        let device = server.device();
        for (path, csr, status) in
            [("/scep", device.csr(Some("wrong")), "2"), ("/scep/scep-manual", device.csr(None), "3")]
        {
            let message = server.request(&device, "19", &csr).signed_by(&device);
            let (_, reply) = server.answer(path, &message).await;
            assert_eq!(super::cert_rep::CertRep::read(&reply).status, status);
            assert!(openssl(&VERIFY, &reply).is_empty());
        }
    });
}
