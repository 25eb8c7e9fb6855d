//! Reading lists: one page where the user asked for one, else all of them.

use serde_json::{Value, json};

use crate::cli::show;
use crate::error::Result;
use crate::outbound::Api;

/// Arguments of every list.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Paging {
    /// At most so many (1 to 1000) and then a cursor; without it: all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: Option<u16>,
    /// Go on where an earlier page ended
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// The list at `path` with these filters: `{"items": […], "next": …}`.
pub async fn fetch(api: &Api, path: &str, filters: Vec<(&str, String)>, paging: &Paging) -> Result<Value> {
    let mut cursor = paging.cursor.clone();
    let mut items = Vec::new();
    loop {
        let mut query = filters.clone();
        query.push(("limit", paging.limit.unwrap_or(1000).to_string()));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor.clone()));
        }
        let mut page = api.get(path, &query).await?.json()?;
        if let Value::Array(found) = page["items"].take() {
            items.extend(found);
        }
        cursor = page["next"].as_str().map(str::to_owned);
        if paging.limit.is_some() || cursor.is_none() {
            return Ok(json!({"items": items, "next": cursor}));
        }
    }
}

/// Fetches and prints a list.
pub async fn print(
    context: &crate::cli::Context,
    (path, filters): (&str, Vec<(&str, String)>),
    paging: &Paging,
    columns: &[show::Column],
) -> Result<crate::cli::ExitCode> {
    let api = crate::cli::client::connect(context)?;
    show::list(context, &fetch(&api, path, filters, paging).await?, columns, "--cursor")?;
    Ok(crate::cli::ExitCode::Done)
}

/// The filters that were given.
pub fn given(filters: Vec<(&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
