/// The minimum, median and maximum of at least one number.
pub fn summary(numbers: &[f64]) -> [f64; 3] {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    [sorted[0], f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2]), sorted[last]]
}

pub fn median(numbers: &[f64]) -> f64 {
    summary(numbers)[1]
}

#[cfg(test)]
mod tests {
    #[test]
    fn median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        let of = |numbers: &[f64]| super::summary(numbers).map(|n| format!("{n:.1}"));
        assert_eq!(of(&[3.0, 1.0, 2.0]), ["1.0", "2.0", "3.0"]);
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), ["1.0", "2.5", "4.0"]);
        assert_eq!(of(&[7.0]), ["7.0", "7.0", "7.0"]);
    }
}
