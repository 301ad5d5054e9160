/// What the steps of a suite share. Dropping it deletes all of it.
pub trait Environment: Send + Sync + 'static {
    /// Saves what helps to see why a step failed in `folder` of `KINDRS_E2E_LOGS`.
    fn save_logs(&self, folder: &str);
}

/// A name, and what a step does with its environment.
pub type Named<'a, T> = (&'a str, fn(&T));

type Body<T> = Box<dyn Fn(&T) + Send + Sync>;

/// Steps that share an environment of type `T`, usually a [`Cluster`](super::Cluster): it takes longer to
/// create than what each step does with it. The first selected step creates it, and the last deletes it.
#[must_use]
pub struct Suite<T> {
    pub(crate) name: &'static str,
    pub(crate) set_up: Box<dyn Fn() -> T + Send + Sync>,
    pub(crate) before_each: Option<Body<T>>,
    pub(crate) after_each: Option<Body<T>>,
    pub(crate) ignored: bool,
    /// In their order; each with the stage of the suite that it belongs to.
    pub(crate) steps: Vec<Step<T>>,
}

pub(crate) struct Step<T> {
    pub(crate) name: String,
    /// Steps that follow each other with the same number run at the same time.
    pub(crate) stage: usize,
    /// Whether the step before has to run first, also when only this one is selected.
    pub(crate) needs_previous: bool,
    pub(crate) body: Body<T>,
}

impl<T: Environment> Suite<T> {
    pub fn new(name: &'static str, set_up: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            name,
            set_up: Box::new(set_up),
            before_each: None,
            after_each: None,
            ignored: false,
            steps: Vec::new(),
        }
    }

    pub fn before_each(mut self, body: impl Fn(&T) + Send + Sync + 'static) -> Self {
        self.before_each = Some(Box::new(body));
        self
    }

    /// Runs `body` after each step that passed, as a part of it.
    pub fn after_each(mut self, body: impl Fn(&T) + Send + Sync + 'static) -> Self {
        self.after_each = Some(Box::new(body));
        self
    }

    /// Reports the steps as ignored if `ignored`, unless `--include-ignored` is given.
    pub fn ignored_if(mut self, ignored: bool) -> Self {
        self.ignored = ignored;
        self
    }

    /// Adds a step that runs after all others added so far have ended, and needs none of them.
    pub fn step(self, name: impl Into<String>, body: impl Fn(&T) + Send + Sync + 'static) -> Self {
        let stage = self.next_stage();
        self.add(name.into(), stage, false, Box::new(body))
    }

    /// Adds a step that continues the one before: when only this one is selected, that one runs first.
    pub fn then(self, name: impl Into<String>, body: impl Fn(&T) + Send + Sync + 'static) -> Self {
        assert!(!self.steps.is_empty(), "the first step of `{}` continues nothing", self.name);
        let stage = self.next_stage();
        self.add(name.into(), stage, true, Box::new(body))
    }

    /// Adds steps that do not touch each other and run several at a time: most of each is waiting.
    pub fn together(mut self, steps: &[Named<'_, T>]) -> Self {
        let stage = self.next_stage();
        for (name, body) in steps {
            self = self.add((*name).to_owned(), stage, false, Box::new(*body));
        }
        self
    }

    fn next_stage(&self) -> usize {
        self.steps.last().map_or(0, |step| step.stage + 1)
    }

    fn add(mut self, name: String, stage: usize, needs_previous: bool, body: Body<T>) -> Self {
        self.steps.push(Step { name, stage, needs_previous, body });
        self
    }
}
