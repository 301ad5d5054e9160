use std::io::Write as _;

use super::{Event, Reporter};

/// Plain lines on stderr, for logs and CI: one at a stage's start and one at its end.
#[derive(Debug, Default)]
pub struct Lines;

impl Reporter for Lines {
    fn report(&self, event: &Event) {
        let line = match event {
            Event::StageStarted { stage } => format!("  … {stage}"),
            Event::StageAdvanced { .. } => return,
            Event::StageFinished { stage, elapsed } => {
                format!("  ✓ {stage} ({:.1} s)", elapsed.as_secs_f64())
            }
            Event::StageFailed { stage, elapsed } => {
                format!("  ✗ {stage} ({:.1} s)", elapsed.as_secs_f64())
            }
            Event::Note(text) => text.clone(),
            Event::Warning(text) => format!("warning: {text}"),
        };
        // `eprintln!` would panic when nobody reads stderr any more.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
