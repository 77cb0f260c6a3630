//! The tar side of [`read_sdist`](super::read_sdist): members one after the other out of a
//! decompressed stream, with the name extensions of GNU and pax read under the house's own limits,
//! since the tar crate would keep them whole.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::error::{ArchiveError, Member, Problem};
use super::limits::{Limits, too_large};
use super::member_name::check_name;
use super::sdist::Gathered;

/// Reads a tarball of `compressed` bytes out of `inflated`, its decompressed stream.
pub(super) fn read_tarball(
    inflated: impl Read,
    compressed: u64,
    gathered: &mut Gathered<'_>,
) -> Result<(), ArchiveError> {
    let counted = Rc::new(Cell::new(0));
    let meter = Meter {
        inner: inflated,
        counted: counted.clone(),
        limits: gathered.limits.clone(),
        compressed,
    };
    let mut archive = Archive::new(meter);
    let read = read_members(&mut archive, gathered);
    gathered.inflated_size = counted.get();
    // The meter's own refusal comes back through the tar crate as an I/O error.
    gathered.limits.check_total(counted.get(), compressed)?;
    read?;
    check_ending(archive.into_inner())
}

/// Counts what comes out of the decompressor, and stops a bomb.
struct Meter<R> {
    inner: R,
    counted: Rc<Cell<u64>>,
    limits: Limits,
    compressed: u64,
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.counted.set(self.counted.get() + count as u64);
        match self.limits.check_total(self.counted.get(), self.compressed) {
            Ok(()) => Ok(count),
            Err(refusal) => Err(io::Error::other(refusal.to_string())),
        }
    }
}

/// What extension headers said of the member that follows them.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

fn read_members<R: Read>(
    archive: &mut Archive<R>,
    gathered: &mut Gathered<'_>,
) -> Result<(), ArchiveError> {
    let mut extended = Extended::default();
    let mut headers = 0;
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        headers += 1;
        // A member has at most a few extension headers of its own.
        if headers / 4 > gathered.limits.members {
            return Err(too_large(gathered.limits.members, "members"));
        }
        match entry.header().entry_type() {
            EntryType::GNULongName => set(&mut extended.path, long_name(&mut entry, gathered)?)?,
            EntryType::GNULongLink => set(&mut extended.link, long_name(&mut entry, gathered)?)?,
            EntryType::XHeader => read_pax(&mut entry, gathered, &mut extended)?,
            EntryType::XGlobalHeader => {
                let mut global = Extended::default();
                read_pax(&mut entry, gathered, &mut global)?;
                if global.path.is_some() || global.link.is_some() || global.size.is_some() {
                    return Err(ArchiveError::Broken("one path or size for all members"));
                }
            }
            _ => read_one(entry, std::mem::take(&mut extended), gathered)?,
        }
    }
    match extended {
        Extended {
            path: None,
            link: None,
            size: None,
        } => Ok(()),
        _ => Err(ArchiveError::Broken(
            "an extension header without its member",
        )),
    }
}

/// Two tools could choose two different ones. Some writers say the same in GNU's and in pax's way.
fn set<T: PartialEq>(slot: &mut Option<T>, value: T) -> Result<(), ArchiveError> {
    if slot.as_ref().is_some_and(|earlier| *earlier != value) {
        return Err(ArchiveError::Broken(
            "two extension headers for the same member",
        ));
    }
    *slot = Some(value);
    Ok(())
}

fn read_whole<R: Read>(entry: &mut Entry<'_, R>, longest: u64) -> Result<Vec<u8>, ArchiveError> {
    if entry.size() > longest {
        return Err(ArchiveError::Broken("an extension header that is too long"));
    }
    let mut bytes = Vec::with_capacity(entry.size() as usize);
    entry.read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() as u64 != entry.size() {
        return Err(ArchiveError::Broken("the tar file is cut short"));
    }
    Ok(bytes)
}

/// GNU's long names end in a NUL, which is not part of them.
fn long_name<R: Read>(
    entry: &mut Entry<'_, R>,
    gathered: &Gathered<'_>,
) -> Result<Vec<u8>, ArchiveError> {
    let mut name = read_whole(entry, gathered.limits.name_length as u64 + 1)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// The longest pax header that is read, in bytes. Real ones hold a few times and one long name.
const LONGEST_PAX: u64 = 64 << 10;

fn read_pax<R: Read>(
    entry: &mut Entry<'_, R>,
    gathered: &Gathered<'_>,
    extended: &mut Extended,
) -> Result<(), ArchiveError> {
    let longest = LONGEST_PAX.max(gathered.limits.name_length as u64 * 4);
    let bytes = read_whole(entry, longest)?;
    for extension in PaxExtensions::new(&bytes) {
        let extension = extension.map_err(broken)?;
        let value = extension.value_bytes();
        match extension.key_bytes() {
            b"path" => set(&mut extended.path, value.to_vec())?,
            b"linkpath" => set(&mut extended.link, value.to_vec())?,
            b"size" => {
                let size = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                let size = size.ok_or(ArchiveError::Broken("a pax size that is no number"))?;
                set(&mut extended.size, size)?;
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(ArchiveError::Broken("a sparse file"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// One file, folder or link, with everything that was said of it before.
fn read_one<R: Read>(
    mut entry: Entry<'_, R>,
    extended: Extended,
    gathered: &mut Gathered<'_>,
) -> Result<(), ArchiveError> {
    let path = extended
        .path
        .unwrap_or_else(|| entry.header().path_bytes().into_owned());
    // `tar c ./foo-1.0` writes the detour, and every tool drops it.
    let path = path.strip_prefix(b"./").unwrap_or(&path);
    let name = check_name(path, gathered.limits.name_length)?.to_owned();
    let refuse = |problem| Err(ArchiveError::member(&name, problem));
    if extended.size.is_some_and(|size| size != entry.size()) {
        return refuse(Problem::HeadersDisagree("size"));
    }
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory || (kind == EntryType::Regular && name.ends_with('/')) {
        if entry.size() != 0 {
            return refuse(Problem::HeadersDisagree("size"));
        }
        return gathered.add(&format!("{}/", name.trim_end_matches('/')));
    }
    if name.ends_with('/') {
        return refuse(Problem::FileAsFolder);
    }
    gathered.add(&name)?;
    match kind {
        EntryType::Regular => read_file(&mut entry, &name, gathered),
        EntryType::Symlink | EntryType::Link => {
            let link = extended
                .link
                .or_else(|| entry.link_name_bytes().map(|link| link.into()));
            let link = link.unwrap_or_default();
            match stays_inside(&name, &link, kind) && entry.size() == 0 {
                true => Ok(()),
                false => refuse(Problem::LinkOutside(Member::new(&String::from_utf8_lossy(
                    &link,
                )))),
            }
        }
        _ => refuse(Problem::Special),
    }
}

fn read_file<R: Read>(
    entry: &mut Entry<'_, R>,
    name: &str,
    gathered: &mut Gathered<'_>,
) -> Result<(), ArchiveError> {
    if entry.size() > gathered.limits.member_size {
        let problem = Problem::TooLarge(gathered.limits.member_size);
        return Err(ArchiveError::member(name, problem));
    }
    let seen = if gathered.is_pkg_info(name) {
        gathered.check_pkg_info_size(name, entry.size())?;
        let mut bytes = Vec::with_capacity(entry.size() as usize);
        let seen = entry.read_to_end(&mut bytes).map_err(broken)?;
        gathered.keep_pkg_info(bytes);
        seen as u64
    } else {
        io::copy(entry, &mut io::sink()).map_err(broken)?
    };
    match seen == entry.size() {
        true => Ok(()),
        false => Err(ArchiveError::member(name, Problem::Data("cut short"))),
    }
}

/// Whether a link leads to somewhere in the sdist's own folder. A symbolic link is read from where
/// it stands, a hard link from the top of the archive. `..` may only lead, because behind another
/// name it would depend on what that name links to.
pub(super) fn stays_inside(name: &str, link: &[u8], kind: EntryType) -> bool {
    let Ok(link) = std::str::from_utf8(link) else {
        return false;
    };
    let link = link.strip_prefix("./").unwrap_or(link);
    let up = link.split('/').take_while(|part| *part == "..").count();
    let rest: Vec<&str> = link.split('/').skip(up).collect();
    let top = name.split('/').next().unwrap_or_default();
    if !rest.is_empty() && check_name(rest.join("/").as_bytes(), usize::MAX).is_err() {
        return false;
    }
    match kind {
        // The last part of the name is the link itself, the first one the folder.
        EntryType::Symlink => up + 2 <= name.split('/').count(),
        _ => up == 0 && rest.len() > 1 && rest.first() == Some(&top),
    }
}

/// Behind the end marker there may be padding and nothing else, the end of the compressed stream
/// included.
fn check_ending(mut rest: impl Read) -> Result<(), ArchiveError> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match rest.read(&mut buffer).map_err(broken)? {
            0 => return Ok(()),
            count if buffer[..count].iter().all(|byte| *byte == 0) => {}
            _ => return Err(ArchiveError::Broken("bytes behind the end of the tar file")),
        }
    }
}

/// What the decompressors and the tar crate say of broken data, as against a failing disk.
fn broken(error: io::Error) -> ArchiveError {
    let in_the_data = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput];
    let of_the_crate = [io::ErrorKind::UnexpectedEof, io::ErrorKind::Other];
    match error.kind() {
        kind if in_the_data.contains(&kind) || of_the_crate.contains(&kind) => {
            ArchiveError::Broken("the compressed tar file cannot be read to its end")
        }
        _ => ArchiveError::Io(error),
    }
}
