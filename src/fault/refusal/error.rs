use super::{Notation, Refusal};

#[derive(Debug)]
pub enum Error {
    Refused(Refusal),
    Failed(anyhow::Error),
}

impl Error {
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

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
