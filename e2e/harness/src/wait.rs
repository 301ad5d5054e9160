use std::fmt::Debug;
use std::time::{Duration, Instant};

/// A guard against a test that hangs. No test asserts how long something takes.
const LIMIT: Duration = Duration::from_secs(240);
const PAUSE: Duration = Duration::from_millis(250);

/// Calls `ask` until it returns `Ok`; `Err` has what it sees instead.
#[track_caller]
pub fn until<T, E: Debug>(what: &str, mut ask: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        let seen = match ask() {
            Ok(answer) => return answer,
            Err(seen) => seen,
        };
        assert!(Instant::now() < deadline, "timed out waiting until {what}; found {seen:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Calls `look` until `wanted` holds for what it returns.
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

/// Sleeps for a number of seconds: the duration of a fault passes by the clock, and what must not happen
/// needs time to happen.
pub fn pass(seconds: u64) {
    std::thread::sleep(Duration::from_secs(seconds));
}
