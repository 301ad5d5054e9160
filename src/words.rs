//! Words in messages: the one that was probably intended, and lists to choose from.

/// Returns the candidate that is most similar to `word`, ignoring case. Allows one edit for every three characters;
/// otherwise the candidate must be the only one that contains the word or is contained in it.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let edits = |candidate: &&'a str| {
        let edits = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
        (edits * 3 <= word.chars().count().max(candidate.len())).then_some((edits, *candidate))
    };
    if let Some((_, near)) = candidates.iter().filter_map(edits).min_by_key(|(edits, _)| *edits) {
        return Some(near);
    }
    let mut related = candidates.iter().filter(|candidate| {
        let candidate = candidate.to_lowercase();
        // Shorter words occur in others by chance.
        word.len().min(candidate.len()) >= 4
            && (candidate.contains(&word) || word.contains(&candidate))
    });
    match (related.next(), related.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Joins words to choose from: "`a`", "`a` or `b`", "one of `a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let article = if words.len() > 2 { "one of " } else { "" };
    format!("{article}{}", list(words, "or"))
}

/// Quotes and joins words: "`a`, `b` or `c`" with the conjunction "or".
pub(crate) fn list(words: &[&str], conjunction: &str) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_the_nearest_word() {
        let fields = ["role", "image", "extraMounts"];
        assert_eq!(nearest("rols", &fields), Some("role"));
        assert_eq!(nearest("IMAGE", &fields), Some("image"));
        assert_eq!(nearest("extramount", &fields), Some("extraMounts"));
        assert_eq!(nearest("port", &fields), None);
        assert_eq!(nearest("mounts", &fields), Some("extraMounts"));
        assert_eq!(nearest("config", &["kubeadmConfigPatches", "runtimeConfig"]), None);
        assert_eq!(nearest("", &fields), None);
    }
}
