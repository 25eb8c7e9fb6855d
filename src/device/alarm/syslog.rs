//! Alarms in syslog messages (RFC 3164, RFC 5424), as call control and phones write them: the alarm `DeviceTLInfo` with
//! its parameters as `%[Name=value]`, as `Name=value`, or as the XML that a phone sends to call control. What stands
//! before the alarm (priority, time, host) is passed over: who forwards a message writes it anew.

use super::{Alarm, ListDigest};
use crate::device::DeviceName;

/// The longest message that is looked at.
pub const MOST: usize = 8 * 1024;
const ALARM: &str = "DeviceTLInfo";

/// What a phone reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which phone.
    pub device: DeviceName,
    /// What happened.
    pub alarm: Alarm,
    /// The CTL that it holds now.
    pub ctl: Said,
    /// The ITL that it holds now.
    pub itl: Said,
}

/// What a phone says of a list that it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// It says nothing of it.
    #[default]
    Nothing,
    /// It holds none.
    None,
    /// It holds the one of this digest.
    Holds(ListDigest),
}

impl Said {
    /// Phones write `Not Installed`, call control `N/A`, or nothing at all.
    fn read(value: &str) -> Self {
        if ["", "n/a", "not installed"].iter().any(|none| value.eq_ignore_ascii_case(none)) {
            return Self::None;
        }
        value.parse().map_or(Self::Nothing, Self::Holds)
    }
}

impl From<Option<ListDigest>> for Said {
    fn from(digest: Option<ListDigest>) -> Self {
        digest.map_or(Self::Nothing, Self::Holds)
    }
}

/// Reads a message; none if it holds no such alarm, or one without a device or a status of 1 to 9.
pub fn read(message: &[u8]) -> Option<Report> {
    let message = message.get(..message.len().min(MOST))?;
    let text = String::from_utf8_lossy(message);
    let (_, parameters) = text.split_once(ALARM)?;
    let digest = |name| parameter(parameters, name).map(Said::read).unwrap_or_default();
    Some(Report {
        device: parameter(parameters, "DeviceName")?.parse().ok()?,
        alarm: parameter(parameters, "StatusCode")?.parse().ok()?,
        ctl: digest("CTL_Signature"),
        itl: digest("ITL_Signature"),
    })
}

/// The value of the parameter of that name, in any of the three forms.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        let rest = &text[at + name.len()..];
        let value = match before {
            Some('[') => rest.strip_prefix('=')?.split(']').next()?,
            Some('"') => rest.strip_prefix("\">")?.split('<').next()?,
            Some(_) | None => bare(rest.strip_prefix('=')?),
        };
        Some(value.trim())
    })
}

/// A value without brackets ends before the next name, or at a line's end; digests have blanks in them.
fn bare(rest: &str) -> &str {
    let rest = rest.lines().next().unwrap_or_default();
    match rest.find('=') {
        // What stands before `=` is the next name; before it ends the value.
        Some(next) => {
            rest[..next].rfind([' ', ',']).map_or("", |end| &rest[..end]).trim_end_matches([' ', ','])
        }
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITL: &str = "1B A1 C9 07 E9 9E 4D 3C 53 9D C8 14 24 AF 6C 9F 7D CE 4D 6D ";

    fn report(code: u8) -> Report {
        Report {
            device: "SEP0123456789AB".parse().unwrap(),
            alarm: code.to_string().parse().unwrap(),
            ctl: Said::None,
            itl: Said::Holds(ITL.parse().unwrap()),
        }
    }

    #[test]
    fn call_control_writes_parameters_in_brackets() {
        let text = format!(
            "<189>154: cucm: Nov 22 2026 10:11:12.345 UTC : %UC_CALLMANAGER-5-DeviceTLInfo: %[DeviceName=SEP0123456789AB]\
             [IPv4Address=10.0.0.9][CTL_Signature=Not Installed][CTL_TFTP_Server=N/A][ITL_Signature={ITL}]\
             [ITL_TFTP_Server=cucm.example.org][StatusCode=8][AppID=Cisco CallManager]: Trust list of a phone"
        );
        assert_eq!(read(text.as_bytes()), Some(report(8)));
    }

    #[test]
    fn a_phone_writes_names_and_values() {
        let text = format!(
            "<133>1 2026-11-22T10:11:12Z SEP0123456789AB tl - - - DeviceTLInfo DeviceName=SEP0123456789AB \
             IPv4Address=10.0.0.9 CTL_Signature=Not Installed ITL_Signature={ITL} StatusCode=3"
        );
        assert_eq!(read(text.as_bytes()), Some(report(3)));
    }

    #[test]
    fn a_phone_sends_call_control_xml() {
        let text = format!(
            "<x-cisco-alarm>\n<Alarm Name=\"DeviceTLInfo\">\n<ParameterList>\n\
             <String name=\"DeviceName\">SEP0123456789AB</String>\n<String name=\"CTL_Signature\">Not Installed</String>\n\
             <String name=\"ITL_Signature\">{ITL}</String>\n<String name=\"StatusCode\">3</String>\n</ParameterList>"
        );
        assert_eq!(read(text.as_bytes()), Some(report(3)));
    }

    #[test]
    fn what_is_no_alarm_of_a_phone_is_passed_over() {
        let good = "DeviceTLInfo: [DeviceName=SEP0123456789AB][StatusCode=1]";
        assert!(read(good.as_bytes()).is_some());
        for (from, to) in [
            ("TLInfo", "Unregistered"),
            ("Name=SEP", "Name=../"),
            ("Code=1", "Code=10"),
            ("Code=1", "Code="),
            ("DeviceName", "OtherDeviceName"),
        ] {
            assert_eq!(read(good.replace(from, to).as_bytes()), None, "{to}");
        }
        assert_eq!(read(b"\xff\xfe DeviceTLInfo"), None);
        let late = format!("DeviceTLInfo {}[DeviceName=SEP0123456789AB][StatusCode=1]", "x".repeat(MOST));
        assert_eq!(read(late.as_bytes()), None);
        for cut in 0..good.len() {
            let _ = read(&good.as_bytes()[..cut]);
        }
    }
}
