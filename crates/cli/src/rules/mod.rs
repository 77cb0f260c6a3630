//! `portcullis rules`: the rules and the policy's own conditions, with what the policy in force makes of
//! them, and their manuals.

use std::path::Path;

use clap::Args;
use portcullis_core::policy::examples::judged;
use portcullis_core::policy::rule::Rule;
use portcullis_core::policy::rules::RULES;
use portcullis_core::policy::{ConfiguredRule, Mode, Policy};
use portcullis_server::policies::Policies;
use serde_json::{Value, json};

use crate::context::Place;
use crate::exit::{Exit, failure};
use crate::output::{Format, paragraph, print, print_json, table};

mod check;
mod conditions;
mod inspection;

/// List the rules and what the policy in force makes of them, or show the manual of one
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis rules too-young")]
pub struct Rules {
    #[command(flatten)]
    place: Place,
    /// The rule whose manual is shown
    #[arg(value_name = "RULE")]
    rule: Option<String>,
    /// The index whose policy is meant [default: the default index]
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Rules {
    /// Lists.
    pub fn run(self) -> anyhow::Result<Exit> {
        if let Some(manual) = self.rule.as_deref().and_then(inspection::named) {
            inspection::show(&manual, self.format)?;
            return Ok(Exit::Clean);
        }
        if let Some(rule) = self.rule.as_deref().and_then(check::named) {
            check::show(rule, self.format)?;
            return Ok(Exit::Clean);
        }
        let config = self.place.configuration()?;
        let policies = Policies::load(&config)?;
        let index = match &self.index {
            None => config.default_index.clone(),
            Some(name) => name.parse()?,
        };
        let policy = policies.of(&index).ok_or_else(|| {
            let known: Vec<&str> = config.indexes.keys().map(|name| name.as_str()).collect();
            failure(
                format!("there is no index {:?}", index.as_str()),
                format!("use one of: {}", known.join(", ")),
            )
        })?;
        match &self.rule {
            None => list(&policy, self.format)?,
            Some(id) => {
                if let Some(condition) = conditions::named(&policy, id) {
                    conditions::show(condition, self.format)?;
                    return Ok(Exit::Clean);
                }
                let rule = RULES.iter().find(|rule| rule.id() == id).ok_or_else(|| {
                    let own = policy.conditions().iter().map(|condition| &*condition.id);
                    let known: Vec<&str> = RULES.iter().map(|rule| rule.id()).chain(own).collect();
                    failure(
                        format!("there is no rule {id:?}"),
                        format!("the rules are {}", known.join(", ")),
                    )
                })?;
                match self.format {
                    Format::Json => print_json(&as_json(*rule, &policy))?,
                    Format::Text => {
                        let written = config.indexes[&index].policy.as_deref();
                        print(&manual(*rule, &policy, &written_options(written, *rule)))?;
                    }
                }
            }
        }
        Ok(Exit::Clean)
    }
}

fn configured<'p>(rule: &dyn Rule, policy: &'p Policy) -> Option<&'p ConfiguredRule> {
    let is_it = |configured: &&ConfiguredRule| configured.id == rule.id();
    policy.rules().iter().find(is_it)
}

fn list(policy: &Policy, format: Format) -> anyhow::Result<()> {
    if format == Format::Json {
        let rules: Vec<Value> = RULES.iter().map(|rule| as_json(*rule, policy)).collect();
        let conditions = policy.conditions().iter().map(conditions::as_json);
        let conditions: Vec<Value> = conditions.collect();
        return print_json(
            &json!({ "policy": policy.file(), "rules": rules, "conditions": conditions }),
        );
    }
    print(&format!("Rules under {}:\n\n", policy.file()))?;
    let rows = RULES.iter().map(|rule| {
        let (mode, effect, unknown) = match configured(*rule, policy) {
            Some(rule) => (
                rule.mode.to_string(),
                rule.effect.to_string(),
                rule.on_unknown.to_string(),
            ),
            None => (Mode::Off.to_string(), "·".to_owned(), "·".to_owned()),
        };
        [
            rule.id().to_owned(),
            mode,
            effect,
            unknown,
            rule.summary().to_owned(),
        ]
    });
    print(&table(
        ["rule", "mode", "effect", "on-unknown", "what it does"],
        rows.chain(policy.conditions().iter().map(conditions::row)),
    ))?;
    print(
        "\nThe manual of one:          portcullis rules RULE\n\
         Those of portcullis check:  portcullis check --list",
    )
}

/// What a policy file says of a rule's own settings. The policy itself keeps only what they mean.
fn written_options(file: Option<&Path>, rule: &dyn Rule) -> toml::Table {
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    let policy: Option<toml::Table> = text.and_then(|text| text.parse().ok());
    let table = policy
        .as_ref()
        .and_then(|policy| policy.get("rules")?.get(rule.id())?.as_table());
    table.cloned().unwrap_or_default()
}

/// The manual of a rule, for people.
fn manual(rule: &dyn Rule, policy: &Policy, written: &toml::Table) -> String {
    let mut text = format!("{}\n", rule.id());
    text.push_str(&paragraph(2, rule.summary()));
    text.push('\n');
    for part in rule.manual().split("\n\n") {
        text.push_str(&paragraph(2, part));
        text.push('\n');
    }
    let defaults = rule.defaults();
    let now = configured(rule, policy);
    let or_off = |value: Option<String>| value.unwrap_or_else(|| "·".to_owned());
    let mode = now.map_or(Mode::Off, |now| now.mode).to_string();
    let mut rows = vec![
        [
            "mode".to_owned(),
            defaults.mode.to_string(),
            mode,
            "off, observe or enforce".to_owned(),
        ],
        [
            "effect".to_owned(),
            defaults.effect.to_string(),
            or_off(now.map(|now| now.effect.to_string())),
            "what a finding does: allow, warn, hold or deny".to_owned(),
        ],
        [
            "on-unknown".to_owned(),
            defaults.on_unknown.to_string(),
            or_off(now.map(|now| now.on_unknown.to_string())),
            "what it does when a fact it needs is unknown".to_owned(),
        ],
    ];
    rows.extend(rule.options().iter().map(|option| {
        let (key, default) = (option.key.to_owned(), option.default.to_owned());
        let in_force = match (now, written.get(option.key)) {
            (None, _) => "·".to_owned(),
            (Some(_), Some(value)) => value.to_string(),
            (Some(_), None) => default.clone(),
        };
        [key, default, in_force, option.meaning.to_owned()]
    }));
    text.push_str(&table(["key", "default", "in force", "meaning"], rows));
    let line = now.map_or_else(|| policy.file().to_owned(), |now| now.line.to_string());
    text.push_str(&format!("\nIn force by {line}."));
    match rule.is_law() {
        true => text.push_str(" It states a promise and is always enforced.\n"),
        false => text.push_str(&format!(
            " To change it, write in policy.toml:\n\n  [rules.{}]\n  mode = \"observe\"\n",
            rule.id()
        )),
    }
    text.push_str(&example(rule));
    text
}

/// The rule's example: a policy, facts, and what is answered.
fn example(rule: &dyn Rule) -> String {
    let Ok(judged) = judged(rule) else {
        return String::new();
    };
    let mut text = "\nExample:\n\n".to_owned();
    for part in [&judged.policy, &judged.expectation] {
        for line in part.lines() {
            text.push_str(&format!("  {line}\n"));
        }
        text.push('\n');
    }
    text.push_str("What is answered, in one line and in whole:\n\n");
    text.push_str(&paragraph(2, &judged.sentence()));
    text.push('\n');
    text.push_str(&paragraph(2, &judged.message()));
    text
}

fn as_json(rule: &dyn Rule, policy: &Policy) -> Value {
    let defaults = rule.defaults();
    let now = configured(rule, policy);
    let options: Vec<Value> = rule
        .options()
        .iter()
        .map(|option| {
            json!({ "key": option.key, "default": option.default, "meaning": option.meaning })
        })
        .collect();
    let example = judged(rule).ok().map(|judged| {
        json!({
            "policy": judged.policy,
            "expectation": judged.expectation,
            "sentence": judged.sentence(),
            "message": judged.message(),
        })
    });
    json!({
        "example": example,
        "rule": rule.id(),
        "summary": rule.summary(),
        "manual": rule.manual(),
        "is-law": rule.is_law(),
        "mode": now.map_or(Mode::Off, |now| now.mode),
        "effect": now.map(|now| now.effect),
        "on-unknown": now.map(|now| now.on_unknown),
        "policy-line": now.map(|now| now.line.to_string()),
        "defaults": {
            "mode": defaults.mode,
            "effect": defaults.effect,
            "on-unknown": defaults.on_unknown,
        },
        "options": options,
    })
}
