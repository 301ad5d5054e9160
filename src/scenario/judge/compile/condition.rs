use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::Compiler;
use crate::scenario::judge::expression::{Fold, Macro, VARIABLES, macro_call, variables_of, write};
use crate::scenario::judge::pattern::part_text;
use crate::scenario::judge::program::{
    CelExpression, CelId, Comparison, ConditionId, ConditionPlan, KindId, Node, ObjectExpression,
    Predicate, PredicateId, Quantifier, Quantity, Range, SelectionId, Source, TallyId, Term,
};
use crate::scenario::language::{self, Condition, Quantified};

impl Compiler<'_> {
    /// Compiles a condition.
    pub(super) fn compile_condition(
        &mut self,
        path: &str,
        condition: &Condition,
    ) -> Option<ConditionId> {
        let (node, source, text) = match condition {
            Condition::Cel(text) => {
                let names: Vec<String> = self.named.keys().cloned().collect();
                let allowed: Vec<&str> =
                    names.iter().map(String::as_str).chain(std::iter::once(VARIABLES)).collect();
                let expression = self.expression(path, text, &allowed)?;
                // A selection with a mistake of its own has been told.
                let is_complete = expression
                    .variables()
                    .iter()
                    .all(|name| !matches!(self.named.get(name), Some(None)));
                if !is_complete {
                    return None;
                }
                let node = self.node(expression.root());
                let text = one_line(expression.text());
                (node, Source::Cel(Arc::new(expression)), text)
            }
            Condition::Quantified(quantified) => {
                let (quantity, text) = self.quantified(path, quantified)?;
                (Node::Quantified(quantity), Source::Quantified(quantity), text)
            }
        };
        let mut kinds = Vec::new();
        self.collect_kinds(&node, &mut kinds);
        kinds.sort_unstable();
        kinds.dedup();
        Some(self.program.conditions.push(ConditionPlan { node, source, kinds, text }))
    }

    fn quantified(&mut self, path: &str, quantified: &Quantified) -> Option<(Quantity, String)> {
        use language::Quantifier as Written;
        let written = &quantified.quantifier;
        let (quantifier, range) = match written {
            Written::All { bounds, .. } => {
                (Quantifier::All, self.range(path, bounds, bounds.check()))
            }
            Written::Any { .. } => (Quantifier::Any, Some(Range::default())),
            Written::None { .. } => (Quantifier::None, Some(Range::default())),
            Written::Count { bounds, .. } => {
                (Quantifier::Count, self.range(path, bounds, bounds.check_given()))
            }
        };
        let field = format!("{path}.{}", written.name());
        let selection = self.selection_ref(&field, written.selection());
        let predicate = self.predicate(path, &quantified.filter, false);
        let (selection, predicate, range) = (selection?, predicate?, range?);
        let is_limited = range != Range::default();
        let tally = self.tally(selection, predicate);
        let label = &self.program.selections[selection].label;
        let asked = self.predicate_text(predicate);
        let limits = if is_limited { range.text() } else { String::new() };
        let text = match quantifier {
            Quantifier::All if asked.is_empty() => {
                format!("there are{} {label}", after(" ", &limits))
            }
            Quantifier::All => format!("all {label} match {asked}{}", after(", and are ", &limits)),
            Quantifier::Any => format!("some {label} match {}", or(&asked, "anything")),
            Quantifier::None => format!("no {label} match {}", or(&asked, "anything")),
            Quantifier::Count if asked.is_empty() => format!("there are {limits} {label}"),
            Quantifier::Count => format!("{limits} {label} match {asked}"),
        };
        Some((Quantity { quantifier, tally, range }, one_line(&text)))
    }

    /// A predicate in one line.
    pub(super) fn predicate_text(&self, predicate: PredicateId) -> String {
        let predicate = &self.program.predicates[predicate];
        let part = predicate.matches.as_ref().map(part_text);
        let filter = predicate.filter.as_ref().map(|filter| filter.text.clone());
        part.into_iter().chain(filter).collect::<Vec<_>>().join(" and ")
    }

    /// Splits an expression into tallies and sizes, which changes of objects update one by one. The
    /// parts without such a form are evaluated as CEL.
    fn node(&mut self, expression: &IdedExpr) -> Node {
        if let Some(found) = macro_call(expression) {
            let tally = match found.fold {
                Fold::All | Fold::Exists | Fold::ExistsOne => self.fold_tally(&found),
                Fold::Map | Fold::Filter => None,
            };
            return match (tally, found.fold) {
                (Some(tally), Fold::All) => Node::All(tally),
                (Some(tally), Fold::Exists) => Node::Exists(tally),
                (Some(tally), _) => {
                    Node::Compare(Term::Count(tally), Comparison::Equal, Term::Number(1))
                }
                (None, _) => self.cel(expression),
            };
        }
        let call = match &expression.expr {
            Expr::Literal(LiteralValue::Boolean(truth)) => return Node::Constant(*truth.inner()),
            Expr::Call(call) if call.target.is_none() => call,
            _ => return self.cel(expression),
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                Node::And(Box::new(self.node(left)), Box::new(self.node(right)))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Node::Or(Box::new(self.node(left)), Box::new(self.node(right)))
            }
            (operators::LOGICAL_NOT, [operand]) => Node::Not(Box::new(self.node(operand))),
            (operators::CONDITIONAL, [condition, then, otherwise]) => Node::If(
                Box::new(self.node(condition)),
                Box::new(self.node(then)),
                Box::new(self.node(otherwise)),
            ),
            (name, [left, right]) => {
                let Some(comparison) = comparison(name) else { return self.cel(expression) };
                match (self.term(left), self.term(right)) {
                    (Some(left), Some(right)) => Node::Compare(left, comparison, right),
                    _ => self.cel(expression),
                }
            }
            _ => self.cel(expression),
        }
    }

    /// A number: a literal, how many objects a selection has, how many a filter leaves.
    fn term(&mut self, expression: &IdedExpr) -> Option<Term> {
        let call = match &expression.expr {
            Expr::Literal(LiteralValue::Int(number)) => return Some(Term::Number(*number.inner())),
            Expr::Call(call) if call.func_name == "size" => call,
            _ => return None,
        };
        let sized = match (&call.target, call.args.as_slice()) {
            (Some(target), []) => target,
            (None, [argument]) => argument,
            _ => return None,
        };
        if let Expr::Ident(name) = &sized.expr {
            return self.program.named.get(name).copied().map(Term::Size);
        }
        let found = macro_call(sized).filter(|found| found.fold == Fold::Filter)?;
        self.fold_tally(&found).map(Term::Count)
    }

    /// The tally of a macro over a selection, if its body reads only the object and the variables.
    fn fold_tally(&mut self, found: &Macro<'_>) -> Option<TallyId> {
        let Expr::Ident(name) = &found.range.expr else { return None };
        let selection = self.program.named.get(name).copied()?;
        let reads_more =
            variables_of(found.body).iter().any(|name| name != found.variable && name != VARIABLES);
        if reads_more || found.variable == VARIABLES {
            return None;
        }
        let filter = Some(ObjectExpression::new(found.body.clone(), found.variable.to_owned()));
        let predicate = self.intern_predicate(Predicate { matches: None, filter });
        Some(self.tally(selection, predicate))
    }

    fn cel(&mut self, expression: &IdedExpr) -> Node {
        let text = write(expression);
        let selections = variables_of(expression)
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.program.named.get(&name).copied()?)))
            .collect();
        let own = CelExpression { root: expression.clone(), text, selections };
        Node::Cel(self.program.expressions.intern(own, |one, other| one.text == other.text))
    }

    fn collect_kinds(&self, node: &Node, kinds: &mut Vec<KindId>) {
        let of_selection = |selection: SelectionId| self.program.selections[selection].kind;
        let of_tally = |tally: TallyId| of_selection(self.program.tallies[tally].selection);
        node.for_each_leaf(&mut |leaf| match leaf {
            Leaf::Tally(tally) => kinds.push(of_tally(tally)),
            Leaf::Size(selection) => kinds.push(of_selection(selection)),
            Leaf::Cel(expression) => {
                let selections = &self.program.expressions[expression].selections;
                kinds.extend(selections.iter().map(|(_, selection)| of_selection(*selection)));
            }
        });
    }
}

/// A part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario::judge) enum Leaf {
    Tally(TallyId),
    Size(SelectionId),
    Cel(CelId),
}

impl Node {
    pub(in crate::scenario::judge) fn for_each_leaf(&self, visit: &mut dyn FnMut(Leaf)) {
        match self {
            Self::Constant(_) => {}
            Self::And(left, right) | Self::Or(left, right) => {
                left.for_each_leaf(visit);
                right.for_each_leaf(visit);
            }
            Self::Not(operand) => operand.for_each_leaf(visit),
            Self::If(condition, then, otherwise) => {
                [condition, then, otherwise].iter().for_each(|node| node.for_each_leaf(visit));
            }
            Self::Compare(left, _, right) => {
                for term in [left, right] {
                    match term {
                        Term::Number(_) => {}
                        Term::Size(selection) => visit(Leaf::Size(*selection)),
                        Term::Count(tally) => visit(Leaf::Tally(*tally)),
                    }
                }
            }
            Self::All(tally) | Self::Exists(tally) => visit(Leaf::Tally(*tally)),
            Self::Cel(expression) => visit(Leaf::Cel(*expression)),
            Self::Quantified(quantity) => visit(Leaf::Tally(quantity.tally)),
        }
    }
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::NotEqual,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn after(before: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

/// A text in one line of readable length.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
