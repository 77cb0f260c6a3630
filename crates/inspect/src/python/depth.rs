//! How deep a source nests and chains, counted over its tokens without recursion. The bound holds for
//! the depth of the syntax tree, so nothing that recurses is started on a tree that is too deep.

use ruff_python_ast::token::TokenKind;

/// Counts one source, token by token.
#[derive(Default)]
pub(super) struct Depth {
    /// For each open bracket, string or lambda: how long the chain before it was.
    open: Vec<Level>,
    /// Chain length at the innermost level.
    chain: u32,
    /// The sum of the chains of all open levels.
    below: u32,
    indents: u32,
    deepest: u32,
}

struct Level {
    chain: u32,
    is_lambda: bool,
}

impl Depth {
    /// Takes one token and says how deep the source has been so far.
    pub(super) fn take(&mut self, token: TokenKind) -> u32 {
        match token {
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::FStringStart
            | TokenKind::TStringStart => self.open(false),
            TokenKind::Lambda => self.open(true),
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => self.close(),
            TokenKind::Colon if self.open.last().is_some_and(|level| level.is_lambda) => {
                self.close_level();
            }
            TokenKind::Comma => self.chain = 0,
            TokenKind::Newline | TokenKind::Semi => self.end_statement(),
            TokenKind::Indent => self.indents += 1,
            TokenKind::Dedent => self.indents = self.indents.saturating_sub(1),
            other if chains(other) => self.chain += 1,
            _ => {}
        }
        let depth = self.below + self.chain + self.open.len() as u32 + self.indents;
        self.deepest = self.deepest.max(depth);
        self.deepest
    }

    fn open(&mut self, is_lambda: bool) {
        // A call or subscript of what stands before it is a link of the chain, too.
        self.chain += 1;
        self.below += self.chain;
        self.open.push(Level {
            chain: self.chain,
            is_lambda,
        });
        self.chain = 0;
    }

    fn close(&mut self) {
        while self.open.last().is_some_and(|level| level.is_lambda) {
            self.close_level();
        }
        self.close_level();
    }

    fn close_level(&mut self) {
        if let Some(level) = self.open.pop() {
            self.chain = level.chain;
            self.below -= level.chain;
        }
    }

    fn end_statement(&mut self) {
        self.open.clear();
        self.chain = 0;
        self.below = 0;
    }
}

/// Tokens that put one more node above or below the expression so far.
fn chains(token: TokenKind) -> bool {
    matches!(
        token,
        TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Vbar
            | TokenKind::Amper
            | TokenKind::Dot
            | TokenKind::Percent
            | TokenKind::Tilde
            | TokenKind::CircumFlex
            | TokenKind::LeftShift
            | TokenKind::RightShift
            | TokenKind::DoubleStar
            | TokenKind::DoubleSlash
            | TokenKind::At
            | TokenKind::ColonEqual
            | TokenKind::Not
            | TokenKind::Await
            | TokenKind::Yield
            | TokenKind::If
            | TokenKind::Else
            | TokenKind::Less
            | TokenKind::Greater
            | TokenKind::EqEqual
            | TokenKind::And
            | TokenKind::Or
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruff_python_parser::{Mode, lexer};

    fn depth(source: &str) -> u32 {
        let mut depth = Depth::default();
        let mut lexer = lexer::lex(source, Mode::Module);
        loop {
            let token = lexer.next_token();
            let deepest = depth.take(token);
            if token.is_eof() {
                return deepest;
            }
        }
    }

    #[test]
    fn width_is_not_depth() {
        let list = format!(
            "a = [{}]\n",
            "f(x.y, -1), lambda a, b: a + b, ".repeat(5_000)
        );
        assert!(depth(&list) < 20, "{}", depth(&list));
        assert!(depth(&"x = a.b + c\n".repeat(5_000)) < 10);
    }

    #[test]
    fn every_way_down_is_counted() {
        for (source, at_least) in [
            ("1+".repeat(3_000) + "1", 3_000),
            ("a".to_owned() + &".b".repeat(3_000), 3_000),
            ("f".to_owned() + &"()".repeat(3_000), 3_000),
            ("(".repeat(3_000) + &")".repeat(3_000), 3_000),
            ("-".repeat(3_000) + "1", 3_000),
            ("not ".repeat(3_000) + "1", 3_000),
            ("lambda a, b: ".repeat(3_000) + "1", 3_000),
            ("a if b else ".repeat(3_000) + "1", 3_000),
            ("f(1, ".repeat(3_000) + &")".repeat(3_000), 3_000),
        ] {
            assert!(
                depth(&source) >= at_least,
                "{}: {}",
                &source[..20],
                depth(&source)
            );
        }
    }
}
