//! `signet device trust`, `stuck` and `alarm`: which lists devices hold, and who refuses them.

use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show as print, usage};
use crate::device::DeviceName;
use crate::device::alarm::Alarm as TrustAlarm;
use crate::error::Result;
use crate::id::ClusterId;

/// Examples of `stuck`.
pub const STUCK: &str = "Examples:\n  signet device stuck\n  \
    signet device stuck --holds hq/itl/7 --output csv\n\n\
    --holds lists the devices that hold a release instead, stuck or not.";
/// Examples of `alarm`.
pub const ALARM: &str = "Example:\n  signet device alarm SEP001122334455 TL_FAILED_OLD_ITL \\\n      \
    --itl 1BA1C907E99E4D3C539DC81424AF6C9F7DCE4D6D\n\n\
    A name or its code: 1 TL_SUCCESS, 2 CTL_INITIAL_SUCCESS, 3 ITL_INITIAL_SUCCESS,\n\
    4 TL_INITIAL_SUCCESS, 5 TL_FAILED_OLD_CTL, 6 TL_FAILED_NO_TL, 7 TL_FAILED,\n\
    8 TL_FAILED_OLD_ITL, 9 TL_FAILED_OLD_TL. The digests are those that the phone\n\
    shows: SHA-1 of the list in force (SHA-256 and SHA-512 are read too).";

/// Arguments of `stuck`.
#[derive(Debug, clap::Args)]
pub struct Stuck {
    /// Devices that hold this release
    #[arg(long, value_name = "CLUSTER/ctl|itl/NUMBER")]
    holds: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Arguments of `alarm`.
#[derive(Debug, clap::Args)]
pub struct Alarm {
    /// The device's name
    pub name: DeviceName,
    /// What it told
    alarm: TrustAlarm,
    /// The digest of the CTL that it holds now
    #[arg(long, value_name = "HEX")]
    ctl: Option<String>,
    /// The digest of the ITL that it holds now
    #[arg(long, value_name = "HEX")]
    itl: Option<String>,
    /// Its address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<std::net::IpAddr>,
}

const DEVICES: &[print::Column] = &[
    ("DEVICE", "device"),
    ("CLUSTER", "cluster"),
    ("STUCK SINCE", "stuck_since"),
    ("LAST ALARM", "last_alarm"),
    ("CTL", "ctl.release"),
    ("NEWEST CTL", "ctl.newest"),
    ("ITL", "itl.release"),
    ("NEWEST ITL", "itl.newest"),
];
const ALARMS: &[print::Column] =
    &[("AT", "at"), ("ALARM", "alarm"), ("OVER", "over"), ("ADDRESS", "address")];
const FETCHED: &[print::Column] = &[
    ("FETCHED", "at"),
    ("WHAT", "what"),
    ("RELEASE", "release"),
    ("FILE", "file"),
    ("OVER", "over"),
    ("ADDRESS", "address"),
    ("TIMES", "times"),
];

/// Shows what is known of one device; `path` is where it is.
pub async fn show(path: &str, context: &Context) -> Result<ExitCode> {
    let trust = client::connect(context)?.get(&format!("{path}/trust"), &[]).await?.json()?;
    if context.is_json() {
        print::json(&trust)?;
        return Ok(ExitCode::Done);
    }
    print!("{}", print::table(std::slice::from_ref(&with_last_alarm(&trust)), DEVICES));
    for (list, columns) in [("alarms", ALARMS), ("fetched", FETCHED)] {
        let items = trust[list].as_array().map(Vec::as_slice).unwrap_or_default();
        if !items.is_empty() {
            print!("\n{}", print::table(items, columns));
        }
    }
    Ok(ExitCode::Done)
}

/// Lists those that refuse lists, or those that hold a release.
pub async fn stuck(args: Stuck, context: &Context) -> Result<ExitCode> {
    let filters = match &args.holds {
        None => vec![("stuck", "true".to_owned())],
        Some(release) => holds(release)?,
    };
    let api = client::connect(context)?;
    let mut answer = page::fetch(&api, "/device-trust", filters, &args.paging).await?;
    if !context.is_json()
        && let Some(items) = answer["items"].as_array_mut()
    {
        items.iter_mut().for_each(|item| *item = with_last_alarm(item));
    }
    print::list(context, &answer, DEVICES, "--cursor")?;
    Ok(ExitCode::Done)
}

/// Hands on an alarm; `path` is where the device is.
pub async fn alarm(path: &str, args: &Alarm, context: &Context) -> Result<ExitCode> {
    let body = json!({
        "alarm": args.alarm.as_str(),
        "ctl": args.ctl,
        "itl": args.itl,
        "address": args.address.map(|address| address.to_string()),
    });
    let body: serde_json::Map<_, _> = body
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, v)| !v.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let trust =
        client::connect(context)?.post(&format!("{path}/alarms"), &Value::Object(body)).await?.json()?;
    print::done(context, &trust, &format!("recorded {} of {}", args.alarm, args.name))?;
    Ok(ExitCode::Done)
}

fn holds(release: &str) -> Result<Vec<(&'static str, String)>> {
    let bad = || usage("--holds is CLUSTER/ctl/NUMBER or CLUSTER/itl/NUMBER, as hq/itl/7");
    let mut parts = release.split('/');
    let (Some(cluster), Some(list @ ("ctl" | "itl")), Some(number), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    cluster.parse::<ClusterId>().map_err(|_| bad())?;
    number.parse::<u32>().map_err(|_| bad())?;
    Ok(vec![("cluster", cluster.to_owned()), ("list", list.to_owned()), ("release", number.to_owned())])
}

/// The newest alarm in a field of its own, for a table.
fn with_last_alarm(device: &Value) -> Value {
    let mut device = device.clone();
    device["last_alarm"] = device["alarms"][0]["alarm"].clone();
    device
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_by_cluster_list_and_number() {
        let expected = [("cluster", "hq"), ("list", "itl"), ("release", "7")].map(|(n, v)| (n, v.to_owned()));
        assert_eq!(holds("hq/itl/7").unwrap(), expected);
        for bad in ["", "hq", "hq/itl", "hq/tvs/7", "hq/itl/x", "hq/itl/7/8", "HQ/itl/7", "/itl/7"] {
            assert!(holds(bad).is_err(), "{bad}");
        }
    }
}
