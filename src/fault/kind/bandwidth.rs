use clap::Args;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::fault::action::{Action, Hold};
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::packets::{HANDLE, remove_queue};
use super::peers::{Direction, host_address, interface};

/// Both hooks of what comes to a node from outside.
const COMING: [Hook; 2] = [Hook::Input, Hook::Forward];

/// A narrow link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkBandwidth {
    /// What is left in each direction, as 512kbit, 10mbit or 1gbit
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: String,
    /// Which packets: those that come to a target, those that leave it, or both
    #[arg(long, value_enum, value_name = "DIRECTION", default_value_t)]
    pub direction: Direction,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl NetworkBandwidth {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let rate = &self.rate;
        let bytes = bytes_a_second(rate)
            .map_err(|reason| Failure::input(format!("--rate {rate}: {reason}")))?;
        let nodes = self.targets.resolve(view)?;
        let host = host_address(view)?;
        let interface = interface(host);
        let mut probe = Vec::new();
        let (mut inject, mut heal) = (String::new(), String::new());
        if self.direction.comes() {
            // What comes faster is dropped, which is what a full queue on the way would do. The
            // burst is a second's worth, the least that hashlimit takes, with room for how it rounds
            // the rate, and more than the largest packet that a virtual interface hands over.
            let verdict = format!(
                "-m hashlimit --hashlimit-name kindrs --hashlimit-above {bytes}b/s \
                 --hashlimit-burst {}b -j DROP",
                (bytes + bytes / 16).max(128 * 1024)
            );
            probe.push(format!("unshare -n iptables -A INPUT {verdict}"));
            let rules = format!("{interface}echo \"-A $chain -i $dev ! -s {host} {verdict}\"\n");
            inject.push_str(&firewall::put_up(&COMING, &rules));
            heal.push_str(&firewall::take_down(&COMING));
        }
        if self.direction.leaves() {
            // Ten milliseconds' worth leave at once.
            let tbf =
                format!("tbf rate {rate} burst {} latency 400ms", (bytes / 100).max(16 * 1024));
            probe.push(format!("unshare -n tc qdisc add dev lo root {tbf}"));
            inject.push_str(&format!(
                "{interface}tc qdisc add dev \"$dev\" root handle {HANDLE} {tbf}\n"
            ));
            heal.push_str(&remove_queue(&interface));
        }
        let what = match self.direction {
            Direction::Both => "what comes to the node and what leaves it",
            Direction::In => "what comes to the node",
            Direction::Out => "what leaves the node",
        };
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                probe: Some((
                    probe.join(" && "),
                    format!(
                        "the kernel of Docker's host cannot limit {what} to {rate}: it lacks \
                         hashlimit (xt_hashlimit) or tbf (sch_tbf)"
                    ),
                )),
                inject: Some(inject.clone()),
                heal: Some(heal.clone()),
                healing: "lifts the limit".to_owned(),
                holds: vec![Hold::Queue],
                ..Action::on_node(&node.name, format!("limits {what} to {rate}"))
            })
            .collect())
    }
}

fn rate(text: &str) -> Result<String, String> {
    bytes_a_second(text).map(|_| text.to_owned())
}

/// Reads a rate in tc's words, where kbit, mbit and gbit are powers of ten.
fn bytes_a_second(text: &str) -> Result<u64, String> {
    let units = [("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000)];
    units
        .iter()
        .find_map(|(unit, bits)| {
            let number = text.strip_suffix(unit)?;
            let plain = number.bytes().all(|byte| byte.is_ascii_digit());
            let number = number.parse::<u32>().ok().filter(|_| plain)?;
            Some(u64::from(number) * bits / 8)
        })
        // Below, connections only time out; above, hashlimit's numbers end.
        .filter(|bytes| (1_000..=1_250_000_000).contains(bytes))
        .ok_or_else(|| "expected 8kbit to 10gbit, as 512kbit, 10mbit or 1gbit".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates() {
        assert_eq!(bytes_a_second("8kbit"), Ok(1_000));
        assert_eq!(bytes_a_second("512kbit"), Ok(64_000));
        assert_eq!(bytes_a_second("1mbit"), Ok(125_000));
        assert_eq!(bytes_a_second("10gbit"), Ok(1_250_000_000));
        for text in
            ["", "mbit", "1", "1m", "0mbit", "7kbit", "11gbit", "+1mbit", "1.5mbit", "1 mbit"]
        {
            assert!(bytes_a_second(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*bit") {
            let _ = bytes_a_second(&text);
        }
    }
}
