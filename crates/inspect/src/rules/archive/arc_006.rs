//! `ARC-006`: native code where there should be none.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen, is_for_any_platform, is_of_tests, known_files};
use crate::archive::survey::Survey;
use crate::archive::survey::{Content, MemberFact};
use crate::python::Context;

/// The rule.
pub(super) struct NativeCode;

impl ArchiveRule for NativeCode {
    fn id(&self) -> &'static str {
        "ARC-006"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "native code where there should be none"
    }

    fn manual(&self) -> &'static str {
        "Programs or libraries for a processor, recognised by their first bytes, in a wheel \
         that says that it runs everywhere; and files that exist to be started on Windows.\n\n\
         Nobody can review them, and a pure wheel has no need of them.\n\n\
         Mistaken for it: the launchers of setuptools and pip, which are known by their \
         contents, and projects that carry a library for each system."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        for member in survey.files() {
            let Some((severity, what)) = judge(survey, member) else {
                continue;
            };
            let severity =
                match known_files::is_launcher(member.sha256) || is_of_tests(&member.name) {
                    true => Severity::Info,
                    false => severity,
                };
            let seen = Seen::file(&member.name).in_context(Context::Call);
            observations.push(seen.observe(self, severity, 80, what));
        }
    }
}

/// Endings that Windows starts by a double click and that no Python project needs.
const STARTED: &[&str] = &[
    "scr", "hta", "pif", "lnk", "vbs", "vbe", "jse", "wsf", "cpl", "msi",
];

/// Whether native code bears this ending where nobody hides it.
fn is_named_so(extension: &str) -> bool {
    let endings = [
        "so", "pyd", "dll", "dylib", "exe", "a", "lib", "o", "obj", "bundle", "wasm", "node",
        "jar", "class", "dex", "apk", "sys", "com",
    ];
    let is_version = |text: &str| text.chars().all(|each| each.is_ascii_digit());
    endings.contains(&extension) || !extension.is_empty() && is_version(extension)
}

/// A program inside a nested archive that is no known launcher.
fn native_inside(member: &MemberFact) -> Option<&str> {
    let native = &member.nested.as_ref()?.native;
    let unknown = native
        .iter()
        .find(|(_, sha256)| !known_files::is_launcher(*sha256));
    unknown.map(|(name, _)| &**name)
}

fn judge(survey: &Survey, member: &MemberFact) -> Option<(Severity, String)> {
    let extension = member.extension();
    if STARTED.contains(&&*extension) && member.size > 0 {
        return Some((
            Severity::Medium,
            format!("a .{extension} file, which Windows starts"),
        ));
    }
    let is_native = member.content.is_native()
        || matches!(
            member.content,
            Content::JavaClass | Content::Dex | Content::Shortcut
        );
    let named = matches!(&*extension, "exe" | "dll" | "jar" | "apk" | "com") && member.size > 0;
    let what = match (is_native, native_inside(member)) {
        (true, _) => format!("native code ({:?})", member.content),
        (false, Some(name)) => format!("native code in an archive ({name})"),
        (false, None) if named => format!("a .{extension} file"),
        (false, None) => return None,
    };
    match (survey.is_wheel(), is_for_any_platform(survey)) {
        // A program under a name that no loader takes is not there by mistake.
        (true, true) if is_native && !is_named_so(&extension) => Some((
            Severity::High,
            format!("{what} in a wheel for any platform, under another name"),
        )),
        (true, true) => Some((
            Severity::Medium,
            format!("{what} in a wheel for any platform"),
        )),
        (true, false) => None,
        (false, _) => Some((Severity::Low, format!("{what} in an sdist"))),
    }
}
