//! Files that are something else than their names say: programs, payloads behind pictures, compiled
//! Python.

use portcullis_core::inspection::Severity::{self, High, Info, Medium};
use portcullis_fixtures::{Wheel, wheel};

use super::{finds, is_quiet};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x01IDATx\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
const CODE: &[u8] = b"import os\nimport sys\nexec('pass')\n";

fn with(path: &str, content: &[u8]) -> Wheel {
    wheel("demo", "1.0")
        .description("x")
        .file("demo/__init__.py", "x = 1\n")
        .file(path, content)
}

fn check(what: &str, wheel: &Wheel, rule: &str, least: Severity) {
    finds(what, (&wheel.build(), &wheel.filename()), rule, least);
}

fn sound(samples: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0data");
    bytes.extend((samples.len() as u32).to_le_bytes());
    [&bytes, samples].concat()
}

fn program() -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x40;
    bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
    bytes
}

#[test]
fn native_code_in_a_pure_wheel_is_found() {
    for (path, bytes) in [
        ("demo/_native.so", &b"\x7fELF\x02\x01\x01"[..]),
        ("demo/data.bin", b"\x7fELF\x02\x01\x01"),
        ("demo/run.exe", &program()),
        ("demo/lib.dylib", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("demo/mod.wasm", b"\0asm\x01\0\0\0"),
        ("demo/run.vbs", b"MsgBox 1"),
        ("demo/run.scr", b"x"),
        ("demo/run.jar", b"PK\x03\x04"),
    ] {
        check(path, &with(path, bytes), "ARC-006", Medium);
    }
    let native = with("demo/_native.so", b"\x7fELF\x02\x01\x01");
    let native = native.tags("cp311", "cp311", "manylinux_2_28_x86_64");
    is_quiet(
        "a native wheel",
        (&native.build(), &native.filename()),
        Info,
    );
}

#[test]
fn an_archive_inside_is_looked_into() {
    let inside = |change: fn(&mut crate::bytes::Member)| {
        let member = crate::bytes::member("run", program()).with(change);
        crate::bytes::Zip::of(vec![member]).build()
    };
    let native = with("demo/data.zip", &inside(|_| {}));
    check("a program inside", &native, "ARC-006", Medium);
    let locked = with(
        "demo/data.bin",
        &inside(|it| (it.flags, it.local_flags) = (1, 1)),
    );
    check("an encrypted one", &locked, "ARC-010", Medium);
}

#[test]
fn disguised_files_are_found() {
    let behind = |start: &[u8], rest: &[u8]| [start, rest].concat();
    let archive = crate::bytes::wheel().build();
    for (what, path, bytes, least) in [
        (
            "Python that is a zip file as well",
            "demo/run.py",
            behind(CODE, &archive),
            High,
        ),
        (
            "code behind a picture",
            "demo/a.png",
            behind(PNG, CODE),
            High,
        ),
        (
            "a zip file behind a picture",
            "demo/a.png",
            behind(PNG, b"PK\x03\x04xxxx"),
            High,
        ),
        (
            "a program behind a sound",
            "demo/a.wav",
            behind(&sound(&[1, 2, 3, 4]), &program()),
            High,
        ),
        (
            "text as sound",
            "demo/ring.wav",
            sound(&b"aGVsbG8gd29ybGQK".repeat(64)),
            High,
        ),
        (
            "code behind a zip file",
            "demo/a.zip",
            { behind(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", CODE) },
            High,
        ),
        (
            "code named as a picture",
            "demo/b.jpg",
            CODE.to_vec(),
            Medium,
        ),
        (
            "a program named as a picture",
            "demo/b.gif",
            program(),
            Medium,
        ),
        ("a program named as text", "demo/b.txt", program(), Medium),
        (
            "a zip file named as Python",
            "demo/b.py",
            b"PK\x03\x04xxxx".to_vec(),
            Medium,
        ),
    ] {
        check(what, &with(path, &bytes), "ARC-010", least);
    }
    for (what, path, bytes) in [
        ("a picture", "demo/a.png", PNG.to_vec()),
        ("a sound", "demo/a.wav", sound(&[1; 2000])),
        (
            "a comment behind a picture",
            "demo/a.png",
            behind(PNG, b"made by hand"),
        ),
        ("documentation", "demo/a.txt", CODE.to_vec()),
    ] {
        let wheel = with(path, &bytes);
        is_quiet(what, (&wheel.build(), &wheel.filename()), Info);
    }
}

#[test]
fn compiled_python_is_held_against_its_source() {
    let timed = |size: u32| {
        [
            b"\xa7\r\r\n\0\0\0\0\x01\0\0\0".to_vec(),
            size.to_le_bytes().to_vec(),
            vec![0xe3; 8],
        ]
        .concat()
    };
    let hashed = |hash: [u8; 8]| [b"\xa7\r\r\n\x03\0\0\0".to_vec(), hash.to_vec()].concat();
    let cached = "demo/__pycache__/__init__.cpython-311.pyc";
    check(
        "no source",
        &with("demo/secret.pyc", &timed(6)),
        "ARC-011",
        Medium,
    );
    check("another size", &with(cached, &timed(7)), "ARC-011", High);
    check(
        "another hash",
        &with(cached, &hashed([1; 8])),
        "ARC-011",
        High,
    );
    // The hash that Python 3.11 gives the source `x = 1` with its line break.
    let right = hashed([76, 3, 114, 170, 147, 247, 82, 82]);
    for bytes in [timed(6), right] {
        let wheel = with(cached, &bytes);
        is_quiet("its own source", (&wheel.build(), &wheel.filename()), Info);
    }
}
