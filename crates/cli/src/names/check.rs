//! `portcullis names check`: what a name resembles, and what the policy says of it before any project is
//! looked up. Nothing outside is asked.

use std::io::BufRead as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use portcullis_core::fact::{Facts, ProjectFacts};
use portcullis_core::index::IndexName;
use portcullis_core::policy::rule::Rule;
use portcullis_core::policy::rules::{prohibited_name, similar_name, stdlib_name};
use portcullis_core::policy::{Effect, Finding, Policy, Standing, judge};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::TargetKind;
use portcullis_core::time::Timestamp;
use portcullis_server::Config;
use portcullis_server::knowledge::Knowledge;
use portcullis_server::names::Names;
use portcullis_server::policies::Policies;
use portcullis_store::Db;
use portcullis_store::blobs::Blobs;
use serde::Serialize;

use crate::context::{Place, database_file, now};
use crate::exit::{Exit, failure};
use crate::output::{Format, print, print_json, table};

/// The rules that look at a name alone. Whether an owned name is published here is another question.
const RULES: [&dyn Rule; 3] = [
    &prohibited_name::ProhibitedName,
    &stdlib_name::StdlibName,
    &similar_name::SimilarName,
];

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Project names in any spelling; `-` reads them from the standard input, one a line
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// The index whose policy judges [default: the default index]
    #[arg(long, value_name = "INDEX")]
    index: Option<IndexName>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What names are judged with.
struct Court {
    knowledge: Knowledge,
    names: Names,
    index: IndexName,
    policy: Arc<Policy>,
    now: Timestamp,
}

/// What is said of one name.
#[derive(Debug, Serialize)]
struct Answer {
    name: ProjectName,
    verdict: Effect,
    score: f64,
    target: Option<ProjectName>,
    kind: Option<&'static str>,
    rank: Option<u32>,
    signals: Vec<String>,
    rule: Option<String>,
}

impl Check {
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<Exit> {
        let names = self.read_names()?;
        let court = Court::open(&place.configuration()?, self.index).await?;
        let answers: Vec<Answer> = names.into_iter().map(|name| court.judge(name)).collect();
        match self.format {
            Format::Json => print_json(&answers)?,
            Format::Text => print(&text(&answers))?,
        }
        let objected = answers
            .iter()
            .filter(|answer| answer.verdict > Effect::Allow);
        Ok(Exit::for_findings(objected.count()))
    }

    fn read_names(&self) -> anyhow::Result<Vec<ProjectName>> {
        let mut names = Vec::with_capacity(self.names.len());
        for spelling in &self.names {
            if spelling != "-" {
                names.push(parsed(spelling)?);
                continue;
            }
            for line in std::io::stdin().lock().lines() {
                let line = line.context("cannot read the names from the standard input")?;
                if !line.trim().is_empty() {
                    names.push(parsed(line.trim())?);
                }
            }
        }
        Ok(names)
    }
}

fn parsed(spelling: &str) -> anyhow::Result<ProjectName> {
    ProjectName::new(spelling).map_err(|error| {
        failure(
            error.to_string(),
            "give names of projects, without versions or other requirements",
        )
    })
}

impl Court {
    /// What the gateway of this configuration knows; without one, what the configuration says.
    async fn open(config: &Config, index: Option<IndexName>) -> anyhow::Result<Self> {
        let policies = Policies::load(config)?;
        let index = index.unwrap_or_else(|| config.default_index.clone());
        let policy = policies.of(&index).ok_or_else(|| {
            let known: Vec<&str> = policies.all().map(|(name, _)| name.as_str()).collect();
            failure(
                format!("there is no index {index}"),
                format!("use one of: {}", known.join(", ")),
            )
        })?;
        let knowledge = Knowledge::default();
        let names = match database_file(config).is_none_or(|path| path.exists()) {
            true => known_to_the_gateway(config, &knowledge).await?,
            false => Names::configured(&config.owned),
        };
        knowledge.protect(&names.owned);
        Ok(Self {
            knowledge,
            names,
            index,
            policy,
            now: now(),
        })
    }

    fn judge(&self, name: ProjectName) -> Answer {
        let mut facts = ProjectFacts {
            ownership: self.names.owned.ownership(&name),
            prohibition: self.names.prohibition(&name),
            ..ProjectFacts::named(self.index.clone(), name)
        };
        self.knowledge.of_project(&mut facts);
        let subject = Facts {
            project: &facts,
            release: None,
            file: None,
            content: None,
        };
        let decision = judge(subject, &self.policy, self.now);
        let about_names = |finding: &&Finding| RULES.iter().any(|rule| *finding.rule == *rule.id());
        let strictest = decision
            .findings()
            .iter()
            .filter(about_names)
            .max_by_key(|finding| verdict(finding));
        let resemblance = facts.resemblance.known().and_then(Option::as_ref);
        let signals = resemblance.iter().flat_map(|found| &found.signals);
        Answer {
            verdict: strictest.map_or(Effect::Allow, verdict),
            score: resemblance.map_or(0.0, |found| hundredths(found.score)),
            target: resemblance.map(|found| found.target.clone()),
            kind: resemblance.map(|found| word(found.kind)),
            rank: resemblance.and_then(|found| rank(found.kind)),
            signals: signals.map(ToString::to_string).collect(),
            rule: strictest.map(|finding| finding.rule.to_string()),
            name: facts.project,
        }
    }
}

async fn known_to_the_gateway(config: &Config, knowledge: &Knowledge) -> anyhow::Result<Names> {
    let db = Db::open(&config.database).await?;
    let names = Names::load_beside(&db, &config.owned).await?;
    let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
    portcullis_server::feeds::load(knowledge, &db, &blobs).await?;
    db.close().await;
    Ok(names)
}

/// What a rule says of a name, also where it is only observed: whoever asks wants to know.
fn verdict(finding: &Finding) -> Effect {
    match finding.standing {
        Standing::Enforced | Standing::Observed => finding.effect,
        _ => Effect::Allow,
    }
}

fn word(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Owned => "owned",
        TargetKind::Popular { .. } => "popular",
        TargetKind::Stdlib => "stdlib",
    }
}

fn rank(kind: TargetKind) -> Option<u32> {
    match kind {
        TargetKind::Popular { rank } => Some(rank),
        TargetKind::Owned | TargetKind::Stdlib => None,
    }
}

/// A score as it is, and not as the nearest number of a narrower type.
fn hundredths(score: f32) -> f64 {
    (f64::from(score) * 100.0).round() / 100.0
}

fn text(answers: &[Answer]) -> String {
    let objected: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.verdict > Effect::Allow)
        .collect();
    let clear = answers.len() - objected.len();
    let mut text = String::new();
    if !objected.is_empty() {
        let rows = objected.iter().map(|answer| {
            let target = answer.target.as_ref();
            [
                answer.name.to_string(),
                answer.verdict.to_string(),
                target.map_or_else(String::new, ToString::to_string),
                format!("{:.2}", answer.score),
                answer.signals.join(", "),
            ]
        });
        text.push_str(&table(
            ["name", "verdict", "did you mean", "score", "why"],
            rows,
        ));
    }
    match (clear, answers.len()) {
        (0, _) => {}
        (1, 1) => text.push_str("Nothing is wrong with this name.\n"),
        (clear, all) => text.push_str(&format!("Nothing is wrong with {clear} of {all} names.\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(names: &[&str]) -> Vec<Answer> {
        let owned = ["acme-*", "billing-core"].map(|pattern| pattern.parse().expect(pattern));
        let court = Court {
            knowledge: Knowledge::default(),
            names: Names::configured(&owned),
            index: "main".parse().expect("a label"),
            policy: Arc::new(Policy::built_in()),
            now: Timestamp::from_millis(1_795_000_000_000),
        };
        court.knowledge.protect(&court.names.owned);
        let parse = |name: &&str| parsed(name).expect(name);
        names
            .iter()
            .map(parse)
            .map(|name| court.judge(name))
            .collect()
    }

    #[test]
    fn each_name_has_a_verdict_and_its_reasons() {
        let answers = answers(&[
            "Reqeusts",
            "urllib",
            "acrne_billing",
            "telnet",
            "acme-x",
            "numpy",
        ]);
        insta::assert_snapshot!(text(&answers));
        let json = serde_json::to_string_pretty(&answers).expect("it is plain data");
        insta::assert_snapshot!(json);
    }

    #[test]
    fn clear_names_are_said_to_be_clear() {
        assert_eq!(
            text(&answers(&["numpy"])),
            "Nothing is wrong with this name.\n"
        );
        assert_eq!(
            text(&answers(&["numpy", "flask"])),
            "Nothing is wrong with 2 of 2 names.\n"
        );
    }

    #[test]
    fn what_is_no_name_is_an_error_with_a_remedy() {
        for spelling in ["requests==2.0", "", "ünïcode", "-x"] {
            let error = parsed(spelling).expect_err(spelling).to_string();
            assert!(error.contains("what to do"), "{error}");
        }
    }
}
