//! A refusal in words: what was wrong, and what to change on which side.

use crate::enrol::Desk;
use crate::enrol::records::{RequestRecord, RequestState};
use crate::enrol::refused::record::RefusedRecord;
use crate::enrol::refused::table::{self, Side};
use crate::x509::name::Name;
use crate::x509::san::San;

mod fill;

use fill::{fill, quoted};

/// A refusal, explained.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The stable code; `pending` or `issued` for a request that is not refused.
    pub code: String,
    /// How far the request had come, as a word.
    pub stage: &'static str,
    /// The rule, as the requester was told it.
    pub rule: String,
    /// What it means.
    pub means: String,
    /// What to change, the likeliest first.
    pub changes: Vec<Change>,
    /// Devices that the request looks like, and what helps on them.
    pub devices: Vec<Likely>,
}

/// Something to change.
#[derive(Clone, Debug)]
pub struct Change {
    /// Who can.
    pub side: Side,
    /// What.
    pub text: String,
}

/// A device that a request looks like.
#[derive(Clone, Debug)]
pub struct Likely {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// What it cannot do.
    pub cannot: Vec<String>,
    /// What helps.
    pub hints: Vec<String>,
}

/// Explains a refused request.
pub fn explain(desk: &Desk, refused: &RefusedRecord) -> Explanation {
    let url = format!("{}/scep/{}", desk.authority.public_url, refused.profile);
    let devices = desk.profiles.devices();
    let likely = devices.like(refused).into_iter().map(|device| Likely {
        name: device.name.clone(),
        vendor: device.vendor.clone(),
        cannot: device.cannot.clone(),
        hints: device.hints(refused, &url),
    });
    let likely = likely.collect();
    let values = values(desk, refused);
    match table::find(&refused.code, &refused.rule, refused.misfit.as_ref()) {
        Some(entry) => Explanation {
            code: refused.code.clone(),
            stage: entry.stage.as_str(),
            rule: refused.rule.clone(),
            means: fill(entry.means, &values),
            changes: changes(entry.advice, &values),
            devices: likely,
        },
        None => unexplained(refused, likely),
    }
}

/// Explains where a request stands that waits, or waited, for an operator.
pub fn explain_waiting(request: &RequestRecord) -> Explanation {
    let (code, means, advice): (_, _, &[table::Advice]) = match &request.state {
        RequestState::Pending => (
            "pending",
            "The request waits for an operator, because the profile {profile} has `approval = \"manual\"`.",
            &[(Side::Operator, "Decide: `signet request approve {id}` or `signet request deny {id}`.")],
        ),
        RequestState::Issued(_) => (
            "issued",
            "The request was approved, and its certificate {value} issued.",
            &[(Side::Device, "Fetch it: the client polls, or sends the same request again.")],
        ),
        RequestState::Denied => {
            let entry = table::find("request-denied", "", None);
            ("request-denied", entry.map_or("", |e| e.means), entry.map_or(&[], |e| e.advice))
        }
    };
    let rule = request.comment.clone().unwrap_or_else(|| "no comment was given".to_owned());
    let serial = match &request.state {
        RequestState::Issued(serial) => serial.to_string(),
        RequestState::Pending | RequestState::Denied => String::new(),
    };
    let values = [
        ("id", request.id.to_string()),
        ("profile", request.profile.to_string()),
        ("value", serial),
        ("rule", rule.clone()),
    ];
    Explanation {
        code: code.to_owned(),
        stage: table::Stage::Authorization.as_str(),
        rule,
        means: fill(means, &values),
        changes: changes(advice, &values),
        devices: Vec::new(),
    }
}

/// A code of another version of the program.
fn unexplained(refused: &RefusedRecord, devices: Vec<Likely>) -> Explanation {
    Explanation {
        code: refused.code.clone(),
        stage: "unknown",
        rule: refused.rule.clone(),
        means: format!("The request was refused: {}.", refused.rule),
        changes: Vec::new(),
        devices,
    }
}

fn changes(advice: &[table::Advice], values: &[(&str, String)]) -> Vec<Change> {
    advice.iter().map(|(side, text)| Change { side: *side, text: fill(text, values) }).collect()
}

fn values(desk: &Desk, refused: &RefusedRecord) -> Vec<(&'static str, String)> {
    let profiles = desk.profiles.current();
    let profile = profiles.require(&refused.profile).ok();
    let subject = refused.asked.subject.as_ref().map(Name::to_string).filter(|text| !text.is_empty());
    let quoted_sans: String =
        refused.asked.sans.iter().map(|san: &San| format!(" --san {}", quoted(&san.to_string()))).collect();
    let mut values = vec![
        ("rule", refused.rule.clone()),
        ("profile", refused.profile.to_string()),
        ("quoted-subject", quoted(subject.as_deref().unwrap_or("CN=NAME"))),
        ("quoted-sans", quoted_sans),
        ("subject", subject.unwrap_or_else(|| "(no subject)".to_owned())),
        ("address", refused.counted_as.trim_start_matches("address:").to_owned()),
        ("ca", profile.map_or_else(|| "ID".to_owned(), |p| p.ca().to_string())),
    ];
    if let Some(misfit) = &refused.misfit {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        values.extend([
            ("part", misfit.part.clone()),
            ("attribute", misfit.part.trim_start_matches("subject ").to_owned()),
            ("value", or(&misfit.value, "(nothing)")),
            ("allowed", or(&misfit.allowed, "none")),
        ]);
    }
    values
}
