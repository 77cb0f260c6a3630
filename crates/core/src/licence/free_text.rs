//! The field `License` in the words of its author: common spellings and the SPDX ids that they may mean.
//! A word that names a family (`BSD`, `GPL`) keeps its members; a phrase that is not known stays unclear.

use super::classifiers::readings;
use super::{LicenceExpression, Meaning};

/// Longer texts are licences written out in full; only their heading is looked at.
const LONGEST_NAME: usize = 120;

/// A spelling as [`key_of`] makes it, and what it may mean, alternatives separated by `|`.
const TABLE: &[(&str, &str)] = &[
    ("mit", "MIT"),
    ("expat", "MIT"),
    ("mit expat", "MIT"),
    ("expat mit", "MIT"),
    ("x11", "X11"),
    ("mit x11", "MIT|X11"),
    ("mit 0", "MIT-0"),
    ("mit no attribution", "MIT-0"),
    ("apache", "Apache-1.1|Apache-2.0"),
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache2", "Apache-2.0"),
    ("apache2.0", "Apache-2.0"),
    ("asl 2.0", "Apache-2.0"),
    ("asl 2", "Apache-2.0"),
    ("al2", "Apache-2.0"),
    ("apache foundation 2.0", "Apache-2.0"),
    ("bsd", "BSD-2-Clause|BSD-3-Clause|BSD-4-Clause"),
    ("bsd like", ""),
    ("bsd style", ""),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 2", "BSD-2-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("simplified bsd", "BSD-2-Clause"),
    ("bsd simplified", "BSD-2-Clause"),
    ("freebsd", "BSD-2-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("bsd 3 clauses", "BSD-3-Clause"),
    ("bsd 3", "BSD-3-Clause"),
    ("bsd3", "BSD-3-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("three clause bsd", "BSD-3-Clause"),
    ("bsd three clause", "BSD-3-Clause"),
    ("new bsd", "BSD-3-Clause"),
    ("bsd new", "BSD-3-Clause"),
    ("modified bsd", "BSD-3-Clause"),
    ("revised bsd", "BSD-3-Clause"),
    ("bsd modified", "BSD-3-Clause"),
    ("bsd 3 clause new or revised", "BSD-3-Clause"),
    ("bsd 4 clause", "BSD-4-Clause"),
    ("zero clause bsd", "0BSD"),
    (
        "gpl",
        "GPL-1.0-or-later|GPL-2.0-only|GPL-2.0-or-later|GPL-3.0-only|GPL-3.0-or-later",
    ),
    ("gpl 2", "GPL-2.0-only"),
    ("gpl 2.0", "GPL-2.0-only"),
    ("gpl 2 only", "GPL-2.0-only"),
    ("gpl 2+", "GPL-2.0-or-later"),
    ("gpl 2.0+", "GPL-2.0-or-later"),
    ("gpl 3", "GPL-3.0-only"),
    ("gpl 3.0", "GPL-3.0-only"),
    ("gpl 3 only", "GPL-3.0-only"),
    ("gpl 3+", "GPL-3.0-or-later"),
    ("gpl 3.0+", "GPL-3.0-or-later"),
    (
        "lgpl",
        "LGPL-2.0-only|LGPL-2.0-or-later|LGPL-2.1-only|LGPL-2.1-or-later|LGPL-3.0-only|LGPL-3.0-or-later",
    ),
    ("lgpl 2", "LGPL-2.0-only|LGPL-2.1-only"),
    ("lgpl 2+", "LGPL-2.0-or-later|LGPL-2.1-or-later"),
    ("lgpl 2.1", "LGPL-2.1-only"),
    ("lgpl 2.1+", "LGPL-2.1-or-later"),
    ("lgpl 3", "LGPL-3.0-only"),
    ("lgpl 3.0", "LGPL-3.0-only"),
    ("lgpl 3+", "LGPL-3.0-or-later"),
    ("lgpl 3.0+", "LGPL-3.0-or-later"),
    ("agpl", "AGPL-3.0-only|AGPL-3.0-or-later"),
    ("agpl 3", "AGPL-3.0-only"),
    ("agpl 3.0", "AGPL-3.0-only"),
    ("agpl 3+", "AGPL-3.0-or-later"),
    ("agpl 3.0+", "AGPL-3.0-or-later"),
    ("mpl", "MPL-1.0|MPL-1.1|MPL-2.0"),
    ("mpl 1.1", "MPL-1.1"),
    ("mpl 2", "MPL-2.0"),
    ("mpl 2.0", "MPL-2.0"),
    ("mozilla public", "MPL-1.0|MPL-1.1|MPL-2.0"),
    ("mozilla public 2.0", "MPL-2.0"),
    ("mozilla public 2.0 mpl 2.0", "MPL-2.0"),
    ("psf", "PSF-2.0|Python-2.0"),
    ("psfl", "PSF-2.0|Python-2.0"),
    ("python", "PSF-2.0|Python-2.0"),
    ("python foundation", "PSF-2.0|Python-2.0"),
    ("psf 2.0", "PSF-2.0"),
    ("isc", "ISC"),
    ("iscl", "ISC"),
    ("isc iscl", "ISC"),
    ("unlicense", "Unlicense"),
    ("cc0", "CC0-1.0"),
    ("cc0 1.0", "CC0-1.0"),
    ("cc0 1.0 universal", "CC0-1.0"),
    ("zlib", "Zlib"),
    ("zlib libpng", "Zlib"),
    ("boost 1.0", "BSL-1.0"),
    ("boost", "BSL-1.0"),
    ("eupl 1.2", "EUPL-1.2"),
    ("epl 2.0", "EPL-2.0"),
    ("eclipse public 2.0", "EPL-2.0"),
    ("wtfpl", "WTFPL"),
    ("hpnd", "HPND"),
    ("zpl 2.1", "ZPL-2.1"),
    ("zope public 2.1", "ZPL-2.1"),
    ("artistic 2.0", "Artistic-2.0"),
    ("ncsa", "NCSA"),
    ("postgresql", "PostgreSQL"),
    ("busl 1.1", "BUSL-1.1"),
    ("business 1.1", "BUSL-1.1"),
    ("sspl", "SSPL-1.0"),
    ("elastic 2.0", "Elastic-2.0"),
    ("public domain", ""),
    ("proprietary", ""),
    ("commercial", ""),
    ("other", ""),
    ("dual", ""),
    ("see file", ""),
];

/// How well-known licences begin when they are written out.
const HEADINGS: &[(&str, &str)] = &[
    (
        "gnu affero general public license version 3",
        "AGPL-3.0-only|AGPL-3.0-or-later",
    ),
    (
        "gnu general public license version 2",
        "GPL-2.0-only|GPL-2.0-or-later",
    ),
    (
        "gnu general public license version 3",
        "GPL-3.0-only|GPL-3.0-or-later",
    ),
    (
        "gnu lesser general public license version 2.1",
        "LGPL-2.1-only|LGPL-2.1-or-later",
    ),
    (
        "gnu lesser general public license version 3",
        "LGPL-3.0-only|LGPL-3.0-or-later",
    ),
    ("apache license version 2.0", "Apache-2.0"),
    ("mozilla public license version 2.0", "MPL-2.0"),
    ("the mit license", "MIT"),
    ("mit license", "MIT"),
    ("bsd 3-clause license", "BSD-3-Clause"),
    ("bsd 2-clause license", "BSD-2-Clause"),
    ("isc license", "ISC"),
];

/// Words that say nothing of which licence it is.
const NOISE: &[&str] = &[
    "the", "a", "license", "licence", "licensed", "licences", "licenses", "under", "software",
    "version", "ver", "v", "terms", "of", "gnu", "free", "open", "source",
];

/// What the text of `License` may mean.
pub(super) fn read(text: &str) -> Meaning {
    let text = text.trim();
    if let Ok(expression) = LicenceExpression::parse(text) {
        return Meaning::Readings(vec![expression]);
    }
    if text.len() > LONGEST_NAME || text.lines().nth(1).is_some() {
        return heading(text);
    }
    if let Some(meaning) = named(text) {
        return meaning;
    }
    several(text).unwrap_or_else(|| unclear(text))
}

fn unclear(text: &str) -> Meaning {
    let shown: String = text.chars().take(60).collect();
    Meaning::Unclear(format!(
        "License says {shown:?}, which names no licence for certain"
    ))
}

fn named(text: &str) -> Option<Meaning> {
    let key = key_of(text);
    let (_, ids) = TABLE.iter().find(|(known, _)| *known == key)?;
    match ids.is_empty() {
        true => Some(unclear(text)),
        false => Some(one_of(ids)),
    }
}

fn one_of(ids: &str) -> Meaning {
    let sets: Vec<Vec<&str>> = ids.split('|').map(|id| vec![id]).collect();
    readings(&sets)
}

/// `MIT/Apache-2.0`, `MIT, BSD-3-Clause`: whether all apply or one may be chosen is not said.
fn several(text: &str) -> Option<Meaning> {
    let parts: Vec<&str> = text
        .split(['/', ',', ';', '&', '|'])
        .map(str::trim)
        .collect();
    if !(2..=4).contains(&parts.len()) {
        return None;
    }
    let mut ids = Vec::new();
    for part in &parts {
        let Some(Meaning::Readings(found)) = LicenceExpression::parse(part)
            .ok()
            .map(|read| Meaning::Readings(vec![read]))
            .or_else(|| named(part))
        else {
            return None;
        };
        match &found[..] {
            [only] if only.terms().count() == 1 => ids.push(only.to_string()),
            _ => return None,
        }
    }
    let set: Vec<&str> = ids.iter().map(String::as_str).collect();
    Some(readings(&[set]))
}

/// A text in full is known by its first words.
fn heading(text: &str) -> Meaning {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .take(12)
        .map(str::to_lowercase)
        .collect();
    let start = words.join(" ");
    match HEADINGS
        .iter()
        .find(|(known, _)| starts_with_words(&start, known))
    {
        Some((_, ids)) => one_of(ids),
        None => unclear(text),
    }
}

fn starts_with_words(text: &str, start: &str) -> bool {
    let rest = text.strip_prefix(start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']))
}

/// A spelling without case, noise and punctuation: `The GNU GPLv3+ License` → `gpl 3+`.
fn key_of(text: &str) -> String {
    let lower = text.to_lowercase();
    let lower = lower
        .replace("affero general public", "agpl")
        .replace("lesser general public", "lgpl")
        .replace("library or lgpl", "lgpl")
        .replace("library general public", "lgpl")
        .replace("general public", "gpl")
        .replace("(or later)", " or later")
        .replace("or newer", "or later")
        .replace("or any later", "or later")
        .replace("or greater", "or later");
    let words = lower
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '+')))
        .flat_map(without_glue)
        .filter(|word| !word.is_empty() && !NOISE.contains(&word.as_str()));
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        let is_later = word == "later" && kept.last().is_some_and(|last| last == "or");
        if is_later {
            kept.pop();
            if let Some(version) = kept.last_mut().filter(|version| !version.ends_with('+')) {
                version.push('+');
            }
        } else if kept.last() != Some(&word) {
            kept.push(word);
        }
    }
    // `GPL 3 (GPLv3)` says the same twice.
    let half = kept.len() / 2;
    if kept.len().is_multiple_of(2) && kept[..half] == kept[half..] {
        kept.truncate(half);
    }
    kept.join(" ")
}

/// `gplv3+` → `gpl`, `3+`; `v2.0` → `2.0`; `3.` → `3`.
fn without_glue(word: &str) -> Vec<String> {
    let word = word.trim_matches('.');
    for family in [
        "agpl", "lgpl", "gpl", "mpl", "apache", "bsd", "epl", "eupl", "zpl",
    ] {
        let Some(rest) = word.strip_prefix(family) else {
            continue;
        };
        let rest = rest.strip_prefix('v').unwrap_or(rest);
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return vec![family.to_owned(), rest.to_owned()];
        }
    }
    let number = word.strip_prefix('v').unwrap_or(word);
    match number.starts_with(|c: char| c.is_ascii_digit()) {
        true => vec![number.to_owned()],
        false => vec![word.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(meaning: Meaning) -> String {
        match meaning {
            Meaning::Unclear(_) => "?".to_owned(),
            Meaning::Readings(readings) => {
                let texts: Vec<String> = readings.iter().map(ToString::to_string).collect();
                texts.join(" | ")
            }
        }
    }

    #[test]
    fn every_id_of_the_tables_is_an_spdx_id_that_is_not_deprecated() {
        for (key, ids) in TABLE.iter().chain(HEADINGS) {
            for id in ids.split('|').filter(|id| !id.is_empty()) {
                let read = LicenceExpression::parse(id).map(|read| read.to_string());
                assert_eq!(read.as_deref(), Ok(id), "{key}");
            }
        }
    }

    #[test]
    fn every_row_can_be_reached() {
        for (key, _) in TABLE {
            let reached = key_of(key);
            let known = TABLE.iter().any(|(other, _)| *other == reached);
            assert!(reached == *key || known, "{key} becomes {reached}");
        }
    }

    #[test]
    fn common_spellings_are_understood() {
        for (text, expected) in [
            ("MIT", "MIT"),
            ("MIT License", "MIT"),
            ("The MIT License (MIT)", "MIT"),
            ("MIT Licence", "MIT"),
            ("mit license", "MIT"),
            ("Expat license", "MIT"),
            ("MIT/X11", "MIT | X11"),
            ("Apache 2.0", "Apache-2.0"),
            ("Apache-2.0", "Apache-2.0"),
            ("Apache 2", "Apache-2.0"),
            ("Apache License 2.0", "Apache-2.0"),
            ("Apache License, Version 2.0", "Apache-2.0"),
            ("Apache Software License 2.0", "Apache-2.0"),
            ("Apache License v2.0", "Apache-2.0"),
            ("ASL 2.0", "Apache-2.0"),
            ("Apache", "Apache-1.1 | Apache-2.0"),
            ("BSD", "BSD-2-Clause | BSD-3-Clause | BSD-4-Clause"),
            ("BSD License", "BSD-2-Clause | BSD-3-Clause | BSD-4-Clause"),
            ("BSD-3-Clause", "BSD-3-Clause"),
            ("BSD 3-Clause License", "BSD-3-Clause"),
            (
                "BSD 3-Clause \"New\" or \"Revised\" License",
                "BSD-3-Clause",
            ),
            ("3-clause BSD", "BSD-3-Clause"),
            ("New BSD License", "BSD-3-Clause"),
            ("Modified BSD", "BSD-3-Clause"),
            ("Simplified BSD", "BSD-2-Clause"),
            ("BSD-like", "?"),
            (
                "GPL",
                "GPL-1.0-or-later | GPL-2.0-only | GPL-2.0-or-later | GPL-3.0-only | GPL-3.0-or-later",
            ),
            ("GPLv2", "GPL-2.0-only"),
            ("GPLv3", "GPL-3.0-only"),
            ("GPLv3+", "GPL-3.0-or-later"),
            ("GPL-3.0", "GPL-3.0-only"),
            ("GNU GPLv3", "GPL-3.0-only"),
            ("GNU General Public License v3.0", "GPL-3.0-only"),
            ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
            (
                "GNU General Public License v3 or later (GPLv3+)",
                "GPL-3.0-or-later",
            ),
            ("LGPLv3", "LGPL-3.0-only"),
            ("LGPLv2.1+", "LGPL-2.1-or-later"),
            (
                "GNU LGPL",
                "LGPL-2.0-only | LGPL-2.0-or-later | LGPL-2.1-only | LGPL-2.1-or-later | LGPL-3.0-only | LGPL-3.0-or-later",
            ),
            ("GNU Lesser General Public License v2.1", "LGPL-2.1-only"),
            ("AGPLv3", "AGPL-3.0-only"),
            ("GNU AGPLv3+", "AGPL-3.0-or-later"),
            ("GNU Affero General Public License v3", "AGPL-3.0-only"),
            ("MPL 2.0", "MPL-2.0"),
            ("MPLv2.0", "MPL-2.0"),
            ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
            ("PSF", "PSF-2.0 | Python-2.0"),
            ("Python Software Foundation License", "PSF-2.0 | Python-2.0"),
            ("ISC License (ISCL)", "ISC"),
            ("The Unlicense", "Unlicense"),
            ("CC0 1.0 Universal", "CC0-1.0"),
            ("zlib/libpng", "Zlib"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0 | MIT AND Apache-2.0"),
            (
                "MIT, BSD-3-Clause",
                "MIT OR BSD-3-Clause | MIT AND BSD-3-Clause",
            ),
            ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
            ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
            ("Public Domain", "?"),
            ("Proprietary", "?"),
            ("see LICENSE file", "?"),
            ("Dual License", "?"),
            ("Copyright (c) 2020 Acme", "?"),
            ("MIT License\n\nCopyright (c) 2020 Acme", "MIT"),
            ("Apache License\n  Version 2.0, January 2004", "Apache-2.0"),
            (
                "GNU GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007",
                "GPL-3.0-only | GPL-3.0-or-later",
            ),
            ("Copyright (c) 2020\nAll rights reserved.", "?"),
        ] {
            assert_eq!(text_of(read(text)), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
            read(&text);
        }
    }
}
