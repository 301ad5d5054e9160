use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Event, Reporter};

/// A handle that long work reports through; cheap to clone.
#[derive(Clone)]
pub struct Progress {
    reporter: Arc<dyn Reporter>,
    finished: Arc<Mutex<Vec<(String, Duration)>>>,
}

impl Progress {
    /// Reports to `reporter`.
    pub fn new(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, finished: Arc::default() }
    }

    /// Reports to nobody.
    pub fn silent() -> Self {
        struct Nobody;
        impl Reporter for Nobody {
            fn report(&self, _: &Event) {}
        }
        Self::new(Arc::new(Nobody))
    }

    /// The same for work that is one of several at the same time: every stage and note begins with
    /// its title.
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

    /// Starts a stage. Drop it unfinished and it is reported as failed.
    pub fn stage(&self, name: impl Into<String>) -> Stage {
        let name = name.into();
        self.reporter.report(&Event::StageStarted { stage: name.clone() });
        Stage { progress: self.clone(), name, started: Instant::now(), ended: false }
    }

    /// Says something worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.reporter.report(&Event::Note(text.into()));
    }

    /// Says that something went wrong and was survived.
    pub fn warning(&self, text: impl Into<String>) {
        self.reporter.report(&Event::Warning(text.into()));
    }

    /// The stages that ended well so far and how long each took, in the order of their ends.
    pub fn finished(&self) -> Vec<(String, Duration)> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stage under way.
#[must_use = "a stage that is dropped is reported as failed"]
pub struct Stage {
    progress: Progress,
    name: String,
    started: Instant,
    ended: bool,
}

impl Stage {
    /// Says what the stage is at; `share` is the part done, 0 to 1, where it is known.
    pub fn advance(&self, share: Option<f64>, detail: impl Into<String>) {
        self.progress.reporter.report(&Event::StageAdvanced {
            stage: self.name.clone(),
            share,
            detail: detail.into(),
        });
    }

    /// Ends the stage well.
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
