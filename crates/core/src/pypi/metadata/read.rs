//! Reading METADATA and PKG-INFO as Python's own `email` parser does, since that is what installers
//! read them with: two readings of one file would be a hole.

use super::{CoreMetadata, MAX_HEADERS, MAX_METADATA_SIZE, MetadataError};

impl CoreMetadata {
    /// Reads the bytes of a METADATA or PKG-INFO file. Bytes that are not UTF-8, which old sdists
    /// hold in people's names, are replaced.
    ///
    /// As in Python's parser, the first line that is no header ends the headers and belongs to the
    /// body.
    ///
    /// # Errors
    /// [`MetadataError`] when name or version are missing, given twice or invalid, when the
    /// metadata's own version has a major number above 2, and beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > MAX_METADATA_SIZE {
            return Err(MetadataError::TooLarge);
        }
        let text = String::from_utf8_lossy(bytes);
        let (headers, body) = split(&text)?;
        let name = only(&headers, "name", "Name")?.ok_or(MetadataError::Missing("Name"))?;
        let version = only(&headers, "version", "Version")?;
        let version = version.ok_or(MetadataError::Missing("Version"))?;
        let mut metadata = Self::new(name, version)?;
        if let Some(version) = only(&headers, "metadata-version", "Metadata-Version")? {
            check_metadata_version(version)?;
            metadata.metadata_version = Some(version.into());
        }
        for header in headers {
            metadata.add(header);
        }
        if !body.trim().is_empty() {
            metadata.description = present(body);
        }
        Ok(metadata)
    }

    fn add(&mut self, Header { name, value }: Header<'_>) {
        let field = name.to_ascii_lowercase();
        if matches!(&*field, "name" | "version" | "metadata-version") {
            return;
        }
        let Some(value) = present(&value) else {
            return;
        };
        if let Some(list) = self.list(&field) {
            list.push(in_one_line(&value));
            return;
        }
        let in_lines = matches!(&*field, "description" | "license");
        let value = if in_lines {
            unindented(&value)
        } else {
            in_one_line(&value)
        };
        match self.single(&field) {
            Some(slot @ None) => *slot = Some(value),
            _ => self.unknown.push((name.into(), value)),
        }
    }

    fn single(&mut self, field: &str) -> Option<&mut Option<Box<str>>> {
        Some(match field {
            "summary" => &mut self.summary,
            "description" => &mut self.description,
            "description-content-type" => &mut self.description_content_type,
            "keywords" => &mut self.keywords,
            "home-page" => &mut self.home_page,
            "download-url" => &mut self.download_url,
            "author" => &mut self.author,
            "author-email" => &mut self.author_email,
            "maintainer" => &mut self.maintainer,
            "maintainer-email" => &mut self.maintainer_email,
            "license" => &mut self.license,
            "license-expression" => &mut self.license_expression,
            "requires-python" => &mut self.requires_python,
            _ => return None,
        })
    }

    fn list(&mut self, field: &str) -> Option<&mut Vec<Box<str>>> {
        Some(match field {
            "license-file" => &mut self.license_files,
            "dynamic" => &mut self.dynamic,
            "platform" => &mut self.platforms,
            "supported-platform" => &mut self.supported_platforms,
            "classifier" => &mut self.classifiers,
            "requires-dist" => &mut self.requires_dist,
            "requires-external" => &mut self.requires_external,
            "project-url" => &mut self.project_urls,
            "provides-extra" => &mut self.provides_extra,
            "provides-dist" => &mut self.provides_dist,
            "obsoletes-dist" => &mut self.obsoletes_dist,
            "import-name" => &mut self.import_names,
            "import-namespace" => &mut self.import_namespaces,
            "requires" => &mut self.requires,
            "provides" => &mut self.provides,
            "obsoletes" => &mut self.obsoletes,
            _ => return None,
        })
    }
}

struct Header<'a> {
    name: &'a str,
    value: String,
}

/// The headers, and the body behind them.
fn split(text: &str) -> Result<(Vec<Header<'_>>, &str), MetadataError> {
    let mut headers: Vec<Header<'_>> = Vec::new();
    // Whether the line before belongs to a header, which the next one may continue. Behind a line
    // that Python passes over there is nothing to continue.
    let mut open = false;
    let mut rest = text;
    while !rest.is_empty() {
        let (line, following) = first_line(rest);
        if line.is_empty() {
            return Ok((headers, following));
        }
        match Line::of(line) {
            Line::Continuation => {
                if let Some(header) = headers.last_mut().filter(|_| open) {
                    header.value.extend(["\n", line]);
                }
            }
            Line::Header { name, value } => {
                if headers.len() == MAX_HEADERS {
                    return Err(MetadataError::TooManyHeaders);
                }
                headers.push(Header {
                    name,
                    value: value.to_owned(),
                });
                open = true;
            }
            Line::PassedOver => open = false,
            Line::Body => return Ok((headers, rest)),
        }
        rest = following;
    }
    Ok((headers, ""))
}

enum Line<'a> {
    Continuation,
    Header { name: &'a str, value: &'a str },
    PassedOver,
    Body,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        if line.starts_with([' ', '\t']) {
            return Self::Continuation;
        }
        // The separator of mailboxes, which is where Python's parser comes from.
        if line.starts_with("From ") {
            return Self::PassedOver;
        }
        match line.split_once(':') {
            Some(("", _)) => Self::PassedOver,
            Some((name, value)) if name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Self::Header { name, value }
            }
            _ => Self::Body,
        }
    }
}

/// A line without its end, and what follows it. A lone carriage return ends a line too.
fn first_line(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['\r', '\n']) else {
        return (text, "");
    };
    let following = text[end..].strip_prefix("\r\n").unwrap_or(&text[end + 1..]);
    (&text[..end], following)
}

/// The value of a header that may stand there once.
fn only<'a>(
    headers: &'a [Header<'_>],
    field: &str,
    shown: &'static str,
) -> Result<Option<&'a str>, MetadataError> {
    let mut found = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(field));
    let first = found.next();
    if found.next().is_some() {
        return Err(MetadataError::Repeated(shown));
    }
    Ok(first
        .map(|header| header.value.trim())
        .filter(|value| !value.is_empty()))
}

fn check_metadata_version(version: &str) -> Result<(), MetadataError> {
    match version.split('.').next().map(str::parse::<u32>) {
        Some(Ok(1 | 2)) => Ok(()),
        _ => Err(MetadataError::UnsupportedVersion(
            version.chars().take(40).collect(),
        )),
    }
}

fn present(value: &str) -> Option<Box<str>> {
    let trimmed = value.trim();
    if trimmed.is_empty() || trimmed == "UNKNOWN" {
        return None;
    }
    // Leading spaces of a description's first line may be an indented block.
    Some(value.trim_end().trim_start_matches(['\n', '\r']).into())
}

fn in_one_line(value: &str) -> Box<str> {
    let lines: Vec<&str> = value
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ").into()
}

/// Takes away what makes the lines of a long value continuation lines: eight spaces, or seven and a
/// bar.
fn unindented(value: &str) -> Box<str> {
    let mut lines = value.lines();
    let mut text = lines.next().unwrap_or_default().trim_start().to_owned();
    for line in lines {
        let inner = line
            .strip_prefix("       |")
            .or_else(|| line.strip_prefix("        "));
        text.push('\n');
        text.push_str(inner.unwrap_or_else(|| line.trim_start()));
    }
    text.into()
}
