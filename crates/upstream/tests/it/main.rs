//! The outside world, played by an index that can lie.

#![allow(clippy::unwrap_used)]

mod credentials;
mod discover;
mod files;
mod folder;
mod guard;
mod outages;
mod pages;
mod proxy;
mod signals;

use std::time::Duration;

use portcullis_core::pypi::name::ProjectName;
use portcullis_fixtures::FixtureIndex;
use portcullis_upstream::UpstreamError;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::simple_index::{FetchedPage, PageAnswer};
use portcullis_upstream::source::{Limits, Timeouts, UpstreamConfig, UpstreamSource};

/// The configuration of a source at `index`, impatient enough for tests.
fn config(index: &FixtureIndex) -> UpstreamConfig {
    let [connect, idle, page] = [2000, 300, 3000].map(Duration::from_millis);
    let limits = Limits {
        page_bytes: 1024 * 1024,
        ..Limits::default()
    };
    let config = UpstreamConfig::new("fixture", index.simple_url().parse().unwrap());
    UpstreamConfig {
        timeouts: Timeouts {
            connect,
            idle,
            page,
        },
        limits,
        ..config
    }
}

fn set_up(config: UpstreamConfig) -> UpstreamSource {
    UpstreamSource::new(config, &Environment::default()).unwrap()
}

fn source(index: &FixtureIndex) -> UpstreamSource {
    set_up(config(index))
}

fn project(name: &str) -> ProjectName {
    ProjectName::new(name).unwrap()
}

async fn ask(source: &UpstreamSource, name: &str) -> Result<PageAnswer, UpstreamError> {
    source.fetch_page(&project(name), None).await
}

async fn page(source: &UpstreamSource, name: &str) -> FetchedPage {
    match ask(source, name).await.unwrap() {
        PageAnswer::Page(page) => *page,
        other => panic!("no page but {other:?}"),
    }
}
