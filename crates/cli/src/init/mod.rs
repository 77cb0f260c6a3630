//! `portcullis init`: the two files to begin with, written from what this machine's installers use.
//! Passwords are never written; the files name the variables that hold them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use portcullis_server::config::FILE_NAME;
use portcullis_server::discovery;
use portcullis_upstream::discover::{Discovered, DiscoveredIndex, Machine};
use url::Url;

mod template;

use crate::context::wait_for;
use crate::exit::{Exit, failure};
use crate::output::print;
use template::{Upstream, policy_text};

/// Write portcullis.toml and policy.toml from what this machine's installers use today
///
/// Additional indexes become further sources, in their order. User names and passwords are not
/// written: the files name the variables that hold them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis init --data /var/lib/portcullis")]
pub struct Init {
    /// Where to write the configuration; the policy is written beside it
    #[arg(long, value_name = "FILE", default_value = FILE_NAME)]
    config: PathBuf,
    /// The data directory to be written into the configuration
    #[arg(long, value_name = "DIR", default_value = "./portcullis-data")]
    data: PathBuf,
    /// The simple index to ask for public packages [default: what pip and uv use here]
    #[arg(long, value_name = "URL")]
    upstream: Option<Url>,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

impl Init {
    /// Writes both files.
    pub fn run(self) -> anyhow::Result<Exit> {
        let policy = self.config.with_file_name("policy.toml");
        for file in [&self.config, &policy] {
            if file.exists() && !self.force {
                return Err(failure(
                    format!("{} is there already", file.display()),
                    "write elsewhere with --config FILE, or overwrite with --force",
                ));
            }
        }
        let upstreams = match self.upstream {
            Some(url) => vec![Upstream::new("pypi", url, "--upstream")],
            None => found(wait_for(async {
                Ok(discovery::look(&Machine::this()).await?)
            })?),
        };
        write(&policy, &policy_text())?;
        write(
            &self.config,
            &template::configuration_text(&self.data, &upstreams),
        )?;
        print(&told(&self.config, &policy, &upstreams))?;
        Ok(Exit::Clean)
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    let partial = path.with_extension("toml.partial");
    let mut file = std::fs::File::create(&partial).with_context(cannot)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(cannot)
}

/// The sources that a machine's indexes become: the main one first.
fn found(discovered: Discovered) -> Vec<Upstream> {
    let ca_file = discovered.ca_file.map(|file| file.path);
    let mut upstreams: Vec<Upstream> = Vec::new();
    for (position, index) in std::iter::once(discovered.index)
        .chain(discovered.extra)
        .enumerate()
    {
        let name = source_name(position, &index, &upstreams);
        let mut upstream = Upstream::new(&name, index.url, &index.found_in);
        if let Some(credentials) = index.credentials {
            upstream.needs_credentials(&credentials.username);
        }
        upstream.ca_file = ca_file
            .as_ref()
            .and_then(|path| std::path::absolute(path).ok());
        upstreams.push(upstream);
    }
    upstreams
}

/// What uv calls the index where that is a name for a source, else `pypi` for the main one and
/// `extra-1` and so on for the others.
fn source_name(position: usize, index: &DiscoveredIndex, taken: &[Upstream]) -> String {
    use portcullis_core::index::SourceName;
    let is_free = |name: &String| {
        name != "internal"
            && name.parse::<SourceName>().is_ok()
            && taken.iter().all(|upstream| upstream.name != *name)
    };
    let named = index.name.as_ref().map(|name| name.to_ascii_lowercase());
    named.filter(is_free).unwrap_or_else(|| match position {
        0 => "pypi".to_owned(),
        position => format!("extra-{position}"),
    })
}

fn told(config: &Path, policy: &Path, upstreams: &[Upstream]) -> String {
    let mut text = String::from("Found:\n\n");
    for upstream in upstreams {
        text.push_str(&format!(
            "  {:<10} {} ({})\n",
            upstream.name, upstream.url, upstream.found_in
        ));
    }
    text.push_str(&format!(
        "\nWrote {} and {}.\n",
        config.display(),
        policy.display()
    ));
    let variables: Vec<String> = upstreams.iter().flat_map(Upstream::variables).collect();
    if !variables.is_empty() {
        text.push_str(&format!(
            "Set these before the start, as nothing secret was written: {}\n",
            variables.join(", ")
        ));
    }
    if upstreams.len() > 1 {
        text.push_str(
            "Read what the files say about the additional sources: which of them are yours?\n",
        );
    }
    let flag = match config == Path::new(FILE_NAME) {
        true => String::new(),
        false => format!(" --config {}", config.display()),
    };
    text.push_str(&format!("\nNext:  portcullis serve{flag}\n"));
    text
}

#[cfg(test)]
mod tests {
    use portcullis_upstream::credentials::Credentials;

    use super::*;

    fn index(url: &str, name: Option<&str>) -> DiscoveredIndex {
        DiscoveredIndex {
            url: url.parse().expect(url),
            credentials: None,
            name: name.map(str::to_owned),
            found_in: "pip.conf".to_owned(),
        }
    }

    #[test]
    fn every_index_becomes_a_source_with_a_name_of_its_own() {
        let discovered = Discovered {
            index: index("https://a.example/simple/", None),
            extra: vec![
                index("https://b.example/simple/", Some("Torch")),
                index("https://c.example/simple/", Some("torch")),
                index("https://d.example/simple/", Some("not a name")),
                index("https://e.example/simple/", Some("internal")),
            ],
            ca_file: None,
        };
        let names: Vec<String> = found(discovered)
            .into_iter()
            .map(|source| source.name)
            .collect();
        assert_eq!(names, ["pypi", "torch", "extra-2", "extra-3", "extra-4"]);
    }

    #[test]
    fn the_example_policy_is_the_one_that_is_written() {
        let example = include_str!("../../../../examples/policy.toml");
        assert_eq!(
            example,
            policy_text(),
            "run `portcullis init` in an empty folder and copy its policy.toml to examples/"
        );
    }

    #[test]
    fn passwords_are_not_written() {
        let mut with = index("https://a.example/simple/", None);
        with.credentials = Some(Credentials::new("somebody", "hunter2"));
        let discovered = Discovered {
            index: with,
            extra: Vec::new(),
            ca_file: None,
        };
        let upstreams = found(discovered);
        let text = template::configuration_text(Path::new("data"), &upstreams);
        let told = told(Path::new(FILE_NAME), Path::new("policy.toml"), &upstreams);
        for text in [text, told] {
            assert!(
                !text.contains("hunter2") && !text.contains("somebody"),
                "{text}"
            );
            assert!(text.contains("PORTCULLIS_PYPI_PASSWORD"), "{text}");
        }
    }
}
