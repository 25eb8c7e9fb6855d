//! An API with a cluster `hq`, and certificates of others.

use serde_json::{Value, json};
use signet::trust::list::List;

use crate::api::fixture::{Api, Reply};

/// An API whose cluster `hq` has its recovery signer alone.
pub struct Site {
    pub api: Api,
}

impl Site {
    pub async fn new() -> Self {
        Self::over(Api::bare().await).await
    }

    /// With keys of its own: the other tests share theirs, and the name of a recovery signer's key is its number.
    pub async fn apart() -> Self {
        Self::over(Api::new().await).await
    }

    async fn over(api: Api) -> Self {
        let site = Self { api };
        site.create("hq").await;
        site
    }

    pub async fn create(&self, id: &str) -> Value {
        self.api.post("/api/v1/clusters", &json!({"id": id}).to_string()).await.done(201)
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.api.post(&format!("/api/v1/clusters/hq{path}"), &body.to_string()).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(&format!("/api/v1/clusters/hq{path}")).await.done(200)
    }

    /// Adds another's certificate; its SHA-256.
    pub async fn add(&self, pem: &str, roles: &[&str]) -> String {
        let added = self.post("/anchors", json!({"certificate": pem, "roles": roles})).await.done(201);
        added["items"][0]["sha256"].as_str().unwrap().to_owned()
    }

    pub async fn publish(&self) -> Value {
        self.post("/releases", json!({})).await.done(200)["items"].clone()
    }

    /// The current list, as phones fetch it.
    pub async fn file(&self, list: &str) -> Vec<u8> {
        let reply = self.api.get(&format!("/api/v1/clusters/hq/releases/{list}/current/file")).await;
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text());
        reply.body
    }

    pub async fn list(&self, list: &str) -> List {
        List::parse(&self.file(list).await).unwrap()
    }

    /// The SHA-256 of the anchor that signs.
    pub async fn signer(&self) -> String {
        self.get("").await["signer_sha256"].as_str().unwrap().to_owned()
    }
}

/// What stands in a list: role and common name.
pub fn said(list: &List) -> Vec<(String, String)> {
    list.entries().iter().map(|entry| (entry.role().to_string(), entry.subject())).collect()
}

/// A self-signed certificate of someone else, PEM.
pub fn foreign(name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![format!("{name}.example.org")]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.self_signed(&key).unwrap().pem()
}

pub fn codes(answer: &Value) -> Vec<String> {
    let warnings = answer["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}
