//! Listeners that phones come to for their lists and files, TVS, and alarms.

use std::path::PathBuf;

use crate::server::listen::network::Network;
use crate::server::settings::Listen;

/// What phones come for beside certificates; all of it is off unless it is named.
#[derive(Clone, Debug, clap::Args)]
pub struct PhoneFlags {
    /// TVS, for phones; usually 0.0.0.0:2445 [default: off]
    #[arg(long, env = "SIGNET_TVS", value_name = "ADDR:PORT|off")]
    pub tvs: Option<Listen>,
    /// For how long a phone may remember an answer of TVS [default: 86400]
    #[arg(long, env = "SIGNET_TVS_TTL", value_name = "SECONDS")]
    pub tvs_ttl: Option<u32>,
    /// Trust lists and signed files for phones over HTTP; usually 0.0.0.0:6970 [default: off]
    #[arg(long, env = "SIGNET_PHONE_HTTP", value_name = "ADDR:PORT|off")]
    pub phone_http: Option<Listen>,
    /// The same over HTTPS; usually 0.0.0.0:6971 [default: off]
    #[arg(long, env = "SIGNET_PHONE_HTTPS", value_name = "ADDR:PORT|off")]
    pub phone_https: Option<Listen>,
    /// The same over HTTPS on another port; usually 0.0.0.0:6972 [default: off]
    #[arg(long, env = "SIGNET_PHONE_HTTPS_SECOND", value_name = "ADDR:PORT|off")]
    pub phone_https_second: Option<Listen>,
    /// The same over TFTP; usually 0.0.0.0:69 (UDP) [default: off]
    #[arg(long, env = "SIGNET_TFTP", value_name = "ADDR:PORT|off")]
    pub tftp: Option<Listen>,
    /// A folder of configuration files, one for each cluster in it, that are signed whenever they change [default: off]
    #[arg(long, env = "SIGNET_SIGN_FROM", value_name = "DIR")]
    pub sign_from: Option<PathBuf>,
    /// Syslog with alarms of phones, UDP and TCP; usually 0.0.0.0:514 [default: off]
    #[arg(long, env = "SIGNET_SYSLOG_IN", value_name = "ADDR:PORT|off")]
    pub syslog_in: Option<Listen>,
    /// Who may send it, by commas: addresses and networks as 10.1.0.0/16 [default: this machine]
    #[arg(long, env = "SIGNET_SYSLOG_IN_FROM", value_name = "NETWORK,…", value_delimiter = ',')]
    pub syslog_in_from: Option<Vec<Network>>,
}
