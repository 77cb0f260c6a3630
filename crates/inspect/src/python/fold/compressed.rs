//! Decompression of constants, within bounds: what inflates to more than is looked at stays unknown.

use std::io::Read;

use super::super::value::Kind;
use super::{Fold, LARGEST};

/// Memory that an LZMA stream may ask for, in KiB.
const LZMA_MEMORY: u32 = 32 << 10;

pub(super) fn call(name: &str, first: &Kind) -> Option<Fold> {
    let decompress: fn(&[u8]) -> Option<Vec<u8>> = match name {
        "zlib.decompress" | "compression.zlib.decompress" => zlib,
        "gzip.decompress" | "compression.gzip.decompress" => {
            |bytes| bounded(flate2::read::MultiGzDecoder::new(bytes))
        }
        "bz2.decompress" | "compression.bz2.decompress" => {
            |bytes| bounded(bzip2::read::MultiBzDecoder::new(bytes))
        }
        "lzma.decompress" | "compression.lzma.decompress" => lzma,
        _ => return None,
    };
    let Kind::Bytes(bytes) = first else {
        return None;
    };
    Fold::decoded(Kind::bytes(decompress(bytes)?))
}

/// With a zlib header, with a gzip header, or raw, as `wbits` may ask for.
fn zlib(bytes: &[u8]) -> Option<Vec<u8>> {
    bounded(flate2::read::ZlibDecoder::new(bytes))
        .or_else(|| bounded(flate2::read::GzDecoder::new(bytes)))
        .or_else(|| bounded(flate2::read::DeflateDecoder::new(bytes)))
}

fn lzma(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.starts_with(b"\xFD7zXZ\0") {
        return bounded(lzma_rust2::XzReader::new_mem_limit(
            bytes,
            true,
            LZMA_MEMORY,
        ));
    }
    bounded(lzma_rust2::LzmaReader::new_mem_limit(bytes, LZMA_MEMORY, None).ok()?)
}

/// All that the reader gives, unless it is broken, empty or too much.
fn bounded(reader: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let read = reader.take(LARGEST as u64 + 1).read_to_end(&mut out);
    (read.is_ok() && !out.is_empty() && out.len() <= LARGEST).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zlib_of(bytes: &[u8]) -> Kind {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory takes all");
        Kind::bytes(encoder.finish().expect("memory takes all"))
    }

    #[test]
    fn constants_are_decompressed() {
        for (name, hexadecimal) in [
            (
                "lzma.decompress",
                "fd377a585a000004e6d6b4460200210116000000742fe5a30100037061737300fee47f5898e8fa4d00011c046f2c9cc11fb6f37d010000000004595a",
            ),
            (
                "lzma.decompress",
                "5d00008000ffffffffffffffff0038184ace10dafd5ffffa6d0000",
            ),
            (
                "bz2.decompress",
                "425a6839314159265359565b61b0000000818020004800200021981981cc2ee48a70a120acb6c360",
            ),
            (
                "gzip.decompress",
                "1f8b08000000000002032b482c2e060024d470ce04000000",
            ),
        ] {
            let fold = call(
                name,
                &Kind::bytes(
                    super::super::encoded::hex_digits(hexadecimal.as_bytes()).expect("hex"),
                ),
            )
            .expect(name);
            assert_eq!(fold.kind.as_bytes(), Some(&b"pass"[..]), "{name}");
        }
        assert!(call("zlib.decompress", &zlib_of(b"pass")).is_some_and(|fold| fold.is_decoded));
    }

    #[test]
    fn a_bomb_stays_unknown() {
        assert!(call("zlib.decompress", &zlib_of(&vec![0; LARGEST + 1])).is_none());
        assert!(call("zlib.decompress", &Kind::bytes(b"nonsense".to_vec())).is_none());
        assert!(
            call(
                "lzma.decompress",
                &Kind::bytes(b"\xFD7zXZ\0nonsense".to_vec())
            )
            .is_none()
        );
        assert!(call("bz2.decompress", &Kind::bytes(b"BZh9nonsense".to_vec())).is_none());
    }
}
