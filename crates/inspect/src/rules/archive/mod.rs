//! The rules over archives: one file each, its manual on top, its cases in the tests of archives,
//! named twice in here. A rule reads a [`Survey`] and adds observations; it neither unpacks nor
//! decides.

use portcullis_core::inspection::{Confidence, Observation, Severity, fingerprint};
use portcullis_core::pypi::name::ProjectName;

use crate::archive::survey::{Container, Survey, Violation};
use crate::python::Context;

pub(crate) mod known_files;
mod taken_names;

mod arc_001;
mod arc_002;
mod arc_003;
mod arc_004;
mod arc_005;
mod arc_006;
mod arc_007;
mod arc_008;
mod arc_009;
mod arc_010;
mod arc_011;
mod arc_012;
mod bld_001;
mod dep_001;
mod meta_001;
mod meta_003;
mod meta_004;
mod meta_006;

pub(crate) use dep_001::is_direct;
pub(crate) use known_files::is_startup as is_known_startup;

/// One rule.
pub trait ArchiveRule: Sync {
    /// Its id, for example `ARC-003`; never given to another rule.
    fn id(&self) -> &'static str;
    /// How bad it is at its worst.
    fn severity(&self) -> Severity;
    /// One line for listings, without a full stop.
    fn title(&self) -> &'static str;
    /// The manual, in Markdown: what it sees, why that matters, what may be mistaken for it, and
    /// what to do.
    fn manual(&self) -> &'static str;
    /// Adds what it sees.
    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>);
}

/// Every rule over archives, in the order of ids.
pub static ARCHIVE_RULES: &[&dyn ArchiveRule] = &[
    &arc_001::StartupCode,
    &arc_002::ShadowedModule,
    &arc_003::TwoReadings,
    &arc_004::Record,
    &arc_005::OtherDistribution,
    &arc_006::NativeCode,
    &arc_007::TakenCommand,
    &arc_008::OutsideFiles,
    &arc_009::DangerousMember,
    &arc_010::Disguise,
    &arc_011::CompiledCode,
    &arc_012::NotInspected,
    &bld_001::InTreeBackend,
    &dep_001::DirectReference,
    &meta_001::DisposableAddress,
    &meta_003::NoDescription,
    &meta_004::HighVersion,
    &meta_006::AnothersRepository,
];

/// What every rule says of `survey`.
#[must_use]
pub fn check_archive(survey: &Survey) -> Vec<Observation> {
    let mut observations = Vec::new();
    if survey.container == Container::Document {
        return observations;
    }
    for rule in ARCHIVE_RULES {
        rule.check(survey, &mut observations);
    }
    observations
}

/// One observation in the making: what it is about, and when that runs.
struct Seen<'a> {
    file: &'a str,
    line: u32,
    context: Context,
    /// What makes it the same observation in another version.
    mark: &'a str,
}

impl<'a> Seen<'a> {
    /// Of a whole file, which does its harm when it is installed.
    fn file(file: &'a str) -> Self {
        Self {
            file,
            line: 0,
            context: Context::Install,
            mark: file,
        }
    }

    fn line(self, line: u32) -> Self {
        Self { line, ..self }
    }

    fn in_context(self, context: Context) -> Self {
        Self { context, ..self }
    }

    fn marked(self, mark: &'a str) -> Self {
        Self { mark, ..self }
    }

    fn observe(
        self,
        rule: &dyn ArchiveRule,
        severity: Severity,
        confidence: u8,
        message: String,
    ) -> Observation {
        Observation {
            rule: rule.id().into(),
            severity,
            confidence: Confidence::of(confidence),
            file: self.file.into(),
            line: self.line,
            column: 0,
            layer: 0,
            context: self.context,
            message,
            chain: Vec::new(),
            code_hash: fingerprint(rule.id(), self.mark),
        }
    }
}

/// Adds every violation that belongs to `rule`.
fn observe_violations(
    rule: &dyn ArchiveRule,
    survey: &Survey,
    observations: &mut Vec<Observation>,
) {
    for violation in survey
        .violations
        .iter()
        .filter(|each| each.flaw.rule() == rule.id())
    {
        let file = violation
            .member
            .as_deref()
            .unwrap_or(survey.filename.as_str());
        let mark = format!(
            "{:?} {}",
            violation.flaw,
            violation.member.as_deref().unwrap_or("-")
        );
        let seen = Seen::file(file).marked(&mark);
        let severity = violation.flaw.severity();
        observations.push(seen.observe(rule, severity, 100, sentence(violation)));
    }
}

fn sentence(violation: &Violation) -> String {
    let what = violation.flaw.sentence();
    match violation.evidence.is_empty() {
        true => what.to_owned(),
        false => format!("{what} ({})", violation.evidence),
    }
}

/// The project that the file name claims.
fn project(survey: &Survey) -> Option<&ProjectName> {
    survey.filename.project()
}

/// Whether the wheel says that it runs everywhere.
fn is_for_any_platform(survey: &Survey) -> bool {
    match survey.filename.kind() {
        portcullis_core::pypi::filename::DistKind::Wheel(tags) => &*tags.platform == "any",
        _ => false,
    }
}

/// Whether a member is for tests: those of readers of files need broken and foreign ones.
fn is_of_tests(name: &str) -> bool {
    name.split('/')
        .any(|part| matches!(part, "test" | "tests" | "testing" | "testdata"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::survey::Flaw;

    #[test]
    fn every_rule_is_documented_and_every_flaw_has_one() {
        assert!(ARCHIVE_RULES.is_sorted_by(|a, b| a.id() < b.id()));
        for rule in ARCHIVE_RULES {
            assert!(
                rule.manual().len() > 100 && !rule.title().ends_with('.'),
                "{}",
                rule.id()
            );
        }
        for flaw in Flaw::ALL {
            let rule = ARCHIVE_RULES.iter().find(|rule| rule.id() == flaw.rule());
            assert!(
                rule.is_some_and(|rule| rule.severity() >= flaw.severity()),
                "{flaw:?}"
            );
        }
    }
}
