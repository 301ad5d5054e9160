//! Docker's API through `bollard`, the only module that uses it.

/// A connection to a Docker engine.
pub struct Docker;
