use std::fmt::Write as _;

use super::{Paint, verdict_mark, verdict_word};
use crate::scenario::report::explain::{Details, PendingPod};

/// The width of a terminal that everybody has.
pub(super) const WIDTH: usize = 80;

/// Appends text, broken into lines behind an indentation.
pub(super) fn wrapped(out: &mut String, first: &str, rest: &str, text: &str) {
    let options = words(WIDTH).initial_indent(first).subsequent_indent(rest);
    let _ = writeln!(out, "{}", textwrap::fill(text, options));
}

/// Lines are broken between words only: a name with hyphens stays whole.
pub(super) fn words<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// All that goes with a failure, in lines of 80 columns.
pub(in crate::scenario::report) fn details_text(details: &Details, paint: Paint) -> String {
    let mut out = String::new();
    let verdict = format!("{} {}", verdict_mark(details.verdict), verdict_word(details.verdict));
    let moment = match details.moment {
        Some(moment) => paint.faint(&format!(", at {moment}")),
        None => String::new(),
    };
    let verdict = paint.verdict(details.verdict, &verdict);
    wrapped(&mut out, "", "  ", &format!("{verdict}  {}{moment}", paint.strong(&details.name)));
    if !details.claim.is_empty() && details.claim != details.name {
        wrapped(&mut out, "  ", "      ", &details.claim);
    }
    wrapped(&mut out, "  ", "  ", &paint.strong(&details.summary));
    for part in &details.parts {
        wrapped(&mut out, "    ", "      ", part);
    }
    for unknown in &details.unknown {
        wrapped(&mut out, "    not seen: ", "      ", unknown);
    }
    objects(&mut out, details, paint);
    for pod in &details.pending {
        let is_told = details.objects.iter().any(|object| object.object.uid == pod.pod.uid);
        if !is_told {
            wrapped(&mut out, "\n  ", "  ", &paint.strong(&format!("{}: pending", pod.pod)));
            pending(&mut out, pod);
        }
    }
    around(&mut out, details, paint);
    out
}

fn objects(out: &mut String, details: &Details, paint: Paint) {
    for object in &details.objects {
        let state = match object.state.as_str() {
            "" => String::new(),
            state => format!(": {state}"),
        };
        out.push('\n');
        let name = paint.strong(&object.object.to_string());
        wrapped(out, "  ", "    ", &format!("{name}{state}"));
        for difference in &object.differences {
            wrapped(out, "    ", "      ", difference);
        }
        for pod in details.pending.iter().filter(|pod| pod.pod.uid == object.object.uid) {
            pending(out, pod);
        }
    }
    if details.more_objects > 0 {
        let _ = writeln!(out, "  and {} more", details.more_objects);
    }
}

fn pending(out: &mut String, pod: &PendingPod) {
    if let Some(message) = &pod.message {
        wrapped(out, "    the scheduler: ", "      ", message);
    }
    for refusal in &pod.refusals {
        wrapped(out, &format!("    {}: ", refusal.node), "      ", &refusal.reasons.join("; "));
    }
}

fn around(out: &mut String, details: &Details, paint: Paint) {
    if details.around.is_empty() {
        return;
    }
    out.push('\n');
    let mark = match details.around.iter().any(|found| found.about) {
        true => " (*: about these objects)",
        false => "",
    };
    let _ = writeln!(out, "  Around that moment{mark}");
    for found in &details.around {
        let mark = if found.about { "*" } else { " " };
        let moment = paint.faint(&format!("{:>9}", found.at.to_string()));
        let first = format!("  {mark} {moment}  {:<5}  ", found.kind.word());
        wrapped(out, &first, &" ".repeat(22), &found.text);
    }
    if details.more_around > 0 {
        let _ = writeln!(out, "    and {} more in the record", details.more_around);
    }
}
