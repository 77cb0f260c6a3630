//! Lists of names, as operators can get them: a feed of what is new (RSS or Atom), the list of an index
//! (PEP 503 or PEP 691), or plain lines. Reading them is strict about names and forgiving about the rest.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use portcullis_core::pypi::{simple_html, simple_json};
use portcullis_upstream::client::{Fetched, HttpClient};
use portcullis_upstream::environment::Environment;
use portcullis_upstream::source::UpstreamConfig;
use quick_xml::Reader;
use quick_xml::events::Event;
use url::Url;

use crate::app::App;
use crate::config::{ListPlace, redacted};
use crate::error::FlowError;

/// The longest list, in bytes. All names of the largest index are some 40 MB.
const LONGEST: u64 = 256 << 20;

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/rss+xml, \
                      application/atom+xml, text/plain;q=0.9, text/html;q=0.8, */*;q=0.1";

/// A name of the outside, with the version that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: ProjectName,
    pub(super) version: Option<Version>,
}

/// The names at `place`; `None` when they are the same as last time.
pub(super) async fn read(
    app: &Arc<App>,
    place: &ListPlace,
) -> Result<Option<Vec<Listed>>, FlowError> {
    let bytes = match place {
        ListPlace::File(path) => Some(from_file(path).await?),
        ListPlace::Url(url) => from_url(app, url).await?,
    };
    let Some(bytes) = bytes else { return Ok(None) };
    let parsed = tokio::task::spawn_blocking(move || parse(&bytes));
    let parsed = parsed.await.map_err(|_| FlowError::Stopping)?;
    parsed.map(Some).map_err(|why| {
        let shown = match place {
            ListPlace::File(path) => path.display().to_string(),
            ListPlace::Url(url) => redacted(url),
        };
        FlowError::Job(format!("{shown} is no list of names: {why}"))
    })
}

async fn from_file(path: &Path) -> Result<Vec<u8>, FlowError> {
    let unreadable = |error| FlowError::Job(format!("cannot read {}: {error}", path.display()));
    let path_of_task = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_at_most(&path_of_task));
    let bytes = read
        .await
        .map_err(|_| FlowError::Stopping)?
        .map_err(unreadable)?;
    match bytes.len() as u64 > LONGEST {
        true => Err(FlowError::Job(format!("{} is too long", path.display()))),
        false => Ok(bytes),
    }
}

/// At most one byte more than the longest list has.
fn read_at_most(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn from_url(app: &App, url: &Url) -> Result<Option<Vec<u8>>, FlowError> {
    let failed = |why: String| FlowError::Job(why);
    let mut config = UpstreamConfig::new("monitor", url.clone());
    config.line = app.config.line.clone();
    let client = HttpClient::new(&config, &Environment::of_this_process());
    let client = client.map_err(|error| failed(error.to_string()))?;
    let known = app.monitor.validators(url.as_str());
    let fetched = client.fetch(url, ACCEPT, known.as_ref(), LONGEST).await;
    match fetched.map_err(|error| failed(error.to_string()))? {
        Fetched::NotModified => Ok(None),
        Fetched::Absent => Err(failed(format!("there is nothing at {}", redacted(url)))),
        Fetched::Document(document) => {
            app.monitor.remember(url.as_str(), document.validators);
            Ok(Some(document.bytes.to_vec()))
        }
    }
}

/// Reads a list in whichever form it is in.
fn parse(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let of_index = |names: Vec<ProjectName>| {
        let listed = names.into_iter().map(|name| Listed {
            name,
            version: None,
        });
        listed.collect()
    };
    if text.starts_with('{') {
        let list = simple_json::parse_list(text.as_bytes()).map_err(|error| error.to_string())?;
        return Ok(of_index(list.projects));
    }
    if !text.starts_with('<') {
        return Ok(text.lines().filter_map(line).collect());
    }
    let is_feed = ["<rss", "<feed", "<rdf:RDF"].iter().any(|root| {
        text.get(..text.len().min(4096))
            .is_some_and(|head| head.contains(root))
    });
    match is_feed {
        true => feed(text),
        false => simple_html::parse_list(text)
            .map(|list| of_index(list.projects))
            .map_err(|error| error.to_string()),
    }
}

/// `name` or `name version`; `#` begins a comment.
fn line(line: &str) -> Option<Listed> {
    let line = line.split('#').next().unwrap_or_default();
    words(line)
}

fn words(text: &str) -> Option<Listed> {
    let mut words = text.split_whitespace();
    let name = ProjectName::new(words.next()?).ok()?;
    let version = words.next().and_then(|word| word.parse().ok());
    Some(Listed { name, version })
}

/// The entries of a feed. The address of an entry names its project best, as `…/project/NAME/` or
/// `…/project/NAME/VERSION/`; otherwise the first words of its title do.
fn feed(text: &str) -> Result<Vec<Listed>, String> {
    let mut reader = Reader::from_str(text);
    let mut found = Vec::new();
    let mut entry = Entry::default();
    loop {
        match reader.read_event() {
            Err(error) => return Err(error.to_string()),
            Ok(Event::Eof) => return Ok(found),
            Ok(Event::Start(tag)) => entry.begin(tag.local_name().as_ref()),
            Ok(Event::Empty(tag)) if tag.local_name().as_ref() == b"link" => {
                let address = tag.try_get_attribute("href").ok().flatten();
                if let Some(address) = address {
                    entry.link += &String::from_utf8_lossy(&address.value);
                }
            }
            Ok(Event::Text(text)) => entry.text(&String::from_utf8_lossy(&text)),
            Ok(Event::CData(text)) => entry.text(&String::from_utf8_lossy(&text)),
            Ok(Event::End(tag)) => {
                if matches!(tag.local_name().as_ref(), b"item" | b"entry") {
                    found.extend(std::mem::take(&mut entry).listed());
                }
                entry.within = Within::Other;
            }
            Ok(_) => {}
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    Title,
    Link,
    #[default]
    Other,
}

/// An entry of a feed while it is read.
#[derive(Debug, Default)]
struct Entry {
    title: String,
    link: String,
    within: Within,
}

impl Entry {
    fn begin(&mut self, tag: &[u8]) {
        match tag {
            b"item" | b"entry" => *self = Self::default(),
            b"title" => self.within = Within::Title,
            b"link" => self.within = Within::Link,
            _ => self.within = Within::Other,
        }
    }

    fn text(&mut self, text: &str) {
        match self.within {
            Within::Title => self.title += text,
            Within::Link => self.link += text,
            Within::Other => {}
        }
    }

    fn listed(&self) -> Option<Listed> {
        self.of_link().or_else(|| words(&self.title))
    }

    fn of_link(&self) -> Option<Listed> {
        let url = Url::parse(self.link.trim()).ok()?;
        let mut segments = url
            .path_segments()?
            .skip_while(|segment| *segment != "project");
        segments.next()?;
        let name = ProjectName::new(segments.next()?).ok()?;
        let version = segments.next().and_then(|word| word.parse().ok());
        Some(Listed { name, version })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        let listed = parse(text.as_bytes()).unwrap();
        let shown = |listed: &Listed| match &listed.version {
            Some(version) => format!("{} {version}", listed.name),
            None => listed.name.to_string(),
        };
        listed.iter().map(shown).collect()
    }

    #[test]
    fn feeds_index_lists_and_plain_lines_are_read() {
        let rss = "<?xml version='1.0'?>\n<rss version='2.0'><channel><title>Newest</title>\
                   <link>https://index.example/</link>\
                   <item><title>Acme_Billing added to the index</title>\
                   <link>https://index.example/project/acme-billing/</link></item>\
                   <item><title>other 99.0</title>\
                   <link>https://index.example/project/other/99.0/</link></item>\
                   <item><title>third 1.0</title></item>\
                   <item><title>!!</title><link>x</link></item></channel></rss>";
        assert_eq!(names(rss), ["acme-billing", "other 99.0", "third 1.0"]);
        let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><entry><title><![CDATA[a & b]]></title>\
                    <link href='https://index.example/project/atomic/'/></entry></feed>";
        assert_eq!(names(atom), ["atomic"]);
        let json = r#"{"meta":{"api-version":"1.0"},"projects":[{"name":"Foo"},{"name":"bar"}]}"#;
        assert_eq!(names(json), ["foo", "bar"]);
        let html = "<!DOCTYPE html><html><body><a href='/simple/foo/'>foo</a></body></html>";
        assert_eq!(names(html), ["foo"]);
        assert_eq!(
            names("\u{feff}# new\nFoo.Bar\nacme-x 100.0 # odd\n\n-\nb zz\n"),
            ["foo-bar", "acme-x 100.0", "b"]
        );
    }

    #[test]
    fn what_is_no_list_is_said_to_be_none() {
        for text in [&b"\xff"[..], b"{\"a\":1}", b"<rss><item></rss>"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(b"").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), prefix in "(<rss>|<feed|\\{|<|)") {
            let _ = parse(format!("{prefix}{text}").as_bytes());
        }
    }
}
