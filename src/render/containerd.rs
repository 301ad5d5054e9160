use crate::failure::Failure;

/// Merges the user's patches (TOML documents) into containerd's configuration, in order: merges
/// tables and replaces everything else.
///
/// # Errors
/// [`Failure::Input`] when a patch is not TOML, [`Failure::Environment`] when the configuration of
/// the image is not.
pub fn patch_containerd(config: &str, patches: &[String]) -> Result<String, Failure> {
    let mut merged: toml::Table = config.parse().map_err(|error| {
        Failure::environment(format!("/etc/containerd/config.toml of the node image: {error}"))
    })?;
    for (index, patch) in patches.iter().enumerate() {
        let patch: toml::Table = patch.parse().map_err(|error| {
            Failure::input(format!("containerdConfigPatches[{index}] is not TOML: {error}"))
        })?;
        merge(&mut merged, patch);
    }
    toml::to_string_pretty(&merged)
        .map_err(|error| Failure::environment(format!("containerd's configuration: {error}")))
}

fn merge(target: &mut toml::Table, patch: toml::Table) {
    for (key, value) in patch {
        match (target.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(patch)) => merge(inner, patch),
            (_, value) => {
                target.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_tables_and_replaces_the_rest() {
        let config = "version = 3\n[plugins.\"io.x\".registry]\nconfig_path = \"/a\"\nlist = [1]\n";
        let patch = "[plugins.\"io.x\".registry]\nlist = [2, 3]\n[debug]\nlevel = \"debug\"\n";
        insta::assert_snapshot!(patch_containerd(config, &[patch.to_owned()]).unwrap(), @r#"
        version = 3

        [debug]
        level = "debug"

        [plugins."io.x".registry]
        config_path = "/a"
        list = [
            2,
            3,
        ]
        "#);
    }

    #[test]
    fn names_a_patch_that_is_not_toml() {
        let error = patch_containerd("", &[String::new(), "a = = 1".to_owned()]).unwrap_err();
        assert!(error.to_string().starts_with("containerdConfigPatches[1] is not TOML"), "{error}");
    }
}
