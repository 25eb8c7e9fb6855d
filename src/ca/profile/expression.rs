//! Rules as CEL expressions. CEL here has no budget of its own, so an expression is bounded before it runs:
//! its source, its nodes, its depth, no comprehension inside another's loop, and inputs of 100 items.

use std::collections::BTreeMap;

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr};
use cel::{Context, ExecutionError, IdedExpr, Program, Value};

use crate::ca::profile::attribute;
use crate::error::{Error, Misfit, ProfileRule, Result};
use crate::x509::key::{KeyKind, PublicKey};
use crate::x509::name::Name;
use crate::x509::san::San;

const MAX_SOURCE: usize = 4096;
const MAX_NODES: usize = 200;
const MAX_DEPTH: usize = 16;
const MAX_ITEMS: usize = 100;
const VARIABLES: [&str; 7] = ["subject", "cn", "sans", "key", "profile", "requester", "device"];

/// What a rule may look at.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The subject to be written.
    pub subject: &'a Name,
    /// The alternative names to be written.
    pub sans: &'a [San],
    /// The requester's key.
    pub key: &'a PublicKey,
    /// What speaks for the requester: `challenge`, `renewal`, `operator`, `internal`, `none`.
    pub requester: &'a str,
    /// The device's name, if the profile knows it.
    pub device: Option<&'a str>,
}

/// One rule: an expression that must be true, and what is said if it is not.
pub struct Rule {
    program: Program,
    source: String,
    message: String,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.source)
    }
}

impl Rule {
    /// Compiles and bounds an expression. Errors: `bad-rule` with the reason.
    pub fn compile(source: &str, message: &str) -> Result<Self> {
        if source.len() > MAX_SOURCE {
            return Err(bad("a rule has at most 4,096 bytes"));
        }
        bound_brackets(source)?;
        let program = Program::compile(source)
            .map_err(|e| bad(&format!("not a CEL expression: {}", first_line(&e.to_string()))))?;
        Bounds::default().expression(program.expression(), 1)?;
        let rule = Self { program, source: source.to_owned(), message: message.to_owned() };
        rule.try_out()?;
        Ok(rule)
    }

    /// Holds the rule against prepared inputs. Errors: `policy` with its message if it is false, and if it
    /// cannot be evaluated at all (fail closed).
    pub(super) fn hold(&self, inputs: &Inputs) -> Result<()> {
        match self.evaluate(inputs) {
            Ok(Value::Bool(true)) => Ok(()),
            Ok(Value::Bool(false)) => Err(self.refused(Error::invalid("policy", self.message.clone()))),
            Ok(_) => Err(self.refused(unusable(&self.message, "not a truth value"))),
            Err(e) => Err(self.refused(unusable(&self.message, &e.to_string()))),
        }
    }

    fn refused(&self, error: Error) -> Error {
        error.misfit(Misfit::new(ProfileRule::Expression, self.message.clone(), "", self.source.clone()))
    }

    fn evaluate(&self, inputs: &Inputs) -> Result<Value, ExecutionError> {
        let mut context = Context::default();
        for (name, value) in &inputs.0 {
            context.add_variable_from_value(*name, value.clone());
        }
        self.program.execute(&context)
    }

    /// Runs it once on a sample, to find unknown functions and results that are no truth value at load.
    fn try_out(&self) -> Result<()> {
        match self.evaluate(&Inputs::sample()?) {
            Ok(Value::Bool(_)) => Ok(()),
            Ok(_) => Err(bad("a rule is true or false; this one is something else")),
            Err(ExecutionError::UndeclaredReference(name)) => Err(bad(&format!("{name} is not known"))),
            Err(_) => Ok(()), // the sample may lack what the rule needs
        }
    }
}

/// The variables of a rule, prepared once for all rules of a profile.
pub(super) struct Inputs(Vec<(&'static str, Value)>);

impl Inputs {
    /// From facts. Errors: `policy` if there are more than 100 items.
    pub(super) fn new(profile: &str, facts: &Facts<'_>) -> Result<Self> {
        if facts.subject.attributes().count() > MAX_ITEMS || facts.sans.len() > MAX_ITEMS {
            return Err(Error::invalid("policy", "more than 100 names are more than the rules can look at"));
        }
        let mut subject: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for a in facts.subject.attributes() {
            subject.entry(attribute::name(a.oid)).or_default().push(a.value.clone());
        }
        let sans: Vec<String> = facts.sans.iter().map(San::to_string).collect();
        let (algorithm, bits) = key_facts(facts.key.kind());
        Self::build(&subject, &sans, (algorithm, bits), profile, facts.requester, facts.device.unwrap_or(""))
    }

    fn sample() -> Result<Self> {
        let subject = BTreeMap::from([("CN".to_owned(), vec!["host.example".to_owned()])]);
        Self::build(&subject, &["dns:host.example".to_owned()], ("rsa", 2048), "sample", "operator", "")
    }

    fn build(
        subject: &BTreeMap<String, Vec<String>>,
        sans: &[String],
        (algorithm, bits): (&'static str, i64),
        profile: &str,
        requester: &str,
        device: &str,
    ) -> Result<Self> {
        let cn = subject.get("CN").and_then(|v| v.last()).map_or("", String::as_str);
        let key =
            BTreeMap::from([("algorithm", Value::from(algorithm.to_owned())), ("bits", Value::Int(bits))]);
        Ok(Self(vec![
            ("cn", Value::from(cn.to_owned())),
            ("subject", value(subject)?),
            ("sans", value(sans)?),
            (
                "key",
                Value::from(
                    key.into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect::<std::collections::HashMap<_, _>>(),
                ),
            ),
            ("profile", Value::from(profile.to_owned())),
            ("requester", Value::from(requester.to_owned())),
            ("device", Value::from(device.to_owned())),
        ]))
    }
}

fn value<T: serde::Serialize + ?Sized>(data: &T) -> Result<Value> {
    cel::to_value(data).map_err(|e| Error::internal(format!("a rule's input cannot be written: {e}")))
}

fn key_facts(kind: KeyKind) -> (&'static str, i64) {
    match kind {
        KeyKind::Rsa(bits) => ("rsa", i64::from(bits)),
        KeyKind::P256 => ("p-256", 256),
        KeyKind::P384 => ("p-384", 384),
        KeyKind::P521 => ("p-521", 521),
    }
}

fn bad(reason: &str) -> Error {
    Error::invalid("bad-rule", reason)
}

fn unusable(message: &str, reason: &str) -> Error {
    Error::invalid("policy", format!("{message} (the rule could not be evaluated)"))
        .because(reason.to_owned())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// Refuses deep nesting before the parser descends into it.
fn bound_brackets(source: &str) -> Result<()> {
    let mut depth = 0usize;
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(bad("a rule nests at most 16 deep"));
        }
    }
    Ok(())
}

/// Walks an expression and holds it to the bounds.
#[derive(Default)]
struct Bounds {
    nodes: usize,
    inside_loop: bool,
    locals: Vec<String>,
}

impl Bounds {
    fn expression(&mut self, node: &IdedExpr, depth: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(bad("a rule has at most 200 nodes"));
        }
        if depth > MAX_DEPTH {
            return Err(bad("a rule nests at most 16 deep"));
        }
        let below = depth + 1;
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.known(name),
            Expr::Select(select) => self.expression(&select.operand, below),
            Expr::Call(call) => {
                let target = call.target.as_deref();
                target.into_iter().chain(&call.args).try_for_each(|e| self.expression(e, below))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|e| self.expression(e, below)),
            Expr::Map(map) => map.entries.iter().try_for_each(|e| self.entry(&e.expr, below)),
            Expr::Struct(_) => Err(bad("a rule makes no messages")),
            Expr::Comprehension(loop_) => self.comprehension(loop_, below),
        }
    }

    fn entry(&mut self, entry: &EntryExpr, depth: usize) -> Result<()> {
        match entry {
            EntryExpr::StructField(field) => self.expression(&field.value, depth),
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key, depth)?;
                self.expression(&entry.value, depth)
            }
        }
    }

    fn comprehension(&mut self, loop_: &ComprehensionExpr, depth: usize) -> Result<()> {
        if self.inside_loop {
            return Err(bad("a rule has no loop inside a loop"));
        }
        self.expression(&loop_.iter_range, depth)?;
        self.expression(&loop_.accu_init, depth)?;
        let outer = self.locals.len();
        self.locals.extend([loop_.iter_var.clone(), loop_.accu_var.clone()]);
        self.locals.extend(loop_.iter_var2.clone());
        self.inside_loop = true;
        for part in [&loop_.loop_cond, &loop_.loop_step, &loop_.result] {
            self.expression(part, depth)?;
        }
        self.inside_loop = false;
        self.locals.truncate(outer);
        Ok(())
    }

    fn known(&self, name: &str) -> Result<()> {
        if VARIABLES.contains(&name) || self.locals.iter().any(|l| l == name) {
            return Ok(());
        }
        Err(bad(&format!("{name:.40} is not known; a rule knows {}", VARIABLES.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(source: &str) -> String {
        Rule::compile(source, "no").unwrap_err().detail().to_owned()
    }

    fn holds(source: &str) -> bool {
        Rule::compile(source, "no").unwrap().hold(&Inputs::sample().unwrap()).is_ok()
    }

    #[test]
    fn rules_see_the_request() {
        assert!(holds("cn.endsWith('.example') && sans.all(s, s.startsWith('dns:'))"));
        assert!(holds("'CN' in subject && subject.CN[0] == cn"));
        assert!(holds("key.algorithm == 'rsa' && key.bits >= 2048"));
        assert!(holds("requester == 'operator' && device == '' && profile == 'sample'"));
        assert!(holds("sans.filter(s, s != cn).exists(s, s.contains('host'))"));
        assert!(!holds("cn == 'other'"));
    }

    #[test]
    fn a_rule_that_fails_while_it_runs_refuses() {
        let rule = Rule::compile("subject.OU[0] == 'Phones'", "only phones").unwrap();
        let refused = rule.hold(&Inputs::sample().unwrap()).unwrap_err();
        assert_eq!(refused.code(), "policy");
        assert!(refused.detail().starts_with("only phones"), "{}", refused.detail());
    }

    #[test]
    fn rules_are_bounded_before_they_run() {
        assert!(reason(&format!("cn == '{}'", "a".repeat(5000))).contains("4,096 bytes"));
        assert!(reason(&format!("{}cn{} == ''", "(".repeat(17), ")".repeat(17))).contains("16 deep"));
        let wide: Vec<&str> = std::iter::repeat_n("'a'", 250).collect();
        assert!(reason(&format!("cn in [{}]", wide.join(","))).contains("200 nodes"));
        assert!(reason("sans.all(a, sans.all(b, a == b))").contains("loop inside a loop"));
        assert!(reason(&format!("cn == {}''", "''+".repeat(40))).contains("16 deep"));
    }

    #[test]
    fn rules_that_cannot_work_are_refused_at_load() {
        assert!(reason("cn ==").contains("not a CEL expression"));
        assert!(reason("clock == 3").contains("clock is not known"));
        assert!(reason("shell(cn) == ''").contains("shell is not known"));
        assert!(reason("cn").contains("true or false"));
    }
}
