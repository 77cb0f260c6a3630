//! `[tool.portcullis.audit]` in the `pyproject.toml` of this folder: what the project lives with, and from when on
//! something counts.

use portcullis_core::advisory::audit::Ignore;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_server::config::Period;
use serde::Deserialize;

use super::FailOn;
use crate::exit::failure;

const FILE: &str = "pyproject.toml";

/// What the project says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) fail_on: Option<FailOn>,
    #[serde(deserialize_with = "period")]
    pub(super) max_age: Option<Period>,
    ignore: Vec<Ignored>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Ignored {
    id: String,
    reason: String,
    project: Option<String>,
    until: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    tool: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    portcullis: Portcullis,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Portcullis {
    audit: Option<Settings>,
}

fn period<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Period>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Settings {
    /// Those of this folder; none where it has no such file.
    pub(super) fn here() -> anyhow::Result<Self> {
        match std::fs::read_to_string(FILE) {
            Ok(text) => Self::read(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failure(
                format!("{FILE} cannot be read: {error}"),
                "see to its permissions and its encoding: it may say what is to be ignored",
            )),
        }
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let document: Document = toml::from_str(text).map_err(|error| {
            failure(
                format!(
                    "[tool.portcullis.audit] in {FILE} cannot be read: {}",
                    error.message()
                ),
                "it takes fail-on, max-age, and ignore = [{ id = \"…\", reason = \"…\" }]",
            )
        })?;
        Ok(document.tool.portcullis.audit.unwrap_or_default())
    }

    /// What the project lives with.
    pub(super) fn ignores(&self) -> anyhow::Result<Vec<Ignore>> {
        self.ignore.iter().map(Ignored::ignore).collect()
    }
}

impl Ignored {
    fn ignore(&self) -> anyhow::Result<Ignore> {
        let wrong = |what: String| {
            let what = format!("the ignore of {} in {FILE}: {what}", self.id);
            failure(what, "mend it: nothing is ignored by guesswork")
        };
        if self.reason.trim().is_empty() {
            return Err(wrong("it gives no reason".to_owned()));
        }
        let project = self.project.as_deref().map(ProjectName::new).transpose();
        let until = self
            .until
            .as_deref()
            .map(str::parse::<Timestamp>)
            .transpose();
        Ok(Ignore {
            id: self.id.clone(),
            project: project.map_err(|error| wrong(error.to_string()))?,
            reason: self.reason.clone(),
            until: until.map_err(|error| wrong(error.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_what_it_lives_with_and_why() {
        let text = "[project]\nname = \"x\"\n[tool.other]\na = 1\n[tool.portcullis.check]\nb = 1\n\
            [tool.portcullis.audit]\nfail-on = \"high\"\nmax-age = \"2d\"\n\
            ignore = [{ id = \"PYSEC-1\", reason = \"never called\", project = \"Foo\", until = \"2027-01-01\" }]\n";
        let settings = Settings::read(text).expect("sound");
        let ignores = settings.ignores().expect("sound");
        assert_eq!(ignores.len(), 1);
        assert_eq!(
            ignores[0].project.as_ref().map(ProjectName::as_str),
            Some("foo")
        );
        assert!(settings.fail_on.is_some() && settings.max_age.is_some());
        assert!(
            Settings::read("")
                .expect("nothing")
                .ignores()
                .expect("none")
                .is_empty()
        );
    }

    #[test]
    fn nothing_is_ignored_by_guesswork() {
        for text in [
            "ignore = [\"PYSEC-1\"]",
            "ignore = [{ id = \"PYSEC-1\" }]",
            "ignore = [{ id = \"PYSEC-1\", reason = \" \" }]",
            "ignore = [{ id = \"PYSEC-1\", reason = \"x\", until = \"soon\" }]",
            "ignore = [{ id = \"PYSEC-1\", reason = \"x\", project = \"a b\" }]",
            "ignores = []",
            "fail-on = \"never\"",
            "max-age = \"long\"",
        ] {
            let text = format!("[tool.portcullis.audit]\n{text}\n");
            let read = Settings::read(&text).and_then(|settings| settings.ignores());
            assert!(read.is_err(), "{text}");
        }
    }
}
