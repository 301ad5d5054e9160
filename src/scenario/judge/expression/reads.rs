//! Which fields of an object an expression reads: while those stay as they are, so does its value.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

use super::compile::children;
use super::shape::{Fold, macro_call};

/// The paths of fields that are read; `None` if an expression can read any field.
pub type Reads = Option<BTreeSet<Vec<String>>>;

/// The fields that an expression reads from the object in `variable`.
pub fn reads(expression: &IdedExpr, variable: &str) -> Reads {
    let mut found = Found { paths: BTreeSet::new(), all: false };
    found.of_object(expression, variable);
    found.into_reads()
}

/// The fields that an expression reads from the objects of a list, besides the number of objects.
pub fn reads_of_list(expression: &IdedExpr, list: &str) -> Reads {
    let mut found = Found { paths: BTreeSet::new(), all: false };
    found.of_list(expression, list);
    found.into_reads()
}

struct Found {
    paths: BTreeSet<Vec<String>>,
    all: bool,
}

impl Found {
    fn into_reads(self) -> Reads {
        (!self.all).then_some(self.paths)
    }

    fn of_object(&mut self, expression: &IdedExpr, variable: &str) {
        if let Some(path) = read_path(expression, variable) {
            self.all |= path.is_empty();
            self.paths.insert(path);
            return;
        }
        if let Expr::Call(call) = &expression.expr
            && matches!(call.func_name.as_str(), "ready" | "condition")
            && let Some(object) = call.args.first()
            && matches!(&object.expr, Expr::Ident(name) if name == variable)
        {
            self.paths.insert(vec!["status".to_owned(), "conditions".to_owned()]);
            call.args.iter().skip(1).for_each(|argument| self.of_object(argument, variable));
            return;
        }
        for (child, bound) in children(expression) {
            if !bound.contains(&variable) {
                self.of_object(child, variable);
            }
        }
    }

    fn of_list(&mut self, expression: &IdedExpr, list: &str) {
        if let Some(found) = macro_call(expression)
            && is_of(found.range, list)
        {
            // The result contains the objects, and any of their fields can be read.
            self.all |= found.fold == Fold::Filter;
            self.of_elements(expression, list);
            return;
        }
        if let Expr::Call(call) = &expression.expr
            && call.func_name == "size"
            && let Some(sized) = call.target.as_deref().or_else(|| call.args.first())
            && is_of(sized, list)
        {
            self.of_elements(sized, list);
            return;
        }
        self.all |= matches!(&expression.expr, Expr::Ident(name) if name == list);
        for (child, bound) in children(expression) {
            if !bound.contains(&list) {
                self.of_list(child, list);
            }
        }
    }

    /// Adds the fields that a chain of macros reads from the elements of the list.
    fn of_elements(&mut self, expression: &IdedExpr, list: &str) {
        let Some(found) = macro_call(expression) else { return };
        self.of_elements(found.range, list);
        for part in found.filter.into_iter().chain([found.body]) {
            self.of_object(part, found.variable);
            if found.variable != list {
                self.of_list(part, list);
            }
        }
    }
}

/// Whether an expression is the variable of a list, or filters that list.
fn is_of(expression: &IdedExpr, list: &str) -> bool {
    match macro_call(expression) {
        Some(found) => found.fold == Fold::Filter && is_of(found.range, list),
        None => matches!(&expression.expr, Expr::Ident(name) if name == list),
    }
}

/// The path of the field that an expression reads from a variable, or whose existence it checks.
fn read_path(expression: &IdedExpr, variable: &str) -> Option<Vec<String>> {
    let (operand, field) = match &expression.expr {
        Expr::Ident(name) => return (name == variable).then(Vec::new),
        Expr::Select(select) => (&*select.operand, select.field.as_str()),
        Expr::Call(call) => {
            let is_access = matches!(
                call.func_name.as_str(),
                operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT
            );
            match call.args.as_slice() {
                [operand, field] if is_access => match &field.expr {
                    Expr::Literal(LiteralValue::String(field)) => (operand, field.inner()),
                    _ => return None,
                },
                _ => return None,
            }
        }
        _ => return None,
    };
    let mut path = read_path(operand, variable)?;
    path.push(field.to_owned());
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::super::Expression;
    use super::*;

    fn text(reads: Reads) -> String {
        match reads {
            None => "everything".to_owned(),
            Some(paths) => paths.iter().map(|path| path.join(".")).collect::<Vec<_>>().join(" "),
        }
    }

    #[test]
    fn finds_the_fields_of_an_object() {
        for (expression, expected) in [
            ("p.status.phase == 'Running' && ready(p)", "status.conditions status.phase"),
            (
                "has(p.metadata.labels) && p.metadata.labels['a.b'] == ''",
                "metadata.labels metadata.labels.a.b",
            ),
            (
                "p.?status.?phase.orValue('') == condition(p, p.x)",
                "status.conditions status.phase x",
            ),
            ("p.spec.containers.all(c, c.image == p.spec.x)", "spec.containers spec.x"),
            ("[1].all(p, p > 1) && vars.p == 1", ""),
            ("p.metadata.labels[vars.x] == p.spec.list[0]", "metadata.labels spec.list"),
            ("size(p) > 1", "everything"),
            ("p == p", "everything"),
        ] {
            let expression_of = Expression::compile(expression).unwrap();
            assert_eq!(text(reads(expression_of.root(), "p")), expected, "{expression}");
        }
    }

    #[test]
    fn finds_the_fields_of_the_elements_of_a_list() {
        for (expression, expected) in [
            ("web.all(p, nodes.exists(n, n.metadata.name == p.spec.nodeName))", "spec.nodeName"),
            ("size(web) == 2 && size(nodes) == 1", ""),
            ("size(web.filter(p, p.a)) > web.filter(p, p.b).filter(q, q.c).size()", "a b c"),
            ("web.filter(p, p.a).map(q, q.b).join('') == ''", "a b"),
            ("web.map(p, p.a, p.b) == []", "a b"),
            ("web.all(p, web.exists(q, q.a == p.b))", "a b"),
            ("web.filter(p, p.a)[0].b == 1", "everything"),
            ("web.map(p, p).size() == 1", "everything"),
            ("web[0].a == 1", "everything"),
            ("nodes.all(web, web.x)", ""),
        ] {
            let expression_of = Expression::compile(expression).unwrap();
            assert_eq!(text(reads_of_list(expression_of.root(), "web")), expected, "{expression}");
        }
    }
}
