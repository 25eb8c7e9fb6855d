//! What a running server says on standard output: where it listens, and what to do next, to copy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Value, json};

use crate::server::bound::Addresses;
use crate::server::layout::Layout;

/// Prints it.
pub fn print(layout: &Layout, addresses: Addresses) {
    print!("{}", text(&program(), layout, addresses));
}

/// The same for scripts, as one line: the data folder and the real addresses, null where a listener is off.
pub fn document(layout: &Layout, addresses: Addresses) -> Value {
    let phones = &addresses.phones;
    json!({
        "data": layout.dir(),
        "http": addresses.http,
        "https": addresses.https,
        "capf": addresses.capf,
        "capf_legacy": addresses.capf_legacy,
        "tvs": phones.tvs,
        "phone_http": phones.phone_http,
        "phone_https": phones.phone_https,
        "phone_https_second": phones.phone_https_second,
        "tftp": phones.tftp,
        "syslog_in": phones.syslog_in,
    })
}

fn text(signet: &str, layout: &Layout, addresses: Addresses) -> String {
    let data = quoted(&layout.dir().display().to_string());
    let mut text = String::from("Signet serves.\n");
    if let Some(http) = addresses.http.map(reachable) {
        text += &format!("  http://{http}   SCEP (/scep), CRLs, CA certificates, trust bundles, /readyz\n");
    }
    if let Some(https) = addresses.https.map(reachable) {
        text += &format!("  https://{https}  API (/api/v1)\n");
    }
    for (capf, what) in [(addresses.capf, ""), (addresses.capf_legacy, " for old phones: TLS 1.0 to 1.2")] {
        if let Some(capf) = capf.map(reachable) {
            text += &format!("  {capf}  CAPF{what}\n");
        }
    }
    let phones = &addresses.phones;
    for (at, what) in [
        (phones.tvs, "TVS"),
        (phones.phone_http, "lists and files for phones, HTTP"),
        (phones.phone_https, "lists and files for phones, HTTPS"),
        (phones.phone_https_second, "lists and files for phones, HTTPS"),
        (phones.tftp, "lists and files for phones, TFTP (UDP)"),
        (phones.syslog_in, "alarms of phones, syslog (UDP and TCP)"),
    ] {
        if let Some(at) = at.map(reachable) {
            text += &format!("  {at}  {what}\n");
        }
    }
    text += &format!("  {data}  data; administrator's token in admin.token, settings in signet.toml\n\n");
    text += "Next steps, to copy into another terminal:\n";
    if let Some(http) = addresses.http.map(reachable) {
        text += &for_trust(&http.to_string());
    }
    match (addresses.http.map(reachable), addresses.https) {
        (Some(http), Some(_)) => text += &for_devices(signet, &data, &http.to_string()),
        (None, Some(_)) => {}
        (_, None) => text += NO_API,
    }
    if addresses.https.is_some() {
        text += &for_servers(signet, &data);
    }
    text
}

/// Challenges, certificates and the audit log are had over the API alone.
const NO_API: &str = "
  # the API is off: to make challenges, issue, list and revoke, start again with --https ADDR:PORT
";

fn for_trust(http: &str) -> String {
    format!(
        "
  # what servers and clients must trust
  curl -fo signet.pem http://{http}/trust/signet.pem
"
    )
}

fn for_devices(signet: &str, data: &str, http: &str) -> String {
    format!(
        "
  # a device enrols by SCEP (strongSwan's pki)
  pki --scepca --url http://{http}/scep --caout ca.pem --raout ra.pem --outform pem
  secret=$({signet} challenge create --data {data} --profile scep-device --subject CN=gw1.example.org)
  pki --gen --type rsa --size 2048 --outform pem > gw1.key
  pki --scep --url http://{http}/scep --in gw1.key --dn CN=gw1.example.org --password \"$secret\" \\
      --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem --cacert ca-1.pem --outform pem > gw1.pem
"
    )
}

fn for_servers(signet: &str, data: &str) -> String {
    format!(
        "
  # a server's certificate, from a request made by openssl
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout www.key \\
      -subj /CN=www.example.org -addext subjectAltName=DNS:www.example.org -out www.csr
  {signet} cert issue --data {data} --profile tls-server --csr www.csr > www.pem

  # see, find, revoke
  {signet} cert list --data {data}
"
    )
}

/// A listener on every address is reached on this machine's own.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// This program as the shell finds it: its path, unless it is on the search path.
fn program() -> String {
    let own = std::env::current_exe().unwrap_or_else(|_| "signet".into());
    let on_path =
        |path: std::ffi::OsString| std::env::split_paths(&path).any(|dir| dir.join("signet") == own);
    if std::env::var_os("PATH").is_some_and(on_path) {
        "signet".into()
    } else {
        quoted(&own.display().to_string())
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_copied_as_they_stand() {
        let addresses = Addresses {
            http: Some("0.0.0.0:8080".parse().unwrap()),
            https: Some("127.0.0.1:8443".parse().unwrap()),
            capf: Some("[::]:3804".parse().unwrap()),
            ..Addresses::default()
        };
        let text = text("signet", &Layout::new("/srv/my ca"), addresses);
        assert!(text.contains("--url http://127.0.0.1:8080/scep"), "{text}");
        assert!(text.contains("--data '/srv/my ca' --profile tls-server"), "{text}");
        assert!(text.contains("https://127.0.0.1:8443"), "{text}");
        assert!(text.contains("  [::1]:3804  CAPF\n") && !text.contains("old phones"), "{text}");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn a_listener_that_is_off_is_not_mentioned() {
        let addresses = Addresses { https: Some("[::1]:8443".parse().unwrap()), ..Addresses::default() };
        let text = text("signet", &Layout::new("/d"), addresses);
        assert!(!text.contains("http://") && !text.contains("scep") && !text.contains("CAPF"), "{text}");
    }

    #[test]
    fn a_script_reads_where_it_serves() {
        let addresses = Addresses { http: Some("127.0.0.1:8080".parse().unwrap()), ..Addresses::default() };
        let document = document(&Layout::new("/d"), addresses);
        assert_eq!(
            document.to_string(),
            concat!(
                r#"{"capf":null,"capf_legacy":null,"data":"/d","http":"127.0.0.1:8080","https":null,"#,
                r#""phone_http":null,"phone_https":null,"phone_https_second":null,"syslog_in":null,"tftp":null,"tvs":null}"#
            )
        );
    }

    #[test]
    fn without_the_api_no_step_needs_it() {
        let addresses = Addresses { http: Some("127.0.0.1:8080".parse().unwrap()), ..Addresses::default() };
        let text = text("signet", &Layout::new("/d"), addresses);
        assert!(text.contains("/trust/signet.pem") && text.contains("--https ADDR:PORT"), "{text}");
        assert!(!text.contains("challenge create") && !text.contains("cert "), "{text}");
    }
}
