//! What rules about commands have in common: an installer that is run together with where it runs, which program
//! a command is, and findings of one kind taken together.

use crate::lint::contents::{Command, Invocation, Origin, Place, PlaceRole, Tool, Verb, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding};
use crate::pypi::version::exact_version;

/// An installer that a file runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Invoked<'p> {
    pub(super) file: &'p ProjectFile,
    pub(super) id: usize,
    pub(super) invocation: &'p Invocation,
    pub(super) command: &'p Command,
}

/// Every installer that the files of `project` run.
pub(super) fn all(project: &Project) -> impl Iterator<Item = Invoked<'_>> {
    project.files.iter().flat_map(|file| {
        let invocations = file.contents.invocations.iter().enumerate();
        invocations.filter_map(move |(id, invocation)| {
            Some(Invoked {
                file,
                id,
                invocation,
                command: file.contents.commands.get(invocation.command)?,
            })
        })
    })
}

/// Those that run without anybody who watches.
pub(super) fn unattended(project: &Project) -> impl Iterator<Item = Invoked<'_>> {
    all(project).filter(|one| one.command.runs.unattended)
}

impl Invoked<'_> {
    /// Whether an option is given, on the command line or by a variable that the file sets for all.
    pub(super) fn has(&self, key: &str) -> bool {
        let tool = self.invocation.tool;
        let settings = self.file.contents.settings.iter();
        let mut of_it = settings.filter(|one| match one.by {
            Some(by) => by == self.id,
            None => one.tool == tool,
        });
        of_it.any(|one| one.key == key && !one.is_off())
    }

    /// Whether any of these options is given.
    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// What is wanted from an index, or read from files of requirements.
    pub(super) fn installs_from_index(&self) -> bool {
        let contents = &self.file.contents;
        let from_index = |one: &Wanted| matches!(one.origin, Origin::Index(_) | Origin::Unknown(_));
        contents.wanted_by(self.id).any(from_index)
            || contents.included_by(self.id).next().is_some()
    }

    /// The verb as it is written.
    pub(super) fn verb(&self) -> &str {
        self.file
            .text
            .get(self.invocation.verb_at.clone())
            .unwrap_or_default()
    }

    /// An edit that adds an option behind the verb, where the verb is written as it is said.
    pub(super) fn added(&self, verb: &str, option: &str) -> Option<Edit> {
        let end = self.invocation.verb_at.end;
        (self.verb() == verb).then(|| Edit {
            at: end..end,
            with: format!(" {option}"),
        })
    }
}

/// Whether only one version is wanted, or what is wanted does not come from an index.
pub(super) fn is_settled(wanted: &Wanted) -> bool {
    match &wanted.origin {
        Origin::Index(specifiers) => wanted.partly_known || exact_version(specifiers).is_some(),
        _ => true,
    }
}

/// Whether a file publishes releases.
pub(super) fn publishes(file: &ProjectFile) -> bool {
    let contents = &file.contents;
    let by_command = contents
        .invocations
        .iter()
        .any(|one| one.verb == Verb::Publish);
    let by_action = contents.references.iter();
    by_command
        || by_action
            .into_iter()
            .any(|one| one.target == "pypa/gh-action-pypi-publish")
}

/// Whether a file uploads somewhere else than to PyPI.
pub(super) fn uploads_elsewhere(file: &ProjectFile) -> bool {
    let is_elsewhere = |place: &Place| place.role == PlaceRole::Upload && !is_pypi(&place.url);
    let contents = &file.contents;
    let mut settings = contents.settings.iter();
    let is_named = settings.any(|one| {
        one.key == "repository"
            && matches!(one.tool, Tool::Twine | Tool::Poetry)
            && one.value != "pypi"
    });
    is_named || contents.places.iter().any(is_elsewhere)
}

/// Whether a URL is one of PyPI's own, its index for tests included.
fn is_pypi(url: &str) -> bool {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    let host = behind.split(['/', ':']).next().unwrap_or_default();
    let mut labels = host.rsplit('.');
    labels.next() == Some("org") && labels.next() == Some("pypi")
}

/// Whether a file describes a pipeline.
pub(super) fn is_pipeline(kind: FileKind) -> bool {
    matches!(
        kind,
        FileKind::GithubWorkflow
            | FileKind::GitlabCi
            | FileKind::AzurePipeline
            | FileKind::Jenkinsfile
    )
}

/// The word that names the program of a command, behind `sudo` and its like.
pub(super) fn program(command: &Command) -> usize {
    let mut at = 0;
    while let Some(word) = command.words.get(at) {
        let is_wrapper = matches!(
            base_name(&word.text),
            "sudo" | "doas" | "env" | "exec" | "time" | "nohup" | "command"
        );
        if !is_wrapper {
            break;
        }
        at += 1;
        let options = command.words.iter().skip(at);
        at += options
            .take_while(|word| word.text.starts_with('-') || word.text.contains('='))
            .count();
    }
    at
}

/// The name of a command's program without its folder, in lower case where that is how shells compare it.
pub(super) fn program_name(command: &Command) -> &str {
    command
        .words
        .get(program(command))
        .map_or("", |word| base_name(&word.text))
}

fn base_name(text: &str) -> &str {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

/// One finding for those that say the same of one file and are equally bad; the others' places stand in it.
pub(super) fn together(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for finding in findings {
        let key = (
            finding.path.clone(),
            finding.message.clone(),
            finding.severity as u8,
        );
        match places.get(&key) {
            Some(at) => {
                let first: &mut Finding = &mut kept[*at];
                first.also.push(finding.at);
                first.also.extend(finding.also);
                if let (Some(fix), Some(more)) = (&mut first.fix, finding.fix) {
                    fix.edits.extend(more.edits);
                }
            }
            None => {
                places.insert(key, kept.len());
                kept.push(finding);
            }
        }
    }
    kept
}
