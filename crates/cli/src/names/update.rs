//! `portcullis names update`: loading a list of popular names, which takes the place of the one that
//! Portcullis comes with.

use clap::Args;
use portcullis_server::App;
use portcullis_server::config::{FeedConfig, FeedKind, FeedOrigin};

use crate::advisories::{Load, absolute, load_feed};
use crate::context::Place;
use crate::exit::{Exit, failure};

/// The feed that `--from` loads where the configuration names none.
const USUAL: &str = "popular-names";

/// Where the names come from.
#[derive(Debug, Args)]
pub(super) struct Update {
    /// A URL or file to load from this once, instead of what is configured
    #[arg(long, value_name = "URL|PATH")]
    from: Option<String>,
    /// Load it again although it has not changed, and believe a list that lost most of its names
    #[arg(long)]
    force: bool,
}

impl Update {
    /// Loads.
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<Exit> {
        let app = place.gateway().await?;
        let exit = self.load(&app).await;
        app.db.close().await;
        exit
    }

    async fn load(self, app: &App) -> anyhow::Result<Exit> {
        let load = Load::from_flag(self.force);
        let configured = app.config.feeds.iter();
        let mut configured = configured.filter(|(_, feed)| feed.kind == FeedKind::PopularNames);
        if let Some(from) = &self.from {
            let origin = FeedOrigin::from_argument(from)
                .map_err(|error| failure(error, "give an http or https URL, or a path"))?;
            let name = configured.next().map_or(USUAL, |(name, _)| name);
            let config = FeedConfig::new(FeedKind::PopularNames, absolute(origin)?);
            return load_feed(app, (name, &config), load).await;
        }
        let mut exit = None;
        for (name, config) in configured {
            let loaded = load_feed(app, (name, config), load).await?;
            exit = exit.filter(|exit| *exit != Exit::Clean).or(Some(loaded));
        }
        exit.ok_or_else(|| {
            failure(
                "the configuration names no feed of popular names",
                "say where they are with --from URL|PATH, or in a [feeds.NAME] of kind \
                 \"popular-names\"; the list that Portcullis comes with is in force until then",
            )
        })
    }
}
