//! One message: how many certificates expire, and those that do first, for people and for programs. Without any it is
//! a test of the channel.

use std::fmt::Write as _;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::notice::records::{About, NoticeRecord};

/// What a message says.
#[derive(Clone, Debug)]
pub struct Digest {
    /// The same for each copy of it.
    pub id: String,
    /// When it was put together.
    pub at: Timestamp,
    /// How many certificates expire.
    pub found: u64,
    /// Those that expire first.
    pub listed: Vec<NoticeRecord>,
}

/// What a program reads.
#[derive(Serialize)]
struct Json<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    at: String,
    found: u64,
    notices: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    about: &'static str,
    subject: &'a str,
    serial: String,
    ca: &'a str,
    profile: Option<&'a str>,
    device: Option<&'a str>,
    not_after: String,
    days_left: i64,
    step: u16,
}

impl Digest {
    fn is_test(&self) -> bool {
        self.found == 0
    }

    /// One line on what it is about.
    pub fn headline(&self) -> String {
        let Some(first) = self.listed.first() else {
            return "Signet: a test of this channel".to_owned();
        };
        let what = if self.found == 1 { "certificate expires" } else { "certificates expire" };
        format!("Signet: {} {what}, the first {}", self.found, when(first))
    }

    /// A letter's text.
    pub fn text(&self) -> String {
        if self.is_test() {
            return "This is a test of the channel: notices before certificates expire arrive here.\n"
                .to_owned();
        }
        let mut text = format!("{}.\n\n", self.headline());
        for notice in &self.listed {
            let _ = writeln!(text, "{}  {}\n    {}\n", notice.not_after, when(notice), line(notice));
        }
        let others = self.others();
        if others > 0 {
            let _ = writeln!(text, "… and {others} more: signet notice list\n");
        }
        text.push_str("A certificate that was renewed is not listed. What to do: docs/manual/notices.md\n");
        text
    }

    /// JSON for a program; empty if it cannot be written, which no text can bring about.
    pub fn json(&self) -> Vec<u8> {
        let json = Json {
            id: &self.id,
            kind: if self.is_test() { "test" } else { "expiry" },
            at: self.at.to_string(),
            found: self.found,
            notices: self.listed.iter().map(item).collect(),
        };
        serde_json::to_vec(&json).unwrap_or_default()
    }

    /// One line of at most `most` bytes, for a log: as many certificates as there is room for.
    pub fn line(&self, most: usize) -> String {
        let mut all = format!("{} id={}", self.headline(), self.id);
        for (place, notice) in self.listed.iter().enumerate() {
            let next = format!("; {} {}", notice.not_after, line(notice));
            let left = self.found.saturating_sub(place as u64);
            let rest = format!("; and {left} more");
            if all.len() + next.len() + rest.len() > most {
                all.push_str(&rest);
                return all;
            }
            all.push_str(&next);
        }
        let others = self.others();
        if others > 0 {
            let _ = write!(all, "; and {others} more");
        }
        all
    }

    fn others(&self) -> u64 {
        self.found.saturating_sub(self.listed.len() as u64)
    }
}

/// When it expires, seen from when the notice was given.
fn when(notice: &NoticeRecord) -> String {
    match notice.days_left() {
        ..0 => "has expired".to_owned(),
        0 => "in less than a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

/// What it is, on one line: what a device wrote breaks no line.
fn line(notice: &NoticeRecord) -> String {
    let subject: String = notice.subject.chars().filter(|c| !c.is_control()).take(256).collect();
    let serial = &notice.serial;
    match &notice.about {
        About::Certificate { ca, profile, device: _ } => {
            format!("{subject} (serial {serial}, profile {profile}, CA {ca})")
        }
        About::Ca(ca) => format!("the CA {ca}: {subject} (serial {serial})"),
    }
}

fn item(notice: &NoticeRecord) -> Item<'_> {
    let (about, ca, profile, device) = match &notice.about {
        About::Certificate { ca, profile, device } => {
            ("certificate", ca, Some(profile.as_str()), device.as_deref())
        }
        About::Ca(ca) => ("ca", ca, None, None),
    };
    Item {
        about,
        subject: &notice.subject,
        serial: notice.serial.to_string(),
        ca: ca.as_str(),
        profile,
        device,
        not_after: notice.not_after.to_string(),
        days_left: notice.days_left(),
        step: notice.step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{RecordId, Serial};
    use crate::random::Random;

    fn digest(found: u64, listed: usize) -> Digest {
        let at = Timestamp::parse("2026-11-22T01:26:00Z").unwrap();
        let id = || RecordId::new(at, &Random::system()).unwrap();
        let notice = |n: usize| NoticeRecord {
            id: id(),
            run: id(),
            at,
            step: 7,
            about: About::Certificate {
                ca: "rsa-issuing".parse().unwrap(),
                profile: "scep-device".parse().unwrap(),
                device: None,
            },
            subject: format!("CN=gw{n}\r\nforged"),
            serial: "0A1B".parse::<Serial>().unwrap(),
            fingerprint: [0; 32],
            not_after: at.plus(std::time::Duration::from_hours(24 * 3 + 1)),
        };
        Digest { id: "run.log".to_owned(), at, found, listed: (0..listed).map(notice).collect() }
    }

    #[test]
    fn a_letter_lists_what_it_may_and_counts_the_others() {
        let text = digest(5, 2).text();
        assert!(text.starts_with("Signet: 5 certificates expire, the first in 3 days."), "{text}");
        assert!(text.contains("CN=gw0forged (serial 0A1B, profile scep-device, CA rsa-issuing)"), "{text}");
        assert!(text.contains("CN=gw1") && text.contains("and 3 more"), "{text}");
        assert!(digest(1, 1).headline().contains("1 certificate expires"));
        assert!(digest(0, 0).text().contains("a test"));
    }

    #[test]
    fn a_line_keeps_within_its_bytes_and_counts_what_it_leaves_out() {
        let whole = digest(3, 3).line(8192);
        assert!(whole.contains("CN=gw2") && !whole.contains("more") && !whole.contains('\n'), "{whole}");
        let cut = digest(40, 40).line(480);
        assert!(cut.len() <= 480 && cut.contains("CN=gw0"), "{cut}");
        let shown = cut.matches("CN=gw").count();
        assert!(cut.ends_with(&format!("; and {} more", 40 - shown)), "{cut}");
    }

    #[test]
    fn a_program_is_told_the_same() {
        let json: serde_json::Value = serde_json::from_slice(&digest(5, 1).json()).unwrap();
        assert_eq!(
            (&json["type"], &json["found"], &json["id"]),
            (&"expiry".into(), &5.into(), &"run.log".into())
        );
        let notice = &json["notices"][0];
        assert_eq!((&notice["days_left"], &notice["step"]), (&3.into(), &7.into()));
        assert_eq!(notice["profile"], "scep-device");
        let test: serde_json::Value = serde_json::from_slice(&digest(0, 0).json()).unwrap();
        assert_eq!(test["type"], "test");
    }
}
