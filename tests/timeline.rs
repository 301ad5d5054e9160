//! The page of a run in a real browser: headless Chromium, driven by chromedriver.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::actions::{
    InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, TouchActions,
};
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use kindrs::scenario::history::Entry;
use kindrs::scenario::outcome::RunReport;
use kindrs::scenario::report::{Analysis, page};
use serde_json::{Value, json};

const MISSING: &str = "this test needs a browser: apt-get install chromium chromium-driver";

/// A process that is killed with its owner, even when a test fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A browser that shows the page of the run in `fixtures`.
struct Browser {
    client: Client,
    _driver: Process,
    _folder: tempfile::TempDir,
}

impl Browser {
    /// Opens a window of a desktop, or the touch screen of a phone.
    async fn open(width: u32, height: u32, is_phone: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.html");
        std::fs::write(&file, fixture_page()).unwrap();

        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{MISSING} (chromedriver: {error})"));
        let mut driver = Process(driver);
        let mut lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.ok()?;
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .unwrap_or_else(|| panic!("chromedriver ended without a port; {MISSING}"));
        // Chromedriver blocks if nothing reads the rest of its output.
        std::thread::spawn(move || lines.for_each(drop));

        let mut options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
            format!("--window-size={width},{height}"),
        ] });
        if is_phone {
            let metrics =
                json!({ "width": width, "height": height, "pixelRatio": 2, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("{MISSING} (chromium: {error})"));
        client.goto(&format!("file://{}", file.display())).await.unwrap();
        let browser = Self { client, _driver: driver, _folder: folder };
        assert_eq!(browser.complaints().await, Vec::<String>::new());
        browser
    }

    async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// The position in the window of an object's bar at a second of the run.
    async fn place(&self, uid: &str, second: f64) -> (f64, f64) {
        let script = format!(
            "const bar = document.querySelector('.bar[data-uid=\"{uid}\"]');
             bar.scrollIntoView({{ block: 'center', behavior: 'instant' }});
             const track = bar.closest('.track').getBoundingClientRect();
             const box = bar.getBoundingClientRect();
             return [track.left + track.width * {second} / 35, box.top + box.height / 2];"
        );
        let place = self.run(&script).await;
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    async fn hover(&self, uid: &str, second: f64) {
        let (x, y) = self.place(uid, second).await;
        let mouse = MouseActions::new("mouse".to_owned()).then(PointerAction::MoveTo {
            duration: Some(Duration::ZERO),
            x,
            y,
        });
        self.client.perform_actions(mouse).await.unwrap();
    }

    async fn press(&self) {
        let mouse = MouseActions::new("mouse".to_owned())
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(mouse).await.unwrap();
    }

    async fn tap(&self, uid: &str, second: f64) {
        let (x, y) = self.place(uid, second).await;
        let finger = TouchActions::new("finger".to_owned())
            .then(PointerAction::MoveTo { duration: Some(Duration::ZERO), x, y })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(finger).await.unwrap();
    }

    async fn key(&self, key: Key) {
        let active = self.client.active_element().await.unwrap();
        active.send_keys(&char::from(key).to_string()).await.unwrap();
    }

    async fn color_scheme(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let parameters = json!({ "features": features });
        let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": parameters });
        self.client.issue_cmd(Post("goog/cdp/execute", body)).await.unwrap();
    }

    /// The browser's log since the page was opened.
    async fn complaints(&self) -> Vec<String> {
        let log =
            self.client.issue_cmd(Post("se/log", json!({ "type": "browser" }))).await.unwrap();
        let lines = log.as_array().unwrap().iter();
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Saves a picture of the whole page or of the window in the folder `KINDRS_SCREENSHOTS`, for
    /// people who work on the page.
    async fn picture(&self, name: &str, is_whole: bool) {
        let Some(folder) = std::env::var_os("KINDRS_SCREENSHOTS") else { return };
        let parameters = json!({ "captureBeyondViewport": is_whole, "format": "png" });
        let body = json!({ "cmd": "Page.captureScreenshot", "params": parameters });
        let picture = self.client.issue_cmd(Post("goog/cdp/execute", body)).await.unwrap();
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            picture["data"].as_str().unwrap(),
        );
        std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), bytes.unwrap()).unwrap();
    }

    async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    /// Kills the browser after a failed assertion: the session is still open, and the browser
    /// outlives its driver.
    fn drop(&mut self) {
        let process = self.client.capabilities().and_then(|known| known.get("goog:processID"));
        let process = process.and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
        if std::thread::panicking()
            && let Some(process) = process.and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

/// A command that only chromedriver has.
#[derive(Debug)]
struct Post(&'static str, Value);

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &reqwest::Url,
        session: Option<&str>,
    ) -> Result<reqwest::Url, <reqwest::Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &reqwest::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.1.to_string()))
    }
}

fn fixture_page() -> String {
    let run: RunReport =
        serde_json::from_str(include_str!("fixtures/lost_node/report.json")).unwrap();
    let history: Vec<Entry> = include_str!("fixtures/lost_node/history.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    page(&Analysis::new(run, &history)).unwrap()
}

#[tokio::test]
async fn shows_everything_and_opens_objects_as_they_were() {
    let browser = Browser::open(1280, 900, false).await;
    for (bars, number) in [
        ("step", 8),
        ("fault", 1),
        ("assertion", 5),
        ("outage", 1),
        ("gap", 2),
        ("Node", 3),
        ("Pod", 6),
        ("Deployment", 1),
        ("ReplicaSet", 1),
    ] {
        assert_eq!(browser.count(&format!(".bar[data-kind={bars}]")).await, number, "{bars}");
    }
    browser.picture("desktop-light", true).await;

    browser.hover("uid-web-5d8c-a", 20.0).await;
    let tooltip = browser.text("#tooltip").await;
    assert!(tooltip.contains("Pod default/web-5d8c-a"), "{tooltip}");
    assert!(tooltip.contains("Running, not ready, on node demo-worker"), "{tooltip}");
    assert!(tooltip.contains("controlled by ReplicaSet web-5d8c"), "{tooltip}");
    assert_eq!(browser.count(".row.related").await, 5, "pods of the same workload");
    browser.picture("desktop-tooltip", false).await;

    browser.press().await;
    let panel = browser.text("#panel").await;
    assert!(panel.contains("5 of 7, changed at 18.100 s"), "{panel}");
    assert!(panel.contains("name: web-5d8c-a") && panel.contains("nodeName: demo-worker"));
    assert!(!panel.contains("DisruptionTarget"), "the panel shows a later moment: {panel}");
    assert!(panel.contains("status.conditions.1.status True → False"), "{panel}");
    browser.picture("desktop-panel", false).await;

    let next = browser.client.find(Locator::XPath("//button[contains(., 'next version')]"));
    next.await.unwrap().click().await.unwrap();
    let panel = browser.text("#panel").await;
    assert!(panel.contains("6 of 7, changed at 24.000 s"), "{panel}");
    assert!(panel.contains("DisruptionTarget"), "{panel}");
    browser.key(Key::Escape).await;
    assert_eq!(browser.count("#panel[hidden]").await, 1);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn works_with_the_keyboard() {
    let browser = Browser::open(1280, 900, false).await;
    let start = "document.querySelector('.bar[data-uid=uid-demo-worker]').focus(); return 1;";
    browser.run(start).await;
    // Only focus by a key shows a focus ring.
    browser.key(Key::Tab).await;
    let focused = browser.run("return document.activeElement.dataset.uid;").await;
    assert_eq!(focused, "uid-web-5d8c-a");
    let tooltip = browser.text("#tooltip").await;
    assert!(tooltip.contains("Pod default/web-5d8c-a\nat 0.640 s"), "{tooltip}");
    for _ in 0..4 {
        browser.key(Key::Right).await;
    }
    let tooltip = browser.text("#tooltip").await;
    assert!(tooltip.contains("at 18.100 s"), "{tooltip}");
    assert!(browser.text("#cursor-time").await.contains("18.100 s · 10:00:18.100 UTC"));
    browser.key(Key::Enter).await;
    let panel = browser.text("#panel").await;
    assert!(panel.contains("5 of 7, changed at 18.100 s"), "{panel}");
    browser.key(Key::Escape).await;
    let focused = browser.run("return document.activeElement.dataset.uid;").await;
    assert_eq!(focused, "uid-web-5d8c-a", "the focus is back where it was");
    browser.close().await;
}

#[tokio::test]
async fn zooms_and_groups_pods() {
    let browser = Browser::open(1280, 900, false).await;
    let axis = browser
        .run(
            "const box = document.getElementById('axis').getBoundingClientRect();
              return [box.left, box.width, box.top + 8];",
        )
        .await;
    let [left, width, y] = [0, 1, 2].map(|place| axis[place].as_f64().unwrap());
    let to = |x: f64| PointerAction::MoveTo { duration: Some(Duration::from_millis(20)), x, y };
    let drag = MouseActions::new("mouse".to_owned())
        .then(to(left + width * 20.0 / 35.0))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(to(left + width * 26.0 / 35.0))
        .then(to(left + width * 30.0 / 35.0))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    browser.client.perform_actions(drag).await.unwrap();
    let ticks = browser
        .run("return [...document.querySelectorAll('.tick')].map((tick) => +tick.textContent);")
        .await;
    let ticks: Vec<f64> = ticks.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(ticks.len() > 5, "{ticks:?}");
    assert!(ticks.iter().all(|tick| (19.5..=30.5).contains(tick)), "{ticks:?}");
    assert_eq!(browser.count(".bar[data-kind=fault][hidden]").await, 0);
    assert_eq!(browser.count(".bar[data-kind=gap][hidden]").await, 2, "they are later");
    browser.picture("desktop-zoomed", true).await;

    browser.client.find(Locator::Id("all")).await.unwrap().click().await.unwrap();
    assert_eq!(browser.count(".bar[data-kind=gap][hidden]").await, 0);
    browser.client.find(Locator::Id("by-workload")).await.unwrap().click().await.unwrap();
    let groups = browser
        .run("return [...document.querySelectorAll('.group')].map((group) => group.textContent);")
        .await;
    assert_eq!(groups, json!(["no workload", "ReplicaSet web-5d8c"]));
    browser.client.find(Locator::Id("system")).await.unwrap().click().await.unwrap();
    assert_eq!(browser.count(".bar[data-kind=Pod]").await, 9);
    browser.picture("desktop-by-workload", true).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

/// Finds elements that are wider than the window, and text with too little contrast.
const FLAWS: &str = r#"
    const width = document.documentElement.clientWidth;
    const flaws = [];
    if (document.documentElement.scrollWidth > width) flaws.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const light = (color) => {
        const parts = color.match(/[\d.]+/g).map(Number).slice(0, 3).map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = getComputedStyle(at).backgroundColor;
            if (/^rgb\(/.test(color)) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    for (const element of document.querySelectorAll('body *')) {
        const box = element.getBoundingClientRect();
        if (box.width === 0 || element.closest('.track, .yaml, script')) continue;
        const name = `${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`;
        if (box.right > width + 1 || box.left < -1) flaws.push(`${name}: from ${box.left} to ${box.right}`);
    }
    for (const element of document.querySelectorAll('p, td, th, dd, dt, li, h1, h2, h3, h4, .badge, .segment, .name, .tick, button')) {
        if (element.getBoundingClientRect().width === 0 || element.disabled || !element.textContent.trim()) continue;
        const [one, other] = [light(getComputedStyle(element).color), light(ground(element))];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) flaws.push(`${element.tagName}.${element.className}: contrast ${contrast.toFixed(1)}`);
    }
    return flaws;
"#;

#[tokio::test]
async fn fits_on_a_phone_in_both_color_schemes() {
    let browser = Browser::open(375, 740, true).await;
    for scheme in ["dark", "light"] {
        browser.color_scheme(scheme).await;
        assert_eq!(browser.run("return window.innerWidth;").await, 375);
        assert_eq!(browser.run(FLAWS).await, json!([]), "{scheme}");
        browser.picture(&format!("phone-{scheme}"), true).await;
        browser.picture(&format!("phone-{scheme}-top"), false).await;
    }
    browser.tap("uid-big", 20.0).await;
    let panel = browser.text("#panel").await;
    assert!(panel.contains("Pod default/big"), "{panel}");
    assert!(panel.contains("PodScheduled"), "{panel}");
    assert_eq!(browser.run(FLAWS).await, json!([]), "with the panel");
    browser.picture("phone-panel", false).await;
    browser.client.find(Locator::Css("#panel .close")).await.unwrap().click().await.unwrap();
    assert_eq!(browser.count("#panel[hidden]").await, 1);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn is_legible_on_a_desktop_in_both_color_schemes() {
    let browser = Browser::open(1280, 900, false).await;
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme).await;
        assert_eq!(browser.run(FLAWS).await, json!([]), "{scheme}");
    }
    browser.picture("desktop-dark", true).await;
    browser.close().await;
}
