//! Settings: flag, then environment, then `DIR/signet.toml`, then the default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::server::files;
use crate::server::layout::Layout;
use crate::server::listen::network::Network;
use crate::server::public_url::PublicUrl;

/// Where a listener stands: `ADDR:PORT` (port 0: any free one) or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// It does not.
    Off,
    /// Here.
    At(SocketAddr),
}

impl FromStr for Listen {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            Error::invalid(
                "invalid-listener",
                "a listener is ADDR:PORT, as 127.0.0.1:8080 or [::]:8080, or off",
            )
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        match listen {
            Listen::Off => "off".into(),
            Listen::At(address) => address.to_string(),
        }
    }
}

/// What a flag, an environment variable or the file may set; unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Given {
    /// The prefix of CDP and AIA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<PublicUrl>,
    /// The plain HTTP listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Listen>,
    /// The HTTPS listener (API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<Listen>,
    /// The CAPF listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capf: Option<Listen>,
    /// The CAPF listener for old phones (feature `legacy`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capf_legacy: Option<Listen>,
    /// By which profile phones get their certificates that are told none; its CA is what CAPF presents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capf_profile: Option<ProfileId>,
    /// TVS, for phones (TCP 2445).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tvs: Option<Listen>,
    /// For how many seconds a phone may remember an answer of TVS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tvs_ttl: Option<u32>,
    /// Lists and files for phones over HTTP (TCP 6970).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_http: Option<Listen>,
    /// The same over HTTPS (TCP 6971).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_https: Option<Listen>,
    /// The same over HTTPS on another port (TCP 6972).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_https_second: Option<Listen>,
    /// The same over TFTP (UDP 69).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tftp: Option<Listen>,
    /// Syslog with alarms of phones (UDP and TCP 514).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_in: Option<Listen>,
    /// Who may send it: addresses and networks; without them this machine alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_in_from: Option<Vec<Network>>,
    /// The folder of configuration files that are signed whenever they change; a folder for each cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_from: Option<PathBuf>,
    /// The store's engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// The folder of profiles and roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<PathBuf>,
    /// The file with the security password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_password_file: Option<PathBuf>,
    /// The PKCS#11 module of the token that holds CA keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11_module: Option<PathBuf>,
    /// That token's label or serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11_token: Option<String>,
    /// The file with its PIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11_pin_file: Option<PathBuf>,
    /// At most so many connections at once, over all listeners of a sort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<usize>,
    /// At most so many from one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_address: Option<usize>,
    /// OCSP answers that are signed in a second for one address; 0: without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocsp_signatures_per_address: Option<u32>,
}

impl Given {
    /// Reads `DIR/signet.toml`; nothing is set if there is none.
    /// Errors: `bad-settings` with file, line and reason.
    pub fn read(layout: &Layout) -> Result<Self> {
        let path = layout.settings();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::storage(format!("cannot read {}", path.display())).because(e)),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            let reason = e.message().replace('\n', " ");
            Error::invalid("bad-settings", format!("{}:{line}: {reason}", path.display()))
        })
    }

    /// These settings, and those of `weaker` where these say nothing.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        Self {
            url: self.url.or(weaker.url),
            http: self.http.or(weaker.http),
            https: self.https.or(weaker.https),
            capf: self.capf.or(weaker.capf),
            capf_legacy: self.capf_legacy.or(weaker.capf_legacy),
            capf_profile: self.capf_profile.or(weaker.capf_profile),
            tvs: self.tvs.or(weaker.tvs),
            tvs_ttl: self.tvs_ttl.or(weaker.tvs_ttl),
            phone_http: self.phone_http.or(weaker.phone_http),
            phone_https: self.phone_https.or(weaker.phone_https),
            phone_https_second: self.phone_https_second.or(weaker.phone_https_second),
            tftp: self.tftp.or(weaker.tftp),
            syslog_in: self.syslog_in.or(weaker.syslog_in),
            syslog_in_from: self.syslog_in_from.or(weaker.syslog_in_from),
            sign_from: self.sign_from.or(weaker.sign_from),
            store: self.store.or(weaker.store),
            policies: self.policies.or(weaker.policies),
            security_password_file: self.security_password_file.or(weaker.security_password_file),
            pkcs11_module: self.pkcs11_module.or(weaker.pkcs11_module),
            pkcs11_token: self.pkcs11_token.or(weaker.pkcs11_token),
            pkcs11_pin_file: self.pkcs11_pin_file.or(weaker.pkcs11_pin_file),
            connections: self.connections.or(weaker.connections),
            connections_per_address: self.connections_per_address.or(weaker.connections_per_address),
            ocsp_signatures_per_address: self
                .ocsp_signatures_per_address
                .or(weaker.ocsp_signatures_per_address),
        }
    }

    /// Writes them to `path`, for the operator to edit.
    pub fn write(&self, path: &Path) -> Result<()> {
        let body = toml::to_string(self).map_err(|e| Error::internal("settings").because(e))?;
        let text = format!(
            "# Signet's settings; a flag or an environment variable (SIGNET_HTTP …) goes before them.\n\
             # url: prefix of CRL and CA addresses in certificates. http, https: ADDR:PORT or \"off\".\n\
             # capf, capf-legacy: ADDR:PORT or \"off\" (without them: off). capf-profile: a profile's name.\n\
             # For phones, off unless named: tvs, tvs-ttl, phone-http, phone-https, phone-https-second, tftp, syslog-in,\n\
             # syslog-in-from, sign-from.\n\
             # Also: policies, security-password-file, connections, connections-per-address,
\
             # ocsp-signatures-per-address, pkcs11-module, pkcs11-token, pkcs11-pin-file.
{body}"
        );
        files::write(path, text.as_bytes(), files::PRIVATE)
    }

    /// The plain HTTP listener, or its default.
    pub fn http(&self) -> Listen {
        self.http.unwrap_or(Listen::At((Ipv4Addr::LOCALHOST, 8080).into()))
    }

    /// The HTTPS listener, or its default.
    pub fn https(&self) -> Listen {
        self.https.unwrap_or(Listen::At((Ipv4Addr::LOCALHOST, 8443).into()))
    }

    /// The CAPF listener; off unless it is set.
    pub fn capf(&self) -> Listen {
        self.capf.unwrap_or(Listen::Off)
    }

    /// The CAPF listener for old phones; off unless it is set.
    pub fn capf_legacy(&self) -> Listen {
        self.capf_legacy.unwrap_or(Listen::Off)
    }

    /// The profile whose CA the CAPF listeners stand for, or its default; none if neither is on.
    /// Errors: none but those of the default's own name.
    pub fn capf_profile(&self) -> Result<Option<ProfileId>> {
        if (self.capf(), self.capf_legacy()) == (Listen::Off, Listen::Off) {
            return Ok(None);
        }
        self.capf_profile.clone().map_or_else(|| "capf-lsc".parse(), Ok).map(Some)
    }

    /// The folder of profiles and roles.
    pub fn policies(&self, layout: &Layout) -> PathBuf {
        self.policies.clone().unwrap_or_else(|| layout.policies())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Given> {
        Given::parse(Path::new("signet.toml"), text)
    }

    #[test]
    fn the_stronger_source_wins_setting_by_setting() {
        let flags = Given { http: Some(Listen::Off), ..Given::default() };
        let file = parse("http = \"127.0.0.1:1\"\nhttps = \"127.0.0.1:2\"").unwrap();
        let merged = flags.or(file);
        assert_eq!(merged.http(), Listen::Off);
        assert_eq!(merged.https(), Listen::At("127.0.0.1:2".parse().unwrap()));
        assert_eq!(Given::default().http(), Listen::At("127.0.0.1:8080".parse().unwrap()));
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_and_line() {
        let error = parse("http = \"off\"\n\nhtpps = \"off\"\n").unwrap_err();
        assert_eq!(error.code(), "bad-settings");
        assert!(error.detail().starts_with("signet.toml:3: unknown field `htpps`"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_with_its_rule() {
        let error = parse("http = \"8080\"").unwrap_err();
        assert!(error.detail().contains("signet.toml:1: a listener is ADDR:PORT"), "{error}");
        assert!(parse("url = \"https://x\"").unwrap_err().detail().contains("http://HOST"));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let given = parse("url = \"http://pki:80\"\nhttp = \"off\"\nstore = \"redb\"").unwrap();
        given.write(&layout.settings()).unwrap();
        assert_eq!(Given::read(&layout).unwrap(), given);
    }
}
