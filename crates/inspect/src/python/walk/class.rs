//! Classes: their bodies run when they are defined, their methods when they are called.

use std::sync::Arc;

use ruff_python_ast::{Expr, StmtClassDef};
use ruff_text_size::{Ranged, TextRange};

use super::super::analysis::Reached;
use super::super::engine::Binding;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{ClassId, FunctionId, Kind, Passed, Value};
use super::Walker;
use super::call::positional;

/// A method that Python calls by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    /// The constructor.
    Init,
    /// What runs when an instance is called, which is followed where one is.
    Call,
    Other,
}

/// Classes that a class is traced back through to its first ancestor.
const ANCESTORS: u8 = 24;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn define_class(&mut self, class: &'a StmtClassDef) {
        let bases: Vec<Value> = class.bases().iter().map(|base| self.eval(base)).collect();
        for keyword in class.keywords() {
            let value = self.eval(&keyword.value);
            let is_metaclass = keyword
                .arg
                .as_ref()
                .is_some_and(|name| name.as_str() == "metaclass");
            self.made_by_metaclass(&value, is_metaclass.then_some(keyword.range()));
        }
        let offset = class.range().start().to_u32();
        let id = self.engine.class(self.module, offset, class.name.as_str());
        for base in &bases {
            if let Kind::Class(base) = base.kind {
                self.call_method_of_class_id(base, "__init_subclass__");
            }
        }
        let derives = |start: &str| {
            bases.iter().any(|base| match base.kind {
                Kind::Symbol(sym, _) => self.engine.symbols.name(sym).starts_with(start),
                _ => false,
            })
        };
        let is_enumeration = derives("enum.");
        self.engine.class_fact(id).bases = bases;
        let outer_scope = self.frame.scope;
        let outer_class = self.frame.class.replace(id);
        self.frame.scope = self.new_scope(outer_scope, true);
        self.statements(&class.body);
        let scope = std::mem::replace(&mut self.frame.scope, outer_scope);
        self.frame.class = outer_class;
        self.remembered.changes();
        // Nothing looks into a class but through its attributes.
        let names = std::mem::take(&mut self.scopes[scope].names);
        for (name, value) in names {
            let name = self.engine.name(name);
            self.engine.class_fact(id).attributes.insert(name, value);
        }
        self.given_to_metaclass(class, id);
        if is_enumeration {
            for (method, _) in self.special_methods(id) {
                self.engine.edges.insert((self.frame.function, method));
            }
        }
        let value = Value::from(Kind::Class(id));
        for decorator in &class.decorator_list {
            let _ = self.decorate(&decorator.expression, &value);
        }
        self.bind(class.name.as_str(), value);
    }

    /// Defining a class runs its metaclass, where one is named.
    fn made_by_metaclass(&mut self, value: &Value, named: Option<TextRange>) {
        if named.is_none() {
            return;
        }
        match value.kind {
            Kind::Class(metaclass) => {
                for name in ["__prepare__", "__new__", "__init__", "__call__"] {
                    self.call_method_of_class_id(metaclass, name);
                }
            }
            Kind::Function(function) => {
                self.engine.edges.insert((self.frame.function, function));
            }
            _ => {}
        }
    }

    /// A metaclass is given the name, the bases and the body of the class that it makes.
    fn given_to_metaclass(&mut self, class: &'a StmtClassDef, id: ClassId) {
        let named = class.keywords().iter().find(|keyword| {
            keyword
                .arg
                .as_ref()
                .is_some_and(|name| name.as_str() == "metaclass")
        });
        let Some(named) = named else { return };
        let Kind::Class(metaclass) = self.eval(&named.value).kind else {
            return;
        };
        let attributes = self.engine.class_fact(id).attributes.iter();
        let body = attributes.map(|(name, value)| (Value::text(name), value.clone()));
        let body = Value::from(Kind::Dict(Arc::new(body.collect())));
        for method in ["__new__", "__init__"] {
            let found = self.engine.class_attribute(metaclass, method);
            if let Some((
                Value {
                    kind: Kind::Function(function),
                    ..
                },
                _,
            )) = found
            {
                let own = Some(Kind::Class(metaclass).into());
                let name = Value::text(class.name.as_str());
                let passed = vec![
                    positional(name),
                    positional(Value::default()),
                    positional(body.clone()),
                ];
                self.call_function(function, own, passed, &named.value);
            }
        }
    }

    /// `type(name, bases, members)`.
    pub(super) fn made_class(
        &mut self,
        (name, bases, members): (&Value, &Value, &Value),
        node: &'a Expr,
    ) -> Value {
        let name = name.kind.as_text().unwrap_or("?").to_owned();
        let offset = node.range().start().to_u32();
        let id = self.engine.class(self.module, offset, &name);
        self.remembered.changes();
        let fact = self.engine.class_fact(id);
        if let Kind::List(bases) = &bases.kind {
            fact.bases = bases.to_vec();
        }
        if let Kind::Dict(members) = &members.kind {
            for (key, value) in members.iter() {
                if let Some(key) = key.kind.as_text() {
                    fact.attributes.insert(key.into(), value.clone());
                }
            }
        }
        Kind::Class(id).into()
    }

    /// `owner.name` for an instance or a class of the distribution.
    pub(super) fn attribute_of_class(
        &mut self,
        class: ClassId,
        name: &str,
        owner: &Value,
        node: &'a Expr,
    ) -> Value {
        if name == "__dict__" && matches!(owner.kind, Kind::Instance(_)) {
            return Value::unknown(self.attribute_taint(class));
        }
        let Some((mut value, is_property)) = self.engine.class_attribute(class, name) else {
            self.call_method_of_class_id(class, "__getattr__");
            if let Some(made) = self.made_up_attribute(class, name, owner, node) {
                return made;
            }
            return self.attribute_of_base(class, name, owner, node);
        };
        let is_instance = matches!(owner.kind, Kind::Instance(_));
        if let Kind::Instance(descriptor) = value.kind {
            self.call_method_of_class_id(descriptor, "__get__");
        }
        if let Kind::Function(function) = value.kind
            && is_property
            && is_instance
        {
            return self.call_function(function, Some(owner.clone()), Vec::new(), node);
        }
        let bound: Vec<Kind> = value
            .kind
            .alternatives()
            .iter()
            .map(|kind| self.bound_to(kind, class, is_instance))
            .collect();
        value.kind = Kind::one_of(bound);
        value.taint.join(&owner.taint);
        value
    }

    /// What `__getattr__` gives for a name that an instance does not have, when that can be called.
    fn made_up_attribute(
        &mut self,
        class: ClassId,
        name: &str,
        owner: &Value,
        node: &'a Expr,
    ) -> Option<Value> {
        let (held, _) = self.engine.class_attribute(class, "__getattr__")?;
        let (Kind::Function(function), Kind::Instance(_)) = (held.kind, &owner.kind) else {
            return None;
        };
        let name = positional(Value::text(name));
        let made = self.call_function(function, Some(owner.clone()), vec![name], node);
        made.kind.is_callable().then_some(made)
    }

    /// A function of a class as its instances, or the class itself, have it.
    fn bound_to(&self, kind: &Kind, class: ClassId, is_instance: bool) -> Kind {
        let Kind::Function(function) = *kind else {
            return kind.clone();
        };
        match self.engine.functions[function.0 as usize].binding {
            Binding::Nothing => kind.clone(),
            Binding::Plain if !is_instance => kind.clone(),
            Binding::Class | Binding::Plain => Kind::Bound(function, class),
        }
    }

    /// What a class inherits from outside: `self.run` of a thread, `self.send` of a socket.
    fn attribute_of_base(
        &mut self,
        class: ClassId,
        name: &str,
        owner: &Value,
        node: &'a Expr,
    ) -> Value {
        let bases = self.engine.classes[class.0 as usize].bases.clone();
        let outside = bases.iter().find_map(|base| match base.kind {
            Kind::Symbol(sym, _) => Some(sym),
            _ => None,
        });
        // Starting a thread runs what it overrides.
        if name == "start" {
            self.call_method_of_class_id(class, "run");
        }
        match outside {
            // Commands of setuptools run others by this.
            Some(sym) if name == "spawn" && self.engine.symbols.name(sym).contains(".command.") => {
                self.symbol("distutils.spawn.spawn")
            }
            Some(sym) => {
                let made = self.engine.symbols.made_by(sym);
                let member = self.engine.symbols.member(made, name);
                let mut value = self.named(member, Reached::Plainly, node);
                value.taint.join(&owner.taint);
                value
            }
            None => Value::unknown(owner.taint.clone()),
        }
    }

    /// Calling a class: its constructor runs, and an instance comes out.
    pub(super) fn call_class(
        &mut self,
        class: ClassId,
        passed: Vec<Passed>,
        node: &'a Expr,
    ) -> Value {
        let mut instance = Value::from(Kind::Instance(class));
        for (function, special) in self.special_methods(class) {
            if special == Special::Init {
                let own = Some(instance.clone());
                self.call_function(function, own, passed.clone(), node);
                self.settle_attributes(class, function, &passed);
            } else if special == Special::Other {
                // Operators, loops, texts and the end of an instance run these without a call.
                self.engine.edges.insert((self.frame.function, function));
            }
        }
        // An instance holds what it was made of; what it does with it is followed by attribute.
        if !passed.is_empty() && self.engine.class_attribute(class, "__init__").is_none() {
            for each in &passed {
                instance.taint.join(&each.value.whole_taint());
            }
        }
        instance
    }

    /// The methods of a class, and of those it derives from, that Python calls by itself.
    fn special_methods(&self, class: ClassId) -> Vec<(FunctionId, Special)> {
        let mut found: Vec<(&Arc<str>, FunctionId)> = Vec::new();
        let mut open = vec![class];
        for _ in 0..ANCESTORS {
            let Some(class) = open.pop() else { break };
            let fact = &self.engine.classes[class.0 as usize];
            for (name, value) in &fact.attributes {
                if let Kind::Function(function) = value.kind
                    && name.starts_with("__")
                    && name.ends_with("__")
                    && !found.iter().any(|(held, _)| *held == name)
                {
                    found.push((name, function));
                }
            }
            open.extend(fact.bases.iter().filter_map(|base| match base.kind {
                Kind::Class(base) => Some(base),
                _ => None,
            }));
        }
        found.sort_unstable();
        let special = |name: &str| match name {
            "__init__" => Special::Init,
            "__call__" => Special::Call,
            _ => Special::Other,
        };
        let found = found.into_iter();
        found
            .map(|(name, function)| (function, special(name)))
            .collect()
    }

    /// Everything that the attributes of a class's instances carry.
    pub(super) fn attribute_taint(&self, class: ClassId) -> Taint {
        let mut taint = Taint::default();
        for value in self.engine.classes[class.0 as usize].attributes.values() {
            taint.join(&value.whole_taint());
        }
        taint
    }

    /// What the constructor stores of its parameters is what was passed for them.
    fn settle_attributes(&mut self, class: ClassId, init: FunctionId, passed: &[Passed]) {
        let mut given = Taint::default();
        passed
            .iter()
            .for_each(|each| given.join(&each.value.whole_taint()));
        if !given.has_label() {
            return;
        }
        for value in self.engine.classes[class.0 as usize]
            .attributes
            .values_mut()
        {
            let is_stored = value.taint.iter().any(
                |carried| matches!(carried.what, Origin::Parameter(owner, _) | Origin::Item(owner, _) | Origin::Content(owner, _) if owner == init),
            );
            if is_stored && value.taint.lacks(&given) {
                self.remembered.changes();
                value.taint.join(&given);
            }
        }
        self.is_unsettled = true;
    }

    pub(super) fn call_method_of_class(&mut self, class: ClassId, name: &str, _node: &'a Expr) {
        self.call_method_of_class_id(class, name);
    }

    pub(super) fn call_method_of_class_id(&mut self, class: ClassId, name: &str) {
        if let Some((
            Value {
                kind: Kind::Function(function),
                ..
            },
            _,
        )) = self.engine.class_attribute(class, name)
        {
            self.engine.edges.insert((self.frame.function, function));
        }
    }
}
