//! Files that come and grow: what Python reads at each start, machine code, commands, modules.

use std::collections::BTreeSet;

use portcullis_core::inspection::{
    Area, ChangeKind, Contents, FileKind, Form, Member, StartupCode, Weight,
};

use super::{Found, Sides};

/// How many times the size before is worth a word.
const GROWTH: u64 = 3;
/// Smaller growth is not, in bytes.
const LEAST_GROWTH: u64 = 1 << 20;

pub(super) fn compare(sides: Sides<'_>, found: &mut Found) {
    let (before, now) = (sides.before.contents, sides.now.contents);
    startup(before, now, found);
    native(before, now, found);
    scripts(before, now, found);
    modules(before, now, found);
    size(before, now, found);
}

fn is_new<'a>(before: &Contents, member: &'a Member) -> Option<&'a Member> {
    before
        .member(member.area, &member.path)
        .is_none()
        .then_some(member)
}

fn startup(before: &Contents, now: &Contents, found: &mut Found) {
    let known: BTreeSet<_> = before.startup.iter().map(|line| line.sha256).collect();
    let had = |file: &str| before.startup.iter().any(|line| &*line.file == file);
    for line in now
        .startup
        .iter()
        .filter(|line| !known.contains(&line.sha256))
    {
        let weight = match (line.is_known, had(&line.file)) {
            (true, _) => Weight::INFORMATION,
            (false, true) => Weight::STRONG,
            (false, false) => Weight::DECISIVE,
        };
        let detail = format!("now runs at each start of Python: {}", text(line));
        found.add(ChangeKind::StartupFile, &line.file, detail, weight);
    }
    let lists = now
        .members
        .iter()
        .filter(|member| member.kind == FileKind::Startup);
    for member in lists.filter_map(|member| is_new(before, member)) {
        let is_told = now.startup.iter().any(|line| line.file == member.path);
        let weight = match member.path.ends_with(".py") {
            true => Weight::DECISIVE,
            false => Weight::UNUSUAL,
        };
        if !is_told {
            let detail = "is new and read at each start of Python";
            found.add(ChangeKind::StartupFile, &member.path, detail, weight);
        }
    }
}

fn text(line: &StartupCode) -> String {
    line.line
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect()
}

/// Machine code in a project that had none weighs much where the wheel says that it is the same on every
/// platform; otherwise the project has begun to build some.
fn native(before: &Contents, now: &Contents, found: &mut Found) {
    let is_native =
        |member: &&Member| member.kind == FileKind::Native && !is_of_tests(&member.path);
    let had_some = before.members.iter().any(|member| is_native(&member));
    let mut new = now
        .members
        .iter()
        .filter(is_native)
        .filter_map(|member| is_new(before, member));
    let Some(first) = new.next() else {
        return;
    };
    let weight = match (had_some, now.is_pure || now.form == Form::Sdist) {
        (false, true) => Weight::STRONG,
        (false, false) => Weight::UNUSUAL,
        (true, _) => Weight::INFORMATION,
    };
    let detail = match new.count() {
        0 => "is machine code and new".to_owned(),
        others => format!("and {others} other new files are machine code"),
    };
    found.add(ChangeKind::NativeBinary, &first.path, detail, weight);
}

/// Whether a file is for tests: those of readers of files need binaries.
pub(super) fn is_of_tests(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "test" | "tests" | "testing" | "testdata"))
}

fn scripts(before: &Contents, now: &Contents, found: &mut Found) {
    let scripts = now
        .members
        .iter()
        .filter(|member| member.area == Area::Scripts);
    for member in scripts.filter_map(|member| is_new(before, member)) {
        let detail = "is new and installed as a command";
        found.add(ChangeKind::Script, &member.path, detail, Weight::WEAK);
    }
    let outside = now.members.iter().filter(|member| {
        member.area == Area::Data && matches!(member.kind, FileKind::Script | FileKind::Native)
    });
    for member in outside.filter_map(|member| is_new(before, member)) {
        let detail = "is new, can be run, and is installed outside site-packages";
        found.add(ChangeKind::Script, &member.path, detail, Weight::UNUSUAL);
    }
}

fn modules(before: &Contents, now: &Contents, found: &mut Found) {
    if before.modules.is_empty() {
        return;
    }
    for name in now
        .modules
        .iter()
        .filter(|name| !before.modules.contains(name))
    {
        let detail = "is a new top-level module";
        found.add(ChangeKind::TopLevelModule, name, detail, Weight::UNUSUAL);
    }
}

fn size(before: &Contents, now: &Contents, found: &mut Found) {
    let (was, is) = (before.size(), now.size());
    if is >= was.saturating_mul(GROWTH) && is - was >= LEAST_GROWTH {
        let detail = format!("grew from {} to {} KiB", was >> 10, is >> 10);
        found.add(
            ChangeKind::Size,
            "the distribution",
            detail,
            Weight::UNUSUAL,
        );
    }
}
