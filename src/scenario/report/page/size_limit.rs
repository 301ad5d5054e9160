use std::collections::BTreeMap;

use super::data::Data;
use crate::scenario::history::ObjectEvent;

/// The largest size of a page's data in bytes: phones can open such a page, and CI systems keep it.
pub(super) const LARGEST: usize = 15_000_000;

/// The data as JSON of at most `largest` bytes if possible. Leaves out the bodies of objects, the
/// largest kinds first and pods and nodes last, then versions that look like the one before. Adds a
/// note for each.
///
/// # Errors
/// None in practice: all keys are strings.
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

/// Leaves out the bodies of one kind. Returns whether there were any.
fn drop_bodies(data: &mut Data) -> serde_json::Result<bool> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &data.objects {
        for patch in object.versions.iter().filter_map(|version| version.patch.as_ref()) {
            *kinds.entry(&object.kind).or_default() += serde_json::to_string(patch)?.len();
        }
    }
    let is_minor = |kind: &str| kind != "Pod" && kind != "Node";
    let largest = kinds.into_iter().max_by_key(|(kind, size)| (is_minor(kind), *size));
    let Some((kind, _)) = largest else { return Ok(false) };
    let kind = kind.to_owned();
    for object in data.objects.iter_mut().filter(|object| object.kind == kind) {
        for version in &mut object.versions {
            version.patch = None;
        }
    }
    data.notes.push(format!(
        "To limit the size of this page, the contents of all objects of the kind {kind} are left \
         out. See the record."
    ));
    Ok(true)
}

/// Leaves out versions that look like the one before, and Events that are not warnings. Returns
/// whether there were any.
fn drop_versions(data: &mut Data) -> bool {
    let count = |data: &Data| -> usize {
        data.objects.iter().map(|object| object.versions.len()).sum::<usize>() + data.events.len()
    };
    let before = count(data);
    for object in &mut data.objects {
        object.versions.dedup_by(|later, earlier| {
            later.class == earlier.class && later.event == ObjectEvent::Modified
        });
    }
    data.events.retain(|event| event.is_warning);
    let dropped = before - count(data);
    if dropped > 0 {
        data.notes.push(format!(
            "To limit the size of this page, {dropped} changes that do not show in the bars and \
             Events that are not warnings are left out. See the record."
        ));
    }
    dropped > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    fn data() -> Data {
        Data::of(&fixture::analysis())
    }

    #[test]
    fn data_that_fits_is_complete() {
        let whole = serde_json::to_string(&data()).unwrap();
        assert_eq!(fitted(data(), whole.len()).unwrap(), whole);
    }

    #[test]
    fn leaves_out_bodies_first_and_adds_notes() {
        let whole = serde_json::to_string(&data()).unwrap().len();
        let smaller = fitted(data(), whole - 1).unwrap();
        let read: serde_json::Value = serde_json::from_str(&smaller).unwrap();
        assert_eq!(read["notes"].as_array().unwrap().len(), 1);
        let bodies = |read: &serde_json::Value, kind: &str| {
            let objects = read["objects"].as_array().unwrap().iter();
            objects
                .filter(|object| object["kind"] == kind)
                .flat_map(|object| object["versions"].as_array().unwrap())
                .filter(|version| version.get("patch").is_some())
                .count()
        };
        assert_eq!(bodies(&read, "Deployment"), 0);
        assert!(bodies(&read, "ReplicaSet") > 0 && bodies(&read, "Pod") > 0);

        let least: serde_json::Value = serde_json::from_str(&fitted(data(), 10).unwrap()).unwrap();
        assert_eq!(bodies(&least, "Pod") + bodies(&least, "Node"), 0);
        let notes: Vec<&str> =
            least["notes"].as_array().unwrap().iter().filter_map(|note| note.as_str()).collect();
        assert_eq!(notes.len(), 5, "{notes:?}");
        assert!(notes[4].contains("Events that are not warnings"), "{notes:?}");
    }
}
