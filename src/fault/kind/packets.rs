//! Packets that are lost, delayed, duplicated or corrupted.

use std::time::Duration;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::duration;
use crate::fault::action::{Action, Hold, Impact, Probe};
use crate::fault::parameter::{Format, Formatted, Text};
use crate::fault::refusal::{Inability, Refusal};
use crate::fault::targeting::{NodeTargets, View};

use super::firewall::{self, Hook};
use super::traffic::{Traffic, host_address, interface};

/// The handle of the queue that a fault adds, by which healing finds it.
pub(super) const HANDLE: &str = "4b1d:";

/// The longest delay of packets.
const LONGEST: Duration = Duration::from_secs(60);

/// Parameters of `network-loss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkLoss {
    /// Share of packets to drop in each direction, in percent, such as 10 or 0.5%
    #[schemars(extend("x-value-name" = "PERCENT"))]
    pub probability: Percentage,
    #[serde(flatten)]
    pub traffic: Traffic,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Parameters of `network-delay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NetworkDelay {
    /// How long to delay packets, such as 100ms
    #[schemars(extend("x-value-name" = "DURATION"))]
    pub delay: Formatted<PacketDelay>,
    /// How much the delay varies, such as 20ms
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-value-name" = "DURATION"))]
    pub jitter: Option<Formatted<PacketDelay>>,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// Parameters of `network-duplicate` and `network-corrupt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SomePackets {
    /// Share of packets, in percent, such as 10 or 0.5%
    #[schemars(extend("x-value-name" = "PERCENT"))]
    pub probability: Percentage,
    #[serde(flatten)]
    pub targets: NodeTargets,
}

/// What netem does to packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    Duplicate,
    Corrupt,
}

impl NetworkLoss {
    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let Percentage(share) = self.probability;
        let direction = self.traffic.direction;
        let verdict = format!("-m statistic --mode random --probability {} -j DROP", share / 100.0);
        self.traffic
            .far_ends(self.targets.resolve(view)?, view)?
            .into_iter()
            .map(|(node, far_end)| {
                let effect = format!(
                    "drops {share}% of the packets {} {}",
                    direction.preposition(),
                    far_end.describe()
                );
                Ok(Action {
                    inject: Some(far_end.apply(direction, &verdict)?),
                    heal: Some(firewall::remove(&Hook::ALL)),
                    healing: "stops dropping packets".to_owned(),
                    impact: if share < 100.0 { Impact::None } else { far_end.impact(node, view) },
                    ..Action::on_node(node, effect)
                })
            })
            .collect()
    }
}

impl NetworkDelay {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        match &self.jitter {
            Some(jitter) if jitter.value() > self.delay.value() => {
                Err(Refusal::JitterBeyondDelay {
                    jitter: jitter.to_string(),
                    delay: self.delay.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn actions(&self, view: &View) -> Result<Vec<Action>, Refusal> {
        let mut netem = format!("delay {}us", self.delay.value());
        let mut effect = format!("delays outgoing packets by {}", self.delay);
        if let Some(jitter) = &self.jitter {
            netem.push_str(&format!(" {}us", jitter.value()));
            effect.push_str(&format!(" ± {jitter}"));
        }
        with_netem(&self.targets, view, &netem, &effect, "stops delaying packets")
    }
}

impl SomePackets {
    pub(super) fn actions(&self, view: &View, how: Treatment) -> Result<Vec<Action>, Refusal> {
        let Percentage(share) = self.probability;
        let (word, effect, healing) = match how {
            Treatment::Duplicate => ("duplicate", "duplicates", "stops duplicating packets"),
            Treatment::Corrupt => ("corrupt", "corrupts", "stops corrupting packets"),
        };
        let effect = format!("{effect} {share}% of the outgoing packets");
        with_netem(&self.targets, view, &format!("{word} {share}%"), &effect, healing)
    }
}

/// Adds netem to the nodes' interfaces.
///
/// Source: <https://man7.org/linux/man-pages/man8/tc-netem.8.html>
fn with_netem(
    targets: &NodeTargets,
    view: &View,
    netem: &str,
    effect: &str,
    healing: &str,
) -> Result<Vec<Action>, Refusal> {
    let nodes = targets.resolve(view)?;
    let interface = interface(host_address(view)?);
    Ok(nodes
        .into_iter()
        .map(|node| Action {
            probe: Some(Probe {
                // In a network namespace that ends with the command.
                script: "unshare -n tc qdisc add dev lo root netem delay 1ms".to_owned(),
                inability: Inability::Netem,
            }),
            // The default limit of 1000 packets would drop some delayed packets.
            inject: Some(format!(
                "{interface}tc qdisc add dev \"$dev\" root handle {HANDLE} netem limit 100000 \
                 {netem}\n"
            )),
            heal: Some(remove_queue(&interface)),
            healing: healing.to_owned(),
            holds: vec![Hold::Queue],
            ..Action::on_node(node, effect)
        })
        .collect())
}

/// Removes the queue that a fault added to an interface, and no other.
pub(super) fn remove_queue(interface: &str) -> String {
    format!("{interface}tc qdisc del dev \"$dev\" root handle {HANDLE} 2>/dev/null || true\n")
}

/// A share in percent, as a number or such as `0.5%`: the format `kindrs-percentage`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(inline, extend("type" = ["string", "number"], "format" = "kindrs-percentage", "x-expected" = "a number"))]
pub struct Percentage(f64);

impl Format for Percentage {
    const NAME: &'static str = "kindrs-percentage";
    type Value = f64;

    fn read(text: &str) -> Result<f64, String> {
        percentage(text)
    }
}

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        percentage(&text).map(Self).map_err(D::Error::custom)
    }
}

/// How long a packet is delayed, at most a minute. The value is in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketDelay;

impl Format for PacketDelay {
    const NAME: &'static str = "kindrs-packet-delay";
    type Value = u128;

    fn read(text: &str) -> Result<u128, String> {
        microseconds(text)
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 100.0 => Ok(share),
        _ => Err("expected more than 0% and at most 100%, such as 10 or 0.5%".to_owned()),
    }
}

fn microseconds(text: &str) -> Result<u128, String> {
    let duration = duration::parse(text)?;
    if duration < Duration::from_micros(1) || duration > LONGEST {
        return Err("expected a duration of at most 1m, such as 100ms".to_owned());
    }
    Ok(duration.as_micros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_percentage() {
        assert_eq!(percentage("10%"), Ok(10.0));
        assert_eq!(percentage("0.5"), Ok(0.5));
        assert_eq!(percentage("100%"), Ok(100.0));
        for text in ["0", "0%", "101%", "-1%", "NaN", "inf", "", "%", "half", "10%%"] {
            assert!(percentage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_a_packet_delay() {
        assert_eq!(microseconds("100ms"), Ok(100_000));
        assert_eq!(microseconds("1m"), Ok(60_000_000));
        for text in ["0", "0s", "100", "61s", "10ns", ""] {
            assert!(microseconds(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_percentage_is_within_its_limits(text in ".*") {
            if let Ok(share) = percentage(&text) {
                prop_assert!(share > 0.0 && share <= 100.0);
            }
        }
    }
}
