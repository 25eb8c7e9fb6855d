//! Reading lists: one page where the user asked for one, else all of them.

use serde_json::{Value, json};

use crate::cli::csv::Sheet;
use crate::cli::{Context, ExitCode, Output, client, show};
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

/// A list that is read page by page.
pub struct Pages<'a> {
    api: &'a Api,
    path: &'a str,
    filters: Vec<(&'a str, String)>,
    limit: Option<u16>,
    /// Where the next page begins; none before the first and after the last.
    pub cursor: Option<String>,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// The list at `path` with these filters.
    pub fn new(api: &'a Api, path: &'a str, filters: Vec<(&'a str, String)>, paging: &Paging) -> Self {
        Self { api, path, filters, limit: paging.limit, cursor: paging.cursor.clone(), ended: false }
    }

    /// The next page; none after the last, or after the one that was asked for. Errors: the server's.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>> {
        if self.ended {
            return Ok(None);
        }
        let mut query = self.filters.clone();
        query.push(("limit", self.limit.unwrap_or(1000).to_string()));
        query.extend(self.cursor.take().map(|cursor| ("cursor", cursor)));
        let mut page = self.api.get(self.path, &query).await?.json()?;
        self.cursor = page["next"].as_str().map(str::to_owned);
        self.ended = self.limit.is_some() || self.cursor.is_none();
        match page["items"].take() {
            Value::Array(items) => Ok(Some(items)),
            _ => Ok(Some(Vec::new())),
        }
    }
}

/// The list at `path` with these filters: `{"items": […], "next": …}`.
pub async fn fetch(api: &Api, path: &str, filters: Vec<(&str, String)>, paging: &Paging) -> Result<Value> {
    let mut pages = Pages::new(api, path, filters, paging);
    let mut items = Vec::new();
    while let Some(page) = pages.next().await? {
        items.extend(page);
    }
    Ok(json!({"items": items, "next": pages.cursor}))
}

/// Fetches and prints a list; as CSV page by page, however long it is.
pub async fn print(
    context: &Context,
    (path, filters): (&str, Vec<(&str, String)>),
    paging: &Paging,
    columns: &[show::Column],
) -> Result<ExitCode> {
    let api = client::connect(context)?;
    if context.global.output == Output::Csv {
        let mut pages = Pages::new(&api, path, filters, paging);
        let mut sheet = Sheet::new(std::io::stdout(), columns);
        while let Some(page) = pages.next().await? {
            sheet.rows(&page)?;
        }
        show::more(pages.cursor.as_deref(), "--cursor");
    } else {
        show::list(context, &fetch(&api, path, filters, paging).await?, columns, "--cursor")?;
    }
    Ok(ExitCode::Done)
}

/// The filters that were given.
pub fn given(filters: Vec<(&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
