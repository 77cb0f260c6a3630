//! `ARC-010`: a file is something else than its name says.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen, is_of_tests};
use crate::archive::survey::Survey;
use crate::archive::survey::{Content, Ending, MemberFact};
use crate::python::Context;

/// The rule.
pub(super) struct Disguise;

impl ArchiveRule for Disguise {
    fn id(&self) -> &'static str {
        "ARC-010"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a file is something else than its name says"
    }

    fn manual(&self) -> &'static str {
        "A file named as a picture, sound or text is a program, an archive or Python; something \
         that can be run or unpacked stands behind the end of a picture, sound or archive; or a \
         sound's samples are text.\n\n\
         Loaders fetch their payload out of such files because nobody looks into them.\n\n\
         Mistaken for it: notes that editors and cameras append, which are information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        for member in survey.files() {
            let Some((severity, message)) = seen(member) else {
                continue;
            };
            let seen = Seen::file(&member.name).in_context(Context::Call);
            let severity = if is_of_tests(&member.name) {
                Severity::Info
            } else {
                severity
            };
            observations.push(seen.observe(self, severity, 80, message));
        }
    }
}

fn seen(member: &MemberFact) -> Option<(Severity, String)> {
    by_ending(member)
        .or_else(|| by_name(member))
        .or_else(|| by_encryption(member))
}

/// What nobody can look into, whoever has the password can still run.
fn by_encryption(member: &MemberFact) -> Option<(Severity, String)> {
    let is_encrypted = member.nested.as_ref()?.is_encrypted;
    is_encrypted.then(|| {
        (
            Severity::Medium,
            "an archive with encrypted members".to_owned(),
        )
    })
}

fn by_ending(member: &MemberFact) -> Option<(Severity, String)> {
    match member.ending {
        Ending::TextAsSound => Some((
            Severity::High,
            "the samples of the sound are encoded text".to_owned(),
        )),
        Ending::Appended { bytes, content, .. } => {
            let severity = match content {
                _ if content.is_payload() => Severity::High,
                Content::Binary if bytes > 4096 => Severity::Low,
                _ => Severity::Info,
            };
            let what = format!("{bytes} bytes ({content:?}) stand behind its end");
            Some((severity, what))
        }
        Ending::Unknown | Ending::Proper => None,
    }
}

const MEDIA: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "webp", "bmp", "ico", "wav", "mp3", "ogg", "mp4", "avi", "ttf",
    "woff", "woff2", "flac",
];
const TEXTS: &[&str] = &[
    "txt", "md", "rst", "json", "csv", "html", "css", "yaml", "yml", "toml", "cfg",
];

fn by_name(member: &MemberFact) -> Option<(Severity, String)> {
    let (extension, content) = (member.extension(), member.content);
    let is_disguised = match &*extension {
        name if MEDIA.contains(&name) => content.is_payload(),
        name if TEXTS.contains(&name) => {
            content.is_native() || matches!(content, Content::Pyc | Content::Zip | Content::Dex)
        }
        "py" | "pyi" | "pth" => {
            content.is_native() || matches!(content, Content::Zip | Content::Pyc)
        }
        _ => false,
    };
    let is_model = extension == "pth" && content == Content::Zip;
    (is_disguised && !is_model).then(|| {
        (
            Severity::High,
            format!("a .{extension} file that is {content:?}"),
        )
    })
}
