//! The pieces of which index JSON is made, read without trust: text without copies, hashes,
//! markers, and unknown keys kept verbatim within bounds. Shared by the two JSON forms that we read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::simple::{CoreMetadata, Extra, Provenance, Yanked};

/// The most unknown keys that one object may carry.
const MAX_UNKNOWN_KEYS: usize = 128;

/// The deepest nesting of an unknown value. It is handed on to clients, whose parsers recurse.
const MAX_DEPTH: usize = 32;

/// The most algorithms that one table of hashes may name, and the longest name and digest.
const MAX_HASHES: usize = 16;
const MAX_ALGORITHM_LENGTH: usize = 32;
const MAX_DIGEST_LENGTH: usize = 256;

/// A string, borrowed from the document where it holds no escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl From<Text<'_>> for Box<str> {
    fn from(text: Text<'_>) -> Self {
        text.0.into()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// Something that is read from a JSON object only. What serde derives for a struct would take an
/// array of its fields for it as well.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// A table of hashes by algorithm name; the digests are hexadecimal and come out in lower case.
pub(super) struct Hashes(pub(super) BTreeMap<Box<str>, Box<str>>);

impl Hashes {
    fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut hashes = BTreeMap::new();
        while let Some((algorithm, digest)) = map.next_entry::<Text<'_>, Text<'_>>()? {
            let (algorithm, digest) = (algorithm.0, digest.0);
            if algorithm.len() > MAX_ALGORITHM_LENGTH || !is_digest(&digest) {
                return Err(de::Error::custom("a hash that is not hexadecimal"));
            }
            if hashes
                .insert(algorithm.into(), lower_case(&digest))
                .is_some()
            {
                return Err(de::Error::custom("an algorithm twice"));
            }
            if hashes.len() > MAX_HASHES {
                return Err(de::Error::custom("too many hashes"));
            }
        }
        Ok(Self(hashes))
    }
}

/// Whether `text` is a digest in hexadecimal digits.
pub(super) fn is_digest(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_DIGEST_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn lower_case(digest: &str) -> Box<str> {
    digest.to_ascii_lowercase().into()
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HashesVisitor;
        impl<'de> Visitor<'de> for HashesVisitor {
            type Value = Hashes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of hashes")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hashes, A::Error> {
                Hashes::read(map)
            }
        }
        deserializer.deserialize_map(HashesVisitor)
    }
}

/// The value of `core-metadata`: a boolean or a table of hashes (PEP 714).
pub(super) struct Offer(pub(super) CoreMetadata);

impl<'de> Deserialize<'de> for Offer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfferVisitor;
        impl<'de> Visitor<'de> for OfferVisitor {
            type Value = Offer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or a table of hashes")
            }
            fn visit_bool<E: de::Error>(self, offered: bool) -> Result<Offer, E> {
                Ok(Offer(if offered {
                    CoreMetadata::Unhashed
                } else {
                    CoreMetadata::Absent
                }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Offer, A::Error> {
                let Hashes(hashes) = Hashes::read(map)?;
                let unhashed = hashes.is_empty();
                Ok(Offer(if unhashed {
                    CoreMetadata::Unhashed
                } else {
                    CoreMetadata::Hashed(hashes)
                }))
            }
        }
        deserializer.deserialize_any(OfferVisitor)
    }
}

/// The value of `yanked`: a boolean, a reason or null. An empty reason is a yank all the same,
/// because a mirror must not lose one (PEP 592).
pub(super) struct YankMark(pub(super) Yanked);

impl<'de> Deserialize<'de> for YankMark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct YankVisitor;
        impl Visitor<'_> for YankVisitor {
            type Value = YankMark;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or a reason")
            }
            fn visit_bool<E: de::Error>(self, yanked: bool) -> Result<YankMark, E> {
                Ok(YankMark(if yanked { Yanked::Yes } else { Yanked::No }))
            }
            fn visit_str<E: de::Error>(self, reason: &str) -> Result<YankMark, E> {
                Ok(YankMark(yanked_because(reason)))
            }
            fn visit_unit<E: de::Error>(self) -> Result<YankMark, E> {
                Ok(YankMark(Yanked::No))
            }
        }
        deserializer.deserialize_any(YankVisitor)
    }
}

/// The mark of a yank with `reason`, which may be empty.
pub(super) fn yanked_because(reason: &str) -> Yanked {
    if reason.is_empty() {
        Yanked::Yes
    } else {
        Yanked::Because(reason.into())
    }
}

/// The three states of `provenance` (PEP 740), for a key that is there.
pub(super) fn provenance(value: Option<Text<'_>>) -> Provenance {
    match value {
        Some(url) if !url.0.is_empty() => Provenance::Url(url.into()),
        _ => Provenance::None,
    }
}

/// Fills `slot`, which a second occurrence of `key` finds full: two parsers may well disagree on
/// which of the two counts.
pub(super) fn once<T, E: de::Error>(
    slot: &mut Option<T>,
    value: T,
    key: &'static str,
) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(key)),
    }
}

/// Keeps an unknown key verbatim.
pub(super) fn keep<E: de::Error>(extra: &mut Extra, key: &str, value: &RawValue) -> Result<(), E> {
    if extra.len() >= MAX_UNKNOWN_KEYS {
        return Err(E::custom("too many unknown keys"));
    }
    if extra.iter().any(|(known, _)| &**known == key) {
        return Err(E::custom("an unknown key twice"));
    }
    if depth(value.get()) > MAX_DEPTH {
        return Err(E::custom("an unknown value nested too deeply"));
    }
    extra.push((key.into(), value.to_owned()));
    Ok(())
}

/// How deeply `json`, which is valid, nests arrays and objects.
fn depth(json: &str) -> usize {
    let (mut deepest, mut current, mut in_string, mut escaped) = (0, 0_usize, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                current += 1;
                deepest = deepest.max(current);
            }
            b']' | b'}' if !in_string => current = current.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(depth("1"), 0);
        assert_eq!(depth(r#"{"a":[1,{"b":"[[[\"[["}],"c":[]}"#), 3);
        assert_eq!(depth(r#"["\\",[]]"#), 2);
    }
}
