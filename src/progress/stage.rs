use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Event, Reporter};

/// The handle through which long work reports; cheap to clone.
#[derive(Clone)]
pub struct Progress {
    reporter: Arc<dyn Reporter>,
    finished: Arc<Mutex<Vec<(String, Duration)>>>,
}

impl Progress {
    pub fn new(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, finished: Arc::default() }
    }

    pub fn silent() -> Self {
        struct Nobody;
        impl Reporter for Nobody {
            fn report(&self, _: &Event) {}
        }
        Self::new(Arc::new(Nobody))
    }

    /// A handle for one of several concurrent works: every stage and note starts with `title`.
    pub fn within(&self, title: &str) -> Self {
        struct Titled {
            title: String,
            reporter: Arc<dyn Reporter>,
        }
        impl Reporter for Titled {
            fn report(&self, event: &Event) {
                self.reporter.report(&event.clone().titled(&self.title));
            }
        }
        let reporter =
            Arc::new(Titled { title: title.to_owned(), reporter: self.reporter.clone() });
        Self { reporter, finished: self.finished.clone() }
    }

    /// Starts a stage. A stage that is dropped before it finishes is reported as failed.
    pub fn stage(&self, name: impl Into<String>) -> Stage {
        let name = name.into();
        self.reporter.report(&Event::StageStarted { stage: name.clone() });
        Stage { progress: self.clone(), name, started: Instant::now(), ended: false }
    }

    pub fn note(&self, text: impl Into<String>) {
        self.reporter.report(&Event::Note(text.into()));
    }

    pub fn warning(&self, text: impl Into<String>) {
        self.reporter.report(&Event::Warning(text.into()));
    }

    /// The finished stages and their durations, in order.
    pub fn finished(&self) -> Vec<(String, Duration)> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stage in progress.
#[must_use = "a stage that is dropped is reported as failed"]
pub struct Stage {
    progress: Progress,
    name: String,
    started: Instant,
    ended: bool,
}

impl Stage {
    /// Reports the current step; `share` is the completed part, 0 to 1, if known.
    pub fn advance(&self, share: Option<f64>, detail: impl Into<String>) {
        self.progress.reporter.report(&Event::StageAdvanced {
            stage: self.name.clone(),
            share,
            detail: detail.into(),
        });
    }

    pub fn finish(mut self) {
        self.ended = true;
        let elapsed = self.started.elapsed();
        let mut finished = self.progress.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.push((self.name.clone(), elapsed));
        drop(finished);
        self.progress.reporter.report(&Event::StageFinished { stage: self.name.clone(), elapsed });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.ended {
            self.progress.reporter.report(&Event::StageFailed {
                stage: self.name.clone(),
                elapsed: self.started.elapsed(),
            });
        }
    }
}
