//! `portcullis lock normalize`: the addresses of a gateway in a lock turned into those of the index behind it,
//! so that the lock works for everybody, and back. Nothing but addresses is touched.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use portcullis_core::lint::addresses::{
    Address, Addresses, FileOfLock, addresses, edited, index_edits,
};
use portcullis_core::lint::is_same_index;
use portcullis_core::lint::rule::Edit;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_upstream::discover::{self, Machine};
use url::Url;

use crate::context::Place;
use crate::exit::{Exit, failure};
use crate::gateway::{Plain, find, read_lock, simple_root};
use crate::output::{count, print, visible};

/// Which addresses take the place of which
#[derive(Debug, Args)]
pub(super) struct Normalize {
    /// The lock file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put the addresses of the index behind the gateway; this is done unless --gateway is given
    #[arg(long, conflicts_with = "gateway")]
    portable: bool,
    /// Put the addresses of this gateway, or of one of its indexes
    #[arg(long, value_name = "URL")]
    gateway: Option<Url>,
    /// The gateway whose addresses are replaced [default: PORTCULLIS_URL, or the index of pip and uv
    /// where a gateway answers there]
    #[arg(long, value_name = "URL", conflicts_with = "gateway")]
    from: Option<Url>,
    /// The index behind the gateway [default: the one that pip uses without configuration]
    #[arg(long, value_name = "URL")]
    index: Option<Url>,
    /// Only show what would be changed, and exit with 1 where that is anything
    #[arg(long)]
    check: bool,
}

/// From where to where.
struct Way {
    /// The root of the simple API whose addresses are replaced.
    from: Url,
    /// The root whose addresses take their place.
    to: Url,
    goes: Goes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// To the gateway, whose addresses of files follow from their names.
    ToGateway,
    /// To the index behind it, which alone knows the addresses of its files.
    ToIndex,
}

impl Normalize {
    /// Changes the file, or says what would be changed.
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<Exit> {
        let shown = self.file.display();
        let (bytes, locked) = read_lock(&self.file)?;
        let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8"))?;
        let found = addresses(locked.format, &text).map_err(|error| {
            failure(
                format!("{shown}: {error}"),
                "give the lock of an installer, such as uv.lock",
            )
        })?;
        let way = self.way().await?;
        let mut edits = index_edits(&found, way.from.as_str(), way.to.as_str());
        edits.extend(way.file_edits(&found, place).await?);
        let changed = edited(&text, &edits).ok_or_else(|| {
            failure(
                format!("{shown}: an address would not be the same when it is read again"),
                "tell the index's operator which addresses its page has",
            )
        })?;
        if changed == text {
            print(&format!("{shown} needs no change."))?;
            return Ok(Exit::Clean);
        }
        print(&difference(&self.file, &text, &changed))?;
        let addresses = count(edits.len() as u64, "address").replace("addresss", "addresses");
        if self.check {
            print(&format!("{shown}: {addresses} would be changed."))?;
            return Ok(Exit::Findings);
        }
        replace(&self.file, &changed)?;
        print(&format!("{shown}: {addresses} changed."))?;
        Ok(Exit::Clean)
    }

    async fn way(&self) -> anyhow::Result<Way> {
        let behind = match &self.index {
            Some(url) => url.clone(),
            None => {
                let default = discover::default_index(&Machine::this()).await;
                let default = default.ok_or_else(|| {
                    failure(
                        "neither pip nor uv could be asked for its default index",
                        "name the index behind the gateway with --index URL",
                    )
                })?;
                default.url
            }
        };
        if let Some(gateway) = &self.gateway {
            return Ok(Way {
                from: behind,
                to: without_credentials(simple_root(gateway)),
                goes: Goes::ToGateway,
            });
        }
        let from = match &self.from {
            Some(url) => without_credentials(simple_root(url)),
            None => {
                let found = find(None).await?.ok_or_else(|| {
                    failure(
                        "it is not known which gateway's addresses are to be replaced",
                        "name it with --from URL or PORTCULLIS_URL",
                    )
                })?;
                found.simple
            }
        };
        Ok(Way {
            from,
            to: behind,
            goes: Goes::ToIndex,
        })
    }
}

/// Locks are read by many: they hold no credentials.
fn without_credentials(mut url: Url) -> Url {
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

type Pages = BTreeMap<ProjectName, Arc<ProjectPage>>;

impl Way {
    /// The edits of the addresses of files.
    async fn file_edits(&self, found: &Addresses, place: &Place) -> anyhow::Result<Vec<Edit>> {
        let mut meant: Vec<(&FileOfLock, &Address)> = Vec::new();
        for file in &found.files {
            if let Some(address) = file
                .address
                .as_ref()
                .filter(|one| self.may_be_meant(file, one))
            {
                meant.push((file, address));
            }
        }
        let is_open = meant.iter().any(|(file, _)| file.index.is_none());
        let needs_pages = self.goes == Goes::ToIndex || is_open;
        let pages = match needs_pages && !meant.is_empty() {
            true => self.pages(&meant, place).await?,
            false => Pages::new(),
        };
        let mut edits = Vec::new();
        for (file, address) in meant {
            // A lock that names no index leaves open whose file it is.
            if self.goes == Goes::ToGateway && file.index.is_none() && !lists(&pages, file, address)
            {
                continue;
            }
            edits.push(Edit {
                at: address.at.clone(),
                with: self.address_of(file, &pages)?,
            });
        }
        Ok(edits)
    }

    /// Whether a file comes from where addresses are replaced.
    fn may_be_meant(&self, file: &FileOfLock, address: &Address) -> bool {
        match (&file.index, self.goes) {
            (Some(index), _) => is_same_index(index, self.from.as_str()),
            (None, Goes::ToGateway) => true,
            (None, Goes::ToIndex) => address.url.starts_with(files_root(&self.from).as_str()),
        }
    }

    /// The pages of the index behind the gateway.
    async fn pages(
        &self,
        meant: &[(&FileOfLock, &Address)],
        place: &Place,
    ) -> anyhow::Result<Pages> {
        let behind = match self.goes {
            Goes::ToIndex => &self.to,
            Goes::ToGateway => &self.from,
        };
        let plain = Plain::open(Some(behind), place).await?;
        let projects = meant.iter().map(|(file, _)| file.project.clone());
        let mut pages = Pages::new();
        for (project, said) in plain.pages(projects).await {
            match said {
                Ok(Some(page)) => {
                    pages.insert(project, page);
                }
                Ok(None) => {}
                Err(why) => {
                    return Err(failure(
                        format!("the index cannot be asked for {project}: {why}"),
                        "try again when it answers; nothing was changed",
                    ));
                }
            }
        }
        Ok(pages)
    }

    /// The address that a file has where the way goes. Only the very same bytes are another address of a file.
    fn address_of(&self, file: &FileOfLock, pages: &Pages) -> anyhow::Result<String> {
        if self.goes == Goes::ToGateway {
            return Ok(file_of_gateway(&self.to, file));
        }
        let page = pages.get(&file.project);
        let listed = page.and_then(|page| page.file(&file.filename));
        let why = match listed {
            None => "does not list it",
            Some(listed) if file.sha256.is_none() || listed.sha256() != file.sha256 => {
                "has it with another digest"
            }
            Some(listed) => return Ok(listed.url.to_string()),
        };
        let filename = visible(&file.filename);
        Err(failure(
            format!("{filename} has no other address: the index behind the gateway {why}"),
            "lock that release from the index, or leave the lock to the gateway; nothing was changed",
        ))
    }
}

/// Whether the page lists a file under this address, with the digest of the lock.
fn lists(pages: &Pages, file: &FileOfLock, address: &Address) -> bool {
    let page = pages.get(&file.project);
    let listed = page.and_then(|page| page.file(&file.filename));
    listed.is_some_and(|listed| *listed.url == *address.url && listed.sha256() == file.sha256)
}

/// Where a gateway has the files of an index: beside the simple API.
fn files_root(simple: &Url) -> Url {
    let mut root = simple.clone();
    let path = simple.path().trim_end_matches('/');
    let path = path.strip_suffix("/simple").unwrap_or(path).to_owned();
    root.set_path(&format!("{path}/files/"));
    root
}

fn file_of_gateway(simple: &Url, file: &FileOfLock) -> String {
    let root = files_root(simple);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+!".contains(&byte);
    let mut filename = String::new();
    for byte in file.filename.bytes() {
        match plain(byte) {
            true => filename.push(char::from(byte)),
            false => filename.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{root}{}/{filename}", file.project)
}

/// What changes, line by line: no line is added or removed.
fn difference(path: &Path, before: &str, after: &str) -> String {
    let shown = path.display();
    let mut text = format!("--- {shown}\n+++ {shown}\n");
    let pairs = before.lines().zip(after.lines()).zip(1_u32..);
    for ((old, new), number) in pairs.filter(|((old, new), _)| old != new) {
        let (old, new) = (visible(old), visible(new));
        text += &format!("@@ line {number} @@\n-{old}\n+{new}\n");
    }
    text
}

/// Puts a text in the place of a file, as a whole or not at all. Its permissions stay.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    // What a link points at is changed, and not the link.
    let path = std::fs::canonicalize(path).with_context(|| format!("cannot find {shown}"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(&path)?.permissions();
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write beside {shown}"))?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(&path)
        .with_context(|| format!("cannot replace {shown}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_has_its_files_beside_its_pages() {
        let file = FileOfLock {
            project: "foo".parse().expect("a name"),
            version: None,
            filename: "foo-1.0+cu 1.whl".to_owned(),
            sha256: None,
            address: None,
            index: None,
        };
        for (simple, expected) in [
            (
                "http://a.example/simple/",
                "http://a.example/files/foo/foo-1.0+cu%201.whl",
            ),
            (
                "http://a.example/main/simple/",
                "http://a.example/main/files/foo/foo-1.0+cu%201.whl",
            ),
        ] {
            let simple = Url::parse(simple).expect(simple);
            assert_eq!(file_of_gateway(&simple, &file), expected);
        }
    }

    #[test]
    fn only_what_changes_is_shown() {
        let shown = difference(Path::new("uv.lock"), "a\nb\nc\n", "a\nB\nc\n");
        assert_eq!(shown, "--- uv.lock\n+++ uv.lock\n@@ line 2 @@\n-b\n+B\n");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("uv.lock");
        std::fs::write(&path, "before").expect("a file");
        let mut permissions = std::fs::metadata(&path).expect("a file").permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions.clone()).expect("permissions");
        replace(&path, "after").expect("it can be replaced");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "after");
        let after = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(after, permissions);
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 1);
    }
}
