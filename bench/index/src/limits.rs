//! What must be reached: the limits that `docs/benchmarks.md` is held against. Those that name a peer
//! count only in runs in which it was measured.

use crate::figures::{Beside, Bound, Limit, Who};
use crate::servers::Kind;

const NGINX: &[Who] = &[Who::Server(Kind::Nginx)];
const CACHE: &[Who] = &[Who::Server(Kind::NginxCache)];
const PERYX: &[Who] = &[Who::Server(Kind::Peryx)];
const NORA: &[Who] = &[Who::Server(Kind::Nora)];
const FASTER: &[Who] = &[Who::Server(Kind::Nginx), Who::Server(Kind::Peryx)];
const DIRECT: &[Who] = &[Who::Direct];

const RATE: &str = "requests/s";
const CPU: &str = "CPU ms";

type Row = (&'static str, &'static str, &'static str, Beside, Bound, f64);

use Beside::{Alone, Plus, Times};
use Bound::{AtLeast, AtMost};

const ROWS: [Row; 45] = [
    ("W1", "HTML, ", RATE, Times(FASTER), AtLeast, 1.0),
    ("W1", "JSON, ", RATE, Times(FASTER), AtLeast, 1.0),
    ("W1", "HTML, ", CPU, Times(NGINX), AtMost, 1.2),
    ("W1", "JSON, ", CPU, Times(NGINX), AtMost, 1.2),
    ("W1", "gzip", RATE, Times(NGINX), AtLeast, 0.8),
    ("W1", "gzip", RATE, Times(PERYX), AtLeast, 8.0),
    ("W1", "gzip", CPU, Times(NGINX), AtMost, 2.0),
    ("W2", "", RATE, Times(NGINX), AtLeast, 0.7),
    ("W2", "JSON", RATE, Times(PERYX), AtLeast, 10.0),
    ("W2", "", CPU, Times(NGINX), AtMost, 3.0),
    ("W2", "", "bytes written", Alone, AtMost, 0.0),
    ("W3", "24 MiB", "MB/s", Times(FASTER), AtLeast, 1.0),
    ("W3", "24 MiB", CPU, Times(NGINX), AtMost, 1.3),
    ("W3", "10 kB", RATE, Times(NGINX), AtLeast, 0.7),
    ("W3", "10 kB", CPU, Times(NGINX), AtMost, 3.0),
    ("W4", "page", "total ms", Times(DIRECT), AtMost, 1.5),
    (
        "W4",
        "wheel",
        "first byte ms",
        Plus(Who::Direct),
        AtMost,
        10.0,
    ),
    ("W4", "wheel", "total ms", Times(DIRECT), AtMost, 1.05),
    ("W5", "", RATE, Times(NGINX), AtLeast, 0.7),
    (
        "W6",
        "uv pip install, warm",
        "total ms",
        Times(CACHE),
        AtMost,
        1.05,
    ),
    (
        "W6",
        "uv pip install, cold",
        "total ms",
        Times(DIRECT),
        AtMost,
        1.10,
    ),
    ("W6", "uv pip install", "CPU s", Alone, AtMost, 0.3),
    ("W7", "4 at once", "uploads/s", Times(NORA), AtLeast, 2.0),
    ("W7", "4 at once", "median ms", Alone, AtMost, 15.0),
    ("W8", "wheel", "upstream GETs", Alone, AtMost, 1.0),
    ("W8", "wheel", "upstream GETs", Alone, AtLeast, 1.0),
    ("W8", "wheel", "failures", Alone, AtMost, 0.0),
    ("W8", "wheel", "total ms", Times(CACHE), AtMost, 1.1),
    ("W8", "wheel", "peak MiB above idle", Alone, AtMost, 64.0),
    ("W8", "page", "upstream GETs", Alone, AtMost, 1.0),
    ("W8", "page", "upstream GETs", Alone, AtLeast, 1.0),
    ("W8", "page", "failures", Alone, AtMost, 0.0),
    ("W8", "page", "total ms", Plus(Who::Direct), AtMost, 150.0),
    ("W9", "start", "ready ms", Alone, AtMost, 500.0),
    ("W9", "idle", "MiB", Alone, AtMost, 64.0),
    ("W9", "list of projects", "ms", Alone, AtMost, 10.0),
    ("W9", "random pages", RATE, Times(NGINX), AtLeast, 0.4),
    ("W9", "bulk upload", "files/s", Alone, AtLeast, 250.0),
    // What is told without a limit, beside those that have one.
    ("W3", "24 MiB", "MB/s", Times(NGINX), AtLeast, 0.0),
    ("W5", "", CPU, Times(NGINX), AtLeast, 0.0),
    (
        "W4",
        "wheel",
        "total ms",
        Plus(Who::Direct),
        AtLeast,
        f64::NEG_INFINITY,
    ),
    (
        "W4",
        "page",
        "total ms",
        Plus(Who::Direct),
        AtLeast,
        f64::NEG_INFINITY,
    ),
    ("W7", "1 at once", "uploads/s", Alone, AtLeast, 0.0),
    ("W7", "4 at once", CPU, Alone, AtLeast, 0.0),
    ("W9", "first list", "ms", Alone, AtLeast, 0.0),
];

/// Every limit.
pub(crate) fn limits() -> Vec<Limit> {
    let limit = |(work, part, quantity, beside, bound, limit): Row| Limit {
        work,
        part,
        quantity,
        beside,
        bound,
        limit,
    };
    ROWS.into_iter().map(limit).collect()
}
