//! `POST /renew`: a certificate renews itself, shown in the TLS connection over which that is asked.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;

use super::issue::{Head, answer, csr_of, moment, read};
use super::{IssuedCertificate, Renew, Waiting};
use crate::admin::api::Shared;
use crate::admin::api::body::{Body, Media};
use crate::admin::api::json;
use crate::admin::api::problem::{Answer, Refusal, Refusals};
use crate::admin::api::query::Query;
use crate::audit::Actor;
use crate::ca::client::{self, ClientCertificate};
use crate::ca::records::CertificateRecord;
use crate::clock::Timestamp;
use crate::enrol::refused::{self, Protocol, Received};
use crate::enrol::{self, Desk, Proof, Request, Transaction};
use crate::error::{Error, Kind, Result};
use crate::store::Unit;

/// Renews the certificate that the TLS connection was made with: by its profile, for the same subject and names, with the
/// key of this PKCS#10 request (JSON, or bare as `application/pkcs10`). No token is needed, and none is looked at. The old
/// one stays valid. The same request over again is answered with the same certificate; where an operator must
/// decide (202), it is how to ask again.
#[utoipa::path(post, path = "/api/v1/renew", tag = "certificates", request_body = Renew, security(()),
    params(("not_after" = Option<String>, Query, description = "with a bare request")),
    responses((status = 201, description = "The certificate", body = IssuedCertificate),
        (status = 202, description = "An operator must decide", body = Waiting), Refusals))]
pub async fn create(State(state): Shared, peer: Peer, query: Query, head: Head, body: Body) -> Answer {
    let old = client::known(&state.desk.authority, peer.certificate()?).await?;
    let asked = asked(&body, query)?;
    let _attended = state.desk.authority.pool.attend();
    let received = Received::new(Protocol::Api, asked.csr).by(head.user_agent, false);
    let request = request(&state.desk, old, asked.not_after, &peer, &received).await?;
    let outcome = enrol::enrol_received(&state.desk, request, Unit::new(), Some(&received)).await?;
    answer(&state.desk, outcome, head.form)
}

struct Asked {
    csr: Vec<u8>,
    not_after: Option<Timestamp>,
}

fn asked(body: &Body, query: Query) -> Answer<Asked> {
    match body.media {
        Media::Pkcs10 => {
            let mut query = query.only(&["not_after"])?;
            let not_after = moment(query.take("not_after").as_deref())?;
            Ok(Asked { csr: csr_of(body)?, not_after })
        }
        Media::Json | Media::None => {
            query.only(&[])?;
            let new: Renew = body.json()?;
            Ok(Asked { csr: new.csr.into_bytes(), not_after: moment(new.not_after.as_deref())? })
        }
    }
}

async fn request(
    desk: &Desk,
    old: CertificateRecord,
    not_after: Option<Timestamp>,
    peer: &Peer,
    received: &Received,
) -> Result<Request> {
    let csr = match read(desk, &received.message).await {
        Ok(csr) => csr,
        Err(error) => {
            let who = (peer.actor(), peer.address);
            refused::refuse_unread(desk, who, &old.profile, received, &error).await;
            return Err(error.at("/csr"));
        }
    };
    // The same request by the same certificate is the same transaction: a lost answer is asked for again.
    let id = json::lower_hex(&csr.digest());
    Ok(Request {
        profile: old.profile.clone(),
        application: csr.into(),
        transaction: Some(Transaction { id, signer_key: old.key_fingerprint }),
        proof: Proof::Renewal { certificate: Box::new(old), challenge: None },
        actor: peer.actor(),
        address: peer.address,
        not_after,
        issuer: None,
    })
}

/// Who is at the other end of the connection.
#[derive(Debug)]
pub struct Peer {
    address: Option<IpAddr>,
    certificate: Option<ClientCertificate>,
}

impl Peer {
    /// TLSCLIENT-01: without a certificate there is nothing to renew.
    fn certificate(&self) -> Result<&ClientCertificate> {
        self.certificate.as_ref().ok_or_else(|| {
            let text = "connect with the certificate that is to be renewed and its key (curl --cert FILE --key FILE)";
            Error::new(Kind::Forbidden, "certificate-required", text)
        })
    }

    fn actor(&self) -> Actor {
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        Actor::Client { protocol: "tls".to_owned(), address }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Answer<Self> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = info.map(|peer| peer.0.ip().to_canonical());
        Ok(Self { address, certificate: parts.extensions.get::<ClientCertificate>().cloned() })
    }
}
