use std::collections::HashMap;

use crate::scenario::history::{
    ApiState, Change, Entry, FaultEntry, FaultState, Gap, GapState, KindName, Moment, StepEntry,
    StepState,
};

/// Everything in a record that has a start and an end, except objects. The end is `None` if it is
/// not in the record.
#[derive(Debug, Default)]
pub(super) struct Periods {
    /// The attempts of each step, by its name.
    pub(super) attempts: HashMap<String, Vec<Attempt>>,
    pub(super) faults: Vec<FaultPeriod>,
    pub(super) outages: Vec<Outage>,
    pub(super) gaps: Vec<WatchGap>,
}

/// One attempt of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) from: Moment,
    pub(super) end: Option<(Moment, StepState)>,
}

#[derive(Debug)]
pub(super) struct FaultPeriod {
    /// The entry of the injection.
    pub(super) fault: FaultEntry,
    pub(super) injected: Moment,
    pub(super) healed: Option<Moment>,
}

/// A period during which the API server did not respond.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) from: Moment,
    pub(super) to: Option<Moment>,
    pub(super) reason: String,
}

/// A period during which a kind was not watched.
#[derive(Debug)]
pub(super) struct WatchGap {
    pub(super) kind: KindName,
    pub(super) from: Moment,
    pub(super) to: Option<Moment>,
    pub(super) reason: String,
    /// Whether every change during the gap was reported after it.
    pub(super) is_complete: bool,
}

impl Periods {
    pub(super) fn of(history: &[Entry]) -> Self {
        let mut periods = Self::default();
        for entry in history {
            match &entry.change {
                Change::Step(step) => periods.add_step(entry.at, step),
                Change::Fault(fault) => periods.add_fault(entry.at, fault),
                Change::Api(api) => periods.add_api(entry.at, api),
                Change::Gap(gap) => periods.add_gap(entry.at, gap),
                _ => {}
            }
        }
        periods
    }

    fn add_step(&mut self, at: Moment, step: &StepEntry) {
        let attempts = self.attempts.entry(step.step.clone()).or_default();
        match (step.state, attempts.last_mut()) {
            (StepState::Started, _) => attempts.push(Attempt { from: at, end: None }),
            (state, Some(last)) => {
                last.end.get_or_insert((at, state));
            }
            (_, None) => {}
        }
    }

    fn add_fault(&mut self, at: Moment, fault: &FaultEntry) {
        match fault.state {
            FaultState::Injected => {
                let fault = fault.clone();
                self.faults.push(FaultPeriod { fault, injected: at, healed: None });
            }
            FaultState::Healed => {
                let is_this =
                    |known: &&mut FaultPeriod| known.fault.id == fault.id && known.healed.is_none();
                if let Some(known) = self.faults.iter_mut().rfind(is_this) {
                    known.healed = Some(at);
                }
            }
        }
    }

    fn add_api(&mut self, at: Moment, api: &ApiState) {
        let open = self.outages.last_mut().filter(|outage| outage.to.is_none());
        match (api.available, open) {
            (true, Some(open)) => open.to = Some(at),
            (false, None) => {
                self.outages.push(Outage { from: at, to: None, reason: api.reason.clone() });
            }
            _ => {}
        }
    }

    fn add_gap(&mut self, at: Moment, gap: &Gap) {
        let mut gaps = self.gaps.iter_mut();
        let open = gaps.rfind(|known| known.kind == gap.kind && known.to.is_none());
        match (gap.state, open) {
            (GapState::Lost, None) => self.gaps.push(WatchGap {
                kind: gap.kind.clone(),
                from: at,
                to: None,
                reason: gap.reason.clone(),
                is_complete: false,
            }),
            (GapState::Resumed | GapState::Relisted, Some(open)) => {
                open.to = Some(at);
                open.is_complete = gap.state == GapState::Resumed;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn periods(lines: &[&str]) -> Periods {
        let entries: Vec<Entry> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        Periods::of(&entries)
    }

    #[test]
    fn an_attempt_without_an_end_is_open() {
        let periods = periods(&[
            r#"{"at":1,"step":{"step":"a","state":"started","attempt":1}}"#,
            r#"{"at":2,"step":{"step":"a","state":"retried","attempt":1}}"#,
            r#"{"at":3,"step":{"step":"a","state":"started","attempt":2}}"#,
        ]);
        let attempts: Vec<_> = periods.attempts["a"].iter().map(|attempt| attempt.end).collect();
        assert_eq!(attempts, [Some((Moment(2), StepState::Retried)), None]);
    }

    #[test]
    fn healing_ends_the_fault_with_the_same_id() {
        let periods = periods(&[
            r#"{"at":1,"fault":{"step":"a","id":"1","fault":"node-stop","state":"injected"}}"#,
            r#"{"at":2,"fault":{"step":"b","id":"2","fault":"node-stop","state":"injected"}}"#,
            r#"{"at":3,"fault":{"step":"a","id":"1","fault":"node-stop","state":"healed"}}"#,
        ]);
        let healed: Vec<_> = periods.faults.iter().map(|fault| fault.healed).collect();
        assert_eq!(healed, [Some(Moment(3)), None]);
    }

    #[test]
    fn an_outage_lasts_until_the_api_server_responds() {
        let periods = periods(&[
            r#"{"at":1,"api":{"available":true}}"#,
            r#"{"at":2,"api":{"available":false,"reason":"refused"}}"#,
            r#"{"at":3,"api":{"available":false,"reason":"reset"}}"#,
            r#"{"at":4,"api":{"available":true}}"#,
            r#"{"at":5,"api":{"available":false}}"#,
        ]);
        let outages: Vec<_> = periods
            .outages
            .iter()
            .map(|outage| (outage.from, outage.to, outage.reason.as_str()))
            .collect();
        assert_eq!(outages, [(Moment(2), Some(Moment(4)), "refused"), (Moment(5), None, "")]);
    }

    #[test]
    fn a_gap_is_complete_only_if_the_watch_resumed() {
        let periods = periods(&[
            r#"{"at":1,"gap":{"kind":"v1/Pod","state":"lost","reason":"reset"}}"#,
            r#"{"at":2,"gap":{"kind":"v1/Node","state":"lost"}}"#,
            r#"{"at":3,"gap":{"kind":"v1/Node","state":"relisted"}}"#,
            r#"{"at":4,"gap":{"kind":"v1/Pod","state":"resumed"}}"#,
            r#"{"at":5,"gap":{"kind":"v1/Pod","state":"lost"}}"#,
        ]);
        let gaps: Vec<_> = periods.gaps.iter().map(|gap| (gap.to, gap.is_complete)).collect();
        assert_eq!(gaps, [(Some(Moment(4)), true), (Some(Moment(3)), false), (None, false)]);
    }
}
