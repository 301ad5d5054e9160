/// How a reader writes the parameters of a fault.
pub trait Notation {
    /// A parameter: `--node` or `node`.
    fn name(&self, parameter: &str) -> String;

    /// A parameter with its value: `--role worker` or `role: worker`.
    fn given(&self, parameter: &str, value: &str) -> String;

    /// What allows a total loss.
    fn allow_total(&self) -> String;
}
