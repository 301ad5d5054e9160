//! Writing the files of reports.

use std::collections::HashSet;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{json, junit, markdown, page};
use crate::scenario::history::Entry;
use crate::scenario::outcome::RunReport;

/// Files that were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// All of them: first each run's page, in the runs' order, then those for all runs.
    pub paths: Vec<PathBuf>,
}

/// Writes all reports of some runs into a folder, which is made where it is not there: `junit.xml`,
/// `report.json` and `summary.md` for all, and for each run a page, `report.html`. The page lies beside
/// the run's record where that is in the folder; else in the folder itself, or for one of several runs
/// in a folder of its own there. A file is there whole or not at all.
///
/// # Errors
/// What the file system says, with the path.
pub fn write(folder: &Path, runs: &[(RunReport, Vec<Entry>)]) -> anyhow::Result<Written> {
    let mut paths = Vec::new();
    let mut links = Vec::new();
    for ((run, history), place) in runs.iter().zip(places(folder, runs)) {
        let path = folder.join(&place);
        put(&path, &page(run, history)?)?;
        links.push(place.to_string_lossy().into_owned());
        paths.push(path);
    }
    for (name, text) in [
        ("junit.xml", junit(runs)?),
        ("report.json", json(runs)?),
        ("summary.md", markdown(runs, &links)),
    ] {
        let path = folder.join(name);
        put(&path, &text)?;
        paths.push(path);
    }
    Ok(Written { paths })
}

/// Where in the folder each run's page goes: no two at the same place.
fn places(folder: &Path, runs: &[(RunReport, Vec<Entry>)]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    runs.iter()
        .map(|(run, _)| {
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

/// A name for a folder: letters, digits, dots and dashes.
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

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
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
    use crate::scenario::report::fixture;

    fn listed(written: &Written, folder: &Path) -> Vec<String> {
        let paths = written.paths.iter();
        paths
            .map(|path| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn one_run_has_its_page_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("out");
        let written = write(&inner, &[(fixture::run(), fixture::history())]).unwrap();
        assert_eq!(
            listed(&written, &inner),
            ["report.html", "junit.xml", "report.json", "summary.md"]
        );
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 4, "a temporary file is left");
        let mode = fs::metadata(inner.join("report.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn several_runs_have_a_page_each_beside_their_records() {
        let folder = tempfile::tempdir().unwrap();
        let mut beside = fixture::passed();
        beside.history = folder.path().join("first run/history.jsonl");
        let runs = [beside, fixture::run(), fixture::run()].map(|run| (run, fixture::history()));
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
        assert!(written.paths.iter().all(|path| path.is_file()));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        /// A record may be cut off, or lack lines, at any place.
        #[test]
        fn any_part_of_a_record_has_reports(
            kept in proptest::collection::vec(proptest::bool::weighted(0.7), 200),
        ) {
            let history: Vec<Entry> = fixture::history()
                .into_iter()
                .zip(kept.into_iter().chain(std::iter::repeat(true)))
                .filter_map(|(entry, is_kept)| is_kept.then_some(entry))
                .collect();
            assert!(super::super::render(&fixture::run(), &history, true).contains("FAIL"));
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(write(folder.path(), &[(fixture::run(), history)]).unwrap().paths.len(), 4);
        }
    }

    #[test]
    fn what_cannot_be_written_names_its_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(file.path(), &[]).unwrap_err();
        assert!(format!("{error:#}").contains("junit.xml"), "{error:#}");
    }
}
