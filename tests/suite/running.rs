//! A server that runs, and its command line.

use serde_json::Value;

use super::serve::{Home, Server};

/// A server on a folder, and its command line.
pub struct Running {
    pub home: Home,
    pub server: Server,
}

impl Running {
    pub fn new() -> Self {
        let home = Home::new();
        let server = home.up();
        Self { home, server }
    }

    pub fn path(&self, name: &str) -> String {
        self.home.data().with_file_name(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// What it says on standard output, done.
    pub fn done(&self, arguments: &[&str]) -> String {
        let (code, out, said) = self.home.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{said}");
        out
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.done(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {out}"))
    }

    pub fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let (found, out, said) = self.home.run(arguments);
        assert_eq!(found, code, "{arguments:?}: {out}{said}");
        said
    }
}
