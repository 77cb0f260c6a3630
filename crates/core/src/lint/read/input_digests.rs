//! How the locks of poetry, pdm, pipenv and uv name the file that they are made of: as a digest of some of its
//! tables in the JSON that Python writes, or as its requirements. What cannot be told for certain, such as
//! numbers that Python spells in another way, gives none.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Sha256;
use crate::lint::contents::{LockInput, LockInputs, Tool};
use crate::lint::syntax::{Is, Node};
use crate::pypi::name::ProjectName;
use crate::pypi::requirement::Requirement;

/// A value as Python's `json` writes it with sorted keys.
#[derive(Clone, Debug)]
enum Json {
    Null,
    /// A number or boolean as it is written.
    Literal(String),
    Text(String),
    List(Vec<Json>),
    Table(BTreeMap<String, Json>),
}

/// The separators that Python's `json` puts behind items and behind keys.
struct Separators(&'static str, &'static str);

/// Those that it uses unless it is told otherwise.
const SPACED: Separators = Separators(", ", ": ");

/// Those that pipenv uses.
const COMPACT: Separators = Separators(",", ":");

/// What locks of the tools that read `pyproject.toml` say of it.
pub(super) fn of_pyproject(root: &Node) -> LockInputs {
    let tool = |name| root.path(&["tool", name]);
    let mut digests = Vec::new();
    if tool("poetry").is_some() || root.get("project").is_some() {
        let all = poetry(root).unwrap_or_default();
        digests.extend(all.into_iter().map(|digest| (Tool::Poetry, digest)));
        let all = pdm(root).unwrap_or_default();
        digests.extend(all.into_iter().map(|digest| (Tool::Pdm, digest)));
    }
    let is_off = |name, key| {
        let value = tool(name).and_then(|table| table.get(key));
        value.and_then(Node::scalar) == Some("false")
    };
    let poetry = is_off("poetry", "package-mode").then_some(Tool::Poetry);
    let uv = is_off("uv", "package").then_some(Tool::Uv);
    LockInputs {
        digests,
        requirements: uv_requirements(root),
        application_of: poetry.into_iter().chain(uv).collect(),
    }
}

/// What a `Pipfile.lock` says of its `Pipfile`.
pub(super) fn of_pipfile(root: &Node) -> LockInputs {
    let digests = pipenv(root).unwrap_or_default();
    let digests = digests.into_iter().map(|digest| (Tool::Pipenv, digest));
    LockInputs {
        digests: digests.collect(),
        requirements: None,
        application_of: vec![Tool::Pipenv],
    }
}

/// `content-hash`: of the tables of poetry alone, as poetry 1 has it; with those of PEP 621, as poetry 2 has it;
/// with dependency groups since 2.3. `None` where one of them cannot be told.
fn poetry(root: &Node) -> Option<Vec<String>> {
    let own = root.path(&["tool", "poetry"]);
    let tables = |keys: &[&str], from: Option<&Node>| -> Option<BTreeMap<String, Json>> {
        let present = keys.iter().filter_map(|key| Some((*key, from?.get(key)?)));
        present
            .map(|(key, value)| Some((key.to_owned(), json(value)?)))
            .collect()
    };
    let of_poetry = tables(
        &[
            "dependencies",
            "source",
            "extras",
            "dev-dependencies",
            "group",
        ],
        own,
    )?;
    let of_project = tables(
        &["requires-python", "dependencies", "optional-dependencies"],
        root.get("project"),
    )?;
    let groups = match root.get("dependency-groups") {
        Some(groups) if !groups.entries().is_empty() => Some(json(groups)?),
        _ => None,
    };
    let mut legacy = of_poetry.clone();
    for key in ["dependencies", "source", "extras", "dev-dependencies"] {
        legacy.entry(key.to_owned()).or_insert(Json::Null);
    }
    let tool = BTreeMap::from([("poetry".to_owned(), Json::Table(of_poetry))]);
    let mut relevant = BTreeMap::from([("tool".to_owned(), Json::Table(tool))]);
    let mut all = vec![digest(&Json::Table(legacy), &SPACED)];
    if !of_project.is_empty() {
        relevant.insert("project".to_owned(), Json::Table(of_project));
        all.push(digest(&Json::Table(relevant.clone()), &SPACED));
    }
    if let Some(groups) = groups {
        relevant.insert("dependency-groups".to_owned(), groups);
        all.push(digest(&Json::Table(relevant), &SPACED));
    }
    Some(all)
}

/// `content_hash`: with all of `[tool.pdm.resolution]`, or with its overrides alone, as pdm had it before.
fn pdm(root: &Node) -> Option<Vec<String>> {
    let own = |key| root.path(&["tool", "pdm", key]);
    if own("workspace").is_some() {
        return None;
    }
    let of_project = |key| root.path(&["project", key]);
    let or = |value: Option<&Node>, otherwise| value.map_or(Some(otherwise), json);
    let empty = || Json::Table(BTreeMap::new());
    let resolution = or(own("resolution"), empty())?;
    let overrides = own("resolution").and_then(|table| table.get("overrides"));
    let mut all = Vec::new();
    for (key, value) in [
        ("resolution", resolution),
        ("overrides", or(overrides, empty())?),
    ] {
        let data = BTreeMap::from([
            ("sources".to_owned(), or(own("source"), Json::List(vec![]))?),
            (
                "dependencies".to_owned(),
                or(of_project("dependencies"), Json::List(vec![]))?,
            ),
            ("dev-dependencies".to_owned(), pdm_groups(root)?),
            (
                "optional-dependencies".to_owned(),
                or(of_project("optional-dependencies"), empty())?,
            ),
            (
                "requires-python".to_owned(),
                or(of_project("requires-python"), Json::Text(String::new()))?,
            ),
            (key.to_owned(), value),
        ]);
        all.push(format!("sha256:{}", digest(&Json::Table(data), &SPACED)));
    }
    Some(all)
}

/// The groups of PEP 735 and those of pdm itself, under names of one spelling.
fn pdm_groups(root: &Node) -> Option<Json> {
    let mut groups: BTreeMap<String, Json> = BTreeMap::new();
    let standard = root.get("dependency-groups").map(Node::entries);
    for entry in standard.unwrap_or_default() {
        groups.insert(pdm_name(&entry.key), json(&entry.value)?);
    }
    let own = root.path(&["tool", "pdm", "dev-dependencies"]);
    for entry in own.map(Node::entries).unwrap_or_default() {
        let more = entry.value.items().iter().map(json);
        let more = more.collect::<Option<Vec<_>>>()?;
        let group = groups.entry(pdm_name(&entry.key));
        match group.or_insert_with(|| Json::List(Vec::new())) {
            Json::List(items) => items.extend(more),
            _ => return None,
        }
    }
    Some(Json::Table(groups))
}

/// Runs of anything but letters and digits are one dash, at the ends as well.
fn pdm_name(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            out.push(character.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

/// `_meta.hash.sha256`: with the names of packages as they are written, and with one spelling of each since 2025.
fn pipenv(root: &Node) -> Option<Vec<String>> {
    // Without a source, pipenv digests one of its own making.
    let sources = json(root.get("source")?)?;
    let empty = || Json::Table(BTreeMap::new());
    let requires = root.get("requires").map_or(Some(empty()), json)?;
    let meta = BTreeMap::from([
        ("sources".to_owned(), sources),
        ("requires".to_owned(), requires),
    ]);
    let mut all = Vec::new();
    for spelling in [|name: &str| name.to_owned(), canonical] {
        let packages = |table: Option<&Node>| {
            let entries = table.map(Node::entries).unwrap_or_default().iter();
            let entries = entries.map(|entry| Some((spelling(&entry.key), json(&entry.value)?)));
            entries.collect::<Option<BTreeMap<_, _>>>().map(Json::Table)
        };
        let mut data = BTreeMap::from([
            ("_meta".to_owned(), Json::Table(meta.clone())),
            ("default".to_owned(), packages(root.get("packages"))?),
            ("develop".to_owned(), packages(root.get("dev-packages"))?),
        ]);
        for entry in root.entries() {
            let is_known = [
                "source",
                "packages",
                "dev-packages",
                "requires",
                "scripts",
                "pipfile",
                "pipenv",
                "default",
                "develop",
            ];
            if !is_known.contains(&entry.key.as_str()) {
                data.insert(entry.key.clone(), packages(Some(&entry.value))?);
            }
        }
        all.push(digest(&Json::Table(data), &COMPACT));
    }
    Some(all)
}

fn canonical(name: &str) -> String {
    ProjectName::new(name).map_or_else(|_| name.to_owned(), |name| name.as_str().to_owned())
}

/// What uv keeps of a project in its lock; `None` where the project computes some of it, or it is not understood.
fn uv_requirements(root: &Node) -> Option<BTreeSet<LockInput>> {
    let project = root.get("project")?;
    if project
        .get("dynamic")
        .is_some_and(|dynamic| !dynamic.items().is_empty())
    {
        return None;
    }
    let itself = ProjectName::new(project.text_of("name")?).ok()?;
    let tables = [
        project.get("optional-dependencies"),
        root.get("dependency-groups"),
    ];
    let lists = tables.into_iter().flatten();
    let lists = lists.flat_map(Node::entries).map(|entry| &entry.value);
    let lists = lists.chain(project.get("dependencies")).chain(root.path(&[
        "tool",
        "uv",
        "dev-dependencies",
    ]));
    let mut all = Vec::new();
    for list in lists {
        // What includes another group adds nothing that this one does not have.
        let items = list.items().iter();
        let items = items.filter(|item| item.get("include-group").is_none());
        all.extend(items.map(Node::text).collect::<Option<Vec<_>>>()?);
    }
    let sources = root.path(&["tool", "uv", "sources"]).map(Node::entries);
    let elsewhere = elsewhere(sources.unwrap_or_default());
    let inputs = all.into_iter().map(|text| uv_input(text, &elsewhere));
    let inputs = inputs.collect::<Option<BTreeSet<_>>>()?;
    Some(
        inputs
            .into_iter()
            .filter(|input| input.name != itself)
            .collect(),
    )
}

/// The projects that do not come from an index, or may not.
fn elsewhere(sources: &[crate::lint::syntax::Entry]) -> BTreeSet<ProjectName> {
    let others = sources
        .iter()
        .filter(|entry| entry.value.get("index").is_none());
    others
        .filter_map(|entry| ProjectName::new(&entry.key).ok())
        .collect()
}

fn uv_input(text: &str, elsewhere: &BTreeSet<ProjectName>) -> Option<LockInput> {
    if let Some((front, _)) = text.split_once('@') {
        let (name, extras) = front.trim().split_once('[').unwrap_or((front.trim(), ""));
        let extras = extras.trim_end_matches(']').split(',').map(str::trim);
        let extras = extras.filter(|extra| !extra.is_empty());
        return Some(LockInput {
            name: ProjectName::new(name).ok()?,
            extras: extras
                .map(|extra| ProjectName::new(extra).ok())
                .collect::<Option<_>>()?,
            specifiers: None,
        });
    }
    let requirement: Requirement = text.parse().ok()?;
    let specifiers = requirement.specifiers.iter().map(ToString::to_string);
    let is_elsewhere = elsewhere.contains(&requirement.name);
    Some(LockInput {
        extras: requirement.extras.iter().cloned().collect(),
        specifiers: (!is_elsewhere).then(|| specifiers.collect()),
        name: requirement.name,
    })
}

fn json(node: &Node) -> Option<Json> {
    match &node.is {
        Is::Text(text) => Some(Json::Text(text.as_str().to_owned())),
        Is::Literal(literal) => {
            let digits = literal.strip_prefix('-').unwrap_or(literal);
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            let is_plain = is_number && literal != "-0";
            (is_plain || literal == "true" || literal == "false")
                .then(|| Json::Literal(literal.clone()))
        }
        Is::List(items) => items
            .iter()
            .map(json)
            .collect::<Option<_>>()
            .map(Json::List),
        Is::Table(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|entry| Some((entry.key.clone(), json(&entry.value)?)));
            entries.collect::<Option<_>>().map(Json::Table)
        }
        Is::Nothing => None,
    }
}

fn digest(value: &Json, separators: &Separators) -> String {
    let mut text = String::new();
    write(value, separators, &mut text);
    Sha256::of(text.as_bytes()).to_hex()
}

fn write(value: &Json, separators: &Separators, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Literal(literal) => out.push_str(literal),
        Json::Text(text) => write_text(text, out),
        Json::List(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push_str(separators.0);
                }
                write(item, separators, out);
            }
            out.push(']');
        }
        Json::Table(entries) => {
            out.push('{');
            for (position, (key, value)) in entries.iter().enumerate() {
                if position > 0 {
                    out.push_str(separators.0);
                }
                write_text(key, out);
                out.push_str(separators.1);
                write(value, separators, out);
            }
            out.push('}');
        }
    }
}

/// Python writes what is not ASCII as units of UTF-16.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::syntax::toml;

    #[test]
    fn json_is_that_of_python() {
        let root =
            toml::parse("b = [1, true]\na = \"é\\\"\\n😀\\u007f\"\nc = {}\n").expect("sound");
        let mut text = String::new();
        write(&json(&root).expect("plain"), &SPACED, &mut text);
        assert_eq!(
            text,
            r#"{"a": "\u00e9\"\n\ud83d\ude00\u007f", "b": [1, true], "c": {}}"#
        );
        for text in [
            "a = 1.0",
            "a = 0x10",
            "a = 2020-01-01",
            "a = 1_000",
            "a = +1",
        ] {
            assert!(json(&toml::parse(text).expect("sound")).is_none(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_pdm() {
        for (name, expected) in [("a__b", "a-b"), ("A.b", "a-b"), ("-a", "-a"), ("a--", "a-")] {
            assert_eq!(pdm_name(name), expected, "{name}");
        }
    }

    #[test]
    fn what_a_project_computes_is_not_compared() {
        let requirements = |text: &str| {
            let root = toml::parse(text).expect(text);
            let all = of_pyproject(&root).requirements;
            all.map(|all| {
                all.into_iter()
                    .map(|one| one.name.as_str().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        let project = "[project]\nname = \"app\"\ndependencies = [\"flask>=3\", \"x @ https://a.example/x\"]\n";
        assert_eq!(
            requirements(project),
            Some(vec!["flask".to_owned(), "x".to_owned()])
        );
        let groups =
            format!("{project}[dependency-groups]\na = [\"y\"]\nb = [{{include-group = \"a\"}}]\n");
        assert_eq!(requirements(&groups).map(|all| all.len()), Some(3));
        let dynamic = format!("{project}dynamic = [\"optional-dependencies\"]\n");
        assert_eq!(requirements(&dynamic), None);
        assert_eq!(requirements("[tool.poetry]\nname = \"x\"\n"), None);
    }
}
