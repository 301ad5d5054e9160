use crate::failure::Failure;
use crate::runtime::EngineError;

use super::{Notation, Refusal};

/// Why a fault was not planned or injected.
#[derive(Debug)]
pub enum Error {
    /// The fault is refused, and nothing has changed.
    Refused(Refusal),
    Failed(anyhow::Error),
}

impl Error {
    /// The error in the words of a reader.
    pub fn worded(self, notation: &dyn Notation) -> anyhow::Error {
        match self {
            Self::Refused(refusal) => refusal.failure(notation).into(),
            Self::Failed(error) => error,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.into())
    }
}
