use std::fmt::Write as _;
use std::time::Duration;

use super::action::Action;

/// Folder with the journal's entries in every node: one folder a fault.
pub(super) const JOURNAL: &str = "/kindrs/faults";

/// The file by which the scripts of a fault keep out of each other's way.
pub(super) fn lock(id: &str) -> String {
    format!("/run/kindrs-fault-{id}.lock")
}

/// What every script begins with: who it is for, and what its parts call.
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

/// Lets one script of a fault wait for the other's end. One that comes after the healing has nothing
/// to do.
const ONE_AT_A_TIME: &str = "\
exec 9>/run/kindrs-fault-$id.lock
flock 9
[ -d $fault ] || { rm -f /run/kindrs-fault-$id.lock; exit 0; }
";

/// The script that does an action; `None` when nothing is done inside. The timer that ends it is
/// there before its effect is.
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

/// Exit code of a node that cannot do what was asked.
pub(super) const CANNOT: i64 = 77;

/// A command that writes an action to the journal, a tar at its input, and does it; after a probe, if
/// there is one. An input that is cut off leaves nothing.
pub(super) fn write_and_inject(key: &str, probe: Option<&str>) -> String {
    let probe = probe.map(|probe| format!("({probe}) || exit {CANNOT}\n")).unwrap_or_default();
    format!(
        "{probe}tar -xf - -C / || {{ rm -rf {JOURNAL}/{key}; exit 1; }}\n\
         exec sh {JOURNAL}/{key}/inject\n"
    )
}

/// The script that puts an action back and removes its entry from the journal. Run by kindrs, or by
/// the node's own timer, which tells the API server by itself. Harmless to run again.
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
# An API server that was away takes a while to come back, and the fault is over none the less.
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
