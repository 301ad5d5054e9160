//! The `kindrs` command.

fn main() {}
