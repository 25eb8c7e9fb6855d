use super::*;
use crate::device::alarm::{Alarm, ListDigest};
use crate::device::fetch::Release;
use crate::store::Record;
use crate::trust::records::ListKind;

const FROM: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn entry() -> LedgerRecord {
    LedgerRecord::new("SEP0123456789AB".parse().unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn release(kind: ListKind, number: u32) -> Release {
    let hash = [u8::try_from(number).unwrap(); 32];
    Release { cluster: "hq".parse().unwrap(), kind, number, file_hash: hash }
}

fn fetched(kind: ListKind, number: u32) -> Note {
    Note::Fetched { what: What::List(release(kind, number)), from: FROM, over: Over::Tftp }
}

fn alarm(alarm: Alarm) -> Note {
    Note::Alarm { alarm, from: FROM, over: Over::Syslog, told: Vec::new() }
}

fn held(entry: &LedgerRecord, kind: ListKind) -> Option<u32> {
    entry.holding(kind).and_then(|holding| holding.release.as_ref()).map(|(_, number)| *number)
}

#[test]
fn a_success_says_that_the_list_fetched_last_is_held() {
    let mut entry = entry();
    for (second, note) in [
        fetched(ListKind::Ctl, 1),
        fetched(ListKind::Itl, 3),
        alarm(Alarm::InitialSuccess),
        fetched(ListKind::Itl, 4),
    ]
    .iter()
    .enumerate()
    {
        entry.apply(at(second as i64), note);
    }
    assert_eq!((held(&entry, ListKind::Ctl), held(&entry, ListKind::Itl)), (Some(1), Some(3)));
    entry.apply(at(9), &alarm(Alarm::FailedOldItl));
    assert_eq!(held(&entry, ListKind::Itl), Some(3), "the old list stays");
    assert_eq!(entry.stuck, Some(at(9)));
    entry.apply(at(10), &alarm(Alarm::Failed));
    assert_eq!(entry.stuck, Some(at(9)), "since the first failure");
    entry.apply(at(11), &alarm(Alarm::Success));
    assert_eq!((held(&entry, ListKind::Itl), entry.stuck), (Some(4), None));
    entry.apply(at(12), &alarm(Alarm::FailedNoList));
    assert!(entry.holds.is_empty());
}

#[test]
fn what_a_device_shows_counts_more_than_what_it_fetched() {
    let mut entry = entry();
    entry.apply(at(1), &fetched(ListKind::Itl, 4));
    let digest: ListDigest = vec![7; 20].try_into().unwrap();
    let told = vec![Told {
        kind: ListKind::Itl,
        digest: Some(digest.clone()),
        release: Some(release(ListKind::Itl, 3)),
    }];
    entry.apply(at(2), &Note::Alarm { alarm: Alarm::Success, from: FROM, over: Over::Api, told });
    let holding = entry.holding(ListKind::Itl).unwrap();
    assert_eq!(
        (held(&entry, ListKind::Itl), holding.source, &holding.digest),
        (Some(3), Source::Told, &digest)
    );
    let told = vec![Told { kind: ListKind::Itl, digest: Some(digest), release: None }];
    entry.apply(at(3), &Note::Alarm { alarm: Alarm::FailedOldItl, from: FROM, over: Over::Api, told });
    assert_eq!(entry.holding(ListKind::Itl).unwrap().release, None, "a list that is not known here");
}

#[test]
fn who_says_that_it_holds_none_holds_none() {
    let mut entry = entry();
    entry.apply(at(1), &fetched(ListKind::Ctl, 1));
    entry.apply(at(2), &alarm(Alarm::Success));
    assert_eq!(held(&entry, ListKind::Ctl), Some(1));
    let told = vec![Told { kind: ListKind::Ctl, digest: None, release: None }];
    entry.apply(at(3), &Note::Alarm { alarm: Alarm::Success, from: FROM, over: Over::Syslog, told });
    assert!(entry.holding(ListKind::Ctl).is_none());
}

#[test]
fn fetches_do_not_push_out_what_a_device_told() {
    let mut notes = Notes::default();
    notes.add(at(1), fetched(ListKind::Itl, 3));
    notes.add(at(2), alarm(Alarm::Success));
    for number in 0..40 {
        notes.add(at(10 + number), fetched(ListKind::Itl, 4));
        let what = What::File(format!("{number}.sgn"));
        notes.add(at(10 + number), Note::Fetched { what, from: FROM, over: Over::Tftp });
    }
    let mut entry = entry();
    notes.apply(&mut entry);
    assert_eq!(held(&entry, ListKind::Itl), Some(3), "it was fetched before the alarm");
    assert_eq!(entry.alarms.len(), 1);
    let list = entry
        .fetched
        .iter()
        .find(|fetch| fetch.what == FetchedWhat::of(&What::List(release(ListKind::Itl, 4))));
    assert_eq!(list.map(|fetch| (fetch.times, fetch.at)), Some((40, at(49))));
}

#[test]
fn a_first_ctl_says_nothing_of_the_itl() {
    let mut entry = entry();
    entry.apply(at(1), &fetched(ListKind::Ctl, 1));
    entry.apply(at(2), &fetched(ListKind::Itl, 1));
    entry.apply(at(3), &alarm(Alarm::CtlInitialSuccess));
    assert_eq!((held(&entry, ListKind::Ctl), held(&entry, ListKind::Itl)), (Some(1), None));
}

#[test]
fn each_file_is_kept_once_and_no_more_than_sixteen() {
    let mut entry = entry();
    for number in 0..40 {
        entry.apply(at(number.into()), &fetched(ListKind::Itl, number / 2));
    }
    assert_eq!(entry.fetched.len(), 16);
    assert_eq!((entry.fetched[0].times, entry.fetched[0].at), (2, at(39)));
    for _ in 0..40 {
        entry.apply(at(50), &alarm(Alarm::Failed));
    }
    assert_eq!(entry.alarms.len(), 16);
}

#[test]
fn the_indexes_name_the_stuck_and_the_holders() {
    let mut entry = entry();
    assert!(entry.indexes().is_empty());
    entry.apply(at(1), &fetched(ListKind::Itl, 3));
    entry.apply(at(2), &alarm(Alarm::Success));
    let keys = entry.indexes();
    let prefix = LedgerRecord::release_key(&"hq".parse().unwrap(), ListKind::Itl, 3);
    assert!(keys.len() == 1 && keys[0].index == LedgerRecord::BY_RELEASE && keys[0].key.starts_with(&prefix));
    entry.apply(at(3), &alarm(Alarm::FailedOldItl));
    assert_eq!(entry.indexes()[0].index, LedgerRecord::BY_STUCK);
}
