use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, SourceInfo};

/// Finds the parts of an expression in its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    text: &'a str,
    info: &'a SourceInfo,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str, info: &'a SourceInfo) -> Self {
        Self { text, info }
    }

    /// The text in a range of characters.
    pub fn slice(&self, range: Range<usize>) -> String {
        self.text.chars().skip(range.start).take(range.len()).collect()
    }

    /// The token of the node: an operator, a dot or an opening parenthesis; in characters.
    pub fn token(&self, id: u64) -> Option<Range<usize>> {
        self.token_bytes(id).map(|bytes| self.characters(bytes))
    }

    /// The name after the node's dot: that of a selected field.
    pub fn name_after(&self, id: u64) -> Option<Range<usize>> {
        self.name_after_byte(self.token_bytes(id)?.end)
    }

    fn name_after_byte(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.text.get(at..)?;
        let start = at + rest.find(|character: char| !is_between(character))?;
        let rest = self.text.get(start..)?;
        let length = if rest.starts_with('`') {
            rest.get(1..)?.find('`')? + 2
        } else {
            rest.find(|character| !is_of_name(character)).unwrap_or(rest.len())
        };
        Some(self.characters(start..start + length))
    }

    /// The name of the field that is selected from `operand`.
    pub fn name_after_whole(&self, operand: &IdedExpr) -> Option<Range<usize>> {
        let end = self.whole(operand)?.end;
        let (end, _) = self.text.char_indices().nth(end)?;
        let dot = end + self.text.get(end..)?.find('.')?;
        self.name_after_byte(dot + 1)
    }

    /// The name before the node's opening parenthesis: that of a function.
    pub fn name_before(&self, id: u64) -> Option<Range<usize>> {
        let parenthesis = self.token_bytes(id)?;
        let before = self.text.get(..parenthesis.start)?.trim_end();
        let start = before.rfind(|character| !is_of_name(character)).map_or(0, |at| at + 1);
        // The last character that is of no name may be longer than a byte.
        let start = (start..before.len()).find(|at| before.is_char_boundary(*at))?;
        Some(self.characters(start..before.len()))
    }

    /// The whole expression, without parentheses around it.
    pub fn whole(&self, expression: &IdedExpr) -> Option<Range<usize>> {
        let mut whole: Option<Range<usize>> = None;
        self.extend(expression, &mut whole);
        whole
    }

    fn extend(&self, expression: &IdedExpr, whole: &mut Option<Range<usize>>) {
        let mut add = |range: Option<Range<usize>>| {
            let Some(range) = range else { return };
            *whole = Some(match whole.take() {
                Some(whole) => whole.start.min(range.start)..whole.end.max(range.end),
                None => range,
            });
        };
        add(self.token(expression.id));
        add(self.brackets(expression.id));
        match &expression.expr {
            Expr::Select(select) => {
                add(self.name_after(expression.id));
                self.extend(&select.operand, whole);
            }
            Expr::Call(call) => {
                if call.func_name.starts_with(is_of_name) {
                    add(self.name_before(expression.id));
                }
                call.target.iter().for_each(|target| self.extend(target, whole));
                call.args.iter().for_each(|argument| self.extend(argument, whole));
            }
            Expr::Comprehension(comprehension) => {
                self.extend(&comprehension.iter_range, whole);
                self.extend(&comprehension.accu_init, whole);
            }
            // All else is in its token or between its brackets.
            _ => {}
        }
    }

    /// From the node's opening bracket to the closing one.
    fn brackets(&self, id: u64) -> Option<Range<usize>> {
        let start = self.token_bytes(id)?.start;
        let text = self.text.get(start..)?;
        let mut open = 0_usize;
        let mut quote = None;
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            match (quote, character) {
                (Some(_), '\\') => {
                    characters.next();
                }
                (Some(opened), _) if opened == character => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(character),
                (None, '(' | '[' | '{') => open += 1,
                (None, ')' | ']' | '}') => open = open.saturating_sub(1),
                (None, _) => {}
            }
            match (open, at) {
                // The token is no bracket.
                (0, 0) => return None,
                (0, _) => return Some(self.characters(start..start + at + character.len_utf8())),
                _ => {}
            }
        }
        None
    }

    fn token_bytes(&self, id: u64) -> Option<Range<usize>> {
        let (start, last) = self.info.offset_for(id)?;
        Some(start as usize..last as usize + 1)
    }

    fn characters(&self, bytes: Range<usize>) -> Range<usize> {
        let before = |end: usize| self.text.char_indices().take_while(|(at, _)| *at < end).count();
        before(bytes.start)..before(bytes.end)
    }
}

/// The character at `line` and `column`, both counted from 1, as the parser counts them.
pub(super) fn character_at(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(|line| line.chars().count())
        .sum();
    (before + column.saturating_sub(1)).min(text.chars().count())
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn is_between(character: char) -> bool {
    character.is_whitespace() || character == '?'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::judge::expression::environment;

    fn slice(text: &str, range: Range<usize>) -> String {
        text.chars().skip(range.start).take(range.len()).collect()
    }

    #[test]
    fn ranges_are_in_characters() {
        let text = "'é€' == pod . metadata.name";
        let program = environment().compile(text).unwrap();
        let source = Source::new(text, program.source_info());
        let Expr::Call(call) = &program.expression().expr else { panic!() };
        let [literal, name] = call.args.as_slice() else { panic!() };
        assert_eq!(slice(text, source.token(literal.id).unwrap()), "'é€'");
        assert_eq!(slice(text, source.token(program.expression().id).unwrap()), "==");
        assert_eq!(slice(text, source.name_after(name.id).unwrap()), "name");
        assert_eq!(slice(text, source.whole(name).unwrap()), "pod . metadata.name");
        assert_eq!(slice(text, source.whole(program.expression()).unwrap()), text);
    }

    #[test]
    fn a_whole_expression_ends_with_its_brackets() {
        for text in [
            "size(pods)",
            "pods.all(p, p.ready)",
            "pods.map(p, [p.a])",
            "pods[0].status.phase",
            "pods[size(pods) - 1]",
            "pods.filter(p, has(p.a.b)).size()",
            "[1, 2, 3]",
            "{'a': 1}",
            "a ? b : c",
            "-x",
            "x.?y.z",
            "size(pods.map(p, p.name == ')'))",
            "pods.sortBy(p, p.name)[0]",
            "x.?y.optMap(v, v + 1)",
        ] {
            let program = environment().compile(text).unwrap();
            let source = Source::new(text, program.source_info());
            let whole = source.whole(program.expression()).unwrap();
            assert_eq!(slice(text, whole), text);
        }
    }

    #[test]
    fn functions_are_named_before_their_parenthesis() {
        let text = "'€'.contains('x')";
        let program = environment().compile(text).unwrap();
        let source = Source::new(text, program.source_info());
        let name = source.name_before(program.expression().id).unwrap();
        assert_eq!(slice(text, name), "contains");
    }

    #[test]
    fn lines_and_columns_are_characters() {
        assert_eq!(character_at("ab\ncd", 2, 2), 4);
        assert_eq!(character_at("ab", 1, 1), 0);
        assert_eq!(character_at("ab", 9, 9), 2);
    }
}
