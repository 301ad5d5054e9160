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
