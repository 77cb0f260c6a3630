//! The form that twine sends, built by hand so that every part of it can be wrong.

use blake2::Blake2b;
use blake2::digest::consts::U32;
use md5::Digest as _;
use portcullis_core::digest::Sha256;
use portcullis_fixtures::{Sdist, Wheel};

use crate::client::Ask;
use crate::test_app::TestApp;

const BOUNDARY: &str = "---------------------------f0rm";

/// An upload form.
#[derive(Clone)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    filename: String,
    content: Vec<u8>,
}

impl Form {
    pub(crate) fn of_wheel(wheel: &Wheel) -> Self {
        let fields = [
            ("name", wheel.name()),
            ("version", wheel.version()),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
        ];
        Self::new(&fields, &wheel.filename(), wheel.build())
    }

    pub(crate) fn of_sdist(sdist: &Sdist) -> Self {
        let fields = [
            ("name", sdist.name()),
            ("version", sdist.version()),
            ("filetype", "sdist"),
            ("pyversion", "source"),
        ];
        Self::new(&fields, &sdist.filename(), sdist.build())
    }

    fn new(fields: &[(&str, &str)], filename: &str, content: Vec<u8>) -> Self {
        let common = [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("metadata_version", "2.1"),
            ("summary", "A thing"),
            ("classifiers", "Programming Language :: Python :: 3"),
            ("classifiers", "Private :: Do Not Upload"),
        ];
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            fields: common.iter().chain(fields).map(own).collect(),
            filename: filename.to_owned(),
            content: Vec::new(),
        }
        .content(content)
    }

    /// Replaces the file, and the digests with those of the new one.
    pub(crate) fn content(mut self, content: Vec<u8>) -> Self {
        let blake2 = Blake2b::<U32>::digest(&content);
        self.content = content;
        let sha256 = Sha256::of(&self.content).to_hex();
        let md5 = hex::encode(md5::Md5::digest(&self.content));
        self.set("md5_digest", &md5)
            .set("sha256_digest", &sha256)
            .set("blake2_256_digest", &hex::encode(blake2))
    }

    pub(crate) fn filename(mut self, filename: &str) -> Self {
        filename.clone_into(&mut self.filename);
        self
    }

    pub(crate) fn set(self, field: &str, value: &str) -> Self {
        let mut form = self.without(field);
        form.fields.push((field.to_owned(), value.to_owned()));
        form
    }

    pub(crate) fn without(mut self, field: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            body.extend_from_slice(
                format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\
                     {value}\r\n"
                )
                .as_bytes(),
            );
        }
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; \
                 filename=\"{}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                self.filename
            )
            .as_bytes(),
        );
        body.extend_from_slice(&self.content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// The request that sends it to the default index with a token.
    pub(crate) fn to(&self, app: &TestApp, token: &str) -> Ask {
        self.to_address(app.post("/legacy/"))
            .basic("__token__", token)
    }

    /// The request that sends it.
    pub(crate) fn to_address(&self, ask: Ask) -> Ask {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        ask.header("Content-Type", &content_type).body(self.body())
    }
}

/// Publishes a wheel and says so.
pub(crate) async fn publish(app: &TestApp, token: &str, wheel: &Wheel) {
    let answer = Form::of_wheel(wheel).to(app, token).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
}
