//! `signet request list --refused`, `explain` and `replay`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, show};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};

/// Filters of refused requests.
#[derive(Debug, Default, clap::Args)]
pub struct Filters {
    /// Only those that were refused
    #[arg(long, conflicts_with = "state")]
    refused: bool,
    /// Only by this profile
    #[arg(long, requires = "refused")]
    profile: Option<ProfileId>,
    /// Only with this code
    #[arg(long, requires = "refused")]
    code: Option<String>,
    /// Only whose subject, or one of whose names, contains this
    #[arg(long, requires = "refused", value_name = "TEXT")]
    subject: Option<String>,
    /// Only since then: a time, or a duration as 24h
    #[arg(long, requires = "refused", value_name = "TIME", value_parser = since)]
    since: Option<Since>,
}

impl Filters {
    /// Whether refused requests are asked for.
    pub fn is_refused(&self) -> bool {
        self.refused
    }
}

/// A moment, or how long ago.
#[derive(Clone, Copy, Debug)]
enum Since {
    At(Timestamp),
    Ago(Duration),
}

fn since(text: &str) -> Result<Since> {
    let ago = crate::admin::duration::parse(text).map(Since::Ago);
    ago.or_else(|_| Timestamp::parse(text).map(Since::At)).map_err(|_| {
        Error::invalid("invalid-time", "a time as 2026-11-22T08:00:00Z, or how long ago, as 24h")
    })
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("AT", "at"),
    ("PROFILE", "profile"),
    ("SUBJECT", "asked.subject"),
    ("REQUESTER", "requester"),
    ("CODE", "code"),
    ("RULE", "rule"),
];

/// Lists refused requests.
pub async fn list(filters: Filters, paging: &Paging, context: &Context) -> Result<ExitCode> {
    let since = filters.since.map(|since| match since {
        Since::At(at) => at.to_string(),
        Since::Ago(ago) => context.clock.now().minus(ago).to_string(),
    });
    let given = page::given(vec![
        ("profile", filters.profile.map(|profile| profile.to_string())),
        ("code", filters.code),
        ("subject", filters.subject),
        ("since", since),
    ]);
    page::print(context, ("/requests/refused", given), paging, COLUMNS).await
}

/// Says why a request was refused, and what to change.
pub async fn explain(id: RecordId, context: &Context) -> Result<ExitCode> {
    let answer = client::connect(context)?.get(&format!("/requests/{id}/explanation"), &[]).await?.json()?;
    if context.is_json() {
        show::json(&answer)?;
    } else {
        print!("{}", explanation(&answer));
    }
    Ok(ExitCode::Done)
}

/// Tries a request again without issuing. Exit code 0 if it would no longer be refused, else 1.
pub async fn replay(id: RecordId, context: &Context) -> Result<ExitCode> {
    let path = format!("/requests/{id}/replay");
    let answer = client::connect(context)?.post(&path, &json!({})).await?.json()?;
    if context.is_json() {
        show::json(&answer)?;
    } else {
        print!("{}", replayed(&answer));
    }
    Ok(if answer["outcome"] == "refused" { ExitCode::Failed } else { ExitCode::Done })
}

fn explanation(answer: &Value) -> String {
    let mut out = String::new();
    let request = &answer["request"];
    if request.is_object() {
        let agent = request["user_agent"].as_str().map(|agent| format!(" ({agent})")).unwrap_or_default();
        out += &line("Request", &format!("{} of {}", text(&answer["id"]), text(&request["at"])));
        let who = text(&request["requester"]);
        out += &line("From", &format!("{who}{agent}, profile {}", text(&request["profile"])));
        out += &line("Asked for", &asked(&request["asked"]));
    }
    out += &line("Refused", &format!("{} ({})", text(&answer["rule"]), text(&answer["code"])));
    out += &format!("\n{}\n", wrapped(&text(&answer["means"]), ""));
    let changes = items(&answer["changes"]);
    if !changes.is_empty() {
        out += "\nWhat to change:\n";
        for change in changes {
            let side = format!("{}:", text(&change["side"]));
            let said = wrapped(&format!("{side:10}{}", text(&change["text"])), "            ");
            out += &format!("  {said}\n");
        }
    }
    for device in items(&answer["devices"]) {
        out += &format!("\nIt looks like {} ({}):\n", text(&device["name"]), text(&device["vendor"]));
        for hint in items(&device["hints"]).into_iter().chain(items(&device["cannot"])) {
            out += &format!("  - {}\n", wrapped(&text(hint), "    "));
        }
    }
    if request["can_be_replayed"] == true {
        out += &format!("\nTry it again without issuing: signet request replay {}\n", text(&answer["id"]));
    }
    out
}

fn replayed(answer: &Value) -> String {
    let would = &answer["would_issue"];
    let mut out = match answer["outcome"].as_str().unwrap_or_default() {
        "would-be-issued" => {
            let names = items(&would["sans"]).into_iter().map(text).collect::<Vec<_>>().join(", ");
            let names = if names.is_empty() { String::new() } else { format!(", names {names}") };
            format!(
                "Would be issued now by {} for {}{names}, until {}.\n",
                text(&would["ca"]),
                text(&would["subject"]),
                text(&would["not_after"])
            )
        }
        "would-be-given-again" => {
            format!("The certificate {} would be given out again.\n", text(&answer["serial"]))
        }
        "would-be-answered" => "Would be answered now with a CRL.\n".to_owned(),
        "would-wait" => "Would wait now for an operator.\n".to_owned(),
        _ => format!("Would be refused now: {} ({}).\n", text(&answer["rule"]), text(&answer["code"])),
    };
    let then = &answer["then"];
    out += &format!(
        "Then, at {}: refused: {} ({}).\n",
        text(&then["at"]),
        text(&then["rule"]),
        text(&then["code"])
    );
    for difference in items(&answer["differences"]) {
        out += &format!("{}\n", text(difference));
    }
    out + "Nothing was issued, consumed or counted.\n"
}

fn asked(asked: &Value) -> String {
    let mut parts: Vec<String> =
        asked["subject"].as_str().map(|_| text(&asked["subject"])).into_iter().collect();
    parts.extend(items(&asked["sans"]).into_iter().map(text));
    parts.extend(asked["key"].as_str().map(|key| format!("key {key}")));
    parts.extend(asked["proof"].as_str().filter(|p| *p != "none").map(|proof| format!("by {proof}")));
    if parts.is_empty() { "it could not be read".to_owned() } else { parts.join(", ") }
}

fn line(name: &str, value: &str) -> String {
    format!("{name:10} {value}\n")
}

fn items(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}

/// A text on one line: what a device wrote cannot move the cursor.
fn text(value: &Value) -> String {
    show::text(value)
}

/// Broken at words, within 80 columns; later lines are indented. What stands in back quotes is to be copied, and stays
/// on one line however long it is.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words(text) {
        let last = lines.last().map_or(0, |l| l.chars().count());
        let room = last + word.trim_end().chars().count() <= 76;
        match lines.last_mut() {
            Some(line) if room || last == 0 => line.push_str(&word),
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.iter().map(|l| l.trim_end()).collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        quoted ^= c == '`';
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
        if c == ' ' && !quoted {
            words.push(String::new());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_names_what_and_who() {
        let answer = json!({
            "id": "7", "code": "bad-csr", "stage": "policy", "rule": "subject O \"Acme\" is not allowed",
            "means": "The request asks for O=Acme.",
            "changes": [{"side": "device", "text": "Remove O from the subject that the device asks for."}],
            "devices": [{"name": "Cisco IOS", "vendor": "Cisco", "cannot": ["It polls."], "hints": ["Set the URL."]}],
            "request": {"at": "now", "requester": "scep 10.0.0.9", "user_agent": null, "profile": "scep-device",
                "asked": {"subject": "CN=a\u{1b}[2J", "sans": [], "key": "rsa-2048", "proof": "challenge"},
                "can_be_replayed": true},
        });
        assert_eq!(
            explanation(&answer),
            "Request    7 of now\n\
             From       scep 10.0.0.9, profile scep-device\n\
             Asked for  CN=a\u{fffd}[2J, key rsa-2048, by challenge\n\
             Refused    subject O \"Acme\" is not allowed (bad-csr)\n\
             \n\
             The request asks for O=Acme.\n\
             \n\
             What to change:\n\
             \x20 device:   Remove O from the subject that the device asks for.\n\
             \n\
             It looks like Cisco IOS (Cisco):\n\
             \x20 - Set the URL.\n\
             \x20 - It polls.\n\
             \n\
             Try it again without issuing: signet request replay 7\n"
        );
    }

    #[test]
    fn long_sentences_are_broken_at_words() {
        let text = "word ".repeat(40);
        let broken = wrapped(text.trim_end(), "    ");
        assert!(broken.lines().count() > 2 && broken.lines().all(|l| l.chars().count() <= 80), "{broken}");
        assert_eq!(broken.split_whitespace().count(), 40);
        let command = format!("{text}`{}`", text.trim_end());
        assert!(wrapped(&command, "").lines().last().unwrap().starts_with("`word"));
    }
}
