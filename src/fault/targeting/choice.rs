use clap::Args;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How many of those that fit, and by which chance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Choice {
    /// One of those that fit, at random
    #[arg(long, conflicts_with_all = ["count", "percent"], help_heading = "Targets")]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random: bool,
    /// This many of those that fit, at random
    #[arg(long, value_name = "N", conflicts_with = "percent", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// This share of those that fit, at random, rounded up: 1 to 100
    #[arg(
        long,
        value_name = "P",
        value_parser = clap::value_parser!(u8).range(1..=100),
        help_heading = "Targets"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Chooses as the run did that printed this seed
    #[arg(long, value_name = "SEED", help_heading = "Targets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Choice {
    /// Whether chance decides.
    pub fn is_random(&self) -> bool {
        self.random || self.count.is_some() || self.percent.is_some()
    }

    /// Those chosen of `all`, in their order. The same seed chooses the same: the one that is given,
    /// else `fresh`.
    ///
    /// # Errors
    /// [`Failure::Input`] when more are asked for than there are, or none.
    pub fn of<T>(&self, all: Vec<T>, what: &str, fresh: u64) -> Result<Vec<T>, Failure> {
        if !self.is_random() {
            return Ok(all);
        }
        let wanted = match (self.count, self.percent) {
            (Some(0), _) => {
                return Err(Failure::input("--count 0 chooses nothing").with_hint("give 1 or more"));
            }
            (Some(count), _) => count,
            (None, Some(percent)) => (all.len() * usize::from(percent)).div_ceil(100),
            (None, None) => 1,
        };
        if wanted > all.len() {
            return Err(Failure::input(format!(
                "{wanted} {what} are asked for, but only {} fit",
                all.len()
            )));
        }
        let mut places: Vec<usize> = (0..all.len()).collect();
        fastrand::Rng::with_seed(self.seed.unwrap_or(fresh)).shuffle(&mut places);
        places.truncate(wanted);
        Ok(all
            .into_iter()
            .enumerate()
            .filter(|(place, _)| places.contains(place))
            .map(|(_, item)| item)
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_choice_all_are_chosen() {
        assert_eq!(Choice::default().of(vec![1, 2, 3], "nodes", 0).unwrap(), [1, 2, 3]);
    }

    #[test]
    fn more_than_there_are_is_an_error() {
        let choice = Choice { count: Some(3), ..Choice::default() };
        let failure = choice.of(vec![1, 2], "nodes", 0).unwrap_err();
        assert_eq!(failure.to_string(), "3 nodes are asked for, but only 2 fit");
        let none = Choice { count: Some(0), ..Choice::default() };
        assert!(none.of(vec![1], "nodes", 0).is_err());
        let one = Choice { random: true, ..Choice::default() };
        assert!(one.of(Vec::<u8>::new(), "nodes", 0).is_err());
    }

    #[test]
    fn without_a_seed_the_fresh_one_chooses() {
        let chosen = |seed, fresh| {
            let choice = Choice { count: Some(3), seed, ..Choice::default() };
            choice.of((0..20).collect::<Vec<_>>(), "nodes", fresh).unwrap()
        };
        assert_eq!(chosen(None, 7), chosen(Some(7), 1));
        assert_ne!(chosen(None, 7), chosen(None, 8));
    }

    proptest! {
        #[test]
        fn a_seed_chooses_the_same(seed: u64, all in 1usize..20, percent in 1u8..=100) {
            let choice = Choice { percent: Some(percent), seed: Some(seed), ..Choice::default() };
            let of = || choice.of((0..all).collect(), "nodes", 0).unwrap();
            let chosen = of();
            prop_assert_eq!(&chosen, &of());
            prop_assert_eq!(chosen.len(), (all * usize::from(percent)).div_ceil(100));
            prop_assert!(chosen.is_sorted());
        }
    }
}
