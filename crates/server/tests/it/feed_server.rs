//! [`FeedServer`], a folder of advisories as OSV publishes one, on a free port, that can fail and tells
//! what it was asked for.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use zip::write::{SimpleFileOptions, ZipWriter};

/// A folder of advisories as OSV publishes one, on a free port.
#[derive(Clone)]
pub(crate) struct FeedServer {
    shelf: Arc<Mutex<Shelf>>,
    pub(crate) url: String,
}

#[derive(Default)]
struct Shelf {
    files: HashMap<String, Vec<u8>>,
    asked: Vec<String>,
    is_down: bool,
}

async fn serve_file(State(shelf): State<Arc<Mutex<Shelf>>>, request: Request) -> Response {
    let mut shelf = shelf.lock().unwrap();
    let path = request.uri().path().to_owned();
    let answer = |status: StatusCode, bytes: Vec<u8>| {
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        response
    };
    if shelf.is_down {
        return answer(StatusCode::INTERNAL_SERVER_ERROR, Vec::new());
    }
    let Some(bytes) = shelf.files.get(&path).cloned() else {
        return answer(StatusCode::NOT_FOUND, Vec::new());
    };
    let etag = format!(
        "\"{}\"",
        portcullis_core::digest::Sha256::of(&bytes).to_hex()
    );
    let known = request.headers().get(IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == etag.as_bytes());
    shelf.asked.push(match is_known {
        true => format!("{path} 304"),
        false => path,
    });
    let mut response = match is_known {
        true => answer(StatusCode::NOT_MODIFIED, Vec::new()),
        false => answer(StatusCode::OK, bytes),
    };
    response.headers_mut().insert(ETAG, etag.parse().unwrap());
    response
}

impl FeedServer {
    pub(crate) async fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let router = Router::new()
            .fallback(serve_file)
            .with_state(Arc::clone(&shelf));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/PyPI/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { shelf, url }
    }

    pub(crate) fn put(&self, file: &str, bytes: impl Into<Vec<u8>>) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.files.insert(format!("/PyPI/{file}"), bytes.into());
    }

    /// The archive, the list of changes and each record, as OSV has them.
    pub(crate) fn publish(&self, records: &[Value]) {
        let mut list: Vec<(String, String)> = Vec::new();
        for record in records {
            let id = record["id"].as_str().unwrap().to_owned();
            self.put(&format!("{id}.json"), record.to_string());
            list.push((record["modified"].as_str().unwrap().to_owned(), id));
        }
        list.sort_by(|one, other| other.cmp(one));
        let list: Vec<String> = list.iter().map(|(at, id)| format!("{at},{id}\n")).collect();
        self.put("modified_id.csv", list.concat());
        self.put("all.zip", zip_of(records));
    }

    pub(crate) fn remove(&self, file: &str) {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.files.remove(&format!("/PyPI/{file}"));
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        self.shelf.lock().unwrap().is_down = is_down;
    }

    /// What was asked for since the last time, without the folder's name.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.shelf.lock().unwrap().asked);
        let short = |path: String| path.trim_start_matches("/PyPI/").to_owned();
        asked.into_iter().map(short).collect()
    }

    pub(crate) fn table(&self) -> String {
        format!("[feeds.advisories]\nkind = 'osv'\nurl = '{}'\n", self.url)
    }
}

pub(crate) fn members(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn zip_of(records: &[Value]) -> Vec<u8> {
    let member = |record: &Value| {
        let id = record["id"].as_str().unwrap();
        (format!("{id}.json"), record.to_string().into_bytes())
    };
    members(&records.iter().map(member).collect::<Vec<_>>())
}

pub(crate) fn record(number: u32, day: u32) -> Value {
    json!({
        "id": format!("PYSEC-2026-{number}"),
        "modified": format!("2026-06-{day:02}T00:00:00Z"),
        "published": "2026-01-01T00:00:00Z",
        "aliases": [format!("CVE-2026-{number:04}")],
        "summary": format!("flaw {number}"),
        "affected": [{
            "package": {"ecosystem": "PyPI", "name": format!("project-{number}")},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": format!("1.{day}")}]}],
        }],
    })
}

pub(crate) fn records(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(|number| record(number, 1)).collect()
}
