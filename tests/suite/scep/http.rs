//! The HTTP side: URL forms, capabilities, CA certificates, limits.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Frame;

use super::cert_rep::{CertRep, certs_only};
use super::server::{body, scep};
use crate::openssl::openssl;

const FORMS: [&str; 16] = [
    "/scep",
    "/scep/",
    "/scep/pkiclient.exe",
    "/scep/PKIClient.EXE",
    "/scep/cgi-bin/pkiclient.exe/",
    "/scep/scep-device/cgi-bin/pkiclient.exe",
    "/scep/scep-device",
    "/scep/scep-device/pkiclient.exe",
    "/cgi-bin/pkiclient.exe",
    "/certsrv/mscep",
    "/certsrv/mscep/mscep.dll",
    "/certsrv/mscep/mscep.dll/pkiclient.exe",
    "/CertSrv/mscep/mscep.dll/",
    "/scep/certsrv/mscep/mscep.dll",
    "/scep/scep-device/",
    "/scep/scep-device/whatever/a/client/appends",
];

#[test]
fn every_url_form_answers_with_the_capabilities_of_its_profile() {
    scep(async |server| {
        for form in FORMS {
            let (status, content_type, text) = server.get(&format!("{form}?operation=GetCACaps")).await;
            assert_eq!((status, content_type.as_str()), (StatusCode::OK, "text/plain"), "{form}");
            let lines: Vec<&str> = std::str::from_utf8(&text).unwrap().lines().collect();
            let expected =
                ["AES", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-256", "SHA-384", "SHA-512"];
            assert_eq!(lines, expected, "{form}");
        }
        let (_, _, text) = server.get("/scep/scep-old?operation=GetCACaps&message=").await;
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains("DES3\n") && text.contains("SHA-1\n") && !text.contains("SHA-384"), "{text}");
    });
}

#[test]
fn a_profile_that_is_not_there_is_not_taken_for_another() {
    scep(async |server| {
        for path in [
            "/scep/nobody",
            "/scep/tls-server",
            "/scep/scep-ra",
            "/scep/legacy",
            "/scep/Scep_Device",
            "/scep/phone.exe",
            "/scep/nobody/pkiclient.exe",
            "/scep/%2e%2e/pkiclient.exe",
            "/scep//pkiclient.exe",
        ] {
            let (status, content_type, text) = server.get(&format!("{path}?operation=GetCACert")).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(content_type.starts_with("text/plain"), "{content_type}");
            assert!(text.starts_with(b"scep: no SCEP service "), "{text:?}");
        }
    });
}

/// SCEP-74
#[test]
fn the_ra_comes_first_then_the_ca_that_signed_it_and_the_root() {
    scep(async |server| {
        let (status, content_type, der) = server.get("/scep?operation=GetCACert&message=../../x").await;
        assert_eq!((status, content_type.as_str()), (StatusCode::OK, "application/x-x509-ca-ra-cert"));
        let certificates = certs_only(&der);
        let names: Vec<String> = certificates
            .iter()
            .map(|der| signet::x509::cert::Certificate::from_der(der).unwrap().subject().to_string())
            .collect();
        assert_eq!(names, ["CN=Test RA", "CN=Signet RSA Issuing CA", "CN=Signet RSA Root CA"]);
        let printed = openssl(&["pkcs7", "-inform", "DER", "-print_certs", "-noout"], &der);
        assert!(String::from_utf8(printed).unwrap().contains("CN = Test RA"));
        let (_, _, der) = server.get("/scep/scep-split?operation=GetCACert").await;
        assert_eq!(certs_only(&der).len(), 4, "one signs, one decrypts");
    });
}

/// SCEP-75
#[test]
fn there_is_no_next_ca_certificate() {
    scep(async |server| {
        let (status, _, text) = server.get("/scep?operation=GetNextCACert").await;
        assert_eq!((status, &text[..]), (StatusCode::NOT_FOUND, &b"no next CA certificate"[..]));
    });
}

/// SCEP-72
#[test]
fn an_operation_that_is_not_known_is_refused() {
    scep(async |server| {
        for query in ["operation=../../etc", "operation=GetCACert&operation=GetCACert", "operation=UpdateReq"]
        {
            let (status, _, text) = server.get(&format!("/scep?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
            let text = String::from_utf8(text.to_vec()).unwrap();
            assert!(text.starts_with("scep: ") && text.contains("unknown operation"), "{text}");
        }
        assert_eq!(server.get("/scep").await.0, StatusCode::BAD_REQUEST);
        let put = Request::put("/scep?operation=PKIOperation").body(Body::empty()).unwrap();
        assert_eq!(server.send(put).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    });
}

/// SCEP-01, SCEP-02
#[test]
fn a_body_is_neither_empty_nor_over_64_kib() {
    scep(async |server| {
        assert_eq!(server.refused(b"").await, (400, "scep: empty PKIOperation body".to_owned()));
        let uri = "/scep?operation=PKIOperation";
        let declared = Request::post(uri).header("content-length", 65_537).body(Body::empty()).unwrap();
        let undeclared = Body::new(Chunks(70));
        for request in [declared, Request::post(uri).body(undeclared).unwrap()] {
            let response = server.send(request).await;
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(response.headers()["connection"], "close");
        }
        let long = format!("{uri}&message={}", "A".repeat(62_000));
        let (status, _, text) = server.get(&long).await;
        assert_eq!(status, StatusCode::URI_TOO_LONG);
        assert!(String::from_utf8_lossy(&text).contains("use POST"));
    });
}

/// So many chunks of 1 KiB.
struct Chunks(usize);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0;
        self.0 = left.saturating_sub(1);
        Poll::Ready((left > 0).then(|| Ok(Frame::data(Bytes::from(vec![0x30; 1024])))))
    }
}

/// Raw `+ /`, spaces for pluses, `%0A`, missing padding: the ways of field clients.
#[test]
fn a_message_by_get_is_answered_however_it_is_encoded() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await.signed_by(&device);
        let base64 = STANDARD.encode(&message);
        let escaped = base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let first = server.get(&format!("/scep?operation=PKIOperation&message={escaped}")).await;
        assert_eq!((first.0, first.1.as_str()), (StatusCode::OK, "application/x-pki-message"));
        let issued = CertRep::read(&first.2).certificate(&device);
        for text in [
            base64.clone(),
            base64.trim_end_matches('=').to_owned(),
            base64.replace('+', "%20"),
            base64.as_bytes().chunks(64).map(|l| format!("{}%0A", std::str::from_utf8(l).unwrap())).collect(),
        ] {
            let (status, _, body) = server.get(&format!("/scep?operation=PKIOperation&message={text}")).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            assert_eq!(CertRep::read(&body).certificate(&device), issued);
        }
    });
}

#[test]
fn a_post_needs_no_content_type_and_no_known_address() {
    scep(async |server| {
        let device = server.device();
        let message = server.first_request(&device).await.signed_by(&device);
        let request = Request::post("/scep/pkiclient.exe?operation=PKIOperation").body(Body::from(message));
        let response = tower::ServiceExt::oneshot(server.router.clone(), request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        CertRep::read(&body(response).await).certificate(&device);
    });
}
