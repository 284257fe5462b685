//! What pages are made of: their texts in three languages and three small files. All of it is built in; a file in the
//! data directory overrides its namesake (`translations/fr.toml`, `portal/style.css`).

use super::branding::{self, Branding};
use super::reader::Problems;
use super::source::read_text;
use crate::base::digest::{base64url, sha256};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;

/// A file as it is built in. The data directory, which has the shape of `data/`, may hold another in its place.
macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

/// The tag of the language (RFC 5646) and its files. The first is what others fall back to.
const LANGUAGES: [(&str, [(&str, &str); 10]); 3] = [
    (
        "en",
        [
            file!("data/translations/en.toml"),
            file!("data/translations/en_portal.toml"),
            file!("data/translations/en_developer.toml"),
            file!("data/translations/en_organization.toml"),
            file!("data/translations/en_tokens.toml"),
            file!("data/translations/en_administration.toml"),
            file!("data/translations/en_documentation.toml"),
            file!("data/translations/en_webhooks.toml"),
            file!("data/translations/en_api.toml"),
            file!("data/translations/en_sandbox.toml"),
        ],
    ),
    (
        "fr",
        [
            file!("data/translations/fr.toml"),
            file!("data/translations/fr_portal.toml"),
            file!("data/translations/fr_developer.toml"),
            file!("data/translations/fr_organization.toml"),
            file!("data/translations/fr_tokens.toml"),
            file!("data/translations/fr_administration.toml"),
            file!("data/translations/fr_documentation.toml"),
            file!("data/translations/fr_webhooks.toml"),
            file!("data/translations/fr_api.toml"),
            file!("data/translations/fr_sandbox.toml"),
        ],
    ),
    (
        "sl",
        [
            file!("data/translations/sl.toml"),
            file!("data/translations/sl_portal.toml"),
            file!("data/translations/sl_developer.toml"),
            file!("data/translations/sl_organization.toml"),
            file!("data/translations/sl_tokens.toml"),
            file!("data/translations/sl_administration.toml"),
            file!("data/translations/sl_documentation.toml"),
            file!("data/translations/sl_webhooks.toml"),
            file!("data/translations/sl_api.toml"),
            file!("data/translations/sl_sandbox.toml"),
        ],
    ),
];

/// The tags of the languages there are.
pub(super) fn languages() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|(language, ..)| *language)
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pages {
    languages: Vec<Texts>,
    pub stylesheet: Asset,
    /// The operator's own; there is none built in.
    pub logo: Option<Asset>,
    /// Submits the form of a page by itself (OAuth 2.0 Form Post Response Mode).
    pub submit: Asset,
    /// Says beside the field of redirect URIs which rule one breaks, while it is typed.
    pub redirect_uris: Asset,
}

/// A file that pages load. Its name changes with its content, so it may be kept for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    pub name: String,
    pub content_type: &'static str,
    pub content: Bytes,
}

/// The texts of one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Texts {
    pub language: &'static str,
    texts: BTreeMap<String, String>,
}

impl Pages {
    pub(super) fn load(data_dir: &Path, branding: &Branding, problems: &Problems) -> Self {
        let file = |name: &str, built_in: &str| match read_text(&data_dir.join(name)) {
            Ok(text) => text.unwrap_or_else(|| built_in.to_owned()),
            Err(why) => {
                problems.add(why);
                built_in.to_owned()
            }
        };
        let languages = LANGUAGES.map(|(language, files)| {
            let mut texts = Texts::built_in(language, files.map(|(_, built_in)| built_in));
            for (name, _) in files {
                let own = data_dir.join(name.trim_start_matches("data/"));
                match read_text(&own) {
                    Ok(None) => {}
                    Ok(Some(text)) => texts.overridden(&own.display().to_string(), &text, problems),
                    Err(why) => problems.add(why),
                }
            }
            texts
        });
        let mut style = file("portal/style.css", include_str!("../../data/portal/style.css"));
        if let Some(accent) = branding.accent {
            style.push_str(&accent.rules());
        }
        let script = |stem, text: String| Asset::new(stem, "js", "text/javascript; charset=utf-8", text.into());
        let submit = file("portal/submit.js", include_str!("../../data/portal/submit.js"));
        let redirect_uris = file(
            "portal/redirect_uris.js",
            include_str!("../../data/portal/redirect_uris.js"),
        );
        Self {
            languages: languages.into(),
            stylesheet: Asset::new("style", "css", "text/css; charset=utf-8", style.into()),
            logo: branding::logo(data_dir, problems),
            submit: script("submit", submit),
            redirect_uris: script("redirect-uris", redirect_uris),
        }
    }

    /// The language of the first tag there is one for; a tag's region and script make no difference.
    pub fn texts<'t>(&self, wanted: impl IntoIterator<Item = &'t str>) -> &Texts {
        let known = |tag: &str| {
            let language = tag.split(['-', '_']).next().unwrap_or_default();
            let mut languages = self.languages.iter();
            languages.find(|texts| texts.language.eq_ignore_ascii_case(language))
        };
        let mut wanted = wanted.into_iter();
        wanted.find_map(known).unwrap_or(&self.languages[0])
    }

    /// Every language there is.
    pub fn languages(&self) -> impl Iterator<Item = &Texts> {
        self.languages.iter()
    }

    pub fn asset(&self, name: &str) -> Option<&Asset> {
        [&self.stylesheet, &self.submit, &self.redirect_uris]
            .into_iter()
            .chain(&self.logo)
            .find(|asset| asset.name == name)
    }
}

impl Asset {
    pub(super) fn new(stem: &str, extension: &str, content_type: &'static str, content: Bytes) -> Self {
        let digest = base64url(&sha256(&content)[..12]);
        Self {
            name: format!("{stem}-{digest}.{extension}"),
            content_type,
            content,
        }
    }
}

impl Texts {
    fn built_in<const N: usize>(language: &'static str, files: [&str; N]) -> Self {
        let mut texts = BTreeMap::new();
        for file in files {
            let table: BTreeMap<String, String> = toml::from_str(file).expect("a test reads every language");
            texts.extend(table);
        }
        Self { language, texts }
    }

    /// Texts of the file in place of the built-in ones. It needs only those it changes.
    fn overridden(&mut self, label: &str, text: &str, problems: &Problems) {
        let table: BTreeMap<String, String> = match toml::from_str(text) {
            Ok(table) => table,
            Err(why) => return problems.add(format!("{label}: {}", why.message())),
        };
        for (key, text) in table {
            match self.texts.get_mut(&key) {
                None => problems.add(format!(
                    "{label}: there is no text `{key}`; the built-in file has them all"
                )),
                Some(old) if placeholders(old) != placeholders(&text) => problems.add(format!(
                    "{label}: `{key}` needs the same {{…}} as the built-in text: {old}"
                )),
                Some(old) => *old = text,
            }
        }
    }

    /// The text, or its name where there is none.
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.texts.get(key).map_or(key, String::as_str)
    }

    pub fn find(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(String::as_str)
    }

    /// The text with its `{placeholders}` filled. What is filled in is not looked at again.
    pub fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.get(key);
        while let Some((before, name, after)) = next_placeholder(rest) {
            filled.push_str(before);
            let value = values.iter().find(|(n, _)| *n == name);
            filled.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = next_placeholder(rest) {
        found.push(name);
        rest = after;
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let problems = Problems::default();
        let pages = Pages::load(Path::new("/nonexistent/grantd"), &Branding::default(), &problems);
        assert_eq!(problems.into_sentences(), Vec::<String>::new());
        pages
    }

    #[test]
    fn every_language_has_every_text_with_the_same_placeholders() {
        let pages = pages();
        let [english, others @ ..] = pages.languages.as_slice() else {
            panic!("no languages")
        };
        for other in others {
            let keys = |texts: &Texts| texts.texts.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(other), keys(english), "{}", other.language);
            for (key, text) in &english.texts {
                let translated = &other.texts[key];
                assert_eq!(placeholders(translated), placeholders(text), "{} {key}", other.language);
                assert!(!translated.trim().is_empty(), "{} {key}", other.language);
            }
        }
    }

    #[test]
    fn no_text_stands_in_two_files_of_a_language() {
        for ((language, files), texts) in LANGUAGES.iter().zip(&pages().languages) {
            let tables = files.map(|(_, text)| toml::from_str::<BTreeMap<String, String>>(text).unwrap());
            let all: usize = tables.iter().map(BTreeMap::len).sum();
            assert_eq!(all, texts.texts.len(), "{language}");
        }
    }

    #[test]
    fn the_first_language_there_is_wins_and_english_is_the_last_resort() {
        let pages = pages();
        let chosen = |wanted: &[&str]| pages.texts(wanted.iter().copied()).language;
        assert_eq!(chosen(&["de-AT", "FR-ch", "en"]), "fr");
        assert_eq!(chosen(&["sl-SI"]), "sl");
        assert_eq!(chosen(&["de"]), "en");
        assert_eq!(chosen(&[]), "en");
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let texts = Texts {
            language: "en",
            texts: [("a".to_owned(), "{x} and {y}.".to_owned())].into(),
        };
        assert_eq!(texts.fill("a", &[("x", "{y}"), ("y", "{")]), "{y} and {.");
        assert_eq!(texts.get("b"), "b");
    }

    #[test]
    fn a_file_of_ones_own_changes_texts_and_invents_none() {
        let mut texts = Texts {
            language: "en",
            texts: [("a".to_owned(), "To {x}".to_owned())].into(),
        };
        let problems = Problems::default();
        texts.overridden("own.toml", "a = \"Towards {x}\"", &problems);
        assert_eq!(texts.get("a"), "Towards {x}");
        texts.overridden("own.toml", "a = \"Towards\"\nb = \"new\"", &problems);
        texts.overridden("own.toml", "a = ", &problems);
        let sentences = problems.into_sentences();
        assert_eq!(sentences.len(), 3, "{sentences:?}");
        assert!(sentences[0].contains("needs the same {…}"), "{sentences:?}");
        assert!(sentences[1].contains("there is no text `b`"), "{sentences:?}");
        assert_eq!(texts.get("a"), "Towards {x}");
    }
}
