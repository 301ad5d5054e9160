use std::fmt::Write as _;
use std::time::Duration;

use super::action::Action;

/// The folder of the journal in every node, with one folder for each fault.
pub(super) const JOURNAL: &str = "/kindrs/faults";

/// The lock file of the scripts of a fault.
pub(super) fn lock(id: &str) -> String {
    format!("/run/kindrs-fault-{id}.lock")
}

/// The beginning of every script: variables and functions for the rest.
fn preamble(id: &str) -> String {
    format!(
        "\
#!/bin/sh
set -eu
id={id}
fault={JOURNAL}/{id}
stop_unit() {{
    systemctl stop \"$1\" 2>/dev/null || true
    systemctl reset-failed \"$1\" 2>/dev/null || true
}}
"
    )
}

/// Lets the scripts of a fault run one at a time. A script that starts after the healing does nothing.
const ONE_AT_A_TIME: &str = "\
exec 9>/run/kindrs-fault-$id.lock
flock 9
[ -d $fault ] || { rm -f /run/kindrs-fault-$id.lock; exit 0; }
";

/// The script that injects an action; `None` if nothing happens in the node. The timer for the healing
/// starts before the effect.
pub(super) fn inject(id: &str, action: &Action, duration: Option<Duration>) -> Option<String> {
    let body = action.inject.as_ref()?;
    let mut script = preamble(id) + ONE_AT_A_TIME;
    if let Some(duration) = duration {
        let _ = writeln!(
            script,
            "systemd-run --quiet --unit=kindrs-fault-$id --on-active={}ms \
             --timer-property=AccuracySec=50ms sh $fault/heal by-timer",
            duration.as_millis()
        );
    }
    script.push_str(body);
    Some(script)
}

/// Exit code of a failed probe.
pub(super) const UNABLE: i64 = 77;

/// A command that probes the node if there is a probe, writes an action to the journal from a tar
/// archive on its standard input, and injects it. An input that is cut off leaves nothing.
pub(super) fn write_and_inject(key: &str, probe: Option<&str>) -> String {
    let probe = probe.map(|probe| format!("({probe}) || exit {UNABLE}\n")).unwrap_or_default();
    format!(
        "{probe}tar -xf - -C / || {{ rm -rf {JOURNAL}/{key}; exit 1; }}\n\
         exec sh {JOURNAL}/{key}/inject\n"
    )
}

/// The script that heals an action and removes its entry from the journal. Either kindrs runs it, or the
/// node's own timer, in which case the script also creates the Event. Harmless to repeat.
pub(super) fn heal(id: &str, action: &Action) -> String {
    let mut script = preamble(id) + ONE_AT_A_TIME;
    script.push_str(action.heal.as_deref().unwrap_or_default());
    script.push_str(
        "\
tell() {
    timeout 5 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf create -f - >/dev/null 2>&1
}
told=
if [ \"${1:-}\" = by-timer ]; then
    told=$(cat $fault/healed.json 2>/dev/null) || true
fi
if [ -n \"$told\" ] && printf '%s' \"$told\" | tell; then
    told=
fi
rm -rf $fault
rm -f /run/kindrs-fault-$id.lock
stop_unit kindrs-fault-$id.timer
echo healed
# The fault is over already, even if the API server needs a while to come back.
if [ -n \"$told\" ]; then
    for _ in 1 2 3 4 5 6; do
        sleep 3
        printf '%s' \"$told\" | tell && break || true
    done
fi
",
    );
    script
}
