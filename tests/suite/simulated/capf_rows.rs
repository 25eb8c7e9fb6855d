//! How each row of CAPF is tried: the phone's side of it.

use signet::phone::Boot;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::key::{Key, key};
use super::stand::{Stand, own};
use super::world::Behind;
use super::writer::element;

fn message(command: u8, elements: &[u8]) -> Vec<u8> {
    let length = u16::try_from(elements.len()).unwrap().to_be_bytes();
    [&[0x55, command, 0, 0, 0, 9][..], &length, elements].concat()
}

fn end(reason: u8) -> Vec<u8> {
    message(15, &element(1, &[reason]))
}

/// Says one thing after the other, each after the phone's answer to the one before.
async fn says(mut stream: TlsStream<TcpStream>, script: Vec<Vec<u8>>) {
    for said in script {
        if stream.write_all(&said).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        let mut head = [0; 8];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[6], head[7]]))];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        // What was declined is told so.
        if head[1] == 10 && body == element(1, &[7]) {
            let _ = stream.write_all(&end(7)).await;
            return;
        }
    }
}

async fn meets(shown: &str, script: Vec<Vec<u8>>) -> Boot {
    boot(Stand::usual().await, shown, script).await.0
}

async fn boot(mut stand: Stand, shown: &str, script: Vec<Vec<u8>>) -> (Boot, Stand) {
    let service = Behind::serve(&key(shown), move |stream| says(stream, script.clone())).await;
    stand.world.capf = Some(service.at.to_string());
    (stand.boot().await, stand)
}

/// How the boots of a row went.
pub async fn attempt(id: &str) -> Vec<Boot> {
    let hello = || message(1, &[element(7, &[3]), element(8, &[0])].concat());
    let boot = match id.strip_prefix("PHONECAPF-").unwrap().parse().unwrap() {
        1 => meets("capf", vec![hello(), end(0)]).await,
        2 => return vec![meets("tvs", vec![hello(), end(0)]).await, meets("stranger", vec![end(0)]).await],
        3 => boot(Stand::fresh().await, "stranger", vec![hello(), end(0)]).await.0,
        4 => another_key(hello()).await,
        5 => return vec![meets("capf", vec![hello(), end(7)]).await, meets("capf", vec![end(255)]).await],
        6 => meets("capf", vec![hello(), end(9)]).await,
        7 => meets("capf", vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]).await,
        8 => {
            let lies =
                [message(1, &[7, 0, 9, 3]), message(1, &[7, 0]), [hello(), vec![]].concat()[..6].to_vec()];
            let mut boots = Vec::new();
            for lie in lies {
                boots.push(cut(lie).await);
            }
            return boots;
        }
        9 => meets("capf", vec![hello(); 40]).await,
        10 => meets("capf", vec![hello(), message(3, &element(17, &[2]))]).await,
        11 => meets("capf", vec![hello(), message(22, &[])]).await,
        12 => {
            let mut stand = Stand::usual().await;
            stand.phone.takes_later = true;
            boot(stand, "capf", vec![hello(), message(16, &[])]).await.0
        }
        13 => meets("capf", vec![hello(), message(16, &[])]).await,
        number => return unfit(number, &hello()).await,
    };
    vec![boot]
}

/// Messages that known phones abort on.
async fn unfit(number: u32, hello: &[u8]) -> Vec<Boot> {
    let mut boots = Vec::new();
    if number == 16 {
        for end in [1, 8, hello.len() - 1] {
            boots.push(sent(vec![hello[..end].to_vec(), hello[end..].to_vec()]).await);
        }
        return boots;
    }
    let lsc = key("lsc");
    let kind = |kind| wrapped(&lsc, kind);
    let store = |elements: &[Vec<u8>]| message(9, &elements.concat());
    let messages = match number {
        14 => [2, 5, 9, 12, 13, 99].map(|tag| message(1, &element(tag, &[3]))).to_vec(),
        15 => {
            let twice = [element(7, &[3]), element(7, &[3])];
            let falling = [element(8, &[0]), element(7, &[3])];
            [twice, falling].map(|elements| message(1, &elements.concat())).to_vec()
        }
        17 => vec![[&[0x55, 15, 0, 0, 0, 10, 0, 4][..], &element(1, &[0])].concat()],
        18 => vec![store(&[element(4, &kind(1))]), store(&[element(3, &[2]), element(4, &kind(1))])],
        _ => [kind(2), kind(0), lsc.der.clone()]
            .map(|value| store(&[element(3, &[1]), element(4, &value)]))
            .to_vec(),
    };
    for message in messages {
        boots.push(meets("capf", vec![hello.to_vec(), message]).await);
    }
    boots
}

/// A certificate as its element has it.
fn wrapped(key: &Key, kind: u8) -> Vec<u8> {
    let length = u16::try_from(key.der.len() + 2).unwrap().to_be_bytes();
    [&[1][..], &length, &[0, kind], &key.der].concat()
}

/// A message, and then the end.
async fn cut(message: Vec<u8>) -> Boot {
    sent(vec![message]).await
}

/// Pieces, each in a record of its own, and then the end.
async fn sent(pieces: Vec<Vec<u8>>) -> Boot {
    let mut stand = Stand::usual().await;
    let service = Behind::serve(&key("capf"), move |mut stream| {
        let pieces = pieces.clone();
        async move {
            for piece in pieces {
                let _ = stream.write_all(&piece).await;
            }
            let _ = stream.shutdown().await;
        }
    })
    .await;
    stand.world.capf = Some(service.at.to_string());
    stand.boot().await
}

/// The certificate that comes is not for the key that the phone made: it keeps what it had.
async fn another_key(hello: Vec<u8>) -> Boot {
    let (old, new) = (key("lsc"), key("other"));
    let script = vec![
        hello,
        message(3, &[element(10, &2048_u16.to_be_bytes()), element(17, &[0])].concat()),
        message(9, &[element(3, &[1]), element(4, &wrapped(&new, 1))].concat()),
    ];
    let mut stand = Stand::usual().await;
    stand.phone.lsc = own(&old);
    let (boot, stand) = boot(stand, "capf", script).await;
    assert_eq!(stand.phone.lsc.unwrap().certificate, old.der);
    boot
}
