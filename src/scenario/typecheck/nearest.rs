/// The candidate that `word` was probably meant to be: at most one edit for every three characters
/// away, whatever the case, or else the only one that contains it or is contained in it.
pub(super) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
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
        // Shorter words are in others by chance.
        word.len().min(candidate.len()) >= 4
            && (candidate.contains(&word) || word.contains(&candidate))
    });
    match (related.next(), related.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}
