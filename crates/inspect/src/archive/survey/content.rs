//! [`Content`]: what a file is by its first bytes, whatever its name says.

/// How many first bytes are looked at.
pub(super) const HEAD: usize = 4096;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Linux and BSD programs and libraries.
    Elf,
    /// Windows programs and libraries.
    Pe,
    /// macOS programs and libraries, of one or several architectures.
    MachO,
    /// WebAssembly.
    Wasm,
    /// Java classes.
    JavaClass,
    /// Android bytecode.
    Dex,
    /// A Windows shortcut.
    Shortcut,
    /// A Windows installer, an old Office document.
    Ole,
    /// A Windows cabinet.
    Cabinet,
    /// Compiled Python.
    Pyc,
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture.
    Gif,
    /// WAV, AVI, WebP and others.
    Riff,
    /// A zip archive, and what is made of one.
    Zip,
    /// Compressed data.
    Gzip,
    /// Compressed data.
    Bzip2,
    /// Compressed data.
    Xz,
    /// Compressed data.
    Zstd,
    /// An archive.
    SevenZip,
    /// An archive.
    Rar,
    /// An archive.
    Tar,
    /// A document.
    Pdf,
    /// A database.
    Sqlite,
    /// A program that says which interpreter runs it.
    Script,
    /// Text that reads like Python.
    Python,
    /// Other text.
    Text,
    /// Anything else.
    Binary,
}

/// First bytes, and what they mean.
const MAGIC: &[(&[u8], Content)] = &[
    (b"\x7fELF", Content::Elf),
    (b"\xfe\xed\xfa\xce", Content::MachO),
    (b"\xfe\xed\xfa\xcf", Content::MachO),
    (b"\xce\xfa\xed\xfe", Content::MachO),
    (b"\xcf\xfa\xed\xfe", Content::MachO),
    (b"\0asm", Content::Wasm),
    (b"dex\n03", Content::Dex),
    (b"\x4c\0\0\0\x01\x14\x02\0", Content::Shortcut),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Content::Ole),
    (b"MSCF\0\0\0\0", Content::Cabinet),
    (b"\x89PNG\r\n\x1a\n", Content::Png),
    (b"\xff\xd8\xff", Content::Jpeg),
    (b"GIF87a", Content::Gif),
    (b"GIF89a", Content::Gif),
    (b"PK\x03\x04", Content::Zip),
    (b"PK\x05\x06", Content::Zip),
    (b"\x1f\x8b\x08", Content::Gzip),
    (b"BZh", Content::Bzip2),
    (b"\xfd7zXZ\0", Content::Xz),
    (b"\x28\xb5\x2f\xfd", Content::Zstd),
    (b"7z\xbc\xaf\x27\x1c", Content::SevenZip),
    (b"Rar!\x1a\x07", Content::Rar),
    (b"%PDF-", Content::Pdf),
    (b"SQLite format 3\0", Content::Sqlite),
];

impl Content {
    /// What `head`, the first bytes of a file (up to 4 KiB), says that it is.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        if head.is_empty() {
            return Self::Empty;
        }
        if let Some((_, content)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
            return *content;
        }
        if is_pe(head) {
            return Self::Pe;
        }
        if head.starts_with(b"RIFF") && head.len() >= 12 {
            return Self::Riff;
        }
        if head.starts_with(b"\xca\xfe\xba\xbe") {
            return fat_or_class(head);
        }
        if head.get(257..262) == Some(b"ustar") {
            return Self::Tar;
        }
        if is_pyc(head) {
            return Self::Pyc;
        }
        match is_text(head) {
            false => Self::Binary,
            true if is_script(head) => Self::Script,
            true if reads_like_python(head) => Self::Python,
            true => Self::Text,
        }
    }

    /// Whether a processor or a virtual machine runs it.
    #[must_use]
    pub fn is_native(self) -> bool {
        matches!(self, Self::Elf | Self::Pe | Self::MachO | Self::Wasm)
    }

    /// Whether it is a picture or sound.
    #[must_use]
    pub fn is_media(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::Riff)
    }

    /// Whether somebody can run it, or unpack it and run what it holds.
    #[must_use]
    pub fn is_payload(self) -> bool {
        self.is_native()
            || matches!(
                self,
                Self::JavaClass
                    | Self::Dex
                    | Self::Shortcut
                    | Self::Ole
                    | Self::Cabinet
                    | Self::Pyc
            )
            || matches!(
                self,
                Self::Zip | Self::SevenZip | Self::Rar | Self::Script | Self::Python
            )
    }
}

/// `MZ` alone begins many a text: the header it points to has to be there, or be out of sight.
fn is_pe(head: &[u8]) -> bool {
    if !head.starts_with(b"MZ") {
        return false;
    }
    let at = head
        .get(0x3c..0x40)
        .and_then(|at| at.try_into().ok())
        .map(u32::from_le_bytes);
    match at.map(|at| at as usize) {
        Some(at) if at + 4 <= head.len() => head.get(at..at + 4) == Some(b"PE\0\0"),
        Some(at) => head.len() >= HEAD && at < 1 << 20,
        None => false,
    }
}

/// A fat Mach-O counts its architectures where a class file has its version, which is above 44.
fn fat_or_class(head: &[u8]) -> Content {
    let count = head
        .get(4..8)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_be_bytes);
    match count {
        Some(0..=40) => Content::MachO,
        _ => Content::JavaClass,
    }
}

fn is_pyc(head: &[u8]) -> bool {
    let Some([low, high, b'\r', b'\n']) = head.get(..4) else {
        return false;
    };
    let magic = u16::from_le_bytes([*low, *high]);
    head.len() >= 8 && (matches!(magic, 3000..=4000) || magic == 62211)
}

fn is_text(head: &[u8]) -> bool {
    if memchr::memchr(0, head).is_some() {
        return false;
    }
    let is_odd = |byte: u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    let odd: u32 = head.iter().map(|byte| u32::from(is_odd(*byte))).sum();
    if odd as usize * 50 > head.len() {
        return false;
    }
    match std::str::from_utf8(head) {
        Ok(_) => true,
        // A character may be cut at the end of the head.
        Err(error) if error.valid_up_to() + 4 > head.len() => true,
        // Old text in some other encoding: few bytes are not ASCII.
        Err(_) => head.iter().filter(|byte| !byte.is_ascii()).count() * 4 < head.len(),
    }
}

fn is_script(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"#!") else {
        return false;
    };
    // Installers replace `#!python`, which wheels carry instead of a path (PEP 427).
    rest.starts_with(b"python") || rest.iter().take(80).any(|byte| *byte == b'/')
}

/// At least two lines of the first ones are such as only Python has, and no line speaks against it.
fn reads_like_python(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let has_import_call = text.contains("__import__(");
    // Nearly every line begins with something else, which is seen before its characters are read.
    let may_be = |line: &str| {
        let first = line.bytes().find(|byte| !matches!(byte, b' ' | b'\t'));
        !matches!(first, Some(b'!'..=b'c' | b'g' | b'h' | b'j'..=b'~') | None)
    };
    let is_python = |line: &&str| {
        if !may_be(line) {
            return has_import_call && line.contains("__import__(");
        }
        let line = line.trim_start();
        let import = line
            .strip_prefix("import ")
            .map(|rest| rest.split([',', ' ', ';', '.']).next());
        let imports = import.flatten().is_some_and(is_identifier);
        imports && !line.contains('"') && !line.contains('\'')
            || line.starts_with("from ") && line.contains(" import ")
            || line.starts_with("def ") && line.ends_with(':')
            || line.starts_with("exec(")
            || has_import_call && line.contains("__import__(")
    };
    let lines = text.lines().take(200).filter(is_python).count();
    let may_be_python = lines >= 2 || (lines == 1 && text.contains("exec("));
    let braces = || {
        let ends = text.lines().take(200).map(str::trim_end);
        ends.filter(|line| line.ends_with(['{', ';'])).count()
    };
    may_be_python && braces() * 4 <= lines
}

fn is_identifier(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_their_bytes_say() {
        let mut windows = vec![0; 0x80];
        windows[..2].copy_from_slice(b"MZ");
        windows[0x3c] = 0x40;
        windows[0x40..0x44].copy_from_slice(b"PE\0\0");
        let cases: [(&[u8], Content); 14] = [
            (b"", Content::Empty),
            (b"\x7fELF\x02\x01", Content::Elf),
            (&windows, Content::Pe),
            (b"MZ is how this text begins", Content::Text),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", Content::MachO),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", Content::JavaClass),
            (b"\xa7\r\r\n\0\0\0\0", Content::Pyc),
            (b"PK\x03\x04", Content::Zip),
            (b"RIFF\0\0\0\0WAVE", Content::Riff),
            (b"#!/bin/sh\n", Content::Script),
            (b"import os\nimport sys\n", Content::Python),
            (
                b"import React from 'react';\nimport { a } from 'b';\n",
                Content::Text,
            ),
            ("Zürich".as_bytes(), Content::Text),
            (b"\x01\x02\x03\xff\xfe", Content::Binary),
        ];
        for (head, content) in cases {
            assert_eq!(Content::of(head), content, "{head:?}");
        }
    }
}
