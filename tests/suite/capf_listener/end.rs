//! How many at once, and what happens to them when the server stops.

use rustls::version::TLS13;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_connections_and_health_counts_them() {
    let house = House::open(None).await;
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let served = house.serve(limits).await;
    let (_, mut first) = Client::connect(served.capf, &TLS13).await.unwrap();
    let (_, _second) = Client::connect(served.capf, &TLS13).await.unwrap();
    assert!(Client::connect(served.capf, &TLS13).await.is_err(), "a third from the same address");
    let check = house.state.admin.listeners().into_iter().find(|l| l.name == "capf").unwrap();
    assert_eq!(check.detail, format!("{}, 2 connected", served.capf));
    assert_eq!((check.fault, check.warning), (None, None));
    first.shutdown().await.unwrap();
    rest(&mut first).await;
    // Its place is free a moment after its end was seen.
    let start = std::time::Instant::now();
    while Client::connect(served.capf, &TLS13).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(60), "the place is not given back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_cuts_who_is_silent_at_once_and_lets_others_finish() {
    let house = House::open(None).await;
    let mut served = house.serve(Limits::default()).await;
    let (_, mut silent) = Client::connect(served.capf, &TLS13).await.unwrap();
    let (_, mut talks) = Client::connect(served.capf, &TLS13).await.unwrap();
    let mut heard = [0; 2];
    silent.read_exact(&mut heard).await.unwrap();
    talks.read_exact(&mut heard).await.unwrap();
    talks.write_all(b"wo").await.unwrap();
    talks.read_exact(&mut heard).await.unwrap();
    served.stop.send(true).unwrap();
    assert!(rest(&mut silent).await.is_empty());
    talks.write_all(b"rd").await.unwrap();
    talks.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"rd", "what was begun goes on");
    talks.shutdown().await.unwrap();
    while served.listeners.join_next().await.is_some() {}
    assert!(TcpStream::connect(served.capf).await.is_err(), "nobody accepts any more");
}
