//! Whose turn was when, and which customers wait for whom.

use super::*;

impl Subject {
    /// The people of Sophie's pool, whoever's turn was longest ago first.
    async fn turns(&self) -> Vec<String> {
        let query = Query { pools: vec![sophie()], ..Query::default() };
        let found = self.threads.look_up(query).await.unwrap();
        let mut turns: Vec<_> = found.turns.into_values().flatten().collect();
        turns.sort_by_key(|(_, at)| *at);
        turns.into_iter().map(|(person, _)| person.0).collect()
    }

    /// How many customers wait for Sophie, Tom and Ute.
    async fn waiting(&self) -> [u32; 3] {
        let query = Query { waiting: everything().waiting, ..Query::default() };
        let found = self.threads.look_up(query).await.unwrap();
        ["sophie", "tom", "ute"].map(|name| found.waiting.get(&PersonName(name.into())).copied().unwrap_or_default())
    }
}

/// A message that went to a person.
fn given(id: &str, thread: u8, message: u8, person: &str) -> Record {
    but(came(id, thread, message, 1), |came| came.person = Some(PersonName(person.into())))
}

#[rstest]
#[tokio::test]
async fn turns_are_told_by_pool_and_the_last_one_counts(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([turn("sophie", 300), turn("tom", 200), turn("ute", 100), turn("sophie", 99)]).await;
    assert_eq!(subject.turns().await, ["tom", "ute", "sophie"], "within one second");
    subject.learn([turn("ute", 100), turn("sophie", 300)]).await;
    assert_eq!(subject.turns().await, ["tom", "ute", "sophie"], "what is learned again is no turn");
    let query = Query { pools: vec![PersonaName("other".into())], ..Query::default() };
    assert_eq!(subject.threads.look_up(query).await, Ok(Found::default()));
}

#[rstest]
#[tokio::test]
async fn a_turn_is_forgotten_when_ids_are(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([turn("sophie", 401 * DAY * 1000), turn("tom", 399 * DAY * 1000)]).await;
    assert_eq!(subject.turns().await, ["tom"]);
}

#[rstest]
#[tokio::test]
async fn a_customer_waits_until_one_of_ours_has_written(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(given("a", 1, 1, "tom"), 9), aged(given("b", 2, 2, "tom"), 9)]).await;
    subject.learn([aged(given("c", 1, 3, "tom"), 8)]).await;
    assert_eq!(subject.waiting().await, [0, 2, 0], "threads, and not messages");
    subject.learn([aged(sent("follow-up", 1, 4, &[1]), 7)]).await;
    assert_eq!(subject.waiting().await, [0, 2, 0], "an automated mail is no answer");
    subject.learn([aged(learned_from("d", 1, 5, &[1], "ute"), 6)]).await;
    assert_eq!(subject.waiting().await, [0, 1, 0], "whoever of ours answered");
    subject.learn([aged(given("e", 1, 6, "tom"), 5)]).await;
    assert_eq!(subject.waiting().await, [0, 2, 0], "and the customer wrote again");
    subject.learn([aged(given("c", 1, 3, "tom"), 8), aged(learned_from("d", 1, 5, &[1], "ute"), 6)]).await;
    assert_eq!(subject.waiting().await, [0, 2, 0], "what is learned again is no news");
}

#[rstest]
#[tokio::test]
async fn a_thread_waits_for_whoever_got_its_last_message(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(given("a", 1, 1, "tom"), 9), aged(given("b", 1, 2, "ute"), 8)]).await;
    assert_eq!(subject.waiting().await, [0, 0, 1]);
    subject.learn([aged(given("c", 1, 3, "sophie"), 8)]).await;
    assert_eq!(subject.waiting().await, [1, 0, 0]);
    let held = but(given("d", 1, 4, "tom"), |came| came.fate = FateName::Hold);
    let machine = but(given("e", 1, 5, "tom"), |came| came.kind = Kind::AutoReply);
    subject.learn([held, machine]).await;
    assert_eq!(subject.waiting().await, [1, 0, 0], "nobody is asked by a machine, nor by what nobody got");
}

#[rstest]
#[tokio::test]
async fn nobody_waits_for_ever(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(given("a", 1, 1, "tom"), 15 * DAY), aged(given("b", 2, 2, "tom"), 13 * DAY)]).await;
    assert_eq!(subject.waiting().await, [0, 1, 0]);
}
