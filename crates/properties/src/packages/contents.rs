//! [`Distribution`]: the files of a wheel or sdist called `demo`: those of a sample, changed, and others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;

use super::{Entry, bzip2, gzip, tar, zip};
use crate::choices::Choices;
use crate::python_text::{change, python, samples};

/// The kinds of archive that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Wheel,
    GzipSdist,
    Bzip2Sdist,
    ZipSdist,
}

/// What is in an archive, and of which kind that is.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    pub(crate) form: Form,
    pub(crate) entries: Vec<Entry>,
}

const WHEEL_NAMES: &[&str] = &[
    "demo/__init__.py",
    "demo/a.py",
    "demo/b/__init__.py",
    "demo/b/c.py",
    "demo.pth",
    "demo.start",
    "sitecustomize.py",
    "demo-1.0.data/scripts/demo",
    "demo-1.0.data/purelib/x.py",
    "demo-1.0.data/data/etc/x",
    "demo-1.0.dist-info/entry_points.txt",
    "demo-1.0.dist-info/METADATA",
    "demo-1.0.dist-info/WHEEL",
    "demo-1.0.dist-info/RECORD.jws",
    "demo-1.0.dist-info/licenses/LICENSE",
    "demo/__pycache__/a.cpython-311.pyc",
    "demo/lib.so",
    "demo/a.png",
    "demo/a.wav",
    "demo/inner.zip",
    "demo/inner.whl",
    "tests/test_a.py",
    "requests/__init__.py",
    "DEMO/a.py",
    "demo/../x.py",
    "demo\\x.py",
];

const SDIST_NAMES: &[&str] = &[
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "PKG-INFO",
    "src/demo/__init__.py",
    "demo/__init__.py",
    "demo/a.py",
    "backend/__init__.py",
    "tests/test_a.py",
    "docs/conf.py",
    "demo.egg-info/PKG-INFO",
    "demo.egg-info/entry_points.txt",
    "demo/x.pth",
    "data/x.tar.gz",
    "../x.py",
];

const CONTENTS: &[&[u8]] = &[
    b"",
    b"import os; os.system('a')\n",
    b"../demo\nimport a; a.b()\n",
    b"[console_scripts]\npip = demo:f\n[pytest11]\nx = demo\n",
    b"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: a @ git+https://a.invalid/b\n\nText\n",
    b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0",
    b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\0IEND\xaeB`\x82",
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0data\0\0\0\0",
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff;",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xd9",
    b"\xa7\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0\xe3\0\0\0\0",
    b"#!/usr/bin/env python3\nimport os\n",
    b"#!/bin/sh\nexit 0\n",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0",
    b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"\xef\xbb\xbfimport os\n",
    b"\xff\xfei\0m\0p\0",
];

impl Distribution {
    /// Reads a distribution off `choices`.
    pub(crate) fn chosen(choices: &mut Choices<'_>) -> Self {
        let forms = [
            Form::Wheel,
            Form::GzipSdist,
            Form::ZipSdist,
            Form::Bzip2Sdist,
        ];
        let form = choices.one_of(&forms);
        let mut made = Self {
            form,
            entries: Vec::new(),
        };
        made.add_sample(choices);
        for _ in 0..choices.below(5) {
            made.add_file(choices);
        }
        made.change(choices);
        made
    }

    /// Changes a few files.
    pub(crate) fn change(&mut self, choices: &mut Choices<'_>) {
        for _ in 0..choices.below(6) {
            if self.entries.is_empty() {
                return;
            }
            let at = choices.below(self.entries.len());
            let mut text = String::from_utf8_lossy(&self.entries[at].data).into_owned();
            change(&mut text, choices);
            self.entries[at].data = text.into_bytes();
        }
        if choices.seldom(3) {
            self.add_file(choices);
        }
    }

    fn add_sample(&mut self, choices: &mut Choices<'_>) {
        let samples = samples();
        let technique = samples[choices.below(samples.len())];
        let spelling = &technique.spellings[choices.below(technique.spellings.len())];
        for (path, content) in spelling.files {
            // A sample names its folders of metadata with a star.
            let path = path.replace("*.dist-info", "demo-1.0.dist-info");
            let path = path.replace("*.data", "demo-1.0.data");
            self.put(path.into_bytes(), content.bytes());
        }
    }

    fn add_file(&mut self, choices: &mut Choices<'_>) {
        let names = match self.form {
            Form::Wheel => WHEEL_NAMES,
            _ => SDIST_NAMES,
        };
        let name = match choices.seldom(10) {
            true => choices.bytes(40).to_vec(),
            false => choices.one_of(names).into(),
        };
        let data = match choices.below(6) {
            0 => choices.one_of(CONTENTS).to_vec(),
            1 => [choices.one_of(CONTENTS), python(choices).as_bytes()].concat(),
            2 => choices.bytes(600).to_vec(),
            3 => inner(choices),
            _ => python(choices).into_bytes(),
        };
        self.put(name, data);
    }

    /// Adds a file; one of the same name makes way as often as not.
    fn put(&mut self, name: Vec<u8>, data: Vec<u8>) {
        self.entries.retain(|entry| entry.name != name);
        self.entries.push(Entry { name, data });
    }

    /// The archive, and what it is called.
    pub(crate) fn pack(&self, choices: &mut Choices<'_>) -> (Vec<u8>, DistFilename) {
        let (bytes, name) = match self.form {
            Form::Wheel => (
                zip(&self.wheel_entries(choices), choices),
                "demo-1.0-py3-none-any.whl",
            ),
            Form::ZipSdist => (zip(&self.sdist_entries(), choices), "demo-1.0.zip"),
            Form::GzipSdist => (
                gzip(&tar(&self.sdist_entries(), choices)),
                "demo-1.0.tar.gz",
            ),
            Form::Bzip2Sdist => (
                bzip2(&tar(&self.sdist_entries(), choices)),
                "demo-1.0.tar.bz2",
            ),
        };
        let filename = DistFilename::parse(name, None).expect("a distribution's name");
        (bytes, filename)
    }

    fn sdist_entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        let has_metadata = entries.iter().any(|entry| entry.name == b"PKG-INFO");
        if !has_metadata {
            entries.push(Entry::new("PKG-INFO", METADATA));
        }
        for entry in &mut entries {
            entry.name.splice(0..0, *b"demo-1.0/");
        }
        entries
    }

    fn wheel_entries(&self, choices: &mut Choices<'_>) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        let mut complete = |name: &str, text: &str| {
            if !entries.iter().any(|entry| entry.name == name.as_bytes()) {
                entries.push(Entry::new(name, text));
            }
        };
        complete("demo-1.0.dist-info/METADATA", METADATA);
        complete("demo-1.0.dist-info/WHEEL", WHEEL);
        let record = record(&entries, choices);
        entries.push(Entry::new("demo-1.0.dist-info/RECORD", record));
        entries
    }
}

/// The metadata of the distribution that is made.
pub(crate) const METADATA: &str = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\nText.\n";
/// Its WHEEL.
pub(crate) const WHEEL: &str =
    "Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n";

/// RECORD of `entries`, wrong in a line now and then.
fn record(entries: &[Entry], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut record = Vec::new();
    for entry in entries {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::of(&entry.data).as_bytes());
        let line = format!(",sha256={digest},{}\n", entry.data.len());
        match choices.below(40) {
            37 => record.extend([&entry.name[..], b",,\n"].concat()),
            38 => record.extend(choices.bytes(80)),
            39 => {}
            _ => record.extend([&entry.name[..], line.as_bytes()].concat()),
        }
    }
    record.extend(b"demo-1.0.dist-info/RECORD,,\n");
    record
}

/// An archive inside the archive.
fn inner(choices: &mut Choices<'_>) -> Vec<u8> {
    let entries = [
        Entry::new("demo/x.py", python(choices)),
        Entry::new("demo/y", choices.one_of(CONTENTS)),
    ];
    match choices.below(2) {
        0 => zip(&entries, choices),
        _ => gzip(&tar(&entries, choices)),
    }
}
