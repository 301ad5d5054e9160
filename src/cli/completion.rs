use clap::{Args, Command};
use clap_complete::Shell;

use super::output;

/// Print a shell completion script
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(kindrs completion bash)
  kindrs completion zsh > \"${fpath[1]}/_kindrs\"
  kindrs completion fish > ~/.config/fish/completions/kindrs.fish")]
pub(super) struct Completion {
    /// Shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Prints the script for `command`, the whole command line.
    pub(super) fn run(self, mut command: Command) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "kindrs", &mut script);
        output::print(&String::from_utf8_lossy(&script))
    }
}
