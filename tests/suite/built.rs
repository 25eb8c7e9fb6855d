//! A server's folder as `init` makes it, with small keys, and its state on a clock that the test moves.

use signet::clock::Clock;
use signet::random::Random;
use signet::server::layout::Layout;
use signet::server::settings::Given;
use signet::server::setup::{self, Algorithms, NewAuthority, Places};
use signet::server::state::{Opening, State};
use signet::x509::key::KeyAlgorithm;
use signet::x509::san::San;

pub const URL: &str = "http://pki.example.org";
const PASSWORD: &str = "correct horse battery staple";

/// RSA and EC hierarchies in a folder.
pub async fn build(layout: &Layout, clock: &Clock) {
    let algorithms = Algorithms {
        rsa_root: KeyAlgorithm::Rsa2048,
        rsa_issuing: KeyAlgorithm::Rsa2048,
        ec_root: KeyAlgorithm::P256,
        ec_issuing: KeyAlgorithm::P256,
    };
    let new = NewAuthority {
        settings: Given::default(),
        url: URL.into(),
        algorithms,
        places: Places::default(),
        organization: None,
        password: PASSWORD,
        clock: clock.clone(),
        random: Random::system(),
    };
    setup::build(new, layout, layout).await.unwrap();
}

/// What serves from that folder.
pub async fn open(layout: &Layout, clock: &Clock, tls_names: Vec<San>) -> State {
    open_with(layout, clock, tls_names, &Given::default()).await
}

/// The same by these settings.
pub async fn open_with(layout: &Layout, clock: &Clock, tls_names: Vec<San>, settings: &Given) -> State {
    let opening = Opening {
        layout,
        settings,
        public_url: URL.into(),
        tls_names,
        password: PASSWORD,
        clock: clock.clone(),
        random: Random::system(),
    };
    State::open(opening).await.unwrap()
}
