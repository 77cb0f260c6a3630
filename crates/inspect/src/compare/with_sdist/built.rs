//! [`made_by`]: Python that builds write, so that its being different from the sdist says nothing. What it
//! is able to do is weighed all the same.

use portcullis_core::inspection::Member;

use super::counterpart::Sources;

/// Files that builds write versions and settings into.
const VERSIONS: &[&str] = &[
    "_version.py",
    "version.py",
    "__version__.py",
    "_version_info.py",
    "__about__.py",
    "about.py",
    "_meta.py",
    "_build_info.py",
    "build_info.py",
    "_build.py",
    "buildinfo.py",
    "__config__.py",
    "_config_generated.py",
    "_git.py",
    "git_version.py",
    "_generated_version.py",
    "scm_version.py",
    "_scm_version.py",
    "_static_version.py",
];

/// What made `member`, as it continues its name; `None` when nothing is known to write such a file.
pub(super) fn made_by(member: &Member, sources: &Sources<'_>) -> Option<&'static str> {
    let name = member.file_name();
    if VERSIONS.contains(&name) {
        return Some("is written by the build");
    }
    let is_message = ["_pb2.py", "_pb2_grpc.py", "_grpc.py"]
        .iter()
        .any(|end| name.ends_with(end));
    if is_message && sources.has_ending("proto") {
        return Some("is made of a protocol's description");
    }
    let is_grammar = ["lextab.py", "yacctab.py", "parsetab.py"]
        .iter()
        .any(|end| name.ends_with(end))
        || (name.ends_with("Parser.py") || name.ends_with("Lexer.py")) && sources.has_ending("g4");
    if is_grammar {
        return Some("is made of a grammar");
    }
    let is_binding = sources.has_ending("i") || sources.has_ending("thrift");
    let is_form = name.ends_with("_ui.py") || name.ends_with("_rc.py");
    if is_form && (sources.has_ending("ui") || sources.has_ending("qrc")) {
        return Some("is made of a form");
    }
    let is_two_to_three = sources
        .sdist()
        .contents
        .build
        .as_ref()
        .is_some_and(|build| {
            build
                .requires
                .iter()
                .any(|requirement| requirement.contains("2to3"))
        });
    match (is_binding, is_two_to_three) {
        (true, _) if name.starts_with('_') || member.path.contains("/gen") => {
            Some("is made of an interface's description")
        }
        (_, true) => Some("is translated by the build"),
        _ => None,
    }
}
