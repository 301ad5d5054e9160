use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{program, scenario_page};

/// Where the commands of the pages write their reports.
const REPORTS: &str = "kindrs-report";
/// The largest picture for a repository, in bytes.
const LARGEST_PICTURE: u64 = 200_000;

/// Regenerate output, figures and pictures in docs/scenarios
///
/// Runs the commands of each page, which create a cluster for each scenario. Everything that a person wrote
/// stays. Read the changes before you commit them.
#[derive(clap::Args)]
pub struct Arguments {
    /// Pages, without `.md` [default: all]
    names: Vec<String>,
    /// Browser that takes the pictures
    #[arg(long, value_name = "PROGRAM", env = "CHROMIUM", default_value = "chromium")]
    chromium: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let found = Command::new(&arguments.chromium).arg("--version").stdout(Stdio::null()).status();
    let chromium = arguments.chromium.display();
    found.with_context(|| format!("cannot run the browser {chromium}; install chromium"))?;
    let scratch = tempfile::tempdir()?;
    std::os::unix::fs::symlink(program::kindrs()?, scratch.path().join("kindrs"))?;
    let pages = Pages { scratch, chromium: arguments.chromium.clone() };
    let root = program::root();
    std::fs::create_dir_all(root.join(REPORTS))?;
    let names = if arguments.names.is_empty() { all_names()? } else { arguments.names.clone() };
    for name in &names {
        eprintln!("{name}");
        let file = root.join("docs/scenarios").join(format!("{name}.md"));
        let page = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let new = scenario_page::regenerate(&page, |line| pages.output(line), || figures(name))?;
        pages.take_picture(name)?;
        std::fs::write(&file, new)?;
    }
    Ok(())
}

fn all_names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(program::root().join("docs/scenarios"))? {
        let name = entry?.file_name();
        names.extend(name.to_string_lossy().strip_suffix(".md").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn figures(name: &str) -> Result<String> {
    let summary = std::fs::read_to_string(program::root().join(REPORTS).join("summary.md"))?;
    let figures = scenario_page::figures(&summary, name);
    ensure!(!figures.is_empty(), "the summary has no figures of {name}");
    Ok(figures)
}

struct Pages {
    /// Has `kindrs`, which the commands find through PATH.
    scratch: TempDir,
    chromium: PathBuf,
}

impl Pages {
    /// Runs a command of a page; returns its shortened output. Of stderr, only the error belongs to it.
    fn output(&self, line: &str) -> Result<String> {
        let mut path = OsString::from(self.scratch.path());
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let ran = Command::new("bash")
            .args(["-c", line])
            .current_dir(program::root())
            .env("PATH", path)
            .stdin(Stdio::null())
            .output()
            .context("cannot run bash")?;
        let stderr = String::from_utf8_lossy(&ran.stderr);
        // A failed assertion is what a page can show; without a report the command itself failed.
        ensure!(ran.status.success() || !ran.stdout.is_empty(), "`{line}` failed:\n{stderr}");
        let mut text = scenario_page::shorten(line, &String::from_utf8_lossy(&ran.stdout));
        for error in stderr.lines().filter(|line| line.starts_with("error:")) {
            text += &format!("{error}\n");
        }
        Ok(text)
    }

    /// Takes a picture of the timeline of a run. The page permits only its own styles and scripts, so that
    /// the picture shows a changed copy.
    fn take_picture(&self, name: &str) -> Result<()> {
        let report = program::root().join(REPORTS).join(name).join("report.html");
        let page = std::fs::read_to_string(report)?;
        let policy = "http-equiv=\"Content-Security-Policy\"";
        let lines = page.lines().filter(|line| !line.contains(policy));
        let copy: String = lines.flat_map(|line| [line, "\n"]).collect();
        let file = self.scratch.path().join("page.html");
        std::fs::write(&file, copy + TIMELINE_ONLY)?;

        let dom = self.browse(&file, 900, "--dump-dom")?;
        let height = dom.split_once("<title>height ").and_then(|(_, rest)| rest.split('<').next());
        let height = height.and_then(|height| height.parse().ok());
        let height = height.with_context(|| format!("cannot measure the timeline of {name}"))?;
        let picture = self.scratch.path().join("picture.png");
        self.browse(&file, height, &format!("--screenshot={}", picture.display()))?;
        let size = picture.metadata()?.len();
        let limit = LARGEST_PICTURE;
        ensure!(size <= limit, "the picture of {name} has {size} bytes; the limit is {limit}");
        let target = program::root().join("docs/scenarios").join(format!("{name}.png"));
        std::fs::copy(picture, target)?;
        Ok(())
    }

    fn browse(&self, file: &Path, height: u32, action: &str) -> Result<String> {
        let ran = Command::new(&self.chromium)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", self.scratch.path().join("browser").display()))
            .arg(format!("--window-size=1280,{height}"))
            .arg(action)
            .arg(format!("file://{}", file.display()))
            .output()
            .context("cannot run the browser")?;
        let stderr = String::from_utf8_lossy(&ran.stderr);
        ensure!(ran.status.success(), "the browser failed: {stderr}");
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    }
}

/// Hides everything but the timeline, and writes its height into the title.
const TIMELINE_ONLY: &str = "
<style>
header, footer, main > section:not(#timeline), .skip, .tools, .hint, #notes { display: none !important }
section { margin: .4rem 0 }
</style>
<script>
document.title = `height ${Math.ceil(document.getElementById('timeline').getBoundingClientRect().bottom) + 8}`;
</script>
";
