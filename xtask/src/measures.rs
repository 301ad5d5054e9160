/// The median of at least one number.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// The smallest and the largest number.
pub fn range(numbers: &[f64]) -> (f64, f64) {
    numbers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), n| (min.min(*n), max.max(*n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        let of = |numbers: &[f64]| format!("{:.1}", median(numbers));
        assert_eq!(of(&[3.0, 1.0, 2.0]), "2.0");
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), "2.5");
        assert_eq!(of(&[7.0]), "7.0");
    }

    #[test]
    fn range_has_both_ends() {
        let (min, max) = range(&[3.0, 1.0, 2.0]);
        assert_eq!(format!("{min:.0} {max:.0}"), "1 3");
    }
}
