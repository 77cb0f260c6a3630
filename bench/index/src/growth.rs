//! How cost grows: with what is hosted, and with the length of a page; as figures and as a picture.

use std::fmt::Write as _;

use crate::corpus::{Corpus, Project};
use crate::figures::median;
use crate::servers::Kind;
use crate::work::{AS_JSON, Bench, check_page, get, hosted};
use crate::wrk::Load;

/// How many files pages have.
const PAGES: [usize; 4] = [10, 100, 1_000, 10_000];

/// How often each cold page is asked for.
const EACH: usize = 5;

/// A line of the picture: what it shows, and points.
struct Line {
    label: &'static str,
    points: Vec<(usize, f64)>,
}

/// What was measured.
pub(crate) struct Growth {
    pages: Vec<Line>,
    hosted: Vec<Line>,
}

impl Growth {
    /// Measures with so many files hosted at most, in steps of ten from a thousand.
    ///
    /// # Errors
    /// When a server does not answer as it should.
    pub(crate) fn measure(bench: &Bench) -> anyhow::Result<Self> {
        Ok(Self {
            pages: of_pages(bench)?,
            hosted: of_hosted(bench)?,
        })
    }

    /// The figures as a table.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for (head, lines) in [
            ("files on a page", &self.pages),
            ("files hosted", &self.hosted),
        ] {
            let labels: Vec<&str> = lines.iter().map(|line| line.label).collect();
            let _ = writeln!(text, "| {head} | {} |", labels.join(" | "));
            let _ = writeln!(text, "|---|{}", "---|".repeat(lines.len()));
            let first = lines.first().map_or(&[][..], |line| &line.points);
            for (position, (files, _)) in first.iter().enumerate() {
                let values = lines
                    .iter()
                    .map(|line| format!("{:.3}", line.points[position].1));
                let values: Vec<String> = values.collect();
                let _ = writeln!(text, "| {files} | {} |", values.join(" | "));
            }
            text.push('\n');
        }
        text
    }

    /// Both as one picture with logarithmic scales, in which a straight line that rises by one decade a
    /// decade is cost that grows as the content does.
    pub(crate) fn svg(&self) -> String {
        let mut text = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 380\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"880\" height=\"380\" fill=\"#ffffff\"/>\n",
        );
        draw(&mut text, 60.0, "files on a page", &self.pages);
        draw(&mut text, 500.0, "files hosted", &self.hosted);
        text.push_str("</svg>\n");
        text
    }
}

fn of_pages(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let cold = |links: usize, number: usize| format!("cold-{links}-{number}");
    let projects = PAGES.iter().flat_map(|links| {
        (0..EACH).map(move |number| Project::of_links(&cold(*links, number), *links))
    });
    let stage = bench.stage("pages", &Corpus::of(projects))?;
    let server = bench.start(Kind::Portcullis, &stage, "pages")?;
    // The first request of all opens what the others find open.
    get(server.port, &server.page("nobody-has-this"), &[AS_JSON]).ok();
    let (mut beyond, mut first_cpu, mut hot) = (Vec::new(), Vec::new(), Vec::new());
    for links in PAGES {
        let mut waited = Vec::new();
        let cpu = server.tree().cpu();
        for number in 0..EACH {
            let name = cold(links, number);
            let path = format!("/simple/{name}/");
            let (direct, _) = get(stage.upstream.port, &path, &[AS_JSON])?;
            let (ours, body) = get(server.port, &path, &[AS_JSON])?;
            check_page(Kind::Portcullis, &body, links)?;
            waited.push((ours.total.as_secs_f64() - direct.total.as_secs_f64()) * 1e3);
        }
        let cpu = (server.tree().cpu() - cpu) * 1e3 / EACH as f64;
        let path = format!("/simple/{}/", cold(links, 0));
        let load = Load {
            port: server.port,
            path: &path,
            fields: &[AS_JSON],
            connections: 16,
            seconds: bench.extent.seconds,
            script: None,
        };
        beyond.push((links, median(waited).unwrap_or_default().max(0.01)));
        first_cpu.push((links, cpu));
        hot.push((links, load.run(server.tree())?.cpu));
    }
    Ok(vec![
        Line {
            label: "first answer, ms beyond direct",
            points: beyond,
        },
        Line {
            label: "first answer, CPU ms",
            points: first_cpu,
        },
        Line {
            label: "hot answer, CPU ms",
            points: hot,
        },
    ])
}

fn of_hosted(bench: &Bench) -> anyhow::Result<Vec<Line>> {
    let mut labels: [Line; 5] = [
        "ready, ms",
        "idle, MiB",
        "list of projects, ms",
        "random page, CPU ms",
        "upload, ms each",
    ]
    .map(|label| Line {
        label,
        points: Vec::new(),
    });
    let mut files = 1_000;
    while files <= bench.extent.hosted {
        let cost = hosted::cost(bench, files)?;
        let values = [
            cost.ready_ms,
            cost.idle_mib,
            cost.list_ms,
            cost.pages.cpu,
            1e3 / cost.published.rate,
        ];
        for (line, value) in labels.iter_mut().zip(values) {
            line.points.push((files, value));
        }
        files *= 10;
    }
    Ok(labels.into())
}

const COLOURS: [&str; 5] = ["#0b5fa5", "#c2410c", "#15803d", "#7e22ce", "#52525b"];
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 230.0;
const TOP: f64 = 120.0;

/// One panel, at `left`.
fn draw(text: &mut String, left: f64, title: &str, lines: &[Line]) {
    let points = || lines.iter().flat_map(|line| &line.points);
    let decades = |values: Vec<f64>| {
        let least = values.iter().copied().reduce(f64::min).unwrap_or(1.0);
        let most = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        let (low, high) = (least.log10().floor(), most.log10().ceil());
        (low, high.max(low + 1.0))
    };
    let across = decades(points().map(|(files, _)| *files as f64).collect());
    let up = decades(points().map(|(_, value)| *value).collect());
    let x = |value: f64| left + (value.log10() - across.0) / (across.1 - across.0) * WIDTH;
    let y = |value: f64| TOP + HEIGHT - (value.log10() - up.0) / (up.1 - up.0) * HEIGHT;
    let _ = writeln!(
        text,
        "<text x=\"{left}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{title}</text>"
    );
    let mut decade = up.0;
    while decade <= up.1 {
        let (value, height) = (10_f64.powf(decade), y(10_f64.powf(decade)));
        let _ = writeln!(
            text,
            "<path d=\"M{left} {height:.1}h{WIDTH}\" stroke=\"#e4e4e7\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            left - 6.0,
            height + 4.0
        );
        decade += 1.0;
    }
    let mut decade = across.0;
    while decade <= across.1 {
        let value = 10_f64.powf(decade);
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>",
            x(value),
            TOP + HEIGHT + 18.0
        );
        decade += 1.0;
    }
    for (position, (line, colour)) in lines.iter().zip(COLOURS).enumerate() {
        let label = 38.0 + 16.0 * position as f64;
        let places = line
            .points
            .iter()
            .map(|(files, value)| (x(*files as f64), y(*value)));
        let places: Vec<(f64, f64)> = places.collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            text,
            "<text x=\"{left}\" y=\"{label}\" fill=\"{colour}\">{}</text>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.label,
            path.join(" ")
        );
        for (x, y) in places {
            let _ = writeln!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_every_point_within_it() {
        let line = |label, points: &[(usize, f64)]| Line {
            label,
            points: points.to_vec(),
        };
        let growth = Growth {
            pages: vec![
                line("a", &[(10, 0.01), (100, 1.0), (10_000, 12.5)]),
                line("b", &[(10, 3.0), (100, 4.0), (10_000, 5.0)]),
            ],
            hosted: vec![line("c", &[(1_000, 7.0)])],
        };
        let svg = growth.svg();
        assert_eq!(svg.matches("<circle").count(), 7);
        assert_eq!(svg.matches("<polyline").count(), 3);
        for place in svg.split("<circle cx=\"").skip(1) {
            let numbers: Vec<f64> = place
                .split('"')
                .filter_map(|word| word.parse().ok())
                .collect();
            assert!((0.0..=880.0).contains(&numbers[0]), "{place}");
            assert!((0.0..=380.0).contains(&numbers[1]), "{place}");
        }
        assert!(growth.markdown().contains("| 10000 | 12.500 | 5.000 |"));
    }
}
