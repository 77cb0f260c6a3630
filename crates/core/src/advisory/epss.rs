//! EPSS scores: how probable it is that a vulnerability is exploited within thirty days, as FIRST
//! publishes them daily in CSV. Whoever has the compressed file decompresses it first.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::cve::CveId;

/// The most lines that are read; there are some 300,000 CVE ids.
const MAX_LINES: usize = 4_000_000;

/// A probability, in hundred-thousandths: the precision in which scores are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

impl Probability {
    /// The probability that is nearest to `value`; `None` outside 0 to 1.
    pub fn new(value: f64) -> Option<Self> {
        // The range fits.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rounded = (value * 100_000.0).round() as u32;
        (0.0..=1.0).contains(&value).then_some(Self(rounded))
    }

    /// As a number from 0 to 1.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 100_000.0
    }
}

impl fmt::Display for Probability {
    /// In per cent: `94.2 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.value() * 100.0)
    }
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("not a probability"))
    }
}

/// The score of one vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epss {
    /// How probable an exploit within thirty days is.
    pub probability: Probability,
    /// The part of all vulnerabilities that score no higher.
    pub percentile: Option<Probability>,
}

/// All scores of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpssScores {
    scores: Vec<(CveId, Epss)>,
    left_out: usize,
}

/// The document holds no scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a table of EPSS scores: no line with a CVE id and a score")]
pub struct NoScores;

/// Where the columns are.
#[derive(Clone, Copy)]
struct Columns {
    cve: usize,
    epss: usize,
    percentile: usize,
}

impl FromIterator<(CveId, Epss)> for EpssScores {
    /// A table of scores that were read before.
    fn from_iter<I: IntoIterator<Item = (CveId, Epss)>>(scores: I) -> Self {
        let mut scores: Vec<(CveId, Epss)> = scores.into_iter().collect();
        scores.sort_by_key(|(cve, _)| *cve);
        scores.dedup_by_key(|(cve, _)| *cve);
        Self {
            scores,
            left_out: 0,
        }
    }
}

impl EpssScores {
    /// Reads a table with the columns `cve`, `epss` and `percentile`, in any order; lines that
    /// begin with `#` are comments, and lines that cannot be read are counted and left out.
    ///
    /// # Errors
    /// [`NoScores`] when no line can be read.
    pub fn read(csv: &[u8]) -> Result<Self, NoScores> {
        let mut columns = Columns {
            cve: 0,
            epss: 1,
            percentile: 2,
        };
        let mut read = Self::default();
        for line in csv.split(|byte| *byte == b'\n').take(MAX_LINES) {
            let line = std::str::from_utf8(line).unwrap_or("not text").trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match (columns.named_by(line), columns.score(line)) {
                (Some(named), _) if read.scores.is_empty() => columns = named,
                (_, Some(score)) => read.scores.push(score),
                _ => read.left_out += 1,
            }
        }
        read.scores.sort_by_key(|(cve, _)| *cve);
        // Stable, so that of two lines about one id the first stays.
        read.scores.dedup_by_key(|(cve, _)| *cve);
        match read.scores.is_empty() {
            true => Err(NoScores),
            false => Ok(read),
        }
    }

    /// The score of a vulnerability.
    pub fn get(&self, cve: CveId) -> Option<Epss> {
        let at = self.scores.binary_search_by_key(&cve, |(cve, _)| *cve);
        at.ok().map(|at| self.scores[at].1)
    }

    /// How many vulnerabilities have a score.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether none has; a table that was read has some.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// How many lines could not be read.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

impl Columns {
    /// The columns that a heading names.
    fn named_by(self, line: &str) -> Option<Self> {
        let at = |name: &str| {
            let mut cells = line.split(',').map(str::trim);
            cells.position(|cell| cell.eq_ignore_ascii_case(name))
        };
        Some(Self {
            cve: at("cve")?,
            epss: at("epss")?,
            percentile: at("percentile").unwrap_or(usize::MAX),
        })
    }

    fn score(self, line: &str) -> Option<(CveId, Epss)> {
        let cell = |at: usize| line.split(',').nth(at).map(str::trim);
        let number = |at: usize| Probability::new(cell(at)?.parse().ok()?);
        let epss = Epss {
            probability: number(self.epss)?,
            percentile: number(self.percentile),
        };
        Some((cell(self.cve)?.parse().ok()?, epss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(csv: &str, cve: &str) -> Option<String> {
        let scores = EpssScores::read(csv.as_bytes()).ok()?;
        let epss = scores.get(cve.parse().expect(cve))?;
        Some(epss.probability.to_string())
    }

    #[test]
    fn a_table_is_read_by_its_heading() {
        let usual = "#model_version:v1,score_date:2026-01-01\ncve,epss,percentile\r\n\
                     CVE-2026-0002,0.5,0.9\nCVE-2026-0001,0.94234,0.99\nCVE-2026-0001,0.1,0.2\n";
        assert_eq!(scored(usual, "CVE-2026-0001").as_deref(), Some("94.2 %"));
        assert_eq!(scored(usual, "CVE-2026-0002").as_deref(), Some("50.0 %"));
        assert_eq!(scored(usual, "CVE-2026-0003"), None);
        let turned = "percentile,cve,epss\n0.9,CVE-2026-0001,0.25\n";
        assert_eq!(scored(turned, "CVE-2026-0001").as_deref(), Some("25.0 %"));
        let bare = "CVE-2026-0001,0.25\n";
        assert_eq!(scored(bare, "CVE-2026-0001").as_deref(), Some("25.0 %"));
    }

    #[test]
    fn bad_lines_are_counted_and_a_page_of_them_is_no_table() {
        let csv = "cve,epss,percentile\nCVE-2026-0001,1.5,0\nCVE-2026-0002,NaN,0\n\
                   CVE-2026-0003,0.5,x\nnonsense\n";
        let scores = EpssScores::read(csv.as_bytes()).expect("one line");
        assert_eq!((scores.len(), scores.left_out()), (1, 3));
        for csv in ["", "cve,epss,percentile\n", "<html>\n", "\u{0}\n#\n"] {
            assert_eq!(EpssScores::read(csv.as_bytes()), Err(NoScores), "{csv:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        ) {
            let _ = EpssScores::read(&bytes);
        }
    }
}
