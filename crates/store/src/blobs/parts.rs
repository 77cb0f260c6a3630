//! Uploads in parts that an object store holds and nobody completed: listing and aborting them (the S3 calls
//! `ListMultipartUploads` and `AbortMultipartUpload`). The first is none of the store library's, which signs
//! its address; sending parts is [`spool`](super::spool)'s.

use std::time::Duration;

use object_store::ClientOptions;
use object_store::aws::AmazonS3;
use object_store::client::{
    HttpClient, HttpConnector as _, HttpRequest, HttpRequestBody, ReqwestConnector,
};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as Key;
use object_store::signer::{Method, SignedUrlOptions, Signer as _};
use portcullis_core::time::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{BlobError, io};

/// How long the address of a listing can be used.
const VALID_FOR: Duration = Duration::from_secs(60);

/// More pages of a thousand uploads each are not read at once; the next look reads on.
const PAGES: usize = 100;

/// The largest page that is read, in bytes.
const PAGE_SIZE: usize = 8 << 20;

/// The uploads in parts of one bucket, below a prefix.
#[derive(Debug)]
pub(super) struct Parts {
    store: AmazonS3,
    prefix: String,
    client: HttpClient,
}

/// An upload that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// The whole key, prefix included.
    pub(super) key: String,
    /// The store's name for the upload.
    pub(super) id: String,
    /// When it was begun; an upload whose time cannot be read is passed over.
    pub(super) at: Timestamp,
}

/// A page of the listing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    begun: Vec<Begun>,
    /// Where the next page begins.
    next: Option<(String, String)>,
}

impl Parts {
    pub(super) fn new(
        store: AmazonS3,
        prefix: &str,
        options: &ClientOptions,
    ) -> Result<Self, BlobError> {
        Ok(Self {
            store,
            prefix: prefix.trim_matches('/').to_owned(),
            client: ReqwestConnector::default().connect(options)?,
        })
    }

    /// Every upload below our prefix that was begun and neither completed nor aborted.
    pub(super) async fn begun(&self) -> Result<Vec<Begun>, BlobError> {
        let (mut begun, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.page(after.as_ref()).await?;
            begun.extend(page.begun);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // A store may pass over the prefix.
        let folder = match self.prefix.as_str() {
            "" => super::PREFIX.to_owned(),
            prefix => format!("{prefix}/{}", super::PREFIX),
        };
        begun.retain(|upload| upload.key.starts_with(&folder));
        Ok(begun)
    }

    async fn page(&self, after: Option<&(String, String)>) -> Result<Page, BlobError> {
        let mut query = vec![
            ("uploads".to_owned(), String::new()),
            ("prefix".to_owned(), self.prefix.clone()),
        ];
        if let Some((key, id)) = after {
            query.push(("key-marker".to_owned(), key.clone()));
            query.push(("upload-id-marker".to_owned(), id.clone()));
        }
        let options = SignedUrlOptions::new().with_query(query);
        let bucket = Key::default();
        let url = self
            .store
            .signed_url_opts(Method::GET, &bucket, VALID_FOR, &options)
            .await?;
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.uri_mut() = url.as_str().parse().map_err(failed)?;
        let answer = self.client.execute(request).await.map_err(failed)?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(failed)?;
        if !status.is_success() {
            return Err(failed(format!("HTTP {status}")));
        }
        if body.len() > PAGE_SIZE {
            return Err(failed("its list is too long"));
        }
        let text = std::str::from_utf8(&body).map_err(failed)?;
        read(text).map_err(failed)
    }

    /// Gives up an upload. One that is not there any more is given up already.
    pub(super) async fn abort(&self, upload: &Begun) -> Result<(), BlobError> {
        let key = Key::from(upload.key.as_str());
        match self.store.abort_multipart(&key, &upload.id).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BlobError {
    io("cannot list the uploads in parts")(std::io::Error::other(error))
}

/// Reads a `ListMultipartUploadsResult`.
fn read(text: &str) -> Result<Page, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let mut page = Page::default();
    let (mut key, mut id, mut at) = (String::new(), String::new(), None);
    let (mut next_key, mut next_id, mut is_truncated) = (String::new(), String::new(), false);
    let mut depth = 0_usize;
    let mut content = String::new();
    loop {
        match reader.read_event()? {
            Event::Start(_) => {
                content.clear();
                depth += 1;
            }
            Event::Text(text) => content += &String::from_utf8_lossy(&text),
            Event::CData(text) => content += &String::from_utf8_lossy(&text),
            Event::GeneralRef(entity) => content.extend(character(&entity)),
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                let content = std::mem::take(&mut content);
                match (tag.local_name().as_ref(), depth) {
                    (b"Key", 2) => key = content,
                    (b"UploadId", 2) => id = content,
                    (b"Initiated", 2) => at = content.parse::<Timestamp>().ok(),
                    (b"NextKeyMarker", 1) => next_key = content,
                    (b"NextUploadIdMarker", 1) => next_id = content,
                    (b"IsTruncated", 1) => is_truncated = content == "true",
                    (b"Upload", 1) => {
                        let (key, id) = (std::mem::take(&mut key), std::mem::take(&mut id));
                        page.begun.extend(at.take().map(|at| Begun { key, id, at }));
                    }
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if is_truncated && !next_key.is_empty() {
        page.next = Some((next_key, next_id));
    }
    Ok(page)
}

/// The character that a predefined entity stands for.
fn character(entity: &[u8]) -> Option<char> {
    match entity {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_with_where_it_goes_on() {
        let text = "<?xml version=\"1.0\"?><r:ListMultipartUploadsResult xmlns:r=\"x\">\
                    <r:NextKeyMarker>b&amp;c</r:NextKeyMarker>\
                    <r:NextUploadIdMarker>7</r:NextUploadIdMarker>\
                    <r:IsTruncated>true</r:IsTruncated>\
                    <r:Upload><r:Key>a/b</r:Key><r:UploadId>1</r:UploadId>\
                    <r:Initiator><r:ID>someone</r:ID></r:Initiator>\
                    <r:Initiated>2026-11-01T00:00:00.000Z</r:Initiated></r:Upload>\
                    <r:Upload><r:Key>c</r:Key><r:UploadId>2</r:UploadId>\
                    <r:Initiated>some day</r:Initiated></r:Upload>\
                    </r:ListMultipartUploadsResult>";
        let page = read(text).expect("XML");
        let at = "2026-11-01T00:00:00Z".parse().expect("a time");
        let (key, id) = ("a/b".to_owned(), "1".to_owned());
        assert_eq!(page.begun, [Begun { key, id, at }]);
        assert_eq!(page.next, Some(("b&c".to_owned(), "7".to_owned())));
        assert_eq!(read("").expect("nothing"), Page::default());
        assert!(read("<a><b></a>").is_err());
    }
}
