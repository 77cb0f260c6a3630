//! [`Streams`]: what comes out of a compressed tarball, stream after stream, and what was odd about
//! them. Python's readers go on behind the first stream; others stop there.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

/// What was odd about the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// Streams behind the first one.
    pub(super) more_streams: u32,
    /// Zero bytes stand behind the last stream.
    pub(super) padding: bool,
    /// Other bytes stand behind it.
    pub(super) trailing: bool,
}

/// The three compressions of sdists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Bzip2,
    Xz,
}

impl Compression {
    /// By the first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}

/// The largest dictionary that an xz file may ask for, in KiB.
const XZ_MEMORY: u32 = 96 << 10;

type Source<R> = BufReader<R>;

enum Decoder<R: Read> {
    Gzip(Box<GzDecoder<Source<R>>>),
    Bzip2(Box<BzDecoder<Source<R>>>),
    Xz(Box<XzReader<Source<R>>>),
    Done,
}

/// The decompressed bytes of all streams.
pub(super) struct Streams<R: Read> {
    decoder: Decoder<R>,
    oddities: Rc<RefCell<Oddities>>,
}

impl<R: Read> Streams<R> {
    /// Reads `archive`, which is compressed as `compression`; oddities are told through the second
    /// part while reading.
    pub(super) fn new(archive: R, compression: Compression) -> (Self, Rc<RefCell<Oddities>>) {
        let source = BufReader::with_capacity(256 << 10, archive);
        let oddities = Rc::new(RefCell::new(Oddities::default()));
        let decoder = open(source, compression);
        (
            Self {
                decoder,
                oddities: oddities.clone(),
            },
            oddities,
        )
    }

    /// Goes on with the stream behind the one that has ended.
    fn next_stream(&mut self) -> io::Result<()> {
        let (mut source, compression) = match std::mem::replace(&mut self.decoder, Decoder::Done) {
            Decoder::Gzip(decoder) => (decoder.into_inner(), Compression::Gzip),
            Decoder::Bzip2(decoder) => (decoder.into_inner(), Compression::Bzip2),
            Decoder::Xz(decoder) => (decoder.into_inner(), Compression::Xz),
            Decoder::Done => return Ok(()),
        };
        let mut skipped = false;
        loop {
            let buffer = source.fill_buf()?;
            if buffer.is_empty() {
                self.oddities.borrow_mut().padding |= skipped;
                return Ok(());
            }
            let zeros = buffer.iter().take_while(|byte| **byte == 0).count();
            if zeros == 0 {
                break;
            }
            skipped = true;
            source.consume(zeros);
        }
        if Compression::of(source.buffer()) != Some(compression) {
            self.oddities.borrow_mut().trailing = true;
            return Ok(());
        }
        self.oddities.borrow_mut().more_streams += 1;
        self.decoder = open(source, compression);
        Ok(())
    }
}

fn open<R: Read>(source: Source<R>, compression: Compression) -> Decoder<R> {
    match compression {
        Compression::Gzip => Decoder::Gzip(Box::new(GzDecoder::new(source))),
        Compression::Bzip2 => Decoder::Bzip2(Box::new(BzDecoder::new(source))),
        Compression::Xz => Decoder::Xz(Box::new(XzReader::new_mem_limit(source, false, XZ_MEMORY))),
    }
}

impl<R: Read> Read for Streams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match &mut self.decoder {
                Decoder::Gzip(decoder) => decoder.read(buffer)?,
                Decoder::Bzip2(decoder) => decoder.read(buffer)?,
                Decoder::Xz(decoder) => decoder.read(buffer)?,
                Decoder::Done => return Ok(0),
            };
            if count > 0 {
                return Ok(count);
            }
            self.next_stream()?;
        }
    }
}
