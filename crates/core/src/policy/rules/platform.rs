//! `platform`: wheels for platforms or interpreters that nobody here uses.

use std::fmt;
use std::str::FromStr;

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::pypi::filename::{DistKind, WheelTags};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct Platform;

/// The rule with its settings. What has no patterns is not looked at.
#[derive(Debug)]
struct Only {
    platforms: Vec<TagPattern>,
    pythons: Vec<TagPattern>,
}

/// A pattern for one compatibility tag (PEP 425), in which `*` stands for any number of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TagPattern(Box<str>);

impl FromStr for TagPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '*';
        match !text.is_empty() && text.len() <= 100 && text.chars().all(fits) {
            true => Ok(Self(text.to_ascii_lowercase().into())),
            false => Err(format!(
                "{text:?} is not a pattern for a tag (letters, digits, _ and *)"
            )),
        }
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TagPattern {
    /// Whether it matches the whole of `tag`. Each part between stars is looked for once, from the left,
    /// so that the work is bounded by the length of both.
    fn matches(&self, tag: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return *self.0 == *tag;
        };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(inner) = tag.strip_prefix(head) else {
            return false;
        };
        let Some(mut inner) = inner.strip_suffix(tail) else {
            return false;
        };
        for part in middle.split('*') {
            let Some(at) = inner.find(part) else {
                return false;
            };
            inner = &inner[at + part.len()..];
        }
        true
    }
}

impl Rule for Platform {
    fn id(&self) -> &'static str {
        "platform"
    }

    fn summary(&self) -> &'static str {
        "leaves out wheels from outside that are for other platforms or interpreters than those given"
    }

    fn manual(&self) -> &'static str {
        "A filter: it looks at the compatibility tags in a wheel's file name (PEP 425). With `platforms`, \
         a wheel is kept when one of its platform tags matches one of the patterns, for example \
         `platforms = [\"any\", \"manylinux*_x86_64\"]`; with `pythons` the same for its Python tags, for \
         example `pythons = [\"py3\", \"cp312\", \"cp313\"]`. In a pattern, `*` stands for any number of \
         characters. What is not kept is left out of pages, so that installers take what is left; a direct \
         request is refused with the reason. Source distributions have no tags and stay; `wheel-only` and \
         `sdist-only` are about those. What is published here stays, too."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn is_filter(&self) -> bool {
        true
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "platforms",
                default: "[\"*\"]",
                meaning: "patterns of the platform tags that are kept",
            },
            OptionManual {
                key: "pythons",
                default: "[\"*\"]",
                meaning: "patterns of the Python tags that are kept",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: r#"platforms = ["any", "manylinux*_x86_64"]"#,
            facts: r#"project = "acme-sdk"
file = "acme_sdk-1.0-cp313-cp313-win_amd64.whl""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let mut patterns = |key| -> Option<Vec<TagPattern>> {
            let found = table.list::<TagPattern>(key)?;
            Some(found.into_iter().map(|pattern| pattern.value).collect())
        };
        let (platforms, pythons) = (patterns("platforms"), patterns("pythons"));
        for (key, list) in [("platforms", &platforms), ("pythons", &pythons)] {
            if list.as_ref().is_some_and(Vec::is_empty) {
                table.mistake_here(format!("`{key}` keeps nothing"), Some("name what is kept"));
            }
        }
        Box::new(Only {
            platforms: platforms.unwrap_or_default(),
            pythons: pythons.unwrap_or_default(),
        })
    }
}

impl Only {
    /// What stands against the wheel: the kind of tag, its tags, and the patterns.
    fn against<'a>(&'a self, tags: &'a WheelTags) -> Option<(&'static str, &'a str, String)> {
        let kinds = [
            ("platform", &*tags.platform, &self.platforms),
            ("Python", &*tags.python, &self.pythons),
        ];
        for (kind, set, patterns) in kinds {
            let matches = |tag: &str| patterns.iter().any(|pattern| pattern.matches(tag));
            if !patterns.is_empty() && !set.to_ascii_lowercase().split('.').any(matches) {
                let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                return Some((kind, set, patterns.join(", ")));
            }
        }
        None
    }
}

impl Check for Only {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(DistKind::Wheel(tags)) = facts.file.map(|file| &file.kind) else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() {
            return Outcome::Pass;
        }
        match self.against(tags) {
            None => Outcome::Pass,
            Some((kind, set, patterns)) => Outcome::Found(
                Found::new(
                    format!("its {kind} tag {set} is not one that this index serves"),
                    format!(
                        "use a file whose {kind} tag matches {patterns}, or the source distribution"
                    ),
                )
                .because("kept", patterns),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, decide, effect_of};
    use crate::pypi::filename::DistFilename;

    #[test]
    fn a_star_stands_for_any_number_of_characters() {
        for (pattern, tag, expected) in [
            ("any", "any", true),
            ("any", "many", false),
            ("*", "", true),
            ("*", "win_amd64", true),
            ("manylinux*_x86_64", "manylinux_2_17_x86_64", true),
            ("manylinux*_x86_64", "manylinux2014_x86_64", true),
            ("manylinux*_x86_64", "manylinux2014_aarch64", false),
            ("manylinux*_x86_64", "musllinux_1_1_x86_64", false),
            ("*linux*x86*", "manylinux_2_17_x86_64", true),
            ("*linux*x86*", "x86_linux", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a**b", "ab", true),
            ("*_x86_64*", "win_amd64", false),
        ] {
            let parsed: TagPattern = pattern.parse().expect(pattern);
            assert_eq!(parsed.matches(tag), expected, "{pattern} {tag}");
        }
        assert!("".parse::<TagPattern>().is_err() && "a-b".parse::<TagPattern>().is_err());
    }

    fn wheel(tags: &str) -> Case {
        Case::upstream("x").with_file(|file| {
            let name = format!("x-1.0-{tags}");
            let parsed = DistFilename::parse(&name, None).expect("a file name");
            file.kind = parsed.kind().clone();
            file.filename = name.into();
        })
    }

    const LINUX: &str = "platforms = ['any', 'manylinux*_x86_64']\npythons = ['py3', 'cp312']";

    #[test]
    fn a_wheel_stays_when_one_tag_of_each_kind_matches() {
        for (tags, expected) in [
            ("py3-none-any.whl", Effect::Allow),
            ("py2.py3-none-any.whl", Effect::Allow),
            ("py2-none-any.whl", Effect::Deny),
            (
                "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                Effect::Allow,
            ),
            ("cp312-cp312-manylinux_2_17_aarch64.whl", Effect::Deny),
            ("cp311-cp311-manylinux_2_17_x86_64.whl", Effect::Deny),
            ("cp312-cp312-win_amd64.whl", Effect::Deny),
            ("CP312-cp312-Manylinux_2_17_X86_64.whl", Effect::Allow),
        ] {
            assert_eq!(
                effect_of(&Platform, LINUX, &wheel(tags)),
                expected,
                "{tags}"
            );
        }
        let foreign = wheel("cp312-cp312-win_amd64.whl");
        assert_eq!(effect_of(&Platform, "", &foreign), Effect::Allow);
        assert_eq!(
            effect_of(&Platform, "mode = 'enforce'", &foreign),
            Effect::Allow
        );
        let sdist = Case::upstream("x").with_file(|file| file.kind = DistKind::Sdist);
        assert_eq!(effect_of(&Platform, LINUX, &sdist), Effect::Allow);
        let inside = Case::hosted("x")
            .with_file(|file| file.kind = foreign.facts().file.expect("a file").kind.clone());
        assert_eq!(effect_of(&Platform, LINUX, &inside), Effect::Allow);
    }

    #[test]
    fn the_reason_names_the_tag() {
        let decision = decide(&Platform, LINUX, &wheel("cp312-cp312-win_amd64.whl"));
        insta::assert_snapshot!(decision.sentence(), @"Portcullis denies x 1.0: its platform tag win_amd64 is not one that this index serves (platform)");
        assert!(decision.is_filtered());
    }

    proptest::proptest! {
        #[test]
        fn matching_is_what_a_naive_search_finds(pattern in "[ab*]{1,6}", tag in "[ab]{0,6}") {
            fn naive(pattern: &[u8], tag: &[u8]) -> bool {
                match (pattern, tag) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => {
                        naive(rest, tag) || (!tag.is_empty() && naive(pattern, &tag[1..]))
                    }
                    ([a, rest @ ..], [b, tail @ ..]) if a == b => naive(rest, tail),
                    _ => false,
                }
            }
            let parsed: TagPattern = pattern.parse().expect("a pattern");
            proptest::prop_assert_eq!(
                parsed.matches(&tag),
                naive(pattern.as_bytes(), tag.as_bytes())
            );
        }
    }
}
