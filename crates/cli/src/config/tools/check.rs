//! `portcullis config check TOOL`: whether a tool really asks the gateway and nothing else, with everything that
//! it would ask and where that is set. Nothing is asked or run for it.

use serde_json::{Value, json};

use super::aim::{Aim, Gateway};
use super::machine::Machine;
use super::plan::{Finding, How, Look};
use super::{Tool, show};
use crate::exit::Exit;
use crate::output::{Format, paragraph, print, print_json, visible};

/// Checks tools.
pub(in crate::config) fn check(
    tools: &[Tool],
    gateway: &Gateway,
    format: Format,
) -> anyhow::Result<Exit> {
    let machine = Machine::this()?;
    let aim = Aim::new(gateway, None, &machine)?;
    let mut found = 0;
    let mut documents = Vec::new();
    for tool in tools {
        let look = tool.look(&aim, &machine)?;
        let findings = look.judged(&tool.to_string(), &aim);
        found += findings.len();
        match format {
            Format::Json => documents.push(document(*tool, &look, &findings)),
            Format::Text => print(&text(*tool, &look, &findings))?,
        }
    }
    if format == Format::Json {
        let gateway = aim.simple();
        print_json(&json!({ "gateway": gateway, "found": found, "tools": documents }))?;
    }
    Ok(Exit::for_findings(found))
}

fn text(tool: Tool, look: &Look, found: &[Finding]) -> String {
    let mut text = match found.is_empty() {
        true => format!("{tool} asks the gateway, and nothing else.\n"),
        false => format!("{tool} does not ask the gateway only.\n"),
    };
    if !look.asked.is_empty() {
        text.push('\n');
    }
    for asked in &look.asked {
        let how = match asked.how {
            How::Index => "",
            How::Beside => " (beside the index)",
            How::Named => " (only for what names it)",
        };
        // Addresses and paths are copied, and so not broken.
        let (key, url) = (visible(&asked.key), visible(&show::masked(&asked.url)));
        text.push_str(&format!("  {key}  {url}{how}\n"));
        if asked.place != asked.key {
            text.push_str(&format!("      from {}\n", visible(&asked.place)));
        }
    }
    if !found.is_empty() {
        text.push('\n');
        text.push_str(&findings(found));
    }
    if !look.remarks.is_empty() {
        text.push('\n');
        text.push_str(&show::remarks(&look.remarks));
    }
    text
}

/// Findings for people.
pub(super) fn findings(found: &[Finding]) -> String {
    let mut text = String::new();
    for finding in found {
        let line = format!("{}: {}", finding.place, finding.message);
        text.push_str(&paragraph(2, &line));
        text.push_str(&paragraph(4, &format!("what to do: {}", finding.remedy)));
    }
    text
}

fn document(tool: Tool, look: &Look, found: &[Finding]) -> Value {
    let asked = look.asked.iter().map(|asked| {
        json!({
            "how": match asked.how {
                How::Index => "index",
                How::Beside => "beside",
                How::Named => "named",
            },
            "key": asked.key,
            "url": show::masked(&asked.url),
            "place": asked.place,
        })
    });
    let findings = found.iter().map(|finding| {
        json!({
            "kind": finding.kind,
            "place": finding.place,
            "message": finding.message,
            "remedy": finding.remedy,
        })
    });
    json!({
        "tool": tool.to_string(),
        "pointed": found.is_empty(),
        "asked": asked.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "remarks": look.remarks,
    })
}
