//! Documents that are too deep or too long, held against their properties.

use portcullis_properties::check;

/// `middle` repeated between `start` and `end`.
fn row(start: &str, middle: &str, count: usize, end: &str) -> Vec<u8> {
    [start, &middle.repeat(count), end].concat().into_bytes()
}

#[test]
fn documents_may_be_as_deep_as_they_like() {
    for (property, input) in [
        ("simple_json", row("", "[", 200_000, "")),
        (
            "simple_json",
            row(
                "{\"meta\":{\"api-version\":\"1.0\"},\"name\":\"demo\",\"files\":[],\"x\":",
                "[",
                20_000,
                &"]".repeat(20_000),
            ),
        ),
        (
            "simple_html",
            row(
                "",
                "<div>",
                40_000,
                "<a href='demo-1.0.zip'>demo-1.0.zip</a>",
            ),
        ),
        ("lockfiles", row("{\"bomFormat\":", "{\"a\":", 40_000, "")),
        ("lockfiles", row("a = ", "[", 40_000, "")),
        ("lockfiles", row("a", ".b", 20_000, " = 1")),
        ("lockfiles", row("[a", ".b", 20_000, "]\n")),
        (
            "osv_record",
            row("{\"id\":\"A-1\",\"affected\":", "[{\"ranges\":", 20_000, ""),
        ),
        (
            "policy",
            row("[rules.too-young]\nmin-age = ", "[", 20_000, ""),
        ),
        ("policy", row("[a", ".b", 10_000, "]\n")),
        ("condition", row("", "(", 4_000, "true")),
        ("condition", row("", "!", 4_000, "true")),
        ("condition", row("", "-", 4_000, "1 < 2")),
        ("condition", row("", "[", 2_000, &"]".repeat(2_000))),
        ("condition", row("true", " && true", 400, "")),
        ("condition", row("", "true ? ", 500, "true")),
        ("requirement", row("a", "[", 4_000, "")),
        ("requirement", row("a; ", "(", 4_000, "")),
        ("marker", row("", "(", 4_000, "os_name == 'a'")),
        (
            "marker",
            row("os_name == 'a'", " and os_name == 'a'", 150, ""),
        ),
        (
            "metadata",
            row(
                "Name: a\nVersion: 1\nLicense-Expression: ",
                "(",
                20_000,
                "MIT",
            ),
        ),
    ] {
        println!("{property} {:.60}", input.escape_ascii());
        check(property, &input);
    }
}

#[test]
fn documents_may_be_as_long_as_they_like() {
    for (property, input) in [
        (
            "metadata",
            row("Name: a\nVersion: 1\n", "X: y\n", 40_000, ""),
        ),
        (
            "metadata",
            row("Name: a\nVersion: 1\nX: y", "\n z", 60_000, ""),
        ),
        ("metadata", row("Name: ", "a", 200_000, "\nVersion: 1\n")),
        ("metadata", row("", "Name: a\n", 20_000, "")),
        (
            "metadata",
            row(
                "Name: a\nVersion: 1\n",
                "Classifier: License :: OSI Approved :: MIT License\n",
                4_000,
                "",
            ),
        ),
        (
            "metadata",
            row("Name: a\nVersion: 1\nLicense: ", "GPL or MIT, ", 10_000, ""),
        ),
        ("version", row("1", ".1", 20_000, "")),
        ("version", row("1+a", ".b", 20_000, "")),
        ("version", row("", "9", 20_000, "")),
        ("version", row(">=1", ",>=1", 10_000, "")),
        ("filename", row("a", "-1", 120, ".tar.gz")),
        ("filename", row("a-1-", "a.", 100, "-none-any.whl")),
        ("accept", row("", "text/html;q=0.1,", 10_000, "")),
        ("accept", row("", ",;=/", 40_000, "")),
        ("range", row("12345678bytes=", "0-0,", 20_000, "")),
        ("simple_html", row("", "<", 200_000, "")),
        ("simple_html", row("<a ", "b=c ", 40_000, ">")),
        (
            "simple_html",
            row("", "<a href='demo-1.0.zip'>", 10_000, ""),
        ),
        ("simple_html", row("<a href='", "&amp;", 40_000, "'>")),
        ("simple_html", row("<!--", "-", 200_000, "")),
        (
            "simple_json",
            row(
                "{\"meta\":{\"api-version\":\"1.0\"},\"name\":\"demo\",\"files\":[",
                "{},",
                20_000,
                "{}]}",
            ),
        ),
        ("lockfiles", row("", "a==1\n", 12_000, "")),
        ("lockfiles", row("", "\\\n", 40_000, "a==1")),
        ("lockfiles", row("a==1", " --hash=sha256:00", 10_000, "")),
        (
            "osv_record",
            row(
                "{\"id\":\"A-1\",\"aliases\":[",
                "\"B-1\",",
                10_000,
                "\"C-1\"]}",
            ),
        ),
        ("record", row("", "demo/a.py,,\n", 4_000, "")),
        ("record", row("\"", "\"\"", 40_000, "\",,\n")),
        ("record", row("demo/a.py,sha256=", "A", 100_000, ",1\n")),
        ("record", row("", ",", 100_000, "")),
        ("pth", row("", "import os; x\n", 4_000, "")),
    ] {
        println!("{property} {:.60}", input.escape_ascii());
        check(property, &input);
    }
}
