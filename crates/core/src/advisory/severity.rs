//! How bad a vulnerability is: the base score of a CVSS vector, or the word of somebody who gave no
//! vector. A severity that nobody stated is absent, never zero.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest vector that is read, in bytes; a full one of CVSS 4.0 is shorter than 250.
const MAX_VECTOR_LENGTH: usize = 512;

/// The base metrics of CVSS 4.0. Threat, environmental and supplemental metrics are somebody's own
/// circumstances, and would lower the score for everybody else.
const BASE_METRICS_OF_4: [&str; 11] = [
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];

/// A CVSS base score, 0.0 to 10.0, in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u8);

impl Score {
    /// The score that is nearest to `value`; `None` outside 0 to 10.
    pub fn new(value: f64) -> Option<Self> {
        let in_range = (0.0..=10.0).contains(&value);
        // The range fits, and rounding to tenths is what CVSS itself does.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let tenths = (value * 10.0).round() as u8;
        in_range.then_some(Self(tenths))
    }

    /// As a number from 0.0 to 10.0.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// Its place on the qualitative rating scale.
    pub fn rating(self) -> Rating {
        match self.0 {
            0 => Rating::None,
            1..40 => Rating::Low,
            40..70 => Rating::Medium,
            70..90 => Rating::High,
            _ => Rating::Critical,
        }
    }
}

/// The qualitative rating scale of CVSS, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// 0.0
    None,
    /// Less than 4.0
    Low,
    /// Less than 7.0
    Medium,
    /// Less than 9.0
    High,
    /// 9.0 and more
    Critical,
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("not a score from 0 to 10"))
    }
}

/// What a severity rests on, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeverityBasis {
    /// A word such as "high" without a vector; the score is the lowest that the word can mean.
    Word,
    /// A vector of CVSS 2.0.
    Cvss2,
    /// A vector of CVSS 3.0 or 3.1.
    Cvss3,
    /// A vector of CVSS 4.0.
    Cvss4,
}

impl fmt::Display for SeverityBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word => "rated in words",
            Self::Cvss2 => "CVSS 2",
            Self::Cvss3 => "CVSS 3",
            Self::Cvss4 => "CVSS 4",
        })
    }
}

/// A severity that somebody stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Severity {
    /// The base score.
    pub score: Score,
    /// What the score rests on.
    pub basis: SeverityBasis,
    /// The id of the record that states it.
    pub source: Arc<str>,
}

impl Severity {
    /// The base score of a CVSS vector of any version; `None` when it is not one.
    pub(super) fn of_vector(vector: &str, source: &Arc<str>) -> Option<Self> {
        let vector = vector.trim().trim_matches(['(', ')']);
        if vector.len() > MAX_VECTOR_LENGTH {
            return None;
        }
        let vector = base_part(vector);
        let parsed = cvss::Cvss::from_str(&vector).ok()?;
        let basis = match &parsed {
            cvss::Cvss::CvssV20(_) => SeverityBasis::Cvss2,
            cvss::Cvss::CvssV30(vector) | cvss::Cvss::CvssV31(vector) => {
                is_complete(vector).then_some(SeverityBasis::Cvss3)?
            }
            cvss::Cvss::CvssV40(_) => SeverityBasis::Cvss4,
            _ => return None,
        };
        Some(Self {
            score: Score::new(parsed.score())?,
            basis,
            source: Arc::clone(source),
        })
    }

    /// What a word such as `HIGH` or `MODERATE` means at least; `None` for other words.
    pub(super) fn of_word(word: &str, source: &Arc<str>) -> Option<Self> {
        let tenths = match word.to_ascii_lowercase().as_str() {
            "low" => 1,
            "moderate" | "medium" => 40,
            "high" => 70,
            "critical" => 90,
            _ => return None,
        };
        Some(Self {
            score: Score(tenths),
            basis: SeverityBasis::Word,
            source: Arc::clone(source),
        })
    }

    /// The higher score of the two; a vector counts for more than any word.
    pub(super) fn worse(self, other: Self) -> Self {
        let key = |severity: &Self| (severity.basis != SeverityBasis::Word, severity.score);
        if key(&other) > key(&self) {
            other
        } else {
            self
        }
    }
}

/// Whether every base metric is there. The parser of the other versions sees to it itself.
fn is_complete(vector: &cvss::v3::Vector) -> bool {
    let exploitability = vector.av.is_some()
        && vector.ac.is_some()
        && vector.pr.is_some()
        && vector.ui.is_some()
        && vector.s.is_some();
    exploitability && vector.c.is_some() && vector.i.is_some() && vector.a.is_some()
}

/// The base metrics of a vector of CVSS 4.0; any other vector as it is, since the base score of the
/// older versions does not read the rest.
fn base_part(vector: &str) -> String {
    if !vector.starts_with("CVSS:4") {
        return vector.to_owned();
    }
    let is_base = |part: &&str| {
        let metric = part.split(':').next().unwrap_or_default();
        metric == "CVSS" || BASE_METRICS_OF_4.contains(&metric)
    };
    let parts: Vec<&str> = vector.split('/').filter(is_base).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of_vector(vector: &str) -> Option<String> {
        let severity = Severity::of_vector(vector, &"X-1".into())?;
        Some(format!(
            "{} {} {}",
            severity.score,
            severity.score.rating(),
            severity.basis
        ))
    }

    #[test]
    fn a_vector_of_any_version_has_a_base_score() {
        for (vector, expected) in [
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", "7.5 high CVSS 2"),
            ("(AV:L/AC:H/Au:N/C:N/I:N/A:P)", "1.2 low CVSS 2"),
            (
                "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                "9.8 critical CVSS 3",
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
                "6.1 medium CVSS 3",
            ),
            (
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O",
                "9.8 critical CVSS 3",
            ),
            (
                "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N",
                "0.0 none CVSS 3",
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                "9.3 critical CVSS 4",
            ),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/MAV:L",
                "9.3 critical CVSS 4",
            ),
        ] {
            assert_eq!(of_vector(vector).as_deref(), Some(expected), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_has_no_score() {
        let long = format!("CVSS:3.1/{}", "AV:N/".repeat(200));
        for vector in [
            "",
            "9.8",
            "CVSS:3.1",
            "CVSS:3.1/AV:N",
            "CVSS:9.9/AV:N/AC:L",
            "CVSS:4.0/AV:N",
            &long,
        ] {
            assert_eq!(of_vector(vector), None, "{vector}");
        }
    }

    #[test]
    fn a_word_means_its_lowest_score_and_yields_to_any_vector() {
        let source: Arc<str> = "X-1".into();
        let word = Severity::of_word("CRITICAL", &source).expect("a word");
        assert_eq!(word.score.to_string(), "9.0");
        let vector = Severity::of_vector("AV:L/AC:H/Au:N/C:N/I:N/A:P", &source).expect("a vector");
        assert_eq!(word.clone().worse(vector.clone()), vector);
        assert_eq!(vector.clone().worse(word), vector);
        assert_eq!(Severity::of_word("dreadful", &source), None);
    }

    proptest! {
        #[test]
        fn no_vector_makes_it_panic(
            vector in "(CVSS:[234].[01]/)?([A-Z]{1,3}:[A-Z]{1,2}/?){0,20}",
        ) {
            of_vector(&vector);
        }

        #[test]
        fn every_complete_vector_of_4_has_a_score(picks in proptest::array::uniform11(0usize..4)) {
            let exploitability = ["NALP", "LH", "NP", "NLH", "NPA"];
            let values = exploitability.into_iter().chain(["HLN"; 6]);
            let mut vector = "CVSS:4.0".to_owned();
            for ((metric, values), pick) in BASE_METRICS_OF_4.iter().zip(values).zip(picks) {
                let value = values.as_bytes()[pick % values.len()];
                vector.push_str(&format!("/{metric}:{}", char::from(value)));
            }
            prop_assert!(of_vector(&vector).is_some(), "{vector}");
        }
    }
}
