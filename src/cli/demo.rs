//! What `signet up --demo` shows: a cluster with lists, TVS and signed files, and simulated phones that come for them and for
//! their certificates, one after the other. All of it goes through the API, as an operator's work does.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cli::{Context, client, input};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::outbound::Api;
use crate::phone::fleet::{Site, boot_all};
use crate::phone::keys::Keys;
use crate::phone::{Phone, World};
use crate::server::bound::Addresses;
use crate::server::layout::Layout;
use crate::server::settings::{Given, Listen};

const CLUSTER: &str = "demo";
/// What the names of its phones begin with.
const NAMES: &str = "SEP0050C2";
const PROFILE: &str = "capf-lsc";
const MODELS: [&str; 3] = ["8845", "9841", "8875"];
const REGIONS: [&str; 2] = ["berlin", "lisbon"];
/// Phones are switched on one after the other, so that one can watch.
const PAUSE: Duration = Duration::from_millis(800);

/// What is to be shown.
pub struct Demo {
    phones: u32,
    context: Context,
    files: PathBuf,
}

impl Demo {
    /// With so many phones.
    pub fn new(phones: u32, context: &Context, layout: &Layout) -> Self {
        Self { phones, context: context.clone(), files: layout.files().join(CLUSTER) }
    }

    /// The listeners that phones come to are on, at their usual ports of this machine, unless the settings say otherwise.
    pub fn settings(settings: Given) -> Given {
        let here = |port| Some(Listen::At(SocketAddr::from(([127, 0, 0, 1], port))));
        Given {
            capf: settings.capf.or(here(3804)),
            tvs: settings.tvs.or(here(2445)),
            phone_http: settings.phone_http.or(here(6970)),
            syslog_in: settings.syslog_in.or(here(5514)),
            ..settings
        }
    }

    /// Begins, once the server serves. What goes wrong is told on standard error: the server goes on.
    pub fn start(self, addresses: Addresses) {
        tokio::spawn(async move {
            if let Err(error) = self.show(addresses).await {
                eprintln!("signet: the demo cannot go on: {error}");
            }
        });
    }

    async fn show(self, addresses: Addresses) -> Result<()> {
        let api = client::connect(&self.context)?;
        cluster(&api).await?;
        let mut rows: Vec<Row> = (1..=self.phones).map(Row::new).collect();
        devices(&api, &mut rows).await?;
        self.configurations(&api, &rows).await?;
        let address = |at: Option<SocketAddr>| at.map(|at| at.to_string());
        let world = World {
            lists: address(addresses.phones.phone_http),
            capf: address(addresses.capf),
            tvs: address(addresses.phones.tvs),
            configuration: true,
        };
        let keys = Keys::with(rows.len().min(4)).map_err(|fault| Error::internal(fault.to_string()))?;
        let site = Site {
            world,
            alarms: address(addresses.phones.syslog_in),
            keys,
            at_once: 1,
            per_second: None,
            clock: Clock::system(),
        };
        switch_on(&rows, &Arc::new(site)).await
    }

    /// A signed configuration for each phone, where the listeners find it.
    async fn configurations(&self, api: &Api, rows: &[Row]) -> Result<()> {
        std::fs::create_dir_all(&self.files)
            .map_err(|e| Error::storage("cannot make the folder of files").because(e))?;
        for some in rows.chunks(100) {
            let items: Vec<Value> = some.iter().map(Row::configuration).collect();
            let path = format!("/clusters/{CLUSTER}/files");
            let signed = api.post(&path, &json!({ "items": items })).await?.json()?;
            for file in signed["items"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|row| row["files"].as_array())
                .flatten()
            {
                let (name, content) = (file["name"].as_str().unwrap_or_default(), file["content"].as_str());
                let content = STANDARD.decode(content.unwrap_or_default());
                let content = content.map_err(|e| Error::malformed("bad-answer", "not base64").because(e))?;
                input::write_whole(&self.files.join(name), &content)?;
            }
        }
        Ok(())
    }
}

/// A phone of the demo.
struct Row {
    name: String,
    model: &'static str,
    region: &'static str,
    /// What its user types in; none if it stood there already.
    string: Option<String>,
}

impl Row {
    fn new(number: u32) -> Self {
        let place = number as usize;
        Self {
            name: format!("{NAMES}{number:06X}"),
            model: MODELS[place % MODELS.len()],
            region: REGIONS[place % REGIONS.len()],
            string: None,
        }
    }

    fn device(&self) -> Value {
        json!({
            "name": self.name, "model": self.model, "region": self.region, "profile": PROFILE,
            "operation": "install", "authentication": "string", "string": "generate", "key": "p-256/rsa-2048",
        })
    }

    fn configuration(&self) -> Value {
        let xml = format!(
            "<device><deviceProtocol>SIP</deviceProtocol><loadInformation>{}</loadInformation></device>",
            self.model
        );
        json!({"name": format!("{}.cnf.xml", self.name), "content": STANDARD.encode(xml)})
    }
}

/// A second `up --demo` finds it there.
async fn cluster(api: &Api) -> Result<()> {
    let known = api.get("/clusters", &[]).await?.json()?;
    let is_there =
        known["items"].as_array().is_some_and(|all| all.iter().any(|cluster| cluster["id"] == CLUSTER));
    if !is_there {
        let new = json!({"id": CLUSTER, "title": "Demo", "mode": "mixed", "identities": ["tvs", "tftp"]});
        api.post("/clusters", &new).await?;
    }
    api.post(&format!("/clusters/{CLUSTER}/releases"), &json!({})).await.map(drop)
}

/// Those that are there already keep what they have: their operation was done. The others get a string each.
async fn devices(api: &Api, rows: &mut [Row]) -> Result<()> {
    let names = known(api).await?;
    let mut new: Vec<&mut Row> = rows.iter_mut().filter(|row| !names.contains(&row.name)).collect();
    for some in new.chunks_mut(500) {
        let items: Vec<Value> = some.iter().map(|row| row.device()).collect();
        let answer = api.post("/devices/batch", &json!({ "items": items })).await?.json()?;
        let mut strings: HashMap<String, String> = list(&answer, "strings")
            .filter_map(|made| Some((made["name"].as_str()?.to_owned(), made["string"].as_str()?.to_owned())))
            .collect();
        for row in some {
            row.string = strings.remove(&row.name);
        }
    }
    Ok(())
}

/// The names of the demo's phones that are there.
async fn known(api: &Api) -> Result<HashSet<String>> {
    let (mut names, mut query) =
        (HashSet::new(), vec![("name", NAMES.to_owned()), ("limit", "1000".to_owned())]);
    loop {
        let page = api.get("/devices", &query).await?.json()?;
        names.extend(list(&page, "items").filter_map(|device| device["name"].as_str().map(str::to_owned)));
        let Some(next) = page["next"].as_str() else { return Ok(names) };
        query.truncate(2);
        query.push(("cursor", next.to_owned()));
    }
}

fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    answer[name].as_array().into_iter().flatten()
}

async fn switch_on(rows: &[Row], site: &Arc<Site>) -> Result<()> {
    for row in rows {
        let phone = Phone { string: row.string.clone(), ..Phone::new(&row.name, row.model) };
        let booted = boot_all(vec![phone], site, |_, boot| match boot.fault() {
            Some(fault) => eprintln!("{}: {fault}", row.name),
            None => eprintln!("{}: lists, certificate and configuration taken", row.name),
        });
        booted.await.map_err(|fault| Error::internal(fault.to_string()))?;
        tokio::time::sleep(PAUSE).await;
    }
    eprintln!("all {} phones of the demo were switched on", rows.len());
    Ok(())
}
