//! `portcullis mirror`: what mirrors hold, and bringing them up to date now. What they want is the
//! configuration's.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_server::App;
use portcullis_server::config::MirrorSettings;
use portcullis_server::jobs::mirror;
use portcullis_server::jobs::schedule::RunError;
use portcullis_store::mirrored::{MirrorState, Mirrored, all};
use serde_json::{Value, json};

use crate::context::{Place, wait_for};
use crate::exit::{Exit, failure};
use crate::jobs::age;
use crate::output::{Format, bytes, count, print, print_json, table};

/// Keep projects and locks fresh ahead of need, as [[mirror]] says
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis mirror status")]
pub struct Mirrors {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Bring mirrors up to date now, due or not
    ///
    /// Exits with 1 when the policy refuses something of them, with 3 when a source could not be
    /// asked.
    #[command(after_help = "Example:\n  portcullis mirror run base")]
    Run {
        /// Only these mirrors
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what mirrors hold, and what could not be had and why
    ///
    /// Exits with 1 when the policy refuses something of them, with 3 when a source could not be
    /// asked.
    #[command(after_help = "Example:\n  portcullis mirror status --format json")]
    Status {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Mirrors {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let app = self.place.gateway().await?;
            let format = match &self.verb {
                Verb::Run { format, .. } | Verb::Status { format } => *format,
            };
            let exit = match self.verb {
                Verb::Run { names, .. } => match refresh(&app, names).await {
                    Ok(()) => show(&app, format).await,
                    Err(error) => Err(error),
                },
                Verb::Status { .. } => show(&app, format).await,
            };
            portcullis_server::jobs::end(&app).await;
            app.db.close().await;
            exit
        })
    }
}

async fn refresh(app: &Arc<App>, names: Vec<String>) -> anyhow::Result<()> {
    let mirrors = &app.config.mirrors;
    if mirrors.is_empty() {
        return Err(failure(
            "there is no mirror",
            "describe one in portcullis.toml: [[mirror]] with name = \"base\" and projects = [\"flask\"]",
        ));
    }
    let known = |name: &&String| mirrors.iter().any(|mirror| mirror.name == **name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = mirrors.iter().map(|mirror| mirror.name.as_str()).collect();
        return Err(failure(
            format!("there is no mirror {unknown:?}"),
            format!("the mirrors are: {}", all.join(", ")),
        ));
    }
    let progress = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} files, {elapsed}: {msg}")
    {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(120));
    let heard = progress.clone();
    let on_file = Arc::new(move |file: &Mirrored| {
        heard.inc(1);
        heard.set_message(format!("{} {}", file.filename, file.state.as_str()));
    });
    let ran = mirror::run_now(app, names, on_file).await;
    progress.finish_and_clear();
    match ran {
        Ok(_) => Ok(()),
        Err(RunError::Held(_)) => Err(failure(
            "another process is bringing the mirrors up to date",
            "wait for it: `portcullis jobs list` shows who it is, `portcullis mirror status` how far it is",
        )),
        Err(RunError::Offline(_)) => Err(failure(
            "the gateway is offline: nobody is asked",
            "go online first: `portcullis offline off`, or take `offline` out of the configuration",
        )),
        Err(error) => Err(failure(
            error.to_string(),
            "mend what it names; what could be had is here",
        )),
    }
}

async fn show(app: &App, format: Format) -> anyhow::Result<Exit> {
    let files = all(&app.db).await?;
    let configured = |file: &&Mirrored| {
        let mut mirrors = app.config.mirrors.iter();
        mirrors.any(|mirror| mirror.name == file.mirror)
    };
    let files: Vec<&Mirrored> = files.iter().filter(configured).collect();
    match format {
        Format::Json => {
            let mirrors = app.config.mirrors.iter();
            let mirrors: Vec<Value> = mirrors.map(|mirror| as_json(mirror, &files)).collect();
            print_json(&json!({ "mirrors": mirrors }))?;
        }
        Format::Text => print(&text(app, &files))?,
    }
    let has = |states: &[MirrorState]| files.iter().any(|file| states.contains(&file.state));
    if has(&[MirrorState::Unreachable, MirrorState::Failed]) {
        return Ok(Exit::Undecided);
    }
    let refused = [MirrorState::Held, MirrorState::Denied, MirrorState::Absent];
    Ok(Exit::for_findings(usize::from(has(&refused))))
}

fn text(app: &App, files: &[&Mirrored]) -> String {
    if app.config.mirrors.is_empty() {
        return "There is no mirror. [[mirror]] in portcullis.toml describes one.\n".to_owned();
    }
    let rows = app.config.mirrors.iter().map(|mirror| {
        let of_it = files.iter().filter(|file| file.mirror == mirror.name);
        let here = of_it.clone().filter(|file| file.state == MirrorState::Here);
        let size: u64 = here.clone().map(|file| file.size).sum();
        let oldest = of_it.clone().map(|file| file.at).min();
        [
            mirror.name.clone(),
            count(here.clone().count() as u64, "file"),
            bytes(size),
            (of_it.count() - here.count()).to_string(),
            oldest.map_or("never".to_owned(), |at| {
                format!("{} ago", age(at, app.now()))
            }),
        ]
    });
    let mut text = table(
        ["mirror", "here", "size", "not here", "brought up to date"],
        rows,
    );
    let missing = files.iter().filter(|file| file.state != MirrorState::Here);
    let rows = missing.map(|file| {
        let what = match file.filename.as_str() {
            "" => file.project.to_string(),
            name => name.to_owned(),
        };
        [what, file.state.as_str().to_owned(), file.why.clone()]
    });
    let rows: Vec<[String; 3]> = rows.collect();
    if !rows.is_empty() {
        text += "\nNot here:\n";
        text += &table(["what", "state", "why"], rows);
    }
    text
}

fn as_json(mirror: &MirrorSettings, files: &[&Mirrored]) -> Value {
    let of_it = files.iter().filter(|file| file.mirror == mirror.name);
    let files: Vec<Value> = of_it
        .map(|file| {
            json!({
                "project": file.project,
                "filename": Some(&file.filename).filter(|name| !name.is_empty()),
                "state": file.state.as_str(),
                "why": Some(&file.why).filter(|why| !why.is_empty()),
                "bytes": file.size,
                "at": file.at,
            })
        })
        .collect();
    json!({ "name": mirror.name, "every-seconds": mirror.every.as_secs(), "files": files })
}
