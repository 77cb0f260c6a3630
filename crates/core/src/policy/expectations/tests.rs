//! Each kind of fact described and judged, and the mistakes that can be made.

use super::*;
use crate::policy::rules::testing::NOW;

/// What a policy decides of the facts: `deny by malicious`, or `allow`.
fn decided(policy: &str, facts: &str) -> String {
    let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
    let text = format!("[[expect]]\neffect = \"deny\"\n{facts}\n");
    let expectations =
        parse("policy.tests.toml", &text, NOW).unwrap_or_else(|error| panic!("{error}"));
    let outcomes = run(&expectations, &policy);
    let decision = &outcomes[0].decision;
    match decision.decisive() {
        Some(finding) => format!("{} by {}", decision.effect(), finding.rule),
        None => decision.effect().to_string(),
    }
}

#[track_caller]
fn check(policy: &str, cases: &[(&str, &str)]) {
    for (facts, expected) in cases {
        let facts = format!("project = \"flask\"\n{facts}");
        assert_eq!(decided(policy, &facts), *expected, "{policy}\n{facts}");
    }
}

const TEXT: &str = r#"
[[expect]]
that = "new releases wait"
project = "flask"
version = "3.1.3"
uploaded = "2 days ago"
effect = "hold"
rule = "too-young"

[[expect]]
that = "fixes wait while nobody knows who published them"
project = "flask"
version = "3.1.3"
uploaded = "2 hours ago"
effect = "hold"
fixes = [{ advisory = "PYSEC-2026-1", published = "1 day ago" }]

[[expect]]
project = "urllib"
effect = "deny"
rule = "stdlib-name"

[[expect]]
project = "acme-billing"
file = "acme_billing-1.0.tar.gz"
source = "hosted"
owned = "acme-*"
effect = "deny"
"#;

#[test]
fn expectations_are_met_or_not() {
    let expectations = parse("policy.tests.toml", TEXT, NOW).unwrap_or_else(|e| panic!("{e}"));
    let met: Vec<bool> = run(&expectations, &Policy::built_in())
        .iter()
        .map(Outcome::is_met)
        .collect();
    // What is published here passes, so that the last one is not met.
    assert_eq!(met, [true, true, true, false]);
    assert_eq!(expectations[2].that, "urllib is denied");
    assert_eq!(expectations[3].that, "acme-billing 1.0 is denied");
    assert_eq!(expectations[0].line, 2);
}

#[test]
fn another_rule_than_the_expected_one_is_not_what_was_expected() {
    let text = TEXT.replace("too-young", "yanked");
    let expectations = parse("t", &text, NOW).expect("sound");
    let policy = Policy::built_in();
    assert!(!run(&expectations, &policy)[0].is_met());
}

#[test]
fn what_is_not_described_is_absent_or_unknown() {
    check("", &[("", "allow"), ("version = '1'", "allow")]);
    for (rule, expected) in [
        ("known-vulnerability", "allow"),
        ("project-status", "allow"),
        ("similar-name", "allow"),
        ("too-young", "deny by too-young"),
        ("too-large", "deny by too-large"),
        ("latest-only", "deny by latest-only"),
        ("unmaintained", "deny by unmaintained"),
        ("not-approved", "deny by not-approved"),
        ("low-signals", "deny by low-signals"),
    ] {
        let policy = format!("[rules.{rule}]\non-unknown = 'deny'");
        check(&policy, &[("version = '1'", expected)]);
    }
    let policy = "[rules.licence]\ndeny = ['MIT']\non-unknown = 'deny'";
    check(policy, &[("version = '1'", "deny by licence")]);
}

#[test]
fn what_is_absent_can_be_said_to_be_unknown() {
    for (rule, fact) in [
        ("malicious", "advisories"),
        ("known-vulnerability", "advisories"),
        ("project-status", "status"),
    ] {
        let policy = format!("[rules.{rule}]\non-unknown = 'hold'");
        let facts = format!("version = '1'\nunknown = ['{fact}']");
        check(&policy, &[(&facts, &format!("hold by {rule}"))]);
    }
    check("", &[("unknown = 'similarity'", "warn by similar-name")]);
}

#[test]
fn advisories_are_what_they_are_elsewhere() {
    let policy = "[rules.known-vulnerability]\nhold-cvss = 7.0\ndeny-epss = 0.5\nexploited = 'deny'\n\
                  unscored = 'warn'";
    let warned = "warn by known-vulnerability";
    let held = "hold by known-vulnerability";
    let denied = "deny by known-vulnerability";
    check(
        policy,
        &[
            ("version = '1.0'\nadvisories = [{ id = 'A-1' }]", warned),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', fixed = '1.0' }]",
                "allow",
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', introduced = '1.1' }]",
                "allow",
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', cvss = 6.9 }]",
                warned,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', cvss = 7 }]",
                held,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', cvss = 'critical' }]",
                held,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', \
                 cvss = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }]",
                held,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'CVE-2026-1000', kev = true }]",
                denied,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'CVE-2026-1000', kev = false }]",
                warned,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', aliases = ['CVE-2026-1000'], \
                 epss = 0.5 }]",
                denied,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', aliases = ['CVE-2026-1000'] }, \
                 { id = 'B-1', aliases = ['CVE-2026-1000'], epss = 0.9 }]",
                denied,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'MAL-2026-1' }]",
                "deny by malicious",
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'A-1', malicious = true }]",
                "deny by malicious",
            ),
            (
                "version = '1.0'\nsource = 'hosted'\nadvisories = [{ id = 'MAL-2026-1' }]",
                "allow",
            ),
        ],
    );
}

#[test]
fn whether_something_is_exploited_is_not_known_where_nobody_says_so() {
    let policy = "[rules.known-vulnerability]\nexploited = 'deny'\nunscored = 'hold'";
    let held = "hold by known-vulnerability";
    check(
        policy,
        &[
            (
                "version = '1.0'\nadvisories = [{ id = 'CVE-2026-1000' }]",
                held,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'CVE-2026-1000', kev = false }, \
                 { id = 'CVE-2026-1001' }]",
                held,
            ),
            (
                "version = '1.0'\nadvisories = [{ id = 'CVE-2026-1000', kev = false }]",
                "warn by known-vulnerability",
            ),
        ],
    );
}

#[test]
fn a_fix_passes_early_if_its_publisher_is_who_it_was() {
    let facts = "version = '1.5'\nbefore = '1.4'\nuploaded = '2 hours ago'\nadvisories = [{ id = 'A-1', \
                 fixed = '1.5', published = '2 days ago' }]";
    for (publisher, expected) in [
        ("same", "allow"),
        ("not-comparable", "allow"),
        ("changed", "hold by too-young"),
        ("no-longer-attested", "hold by too-young"),
    ] {
        let facts = format!("{facts}\npublisher = '{publisher}'");
        check("", &[(&facts, expected)]);
    }
    check("", &[(facts, "hold by too-young")]);
    let later = facts.replace("'1.5'\nbefore = '1.4'", "'1.6'\nbefore = '1.5'");
    let later = format!("{later}\npublisher = 'same'");
    check("", &[(&later, "hold by too-young")]);
}

#[test]
fn names_are_compared_by_the_engine_itself() {
    let squat = "project = 'reqeusts'\nversion = '1.0'";
    let settled = format!("{squat}\nfirst-release = '700 days ago'");
    for (facts, expected) in [
        (
            &*format!("{squat}\nfirst-release = '20 days ago'"),
            "deny by similar-name",
        ),
        (&settled, "warn by similar-name"),
        (
            "project = 'acme-biling'\nfirst-release = '1 day ago'",
            "allow",
        ),
        (
            "project = 'acme-biling'\nfirst-release = '1 day ago'\nowned-names = ['acme-billing']",
            "deny by similar-name",
        ),
        (
            "project = 'acme-billing'\nsource = 'none'\nowned-names = ['initech-*', 'acme-*']",
            "deny by owned-name",
        ),
    ] {
        assert_eq!(decided("", facts), expected, "{facts}");
    }
}

#[test]
fn people_have_said_what_an_expectation_says() {
    check(
        "",
        &[
            ("prohibited = ''", "deny by prohibited-name"),
            ("quarantined = 'stolen'", "deny by quarantined"),
            (
                "version = '1'\nquarantined = 'stolen'",
                "deny by quarantined",
            ),
            (
                "file = 'flask-1.tar.gz'\ndenied-by-review = 'no'",
                "deny by denied-by-review",
            ),
            ("approved = false", "allow"),
        ],
    );
    check(
        "[rules.not-approved]",
        &[
            ("version = '1'\napproved = true", "allow"),
            ("version = '1'\napproved-versions = '<2'", "allow"),
            (
                "version = '2'\napproved-versions = '<2'",
                "deny by not-approved",
            ),
            ("version = '2'\napproved = false", "deny by not-approved"),
        ],
    );
}

#[test]
fn a_waiver_lifts_what_was_found_or_what_it_was_given_for() {
    let facts = "version = '1'\nadvisories = [{ id = 'A-1' }, { id = 'MAL-2' }]";
    let waived = |waiver: &str| format!("{facts}\nwaived = [{waiver}]");
    check(
        "[rules.known-vulnerability]\neffect = 'deny'",
        &[
            (
                &waived("{ rule = 'malicious', reason = 'a mistake' }"),
                "deny by known-vulnerability",
            ),
            (
                &waived("{ rule = 'malicious' }, { rule = 'known-vulnerability' }"),
                "allow",
            ),
            (
                &waived(
                    "{ rule = 'malicious' }, { rule = 'known-vulnerability', about = ['B-1'] }",
                ),
                "deny by known-vulnerability",
            ),
            (
                &waived(
                    "{ rule = 'malicious' }, { rule = 'known-vulnerability', about = ['A-1'] }",
                ),
                "allow",
            ),
        ],
    );
}

#[test]
fn the_metadata_is_read_as_that_of_a_release() {
    let denied = "deny by licence";
    check(
        "[rules.licence]\nallow = ['MIT', 'BSD-3-Clause']",
        &[
            ("version = '1'\nlicence = 'MIT'", "allow"),
            ("version = '1'\nlicence = 'GPL-3.0-only'", denied),
            (
                "version = '1'\nclassifiers = ['License :: OSI Approved :: MIT License']",
                "allow",
            ),
            (
                "version = '1'\nclassifiers = ['License :: OSI Approved :: BSD License']",
                "warn by licence",
            ),
            ("version = '1'\nlicence-text = 'MIT'", "allow"),
            ("version = '1'\nlicence-files = ['MIT']", "allow"),
            ("version = '1'\nlicence-files = ['Apache-2.0']", denied),
            ("version = '1'\nlicence = 'MIT OR GPL-3.0-only'", "allow"),
        ],
    );
    let few = "deny by unmaintained";
    check(
        "[rules.unmaintained]\neffect = 'deny'\ndays-without-release = 0\nmin-maintainers = 2",
        &[
            ("version = '1'\nmaintainers = 'Ann'", few),
            (
                "version = '1'\nmaintainers = ['Ann', 'bo@x.example']",
                "allow",
            ),
            ("version = '1'\nmaintainers = []", "allow"),
            (
                "version = '1'\nclassifiers = ['Development Status :: 7 - Inactive']",
                few,
            ),
        ],
    );
}

#[test]
fn a_page_tells_how_a_project_is_kept() {
    check(
        "[rules.unmaintained]\neffect = 'deny'\nmax-yanked-ratio = 20",
        &[
            (
                "version = '1'\nlast-release = '2000 days ago'",
                "deny by unmaintained",
            ),
            (
                "version = '1'\nlast-release = '20 days ago'\nreleases = 10\nyanked-releases = 2",
                "allow",
            ),
            (
                "version = '1'\nlast-release = '20 days ago'\nreleases = 10\nyanked-releases = 3",
                "deny by unmaintained",
            ),
            (
                "version = '1'\nstatus = 'archived'",
                "warn by project-status",
            ),
            (
                "version = '1'\nstatus = 'on-holiday'",
                "warn by project-status",
            ),
            ("version = '1'\nstatus = 'active'", "allow"),
        ],
    );
}

/// Every variable of conditions can be described, so that no condition stays untested.
#[test]
fn every_variable_of_conditions_can_be_described() {
    let facts = r#"
project = "acme-sdkk"
version = "1.0rc1"
first-release = "400 days ago"
last-release = "2 days ago"
releases = 4
yanked-releases = 1
signals = { scorecard = 5, stars = 7, dependents = 9 }
approved = true
newer = 2
uploaded = "2 days ago"
release-uploaded = 2026-01-01
seen = "1 hour ago"
size = 1000
sha256 = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
licence = "MIT"
advisories = [{ id = "CVE-2026-1000", cvss = 5, epss = 0.1, kev = true }]
"#;
    let text = format!("[[expect]]\neffect = \"deny\"\n{facts}\n");
    let expectations = parse("t", &text, NOW).unwrap_or_else(|error| panic!("{error}"));
    for variable in crate::policy::conditions::VARIABLES {
        let when = match variable.of.to_string().as_str() {
            "bool" => format!("{0} || !{0}", variable.name),
            text if text.starts_with("list") => format!("size({}) >= 0", variable.name),
            _ => format!("{0} == {0}", variable.name),
        };
        let policy = format!("[conditions.x]\nwhen = '{when}'\non-unknown = 'allow'\n");
        let policy = Policy::parse("p", &policy).unwrap_or_else(|error| panic!("{error}"));
        let outcome = &run(&expectations, &policy)[0];
        let found = outcome.decision.findings().iter();
        let effects: Vec<Effect> = found
            .filter(|finding| finding.rule == "x")
            .map(|finding| finding.effect)
            .collect();
        assert_eq!(effects, [Effect::Deny], "{}", variable.name);
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let text = "[[expect]]\nproject = 'a b'\nuploaded = 'soon'\n[[expect]]\nproject = 'x'\n\
                file = 'y-1.0.exe'\neffect = 'maybe'\n[[expect]]\neffect = 'deny'\n\
                fixes = [{}]\ncolour = 'red'\n";
    let mistakes = parse("policy.tests.toml", text, NOW).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}

#[test]
fn mistakes_in_described_facts_are_shown_at_their_place() {
    let text = r#"
[[expect]]
project = "flask"
effect = "deny"
version = "3.0"
file = "flask-2.0.tar.gz"
owned = "acme-*"
status = "archvied"
yanked-releases = 3
publisher = "someone"
unknown = ["everything"]
approved = false
approved-versions = "<3"
signals = { scorecard = 11, starts = 3 }
maintainers = ["Ann\nLicense: MIT"]
licence-files = ["the usual"]
waived = [{ rule = "quarantined", reason = "no" }, { reason = "no" }]
advisories = [
  { id = "a b" },
  { cvss = 7 },
  { id = "A-1", cvss = "very", kev = true, epss = 2 },
  { id = "A-2", aliases = ["x y"], epss = 0.5, fixed = "soon", published = 3 },
]

[[expect]]
project = "flask"
effect = "deny"
status-reason = "because"
size = 3

[[expect]]
project = "flask"
effect = "deny"
source = "none"
file = "django-2.0.tar.gz"
"#;
    let mistakes = parse("policy.tests.toml", text, NOW).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
        let _ = parse("t", &text, NOW);
    }

    #[test]
    fn no_value_makes_it_panic(
        key in proptest::sample::select(vec![
            "file", "version", "uploaded", "licence", "maintainers", "classifiers", "owned-names",
            "approved-versions", "quarantined", "source", "status", "cvss",
        ]),
        value in "\\PC{0,40}",
    ) {
        let value = toml::Value::String(value);
        let _ = parse("t", &format!(
            "[[expect]]\nproject = 'x'\neffect = 'deny'\n{key} = {value}\n\
             advisories = [{{ id = {value}, aliases = [{value}], {key} = {value} }}]\n"
        ), NOW);
    }
}
