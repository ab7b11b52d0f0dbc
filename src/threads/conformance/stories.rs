//! What is told of a thread, and what joins it by what came.

use super::*;

impl Subject {
    async fn stories(&self, named: Named) -> Vec<Story> {
        self.threads.stories(named).await.unwrap()
    }

    async fn story(&self, thread: u8) -> Story {
        self.stories(Named::Thread(thread_id(thread))).await.remove(0)
    }

    /// The ids of the messages that are told.
    async fn told(&self, thread: u8) -> Vec<String> {
        let ids = self.story(thread).await.events.into_iter().filter_map(|event| event.message_id);
        ids.map(|id| id.left().to_owned()).collect()
    }
}

#[rstest]
#[tokio::test]
async fn a_thread_tells_its_story(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let mut by_tom = aged(sent("d", 1, 10, &[1]), 0);
    if let Record::Sent(sent) = &mut by_tom {
        sent.writer = Some(PersonName("tom".into()));
    }
    let notice = but(came("b", 1, 8, 1), |came| {
        (came.kind, came.fate, came.person) = (Kind::AutoReply, FateName::Hold, None);
    });
    let reply = but(came("c", 1, 9, 1), |came| came.heals = vec![message_id("a"), message_id("x")]);
    let records = [aged(sent("a", 1, 7, &[1, 2]), 300), aged(notice, 200), aged(reply, 100), by_tom];
    let at = records.each_ref().map(Record::at);
    subject.learn(records).await;

    let event = |at, id, what| Event { at, message_id: Some(message_id(id)), what };
    let sent = |writer, to: &[u8]| What::Sent {
        writer,
        to: to.iter().copied().map(customer).collect(),
        count: u32::try_from(to.len()).unwrap(),
    };
    let came = |kind, fate, person, healed| {
        let (correspondent, evidence) = (Some(customer(1)), Evidence::PersonaAddress);
        What::Came { correspondent, kind, evidence, fate, person, healed }
    };
    let tom = || Some(PersonName("tom".into()));
    let expected = Story {
        thread: thread_id(1),
        persona: sophie(),
        opened: at[0],
        correspondents: vec![customer(1), customer(2)],
        writer: tom(),
        person: Some(PersonName("sophie".into())),
        campaign: None,
        reports: Vec::new(),
        healed: 2,
        events: vec![
            event(at[0], "a", sent(None, &[1, 2])),
            event(at[1], "b", came(Kind::AutoReply, FateName::Hold, None, vec![])),
            event(
                at[2],
                "c",
                came(Kind::Human, FateName::Forward, Some(PersonName("sophie".into())), vec![message_id("x")]),
            ),
            event(at[3], "d", sent(tom(), &[1])),
        ],
        is_cut: false,
        is_of_many: false,
    };
    let expected = [expected];
    assert_eq!(subject.stories(Named::Thread(thread_id(1))).await, expected);
    for id in ["a", "c", "d", "x"] {
        assert_eq!(subject.stories(Named::MessageId(message_id(id))).await, expected, "{id}");
    }
    assert_eq!(subject.stories(Named::Correspondent(customer(2))).await, expected);
    assert_eq!(subject.stories(Named::MessageId(message_id("b"))).await, [], "a notice's id does not join");
    assert_eq!(subject.stories(Named::Correspondent(customer(3))).await, []);
    assert_eq!(subject.stories(Named::Thread(thread_id(9))).await, []);
}

#[rstest]
#[tokio::test]
async fn a_correspondents_threads_are_told_the_newest_first(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn([sent("a", 1, 7, &[1]), sent("c", 3, 9, &[1]), came("b", 2, 8, 1), sent("d", 4, 10, &[2])]).await;
    let stories = subject.stories(Named::Correspondent(customer(1))).await;
    assert_eq!(stories.iter().map(|story| story.thread).collect::<Vec<_>>(), [3, 2, 1].map(thread_id));
}

#[rstest]
#[tokio::test]
async fn each_message_is_told_once(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(sent("a", 1, 7, &[1]), 90), aged(came("b", 1, 8, 1), 60)]).await;
    let before = subject.story(1).await;
    subject.learn([sent("a", 1, 7, &[1]), came("b", 1, 8, 1)]).await;
    assert_eq!(subject.story(1).await, before, "a retry is no other message");

    subject.learn([sent("a", 2, 17, &[1, 2])]).await;
    let events = subject.story(1).await.events;
    let to = vec![customer(1), customer(2)];
    assert_eq!(events.len(), 2, "nor is the mail as it was before it was signed");
    assert_eq!(events[0].what, What::Sent { writer: None, to, count: 2 }, "whom it went to later is added");
    subject.learn([but(came("b", 1, 9, 1), |came| came.fate = FateName::Hold)]).await;
    assert_eq!(subject.told(1).await, ["a", "b", "b"], "another message under the same id is another one");
}

#[rstest]
#[tokio::test]
async fn what_one_inbox_got_was_handed_on(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let held = but(came("b", 1, 8, 1), |came| came.fate = FateName::Hold);
    subject.learn([sent("a", 1, 7, &[1]), held.clone(), came("b", 1, 8, 1), held]).await;
    let last = subject.story(1).await.events.pop().map(|event| event.what);
    assert!(matches!(last, Some(What::Came { fate: FateName::Forward, .. })), "{last:?}");
}

#[rstest]
#[tokio::test]
async fn the_opening_message_and_the_newest_are_told(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(sent("opening", 1, 200, &[1]), 100)]).await;
    let answer = |number: u8| aged(came(&number.to_string(), 1, number, 1), 99 - i64::from(number));
    subject.learn((0..63).map(answer)).await;
    let story = subject.story(1).await;
    assert_eq!((story.events.len(), story.is_cut), (64, false));
    subject.learn((63..80).map(answer)).await;

    let story = subject.story(1).await;
    assert!(story.is_cut);
    let expected: Vec<String> =
        std::iter::once("opening".to_owned()).chain((17..80).map(|number: u8| number.to_string())).collect();
    assert_eq!(subject.told(1).await, expected);
    subject.learn([aged(sent("opening", 1, 200, &[1]), 0), answer(3)]).await;
    assert_eq!(subject.story(1).await.events[0], story.events[0], "also where the opening one comes again");
    assert!(!subject.told(1).await.contains(&"3".to_owned()), "what gave way stays away");
}

#[rstest]
#[tokio::test]
async fn a_mailing_is_told_by_some_of_its_customers_and_their_number(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let everybody: Vec<u8> = (0..=255).collect();
    subject.learn([sent("a", 1, 7, &everybody)]).await;
    let What::Sent { to, count, .. } = subject.story(1).await.events.remove(0).what else { panic!("it was sent") };
    assert_eq!((to, count), ((0..8).map(customer).collect(), 256));
}

#[rstest]
#[tokio::test]
async fn an_answer_brings_the_ids_that_it_refers_to(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let many = |came: &mut Came| came.heals = (0..40).map(|number| message_id(&format!("x{number}"))).collect();
    subject.learn([sent("a", 1, 7, &[1]), but(came("b", 1, 8, 1), many)]).await;
    assert_eq!(subject.claims("b").await, [healed_claim(1, 1)]);
    assert_eq!(subject.claims("x31").await, [healed_claim(1, 1)]);
    assert_eq!(subject.claims("x32").await, [], "thirty-two of a message");

    let learned_ids = |came: &mut Came| came.heals = vec![message_id("a"), message_id("y")];
    subject.learn([but(came("c", 2, 9, 2), learned_ids)]).await;
    assert_eq!(subject.claims("a").await, [learned_claim(1, 7)], "healing takes nothing");
    subject.learn([sent("y", 3, 10, &[3])]).await;
    assert_eq!(subject.claims("y").await, [learned_claim(3, 10)], "learning takes from healing");
}

#[rstest]
#[case::no_id(|came: &mut Came| came.message_id = None)]
#[case::nobodys(|came: &mut Came| came.correspondent = None)]
#[case::a_bounce(|came: &mut Came| came.kind = Kind::Bounce)]
#[case::held(|came: &mut Came| came.fate = FateName::Hold)]
#[tokio::test]
async fn what_is_no_answer_brings_none(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
    #[case] edit: fn(&mut Came),
) {
    let subject = backend.open();
    let message = but(came("b", 1, 8, 1), |came| came.heals = vec![message_id("x")]);
    subject.learn([sent("a", 1, 7, &[1]), but(message, edit)]).await;
    assert_eq!((subject.claims("b").await, subject.claims("x").await), (vec![], vec![]));
    assert_eq!((subject.story(1).await.events.len(), subject.story(1).await.healed), (2, 0), "it is told all the same");
}

#[rstest]
#[tokio::test]
async fn a_thread_gains_two_hundred_ids_whoever_brings_them(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject
        .learn((0..8_u8).map(|message| {
            let heals = |came: &mut Came| {
                came.heals = (0..32).map(|number| message_id(&format!("x{message}-{number}"))).collect();
            };
            but(came(&message.to_string(), 1, message, 1), heals)
        }))
        .await;
    assert_eq!(subject.story(1).await.healed, 200);
    assert_eq!(subject.claims("x7-31").await, []);
}

#[rstest]
#[tokio::test]
async fn who_is_forgotten_is_told_of_nowhere(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let theirs = but(came("b", 1, 8, 1), |came| came.heals = vec![message_id("x")]);
    let records = [sent("a", 1, 7, &[1, 2]), theirs, came("c", 1, 9, 2)];
    subject.learn(records.clone()).await;
    subject.threads.forget(&customer(1).parse().unwrap()).await.unwrap();
    subject.learn(records).await;

    assert_eq!(subject.stories(Named::Correspondent(customer(1))).await, []);
    let story = subject.story(1).await;
    assert!(!format!("{story:?}").contains(&format!("{:?}", customer(1))), "{story:?}");
    assert_eq!(story.events.len(), 3, "that there was a message may be told");
    let ids: Vec<_> = story.events.iter().map(|event| event.message_id.clone()).collect();
    assert_eq!(ids, [Some(message_id("a")), None, Some(message_id("c"))], "but not its id,");
    assert!(!format!("{story:?}").contains("x@"), "nor those that it brought: {story:?}");
    assert_eq!(story.events[0].what, What::Sent { writer: None, to: vec![customer(2)], count: 2 });
}

#[rstest]
#[tokio::test]
async fn nothing_is_told_past_its_keeping(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    subject.learn([aged(sent("a", 1, 7, &[1]), 401 * DAY), aged(sent("b", 2, 8, &[1]), 401 * DAY)]).await;
    subject.learn([aged(sent("d", 1, 10, &[1]), 399 * DAY), came("c", 1, 9, 1)]).await;
    let stories = subject.stories(Named::Correspondent(customer(1))).await;
    assert_eq!(stories.iter().map(|story| story.thread).collect::<Vec<_>>(), [thread_id(1)]);
    assert_eq!(subject.told(1).await, ["d", "c"]);
    assert!(subject.story(1).await.is_cut);
}

#[rstest]
#[tokio::test]
async fn an_id_of_any_length_is_remembered_and_a_long_one_is_not_told(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let long = "x".repeat(900);
    subject.learn([sent(&long, 1, 7, &[1]), sent("b", 1, 8, &[1])]).await;
    assert_eq!(subject.claims(&long).await, [learned_claim(1, 7)]);
    assert_eq!(subject.told(1).await, ["b"]);
    assert_eq!(subject.story(1).await.events.len(), 2);
}

#[rstest]
#[tokio::test]
async fn of_a_customer_with_many_threads_it_is_said_that_there_may_be_more(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    subject.learn((0..63).map(|thread| sent(&thread.to_string(), thread, thread, &[1]))).await;
    let told = subject.stories(Named::Correspondent(customer(1))).await;
    assert_eq!((told.len(), told.iter().any(|story| story.is_of_many)), (63, false));
    subject.learn([sent("63", 63, 63, &[1]), sent("64", 64, 64, &[1])]).await;
    let told = subject.stories(Named::Correspondent(customer(1))).await;
    assert_eq!((told.len(), told.iter().all(|story| story.is_of_many)), (64, true));
    assert!(!subject.story(1).await.is_of_many, "asked for by itself");
}

#[rstest]
#[tokio::test]
async fn forgetting_tells_whether_anything_was_known(#[values(Backend::Memory, Backend::Local)] backend: Backend) {
    let subject = backend.open();
    let vacation = but(came("b", 1, 8, 2), |came| came.kind = Kind::AutoReply);
    subject.learn([sent("a", 1, 7, &[1]), vacation]).await;
    assert_eq!(subject.stories(Named::Correspondent(customer(2))).await, []);
    let forget = async |number| subject.threads.forget(&customer(number).parse().unwrap()).await.unwrap();
    assert!(forget(2).await, "told of in a story alone");
    assert_eq!((forget(2).await, forget(3).await), (false, false));
}

#[rstest]
#[tokio::test]
async fn a_thread_is_marked_by_what_mail_systems_tell_of_it(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let late = aged(reported(1, Some(1), Action::Delayed), 50);
    let told =
        [sent("a", 1, 7, &[1, 2]), reported(1, Some(1), Action::Failed), late, reported(1, None, Action::Failed)];
    subject.learn(told).await;
    let reports = async || subject.story(1).await.reports.into_iter().map(|it| (it.recipient, it.action)).collect();
    let both: Vec<(Option<String>, Action)> = reports().await;
    assert_eq!(both, [(Some(customer(1)), Action::Failed), (None, Action::Failed)], "an older one changes nothing");
    subject.learn([forgotten(1), reported(1, Some(1), Action::Failed), reported(1, None, Action::Delayed)]).await;
    assert_eq!(reports().await, [(None, Action::Failed), (None, Action::Delayed)], "the mark stays, the name goes");
}

#[rstest]
#[tokio::test]
async fn a_thread_knows_its_campaign_its_first_answer_and_who_got_the_last(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let to_tom = but(came("c", 1, 9, 1), |came| came.person = Some(PersonName("tom".into())));
    let notice = but(came("d", 1, 10, 1), |came| came.kind = Kind::AutoReply);
    subject.learn([aged(campaign(1, "spring"), 30), aged(sent("a", 1, 7, &[1]), 30)]).await;
    let before = subject.thread(1).await.unwrap();
    assert_eq!((before.campaign.as_deref(), before.first, before.person), (Some("spring"), None, None));
    subject.learn([aged(came("b", 1, 8, 1), 20), aged(to_tom, 10), notice, aged(campaign(1, "autumn"), 40)]).await;
    let thread = subject.thread(1).await.unwrap();
    assert_eq!(thread.campaign.as_deref(), Some("spring"), "the newest");
    assert_eq!((thread.first, thread.person), (Some(fingerprint(8)), Some(PersonName("tom".into()))));
}

#[rstest]
#[tokio::test]
async fn what_has_failed_is_listed_and_counted_as_it_stands_now(
    #[values(Backend::Memory, Backend::Local)] backend: Backend,
) {
    let subject = backend.open();
    let listed = async |before| -> Vec<(ThreadId, Option<String>)> {
        let page = subject.threads.bounced(before).await.unwrap();
        page.into_iter().map(|bounced| (bounced.place.thread, bounced.recipient)).collect()
    };
    let one = |of, action, age| aged(reported(1, of, action), age);
    subject
        .learn([sent("a", 1, 7, &[1, 2]), one(Some(1), Action::Failed, 30), one(Some(2), Action::Delayed, 30)])
        .await;
    subject.learn([sent("b", 2, 8, &[3]), aged(reported(2, None, Action::Failed), 20)]).await;
    assert_eq!(listed(None).await, [(thread_id(2), None), (thread_id(1), Some(customer(1)))], "the newest first");
    assert_eq!(subject.threads.count().await.unwrap().bounced, 2, "threads");
    let last = subject.threads.bounced(None).await.unwrap().pop().unwrap().place;
    assert_eq!(listed(Some(last)).await, []);

    subject.learn([one(Some(1), Action::Delivered, 10), one(Some(2), Action::Failed, 10)]).await;
    assert_eq!(listed(None).await, [(thread_id(1), Some(customer(2))), (thread_id(2), None)], "what was told last");
    subject.learn([forgotten(2)]).await;
    assert_eq!(listed(None).await, [(thread_id(1), None), (thread_id(2), None)], "the mark stays, the name goes");
}
