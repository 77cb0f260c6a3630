//! The documents for code review, held against the official schema of SARIF 2.1.0, which a Python package brings.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program::Clients;

const VALIDATE: &str = r"
import json, pathlib, sys
from sarif_kit.validate import validation_errors
for path in sys.argv[1:]:
    document = json.loads(pathlib.Path(path).read_text(encoding='utf-8'))
    if found := validation_errors(document):
        sys.exit(path + ': ' + '\n'.join(found))
results = document['runs'][0]['results']
results[0]['level'] = 'severe'
assert validation_errors(document), 'what is wrong is not seen'
print('valid', len(sys.argv) - 1)
";

/// What `portcullis` prints in `folder`; nothing where its settings are wrong.
fn document(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .args(["--format", "sarif"])
        .current_dir(folder)
        .output()
        .unwrap();
    (output.status.code() != Some(2)).then_some(output.stdout)
}

#[test]
fn every_document_is_valid_by_the_official_schema() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let mut files = Vec::new();
    let mut keep = |name: String, bytes: Option<Vec<u8>>| {
        let Some(bytes) = bytes else { return };
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        files.push(path);
    };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/check");
    for entry in corpus.read_dir().unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = format!("{}.sarif", entry.file_name().to_str().unwrap());
            keep(
                name,
                document(&entry.path(), &["check", "--machine", "none"]),
            );
        }
    }
    let bad = TempDir::new().unwrap();
    let text = "import base64\nexec(base64.b64decode(blob))\n";
    std::fs::write(bad.path().join("bad.py"), text).unwrap();
    keep(
        "scan.sarif".to_owned(),
        document(bad.path(), &["scan", "bad.py"]),
    );
    let validated = Command::new(clients.program("sarif", "python"))
        .args(["-c", VALIDATE])
        .args(&files)
        .output()
        .unwrap();
    assert!(validated.status.success(), "{validated:?}");
    assert!(files.len() > 60, "{files:?}");
    let said = String::from_utf8_lossy(&validated.stdout);
    assert_eq!(said.trim(), format!("valid {}", files.len()));
}
