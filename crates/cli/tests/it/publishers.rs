//! twine, uv, poetry, hatch, flit and pdm, each publishing one wheel in its own way.

use std::process::Command;

use portcullis_fixtures::{Wheel, wheel};

use crate::program::{Clients, Desk, Shown};

/// A publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publisher {
    Twine,
    Uv,
    Poetry,
    Hatch,
    Flit,
    Pdm,
}

use Publisher::{Flit, Hatch, Pdm, Poetry, Twine, Uv};

/// All of them.
pub(crate) const ALL: [Publisher; 6] = [Twine, Uv, Poetry, Hatch, Flit, Pdm];

/// All that publish a wheel which somebody else built; flit always builds its own.
pub(crate) const OF_BUILT_WHEELS: [Publisher; 5] = [Twine, Uv, Poetry, Hatch, Pdm];

/// A wheel with one module in it, and what flit would build it from.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    name: String,
    version: String,
    content: String,
    record_line: Option<String>,
}

pub(crate) fn parcel(name: &str, version: &str, content: &str) -> Parcel {
    Parcel {
        name: name.to_owned(),
        version: version.to_owned(),
        content: format!("\"\"\"A module.\"\"\"\n{content}\n"),
        record_line: None,
    }
}

impl Parcel {
    /// RECORD gives this hash for the module.
    pub(crate) fn recorded_as(mut self, sha256: &str) -> Self {
        let (module, length) = (self.module(), self.content.len());
        self.record_line = Some(format!("{module},sha256={sha256},{length}"));
        self
    }

    pub(crate) fn wheel(&self) -> Wheel {
        let built = wheel(&self.name, &self.version).file(&self.module(), &self.content);
        match &self.record_line {
            Some(line) => built.record_line(&self.module(), line),
            None => built,
        }
    }

    fn module(&self) -> String {
        format!("{}.py", self.name.replace('-', "_"))
    }
}

/// Where to, and in whose name.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Publisher {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Twine => "twine",
            Uv => "uv",
            Poetry => "poetry",
            Hatch => "hatch",
            Flit => "flit",
            Pdm => "pdm",
        }
    }

    /// Publishes a parcel, with further arguments at the end of the command.
    pub(crate) fn publish(
        self,
        clients: &Clients,
        target: &Target,
        parcel: &Parcel,
        further: &[&str],
    ) -> Shown {
        let desk = Desk::new();
        let wheel = parcel.wheel();
        let file = format!("dist/{}", wheel.filename());
        desk.write(&file, wheel.build());
        desk.write("pyproject.toml", pyproject(parcel));
        desk.write(&parcel.module(), &parcel.content);
        desk.write(".pdm-python", clients.python().to_str().unwrap());
        let mut command = self.command(clients, target, &desk, &file);
        desk.run(command.args(further))
    }

    fn command(self, clients: &Clients, target: &Target, desk: &Desk, file: &str) -> Command {
        let (url, token) = (target.url.as_str(), target.token.as_str());
        let mut command = desk.program(&clients.program(self.name(), self.name()));
        match self {
            Twine => command
                .args(["upload", "--non-interactive", "--disable-progress-bar"])
                .args([
                    "--repository-url",
                    url,
                    "-u",
                    "__token__",
                    "-p",
                    token,
                    file,
                ]),
            Uv => command
                .args(["publish", "--publish-url", url, "-t", token])
                .args(["--trusted-publishing", "never", "--no-config", "--no-cache"])
                .args(["--no-progress", file])
                .env("UV_HTTP_RETRIES", "0")
                .env("UV_NO_WRAP", "1"),
            Poetry => command
                .args(["publish", "--no-interaction", "--no-ansi", "-r", "gateway"])
                .args(["-u", "__token__", "-p", token])
                .env("POETRY_REPOSITORIES_GATEWAY_URL", url)
                .env("POETRY_KEYRING_ENABLED", "false"),
            Hatch => command
                .args(["publish", "-n", "-r", url, "-u", "__token__", "-a", token])
                .arg(file),
            Flit => command
                .args(["publish", "--format", "wheel"])
                .env("FLIT_INDEX_URL", url)
                .env("FLIT_USERNAME", "__token__")
                .env("FLIT_PASSWORD", token)
                .env("SOURCE_DATE_EPOCH", "1600000000"),
            Pdm => command
                .args(["--non-interactive", "publish", "--no-build", "-r", url])
                .args(["-u", "__token__", "-P", token])
                .env("PDM_CHECK_UPDATE", "0"),
        };
        command
    }
}

fn pyproject(parcel: &Parcel) -> String {
    let (name, version) = (&parcel.name, &parcel.version);
    format!(
        "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n\
         [project]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"A module.\"\n\
         requires-python = \">=3.10\"\n"
    )
}
