//! `portcullis doctor`: whether everything that the gateway rests on answers.

use std::time::Instant;

use clap::Args;
use portcullis_core::pypi::name::ProjectName;
use portcullis_server::App;
use portcullis_server::sources::Source;
use serde_json::{Value, json};

use crate::context::{Place, wait_for};
use crate::exit::Exit;
use crate::output::{Format, print, print_json, table};

/// A name that says nothing about who asks: every index is asked for it all the time.
const HARMLESS_NAME: &str = "pip";

/// Ask the database, the blobs and every upstream whether they answer
///
/// Exits with 1 when one of them does not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis doctor")]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was asked, and what came of it.
struct Check {
    what: String,
    result: Result<String, String>,
    millis: u128,
}

impl Doctor {
    /// Asks.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.ask())
    }

    async fn ask(self) -> anyhow::Result<Exit> {
        let app = self.place.gateway().await?;
        let mut checks = vec![database(&app).await, blobs(&app).await];
        checks.push(inspections(&app).await);
        for (name, source) in &app.sources {
            checks.extend(outside(name.as_str(), source).await);
        }
        checks.push(feeds(&app).await);
        app.db.close().await;
        let failed = checks.iter().filter(|check| check.result.is_err()).count();
        match self.format {
            Format::Json => {
                let checks: Vec<Value> = checks.iter().map(as_json).collect();
                print_json(&json!({ "checks": checks, "failed": failed }))?;
            }
            Format::Text => {
                let rows = checks.into_iter().map(|check| {
                    let (state, said) = match check.result {
                        Ok(said) => ("ok", said),
                        Err(said) => ("fails", said),
                    };
                    [
                        check.what,
                        state.to_owned(),
                        format!("{} ms", check.millis),
                        said,
                    ]
                });
                print(&table(["what", "state", "took", "says"], rows))?;
            }
        }
        Ok(Exit::for_findings(failed))
    }
}

async fn timed(what: String, asked: impl Future<Output = Result<String, String>>) -> Check {
    let started = Instant::now();
    let result = asked.await;
    let millis = started.elapsed().as_millis();
    Check {
        what,
        result,
        millis,
    }
}

async fn database(app: &App) -> Check {
    let asked = async {
        let answered = app.db.ping().await;
        let engine = app.db.engine().to_owned();
        answered.map(|()| engine).map_err(|error| error.to_string())
    };
    timed("database".to_owned(), asked).await
}

async fn blobs(app: &App) -> Check {
    let asked = async {
        let probed = app.blobs.probe().await;
        let said = "can be written, read and deleted".to_owned();
        probed.map(|_| said).map_err(|error| error.to_string())
    };
    timed("blobs".to_owned(), asked).await
}

/// Whether files can be inspected, and what stands between the gateway and what they hold.
async fn inspections(app: &App) -> Check {
    let probed = portcullis_server::inspection::probe(&app.config.inspection);
    timed("inspections".to_owned(), probed).await
}

/// Whether what feeds said last is there and not old. Nobody is asked.
async fn feeds(app: &App) -> Check {
    timed("advisories".to_owned(), async {
        crate::advisories::check(app)
    })
    .await
}

/// Asks a source that is not ours for a page.
async fn outside(name: &str, source: &Source) -> Option<Check> {
    let project = ProjectName::new(HARMLESS_NAME).ok()?;
    match source {
        Source::Hosted(_) => None,
        Source::Upstream(upstream) => {
            let asked = async {
                let answer = upstream.source.fetch_page(&project, None).await;
                let said = upstream.source.root().to_string();
                answer.map(|_| said).map_err(|error| error.to_string())
            };
            Some(timed(format!("upstream {name}"), asked).await)
        }
        Source::Folder(folder) => {
            let asked = async {
                let opened = folder.open(&project, "pip-0.tar.gz").await;
                let said = "can be read".to_owned();
                opened.map(|_| said).map_err(|error| error.to_string())
            };
            Some(timed(format!("folder {name}"), asked).await)
        }
    }
}

fn as_json(check: &Check) -> Value {
    let (answers, said) = match &check.result {
        Ok(said) => (true, said),
        Err(said) => (false, said),
    };
    json!({ "what": check.what, "answers": answers, "says": said, "millis": check.millis })
}
