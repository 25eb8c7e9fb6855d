//! One PKIOperation from its bytes to the bytes of its answer: two hops to the CPU pool, one decision between.

use std::net::IpAddr;
use std::sync::Arc;

use crate::audit::Actor;
use crate::ca::Issued;
use crate::ca::records::CertificateRecord;
use crate::enrol::scep::guesses::Guesses;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::open::{Opened, Opener};
use crate::enrol::scep::poll::{Polled, poll};
use crate::enrol::scep::refusal::{FailInfo, Refusal};
use crate::enrol::scep::reply::{Reply, Status};
use crate::enrol::scep::service::Service;
use crate::enrol::scep_ra::Ra;
use crate::enrol::{Desk, Outcome, Proof, Request, Transaction, enrol};
use crate::error::Result;
use crate::x509::cert::Certificate;
use crate::x509::csr::Csr;

/// One exchange with a client.
pub struct Exchange {
    /// Where requests are decided.
    pub desk: Arc<Desk>,
    /// The profile's service.
    pub service: Service,
    /// The RA of the profile's CA.
    pub ra: Arc<Ra>,
    /// The peer's address, if it is known.
    pub address: Option<IpAddr>,
}

impl Exchange {
    /// Answers a PKIMessage with a CertRep, DER. Errors are for HTTP: what cannot be answered, limits, our faults.
    pub async fn run(&self, body: &[u8]) -> Result<Vec<u8>> {
        let incoming = Arc::new(Incoming::read(body)?);
        let status = match &incoming.signer {
            Ok(signer) => self.answer(Arc::clone(&incoming), signer.clone()).await?,
            Err(e) => Status::Failure(Refusal::new(FailInfo::MessageCheck, e.detail())),
        };
        if let Status::Failure(refusal) = &status {
            let transaction = &incoming.echo.transaction_id;
            tracing::info!(address = ?self.address, transaction, ?refusal, "SCEP request refused");
        }
        self.encode(incoming, status).await
    }

    async fn answer(&self, incoming: Arc<Incoming>, signer: Certificate) -> Result<Status> {
        let ours = self.known_certificate(&signer).await?;
        let guesses = self.guesses(&signer, ours.as_ref());
        if let Err(error) = guesses.check() {
            guesses.record(error.code(), error.detail()).await;
            return Err(error);
        }
        let opened = match self.open(incoming, signer, ours).await? {
            Ok(opened) => opened,
            Err(refusal) if refusal.is_guess() => {
                guesses.count(&refusal).await;
                return Ok(Status::Failure(refusal));
            }
            Err(refusal) => return Ok(Status::Failure(refusal)),
        };
        let decided = match opened {
            Opened::Enrol { csr, proof, transaction } => self.enrol(*csr, *proof, transaction).await,
            Opened::Poll(transaction) => self.poll(&transaction).await,
        };
        decided.or_else(|error| Refusal::of(error).map(Status::Failure))
    }

    /// The first hop: signature, attributes, decryption, proof of possession.
    async fn open(
        &self,
        incoming: Arc<Incoming>,
        signer: Certificate,
        ours: Option<CertificateRecord>,
    ) -> Result<Result<Opened, Refusal>> {
        let authority = &self.desk.authority;
        let (service, ra) = (self.service.clone(), Arc::clone(&self.ra));
        let (hierarchy, now) = (authority.hierarchy(), authority.clock.now());
        authority
            .pool
            .run(move || {
                Opener { service: &service, ra: &ra, hierarchy: &hierarchy, ours, now }
                    .open(&incoming, &signer)
            })
            .await
    }

    fn guesses(&self, signer: &Certificate, ours: Option<&CertificateRecord>) -> Guesses<'_> {
        let key = signer.public_key().ok().map(|key| key.fingerprint());
        let live = ours.is_some_and(|record| record.is_live(self.desk.authority.clock.now()));
        Guesses::new(&self.desk, self.service.profile.id(), self.actor(), key, self.address, live)
    }

    fn actor(&self) -> Actor {
        let address = self.address.map_or_else(|| "unknown".to_owned(), |a| a.to_string());
        Actor::Client { protocol: "scep".to_owned(), address }
    }

    /// The signer's certificate if we issued it: asked of the store only where the issuer's name is one of ours.
    async fn known_certificate(&self, signer: &Certificate) -> Result<Option<CertificateRecord>> {
        let authority = &self.desk.authority;
        let hierarchy = authority.hierarchy();
        if !hierarchy.all().iter().any(|ca| ca.record.subject.der() == signer.issuer().der()) {
            return Ok(None);
        }
        let found = authority.db.find(CertificateRecord::BY_SERIAL, signer.serial().content()).await?;
        Ok(found.map(|stored| stored.value).filter(|record: &CertificateRecord| record.der == signer.der()))
    }

    async fn enrol(&self, csr: Csr, proof: Proof, transaction: Transaction) -> Result<Status> {
        let request = Request {
            profile: self.service.profile.id().clone(),
            csr,
            proof,
            transaction: Some(transaction),
            actor: self.actor(),
            address: self.address,
            not_after: None,
            issuer: None,
        };
        match enrol(&self.desk, request).await? {
            Outcome::Issued(issued) => Ok(Status::Success(self.certificates(*issued))),
            Outcome::Pending(_) => Ok(Status::Pending),
        }
    }

    async fn poll(&self, transaction: &Transaction) -> Result<Status> {
        match poll(&self.desk, self.service.profile.id(), transaction).await? {
            Polled::Pending => Ok(Status::Pending),
            Polled::Issued(record) => {
                let hierarchy = self.desk.authority.hierarchy();
                let ca = hierarchy.require(&record.ca)?;
                let chain = ca.chain.iter().map(|c| c.der().to_vec()).collect();
                Ok(Status::Success(self.certificates(Issued { record: *record, chain })))
            }
        }
    }

    /// The leaf first; the chain where the profile wants it (Cisco VPN clients need it, Juniper refuses it).
    fn certificates(&self, issued: Issued) -> Vec<Vec<u8>> {
        let chain = issued.chain.into_iter().filter(|_| self.service.options.include_chain);
        std::iter::once(issued.record.der).chain(chain).collect()
    }

    /// The second hop: envelope and signature.
    async fn encode(&self, incoming: Arc<Incoming>, status: Status) -> Result<Vec<u8>> {
        let authority = &self.desk.authority;
        let (random, now, ra) = (authority.random.clone(), authority.clock.now(), Arc::clone(&self.ra));
        let digest = self.service.reply_digest(incoming.digest);
        let cipher = self.service.reply_cipher(incoming.cipher);
        let write = move || {
            let recipient = incoming.signer.as_ref().ok();
            Reply { ra: &ra, echo: &incoming.echo, recipient, digest, cipher, now }.write(&status, &random)
        };
        authority.pool.run(write).await?
    }
}
