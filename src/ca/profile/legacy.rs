//! What a profile may ask for only where feature `legacy` was built in (docs/decisions/legacy.md).

use crate::ca::profile::faults::Faults;
use crate::ca::profile::options::{Cipher, ScepDigest};
use crate::ca::profile::raw::RawProfile;
use crate::x509::key::DeviceKey;

/// Whether this program has what old devices need.
pub(super) const BUILT: bool = cfg!(feature = "legacy");

/// Notes each value that a build without the feature (`built`) cannot serve, SHA-1 replies that nobody can ask for, and
/// old keys of who is no device that speaks SCEP or CAPF.
pub(super) fn hold(raw: &RawProfile, built: bool, faults: &mut Faults<'_>) {
    if !built {
        for (path, value) in needing(raw) {
            let rule = format!("{value} is served only by a program that was built with feature legacy");
            faults.rule(&path, "legacy-not-built", rule);
        }
    }
    if let Some(scep) = &raw.scep
        && scep.sha1_replies
        && !scep.digests.contains(&ScepDigest::Sha1)
    {
        let rule = "sha1_replies answers clients that send SHA-1: add sha1 to digests";
        faults.rule(&["scep", "sha1_replies"], "bad-profile", rule);
    }
    let of_devices = (raw.scep.is_some() || raw.capf.is_some()) && raw.offline.is_none() && !raw.internal;
    if !of_devices && raw.keys.contains(&DeviceKey::Rsa1024) {
        let rule = "rsa-1024 is for old devices alone: such a profile has [scep] or [capf], no [offline], and is not \
                    internal";
        faults.rule(&["keys"], "bad-profile", rule);
    }
}

/// Where they stand, and what they are.
fn needing(raw: &RawProfile) -> Vec<(Vec<&'static str>, &'static str)> {
    let mut found = Vec::new();
    if raw.keys.contains(&DeviceKey::Rsa1024) {
        found.push((vec!["keys"], DeviceKey::Rsa1024.as_str()));
    }
    let Some(scep) = &raw.scep else { return found };
    if scep.ciphers.contains(&Cipher::Des) {
        found.push((vec!["scep", "ciphers"], "des-cbc"));
    }
    if scep.digests.contains(&ScepDigest::Md5) {
        found.push((vec!["scep", "digests"], "md5"));
    }
    if scep.sha1_replies {
        found.push((vec!["scep", "sha1_replies"], "sha1_replies"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = include_str!("../../../policies/profiles/legacy.toml");

    fn faults(text: &str, built: bool) -> Vec<(String, String)> {
        let mut faults = Faults::new("old.toml", text);
        hold(&toml::from_str(text).unwrap(), built, &mut faults);
        let said =
            |e: &crate::error::Error| (e.field().unwrap_or_default().to_owned(), e.detail().to_owned());
        faults.into_found().iter().map(said).collect()
    }

    #[test]
    fn a_build_without_the_feature_refuses_each_old_value_by_name_and_line() {
        assert_eq!(faults(OLD, false), []);
        for (word, with) in [
            ("\"des3-cbc\"]", "\"des3-cbc\", \"des-cbc\"]"),
            ("\"sha1\"]", "\"sha1\", \"md5\"]"),
            ("[scep]", "[scep]\nsha1_replies = true"),
            ("keys = [", "keys = [\"rsa-1024\", "),
        ] {
            let text = OLD.replacen(word, with, 1);
            assert_ne!(text, OLD);
            let found = faults(&text, false);
            assert_eq!(found.len(), 1, "{found:?}");
            let at = text.lines().position(|line| line.contains(with.lines().last().unwrap())).unwrap() + 1;
            assert_eq!(found[0].0, format!("old.toml:{at}"));
            assert!(found[0].1.contains("built with feature legacy"), "{}", found[0].1);
            assert_eq!(faults(&text, true), []);
        }
    }

    #[test]
    fn sha1_replies_need_sha1_requests() {
        let text = OLD.replacen(", \"sha1\"]", "]", 1).replacen("[scep]", "[scep]\nsha1_replies = true", 1);
        assert_eq!(faults(&text, true).len(), 1);
    }

    #[cfg(feature = "legacy")]
    #[test]
    fn old_keys_over_scep_let_in_no_old_phone() {
        let old = OLD.replacen("keys = [", "keys = [\"rsa-1024\", ", 1);
        for (more, over_capf) in [("", false), ("\n[capf]\n", true)] {
            let source = vec![("old".to_owned(), format!("{old}{more}"))];
            let set = crate::ca::profile::ProfileSet::from_sources(source).unwrap();
            let profile = &set.all()[0];
            assert!(profile.allows_rsa_1024());
            assert_eq!(profile.allows(DeviceKey::Rsa1024), over_capf);
            assert_eq!(profile.capf().rsa_1024, over_capf);
        }
    }

    #[test]
    fn old_keys_are_for_devices_alone() {
        let (before, _) = OLD.split_once("[scep]").unwrap();
        let text = before.replacen("keys = [", "keys = [\"rsa-1024\", ", 1);
        assert_eq!(faults(before, true), []);
        assert_eq!(faults(&format!("{text}[capf]\n"), true), []);
        let internal = text.replacen("approval", "internal = true\napproval", 1);
        for (text, more) in
            [(&text, ""), (&text, "[capf]\n[offline]\nissuer = ''\n"), (&internal, "[capf]\n")]
        {
            let found = faults(&format!("{text}{more}"), true);
            assert_eq!(found.len(), 1, "{more}");
            assert!(found[0].1.contains("[scep] or [capf]"), "{}", found[0].1);
        }
    }
}
