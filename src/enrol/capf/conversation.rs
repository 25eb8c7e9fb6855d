//! One conversation, from the first message to the last.

use std::net::IpAddr;

use crate::audit::Actor;
use crate::device::DeviceName;
use crate::device::records::Action;
use crate::enrol::capf::admit::{Admitted, admit};
use crate::enrol::capf::frame::malformed;
use crate::enrol::capf::link::{Link, Stream};
use crate::enrol::capf::message::{AuthResponse, EndReason, FromDevice, ToDevice};
use crate::enrol::capf::refusal::{Answer, Refusal};
use crate::enrol::capf::service::Service;
use crate::enrol::capf::sessions::Session;
use crate::enrol::capf::talk::Talk;
use crate::enrol::capf::{book, delete, fetch, install};
use crate::error::{Error, Kind};
use crate::id::RecordId;

/// Who is at the other end, as far as it is known.
#[derive(Debug)]
pub(super) struct Caller {
    /// From where.
    pub address: IpAddr,
    /// As which device: not believed before it was admitted.
    pub name: Option<DeviceName>,
    /// The device of that name.
    pub device: Option<RecordId>,
    /// The operation that it came for.
    pub operation: Option<RecordId>,
    /// Whether it is known to take a RetryLater.
    pub takes_later: bool,
    /// Whether it proved to be that device, as the operation asks.
    pub proven: bool,
}

impl Caller {
    /// Nobody is known yet.
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, name: None, device: None, operation: None, takes_later: false, proven: false }
    }

    /// As the audit log names it.
    pub fn actor(&self) -> Actor {
        Actor::Client { protocol: "capf".to_owned(), address: self.address.to_string() }
    }
}

/// Serves one connection to its end: `stream` after its handshake, `peer` the device's address. What goes wrong is told to
/// the device as the protocol has it, noted in its record, and logged.
pub async fn serve<S: Stream>(stream: S, peer: IpAddr, service: &Service) {
    let session = match service.sessions.open(&service.desk.authority.random) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "a CAPF session could not be opened");
            return;
        }
    };
    let mut link = Link::new(stream, session.number());
    let mut caller = Caller::from(peer);
    let last = match converse(&mut link, &session, &mut caller, service).await {
        Ok(reason) => Some(ToDevice::End(reason)),
        Err(refusal) => {
            Box::pin(book::refused(service, &caller, &refusal)).await;
            last_word(refusal.answer, &caller)
        }
    };
    if let Some(last) = last {
        // Who does not wait for it has no use for it.
        let _ = link.tell(&last).await;
    }
    link.close().await;
}

fn last_word(answer: Answer, caller: &Caller) -> Option<ToDevice<'static>> {
    match answer {
        Answer::End(reason) => Some(ToDevice::End(reason)),
        Answer::Later if caller.takes_later => Some(ToDevice::RetryLater),
        Answer::Later => Some(ToDevice::End(EndReason::NoAction)),
        Answer::Close => None,
    }
}

async fn converse<S: Stream>(
    link: &mut Link<S>,
    session: &Session,
    caller: &mut Caller,
    service: &Service,
) -> Result<EndReason, Refusal> {
    let auth = authenticate(link, service).await?;
    // Boxed, so that an idle connection takes no room for what it has not come to.
    let Some(admitted) = Box::pin(admit(service, auth, session.number(), caller)).await? else {
        return Ok(EndReason::NoAction);
    };
    let Some(serving) = session.serve(&admitted.device.value.name, &service.desk.authority.clock) else {
        return Err(another());
    };
    let mut talk = Talk::new(link, &serving);
    tokio::select! {
        ended = Box::pin(perform(&mut talk, caller, &admitted, service)) => ended,
        () = serving.taken_over() => Err(another()),
    }
}

/// The server speaks first.
async fn authenticate<S: Stream>(link: &mut Link<S>, service: &Service) -> Result<AuthResponse, Refusal> {
    link.tell(&ToDevice::Authenticate).await?;
    match link.hear(service.patience.auth).await? {
        FromDevice::Auth(auth) => Ok(*auth),
        FromDevice::Key(_)
        | FromDevice::InProgress
        | FromDevice::Stored(_)
        | FromDevice::Fetched(_)
        | FromDevice::Deleted(_) => Err(Refusal::declined(malformed("unexpected command in state"))),
    }
}

async fn perform<S: Stream>(
    talk: &mut Talk<'_, S>,
    caller: &Caller,
    admitted: &Admitted,
    service: &Service,
) -> Result<EndReason, Refusal> {
    match admitted.operation.action {
        Action::Install => install::run(talk, caller, admitted, service).await,
        Action::Fetch => fetch::run(talk, caller, admitted, service).await,
        Action::Delete => delete::run(talk, caller, admitted, service).await,
    }
}

/// CAPF-33.
fn another() -> Refusal {
    Refusal::declined(Error::new(Kind::Conflict, "capf-busy", "another session of this device is open"))
}
