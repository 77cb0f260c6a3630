//! [`Ending`]: whether a picture, sound or archive ends where its format says, and what stands
//! behind.

use super::content::{Content, HEAD};

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not of a format that has an end, too large to be looked at, or too broken to say.
    Unknown,
    /// Where it should.
    Proper,
    /// Bytes stand behind the end.
    Appended {
        /// Where they start, in bytes.
        at: u64,
        /// How many.
        bytes: u64,
        /// What they are.
        content: Content,
    },
    /// A sound whose samples are encoded text.
    TextAsSound,
}

/// How `bytes`, a whole file that is `content`, ends.
pub(super) fn ending(content: Content, bytes: &[u8]) -> Ending {
    let end = match content {
        Content::Png => png_end(bytes),
        Content::Jpeg => jpeg_end(bytes),
        Content::Gif => gif_end(bytes),
        Content::Riff if is_text_as_sound(bytes) => return Ending::TextAsSound,
        Content::Riff => riff_end(bytes),
        Content::Zip => zip_end(bytes),
        // Python runs a zip file whatever stands before it.
        Content::Python | Content::Script | Content::Text | Content::Binary => {
            return text_ending(bytes);
        }
        _ => None,
    };
    let Some(end) = end else {
        return Ending::Unknown;
    };
    let Some(rest) = bytes.get(end..) else {
        return Ending::Unknown;
    };
    if rest
        .iter()
        .all(|byte| matches!(byte, 0 | b'\n' | b'\r' | b' '))
    {
        return Ending::Proper;
    }
    let head = &rest[..rest.len().min(HEAD)];
    Ending::Appended {
        at: end as u64,
        bytes: rest.len() as u64,
        content: Content::of(head),
    }
}

/// Text in which a zip file ends, and which therefore is one as well.
fn text_ending(bytes: &[u8]) -> Ending {
    let is_zip = zip_end(bytes).is_some_and(|end| end == bytes.len());
    match is_zip
        .then(|| memchr::memmem::find(bytes, b"PK\x03\x04"))
        .flatten()
    {
        Some(at) => Ending::Appended {
            at: at as u64,
            bytes: (bytes.len() - at) as u64,
            content: Content::Zip,
        },
        None => Ending::Unknown,
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
}

fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?).into())
}

fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
}

/// Chunks of length, type, data and checksum up to `IEND` (PNG, section 5.3).
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8usize;
    loop {
        let length = be32(bytes, at)?;
        let kind = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if kind == b"IEND" {
            return Some(at);
        }
    }
}

/// Segments up to the end-of-image marker (ITU T.81, annex B); thumbnails lie inside segments.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2usize;
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        match *bytes.get(at + 1)? {
            0xff => at += 1,
            0xd9 => return Some(at + 2),
            0x01 | 0xd0..=0xd7 => at += 2,
            0xda => at = scan_end(bytes, at + 2 + be16(bytes, at + 2)?)?,
            _ => at = at + 2 + be16(bytes, at + 2)?.max(2),
        }
    }
}

/// The next marker that is neither a stuffed byte nor a restart.
fn scan_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)?;
        match *bytes.get(at + 1)? {
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

/// Blocks up to the trailer (GIF89a).
fn gif_end(bytes: &[u8]) -> Option<usize> {
    let table = |packed: u8| {
        if packed & 0x80 == 0 {
            0
        } else {
            3usize << ((packed & 7) + 1)
        }
    };
    let mut at = 13 + table(*bytes.get(10)?);
    loop {
        at = match *bytes.get(at)? {
            0x3b => return Some(at + 1),
            0x21 => sub_blocks(bytes, at + 2)?,
            0x2c => sub_blocks(bytes, at + 11 + table(*bytes.get(at + 9)?))?,
            _ => return None,
        };
    }
}

fn sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length => at += 1 + usize::from(length),
        }
    }
}

/// The size stands behind `RIFF`; an odd one is padded.
fn riff_end(bytes: &[u8]) -> Option<usize> {
    let size = le32(bytes, 4)?;
    let end = size.checked_add(8)?;
    (end <= bytes.len()).then_some(end.next_multiple_of(2).min(bytes.len()))
}

/// Behind the last end record and its comment.
fn zip_end(bytes: &[u8]) -> Option<usize> {
    let from = bytes.len().saturating_sub(1 << 17);
    let at = from + memchr::memmem::rfind(&bytes[from..], b"PK\x05\x06")?;
    let comment = bytes.get(at + 20..at + 22)?;
    let comment = u16::from_le_bytes([comment[0], comment[1]]);
    Some((at + 22 + usize::from(comment)).min(bytes.len()))
}

/// Samples that are all letters of Base64 for so long are no sound.
const LONG_TEXT: usize = 512;

fn is_text_as_sound(bytes: &[u8]) -> bool {
    if bytes.get(8..12) != Some(b"WAVE") {
        return false;
    }
    let mut at = 12usize;
    while let (Some(kind), Some(size)) = (bytes.get(at..at + 4), le32(bytes, at + 4)) {
        let body = at + 8;
        if kind == b"data" {
            let samples = &bytes[body.min(bytes.len())..];
            let samples = &samples[..samples.len().min(size).min(1 << 16)];
            let first = samples.first();
            let varied = samples.iter().any(|byte| Some(byte) != first);
            return samples.len() >= LONG_TEXT && varied && samples.iter().all(is_base64);
        }
        let Some(next) = body.checked_add(size.next_multiple_of(2)) else {
            return false;
        };
        at = next;
    }
    false
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01IDATx\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x02\x01\xff\0\x02\xff\xd9";
    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\0\0\0\x21\xf9\x01x\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x01y\0;";

    fn sound(samples: &[u8]) -> Vec<u8> {
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((12 + samples.len() as u32).to_le_bytes());
        bytes.extend(b"WAVEdata");
        bytes.extend((samples.len() as u32).to_le_bytes());
        [&bytes, samples].concat()
    }

    #[test]
    fn what_stands_behind_the_end_is_seen() {
        let zip = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let riff = sound(b"\x01\x02\x03\x04");
        for (content, bytes) in [
            (Content::Png, PNG),
            (Content::Jpeg, JPEG),
            (Content::Gif, GIF),
            (Content::Riff, &riff),
            (Content::Zip, zip),
        ] {
            assert_eq!(ending(content, bytes), Ending::Proper, "{content:?}");
            let more = [bytes, b"import os\nexec('1')\n"].concat();
            let (at, bytes) = (bytes.len() as u64, 20);
            let appended = Ending::Appended {
                at,
                bytes,
                content: Content::Python,
            };
            assert_eq!(ending(content, &more), appended, "{content:?}");
        }
    }

    #[test]
    fn text_is_no_sound() {
        assert_eq!(
            ending(Content::Riff, &sound(&b"aGVsbG8K".repeat(100))),
            Ending::TextAsSound
        );
        assert_eq!(ending(Content::Riff, &sound(&[0x55; 800])), Ending::Proper);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for content in [Content::Png, Content::Jpeg, Content::Gif, Content::Riff, Content::Zip] {
                let _ = ending(content, &bytes);
                for start in [PNG, JPEG, GIF] {
                    let _ = ending(content, &[&start[..start.len() / 2], &bytes].concat());
                }
            }
        }
    }
}
