//! What the API reads before anything is decided: JSON, each body's type, queries, durations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::admin::api::certificates::Filter;
use signet::admin::api::json::{self, Limits, reader};
use signet::admin::api::query::Query;
use signet::admin::api::{
    anchors, audit, cas, certificates, challenges, clusters, files, recovery, releases, requests, tokens,
};
use signet::admin::{duration, roles::Roles};

fuzz_target!(|data: &[u8]| {
    let _ = reader::parse(data, Limits::default());
    let _ = json::read::<tokens::NewToken>(data);
    let _ = json::read::<challenges::NewChallenge>(data);
    let _ = json::read::<certificates::NewCertificate>(data);
    let _ = json::read::<requests::Decide>(data);
    let _ = json::read::<cas::ExternalChain>(data);
    let _ = json::read::<audit::Verify>(data);
    certificates::revoke::read_any(data);
    cas::read_any(data);
    clusters::read_any(data);
    anchors::read_any(data);
    releases::read_any(data);
    files::read_any(data);
    recovery::read_any(data);
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(query) = Query::parse(text)
            && let Ok((filter, _)) = Filter::read(query)
        {
            let _ = filter.canonical();
        }
        let _ = duration::parse(text);
        let _ = Roles::parse(text);
    }
});
