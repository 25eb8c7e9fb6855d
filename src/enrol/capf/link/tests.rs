use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{DuplexStream, ReadBuf, duplex};

use super::*;

const SESSION: u32 = 0x0102_0304;
const LONG: Duration = Duration::from_secs(30);
const STORED: [u8; 12] = [0x55, 10, 1, 2, 3, 4, 0, 4, 1, 0, 1, 1];

fn link() -> (Link<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(64 * 1024);
    (Link::new(ours, SESSION), theirs)
}

async fn hear(octets: &[u8]) -> Result<FromDevice, Broken> {
    let (mut link, mut device) = link();
    device.write_all(octets).await.unwrap();
    link.hear(LONG).await
}

fn refused(heard: Result<FromDevice, Broken>) -> String {
    match heard {
        Err(Broken::Malformed(error)) => error.detail().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// CAPF-03.
#[tokio::test]
async fn a_header_in_eight_pieces_is_put_together() {
    let (ours, mut device) = duplex(1);
    let mut link = Link::new(ours, SESSION);
    let sent = tokio::spawn(async move {
        for octet in STORED {
            device.write_all(&[octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
        device
    });
    assert!(matches!(link.hear(LONG).await, Ok(FromDevice::Stored(reason)) if reason.is_ok()));
    sent.await.unwrap();
}

/// CAPF-05: the time is that of the whole message. At this pace it would take two minutes and more.
#[tokio::test]
async fn a_message_that_comes_octet_by_octet_is_not_waited_for() {
    let (mut link, mut device) = link();
    device.write_all(&[0x55, 2, 1, 2, 3, 4, 0x40, 0]).await.unwrap();
    let sender = tokio::spawn(async move {
        while device.write_all(&[0]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let heard = tokio::time::timeout(LONG, link.hear(Duration::from_millis(100))).await;
    assert!(matches!(heard, Ok(Err(Broken::Late))));
    sender.abort();
}

/// CAPF-06: what fits the cap is waited for, and no longer than the message may take; what does not is refused at once.
#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let (mut link, mut device) = link();
    device.write_all(&[0x55, 2, 1, 2, 3, 4, 0x40, 0]).await.unwrap();
    assert!(matches!(link.hear(Duration::from_millis(100)).await, Err(Broken::Late)));
    assert_eq!(refused(hear(&[0x55, 2, 1, 2, 3, 4, 0xff, 0xff]).await), "message too large");
}

/// CAPF-12.
#[tokio::test]
async fn another_session_is_refused() {
    for session in [[0, 0, 0, 0], [4, 3, 2, 1], [1, 2, 3, 5]] {
        let mut message = STORED;
        message[2..6].copy_from_slice(&session);
        assert_eq!(refused(hear(&message).await), "session mismatch");
    }
}

/// CAPF-09.
#[tokio::test]
async fn commands_that_do_not_exist_are_refused() {
    for command in [0, 24, 255] {
        assert_eq!(refused(hear(&[0x55, command, 1, 2, 3, 4, 0, 0]).await), "unknown command");
    }
}

#[tokio::test]
async fn a_message_that_is_cut_anywhere_is_not_taken() {
    for end in 0..STORED.len() {
        let (mut link, mut device) = link();
        device.write_all(&STORED[..end]).await.unwrap();
        drop(device);
        assert!(matches!(link.hear(LONG).await, Err(Broken::Cut)), "{end}");
    }
}

/// Notes the length of each write.
struct Noting(Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Noting {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Noting {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().unwrap().push(octets.len());
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn every_message_leaves_in_one_write() {
    let writes = Arc::new(Mutex::new(Vec::new()));
    let mut link = Link::new(Noting(Arc::clone(&writes)), SESSION);
    link.tell(&ToDevice::Authenticate).await.unwrap();
    link.tell(&ToDevice::Store(&[7; 900])).await.unwrap();
    assert_eq!(*writes.lock().unwrap(), [16, 8 + 4 + 8 + 900]);
}
