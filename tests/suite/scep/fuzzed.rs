//! Truncated and mutated messages: refused or answered, never a panic.

use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::server::{Server, scep};

fn message(server: &Server) -> Vec<u8> {
    let device = server.device();
    server.request(&device, "19", &device.csr(None)).signed_by(&device)
}

/// SCEP-04
#[test]
fn every_prefix_of_a_message_is_refused() {
    scep(async |server| {
        let message = message(server);
        for length in 1..message.len() {
            assert_eq!(server.refused(&message[..length]).await.0, 400, "{length} bytes");
        }
    });
}

#[test]
fn a_mutated_message_is_answered_in_words() {
    let message = scep(async |server| message(server));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let change = (0..message.len(), any::<u8>());
    runner
        .run(&proptest::collection::vec(change, 1..4), |changes| {
            let mut mutated = message.clone();
            changes.iter().for_each(|(place, byte)| mutated[*place] = *byte);
            let status = scep(async |server| server.status(&mutated).await);
            prop_assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{status}");
            Ok(())
        })
        .unwrap();
}
