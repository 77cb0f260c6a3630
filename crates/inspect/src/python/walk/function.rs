//! Functions: what a definition runs at once, and what the body does with its parameters.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprLambda, Parameters, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::super::engine::{Binding, FunctionFact, Summary};
use super::super::taint::trace::{Origin, Taint, Trace};
use super::super::value::{FunctionId, Kind, Passed, Value};
use super::{Body, Code, Walker};

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn define(&mut self, function: &'a StmtFunctionDef) {
        let defaults = self.defaults(&function.parameters);
        let name = self.qualified(function.name.as_str());
        let id = self.fact(
            function.range().start().to_u32(),
            name,
            Some(&function.parameters),
        );
        let decorators: Vec<&str> = function
            .decorator_list
            .iter()
            .map(|each| last_name(&each.expression))
            .collect();
        let own = match self.frame.class {
            Some(_) if decorators.contains(&"staticmethod") => None,
            Some(class) if decorators.contains(&"classmethod") => Some(Kind::Class(class)),
            Some(class) => Some(Kind::Instance(class)),
            None => None,
        };
        let is_property = decorators
            .iter()
            .any(|name| matches!(*name, "property" | "cached_property"));
        if let Some(class) = self.frame.class.filter(|_| is_property) {
            let property = function.name.as_str().into();
            self.engine.class_fact(class).properties.insert(property);
        }
        self.engine.fact(id).is_fixture = function.decorator_list.iter().any(|each| {
            let text = self.source(each.range());
            text.contains("fixture(") && text.contains("autouse=True")
        });
        self.engine.fact(id).binding = match own {
            None if self.frame.class.is_some() => Binding::Nothing,
            Some(Kind::Class(_)) => Binding::Class,
            _ => Binding::Plain,
        };
        self.remember(id, Code::Function(function), own, defaults);
        let mut value = Value::from(Kind::Function(id));
        for decorator in function.decorator_list.iter().rev() {
            let decorated = self.decorate(&decorator.expression, &value);
            if decorated.kind.is_callable() {
                value.join(&decorated);
            }
        }
        self.bind(function.name.as_str(), value);
    }

    pub(super) fn lambda(&mut self, lambda: &'a ExprLambda) -> Value {
        let defaults = lambda
            .parameters
            .as_ref()
            .map(|all| self.defaults(all))
            .unwrap_or_default();
        let offset = lambda.range().start().to_u32();
        let id = self.fact(offset, "<lambda>".to_owned(), lambda.parameters.as_deref());
        self.remember(id, Code::Lambda(lambda), None, defaults);
        Kind::Function(id).into()
    }

    fn remember(
        &mut self,
        id: FunctionId,
        code: Code<'a>,
        own: Option<Kind>,
        defaults: Vec<(usize, Value)>,
    ) {
        let round = self.bodies.get(&id).map_or(0, |body| body.round);
        let is_open = self.bodies.get(&id).is_some_and(|body| body.is_open);
        let scope = match self.frame.class {
            // A method does not see the names of its class.
            Some(_) if self.scopes[self.frame.scope].is_class => {
                self.scopes[self.frame.scope].parent.unwrap_or(0)
            }
            _ => self.frame.scope,
        };
        let class = self.frame.class;
        let defaults = Arc::new(defaults);
        self.keep_scope(scope);
        self.waiting.push(std::cmp::Reverse(id));
        self.bodies.insert(
            id,
            Body {
                code,
                scope,
                class,
                own,
                defaults,
                is_open,
                round,
            },
        );
    }

    fn qualified(&self, name: &str) -> String {
        match self.frame.class {
            Some(class) => format!("{}.{name}", self.engine.classes[class.0 as usize].name),
            None => name.to_owned(),
        }
    }

    fn fact(&mut self, offset: u32, name: String, parameters: Option<&Parameters>) -> FunctionId {
        let module = self.module;
        self.engine.function((module, offset), |engine| {
            let count = parameters.map_or(0, Parameters::len);
            let mut names: Vec<Arc<str>> = Vec::with_capacity(count);
            let (mut variadic, mut keywords) = (None, None);
            let at = |names: &[Arc<str>]| u16::try_from(names.len()).ok();
            if let Some(all) = parameters {
                for each in all
                    .posonlyargs
                    .iter()
                    .chain(&all.args)
                    .chain(&all.kwonlyargs)
                {
                    names.push(engine.name(each.parameter.name.as_str()));
                }
                if let Some(each) = &all.vararg {
                    variadic = at(&names);
                    names.push(engine.name(each.name.as_str()));
                }
                if let Some(each) = &all.kwarg {
                    keywords = at(&names);
                    names.push(engine.name(each.name.as_str()));
                }
            }
            FunctionFact {
                module,
                name: engine.name(&name),
                parameters: names.into(),
                variadic,
                keywords,
                summary: Summary::default(),
                root: None,
                binding: Binding::default(),
                is_fixture: false,
            }
        })
    }

    fn defaults(&mut self, parameters: &'a Parameters) -> Vec<(usize, Value)> {
        let all = parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .chain(&parameters.kwonlyargs);
        let mut defaults = Vec::new();
        for (at, parameter) in all.enumerate() {
            if let Some(default) = &parameter.default {
                defaults.push((at, self.eval(default)));
            }
        }
        defaults
    }

    /// A decorator runs at once, with what it decorates; gives back what it makes of it.
    pub(super) fn decorate(&mut self, decorator: &'a Expr, decorated: &Value) -> Value {
        let value = self.eval(decorator);
        let passed = Passed {
            keyword: None,
            value: decorated.clone(),
            is_starred: false,
        };
        if let Kind::Symbol(sym, _) = value.kind {
            let name = self.engine.symbols.name(sym);
            if let Some((object, _)) = name.split_once("().") {
                let object: Arc<str> = object.into();
                let functions = self.functions_of(decorated).into_iter();
                self.handlers
                    .extend(functions.map(|function| (object.clone(), function)));
            }
        }
        let is_own = matches!(
            value.kind,
            Kind::Function(_) | Kind::Bound(..) | Kind::Class(_) | Kind::Instance(_)
        );
        if let Kind::Symbol(sym, _) = value.kind
            && super::callbacks::is_server(self.engine.symbols.name(sym))
        {
            self.serve(&[passed], (decorator.range(), decorator));
            return Value::default();
        }
        if !is_own && !self.is_risky(&value) {
            return Value::default();
        }
        let made = self.call_value(&value, vec![passed], decorator);
        match made.kind {
            Kind::Function(_) | Kind::Bound(..) | Kind::Class(_) => made,
            _ => Value::default(),
        }
    }

    fn is_risky(&self, value: &Value) -> bool {
        match value.kind {
            Kind::Symbol(sym, _) => {
                let known = self.engine.symbols.known(sym);
                known.sink.is_some() || known.calls_back
            }
            _ => false,
        }
    }

    /// Follows a function's body with whatever callers may pass, and remembers what it does with it.
    pub(super) fn summarise(&mut self, id: FunctionId, round: u8) {
        let Some(body) = self.bodies.get_mut(&id) else {
            return;
        };
        body.is_open = true;
        body.round = round;
        let body = body.clone();
        let parameters = self.engine.fact(id).parameters.len();
        let mut bound: Vec<Value> = (0..parameters.min(250))
            .map(|at| Value::unknown(Taint::of(Origin::Parameter(id, at as u8), Trace::START)))
            .collect();
        for (at, default) in body.defaults.iter() {
            let is_telling = default.kind.is_callable() || matches!(default.kind, Kind::Str(_));
            if let Some(value) = bound.get_mut(*at).filter(|_| is_telling) {
                value.join(&Value::from(default.kind.clone()));
            }
        }
        if let (Some(own), Some(first)) = (&body.own, bound.first_mut()) {
            *first = Value::from(own.clone());
        }
        let open = std::mem::take(&mut self.open);
        let returns = self.follow(id, &body, bound, 0);
        self.open = open;
        let summary = &mut self.engine.fact(id).summary;
        summary.returns = returns;
        summary.is_done = true;
        if let Some(body) = self.bodies.get_mut(&id) {
            body.is_open = false;
        }
    }

    /// Follows a body with the parameters bound to `bound`; gives back what it returns.
    pub(super) fn follow(
        &mut self,
        id: FunctionId,
        body: &Body<'a>,
        bound: Vec<Value>,
        inline: u8,
    ) -> Value {
        let scope = self.new_scope(body.scope, false);
        let parameters = match body.code {
            Code::Function(function) => Some(&*function.parameters),
            Code::Lambda(lambda) => lambda.parameters.as_deref(),
        };
        if let Some(parameters) = parameters {
            let names = parameter_names(parameters);
            self.scopes[scope]
                .names
                .extend(names.into_iter().zip(bound));
        }
        let frame = super::Frame {
            function: id,
            scope,
            branches: 0,
            loops: 0,
            inline,
            returns: None,
            guards: Vec::new(),
            class: None,
        };
        let outer = std::mem::replace(&mut self.frame, frame);
        self.open.push(id);
        self.depth += 1;
        let is_too_deep = self.depth > super::OPEN / 4;
        match body.code {
            _ if is_too_deep => {}
            Code::Function(function) => self.statements(&function.body),
            Code::Lambda(lambda) => {
                let value = self.eval(&lambda.body);
                self.returns(value);
            }
        }
        self.depth -= 1;
        self.open.pop();
        let frame = std::mem::replace(&mut self.frame, outer);
        self.leave_scope(scope);
        frame.returns.unwrap_or_else(|| Kind::None.into())
    }
}

/// Names in the order in which [`FunctionFact::parameters`] has them.
fn parameter_names(parameters: &Parameters) -> Vec<&str> {
    let all = parameters
        .posonlyargs
        .iter()
        .chain(&parameters.args)
        .chain(&parameters.kwonlyargs);
    let mut names: Vec<&str> = all.map(|each| each.parameter.name.as_str()).collect();
    names.extend(parameters.vararg.as_ref().map(|each| each.name.as_str()));
    names.extend(parameters.kwarg.as_ref().map(|each| each.name.as_str()));
    names
}

fn last_name(expression: &Expr) -> &str {
    match expression {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    }
}
