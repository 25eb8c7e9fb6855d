//! What is shown again and again: on a terminal in the same place, elsewhere one after the other.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use crate::cli::Context;
use crate::error::Result;

/// Arguments of what can be watched.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Watching {
    /// Show it again every so many seconds (2), until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub watch: Option<u16>,
    /// End after so many times
    #[arg(long, value_name = "N", requires = "watch", value_parser = clap::value_parser!(u32).range(1..))]
    pub times: Option<u32>,
}

/// Shows what `picture` draws, every so often; once if it is not watched. `picture` says too whether that was the last.
/// Errors: those of `picture`.
pub async fn watch(
    context: &Context,
    how: &Watching,
    mut picture: impl AsyncFnMut() -> Result<(String, bool)>,
) -> Result<()> {
    let pause = Duration::from_secs(how.watch.unwrap_or(2).into());
    let times = if how.watch.is_some() { how.times } else { Some(1) };
    let mut shown = 0;
    loop {
        let (text, is_last) = picture().await?;
        shown += 1;
        draw(&text, how.watch.is_some(), shown > 1);
        if is_last || times.is_some_and(|times| shown >= times) {
            return Ok(());
        }
        context.clock.sleep(pause).await;
    }
}

/// The screen is cleared only when the new picture is there: it does not flicker.
fn draw(text: &str, is_watched: bool, is_again: bool) {
    let mut out = std::io::stdout();
    let before = match (is_watched && out.is_terminal(), is_again) {
        (true, _) => "\x1b[H\x1b[2J",
        (false, true) => "\n",
        (false, false) => "",
    };
    // Who closed standard output does not want to be told.
    let _ = write!(out, "{before}{text}").and_then(|()| out.flush());
}
