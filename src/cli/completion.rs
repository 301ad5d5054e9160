use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::arguments::Arguments;
use super::output;

/// Print a script that completes kindrs' arguments in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(kindrs completion bash)
  kindrs completion zsh > \"${fpath[1]}/_kindrs\"
  kindrs completion fish > ~/.config/fish/completions/kindrs.fish")]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "kindrs", &mut script);
        output::print(&String::from_utf8_lossy(&script))
    }
}
