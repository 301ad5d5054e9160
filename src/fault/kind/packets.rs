//! Packets that are lost, late, doubled or damaged.

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::duration;
use crate::failure::Failure;
use crate::fault::action::{Action, Hold, Impact};
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::peers::{Peers, host_address, interface};

/// By this handle a fault knows its own queue.
pub(super) const HANDLE: &str = "4b1d:";

/// The longest delay.
const LONGEST: Duration = Duration::from_secs(60);

/// Lost packets.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkLoss {
    /// How likely it is that a packet is lost, in percent, as 10 or 0.5%; for each direction
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub probability: f64,
    /// Between whom.
    #[command(flatten)]
    #[serde(flatten)]
    pub peers: Peers,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Late packets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkDelay {
    /// How late they are, as 100ms
    #[arg(long, value_name = "DURATION", value_parser = delay)]
    pub delay: String,
    /// By how much the delay varies, as 20ms
    #[arg(long, value_name = "DURATION", value_parser = delay)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<String>,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Packets of which some are treated in a certain way.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SomePackets {
    /// How likely it is for a packet, in percent, as 10 or 0.5%
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub probability: f64,
    /// Which nodes.
    #[command(flatten)]
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// What netem does to some packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    Duplicate,
    Corrupt,
}

impl NetworkLoss {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let share = checked(self.probability)?;
        let direction = self.peers.direction;
        let verdict = format!("-m statistic --mode random --probability {} -j DROP", share / 100.0);
        self.peers
            .sides(self.targets.resolve(view)?, view)?
            .into_iter()
            .map(|(node, side)| {
                let effect = format!(
                    "loses {share}% of the packets {} {}",
                    direction.preposition(),
                    side.describe()
                );
                Ok(Action {
                    inject: Some(side.meet(direction, &verdict)?),
                    heal: Some(firewall::take_down(&Hook::ALL)),
                    healing: "lets every packet through again".to_owned(),
                    impact: if share < 100.0 { Impact::None } else { side.impact(node, view) },
                    ..Action::on_node(&node.name, effect)
                })
            })
            .collect()
    }
}

impl NetworkDelay {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Failure> {
        let read = |flag: &str, text: &str| {
            microseconds(text)
                .map_err(|reason| Failure::input(format!("--{flag} {text}: {reason}")))
        };
        let delay = read("delay", &self.delay)?;
        let mut netem = format!("delay {delay}us");
        let mut effect = format!("delays what leaves the node by {}", self.delay);
        if let Some(jitter) = &self.jitter {
            let micros = read("jitter", jitter)?;
            if micros > delay {
                return Err(Failure::input(format!(
                    "--jitter {jitter} is longer than --delay {}",
                    self.delay
                ))
                .with_hint("a packet cannot be early: give less jitter or more delay"));
            }
            netem.push_str(&format!(" {micros}us"));
            effect.push_str(&format!(", give or take {jitter}"));
        }
        with_netem(&self.targets, view, &netem, &effect, "ends the delay")
    }
}

impl SomePackets {
    pub(super) fn actions(&self, view: &View, how: Treatment) -> Result<Vec<Action>, Failure> {
        let share = checked(self.probability)?;
        let (word, effect, healing) = match how {
            Treatment::Duplicate => ("duplicate", "sends twice", "sends every packet once again"),
            Treatment::Corrupt => ("corrupt", "damages", "leaves every packet whole again"),
        };
        let effect = format!("{effect} {share}% of the packets that leave the node");
        with_netem(&self.targets, view, &format!("{word} {share}%"), &effect, healing)
    }
}

/// Puts netem before the nodes' interfaces.
///
/// Source: <https://man7.org/linux/man-pages/man8/tc-netem.8.html>
fn with_netem(
    targets: &NodeTargets,
    view: &View,
    netem: &str,
    effect: &str,
    healing: &str,
) -> Result<Vec<Action>, Failure> {
    let nodes = targets.resolve(view)?;
    let interface = interface(host_address(view)?);
    Ok(nodes
        .into_iter()
        .map(|node| Action {
            probe: Some((
                // A network namespace that goes with the command.
                "unshare -n tc qdisc add dev lo root netem delay 1ms".to_owned(),
                "the kernel of Docker's host has no netem, by which packets are delayed, doubled \
                 and damaged: load it there (sudo modprobe sch_netem), or use what works without \
                 it: network-loss, network-bandwidth, network-partition"
                    .to_owned(),
            )),
            // The default limit of 1000 packets would lose some of what is delayed.
            inject: Some(format!(
                "{interface}tc qdisc add dev \"$dev\" root handle {HANDLE} netem limit 100000 \
                 {netem}\n"
            )),
            heal: Some(remove_queue(&interface)),
            healing: healing.to_owned(),
            holds: vec![Hold::Queue],
            ..Action::on_node(&node.name, effect)
        })
        .collect())
}

/// Removes the queue that a fault put before an interface, and no other.
pub(super) fn remove_queue(interface: &str) -> String {
    format!("{interface}tc qdisc del dev \"$dev\" root handle {HANDLE} 2>/dev/null || true\n")
}

/// Reads a probability in percent: `10%`, `0.5%` or `10`.
fn percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 100.0 => Ok(share),
        _ => Err("expected more than 0% and at most 100%, as 10 or 0.5%".to_owned()),
    }
}

fn checked(share: f64) -> Result<f64, Failure> {
    percentage(&share.to_string())
        .map_err(|reason| Failure::input(format!("--probability {share}: {reason}")))
}

fn delay(text: &str) -> Result<String, String> {
    microseconds(text).map(|_| text.trim().to_owned())
}

fn microseconds(text: &str) -> Result<u128, String> {
    let duration = duration::parse(text)?;
    if duration < Duration::from_micros(1) || duration > LONGEST {
        return Err("expected more than 0 and at most 1m".to_owned());
    }
    Ok(duration.as_micros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_of_packets() {
        assert_eq!(percentage("10%"), Ok(10.0));
        assert_eq!(percentage("0.5"), Ok(0.5));
        assert_eq!(percentage("100%"), Ok(100.0));
        for text in ["0", "0%", "101%", "-1%", "NaN", "inf", "", "%", "half", "10%%"] {
            assert!(percentage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn delays() {
        assert_eq!(microseconds("100ms"), Ok(100_000));
        assert_eq!(microseconds("1m"), Ok(60_000_000));
        for text in ["0", "0s", "100", "61s", "10ns", ""] {
            assert!(microseconds(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_a_share(text in ".*") {
            if let Ok(share) = percentage(&text) {
                prop_assert!(share > 0.0 && share <= 100.0);
            }
        }
    }
}
