//! TFTP, packet by packet. Foreign clients: tests/interop/phones.rs.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use signet::trust::records::ListKind;
use tokio::net::UdpSocket;

use super::estate::Estate;

struct Client {
    socket: UdpSocket,
    server: SocketAddr,
    /// The port that the transfer comes from.
    from: Option<SocketAddr>,
}

impl Client {
    async fn ask(estate: &Estate, request: &[u8]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = estate.at.tftp.unwrap();
        socket.send_to(request, server).await.unwrap();
        Self { socket, server, from: None }
    }

    async fn next(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let received = self.socket.recv_from(&mut buffer);
        let (length, from) = tokio::time::timeout(Duration::from_secs(20), received).await.unwrap().unwrap();
        assert_eq!(*self.from.get_or_insert(from), from, "a transfer has one port");
        buffer.truncate(length);
        buffer
    }

    async fn acknowledge(&self, block: u16) {
        let packet = [&[0, 4], &block.to_be_bytes()[..]].concat();
        self.socket.send_to(&packet, self.from.unwrap_or(self.server)).await.unwrap();
    }

    /// Takes blocks until a short one.
    async fn take(&mut self, block_size: usize) -> Vec<u8> {
        let mut file = Vec::new();
        for block in 1u16.. {
            let packet = self.next().await;
            assert_eq!(packet[..4], [&[0, 3], &block.to_be_bytes()[..]].concat());
            self.acknowledge(block).await;
            file.extend_from_slice(&packet[4..]);
            if packet.len() < 4 + block_size {
                return file;
            }
        }
        file
    }
}

fn request(name: &str, options: &[(&str, &str)]) -> Vec<u8> {
    let mut packet = [&[0, 1], name.as_bytes(), b"\0octet\0"].concat();
    options.iter().for_each(|(name, value)| packet.extend(format!("{name}\0{value}\0").bytes()));
    packet
}

fn list(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

async fn estate(length: usize) -> Estate {
    let estate = Estate::new(&["hq"]).await;
    estate.publish("hq", ListKind::Itl, 1, &list(length), &[]).await;
    estate.add_device("SEP0123456789AB", None).await;
    estate
}

#[tokio::test]
async fn a_list_comes_in_blocks_the_last_of_them_short() {
    for length in [0, 1, 511, 512, 513, 1024, 40_000] {
        let estate = estate(length).await;
        let mut client = Client::ask(&estate, &request("ITLSEP0123456789AB.tlv", &[])).await;
        assert_eq!(client.take(512).await, list(length), "{length}");
        estate.end().await;
    }
}

#[tokio::test]
async fn options_are_agreed_to_before_the_first_block() {
    let estate = estate(5000).await;
    let options = [("tsize", "0"), ("blksize", "1400"), ("timeout", "2"), ("windowsize", "4")];
    let mut client = Client::ask(&estate, &request("ITLFile.tlv", &options)).await;
    assert_eq!(client.next().await, b"\0\x06blksize\x001400\0timeout\x002\0tsize\x005000\0");
    client.acknowledge(0).await;
    assert_eq!(client.take(1400).await, list(5000));
}

/// TFTP-10, TFTP-11: a lost packet comes again; a doubled acknowledgement brings nothing.
#[tokio::test]
async fn tftp_10_and_11_what_is_lost_comes_again_and_nothing_comes_twice() {
    let estate = estate(1000).await;
    let mut client = Client::ask(&estate, &request("ITLFile.tlv", &[])).await;
    let first = client.next().await;
    assert_eq!(client.next().await, first, "not acknowledged: again");
    client.acknowledge(1).await;
    client.acknowledge(1).await;
    client.acknowledge(0).await;
    let second = client.next().await;
    assert_eq!(second[..4], [0, 3, 0, 2]);
    assert_eq!(client.next().await, second, "the next is the same block, after its time, and none between");
    client.acknowledge(2).await;
}

#[tokio::test]
async fn tftp_11_an_address_that_asked_for_nothing_is_not_flooded() {
    let estate = estate(1000).await;
    let mut client = Client::ask(&estate, &request("ITLFile.tlv", &[("timeout", "1")])).await;
    let mut packets = 0;
    loop {
        let mut buffer = [0; 2048];
        let wait = Duration::from_secs(3);
        match tokio::time::timeout(wait, client.socket.recv_from(&mut buffer)).await {
            Ok(received) => client.from = Some(received.unwrap().1),
            Err(_) => break,
        }
        packets += 1;
    }
    assert_eq!(packets, 3);
    let fetched = estate.trust("SEP0123456789AB").await;
    assert_eq!(fetched["fetched"], json!([]), "what was not taken was not fetched");
}

/// TFTP-05 to TFTP-09, FETCH-01 to FETCH-06.
#[tokio::test]
async fn what_is_no_request_for_a_file_here_is_an_error() {
    let estate = estate(10).await;
    for (packet, code) in [
        (request("SEP0123456789AB.cnf.xml.sgn", &[]), 1),
        (request("../admin.token", &[]), 1),
        (request("/etc/passwd", &[]), 1),
        (request("CTLFile.tlv", &[]), 1),
        (request("admin.token", &[]), 1),
        (request("ITLFile.tlv.bak", &[]), 1),
        (b"\0\x02ITLFile.tlv\0octet\0".to_vec(), 2),
        (b"\0\x01ITLFile.tlv\0netascii\0".to_vec(), 4),
        (b"\0\x01ITLFile.tlv\0octet".to_vec(), 4),
        (request(&"x".repeat(600), &[]), 4),
        (b"\0\x07".to_vec(), 4),
    ] {
        let mut client = Client::ask(&estate, &packet).await;
        let answer = client.next().await;
        assert_eq!(answer[..4], [0, 5, 0, code], "{:?}", String::from_utf8_lossy(&packet));
        assert_eq!(answer.last(), Some(&0));
    }
}

/// TFTP-12.
#[tokio::test]
async fn tftp_12_an_address_has_eight_transfers_at_once() {
    let estate = estate(1000).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Client::ask(&estate, &request("ITLFile.tlv", &[("timeout", "10")])).await;
        client.next().await;
        clients.push(client);
    }
    let ninth = Client::ask(&estate, &request("ITLFile.tlv", &[])).await;
    let mut buffer = [0; 16];
    // Its answer would come before that of a transfer that was asked for later.
    let mut first = clients.remove(0);
    first.acknowledge(0).await;
    first.take(512).await;
    assert!(ninth.socket.try_recv_from(&mut buffer).is_err(), "it was not answered");
    // There is room again, as soon as the server has seen the last acknowledgement.
    loop {
        let again = Client::ask(&estate, &request("ITLFile.tlv", &[])).await;
        let answer = tokio::time::timeout(Duration::from_millis(100), again.socket.recv_from(&mut buffer));
        if answer.await.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn a_fetch_over_tftp_is_noted_when_it_is_finished() {
    let estate = estate(1000).await;
    let mut client = Client::ask(&estate, &request("ITLSEP0123456789AB.tlv", &[])).await;
    client.take(512).await;
    loop {
        let fetched = estate.trust("SEP0123456789AB").await["fetched"].clone();
        if let Some(first) = fetched.get(0) {
            assert_eq!((&first["over"], &first["release"]), (&json!("tftp"), &json!(1)));
            return;
        }
        tokio::task::yield_now().await;
    }
}
