//! TVS on TCP 2445: TLS with a certificate of the phones' list, then questions and answers until the phone goes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::device::fetch::Shelf;
use crate::device::ledger::{Ledger, Note};
use crate::error::Result;
use crate::server::capf::Open;
use crate::server::listen::{Handler, Limits};
use crate::trust::tvs::{HEADER, Header, Question, Service};

/// How long phones are waited for, and how much they may ask.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without a question; phones ask one at once and go.
    pub idle: Duration,
    /// For what remains of a question whose first byte came, and for its answer to be taken.
    pub question: Duration,
    /// For a connection as a whole.
    pub connection: Duration,
    /// Questions on a connection.
    pub questions: usize,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { idle: seconds(30), question: seconds(10), connection: seconds(600), questions: 100_000 }
    }
}

/// Questions and answers are small: a connection holds no more than this beside TLS's own.
const BUFFER: usize = 2048;

/// What answers phones, over any stream.
pub struct Tvs {
    /// Knows the answers.
    pub service: Service,
    /// Knows the clusters of devices.
    pub shelf: Arc<Shelf>,
    /// Notes who asked.
    pub ledger: Arc<Ledger>,
    /// Time.
    pub clock: Clock,
    /// How long phones are waited for.
    pub patience: Patience,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The phone went.
    Gone,
    /// It asked something that cannot be read: it gets no answer.
    Malformed,
    /// It took too long, or asked too much.
    Limit,
    /// The connection broke.
    Broken,
    /// The store cannot be read: no answer is better than a wrong one.
    Unable,
    /// The server stops.
    Stopped,
}

impl Tvs {
    /// Answers questions until the phone goes or does what it may not.
    pub async fn converse<S>(&self, stream: S, peer: IpAddr, mut stop: watch::Receiver<bool>) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = BufReader::with_capacity(BUFFER, stream);
        let end = tokio::select! {
            end = timeout(self.patience.connection, self.questions(&mut stream, peer)) => end.unwrap_or(End::Limit),
            // A question that is being answered is answered within moments; the phone asks another server.
            _ = stop.wait_for(|stop| *stop) => End::Stopped,
        };
        let _ = timeout(self.patience.question, stream.shutdown()).await;
        end
    }

    async fn questions<S>(&self, stream: &mut BufReader<S>, peer: IpAddr) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Patience { question, questions, .. } = self.patience;
        let mut body = Vec::new();
        for _ in 0..questions {
            let header = match self.header(stream).await {
                Ok(header) => header,
                Err(end) => return end,
            };
            let answered = timeout(question, async {
                body.resize(usize::from(header.length), 0);
                stream.read_exact(&mut body).await.map_err(|_| End::Broken)?;
                let answer = self.answer(&header, &body, peer).await?;
                stream.write_all(&answer).await.map_err(|_| End::Broken)?;
                stream.flush().await.map_err(|_| End::Broken)
            });
            match answered.await {
                Ok(Ok(())) => {}
                Ok(Err(end)) => return end,
                Err(_) => return End::Limit,
            }
        }
        End::Limit
    }

    /// The next header; the phone may take its time before the first byte, not after it.
    async fn header<S>(&self, stream: &mut BufReader<S>) -> Result<Header, End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut bytes = [0; HEADER];
        match timeout(self.patience.idle, stream.read(&mut bytes[..1])).await {
            Ok(Ok(0)) => return Err(End::Gone),
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(End::Broken),
            Err(_) => return Err(End::Limit),
        }
        let rest = stream.read_exact(&mut bytes[1..]);
        match timeout(self.patience.question, rest).await {
            Ok(Ok(_)) => Header::read(&bytes).map_err(malformed),
            Ok(Err(_)) => Err(End::Broken),
            Err(_) => Err(End::Limit),
        }
    }

    async fn answer(&self, header: &Header, body: &[u8], peer: IpAddr) -> Result<Vec<u8>, End> {
        let question = Question::read(header, body).map_err(malformed)?;
        let device = question.asker().device().parse().ok();
        let unable = |error| {
            tracing::error!(%error, "TVS cannot answer");
            End::Unable
        };
        let cluster = self.shelf.cluster_of(device.as_ref()).await.map_err(unable)?;
        let answered =
            self.service.answer(cluster.as_ref(), &question, header.session).await.map_err(unable)?;
        let (kind, verdict) = (question.kind(), answered.verdict);
        tracing::debug!(%peer, device = question.asker().text(), kind, verdict, "TVS");
        metrics::counter!("signet_tvs_answers_total", "kind" => kind, "verdict" => verdict).increment(1);
        if let Some(device) = device {
            self.ledger.note(device, self.clock.now(), Note::AskedTvs { from: peer, verdict });
        }
        Ok(answered.message)
    }
}

fn malformed(error: crate::error::Error) -> End {
    tracing::info!(%error, "a TVS question cannot be read");
    End::Malformed
}

/// The listener's handler.
pub struct TvsListener {
    /// Who answers.
    pub tvs: Arc<Tvs>,
    /// TLS with the TVS identity.
    pub tls: Arc<rustls::ServerConfig>,
    /// Bounds of a connection.
    pub limits: Limits,
    /// Counts connections.
    pub open: Open,
}

impl Handler for TvsListener {
    fn name(&self) -> &'static str {
        "tvs"
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, stop: watch::Receiver<bool>) {
        let _open = self.open.enter(self.name());
        let ended = |how: &'static str| {
            metrics::counter!("signet_tvs_connections_total", "end" => how).increment(1);
        };
        let accepted = TlsAcceptor::from(Arc::clone(&self.tls)).accept(stream);
        match timeout(self.limits.handshake, accepted).await {
            Ok(Ok(tls)) => ended(self.tvs.converse(tls, peer.ip(), stop).await.as_str()),
            Ok(Err(error)) => {
                tracing::debug!(peer = %peer.ip(), %error, "TVS: TLS handshake failed");
                ended("no-handshake");
            }
            Err(_) => ended("late-handshake"),
        }
    }
}

impl End {
    /// For the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Malformed => "malformed",
            Self::Limit => "limit",
            Self::Broken => "broken",
            Self::Unable => "unable",
            Self::Stopped => "stopped",
        }
    }
}
