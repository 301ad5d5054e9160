use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::parameter::{Whole, is_off};
use crate::fault::refusal::{Refusal, Target};

use super::HEADING;

/// How many of the matches, chosen at random.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Choice {
    /// Choose one match at random
    #[serde(skip_serializing_if = "is_off")]
    #[schemars(extend("x-heading" = HEADING))]
    pub random: bool,
    /// Choose this many matches at random
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "N"))]
    pub count: Option<Whole<1, { u64::MAX }>>,
    /// Choose this share of the matches at random, rounded up: 1 to 100
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "P"))]
    pub percent: Option<Whole<1, 100>>,
    /// Repeat the choice of the run that printed this seed
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-heading" = HEADING, "x-value-name" = "SEED"))]
    pub seed: Option<Whole<0, { u64::MAX }>>,
}

impl Choice {
    pub fn is_random(&self) -> bool {
        self.random || self.count.is_some() || self.percent.is_some()
    }

    /// Checks that at most one of the ways to choose is given.
    ///
    /// # Errors
    /// [`Refusal::Exclusive`].
    pub fn check(&self) -> Result<(), Refusal> {
        let given = [
            ("random", self.random),
            ("count", self.count.is_some()),
            ("percent", self.percent.is_some()),
        ];
        let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
        match (given.next(), given.next()) {
            (Some((parameter, _)), Some((other, _))) => {
                Err(Refusal::Exclusive { parameter, other })
            }
            _ => Ok(()),
        }
    }

    /// Chooses from `all`, and keeps their order. The same seed chooses the same: the one that is
    /// given, or `fresh`.
    ///
    /// # Errors
    /// [`Refusal::TooFew`] if there are not enough.
    pub fn choose<T>(&self, all: Vec<T>, target: Target, fresh: u64) -> Result<Vec<T>, Refusal> {
        if !self.is_random() {
            return Ok(all);
        }
        let requested = match (self.count, self.percent) {
            (Some(count), _) => usize::try_from(count.get()).unwrap_or(usize::MAX),
            (None, Some(percent)) => {
                let percent = usize::try_from(percent.get()).unwrap_or_default();
                (all.len() * percent).div_ceil(100)
            }
            (None, None) => 1,
        };
        if requested > all.len() {
            return Err(Refusal::TooFew { target, requested, found: all.len() });
        }
        let mut places: Vec<usize> = (0..all.len()).collect();
        let seed = self.seed.map_or(fresh, Whole::get);
        fastrand::Rng::with_seed(seed).shuffle(&mut places);
        places.truncate(requested);
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
    fn chooses_all_without_a_choice() {
        let all = Choice::default().choose(vec![1, 2, 3], Target::Nodes, 0);
        assert_eq!(all, Ok(vec![1, 2, 3]));
    }

    #[test]
    fn refuses_to_choose_more_than_there_are() {
        let choice = Choice { count: Whole::new(3), ..Choice::default() };
        assert_eq!(
            choice.choose(vec![1, 2], Target::Nodes, 0),
            Err(Refusal::TooFew { target: Target::Nodes, requested: 3, found: 2 })
        );
        let one = Choice { random: true, ..Choice::default() };
        assert!(one.choose(Vec::<u8>::new(), Target::Nodes, 0).is_err());
    }

    #[test]
    fn refuses_two_ways_to_choose() {
        let choice = Choice { random: true, percent: Whole::new(5), ..Choice::default() };
        let refusal = Refusal::Exclusive { parameter: "random", other: "percent" };
        assert_eq!(choice.check(), Err(refusal));
        assert_eq!(Choice { random: true, ..Choice::default() }.check(), Ok(()));
    }

    #[test]
    fn uses_the_fresh_seed_without_a_given_one() {
        let chosen = |seed: Option<u64>, fresh| {
            let seed = seed.and_then(Whole::new);
            let choice = Choice { count: Whole::new(3), seed, ..Choice::default() };
            choice.choose((0..20).collect::<Vec<_>>(), Target::Nodes, fresh).unwrap()
        };
        assert_eq!(chosen(None, 7), chosen(Some(7), 1));
        assert_ne!(chosen(None, 7), chosen(None, 8));
    }

    proptest! {
        #[test]
        fn chooses_the_same_with_the_same_seed(seed: u64, all in 1usize..20, percent in 1u64..=100) {
            let choice = Choice {
                percent: Whole::new(percent),
                seed: Whole::new(seed),
                ..Choice::default()
            };
            let choose = || choice.choose((0..all).collect(), Target::Nodes, 0).unwrap();
            let chosen = choose();
            prop_assert_eq!(&chosen, &choose());
            prop_assert_eq!(chosen.len(), (all * usize::try_from(percent).unwrap()).div_ceil(100));
            prop_assert!(chosen.is_sorted());
        }
    }
}
