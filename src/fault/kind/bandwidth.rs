use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::action::{Action, Hold, Probe};
use crate::fault::parameter::{Format, Formatted};
use crate::fault::refusal::{Inability, Refusal};
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::packets::{HANDLE, remove_queue};
use super::traffic::{Direction, host_address, interface};

/// The hooks of packets that come to a node from outside.
const COMING: [Hook; 2] = [Hook::Input, Hook::Forward];

/// Parameters of `network-bandwidth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkBandwidth {
    /// Limit for each direction, such as 512kbit, 10mbit or 1gbit
    #[schemars(extend("x-value-name" = "RATE"))]
    pub rate: Formatted<Rate>,
    /// Which packets to limit, as seen from the target
    #[serde(default)]
    #[schemars(extend("x-value-name" = "DIRECTION"))]
    pub direction: Direction,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

impl NetworkBandwidth {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let rate = &self.rate;
        let bytes = *rate.value();
        let nodes = self.targets.resolve(view)?;
        let host = host_address(view)?;
        let interface = interface(host);
        let mut probe = Vec::new();
        let (mut inject, mut heal) = (String::new(), String::new());
        if self.direction.comes() {
            // Packets beyond the rate are dropped, as a full queue on the way would drop them. The
            // burst is one second's worth, the minimum of hashlimit, plus a margin for its rounding,
            // and more than the largest packet of a virtual interface.
            let verdict = format!(
                "-m hashlimit --hashlimit-name kindrs --hashlimit-above {bytes}b/s \
                 --hashlimit-burst {}b -j DROP",
                (bytes + bytes / 16).max(128 * 1024)
            );
            probe.push(format!("unshare -n iptables -A INPUT {verdict}"));
            let rules = format!("{interface}echo \"-A $chain -i $dev ! -s {host} {verdict}\"\n");
            inject.push_str(&firewall::add(&COMING, &rules));
            heal.push_str(&firewall::remove(&COMING));
        }
        if self.direction.leaves() {
            // A burst of ten milliseconds' worth.
            let tbf =
                format!("tbf rate {rate} burst {} latency 400ms", (bytes / 100).max(16 * 1024));
            probe.push(format!("unshare -n tc qdisc add dev lo root {tbf}"));
            inject.push_str(&format!(
                "{interface}tc qdisc add dev \"$dev\" root handle {HANDLE} {tbf}\n"
            ));
            heal.push_str(&remove_queue(&interface));
        }
        let packets = match self.direction {
            Direction::Both => "incoming and outgoing packets",
            Direction::In => "incoming packets",
            Direction::Out => "outgoing packets",
        };
        Ok(nodes
            .into_iter()
            .map(|node| Action {
                probe: Some(Probe {
                    script: probe.join(" && "),
                    inability: Inability::RateLimit { packets, rate: rate.to_string() },
                }),
                inject: Some(inject.clone()),
                heal: Some(heal.clone()),
                healing: "removes the limit".to_owned(),
                holds: vec![Hold::Queue],
                ..Action::on_node(node, format!("limits {packets} to {rate}"))
            })
            .collect())
    }
}

/// A rate as tc writes it, such as `10mbit`. Its value is in bytes a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate;

impl Format for Rate {
    const NAME: &'static str = "kindrs-rate";
    type Value = u64;

    fn read(text: &str) -> Result<u64, String> {
        bytes_a_second(text)
    }
}

/// Reads a rate in the units of tc, where kbit, mbit and gbit are powers of ten.
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
        // Connections time out below the minimum; hashlimit cannot count beyond the maximum.
        .filter(|bytes| (1_000..=1_250_000_000).contains(bytes))
        .ok_or_else(|| {
            "expected a rate from 8kbit to 10gbit, such as 512kbit, 10mbit or 1gbit".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_rate() {
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
        fn reading_a_rate_never_panics(text in ".*bit") {
            let _ = bytes_a_second(&text);
        }
    }
}
