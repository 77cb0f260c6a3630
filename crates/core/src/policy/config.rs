//! Reading `policy.toml`: the settings of each rule and the written exceptions, with every mistake at
//! its place. A rule that the file does not mention keeps its defaults.

use std::sync::Arc;

use super::conditions::{self, Condition};
use super::rule::{Need, Rule};
use super::rules::RULES;
use super::{ConfiguredRule, Effect, Exception, Mode, Policy, PolicyLine, RuleId};
use crate::digest::Sha256;
use crate::inspection::InspectionRule;
use crate::pypi::name::NamePattern;
use crate::pypi::version::VersionSpecifiers;
use crate::settings::{Document, Located, Mistakes, Table, read_document};

/// What [`Policy::file`] says of the defaults.
const BUILT_IN: &str = "built-in defaults";

impl Policy {
    /// The policy that is in force where none is written.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN, "").expect("an empty document has no mistakes")
    }

    /// Reads the text of a policy file; `file` is its name for messages and refusals.
    ///
    /// # Errors
    /// [`Mistakes`], all of them at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        let name: Arc<str> = file.into();
        let (rules, conditions, exceptions) = read_document(Document { file, text }, |root| {
            let mut section = root.table("rules");
            let rules = RULES.iter().filter_map(|rule| {
                let table = section.as_mut().and_then(|rules| rules.table(rule.id()));
                configure(*rule, table, &name)
            });
            let mut rules: Vec<ConfiguredRule> = rules.collect();
            if let Some(section) = section {
                section.finish();
            }
            let (conditions, more) = conditions::read(root, &name);
            rules.extend(more);
            let exceptions = root.tables("exceptions").into_iter();
            let exceptions: Vec<Exception> = exceptions
                .filter_map(|table| exception(table, &conditions, &name))
                .collect();
            except_findings(&mut rules, &exceptions);
            (rules, conditions, exceptions)
        })?;
        let digest = Sha256::of(format!("{}\n{text}", defaults_text()).as_bytes());
        let looks_inside = rules.iter().any(|rule| rule.needs(Need::Inspection));
        Ok(Self {
            digest,
            looks_inside,
            file: name,
            rules,
            conditions,
            exceptions,
        })
    }
}

/// The defaults of this release as text, so that they are part of a policy's digest.
fn defaults_text() -> String {
    let line = |rule: &&dyn Rule| {
        let defaults = rule.defaults();
        let options: Vec<String> = rule
            .options()
            .iter()
            .map(|option| format!("{}={}", option.key, option.default))
            .collect();
        format!(
            "{} {} {} {} {}\n",
            rule.id(),
            defaults.mode,
            defaults.effect,
            defaults.on_unknown,
            options.join(" ")
        )
    };
    RULES.iter().map(line).collect()
}

fn configure(
    rule: &'static dyn Rule,
    table: Option<Table<'_>>,
    file: &Arc<str>,
) -> Option<ConfiguredRule> {
    let defaults = rule.defaults();
    let Some(mut table) = table else {
        let check = unmentioned(rule);
        let line = PolicyLine {
            file: Arc::clone(file),
            line: None,
        };
        return (defaults.mode != Mode::Off).then_some(ConfiguredRule {
            id: rule.id().into(),
            summary: rule.summary().into(),
            is_law: rule.is_law(),
            is_filter: rule.is_filter(),
            mode: defaults.mode,
            effect: defaults.effect,
            on_unknown: defaults.on_unknown,
            line,
            check,
        });
    };
    let line = PolicyLine {
        file: Arc::clone(file),
        line: Some(table.line()),
    };
    let mode = table.parsed::<Mode>("mode");
    let effect = table.parsed::<Effect>("effect");
    let on_unknown = table.parsed::<Effect>("on-unknown");
    keep_the_law(rule, &table, mode.as_ref(), effect.as_ref());
    let check = rule.configure(&mut table);
    table.finish();
    // A rule that somebody writes down without a mode is meant to act.
    let mode = mode.map_or(Mode::Enforce, |mode| mode.value);
    (mode != Mode::Off).then_some(ConfiguredRule {
        id: rule.id().into(),
        summary: rule.summary().into(),
        is_law: rule.is_law(),
        is_filter: rule.is_filter(),
        mode,
        effect: effect.map_or(defaults.effect, |effect| effect.value),
        on_unknown: on_unknown.map_or(defaults.on_unknown, |effect| effect.value),
        line,
        check,
    })
}

fn unmentioned(rule: &'static dyn Rule) -> Box<dyn super::Check> {
    read_document(
        Document {
            file: BUILT_IN,
            text: "",
        },
        |table| rule.configure(table),
    )
    .expect("a rule's defaults have no mistakes")
}

fn keep_the_law(
    rule: &dyn Rule,
    table: &Table<'_>,
    mode: Option<&Located<Mode>>,
    effect: Option<&Located<Effect>>,
) {
    if !rule.is_law() {
        return;
    }
    let why = format!("{} states a promise and is always enforced", rule.id());
    if let Some(mode) = mode.filter(|mode| mode.value != Mode::Enforce) {
        table.mistake(mode, &why, Some("remove this line"));
    }
    if let Some(effect) = effect.filter(|effect| effect.value != Effect::Deny) {
        table.mistake(effect, &why, Some("remove this line"));
    }
}

/// Gives each rule the exceptions from the single findings that it rests on.
fn except_findings(rules: &mut [ConfiguredRule], exceptions: &[Exception]) {
    for exception in exceptions.iter().filter(|one| one.finding.is_some()) {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.id == exception.rule) {
            rule.check.except(exception);
        }
    }
}

fn exception(mut table: Table<'_>, conditions: &[Condition], file: &Arc<str>) -> Option<Exception> {
    let line = PolicyLine {
        file: Arc::clone(file),
        line: Some(table.line()),
    };
    let project = table.parsed::<NamePattern>("project");
    let version = table.parsed::<VersionSpecifiers>("version");
    let sha256 = table.parsed::<Sha256>("sha256");
    let rule = table.text("rule");
    let finding = table.parsed::<InspectionRule>("finding");
    let (reason, owner) = (table.text("reason"), table.text("owner"));
    let expires = table.moment("expires");
    for (key, present) in [
        ("project", has(&table, "project")),
        ("rule", rule.is_some()),
        ("reason", reason.is_some()),
        ("owner", owner.is_some()),
    ] {
        if !present {
            table.mistake_here(
                format!("this exception has no `{key}`"),
                Some("an exception names project, rule, reason and owner, and better expires"),
            );
        }
    }
    let found = rule
        .as_ref()
        .and_then(|rule| find_rule(&table, conditions, rule));
    if let (Some(finding), Some(rule)) = (&finding, &found) {
        see_that_it_rests_on(&table, rule, finding);
    }
    table.finish();
    Some(Exception {
        project: project?.value,
        version: version.map(|version| version.value),
        sha256: sha256.map(|sha256| sha256.value),
        rule: found?,
        finding: finding.map(|finding| finding.value),
        reason: reason?.value.into(),
        owner: owner?.value.into(),
        expires: expires.map(|expires| expires.value),
        line,
    })
}

fn has(table: &Table<'_>, key: &str) -> bool {
    table.keys().iter().any(|known| known == key)
}

fn see_that_it_rests_on(table: &Table<'_>, rule: &str, finding: &Located<InspectionRule>) {
    let rests = |rule: &&&dyn Rule| rule.rests_on(&finding.value);
    if RULES
        .iter()
        .any(|known| known.id() == rule && rests(&known))
    {
        return;
    }
    let message = format!("{rule} does not rest on {}", finding.value);
    let help = RULES.iter().find(rests).map(|rule| {
        let id = rule.id();
        format!("{id} does: rule = \"{id}\"")
    });
    table.mistake(finding, message, help.as_deref());
}

fn find_rule(
    table: &Table<'_>,
    conditions: &[Condition],
    named: &Located<String>,
) -> Option<RuleId> {
    let of_policy = |condition: &&Condition| *condition.id == *named.value;
    if let Some(condition) = conditions.iter().find(of_policy) {
        return Some(condition.id.to_string().into());
    }
    let Some(rule) = RULES.iter().find(|rule| rule.id() == named.value) else {
        let known = RULES.iter().map(|rule| rule.id());
        let known: Vec<&str> = known
            .chain(conditions.iter().map(|condition| &*condition.id))
            .collect();
        let help = format!("the rules are {}", known.join(", "));
        table.mistake(
            named,
            format!("there is no rule {:?}", named.value),
            Some(&help),
        );
        return None;
    };
    if rule.is_law() {
        let message = format!("{} states a promise: it has no exceptions", rule.id());
        table.mistake(named, message, None);
        return None;
    }
    Some(rule.id().into())
}
