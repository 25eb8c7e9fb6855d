//! A full and a read-only disk: a small tmpfs in a mount namespace of its own.

use super::*;

/// A namespace with a tmpfs of 16 MiB on a folder, held by a sleeping shell.
struct Disk {
    holder: Child,
    dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = "mount -t tmpfs -o size=16m tmpfs \"$1\" && echo mounted && exec sleep 600";
        let mut holder = tool("unshare", "util-linux")
            .args(["-m", "sh", "-c", script, "sh"])
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "a mount namespace of its own needs root (CAP_SYS_ADMIN)");
        Self { holder, dir }
    }

    fn inside(&self) -> Command {
        let mut command = tool("nsenter", "util-linux");
        command.args(["-t", &self.holder.id().to_string(), "-m", "--"]);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.inside().arg(program).args(arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }

    fn probe(&self, verb: &str) -> Command {
        let mut command = self.inside();
        command.arg(probe()).arg(verb).arg(self.path("data"));
        command
    }

    fn remount(&self, how: &str) {
        self.run("mount", &["-o", &format!("remount,{how}"), &self.dir.path().display().to_string()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Writes until the store refuses. Returns the acknowledged keys and the refusal.
fn fill(talk: &mut Talk, name: &str) -> (Vec<String>, String) {
    let mut acknowledged = Vec::new();
    for n in 0..2_000 {
        let key = format!("{name}{n}");
        let answer = talk.ask(&format!("put {key} 60000"));
        if answer != format!("ok {key}") {
            return (acknowledged, answer);
        }
        acknowledged.push(key);
    }
    panic!("the disk never got full");
}

fn assert_all_there(talk: &mut Talk, keys: &[String]) {
    for key in keys {
        assert_eq!(talk.ask(&format!("has {key}")), "yes", "{key}");
    }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_the_service_resumes() {
    let disk = Disk::new();
    let ballast = disk.path("ballast").display().to_string();
    disk.run("dd", &["if=/dev/zero", &format!("of={ballast}"), "bs=1M", "count=5", "status=none"]);
    let mut talk = Talk::start(disk.probe("create"));
    assert_eq!(talk.line(), "ready");
    let (mut acknowledged, refusal) = fill(&mut talk, "a");
    assert!(acknowledged.len() > 10 && refusal.contains("no space left on device"), "{refusal}");
    assert!(talk.ask("health").contains("no space left on device"));
    assert!(talk.ask("put again 60000").contains("no space left on device"));
    assert_all_there(&mut talk, &acknowledged);

    disk.run("rm", &[&ballast]);
    assert_eq!(talk.ask("put resumed 60000"), "ok resumed");
    assert_eq!(talk.ask("health"), "ok");
    acknowledged.push("resumed".to_owned());
    let (more, _) = fill(&mut talk, "b");
    acknowledged.extend(more);
    assert_all_there(&mut talk, &acknowledged);
    talk.end();

    let mut talk = Talk::start(disk.probe("open"));
    assert_eq!(talk.line(), "ready");
    assert_all_there(&mut talk, &acknowledged);
}

#[test]
fn a_store_with_room_again_is_healthy_without_being_asked() {
    let disk = Disk::new();
    let ballast = disk.path("ballast").display().to_string();
    disk.run("dd", &["if=/dev/zero", &format!("of={ballast}"), "bs=1M", "count=5", "status=none"]);
    let mut talk = Talk::start(disk.probe("create"));
    assert_eq!(talk.line(), "ready");
    fill(&mut talk, "a");
    disk.run("rm", &[&ballast]);
    // Nobody writes; only the store itself tries again, each second.
    let healthy = (0..300).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        talk.ask("health") == "ok"
    });
    assert!(healthy);
}

#[test]
fn a_read_only_disk_is_named_and_the_store_opens_once_it_is_writable() {
    let disk = Disk::new();
    let mut talk = Talk::start(disk.probe("create"));
    assert_eq!(talk.line(), "ready");
    assert_eq!(talk.ask("put a 100"), "ok a");
    talk.end();
    disk.remount("ro");
    let output = disk.probe("open").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("read-only file system"), "{text}");
    disk.remount("rw");
    let mut talk = Talk::start(disk.probe("open"));
    assert_eq!(talk.line(), "ready");
    assert_eq!(talk.ask("has a"), "yes");
    assert_eq!(talk.ask("put b 100"), "ok b");
    talk.end();
}
