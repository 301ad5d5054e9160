/// The result of a condition or an expression. Its logic is CEL's: an operand without a value does not
/// matter where the other one decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    False,
    True,
    /// The expression has no value, for example because a field does not exist.
    Error,
}

impl Truth {
    #[must_use]
    pub fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            Self::Error => Self::Error,
        }
    }

    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Error,
        }
    }

    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl From<Result<bool, String>> for Truth {
    fn from(result: Result<bool, String>) -> Self {
        result.map_or(Self::Error, Self::from)
    }
}
