use std::collections::BTreeMap;

use super::data::Data;

/// How large a page's data may be: what phones still open, and CI systems still keep.
pub(super) const LARGEST: usize = 15_000_000;

/// The data as JSON of at most `largest` bytes, as far as that goes: first bodies of objects are left
/// out, of the kinds that take the most room, those of pods and nodes last; then versions that look
/// like the one before. Each is noted.
///
/// # Errors
/// None that is known of: all keys are texts.
pub(super) fn fitted(mut data: Data, largest: usize) -> serde_json::Result<String> {
    let mut json = serde_json::to_string(&data)?;
    while json.len() > largest {
        if !drop_bodies(&mut data)? && !drop_versions(&mut data) {
            break;
        }
        json = serde_json::to_string(&data)?;
    }
    Ok(json)
}

/// Leaves out the bodies of one kind; false when there are none.
fn drop_bodies(data: &mut Data) -> serde_json::Result<bool> {
    let mut sizes: BTreeMap<(bool, usize), String> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &data.objects {
        for delta in object.versions.iter().filter_map(|version| version.delta.as_ref()) {
            *kinds.entry(&object.kind).or_default() += serde_json::to_string(delta)?.len();
        }
    }
    for (kind, size) in kinds {
        let is_minor = kind != "Pod" && kind != "Node";
        sizes.insert((is_minor, size), kind.to_owned());
    }
    let Some((_, kind)) = sizes.pop_last() else { return Ok(false) };
    for object in data.objects.iter_mut().filter(|object| object.kind == kind) {
        for version in &mut object.versions {
            version.delta = None;
        }
    }
    data.notes.push(format!(
        "The objects of kind {kind} are left out, because the page would be too large; they are in \
         the record."
    ));
    Ok(true)
}

/// Leaves out versions that look like the one before; false when there are none.
fn drop_versions(data: &mut Data) -> bool {
    let count = |data: &Data| -> usize {
        data.objects.iter().map(|object| object.versions.len()).sum::<usize>() + data.events.len()
    };
    let before = count(data);
    for object in &mut data.objects {
        object.versions.dedup_by(|later, earlier| {
            later.class == earlier.class
                && later.event == crate::scenario::history::ObjectEvent::Modified
        });
    }
    data.events.retain(|event| event.warning);
    let dropped = before - count(data);
    if dropped > 0 {
        data.notes.push(format!(
            "{dropped} changes that the bars do not show, and Events that are no warnings, are left \
             out, because the page would be too large; they are in the record."
        ));
    }
    dropped > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    fn data() -> Data {
        Data::of(&fixture::run(), &fixture::history())
    }

    #[test]
    fn what_fits_stays_whole() {
        let whole = serde_json::to_string(&data()).unwrap();
        assert_eq!(fitted(data(), whole.len()).unwrap(), whole);
    }

    #[test]
    fn bodies_go_first_those_of_pods_and_nodes_last_and_all_is_noted() {
        let whole = serde_json::to_string(&data()).unwrap().len();
        let smaller = fitted(data(), whole - 1).unwrap();
        let read: serde_json::Value = serde_json::from_str(&smaller).unwrap();
        assert_eq!(read["notes"].as_array().unwrap().len(), 1);
        let bodies = |read: &serde_json::Value, kind: &str| {
            let objects = read["objects"].as_array().unwrap().iter();
            objects
                .filter(|object| object["kind"] == kind)
                .flat_map(|object| object["versions"].as_array().unwrap())
                .filter(|version| version.get("delta").is_some())
                .count()
        };
        assert_eq!(bodies(&read, "Deployment"), 0);
        assert!(bodies(&read, "ReplicaSet") > 0 && bodies(&read, "Pod") > 0);

        let least: serde_json::Value = serde_json::from_str(&fitted(data(), 10).unwrap()).unwrap();
        assert_eq!(bodies(&least, "Pod") + bodies(&least, "Node"), 0);
        let notes: Vec<&str> =
            least["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
        assert_eq!(notes.len(), 5, "{notes:?}");
        assert!(notes[4].contains("Events that are no warnings"), "{notes:?}");
    }
}
