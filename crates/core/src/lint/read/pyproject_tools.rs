//! The tables in which uv, poetry, pdm, hatch, pipenv and pip-tools keep their own indexes and settings in
//! `pyproject.toml`. What the project wants is `pyproject`'s.

use super::tables::{entry_as_options, entry_as_setting, index_table, secret};
use super::{input_digests, uv_config};
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Entry, Node};
use crate::pypi::name::ProjectName;

/// Reads those tables of the document `root`.
pub(super) fn read(root: &Node, contents: &mut Contents) {
    let tool = |name| root.path(&["tool", name]);
    if let Some(uv) = tool("uv") {
        uv_config::tables(uv, contents);
    }
    if let Some(poetry) = tool("poetry") {
        poetry_sources(poetry, contents);
    }
    if let Some(pdm) = tool("pdm") {
        pdm_sources(pdm, contents);
    }
    if let Some(pip_tools) = tool("pip-tools") {
        of_pip_tools(pip_tools, contents);
    }
    if let Some(environments) = root.path(&["tool", "hatch", "envs"]) {
        of_hatch(environments, contents);
    }
    let names = [&["project", "name"][..], &["tool", "poetry", "name"]].into_iter();
    let name = names.filter_map(|path| root.path(path)?.spelled()).next();
    let name = name.and_then(|name| Some((ProjectName::new(name.as_str()).ok()?, name.at())));
    contents.name = name;
    contents.lock_inputs = input_digests::of_pyproject(root);
}

/// `[[tool.poetry.source]]`, with the priorities of poetry 1 and 2.
fn poetry_sources(poetry: &Node, contents: &mut Contents) {
    let sources = poetry.get("source").map(Node::items).unwrap_or_default();
    let mut has_primary = false;
    for source in sources {
        let is_on = |key| source.get(key).and_then(Node::scalar) == Some("true");
        let priority = source.text_of("priority").unwrap_or("primary");
        let role = match priority.to_ascii_lowercase().as_str() {
            "explicit" => PlaceRole::Explicit,
            "supplemental" => PlaceRole::Supplemental,
            // A secondary source is asked as well, and the highest version wins.
            "secondary" => PlaceRole::Merged,
            "default" => PlaceRole::Default,
            _ if is_on("default") => PlaceRole::Default,
            _ if is_on("secondary") || has_primary => PlaceRole::Merged,
            _ => PlaceRole::Default,
        };
        has_primary |= matches!(role, PlaceRole::Default);
        index_table(Tool::Poetry, source, role, contents);
        // PyPI is a source by its name alone.
        let name = source.get("name").and_then(Node::spelled);
        let name = name.filter(|_| source.get("url").is_none());
        contents.places.extend(name.map(|name| Place {
            url: name.as_str().to_owned(),
            url_at: name.at(),
            at: source.at.clone(),
            role,
            name: Some(name.as_str().to_owned()),
            tool: Tool::Poetry,
            by: None,
        }));
    }
}

/// `[[tool.pdm.source]]`: every source that is not named `pypi` is asked beside that one.
fn pdm_sources(pdm: &Node, contents: &mut Contents) {
    let keeps_order = pdm.path(&["resolution", "respect-source-order"]);
    let keeps_order = keeps_order.and_then(Node::scalar) == Some("true");
    for source in pdm.get("source").map(Node::items).unwrap_or_default() {
        let name = source.text_of("name").unwrap_or_default();
        let role = match (source.text_of("type"), name) {
            (Some("find_links"), _) => PlaceRole::FindLinks,
            (_, "pypi") => PlaceRole::Default,
            _ if keeps_order => PlaceRole::Ordered,
            _ => PlaceRole::Merged,
        };
        index_table(Tool::Pdm, source, role, contents);
        if let Some(verify) = source.entry("verify_ssl") {
            entry_as_setting(Tool::Pdm, "verify-ssl", verify, contents);
        }
        let what = format!("the password of the index {name}");
        secret(source, "password", &what, contents);
    }
    let resolution = pdm.get("resolution").map(Node::entries);
    for entry in resolution.unwrap_or_default() {
        entry_as_setting(Tool::Pdm, &entry.key.replace('_', "-"), entry, contents);
    }
}

/// `[tool.pip-tools]` and its tables for each command, which have the options of pip-compile.
fn of_pip_tools(table: &Node, contents: &mut Contents) {
    let inner = ["compile", "sync"]
        .into_iter()
        .filter_map(|key| table.get(key));
    for entry in table.entries().iter().chain(inner.flat_map(Node::entries)) {
        entry_as_options(Tool::PipTools, entry, contents);
    }
}

/// The variables of hatch's environments, by which its installers are set.
fn of_hatch(environments: &Node, contents: &mut Contents) {
    for environment in environments.entries() {
        let variables = environment.value.get("env-vars").map(Node::entries);
        for variable in variables.unwrap_or_default() {
            variable_into(variable, contents);
        }
    }
}

fn variable_into(entry: &Entry, contents: &mut Contents) {
    let Some(value) = entry.value.spelled() else {
        return;
    };
    let places = (entry.at(), value.at());
    super::environment::variable((&entry.key, value.as_str()), places, None, contents);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::syntax::toml;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    fn places(text: &str) -> Vec<String> {
        let mut contents = Contents::default();
        read(&toml::parse(text).expect(text), &mut contents);
        places_hold(text, &contents);
        let places = contents.places.iter();
        places
            .map(|place| format!("{:?} {}", place.role, &text[place.url_at.clone()]))
            .collect()
    }

    #[test]
    fn sources_of_poetry_have_their_priorities() {
        let source = |name: &str, rest: &str| {
            format!(
                "[[tool.poetry.source]]\nname = \"{name}\"\nurl = \"https://{name}.example/\"\n{rest}\n"
            )
        };
        for (sources, expected) in [
            (vec![("a", "")], vec!["Default https://a.example/"]),
            (
                vec![("a", ""), ("b", "priority = \"primary\"")],
                vec!["Default https://a.example/", "Merged https://b.example/"],
            ),
            (
                vec![
                    ("a", "priority = \"explicit\""),
                    ("b", "priority = \"supplemental\""),
                ],
                vec![
                    "Explicit https://a.example/",
                    "Supplemental https://b.example/",
                ],
            ),
            (
                vec![("a", "default = true"), ("b", "secondary = true")],
                vec!["Default https://a.example/", "Merged https://b.example/"],
            ),
            (
                vec![
                    ("a", "priority = \"default\""),
                    ("b", "priority = \"secondary\""),
                ],
                vec!["Default https://a.example/", "Merged https://b.example/"],
            ),
        ] {
            let text: String = sources
                .iter()
                .map(|(name, rest)| source(name, rest))
                .collect();
            assert_eq!(places(&text), expected, "{text}");
        }
        let by_name = "[[tool.poetry.source]]\nname = \"PyPI\"\npriority = \"primary\"\n";
        assert_eq!(places(by_name), ["Default PyPI"]);
    }

    #[test]
    fn sources_of_pdm_are_merged_unless_their_order_counts() {
        let text = "[[tool.pdm.source]]\nname = \"pypi\"\nurl = \"https://a.example/\"\n[[tool.pdm.source]]\n\
                    name = \"b\"\nurl = \"https://b.example/\"\nverify_ssl = false\n";
        assert_eq!(
            places(text),
            ["Default https://a.example/", "Merged https://b.example/"]
        );
        let ordered = format!("{text}[tool.pdm.resolution]\nrespect-source-order = true\n");
        assert_eq!(
            places(&ordered),
            ["Default https://a.example/", "Ordered https://b.example/"]
        );
    }

    #[test]
    fn options_of_uv_and_pip_tools_are_taken() {
        let text = "[[tool.uv.index]]\nurl = \"https://a.example/\"\n[tool.pip-tools]\nextra-index-url = \
                    [\"https://b.example/\"]\n[tool.pip-tools.compile]\nindex-url = \"https://c.example/\"\n";
        assert_eq!(
            places(text),
            [
                "Ordered https://a.example/",
                "Merged https://b.example/",
                "Default https://c.example/"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_document_makes_it_panic(key in "[a-z.\\[\\]]{1,20}", value in ".{0,20}") {
            let text = format!("[tool.uv]\n{key} = {value}\n[[tool.pdm.source]]\n{key} = {value}\n");
            if let Ok(root) = toml::parse(&text) {
                let mut contents = Contents::default();
                read(&root, &mut contents);
                places_hold(&text, &contents);
            }
        }
    }
}
