use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Analysis, json, junit, markdown, page};

/// Writes all reports of some runs into a folder and creates the folder if necessary: `report.html`
/// for each run, and `junit.xml`, `report.json` and `summary.md` for all runs. The page of a run is
/// next to its record if the record is in the folder. Otherwise the page is in the folder itself,
/// or for one of several runs in a folder named after the run. Returns the paths: first the pages
/// in the order of the runs, then the other files. Each file is replaced atomically.
///
/// # Errors
/// An error of the file system, with the path.
pub fn write(folder: &Path, runs: &[Analysis]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let mut links = Vec::new();
    for (run, place) in runs.iter().zip(places(folder, runs)) {
        let path = folder.join(&place);
        replace(&path, &page(run)?)?;
        links.push(place.to_string_lossy().into_owned());
        paths.push(path);
    }
    for (name, text) in [
        ("junit.xml", junit(runs)?),
        ("report.json", json(runs)?),
        ("summary.md", markdown(runs, &links)),
    ] {
        let path = folder.join(name);
        replace(&path, &text)?;
        paths.push(path);
    }
    Ok(paths)
}

/// The path of each run's page in the folder. All paths are different.
fn places(folder: &Path, runs: &[Analysis]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    runs.iter()
        .map(|Analysis { run, .. }| {
            let beside = run.history.strip_prefix(folder).ok().and_then(Path::parent);
            let own = match runs.len() {
                1 => PathBuf::new(),
                _ => PathBuf::from(slug(&run.title())),
            };
            let first = beside.map_or_else(|| own.clone(), Path::to_owned);
            let numbered =
                (2..).map(|number| PathBuf::from(format!("{}-{number}", slug(&run.title()))));
            let free =
                [first, own].into_iter().chain(numbered).find(|place| !taken.contains(place));
            let place = free.unwrap_or_default();
            taken.insert(place.clone());
            place.join("report.html")
        })
        .collect()
}

/// A folder name of letters, digits, dots and dashes.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' => slug.push(character),
            _ if !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}

fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".report-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::history::Entry;
    use crate::scenario::report::{fixture, text};

    fn listed(paths: &[PathBuf], folder: &Path) -> Vec<String> {
        paths
            .iter()
            .map(|path| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_page_of_one_run_is_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("out");
        let written = write(&inner, &[fixture::analysis()]).unwrap();
        assert_eq!(
            listed(&written, &inner),
            ["report.html", "junit.xml", "report.json", "summary.md"]
        );
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 4, "a temporary file is left");
        let mode = fs::metadata(inner.join("report.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn the_pages_of_several_runs_are_next_to_their_records() {
        let folder = tempfile::tempdir().unwrap();
        let mut beside = fixture::passed();
        beside.history = folder.path().join("first run/history.jsonl");
        let runs = [beside, fixture::run(), fixture::run()].map(|run| Analysis::new(run, &[]));
        let written = write(folder.path(), &runs).unwrap();
        assert_eq!(
            listed(&written, folder.path())[..3],
            [
                "first run/report.html",
                "self-healing-kubernetes-v1.37.2-2/report.html",
                "self-healing-kubernetes-v1.37.2-2-2/report.html",
            ]
        );
        let summary = fs::read_to_string(folder.path().join("summary.md")).unwrap();
        assert!(summary.contains("](first%20run/report.html)"), "{summary}");
        assert!(written.iter().all(|path| path.is_file()));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        /// A record can be truncated or lack lines.
        #[test]
        fn writes_reports_for_any_part_of_a_record(
            kept in proptest::collection::vec(proptest::bool::weighted(0.7), 200),
        ) {
            let history: Vec<Entry> = fixture::history()
                .into_iter()
                .zip(kept.into_iter().chain(std::iter::repeat(true)))
                .filter_map(|(entry, is_kept)| is_kept.then_some(entry))
                .collect();
            let runs = [Analysis::new(fixture::run(), &history)];
            assert!(text(&runs, true).contains("FAIL"));
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(write(folder.path(), &runs).unwrap().len(), 4);
        }
    }

    #[test]
    fn an_error_names_the_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(file.path(), &[]).unwrap_err();
        assert!(format!("{error:#}").contains("junit.xml"), "{error:#}");
    }
}
