//! `broken-archive`: wheels and sdists that are not what they seem, by what the inspection saw of how they
//! are built.

use super::observed::{OPTIONS, Observed, Part};
use crate::inspection::InspectionRule;
use crate::policy::rule::{Check, Defaults, Example, OptionManual, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;

/// The rule.
#[derive(Debug)]
pub struct BrokenArchive;

const ID: &str = "broken-archive";

impl Rule for BrokenArchive {
    fn id(&self) -> &'static str {
        ID
    }

    fn summary(&self) -> &'static str {
        "stops archives that two readers read differently, or whose lists do not describe them"
    }

    fn manual(&self) -> &'static str {
        "An archive that can be read in two ways shows one content to whoever checks it and another one to \
         the installer. Before anybody receives a file, its archive is read by two readers and compared with \
         its own lists. This rule weighs what was seen: members that only some readers see, or see \
         differently (`ARC-003`), a `RECORD` that does not describe the wheel (`ARC-004`), another name or \
         version inside than outside (`ARC-005`), links out of the archive, devices and bombs (`ARC-009`), \
         files that are something else than their names say (`ARC-010`), compiled code without its source \
         (`ARC-011`), and what could not be read at all (`ARC-012`). What the files do is weighed by \
         `malicious-code`.\n\n\
         Certain findings that are critical or high have the effect of the rule; less certain ones at most \
         `hold`, medium ones at most `warn`. Old build tools have left flaws in honest wheels, too, most of \
         all in `RECORD`; where such a file is needed, except the finding for that content: `finding = \
         \"ARC-004\"` with `sha256`.\n\n\
         Like with `malicious-code`, an inspection that did not finish is a matter of `on-unknown`, a part \
         that could not be read one of `incomplete`; `inside` says what counts in files from inside, `off` \
         ignores a finding everywhere, and the very same flaw that a reviewer has approved is lifted in \
         other versions of the project as long as the approval is in force."
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
version = "2.0.1"
uploaded = "30 days ago"
findings = [
  { id = "ARC-003", severity = "critical", context = "install", file = "acme_sdk/__init__.py", message = "a member is there twice: 812 bytes, and 4,096 bytes behind it" },
]"#,
        }
    }

    fn rests_on(&self, finding: &InspectionRule) -> bool {
        finding.is_about_the_archive()
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        Observed::configure(ID, Part::Archive, table)
    }
}
