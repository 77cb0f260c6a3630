//! `portcullis quarantine`: takes releases from everybody at once, tells who received them, and gives
//! them back.

use clap::{Args, Subcommand};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::flow::quarantine::{
    self, Begun, Named, Order, Recipient, Standing, Tell, Told,
};
use portcullis_store::quarantines::{self, Recorded};
use serde_json::{Value, json};

use crate::context::{Absence, Opened, Place, data_flag, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, paragraph, print, print_json, table};

/// Take releases from everybody at once
///
/// Acts within a second on every index and every replica: on what is published here, cached or still
/// with an upstream, and on transfers that are under way. Whoever asks for it reads the reason. A
/// project that is called list or release is named as 'list>=0'.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Example:\n  portcullis quarantine litellm==1.82.7 --reason 'takes credentials' \
                  --tell"
)]
pub struct Quarantine {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The releases, such as 'litellm>=1.82.7,<=1.82.8'
    #[arg(value_name = "REQUIREMENT", required = true)]
    requirement: Option<Requirement>,
    /// Why, for those who are refused
    #[arg(long, value_name = "TEXT", required = true)]
    reason: Option<String>,
    /// Only the files with this content
    #[arg(long, value_name = "HEX")]
    sha256: Option<Sha256>,
    /// Tell everyone who received it, as an event, and list them
    #[arg(long)]
    tell: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what is in quarantine
    #[command(after_help = "Example:\n  portcullis quarantine list --format json")]
    List {
        /// What was released, too
        #[arg(long)]
        all: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// End a quarantine: everything is as the other rules have it
    #[command(after_help = "Example:\n  portcullis quarantine release 3 --reason 'a false alarm'")]
    Release {
        /// The number as `portcullis quarantine list` shows it, or the requirement
        #[arg(value_name = "WHICH")]
        which: Named,
        /// Why, for the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

impl Quarantine {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let opened = self.place.database(Absence::Refused).await?;
            let exit = match self.verb {
                Some(Verb::List { all, format }) => list(&opened, all, format).await,
                Some(Verb::Release { which, reason }) => release(&opened, &which, &reason).await,
                None => self.begin(&opened).await,
            };
            opened.db.close().await;
            exit
        })
    }

    async fn begin(self, opened: &Opened) -> anyhow::Result<Exit> {
        let (Some(requirement), Some(reason)) = (self.requirement, self.reason) else {
            return Err(failure(
                "nothing is named",
                "give a requirement and --reason",
            ));
        };
        let order = Order {
            requirement,
            sha256: self.sha256,
            reason,
            who: who(),
            tell: match self.tell {
                true => Tell::Recipients,
                false => Tell::Nobody,
            },
        };
        let begun = quarantine::begin(&opened.db, &order, now()).await?;
        match self.format {
            Format::Json => print_json(&json!({
                "quarantine": quarantine::to_json(&begun.quarantine),
                "new": begun.standing == Standing::New,
                "told": begun.told.as_ref().map(|told| &told.detail),
            }))?,
            Format::Text => print(&begun_text(&begun, &data_flag(&opened.config)))?,
        }
        Ok(Exit::Clean)
    }
}

fn begun_text(begun: &Begun, data: &str) -> String {
    let (quarantine, id) = (begun.quarantine.quarantine(), begun.quarantine.id);
    let mut text = match begun.standing {
        Standing::New => format!(
            "{quarantine} is in quarantine from now on: nobody receives it any more, on any index.\n"
        ),
        Standing::Before => format!(
            "{quarantine} was in quarantine before and keeps its reason: {}\n",
            quarantine.reason
        ),
    };
    if let Some(told) = &begun.told {
        text.push_str(&told_text(told));
    }
    text.push_str(&format!(
        "Undo:  portcullis quarantine release {id} --reason WHY{data}\n"
    ));
    text
}

fn told_text(told: &Told) -> String {
    let mut text = format!("\n{}\n", paragraph(2, &told.message));
    if told.recipients.is_empty() {
        return text;
    }
    let told_of = count(told.recipients.len() as u64, "identity");
    text.push_str(&format!("Received by {told_of}, and told as an event:\n\n"));
    let rows = told.recipients.iter().map(recipient_cells);
    let head = ["who", "from", "first (UTC)", "times", "files"];
    text.push_str(&table(head, rows));
    text.push('\n');
    text
}

fn recipient_cells(recipient: &Recipient) -> [String; 5] {
    let first = recipient.first.to_minute();
    [
        recipient.who.to_string(),
        recipient.addresses.join(", "),
        first.trim_end_matches(" UTC").to_owned(),
        recipient.times.to_string(),
        recipient.files.join(", "),
    ]
}

async fn list(opened: &Opened, all: bool, format: Format) -> anyhow::Result<Exit> {
    let listed = match all {
        true => quarantines::ever(&opened.db).await?,
        false => quarantines::in_force(&opened.db).await?,
    };
    match format {
        Format::Json => {
            let quarantines: Vec<Value> = listed.iter().map(quarantine::to_json).collect();
            print_json(&json!({ "quarantines": quarantines }))?;
        }
        Format::Text if listed.is_empty() => print("Nothing is in quarantine.")?,
        Format::Text => {
            let head = ["number", "what", "since", "by", "reason"];
            print(&table(head, listed.iter().map(cells)))?;
        }
    }
    Ok(Exit::Clean)
}

fn cells(recorded: &Recorded) -> [String; 5] {
    let since = recorded.at.to_minute();
    let since = match &recorded.released_at {
        Some(released) => format!("{since}, released {}", released.to_minute()),
        None => since,
    };
    [
        recorded.id.to_string(),
        recorded.quarantine().to_string(),
        since,
        recorded.who.clone(),
        recorded.reason.clone(),
    ]
}

async fn release(opened: &Opened, which: &Named, reason: &str) -> anyhow::Result<Exit> {
    let by = who();
    let released = quarantine::release(&opened.db, which, [&by, reason], now()).await?;
    if released.is_empty() {
        return Err(failure(
            "nothing in quarantine has this number or requirement",
            "see `portcullis quarantine list`",
        ));
    }
    for recorded in released {
        let quarantine = recorded.quarantine();
        print(&format!(
            "{quarantine} is released: everything is as the other rules have it."
        ))?;
    }
    Ok(Exit::Clean)
}
