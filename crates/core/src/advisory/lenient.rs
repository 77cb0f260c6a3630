//! JSON read with forbearance: a value of another type than expected is an empty one, so that one
//! bad element costs itself and not the record around it. Only what is not JSON, nests too deeply
//! or exceeds a bound is an error.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string, or nothing when the value is anything else.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// The elements of an array, or none when the value is anything else. More than `MAX` are an error.
#[derive(Debug)]
pub(super) struct List<T, const MAX: usize>(pub(super) Vec<T>);

/// What an object holds, or nothing when the value is anything else.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl Text<'_> {
    /// The text, unless there is none or an empty one.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// The parts of a visitor that make `$empty` of scalars.
macro_rules! scalars_are {
    ($empty:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($empty)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($empty)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($empty)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($empty)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($empty)
        }
    };
}

/// The part of a visitor that makes `$empty` of an array.
macro_rules! arrays_are {
    ($empty:expr) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            while array.next_element::<IgnoredAny>()?.is_some() {}
            Ok($empty)
        }
    };
}

/// The part of a visitor that makes `$empty` of an object.
macro_rules! objects_are {
    ($empty:expr) => {
        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
            while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($empty)
        }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            scalars_are!(Text(None));
            arrays_are!(Text(None));
            objects_are!(Text(None));
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
            type Value = List<T, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    if elements.len() == MAX {
                        let message = format!("an array of more than {MAX} elements");
                        return Err(de::Error::custom(message));
                    }
                    elements.push(element);
                }
                Ok(List(elements))
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            scalars_are!(List::default());
            objects_are!(List::default());
        }
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(object)).map(|value| Object(Some(value)))
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Object(None))
            }
            scalars_are!(Object(None));
            arrays_are!(Object(None));
        }
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Text<'a>,
        tags: List<Text<'a>, 3>,
    }

    fn read(json: &str) -> Option<(Option<String>, usize)> {
        let object: Object<Inner<'_>> = serde_json::from_str(json).ok()?;
        let inner = object.0.unwrap_or_default();
        Some((inner.name.get().map(str::to_owned), inner.tags.0.len()))
    }

    #[test]
    fn a_value_of_another_type_is_an_empty_one() {
        let name = |text: &str| Some(text.to_owned());
        for (json, expected) in [
            (r#"{"name":"a","tags":["x",1,{}]}"#, (name("a"), 3)),
            (r#"{"name":"\u00e4\n"}"#, (name("ä\n"), 0)),
            (r#"{"name":["a",{"b":[1]}],"tags":{"a":[]}}"#, (None, 0)),
            (r#"{"name":{"a":1},"tags":"x","more":[[[]]]}"#, (None, 0)),
            (r#"{"name":null,"tags":1.5}"#, (None, 0)),
            (r#"{"name":true,"tags":-1}"#, (None, 0)),
            ("[1,[2]]", (None, 0)),
            ("\"text\"", (None, 0)),
        ] {
            assert_eq!(read(json), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_not_json_or_beyond_a_bound_is_an_error() {
        for json in ["", "{", r#"{"name":"a""#, r#"{"tags":["a","b","c","d"]}"#] {
            assert_eq!(read(json), None, "{json}");
        }
        let deep = format!("{{\"name\":{}{}}}", "[".repeat(9000), "]".repeat(9000));
        assert!(read(&deep).is_none() || read(&deep) == Some((None, 0)));
    }
}
