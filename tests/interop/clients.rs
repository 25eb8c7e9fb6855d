//! Unmodified SCEP clients against one server process, each through every operation that it has. What was seen is
//! printed as a table, and must be the table of the manual (docs/manual/clients.md).

use std::panic::{AssertUnwindSafe, catch_unwind};

mod certmonger;
mod profiles;
mod pyscep;
mod scepclient;
mod stage;
mod strongswan;

use stage::Stage;

/// The columns of the table.
const OPERATIONS: [&str; 8] =
    ["GetCACert", "fingerprint", "enrol", "renew", "wrong challenge", "poll", "GetCert", "GetCRL"];

type Client = fn(&Stage, &mut Row);

const CLIENTS: [(&str, Client); 6] = [
    ("strongSwan pki 5.9.8, AES", strongswan::with_aes),
    ("strongSwan pki 5.9.8, 3DES and SHA-1", strongswan::with_triple_des),
    ("scepclient 2.1.0, DES and SHA-1", scepclient::all),
    ("scepclient 2.1.0, RSA-1024", scepclient::with_old_key),
    ("certmonger 0.79.17", certmonger::all),
    ("PyScep 0.0.14", pyscep::all),
];

/// What one client did.
pub struct Row {
    name: &'static str,
    done: Vec<(&'static str, bool)>,
}

impl Row {
    /// Runs one operation; a panic is its failure.
    pub fn does(&mut self, operation: &'static str, run: impl FnOnce()) {
        assert!(OPERATIONS.contains(&operation), "{operation} has no column");
        let passed = catch_unwind(AssertUnwindSafe(run)).is_ok();
        self.done.push((operation, passed));
    }

    fn line(&self) -> String {
        let cell = |operation: &&str| match self.done.iter().find(|(done, _)| done == operation) {
            Some((_, true)) => "yes",
            Some((_, false)) => "FAILED",
            None => "–",
        };
        let cells: Vec<&str> = OPERATIONS.iter().map(cell).collect();
        format!("| {} | {} |\n", self.name, cells.join(" | "))
    }
}

#[test]
fn every_client_does_what_the_manual_says() {
    let stage = Stage::new();
    let rows: Vec<Row> = std::thread::scope(|scope| {
        let run = |(name, client): (&'static str, Client)| {
            let stage = &stage;
            scope.spawn(move || {
                let mut row = Row { name, done: Vec::new() };
                client(stage, &mut row);
                row
            })
        };
        let running: Vec<_> = CLIENTS.into_iter().map(run).collect();
        running.into_iter().map(|client| client.join().expect("a client ended early")).collect()
    });
    let mut table =
        format!("| Client | {} |\n|---|{}\n", OPERATIONS.join(" | "), "---|".repeat(OPERATIONS.len()));
    rows.iter().for_each(|row| table.push_str(&row.line()));
    println!("{table}");
    let manual = include_str!("../../docs/manual/clients.md");
    assert!(!table.contains("FAILED"), "\n{table}\n{}", stage.server.log());
    assert!(manual.contains(&table), "docs/manual/clients.md does not hold this table:\n{table}");
}
