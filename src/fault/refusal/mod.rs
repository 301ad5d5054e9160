//! Why a fault is not injected, as data. The command line and scenarios word a refusal each for
//! their own reader, who writes parameters in another [`Notation`].

mod error;
mod inability;
mod notation;
mod pod;
#[allow(clippy::module_inception)]
mod refusal;

pub use error::Error;
pub use inability::Inability;
pub use notation::Notation;
pub use pod::PodRefusal;
pub use refusal::{ISOLATE, Loss, Refusal, Target};
