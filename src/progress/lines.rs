use super::{Event, Reporter};

/// Plain lines on stderr, for logs and CI: one at a stage's start and one at its end.
#[derive(Debug, Default)]
pub struct Lines;

impl Reporter for Lines {
    fn report(&self, event: &Event) {
        match event {
            Event::StageStarted { stage } => eprintln!("  … {stage}"),
            Event::StageAdvanced { .. } => {}
            Event::StageFinished { stage, elapsed } => {
                eprintln!("  ✓ {stage} ({:.1} s)", elapsed.as_secs_f64());
            }
            Event::StageFailed { stage, elapsed } => {
                eprintln!("  ✗ {stage} ({:.1} s)", elapsed.as_secs_f64());
            }
            Event::Note(text) => eprintln!("{text}"),
            Event::Warning(text) => eprintln!("warning: {text}"),
        }
    }
}
