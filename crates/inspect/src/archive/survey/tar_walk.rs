//! A tarball from end to end: decompression, members one after the other, their extension headers,
//! the end, and what stands behind it.

use std::io::{self, Read, Seek};

use super::appended::Ending;
use super::content::Content;
use super::fact::{MemberFact, MemberKind};
use super::flaw::Flaw;
use super::gathering::Gathering;
use super::intake::Intake;
use super::names::{Folders, name_flaws, report_clashes, without_repetitions};
use super::second_tar::{Listed, Skeleton, compare_with_second_reader};
use super::streams::{Compression, Streams};
use super::tar_header::{BLOCK, Extended, Header, parse};
use super::window::Window;
use crate::archive::tarball::stays_inside;

const CHUNK: usize = 64 << 10;
/// How many bytes are inflated between two looks at the ratio.
const WATCH: u64 = 16 << 20;
/// The longest extension header that is read, in bytes.
const LONGEST_EXTENSION: u64 = 1 << 20;

/// Reads the whole archive into `gathering`.
///
/// # Errors
/// Those of the reader; what is wrong with the archive is reported instead.
pub(super) fn walk_tar(archive: impl Read + Seek, gathering: &mut Gathering<'_>) -> io::Result<()> {
    let mut window = Window::new(archive)?;
    let head = window.piece(0, 8)?;
    window.go_to(0)?;
    let Some(compression) = Compression::of(&head) else {
        gathering
            .violations
            .container(Flaw::Unreadable, "not compressed as sdists are");
        return Ok(());
    };
    check_compression(compression, gathering);
    let length = window.length;
    let (streams, oddities) = Streams::new(window, compression);
    let mut walk = Walk {
        streams,
        length,
        position: 0,
        watched: 0,
        skeleton: Skeleton::default(),
        listed: Vec::new(),
        extended: Extended::default(),
        gathering,
    };
    let ended = walk.members();
    let failed = match ended.and_then(|end| walk.check_ending(end)) {
        Ok(()) => false,
        Err(error) if is_in_the_data(&error) => true,
        Err(error) => return Err(error),
    };
    if failed && !walk.gathering.is_stopped() {
        walk.gathering
            .violations
            .container(Flaw::DataBroken, "the compressed data");
    }
    let (skeleton, listed, position) = (walk.skeleton, walk.listed, walk.position);
    let oddities = *oddities.borrow();
    conclude(skeleton, &listed, position, gathering);
    let violations = &mut gathering.violations;
    if oddities.more_streams > 0 {
        let evidence = format!("{} behind the first one", oddities.more_streams);
        violations.container(Flaw::ConcatenatedStreams, evidence);
    }
    if oddities.trailing {
        violations.container(Flaw::Trailing, "behind the compressed data");
    } else if oddities.padding {
        violations.container(Flaw::Padding, "behind the compressed data");
    }
    Ok(())
}

fn check_compression(compression: Compression, gathering: &mut Gathering<'_>) {
    let name = gathering.filename.as_str();
    let said = match compression {
        Compression::Gzip => name.ends_with("gz"),
        Compression::Bzip2 => name.ends_with("bz2"),
        Compression::Xz => name.ends_with("xz"),
    };
    if !said {
        gathering
            .violations
            .container(Flaw::OtherContainer, format!("{compression:?}"));
    }
}

/// What decompressors say of broken data, as against a failing disk.
fn is_in_the_data(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    matches!(
        error.kind(),
        InvalidData | InvalidInput | Other | UnexpectedEof
    ) || error.raw_os_error().is_none() && error.kind() != io::ErrorKind::TimedOut
}

/// Clashes, and the second opinion, unless the first one already found the archive unreadable.
fn conclude(
    mut skeleton: Skeleton,
    listed: &[Listed],
    position: u64,
    gathering: &mut Gathering<'_>,
) {
    let (names, repeated) = without_repetitions(&gathering.members);
    report_clashes(&names, Folders::Repeatedly, &mut gathering.violations);
    for name in repeated {
        gathering.violations.member(Flaw::Repeated, &name, "");
    }
    let broken = [
        Flaw::DataBroken,
        Flaw::TarHeader,
        Flaw::Sparse,
        Flaw::TarLoneZeroBlock,
        Flaw::TarNoEnd,
        Flaw::NotInspected,
    ];
    if skeleton.is_incomplete {
        gathering
            .violations
            .container(Flaw::NotInspected, "by a second reader: too many members");
    } else if !gathering.violations.has(&broken) {
        skeleton.finish(position);
        compare_with_second_reader(skeleton, listed, &mut gathering.violations);
    }
}

/// How the members ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With two blocks of zeros.
    Marked,
    /// With the data, or where reading gave up.
    Reached,
}

struct Walk<'g, 'a, R: Read> {
    streams: Streams<R>,
    /// Of the compressed archive, in bytes.
    length: u64,
    /// In the decompressed archive, in bytes.
    position: u64,
    watched: u64,
    skeleton: Skeleton,
    listed: Vec<Listed>,
    extended: Extended,
    gathering: &'g mut Gathering<'a>,
}

impl<R: Read> Walk<'_, '_, R> {
    fn members(&mut self) -> io::Result<End> {
        loop {
            let at = self.position;
            let Some(mut block) = self.block()? else {
                self.report(Flaw::TarNoEnd, "");
                return Ok(End::Reached);
            };
            if is_zero(&block) {
                match self.block()? {
                    None => {
                        self.report(Flaw::TarNoEnd, "one block of zeros");
                        return Ok(End::Reached);
                    }
                    Some(second) if is_zero(&second) => return Ok(End::Marked),
                    Some(second) => block = second,
                }
                self.report(Flaw::TarLoneZeroBlock, &format!("at byte {at}"));
            }
            self.skeleton.keep(self.position - BLOCK as u64, &block);
            let header = match parse(&block) {
                Ok(header) => header,
                Err(evidence) => {
                    self.report(Flaw::TarHeader, &format!("at byte {at}: {evidence}"));
                    return Ok(End::Reached);
                }
            };
            let members = self.gathering.members.len() as u64;
            if members >= self.gathering.limits.members || !self.one(header)? {
                self.report(Flaw::NotInspected, &format!("behind byte {at}"));
                return Ok(End::Reached);
            }
        }
    }

    fn report(&mut self, flaw: Flaw, evidence: &str) {
        self.gathering.violations.container(flaw, evidence);
    }

    /// The next block; `None` at the end of the data.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.streams.read(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        self.position += BLOCK as u64;
        Ok(Some(block))
    }

    /// One header and what belongs to it. `false` when reading has to stop.
    fn one(&mut self, header: Header) -> io::Result<bool> {
        match header.kind {
            b'L' | b'K' | b'x' | b'X' | b'g' => self.extension(&header),
            _ => self.member(header),
        }
    }

    fn extension(&mut self, header: &Header) -> io::Result<bool> {
        self.extended.flaws.extend(&header.flaws);
        if header.size > LONGEST_EXTENSION {
            self.report(
                Flaw::TarPax,
                &format!("an extension header of {} bytes", header.size),
            );
            return Ok(false);
        }
        let at = self.position;
        let padded = header.size.next_multiple_of(BLOCK as u64);
        let mut body = Vec::with_capacity(padded as usize);
        self.contents(padded, &mut |piece| body.extend_from_slice(piece))?;
        self.skeleton.keep(at, &body);
        // Python reads whole blocks, whatever the size says.
        if body[header.size as usize..].iter().any(|byte| *byte != 0) {
            let flaw = (Flaw::TarPax, "it goes on behind its size");
            self.extended.flaws.push(flaw);
        }
        body.truncate(header.size as usize);
        match header.kind {
            b'L' => self.extended.take_long_name(&body),
            b'K' => self.extended.take_long_link(&body),
            b'g' => {
                let mut global = Extended::default();
                global.take_pax(&body);
                if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                    self.report(Flaw::TarGlobalOverride, "");
                }
                self.extended.flaws.append(&mut global.flaws);
                self.extended.is_sparse |= global.is_sparse;
                self.extended.seen = true;
            }
            kind => {
                if kind == b'X' {
                    self.report(Flaw::UnknownType, "a pax header of Solaris");
                }
                self.extended.take_pax(&body);
            }
        }
        Ok(true)
    }

    /// Reads `size` bytes of contents and their padding.
    fn contents(&mut self, size: u64, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK.min(size.next_multiple_of(BLOCK as u64) as usize)];
        let mut left = size;
        let mut padding = size.next_multiple_of(BLOCK as u64) - size;
        while left + padding > 0 {
            let wanted = buffer.len().min((left + padding) as usize);
            let count = self.streams.read(&mut buffer[..wanted])?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let data = left.min(count as u64);
            sink(&buffer[..data as usize]);
            left -= data;
            padding -= count as u64 - data;
            self.position += count as u64;
            self.watch();
            if self.gathering.is_stopped() {
                return Err(io::Error::other("a bomb"));
            }
        }
        Ok(())
    }

    fn watch(&mut self) {
        if self.position - self.watched >= WATCH {
            self.watched = self.position;
            let members = self.gathering.members.len() as u64;
            self.gathering
                .report_volume(members, self.position, self.length);
        }
    }

    fn member(&mut self, header: Header) -> io::Result<bool> {
        let extended = std::mem::take(&mut self.extended);
        let at = self.position - BLOCK as u64;
        let size = extended.size.unwrap_or(header.size);
        let raw_path = extended.path.as_deref().unwrap_or(&header.path);
        let has_contents = !matches!(header.kind, b'1'..=b'6');
        self.listed.push(Listed {
            path: raw_path.to_vec(),
            at: if size == 0 { 0 } else { self.position },
            size,
        });
        let path = raw_path.strip_prefix(b"./").unwrap_or(raw_path);
        let is_folder = header.kind == b'5' || (header.kind == 0 && path.ends_with(b"/"));
        let mut name = String::from_utf8_lossy(path).into_owned();
        if is_folder && !name.ends_with('/') {
            name.push('/');
        }
        let link = extended.link.as_deref().unwrap_or(&header.link).to_vec();
        self.judge(&name, path, (&header, &extended), &link);
        if !has_contents || is_folder {
            let kind = match header.kind {
                b'1' | b'2' => MemberKind::Link(String::from_utf8_lossy(&link).into_owned()),
                _ if is_folder => MemberKind::Folder,
                _ => MemberKind::Special,
            };
            self.gathering.add(fact(&name, kind, 0, &header, at), None);
            return Ok(true);
        }
        if !self.gathering.may_read(size) {
            return Ok(false);
        }
        let mut intake = Intake::new(&name, self.gathering.limits);
        self.contents(size, &mut |piece| intake.take(piece))?;
        let mut taken = intake.finish();
        let bytes = taken.bytes.take();
        let mut fact = fact(&name, MemberKind::File, taken.size, &header, at);
        fact.sha256 = Some(taken.sha256);
        (fact.content, fact.ending, fact.pyc) = (taken.content, taken.ending, taken.pyc);
        fact.nested = taken.nested;
        self.gathering.add(fact, bytes);
        Ok(true)
    }

    /// Reports what is wrong with a member before it is read.
    fn judge(
        &mut self,
        name: &str,
        path: &[u8],
        (header, extended): (&Header, &Extended),
        link: &[u8],
    ) {
        let longest = self.gathering.limits.name_length;
        let violations = &mut self.gathering.violations;
        for (flaw, evidence) in header.flaws.iter().chain(&extended.flaws) {
            violations.member(*flaw, name, *evidence);
        }
        // A folder that is the archive itself has nothing but dots for a name.
        if !matches!(path, b"." | b"") {
            for flaw in name_flaws(path, longest) {
                violations.member(flaw, name, "");
            }
        }
        let mut add = |applies: bool, flaw, evidence: String| {
            if applies {
                violations.member(flaw, name, evidence);
            }
        };
        let kind = header.kind;
        let has_size = matches!(kind, b'1'..=b'6') && extended.size.unwrap_or(header.size) != 0;
        add(has_size, Flaw::TarSized, format!("{} bytes", header.size));
        let lies = extended
            .size
            .is_some_and(|size| size != header.size && header.size < 1 << 33);
        let sizes = format!(
            "{} and {:?}",
            header.size,
            extended.size.unwrap_or_default()
        );
        add(
            lies && !is_saturated(header.size, extended.size),
            Flaw::TarSizeOverride,
            sizes,
        );
        let renamed = extended
            .path
            .as_ref()
            .is_some_and(|other| is_needless(&header.path, other));
        let other = super::flaw::shown(&String::from_utf8_lossy(&header.path));
        add(
            renamed,
            Flaw::TarPathOverride,
            format!("the header says {other}"),
        );
        add(
            matches!(kind, b'3' | b'4' | b'6'),
            Flaw::Device,
            format!("type {}", kind as char),
        );
        add(
            header.mode & 0o6000 != 0,
            match kind {
                b'5' => Flaw::SetIdFolder,
                _ => Flaw::SetId,
            },
            format!("mode {:o}", header.mode),
        );
        add(
            kind == b'S' || extended.is_sparse,
            Flaw::Sparse,
            String::new(),
        );
        let is_known = matches!(kind, 0 | b'0'..=b'6' | b'S');
        // Some readers take it for a folder, and its data for a header.
        let is_file = !matches!(kind, 0 | b'1'..=b'6');
        let size = extended.size.unwrap_or(header.size);
        add(
            is_file && size > 0 && path.ends_with(b"/"),
            Flaw::FileAsFolder,
            String::new(),
        );
        add(
            !is_known,
            Flaw::UnknownType,
            format!("type {}", (kind as char).escape_debug()),
        );
        let link_kind = match kind {
            b'1' => Some(tar::EntryType::Link),
            b'2' => Some(tar::EntryType::Symlink),
            _ => None,
        };
        let leaves = link_kind.is_some_and(|kind| !stays_inside(name, link, kind));
        let target = super::flaw::shown(&String::from_utf8_lossy(link));
        add(leaves, Flaw::LinkOutside, format!("to {target}"));
    }

    /// Behind the end there may be zeros and nothing else.
    fn check_ending(&mut self, end: End) -> io::Result<()> {
        if self.extended.seen {
            self.report(Flaw::TarExtensionAlone, "");
        }
        let members = self.gathering.members.len() as u64;
        self.gathering
            .report_volume(members, self.position, self.length);
        if end == End::Reached {
            return Ok(());
        }
        let mut buffer = vec![0; CHUNK];
        let (mut behind, mut is_reported) = (0u64, false);
        loop {
            let count = self.streams.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            behind += count as u64;
            if !is_reported && buffer[..count].iter().any(|byte| *byte != 0) {
                is_reported = true;
                self.report(Flaw::TarTrailing, &format!("after byte {}", self.position));
            }
            if behind > Self::MOST_PADDING {
                self.report(Flaw::NotInspected, "padding without end");
                return Ok(());
            }
        }
    }

    /// Tape blocks are small; nobody pads by so much.
    const MOST_PADDING: u64 = 64 << 20;
}

/// A size that does not fit into the header is kept there as zero or as the largest number.
fn is_saturated(header: u64, extended: Option<u64>) -> bool {
    extended.is_some_and(|size| size >= 1 << 33) && (header == 0 || header == 0o77_777_777_777)
}

/// Long names and such as are not ASCII have to stand in an extension header.
fn is_needless(header: &[u8], extended: &[u8]) -> bool {
    let plain = |path: &[u8]| path.strip_suffix(b"/").unwrap_or(path).to_vec();
    let fits = extended.len() < 100 && extended.is_ascii();
    fits && plain(header) != plain(extended)
}

fn is_zero(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

fn fact(name: &str, kind: MemberKind, size: u64, header: &Header, at: u64) -> MemberFact {
    MemberFact {
        name: name.into(),
        kind,
        size,
        compressed: size,
        sha256: None,
        content: Content::Empty,
        mode: header.mode,
        offset: at,
        modified: header.modified,
        ending: Ending::Unknown,
        pyc: None,
        nested: None,
    }
}
