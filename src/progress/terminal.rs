use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Event, Reporter};

/// Live bars on a terminal, one for each stage in progress.
#[derive(Debug, Default)]
pub struct Terminal {
    bars: MultiProgress,
    active: Mutex<HashMap<String, ProgressBar>>,
}

impl Terminal {
    fn end(&self, stage: &str, mark: &str, elapsed: Duration) {
        let bar = self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(stage);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        self.print(&format!("  {mark} {stage} ({:.1} s)", elapsed.as_secs_f64()));
    }

    fn print(&self, line: &str) {
        if self.bars.println(line).is_err() {
            // `eprintln!` would panic when nobody reads stderr any more.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }
}

impl Reporter for Terminal {
    fn report(&self, event: &Event) {
        match event {
            Event::StageStarted { stage } => {
                let bar = self.bars.add(ProgressBar::new_spinner());
                let style = ProgressStyle::with_template("  {spinner} {prefix} {elapsed} {msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                bar.set_prefix(stage.clone());
                bar.enable_steady_tick(Duration::from_millis(100));
                let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
                active.insert(stage.clone(), bar);
            }
            Event::StageAdvanced { stage, share, detail } => {
                let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(bar) = active.get(stage) {
                    let share = share.map(|s| format!("{:.0}% ", s * 100.0)).unwrap_or_default();
                    bar.set_message(format!("{share}{detail}"));
                }
            }
            Event::StageFinished { stage, elapsed } => self.end(stage, "✓", *elapsed),
            Event::StageFailed { stage, elapsed } => self.end(stage, "✗", *elapsed),
            Event::Note(text) => self.print(text),
            Event::Warning(text) => self.print(&format!("warning: {text}")),
        }
    }
}
