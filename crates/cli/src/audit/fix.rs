//! `--fix`: pins in requirements files and `pyproject.toml` moved to a version without the vulnerabilities. A pin
//! with hashes is only moved together with the hashes of all files of the new version, as an index tells them. Locks
//! are their tools' to write: what to run is said.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use portcullis_core::advisory::audit::Vulnerable;
use portcullis_core::digest::Sha256;
use portcullis_core::lint::contents::{GivenHash, Origin, Wanted};
use portcullis_core::lint::fix::mend;
use portcullis_core::lint::{Edit, Fix, ProjectFile};
use portcullis_core::pypi::lockfile::LockFormat;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, exact_version};
use similar::TextDiff;
use url::Url;

use crate::context::{Place, wait_for};
use crate::exit::failure;
use crate::gateway::{Plain, Said, digests};
use crate::inventory::Taken;
use crate::output::{print, remark, visible};

/// From which version to which.
type Moves<'m> = BTreeMap<(&'m ProjectName, &'m Version), &'m Version>;

/// What an index says of the projects that move.
type Pages = BTreeMap<ProjectName, Said>;

/// Edits the files, shows what is different, and says what could not be done.
pub(super) fn run(found: &[Vulnerable], taken: &Taken, index: Option<&Url>) -> anyhow::Result<()> {
    let moves = moves(found);
    let pages = pages(&moves, taken, index)?;
    for file in &taken.files {
        let planned = plan(file, &moves, &pages);
        for why in &planned.refused {
            remark(&visible(why));
        }
        let fixes: Vec<&Fix> = planned.fixes.iter().collect();
        let mended = mend(&file.text, &fixes);
        if mended.text != file.text {
            print(&difference(&file.path, &file.text, &mended.text))?;
            write(&file.path, &file.text, &mended.text)?;
        }
    }
    for (path, format) in &taken.locks {
        for ((project, _), to) in &moves {
            remark(&format!("{path}: {}", command(*format, project, to)));
        }
    }
    if !taken.environments.is_empty() {
        for ((project, from), to) in &moves {
            let how = format!("pip install '{project}=={to}', or mend what it was installed from");
            remark(&format!("{project} {from} is installed: {how}"));
        }
    }
    Ok(())
}

/// The furthest way out of the vulnerabilities of each release. Of malware there is none: what is to come in its
/// place is nobody's guess.
fn moves(found: &[Vulnerable]) -> Moves<'_> {
    let mut moves: Moves<'_> = BTreeMap::new();
    let malicious = |one: &Vulnerable| {
        found.iter().any(|other| {
            other.is_malicious() && other.project == one.project && other.version == one.version
        })
    };
    for one in found.iter().filter(|one| !malicious(one)) {
        if let Some(to) = one.way_out() {
            let known = moves.entry((&one.project, &one.version)).or_insert(to);
            *known = std::cmp::max(*known, to);
        }
    }
    moves
}

/// The pages of the projects whose pins have hashes; of others nothing needs to be known.
fn pages(moves: &Moves<'_>, taken: &Taken, index: Option<&Url>) -> anyhow::Result<Pages> {
    let wanted = taken.files.iter().flat_map(|file| &file.contents.wanted);
    let hashed = wanted.filter(|one| !one.hashes.is_empty() && target(one, moves).is_some());
    let projects: Vec<ProjectName> = hashed.filter_map(|one| one.name.clone()).collect();
    if projects.is_empty() {
        return Ok(Pages::new());
    }
    let asked = wait_for(async {
        let plain = Plain::open(index, &Place::default()).await?;
        Ok(plain.pages(projects.iter().cloned()).await)
    });
    // Without an index no hash is known, and each pin is refused with this reason.
    Ok(asked.unwrap_or_else(|error| {
        let why = error.to_string();
        projects
            .into_iter()
            .map(|project| (project, Err(why.clone())))
            .collect()
    }))
}

/// Where a pin is to go.
fn target<'m>(wanted: &Wanted, moves: &Moves<'m>) -> Option<&'m Version> {
    let Origin::Index(specifiers) = &wanted.origin else {
        return None;
    };
    let from = exact_version(specifiers)?;
    moves.get(&(wanted.name.as_ref()?, from)).copied()
}

#[derive(Default)]
struct Planned {
    fixes: Vec<Fix>,
    refused: Vec<String>,
}

fn plan(file: &ProjectFile, moves: &Moves<'_>, pages: &Pages) -> Planned {
    let mut planned = Planned::default();
    for wanted in &file.contents.wanted {
        let Some(to) = target(wanted, moves) else {
            continue;
        };
        let edits = pin(file, wanted, to).and_then(|pin| {
            let mut edits = hashes(wanted, to, pages)?;
            edits.insert(0, pin);
            Ok(edits)
        });
        match edits {
            Ok(edits) => planned.fixes.push(Fix {
                what: format!("pin {to}"),
                edits,
                together: None,
            }),
            Err(why) => planned.refused.push(format!(
                "{}: {} is left as it is: {why}",
                file.path, wanted.spelled
            )),
        }
    }
    planned
}

/// The version in the text of a requirement, replaced. It has to stand there once, as it is spelled.
fn pin(file: &ProjectFile, wanted: &Wanted, to: &Version) -> Result<Edit, String> {
    let unclear = || "where its version stands cannot be told for sure".to_owned();
    let text = file.text.get(wanted.at.clone()).ok_or_else(unclear)?;
    let requirement = text.split(';').next().unwrap_or_default();
    let (before, behind) = requirement.split_once("==").ok_or_else(unclear)?;
    let behind_equals = behind.trim_start_matches('=');
    let spelled = behind_equals.trim_start();
    let end = spelled.find(|c: char| !c.is_ascii_alphanumeric() && !"._-+!".contains(c));
    let spelled = &spelled[..end.unwrap_or(spelled.len())];
    let Origin::Index(specifiers) = &wanted.origin else {
        return Err(unclear());
    };
    let from = exact_version(specifiers).ok_or_else(unclear)?;
    if spelled.parse::<Version>().ok().as_ref() != Some(from) {
        return Err(unclear());
    }
    let skipped = before.len() + 2 + (behind.len() - behind_equals.len());
    let spaces = behind_equals.len() - behind_equals.trim_start().len();
    let start = wanted.at.start + skipped + spaces;
    Ok(Edit {
        at: start..start + spelled.len(),
        with: to.to_string(),
    })
}

/// The hashes of a pin, replaced by those of every file of the new version.
fn hashes(wanted: &Wanted, to: &Version, pages: &Pages) -> Result<Vec<Edit>, String> {
    let Some((first, rest)) = wanted.hashes.split_first() else {
        return Ok(Vec::new());
    };
    let name = wanted.name.as_ref();
    let said = name.and_then(|name| pages.get(name));
    let page = match said {
        Some(Ok(Some(page))) => page,
        Some(Err(why)) => return Err(format!("the hashes of {to} are not known: {why}")),
        _ => return Err(format!("the index has no files of {to}, and so no hashes")),
    };
    let digests = digests(page, to)?;
    let digests: Vec<String> = digests.iter().map(Sha256::to_hex).collect();
    if digests.len() < wanted.hashes.len() {
        return replaced_with_fewer(first, rest, &digests);
    }
    // As many as before stay in their places. Further ones follow the last, each as the last is written.
    let mut edits = Vec::new();
    let (in_place, further) = digests.split_at(wanted.hashes.len());
    for (hash, digest) in wanted.hashes.iter().zip(in_place) {
        edits.push(Edit {
            at: hash.at.clone(),
            with: format!("sha256:{digest}"),
        });
    }
    if let (Some(last), false) = (edits.last_mut(), further.is_empty()) {
        for digest in further {
            last.with
                .push_str(&format!(" \\\n    --hash=sha256:{digest}"));
        }
    }
    Ok(edits)
}

/// Fewer files than before: every place gets one, and the surplus repeats the last, which means the same.
fn replaced_with_fewer(
    first: &GivenHash,
    rest: &[GivenHash],
    digests: &[String],
) -> Result<Vec<Edit>, String> {
    let places = std::iter::once(first).chain(rest);
    let last = digests.last().cloned().unwrap_or_default();
    let all = digests.iter().chain(std::iter::repeat(&last));
    let edits = places.zip(all).map(|(hash, digest)| Edit {
        at: hash.at.clone(),
        with: format!("sha256:{digest}"),
    });
    Ok(edits.collect())
}

/// What its tool has to be told, so that a lock has the version.
fn command(format: LockFormat, project: &ProjectName, to: &Version) -> String {
    match format {
        LockFormat::Uv => format!("run uv lock --upgrade-package '{project}=={to}'"),
        LockFormat::Poetry => format!("run poetry update {project}, and see that it takes {to}"),
        LockFormat::Pdm => {
            format!("run pdm update --update-reuse {project}, and see that it takes {to}")
        }
        LockFormat::Pipfile => format!("run pipenv upgrade '{project}=={to}'"),
        LockFormat::Pylock => {
            format!("let the tool that wrote it lock {project} {to}, such as pip lock or uv export")
        }
        LockFormat::Requirements | LockFormat::CycloneDx | LockFormat::Spdx => {
            format!("{project} {to} is needed where it was made from")
        }
    }
}

fn difference(path: &str, before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    let unified = difference
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    let lines = unified
        .lines()
        .map(|line| visible(&line.replace('\t', "    ")));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Writes a file in one step, unless it is no longer what was read. Its permissions stay.
fn write(path: &str, before: &str, after: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot mend {path}");
    let file = Path::new(path).canonicalize().with_context(cannot)?;
    let permissions = std::fs::metadata(&file).with_context(cannot)?.permissions();
    if permissions.readonly() {
        return Err(failure(
            format!("{}: it is read-only", cannot()),
            "make it writable, or change it by hand",
        ));
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut scratch = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    std::io::Write::write_all(&mut scratch, after.as_bytes()).with_context(cannot)?;
    std::fs::set_permissions(scratch.path(), permissions).with_context(cannot)?;
    // As late as possible: what an editor saved meanwhile is worth more than what we would mend.
    if std::fs::read(&file).with_context(cannot)? != before.as_bytes() {
        return Err(failure(
            format!("{}: it was changed meanwhile", cannot()),
            "run portcullis audit --fix again",
        ));
    }
    scratch.persist(&file).with_context(cannot)?;
    Ok(())
}
