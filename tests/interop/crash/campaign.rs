//! kill -9 anywhere in a campaign: afterwards each of its devices is at exactly one step, which is true of it; none was asked
//! twice, none is forgotten, and the report counts what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::capf::{address, call};
use super::{client, rounds};
use crate::server::{SIGNET, Server};

/// Phones that never come, those that cannot make the key that is asked for, and those that can; counted up in this order.
const ABSENT: usize = 20;
const OLD: usize = 30;
/// So many can for each kill: the campaign does not end before.
const GOOD: usize = 40;
const AT_ONCE: usize = 60;
/// So much became of the devices before a step that is killed.
const NEWS: usize = 10;
const CUT_OFF: &str = "the server stopped while it ran";

fn name(number: usize) -> String {
    format!("SEP{number:012X}")
}

/// A server for phones that come without proof, and so many of them in its inventory.
fn open(count: usize) -> Server {
    // The phones come to one address, whichever process is there.
    let capf = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server::start_with(&["--rsa-root", "rsa-2048", "--capf", &capf]);
    let profile = server.data().join("policies/profiles/capf-lsc.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    assert!(text.contains("null_string = false"));
    std::fs::write(&profile, text.replace("null_string = false", "null_string = true")).unwrap();
    server.signet(&["profile", "reload"]).ok();
    let rows = (1..=count).map(|n| format!("{},8845,{}\n", name(n), ["EMEA", "APAC", "US"][n % 3]));
    let file = server.file("phones.csv");
    std::fs::write(&file, format!("name,model,region\n{}", rows.collect::<String>())).unwrap();
    server.signet(&["device", "import", &file]).ok();
    server
}

fn begin(server: &Server, campaign: &str, at_once: usize, within: &str) {
    let (at_once, filter) = (at_once.to_string(), "model=8845");
    let what = ["--operation", "install", "--auth", "null-string", "--key", "p-256", "--within", within];
    let pace = ["--at-once", &at_once, "--per-minute", "100000", "--yes"];
    server.signet(&[&["campaign", "create", campaign, "--filter", filter][..], &what, &pace].concat()).ok();
}

fn items(server: &Server, path: &str) -> Vec<Value> {
    let (mut found, mut more) = (Vec::new(), String::new());
    loop {
        let page = call(server, "GET", &format!("{path}{more}"), None);
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        let name = if path.starts_with("/audit") { "before" } else { "cursor" };
        match page["next"].as_str() {
            Some(place) => more = format!("&{name}={place}"),
            None => return found,
        }
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field}: {value}"))
}

/// The campaign's task.
fn task(server: &Server, campaign: &str) -> Value {
    let subject = format!("campaign:{campaign}");
    let tasks = items(server, "/tasks?kind=campaign.step&limit=100");
    tasks.into_iter().find(|task| task["subject"] == subject.as_str()).unwrap()
}

/// Makes the campaign's task due at once, also if it rests because the server stopped while it ran. Returns whether that is
/// so.
fn step(server: &Server, campaign: &str) -> bool {
    let task = task(server, campaign);
    server.api(&["-X", "POST"], &format!("/tasks/{}/run", text(&task, "id")));
    task["said"] == CUT_OFF
}

/// Waits until a step runs.
fn wait_for_step(server: &Server, campaign: &str) {
    let (id, begun) = (task(server, campaign)["id"].as_str().unwrap().to_owned(), Instant::now());
    let token = std::fs::read_to_string(server.data().join("admin.token")).unwrap();
    let (client, url) = (client(server), format!("https://{}/api/v1/tasks/{id}", server.https));
    client.post(format!("{url}/run")).bearer_auth(token.trim()).send().unwrap();
    loop {
        let found: Value = client.get(&url).bearer_auth(token.trim()).send().unwrap().json().unwrap();
        if found["state"] == "running" {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no step comes: {found}");
    }
}

/// Phones that come again and again, whether the server is there or not.
struct Phones(Vec<Child>);

impl Phones {
    fn coming(server: &Server, all: usize) -> Self {
        let boot = |first: usize, last: usize, flags: &[&str]| {
            let (first, count, capf) = (name(first), (last - first + 1).to_string(), address(server));
            let which = ["--first", &first, "--count", &count, "--capf", &capf, "--boots", "1000"];
            let mut command = Command::new(SIGNET);
            command.args(["phone", "simulate", "--at-once", "4"]).args(which).args(flags);
            quiet(command)
        };
        let old = boot(ABSENT + 1, ABSENT + OLD, &["--only-rsa"]);
        Self(vec![old, boot(ABSENT + OLD + 1, all, &[])])
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        for phones in &mut self.0 {
            let _ = phones.kill();
            let _ = phones.wait();
        }
    }
}

/// Waits until something became of some devices that no step has seen yet; not for long, for there may be no more.
fn wait_for_news(server: &Server, campaign: &str) {
    let id = call(server, "GET", &format!("/campaigns/{campaign}"), None)["id"].clone();
    let installed = format!("/devices?campaign={}&state=installed&limit=1000", id.as_str().unwrap());
    let (seen, begun) = (items(server, &installed).len(), Instant::now());
    while items(server, &installed).len() < seen + NEWS && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn quiet(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The report and the devices of one moment: a step that comes between the two is waited for.
fn standing(server: &Server, campaign: &str) -> (Value, Vec<Value>) {
    let report = || call(server, "GET", &format!("/campaigns/{campaign}/report"), None);
    let mut before = report();
    loop {
        let devices = items(server, &format!("/campaigns/{campaign}/devices?limit=1000"));
        let after = report();
        if before["campaign"]["counts"] == after["campaign"]["counts"] {
            return (after, devices);
        }
        before = after;
    }
}

/// How many devices are at each step, by their own records: the report says the same, of all and of each region.
fn tally(server: &Server, campaign: &str) -> BTreeMap<String, u64> {
    let (report, devices) = standing(server, campaign);
    let count = |of: &dyn Fn(&Value) -> Option<String>| {
        devices.iter().filter_map(of).fold(BTreeMap::<String, u64>::new(), |mut counts, key| {
            *counts.entry(key).or_default() += 1;
            counts
        })
    };
    let steps = count(&|device| device["step"].as_str().map(str::to_owned));
    let same = |said: &Value, found: &BTreeMap<String, u64>| {
        let mut said: BTreeMap<String, u64> = serde_json::from_value(said.clone()).unwrap();
        assert_eq!(said.remove("devices"), Some(found.values().sum()), "{report}");
        said.retain(|_, count| *count > 0);
        assert_eq!(&said, found, "{report}");
    };
    same(&report["campaign"]["counts"], &steps);
    for region in report["regions"].as_array().unwrap() {
        let is_there = |device: &Value| device["region"] == region["region"];
        let there = count(&|device| is_there(device).then(|| text(device, "step").to_owned()));
        same(&region["counts"], &there);
    }
    let reasons = count(&|device| device["reason"].as_str().map(str::to_owned));
    for one in report["reasons"].as_array().unwrap() {
        assert_eq!(one["count"].as_u64(), reasons.get(text(one, "reason")).copied(), "{report}");
    }
    steps
}

/// How often the audit log has an action of each device.
fn audited(server: &Server, action: &str) -> BTreeMap<String, usize> {
    let entries = items(server, &format!("/audit?action={action}&limit=1000"));
    entries.iter().fold(BTreeMap::new(), |mut counts, entry| {
        *counts.entry(text(entry, "subject").trim_start_matches("device:").to_owned()).or_default() += 1;
        counts
    })
}

fn restart(server: &mut Server) {
    server.kill();
    server.launch();
    server.signet(&["check"]).ok();
}

/// Numbers without an order, the same in every run.
fn draw(state: &mut u64, below: u64) -> Duration {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    Duration::from_millis((*state >> 33) % below)
}

#[test]
fn campaign_killed_at_any_moment() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let all = ABSENT + OLD + rounds() * GOOD;
    let mut server = open(all);
    let _phones = Phones::coming(&server, all);
    begin(&server, "spring", AT_ONCE, "90s");
    let (mut state, mut cut_off) = (11, 0);
    for round in 0..rounds() {
        wait_for_news(&server, "spring");
        wait_for_step(&server, "spring");
        std::thread::sleep(draw(&mut state, 20));
        restart(&mut server);
        let steps = tally(&server, "spring");
        assert_eq!(steps.values().sum::<u64>() as usize, all, "round {round}: {steps:?}");
        cut_off += usize::from(step(&server, "spring"));
    }
    let begun = Instant::now();
    while call(&server, "GET", "/campaigns/spring", None)["state"] == "running" {
        step(&server, "spring");
        std::thread::sleep(Duration::from_millis(500));
        assert!(begun.elapsed() < Duration::from_secs(300), "{:?}", tally(&server, "spring"));
    }
    println!("{cut_off} of {} kills came while a step ran", rounds());
    assert!(cut_off > 0, "no kill came in time");
    ended(&server, all);
    server.signet(&["audit", "verify"]).ok();
}

/// What each device is, by its number; what the campaign says of it; what it holds; and how often it was asked.
fn ended(server: &Server, all: usize) {
    let expected = |n: usize| match n {
        _ if n <= ABSENT => ("late", "late"),
        _ if n <= ABSENT + OLD => ("failed", "failed"),
        _ => ("done", "installed"),
    };
    let steps = tally(server, "spring");
    let counted = [("late", ABSENT), ("failed", OLD), ("done", all - ABSENT - OLD)];
    let counted = counted.map(|(step, count)| (step.to_owned(), count as u64));
    assert_eq!(steps, BTreeMap::from(counted), "every device ended as it should");
    let by_name = |of: Vec<Value>| -> BTreeMap<String, Value> {
        let count = of.len();
        let found: BTreeMap<_, _> = of.into_iter().map(|one| (text(&one, "name").to_owned(), one)).collect();
        assert_eq!(found.len(), count, "a device stands there twice");
        found
    };
    let members = by_name(items(server, "/campaigns/spring/devices?limit=1000"));
    let devices = by_name(items(server, "/devices?limit=1000"));
    let (asked, confirmed) = (audited(server, "device.schedule"), audited(server, "device.install"));
    let live = items(server, "/certificates?profile=capf-lsc&status=good&limit=1000");
    for (n, name) in (1..=all).map(|n| (n, name(n))) {
        let (member, device) = (&members[&name], &devices[&name]);
        assert_eq!((text(member, "step"), text(device, "state")), expected(n), "{member} {device}");
        assert_eq!(asked.get(&name), Some(&1), "{name} was asked once");
        let is_done = usize::from(member["step"] == "done");
        assert_eq!(confirmed.get(&name).copied().unwrap_or(0), is_done, "{name}: confirmed as often as done");
        let held: Vec<_> = live.iter().filter(|one| one["device"] == name.as_str()).collect();
        assert_eq!(held.len(), is_done, "{name}: one live LSC");
        assert!(held.iter().all(|one| one["serial"] == device["lsc"]["serial"]), "{name}: {held:?}");
    }
}

/// A stop takes every operation back, once, whatever cuts it off.
#[test]
fn campaign_killed_while_it_is_stopped() {
    const ALL: usize = 250;
    let mut server = open(ALL);
    let (mut state, mut cut_off) = (5, 0);
    let all: BTreeSet<String> = (1..=ALL).map(name).collect();
    for round in 1..=rounds().div_ceil(3) {
        let campaign = format!("stopped-{round}");
        begin(&server, &campaign, ALL, "7d");
        let begun = Instant::now();
        while tally(&server, &campaign).get("open") != Some(&(ALL as u64)) {
            step(&server, &campaign);
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", tally(&server, &campaign));
        }
        call(&server, "POST", &format!("/campaigns/{campaign}/stop"), Some(&json!({})));
        std::thread::sleep(draw(&mut state, 80));
        restart(&mut server);
        tally(&server, &campaign);
        cut_off += usize::from(step(&server, &campaign));
        while call(&server, "GET", &format!("/campaigns/{campaign}"), None)["ended_at"].is_null() {
            step(&server, &campaign);
            assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", tally(&server, &campaign));
        }
        assert_eq!(tally(&server, &campaign), BTreeMap::from([("withdrawn".to_owned(), ALL as u64)]));
        for action in ["device.schedule", "device.clear"] {
            let counts = audited(&server, action);
            assert_eq!(counts.keys().cloned().collect::<BTreeSet<_>>(), all, "{action}");
            assert!(counts.values().all(|count| *count == round), "{action}: {counts:?}");
        }
        let devices = items(&server, "/devices?limit=1000");
        assert!(devices.iter().all(|device| device["state"] == "none"), "{devices:?}");
    }
    println!("{cut_off} of {} kills came while a step ran", rounds().div_ceil(3));
    server.signet(&["audit", "verify"]).ok();
}
