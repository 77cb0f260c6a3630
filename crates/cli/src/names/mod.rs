//! `portcullis names`: which names are ours and never looked up outside, and which nobody may have; what
//! other names resemble is in `check`.

mod check;
mod update;

use clap::{Args, Subcommand};
use portcullis_core::index::OwnedBy;
use portcullis_core::pypi::name::NamePattern;
use portcullis_server::Config;
use portcullis_store::names::{self, Changed, OwnedName, ProhibitedName, Released};
use serde_json::{Value, json};

use crate::context::{Absence, Opened, Place, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, print, print_json, table};
use check::Check;
use update::Update;

/// Own, release, prohibit, allow and list names and prefixes
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis names own 'acme-*'")]
pub struct Names {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make names internal: they are never looked up outside, in any spelling
    #[command(after_help = "Example:\n  portcullis names own 'acme-*' billing-core")]
    Own {
        /// Project names, or prefixes such as acme-*
        #[arg(required = true, value_name = "PATTERN")]
        patterns: Vec<NamePattern>,
    },
    /// Let names be looked up outside again
    #[command(after_help = "Example:\n  portcullis names release billing-core")]
    Release {
        /// The names or prefixes as `portcullis names list` shows them
        #[arg(required = true, value_name = "PATTERN")]
        patterns: Vec<NamePattern>,
    },
    /// Refuse names to everybody
    #[command(
        after_help = "Example:\n  portcullis names prohibit 'evil-*' --reason 'takes credentials'"
    )]
    Prohibit {
        /// Project names, or prefixes such as evil-*
        #[arg(required = true, value_name = "PATTERN")]
        patterns: Vec<NamePattern>,
        /// Why, for those who are refused
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// End a prohibition
    #[command(after_help = "Example:\n  portcullis names allow 'evil-*'")]
    Allow {
        /// The names or prefixes as `portcullis names list` shows them
        #[arg(required = true, value_name = "PATTERN")]
        patterns: Vec<NamePattern>,
    },
    /// Say which names resemble well-known or owned ones, or may not be used at all
    ///
    /// Judged by the name alone, as if no source had the project. Needs no gateway; where there is one,
    /// its owned names, its policy and the popular names that it has loaded count. Exits with 1 when a
    /// name is warned of or denied.
    #[command(
        after_help = "Example:\n  portcullis names check reqeusts numpy --format json\n  \
                            portcullis names check - < names.txt"
    )]
    Check(Check),
    /// Load the list of popular names that others are compared with
    ///
    /// Exits with 3 when it could not be loaded; the one before stays in force.
    #[command(after_help = "Example:\n  portcullis names update --from names.csv")]
    Update(Update),
    /// List what is owned and what is prohibited
    #[command(after_help = "Example:\n  portcullis names list --format json")]
    List {
        /// What was released, too
        #[arg(long)]
        all: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Names {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        if let Verb::Check(check) = self.verb {
            return wait_for(check.run(&self.place));
        }
        if let Verb::Update(update) = self.verb {
            return wait_for(update.run(&self.place));
        }
        let absence = match self.verb {
            Verb::Own { .. } | Verb::Prohibit { .. } => Absence::Prepared,
            Verb::Release { .. }
            | Verb::Allow { .. }
            | Verb::Check(_)
            | Verb::Update(_)
            | Verb::List { .. } => Absence::Refused,
        };
        wait_for(async {
            let opened = self.place.database(absence).await?;
            let exit = match self.verb {
                Verb::Own { patterns } => own(&opened, &patterns).await,
                Verb::Release { patterns } => release(&opened, &patterns).await,
                Verb::Prohibit { patterns, reason } => prohibit(&opened, &patterns, &reason).await,
                Verb::Allow { patterns } => allow(&opened, &patterns).await,
                Verb::List { all, format } => list(&opened, all, format).await,
                Verb::Check(check) => check.run(&self.place).await,
                Verb::Update(update) => update.run(&self.place).await,
            };
            opened.db.close().await;
            exit
        })
    }
}

async fn own(opened: &Opened, patterns: &[NamePattern]) -> anyhow::Result<Exit> {
    for pattern in patterns {
        print(
            &match names::own(&opened.db, pattern, &who(), now()).await? {
                Changed::Now => format!("{pattern} is owned from now on: never looked up outside."),
                Changed::Already => format!("{pattern} was owned before; nothing has changed."),
            },
        )?;
    }
    Ok(Exit::Clean)
}

async fn release(opened: &Opened, patterns: &[NamePattern]) -> anyhow::Result<Exit> {
    for pattern in patterns {
        if opened.config.owned.contains(pattern) {
            return Err(configured(&opened.config, pattern));
        }
        match names::release(&opened.db, pattern, &who(), now()).await? {
            Released::Released => {
                let others = still_owning(opened, pattern).await?;
                print(&match others.is_empty() {
                    true => format!("{pattern} is released: it may be looked up outside."),
                    false => format!(
                        "{pattern} itself is released, and still owned through {}.",
                        others.join(", ")
                    ),
                })?;
            }
            Released::NotOwned => {
                return Err(failure(
                    format!("{pattern} is not owned under this spelling"),
                    "see `portcullis names list`: a name under an owned prefix is released with \
                     the prefix",
                ));
            }
            Released::Configured => return Err(configured(&opened.config, pattern)),
        }
    }
    Ok(Exit::Clean)
}

fn configured(config: &Config, pattern: &NamePattern) -> anyhow::Error {
    let shown = config.shown.iter().find(|shown| shown.key == "names.owned");
    let place = shown.map_or_else(
        || "the configuration that the server uses".to_owned(),
        |shown| shown.origin.to_string(),
    );
    failure(
        format!("{pattern} is owned by the configuration"),
        format!("take it out of [names] owned in {place}, and start the server again"),
    )
}

/// The other patterns under which a name is owned all the same.
async fn still_owning(opened: &Opened, pattern: &NamePattern) -> anyhow::Result<Vec<String>> {
    let NamePattern::Exact(name) = pattern else {
        return Ok(Vec::new());
    };
    let written = names::owned(&opened.db).await?;
    let written = written.into_iter().map(|owned| owned.pattern);
    let all = written.chain(opened.config.owned.iter().cloned());
    let mut owning: Vec<NamePattern> = all.filter(|owned| owned.matches(name)).collect();
    owning.sort();
    owning.dedup();
    Ok(owning.iter().map(ToString::to_string).collect())
}

async fn prohibit(opened: &Opened, patterns: &[NamePattern], reason: &str) -> anyhow::Result<Exit> {
    if reason.trim().is_empty() {
        return Err(failure(
            "a prohibition needs a reason",
            "say with --reason what those who are refused should know",
        ));
    }
    for pattern in patterns {
        let changed = names::prohibit(&opened.db, pattern, reason.trim(), &who(), now()).await?;
        print(&match changed {
            Changed::Now => format!("{pattern} is prohibited from now on."),
            Changed::Already => {
                format!("{pattern} was prohibited before and keeps its reason.")
            }
        })?;
    }
    Ok(Exit::Clean)
}

async fn allow(opened: &Opened, patterns: &[NamePattern]) -> anyhow::Result<Exit> {
    for pattern in patterns {
        match names::allow(&opened.db, pattern, &who(), now()).await? {
            Changed::Now => print(&format!("{pattern} is no longer prohibited."))?,
            Changed::Already => {
                return Err(failure(
                    format!("{pattern} is not prohibited under this spelling"),
                    "see `portcullis names list`",
                ));
            }
        }
    }
    Ok(Exit::Clean)
}

async fn list(opened: &Opened, all: bool, format: Format) -> anyhow::Result<Exit> {
    let owned = match all {
        true => names::owned_ever(&opened.db).await?,
        false => names::owned(&opened.db).await?,
    };
    let is_written = |pattern: &&NamePattern| {
        let same =
            |owned: &OwnedName| owned.origin == OwnedBy::Config && owned.pattern == **pattern;
        owned.iter().any(same)
    };
    let mut configured: Vec<&NamePattern> = opened.config.owned.iter().collect();
    configured.retain(|pattern| !is_written(pattern));
    let prohibited = names::prohibited(&opened.db).await?;
    match format {
        Format::Json => {
            let unwritten = configured.into_iter().map(|pattern| {
                json!({
                    "pattern": pattern, "origin": "config", "since": null, "by": "configuration",
                    "released-at": null, "released-by": null,
                })
            });
            let owned: Vec<Value> = owned.iter().map(owned_json).chain(unwritten).collect();
            let prohibited: Vec<Value> = prohibited.iter().map(prohibited_json).collect();
            print_json(&json!({ "owned": owned, "prohibited": prohibited }))?;
        }
        Format::Text => print(&list_text(&owned, &configured, &prohibited))?,
    }
    Ok(Exit::Clean)
}

fn list_text(
    owned: &[OwnedName],
    configured: &[&NamePattern],
    prohibited: &[ProhibitedName],
) -> String {
    let mut text = String::new();
    if owned.is_empty() && configured.is_empty() {
        text.push_str("No names are owned.\n");
    } else {
        text.push_str("Owned, and never looked up outside:\n\n");
        let unwritten = configured.iter().map(|pattern| {
            let since = "next start of the server".to_owned();
            [
                pattern.to_string(),
                "config".to_owned(),
                since,
                "configuration".to_owned(),
            ]
        });
        let rows = owned.iter().map(|owned| {
            let since = owned.since.to_minute();
            let since = match &owned.released_at {
                Some(released) => format!("{since}, released {}", released.to_minute()),
                None => since,
            };
            [
                owned.pattern.to_string(),
                owned.origin.to_string(),
                since,
                owned.who.clone(),
            ]
        });
        let head = ["name", "through", "since", "by"];
        text.push_str(&table(head, rows.chain(unwritten)));
    }
    if !prohibited.is_empty() {
        text.push_str("\nProhibited:\n\n");
        let rows = prohibited.iter().map(|prohibited| {
            let (pattern, reason) = (prohibited.pattern.to_string(), prohibited.reason.clone());
            [
                pattern,
                reason,
                prohibited.since.to_minute(),
                prohibited.who.clone(),
            ]
        });
        text.push_str(&table(["name", "reason", "since", "by"], rows));
    }
    text
}

fn owned_json(owned: &OwnedName) -> Value {
    json!({
        "pattern": owned.pattern,
        "origin": owned.origin,
        "since": owned.since,
        "by": owned.who,
        "released-at": owned.released_at,
        "released-by": owned.released_by,
    })
}

fn prohibited_json(prohibited: &ProhibitedName) -> Value {
    json!({
        "pattern": prohibited.pattern,
        "reason": prohibited.reason,
        "since": prohibited.since,
        "by": prohibited.who,
    })
}
