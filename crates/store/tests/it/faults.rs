//! An object store that fails: what is acknowledged can be read, nothing is taken for whole that is not, nobody
//! waits for ever, and nothing has to be opened again when the store is back.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_fixtures::{FaultyStore, StoreFault};
use portcullis_store::blobs::{BlobError, Blobs};
use portcullis_store::{Patience, Trouble};
use tempfile::TempDir;

/// What the vault waits here.
const PATIENCE: Patience = Patience {
    turn: Duration::from_millis(300),
    answer: Duration::from_millis(300),
    kept: Duration::from_millis(300),
};

/// Far more than any sum of waits, and far less than for ever.
const BOUND: Duration = Duration::from_secs(20);

/// One content that is put at once, and one that is put in parts.
const SIZES: [usize; 2] = [10_000, 9 << 20];

struct Place {
    store: FaultyStore,
    blobs: Blobs,
    _folder: TempDir,
}

fn place() -> Place {
    let store = FaultyStore::default();
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::over(std::sync::Arc::new(store.clone()), folder.path()).unwrap();
    Place {
        store,
        blobs: blobs.patiently(PATIENCE),
        _folder: folder,
    }
}

fn content(size: usize) -> Bytes {
    (0..size).map(|at| (at / 251 + at % 251) as u8).collect()
}

async fn bounded<T>(what: impl std::fmt::Debug, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = tokio::time::timeout(BOUND, work).await;
    done.unwrap_or_else(|_| panic!("{what:?} was not over after {:?}", begun.elapsed()))
}

/// All bytes of a blob that was opened anew, as somebody does who is to send it.
async fn read(blobs: &Blobs, sha256: &Sha256) -> Result<Vec<u8>, BlobError> {
    let blob = blobs.open_for_inspection(sha256).await?;
    let chunks: Vec<Bytes> = blob.whole().try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged_and_the_second_try_keeps_it() {
    let faults = [
        StoreFault::Gone,
        StoreFault::Silent,
        StoreFault::LosesPuts,
        StoreFault::CutsPuts,
        StoreFault::KeepsAndFails,
        StoreFault::Refuses,
    ];
    let mut met = 0;
    for (fault, size) in faults
        .into_iter()
        .flat_map(|fault| SIZES.map(|size| (fault, size)))
    {
        let Place {
            store,
            blobs,
            _folder,
        } = place();
        let content = content(size);
        let sha256 = Sha256::of(&content);
        store.fault(fault);
        let refused = bounded((fault, size), blobs.put_bytes(content.clone())).await;
        let error = refused.expect_err(&format!("{fault:?} of {size} bytes was acknowledged"));
        assert_eq!(
            Trouble::from(&error),
            Trouble::Unanswered,
            "{fault:?}: {error}"
        );
        store.mend();
        let kept = blobs.size(&sha256).await.unwrap();
        assert!(
            kept.is_none_or(|kept| kept == size as u64),
            "{fault:?} left {kept:?} of {size} bytes in place"
        );
        assert_eq!(blobs.put_bytes(content.clone()).await.unwrap(), sha256);
        assert!(read(&blobs, &sha256).await.unwrap() == content, "{fault:?}");
        met += store.met();
    }
    assert!(met >= faults.len() * SIZES.len());
    eprintln!("{met} faults while something was kept; nothing acknowledged was lost or partial");
}

#[tokio::test]
async fn a_put_that_another_has_won_with_the_same_bytes_has_kept_them() {
    for size in SIZES {
        let Place {
            store,
            blobs,
            _folder,
        } = place();
        let content = content(size);
        store.fault(StoreFault::LosesRace);
        let sha256 = blobs.put_bytes(content.clone()).await.unwrap();
        assert!(read(&blobs, &sha256).await.unwrap() == content);
        assert_eq!(store.met(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_read_whole_is_an_error_and_never_an_end() {
    let faults = [
        StoreFault::Gone,
        StoreFault::Silent,
        StoreFault::Truncates,
        StoreFault::Stalls,
    ];
    let mut met = 0;
    for (fault, size) in faults
        .into_iter()
        .flat_map(|fault| SIZES.map(|size| (fault, size)))
    {
        let Place {
            store,
            blobs,
            _folder,
        } = place();
        let content = content(size);
        let sha256 = blobs.put_bytes(content.clone()).await.unwrap();
        store.fault(fault);
        let broken = bounded((fault, size), read(&blobs, &sha256)).await;
        let error = broken.expect_err(&format!("{fault:?} of {size} bytes was an end"));
        assert_eq!(
            Trouble::from(&error),
            Trouble::Unanswered,
            "{fault:?}: {error}"
        );
        let small = bounded(fault, blobs.get_bytes(&sha256, 1 << 30)).await;
        small.expect_err("a small content was read");
        bounded(fault, blobs.verify(&sha256))
            .await
            .expect_err("it was called intact");
        store.mend();
        assert!(read(&blobs, &sha256).await.unwrap() == content, "{fault:?}");
        met += store.met();
    }
    assert!(met >= faults.len() * SIZES.len() * 3);
    eprintln!("{met} faults while something was read; nothing partial was taken for whole");
}

#[tokio::test]
async fn not_knowing_whether_something_is_kept_is_not_its_absence() {
    let mut met = 0;
    for fault in [StoreFault::Gone, StoreFault::Silent] {
        let Place {
            store,
            blobs,
            _folder,
        } = place();
        let (here, absent) = (
            blobs.put_bytes(content(100)).await.unwrap(),
            Sha256::of(b"x"),
        );
        store.fault(fault);
        for sha256 in [here, absent] {
            bounded(fault, blobs.exists(&sha256)).await.unwrap_err();
            bounded(fault, blobs.size(&sha256)).await.unwrap_err();
            bounded(fault, blobs.described(&sha256)).await.unwrap_err();
            bounded(fault, blobs.delete(&sha256)).await.unwrap_err();
        }
        let listed: Result<Vec<_>, _> = bounded(fault, blobs.list().try_collect()).await;
        listed.unwrap_err();
        bounded(fault, blobs.probe()).await.unwrap_err();
        store.mend();
        assert!(blobs.exists(&here).await.unwrap() && !blobs.exists(&absent).await.unwrap());
        let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
        blobs.probe().await.unwrap();
        met += store.met();
    }
    eprintln!("{met} faults while it was asked what is kept; no answer was guessed");
}

#[tokio::test]
async fn a_slow_store_is_waited_for() {
    let Place {
        store,
        blobs,
        _folder,
    } = place();
    store.fault(StoreFault::Slow(Duration::from_millis(60)));
    for size in SIZES {
        let content = content(size);
        let sha256 = blobs.put_bytes(content.clone()).await.unwrap();
        assert!(read(&blobs, &sha256).await.unwrap() == content);
    }
    assert!(store.met() > 4);
}
