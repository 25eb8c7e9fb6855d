//! What stands at the addresses that certificates name, as a client sees it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use signet::audit::Actor;
use signet::ca::crl::publish;

use super::fixture::{Fixture, ca};

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test]
async fn crl_and_certificate_are_served_as_der() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    let crl = ask(&router, "GET", "/crl/ec-issuing.crl", &[]).await;
    assert_eq!((crl.status, crl.header("content-type")), (StatusCode::OK, "application/pkix-crl"));
    assert_eq!(crl.body, *fixture.authority.published().of(&ca("ec-issuing")).unwrap().der);
    assert!(crl.header("cache-control").contains("max-age="));
    assert!(crl.header("last-modified").ends_with(" GMT"));
    let certificate = ask(&router, "GET", "/ca/ec-root.crt", &[]).await;
    assert_eq!(certificate.header("content-type"), "application/pkix-cert");
    let hierarchy = fixture.authority.hierarchy();
    assert_eq!(certificate.body, hierarchy.require(&ca("ec-root")).unwrap().chain[0].der());
    let head = ask(&router, "HEAD", "/crl/ec-issuing.crl", &[]).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("content-length"), crl.body.len().to_string());
}

#[tokio::test]
async fn a_client_that_has_it_gets_304_until_it_changes() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    let path = "/crl/ec-issuing.crl";
    let first = ask(&router, "GET", path, &[]).await;
    let (tag, date) = (first.header("etag"), first.header("last-modified"));
    for held in [tag.to_owned(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = ask(&router, "GET", path, &[("if-none-match", &held)]).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{held}");
        assert_eq!(again.header("etag"), tag);
    }
    let again = ask(&router, "GET", path, &[("if-modified-since", date)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let both =
        ask(&router, "GET", path, &[("if-none-match", "\"other\""), ("if-modified-since", date)]).await;
    assert_eq!(both.status, StatusCode::OK, "If-None-Match goes first");
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    let changed = ask(&router, "GET", path, &[("if-none-match", tag)]).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), tag);
}

/// REVOCATION-46 and -48.
#[tokio::test]
async fn what_is_not_there_is_a_problem_with_a_hint_and_a_range_gets_all() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    for path in [
        "/crl/nobody.crl",
        "/crl/ec-issuing",
        "/crl/ec-issuing/999999.crl",
        "/crl/ec-issuing/0.crl",
        "/crl/ec-issuing/01.crl",
        "/crl/ec-issuing/+1.crl",
        "/crl/ec-issuing/99999999999.crl",
        "/crl/nobody/1.crl",
        "/crl/nobody/delta.crl",
        "/crl/nobody/1-delta.pem",
        "/crl/%2e%2e.crl",
        "/ca/nobody.crt",
        "/ca/EC.crt",
    ] {
        let answer = ask(&router, "GET", path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["code"], "not-found");
        assert!(problem["detail"].as_str().unwrap().contains("the address is"));
    }
    // REVOCATION-56
    let delta = ask(&router, "GET", "/crl/ec-issuing/delta.crl", &[]).await;
    assert_eq!(delta.status, StatusCode::NOT_FOUND);
    assert!(String::from_utf8(delta.body).unwrap().contains("no base CRL"));
    let posted = ask(&router, "POST", "/crl/ec-issuing.crl", &[]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(posted.header("allow").contains("GET"));
    let ranged = ask(&router, "GET", "/crl/ec-issuing.crl", &[("range", "bytes=0-,0-,0-")]).await;
    assert_eq!(ranged.status, StatusCode::OK);
}

#[tokio::test]
async fn a_restart_serves_the_last_crl_at_once() {
    let fixture = Fixture::ec().await;
    publish(&fixture.authority, &ca("ec-issuing")).await.unwrap();
    let shared = &fixture.authority;
    let again = signet::ca::Authority::load(
        shared.db.clone(),
        shared.clock.clone(),
        shared.random.clone(),
        shared.pool.clone(),
        shared.keys.clone(),
        shared.public_url.clone(),
    )
    .await
    .unwrap();
    assert_eq!(again.published().of(&ca("ec-issuing")).unwrap().number, 2);
    let serial = signet::id::Serial::new(again.clock.now(), &again.random).unwrap();
    let revoked =
        signet::ca::revoke::revoke(&again, &serial, signet::x509::crl::Reason::Unspecified, Actor::System);
    assert_eq!(revoked.await.unwrap_err().code(), "not-found");
}

#[tokio::test]
async fn the_same_crl_is_served_as_pem_under_a_tag_of_its_own() {
    let fixture = Fixture::ec().await;
    let router = signet::ca::http::router(fixture.authority.clone());
    let der = ask(&router, "GET", "/crl/ec-issuing.crl", &[]).await;
    let pem = ask(&router, "GET", "/crl/ec-issuing.pem", &[]).await;
    assert_eq!((pem.status, pem.header("content-type")), (StatusCode::OK, "application/x-pem-file"));
    assert_eq!(signet::x509::crl::Crl::read(&pem.body).unwrap().der(), der.body);
    assert_ne!(pem.header("etag"), der.header("etag"));
    let held = [("if-none-match", pem.header("etag"))];
    assert_eq!(ask(&router, "GET", "/crl/ec-issuing.pem", &held).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(ask(&router, "GET", "/crl/ec-issuing.crl", &held).await.status, StatusCode::OK);
}
