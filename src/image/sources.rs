//! The host's apt sources, in both formats, converted to sources of trixie.

use std::fmt::Write as _;
use std::path::Path;

/// The Debian release of node images.
pub(super) const SUITE: &str = "trixie";
const DEBIAN_KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const DEBIAN_MIRROR: &str = "http://deb.debian.org/debian";
/// Names of Debian's own suites, one of which the host can use.
const DEBIAN_SUITES: [&str; 12] = [
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "unstable",
    "testing",
    "stable",
    "oldstable",
    "oldoldstable",
];

/// Sources of binary packages: each address with each suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    /// Options such as `key=value`, as in the brackets of the one-line format.
    options: Vec<String>,
}

/// The sources for bootstrapping, in apt's one-line format: the host's sources of Debian itself with
/// another suite, otherwise Debian's main mirror.
pub(super) fn for_bootstrap(host: &[Source]) -> String {
    let mut lines = String::new();
    for source in host {
        for suite in &source.suites {
            let Some(suite) = trixie_suite(source, suite) else { continue };
            for uri in &source.uris {
                line(&mut lines, uri, &suite, source);
            }
        }
    }
    if lines.is_empty() {
        let main = Source {
            components: vec!["main".to_owned()],
            options: vec![format!("signed-by={DEBIAN_KEYRING}")],
            ..Default::default()
        };
        line(&mut lines, DEBIAN_MIRROR, SUITE, &main);
    }
    lines
}

fn line(lines: &mut String, uri: &str, suite: &str, source: &Source) {
    let options = match source.options.as_slice() {
        [] => String::new(),
        options => format!("[{}] ", options.join(" ")),
    };
    let text = format!("deb {options}{uri} {suite} {}\n", source.components.join(" "));
    if !lines.contains(&text) {
        let _ = write!(lines, "{text}");
    }
}

/// The suite of trixie for a suite of the host; `None` if the source is not one of Debian itself.
fn trixie_suite(source: &Source, suite: &str) -> Option<String> {
    let foreign_key = source
        .options
        .iter()
        .any(|option| option.starts_with("signed-by=") && !option.contains("debian-archive"));
    if foreign_key || !source.components.iter().any(|component| component == "main") {
        return None;
    }
    let end = suite.find(['-', '/']).unwrap_or(suite.len());
    let (release, rest) = suite.split_at(end);
    let known = DEBIAN_SUITES.contains(&release)
        && matches!(rest, "" | "-updates" | "-security" | "/updates");
    // The security suite had another name before bullseye.
    let rest = if rest == "/updates" { "-security" } else { rest };
    known.then(|| format!("{SUITE}{rest}"))
}

/// Reads the host's `/etc/apt`. Ignores files that it cannot read.
pub(super) fn of_host(etc_apt: &Path) -> Vec<Source> {
    let mut sources = std::fs::read_to_string(etc_apt.join("sources.list"))
        .map(|text| parse_lines(&text))
        .unwrap_or_default();
    let mut paths: Vec<_> = std::fs::read_dir(etc_apt.join("sources.list.d"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(parse_lines(&text)),
            Some("sources") => sources.extend(parse_stanzas(&text)),
            _ => {}
        }
    }
    sources
}

/// Reads the one-line format. Ignores invalid lines and sources of source code.
pub(super) fn parse_lines(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let mut options = Vec::new();
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (inside, after) = bracketed.split_once(']')?;
        options = inside.split_whitespace().map(str::to_owned).collect();
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uris: vec![words.next()?],
        suites: vec![words.next()?],
        components: words.collect(),
        options: keep_options(options),
    })
}

/// Reads the deb822 format. Ignores disabled and incomplete stanzas.
pub(super) fn parse_stanzas(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(stanza(&fields));
            fields.clear();
        } else if line.starts_with(char::is_whitespace) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    sources
}

fn stanza(fields: &[(String, String)]) -> Option<Source> {
    let field = |name: &str| {
        let value = fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        value.unwrap_or_default()
    };
    let words =
        |name: &str| -> Vec<String> { field(name).split_whitespace().map(str::to_owned).collect() };
    let enabled = !matches!(field("enabled").to_ascii_lowercase().as_str(), "no" | "false");
    if !enabled || !words("types").iter().any(|kind| kind == "deb") {
        return None;
    }
    let mut options = Vec::new();
    // The one-line format cannot contain an embedded key.
    let signed_by = field("signed-by");
    if !signed_by.is_empty() && !signed_by.contains('\n') {
        options.push(format!("signed-by={signed_by}"));
    } else if signed_by.contains('\n') {
        options.push("signed-by=embedded".to_owned());
    }
    if field("trusted").eq_ignore_ascii_case("yes") {
        options.push("trusted=yes".to_owned());
    }
    let source = Source {
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        options,
    };
    let complete = !source.uris.is_empty() && !source.suites.is_empty();
    complete.then_some(source)
}

/// Keeps the options for downloading packages. An architecture would exclude that of the nodes.
fn keep_options(options: Vec<String>) -> Vec<String> {
    let kept = |option: &String| option.starts_with("signed-by=") || option == "trusted=yes";
    options.into_iter().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DEB822: &str = "\
Types: deb deb-src
# A comment inside.
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://deb.nodesource.com/node_20.x
Suites: nodistro
Components: main
Signed-By: /usr/share/keyrings/nodesource.gpg

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
";

    #[test]
    fn converts_stanzas_of_debian() {
        insta::assert_snapshot!(for_bootstrap(&parse_stanzas(DEB822)), @"
        deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main contrib
        deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie-updates main contrib
        deb http://deb.debian.org/debian-security trixie-security main
        deb http://mirror.example/security trixie-security main
        ");
    }

    #[test]
    fn converts_lines_of_debian() {
        let text = "\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 trusted=yes] http://mirror.example/debian bullseye main non-free # a remark
deb\thttp://security.debian.org/debian-security buster/updates main
deb http://mirror.example/debian bullseye main non-free
deb-src http://mirror.example/debian bullseye main
deb https://download.docker.com/linux/debian bookworm stable
deb [signed-by=/etc/apt/keyrings/x.gpg] https://x.example/debian bookworm main
deb http://apt.postgresql.org/pub/repos/apt bookworm-pgdg main
deb [broken
deb
";
        insta::assert_snapshot!(for_bootstrap(&parse_lines(text)), @"
        deb [trusted=yes] http://mirror.example/debian trixie main non-free
        deb http://security.debian.org/debian-security trixie-security main
        deb http://mirror.example/debian trixie main non-free
        ");
    }

    #[test]
    fn another_distribution_uses_the_mirror_of_debian() {
        let ubuntu = parse_stanzas(
            "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\nSuites: noble noble-updates\n\
             Components: main universe\nSigned-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n",
        );
        assert_eq!(ubuntu.len(), 1);
        insta::assert_snapshot!(for_bootstrap(&ubuntu), @"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main");
    }

    #[test]
    fn reads_the_files_of_a_host_in_order() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("sources.list", "deb http://a.example/debian bookworm main\n");
        write("sources.list.d/z.list", "deb http://c.example/debian bookworm main\n");
        write(
            "sources.list.d/b.sources",
            "Types: deb\nURIs: http://b.example/debian\nSuites: sid\nComponents: main\n",
        );
        write("sources.list.d/old.list.save", "deb http://d.example/debian bookworm main\n");
        insta::assert_snapshot!(for_bootstrap(&of_host(folder.path())), @"
        deb http://a.example/debian trixie main
        deb http://b.example/debian trixie main
        deb http://c.example/debian trixie main
        ");
        assert_eq!(of_host(Path::new("/nonexistent")), []);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(.|\\n)*") {
            let _ = parse_lines(&text);
            let _ = parse_stanzas(&text);
        }
    }
}
