use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;

/// A step's name and what it does with what it shares with others.
pub type Named<'a, T> = (&'a str, fn(&T));

/// The named steps of a test. One that fails does not keep the next from running; the test fails
/// at its end with the names of all that did.
#[derive(Default)]
pub struct Steps {
    failed: Mutex<Vec<String>>,
}

impl Steps {
    /// Runs one step.
    pub fn step(&self, name: &str, body: impl FnOnce()) {
        eprintln!("step: {name}");
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(body));
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("{word}: {name} ({:.1} s)", started.elapsed().as_secs_f64());
        if result.is_err() {
            self.failed.lock().unwrap().push(name.to_owned());
        }
    }

    /// Runs steps that do not touch each other, a few at a time: most of each is waiting.
    pub fn together<T: Sync>(&self, on: &T, steps: &[Named<'_, T>]) {
        const AT_ONCE: usize = 5;
        let queue = Mutex::new(steps.iter());
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().unwrap().next();
                        let Some((name, body)) = next else { break };
                        self.step(name, || body(on));
                    }
                });
            }
        });
    }

    /// Fails when a step did.
    #[track_caller]
    pub fn finish(self) {
        let failed = self.failed.into_inner().unwrap();
        assert!(failed.is_empty(), "{} steps failed: {}", failed.len(), failed.join("; "));
    }
}
