//! The inputs for the oracle: the same ones in every run, from grammars that are often, but by far
//! not always, those of valid inputs.

/// What is asked, by question.
pub(super) struct Cases {
    pub(super) names: Vec<String>,
    pub(super) versions: Vec<String>,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) specifiers: Vec<(String, String)>,
    pub(super) wheels: Vec<String>,
    pub(super) sdists: Vec<String>,
    pub(super) metadata: Vec<String>,
}

impl Cases {
    /// Some ten thousand inputs.
    pub(super) fn generate() -> Self {
        let chance = &mut Chance(0x9e37_79b9_7f4a_7c15);
        let mut names = many(2000, chance, name);
        names.extend([
            "a".repeat(200),
            "a".repeat(201),
            "K".to_owned(),
            "ı".to_owned(),
        ]);
        Self {
            names,
            versions: many(3000, chance, version),
            pairs: many(2000, chance, |chance| (close(chance), close(chance))),
            specifiers: many(3000, chance, |chance| (specifiers(chance), close(chance))),
            wheels: many(2000, chance, wheel),
            sdists: many(1500, chance, sdist),
            metadata: many(1500, chance, metadata),
        }
    }
}

/// A generator of numbers (splitmix64), so that a failure is the same one the next time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % end
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// One of `choices`, each one as often as any other, up to `most` times.
    fn string(&mut self, choices: &[&str], most: usize) -> String {
        (0..self.below(most + 1))
            .map(|_| self.pick(choices))
            .collect()
    }
}

fn many<T>(count: usize, chance: &mut Chance, one: impl Fn(&mut Chance) -> T) -> Vec<T> {
    (0..count).map(|_| one(chance)).collect()
}

fn name(chance: &mut Chance) -> String {
    chance.string(
        &[
            "a", "b", "Z", "7", "-", "_", ".", "Foo", "--", "ä", "\n", " ",
        ],
        7,
    )
}

/// A version of any shape, right or wrong.
fn version(chance: &mut Chance) -> String {
    let mut text = String::new();
    text += chance.pick(&["", "", "", "", "v", "V", " ", "1!", "0!", "\t", "00!", "x"]);
    text += chance.pick(&[
        "1",
        "0",
        "10",
        "1.0",
        "2.3.4",
        "01.002",
        "1.0.0.0",
        "99999999999999999999",
        "",
        "1..0",
    ]);
    text += chance.pick(&["", "", "", ".1", ".0", ".99999999999999999999"]);
    text += chance.pick(&[
        "", "", "", "a1", "b", ".rc.2", "-alpha-3", "_BETA4", "c5", "preview6", "pre", ".a.",
        "rc01", "a-", "alpha_",
    ]);
    text += chance.pick(&[
        "", "", "", ".post1", "-2", "post", ".rev.3", "-r4", "_post_5", "-", "-post-", "post.0",
    ]);
    text += chance.pick(&[
        "", "", "", ".dev1", "dev", "-DEV2", "_dev_3", ".dev.", "dev04",
    ]);
    text += chance.pick(&[
        "",
        "",
        "",
        "+local",
        "+Ubuntu.1",
        "+a-b_c.01",
        "+",
        "+a..b",
        "+1.2",
        "+ä",
        "+a+b",
    ]);
    text + chance.pick(&["", "", "", "", " ", "\n", ".*", "\u{a0}"])
}

/// A version out of few, so that two of them are often equal or next to each other.
fn close(chance: &mut Chance) -> String {
    let mut text = chance.pick(&["", "", "", "", "1!"]).to_owned();
    text += chance.pick(&["1", "1.0", "1.0.0", "1.1", "1.0.1", "2", "0.9", "1.10"]);
    text += chance.pick(&["", "", "", "a1", "b1", "rc1", "rc2"]);
    text += chance.pick(&["", "", "", ".post0", ".post1"]);
    text += chance.pick(&["", "", "", ".dev0", ".dev1"]);
    text + chance.pick(&["", "", "", "", "+a", "+a.1", "+2"])
}

fn specifiers(chance: &mut Chance) -> String {
    let mut text = specifier(chance);
    while chance.below(4) == 0 {
        text += chance.pick(&[",", ", ", " ,"]);
        text += &specifier(chance);
    }
    text
}

fn specifier(chance: &mut Chance) -> String {
    let operator = chance.pick(&[
        "==", "==", "!=", ">=", "<=", ">", "<", "~=", "=", "", "=>", "~",
    ]);
    let space = chance.pick(&["", "", " "]);
    let star = chance.pick(&["", "", "", ".*"]);
    format!("{operator}{space}{}{star}", close(chance))
}

fn wheel(chance: &mut Chance) -> String {
    let name = chance.pick(&[
        "foo", "Foo_Bar", "foo.bar", "a__b", "_x", "foo-bar", "", "7", "föö",
    ]);
    let version = if chance.below(3) == 0 {
        version(chance)
    } else {
        close(chance)
    };
    let build = chance.pick(&["", "", "", "-1", "-2abc", "-x1", "-007b", "-"]);
    let python = chance.pick(&["py3", "py2.py3", "cp311", "CP311", ""]);
    let abi = chance.pick(&["none", "abi3", "cp311", "abi3.cp311"]);
    let platform = chance.pick(&[
        "any",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "win32",
        "any-x",
    ]);
    let ending = chance.pick(&[".whl", ".whl", ".whl", ".whl", ".WHL", ".zip.whl"]);
    format!("{name}-{version}{build}-{python}-{abi}-{platform}{ending}")
}

fn sdist(chance: &mut Chance) -> String {
    let name = chance.pick(&[
        "foo",
        "Foo_Bar",
        "zope.interface",
        "python-dateutil",
        "foo-2",
        "_x",
        "",
        "föö",
    ]);
    let version = if chance.below(3) == 0 {
        version(chance)
    } else {
        close(chance)
    };
    let dash = chance.pick(&["-", "-", "-", "-", "_", ""]);
    format!("{name}{dash}{version}{}", chance.pick(&[".tar.gz", ".zip"]))
}

/// Lines that are mostly headers, ended in all ways.
fn metadata(chance: &mut Chance) -> String {
    let lines = [
        "Name: foo",
        "Name: foo",
        "name:Foo.Bar",
        "Version: 1.0",
        "Version: 1.0",
        "VERSION : 2",
        "Name: ",
        "Name: a b",
        "Requires-Dist: a",
        "requires-dist:b>=1",
        "Requires-Dist:",
        " continued",
        "\tmore",
        "",
        " ",
        "no header",
        "Sp ace: x",
        "From me",
        ":",
        ": x",
        "Ä: x",
        "X-Y: z",
        "Version: one",
    ];
    let mut text = String::new();
    if chance.below(2) == 0 {
        text += "Name: foo\nVersion: 1.0\n";
    }
    for _ in 0..chance.below(9) {
        text += chance.pick(&lines);
        text += chance.pick(&["\n", "\n", "\n", "\n", "\r\n", "\r"]);
    }
    text
}
