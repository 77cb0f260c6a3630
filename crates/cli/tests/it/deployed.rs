//! What is given to those who run the gateway under systemd and Kubernetes: the program understands what they
//! start it with, and the configuration that they are shown has no mistakes.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../integrations")
        .join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The block of text under `key: |`.
fn block<'t>(yaml: &'t str, key: &str) -> impl Iterator<Item = &'t str> {
    let mut lines = yaml.lines();
    let head = format!("{key}: |");
    let indented = lines.find(|line| line.trim_start() == head).unwrap();
    let depth = indented.len() - indented.trim_start().len() + 2;
    lines
        .take_while(move |line| line.trim().is_empty() || line.starts_with(&" ".repeat(depth)))
        .map(move |line| line.get(depth..).unwrap_or_default())
}

fn succeeds(arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new(PROGRAM);
    let output = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_configuration_for_kubernetes_has_no_mistakes() {
    let manifest = text("kubernetes/portcullis.yaml");
    let folder = TempDir::new().unwrap();
    for file in ["portcullis.toml", "policy.toml"] {
        let lines: Vec<&str> = block(&manifest, file).collect();
        std::fs::write(folder.path().join(file), lines.join("\n")).unwrap();
    }
    succeeds(
        &["config", "check", "--config", "portcullis.toml"],
        folder.path(),
    );
    for probe in ["/livez", "/readyz", "/metrics"] {
        assert!(manifest.contains(probe), "{probe}");
    }
}

#[test]
fn services_start_the_program_with_what_it_understands() {
    let unit = text("systemd/portcullis.service");
    let starts = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/portcullis "));
    let manifest = text("kubernetes/portcullis.yaml");
    let container = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("args: ["))
        .and_then(|arguments| arguments.strip_suffix(']'))
        .map(|arguments| arguments.replace(',', ""));
    let folder = TempDir::new().unwrap();
    for arguments in [starts.unwrap(), &container.unwrap()] {
        let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
        arguments.push("--help");
        succeeds(&arguments, folder.path());
    }
}

#[test]
fn the_socket_that_systemd_keeps_is_where_clients_look_for_the_gateway() {
    let unit = text("systemd/portcullis.socket");
    let mut addresses = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ListenStream="));
    let folder = TempDir::new().unwrap();
    let shown = succeeds(&["config", "show"], folder.path());
    let address = addresses.next().unwrap();
    assert!(shown.contains(address), "{address} is not in\n{shown}");
    assert_eq!(addresses.next(), None);
}
