//! [`settle`]: which releases a requirements file comes to where that is certain: what is pinned, and of what is open
//! the newest that is wanted. It holds only where everything that these releases need is met by them, so that no
//! installer could choose otherwise. Whatever needs a choice between releases is a resolver's, and refused here.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::{Candidate, Question};
use super::contents::{Origin, Role, Wanted};
use super::dependencies::Dependencies;
use super::machines::Machines;
use super::project::{Project, ProjectFile};
use super::requirement_files::{
    belonging_together, constraints_of, installed_from, installed_with, pinned,
};
use crate::fact::Fact;
use crate::pypi::name::ProjectName;
use crate::pypi::requirement::Requirement;
use crate::pypi::version::{Version, VersionSpecifiers, admits, exact_version, exactly};

/// How often what is needed may change what is chosen.
const ROUNDS: usize = 20;

/// The most projects that are looked at for one file.
const MOST: usize = 3_000;

/// What is asked about requirements files that have something open or without hashes, as far as it is not known yet:
/// of those of which the path `is_meant`. There may be further questions once these are answered.
#[must_use]
pub fn questions(project: &Project, is_meant: impl Fn(&str) -> bool) -> BTreeSet<Question> {
    let mut asks = BTreeSet::new();
    let files = installed_from(project).into_iter();
    let files = files.filter(|file| is_meant(&file.path));
    for file in files.filter(|file| file.contents.wanted.iter().any(lacks_something)) {
        // What speaks against the file itself is told when it is to be mended.
        for one in belonging_together(project, file).unwrap_or_default() {
            if let Settled::Asks(more) = settle(project, one) {
                asks.extend(more);
            }
        }
    }
    asks
}

fn lacks_something(wanted: &Wanted) -> bool {
    let is_of_index = matches!(wanted.origin, Origin::Index(_));
    is_of_index && (wanted.hashes.is_empty() || pinned(wanted).is_none())
}

/// What became of settling a file.
#[derive(Debug)]
pub(super) enum Settled<'p> {
    /// Every requirement has its release.
    Done(Settlement<'p>),
    /// More has to be known.
    Asks(BTreeSet<Question>),
    /// There is no one right answer; why, as a clause.
    Cannot(String),
}

/// The releases that a file and all that is installed with it come to.
#[derive(Debug)]
pub(super) struct Settlement<'p> {
    /// Each requirement with its release.
    pub(super) releases: Vec<Chosen<'p>>,
    /// What is needed and not named, as a clause; `None` where everything is.
    pub(super) unnamed: Option<String>,
}

/// A requirement with the release that it comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen<'p> {
    pub(super) file: &'p ProjectFile,
    pub(super) wanted: &'p Wanted,
    pub(super) release: &'p Candidate,
}

/// Settles what is installed where `file` is.
pub(super) fn settle<'p>(project: &'p Project, file: &'p ProjectFile) -> Settled<'p> {
    match settled(project, file) {
        Ok(settled) => settled,
        Err(why) => Settled::Cannot(why),
    }
}

fn settled<'p>(project: &'p Project, file: &'p ProjectFile) -> Result<Settled<'p>, String> {
    let named = named(project, file)?;
    let mut dependencies = Dependencies::default();
    let mut needs = Needs::new();
    for _ in 0..ROUNDS {
        let mut round = Round {
            project,
            named: &named,
            needs: &needs,
            dependencies: &mut dependencies,
            asks: BTreeSet::new(),
        };
        let releases = round.releases()?;
        let found = round.walk(&releases)?;
        if !round.asks.is_empty() {
            return Ok(Settled::Asks(round.asks));
        }
        if found == needs {
            return done(&named, &releases, &needs).map(Settled::Done);
        }
        needs = found;
    }
    Err("which versions fit together takes trying".to_owned())
}

/// A requirement with everything that its release is chosen by, but what others need of it.
struct Named<'p> {
    file: &'p ProjectFile,
    wanted: &'p Wanted,
    name: &'p ProjectName,
    extras: Vec<ProjectName>,
    /// Where it is in force.
    machines: Machines,
    /// What the file, constraints and a lock beside say.
    versions: Vec<VersionSpecifiers>,
}

impl Named<'_> {
    fn exact(&self) -> Option<&Version> {
        self.versions.iter().find_map(exact_version)
    }

    /// Whether its file says of itself that a compiler made it, so that it names all that is needed.
    fn is_compiled(&self) -> bool {
        self.file.contents.lock.is_some()
    }
}

/// Something that a release needs, where, and which.
#[derive(Clone, Debug, PartialEq)]
struct Need {
    versions: VersionSpecifiers,
    machines: Machines,
    by: String,
}

type Needs = BTreeMap<ProjectName, Vec<Need>>;

/// Projects with an extra or without, and where they are installed.
type Reached = BTreeMap<(ProjectName, Option<ProjectName>), Machines>;

/// Every requirement that is installed with `file`.
fn named<'p>(project: &'p Project, file: &'p ProjectFile) -> Result<Vec<Named<'p>>, String> {
    let limits: Vec<&Wanted> = constraints_of(project, file)
        .into_iter()
        .flat_map(|file| &file.contents.wanted)
        .collect();
    let mut named: Vec<Named<'p>> = Vec::new();
    for file in installed_with(project, file)? {
        if let Some(unread) = file.contents.unread.first() {
            return Err(format!(
                "{} is not read as a whole: {}",
                file.path, unread.why
            ));
        }
        let wanted = file.contents.wanted.iter();
        for wanted in wanted.filter(|wanted| wanted.role != Role::Constraint) {
            let mut one = named_one(file, wanted)?;
            one.versions.extend(limited(&one, &limits)?);
            if one.exact().is_none() {
                if file.contents.settings.iter().any(|one| one.key == "pre") {
                    return Err(format!("--pre leaves open which {} is meant", one.name));
                }
                one.versions.extend(locked_beside(project, &one)?);
            }
            agree(&named, &one)?;
            named.push(one);
        }
    }
    Ok(named)
}

fn named_one<'p>(file: &'p ProjectFile, wanted: &'p Wanted) -> Result<Named<'p>, String> {
    let not_of_index = || format!("{} does not come from an index", wanted.spelled);
    let Origin::Index(versions) = &wanted.origin else {
        return Err(not_of_index());
    };
    let name = wanted.name.as_ref().filter(|_| !wanted.partly_known);
    let not_understood = || format!("{} is not understood", wanted.spelled);
    let name = name.ok_or_else(not_understood)?;
    let requirement: Result<Requirement, _> = wanted.spelled.parse();
    let machines = match &wanted.marker {
        Some(marker) => Machines::of_marker(marker, None),
        None => Some(Machines::all()),
    };
    Ok(Named {
        file,
        wanted,
        name,
        extras: requirement.map_err(|_| not_understood())?.extras,
        machines: machines.ok_or_else(not_understood)?,
        versions: vec![versions.clone()],
    })
}

/// What constraints say of it.
fn limited(one: &Named<'_>, limits: &[&Wanted]) -> Result<Vec<VersionSpecifiers>, String> {
    let mut found = Vec::new();
    for limit in limits
        .iter()
        .filter(|limit| limit.name.as_ref() == Some(one.name))
    {
        let machines = match &limit.marker {
            Some(marker) => Machines::of_marker(marker, None),
            None => Some(Machines::all()),
        };
        let (Origin::Index(versions), Some(machines)) = (&limit.origin, machines) else {
            return Err(format!(
                "the constraint {} is not understood",
                limit.spelled
            ));
        };
        if !one.machines.and(machines).is_none() && !limit.partly_known {
            found.push(versions.clone());
        }
    }
    Ok(found)
}

/// The one version that locks in the same folder have of it.
fn locked_beside(project: &Project, one: &Named<'_>) -> Result<Option<VersionSpecifiers>, String> {
    let folder = |path: &str| {
        path.rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned()
    };
    let beside = folder(&one.file.path);
    let locks = project.files.iter();
    let locks = locks.filter(|file| file.kind.is_lock() && folder(&file.path) == beside);
    let packages = locks.flat_map(|lock| &lock.contents.locked);
    let versions = packages
        .filter(|package| package.name == *one.name)
        .filter_map(|package| package.version.as_ref());
    let versions: BTreeSet<&Version> = versions.collect();
    match versions.len() {
        0 | 1 => Ok(versions.first().map(|version| exactly(version))),
        _ => Err(format!(
            "locks beside it have {} in several versions",
            one.name
        )),
    }
}

/// Two requirements of one project are for different machines, or pin the same version.
fn agree(named: &[Named<'_>], one: &Named<'_>) -> Result<(), String> {
    let mut same = named.iter().filter(|other| other.name == one.name);
    let conflict = same.find(|other| {
        let is_same_pin = one.exact().is_some() && one.exact() == other.exact();
        !is_same_pin && !other.machines.and(one.machines).is_none()
    });
    match conflict {
        Some(_) => Err(format!("it names {} more than once", one.name)),
        None => Ok(()),
    }
}

/// One attempt: releases by what the attempt before found to be needed, and what these need.
struct Round<'p, 'r> {
    project: &'p Project,
    named: &'r [Named<'p>],
    needs: &'r Needs,
    dependencies: &'r mut Dependencies,
    asks: BTreeSet<Question>,
}

/// The release of each [`Named`], as far as it is known.
type Releases<'p> = Vec<Option<&'p Candidate>>;

impl<'p> Round<'p, '_> {
    fn releases(&mut self) -> Result<Releases<'p>, String> {
        let mut releases = Vec::with_capacity(self.named.len());
        for one in self.named {
            let needs = self.needs.get(one.name).map_or(&[][..], Vec::as_slice);
            let question = question(one, needs)?;
            releases.push(self.candidate(question)?);
        }
        Ok(releases)
    }

    /// What is known of a question; `None` where it has to be asked first.
    fn candidate(&mut self, question: Question) -> Result<Option<&'p Candidate>, String> {
        let known = self.project.candidates.as_ref();
        match known.and_then(|known| known.get(&question)) {
            Some(Fact::Known(candidate)) => return Ok(Some(candidate)),
            Some(Fact::Unknown(why)) => return Err(format!("{}: {why}", question.title())),
            None => {}
        }
        // A pin that was written a moment ago is what was answered to another question.
        if let Some(version) = question.exact() {
            let mut others = known.into_iter().flatten();
            let found = others.find_map(|(other, known)| match known {
                Fact::Known(known) if other.project == question.project => {
                    (known.version == version).then_some(known)
                }
                _ => None,
            });
            if found.is_some() {
                return Ok(found);
            }
        }
        self.asks.insert(question);
        Ok(None)
    }

    /// What the releases need, and what that needs in turn.
    fn walk(&mut self, releases: &Releases<'p>) -> Result<Needs, String> {
        let reached = self.reached(releases)?;
        let mut needs = Needs::new();
        for ((name, extra), machines) in &reached {
            for (release, part) in self.of(releases, name, *machines)? {
                for dependency in self.dependencies.of(name, release)?.iter() {
                    let needed = dependency.needed(extra.as_ref()).unwrap_or(Machines::NONE);
                    let machines = part.and(needed);
                    if !machines.is_none() {
                        needs
                            .entry(dependency.name.clone())
                            .or_default()
                            .push(Need {
                                versions: dependency.versions.clone(),
                                machines,
                                by: format!("{name} {}", release.version),
                            });
                    }
                }
            }
        }
        Ok(needs)
    }

    /// Every project that is installed, and where.
    fn reached(&mut self, releases: &Releases<'p>) -> Result<Reached, String> {
        let allowed = allowed(self.named, releases);
        let mut reached = Reached::new();
        let mut waiting = Vec::new();
        for one in self.named.iter().filter(|one| !one.is_compiled()) {
            let machines = one.machines.and(allowed);
            add(
                &mut reached,
                &mut waiting,
                (one.name, &one.extras),
                machines,
            );
        }
        while let Some(key) = waiting.pop() {
            if reached.len() > MOST {
                return Err(format!("it needs more than {MOST} projects"));
            }
            let machines = reached[&key];
            let (name, extra) = &key;
            for (release, part) in self.of(releases, name, machines)? {
                for one in self.dependencies.of(name, release)?.iter() {
                    let needed = one.needed(extra.as_ref()).unwrap_or(Machines::NONE);
                    let needed = part.and(needed);
                    add(&mut reached, &mut waiting, (&one.name, &one.extras), needed);
                }
            }
        }
        Ok(reached)
    }

    /// The releases of a project on some machines: those of what is named, and elsewhere the newest that is needed.
    fn of(
        &mut self,
        releases: &Releases<'p>,
        name: &ProjectName,
        machines: Machines,
    ) -> Result<Vec<(&'p Candidate, Machines)>, String> {
        let mut found = Vec::new();
        let mut left = machines;
        let named = self.named.iter().zip(releases);
        for (one, release) in named.filter(|(one, _)| one.name == name) {
            let part = left.and(one.machines);
            left = left.without(one.machines);
            if one.is_compiled() || part.is_none() {
                continue;
            }
            found.extend(release.map(|release| (release, part)));
        }
        if !left.is_none() {
            let needs = self.needs.get(name).map_or(&[][..], Vec::as_slice);
            let overlapping = needs
                .iter()
                .filter(|need| !need.machines.and(left).is_none());
            let versions: Vec<_> = overlapping.map(|need| &need.versions).collect();
            // Which versions are needed is what this attempt finds out for the next one.
            if !versions.is_empty() {
                let question = Question::new(name.clone(), versions);
                let release = self.candidate(question)?;
                found.extend(release.map(|release| (release, left)));
            }
        }
        Ok(found)
    }
}

/// Adds where a project with its extras is installed; what is new waits to be looked at.
fn add(
    reached: &mut Reached,
    waiting: &mut Vec<(ProjectName, Option<ProjectName>)>,
    (name, extras): (&ProjectName, &[ProjectName]),
    machines: Machines,
) {
    if machines.is_none() {
        return;
    }
    let with = extras.iter().cloned().map(Some);
    for extra in std::iter::once(None).chain(with) {
        let key = (name.clone(), extra);
        let known = reached.entry(key.clone()).or_insert(Machines::NONE);
        let together = known.or(machines);
        if together != *known {
            *known = together;
            waiting.push(key);
        }
    }
}

/// Where all of what is pinned can be installed by its `Requires-Python`.
fn allowed(named: &[Named<'_>], releases: &Releases<'_>) -> Machines {
    let mut allowed = Machines::all();
    for (one, release) in named.iter().zip(releases) {
        let Some(release) = release else { continue };
        let pythons = Machines::of_requires_python(&release.requires_python);
        // What is newest today may be for fewer Pythons than the file is.
        let excluded = match pinned(one.wanted) {
            Some(_) => one.machines.without(pythons),
            None => one.machines.without(pythons.and_older()),
        };
        allowed = allowed.without(excluded);
    }
    allowed
}

/// What is asked for a requirement of which others need `needs`.
fn question(one: &Named<'_>, needs: &[Need]) -> Result<Question, String> {
    let mut overlapping = needs
        .iter()
        .filter(|need| !need.machines.and(one.machines).is_none());
    let Some(exact) = one.exact() else {
        let needed = overlapping.map(|need| &need.versions);
        let all = one.versions.iter().chain(needed);
        return Ok(Question::new(one.name.clone(), all));
    };
    if let Some(need) = overlapping.find(|need| !admits(&need.versions, exact)) {
        let (by, name, versions) = (&need.by, one.name, &need.versions);
        return Err(format!("{by} needs {name} {versions}, and not {exact}"));
    }
    if one.versions.iter().any(|versions| !admits(versions, exact)) {
        let name = one.name;
        return Err(format!(
            "{name} {exact} is pinned elsewhere and not wanted here"
        ));
    }
    Ok(Question::new(one.name.clone(), [&exactly(exact)]))
}

fn done<'p>(
    named: &[Named<'p>],
    releases: &Releases<'p>,
    needs: &Needs,
) -> Result<Settlement<'p>, String> {
    let allowed = allowed(named, releases);
    if allowed.is_none() && !named.is_empty() {
        return Err("no Python that is maintained can install all of it".to_owned());
    }
    let mut chosen = Vec::new();
    for (one, release) in named.iter().zip(releases) {
        let Some(release) = *release else { continue };
        let pythons = Machines::of_requires_python(&release.requires_python);
        let narrowed = one.machines.and(allowed).without(pythons);
        if pinned(one.wanted).is_none() && !narrowed.is_none() {
            let (name, version, told) = (one.name, &release.version, narrowed.told());
            return Err(format!("{name} {version} cannot be installed{told}"));
        }
        chosen.push(Chosen {
            file: one.file,
            wanted: one.wanted,
            release,
        });
    }
    Ok(Settlement {
        releases: chosen,
        unnamed: unnamed(named, needs),
    })
}

/// What is needed somewhere and not named for there.
fn unnamed(named: &[Named<'_>], needs: &Needs) -> Option<String> {
    let named_at = |name: &ProjectName| {
        let same = named.iter().filter(|one| one.name == name);
        same.fold(Machines::NONE, |all, one| all.or(one.machines))
    };
    let missing = needs.iter().flat_map(|(name, needs)| {
        let at = named_at(name);
        let needs = needs.iter();
        let left = needs.map(move |need| (name, need, need.machines.without(at)));
        left.filter(|(_, _, left)| !left.is_none())
    });
    let missing: Vec<_> = missing.collect();
    let (name, need, left) = missing.first()?;
    let others: BTreeSet<&ProjectName> = missing
        .iter()
        .map(|(other, _, _)| *other)
        .filter(|other| other != name)
        .collect();
    let more = match others.len() {
        0 => String::new(),
        1 => ", and 1 more project is missing".to_owned(),
        more => format!(", and {more} more projects are missing"),
    };
    let (by, told) = (&need.by, left.told());
    Some(format!("{by} needs {name}{told}, which is not named{more}"))
}
