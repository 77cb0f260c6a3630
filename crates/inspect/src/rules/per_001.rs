//! `PER-001`: something is written where it runs at every start.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::BESIDE;
use super::evidence::{commands, texts, written_paths};
use super::{Rule, even_if_asked, in_context, observe_call};
use crate::python::{Analysis, Call, Context, HOLE, Module, SinkKind};

/// The rule.
pub(super) struct Persistence;

impl Rule for Persistence {
    fn id(&self) -> &'static str {
        "PER-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "it makes itself run again at every start"
    }

    fn manual(&self) -> &'static str {
        "A file is written, a registry value set or a command started that makes something run \
         again by itself: shell start-up files, crontab, systemd units, LaunchAgents, the Run \
         key, the Startup folder, a `.pth` file or `sitecustomize`, authorised keys.\n\n\
         A library has no reason to survive its own removal. This is how a thief stays.\n\n\
         Mistaken for it: installers of services and of shell completion, when a user starts \
         them; there it counts less. Read what is written, and except the file by its hash."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let knows_site = module.calls.iter().any(asks_for_site_packages);
            let placed = |call| Some((call, persistent_place(call, knows_site)?));
            let placed: Vec<(&Call, &str)> = module.calls.iter().filter_map(placed).collect();
            let kinds: BTreeSet<&str> = placed.iter().map(|(_, place)| *place).collect();
            if let Some(call) = written_unseen(module).filter(|_| placed.is_empty()) {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} writes where places are named whose files run by themselves",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
            for (call, place) in placed {
                // Several ways to stay, or a key of somebody else's, are nothing that a caller asks for.
                let is_door = place == "the keys that may log in" || kinds.len() > 2;
                // A program that somebody starts may offer to add itself to the shell.
                let is_offered = call.context == Context::Entry
                    && place == "a start-up file of the shell"
                    && kinds.len() == 1;
                // Tools that people call write what other tools of theirs read.
                let is_theirs = call.context == Context::Call && place.starts_with("what ");
                let severity = match is_door {
                    _ if is_offered => Severity::Medium,
                    true => even_if_asked(Severity::Critical, call.context),
                    false if is_theirs => Severity::Info,
                    false => in_context(Severity::Critical, call.context),
                };
                let confidence = Confidence::of(90).in_context(call.context);
                let message = format!(
                    "{} writes to {place}, which runs again by itself",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Parts of paths whose files run by themselves.
const PATHS: &[(&str, &str)] = &[
    (".bashrc", "a start-up file of the shell"),
    (".bash_profile", "a start-up file of the shell"),
    (".bash_login", "a start-up file of the shell"),
    (".bash_logout", "a start-up file of the shell"),
    (".zshrc", "a start-up file of the shell"),
    (".zshenv", "a start-up file of the shell"),
    (".zprofile", "a start-up file of the shell"),
    ("/.profile", "a start-up file of the shell"),
    ("fish/config.fish", "a start-up file of the shell"),
    ("/etc/profile", "a start-up file of the shell"),
    ("/etc/rc.local", "a start-up file of the system"),
    ("/etc/init.d/", "a start-up file of the system"),
    ("/etc/cron", "the crontab"),
    ("/var/spool/cron", "the crontab"),
    ("/etc/systemd/system", "a unit of systemd"),
    (".config/systemd/", "a unit of systemd"),
    ("Library/LaunchAgents", "the launch agents"),
    ("Library/LaunchDaemons", "the launch agents"),
    ("Programs/Startup", "the Startup folder"),
    (".config/autostart", "the autostart folder"),
    (
        "sitecustomize.py",
        "a module that each start of Python imports",
    ),
    (
        "usercustomize.py",
        "a module that each start of Python imports",
    ),
    (".ssh/authorized_keys", "the keys that may log in"),
    ("WindowsPowerShell/profile", "a start-up file of the shell"),
    ("PowerShell_profile.ps1", "a start-up file of the shell"),
    (".github/workflows/", "what a build server runs"),
    (".git/hooks/", "what git runs"),
    (".gitlab-ci.yml", "what a build server runs"),
    ("git/hooks/", "what git runs"),
    (".ipython/profile", "what each notebook runs first"),
    (".jupyter/jupyter_", "what each notebook runs first"),
    ("fish/conf.d/", "a start-up file of the shell"),
    (".cursorrules", "what an assistant is told to do"),
    (".windsurfrules", "what an assistant is told to do"),
    ("CLAUDE.md", "what an assistant is told to do"),
    ("AGENTS.md", "what an assistant is told to do"),
    ("GEMINI.md", "what an assistant is told to do"),
    ("copilot-instructions.md", "what an assistant is told to do"),
    (".cursor/mcp.json", "what an assistant starts"),
    ("mcp_config.json", "what an assistant starts"),
    ("claude_desktop_config.json", "what an assistant starts"),
    (".claude/settings", "what an assistant starts"),
    (".vscode/tasks.json", "what an editor runs"),
];

/// Parts of commands that make something run by itself.
const COMMANDS: &[(&str, &str)] = &[
    ("schtasks /create", "the scheduled tasks"),
    ("schtasks.exe /create", "the scheduled tasks"),
    ("register-scheduledtask", "the scheduled tasks"),
    ("systemctl enable", "the units of systemd"),
    ("systemctl --user enable", "the units of systemd"),
    ("launchctl load", "the launch agents"),
    ("launchctl bootstrap", "the launch agents"),
    ("currentversion\\run", "the Run key"),
    ("core.hookspath", "what git runs"),
    ("init.templatedir", "what git runs"),
    ("programs\\startup", "the Startup folder"),
];

/// A call that writes where nobody can read, unasked, in a module that names a place whose files run by
/// themselves.
fn written_unseen(module: &Module) -> Option<&Call> {
    let names = |text: &str| {
        text.len() < 120
            && !text.contains('\n')
            && PATHS.iter().any(|(part, _)| text.contains(part))
    };
    let is_unknown = |call: &Call| {
        let paths = written_paths(call);
        paths.is_empty() || paths.iter().any(|path| path.contains(HOLE))
    };
    let mut writes = module.calls.iter().filter(|call| {
        call.sink == Some(SinkKind::Write) && call.context.is_unasked() && is_unknown(call)
    });
    let mut literals = module
        .literals
        .iter()
        .filter(|literal| literal.context.is_unasked());
    literals
        .any(|literal| names(&literal.text))
        .then(|| writes.next())?
}

/// What `call` writes to that runs by itself, in plain words.
fn persistent_place(call: &Call, knows_site: bool) -> Option<&'static str> {
    for path in written_paths(call) {
        let leads = |part: &str| path.contains(part) || is_pattern_of(&path, part);
        if let Some((_, words)) = PATHS.iter().find(|(part, _)| leads(part)) {
            return Some(words);
        }
        let is_below = ["site-packages", "dist-packages"]
            .iter()
            .any(|part| path.contains(part));
        if path.ends_with(".pth") && (is_below || knows_site) {
            return Some("a `.pth` file of the interpreter");
        }
    }
    if call.target.starts_with("crontab.CronTab()") && call.target.ends_with(".write") {
        return Some("the crontab");
    }
    if call.target.starts_with("winreg.") {
        let is_run_key = |text: &&str| text.to_ascii_lowercase().contains("currentversion\\run");
        return texts(call).iter().any(is_run_key).then_some("the Run key");
    }
    commands(call).iter().find_map(|line| {
        let known = COMMANDS
            .iter()
            .find(|(part, _)| line.contains(part))
            .map(|(_, words)| *words);
        known
            .or_else(|| changes_crontab(line))
            .or_else(|| appended_to(line))
    })
}

/// Whether a pattern for file names, `~/.*shrc`, finds the file `name`.
fn is_pattern_of(path: &str, name: &str) -> bool {
    let pattern = path.rsplit('/').next().unwrap_or(path);
    let Some((before, after)) = pattern.split_once('*').filter(|_| name.starts_with('.')) else {
        return false;
    };
    before.len() + after.len() > 2
        && name.len() >= before.len() + after.len()
        && name.starts_with(before)
        && name.ends_with(after)
}

/// The crontab, unless it is only listed.
fn changes_crontab(line: &str) -> Option<&'static str> {
    let (before, after) = line.rsplit_once("crontab")?;
    let is_command = before.is_empty() || before.ends_with([' ', '/', '|', ';', '&']);
    let word = after.split_whitespace().next()?;
    let is_question = matches!(word, "-l" | "-h" | "--help" | "-V" | "--version");
    (is_command && after.starts_with(' ') && !is_question).then_some("the crontab")
}

/// Where `>>` or `tee -a` of a command leads.
fn appended_to(line: &str) -> Option<&'static str> {
    let (_, after) = line
        .split_once(">>")
        .or_else(|| line.split_once("tee -a"))?;
    let path = after.replace('\\', "/");
    let found = PATHS
        .iter()
        .find(|(part, _)| path.contains(&part.to_ascii_lowercase()));
    found.map(|(_, words)| *words)
}

fn asks_for_site_packages(call: &Call) -> bool {
    matches!(
        &*call.target,
        "site.getsitepackages"
            | "site.getusersitepackages"
            | "sysconfig.get_path"
            | "sysconfig.get_paths"
            | "distutils.sysconfig.get_python_lib"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn what_makes_itself_run_again_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os\nwith open(os.path.expanduser('~/.bashrc'), 'a') as f:\n    f.write('run-me &')",
            ),
            (
                "demo/__init__.py",
                "from pathlib import Path\n(Path.home() / '.config/systemd/user/a.service').write_text('[Service]')",
            ),
            (
                "demo/__init__.py",
                "import site, os\np = os.path.join(site.getsitepackages()[0], 'x.pth')\nopen(p, 'w').write('import x')",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('(crontab -l; echo \"@reboot x\") | crontab -')",
            ),
            (
                "demo/__init__.py",
                "import winreg as w\nk = w.OpenKey(w.HKEY_CURRENT_USER, r'Software\\Microsoft\\Windows\\CurrentVersion\\Run')\nw.CreateKey(w.HKEY_CURRENT_USER, r'Software\\Microsoft\\Windows\\CurrentVersion\\Run')",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['schtasks', '/create', '/tn', 'x'])",
            ),
            (
                "setup.py",
                "import shutil, os\nshutil.copy('a.plist', os.path.expanduser('~/Library/LaunchAgents/a.plist'))",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('echo x >> ~/.zshrc')",
            ),
        ] {
            found("PER-001", path, code);
        }
    }

    #[test]
    fn ordinary_files_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "open('model.pth', 'wb').write(b'weights')",
            ),
            (
                "demo/__init__.py",
                "import os\nprint(open(os.path.expanduser('~/.bashrc')).read())",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['crontab', '--help'])",
            ),
            (
                "demo/__init__.py",
                "from pathlib import Path\nPath('profile.txt').write_text('x')",
            ),
            (
                "demo/__init__.py",
                "import winreg\nwinreg.OpenKey(winreg.HKEY_CURRENT_USER, 'Software')",
            ),
        ] {
            quiet("PER-001", path, code);
        }
    }
}
