use std::time::Duration;

/// An event of long work.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    StageStarted {
        /// The title, in the imperative: "Compile Kubernetes v1.37.2".
        stage: String,
    },
    StageAdvanced {
        stage: String,
        /// The completed share, 0 to 1, if known.
        share: Option<f64>,
        /// The current step; can be empty.
        detail: String,
    },
    StageFinished {
        stage: String,
        elapsed: Duration,
    },
    /// The stage's caller gets the error itself.
    StageFailed {
        stage: String,
        elapsed: Duration,
    },
    /// Information outside any stage.
    Note(String),
    /// A failure that does not stop the work.
    Warning(String),
}

impl Event {
    /// The same event, with a title before its text.
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

/// A consumer of events. It is called from async code and must not block.
pub trait Reporter: Send + Sync {
    fn report(&self, event: &Event);
}
