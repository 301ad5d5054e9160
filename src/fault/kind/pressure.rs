//! A node that runs short of disk or memory. The space is really used up, but only some of it: node
//! containers share the host's disk and memory, and using up all of either would break the host. So
//! the fault also raises the kubelet's eviction threshold to just above what is left.
//!
//! Source: <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::{Action, Hold, Impact, Probe};
use crate::fault::parameter::{Format, Formatted, is_off};
use crate::fault::refusal::{Inability, Refusal};
use crate::fault::targeting::{NodeTargets, View};

/// The minimum that stays free on the host, in MiB.
const RESERVE: u64 = 1024;

/// Parameters of `disk-fill`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct DiskFill {
    /// How much to fill, such as 512Mi or 10Gi [default: 1Gi]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "SIZE"))]
    pub size: Option<Formatted<Size>>,
    /// Really fill the whole disk, which is the host's where nodes share it; a total loss must be
    /// allowed
    #[serde(skip_serializing_if = "is_off")]
    pub whole: bool,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Parameters of `memory-stress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct MemoryStress {
    /// How much to use up, such as 512Mi or 2Gi
    #[schemars(extend("x-value-name" = "SIZE"))]
    pub size: Formatted<Size>,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl Default for MemoryStress {
    fn default() -> Self {
        Self { size: Formatted::new("512Mi", 512), targets: NodeTargets::default() }
    }
}

impl DiskFill {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.whole && self.size.is_some() {
            return Err(Refusal::Exclusive { parameter: "whole", other: "size" });
        }
        Ok(())
    }

    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let nodes = self.targets.resolve(view)?;
        let file = "/var/lib/kubelet/kindrs-fault-$id";
        let free = "df --block-size=1M --output=avail /var/lib/kubelet | tail -n 1";
        Ok(nodes
            .into_iter()
            .map(|node| {
                let heal = format!("rm -f \"{file}\"\n{RESTORE_KUBELET}");
                if self.whole {
                    return Action {
                        inject: Some(format!(
                            "fallocate -l \"$({free} | tr -d ' ')MiB\" \"{file}\"\n"
                        )),
                        heal: Some(heal),
                        healing: "removes the file".to_owned(),
                        holds: vec![Hold::Eviction],
                        impact: Impact::Total,
                        ..Action::on_node(node, "fills the whole disk")
                    };
                }
                let text = self.size.clone().unwrap_or_else(|| Formatted::new("1Gi", 1024));
                let size = *text.value();
                let more = size + RESERVE;
                Action {
                    probe: Some(Probe {
                        script: format!("[ \"$({free})\" -gt {more} ]"),
                        inability: Inability::Disk { node: node.name.clone(), mebibytes: more },
                    }),
                    // Half of the file is beyond the threshold.
                    inject: Some(format!(
                        "free=$({free})\nfallocate -l {size}MiB \"{file}\"\n{}",
                        evict_below("nodefs.available", &format!("$((free - {}))Mi", size / 2))
                    )),
                    heal: Some(heal),
                    healing: "removes the file and restores kubelet's eviction threshold"
                        .to_owned(),
                    holds: vec![Hold::Eviction],
                    impact: Impact::Node,
                    ..Action::on_node(
                        node,
                        format!("fills {text} of the disk, up to kubelet's eviction threshold"),
                    )
                }
            })
            .collect())
    }
}

impl MemoryStress {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let nodes = self.targets.resolve(view)?;
        let size = *self.size.value();
        let more = size + RESERVE;
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                probe: Some(Probe {
                    script: format!("[ \"$({FREE_MEMORY})\" -gt {more} ]"),
                    inability: Inability::Memory { node: node.name.clone(), mebibytes: more },
                }),
                // Nothing can reclaim the files of a tmpfs, and a tmpfs never exceeds its size.
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
                healing: "frees the memory and restores kubelet's eviction threshold".to_owned(),
                holds: vec![Hold::Eviction],
                impact: Impact::Node,
                ..Action::on_node(
                    node,
                    format!("uses up {} of memory, up to kubelet's eviction threshold", self.size),
                )
            })
            .collect())
    }
}

/// Memory that the host has available, in MiB.
const FREE_MEMORY: &str = "awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo";

/// What the kubelet counts as available: the host's memory without the node's working set. In the
/// node, its control group is the root one.
const AVAILABLE_TO_KUBELET: &str = "\
if [ -f /sys/fs/cgroup/memory/memory.usage_in_bytes ]; then cd /sys/fs/cgroup/memory; \
used=memory.usage_in_bytes inactive=total_inactive_file; \
else cd /sys/fs/cgroup; used=memory.current inactive=inactive_file; fi; \
total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo); \
idle=$(awk -v key=$inactive '$1 == key { print int($2 / 1048576) }' memory.stat); \
echo $((total - $(cat $used) / 1048576 + idle))";

/// Raises the kubelet's eviction threshold. The journal keeps the kubelet's own configuration. The
/// transition period lets evicted pods come back right after healing, not five minutes later.
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

/// Restores the kubelet's configuration.
const RESTORE_KUBELET: &str = "\
if [ -s \"$fault/kubelet-config.yaml\" ]; then
    cp \"$fault/kubelet-config.yaml\" /var/lib/kubelet/config.yaml
    systemctl restart kubelet.service
fi
";

/// A size in `Mi` or `Gi`. Its value is in MiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size;

impl Format for Size {
    const NAME: &'static str = "kindrs-size";
    type Value = u64;

    fn read(text: &str) -> Result<u64, String> {
        mebibytes(text)
    }
}

/// Reads a size, in MiB.
fn mebibytes(text: &str) -> Result<u64, String> {
    [("Mi", 1), ("Gi", 1024)]
        .into_iter()
        .find_map(|(unit, factor)| {
            let number = text.strip_suffix(unit)?.parse::<u32>().ok()?;
            Some(u64::from(number) * factor).filter(|size| *size > 0)
        })
        .ok_or_else(|| "expected a size such as 512Mi or 2Gi".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_size() {
        assert_eq!(mebibytes("512Mi"), Ok(512));
        assert_eq!(mebibytes("2Gi"), Ok(2048));
        for text in ["", "Mi", "0Mi", "1", "1G", "-1Gi", "1.5Gi", "5000000000Gi"] {
            assert!(mebibytes(text).is_err(), "{text}");
        }
    }
}
