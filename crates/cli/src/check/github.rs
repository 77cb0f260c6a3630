//! A check as workflow commands of GitHub: annotations of a change, each one line.

use portcullis_core::inspection::Severity;

use super::answer::{Answer, Shown};
use crate::output::visible;

/// A line for each finding, and for each file that was not checked.
pub(super) fn commands(answer: &Answer<'_>) -> String {
    let findings = answer.findings.iter().map(command);
    let unchecked = answer.unchecked.iter().map(|one| {
        let mut properties = vec![("file", one.path.clone())];
        properties.extend(one.line.map(|line| ("line", line.to_string())));
        properties.push(("title", "not checked".to_owned()));
        line("warning", &properties, &one.why)
    });
    findings.chain(unchecked).collect()
}

fn command(shown: &Shown<'_>) -> String {
    let (finding, place) = (shown.finding, shown.place);
    let kind = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let mut properties = vec![
        ("file", shown.path.clone()),
        ("line", place.line.to_string()),
        ("endLine", place.end_line.to_string()),
    ];
    // Columns of an annotation are those of one line.
    if place.line == place.end_line {
        properties.push(("col", place.column.to_string()));
        properties.push(("endColumn", place.end_column.to_string()));
    }
    let title = format!("{} ({})", finding.rule, finding.severity);
    properties.push(("title", title));
    let parts = [
        (String::new(), &finding.message),
        ("why: ".to_owned(), &finding.why),
        ("what to do: ".to_owned(), &finding.help),
    ];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty());
    let message: Vec<String> = parts.map(|(name, text)| format!("{name}{text}")).collect();
    line(kind, &properties, &message.join("\n"))
}

fn line(kind: &str, properties: &[(&str, String)], message: &str) -> String {
    let properties = properties.iter();
    let properties: Vec<String> = properties
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    format!("::{kind} {}::{}\n", properties.join(","), data(message))
}

/// A message: its lines are joined by what GitHub takes for a line break.
fn data(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| visible(line).replace('%', "%25"))
        .collect();
    lines.join("%0A")
}

/// A value, in which signs that end a property are escaped as well.
fn property(text: &str) -> String {
    visible(text)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        let properties = [("file", "a,b:c%\n::error::x".to_owned())];
        assert_eq!(
            line("error", &properties, "100 %\nnext\r::warning::y"),
            "::error file=a%2Cb%3Ac%25\u{fffd}%3A%3Aerror%3A%3Ax::100 %25%0Anext\u{fffd}::warning::y\n"
        );
    }
}
