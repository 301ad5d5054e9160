use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};

use super::schedule::Schedule;
use super::{Environment, Suite};

/// How many steps of a stage run at the same time, unless `--test-threads` says otherwise.
const AT_ONCE: usize = 5;

/// Runs the steps of suites, with the arguments and the output of `cargo test`.
pub struct Runner {
    arguments: Arguments,
    schedule: Arc<Schedule>,
    trials: Vec<Trial>,
}

impl Runner {
    pub fn from_arguments() -> Self {
        Self::new(Arguments::from_args())
    }

    fn new(mut arguments: Arguments) -> Self {
        arguments.test_threads.get_or_insert(AT_ONCE);
        Self { arguments, schedule: Arc::default(), trials: Vec::new() }
    }

    /// Adds a suite, which runs after those added before. Its steps are named `SUITE::STEP`.
    #[must_use]
    pub fn suite<T: Environment>(mut self, suite: Suite<T>) -> Self {
        let active = Arc::new(ActiveSuite::new(suite));
        let mut stages = BTreeMap::new();
        for (index, step) in active.suite.steps.iter().enumerate() {
            let stage = *stages.entry(step.stage).or_insert_with(|| self.schedule.add_stage());
            let (schedule, suite) = (self.schedule.clone(), active.clone());
            let trial = Trial::test(format!("{}::{}", suite.suite.name, step.name), move || {
                schedule.wait_for(stage);
                let result = suite.run_step(index);
                schedule.end_step(stage);
                result.map_err(Failed::from)
            })
            .with_ignored_flag(active.suite.ignored);
            if !self.arguments.is_filtered_out(&trial) && !self.arguments.is_ignored(&trial) {
                self.schedule.add_step(stage);
                active.remaining.fetch_add(1, Ordering::SeqCst);
            }
            self.trials.push(trial);
        }
        self
    }

    /// Runs the selected steps, or lists them; the summary is the last thing printed.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&self.arguments, self.trials).exit_code()
    }
}

struct ActiveSuite<T> {
    suite: Suite<T>,
    /// None before it is created; `Err` says why it could not be.
    environment: Mutex<Option<Result<Arc<T>, String>>>,
    /// How many selected steps have not ended.
    remaining: AtomicUsize,
    /// For each step, whether it has been started.
    started: Vec<AtomicBool>,
}

impl<T: Environment> ActiveSuite<T> {
    fn new(suite: Suite<T>) -> Self {
        let started = suite.steps.iter().map(|_| AtomicBool::new(false)).collect();
        Self { suite, environment: Mutex::new(None), remaining: AtomicUsize::new(0), started }
    }

    /// Runs a step, and deletes the environment after the last one. `Err` says what failed.
    fn run_step(&self, index: usize) -> Result<(), String> {
        let result = self.environment().and_then(|environment| {
            let name = format!("{}::{}", self.suite.name, self.suite.steps[index].name);
            eprintln!("step {name}");
            let started = Instant::now();
            let result = caught(|| self.run_bodies(index, &environment));
            let word = if result.is_ok() { "passed" } else { "FAILED" };
            eprintln!("{word} {name} ({:.1} s)", started.elapsed().as_secs_f64());
            if result.is_err() {
                let folder = name.replace("::", "-");
                // What failed is known already.
                let _ = caught(|| environment.save_logs(&folder));
            }
            result
        });
        let is_last = self.remaining.fetch_sub(1, Ordering::SeqCst) == 1;
        if is_last { result.and(self.delete_environment()) } else { result }
    }

    fn run_bodies(&self, index: usize, environment: &T) {
        let step = &self.suite.steps[index];
        if step.needs_previous && !self.started[index - 1].load(Ordering::SeqCst) {
            self.run_bodies(index - 1, environment);
        }
        self.started[index].store(true, Ordering::SeqCst);
        self.suite.before_each.iter().for_each(|body| body(environment));
        (step.body)(environment);
        self.suite.after_each.iter().for_each(|body| body(environment));
    }

    /// The environment, which the first caller creates.
    fn environment(&self) -> Result<Arc<T>, String> {
        let mut environment = self.environment.lock().unwrap_or_else(PoisonError::into_inner);
        let created = environment.get_or_insert_with(|| {
            caught(&self.suite.set_up).map(Arc::new).map_err(|reason| {
                format!("the suite `{}` cannot be set up: {reason}", self.suite.name)
            })
        });
        created.clone()
    }

    /// Dropping the environment deletes the cluster, and panics when something is left of it.
    fn delete_environment(&self) -> Result<(), String> {
        let mut environment = self.environment.lock().unwrap_or_else(PoisonError::into_inner);
        caught(|| drop(environment.take()))
    }
}

/// What `body` returns, or its panic's message.
fn caught<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Diary = Arc<Mutex<Vec<String>>>;

    struct Recorded(Diary);

    impl Environment for Recorded {
        fn save_logs(&self, folder: &str) {
            note(&self.0, &format!("save {folder}"));
        }
    }

    impl Drop for Recorded {
        fn drop(&mut self) {
            note(&self.0, "delete");
        }
    }

    fn note(diary: &Diary, text: &str) {
        diary.lock().unwrap().push(text.to_owned());
    }

    fn empty_suite(name: &'static str, diary: &Diary) -> Suite<Recorded> {
        let diary = diary.clone();
        Suite::new(name, move || {
            note(&diary, "create");
            Recorded(diary.clone())
        })
    }

    fn step(text: &'static str) -> impl Fn(&Recorded) + Send + Sync {
        move |on| note(&on.0, text)
    }

    fn suite(name: &'static str, diary: &Diary) -> Suite<Recorded> {
        empty_suite(name, diary)
            .step("first", step("first"))
            .then("second", step("second"))
            .then("third", step("third"))
            .step("broken", |on| {
                note(&on.0, "broken");
                panic!("on purpose");
            })
            .then("after", step("after"))
            .step("last", step("last"))
    }

    fn run(words: &[&str], build: impl FnOnce(Runner, &Diary) -> Runner) -> (bool, Vec<String>) {
        let diary = Diary::default();
        let arguments = Arguments::from_iter([&["test", "--logfile", "/dev/null"], words].concat());
        let runner = build(Runner::new(arguments), &diary);
        let failed = libtest_mimic::run(&runner.arguments, runner.trials).has_failed();
        (failed, diary.lock().unwrap().clone())
    }

    #[test]
    fn runs_the_selected_steps_and_those_that_they_continue_suite_by_suite() {
        let create_to_third = ["create", "first", "second", "third"];
        let all = |suite| {
            let save = format!("save {suite}-broken");
            [&create_to_third[..], &["broken", &save, "after", "last", "delete"]]
                .concat()
                .join(", ")
        };
        for (selected, fails, expected) in [
            // Goes on after a failed step.
            (&[][..], true, format!("{}, {}", all("a"), all("b"))),
            (&["b::first"], false, "create, first, delete".to_owned()),
            (&["a::third"], false, format!("{}, delete", create_to_third.join(", "))),
        ] {
            let (failed, diary) = run(selected, |runner, diary| {
                runner.suite(suite("a", diary)).suite(suite("b", diary))
            });
            assert_eq!((failed, diary.join(", ")), (fails, expected));
        }
    }

    #[test]
    fn fails_each_step_with_the_reason_when_the_environment_cannot_be_created() {
        let suite = Suite::new("a", || -> Recorded { panic!("no Docker") });
        let active = ActiveSuite::new(suite.step("first", |_| ()).step("second", |_| ()));
        for index in 0..2 {
            let reason = active.run_step(index).unwrap_err();
            assert_eq!(reason, "the suite `a` cannot be set up: no Docker");
        }
    }

    #[test]
    fn steps_of_one_stage_run_at_the_same_time() {
        fn meet(on: &Meeting) {
            on.0.wait();
        }
        struct Meeting(std::sync::Barrier);
        impl Environment for Meeting {
            fn save_logs(&self, _: &str) {}
        }
        let suite = Suite::new("a", || Meeting(std::sync::Barrier::new(3)));
        let suite = suite.together(&[("one", meet), ("two", meet), ("three", meet)]);
        assert!(!run(&[], |runner, _| runner.suite(suite)).0);
    }

    #[test]
    fn runs_no_ignored_suite_and_does_not_wait_for_it() {
        let (failed, diary) = run(&[], |runner, diary| {
            let other = empty_suite("b", diary).step("only", step("only"));
            runner.suite(suite("a", diary).ignored_if(true)).suite(other)
        });
        assert!(!failed);
        assert_eq!(diary, ["create", "only", "delete"]);
    }
}
