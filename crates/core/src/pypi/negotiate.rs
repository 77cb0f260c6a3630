//! Which form of a page a client gets (PEP 691 on top of RFC 9110, section 12.5): the media type
//! after `Accept` and `?format=`, the content encoding after `Accept-Encoding`. Total: whatever a
//! client sends, parts that make no sense are passed over.

/// A form of the simple repository API's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The JSON form.
    Json,
    /// The HTML form under its versioned name.
    Html,
    /// The HTML form as `text/html`, for browsers and old installers.
    LegacyHtml,
}

/// None of the forms that a page can be had in is one that the client accepts: 406.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "pages can be had as application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html \
     and text/html, and the request accepts none of them"
)]
pub struct NotAcceptable;

impl Format {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Json, Self::Html, Self::LegacyHtml];

    /// The value of `Content-Type`. Always the real version, also for who asked for `latest`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/vnd.pypi.simple.v1+json",
            Self::Html => "application/vnd.pypi.simple.v1+html",
            Self::LegacyHtml => "text/html",
        }
    }

    /// The form with this media type, or with `latest` in place of the version.
    fn named(media_type: &str) -> Option<Self> {
        let latest = |format: &Self| match format {
            Self::Json => {
                media_type.eq_ignore_ascii_case("application/vnd.pypi.simple.latest+json")
            }
            Self::Html => {
                media_type.eq_ignore_ascii_case("application/vnd.pypi.simple.latest+html")
            }
            Self::LegacyHtml => false,
        };
        Self::ALL
            .into_iter()
            .find(|format| media_type.eq_ignore_ascii_case(format.content_type()) || latest(format))
    }

    /// What a tie is decided by: JSON first for who names it, `text/html` first for who takes
    /// anything.
    const fn preference(self, closeness: Closeness) -> u8 {
        match (self, closeness) {
            (Self::LegacyHtml, Closeness::AnyType | Closeness::SameType) => 3,
            (Self::Json, _) => 2,
            (Self::Html, _) => 1,
            (Self::LegacyHtml, Closeness::Exact) => 0,
        }
    }
}

/// How closely a media range describes a media type (RFC 9110, section 12.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    AnyType,
    SameType,
    Exact,
}

/// A weight in thousandths.
type Quality = u16;

const FULL: Quality = 1000;

/// The form to answer with. `format_param` is the value of `?format=`, which wins; it and
/// `accept` may be absent. Without either, and for `*/*`, that is `text/html`.
///
/// # Errors
/// [`NotAcceptable`] when no form matches.
pub fn negotiate(
    accept: Option<&str>,
    format_param: Option<&str>,
) -> Result<Format, NotAcceptable> {
    if let Some(format) = format_param {
        // A `+` that was not percent-encoded arrives as a space.
        return Format::named(&format.trim().replace(' ', "+")).ok_or(NotAcceptable);
    }
    let accept = accept.unwrap_or_default().trim();
    if accept.is_empty() {
        return Ok(Format::LegacyHtml);
    }
    let ranges: Vec<(&str, Quality)> = accept.split(',').filter_map(weighted).collect();
    let rank = |format: Format| {
        let (quality, closeness) = quality(format, &ranges)?;
        Some((quality, closeness, format.preference(closeness), format))
    };
    let ranked = Format::ALL
        .into_iter()
        .filter_map(rank)
        .filter(|(quality, ..)| *quality > 0);
    let best = ranked
        .max_by_key(|(quality, closeness, preference, _)| (*quality, *closeness, *preference));
    best.map(|(.., format)| format).ok_or(NotAcceptable)
}

/// The weight that the closest range gives to `format`, and how close it is.
fn quality(format: Format, ranges: &[(&str, Quality)]) -> Option<(Quality, Closeness)> {
    let matching = ranges.iter().filter_map(|(range, quality)| {
        let closeness = closeness(format, range)?;
        Some((closeness, *quality))
    });
    matching
        .max()
        .map(|(closeness, quality)| (quality, closeness))
}

fn closeness(format: Format, range: &str) -> Option<Closeness> {
    if Format::named(range) == Some(format) {
        return Some(Closeness::Exact);
    }
    let (kind, subtype) = range.split_once('/')?;
    let own_kind = format.content_type().split('/').next().unwrap_or_default();
    match (kind, subtype) {
        ("*", "*") => Some(Closeness::AnyType),
        (kind, "*") if kind.eq_ignore_ascii_case(own_kind) => Some(Closeness::SameType),
        _ => None,
    }
}

/// Reads `value;parameter=…;q=0.5`; `None` when the weight is none.
fn weighted(item: &str) -> Option<(&str, Quality)> {
    let mut parts = item.split(';').map(str::trim);
    let value = parts.next().filter(|value| !value.is_empty())?;
    for parameter in parts {
        let Some((name, weight)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("q") {
            return Some((value, thousandths(weight.trim())?));
        }
    }
    Some((value, FULL))
}

/// Reads a weight: `0` or `1` with at most three decimals, and not above one.
fn thousandths(weight: &str) -> Option<Quality> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: Quality = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(FULL),
        _ => None,
    }
}

/// How the bytes of a page are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// Every encoding; later ones win ties.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Zstd];

    /// The value of `Content-Encoding`, which is absent for [`Encoding::Identity`].
    pub const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    fn named(self, coding: &str) -> bool {
        match self {
            Self::Identity => coding.eq_ignore_ascii_case("identity"),
            Self::Gzip => ["gzip", "x-gzip"]
                .iter()
                .any(|name| coding.eq_ignore_ascii_case(name)),
            Self::Zstd => coding.eq_ignore_ascii_case("zstd"),
        }
    }
}

/// The encoding to answer with: the one with the highest weight, at equal weight zstd before gzip
/// before none. Not to compress is always possible; a client that refuses even that gets it.
pub fn encoding(accept_encoding: Option<&str>) -> Encoding {
    let header = accept_encoding.unwrap_or_default();
    let codings: Vec<(&str, Quality)> = header.split(',').filter_map(weighted).collect();
    let weight_of = |encoding: Encoding| {
        let named = codings.iter().find(|(coding, _)| encoding.named(coding));
        let any = || codings.iter().find(|(coding, _)| *coding == "*");
        match named.or_else(any) {
            Some((_, quality)) => *quality,
            // Acceptable without being asked for, but nobody's first choice (RFC 9110, 12.5.3).
            None => u16::from(encoding == Encoding::Identity),
        }
    };
    let weighted = Encoding::ALL.map(|encoding| (weight_of(encoding), encoding));
    let acceptable = weighted.into_iter().filter(|(weight, _)| *weight > 0);
    acceptable
        .max()
        .map_or(Encoding::Identity, |(_, encoding)| encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: &str = "application/vnd.pypi.simple.v1+json";
    const HTML: &str = "application/vnd.pypi.simple.v1+html";

    #[test]
    fn installers_get_what_they_ask_for() {
        let pip = format!("{JSON}, {HTML}; q=0.1, text/html; q=0.01");
        let uv = format!("{JSON}, {HTML};q=0.2, text/html;q=0.01");
        let poetry = format!("{JSON}, */*;q=0.1");
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        let cases = [
            (pip.as_str(), Ok(Format::Json)),
            (&uv, Ok(Format::Json)),
            (&poetry, Ok(Format::Json)),
            ("text/html", Ok(Format::LegacyHtml)),
            (browser, Ok(Format::LegacyHtml)),
            ("*/*", Ok(Format::LegacyHtml)),
            ("", Ok(Format::LegacyHtml)),
            ("application/vnd.pypi.simple.latest+json", Ok(Format::Json)),
            ("APPLICATION/VND.PYPI.SIMPLE.LATEST+HTML", Ok(Format::Html)),
            ("application/json", Err(NotAcceptable)),
            ("application/vnd.pypi.simple.v2+json", Err(NotAcceptable)),
        ];
        for (accept, expected) in cases {
            assert_eq!(negotiate(Some(accept), None), expected, "{accept}");
        }
        assert_eq!(negotiate(None, None), Ok(Format::LegacyHtml));
    }

    #[test]
    fn weights_and_wildcards_count() {
        let cases = [
            ("application/*", Ok(Format::Json)),
            ("text/*", Ok(Format::LegacyHtml)),
            ("text/html;q=0, */*;q=0.5", Ok(Format::Json)),
            ("application/*;q=0, */*;q=0.1", Ok(Format::LegacyHtml)),
            ("text/html;q=0", Err(NotAcceptable)),
            ("*/*;q=0", Err(NotAcceptable)),
            (
                "text/html;charset=utf-8;q=0.5, application/json",
                Ok(Format::LegacyHtml),
            ),
            (
                "application/vnd.pypi.simple.v1+html, text/html",
                Ok(Format::Html),
            ),
            (
                "text/html, application/vnd.pypi.simple.v1+json",
                Ok(Format::Json),
            ),
            ("text/html;q=2, */*;q=x", Err(NotAcceptable)),
            (
                "text/html;q=0.1234, application/vnd.pypi.simple.v1+html;q=0.001",
                Ok(Format::Html),
            ),
            (",;,/;q=,text", Err(NotAcceptable)),
        ];
        for (accept, expected) in cases {
            assert_eq!(negotiate(Some(accept), None), expected, "{accept}");
        }
    }

    #[test]
    fn the_format_parameter_wins() {
        let spaced = JSON.replace('+', " ");
        for format in [JSON, &spaced, "application/vnd.pypi.simple.latest+json"] {
            assert_eq!(
                negotiate(Some("text/html"), Some(format)),
                Ok(Format::Json),
                "{format}"
            );
        }
        for format in ["", "json", "*/*"] {
            assert_eq!(
                negotiate(Some("*/*"), Some(format)),
                Err(NotAcceptable),
                "{format}"
            );
        }
    }

    #[test]
    fn encodings() {
        let cases = [
            (None, Encoding::Identity),
            (Some("identity"), Encoding::Identity),
            (Some("gzip, deflate"), Encoding::Gzip),
            (Some("gzip, deflate, br, zstd"), Encoding::Zstd),
            (Some("zstd;q=0.5, gzip"), Encoding::Gzip),
            (Some("zstd;q=0, gzip;q=0"), Encoding::Identity),
            (Some("gzip;q=0.001"), Encoding::Gzip),
            (Some("gzip;q=0.5, identity"), Encoding::Identity),
            (Some("x-gzip"), Encoding::Gzip),
            (Some("*"), Encoding::Zstd),
            (Some("*;q=0"), Encoding::Identity),
            (Some("zstd;q=1.1, gzip;q=nan, br"), Encoding::Identity),
        ];
        for (header, expected) in cases {
            assert_eq!(encoding(header), expected, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in any::<String>(), weight in "[0-9.]{0,6}") {
            for header in [text.clone(), format!("text/html;q={weight}"), format!("{text};q={weight}")] {
                let _ = negotiate(Some(&header), None);
                let _ = negotiate(None, Some(&header));
                let _ = encoding(Some(&header));
            }
        }
    }
}
