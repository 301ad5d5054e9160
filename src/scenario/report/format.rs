//! Counts, durations and shares for people.

use std::time::Duration;

/// A number of things, such as `1 step` or `2 steps`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A duration, such as `340 ms`, `8.0 s` or `2 min 5 s`.
pub(super) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..120 => format!("{:.1} s", time.as_secs_f64()),
        whole => format!("{} min {} s", whole / 60, whole % 60),
    }
}

/// Hundredths with at most two decimals, such as `95.71%`.
pub(super) fn percent(hundredths: f64) -> String {
    let digits = format!("{hundredths:.2}");
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_right_plural() {
        assert_eq!(
            [count(0, "pod"), count(1, "pod"), count(2, "pod")],
            ["0 pods", "1 pod", "2 pods"]
        );
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        let shown = [0, 340, 8_000, 119_900, 125_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["0 ms", "340 ms", "8.0 s", "119.9 s", "2 min 5 s"]);
    }

    #[test]
    fn percentages_have_no_trailing_zeros() {
        assert_eq!([percent(0.0), percent(95.714), percent(100.0)], ["0%", "95.71%", "100%"]);
    }
}
