use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn access(cluster: &str) -> Access {
    Access {
        cluster: cluster.to_owned(),
        server: "https://127.0.0.1:41235".to_owned(),
        ca_pem: "ca".to_owned(),
        client_cert_pem: "cert".to_owned(),
        client_key_pem: "key".to_owned(),
    }
}

fn only(path: &Path) -> Files {
    Files { paths: vec![path.to_owned()], patience: Duration::ZERO }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn chooses_files_like_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let list = std::env::join_paths([at("a"), at("b"), at("a"), at("c")]).unwrap();
    let home = at("home");

    let files = Files::choose(Some(&at("x")), &list, Some(&home));
    assert_eq!(files.paths, [at("x")]);
    let files = Files::choose(None, OsStr::new(""), Some(&home));
    assert_eq!(files.paths, [home.join(".kube/config")]);
    let files = Files::choose(None, OsStr::new("::"), Some(&home));
    assert_eq!(files.paths, [home.join(".kube/config")]);

    let files = Files::choose(None, &list, Some(&home));
    assert_eq!(files.paths, [at("a"), at("b"), at("c")]);
    assert_eq!(files.target().unwrap(), at("c"));
    fs::write(at("b"), "").unwrap();
    assert_eq!(files.target().unwrap(), at("b"));

    let nowhere = Files::choose(None, OsStr::new(""), None);
    assert!(matches!(nowhere.target(), Err(Failure::Input { .. })));
    assert_eq!(nowhere.remove_cluster("dev").unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn a_new_file_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home/.kube/config");
    let files = only(&path);
    files.check().unwrap();
    assert_eq!(files.add(&access("dev")).unwrap(), path);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(names(path.parent().unwrap()), ["config"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), document::render(&access("dev")));
}

#[test]
fn an_existing_file_keeps_its_mode_and_other_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let before = document::render(&access("other"));
    fs::write(&path, &before).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    only(&path).add(&access("dev")).unwrap();
    assert_eq!(mode(&path), 0o640);
    assert!(fs::read_to_string(&path).unwrap().contains("kindrs-other"));
    assert_eq!(only(&path).remove_cluster("dev").unwrap(), vec![path.clone()]);
    assert_eq!(mode(&path), 0o640);
    assert_eq!(only(&path).remove_cluster("dev").unwrap(), Vec::<PathBuf>::new());
    let left = fs::read_to_string(&path).unwrap();
    assert!(left.contains("kindrs-other") && !left.contains("kindrs-dev"), "{left}");
}

#[test]
fn keeps_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    let link = folder.path().join("link");
    symlink("real", &link).unwrap();
    for _ in 0..2 {
        only(&link).add(&access("dev")).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("real"));
        assert!(fs::symlink_metadata(&real).unwrap().is_file());
        assert_eq!(names(folder.path()), ["link", "real"]);
    }
}

#[test]
fn never_changes_a_corrupt_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    for corrupt in
        [&b"clusters: [\nkindrs-dev"[..], b"kindrs-dev: \xff\n", b"kind: Pod # kindrs-dev\n"]
    {
        fs::write(&path, corrupt).unwrap();
        let files = only(&path);
        for failure in [
            files.check().unwrap_err(),
            files.add(&access("dev")).unwrap_err(),
            files.remove_cluster("dev").unwrap_err(),
        ] {
            assert!(matches!(failure, Failure::Input { .. }), "{failure}");
            assert!(failure.to_string().contains("config is not a kubeconfig"), "{failure}");
        }
        assert_eq!(fs::read(&path).unwrap(), corrupt);
        assert_eq!(files.remove_cluster("elsewhere").unwrap(), Vec::<PathBuf>::new());
        assert_eq!(names(folder.path()), ["config"]);
    }
}

#[test]
fn reports_a_syntax_error_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, "apiVersion: v1\nclusters: {\n- a\n").unwrap();
    let message = only(&path).add(&access("dev")).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("{} is not a kubeconfig: line ", path.display())),
        "{message}"
    );
}

#[test]
fn removes_from_every_file_even_if_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["a", "b", "c", "missing/d"].map(|n| folder.path().join(n)).into();
    fs::write(&paths[0], document::render(&access("dev"))).unwrap();
    fs::write(&paths[1], "kindrs-dev: [").unwrap();
    fs::write(&paths[2], document::render(&access("dev"))).unwrap();
    let files = Files { paths: paths.clone(), patience: Duration::ZERO };
    assert!(
        files.remove_cluster("dev").unwrap_err().to_string().contains("/b is not a kubeconfig")
    );
    for path in [&paths[0], &paths[2]] {
        assert!(!fs::read_to_string(path).unwrap().contains("kindrs-dev"));
    }
    assert_eq!(names(folder.path()), ["a", "b", "c"]);
}

#[test]
fn removes_the_leftovers_of_a_killed_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let leave = || {
        fs::write(folder.path().join(".config.kindrs-Xy12"), "half").unwrap();
        fs::write(folder.path().join(".config.lock.kindrs-Xy12"), "kindrs 1\n").unwrap();
        fs::write(folder.path().join("config.lock"), "kindrs 1\n").unwrap();
    };
    leave();
    assert_eq!(only(&path).remove_cluster("dev").unwrap(), Vec::<PathBuf>::new());
    assert_eq!(names(folder.path()), Vec::<String>::new());
    leave();
    only(&path).add(&access("dev")).unwrap();
    assert_eq!(names(folder.path()), ["config"]);
}

#[test]
fn the_lock_of_another_tool_stops_only_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(folder.path().join("config.lock"), "").unwrap();
    let failure = only(&path).add(&access("dev")).unwrap_err();
    assert!(matches!(failure, Failure::Environment { .. }), "{failure}");
    assert!(failure.hint().unwrap().contains("rm "), "{failure:?}");
    assert!(!path.exists());
    assert_eq!(only(&path).remove_cluster("dev").unwrap(), Vec::<PathBuf>::new());
    assert_eq!(names(folder.path()), ["config.lock"]);
}

#[test]
fn does_not_replace_a_directory_or_device() {
    let folder = tempfile::tempdir().unwrap();
    let files = only(folder.path());
    assert!(matches!(files.check(), Err(Failure::Input { .. })));
    assert!(matches!(files.add(&access("dev")), Err(Failure::Input { .. })));
    assert_eq!(files.remove_cluster("dev").unwrap(), Vec::<PathBuf>::new());

    let null = Files { paths: vec![PathBuf::from("/dev/null")], patience: Duration::ZERO };
    null.check().unwrap();
    null.add(&access("dev")).unwrap();
    null.remove_cluster("dev").unwrap();
    assert!(is_special(Path::new("/dev/null")));
}

#[test]
fn concurrent_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let files = Files { paths: vec![path.clone()], patience: Duration::from_secs(60) };
    std::thread::scope(|scope| {
        for number in 0..6 {
            let files = &files;
            scope.spawn(move || files.add(&access(&format!("dev{number}"))).unwrap());
        }
    });
    let text = fs::read_to_string(&path).unwrap();
    for number in 0..6 {
        assert!(text.contains(&format!("name: kindrs-dev{number}\n")), "{text}");
    }
    assert_eq!(names(folder.path()), ["config"]);
}
