//! `NET-005`: messages go to a webhook or bot whose secret stands in the code.

use super::sent::texts;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Context, Literal, Place};

use portcullis_core::inspection::fingerprint;
use portcullis_core::inspection::{Confidence, Observation, Severity};

/// The rule.
pub(super) struct Webhooks;

impl Rule for Webhooks {
    fn id(&self) -> &'static str {
        "NET-005"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a webhook or bot token stands in the code"
    }

    fn manual(&self) -> &'static str {
        "The code carries the address of a chat's webhook, or the token of a bot, and \
         with it the right to write into somebody's chat.\n\n\
         Thieves collect what they steal in chats: nothing has to be hosted, and the \
         traffic looks harmless. A library that notifies takes the address from its user.\n\n\
         Mistaken for it: examples with a made-up token."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let mut seen: Vec<String> = Vec::new();
            for call in &module.calls {
                let Some(secret) = texts(call).into_iter().find_map(secret) else {
                    continue;
                };
                seen.push(secret.to_owned());
                let (severity, confidence) = weight(call.context, call.sink.is_some());
                let message = format!("{} is given a chat's secret address", call.target);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
            for literal in &module.literals {
                let is_text = literal.text.contains(char::is_whitespace);
                match secret(&literal.text) {
                    Some(secret) if !is_text && !seen.iter().any(|each| each == secret) => {
                        observations.push(self.observe_literal(literal));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Webhooks {
    fn observe_literal(&self, literal: &Literal) -> Observation {
        let (severity, confidence) = weight(literal.context, false);
        let Place {
            file,
            line,
            column,
            layer,
        } = literal.place.clone();
        Observation {
            rule: self.id().into(),
            severity,
            confidence,
            file,
            line,
            column,
            layer,
            context: literal.context,
            message: "the secret address of a chat stands in the code".to_owned(),
            chain: Vec::new(),
            code_hash: fingerprint(self.id(), &literal.text),
        }
    }
}

/// Whoever calls it, the token is the author's and not the user's.
fn weight(context: Context, is_used: bool) -> (Severity, Confidence) {
    let severity = match in_context(Severity::High, context) {
        Severity::Low if is_used => Severity::Medium,
        severity => severity,
    };
    (severity, Confidence::of(90).in_context(context))
}

/// The part of `text` that gives the right to write: a webhook's path or a bot's token.
fn secret(text: &str) -> Option<&str> {
    webhook(text).or_else(|| slack(text)).or_else(|| bot(text))
}

/// `/api/webhooks/<number>/<token>`.
fn webhook(text: &str) -> Option<&str> {
    let rest = text
        .split_once("/api/webhooks/")
        .or_else(|| text.split_once("/api/v10/webhooks/"))?
        .1;
    let (number, token) = rest.split_once('/')?;
    let is_number = number.len() >= 5 && number.bytes().all(|each| each.is_ascii_digit());
    (is_number && is_token(token, 16)).then_some(rest)
}

/// `/services/T…/B…/<token>`.
fn slack(text: &str) -> Option<&str> {
    let rest = text.split_once("/services/T")?.1;
    let mut parts = rest.split('/');
    let (_, channel, token) = (parts.next()?, parts.next()?, parts.next()?);
    (channel.starts_with('B') && is_token(token, 12)).then_some(rest)
}

/// `/bot<number>:<token>`, or the token alone.
fn bot(text: &str) -> Option<&str> {
    let rest = text.rsplit_once("/bot").map_or(text, |(_, rest)| rest);
    let (number, token) = rest.split_once(':')?;
    let is_number =
        (6..=12).contains(&number.len()) && number.bytes().all(|each| each.is_ascii_digit());
    let token = token.split('/').next().unwrap_or(token);
    let is_alone = rest.len() == text.len();
    (is_number && is_token(token, 30) && (!is_alone || token.len() <= 40)).then_some(rest)
}

fn is_token(text: &str, least: usize) -> bool {
    let is_part = |each: &u8| each.is_ascii_alphanumeric() || matches!(each, b'-' | b'_');
    let token = text.bytes().take_while(|each| is_part(each)).count();
    let varies = text
        .bytes()
        .take(token)
        .any(|each| Some(each) != text.bytes().next());
    token >= least && varies
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn tokens_in_the_code_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nrequests.post('https://chat.invalid/api/webhooks/123456789012345678/abcdEFGHijklMNOPqrstUVWXyz', json={'content': 'x'})",
            ),
            (
                "demo/__init__.py",
                "HOOK = 'https://chat.invalid/api/webhooks/' + '123456789012345678/abcdEFGHijklMNOPqrstUVWXyz'\nimport urllib.request as u\nu.urlopen(HOOK, b'x')",
            ),
            (
                "demo/__init__.py",
                "import requests\nT = '1234567890:AAabcdefghijklmnopqrstuvwxyz012345678'\ndef s(t):\n    requests.get(f'https://bots.invalid/bot{T}/sendMessage', params={'text': t})",
            ),
            (
                "setup.py",
                "import requests\nrequests.post('https://hooks.invalid/services/T00000001/B00000001/abcdefABCDEF012345678901', json={})",
            ),
            (
                "demo/__init__.py",
                "import telebot\nb = telebot.TeleBot('1234567890:AAabcdefghijklmnopqrstuvwxyz012345678')",
            ),
        ] {
            found("NET-005", path, code);
        }
    }

    #[test]
    fn tokens_of_the_user_and_examples_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\ndef notify(hook, text):\n    requests.post(hook, json={'content': text})",
            ),
            (
                "demo/__init__.py",
                "'''Use https://chat.invalid/api/webhooks/123456789012345678/abcdEFGHijklMNOPqrstUVWXyz for it.'''",
            ),
            (
                "demo/__init__.py",
                "import requests, os\nrequests.post('https://chat.invalid/api/webhooks/' + os.environ['HOOK'])",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://chat.invalid/api/webhooks/<id>/<token>')",
            ),
        ] {
            quiet("NET-005", path, code);
        }
    }
}
