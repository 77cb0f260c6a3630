//! `portcullis advisories update` and `import`: loading feeds from here, beside the server or without it.
//! A server that runs has what was loaded within a second.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use portcullis_core::advisory::AdvisoryIndex;
use portcullis_core::index::SourceName;
use portcullis_server::App;
use portcullis_server::config::{FeedConfig, FeedKind, FeedOrigin};
use portcullis_server::error::FlowError;
use portcullis_server::flow::advisory_news::announce;
use portcullis_server::flow::feeds::{Refreshed, Shrunk, Wanted, Way, refresh};

use super::REMEDY;
use crate::context::who;
use crate::exit::{Exit, failure};
use crate::output::{bytes, count, print, remark};

/// The feed that is loaded where none is named.
const USUAL: &str = "advisories";

/// How much is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// What has not changed is not loaded again, and what lost most of its records not at all.
    Careful,
    /// Everything is loaded and believed.
    Forced,
}

impl Load {
    /// What `--force` means.
    pub fn from_flag(force: bool) -> Self {
        match force {
            true => Self::Forced,
            false => Self::Careful,
        }
    }
}

/// What `update` was asked for.
pub(super) struct Asked {
    pub(super) from: Option<String>,
    pub(super) feed: Option<String>,
    pub(super) kind: Option<FeedKind>,
    pub(super) load: Load,
}

pub(super) async fn update(app: &App, asked: Asked) -> anyhow::Result<Exit> {
    if let Some(from) = &asked.from {
        let origin = FeedOrigin::from_argument(from).map_err(|error| {
            failure(
                error,
                "give an http or https URL, or the path of a file or folder",
            )
        })?;
        let name = asked.feed.as_deref().unwrap_or(USUAL);
        let config = from_elsewhere(app, name, absolute(origin)?, asked.kind)?;
        return load_feed(app, (name, &config), asked.load).await;
    }
    let is_wanted = |(name, config): &(&String, &FeedConfig)| match &asked.feed {
        Some(feed) => feed == *name,
        None => config.kind != FeedKind::PopularNames,
    };
    let wanted: Vec<_> = app.config.feeds.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        let what = match &asked.feed {
            Some(feed) => format!("the configuration names no feed {feed}"),
            None => "the configuration names no feed of advisories".to_owned(),
        };
        return Err(failure(what, REMEDY));
    }
    let mut exit = Exit::Clean;
    for (name, config) in wanted {
        if load_feed(app, (name, config), asked.load).await? != Exit::Clean {
            exit = Exit::Undecided;
        }
    }
    Ok(exit)
}

/// A feed from an origin that the configuration does not name; all else is as it is configured.
fn from_elsewhere(
    app: &App,
    name: &str,
    origin: FeedOrigin,
    kind: Option<FeedKind>,
) -> anyhow::Result<FeedConfig> {
    name.parse::<SourceName>()
        .map_err(|error| failure(error.to_string(), "choose another name with --feed"))?;
    let configured = app.config.feeds.get(name);
    let kind = kind.or(configured.map(|feed| feed.kind));
    let kind = kind.unwrap_or_else(|| kind_of(&origin));
    let mut config = FeedConfig::new(kind, origin);
    if let Some(configured) = configured {
        config.proxy.clone_from(&configured.proxy);
        config.ca_file.clone_from(&configured.ca_file);
        config.allow_hosts.clone_from(&configured.allow_hosts);
    }
    Ok(config)
}

/// Loads one feed and says what came of it.
///
/// # Errors
/// When the gateway's own storage fails; that the feed could not be loaded is printed.
pub async fn load_feed(
    app: &App,
    (name, config): (&str, &FeedConfig),
    load: Load,
) -> anyhow::Result<Exit> {
    let (way, shrunk) = match load {
        Load::Careful => (Way::Replace, Shrunk::Refused),
        Load::Forced => (Way::ReplaceAll, Shrunk::Accepted),
    };
    loaded(app, (name, config), (way, shrunk)).await
}

pub(super) async fn import(
    app: &App,
    files: &[std::path::PathBuf],
    kind: Option<FeedKind>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Clean;
    for file in files {
        let origin = absolute(FeedOrigin::Path(file.clone()))?;
        let kind = kind.unwrap_or_else(|| kind_of(&origin));
        let (name, way) = match kind {
            FeedKind::Osv => ("imported", Way::Add),
            FeedKind::Kev => ("imported-kev", Way::ReplaceAll),
            FeedKind::Epss => ("imported-epss", Way::ReplaceAll),
            FeedKind::PopularNames => ("imported-names", Way::ReplaceAll),
        };
        let config = FeedConfig::new(kind, origin);
        if loaded(app, (name, &config), (way, Shrunk::Accepted)).await? != Exit::Clean {
            exit = Exit::Undecided;
        }
    }
    Ok(exit)
}

async fn loaded(
    app: &App,
    (name, config): (&str, &FeedConfig),
    (way, shrunk): (Way, Shrunk),
) -> anyhow::Result<Exit> {
    let progress = progress(&config.origin.to_string());
    let shown = progress.clone();
    let who = who();
    let wanted = Wanted {
        name,
        config,
        way,
        shrunk,
        who: &who,
        on_bytes: Arc::new(move |arrived, announced| {
            if let Some(announced) = announced {
                shown.set_length(announced);
            }
            shown.set_position(arrived);
        }),
    };
    let before = app.knowledge.advisories().unwrap_or_default();
    let refreshed = refresh(app, &wanted).await;
    progress.finish_and_clear();
    match refreshed {
        Ok(Refreshed::Unchanged) => print(&format!("{name}: unchanged."))?,
        Ok(Refreshed::Loaded(loaded)) => {
            let skipped = match loaded.skipped {
                0 => String::new(),
                skipped => format!(", {skipped} could not be read (portcullis advisories status)"),
            };
            let newest = loaded.newest.map_or(String::new(), |at| {
                format!(", the newest of {}", at.to_minute())
            });
            print(&format!(
                "{name}: {}{newest}{skipped}; {} kept.",
                count(loaded.records, "record"),
                bytes(loaded.size),
            ))?;
            tell_news(app, &before).await?;
        }
        Err(FlowError::Job(why)) => {
            remark(&format!("portcullis: {why}"));
            remark("  what was loaded before stays in force");
            return Ok(Exit::Undecided);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Clean)
}

/// Tells what new advisories mean for what is held here. A server that runs does so too, and what was told
/// once is not told again; but there need not be one.
async fn tell_news(app: &App, before: &AdvisoryIndex) -> anyhow::Result<()> {
    let after = app.knowledge.advisories().unwrap_or_default();
    let announced = announce(&app.db, [before, &after], app.now()).await?;
    if announced.found > 0 {
        print(&format!(
            "{} are new to files that were handed out or are held here: portcullis events list",
            count(announced.found as u64, "vulnerability"),
        ))?;
    }
    Ok(())
}

/// A bar on a terminal; nothing elsewhere.
fn progress(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let template = "{msg} {bar:30} {bytes}/{total_bytes} {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(crate::output::visible(what));
    bar
}

/// The server that shows it later need not run where this command was started.
pub fn absolute(origin: FeedOrigin) -> anyhow::Result<FeedOrigin> {
    Ok(match origin {
        FeedOrigin::Path(path) => FeedOrigin::Path(std::path::absolute(path)?),
        url => url,
    })
}

/// What an origin most likely is: scores are tables, the catalogue of exploited vulnerabilities says that
/// it is one, and everything else is advisories.
fn kind_of(origin: &FeedOrigin) -> FeedKind {
    let name = origin.to_string().to_ascii_lowercase();
    if name.ends_with(".csv") || name.ends_with(".csv.gz") {
        return FeedKind::Epss;
    }
    let is_catalogue = match origin {
        FeedOrigin::Url(_) => name.contains("known_exploited"),
        FeedOrigin::Path(path) => begins_as_catalogue(path),
    };
    match is_catalogue {
        true => FeedKind::Kev,
        false => FeedKind::Osv,
    }
}

fn begins_as_catalogue(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    let mark = b"\"catalogVersion\"";
    read.is_ok() && head.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_for_what_it_says_that_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            FeedOrigin::Path(path)
        };
        let kev = path("x.json", "{\n \"title\": \"t\", \"catalogVersion\": \"1\"}");
        assert_eq!(kind_of(&kev), FeedKind::Kev);
        assert_eq!(kind_of(&path("y.json", "{\"id\":\"A\"}")), FeedKind::Osv);
        assert_eq!(kind_of(&path("all.zip", "PK")), FeedKind::Osv);
        assert_eq!(kind_of(&path("epss.csv.gz", "")), FeedKind::Epss);
        assert_eq!(
            kind_of(&FeedOrigin::Path(folder.path().into())),
            FeedKind::Osv
        );
    }
}
