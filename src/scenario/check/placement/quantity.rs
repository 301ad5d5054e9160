use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};
use std::str::FromStr;

/// Resolution of a quantity: parts of one unit.
const NANOS: i128 = 1_000_000_000;
/// The largest quantity of Kubernetes; larger ones are cut to it.
const LARGEST: i128 = i64::MAX as i128 * NANOS;

const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// An exact quantity of a resource: `500m`, `2`, `1.5Gi`, `1e3`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>).
///
/// Rounds up to a billionth, as Kubernetes does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantity {
    nanos: i128,
    /// Whether its notation uses powers of 1024.
    is_binary: bool,
}

/// A text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity; expected a number with a suffix, such as 500m, 2 or 1.5Gi")]
pub struct ParseQuantityError(String);

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self { nanos: 0, is_binary: false };

    /// A number of whole units.
    pub fn from_units(units: i64) -> Self {
        Self { nanos: i128::from(units) * NANOS, is_binary: false }
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// The notation for processors: thousandths below one, otherwise a decimal number.
    pub fn display_cores(self) -> String {
        let units = self.nanos / NANOS;
        let rest = self.nanos % NANOS;
        if rest == 0 || units == 0 || rest % 1_000_000 != 0 {
            return Self { is_binary: false, ..self }.to_string();
        }
        let fraction = format!("{:03}", (rest / 1_000_000).abs());
        format!("{units}.{}", fraction.trim_end_matches('0'))
    }
}

impl FromStr for Quantity {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseQuantityError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (multiplier, exponent, is_binary) = suffix_of(suffix)?;
    // The digits without the point, times ten to `exponent`, are billionths.
    let digits: String = [whole, fraction].concat();
    let exponent = exponent + 9 - i32::try_from(fraction.len()).ok()?;
    let magnitude = scaled(digits.trim_start_matches('0'), multiplier, exponent);
    let nanos = if is_negative { -magnitude } else { magnitude };
    Some(Quantity { nanos, is_binary })
}

/// The multiplier of a suffix: a factor, a power of ten, and whether it is a power of 1024.
fn suffix_of(suffix: &str) -> Option<(i128, i32, bool)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some((1, *exponent, false));
    }
    if let Some(power) = BINARY.iter().position(|known| *known == suffix) {
        return Some((1 << (10 * (power + 1)), 0, true));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Far beyond what an amount can be in both directions.
    let far = if exponent.starts_with('-') { -1000 } else { 1000 };
    Some((1, exponent.parse::<i32>().unwrap_or(far).clamp(-1000, 1000), false))
}

/// `digits * multiplier * 10^exponent`, rounded up and cut to the largest quantity.
fn scaled(digits: &str, multiplier: i128, exponent: i32) -> i128 {
    if digits.is_empty() {
        return 0;
    }
    // Beyond 30 digits, what is left out is either rounded up or too much anyway.
    let kept = digits.len().min(30);
    let (kept, left_out) = digits.split_at(kept);
    let exponent = exponent.saturating_add(i32::try_from(left_out.len()).unwrap_or(i32::MAX));
    let is_more = left_out.bytes().any(|digit| digit != b'0');
    let mut value: i128 = kept.parse().unwrap_or(LARGEST);
    if exponent >= 0 {
        for _ in 0..exponent {
            value = value.saturating_mul(10).min(LARGEST);
        }
        return value.saturating_mul(multiplier).min(LARGEST);
    }
    // A value of 30 digits times 2^60 is too much for the type: divide what can be divided first.
    let mut is_inexact = is_more;
    let mut multiplier = multiplier;
    for _ in 0..exponent.unsigned_abs() {
        if value == 0 {
            break;
        }
        if multiplier > 1 && value.checked_mul(multiplier).is_some() {
            value *= multiplier;
            multiplier = 1;
        }
        is_inexact |= value % 10 != 0;
        value /= 10;
    }
    let value = value.saturating_add(i128::from(is_inexact));
    value.saturating_mul(multiplier).min(LARGEST)
}

impl fmt::Display for Quantity {
    /// Kubernetes' notation: the largest suffix that leaves a whole number.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return out.write_str("0");
        }
        if self.is_binary && self.nanos % NANOS == 0 {
            let mut value = self.nanos / NANOS;
            let mut suffix = "";
            for larger in BINARY {
                if value % 1024 != 0 {
                    break;
                }
                value /= 1024;
                suffix = larger;
            }
            return write!(out, "{value}{suffix}");
        }
        let mut value = self.nanos;
        let mut suffix = "n";
        for (larger, _) in DECIMAL.iter().skip(1) {
            if value % 1000 != 0 {
                break;
            }
            value /= 1000;
            suffix = larger;
        }
        write!(out, "{value}{suffix}")
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nanos.hash(state);
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let nanos = self.nanos.saturating_add(other.nanos);
        Self { nanos, is_binary: self.is_binary || other.is_binary }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let nanos = self.nanos.saturating_sub(other.nanos);
        Self { nanos, is_binary: self.is_binary || other.is_binary }
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_equal_however_they_are_written() {
        for (one, other) in [
            ("1", "1000m"),
            ("1.5", "1500m"),
            ("1.5Gi", "1536Mi"),
            ("1Ki", "1024"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("5E-1", "500m"),
            ("1E", "1000P"),
            ("+2", "2"),
            (".5", "500m"),
            ("2.", "2"),
            ("0.5Ki", "512"),
            ("0.1n", "1n"),
            ("0.0000000001", "1n"),
            ("-1.5", "-1500m"),
            ("00012", "12"),
            ("0.000000000000000000000000000000000000001", "1n"),
            ("100000000000000000000", "9223372036854775807"),
            ("1e100", "9223372036854775807"),
            ("1e-100", "1n"),
            ("0e100", "0"),
        ] {
            assert_eq!(quantity(one), quantity(other), "{one} {other}");
        }
    }

    #[test]
    fn other_texts_are_no_amounts() {
        for text in ["", "x", "1 Gi", "1gi", "m", "1.2.3", "--1", "1e", "1e1.5", "1KiB", "1,5", "."]
        {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_largest_suffix() {
        for (text, shown) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1.5Gi", "1536Mi"),
            ("2048Mi", "2Gi"),
            ("1024", "1024"),
            ("3000", "3k"),
            ("0.5Ki", "512"),
            ("0", "0"),
        ] {
            assert_eq!(quantity(text).to_string(), shown);
        }
        for (text, shown) in [("1500m", "1.5"), ("250m", "250m"), ("2", "2"), ("-1.25", "-1.25")] {
            assert_eq!(quantity(text).display_cores(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_same_amount(
            number in -1_000_000_000_i64..1_000_000_000,
            suffix in prop::sample::select(vec![
                "n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-3",
            ]),
        ) {
            let amount = quantity(&format!("{number}{suffix}"));
            prop_assert_eq!(quantity(&amount.to_string()), amount);
        }

        #[test]
        fn thousandths_are_ordered_as_numbers(one in any::<i32>(), other in any::<i32>()) {
            let amounts = (quantity(&format!("{one}m")), quantity(&format!("{other}m")));
            prop_assert_eq!(amounts.0.cmp(&amounts.1), one.cmp(&other));
            let sum = quantity(&format!("{}m", i64::from(one) + i64::from(other)));
            prop_assert_eq!(amounts.0 + amounts.1, sum);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "[-+0-9.eEkKiMn]{0,60}") {
            if let Ok(amount) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity(&amount.to_string()), amount);
            }
        }
    }
}
