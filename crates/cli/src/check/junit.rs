//! A check as JUnit XML, which every CI shows: a suite for each file, and in it a case for each finding. What
//! does not count by `--fail-on` passes, and says so.

use std::io;

use portcullis_core::inspection::Severity;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::answer::{Answer, Shown};
use super::discovery::Unchecked;
use crate::output::visible;

/// What is said of one file.
#[derive(Default)]
struct Suite<'a> {
    path: &'a str,
    findings: Vec<&'a Shown<'a>>,
    unchecked: Vec<&'a Unchecked>,
}

/// The document.
pub(super) fn document(answer: &Answer<'_>) -> io::Result<String> {
    let suites = suites(answer);
    let failing = |one: &&Shown<'_>| answer.counts(one.finding);
    let failures = answer.findings.iter().filter(failing).count();
    let cases: usize = suites.iter().map(Suite::cases).sum();
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let attributes = [
        ("name", "portcullis check".to_owned()),
        ("tests", cases.to_string()),
        ("failures", failures.to_string()),
        ("errors", answer.unchecked.len().to_string()),
        ("time", format!("{:.3}", answer.elapsed.as_secs_f64())),
    ];
    let root = xml.create_element("testsuites");
    let root = root.with_attributes(pairs(&attributes));
    root.write_inner_content(|xml| {
        for suite in &suites {
            suite.write(xml, answer)?;
        }
        Ok(())
    })?;
    let mut text = String::from_utf8(xml.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

/// One for each file that was checked or should have been, by path.
fn suites<'a>(answer: &'a Answer<'a>) -> Vec<Suite<'a>> {
    let found = answer.findings.iter().map(|one| one.path.as_str());
    let unchecked = answer.unchecked.iter().map(|one| one.path.as_str());
    let checked = answer.checked.iter().map(String::as_str);
    let mut paths: Vec<&str> = checked.chain(found).chain(unchecked).collect();
    paths.sort_unstable();
    paths.dedup();
    let suite = |path| Suite {
        path,
        findings: answer
            .findings
            .iter()
            .filter(|one| one.path == path)
            .collect(),
        unchecked: answer
            .unchecked
            .iter()
            .filter(|one| one.path == path)
            .collect(),
    };
    paths.into_iter().map(suite).collect()
}

impl Suite<'_> {
    /// A file without anything to say is a case that passes.
    fn cases(&self) -> usize {
        (self.findings.len() + self.unchecked.len()).max(1)
    }

    fn write(&self, xml: &mut Writer<Vec<u8>>, answer: &Answer<'_>) -> io::Result<()> {
        let failing = |one: &&&Shown<'_>| answer.counts(one.finding);
        let attributes = [
            ("name", visible(self.path)),
            ("tests", self.cases().to_string()),
            (
                "failures",
                self.findings.iter().filter(failing).count().to_string(),
            ),
            ("errors", self.unchecked.len().to_string()),
        ];
        let element = xml.create_element("testsuite");
        let element = element.with_attributes(pairs(&attributes));
        element.write_inner_content(|xml| self.write_cases(xml, answer))?;
        Ok(())
    }

    fn write_cases(&self, xml: &mut Writer<Vec<u8>>, answer: &Answer<'_>) -> io::Result<()> {
        for shown in &self.findings {
            let severity = shown.finding.severity;
            let line = shown.place.line;
            let name = format!("{}, line {line}", shown.finding.rule);
            let body = Body {
                element: match answer.counts(shown.finding) {
                    true => "failure",
                    false => "system-out",
                },
                kind: Some(severity),
                message: visible(&shown.finding.message),
                text: body(shown),
            };
            self.write_case(xml, (&name, Some(line)), Some(&body))?;
        }
        for unchecked in &self.unchecked {
            let body = Body {
                element: "error",
                kind: None,
                message: visible(&unchecked.why),
                text: String::new(),
            };
            self.write_case(xml, ("not checked", unchecked.line), Some(&body))?;
        }
        match self.findings.is_empty() && self.unchecked.is_empty() {
            true => self.write_case(xml, ("checked", None), None),
            false => Ok(()),
        }
    }

    fn write_case(
        &self,
        xml: &mut Writer<Vec<u8>>,
        (name, line): (&str, Option<usize>),
        body: Option<&Body>,
    ) -> io::Result<()> {
        let mut attributes = vec![
            ("name", name.to_owned()),
            ("classname", visible(self.path)),
            ("file", visible(self.path)),
        ];
        attributes.extend(line.map(|line| ("line", line.to_string())));
        let case = xml.create_element("testcase");
        let case = case.with_attributes(pairs(&attributes));
        match body {
            None => case.write_empty().map(|_| ()),
            Some(body) => case.write_inner_content(|xml| body.write(xml)).map(|_| ()),
        }
    }
}

/// What a case says.
struct Body {
    element: &'static str,
    kind: Option<Severity>,
    message: String,
    text: String,
}

impl Body {
    fn write(&self, xml: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let element = xml.create_element(self.element);
        if self.element == "system-out" {
            let text = format!("{}\n{}", self.message, self.text);
            element.write_text_content(BytesText::new(&text))?;
            return Ok(());
        }
        let mut attributes = vec![("message", self.message.clone())];
        attributes.extend(self.kind.map(|kind| ("type", kind.to_string())));
        let element = element.with_attributes(pairs(&attributes));
        element.write_text_content(BytesText::new(&self.text))?;
        Ok(())
    }
}

fn body(shown: &Shown<'_>) -> String {
    let (finding, place) = (shown.finding, shown.place);
    let at = format!("{}:{}:{}", shown.path, place.line, place.column);
    let lines = [
        visible(&at),
        format!("why: {}", visible(&finding.why)),
        format!("what to do: {}", visible(&finding.help)),
        format!("more: portcullis rules {}", finding.rule),
    ];
    lines.join("\n")
}

fn pairs<'a>(attributes: &'a [(&'a str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let attributes = attributes.iter();
    attributes.map(|(key, value)| (*key, value.as_str()))
}
