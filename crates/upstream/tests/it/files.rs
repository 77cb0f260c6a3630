//! Files: streams, ranges, sidecars, and bodies that are too long, too short or too slow.

use std::time::Duration;

use futures_util::StreamExt as _;
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, incompressible, wheel};
use portcullis_upstream::files::{ByteRange, Extent, FileRequest, FileStream, PartAnswer};
use portcullis_upstream::source::{Limits, UpstreamConfig};
use portcullis_upstream::{Trouble, UpstreamError};
use url::Url;

use crate::{config, set_up, source};

async fn read(mut file: FileStream) -> Result<Vec<u8>, UpstreamError> {
    let mut bytes = Vec::new();
    while let Some(piece) = file.bytes.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

fn add_digits(index: &FixtureIndex) -> Url {
    index
        .add(ListedFile::raw(
            "foo",
            "1.0",
            "foo-1.0.tar.gz",
            "0123456789",
        ))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_file_streams_whole() {
    let index = FixtureIndex::start().await;
    let content = incompressible(3_000_000);
    let file = ListedFile::raw("foo", "1.0", "foo-1.0.tar.gz", content.clone());
    let url = index.add(file).parse().unwrap();
    let expected_size = Some(3_000_000);
    let request = FileRequest {
        expected_size,
        ..FileRequest::whole(&url)
    };
    let opened = source(&index).open_file(&request).await.unwrap().unwrap();
    assert_eq!(
        (opened.extent, opened.content_length),
        (Extent::Whole, expected_size)
    );
    assert!(opened.etag.is_some());
    assert!(read(opened).await.unwrap() == content);
    assert_eq!(
        index.requests()[0].header("accept-encoding"),
        Some("identity")
    );
}

#[tokio::test]
async fn a_file_continues_where_it_broke_off_unless_it_changed() {
    let index = FixtureIndex::start().await;
    let url = add_digits(&index);
    let source = source(&index);
    let etag = source
        .open_file(&FileRequest::whole(&url))
        .await
        .unwrap()
        .unwrap()
        .etag
        .unwrap();
    let resume = |etag| FileRequest {
        range: Some(ByteRange::From(4)),
        if_range: Some(etag),
        ..FileRequest::whole(&url)
    };
    let rest = source.open_file(&resume(&etag)).await.unwrap().unwrap();
    assert_eq!(
        rest.extent,
        Extent::Partial {
            start: 4,
            total: Some(10)
        }
    );
    assert_eq!(read(rest).await.unwrap(), b"456789");
    for changed in ["\"other\"", "W/\"weak\""] {
        let whole = source.open_file(&resume(changed)).await.unwrap().unwrap();
        assert_eq!(whole.extent, Extent::Whole);
    }
}

#[tokio::test]
async fn a_missing_file_is_absent() {
    let index = FixtureIndex::start().await;
    let url: Url = format!("{}/files/foo/none.whl", index.url())
        .parse()
        .unwrap();
    let source = source(&index);
    assert!(
        source
            .open_file(&FileRequest::whole(&url))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(source.fetch_metadata(&url, 1000).await.unwrap(), None);
    assert_eq!(
        source
            .read_range(&url, ByteRange::Last(4), 1000)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_file_longer_than_announced_is_invalid() {
    for fault in [None, Some(Fault::EndlessBody)] {
        let index = FixtureIndex::start().await;
        let url = add_digits(&index);
        if let Some(fault) = fault {
            index.fault_everywhere(fault);
        }
        let request = FileRequest {
            expected_size: Some(9),
            ..FileRequest::whole(&url)
        };
        let result = match source(&index).open_file(&request).await {
            Ok(opened) => read(opened.unwrap()).await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(
            matches!(result, Err(UpstreamError::Invalid { .. })),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn a_file_without_a_known_size_ends_at_the_limit() {
    let index = FixtureIndex::start().await;
    let url = add_digits(&index);
    index.fault_everywhere(Fault::EndlessBody);
    let limits = Limits {
        file_bytes: 1_000_000,
        ..Limits::default()
    };
    let source = set_up(UpstreamConfig {
        limits,
        ..config(&index)
    });
    let opened = source
        .open_file(&FileRequest::whole(&url))
        .await
        .unwrap()
        .unwrap();
    let result = read(opened).await;
    assert!(
        matches!(result, Err(UpstreamError::Invalid { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_file_that_breaks_off_stalls_or_drips_is_an_outage() {
    let every = Duration::from_millis(60);
    for (fault, is_too_slow) in [
        (Fault::CloseAfter(4), false),
        (Fault::DeclaredLength(20), false),
        (
            Fault::Drip {
                chunk: 1,
                every: Duration::from_secs(60),
            },
            false,
        ),
        (Fault::Drip { chunk: 1, every }, true),
    ] {
        let index = FixtureIndex::start().await;
        let url = add_digits(&index);
        index.fault_everywhere(fault.clone());
        let rate_window = Duration::from_millis(200);
        let limits = Limits {
            rate_window,
            ..Limits::default()
        };
        let source = set_up(UpstreamConfig {
            limits,
            ..config(&index)
        });
        let opened = source
            .open_file(&FileRequest::whole(&url))
            .await
            .unwrap()
            .unwrap();
        let error = read(opened).await.expect_err("an outage");
        let UpstreamError::Unreachable { trouble, .. } = &error else {
            panic!("{fault:?}: {error:?}");
        };
        assert_eq!(
            matches!(trouble, Trouble::TooSlow(_)),
            is_too_slow,
            "{fault:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn file_statuses_are_outages_or_refusals() {
    for (code, is_outage) in [(500, true), (429, true), (403, false), (451, false)] {
        let index = FixtureIndex::start().await;
        let url = add_digits(&index);
        index.fault_everywhere(Fault::status(code));
        let error = source(&index)
            .open_file(&FileRequest::whole(&url))
            .await
            .unwrap_err();
        assert_eq!(error.is_outage(), is_outage, "{error:?}");
    }
}

#[tokio::test]
async fn the_metadata_beside_a_file_is_read_within_bounds() {
    let index = FixtureIndex::start().await;
    index.offer_metadata();
    let foo = wheel("foo", "1.0");
    let url = index.add(&foo).parse().unwrap();
    let source = source(&index);
    let metadata = source.fetch_metadata(&url, 1000).await.unwrap().unwrap();
    assert_eq!(metadata, foo.metadata());
    let too_long = source.fetch_metadata(&url, 10).await;
    assert!(
        matches!(too_long, Err(UpstreamError::Invalid { .. })),
        "{too_long:?}"
    );
}

#[tokio::test]
async fn parts_of_a_file_are_read_where_the_source_can() {
    let index = FixtureIndex::start().await;
    let url = add_digits(&index);
    let source = source(&index);
    let between = ByteRange::Between { first: 2, last: 4 };
    for (range, start, bytes) in [
        (ByteRange::Last(4), 6, "6789"),
        (between, 2, "234"),
        (ByteRange::From(8), 8, "89"),
    ] {
        let part = PartAnswer::Part {
            start,
            total: Some(10),
            bytes: bytes.into(),
        };
        assert_eq!(
            source.read_range(&url, range, 100).await.unwrap(),
            Some(part)
        );
    }
    let beyond = source
        .read_range(&url, ByteRange::From(10), 100)
        .await
        .unwrap();
    assert_eq!(beyond, Some(PartAnswer::RangesUnsupported));
    index.without_ranges();
    let whole = source
        .read_range(&url, ByteRange::Last(4), 100)
        .await
        .unwrap();
    assert_eq!(whole, Some(PartAnswer::RangesUnsupported));
}

#[tokio::test]
async fn another_part_than_asked_for_is_invalid() {
    let index = FixtureIndex::start().await;
    let url = add_digits(&index);
    let head = "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n";
    for range in [
        "Content-Range: bytes 0-2/10\r\n",
        "Content-Range: nonsense\r\n",
        "",
    ] {
        index.clear_faults();
        index.fault_everywhere(Fault::Raw(format!("{head}{range}\r\nabc").into_bytes()));
        let answer = source(&index)
            .read_range(&url, ByteRange::From(7), 100)
            .await;
        assert!(
            matches!(answer, Err(UpstreamError::Invalid { .. })),
            "{range}: {answer:?}"
        );
    }
}
