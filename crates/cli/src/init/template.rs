//! The texts of the two files. The policy is derived from the rules themselves, so that it says what
//! this release does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portcullis_core::policy::rule::Rule;
use portcullis_core::policy::rules::RULES;
use url::Url;

/// A source to be written.
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) url: Url,
    pub(super) found_in: String,
    pub(super) ca_file: Option<PathBuf>,
    username_variable: Option<String>,
    password_variable: Option<String>,
}

impl Upstream {
    /// A source without credentials.
    pub(super) fn new(name: &str, mut url: Url, found_in: &str) -> Self {
        let mut upstream = Self {
            name: name.to_owned(),
            url: url.clone(),
            found_in: found_in.to_owned(),
            ca_file: None,
            username_variable: None,
            password_variable: None,
        };
        if !url.username().is_empty() || url.password().is_some() {
            upstream.needs_credentials(url.username());
            // Both fail only for URLs that cannot have credentials.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            upstream.url = url;
        }
        upstream
    }

    /// The source asks who we are. A token's user name is the default and needs no variable.
    pub(super) fn needs_credentials(&mut self, username: &str) {
        let shouted = self.name.to_ascii_uppercase().replace('-', "_");
        if username != "__token__" {
            self.username_variable = Some(format!("PORTCULLIS_{shouted}_USERNAME"));
        }
        self.password_variable = Some(format!("PORTCULLIS_{shouted}_PASSWORD"));
    }

    /// The variables that have to be set.
    pub(super) fn variables(&self) -> Vec<String> {
        let both = [&self.username_variable, &self.password_variable];
        both.into_iter().flatten().cloned().collect()
    }
}

const HEAD: &str = "\
# portcullis.toml: how Portcullis runs. What is allowed is in policy.toml.
#
#   portcullis config check           every mistake at once, in both files
#   portcullis config show --origin   every value and where it came from
";

const NAMES: &str = "
[names]
# Names and prefixes that are never looked up outside, in any spelling, not even while your own
# source is down. A name that is published here is owned from then on without being listed.
# For example: owned = [\"acme-*\", \"billing-core\"]
owned = []

# What is published here. Hosted sources are asked first, whatever the order below.
[sources.internal]
kind = \"hosted\"
";

/// What to write for feeds. Where there are public ones is said in the documentation and not here.
const FEEDS: &str = "
# Advisories and what goes with them: an OSV feed (a folder with all.zip and modified_id.csv, a zip or
# a file), the catalogue of exploited vulnerabilities (kev), scores of how likely an exploit is (epss),
# and a list of popular names. docs/advisories.md says who publishes them.
#
#   [feeds.advisories]
#   kind = \"osv\"
#   url = \"https://feeds.example/PyPI/\"
#   every = \"1h\"
";

const EXTRA: &str = "\
# Installers merge additional indexes and take the highest version of all of them, so that anybody
# can shadow a private package. Here the sources are asked in order, and the first that has a
# project gives it whole. It is outside until you say otherwise: owned names are never looked up in
# it. If it is your own, own its names above and write `inside = true`.
";

/// The text of `portcullis.toml`.
pub(super) fn configuration_text(data: &Path, upstreams: &[Upstream]) -> String {
    let mut text = HEAD.to_owned();
    let data = toml_string(&data.display().to_string());
    let _ = write!(text, "\nlisten = \"127.0.0.1:8080\"\ndata = {data}\n");
    text.push_str(NAMES);
    for (position, upstream) in upstreams.iter().enumerate() {
        let _ = writeln!(
            text,
            "\n# Found in: {}",
            upstream.found_in.replace('\n', " ")
        );
        if position > 0 {
            text.push_str(EXTRA);
        }
        source_text(&mut text, upstream);
    }
    let names = upstreams.iter().map(|upstream| upstream.name.as_str());
    let names: Vec<String> = std::iter::once("internal")
        .chain(names)
        .map(toml_string)
        .collect();
    let _ = write!(
        text,
        "\n# What installers point at: /simple/, and /main/simple/.\n[indexes.main]\n\
         default = true\nsources = [{}]\npolicy = \"policy.toml\"\n",
        names.join(", ")
    );
    text.push_str(FEEDS);
    text
}

fn source_text(text: &mut String, upstream: &Upstream) {
    let url = toml_string(upstream.url.as_str());
    let _ = write!(
        text,
        "[sources.{}]\nkind = \"upstream\"\nurl = {url}\n",
        upstream.name
    );
    if !upstream.variables().is_empty() {
        text.push_str(
            "# The credentials that were found are not written down; set these variables.\n",
        );
    }
    for (key, variable) in [
        ("username-env", &upstream.username_variable),
        ("password-env", &upstream.password_variable),
    ] {
        if let Some(variable) = variable {
            let _ = writeln!(text, "{key} = {}", toml_string(variable));
        }
    }
    if let Some(path) = &upstream.ca_file {
        let _ = writeln!(
            text,
            "ca-file = {}",
            toml_string(&path.display().to_string())
        );
    }
}

fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}

const POLICY_HEAD: &str = "\
# policy.toml: what is allowed. These are the defaults of Portcullis, spelled out: change what you
# need, and remove what you would rather have as later releases have it. A running server reads this
# file again when it changes, and keeps the policy before it when there are mistakes.
#
#   portcullis config check    every mistake at once
#   portcullis rules RULE      the manual of a rule
#   portcullis why flask       what it means for a project
#
# mode        off, observe (recorded and shown, without effect) or enforce
# effect      what a finding does: allow, warn, hold (waits) or deny
# on-unknown  what it does when a fact that the rule needs is unknown
";

const POLICY_TAIL: &str = "
# An exception lifts one rule for one project, or a prefix, and better for some versions and for
# some time:
#
#   [[exceptions]]
#   project = \"flask\"
#   version = \"==3.1.3\"
#   rule = \"too-young\"
#   reason = \"fixes what we are hit by\"
#   owner = \"security@acme.example\"
#   expires = 2027-01-31
";

/// The text of `policy.toml`: every rule with its defaults.
pub(crate) fn policy_text() -> String {
    let mut text = POLICY_HEAD.to_owned();
    for rule in RULES {
        rule_text(&mut text, *rule);
    }
    text.push_str(POLICY_TAIL);
    text
}

fn rule_text(text: &mut String, rule: &dyn Rule) {
    text.push('\n');
    comment(text, &format!("{}: {}.", rule.id(), rule.summary()));
    if rule.is_law() {
        comment(
            text,
            "It states a promise: it is always enforced and has no exceptions.",
        );
    }
    let defaults = rule.defaults();
    let _ = writeln!(text, "[rules.{}]", rule.id());
    if !rule.is_law() {
        let _ = writeln!(text, "mode = \"{}\"", defaults.mode);
        let _ = writeln!(text, "effect = \"{}\"", defaults.effect);
    }
    let _ = writeln!(text, "on-unknown = \"{}\"", defaults.on_unknown);
    for option in rule.options() {
        let _ = writeln!(text, "{option}");
    }
}

fn comment(text: &mut String, sentence: &str) {
    const WIDTH: usize = 100;
    let mut line = String::from("#");
    for word in sentence.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use portcullis_core::policy::Policy;
    use portcullis_server::Config;
    use portcullis_server::config::Overrides;

    use super::*;

    fn settings(policy: &Policy) -> Vec<String> {
        let one = |rule: &portcullis_core::policy::ConfiguredRule| {
            format!(
                "{} {} {} {}",
                rule.id, rule.mode, rule.effect, rule.on_unknown
            )
        };
        policy.rules().iter().map(one).collect()
    }

    #[test]
    fn the_policy_that_is_written_is_the_one_that_is_built_in() {
        let written = Policy::parse("policy.toml", &policy_text());
        let written = written.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(settings(&written), settings(&Policy::built_in()));
    }

    #[test]
    fn the_example_in_the_policy_is_one() {
        let uncommented: String = policy_text()
            .lines()
            .filter_map(|line| line.strip_prefix("#   "))
            .filter(|line| line.contains('=') || line.starts_with('['))
            .map(|line| format!("{line}\n"))
            .collect();
        let policy = Policy::parse("policy.toml", &uncommented);
        assert_eq!(
            policy.map(|policy| policy.exceptions().len()),
            Ok(1),
            "{uncommented}"
        );
    }

    #[test]
    fn the_configuration_that_is_written_can_be_read() {
        let url = |url: &str| url.parse::<Url>().expect(url);
        let mut pypi = Upstream::new("pypi", url("https://a.example/simple/"), "PIP_INDEX_URL");
        pypi.ca_file = Some(PathBuf::from("/etc/ssl/a \"b\".pem"));
        let secret = url("https://u:p@b.example/simple/");
        let extra = Upstream::new("extra-1", secret, "/etc/pip.conf");
        let text = configuration_text(Path::new("./portcullis-data"), &[pypi, extra]);
        let config = Config::parse(&text, Path::new(""), &Overrides::default());
        let config = config.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(config.sources.len(), 3);
        insta::assert_snapshot!(text);
    }
}
