//! A node that runs short of disk or memory. What is taken is really taken, but a node container
//! shares the host's disk and memory, and taking all of either would take the host. So kubelet's
//! line is moved, for as long as the fault lasts, to where the rest is less than it wants.
//!
//! Source: <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, Hold, Impact};
use crate::fault::targeting::{NodeTargets, View};

/// The least that stays free on the host, in MiB.
const RESERVE: u64 = 1024;

/// A file that fills the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiskFill {
    /// How much to fill, as 512Mi or 10Gi
    #[arg(long, value_name = "SIZE", default_value = "1Gi", value_parser = size)]
    pub size: String,
    /// Fill all of the disk, for real: the host's, where the nodes share it. Needs --allow-total
    #[arg(long, conflicts_with = "size")]
    pub whole: bool,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Memory that is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryStress {
    /// How much to take, as 512Mi or 2Gi
    #[arg(long, value_name = "SIZE", default_value = "512Mi", value_parser = size)]
    pub size: String,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl DiskFill {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let nodes = self.targets.resolve(view)?;
        let file = "/var/lib/kubelet/kindrs-fault-$id";
        let free = "df --block-size=1M --output=avail /var/lib/kubelet | tail -n 1";
        Ok(nodes
            .into_iter()
            .map(|node| {
                let heal = format!("rm -f \"{file}\"\n{RESTORE_KUBELET}");
                if self.whole {
                    return Action {
                        inject: Some(format!("fallocate -l \"$({free} | tr -d ' ')MiB\" \"{file}\"\n")),
                        heal: Some(heal),
                        healing: "removes the file".to_owned(),
                        holds: vec![Hold::Eviction],
                        impact: Impact::Total,
                        ..Action::on_node(&node.name, "fills all of the disk")
                    };
                }
                let size = mebibytes(&self.size);
                let more = size + RESERVE;
                Action {
                    probe: Some((
                        format!("[ \"$({free})\" -gt {more} ]"),
                        format!(
                            "less than {more} MiB are free on the disk of {}: give a smaller --size",
                            node.name
                        ),
                    )),
                    // The line is drawn where half of the file has gone beyond it.
                    inject: Some(format!(
                        "free=$({free})\nfallocate -l {size}MiB \"{file}\"\n{}",
                        evict_below("nodefs.available", &format!("$((free - {}))Mi", size / 2))
                    )),
                    heal: Some(heal),
                    healing: "removes the file and kubelet's line".to_owned(),
                    holds: vec![Hold::Eviction],
                    impact: Impact::Node,
                    ..Action::on_node(
                        &node.name,
                        format!("fills {} of the disk, to where kubelet evicts", self.size),
                    )
                }
            })
            .collect())
    }
}

impl MemoryStress {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let nodes = self.targets.resolve(view)?;
        let size = mebibytes(&self.size);
        let more = size + RESERVE;
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                probe: Some((
                    format!("[ \"$({FREE_MEMORY})\" -gt {more} ]"),
                    format!(
                        "less than {more} MiB of memory are free for {}: give a smaller --size",
                        node.name
                    ),
                )),
                // Files of a tmpfs are memory that nothing can reclaim, and a bound one cannot
                // take more than it was given.
                inject: Some(format!(
                    "mkdir -p \"/run/kindrs-stress-$id\"\n\
                     mount -t tmpfs -o size={size}m kindrs-stress \"/run/kindrs-stress-$id\"\n\
                     dd if=/dev/zero of=\"/run/kindrs-stress-$id/taken\" bs=1M count={size} 2>/dev/null\n\
                     available=$({AVAILABLE_TO_KUBELET})\n{}",
                    evict_below("memory.available", &format!("$((available + {}))Mi", size / 2))
                )),
                heal: Some(format!(
                    "umount \"/run/kindrs-stress-$id\" 2>/dev/null || true\n\
                     rmdir \"/run/kindrs-stress-$id\" 2>/dev/null || true\n{RESTORE_KUBELET}"
                )),
                healing: "gives the memory back and removes kubelet's line".to_owned(),
                holds: vec![Hold::Eviction],
                impact: Impact::Node,
                ..Action::on_node(
                    &node.name,
                    format!("takes {} of memory, to where kubelet evicts", self.size),
                )
            })
            .collect())
    }
}

/// Memory the host can give, in MiB.
const FREE_MEMORY: &str = "awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo";

/// What kubelet calls available: the machine's memory without the node's working set. The node's
/// control group is the root of what its processes see.
const AVAILABLE_TO_KUBELET: &str = "\
if [ -f /sys/fs/cgroup/memory/memory.usage_in_bytes ]; then cd /sys/fs/cgroup/memory; \
used=memory.usage_in_bytes inactive=total_inactive_file; \
else cd /sys/fs/cgroup; used=memory.current inactive=inactive_file; fi; \
total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo); \
idle=$(awk -v key=$inactive '$1 == key { print int($2 / 1048576) }' memory.stat); \
echo $((total - $(cat $used) / 1048576 + idle))";

/// Moves kubelet's line. Its own configuration stays beside it; evicted pods come back as soon as
/// the line has gone, not five minutes later.
fn evict_below(signal: &str, quantity: &str) -> String {
    format!(
        "cp /var/lib/kubelet/config.yaml \"$fault/kubelet-config.yaml\"\n\
         sed -i -e '/^evictionHard:/,/^[^ ]/ {{ /^evictionHard:/d; /^ /d }}' \
         -e '/^evictionPressureTransitionPeriod:/d' /var/lib/kubelet/config.yaml\n\
         cat >>/var/lib/kubelet/config.yaml <<END\n\
         evictionPressureTransitionPeriod: 1s\n\
         evictionHard:\n  {signal}: \"{quantity}\"\n\
         END\n\
         systemctl restart kubelet.service\n"
    )
}

/// Puts kubelet's configuration back.
const RESTORE_KUBELET: &str = "\
if [ -s \"$fault/kubelet-config.yaml\" ]; then
    cp \"$fault/kubelet-config.yaml\" /var/lib/kubelet/config.yaml
    systemctl restart kubelet.service
fi
";

/// Reads a quantity of bytes as Kubernetes writes it, in `Mi` or `Gi`.
fn size(text: &str) -> Result<String, String> {
    match text.strip_suffix("Gi").or_else(|| text.strip_suffix("Mi")) {
        Some(number) if number.parse::<u32>().is_ok_and(|number| number > 0) => Ok(text.to_owned()),
        _ => Err("expected a size as 512Mi or 2Gi".to_owned()),
    }
}

fn mebibytes(size: &str) -> u64 {
    let (number, unit) = match size.strip_suffix("Gi") {
        Some(number) => (number, 1024),
        None => (size.trim_end_matches("Mi"), 1),
    };
    number.parse::<u64>().unwrap_or_default() * unit
}
