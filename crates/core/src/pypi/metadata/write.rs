//! Core metadata as the `info` object of the project JSON API shows it: lower-case keys, absent
//! values as null.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::CoreMetadata;

impl Serialize for CoreMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.single_values() {
            map.serialize_entry(key, &value)?;
        }
        for (key, values) in self.lists() {
            map.serialize_entry(key, &(!values.is_empty()).then_some(values))?;
        }
        map.serialize_entry("classifiers", &self.classifiers)?;
        map.serialize_entry("platform", &joined(&self.platforms))?;
        let urls: BTreeMap<&str, &str> = self.labelled_urls().collect();
        map.serialize_entry("project_urls", &(!urls.is_empty()).then_some(urls))?;
        map.end()
    }
}

impl CoreMetadata {
    fn single_values(&self) -> [(&'static str, Option<&str>); 16] {
        [
            ("metadata_version", self.metadata_version.as_deref()),
            ("name", Some(&self.name_text)),
            ("version", Some(&self.version_text)),
            ("summary", self.summary.as_deref()),
            ("description", self.description.as_deref()),
            (
                "description_content_type",
                self.description_content_type.as_deref(),
            ),
            ("keywords", self.keywords.as_deref()),
            ("home_page", self.home_page.as_deref()),
            ("download_url", self.download_url.as_deref()),
            ("author", self.author.as_deref()),
            ("author_email", self.author_email.as_deref()),
            ("maintainer", self.maintainer.as_deref()),
            ("maintainer_email", self.maintainer_email.as_deref()),
            ("license", self.license.as_deref()),
            ("license_expression", self.license_expression.as_deref()),
            ("requires_python", self.requires_python.as_deref()),
        ]
    }

    fn lists(&self) -> [(&'static str, &[Box<str>]); 9] {
        [
            ("license_files", &self.license_files),
            ("dynamic", &self.dynamic),
            ("requires_dist", &self.requires_dist),
            ("requires_external", &self.requires_external),
            ("provides_extra", &self.provides_extra),
            ("provides_dist", &self.provides_dist),
            ("obsoletes_dist", &self.obsoletes_dist),
            ("import_names", &self.import_names),
            ("import_namespaces", &self.import_namespaces),
        ]
    }
}

fn joined(values: &[Box<str>]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}
