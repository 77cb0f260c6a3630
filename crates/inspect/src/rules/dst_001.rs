//! `DST-001`: the home folder, a drive or the whole system is deleted or encrypted.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{commands, written_paths};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Argument, Call, Flow, Folded, HOLE, Label, SinkKind};

/// The rule.
pub(super) struct Destruction;

impl Rule for Destruction {
    fn id(&self) -> &'static str {
        "DST-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "it deletes or encrypts what is not its own"
    }

    fn manual(&self) -> &'static str {
        "The home folder, the root of the file system or a drive is deleted: by `rmtree`, by \
         `rm -rf`, by formatting; or files found by walking through folders are encrypted and \
         written back.\n\n\
         Nothing that a package does needs this. Deleting shadow copies and encrypting what is \
         found is how extortion works.\n\n\
         Mistaken for it: programs that encrypt a folder that the user names; there it counts \
         less. Deleting a folder of one's own, or a temporary one, is not looked at."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for call in &module.calls {
                let message = match call.sink {
                    Some(SinkKind::Delete) if deletes_root(call) => {
                        format!("{} deletes the home folder or a whole drive", call.target)
                    }
                    Some(SinkKind::Write) if overwrites(call) => {
                        format!("{} overwrites whatever files there are", call.target)
                    }
                    Some(SinkKind::Command) if commands(call).iter().any(|line| wipes(line)) => {
                        format!(
                            "{} starts a command that wipes a disk or a home folder",
                            call.target
                        )
                    }
                    _ if encrypts(call) && walks_and_writes(&module.calls) => {
                        format!(
                            "{} encrypts files that were found by walking through folders",
                            call.target
                        )
                    }
                    _ => continue,
                };
                let severity = in_context(Severity::Critical, call.context);
                let confidence = Confidence::of(90).in_context(call.context);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
        for flow in analysis
            .flows
            .iter()
            .filter(|flow| is_home_variable(analysis, flow))
        {
            let severity = in_context(Severity::Critical, flow.context);
            let confidence = Confidence::of(85).in_context(flow.context);
            let message = format!(
                "{} deletes what {} names",
                analysis.sink(flow).target,
                flow.what
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

/// The whole of the path comes from a variable that names the home folder.
fn is_home_variable(analysis: &Analysis, flow: &Flow) -> bool {
    let is_home = [
        "\"HOME\"",
        "\"USERPROFILE\"",
        "\"SYSTEMROOT\"",
        "\"SystemDrive\"",
    ]
    .iter()
    .any(|name| flow.what.contains(name));
    let call = analysis.sink(flow);
    let is_whole = |each: &Argument| each.value == Folded::Unknown && each.labels.has(Label::Env);
    &*call.target == "shutil.rmtree"
        && flow.label == Label::Env
        && is_home
        && call.arguments.first().is_some_and(is_whole)
}

fn deletes_root(call: &Call) -> bool {
    let argument = call.arguments.first().map(|each| &each.value);
    let texts = argument.unwrap_or(&call.own).texts();
    let unasked = call.context.is_unasked();
    let is_below = |text: &str| unasked && is_anything_below(text);
    &*call.target == "shutil.rmtree" && texts.iter().any(|text| is_root(text) || is_below(text))
}

/// Whether `path` is whatever lies in somebody's home, or in one of the large folders there.
fn is_anything_below(path: &str) -> bool {
    let mut known = path.trim_end_matches([HOLE, '/', '*', '.', '\u{2026}']);
    for folder in [
        "/Documents",
        "/Desktop",
        "/Pictures",
        "/Downloads",
        "/Videos",
        "/Music",
    ] {
        known = known.strip_suffix(folder).unwrap_or(known);
    }
    known.len() < path.len()
        && path.contains([HOLE, '*'])
        && matches!(known, "" | "~" | "/home" | "/Users")
        && path.starts_with(['~', '/'])
}

/// Whether `call` overwrites what walking through folders found, of whatever kind.
fn overwrites(call: &Call) -> bool {
    call.context.is_unasked()
        && call.sink == Some(SinkKind::Write)
        && written_paths(call)
            .iter()
            .any(|path| is_anything_below(path))
}

/// Whether `path` is somebody's home, a drive, or a folder of the system.
fn is_root(path: &str) -> bool {
    let path = path.replace('\\', "/").to_ascii_lowercase();
    if path.is_empty() || path.starts_with('.') {
        return false;
    }
    let path = path.trim_end_matches(['/', '*', '.']);
    matches!(
        path,
        "" | "~"
            | "$home"
            | "${home}"
            | "%userprofile%"
            | "/home"
            | "/root"
            | "/usr"
            | "/etc"
            | "/var"
            | "/boot"
            | "/bin"
            | "/lib"
            | "/users"
            | "c:"
            | "d:"
            | "c:/windows"
            | "c:/users"
            | "c:/windows/system32"
            | "~/documents"
            | "~/desktop"
    )
}

/// Whether a command in lower case wipes what is not its own.
fn wipes(line: &str) -> bool {
    let words: Vec<&str> = line
        .split(|each: char| each.is_whitespace() || matches!(each, ';' | '&' | '|' | '"' | '\''))
        .filter(|word| !word.is_empty())
        .collect();
    let removes = words.iter().enumerate().any(|(at, word)| {
        let is_flag = |each: &&&str| {
            each.starts_with('-')
                || each.starts_with("/s")
                || each.starts_with("/q")
                || each.starts_with("/f")
        };
        let flags: Vec<&&str> = words[at + 1..].iter().take_while(is_flag).collect();
        let is_recursive = flags.iter().any(|flag| match *word {
            "rm" => flag.contains('r'),
            "del" | "rd" | "rmdir" | "erase" => **flag == "/s",
            _ => false,
        });
        let mut targets = words[at + 1 + flags.len()..].iter();
        // `git rm` removes what git keeps a copy of.
        let is_kept = at > 0 && matches!(words[at - 1], "git" | "hg" | "svn");
        is_recursive && !is_kept && targets.next().is_some_and(|target| is_root(target))
    });
    let says = |part: &str| line.contains(part);
    removes
        || says("--no-preserve-root")
        || says("vssadmin delete shadows")
        || says("wmic shadowcopy delete")
        || says("format c:")
        || says("mkfs.") && says("/dev/")
        || says("dd ")
            && [
                "of=/dev/sd",
                "of=/dev/nvme",
                "of=/dev/hd",
                "of=/dev/vd",
                "of=/dev/disk",
            ]
            .iter()
            .any(|device| says(device))
        || says("> /dev/sd")
        || says("cipher /w")
}

fn encrypts(call: &Call) -> bool {
    let is_cipher = ["cryptography.", "Crypto.", "pyaes.", "nacl."]
        .iter()
        .any(|root| call.target.starts_with(root));
    let is_file = call.labels.has(Label::File) || call.labels.has(Label::SecretFile);
    let method = call.target.rsplit('.').next().unwrap_or_default();
    is_cipher && is_file && matches!(method, "encrypt" | "encrypt_and_digest" | "update")
}

fn walks_and_writes(calls: &[Call]) -> bool {
    let walks = |call: &Call| {
        matches!(
            &*call.target,
            "os.walk"
                | "os.scandir"
                | "os.listdir"
                | "glob.glob"
                | "glob.iglob"
                | "pathlib.Path.home"
        )
    };
    calls.iter().any(walks) && calls.iter().any(|call| call.sink == Some(SinkKind::Write))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn what_destroys_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import shutil, os\nshutil.rmtree(os.path.expanduser('~'))",
            ),
            (
                "demo/__init__.py",
                "import shutil\nfrom pathlib import Path\nshutil.rmtree(Path.home(), ignore_errors=True)",
            ),
            ("demo/__init__.py", "import os\nos.system('rm -rf ~/*')"),
            (
                "demo/__init__.py",
                "import subprocess as s\ns.run(['rm', '-r', '-f', '--no-preserve-root', '/'])",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('vssadmin delete shadows /all /quiet')",
            ),
            (
                "demo/__init__.py",
                "import os, shutil\nshutil.rmtree(os.environ['HOME'])",
            ),
            (
                "demo/__init__.py",
                "import os\nfrom cryptography.fernet import Fernet\nf = Fernet(Fernet.generate_key())\nfor root, dirs, files in os.walk(os.path.expanduser('~')):\n    for name in files:\n        p = os.path.join(root, name)\n        data = open(p, 'rb').read()\n        open(p, 'wb').write(f.encrypt(data))",
            ),
        ] {
            found("DST-001", path, code);
        }
    }

    #[test]
    fn clearing_up_ones_own_is_not() {
        for (path, code) in [
            ("demo/__init__.py", "import shutil\nshutil.rmtree('build')"),
            (
                "demo/__init__.py",
                "import shutil, tempfile\nshutil.rmtree(tempfile.mkdtemp())",
            ),
            (
                "demo/__init__.py",
                "import shutil, os\nshutil.rmtree(os.path.expanduser('~/.cache/demo'))",
            ),
            ("demo/__init__.py", "import os\nos.system('git rm -rf /')"),
            (
                "demo/__init__.py",
                "import os\nos.system('rm -rf build dist')",
            ),
            (
                "demo/__init__.py",
                "import shutil, os\nshutil.rmtree(os.path.join(os.environ['HOME'], '.cache'))",
            ),
            (
                "demo/__init__.py",
                "from cryptography.fernet import Fernet\ndef seal(key, data):\n    return Fernet(key).encrypt(data)",
            ),
        ] {
            quiet("DST-001", path, code);
        }
    }
}
