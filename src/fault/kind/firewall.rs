//! Firewall rules that last as long as a fault. Each fault has its own chain, which comes before all
//! other rules, so that none of them can accept a packet first.

/// The chain's name, within iptables' 28 characters.
const CHAIN: &str = "chain=\"KINDRS-${id##*-}\"\n";

/// The ways of a packet through a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// To the node.
    Input,
    /// From the node.
    Output,
    /// To or from a pod.
    Forward,
}

impl Hook {
    pub(super) const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Forward];

    fn name(self) -> &'static str {
        match self {
            Self::Input => "INPUT",
            Self::Output => "OUTPUT",
            Self::Forward => "FORWARD",
        }
    }
}

/// A script that adds the rules that the shell code `rules` prints, all at once. A rule is a line such as
/// `-A $chain -s 10.0.0.1 -j DROP`.
pub(super) fn add(hooks: &[Hook], rules: &str) -> String {
    let jumps: String =
        hooks.iter().map(|hook| format!("echo \"-I {} -j $chain\"\n", hook.name())).collect();
    format!(
        "{CHAIN}{{\necho '*filter'\necho \":$chain - [0:0]\"\n{rules}{jumps}echo COMMIT\n}} \
         >\"$fault/rules\"\niptables-restore -w --noflush <\"$fault/rules\"\n"
    )
}

/// A script that removes the rules. Harmless if there are none.
pub(super) fn remove(hooks: &[Hook]) -> String {
    let hooks: Vec<&str> = hooks.iter().map(|hook| hook.name()).collect();
    format!(
        "{CHAIN}if iptables -w -n -L \"$chain\" >/dev/null 2>&1; then\n    \
         for hook in {}; do\n        \
         while iptables -w -D \"$hook\" -j \"$chain\" 2>/dev/null; do :; done\n    done\n    \
         iptables -w -F \"$chain\"\n    iptables -w -X \"$chain\"\nfi\n",
        hooks.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_and_removes_rules() {
        let rules = "echo \"-A $chain -s 10.0.0.1 -j DROP\"\n";
        insta::assert_snapshot!(add(&Hook::ALL, rules), @r#"
        chain="KINDRS-${id##*-}"
        {
        echo '*filter'
        echo ":$chain - [0:0]"
        echo "-A $chain -s 10.0.0.1 -j DROP"
        echo "-I INPUT -j $chain"
        echo "-I OUTPUT -j $chain"
        echo "-I FORWARD -j $chain"
        echo COMMIT
        } >"$fault/rules"
        iptables-restore -w --noflush <"$fault/rules"
        "#);
        insta::assert_snapshot!(remove(&[Hook::Output]), @r#"
        chain="KINDRS-${id##*-}"
        if iptables -w -n -L "$chain" >/dev/null 2>&1; then
            for hook in OUTPUT; do
                while iptables -w -D "$hook" -j "$chain" 2>/dev/null; do :; done
            done
            iptables -w -F "$chain"
            iptables -w -X "$chain"
        fi
        "#);
    }
}
