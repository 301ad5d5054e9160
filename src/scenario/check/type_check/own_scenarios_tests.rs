//! The scenarios of this repository have no mistakes.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Map;

use super::*;
use crate::scenario::judge::Program;
use crate::scenario::language::{Action, Scenario};
use crate::scenario::read::{Variant, load, manifests};

fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/scenarios");
    let folders = [root.clone(), root.join("failing")];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn mistakes(variant: &Variant, folder: &Path) -> Vec<String> {
    let variables = variant.variables.clone();
    let scenario = Scenario { variables, ..variant.scenario.clone() };
    let mut mistakes: Vec<String> = scenario_mistakes(&scenario)
        .into_iter()
        .map(|invalid| format!("{}: {} {:?}", invalid.path, invalid.message, invalid.suggestion))
        .collect();
    if let Err(invalid) = Program::compile(&scenario) {
        mistakes.extend(invalid.iter().map(|invalid| format!("{invalid:?}")));
    }
    for step in scenario.all_steps() {
        match &step.action {
            Action::Apply(apply) | Action::Create(apply) => {
                let objects = manifests(apply, folder, &scenario.variables).unwrap();
                let wrong = objects.iter().flat_map(object_mistakes);
                mistakes.extend(wrong.map(|mistake| mistake.to_string()));
            }
            Action::Inject(inject) => {
                if let Err(refusal) = inject.request().check() {
                    mistakes.push(format!("{refusal:?}"));
                }
            }
            _ => {}
        }
    }
    mistakes
}

#[test]
fn accepts_the_scenarios_of_this_repository() {
    let files = scenarios();
    assert!(files.len() >= 13, "{files:?}");
    for path in files {
        let name = path.display().to_string();
        let folder = path.parent().unwrap();
        let file = load(&name, folder, &fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let variants =
            file.variants(&Map::new(), "example").unwrap_or_else(|problems| panic!("{problems}"));
        for variant in variants {
            assert_eq!(mistakes(&variant, folder), Vec::<String>::new(), "{name}");
        }
    }
}
