//! What the log says of a refusal: one line that an operator can search by profile, transaction, subject and code.

use std::io;
use std::sync::{Arc, Mutex};

use super::der::printable;
use super::message::TRANSACTION_ID;
use super::server::{scep, unique};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_refusal_is_one_line_with_profile_transaction_subject_and_code() {
    scep(async |server| {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let device = server.device();
        let id = unique("logged");
        let secret = "a secret that is wrong";
        let message = server.request(&device, "19", &device.csr(Some(secret)));
        let message = message.attribute(TRANSACTION_ID, vec![printable(&id)]).signed_by(&device);
        {
            let _guard = tracing::subscriber::set_default(subscriber);
            assert_eq!(server.post(&message).await.status, "2");
        }
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let found: Vec<&str> = text.lines().filter(|line| line.contains(&id)).collect();
        let [line] = found[..] else { panic!("one line: {text}") };
        let subject = format!("subject=\"CN={}\"", device.name);
        for part in ["profile=scep-device", &subject, "code=\"challenge-refused\"", "fail_info=\"2\""] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!text.contains(secret) && !text.contains("Refusal"), "{text}");
    });
}
