//! `--fix` and `--diff`: what is shown, what is written, and what is never touched.

use super::{Repository, stdout};

const SLIP: &str = "flask # portcullis: ignore[trusted-hosts] a lab\n";

#[test]
fn differences_are_shown_and_written_only_when_asked_for() {
    let repository = Repository::new(&[("requirements.txt", SLIP)]);
    let rules = ["--rule", "unknown-rule", "--machine", "none"];
    let shown = repository.check(&[&["--diff"][..], &rules].concat());
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(
        stdout(&shown).contains("+flask # portcullis: ignore[trusted-host] a lab"),
        "{shown:?}"
    );
    assert_eq!(repository.read("requirements.txt"), SLIP);

    let mended = repository.check(&[&["--fix"][..], &rules].concat());
    assert_eq!(mended.status.code(), Some(0), "{mended:?}");
    assert!(stdout(&mended).contains("No findings"), "{mended:?}");
    assert!(String::from_utf8_lossy(&mended.stderr).contains("Mended 1 finding in 1 file."));
    assert_eq!(
        repository.read("requirements.txt"),
        SLIP.replace("hosts", "host")
    );
}

#[test]
fn what_one_fix_lays_bare_is_mended_as_well() {
    let repository = Repository::new(&[("requirements.txt", SLIP)]);
    let rules = [
        "--rule",
        "unknown-rule",
        "--rule",
        "unused-ignore",
        "--rule",
        "trusted-host",
    ];
    let output = repository.check(&[&["--fix", "--machine", "none"][..], &rules].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(repository.read("requirements.txt"), "flask\n");
}

#[test]
fn programs_get_their_document_whatever_is_mended() {
    let repository = Repository::new(&[("requirements.txt", SLIP)]);
    let output = repository.check(&["--fix", "--format", "json", "--rule", "unknown-rule"]);
    let said: serde_json::Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(said["summary"]["findings"], 0);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--- a/requirements.txt"));
}

#[test]
fn only_what_is_understood_and_asked_for_is_changed() {
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain(SLIP.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let repository = Repository::new(&[
        ("a/requirements.txt", SLIP),
        ("a/constraints.txt", SLIP),
        ("marked.in/requirements.txt", &format!("\u{feff}{SLIP}")),
    ]);
    repository.write("wide/requirements.txt", &utf16);
    let pip = repository.home().join(".config/pip/pip.conf");
    std::fs::create_dir_all(pip.parent().unwrap()).unwrap();
    std::fs::write(&pip, "# portcullis: ignore[trusted-hosts] x\n[global]\n").unwrap();

    repository.check(&["--fix", "a/requirements.txt"]);
    assert_eq!(repository.read("a/constraints.txt"), SLIP);
    let output = repository.check(&["--fix", "--machine", "all"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let marked = repository.read("marked.in/requirements.txt");
    assert!(marked.starts_with("\u{feff}flask"), "{marked:?}");
    assert!(!marked.contains("hosts"), "{marked:?}");
    let wide = std::fs::read(repository.folder().join("wide/requirements.txt")).unwrap();
    assert_eq!(wide, utf16);
    assert!(
        std::fs::read_to_string(&pip)
            .unwrap()
            .contains("trusted-hosts")
    );
}
