//! Counts with their nouns.

/// A count and its noun: `1 node`, `2 nodes`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_s() {
        assert_eq!([0, 1, 2].map(|count| plural(count, "node")), ["0 nodes", "1 node", "2 nodes"]);
    }
}
