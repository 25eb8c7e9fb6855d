//! A session that fell silent gives way to the next one of its phone (CAPF-33): the whole conversation, from outside.

use std::time::Duration;

use super::stage::Stage;

const STRING: &[&str] = &["--password", "4711"];
/// Longer than a session may be silent before it gives way.
const SILENT: Duration = Duration::from_secs(21);

/// It lost its link while it made its key, or before it confirmed its certificate; the server has not heard of that.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_comes_back_takes_over_from_its_silent_session() {
    let stage = Stage::open().await;
    for (number, silent_at) in ["key-asked", "certificate"].into_iter().enumerate() {
        let phone = stage.phone(number).await;
        stage.operation(&phone, "install", "string", Some("4711"), "p-256").await;
        let before = stage.waits(&phone, silent_at, STRING).await;
        // One that was heard just now is not ended by another.
        let seen = stage.comes(&phone, STRING).await.ends(7);
        assert_eq!(seen.received(), ["AuthRequest", "EndSession"], "{silent_at}");

        stage.clock.advance(SILENT);
        let seen = stage.comes(&phone, STRING).await.ends(1);
        assert_eq!(stage.state(&phone).await, ("installed".into(), None), "{silent_at}");
        assert_eq!(stage.live(&phone).await, [seen.serial()], "{silent_at}: one live certificate");

        // The one before was told to end, and what it says now counts for nothing.
        let ended = before.goes_on().await;
        assert!(ended.0["reason"] == 7 || ended.0["outcome"] == "closed", "{}", ended.0);
        let certified = ended.received().contains(&"StoreCertificateRequest");
        assert_eq!(certified, silent_at == "certificate", "{}", ended.0);
        assert_eq!(stage.live(&phone).await, [seen.serial()], "{silent_at}");
        assert_eq!(stage.lsc_serial(&phone).await, Some(seen.serial()), "{silent_at}");
    }
    stage.is_whole().await;
}
