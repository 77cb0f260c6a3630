//! The `License ::` classifiers of PyPI and the SPDX ids that each of them may mean. A classifier that
//! names a family of licences keeps all members that projects use, since it does not say which.

use super::{LicenceExpression, Meaning};

/// The classifier behind its prefix, and what it may mean: alternatives are separated by `|`, and nothing
/// stands for those that have no SPDX id.
const TABLE: &[(&str, &str)] = &[
    ("Aladdin Free Public License (AFPL)", "Aladdin"),
    (
        "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication",
        "CC0-1.0",
    ),
    (
        "CeCILL-B Free Software License Agreement (CECILL-B)",
        "CECILL-B",
    ),
    (
        "CeCILL-C Free Software License Agreement (CECILL-C)",
        "CECILL-C",
    ),
    ("Eiffel Forum License", "EFL-1.0|EFL-2.0"),
    ("Netscape Public License (NPL)", "NPL-1.0|NPL-1.1"),
    ("Nokia Open Source License (NOKOS)", "Nokia"),
    ("Repoze Public License", "BSD-3-Clause-Modification"),
    ("Public Domain", ""),
    ("Freely Distributable", ""),
    ("Freeware", ""),
    ("Free For Educational Use", ""),
    ("Free For Home Use", ""),
    ("Free for non-commercial use", ""),
    ("Free To Use But Restricted", ""),
    ("Other/Proprietary License", ""),
    ("DFSG approved", ""),
    ("OSI Approved", ""),
    (
        "OSI Approved :: Academic Free License (AFL)",
        "AFL-1.1|AFL-1.2|AFL-2.0|AFL-2.1|AFL-3.0",
    ),
    ("OSI Approved :: Apache Software License", "Apache-2.0"),
    (
        "OSI Approved :: Apple Public Source License",
        "APSL-1.0|APSL-1.1|APSL-1.2|APSL-2.0",
    ),
    (
        "OSI Approved :: Artistic License",
        "Artistic-1.0|Artistic-2.0",
    ),
    ("OSI Approved :: Attribution Assurance License", "AAL"),
    ("OSI Approved :: BSD License", "BSD-2-Clause|BSD-3-Clause"),
    (
        "OSI Approved :: Blue Oak Model License (BlueOak-1.0.0)",
        "BlueOak-1.0.0",
    ),
    (
        "OSI Approved :: Boost Software License 1.0 (BSL-1.0)",
        "BSL-1.0",
    ),
    (
        "OSI Approved :: CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)",
        "CECILL-2.1",
    ),
    ("OSI Approved :: CMU License (MIT-CMU)", "MIT-CMU"),
    (
        "OSI Approved :: Common Development and Distribution License 1.0 (CDDL-1.0)",
        "CDDL-1.0",
    ),
    ("OSI Approved :: Common Public License", "CPL-1.0"),
    (
        "OSI Approved :: Eclipse Public License 1.0 (EPL-1.0)",
        "EPL-1.0",
    ),
    (
        "OSI Approved :: Eclipse Public License 2.0 (EPL-2.0)",
        "EPL-2.0",
    ),
    (
        "OSI Approved :: Educational Community License, Version 2.0 (ECL-2.0)",
        "ECL-2.0",
    ),
    ("OSI Approved :: Eiffel Forum License", "EFL-1.0|EFL-2.0"),
    (
        "OSI Approved :: European Union Public Licence 1.0 (EUPL 1.0)",
        "EUPL-1.0",
    ),
    (
        "OSI Approved :: European Union Public Licence 1.1 (EUPL 1.1)",
        "EUPL-1.1",
    ),
    (
        "OSI Approved :: European Union Public Licence 1.2 (EUPL 1.2)",
        "EUPL-1.2",
    ),
    (
        "OSI Approved :: GNU Affero General Public License v3",
        "AGPL-3.0-only",
    ),
    (
        "OSI Approved :: GNU Affero General Public License v3 or later (AGPLv3+)",
        "AGPL-3.0-or-later",
    ),
    (
        "OSI Approved :: GNU Free Documentation License (FDL)",
        "GFDL-1.1-or-later|GFDL-1.2-or-later|GFDL-1.3-or-later",
    ),
    (
        "OSI Approved :: GNU General Public License (GPL)",
        "GPL-1.0-or-later|GPL-2.0-only|GPL-2.0-or-later|GPL-3.0-only|GPL-3.0-or-later",
    ),
    (
        "OSI Approved :: GNU General Public License v2 (GPLv2)",
        "GPL-2.0-only",
    ),
    (
        "OSI Approved :: GNU General Public License v2 or later (GPLv2+)",
        "GPL-2.0-or-later",
    ),
    (
        "OSI Approved :: GNU General Public License v3 (GPLv3)",
        "GPL-3.0-only",
    ),
    (
        "OSI Approved :: GNU General Public License v3 or later (GPLv3+)",
        "GPL-3.0-or-later",
    ),
    (
        "OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)",
        "LGPL-2.0-only|LGPL-2.1-only",
    ),
    (
        "OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)",
        "LGPL-2.0-or-later|LGPL-2.1-or-later",
    ),
    (
        "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)",
        "LGPL-3.0-only",
    ),
    (
        "OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)",
        "LGPL-3.0-or-later",
    ),
    (
        "OSI Approved :: GNU Library or Lesser General Public License (LGPL)",
        "LGPL-2.0-only|LGPL-2.0-or-later|LGPL-2.1-only|LGPL-2.1-or-later|LGPL-3.0-only|LGPL-3.0-or-later",
    ),
    (
        "OSI Approved :: Historical Permission Notice and Disclaimer (HPND)",
        "HPND",
    ),
    ("OSI Approved :: IBM Public License", "IPL-1.0"),
    ("OSI Approved :: ISC License (ISCL)", "ISC"),
    ("OSI Approved :: Intel Open Source License", "Intel"),
    ("OSI Approved :: MIT License", "MIT"),
    (
        "OSI Approved :: MIT No Attribution License (MIT-0)",
        "MIT-0",
    ),
    ("OSI Approved :: MirOS License (MirOS)", "MirOS"),
    ("OSI Approved :: Motosoto License", "Motosoto"),
    (
        "OSI Approved :: Mozilla Public License 1.0 (MPL)",
        "MPL-1.0",
    ),
    (
        "OSI Approved :: Mozilla Public License 1.1 (MPL 1.1)",
        "MPL-1.1",
    ),
    (
        "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
        "MPL-2.0",
    ),
    (
        "OSI Approved :: Mulan Permissive Software License v2 (MulanPSL-2.0)",
        "MulanPSL-2.0",
    ),
    (
        "OSI Approved :: NASA Open Source Agreement v1.3 (NASA-1.3)",
        "NASA-1.3",
    ),
    ("OSI Approved :: Nethack General Public License", "NGPL"),
    ("OSI Approved :: Nokia Open Source License", "Nokia"),
    ("OSI Approved :: Open Group Test Suite License", "OGTSL"),
    (
        "OSI Approved :: Open Software License 3.0 (OSL-3.0)",
        "OSL-3.0",
    ),
    ("OSI Approved :: PostgreSQL License", "PostgreSQL"),
    (
        "OSI Approved :: Python License (CNRI Python License)",
        "CNRI-Python",
    ),
    (
        "OSI Approved :: Python Software Foundation License",
        "PSF-2.0|Python-2.0",
    ),
    ("OSI Approved :: Qt Public License (QPL)", "QPL-1.0"),
    ("OSI Approved :: Ricoh Source Code Public License", "RSCPL"),
    (
        "OSI Approved :: SIL Open Font License 1.1 (OFL-1.1)",
        "OFL-1.1",
    ),
    ("OSI Approved :: Sleepycat License", "Sleepycat"),
    (
        "OSI Approved :: Sun Industry Standards Source License (SISSL)",
        "SISSL|SISSL-1.2",
    ),
    ("OSI Approved :: Sun Public License", "SPL-1.0"),
    ("OSI Approved :: The Unlicense (Unlicense)", "Unlicense"),
    (
        "OSI Approved :: Universal Permissive License (UPL)",
        "UPL-1.0",
    ),
    (
        "OSI Approved :: University of Illinois/NCSA Open Source License",
        "NCSA",
    ),
    ("OSI Approved :: Vovida Software License 1.0", "VSL-1.0"),
    ("OSI Approved :: W3C License", "W3C"),
    ("OSI Approved :: X.Net License", "Xnet"),
    ("OSI Approved :: Zero-Clause BSD (0BSD)", "0BSD"),
    (
        "OSI Approved :: Zope Public License",
        "ZPL-1.1|ZPL-2.0|ZPL-2.1",
    ),
    ("OSI Approved :: zlib/libpng License", "Zlib"),
];

/// The most expressions that several classifiers may come to before they are called unclear.
const MAX_READINGS: usize = 24;

/// Whether a classifier says something of the licence; `OSI Approved` alone names none.
pub(super) fn is_about_licence(classifier: &str) -> bool {
    rest(classifier).is_some()
}

fn rest(classifier: &str) -> Option<&str> {
    classifier.strip_prefix("License :: ").map(str::trim)
}

/// What one classifier may mean; empty when it has no SPDX id.
fn ids(classifier: &str) -> Vec<&'static str> {
    let rest = rest(classifier).unwrap_or_default();
    let row = TABLE.iter().find(|(name, _)| *name == rest);
    let ids = row.map_or("", |(_, ids)| *ids);
    ids.split('|').filter(|id| !id.is_empty()).collect()
}

/// What all classifiers of a release may mean together. Several licences may be a choice or may all
/// apply: no classifier says which, so that both are kept.
pub(super) fn read(classifiers: &[Box<str>]) -> Meaning {
    let mut alternatives: Vec<Vec<&str>> = vec![Vec::new()];
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for classifier in classifiers {
        let ids = ids(classifier);
        if rest(classifier) == Some("OSI Approved") || seen.contains(&ids) && !ids.is_empty() {
            continue;
        }
        if ids.is_empty() {
            return Meaning::Unclear(format!("the classifier {classifier:?} names no licence"));
        }
        alternatives = product(&alternatives, &ids);
        seen.push(ids);
        if alternatives.len() > MAX_READINGS {
            return Meaning::Unclear("its classifiers name too many licences".to_owned());
        }
    }
    readings(&alternatives)
}

fn product<'a>(before: &[Vec<&'a str>], ids: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut after = Vec::new();
    for chosen in before {
        for id in ids {
            let mut chosen = chosen.clone();
            if !chosen.contains(id) {
                chosen.push(id);
            }
            after.push(chosen);
        }
    }
    after
}

/// What several licences that all apply may come to, each given by what it may be; `None` when one is no
/// licence, or there are too many combinations.
pub(super) fn all_of(
    licences: impl Iterator<Item = Vec<String>>,
) -> Option<Vec<LicenceExpression>> {
    let mut texts = vec![String::new()];
    for choices in licences {
        let longer = texts.iter().flat_map(|text| {
            choices.iter().map(move |choice| match text.is_empty() {
                true => choice.clone(),
                false => format!("{text} AND {choice}"),
            })
        });
        texts = longer.collect();
        if texts.len() > MAX_READINGS {
            return None;
        }
    }
    texts
        .iter()
        .map(|text| LicenceExpression::parse(text).ok())
        .collect()
}

/// Each of these sets of licences, as a choice and as all of them.
pub(super) fn readings(alternatives: &[Vec<&str>]) -> Meaning {
    let mut readings: Vec<LicenceExpression> = Vec::new();
    for set in alternatives {
        for operator in [" OR ", " AND "] {
            let Ok(expression) = LicenceExpression::parse(&set.join(operator)) else {
                continue;
            };
            if !readings.contains(&expression) {
                readings.push(expression);
            }
        }
    }
    match readings.is_empty() {
        true => Meaning::Unclear("its classifiers name no licence".to_owned()),
        false => Meaning::Readings(readings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(texts: &[&str]) -> String {
        let classifiers: Vec<Box<str>> = texts
            .iter()
            .map(|text| format!("License :: {text}").into())
            .collect();
        match read(&classifiers) {
            Meaning::Unclear(why) => format!("unclear: {why}"),
            Meaning::Readings(readings) => {
                let texts: Vec<String> = readings.iter().map(ToString::to_string).collect();
                texts.join(" | ")
            }
        }
    }

    #[test]
    fn every_id_of_the_table_is_an_spdx_id_that_is_not_deprecated() {
        for (name, ids) in TABLE {
            for id in ids.split('|').filter(|id| !id.is_empty()) {
                let read = LicenceExpression::parse(id).map(|read| read.to_string());
                assert_eq!(read.as_deref(), Ok(id), "{name}");
            }
        }
    }

    #[test]
    fn classifiers_mean_what_they_say_and_no_more() {
        for (texts, expected) in [
            (&["OSI Approved :: MIT License"][..], "MIT"),
            (&["OSI Approved", "OSI Approved :: MIT License"], "MIT"),
            (&["OSI Approved :: MIT License"; 2], "MIT"),
            (&["OSI Approved :: Apache Software License"], "Apache-2.0"),
            (
                &["OSI Approved :: BSD License"],
                "BSD-2-Clause | BSD-3-Clause",
            ),
            (
                &["OSI Approved :: GNU General Public License v3 (GPLv3)"],
                "GPL-3.0-only",
            ),
            (
                &["OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)"],
                "LGPL-2.0-only | LGPL-2.1-only",
            ),
            (
                &[
                    "OSI Approved :: MIT License",
                    "OSI Approved :: Apache Software License",
                ],
                "MIT OR Apache-2.0 | MIT AND Apache-2.0",
            ),
            (
                &["Public Domain"],
                "unclear: the classifier \"License :: Public Domain\" names no licence",
            ),
            (
                &["Other/Proprietary License", "OSI Approved :: MIT License"],
                "unclear: the classifier \"License :: Other/Proprietary License\" names no licence",
            ),
            (
                &["OSI Approved"],
                "unclear: its classifiers name no licence",
            ),
            (
                &["OSI Approved :: Of Tomorrow"],
                "unclear: the classifier \"License :: OSI Approved :: Of Tomorrow\" names no licence",
            ),
        ] {
            assert_eq!(read_all(texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn many_vague_classifiers_are_unclear_and_not_a_long_list() {
        let texts = [
            "OSI Approved :: GNU General Public License (GPL)",
            "OSI Approved :: GNU Library or Lesser General Public License (LGPL)",
        ];
        assert_eq!(
            read_all(&texts),
            "unclear: its classifiers name too many licences"
        );
    }
}
