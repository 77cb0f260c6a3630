//! Mending what has one right answer: in memory until nothing is left to mend, shown as differences, and then
//! written, file by file, if nobody else has changed them meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::lint::fix::mend;
use portcullis_core::lint::settings::Level;
use portcullis_core::lint::{Asked, Finding, Fix, check_as};
use similar::TextDiff;

use super::discovery::Part;
use super::encoding::Encoding;
use super::gathering::{Gathered, read_text};
use super::root::Root;
use crate::exit::failure;
use crate::output::{Look, visible};

/// How often what was mended is looked at again.
const PASSES: usize = 10;
/// Lines that are shown around a difference.
const CONTEXT: usize = 3;

/// A file that is to be changed.
#[derive(Debug)]
pub(super) struct Change {
    /// Its path below the project.
    pub(super) path: String,
    file: PathBuf,
    encoding: Encoding,
    before: String,
    after: String,
    /// How many findings it mends.
    pub(super) findings: usize,
}

/// What all fixes come to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    /// What an index does not tell how to mend: the file, and why, as a clause.
    pub(super) unmended: Vec<(String, String)>,
    /// Whether there is something that an index would tell how to mend, and none was asked.
    pub(super) lacks_an_index: bool,
}

/// What all fixes together come to. `gathered` is left as it would be afterwards; `renew` puts into it what has to
/// be known of what was mended.
pub(super) fn plan(
    gathered: &mut Gathered,
    root: &Root,
    asked: &Asked,
    mut renew: impl FnMut(&mut Gathered),
) -> Plan {
    let mut changes: BTreeMap<String, Change> = BTreeMap::new();
    let mut plan = Plan::default();
    for _ in 0..PASSES {
        renew(gathered);
        let report = check_as(&gathered.project, &root.settings, asked);
        plan.unmended = unmended(&report.findings, gathered, root);
        plan.lacks_an_index = lacks_an_index(&report.findings, gathered, root);
        let mut is_done = true;
        for (path, fixes) in by_path(&report.findings, gathered, root) {
            is_done &= !apply(gathered, &mut changes, path, &fixes);
        }
        if is_done {
            break;
        }
    }
    // What went there and back again is no change.
    let changes = changes.into_values();
    let changes = changes.filter(|change| change.before != change.after);
    plan.changes = changes.collect();
    plan
}

/// Whether a rule is applied of which findings are mended with what an index tells.
pub(super) fn needs_an_index(root: &Root, asked: &Asked) -> bool {
    OF_AN_INDEX.iter().any(|rule| {
        let is_asked_for = asked.rules.is_empty() || asked.rules.iter().any(|id| id == rule);
        is_asked_for && root.settings.level(rule) != Some(Level::Off)
    })
}

/// The rules of which findings are mended with what an index tells.
const OF_AN_INDEX: [&str; 3] = ["unpinned", "unhashed", "partly-hashed"];

fn lacks_an_index(findings: &[Finding], gathered: &Gathered, root: &Root) -> bool {
    let mut told = findings
        .iter()
        .filter(|one| OF_AN_INDEX.contains(&one.rule));
    gathered.project.candidates.is_none() && told.any(|one| may_change(&one.path, gathered, root))
}

/// Why findings are not mended that an index was asked about, and why fixes are left out that need others.
fn unmended(findings: &[Finding], gathered: &Gathered, root: &Root) -> Vec<(String, String)> {
    let sound = together(findings, gathered, root);
    let mut told: Vec<(String, String)> = findings
        .iter()
        .filter(|one| may_change(&one.path, gathered, root))
        .filter_map(|one| {
            let others = one.fix.as_ref().and_then(|fix| fix.together.as_ref());
            let others = others.filter(|_| !sound.contains(one.path.as_str()));
            let others = others.map(|others| {
                let others = others.join(", ");
                format!("{}: {others} would have to be mended as well", one.message)
            });
            let why = one.unmended.clone().or(others)?;
            Some((one.path.clone(), why))
        })
        .collect();
    told.sort();
    told.dedup();
    told
}

/// The files that have a fix that needs others, and may have it: each other file has one as well.
fn together<'f>(findings: &'f [Finding], gathered: &Gathered, root: &Root) -> BTreeSet<&'f str> {
    let fixes: Vec<(&str, &[String])> = findings
        .iter()
        .filter(|one| may_change(&one.path, gathered, root))
        .filter_map(|one| {
            let others = one.fix.as_ref()?.together.as_deref()?;
            Some((one.path.as_str(), others))
        })
        .collect();
    let mut sound: BTreeSet<&str> = fixes.iter().map(|(path, _)| *path).collect();
    loop {
        let before = sound.len();
        for (path, others) in &fixes {
            if !others.iter().all(|other| sound.contains(other.as_str())) {
                sound.remove(path);
            }
        }
        if sound.len() == before {
            return sound;
        }
    }
}

/// Whether a file may be written to: one of the project that was asked for.
fn may_change(path: &str, gathered: &Gathered, root: &Root) -> bool {
    let source = gathered.sources.get(path);
    source.is_some_and(|source| {
        source.found.part == Part::Asked
            && source.encoding != Encoding::Other
            && is_within(&source.found.file, root)
    })
}

/// The fixes of files that may be written to.
fn by_path<'f>(
    findings: &'f [Finding],
    gathered: &Gathered,
    root: &Root,
) -> BTreeMap<&'f str, Vec<&'f Fix>> {
    let sound = together(findings, gathered, root);
    let mut fixes: BTreeMap<&str, Vec<&Fix>> = BTreeMap::new();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        let is_sound = fix.together.is_none() || sound.contains(finding.path.as_str());
        if is_sound && may_change(&finding.path, gathered, root) {
            fixes.entry(&finding.path).or_default().push(fix);
        }
    }
    fixes
}

fn is_within(file: &Path, root: &Root) -> bool {
    let real = file.canonicalize();
    real.is_ok_and(|real| real.starts_with(&root.folder))
}

/// Mends one file in memory and reads it again; whether anything was changed.
fn apply(
    gathered: &mut Gathered,
    changes: &mut BTreeMap<String, Change>,
    path: &str,
    fixes: &[&Fix],
) -> bool {
    let mut files = gathered.project.files.iter_mut();
    let (Some(file), Some(source)) = (
        files.find(|file| file.path == path),
        gathered.sources.get(path),
    ) else {
        return false;
    };
    let mended = mend(&file.text, fixes);
    if mended.text == file.text {
        return false;
    }
    let change = changes.entry(path.to_owned()).or_insert_with(|| Change {
        path: path.to_owned(),
        file: source.found.file.clone(),
        encoding: source.encoding,
        before: file.text.clone(),
        after: String::new(),
        findings: 0,
    });
    change.findings += mended.applied.len();
    change.after.clone_from(&mended.text);
    *file = read_text(path, file.kind, mended.text);
    true
}

impl Change {
    /// The difference, as `diff -u` shows it.
    pub(super) fn difference(&self, shown: &str, look: Look) -> String {
        let difference = TextDiff::from_lines(&self.before, &self.after);
        let unified = difference
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&format!("a/{shown}"), &format!("b/{shown}"))
            .to_string();
        unified.lines().map(|line| coloured(line, look)).collect()
    }

    /// Writes it, unless the file is no longer what was read. Its permissions stay.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        let file = self.file.canonicalize().with_context(|| self.cannot())?;
        let (Some(before), Some(after)) = (
            self.encoding.encode(&self.before),
            self.encoding.encode(&self.after),
        ) else {
            return Err(failure(self.cannot(), "save it as UTF-8"));
        };
        let permissions = fs::metadata(&file)
            .with_context(|| self.cannot())?
            .permissions();
        if permissions.readonly() {
            return Err(failure(
                format!("{}: it is read-only", self.cannot()),
                "make it writable, or change it by hand",
            ));
        }
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut scratch = tempfile::NamedTempFile::new_in(folder).with_context(|| self.cannot())?;
        scratch.write_all(&after).with_context(|| self.cannot())?;
        fs::set_permissions(scratch.path(), permissions).with_context(|| self.cannot())?;
        scratch
            .as_file()
            .sync_all()
            .with_context(|| self.cannot())?;
        // As late as possible: what an editor saved meanwhile is worth more than what we would mend.
        if fs::read(&file).with_context(|| self.cannot())? != before {
            return Err(failure(
                format!("{}: it was changed meanwhile", self.cannot()),
                "run portcullis check --fix again",
            ));
        }
        scratch.persist(&file).with_context(|| self.cannot())?;
        Ok(())
    }

    fn cannot(&self) -> String {
        format!("cannot mend {}", self.path)
    }
}

fn coloured(line: &str, look: Look) -> String {
    let line = visible(&line.replace('\t', "    "));
    let colour = match line.as_bytes().first() {
        Some(b'+') => "\u{1b}[32m",
        Some(b'-') => "\u{1b}[31m",
        Some(b'@') => "\u{1b}[36m",
        _ => "",
    };
    match (look, colour) {
        (Look::Plain, _) | (_, "") => format!("{line}\n"),
        (Look::Coloured, colour) => format!("{colour}{line}\u{1b}[0m\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(file: &Path, before: &str, after: &str) -> Change {
        Change {
            path: "requirements.txt".to_owned(),
            file: file.to_owned(),
            encoding: Encoding::Utf8,
            before: before.to_owned(),
            after: after.to_owned(),
            findings: 1,
        }
    }

    #[test]
    fn a_difference_is_shown_as_people_know_it() {
        let before = "a\nb\nhttp://x\nc\nd\ne\nf\n";
        let change = change(Path::new("x"), before, &before.replace("http:", "https:"));
        insta::assert_snapshot!(change.difference("requirements.txt", Look::Plain), @r"
        --- a/requirements.txt
        +++ b/requirements.txt
        @@ -1,6 +1,6 @@
         a
         b
        -http://x
        +https://x
         c
         d
         e
        ");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_keeps_its_permissions_and_what_others_wrote() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requirements.txt");
        fs::write(&file, "a\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        change(&file, "a\n", "b\n").write().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b\n");
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o640);
        let error = change(&file, "a\n", "c\n").write().unwrap_err();
        assert!(error.to_string().contains("changed meanwhile"), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        let error = change(&file, "b\n", "c\n").write().unwrap_err();
        assert!(error.to_string().contains("read-only"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "b\n");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "no scratch file is left behind");
    }
}
