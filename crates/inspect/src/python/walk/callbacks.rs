//! Functions given to something that calls them: threads, timers, servers, applications, hooks for keys.

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::value::{Kind, Passed, Value};
use super::Walker;

impl<'a> Walker<'a, '_, '_> {
    /// Running an application runs what was registered with it: `app.run()` after `@app.route(…)`.
    pub(super) fn run_handlers(&mut self, sym: Sym) {
        if self.handlers.is_empty() {
            return;
        }
        let name = self.engine.symbols.name(sym).clone();
        let Some((object, method)) = name.split_once("().") else {
            return;
        };
        let runs = [
            "run",
            "serve",
            "start",
            "polling",
            "infinity_polling",
            "run_polling",
            "listen",
            "mainloop",
        ];
        if !runs.iter().any(|start| method.starts_with(start)) {
            return;
        }
        for (of, function) in &self.handlers {
            if **of == *object {
                self.engine.edges.insert((self.frame.function, *function));
            }
        }
    }

    /// What a server is given to answer with runs when somebody asks, with what they send.
    pub(super) fn serve(&mut self, passed: &[Passed], (range, place): (TextRange, &'a Expr)) {
        let words = "gets data from the network from whoever connects";
        let asked = Value::unknown(self.begin(Label::Net, words, &range));
        for each in passed {
            self.installed(&each.value);
            if matches!(each.value.kind, Kind::Function(_) | Kind::Bound(..)) {
                let arguments = vec![asked.clone(); 4];
                self.call_back(&each.value.clone(), arguments, place);
            }
        }
    }

    /// Functions given to something that calls them.
    pub(super) fn call_backs(
        &mut self,
        sym: Sym,
        passed: &[Passed],
        (place, range): (&'a Expr, TextRange),
    ) {
        let name = self.engine.symbols.name(sym).clone();
        if hears_keys(&name) {
            let words = format!("gets {} from {name}", Label::Keys.words());
            let key = Value::unknown(self.begin(Label::Keys, &words, &range));
            for each in passed {
                self.call_back(&each.value.clone(), vec![key.clone()], place);
            }
            return;
        }
        let named = |name: &str| {
            passed
                .iter()
                .find(|each| each.keyword.as_deref() == Some(name))
        };
        let arguments: Vec<Value> = match named("args").map(|each| &each.value.kind) {
            Some(Kind::List(items)) => items.to_vec(),
            _ => self.given_to_callback(&name, passed),
        };
        if matches!(&*name, "functools.partial" | "builtins.map") {
            return;
        }
        for each in passed {
            self.call_back(&each.value.clone(), arguments.clone(), place);
        }
    }

    /// What a function is called with that is called later: what is passed after it, in one list for
    /// threads, processes and timers, and one item at a time for what goes through items.
    fn given_to_callback(&self, name: &str, passed: &[Passed]) -> Vec<Value> {
        let positional: Vec<&Value> = passed
            .iter()
            .filter(|each| each.keyword.is_none())
            .map(|each| &each.value)
            .collect();
        let runs = |value: &&Value| {
            value.kind.alternatives().iter().any(Kind::is_callable)
                || matches!(value.kind, Kind::Instance(_))
        };
        let after = positional.iter().position(runs).map_or(0, |at| at + 1);
        let rest = positional.get(after..).unwrap_or_default();
        let spreads = ["Thread", "Timer", "Process", "enter", "enterabs"];
        let called = name.rsplit('.').next().unwrap_or(name);
        match rest {
            [
                Value {
                    kind: Kind::List(items),
                    ..
                },
                ..,
            ] if spreads.contains(&called) => items.to_vec(),
            _ if matches!(called, "map" | "filter" | "imap" | "imap_unordered") => rest
                .iter()
                .map(|value| super::comprehension::any_item(value))
                .collect(),
            _ => rest.iter().map(|value| (*value).clone()).collect(),
        }
    }
}

/// Whether it answers others with what it is given.
pub(super) fn is_server(name: &str) -> bool {
    let starts = [
        "selectors.",
        "websocket.WebSocketApp",
        "paho.mqtt.client.Client()",
        "discord.Client()",
        "discord.ext.commands.Bot()",
        "telebot.TeleBot()",
        "socketio.Client()",
        "pika.BlockingConnection()",
        "socketserver.",
        "http.server.",
        "xmlrpc.server.",
        "wsgiref.simple_server.",
        "aiohttp.web.",
    ];
    starts.iter().any(|start| name.starts_with(start))
        || matches!(
            name,
            "asyncio.start_server"
                | "asyncio.start_unix_server"
                | "websockets.serve"
                | "websockets.server.serve"
                | "asyncio.get_event_loop().create_server"
                | "asyncio.get_running_loop().create_server"
        )
}

/// Whether what it calls back is given key strokes.
fn hears_keys(name: &str) -> bool {
    name.starts_with("pynput.keyboard.") || name.starts_with("keyboard.")
}
