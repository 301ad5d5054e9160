//! Properties of any text.

use proptest::prelude::*;

use super::load_tests::{EVERYTHING, HEADER};
use super::{Role, load, node_names, validate, validate_cluster_name};

/// Loads a text. Problems must have positions in the text, and a cluster must be valid.
fn check_any(text: &str) -> Result<(), TestCaseError> {
    match load("any", text) {
        Ok(cluster) => prop_assert_eq!(validate(&cluster), Ok(())),
        Err(problems) => {
            prop_assert!(!problems.problems.is_empty());
            let lines = text.lines().count().max(1);
            for problem in &problems.problems {
                prop_assert!((1..=lines).contains(&problem.line), "{} of {}", problem, lines);
                prop_assert!(problem.column >= 1);
                prop_assert!(!problem.message.contains('\n'), "{}", problem);
            }
            prop_assert_eq!(problems.to_string().lines().count(), problems.problems.len());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_loads_or_has_placed_problems(text in any::<String>()) {
        check_any(&text)?;
    }

    #[test]
    fn any_yaml_characters_load_or_have_placed_problems(
        text in r#"[-a-c:\[\]{},&*!|>'"%@`#?~<\\ \t\r\n0-9\u{e9}]{0,60}"#,
    ) {
        check_any(&text)?;
        check_any(&format!("{HEADER}{text}"))?;
    }

    #[test]
    fn a_changed_document_loads_or_has_placed_problems(
        start in 0..EVERYTHING.len(),
        length in 0_usize..40,
        replacement in r##"([-a-z:\[\]{},&*!|>'"#~<\\ \n0-9]{0,6}|- |: |\n  |null|~|\*worker|&labels |99999)"##,
    ) {
        let end = (start + length).min(EVERYTHING.len());
        check_any(&format!("{}{replacement}{}", &EVERYTHING[..start], &EVERYTHING[end..]))?;
    }

    #[test]
    fn any_name_that_passes_makes_host_names(name in "[-a-z0-9.]{1,60}") {
        if validate_cluster_name(&name).is_ok() {
            let node = &node_names(&name, &[Role::ControlPlane])[0];
            prop_assert!(node.len() <= 63);
            prop_assert!(node.split('.').all(|p| !p.is_empty() && !p.starts_with('-')));
        }
    }
}
