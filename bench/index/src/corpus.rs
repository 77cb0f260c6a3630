//! What is served and asked for: projects with their pages and files, the same bytes each time. Files
//! are made by the fixtures' builder, so that they are real wheels that an inspection accepts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use portcullis_fixtures::{Wheel, wheel};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How many links the large page has: as many as the largest ones that installers meet each day.
pub(crate) const LARGE: usize = 4_312;

/// How many links a usual page has.
pub(crate) const USUAL: usize = 48;

/// How much of a large wheel does not compress, in bytes.
pub(crate) const LARGE_WHEEL: usize = 24 << 20;

/// A file of a project.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Its name.
    pub(crate) filename: String,
    /// Its digest, in hexadecimal digits.
    pub(crate) sha256: String,
    /// Its size in bytes, as the page announces it.
    pub(crate) size: usize,
    /// Its bytes. The links of large pages lead nowhere: only the pages are asked for.
    pub(crate) body: Option<Arc<Vec<u8>>>,
}

/// A project.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// Its normalised name.
    pub(crate) name: String,
    /// Its files, in the order of the page.
    pub(crate) files: Vec<File>,
}

/// One page in the forms in which it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The bytes as they are.
    pub(crate) plain: Vec<u8>,
    /// Compressed.
    pub(crate) gzip: Vec<u8>,
}

/// Several projects, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Corpus {
    /// The projects.
    pub(crate) projects: BTreeMap<String, Project>,
}

impl Corpus {
    /// These projects.
    pub(crate) fn of(projects: impl IntoIterator<Item = Project>) -> Self {
        let named = projects
            .into_iter()
            .map(|project| (project.name.clone(), project));
        Self {
            projects: named.collect(),
        }
    }

    /// Writes everything into a folder as nginx serves it: `simple/` and `files/`.
    pub(crate) fn write_site(&self, site: &Path) -> anyhow::Result<()> {
        for project in self.projects.values() {
            let folder = site.join("simple").join(&project.name);
            fs::create_dir_all(&folder)?;
            for (name, page) in [
                ("index.json", project.json("../../files")),
                ("index.html", project.html("../../files")),
            ] {
                fs::write(folder.join(name), &page.plain)?;
                fs::write(folder.join(format!("{name}.gz")), &page.gzip)?;
            }
            let folder = site.join("files").join(&project.name);
            fs::create_dir_all(&folder)?;
            for file in &project.files {
                if let Some(body) = &file.body {
                    fs::write(folder.join(&file.filename), body.as_slice())
                        .context("cannot write a file of the site")?;
                }
            }
        }
        Ok(())
    }
}

impl Project {
    /// A project with `links` files of which only the names matter, five to a release.
    pub(crate) fn of_links(name: &str, links: usize) -> Self {
        let files = (0..links).map(|number| {
            let version = format!("1.{}.{}", number / 500, number / 5 % 100);
            let filename = match number % 5 {
                4 => format!("{name}-{version}.tar.gz"),
                tag => format!("{name}-{version}-cp31{tag}-cp31{tag}-manylinux_2_17_x86_64.whl"),
            };
            File {
                sha256: hex::encode(Sha256::digest(filename.as_bytes())),
                filename,
                size: 140_000 + number,
                body: None,
            }
        });
        Self {
            name: name.to_owned(),
            files: files.collect(),
        }
    }

    /// A project with one wheel that has at least `payload` bytes.
    pub(crate) fn of_wheel(name: &str, payload: usize) -> Self {
        Self {
            name: name.to_owned(),
            files: vec![File::of(&plain_wheel(name, "1.0", payload))],
        }
    }

    /// The only file, for projects that have one.
    pub(crate) fn only(&self) -> &File {
        &self.files[0]
    }

    /// The page as JSON (PEP 691, 700); files are below `base`.
    pub(crate) fn json(&self, base: &str) -> Page {
        let file = |file: &File| -> Value {
            json!({
                "core-metadata": false,
                "filename": file.filename,
                "hashes": { "sha256": file.sha256 },
                "requires-python": ">=3.8",
                "size": file.size,
                "upload-time": "2024-05-17T09:21:04.538219Z",
                "url": format!("{base}/{}/{}", self.name, file.filename),
                "yanked": false,
            })
        };
        let files: Vec<Value> = self.files.iter().map(file).collect();
        let page = json!({ "meta": { "api-version": "1.1" }, "name": self.name, "files": files });
        Page::of(page.to_string().into_bytes())
    }

    /// The page as HTML (PEP 503); files are below `base`.
    pub(crate) fn html(&self, base: &str) -> Page {
        let mut text = format!(
            "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.1\">\
             <title>Links for {0}</title></head><body><h1>Links for {0}</h1>\n",
            self.name
        );
        for file in &self.files {
            let (name, filename, sha256) = (&self.name, &file.filename, &file.sha256);
            text.push_str(&format!(
                "<a href=\"{base}/{name}/{filename}#sha256={sha256}\" \
                 data-requires-python=\"&gt;=3.8\">{filename}</a><br>\n"
            ));
        }
        text.push_str("</body></html>\n");
        Page::of(text.into_bytes())
    }
}

impl File {
    /// The file that a builder makes.
    pub(crate) fn of(wheel: &Wheel) -> Self {
        let body = wheel.build();
        Self {
            filename: wheel.filename(),
            sha256: hex::encode(Sha256::digest(&body)),
            size: body.len(),
            body: Some(Arc::new(body)),
        }
    }
}

impl Page {
    fn of(plain: Vec<u8>) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(&plain).expect("memory can be written to");
        let gzip = encoder.finish().expect("memory can be written to");
        Self { plain, gzip }
    }
}

/// A pure Python wheel with a module and `payload` bytes that do not compress.
pub(crate) fn plain_wheel(name: &str, version: &str, payload: usize) -> Wheel {
    let module = name.replace('-', "_");
    let body = format!("__version__ = {version:?}\n\n\ndef answer():\n    return 42\n");
    let built = wheel(name, version)
        .requires_python(">=3.8")
        .file(&format!("{module}/__init__.py"), body);
    match payload {
        0 => built,
        length => built.payload(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_corpus_is_the_same_bytes() {
        let page = || Project::of_links("large", LARGE).json("https://files.example");
        let (first, second) = (page(), page());
        assert_eq!(first.plain, second.plain);
        let read: Value = serde_json::from_slice(&first.plain).expect("it is JSON");
        assert_eq!(read["files"].as_array().expect("a list").len(), LARGE);
        let names: std::collections::BTreeSet<_> = Project::of_links("large", 10_000)
            .files
            .into_iter()
            .map(|file| file.filename)
            .collect();
        assert_eq!(names.len(), 10_000, "every file has a name of its own");
    }

    #[test]
    fn a_wheel_is_what_its_page_announces() {
        let project = Project::of_wheel("wheel-1", 10_000);
        let file = project.only();
        let body = file.body.as_ref().expect("it has bytes");
        assert_eq!(body.len(), file.size);
        assert_eq!(hex::encode(Sha256::digest(body.as_slice())), file.sha256);
    }
}
