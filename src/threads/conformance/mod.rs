//! What every backend of [`Threads`] promises, tested over all of them; and the records that other
//! tests of this room draw.

use std::ops::Range;

use proptest::prelude::*;
use rstest::rstest;
use tempfile::TempDir;

use super::local::Local;
use super::memory::Memory;
use super::*;
use crate::mail::{Action, Evidence, FateName, Kind, Status};

mod acquaintance;
mod duties;
mod stories;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// The backends.
#[derive(Debug, Clone, Copy)]
enum Backend {
    Memory,
    Local,
}

/// A memory under test, and the folder that it may need.
struct Subject {
    threads: Threads,
    _state_dir: Option<TempDir>,
}

impl Backend {
    fn open(self) -> Subject {
        match self {
            Self::Memory => Subject { threads: Threads::Memory(Memory::default()), _state_dir: None },
            Self::Local => {
                let state_dir = tempfile::tempdir().unwrap();
                let local = Local::open(state_dir.path(), settings(), crate::clock::now()).unwrap();
                Subject { threads: Threads::Local(local), _state_dir: Some(state_dir) }
            }
        }
    }
}

impl Subject {
    /// Learns one after the other, as different messages would.
    async fn learn(&self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.threads.learn(vec![record], Durability::Written).await.unwrap();
        }
    }

    async fn claims(&self, id: &str) -> Vec<Claim> {
        let query = Query { ids: vec![message_id(id)], ..Query::default() };
        self.threads.look_up(query).await.unwrap().ids.remove(&message_id(id)).unwrap_or_default()
    }

    async fn thread(&self, thread: u8) -> Option<Thread> {
        let query = Query { threads: vec![thread_id(thread)], ..Query::default() };
        self.threads.look_up(query).await.unwrap().threads.remove(&thread_id(thread))
    }

    async fn remembered(&self, retry: u8) -> Remembered {
        let query = Query { retries: vec![retry_key(retry)], ..Query::default() };
        self.threads.look_up(query).await.unwrap().retries.remove(&retry_key(retry)).unwrap_or_default()
    }

    async fn twin(&self, twin: u8) -> Option<Twin> {
        let query = Query { twin: Some(fingerprint(twin)), ..Query::default() };
        self.threads.look_up(query).await.unwrap().twin
    }
}

/// The defaults, with a cache that suits many tests at once.
pub(super) fn settings() -> Settings {
    Settings { cache: 1 << 20, ..Settings::default() }
}

pub(super) fn now() -> i64 {
    crate::clock::now().as_second()
}

pub(super) fn message_id(name: &str) -> MessageId {
    MessageId::new(&format!("{name}@acme.example")).unwrap()
}

fn thread_id(thread: u8) -> ThreadId {
    ThreadId([thread; 8])
}

fn fingerprint(of: u8) -> Fingerprint {
    Fingerprint([of; 16])
}

fn retry_key(of: u8) -> RetryKey {
    RetryKey([of; 16])
}

fn destination(name: &str) -> DestinationHash {
    DestinationHash::new(name)
}

fn sophie() -> PersonaName {
    PersonaName("sophie".into())
}

pub(super) fn customer(number: u8) -> String {
    format!("customer{number}@example.net")
}

/// An automated message that went out as Sophie, now.
pub(super) fn learned(id: &str, thread: u8, message: u8, to: &[u8]) -> Record {
    Record::Learned {
        message_id: message_id(id),
        thread: thread_id(thread),
        persona: sophie(),
        fingerprint: fingerprint(message),
        correspondents: to.iter().copied().map(customer).collect(),
        at: now(),
    }
}

/// A message that a person wrote as Sophie, now.
fn learned_from(id: &str, thread: u8, message: u8, to: &[u8], person: &str) -> Record {
    Record::LearnedFrom {
        message_id: message_id(id),
        thread: thread_id(thread),
        persona: sophie(),
        fingerprint: fingerprint(message),
        correspondents: to.iter().copied().map(customer).collect(),
        writer: PersonName(person.into()),
        at: now(),
    }
}

pub(super) fn healed(id: &str, thread: u8, from: u8) -> Record {
    Record::Healed {
        message_id: message_id(id),
        thread: thread_id(thread),
        persona: sophie(),
        correspondent: customer(from),
        at: now(),
    }
}

/// What a message is about.
fn topic(subject: u8) -> Topic {
    Topic { subject: Some(TopicHash([subject; 8])), conversation: None }
}

/// An automated message that went out as Sophie, now, about its own number.
pub(super) fn sent(id: &str, thread: u8, message: u8, to: &[u8]) -> Record {
    Record::Sent(Sent {
        message_id: message_id(id),
        thread: thread_id(thread),
        persona: sophie(),
        fingerprint: fingerprint(message),
        correspondents: to.iter().copied().map(customer).collect(),
        writer: None,
        topic: topic(message),
        at: now(),
    })
}

/// A message that a customer wrote to Sophie's address and one of ours got, now, about its own number.
pub(super) fn came(id: &str, thread: u8, message: u8, from: u8) -> Record {
    Record::Came(Came {
        thread: thread_id(thread),
        persona: sophie(),
        mail: fingerprint(message),
        message_id: Some(message_id(id)),
        heals: Vec::new(),
        correspondent: Some(customer(from)),
        kind: Kind::Human,
        evidence: Evidence::PersonaAddress,
        fate: FateName::Forward,
        person: Some(PersonName("sophie".into())),
        topic: topic(message),
        at: now(),
    })
}

/// The same record, with another say about a message that came.
fn but(mut record: Record, edit: impl FnOnce(&mut Came)) -> Record {
    if let Record::Came(came) = &mut record {
        edit(came);
    }
    record
}

/// A mail system told that Sophie's mail did not reach a customer.
fn reported(thread: u8, of: Option<u8>, action: Action) -> Record {
    Record::Reported(Reported {
        thread: thread_id(thread),
        persona: sophie(),
        recipient: of.map(customer),
        action,
        status: Status::read("5.1.1"),
        at: now(),
    })
}

fn campaign(thread: u8, name: &str) -> Record {
    Record::Campaign { thread: thread_id(thread), persona: sophie(), campaign: name.into(), at: now() }
}

fn done(retry: u8, twin: u8, to: &str) -> Record {
    Record::Done { retry: retry_key(retry), twin: fingerprint(twin), destination: destination(to), at: now() }
}

fn chosen(retry: u8, person: &str) -> Record {
    Record::Chosen { retry: retry_key(retry), person: PersonName(person.into()), at: now() }
}

/// Somebody had their turn in Sophie's pool, so many milliseconds of today ago.
fn turn(person: &str, ago: i64) -> Record {
    Record::Turn { persona: sophie(), person: PersonName(person.into()), at: now() * 1000 - ago }
}

fn forgotten(who: u8) -> Record {
    Record::Forgotten { correspondent: customer(who), at: now() }
}

/// The same record at another time.
fn aged(mut record: Record, seconds: i64) -> Record {
    match &mut record {
        Record::Learned { at, .. }
        | Record::Healed { at, .. }
        | Record::Done { at, .. }
        | Record::Chosen { at, .. }
        | Record::Forgotten { at, .. }
        | Record::LearnedFrom { at, .. }
        | Record::Sent(Sent { at, .. })
        | Record::Came(Came { at, .. })
        | Record::Reported(Reported { at, .. })
        | Record::Campaign { at, .. } => *at -= seconds,
        Record::Turn { at, .. } => *at -= seconds * 1000,
    }
    record
}

fn claim(thread: u8, origin: Origin) -> Claim {
    Claim { thread: thread_id(thread), origin }
}

fn learned_claim(thread: u8, message: u8) -> Claim {
    claim(thread, Origin::Learned(fingerprint(message)))
}

fn healed_claim(thread: u8, from: u8) -> Claim {
    claim(thread, Origin::Healed(customer(from)))
}

/// Some records over a small world, so that they meet. Their times are all within keeping, and in
/// any order, as with a clock that steps.
pub(super) fn records(length: Range<usize>) -> impl Strategy<Value = Vec<Record>> {
    let small = 0..3_u8;
    let numbers = (small.clone(), small.clone(), small, 0..12_u8, 0..40_i64);
    let one = (0..12_u8, numbers).prop_map(|(kind, (id, thread, message, who, age))| {
        let (name, person) = (["a", "b", "c"][usize::from(id)], ["sophie", "tom", "ute"][usize::from(who % 3)]);
        let record = match kind {
            0 => learned(name, thread, message, &[who, who + 1]),
            1 => healed(name, thread, who),
            2 => done(id, message, &customer(who)),
            3 => learned_from(name, thread, message, &[who], person),
            4 | 5 => sent(name, thread, message, &[who, who / 2]),
            6 | 7 => but(came(name, thread, message, who), |came| {
                came.evidence = if who % 3 == 0 { Evidence::Seed } else { Evidence::PersonaAddress };
                came.heals = vec![message_id("a"), message_id(["b", "c"][usize::from(who % 2)])];
                came.person = (who < 11).then(|| PersonName(person.into()));
            }),
            11 => turn(person, i64::from(message)),
            8 => but(came(name, thread, message, who), |came| {
                came.fate = if who < 6 { FateName::Hold } else { FateName::Forward };
                came.kind = if who < 9 { Kind::AutoReply } else { Kind::Human };
                came.message_id.take_if(|_| who % 2 == 0);
            }),
            9 if who < 3 => chosen(id, &customer(who)),
            9 if who < 6 => campaign(thread, name),
            9 => forgotten(who),
            _ => reported(thread, (who > 0).then_some(who), if who < 6 { Action::Failed } else { Action::Delayed }),
        };
        aged(record, age)
    });
    prop::collection::vec(one, length)
}

/// As many records as pass every bound of what is told, or of who is known; apart, since each makes the other slow.
pub(super) fn many_records() -> impl Strategy<Value = Vec<Record>> {
    prop_oneof![of_one_thread(), of_one_customer()]
}

/// One thread with many customers.
fn of_one_thread() -> impl Strategy<Value = Vec<Record>> {
    let one = (0..30_u8, any::<u8>(), 0..40_u8, 0..300_i64).prop_map(|(kind, message, who, age)| {
        let name = message.to_string();
        let record = match kind {
            0..14 => sent(&name, 1, message, &[who]),
            14..25 => came(&name, 1, message, who),
            25..29 => but(came(&name, 1, message, who), |came| came.fate = FateName::Hold),
            _ => forgotten(who),
        };
        aged(record, age)
    });
    prop::collection::vec(one, 80..140)
}

/// One customer, with another now and then, in many threads, of many personas. The one is seldom forgotten, so that
/// the bounds are reached.
fn of_one_customer() -> impl Strategy<Value = Vec<Record>> {
    let one = (0..60_u8, any::<u8>(), 0..10_u8, 0..300_i64).prop_map(|(kind, number, who, age)| {
        let (name, who) = (number.to_string(), who / 9);
        let record = match kind {
            0..30 => persona_of(sent(&name, number, number, &[who]), number % 60),
            30..59 => came(&name, number, number, who),
            _ => forgotten(1 - who),
        };
        aged(record, age)
    });
    prop::collection::vec(one, 170..260)
}

/// The same mail as another persona's, one of many.
fn persona_of(mut record: Record, number: u8) -> Record {
    if let Record::Sent(sent) = &mut record {
        sent.persona = PersonaName(format!("persona{number}"));
    }
    record
}

/// Asks for all of that small world.
pub(super) fn everything() -> Query {
    Query {
        correspondent: Some(Correspondent { address: customer(1), topic: topic(1) }),
        ids: ["a", "b", "c"].map(message_id).to_vec(),
        threads: (0..3).map(thread_id).collect(),
        retries: (0..3).map(retry_key).collect(),
        twin: Some(fingerprint(1)),
        pools: vec![sophie()],
        waiting: ["sophie", "tom", "ute"].map(|name| PersonName(name.into())).to_vec(),
    }
}

#[rstest]
#[tokio::test]
async fn what_was_never_learned_is_not_found(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    assert_eq!(subject.threads.look_up(everything()).await, Ok(Found::default()));
    assert_eq!(subject.threads.count().await, Ok(Count::default()));
}

#[rstest]
#[tokio::test]
async fn a_learned_id_leads_to_its_thread(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
    #[values(Durability::Written, Durability::Disk)] durability: Durability,
) {
    let subject = backend.open();
    let record = learned("a", 1, 7, &[1, 2]);
    let opened = record.at();
    subject.threads.learn(vec![record], durability).await.unwrap();

    let found = subject.threads.look_up(Query { ids: vec![message_id("a")], ..Query::default() }).await.unwrap();
    assert_eq!(found.ids[&message_id("a")], [learned_claim(1, 7)]);
    let correspondents = vec![customer(1), customer(2)];
    let thread = Thread {
        persona: sophie(),
        opened,
        correspondents,
        healed: 0,
        writer: None,
        person: None,
        first: None,
        campaign: None,
    };
    assert_eq!(found.threads[&thread_id(1)], thread);
    assert_eq!(subject.threads.count().await, Ok(Count { threads: 1, ids: 1, healed: 0, bounced: 0 }));
}

#[rstest]
#[tokio::test]
async fn learning_the_same_message_again_only_adds_correspondents(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([learned("a", 1, 7, &[1]), learned("a", 2, 7, &[2]), learned("a", 1, 7, &[1])]).await;
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7)]);
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(1), customer(2)]);
    assert_eq!(subject.thread(2).await, None);
}

#[rstest]
#[tokio::test]
async fn two_messages_under_one_id_are_both_told(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([learned("a", 1, 7, &[1]), learned("a", 2, 8, &[2])]).await;
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7), learned_claim(2, 8)]);
    subject.learn((3..20).map(|number| learned("a", number, 6 + number, &[number]))).await;
    assert_eq!(subject.claims("a").await.len(), 8, "ambiguous for long");
    assert!(subject.thread(19).await.is_some(), "its seed is out there");
}

#[rstest]
#[tokio::test]
async fn one_mail_as_it_was_before_it_was_signed_and_after_is_in_one_thread(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([learned("a", 1, 7, &[1]), learned("a", 2, 8, &[2, 1]), learned("a", 3, 9, &[])]).await;
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7), learned_claim(1, 8), learned_claim(1, 9)]);
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(1), customer(2)]);
    assert_eq!((subject.thread(2).await, subject.thread(3).await), (None, None));

    let mut toms = learned("a", 4, 10, &[1]);
    if let Record::Learned { persona, .. } = &mut toms {
        *persona = PersonaName("tom".into());
    }
    subject.learn([toms]).await;
    assert_eq!(subject.claims("a").await.last(), Some(&learned_claim(4, 10)), "another persona's is another mail");
}

#[rstest]
#[tokio::test]
async fn a_thread_knows_who_wrote_into_it_last(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let writer = async || subject.thread(1).await.unwrap().writer.map(|person| person.0).unwrap_or_default();
    subject.learn([learned("a", 1, 7, &[1])]).await;
    assert_eq!(writer().await, "");
    subject.learn([learned_from("b", 1, 8, &[1], "tom"), aged(learned_from("c", 1, 9, &[1], "sophie"), 60)]).await;
    assert_eq!(writer().await, "tom", "what is learned late may be older");
    subject.learn([learned("d", 1, 10, &[1])]).await;
    assert_eq!(writer().await, "tom", "what nobody wrote changes nothing");
    subject.learn([learned_from("e", 2, 11, &[1], "ute"), learned_from("e", 3, 12, &[1], "sophie")]).await;
    assert_eq!(subject.thread(2).await.unwrap().writer, Some(PersonName("sophie".into())), "one mail, one thread");
}

#[rstest]
#[tokio::test]
async fn learning_takes_an_id_from_healing_and_healing_takes_nothing(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([healed("a", 1, 1), learned("a", 2, 7, &[2]), healed("a", 3, 3)]).await;
    assert_eq!(subject.claims("a").await, [learned_claim(2, 7)]);
    assert_eq!(subject.thread(3).await, None);
}

#[rstest]
#[tokio::test]
async fn several_correspondents_may_bring_an_id_but_not_many(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn((0..20).map(|who| healed("a", 1, who))).await;
    assert_eq!(subject.claims("a").await, (0..8).map(|who| healed_claim(1, who)).collect::<Vec<_>>());
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(0)], "healing adds no correspondent");
}

#[rstest]
#[tokio::test]
async fn a_thread_gains_two_hundred_ids_and_no_more(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn((0..210).map(|number| healed(&number.to_string(), 1, 1))).await;
    subject.learn([healed("0", 1, 1)]).await;
    assert_eq!(subject.thread(1).await.unwrap().healed, 200);
    assert_eq!(subject.claims("199").await, [healed_claim(1, 1)]);
    assert_eq!(subject.claims("200").await, []);
}

#[rstest]
#[tokio::test]
async fn healing_never_changes_whose_thread_it_is(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let mut toms = healed("b", 1, 2);
    if let Record::Healed { persona, .. } = &mut toms {
        *persona = PersonaName("tom".into());
    }
    subject.learn([learned("a", 1, 7, &[1]), toms]).await;
    assert_eq!(subject.thread(1).await.unwrap().persona, sophie());
}

#[rstest]
#[tokio::test]
async fn done_legs_are_remembered_by_mail_and_by_twin(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let first = done(1, 7, "tom@corp.example");
    let at = first.at();
    subject.learn([first.clone(), first, aged(done(2, 7, "sophie@corp.example"), 1)]).await;

    assert_eq!(subject.remembered(1).await.done, [destination("tom@corp.example")]);
    assert_eq!(subject.remembered(2).await.done, [destination("sophie@corp.example")]);
    let twin = subject.twin(7).await.unwrap();
    assert_eq!(twin.learned, None);
    assert_eq!(twin.done[0], (destination("tom@corp.example"), at));
    assert_eq!(twin.done.len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_twin_keeps_the_id_and_thread_that_it_was_first_learned_under(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([learned("minted", 1, 7, &[1]), learned("minted-again", 2, 7, &[1])]).await;
    assert_eq!(subject.twin(7).await.unwrap().learned, Some((thread_id(1), message_id("minted"))));
}

#[rstest]
#[tokio::test]
async fn a_pools_first_choice_stands(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([chosen(1, "tom"), chosen(1, "sophie"), chosen(2, "sophie")]).await;
    assert_eq!(subject.remembered(1).await.chosen.map(|person| person.0).as_deref(), Some("tom"));
    assert_eq!(subject.remembered(2).await.chosen.map(|person| person.0).as_deref(), Some("sophie"));
}

#[rstest]
#[tokio::test]
async fn who_is_forgotten_is_in_no_thread_and_no_claim(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([learned("a", 1, 7, &[1, 2]), healed("b", 1, 1), healed("b", 1, 2)]).await;
    subject.threads.forget(&customer(1).parse().unwrap()).await.unwrap();

    assert_eq!(subject.claims("a").await, [learned_claim(1, 7)]);
    assert_eq!(subject.claims("b").await, [healed_claim(1, 2)]);
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(2)]);

    subject.learn([aged(learned("c", 1, 8, &[1]), -60)]).await;
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(2), customer(1)], "met again, later");
}

#[rstest]
#[tokio::test]
async fn nothing_is_answered_past_its_keeping(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(learned("a", 1, 7, &[1]), 401 * DAY), aged(learned("b", 2, 8, &[1]), 399 * DAY)]).await;
    subject.learn([aged(done(1, 9, "old"), 7 * DAY), aged(chosen(2, "tom"), 7 * DAY)]).await;

    assert_eq!(subject.claims("a").await, []);
    assert_eq!(subject.thread(1).await, None);
    assert_eq!(subject.claims("b").await, [learned_claim(2, 8)]);
    assert_eq!(subject.remembered(1).await, Remembered::default());
    assert_eq!(subject.remembered(2).await, Remembered::default());
    assert_eq!(subject.twin(9).await, None);
    assert_eq!(subject.twin(7).await, None);
    assert_eq!(subject.threads.count().await, Ok(Count { threads: 1, ids: 1, healed: 0, bounced: 0 }));

    subject.learn([chosen(2, "sophie"), learned("a", 3, 9, &[1])]).await;
    assert_eq!(
        subject.remembered(2).await.chosen.map(|person| person.0).as_deref(),
        Some("sophie"),
        "the old choice is in nobody's way"
    );
    assert_eq!(subject.claims("a").await, [learned_claim(3, 9)], "nor is the old message");
}

#[rstest]
#[tokio::test]
async fn a_thread_is_kept_as_long_as_the_newest_id_that_leads_to_it(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([aged(learned("a", 1, 7, &[1]), 401 * DAY), aged(healed("b", 1, 1), DAY)]).await;
    assert_eq!(subject.claims("a").await, []);
    assert_eq!(subject.claims("b").await, [healed_claim(1, 1)]);
    assert!(subject.thread(1).await.is_some());
}

#[rstest]
#[tokio::test]
async fn a_barrier_waits_and_changes_nothing(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.threads.learn(vec![], Durability::Disk).await.unwrap();
    subject.learn([learned("a", 1, 7, &[1])]).await;
    subject.threads.learn(vec![], Durability::Disk).await.unwrap();
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7)]);
}

#[rstest]
#[tokio::test]
async fn an_end_is_an_end(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let Subject { threads, _state_dir } = backend.open();
    threads.learn(vec![learned("a", 1, 7, &[1])], Durability::Written).await.unwrap();
    threads.close().await;
}
