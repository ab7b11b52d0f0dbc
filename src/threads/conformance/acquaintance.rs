//! How a correspondent is known.

use super::*;

impl Subject {
    /// What is known of a customer whose message is about `about`.
    async fn acquaintance(&self, who: u8, about: Topic) -> Found {
        let correspondent = Some(Correspondent { address: customer(who), topic: about });
        self.threads.look_up(Query { correspondent, ..Query::default() }).await.unwrap()
    }

    /// The threads in which they are known with that subject, newest first.
    async fn familiar(&self, who: u8, subject: u8) -> Vec<ThreadId> {
        let found = self.acquaintance(who, topic(subject)).await.acquaintance;
        found.threads.into_iter().map(|familiar| familiar.thread).collect()
    }

    async fn written_to_by(&self, who: u8) -> Vec<String> {
        let found = self.acquaintance(who, Topic::default()).await.acquaintance;
        found.written_to_by.into_iter().map(|persona| persona.0).collect()
    }
}

fn conversation(of: u8) -> Topic {
    Topic { subject: None, conversation: Some(TopicHash([of; 8])) }
}

/// The same record about something else.
fn about(mut record: Record, topic: Topic) -> Record {
    if let Record::Sent(Sent { topic: old, .. }) | Record::Came(Came { topic: old, .. }) = &mut record {
        *old = topic;
    }
    record
}

#[rstest]
#[tokio::test]
async fn whom_we_wrote_to_is_known_by_what_it_was_about(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let (first, second) = (sent("a", 1, 7, &[1, 2]), aged(about(sent("b", 2, 8, &[1]), topic(7)), 60));
    let times = (first.at(), second.at());
    subject.learn([second, first]).await;

    let found = subject.acquaintance(1, topic(7)).await;
    let familiar = |thread, at| Familiar { thread: thread_id(thread), topic: topic(7), at };
    assert_eq!(found.acquaintance.threads, [familiar(1, times.0), familiar(2, times.1)], "newest first");
    assert_eq!(found.threads[&thread_id(2)].persona, sophie(), "what these threads are is told too");
    assert_eq!(subject.familiar(2, 7).await, [thread_id(1)]);
    assert_eq!(subject.familiar(1, 9).await, [], "about something else");
    assert_eq!(subject.familiar(3, 7).await, [], "somebody else");
    assert_eq!(subject.acquaintance(1, Topic::default()).await.acquaintance.threads, [], "about nothing");
}

#[rstest]
#[tokio::test]
async fn only_the_agreeing_part_is_told(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let both = Topic { conversation: conversation(5).conversation, ..topic(7) };
    subject.learn([about(sent("a", 1, 7, &[1]), both)]).await;
    let agreement = async |asked| subject.acquaintance(1, asked).await.acquaintance.threads[0].topic;
    assert_eq!(agreement(both).await, both);
    assert_eq!(agreement(Topic { conversation: conversation(6).conversation, ..both }).await, topic(7));
    assert_eq!(agreement(Topic { subject: topic(8).subject, ..both }).await, conversation(5));
}

#[rstest]
#[tokio::test]
async fn a_known_correspondents_answer_renews_and_widens_what_it_is_about(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let answer = about(came("b", 1, 8, 1), conversation(5));
    let at = answer.at();
    subject.learn([aged(sent("a", 1, 7, &[1]), 60), answer, about(came("c", 1, 9, 1), topic(7))]).await;
    let known = subject.acquaintance(1, conversation(5)).await.acquaintance.threads;
    assert_eq!(known, [Familiar { thread: thread_id(1), topic: conversation(5), at }]);
    let renewed = subject.acquaintance(1, topic(7)).await.acquaintance.threads;
    assert!(renewed.len() == 1 && renewed[0].at > at - 60, "the subject's last time counts: {renewed:?}");
}

#[rstest]
#[tokio::test]
async fn who_opened_a_thread_is_known_in_it(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([came("a", 1, 7, 1), came("b", 1, 7, 2)]).await;
    assert_eq!(subject.familiar(1, 7).await, [thread_id(1)]);
    assert_eq!(subject.familiar(2, 7).await, [], "who only wrote in it is not");
    assert_eq!(subject.written_to_by(1).await, Vec::<String>::new(), "nobody has written to them");
}

#[rstest]
#[case::token(Evidence::RecipientToken)]
#[case::seed(Evidence::Seed)]
#[case::id(Evidence::MessageId)]
#[case::quoted(Evidence::QuotedId)]
#[tokio::test]
async fn a_thread_that_the_index_has_lost_is_nobodys(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
    #[case] evidence: Evidence,
) {
    let subject = backend.open();
    let stranger = but(came("a", 1, 7, 2), |came| came.evidence = evidence);
    subject.learn([stranger.clone(), came("b", 1, 8, 3), stranger]).await;
    assert_eq!(subject.thread(1).await.unwrap().correspondents, Vec::<String>::new());
    assert_eq!((subject.familiar(2, 7).await, subject.familiar(3, 8).await), (vec![], vec![]));
    subject.learn([sent("c", 1, 9, &[1])]).await;
    assert_eq!(subject.thread(1).await.unwrap().correspondents, [customer(1)], "until we write to somebody in it");

    subject.learn([came("d", 2, 10, 2), but(came("e", 2, 11, 2), |came| came.evidence = evidence)]).await;
    assert_eq!(subject.thread(2).await.unwrap().correspondents, [customer(2)], "who opened it stays");
}

#[rstest]
#[tokio::test]
async fn a_stranger_attaches_nothing_to_a_customer(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([sent("a", 1, 7, &[1]), about(came("b", 1, 8, 2), conversation(5))]).await;
    assert_eq!(subject.acquaintance(1, conversation(5)).await.acquaintance.threads, []);
    assert_eq!(subject.acquaintance(2, conversation(5)).await.acquaintance.threads, []);
    subject.learn([sent("c", 1, 9, &[2])]).await;
    let known = subject.acquaintance(2, conversation(5)).await.acquaintance.threads;
    assert_eq!(known.len(), 1, "once we wrote to them there, what they wrote before is theirs");
    assert_eq!(subject.acquaintance(1, conversation(5)).await.acquaintance.threads, []);
}

#[rstest]
#[case::vacation_notice(|came: &mut Came| came.kind = Kind::AutoReply)]
#[case::held(|came: &mut Came| came.fate = FateName::Hold)]
#[case::discarded(|came: &mut Came| came.fate = FateName::Discard)]
#[tokio::test]
async fn what_is_only_told_makes_nobody_known(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
    #[case] edit: fn(&mut Came),
) {
    let subject = backend.open();
    subject.learn([sent("a", 1, 7, &[1]), but(came("b", 1, 8, 1), edit), but(came("c", 2, 7, 2), edit)]).await;
    assert_eq!(subject.familiar(1, 8).await, []);
    assert_eq!(subject.familiar(2, 7).await, []);
    assert_eq!(subject.claims("b").await, [], "nor does its id join");
    assert_eq!(subject.thread(2).await.unwrap().correspondents, Vec::<String>::new());
    subject.learn([came("d", 2, 7, 3)]).await;
    assert_eq!(subject.familiar(3, 7).await, [thread_id(2)], "a person opens the thread");
}

#[rstest]
#[tokio::test]
async fn the_personas_that_wrote_are_told_each_once(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let records = (1..=40_u8).map(|number| {
        aged(persona_of(sent(&number.to_string(), number, number, &[1]), number), i64::from(40 - number))
    });
    subject.learn(records).await;
    subject.learn([persona_of(sent("again", 50, 50, &[1]), 40), came("b", 51, 51, 1)]).await;
    let personas = subject.written_to_by(1).await;
    assert_eq!(personas.len(), 32, "bounded");
    assert_eq!(personas.first().map(String::as_str), Some("persona40"), "the last one first");
    assert!(!personas.contains(&"persona8".to_owned()) && personas.contains(&"persona9".to_owned()), "{personas:?}");
}

#[rstest]
#[tokio::test]
async fn the_newest_threads_are_known_and_no_more(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let records = (0..70_u8).map(|number| {
        let subject = if number < 20 { number } else { 100 };
        aged(about(sent(&number.to_string(), number, number, &[1]), topic(subject)), i64::from(70 - number))
    });
    subject.learn(records).await;
    let newest: Vec<ThreadId> = (20..70).rev().map(thread_id).collect();
    assert_eq!(subject.familiar(1, 100).await, newest, "all that fit");
    assert_eq!(subject.familiar(1, 5).await, [], "sixty-four are kept");
    assert_eq!(subject.familiar(1, 6).await, [thread_id(6)]);
}

#[rstest]
#[tokio::test]
async fn mail_that_came_takes_no_place_of_what_we_sent(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let is_cut = async || subject.acquaintance(1, topic(7)).await.acquaintance.is_cut;
    subject.learn([aged(sent("a", 1, 7, &[1]), 90)]).await;
    subject.learn((100..163).map(|number| came(&number.to_string(), number, number, 1))).await;
    assert!(!is_cut().await, "as long as there is room, nothing has given way");
    subject.learn((163..170).map(|number| came(&number.to_string(), number, number, 1))).await;
    assert!(is_cut().await);
    assert_eq!(subject.familiar(1, 7).await, [thread_id(1)]);
    assert_eq!(subject.familiar(1, 105).await, [], "of what came, the oldest gave way");
    assert_eq!(subject.familiar(1, 106).await, [thread_id(106)]);

    subject.learn((1..65).map(|number| sent(&format!("sent{number}"), number, number, &[2]))).await;
    assert!(subject.acquaintance(2, topic(7)).await.acquaintance.is_cut, "nor of what we sent all may be there");
    subject.threads.forget(&customer(1).parse().unwrap()).await.unwrap();
    assert!(!is_cut().await, "nothing is forgotten of whom nothing is known");
}

#[rstest]
#[tokio::test]
async fn who_is_forgotten_is_known_no_more_but_may_be_met_again(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let before = [sent("a", 1, 7, &[1, 2]), came("b", 1, 7, 1)];
    subject.learn(before.clone()).await;
    subject.threads.forget(&customer(1).parse().unwrap()).await.unwrap();
    subject.learn(before).await;
    assert_eq!(
        subject.acquaintance(1, topic(7)).await.acquaintance,
        Acquaintance::default(),
        "a replay changes nothing"
    );
    assert_eq!(subject.familiar(2, 7).await, [thread_id(1)], "others stay");

    subject.learn([aged(sent("c", 2, 7, &[1]), -60)]).await;
    assert_eq!(subject.familiar(1, 7).await, [thread_id(2)]);
    assert_eq!(subject.written_to_by(1).await, ["sophie"]);
}

#[rstest]
#[tokio::test]
async fn nobody_is_known_past_keeping(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(sent("a", 1, 7, &[1]), 401 * DAY), aged(sent("b", 2, 7, &[1]), 399 * DAY)]).await;
    assert_eq!(subject.familiar(1, 7).await, [thread_id(2)]);
    let subject = backend.open();
    subject.learn([aged(sent("a", 1, 7, &[1]), 401 * DAY)]).await;
    assert_eq!(subject.written_to_by(1).await, Vec::<String>::new());
}

#[rstest]
#[tokio::test]
async fn what_a_journal_of_before_says_makes_known_too(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([learned("a", 1, 7, &[1]), learned_from("b", 2, 8, &[1], "tom"), healed("c", 3, 2)]).await;
    assert_eq!(subject.written_to_by(1).await, ["sophie"]);
    assert_eq!(subject.written_to_by(2).await, Vec::<String>::new());
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7)]);
}
