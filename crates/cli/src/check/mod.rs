//! `portcullis check`: what is unsafe about how a project names, locks, fetches and installs packages. What is
//! unsafe is told by `portcullis_core::lint`; here files are found, read, shown and mended.
//!
//! Read the modules in this order: which project it is, which files matter, what holds for it from outside, how
//! texts are read, what comes of it, the forms of the answer, and how it is mended.

mod root;
mod discovery;
mod machine;
mod encoding;
mod gathering;
mod asking;
mod answer;
mod text;
mod json;
mod sarif;
mod github;
mod junit;
mod fixing;
mod list;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use portcullis_core::inspection::Severity;
use portcullis_core::lint::rules::rule;
use portcullis_core::lint::settings::nearest;
use portcullis_core::lint::{Asked, Extent, Report, check_as};
use portcullis_upstream::discover::Machine;
use url::Url;

use crate::exit::{Exit, failure};
use crate::gateway::Wish;
use crate::output::{Look, count, print, remark, visible, width};
use answer::{Answer, Base, answer};
use discovery::{Part, discover};
use encoding::Encoding;
use fixing::{Change, Plan};
use gathering::{Gathered, Source, gather};
use root::Root;

/// Find what is unsafe about how a project gets its packages, and mend it
///
/// Reads what the project says to pip, uv, poetry, pdm, pipenv, conda and others: requirements,
/// pyproject.toml, locks, configuration, Dockerfiles, scripts, pipelines, notebooks. Nothing is run,
/// and nobody is asked but a gateway that is named, or with --online an index, what it makes of what is
/// pinned. What git ignores, virtual environments and node_modules are left out.
///
/// Settings are in [tool.portcullis.check] of pyproject.toml, or in portcullis-check.toml: index,
/// owned, exclude, ignore, rules, fail-on. A comment `# portcullis: ignore[RULE] reason` on a line or
/// on the line before it quiets a finding.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or error,
3 nothing that bad found, but something could not be checked

Examples:
  portcullis check
  portcullis check --fix --fail-on high
  portcullis check services/web --format sarif > check.sarif"
)]
pub struct Check {
    /// Folders and files to be checked [default: the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: CheckFormat,
    /// The mildest finding that makes the check fail: info, low, medium, high or critical [default:
    /// fail-on of the settings, else medium]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Look only for this; may be given several times
    #[arg(long = "rule", value_name = "RULE", value_parser = known_rule)]
    rules: Vec<String>,
    /// List the rules
    #[arg(long)]
    list: bool,
    /// Mend what has one right answer, and show the differences; pins and hashes only as a gateway, or
    /// with --online an index, tells them
    #[arg(long)]
    fix: bool,
    /// Show what --fix would do, and change nothing
    #[arg(long, conflicts_with = "fix")]
    diff: bool,
    /// What is told of the configuration of this user and machine and of the variables of the
    /// environment
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    machine: OfMachine,
    /// The address of the organisation's gateway, whose indexes may be used
    #[arg(long, value_name = "URL", env = "PORTCULLIS_URL", hide_env_values = true, value_parser = gateway)]
    gateway: Option<Url>,
    /// Where there is no gateway, ask the index that pip and uv use about what is pinned
    #[arg(long, conflicts_with = "offline")]
    online: bool,
    /// Ask nobody about what is pinned, not even the gateway
    #[arg(long)]
    offline: bool,
}

/// The form of what a check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document
    Json,
    /// For code review and dashboards: one SARIF 2.1.0 document
    Sarif,
    /// For GitHub: annotations as workflow commands
    Github,
    /// For everything that shows tests: JUnit XML
    Junit,
}

/// What is told of what lies outside of the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OfMachine {
    /// What is of high severity or worse, when a folder is checked
    #[default]
    Serious,
    /// Everything
    All,
    /// Nothing
    None,
}

impl Check {
    /// Checks.
    pub fn run(self) -> anyhow::Result<Exit> {
        let start = Instant::now();
        let paths = self.paths()?;
        let root = Root::of(&paths)?;
        if self.list {
            list::list(&root.settings, self.format)?;
            return Ok(Exit::Clean);
        }
        let current = std::env::current_dir().context("there is no current folder")?;
        let current = current.canonicalize().unwrap_or(current);
        let base = match self.format {
            CheckFormat::Sarif | CheckFormat::Github => Base::repository(&root, &current),
            CheckFormat::Text | CheckFormat::Json | CheckFormat::Junit => {
                Base::current(&root, &current)
            }
        };
        let mut gathered = self.gather(&paths, &root);
        let asked = self.asked(&paths, &root);
        if self.fix || self.diff {
            self.mend((&paths, &root), &mut gathered, &asked, &base)?;
        }
        asking::ask(&mut gathered, self.wish());
        let mut report = check_as(&gathered.project, &root.settings, &asked);
        self.keep_what_is_told(&mut report, &gathered, &root);
        let fail_on = self.fail_on.or(root.settings.fail_on);
        let fail_on = fail_on.unwrap_or(Severity::Medium);
        let mut answer = answer(&report, (&gathered, &root), &base, fail_on);
        answer.elapsed = start.elapsed();
        self.show(&answer)?;
        Ok(exit(&answer))
    }

    /// What is checked, free of links and `..`.
    fn paths(&self) -> anyhow::Result<Vec<PathBuf>> {
        let here = [PathBuf::from(".")];
        let paths = match self.paths.is_empty() {
            true => &here[..],
            false => &self.paths[..],
        };
        let real = paths.iter().map(|path| {
            path.canonicalize().map_err(|error| {
                let path = path.display();
                failure(
                    format!("cannot check {path}: {error}"),
                    "give a folder or a file",
                )
            })
        });
        real.collect()
    }

    /// The project, with what the organisation has said of its indexes and names.
    fn gather(&self, paths: &[PathBuf], root: &Root) -> Gathered {
        let mut discovered = discover(paths, root);
        let machine = Machine::this();
        let has_machine = match self.machine {
            OfMachine::Serious => paths.iter().any(|path| path.is_dir()),
            OfMachine::All => true,
            OfMachine::None => false,
        };
        if has_machine {
            let known = |path: &PathBuf| discovered.found.iter().any(|one| one.file == *path);
            let files = machine::files(&machine);
            let files: Vec<_> = files.into_iter().filter(|one| !known(&one.file)).collect();
            discovered.found.extend(files);
        }
        let mut gathered = gather(discovered, root);
        if let Some((found, file)) =
            machine::variables(&machine.environment).filter(|_| has_machine)
        {
            let encoding = Encoding::Other;
            gathered.insert(file, Source { found, encoding });
            gathered.sort();
        }
        let organisation = &mut gathered.project.organisation;
        organisation.indexes.clone_from(&root.settings.indexes);
        organisation
            .indexes
            .extend(self.gateway.iter().map(Url::to_string));
        organisation.owned.clone_from(&root.settings.owned);
        gathered
    }

    /// Who is asked about what is pinned.
    fn wish(&self) -> Wish<'_> {
        let named = self.gateway.as_ref();
        match (self.offline, self.online) {
            (true, _) => Wish::Offline,
            (false, true) => Wish::Online(named),
            (false, false) => Wish::Gateway(named),
        }
    }

    fn asked(&self, paths: &[PathBuf], root: &Root) -> Asked {
        Asked {
            rules: self.rules.clone(),
            extent: match paths.contains(&root.folder) {
                true => Extent::Whole,
                false => Extent::Part,
            },
        }
    }

    /// Leaves out what was read beside what was asked for, and of the machine what nobody wants to hear.
    fn keep_what_is_told(&self, report: &mut Report, gathered: &Gathered, root: &Root) {
        let is_told = |path: &str, severity: Severity| match gathered.sources.get(path) {
            Some(source) => match source.found.part {
                Part::Asked => true,
                Part::Beside => false,
                Part::Machine => self.machine == OfMachine::All || severity >= Severity::High,
            },
            None => path == root.settings.file,
        };
        report
            .findings
            .retain(|one| is_told(&one.path, one.severity));
        let ignored = &mut report.ignored;
        ignored.retain(|one| is_told(&one.finding.path, one.finding.severity));
    }

    /// Shows what fixes change, and with `--fix` changes it and reads everything again.
    fn mend(
        &self,
        (paths, root): (&[PathBuf], &Root),
        gathered: &mut Gathered,
        asked: &Asked,
        base: &Base,
    ) -> anyhow::Result<()> {
        let mut unanswered = None;
        let plan = fixing::plan(gathered, root, asked, |gathered| {
            let is_needed = unanswered.is_none() && fixing::needs_an_index(root, asked);
            let answered = match is_needed {
                true => asking::ask_for_releases(gathered, self.wish()),
                false => Ok(()),
            };
            if let Err(error) = answered {
                // Half of an answer would look as if the index had nothing to say.
                gathered.project.candidates = None;
                unanswered = Some(error);
            }
        });
        let look = Look::of_terminal();
        let differences = plan.changes.iter();
        let differences: String = differences
            .map(|change| change.difference(&base.shown(&change.path), look))
            .collect();
        match self.format {
            _ if differences.is_empty() => {}
            CheckFormat::Text => print(&format!("{differences}\n"))?,
            _ => remark(&differences),
        }
        if self.fix {
            write(&plan.changes);
        }
        match unanswered {
            Some(error) => remark(&format!("Pins and hashes are not written: {error:#}")),
            None => self.tell_what_is_left(&plan, base),
        }
        // What is on the disk counts: after a change what is left, before it everything.
        let candidates = gathered.project.candidates.take();
        *gathered = self.gather(paths, root);
        gathered.project.candidates = candidates;
        Ok(())
    }

    fn tell_what_is_left(&self, plan: &Plan, base: &Base) {
        for (path, why) in &plan.unmended {
            remark(&visible(&format!("{}: {why}", base.shown(path))));
        }
        if plan.lacks_an_index && !self.offline {
            remark(
                "Pins and hashes are written where an index says which: name a gateway with\n\
                 --gateway, or say --online.",
            );
        }
    }

    fn show(&self, answer: &Answer<'_>) -> anyhow::Result<()> {
        match self.format {
            CheckFormat::Text => {
                let width = usize::from(width());
                print(&text::all(answer, Look::of_terminal(), width))
            }
            CheckFormat::Json => print(&json::document(answer)),
            CheckFormat::Sarif => print(&sarif::document(answer)),
            CheckFormat::Github => match github::commands(answer) {
                commands if commands.is_empty() => Ok(()),
                commands => print(&commands),
            },
            CheckFormat::Junit => print(&junit::document(answer)?),
        }
    }
}

/// Writes what can be written, and says what was done and what was not.
fn write(changes: &[Change]) {
    let mut findings = 0;
    let mut files = 0_usize;
    for change in changes {
        match change.write() {
            Ok(()) => {
                findings += change.findings;
                files += 1;
            }
            Err(error) => remark(&format!("portcullis: {error:#}")),
        }
    }
    if files > 0 {
        let findings = count(findings as u64, "finding");
        remark(&format!(
            "Mended {findings} in {}.",
            count(files as u64, "file")
        ));
    }
}

/// Findings outweigh ignorance: that something was found stays true, whatever else could not be read.
fn exit(answer: &Answer<'_>) -> Exit {
    let mut findings = answer.findings.iter();
    if findings.any(|one| answer.counts(one.finding)) {
        return Exit::Findings;
    }
    match answer.unchecked.is_empty() {
        true => Exit::Clean,
        false => Exit::Undecided,
    }
}

fn known_rule(id: &str) -> Result<String, String> {
    match (rule(id), nearest(id)) {
        (Some(rule), _) => Ok(rule.id().to_owned()),
        (None, Some(near)) => Err(format!("there is no such rule; did you mean {near}?")),
        (None, None) => Err("there is no such rule; --list lists them".to_owned()),
    }
}

fn gateway(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match matches!(url.scheme(), "http" | "https") && url.has_host() {
        true => Ok(url),
        false => Err("a gateway has an http or https address".to_owned()),
    }
}
