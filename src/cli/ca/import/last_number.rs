//! The highest CRL number that a CA ever published, from whatever tells it.

use std::path::{Path, PathBuf};

use super::Args;
use super::tally::Tally;
use crate::cli::input;
use crate::error::{Error, Result};
use crate::x509::crl::Crl;

/// Finds it.
pub(super) struct LastNumber;

impl LastNumber {
    /// The highest of those that CRLs, `crlnumber` and the command say; none if nothing tells it.
    pub(super) fn find(args: &Args, crls: &[(PathBuf, Crl)], tally: &mut Tally) -> Result<Option<u64>> {
        let file = args.crlnumber.as_deref().map(next_number).transpose()?;
        let told = [args.last_crl_number, file.map(|next| next.saturating_sub(1))];
        let highest = told.into_iter().flatten().chain(crls.iter().filter_map(|(_, crl)| crl.number())).max();
        if highest.is_none() && args.dry_run {
            tally.warn("nothing tells the last CRL number: ours would begin at the seconds since 1970");
        }
        Ok(highest)
    }
}

/// What `openssl ca` will give next, hexadecimal.
fn next_number(file: &Path) -> Result<u64> {
    let text = input::text(file)?;
    u64::from_str_radix(text.trim(), 16).map_err(|_| {
        let detail = format!("{} does not hold one hexadecimal number of at most 64 bits", file.display());
        Error::invalid("bad-crlnumber", detail)
    })
}
