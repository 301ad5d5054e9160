use std::fmt::Debug;
use std::time::{Duration, Instant};

/// A guard against hanging; how long something takes is no part of any test.
const LIMIT: Duration = Duration::from_secs(240);
const PAUSE: Duration = Duration::from_millis(250);

/// Asks until there is an answer, which it returns. `Err` says what is there instead.
#[track_caller]
pub fn until<T, E: Debug>(what: &str, mut ask: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) => {
                assert!(
                    Instant::now() < deadline,
                    "waited in vain until {what}; there is {seen:?}"
                );
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Looks until what is seen is as `wanted`.
#[track_caller]
pub fn until_holds<T: Debug>(
    what: &str,
    mut look: impl FnMut() -> T,
    wanted: impl Fn(&T) -> bool,
) -> T {
    until(what, || {
        let seen = look();
        if wanted(&seen) { Ok(seen) } else { Err(seen) }
    })
}
