//! What the disk may do to the memory, and what becomes of it then. The promises that all backends
//! share are in `threads::conformance`.

mod visits;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::index::{Index, Mark};
use super::journal::{self, FileName, MAGIC, Position};
use super::*;
use crate::threads::conformance::{everything, healed, learned, message_id, records, settings};
use crate::threads::memory::Memory;
use crate::threads::store::Changes;

/// A disk that fails when told to.
#[derive(Clone, Default)]
struct Faulty(Arc<Faults>);

#[derive(Default)]
struct Faults {
    /// Writes from now on get this far.
    write_up_to: Mutex<Option<usize>>,
    /// So many of the next fsyncs fail.
    failing_syncs: AtomicUsize,
    syncs: AtomicUsize,
    /// While held, fsyncs wait.
    gate: Mutex<bool>,
    opened: Condvar,
}

impl Faulty {
    fn fill(&self, room: Option<usize>) {
        *self.0.write_up_to.lock().unwrap() = room;
    }

    fn fail_syncs(&self, count: usize) {
        self.0.failing_syncs.store(count, Ordering::SeqCst);
    }

    fn syncs(&self) -> usize {
        self.0.syncs.load(Ordering::SeqCst)
    }

    fn hold(&self, held: bool) {
        *self.0.gate.lock().unwrap() = held;
        self.0.opened.notify_all();
    }
}

impl Medium for Faulty {
    fn write(&mut self, file: &File, octets: &[u8], offset: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        match *self.0.write_up_to.lock().unwrap() {
            Some(room) if room < octets.len() => {
                file.write_all_at(&octets[..room], offset)?;
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some(_) | None => file.write_all_at(octets, offset),
        }
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        let mut held = self.0.gate.lock().unwrap();
        while *held {
            held = self.0.opened.wait(held).unwrap();
        }
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        let failing = self.0.failing_syncs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() { Err(io::Error::other("the disk is on fire")) } else { file.sync_data() }
    }
}

/// A state directory, opened and opened again.
struct House(TempDir);

impl House {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Local {
        Local::open(self.0.path(), settings(), crate::clock::now()).unwrap()
    }

    fn open_in(&self, circumstances: Circumstances) -> Local {
        Local::open_in(self.0.path(), settings(), crate::clock::now(), circumstances).unwrap()
    }

    fn open_on(&self, disk: &Faulty) -> Local {
        self.open_in(Circumstances { medium: Box::new(disk.clone()), ..Circumstances::real() })
    }

    fn index(&self) -> PathBuf {
        self.0.path().join("index")
    }

    fn delete_index(&self) {
        fs::remove_dir_all(self.index()).unwrap();
    }

    fn files(&self) -> Vec<FileName> {
        journal::files(&self.0.path().join("journal")).unwrap()
    }

    fn file(&self, name: FileName) -> PathBuf {
        self.0.path().join("journal").join(name.to_string())
    }

    /// Does something to the index while nobody uses it.
    fn tamper(&self, changes: &Changes, mark: &Mark) {
        let (index, _) = Index::open(&self.index(), 1 << 20).unwrap();
        index.apply(changes, mark).unwrap();
    }

    fn mark(&self) -> Mark {
        Index::open(&self.index(), 1 << 20).unwrap().1.unwrap()
    }
}

async fn learn(local: &Local, ids: &[&str], durability: Durability) -> Result<(), Unavailable> {
    local.learn(ids.iter().map(|id| learned(id, 1, 7, &[1])).collect(), durability).await
}

/// Which of `ids` are known.
async fn known<'a>(local: &Local, ids: &[&'a str]) -> Vec<&'a str> {
    let query = Query { ids: ids.iter().map(|id| message_id(id)).collect(), ..Query::default() };
    let found = local.look_up(query).await.unwrap();
    ids.iter().copied().filter(|id| found.ids.contains_key(&message_id(id))).collect()
}

/// Waits until the index answers.
async fn level(local: &Local) {
    for _ in 0..6000 {
        if local.look_up(Query::default()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index is never rebuilt");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn memory_and_disk_and_a_rebuilt_index_answer_alike(records in records(1..60), end in 1..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (house, memory) = (House::new(), Memory::new(settings()));
            memory.learn(records.clone()).unwrap();
            // In two lives of the process, and by one record and by many.
            let (first, second) = records.split_at(end.min(records.len()));
            let local = house.open();
            for record in first {
                local.learn(vec![record.clone()], Durability::Written).await.unwrap();
            }
            local.close().await;
            let local = house.open();
            local.learn(second.to_vec(), Durability::Disk).await.unwrap();
            let expected = (memory.look_up(&everything()), memory.count());
            assert_eq!((local.look_up(everything()).await, local.count().await), expected);

            local.close().await;
            let local = house.open();
            assert_eq!((local.look_up(everything()).await, local.count().await), expected, "opened again");

            local.close().await;
            house.delete_index();
            let local = house.open();
            assert_eq!((local.look_up(everything()).await, local.count().await), expected, "rebuilt");
        });
    }
}

#[tokio::test]
async fn a_directory_in_use_is_named_with_a_remedy() {
    let house = House::new();
    let local = house.open();
    let refusal = Local::open(house.0.path(), settings(), crate::clock::now()).err().unwrap();
    assert!(matches!(&refusal, OpenError::InUse(path) if path == house.0.path()));
    assert!(refusal.to_string().contains("stop the other sincerely"), "{refusal}");
    drop(local);
    house.open();
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let house = House::new();
    let path = house.0.path().join("file");
    fs::write(&path, "").unwrap();
    let refusal = Local::open(&path, settings(), crate::clock::now()).err().unwrap();
    assert!(refusal.to_string().contains(&path.display().to_string()), "{refusal}");
}

#[tokio::test]
async fn a_failed_fsync_refuses_those_who_wait_and_only_them() {
    let (house, disk) = (House::new(), Faulty::default());
    let local = house.open_on(&disk);
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    disk.fail_syncs(1);
    assert!(learn(&local, &["doubtful"], Durability::Disk).await.is_err());
    learn(&local, &["b"], Durability::Disk).await.unwrap();
    assert_eq!(house.files().len(), 2);
    local.close().await;
    house.delete_index();
    assert_eq!(known(&house.open(), &["a", "b"]).await, ["a", "b"]);
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_no_torn_record() {
    let (house, disk) = (House::new(), Faulty::default());
    let local = house.open_on(&disk);
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    let before = fs::metadata(house.file(house.files()[0])).unwrap().len();
    disk.fill(Some(10));
    for durability in [Durability::Written, Durability::Disk] {
        assert!(learn(&local, &["refused"], durability).await.is_err());
        assert_eq!(fs::metadata(house.file(house.files()[0])).unwrap().len(), before);
    }
    assert_eq!(known(&local, &["a", "refused"]).await, ["a"]);
    disk.fill(None);
    learn(&local, &["b"], Durability::Disk).await.unwrap();
    local.close().await;
    house.delete_index();
    assert_eq!(known(&house.open(), &["a", "refused", "b"]).await, ["a", "b"]);
}

#[tokio::test]
async fn a_disk_full_at_the_start_leaves_no_files_behind() {
    let (house, disk) = (House::new(), Faulty::default());
    let local = house.open_on(&disk);
    disk.fill(Some(0));
    for _ in 0..3 {
        assert!(learn(&local, &["refused"], Durability::Disk).await.is_err());
    }
    assert_eq!(house.files(), []);
    disk.fill(None);
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    assert_eq!(house.files().len(), 1);
}

#[tokio::test]
async fn a_torn_tail_costs_no_earlier_record() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a", "b"], Durability::Disk).await.unwrap();
    let name = house.files()[0];
    let start = fs::metadata(house.file(name)).unwrap().len();
    learn(&local, &["last"], Durability::Disk).await.unwrap();
    local.close().await;
    let whole = fs::read(house.file(name)).unwrap();
    for cut in (usize::try_from(start).unwrap()..whole.len()).step_by(7) {
        let house = House::new();
        fs::create_dir(house.0.path().join("journal")).unwrap();
        fs::write(house.file(name), &whole[..cut]).unwrap();
        let local = house.open();
        learn(&local, &["next"], Durability::Disk).await.unwrap();
        local.close().await;
        house.delete_index();
        assert_eq!(known(&house.open(), &["a", "b", "last", "next"]).await, ["a", "b", "next"], "cut at {cut}");
    }
}

#[tokio::test]
async fn damage_in_an_older_file_costs_nothing_after_that_file() {
    let house = House::new();
    for id in ["a", "b"] {
        let local = house.open();
        learn(&local, &[id], Durability::Disk).await.unwrap();
        local.close().await;
    }
    let older = house.file(house.files()[0]);
    for place in [0, MAGIC.len(), MAGIC.len() + 4, MAGIC.len() + 20] {
        let mut octets = fs::read(&older).unwrap();
        octets[place] ^= 0xFF;
        fs::write(&older, octets).unwrap();
        house.delete_index();
        assert_eq!(known(&house.open(), &["a", "b"]).await, ["b"], "damaged at {place}");
    }
}

#[tokio::test]
async fn an_unreadable_index_is_set_aside_and_rebuilt() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    for _ in 0..2 {
        fs::write(house.index().join("conf"), "no sled writes this").unwrap();
        let local = house.open();
        assert_eq!(known(&local, &["a"]).await, ["a"]);
        assert!(house.index().with_extension("broken").exists());
        local.close().await;
    }
}

#[tokio::test]
async fn an_index_ahead_of_the_journal_is_rebuilt() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    let file = house.files()[0];
    let length = fs::metadata(house.file(file)).unwrap().len();
    let past_end = [Position { file: file.number, offset: length + 1 }, Position::start_of(file.number + 2)];
    for applied in past_end {
        let nonsense = [(b"i-nonsense".to_vec(), Some(vec![1]))].into();
        house.tamper(&nonsense, &Mark::new(applied, boot_id()));
        let local = house.open();
        assert_eq!(known(&local, &["a"]).await, ["a"]);
        assert_eq!(local.count().await.unwrap().ids, 1);
        local.close().await;
    }
}

#[tokio::test]
async fn after_an_end_of_the_machine_the_last_files_are_replayed() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    let mark = house.mark();
    assert!(mark.clean && mark.boot.is_some());

    let emptied = || -> Changes {
        let (index, _) = Index::open(&house.index(), 1 << 20).unwrap();
        let keys = index.ask(|tree| tree.scan(b"a", b"z").map(|pair| Ok((pair?.0, None))).collect());
        keys.unwrap()
    };
    let unclean = |boot: Option<&str>| Mark::new(mark.applied, boot.map(Into::into));
    house.tamper(&emptied(), &unclean(boot_id().as_deref()));
    assert_eq!(known(&house.open(), &["a"]).await, Vec::<&str>::new(), "the same boot: the mark is believed");
    for boot in [Some("another"), None] {
        house.tamper(&emptied(), &unclean(boot));
        assert_eq!(known(&house.open(), &["a"]).await, ["a"], "another boot: {boot:?}");
    }
}

#[tokio::test]
async fn while_the_index_is_rebuilt_learning_goes_on() {
    let house = House::new();
    let local = house.open();
    let ids: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    learn(&local, &ids, Durability::Disk).await.unwrap();
    local.close().await;
    house.delete_index();

    let local = house.open_in(Circumstances { replayed_first: 0, ..Circumstances::real() });
    learn(&local, &["meanwhile"], Durability::Disk).await.unwrap();
    level(&local).await;
    assert_eq!(known(&local, &["0", "2999", "meanwhile"]).await, ["0", "2999", "meanwhile"]);
}

#[tokio::test]
async fn while_the_index_is_behind_unknown_is_not_no() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    house.delete_index();

    let journal = house.0.path().join("journal");
    let end = Journal::open(&journal, settings().keep, Box::new(Disk)).unwrap().end();
    let place = Place { journal, index: house.index(), cache: 1 << 20, boot: None, rest: Duration::ZERO };
    let sight = Arc::new(Sight::default());
    let mut keeper = Keeper::open(place, (&settings()).into(), Arc::clone(&sight), end);
    let asked = || sight.ask(|_| Ok(())).map_err(Unavailable::from);
    assert_eq!(asked(), Err(Unavailable("it is being rebuilt from the journal".into())));
    while keeper.tend(end) {}
    assert_eq!(asked(), Ok(()));
}

#[tokio::test]
async fn an_index_that_breaks_in_use_is_rebuilt_behind_the_open_door() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    let spoilt: Changes = {
        let (index, _) = Index::open(&house.index(), 1 << 20).unwrap();
        index.ask(|tree| tree.scan(b"i", b"j").map(|pair| Ok((pair?.0, Some(vec![0xFF; 3])))).collect()).unwrap()
    };
    house.tamper(&spoilt, &house.mark());

    let local = house.open_in(Circumstances { rest: Duration::ZERO, ..Circumstances::real() });
    let query = Query { ids: vec![message_id("a")], ..Query::default() };
    assert!(local.look_up(query).await.is_err());
    learn(&local, &["b"], Durability::Disk).await.unwrap();
    level(&local).await;
    assert_eq!(known(&local, &["a", "b"]).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_learners_share_one_fsync() {
    let (house, disk) = (House::new(), Faulty::default());
    let local = Arc::new(house.open_on(&disk));
    learn(&local, &["first"], Durability::Disk).await.unwrap();
    disk.hold(true);
    let before = disk.syncs();
    let learners: Vec<_> = (0..200)
        .map(|number| {
            let local = Arc::clone(&local);
            tokio::spawn(async move { learn(&local, &[&number.to_string()], Durability::Disk).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    disk.hold(false);
    for learner in learners {
        learner.await.unwrap().unwrap();
    }
    assert!(disk.syncs() - before < 100, "{} fsyncs", disk.syncs() - before);
}

#[tokio::test]
async fn what_is_only_to_be_written_does_not_wait_for_the_disk_and_is_seen_at_once() {
    let (house, disk) = (House::new(), Faulty::default());
    let local = house.open_on(&disk);
    learn(&local, &["first"], Durability::Disk).await.unwrap();
    disk.hold(true);
    learn(&local, &["a"], Durability::Written).await.unwrap();
    assert_eq!(known(&local, &["a"]).await, ["a"]);
    disk.hold(false);
    local.learn(vec![], Durability::Disk).await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_on_disk_when_the_memory_is_dropped() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Written).await.unwrap();
    local.learn(vec![healed("b", 1, 1)], Durability::Written).await.unwrap();
    drop(local);
    assert!(house.mark().clean);
    assert_eq!(known(&house.open(), &["a", "b"]).await, ["a", "b"]);
}

#[tokio::test]
async fn old_entries_leave_the_index_as_new_ones_come() {
    let house = House::new();
    let local = house.open();
    let mut old = learned("old", 9, 9, &[9]);
    if let Record::Learned { at, .. } = &mut old {
        *at -= 401 * 86_400;
    }
    local.learn(vec![old], Durability::Disk).await.unwrap();
    for number in 0..8 {
        learn(&local, &[&number.to_string()], Durability::Disk).await.unwrap();
    }
    local.close().await;
    let (index, _) = Index::open(&house.index(), 1 << 20).unwrap();
    let entries = index.ask(|tree| Ok(tree.scan(b"a", b"z").count())).unwrap();
    assert_eq!(entries, 8 + 1 + 1 + 1, "eight ids, one thread, one twin, one correspondent");
}

#[tokio::test]
async fn a_record_too_long_for_the_journal_is_refused() {
    let local_house = House::new();
    let local = local_house.open();
    let mut long = learned("a", 1, 7, &[]);
    if let Record::Learned { correspondents, .. } = &mut long {
        *correspondents = vec!["x".repeat(frame::LONGEST)];
    }
    let refusal = local.learn(vec![long], Durability::Disk).await.unwrap_err();
    assert!(refusal.to_string().contains("longer than the journal takes"), "{refusal}");
}

mod files {
    use jiff::{Timestamp, ToSpan};

    use super::*;

    const KEEP: Duration = Duration::from_hours(24 * 10);

    fn day(number: i64) -> Timestamp {
        "2026-10-01T12:00:00Z".parse::<Timestamp>().unwrap() + (24 * number).hours()
    }

    fn dates(folder: &Path) -> Vec<String> {
        journal::files(folder).unwrap().iter().map(|name| name.date.to_string()).collect()
    }

    #[test]
    fn a_file_is_begun_each_day_and_at_each_start() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), KEEP, Box::new(Disk)).unwrap();
        assert_eq!(journal.end(), Position::start_of(0));
        journal.append(b"x", day(0)).unwrap();
        journal.append(b"x", day(0)).unwrap();
        journal.append(b"x", day(1)).unwrap();
        assert_eq!(journal.end(), Position { file: 1, offset: MAGIC.len() as u64 + 1 });
        let mut journal = Journal::open(folder.path(), KEEP, Box::new(Disk)).unwrap();
        journal.append(b"x", day(1)).unwrap();
        assert_eq!(dates(folder.path()), ["2026-10-01", "2026-10-02", "2026-10-02"]);
    }

    #[test]
    fn after_a_failed_fsync_all_that_is_in_doubt_goes_into_a_new_file() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), Faulty::default());
        let mut journal = Journal::open(folder.path(), KEEP, Box::new(disk.clone())).unwrap();
        journal.append(b"safe ", day(0)).unwrap();
        journal.sync(day(0)).unwrap();
        journal.append(b"only written, ", day(0)).unwrap();
        disk.fail_syncs(1);
        journal.sync(day(0)).unwrap_err();
        assert!(journal.is_unsynced());
        journal.append(b"later", day(0)).unwrap();
        journal.sync(day(0)).unwrap();
        assert!(!journal.is_unsynced());
        let second = journal::files(folder.path()).unwrap()[1];
        let octets = fs::read(folder.path().join(second.to_string())).unwrap();
        assert_eq!(octets, [MAGIC, b"only written, later"].concat());
        assert_eq!(journal.end(), Position { file: second.number, offset: octets.len() as u64 });
    }

    #[test]
    fn a_clock_that_steps_back_does_not_change_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), KEEP, Box::new(Disk)).unwrap();
        journal.append(b"x", day(5)).unwrap();
        journal.append(b"x", day(0)).unwrap();
        assert_eq!(dates(folder.path()), ["2026-10-06", "2026-10-01"]);
    }

    #[test]
    fn files_past_keeping_are_dropped_whole_but_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), KEEP, Box::new(Disk)).unwrap();
        for number in 0..4 {
            journal.append(b"x", day(number)).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "none of ours").unwrap();
        journal.append(b"x", day(12)).unwrap();
        assert_eq!(dates(folder.path()), ["2026-10-03", "2026-10-04", "2026-10-13"]);
        journal.drop_old(day(100));
        assert_eq!(dates(folder.path()), ["2026-10-13"]);
        assert!(folder.path().join("notes.txt").exists());
    }
}
