//! [`recognise`]: which licence of SPDX a text is, by comparison with all of them. Whether that licence is
//! accepted, and whether it is the one that the metadata names, is others' business.

use std::sync::OnceLock;

use spdx::detection::{Store, TextData};

/// How like a licence a text must be. Names and years differ; a paragraph that was added is too much.
const LIKENESS: f32 = 0.9;

/// The longest text that is compared, in bytes.
const LONGEST: usize = 256 * 1024;

/// The SPDX id of the licence whose text this is; `None` where it is none, or several in one file. GNU
/// licences come without `-only` or `-or-later`, since their texts do not say which.
///
/// The first call unpacks the texts of all licences, which takes some tenths of a second; it and every
/// other call belong where blocking is allowed.
pub fn recognise(text: &str) -> Option<String> {
    if text.len() > LONGEST || text.trim().is_empty() {
        return None;
    }
    let found = texts()?.analyze(&TextData::from(text));
    (found.score >= LIKENESS).then(|| without_version_choice(found.name).to_owned())
}

/// The texts come with the library, so that a failure to read them would be a broken build: then nothing
/// is recognised.
fn texts() -> Option<&'static Store> {
    static TEXTS: OnceLock<Option<Store>> = OnceLock::new();
    TEXTS.get_or_init(|| Store::load_inline().ok()).as_ref()
}

fn without_version_choice(name: &str) -> &str {
    let is_gnu = spdx::license_id(name).is_some_and(|id| id.is_gnu());
    if !is_gnu {
        return name;
    }
    let name = name.strip_suffix("-only").unwrap_or(name);
    name.strip_suffix("-or-later").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "MIT License\n\nCopyright (c) 2026 Ann Example\n\n\
        Permission is hereby granted, free of charge, to any person obtaining a copy of this software \
        and associated documentation files (the \"Software\"), to deal in the Software without \
        restriction, including without limitation the rights to use, copy, modify, merge, publish, \
        distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the \
        Software is furnished to do so, subject to the following conditions:\n\n\
        The above copyright notice and this permission notice shall be included in all copies or \
        substantial portions of the Software.\n\n\
        THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING \
        BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND \
        NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, \
        DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, \
        OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

    #[test]
    fn a_licence_is_known_by_its_text_and_other_texts_are_not() {
        assert_eq!(recognise(MIT).as_deref(), Some("MIT"));
        for text in [
            "",
            "  \n",
            "All rights reserved.",
            "MIT",
            "See LICENSE.txt for details.",
        ] {
            assert_eq!(recognise(text), None, "{text:?}");
        }
        assert_eq!(recognise(&"x ".repeat(LONGEST)), None);
        let amended = format!(
            "{MIT}\n{}",
            "You may not use the Software for evil. ".repeat(20)
        );
        assert_eq!(
            recognise(&amended),
            None,
            "an addition may take back what was granted"
        );
    }

    #[test]
    fn the_text_of_a_gnu_licence_does_not_say_whether_later_ones_may_be_chosen() {
        for (name, expected) in [
            ("GPL-3.0-or-later", "GPL-3.0"),
            ("GPL-2.0-only", "GPL-2.0"),
            ("MIT", "MIT"),
            ("Apache-2.0", "Apache-2.0"),
        ] {
            assert_eq!(without_version_choice(name), expected);
        }
    }
}
