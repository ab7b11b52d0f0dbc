//! What is kept is found, for as long and as far as there is room.

use std::os::unix::fs::PermissionsExt;

use super::sheet::tests::forwarded;
use super::*;
use crate::mail::ThreadId;

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n\xff\0.\r\n";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn copy(second: i64, number: u8) -> CopyId {
    CopyId(ThreadId::new(at(second), [0, number]).0)
}

fn kept(root: &Path) -> Kept {
    Kept::new(root, Settings::default())
}

async fn keep(kept: &Kept, copies: &[CopyId], message: &[u8]) -> Result<(), KeptError> {
    let message = Bytes::copy_from_slice(message);
    kept.begin(forwarded(copies), message).end().await
}

/// The copies that are there, of those that are asked for.
async fn there(kept: &Kept, copies: &[CopyId]) -> Vec<CopyId> {
    let mut there = Vec::new();
    for copy in copies {
        there.extend(kept.find(*copy, false).await.unwrap().map(|_| *copy));
    }
    there
}

#[tokio::test]
async fn one_file_is_found_under_each_of_its_names() {
    let root = tempfile::tempdir().unwrap();
    let (kept, copies) = (kept(root.path()), [copy(0, 1), copy(0, 2)]);
    keep(&kept, &copies, MESSAGE).await.unwrap();
    for copy in copies {
        let found = kept.find(copy, false).await.unwrap().unwrap();
        assert_eq!((found.forwarded, &found.message[..]), (forwarded(&copies), MESSAGE));
    }
    let file = fs::metadata(&kept.store.as_ref().unwrap().paths(copies[0])[0]).unwrap();
    assert_eq!((file.nlink(), file.permissions().mode() & 0o777), (2, 0o600));
    let folder = fs::metadata(root.path().join("copies")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert!(kept.find(copy(0, 3), false).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_fallback_was_sent_is_there_for_that_alone() {
    let root = tempfile::tempdir().unwrap();
    let (kept, copy) = (kept(root.path()), copy(0, 1));
    keep(&kept, &[copy], MESSAGE).await.unwrap();
    assert!(kept.find(copy, true).await.unwrap().is_some());
    kept.spend(copy, true).await.unwrap();
    assert!(kept.find(copy, false).await.unwrap().is_some(), "the inbox may bounce it yet");
    kept.spend(copy, false).await.unwrap();
    assert!(kept.find(copy, false).await.unwrap().is_none());
    assert!(kept.find(copy, true).await.unwrap().is_some());
    kept.spend(copy, true).await.unwrap();
    assert!(kept.find(copy, true).await.unwrap().is_none());
    assert_eq!(kept.store.unwrap().lock().used, 0);
}

#[tokio::test]
async fn a_sweep_removes_what_is_past_keeping_and_counts_the_rest() {
    let root = tempfile::tempdir().unwrap();
    let kept = kept(root.path());
    let copies = [copy(0, 1), copy(3600, 1), copy(3600, 2)];
    keep(&kept, &copies[..1], MESSAGE).await.unwrap();
    keep(&kept, &copies[1..], MESSAGE).await.unwrap();
    fs::write(root.path().join("copies/README"), "not ours").unwrap();
    let days = |days: i64| days * 86_400;
    kept.sweep(at(days(6))).await.unwrap();
    assert_eq!(there(&kept, &copies).await, copies, "a folder goes whole, when its time is over");
    kept.sweep(at(days(6) + 1800)).await.unwrap();
    assert_eq!(there(&kept, &copies).await, copies[1..]);
    assert_eq!(kept.store.as_ref().unwrap().lock().used, BLOCK, "one file under two names");
    kept.sweep(at(days(7))).await.unwrap();
    assert_eq!(there(&kept, &copies).await, []);
    let left: Vec<_> = fs::read_dir(root.path().join("copies")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["README"]);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_comes_at_once_and_every_hour_and_goes_on_after_a_failure() {
    let root = tempfile::tempdir().unwrap();
    let kept = kept(root.path());
    let copies = [copy(-7200, 1), copy(0, 1), copy(3600, 1)];
    for copy in copies {
        keep(&kept, &[copy], MESSAGE).await.unwrap();
    }
    let began = tokio::time::Instant::now();
    let now = || at(6 * 86_400) + began.elapsed();
    let failures = std::cell::Cell::new(0);
    let mut sweeping = Box::pin(kept.sweep_every_hour(now, |_| failures.set(failures.get() + 1)));
    let mut sweep_for =
        async |seconds| assert!(tokio::time::timeout(Duration::from_secs(seconds), &mut sweeping).await.is_err());
    sweep_for(3599).await;
    assert_eq!(there(&kept, &copies).await, copies[1..], "at once, and not again yet");
    // What is no folder stops a sweep, and not the next one.
    let in_the_way = root.path().join("copies/0000000");
    fs::write(&in_the_way, "").unwrap();
    sweep_for(2).await;
    assert_eq!((failures.get(), there(&kept, &copies).await), (1, copies[1..].to_vec()));
    fs::remove_file(in_the_way).unwrap();
    sweep_for(3600).await;
    assert_eq!((failures.get(), there(&kept, &copies).await), (1, Vec::new()));
}

#[tokio::test]
async fn where_there_is_no_room_the_oldest_go_first() {
    let root = tempfile::tempdir().unwrap();
    let settings = Settings { bytes: 4 * BLOCK, ..Settings::default() };
    let kept = Kept::new(root.path(), settings.clone());
    let copies: Vec<CopyId> = [0, 1, 3600, 3601, 7200].into_iter().map(|second| copy(second, 0)).collect();
    // Out of their order: the id tells the age.
    for at in [3, 0, 2, 1, 4] {
        keep(&kept, &copies[at..=at], MESSAGE).await.unwrap();
    }
    assert_eq!(there(&kept, &copies).await, copies[2..], "the fifth took the place of the two oldest");
    assert!(kept.store.as_ref().unwrap().lock().is_told);
    // A start knows what is there.
    let kept = Kept::new(root.path(), settings);
    kept.sweep(at(7200)).await.unwrap();
    assert_eq!(kept.store.as_ref().unwrap().lock().used, 3 * BLOCK);
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_off() {
    let root = tempfile::tempdir().unwrap();
    let kept = Kept::new(root.path(), Settings { keep_for: Duration::ZERO, ..Settings::default() });
    keep(&kept, &[copy(0, 1)], MESSAGE).await.unwrap();
    kept.sweep(at(0)).await.unwrap();
    assert!(!root.path().join("copies").exists());
}

#[tokio::test]
async fn what_is_damaged_or_cannot_be_written_is_an_error_that_names_the_file() {
    let root = tempfile::tempdir().unwrap();
    let (kept, one) = (kept(root.path()), copy(0, 1));
    keep(&kept, &[one], MESSAGE).await.unwrap();
    let [path, _] = kept.store.as_ref().unwrap().paths(one);
    fs::write(&path, [0; 300]).unwrap();
    let error = kept.find(one, false).await.unwrap_err();
    assert!(matches!(error, KeptError::Damaged { .. }) && error.to_string().contains(&one.to_string()), "{error}");

    fs::remove_dir_all(root.path().join("copies")).unwrap();
    fs::write(root.path().join("copies"), "in the way").unwrap();
    let error = keep(&kept, &[one], MESSAGE).await.unwrap_err();
    assert!(error.to_string().contains("copies/"), "{error}");
}
