//! One PKIOperation from its bytes to the bytes of its answer: two hops to the CPU pool, one decision between.

use std::net::IpAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::ca::Issued;
use crate::ca::profile::Approval;
use crate::ca::records::{CertificateRecord, serials};
use crate::enrol::refused::Received;
use crate::enrol::scep::generation::Addressed;
use crate::enrol::scep::guesses::Guesses;
use crate::enrol::scep::message::Incoming;
use crate::enrol::scep::old::OldAlgorithms;
use crate::enrol::scep::open::{Named, Opened, Opener};
use crate::enrol::scep::poll::{Polled, key_of, poll};
use crate::enrol::scep::refusal::{FailInfo, Refusal};
use crate::enrol::scep::reply::{Reply, Status};
use crate::enrol::scep::service::Service;
use crate::enrol::scep::{lookup, reply_password};
use crate::enrol::scep_ra::Ra;
use crate::enrol::{Desk, Outcome, Proof, Request, Transaction, enrol_received};
use crate::error::Result;
use crate::id::CaId;
use crate::store::Unit;
use crate::x509::cert::Certificate;
use crate::x509::cms::write::To;
use crate::x509::csr::Csr;
use crate::x509::pem;

/// One exchange with a client.
pub struct Exchange {
    /// Where requests are decided.
    pub desk: Arc<Desk>,
    /// The profile's service.
    pub service: Service,
    /// The RA that the message is addressed to.
    pub ra: Arc<Ra>,
    /// The CA that issues, if not the one in force: the next, whose RA the message is addressed to.
    pub issuer: Option<CaId>,
    /// The peer's address, if it is known.
    pub address: Option<IpAddr>,
    /// The message as it was received, for the refusal.
    pub received: Received,
}

/// What is answered, and to whom.
struct Answer {
    status: Status,
    /// Encrypts a success where the signer's key cannot decrypt.
    password: Option<Zeroizing<String>>,
    /// The subject that was asked for, as far as it is known, for the log.
    subject: Option<String>,
}

impl Answer {
    fn new(status: Status) -> Self {
        Self { status, password: None, subject: None }
    }
}

impl Exchange {
    /// With the RA that the message is addressed to.
    pub fn new(
        desk: Arc<Desk>,
        service: Service,
        Addressed { ra, issuer }: Addressed,
        address: Option<IpAddr>,
        received: Received,
    ) -> Self {
        Self { desk, service, ra, issuer, address, received }
    }

    /// Answers a PKIMessage with a CertRep, DER. Errors are for HTTP: what cannot be answered, limits, our faults.
    pub async fn run(&self) -> Result<Vec<u8>> {
        let incoming = Arc::new(Incoming::read(&self.received.message)?.for_service(&self.service));
        let answer = match &incoming.signer {
            Ok(signer) => self.answer(Arc::clone(&incoming), signer.clone()).await?,
            Err(e) => {
                let refusal = Refusal::new(FailInfo::MessageCheck, e.code(), e.detail());
                Answer::new(Status::Failure(refusal))
            }
        };
        if let Status::Failure(refusal) = &answer.status {
            self.log(&incoming, refusal, answer.subject.as_deref());
            self.keep(&incoming, refusal).await;
        }
        self.encode(incoming, answer).await
    }

    async fn answer(&self, incoming: Arc<Incoming>, signer: Certificate) -> Result<Answer> {
        let ours = self.known_certificate(&signer).await?;
        let guesses = self.guesses(&signer, ours.as_ref());
        guesses.check()?;
        let old = OldAlgorithms::of(&incoming, &self.service);
        let answer = match self.open(incoming, signer.clone(), ours).await? {
            Ok(opened) => {
                let old = old.and_keys(&signer, &opened);
                self.decide(opened, &signer, &old).await?
            }
            Err(refusal) => Answer::new(Status::Failure(refusal)),
        };
        if let Status::Failure(refusal) = &answer.status
            && refusal.is_guess()
        {
            guesses.count().await;
        }
        Ok(answer)
    }

    /// What is answered to a message that was believed and opened.
    async fn decide(&self, opened: Opened, signer: &Certificate, old: &OldAlgorithms) -> Result<Answer> {
        old.count();
        let (subject, decided) = match opened {
            Opened::Enrol { csr, proof, transaction, password } => {
                let subject = Some(csr.subject().to_string());
                let decided = self.enrol(*csr, *proof, transaction, password.as_ref(), old).await;
                (subject, decided.map(|status| (status, password)))
            }
            Opened::Poll(transaction) => (None, self.poll(&transaction, signer).await),
            Opened::Certificate(named, key) => {
                (None, self.certificate(&named, key).await.map(|status| (status, None)))
            }
            Opened::Crl(named) => (None, self.crl(&named).await.map(|status| (status, None))),
        };
        match decided {
            Ok((status, password)) => Ok(Answer { status, password, subject }),
            Err(error) => Refusal::of(error).map(|r| Answer { subject, ..Answer::new(Status::Failure(r)) }),
        }
    }

    /// One line for each refusal; what a client wrote is escaped.
    fn log(&self, incoming: &Incoming, refusal: &Refusal, subject: Option<&str>) {
        let signer = incoming.signer.as_ref().ok().map(|signer| signer.subject().to_string());
        tracing::info!(
            profile = %self.service.profile.id(),
            transaction = incoming.echo.transaction_id,
            subject = ?subject.or(signer.as_deref()).unwrap_or_default(),
            code = refusal.code,
            fail_info = refusal.fail_info.as_str(),
            reason = ?refusal.text,
            address = %self.address.map(|a| a.to_string()).unwrap_or_default(),
            "SCEP request refused"
        );
    }

    /// The first hop: signature, attributes, decryption, proof of possession.
    pub(super) async fn open(
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

    /// The signer's certificate if we issued it: asked of the store only where the issuer's name is one of ours.
    pub(super) async fn known_certificate(&self, signer: &Certificate) -> Result<Option<CertificateRecord>> {
        let authority = &self.desk.authority;
        let hierarchy = authority.hierarchy();
        if !hierarchy.all().iter().any(|ca| ca.record.subject.der() == signer.issuer().der()) {
            return Ok(None);
        }
        let found = serials::all(&authority.db, signer.serial()).await?;
        Ok(found.into_iter().map(|stored| stored.value).find(|record| record.der == signer.der()))
    }

    async fn enrol(
        &self,
        csr: Csr,
        proof: Proof,
        transaction: Transaction,
        password: Option<&Zeroizing<String>>,
        old: &OldAlgorithms,
    ) -> Result<Status> {
        let profile = self.service.profile.id();
        let mut alongside = match password {
            Some(password) if self.service.profile.approval() == Approval::Manual => {
                reply_password::keep(&self.desk, key_of(profile, &transaction), password)?
            }
            Some(_) | None => Unit::new(),
        };
        old.warn(
            &mut alongside,
            self.desk.authority.clock.now(),
            &self.actor(),
            &self.service,
            csr.subject(),
        );
        let request = self.request(csr, proof, transaction);
        match enrol_received(&self.desk, request, alongside, Some(&self.received)).await? {
            Outcome::Issued(issued) => self.certificates(*issued).map(Status::Success),
            Outcome::Pending(_) => Ok(Status::Pending),
        }
    }

    pub(super) fn request(&self, csr: Csr, proof: Proof, transaction: Transaction) -> Request {
        Request {
            profile: self.service.profile.id().clone(),
            application: csr.into(),
            proof,
            transaction: Some(transaction),
            actor: self.actor(),
            address: self.address,
            not_after: None,
            issuer: self.issuer.clone(),
        }
    }

    /// What became of a request that waited, and the password for it if the signer's key cannot decrypt.
    async fn poll(
        &self,
        transaction: &Transaction,
        signer: &Certificate,
    ) -> Result<(Status, Option<Zeroizing<String>>)> {
        let profile = self.service.profile.id();
        match poll(&self.desk, profile, transaction).await? {
            Polled::Pending => Ok((Status::Pending, None)),
            Polled::Issued(record) => {
                let password = if signer.public_key()?.kind().is_rsa() {
                    None
                } else {
                    Some(reply_password::take(&self.desk, &key_of(profile, transaction)).await?)
                };
                Ok((Status::Success(self.with_chain(*record)?), password))
            }
        }
    }

    async fn certificate(&self, named: &Named, signer_key: [u8; 32]) -> Result<Status> {
        match lookup::certificate(&self.desk, &self.service, named, signer_key).await? {
            Some(record) => self.with_chain(record).map(Status::Success),
            None => Ok(Status::Failure(Refusal::not_given())),
        }
    }

    async fn crl(&self, named: &Named) -> Result<Status> {
        let crl = lookup::crl(&self.desk, &self.service, named).await?;
        Ok(crl.map_or_else(|| Status::Failure(Refusal::not_given()), Status::Success))
    }

    fn with_chain(&self, record: CertificateRecord) -> Result<Vec<u8>> {
        let hierarchy = self.desk.authority.hierarchy();
        let chain = hierarchy.require(&record.ca)?.chain.iter().map(|c| c.der().to_vec()).collect();
        self.certificates(Issued { record, chain })
    }

    /// The leaf first; the chain where the profile wants it (Cisco VPN clients need it, Juniper refuses it).
    fn certificates(&self, issued: Issued) -> Result<Vec<u8>> {
        let chain = issued.chain.iter().filter(|_| self.service.options.include_chain);
        let list: Vec<&[u8]> = std::iter::once(&issued.record.der).chain(chain).map(Vec::as_slice).collect();
        pem::pkcs7_certs_only(&list)
    }

    /// The second hop: envelope and signature.
    async fn encode(&self, incoming: Arc<Incoming>, answer: Answer) -> Result<Vec<u8>> {
        let authority = &self.desk.authority;
        let (random, now, ra) = (authority.random.clone(), authority.clock.now(), Arc::clone(&self.ra));
        let digest = self.service.reply_digest(incoming.digest);
        let cipher = self.service.reply_cipher(incoming.cipher);
        let write = move || {
            let signer = incoming.signer.as_ref().ok().map(To::Certificate);
            let recipient = answer.password.as_ref().map(|password| To::Password(password)).or(signer);
            Reply { ra: &ra, echo: &incoming.echo, recipient, digest, cipher, now }
                .write(&answer.status, &random)
        };
        authority.pool.run(write).await?
    }
}
