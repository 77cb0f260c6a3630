//! Where the bodies of functions lie in a source, told by indentation alone: what stands in none of them
//! runs when the module is imported. What is in doubt counts as outside.

/// The lines of a function's body.
pub(super) struct Body<'t> {
    /// The function, or the class that it is a method of: what callers from elsewhere name.
    pub(super) name: &'t [u8],
    start: usize,
    end: usize,
}

impl Body<'_> {
    pub(super) fn holds(&self, at: usize) -> bool {
        (self.start..self.end).contains(&at)
    }
}

/// The bodies of all functions that stand in no other one.
pub(super) fn bodies(text: &[u8]) -> Vec<Body<'_>> {
    let mut bodies: Vec<Body<'_>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut class: Option<(usize, &[u8])> = None;
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
        let indent = line.iter().take_while(blank).count();
        let code = &line[indent..];
        if matches!(code.first(), None | Some(b'\n' | b'\r' | b'#')) {
            continue;
        }
        if open.is_some_and(|depth| depth >= indent) {
            open = None;
            if let Some(body) = bodies.last_mut() {
                body.end = start;
            }
        }
        if class.is_some_and(|(depth, _)| depth >= indent) {
            class = None;
        }
        if open.is_some() {
            continue;
        }
        if let (Some(name), None) = (defined(code, b"class "), class) {
            class = Some((indent, name));
        }
        let code = code.strip_prefix(b"async ").unwrap_or(code);
        if let Some(name) = defined(code, b"def ") {
            let name = class.map_or(name, |(_, class)| class);
            let end = text.len();
            bodies.push(Body {
                name,
                start: at,
                end,
            });
            open = Some(indent);
        }
    }
    bodies
}

/// The name that a line defines after `keyword`.
fn defined<'t>(code: &'t [u8], keyword: &[u8]) -> Option<&'t [u8]> {
    let rest = code.strip_prefix(keyword)?.trim_ascii_start();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let end = rest
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(rest.len());
    (end > 0).then_some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_on_import_is_in_no_body() {
        let text = "\
import a
def one(x=a.default):
    a.in_one

    def inner():
        a.in_inner
    a.still_one
a.top
class Two:
    a.in_class
    async def method(self):
        a.in_method
if a.asked:
    a.in_if
";
        let bodies = bodies(text.as_bytes());
        for (word, name) in [
            ("a.default", None),
            ("a.in_one", Some("one")),
            ("a.in_inner", Some("one")),
            ("a.still_one", Some("one")),
            ("a.top", None),
            ("a.in_class", None),
            ("a.in_method", Some("Two")),
            ("a.asked", None),
            ("a.in_if", None),
        ] {
            let at = text.find(word).expect("it is there");
            let body = bodies.iter().find(|body| body.holds(at));
            let held = body.map(|body| std::str::from_utf8(body.name).expect("ASCII"));
            assert_eq!(held, name, "{word}");
        }
    }
}
