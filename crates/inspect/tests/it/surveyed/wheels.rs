//! Wheels whose container is sound and whose contents are not.

use portcullis_core::inspection::Severity::{self, Critical, High, Info, Medium};
use portcullis_fixtures::{Wheel, wheel};
use portcullis_inspect::archive::survey::Flaw;

use super::{finds, finds_flaw, is_quiet, look};

fn demo() -> Wheel {
    wheel("demo", "1.0")
        .description("A demonstration.")
        .file("demo/__init__.py", "x = 1\n")
}

fn check(what: &str, wheel: &Wheel, rule: &str, least: Severity) {
    finds(what, (&wheel.build(), &wheel.filename()), rule, least);
}

#[test]
fn a_wheel_made_for_these_tests_is_quiet() {
    let wheel = demo();
    is_quiet(
        "the wheel",
        (&wheel.build(), &wheel.filename()),
        Severity::Info,
    );
    let (survey, observations) = look(&wheel.build(), &wheel.filename());
    assert!(
        survey.is_complete() && observations.is_empty(),
        "{observations:#?}"
    );
    assert!(survey.members.iter().all(|member| member.sha256.is_some()));
}

#[test]
fn what_record_does_not_vouch_for_is_found() {
    let init = "demo/__init__.py";
    let zeros = "A".repeat(43);
    let size = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,999";
    for (what, wheel, flaw) in [
        ("missing", demo().without_record(), Flaw::RecordMissing),
        (
            "unlisted",
            demo()
                .file("demo/evil.py", "")
                .record_line("demo/evil.py", ""),
            Flaw::Unlisted,
        ),
        (
            "hash",
            demo().record_line(init, &format!("{init},sha256={zeros},6")),
            Flaw::RecordHash,
        ),
        (
            "size",
            demo().record_line(init, &format!("{init},{size}")),
            Flaw::RecordSize,
        ),
        (
            "no hash",
            demo().record_line(init, &format!("{init},,6")),
            Flaw::RecordNoHash,
        ),
        (
            "md5",
            demo().record_line(init, &format!("{init},md5=1B2M2Y8AsgTpgAmY7PhCfg,6")),
            { Flaw::RecordWeakHash },
        ),
        (
            "too long",
            demo().record_line(init, &format!("{init},sha256=AAAA{zeros},6")),
            Flaw::RecordBadHash,
        ),
        (
            "of no kind",
            demo().record_line(init, &format!("{init},crc32={zeros},6")),
            Flaw::RecordBadHash,
        ),
        (
            "gone",
            demo().record_line("demo/gone.py", "demo/gone.py,,"),
            Flaw::ListedOnly,
        ),
        (
            "unreadable",
            demo().record_line("x", "one field"),
            Flaw::RecordLine,
        ),
        (
            "twice",
            demo().record_line("x", &format!("{init},sha256={zeros},7")),
            Flaw::RecordContradiction,
        ),
    ] {
        finds_flaw(what, (&wheel.build(), &wheel.filename()), flaw);
    }
}

#[test]
fn a_wheel_that_is_another_distribution_is_found() {
    let metadata = |text: &str| demo().metadata_override(text);
    let tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: cp311-cp311-win_amd64\n";
    for (what, wheel, least) in [
        (
            "name",
            metadata("Metadata-Version: 2.1\nName: requests\nVersion: 1.0\n"),
            High,
        ),
        (
            "version",
            metadata("Metadata-Version: 2.1\nName: demo\nVersion: 1.1\n"),
            High,
        ),
        (
            "twice",
            metadata("Metadata-Version: 2.1\nName: demo\nName: x\nVersion: 1.0\n"),
            High,
        ),
        ("unreadable", metadata("nothing"), High),
        (
            "two folders",
            demo().file("other-2.0.dist-info/METADATA", "x"),
            High,
        ),
        ("tags", demo().wheel_override(tags), Medium),
    ] {
        check(what, &wheel, "ARC-005", least);
    }
    for path in [
        "demo-1.0.data/purelib/requests-2.0.dist-info/METADATA",
        "requests.egg-info/PKG-INFO",
        "requests.egg-link",
    ] {
        check(path, &demo().file(path, "x"), "ARC-005", High);
    }
    let renamed = demo().build();
    finds(
        "folder",
        (&renamed, "other-1.0-py3-none-any.whl"),
        "ARC-005",
        High,
    );
    finds(
        "version",
        (&renamed, "demo-2.0-py3-none-any.whl"),
        "ARC-005",
        High,
    );
}

#[test]
fn code_at_each_start_is_found() {
    let payload = "import base64; exec(base64.b64decode('cGFzcw=='))\n";
    for (what, path, text, least) in [
        ("directly", "demo_init.pth", payload, Critical),
        ("upper case", "demo.PTH", payload, Critical),
        (
            "in purelib",
            "demo-1.0.data/purelib/x.pth",
            payload,
            Critical,
        ),
        (
            "in platlib",
            "demo-1.0.data/platlib/x.pth",
            payload,
            Critical,
        ),
        (
            "in data",
            "demo-1.0.data/data/lib/python3.11/site-packages/x.pth",
            payload,
            Critical,
        ),
        (
            "behind a folder",
            "x.pth",
            "demo\nimport os; os.system('true')\n",
            Critical,
        ),
        (
            "behind a form feed",
            "x.pth",
            "demo\u{c}import os; os.system('true')\n",
            Critical,
        ),
        ("tab", "x.pth", "import\tos; os.system('true')\n", Critical),
        ("import only", "x.pth", "import demo._startup\n", Medium),
        ("a function", "x.start", "demo:start\n", High),
        ("outside", "x.pth", "../../somewhere\n", Medium),
    ] {
        check(what, &demo().file(path, text), "ARC-001", least);
    }
    let model = demo().file("demo/model.pth", payload);
    is_quiet("a model", (&model.build(), &model.filename()), Info);
}

#[test]
fn modules_that_take_other_names_are_found() {
    for path in [
        "sitecustomize.py",
        "usercustomize/__init__.py",
        "demo-1.0.data/purelib/sitecustomize.py",
        "json.py",
        "ssl/__init__.py",
        "requests/__init__.py",
        "yaml.py",
        "numpy.cpython-311-x86_64-linux-gnu.so",
    ] {
        check(path, &demo().file(path, "x = 1\n"), "ARC-002", High);
    }
    let own = wheel("pyyaml", "1.0")
        .description("x")
        .file("yaml/__init__.py", "");
    is_quiet("its own", (&own.build(), &own.filename()), Info);
    let inside = demo().file("demo/json.py", "");
    is_quiet("inside", (&inside.build(), &inside.filename()), Info);
}

#[test]
fn commands_and_places_of_others_are_found() {
    let scripts = |text: &str| demo().file("demo-1.0.dist-info/entry_points.txt", text);
    for name in ["pip", "python3", "git", "sudo", "ssh", "ls", "aws"] {
        let text = format!("[console_scripts]\n{name} = demo:main\n");
        check(name, &scripts(&text), "ARC-007", High);
    }
    check(
        "script",
        &demo().file("demo-1.0.data/scripts/ssh", "#!python\n"),
        "ARC-007",
        High,
    );
    check(
        "plugin",
        &scripts("[pytest11]\ndemo = demo.plugin\n"),
        "ARC-007",
        Info,
    );
    for (path, least) in [
        ("bin/python3", High),
        ("lib/systemd/system/x.service", High),
        ("etc/profile.d/x.sh", High),
        ("Library/LaunchAgents/x.plist", High),
        ("lib/python3.11/site-packages/os.py", High),
        ("bin/tool", Medium),
        ("etc/passwd", Medium),
    ] {
        check(
            path,
            &demo().file(&format!("demo-1.0.data/data/{path}"), "x"),
            "ARC-008",
            least,
        );
    }
    check(
        "tree",
        &demo().file("demo-1.0.data/stdlib/os.py", "x"),
        "ARC-008",
        Medium,
    );
    let jupyter = demo().file(
        "demo-1.0.data/data/share/jupyter/kernels/demo/kernel.json",
        "{}",
    );
    is_quiet("a kernel", (&jupyter.build(), &jupyter.filename()), Info);
}

#[test]
fn dependencies_from_elsewhere_are_found() {
    for requirement in [
        "bar @ https://files.invalid/bar-1.0-py3-none-any.whl",
        "bar @ git+https://code.invalid/bar",
        "bar @ file:///tmp/bar",
    ] {
        check(requirement, &demo().requires(requirement), "DEP-001", High);
    }
}

#[test]
fn metadata_that_is_odd_is_information_and_no_more() {
    let odd = wheel("demo", "9999.0")
        .header("Author-email", "A <a@mailinator.com>")
        .header("Project-URL", "Source, https://github.com/psf/requests");
    for rule in ["META-001", "META-003", "META-004", "META-006"] {
        check(rule, &odd, rule, Info);
    }
    is_quiet("all of them", (&odd.build(), &odd.filename()), Info);
}
