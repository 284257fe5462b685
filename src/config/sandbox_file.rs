//! Reads `sandbox.json` of a profile: what the sandbox holds before anybody wrote to it.

use super::profile_file::find;
use super::reader::Problems;
use crate::base::json::parse_strict_object;
use crate::model::document::CONTENT_BYTES_MAX;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

const FILE_NAME: &str = "sandbox.json";
/// Of one collection: they are written in one batch.
const SAMPLES_MAX: usize = 10;

const EMBEDDED: [(&str, &str); 3] = [
    ("default", include_str!("../../data/profiles/default/sandbox.json")),
    (
        "makecrypto",
        include_str!("../../data/profiles/makecrypto/sandbox.json"),
    ),
    ("mokapen", include_str!("../../data/profiles/mokapen/sandbox.json")),
];

/// By the name of the collection.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxData {
    /// What an organization finds when it first looks into a collection.
    pub samples: BTreeMap<String, Vec<Map<String, Value>>>,
    /// What is one document rather than a collection, and how it stands at first.
    pub documents: BTreeMap<String, Map<String, Value>>,
}

/// Nothing, where the profile has no such file.
pub(super) fn load(profile: &str, data_dir: &Path, problems: &Problems) -> Option<SandboxData> {
    let directory = data_dir.join("profiles").join(profile);
    let embedded = EMBEDDED.iter().find(|(known, _)| *known == profile);
    if embedded.is_none() && !directory.join(FILE_NAME).exists() {
        return Some(SandboxData::default());
    }
    let (label, text) = find(&directory, FILE_NAME, embedded.map(|(_, text)| *text), problems)?;
    let data: SandboxData = match parse_strict_object(text.as_bytes()) {
        Ok(data) => data,
        Err(why) => {
            problems.add(format!("{label}: {why}"));
            return None;
        }
    };
    let mut good = true;
    let mut judge = |name: &str, document: &Map<String, Value>| {
        if Value::Object(document.clone()).to_string().len() > CONTENT_BYTES_MAX {
            problems.add(format!(
                "{label}: a document of `{name}` is longer than {CONTENT_BYTES_MAX} bytes"
            ));
            good = false;
        }
    };
    for (name, documents) in &data.samples {
        documents.iter().for_each(|document| judge(name, document));
    }
    data.documents.iter().for_each(|(name, document)| judge(name, document));
    if let Some((name, _)) = data.samples.iter().find(|(_, all)| all.len() > SAMPLES_MAX) {
        problems.add(format!("{label}: `{name}` has more than {SAMPLES_MAX} samples"));
        good = false;
    }
    good.then_some(data)
}
