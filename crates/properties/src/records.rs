//! RECORD of a wheel that is right in everything else, so that nothing but RECORD is read differently.

use portcullis_inspect::archive::read_wheel;
use std::io::Cursor;

use crate::Property;
use crate::archives::{archive_holds, named};
use crate::choices::Choices;
use crate::holding::limits;
use crate::packages::{Entry, METADATA, WHEEL as WHEEL_FILE, zip};

/// Any bytes as RECORD.
pub(crate) static RECORD: Property = Property {
    name: "record",
    what: "whatever RECORD says, a wheel that passes lists all of its files",
    check: |bytes| {
        let filename = named("demo-1.0-py3-none-any.whl");
        let archive = wheel_with(bytes);
        archive_holds(&archive, &filename);
        if read_wheel(Cursor::new(&archive), &filename, &limits()).is_ok() {
            let text = std::str::from_utf8(bytes).expect("RECORD that passes is UTF-8");
            for (name, _) in FILES {
                // A quoted path may spell it otherwise; then a quote is there.
                assert!(
                    text.contains(name) || text.contains('"'),
                    "{name} is not listed"
                );
            }
        }
    },
    seeds: || {
        vec![
            right().into_bytes(),
            right().replace("demo/a.py", "\"demo/a.py\"").into_bytes(),
        ]
    },
    words: &[
        "sha256=",
        "sha384=",
        "md5=",
        ",,",
        "\"",
        "\"\"",
        "\r\n",
        "demo-1.0.dist-info/RECORD,,\n",
        "demo/a.py",
    ],
};

const FILES: [(&str, &str); 3] = [
    ("demo/a.py", "x = 1\n"),
    ("demo-1.0.dist-info/METADATA", METADATA),
    ("demo-1.0.dist-info/WHEEL", WHEEL_FILE),
];

fn wheel_with(record: &[u8]) -> Vec<u8> {
    let mut entries: Vec<Entry> = FILES
        .iter()
        .map(|(name, data)| Entry::new(*name, *data))
        .collect();
    entries.push(Entry::new("demo-1.0.dist-info/RECORD", record));
    zip(&entries, &mut Choices::new(b""))
}

fn right() -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let line = |(name, data): &(&str, &str)| {
        let digest = portcullis_core::digest::Sha256::of(data.as_bytes());
        let digest = URL_SAFE_NO_PAD.encode(digest.as_bytes());
        format!("{name},sha256={digest},{}\n", data.len())
    };
    let lines: String = FILES.iter().map(line).collect();
    lines + "demo-1.0.dist-info/RECORD,,\n"
}
