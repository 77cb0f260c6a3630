//! What an HTML document holds that matters to an index page: its `<base>`, its `<meta>` names and
//! its anchors with their text. Tokenised as browsers do (WHATWG), within bounds.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use crate::pypi::simple::{MAX_FILES, PageError};

/// The longest attribute that is kept, in bytes. Longer ones count as absent.
const MAX_ATTRIBUTE_LENGTH: usize = 16 * 1024;

/// The most text of one anchor that is kept, in bytes.
const MAX_TEXT_LENGTH: usize = 1024;

/// The most attributes of one element.
const MAX_ATTRIBUTES: usize = 64;

/// The most `<meta>` elements that are kept.
const MAX_METAS: usize = 256;

/// An HTML document, as far as index pages are concerned.
#[derive(Default)]
pub(super) struct Document {
    pub(super) base: Option<String>,
    pub(super) metas: Vec<(String, String)>,
    pub(super) anchors: Vec<Anchor>,
}

/// An `<a>` element with an `href`.
#[derive(Default)]
pub(super) struct Anchor {
    pub(super) href: String,
    pub(super) text: String,
    attributes: Vec<(String, String)>,
}

impl Anchor {
    /// The value of the attribute `name`, which is empty for `<a name>`.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }
}

impl Document {
    /// The content of the `<meta>` element called `name`, in any case.
    pub(super) fn meta(&self, name: &str) -> Option<&str> {
        let found = self
            .metas
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, content)| content.trim())
    }

    /// Reads the document in `text`, with at most `limit` anchors.
    pub(super) fn read(text: &str, limit: usize) -> Result<Self, PageError> {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut document = Self::default();
        let mut open: Option<Anchor> = None;
        for token in Tokenizer::new_with_emitter(text, emitter).flatten() {
            match token {
                Token::StartTag(tag) if **tag.name == *b"a" => {
                    document.close(open.take(), limit)?;
                    open = anchor(&tag);
                }
                Token::StartTag(tag) => document.read_head_tag(&tag),
                Token::EndTag(tag) if **tag.name == *b"a" => document.close(open.take(), limit)?,
                Token::String(text) => add_text(open.as_mut(), &text),
                _ => {}
            }
        }
        document.close(open, limit)?;
        Ok(document)
    }

    fn close(&mut self, anchor: Option<Anchor>, limit: usize) -> Result<(), PageError> {
        if self.anchors.len() == limit && anchor.is_some() {
            return Err(PageError::TooMany {
                what: "links",
                limit,
            });
        }
        self.anchors.extend(anchor);
        Ok(())
    }

    fn read_head_tag(&mut self, tag: &StartTag<()>) {
        match &**tag.name {
            b"base" if self.base.is_none() => self.base = attribute(tag, b"href"),
            b"meta" if self.metas.len() < MAX_METAS => {
                self.metas
                    .extend(attribute(tag, b"name").zip(attribute(tag, b"content")));
            }
            _ => {}
        }
    }
}

/// The number of anchors that a project's page may hold: some link to other things than files.
pub(super) const MAX_PAGE_ANCHORS: usize = MAX_FILES + 1000;

fn anchor(tag: &StartTag<()>) -> Option<Anchor> {
    let href = attribute(tag, b"href")?;
    let readable =
        |(key, value): (&html5gum::HtmlString, &_)| Some((text_of(key)?, text_of(value)?));
    let attributes = tag.attributes.iter().take(MAX_ATTRIBUTES);
    let attributes = attributes
        .map(|(key, value)| (key, &value.value))
        .filter_map(readable);
    Some(Anchor {
        href,
        text: String::new(),
        attributes: attributes.collect(),
    })
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> Option<String> {
    text_of(&tag.attributes.get(name)?.value)
}

fn text_of(bytes: &html5gum::HtmlString) -> Option<String> {
    if bytes.len() > MAX_ATTRIBUTE_LENGTH {
        return None;
    }
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn add_text(anchor: Option<&mut Anchor>, text: &[u8]) {
    let Some(anchor) = anchor else {
        return;
    };
    if anchor.text.len() + text.len() <= MAX_TEXT_LENGTH {
        anchor.text.push_str(&String::from_utf8_lossy(text));
    }
}
