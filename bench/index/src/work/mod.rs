//! The work that is measured, one file a kind: what is asked for over and over, what is asked for the
//! first time, installing, publishing, and much that is published.

pub(crate) mod cold;
pub(crate) mod hosted;
pub(crate) mod hot;
pub(crate) mod install;
pub(crate) mod publish;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::corpus::{Corpus, File};
use crate::figures::{Figures, What, Who};
use crate::http::{Answer, Connection};
use crate::servers::{Content, Kind, Programs, Server};
use crate::upstream::{Distance, Upstream};

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// How many rounds.
    pub(crate) rounds: u32,
    /// How long a cell of hot work takes, in seconds.
    pub(crate) seconds: u32,
    /// How many clients ask for one cold file at once.
    pub(crate) crowd: usize,
    /// How many wheels are published.
    pub(crate) uploads: usize,
    /// How many files are hosted, ten a project.
    pub(crate) hosted: usize,
    /// The bytes of a large wheel.
    pub(crate) large_wheel: usize,
    /// The links of a large page.
    pub(crate) links: usize,
    /// How much of each kind of hot work.
    pub(crate) cells: Cells,
}

/// How much of each kind of hot work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cells {
    /// All of it.
    All,
    /// The first of each kind.
    OneEach,
}

/// What all work needs.
pub(crate) struct Bench {
    /// The programs to run.
    pub(crate) programs: Programs,
    /// Who is measured.
    pub(crate) servers: Vec<Kind>,
    /// How much is done.
    pub(crate) extent: Extent,
    /// uv, where installing is measured.
    pub(crate) uv: Option<PathBuf>,
    /// A folder for everything that is written.
    pub(crate) scratch: PathBuf,
    /// What was measured.
    pub(crate) figures: Figures,
}

/// A corpus that is served: as a folder and by an upstream.
pub(crate) struct Stage {
    site: PathBuf,
    /// The outside world.
    pub(crate) upstream: Upstream,
}

impl Bench {
    /// Puts a corpus where nginx and the proxies find it.
    pub(crate) fn stage(&self, name: &str, corpus: &Corpus) -> anyhow::Result<Stage> {
        let site = self.scratch.join(name).join("site");
        corpus.write_site(&site)?;
        let upstream = Upstream::start(corpus, Distance::USUAL)?;
        Ok(Stage { site, upstream })
    }

    /// Starts a server that has seen nothing yet.
    pub(crate) fn start(&self, kind: Kind, stage: &Stage, name: &str) -> anyhow::Result<Server> {
        let state = self.scratch.join(name).join(kind.name());
        if state.exists() {
            std::fs::remove_dir_all(&state)?;
        }
        self.start_again(kind, stage, name)
    }

    /// Starts a server with what it had.
    pub(crate) fn start_again(
        &self,
        kind: Kind,
        stage: &Stage,
        name: &str,
    ) -> anyhow::Result<Server> {
        let state = self.scratch.join(name).join(kind.name());
        let content = Content {
            site: &stage.site,
            upstream: stage.upstream.port,
        };
        Server::start(kind, &self.programs, &content, &state)
    }

    /// Those servers that have an index of what others have.
    pub(crate) fn proxies(&self) -> Vec<Kind> {
        let proxies = self.servers.iter().copied().filter(|kind| kind.proxies());
        proxies.collect()
    }

    /// Notes a figure of a server.
    pub(crate) fn note(&mut self, what: What, kind: Kind, round: u32, value: f64) {
        self.figures.note(what, Who::Server(kind), round, value);
    }
}

/// The header fields by which JSON is asked for.
pub(crate) const AS_JSON: (&str, &str) = ("Accept", "application/vnd.pypi.simple.v1+json");

/// Gets a path on a connection of its own and takes all of it into memory.
pub(crate) fn get(
    port: u16,
    path: &str,
    fields: &[(&str, &str)],
) -> anyhow::Result<(Answer, Vec<u8>)> {
    let mut body = Vec::new();
    let answer =
        Connection::open(port)?.get(path, fields, |piece| body.extend_from_slice(piece))?;
    if answer.status != 200 {
        let said = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        bail!("{path}: status {}: {said}", answer.status);
    }
    Ok((answer, body))
}

/// The path of a file on its server, by the page of its project.
pub(crate) fn path_of_file(port: u16, page: &str, filename: &str) -> anyhow::Result<String> {
    let (_, body) = get(port, page, &[AS_JSON])?;
    let read: Value = serde_json::from_slice(&body).context("a page that is no JSON")?;
    let files = read["files"].as_array().context("a page without files")?;
    let file = files.iter().find(|file| file["filename"] == filename);
    let url = file.and_then(|file| file["url"].as_str());
    let url = url.with_context(|| format!("{page} does not list {filename}"))?;
    Ok(resolve(page, url))
}

/// The path that `reference` on `page` leads to on the same server.
fn resolve(page: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if let Some((_, rest)) = reference.split_once("://") {
        let start = rest.find('/').unwrap_or(rest.len());
        return rest[start..].to_owned();
    }
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for part in reference.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." => {}
            part => path.push(part),
        }
    }
    path.join("/")
}

/// Gets a file and makes sure that it is whole and the right one.
pub(crate) fn get_verified(port: u16, path: &str, file: &File) -> anyhow::Result<Answer> {
    let mut hasher = Sha256::new();
    let answer = Connection::open(port)?.get(path, &[], |piece| hasher.update(piece))?;
    let sha256 = hex::encode(hasher.finalize());
    if answer.status != 200 || sha256 != file.sha256 {
        bail!("{path}: status {}, sha256 {sha256}", answer.status);
    }
    Ok(answer)
}

/// Makes sure that a page lists as many files as it should.
pub(crate) fn check_page(kind: Kind, body: &[u8], links: usize) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(body);
    let found = match text.trim_start().starts_with('{') {
        true => text.matches("\"filename\"").count(),
        false => text.matches("<a ").count(),
    };
    if found != links {
        bail!("{} lists {found} of {links} files", kind.name());
    }
    Ok(())
}

/// A folder within the scratch space that is there and empty.
pub(crate) fn empty_folder(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    Ok(std::fs::create_dir_all(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_where_they_say() {
        for (reference, expected) in [
            ("../../files/a/a.whl#sha256=1", "/files/a/a.whl"),
            ("http://127.0.0.1:80/files/a.whl", "/files/a.whl"),
            ("/files/a.whl", "/files/a.whl"),
            ("./a.whl", "/simple/a/a.whl"),
        ] {
            assert_eq!(resolve("/simple/a/", reference), expected, "{reference}");
        }
    }

    #[test]
    fn a_page_with_a_file_missing_is_not_measured() {
        let page = crate::corpus::Project::of_links("a", 10);
        for body in [page.json("/f").plain, page.html("/f").plain] {
            assert!(check_page(Kind::Nginx, &body, 10).is_ok());
            assert!(check_page(Kind::Nginx, &body, 11).is_err());
        }
    }
}
