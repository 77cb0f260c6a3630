//! `merged-indexes`: packages come from whichever of several indexes has the highest version.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{InvocationId, Place, PlaceRole, Span, Tool};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MergedIndexes;

impl Rule for MergedIndexes {
    fn id(&self) -> &'static str {
        "merged-indexes"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "packages come from whichever index has the highest version"
    }

    fn manual(&self) -> &'static str {
        "pip with `--extra-index-url`, poetry with two primary sources and pdm with a second \
         source ask all of their indexes for every name, and take the highest version that any of \
         them has. A name that only one index is meant to serve can be published on another one \
         by anybody, in a higher version: this is dependency confusion.\n\nUse one index that \
         serves everything, such as a gateway in front of PyPI. Otherwise tell which project \
         comes from where: `priority = \"explicit\"` and `source` in poetry, \
         `respect-source-order = true` in `[tool.pdm.resolution]`, `explicit = true` and \
         `[tool.uv.sources]` in uv. pip has no such option."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--extra-index-url https://packages.acme.example/simple\nflask==3.1.0\nacme-billing==2.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            for (tool, by) in groups(file) {
                found.extend(of_group(self, project, file, (tool, by)));
            }
        }
    }
}

/// The tools and invocations of a file that merge indexes, in the order of the file.
fn groups(file: &ProjectFile) -> Vec<(Tool, Option<InvocationId>)> {
    let mut groups = Vec::new();
    for place in merged(file) {
        let group = (place.tool, place.by);
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn merged(file: &ProjectFile) -> impl Iterator<Item = &Place> {
    let places = file.contents.places.iter();
    places.filter(|place| place.role == PlaceRole::Merged)
}

fn of_group(
    rule: &dyn Rule,
    project: &Project,
    file: &ProjectFile,
    group: (Tool, Option<InvocationId>),
) -> Option<Finding> {
    let is_of_group = |place: &&Place| (place.tool, place.by) == group;
    let places = file.contents.places.iter().filter(is_of_group);
    let default = places
        .clone()
        .find(|place| place.role == PlaceRole::Default);
    let is_other = |place: &&Place| default.is_none_or(|default| !is_same(default, place));
    let others: Vec<&Place> = merged(file).filter(is_of_group).filter(is_other).collect();
    let (first, rest) = others.split_first()?;
    let is_one_host =
        default.is_some_and(|default| others.iter().all(|one| has_same_host(default, one)));
    let severity = match is_one_host {
        true => Severity::Medium,
        false => rule.severity(),
    };
    let beside = default.map_or("the default index".to_owned(), shown);
    let message = format!(
        "{} takes the highest version of {} and {beside}",
        group.0,
        shown(first)
    );
    let mut also: Vec<Span> = rest.iter().map(|place| place.url_at.clone()).collect();
    also.dedup();
    let finding = Finding::new(rule, file, &first.at, message)
        .severity(severity)
        .because("a name that one of them is meant to serve can be published on the other")
        .help(help(group.0))
        .also(also);
    match (rest, fix(project, file, first, default)) {
        ([], Some(edits)) => Some(finding.fix("use the organisation's index alone", edits)),
        _ => Some(finding),
    }
}

fn is_same(one: &Place, other: &Place) -> bool {
    match (Address::of(&one.url), Address::of(&other.url)) {
        (Some(one), Some(other)) => one.comparable() == other.comparable(),
        _ => one.url == other.url,
    }
}

fn has_same_host(one: &Place, other: &Place) -> bool {
    match (Address::of(&one.url), Address::of(&other.url)) {
        (Some(one), Some(other)) => one.authority.eq_ignore_ascii_case(other.authority),
        _ => false,
    }
}

/// A place for people, without credentials.
fn shown(place: &Place) -> String {
    match Address::of(&place.url) {
        Some(address) => address.host.to_owned(),
        None => place
            .name
            .clone()
            .unwrap_or_else(|| "another index".to_owned()),
    }
}

fn help(tool: Tool) -> &'static str {
    match tool {
        Tool::Poetry => "keep one primary source, and give the other `priority = \"explicit\"`",
        Tool::Pdm => "set `respect-source-order = true` in [tool.pdm.resolution]",
        _ => "use one index that serves everything, as --index-url",
    }
}

/// For pip and pip-compile, whose option is renamed or taken out. The organisation's index takes the place of
/// both.
fn fix(
    project: &Project,
    file: &ProjectFile,
    extra: &Place,
    default: Option<&Place>,
) -> Option<Vec<Edit>> {
    let [index] = &*project.organisation.indexes else {
        return None;
    };
    let is_ours = |place: &Place| project.organisation.has_index(&place.url);
    let written = file.text.get(extra.at.clone())?;
    let key = ["extra-index-url", "extra_index_url", "EXTRA_INDEX_URL"].into_iter();
    let (start, key) = key
        .filter_map(|key| Some((written.find(key)?, key)))
        .next()?;
    let start = extra.at.start + start;
    match default {
        Some(default) if is_ours(default) => {
            let at = whole_line(&file.text, &extra.at)?;
            Some(vec![Edit {
                at,
                with: String::new(),
            }])
        }
        Some(_) => None,
        None => {
            let mut edits = vec![Edit {
                at: start..start + key.len(),
                with: key
                    .replace("extra-", "")
                    .replace("extra_", "")
                    .replace("EXTRA_", ""),
            }];
            let is_verbatim = file.text.get(extra.url_at.clone()) == Some(&extra.url);
            match (is_ours(extra), is_verbatim) {
                (true, _) => {}
                (false, true) => edits.push(Edit {
                    at: extra.url_at.clone(),
                    with: index.clone(),
                }),
                (false, false) => return None,
            }
            Some(edits)
        }
    }
}

/// The line of `at` with its end, where nothing else stands on it.
fn whole_line(text: &str, at: &Span) -> Option<Span> {
    let start = text[..at.start].rfind('\n').map_or(0, |before| before + 1);
    let end = text[at.end..]
        .find('\n')
        .map_or(text.len(), |behind| at.end + behind + 1);
    let is_alone = text[start..at.start].trim().is_empty() && text[at.end..end].trim().is_empty();
    is_alone.then_some(start..end)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    use crate::lint::testing::fixed_by;

    #[test]
    fn a_second_index_is_found() {
        let files = [
            (
                "pip.conf",
                "[global]\nextra-index-url = https://b.example/simple\n",
            ),
            (
                "a/pip.conf",
                "[global]\nindex-url = https://a.example/x\nextra-index-url =\n  https://a.example/x/\n",
            ),
            (
                "b/pip.conf",
                "[global]\nindex-url = https://a.example/x\nextra-index-url = https://b.example/\n  https://c.example/\n",
            ),
            (
                "pdm.toml",
                "[pypi]\nurl = \"https://a.example/\"\n[pypi.b]\nurl = \"https://b.example/\"\n",
            ),
            ("uv.toml", "extra-index-url = [\"https://b.example/\"]\n"),
        ];
        let found = found_by("merged-indexes", &project(&files));
        let found: Vec<&str> = found
            .iter()
            .map(|line| line.split(" [").next().unwrap_or_default())
            .collect();
        assert_eq!(
            found,
            [
                "b/pip.conf:3: pip takes the highest version of b.example and a.example",
                "pdm.toml:3: pdm takes the highest version of b.example and a.example",
                "pip.conf:2: pip takes the highest version of b.example and the default index",
            ]
        );
    }

    #[test]
    fn one_host_is_milder_than_two() {
        let text =
            "[global]\nindex-url = https://a.example/x\nextra-index-url = https://a.example/y\n";
        let report = crate::lint::check(&project(&[("pip.conf", text)]));
        let finding = report
            .findings
            .iter()
            .find(|one| one.rule == "merged-indexes");
        let severity = finding.map(|finding| finding.severity);
        assert_eq!(severity, Some(crate::inspection::Severity::Medium));
    }

    #[test]
    fn the_index_of_the_organisation_takes_the_place_of_both() {
        for (text, expected) in [
            (
                "[global]\nextra-index-url = https://gw.example/simple/\n",
                "[global]\nindex-url = https://gw.example/simple/\n",
            ),
            (
                "[global]\nextra-index-url = https://b.example/simple\n",
                "[global]\nindex-url = https://gw.example/simple\n",
            ),
            (
                "[global]\nindex-url = https://gw.example/simple\nextra-index-url = https://b.example/\ntimeout = 9\n",
                "[global]\nindex-url = https://gw.example/simple\ntimeout = 9\n",
            ),
            (
                "[global]\nindex-url = https://a.example/\nextra-index-url = https://b.example/\n",
                "[global]\nindex-url = https://a.example/\nextra-index-url = https://b.example/\n",
            ),
        ] {
            let mut project = project(&[("pip.conf", text)]);
            project.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
            assert_eq!(fixed_by("merged-indexes", &project, "pip.conf"), expected);
        }
    }
}
