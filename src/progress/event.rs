use std::time::Duration;

/// One thing that happened during long work.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stage began.
    StageStarted {
        /// What it does, in the imperative: "Compile Kubernetes v1.37.2".
        stage: String,
    },
    /// A stage went on.
    StageAdvanced {
        /// The name it started with.
        stage: String,
        /// The share done, 0 to 1, where it is known.
        share: Option<f64>,
        /// What it is at now; may be empty.
        detail: String,
    },
    /// A stage ended well.
    StageFinished {
        /// The name it started with.
        stage: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// A stage ended badly; the error itself is returned to the caller.
    StageFailed {
        /// The name it started with.
        stage: String,
        /// How long it took.
        elapsed: Duration,
    },
    /// Something worth knowing, outside any stage.
    Note(String),
    /// Something that went wrong and was survived.
    Warning(String),
}

impl Event {
    /// The same event, its text after a title.
    pub(super) fn titled(mut self, title: &str) -> Self {
        let (Self::StageStarted { stage: text }
        | Self::StageAdvanced { stage: text, .. }
        | Self::StageFinished { stage: text, .. }
        | Self::StageFailed { stage: text, .. }
        | Self::Note(text)
        | Self::Warning(text)) = &mut self;
        *text = format!("{title}: {text}");
        self
    }
}

/// A consumer of events. It must not block: it is called from async code.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn report(&self, event: &Event);
}
