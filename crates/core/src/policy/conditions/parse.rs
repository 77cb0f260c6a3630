//! From the text of a condition to a tree that was checked, with every mistake at its place. Nothing is
//! evaluated here.

use std::ops::Range;
use std::panic::catch_unwind;

use cel::IdedExpr;
use cel::common::ast::SourceInfo;
use cel::parser::{ParseErrors, Parser};

use super::check::{Checked, check};

/// The longest condition, in bytes.
pub const MAX_LENGTH: usize = 4096;

/// How deep brackets and operators may be nested.
pub const MAX_DEPTH: usize = 32;

/// The stack on which a condition is parsed, in bytes. The parser descends for each operator, of which the
/// longest condition may have thousands, and needs megabytes for a few. Only what is used is committed.
const STACK: usize = 128 << 20;

/// Something wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// What is wrong.
    pub(super) message: String,
    /// Where, in bytes of the condition.
    pub(super) at: Range<usize>,
    /// What to do about it.
    pub(super) help: Option<String>,
}

impl Mistake {
    /// A mistake at a place.
    pub(super) fn new(message: impl Into<String>, at: Range<usize>) -> Self {
        Self {
            message: message.into(),
            at,
            help: None,
        }
    }

    /// The same with a remedy.
    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A condition that was parsed and checked.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Its tree.
    pub(super) tree: IdedExpr,
    /// What the check found out.
    pub(super) checked: Checked,
}

/// Parses and checks a condition.
///
/// # Errors
/// Everything that is wrong with it; the first mistake alone where it is not CEL at all.
pub(super) fn parse(text: &str) -> Result<Parsed, Vec<Mistake>> {
    if text.trim().is_empty() {
        return Err(vec![Mistake::new("the condition is empty", 0..text.len())]);
    }
    if text.len() > MAX_LENGTH {
        let message = format!("the condition is longer than {MAX_LENGTH} bytes");
        let help = "write two conditions, or fewer alternatives";
        return Err(vec![
            Mistake::new(message, MAX_LENGTH..text.len()).help(help),
        ]);
    }
    // A tree that is too deep is parsed, refused and dropped on that stack, and never leaves it. Nothing of
    // a parser that panics is used again.
    let parsed = catch_unwind(|| stacker::grow(STACK, || parse_here(text)));
    parsed.unwrap_or_else(|_| {
        Err(vec![Mistake::new(
            "the condition cannot be read",
            0..text.len(),
        )])
    })
}

fn parse_here(text: &str) -> Result<Parsed, Vec<Mistake>> {
    let depth = u16::try_from(MAX_DEPTH).unwrap_or(u16::MAX);
    let parser = Parser::new().max_recursion_depth(depth);
    let (tree, places) = parser
        .parse_with_source_info(text)
        .map_err(|errors| vec![syntax(text, &errors)])?;
    let checked = check(&tree, &Places { text, info: places })?;
    Ok(Parsed { tree, checked })
}

/// The first of the parser's errors: those after it follow from it more often than not.
fn syntax(text: &str, errors: &ParseErrors) -> Mistake {
    let Some(error) = errors.errors.first() else {
        return Mistake::new("the condition is not CEL", 0..text.len());
    };
    let at = place(text, error.pos);
    if errors
        .errors
        .iter()
        .any(|error| error.msg.contains("ecursion limit"))
    {
        return too_deep(at);
    }
    let said = error
        .msg
        .strip_prefix("Syntax error: ")
        .unwrap_or(&error.msg);
    // What the grammar could go on with is a list of tokens that helps nobody.
    let said = said.split(" expecting ").next().unwrap_or(said);
    let said: String = said.chars().filter(|c| !c.is_control()).take(120).collect();
    Mistake::new(
        format!("this is not CEL: {}", said.replace("<EOF>", "its end")),
        at,
    )
    .help("see the section on conditions in docs/rules.md")
}

/// What is said of nesting that is too deep.
pub(super) fn too_deep(at: Range<usize>) -> Mistake {
    Mistake::new(
        format!("this is nested more than {MAX_DEPTH} levels deep"),
        at,
    )
    .help("write `x in […]` for many alternatives, or two conditions")
}

/// The byte at a line and column, both 1-based and counted in characters, as the parser gives them.
fn place(text: &str, (line, column): (isize, isize)) -> Range<usize> {
    let counted = |number: isize| usize::try_from(number - 1).unwrap_or(0);
    let lines = text.split_inclusive('\n').take(counted(line));
    let start: usize = lines.map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let offset = rest.char_indices().nth(counted(column));
    let (offset, length) = offset.map_or((rest.len(), 0), |(at, c)| (at, c.len_utf8()));
    start + offset..start + offset + length
}

/// Where the nodes of a tree are written.
pub(super) struct Places<'t> {
    text: &'t str,
    info: SourceInfo,
}

impl Places<'_> {
    /// The token of a node: its operator, its name, or its literal. A name that is called or selected is
    /// not where the parser says, which is at its bracket or dot.
    pub(super) fn of(&self, node: &IdedExpr) -> Range<usize> {
        let Some((start, last)) = self.info.offset_for(node.id) else {
            return 0..self.text.len();
        };
        let byte = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
        let start = self.boundary(byte(start));
        let end = self.boundary(byte(last).saturating_add(1)).max(start);
        match self.text.get(start..end) {
            Some("(") => self.name_before(start).unwrap_or(start..end),
            Some(".") => self.name_after(end).unwrap_or(start..end),
            _ => start..end,
        }
    }

    fn boundary(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }

    fn name_before(&self, at: usize) -> Option<Range<usize>> {
        let before = self.text.get(..at)?.trim_end();
        let name = before.trim_end_matches(is_of_a_name);
        (name.len() < before.len()).then_some(name.len()..before.len())
    }

    fn name_after(&self, at: usize) -> Option<Range<usize>> {
        let after = self.text.get(at..)?;
        let start = at + after.len() - after.trim_start().len();
        let name = self.text.get(start..)?;
        let length = name.len() - name.trim_start_matches(is_of_a_name).len();
        (length > 0).then_some(start..start + length)
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
