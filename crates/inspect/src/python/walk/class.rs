//! Classes: their bodies run when they are defined, their methods when they are called.

use ruff_python_ast::{Expr, StmtClassDef};
use ruff_text_size::Ranged;

use super::super::analysis::Reached;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{ClassId, FunctionId, Kind, Passed, Value};
use super::Walker;

/// Methods that run when a class is called, or when what it made goes away.
const MADE: &[&str] = &[
    "__new__",
    "__init__",
    "__post_init__",
    "__del__",
    "__call__",
    "__enter__",
];

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn define_class(&mut self, class: &'a StmtClassDef) {
        let bases: Vec<Value> = class.bases().iter().map(|base| self.eval(base)).collect();
        for keyword in class.keywords() {
            self.eval(&keyword.value);
        }
        let offset = class.range().start().to_u32();
        let id = self.engine.class(self.module, offset, class.name.as_str());
        for base in &bases {
            if let Kind::Class(base) = base.kind {
                self.call_method_of_class_id(base, "__init_subclass__");
            }
        }
        self.engine.class_fact(id).bases = bases;
        let outer_scope = self.frame.scope;
        let outer_class = self.frame.class.replace(id);
        self.frame.scope = self.new_scope(outer_scope, true);
        self.statements(&class.body);
        let scope = std::mem::replace(&mut self.frame.scope, outer_scope);
        self.frame.class = outer_class;
        let names = self.scopes[scope].names.clone();
        let fact = self.engine.class_fact(id);
        for (name, value) in names {
            fact.attributes.insert(name.into(), value);
        }
        let value = Value::from(Kind::Class(id));
        for decorator in &class.decorator_list {
            self.decorate(&decorator.expression, &value);
        }
        self.bind(class.name.as_str(), value);
    }

    /// `owner.name` for an instance or a class of the distribution.
    pub(super) fn attribute_of_class(
        &mut self,
        class: ClassId,
        name: &str,
        owner: &Value,
        node: &'a Expr,
    ) -> Value {
        let Some((mut value, is_property)) = self.engine.class_attribute(class, name) else {
            return self.attribute_of_base(class, name, owner);
        };
        if let Kind::Function(function) = value.kind {
            let is_instance = matches!(owner.kind, Kind::Instance(_));
            if is_property && is_instance {
                return self.call_function(function, Some(owner.clone()), Vec::new(), node);
            }
            if is_instance {
                value.kind = Kind::Bound(function, class);
            }
        }
        value.taint.join(&owner.taint);
        value
    }

    /// What a class inherits from outside: `self.run` of a thread, `self.send` of a socket.
    fn attribute_of_base(&mut self, class: ClassId, name: &str, owner: &Value) -> Value {
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
            Some(sym) => {
                let made = self.engine.symbols.made_by(sym);
                let member = self.engine.symbols.member(made, name);
                let taint = owner.taint.clone();
                Value {
                    kind: Kind::Symbol(member, Reached::Plainly),
                    taint,
                }
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
        for name in MADE {
            let Some((method, _)) = self.engine.class_attribute(class, name) else {
                continue;
            };
            let Kind::Function(function) = method.kind else {
                continue;
            };
            if *name == "__init__" {
                let own = Some(instance.clone());
                self.call_function(function, own, passed.clone(), node);
                self.settle_attributes(class, function, &passed);
            } else {
                self.engine.edges.insert((self.frame.function, function));
            }
        }
        for each in &passed {
            // An instance holds what it was made of; what it does with it is followed by attribute.
            if self.engine.class_attribute(class, "__init__").is_none() {
                instance.taint.join(&each.value.whole_taint());
            }
        }
        instance
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
        for value in self.engine.class_fact(class).attributes.values_mut() {
            let is_stored = value.taint.iter().any(
                |carried| matches!(carried.what, Origin::Parameter(owner, _) | Origin::Item(owner, _) if owner == init),
            );
            if is_stored {
                value.taint.join(&given);
            }
        }
        self.is_unsettled = true;
    }

    pub(super) fn call_method_of_class(&mut self, class: ClassId, name: &str, _node: &'a Expr) {
        self.call_method_of_class_id(class, name);
    }

    fn call_method_of_class_id(&mut self, class: ClassId, name: &str) {
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
