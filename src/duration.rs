//! Durations as people write them: `5m30s`.

use std::time::Duration;

/// Parses a duration such as `30s`, `5m`, `1h` or `5m0s`, and `0`.
///
/// # Errors
/// A message for the user when the text is not a duration, such as a number without a unit.
pub fn parse(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a duration such as 30s, 5m, 1h or 5m30s, or 0";
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("missing unit; did you mean {trimmed}s or {trimmed}m?"));
    }
    humantime::parse_duration(trimmed).map_err(|_| EXPECTED.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_durations() {
        for (text, seconds) in [("0", 0), ("0s", 0), ("30s", 30), ("5m", 300), ("5m0s", 300)]
            .into_iter()
            .chain([("1h", 3600), ("1h2m3s", 3723), (" 1m 30s ", 90)])
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn rejects_other_texts() {
        assert_eq!(parse("5").unwrap_err(), "missing unit; did you mean 5s or 5m?");
        for text in ["", "-5s", "soon", "5x", "s", "1.5.2s", "99999999999999999999h"] {
            assert_eq!(
                parse(text).unwrap_err(),
                "expected a duration such as 30s, 5m, 1h or 5m30s, or 0",
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn reads_gos_format(hours in 0u64..99, minutes in 0u64..60, seconds in 0u64..60) {
            let read = parse(&format!("{hours}h{minutes}m{seconds}s")).unwrap();
            prop_assert_eq!(read, Duration::from_secs(hours * 3600 + minutes * 60 + seconds));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
