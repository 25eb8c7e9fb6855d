//! What a profile makes of the alternative names that were asked for.

use std::collections::BTreeMap;

use crate::ca::profile::pattern::Pattern;
use crate::error::{Error, Misfit, ProfileRule, Result};
use crate::x509::san::San;

/// The sorts that a profile can allow.
pub const SORTS: [&str; 5] = ["dns", "ip", "email", "uri", "directory"];

/// The rules for alternative names.
#[derive(Debug, Default)]
pub struct SanRules {
    pub(super) allow: Vec<String>,
    pub(super) wildcard: bool,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) cn_among: bool,
    pub(super) add_cn: bool,
    pub(super) patterns: BTreeMap<String, Vec<Pattern>>,
}

impl SanRules {
    /// Whether a requester may choose any name.
    pub fn is_open(&self) -> bool {
        self.max > 0 && !self.allow.is_empty()
    }

    /// The names to be written for those asked for, without repeats. Errors: `bad-csr` with the catalogue's text.
    pub fn apply(&self, cn: Option<&str>, asked: &[San]) -> Result<Vec<San>> {
        let mut written: Vec<San> = Vec::with_capacity(asked.len());
        for san in asked {
            self.hold(san)?;
            if !written.contains(san) {
                written.push(san.clone());
            }
        }
        if let (true, true, Some(cn)) = (self.add_cn, written.is_empty(), cn) {
            let san = as_san(cn)?;
            self.hold(&san)?;
            written.push(san);
        }
        if written.len() < self.min || written.len() > self.max {
            let (count, allowed) = (written.len().to_string(), format!("{} to {}", self.min, self.max));
            let text = format!("SAN count out of range: {count} where {allowed} are allowed");
            return Err(refused(ProfileRule::SanCount, text, count, allowed));
        }
        self.hold_cn(cn, &written)?;
        Ok(written)
    }

    fn hold(&self, san: &San) -> Result<()> {
        let asked = shown(san);
        if !self.allow.iter().any(|sort| sort == san.sort()) {
            let allowed = if self.allow.is_empty() { "none".to_owned() } else { self.allow.join(", ") };
            let text = format!("SAN type not allowed: {asked}; allowed: {allowed}");
            return Err(refused(ProfileRule::SanType, text, asked, allowed));
        }
        if !self.wildcard && matches!(san, San::Dns(name) if name.starts_with('*')) {
            let text = format!("wildcard not allowed here: {asked}");
            return Err(refused(
                ProfileRule::SanWildcard,
                text,
                asked,
                "names without a wildcard".to_owned(),
            ));
        }
        match self.patterns.get(san.sort()) {
            Some(patterns) if !patterns.iter().any(|p| p.matches(&san.value())) => {
                let allowed = patterns.iter().map(Pattern::to_string).collect::<Vec<_>>().join(", ");
                let sort = san.sort();
                let text = format!("SAN {sort} name does not fit the profile's patterns: {asked}; {allowed}");
                Err(refused(ProfileRule::SanPattern, text, asked, allowed))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// CSR-36: the CN must be one of the names.
    fn hold_cn(&self, cn: Option<&str>, sans: &[San]) -> Result<()> {
        let (true, Some(cn)) = (self.cn_among, cn) else {
            return Ok(());
        };
        if sans.iter().any(|san| san.value().eq_ignore_ascii_case(cn)) {
            return Ok(());
        }
        let names = sans.iter().map(shown).collect::<Vec<_>>().join(", ");
        let text = format!("the CN must be one of the SANs: CN {cn:.100}, SANs {names:.200}");
        Err(refused(ProfileRule::CommonNameAmong, text, cn.to_owned(), names))
    }
}

fn refused(rule: ProfileRule, text: String, asked: String, allowed: String) -> Error {
    Error::bad_csr(text).misfit(Misfit::new(rule, "SAN", asked, allowed))
}

/// A name as people write it, in bounds.
fn shown(san: &San) -> String {
    san.to_string().chars().take(100).collect()
}

fn as_san(cn: &str) -> Result<San> {
    San::parse(&format!("ip:{cn}")).or_else(|_| San::parse(&format!("dns:{cn}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> SanRules {
        SanRules {
            allow: vec!["dns".into(), "ip".into()],
            wildcard: false,
            min: 1,
            max: 3,
            cn_among: true,
            add_cn: true,
            patterns: BTreeMap::from([("dns".into(), vec![Pattern::parse("*.example").unwrap()])]),
        }
    }

    fn dns(name: &str) -> San {
        San::Dns(name.into())
    }

    fn refusal(rules: &SanRules, cn: &str, sans: &[San]) -> String {
        rules.apply(Some(cn), sans).unwrap_err().detail().to_owned()
    }

    #[test]
    fn csr_36_the_cn_is_one_of_the_sans() {
        let rules = rules();
        assert_eq!(
            refusal(&rules, "a.example", &[dns("b.example")]),
            "the CN must be one of the SANs: CN a.example, SANs dns:b.example"
        );
        assert!(rules.apply(Some("B.example"), &[dns("b.example")]).is_ok());
        let device = SanRules { cn_among: false, ..rules };
        assert!(device.apply(Some("a.example"), &[dns("b.example")]).is_ok());
    }

    #[test]
    fn csr_40_and_48_wildcards_and_sorts_by_profile() {
        let rules = rules();
        assert_eq!(refusal(&rules, "x", &[dns("*.example")]), "wildcard not allowed here: dns:*.example");
        assert_eq!(
            refusal(&rules, "x", &[San::Email("a@b.example".into())]),
            "SAN type not allowed: email:a@b.example; allowed: dns, ip"
        );
        assert!(refusal(&rules, "x", &[San::Other(0, vec![])]).starts_with("SAN type not allowed: "));
        let open = SanRules { wildcard: true, ..rules };
        assert!(open.apply(Some("*.example"), &[dns("*.example")]).is_ok());
    }

    #[test]
    fn counts_repeats_and_patterns() {
        let rules = rules();
        let two = rules.apply(Some("a.example"), &[dns("a.example"), dns("a.example")]).unwrap();
        assert_eq!(two, [dns("a.example")]);
        assert!(refusal(&rules, "a.other", &[dns("a.other")]).contains("patterns"));
        let many: Vec<San> = (0..4).map(|n| dns(&format!("h{n}.example"))).collect();
        assert_eq!(
            refusal(&rules, "h0.example", &many),
            "SAN count out of range: 4 where 1 to 3 are allowed"
        );
        assert!(rules.apply(None, &[]).unwrap_err().detail().starts_with("SAN count out of range: 0"));
    }
}
