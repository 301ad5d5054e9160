use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::data::Data;
use super::limit::{LARGEST, fitted};
use super::sections;
use crate::scenario::history::Entry;
use crate::scenario::outcome::RunReport;
use crate::scenario::report::text::verdict_word;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("page.css"), include_str!("timeline.css"));
/// One scope for all files: none of them leaves a name behind.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("record.js"),
    include_str!("yaml.js"),
    include_str!("view.js"),
    include_str!("rows.js"),
    include_str!("lanes.js"),
    include_str!("tooltip.js"),
    include_str!("panel.js"),
    include_str!("start.js"),
    "})();\n"
);

/// A run as one HTML page: its verdict, a timeline of all that happened, why something did not pass,
/// figures and steps.
///
/// # Errors
/// None that is known of: all keys of what is embedded are texts.
pub fn page(run: &RunReport, history: &[Entry]) -> serde_json::Result<String> {
    let data = fitted(Data::of(run, history), LARGEST)?;
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    let name = format!("{}: {}", verdict_word(run.verdict), run.title());
    Ok(filled(
        TEMPLATE,
        &[
            ("policy", &policy),
            ("title", &sections::escaped(&name)),
            ("style", STYLE),
            ("header", &sections::header(run)),
            ("failures", &sections::failures(run, history)),
            ("assertions", &sections::assertions(run)),
            ("figures", &sections::measured(run, history)),
            ("steps", &sections::steps(run)),
            ("version", env!("CARGO_PKG_VERSION")),
            ("data", &embeddable(&data)),
            ("script", SCRIPT),
        ],
    ))
}

/// JSON that ends no element of the page, whatever its texts have.
fn embeddable(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn digest(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// The template with its `{{name}}` replaced, in one pass: what is put in is not looked at.
fn filled(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map(|(_, value)| *value).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::report::fixture;

    #[test]
    fn no_text_ends_the_data_or_an_element() {
        let mut run = fixture::run();
        run.steps[0].name = "</script><script>alert(1)</script>{{title}}".to_owned();
        run.steps[0].detail = "\"quoted\" & 'quoted'".to_owned();
        let page = page(&run, &fixture::history()).unwrap();
        assert_eq!(page.matches("</script>").count(), 2);
        assert_eq!(page.matches("<script").count(), 2);
        assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{title}}"));
        assert!(page.contains("&quot;quoted&quot; &amp; &#39;quoted&#39;"));
    }

    #[test]
    fn the_page_asks_nothing_of_others() {
        let page = page(&fixture::run(), &fixture::history()).unwrap();
        for outside in ["http://", "https://", " src=", "<link", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'"));
        // A policy by digests takes no attribute that is style or script.
        for inline in [" style=\"", " onclick", "javascript:"] {
            assert!(!page.contains(inline), "{inline}");
        }
        assert!(!page.contains("{{"), "a place of the template is not filled");
    }

    #[test]
    fn what_needs_no_script_is_there_without_it() {
        let page = page(&fixture::run(), &fixture::history()).unwrap();
        let start = page.find("<header>").unwrap();
        let end = page.find("<script").unwrap();
        insta::assert_snapshot!(page[start..end].replace("><", ">\n<"));
    }

    #[test]
    fn the_timelines_data_has_all_that_is_drawn() {
        let data = Data::of(&fixture::run(), &fixture::history());
        let mut data = serde_json::to_value(&data).unwrap();
        for object in data["objects"].as_array_mut().unwrap() {
            for version in object["versions"].as_array_mut().unwrap() {
                version.as_object_mut().unwrap().shift_remove("delta");
            }
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&data).unwrap());
    }
}
