//! What the flows tell the memory of mail that they carry out: each message once, in its thread.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::flow::copies::Copies;
use crate::flow::inbound;
use crate::flow::outbound;
use crate::flow::policy::Trust;
use crate::flow::{House, Onward, once::Once, turns::Turns};
use crate::held::Held;
use crate::mail::dsn::{PerMessage, PerRecipient};
use crate::mail::{Evidence, FateName, Kind, Reply, ReversePath, TransactionId, Transport};
use crate::message::Message;
use crate::relay::Relay;
use crate::relay::maildir::MaildirRelay;
use crate::rules::{Additions, Condition, Content, Decision, Pattern, Rule, When};
use crate::smtp::service::{ForwardPath, Mail, Peer, Protocol, Rcpt, Service, Session};
use crate::threads::{Correspondent, Named, Query, Story, Threads, Topic, What};

/// Acme at work: its flows over one memory, and a Maildir for each inbox.
struct Office {
    house: Arc<House>,
    root: TempDir,
}

const WELCOME: &str = "From: Sophie from Acme <sophie@acme.example>\r\nMessage-ID: <welcome@app.example>\r\nSubject: Welcome\r\n\r\nHello\r\n";

/// What a customer writes: these fields, and an answer to the welcome mail.
fn answer(id: &str, fields: &str) -> String {
    let fields = fields.replace('|', "\r\n");
    format!(
        "From: ann@customer.example\r\nMessage-ID: <{id}>\r\nIn-Reply-To: <welcome@app.example>\r\n{fields}\r\n\r\nHi\r\n"
    )
}

impl Office {
    fn open() -> Self {
        let rule = |name: &str, decision| {
            let subject = Condition::Content(Content::Subject(vec![Pattern::new(name).unwrap()]));
            let additions = Additions::default();
            Rule { name: name.into(), when: When(vec![subject]), decision: Some(decision), additions }
        };
        let Acme { mut policy, keys } = Acme::new();
        policy.rules = Rules::new(vec![rule("drop it", Decision::Discard), rule("refuse it", Decision::Reject(None))]);
        let domain = |text: &str| text.parse().unwrap();
        policy.inbound.trust =
            Some(Trust { authserv_id: domain("mx.acme.example"), servers: vec![domain("mx.acme.example")] });
        let root = tempfile::tempdir().unwrap();
        let onward = || Onward {
            relay: Arc::new(Relay::Maildir(MaildirRelay::new(root.path().join("mail")))),
            patience: Duration::from_mins(1),
        };
        let house = House {
            policy: Arc::new(policy),
            keys,
            threads: Threads::Memory(crate::threads::memory::Memory::default()),
            inbound: onward(),
            outbound: onward(),
            kept: crate::kept::Kept::new(root.path(), crate::kept::Settings::default()),
            held: Held::new(root.path()),
            once: Once::default(),
            turns: Turns::default(),
        };
        Self { house: Arc::new(house), root }
    }

    /// Hands a message to a flow, and returns its replies: that of each recipient, by LMTP.
    async fn hand_in(&self, service: &impl Service, from: &str, to: &[&str], message: &str) -> Vec<Reply> {
        let session =
            Session { peer: Peer::Unix, helo: "mx".into(), extended: true, protocol: Protocol::Lmtp, encrypted: false };
        let mail = Mail {
            id: TransactionId::new(0, 0),
            reverse_path: ReversePath::Address(address(from)),
            transport: Transport::default(),
            size: None,
            dsn: PerMessage::default(),
        };
        let mut transaction = service.begin(&session, mail).await.unwrap();
        for to in to {
            let rcpt = Rcpt { to: ForwardPath::Address(address(to)), dsn: PerRecipient::default() };
            assert!(service.recipient(&mut transaction, rcpt).await.is_positive(), "{to}");
        }
        service.message(transaction, Bytes::from(message.to_owned())).await
    }

    async fn automated(&self, to: &[&str], message: &str) {
        let replies = self.hand_in(&outbound::Outbound(Arc::clone(&self.house)), "app@acme.example", to, message).await;
        assert!(replies.iter().all(Reply::is_positive), "{replies:?}");
    }

    async fn comes(&self, to: &[&str], message: &str) -> Vec<u16> {
        let inbound = inbound::Inbound(Arc::clone(&self.house));
        let replies = self.hand_in(&inbound, "ann@customer.example", to, message).await;
        replies.iter().map(|reply| reply.code).collect()
    }

    async fn stories(&self, named: Named) -> Vec<Story> {
        self.house.threads.stories(named).await.unwrap()
    }

    /// The story of the welcome mail.
    async fn story(&self) -> Story {
        self.stories(Named::MessageId(id("welcome@app.example"))).await.remove(0)
    }

    /// The story of the welcome mail, in a word or two for each message.
    async fn told(&self) -> Vec<String> {
        self.story().await.events.into_iter().map(|event| in_words(&event.what)).collect()
    }
}

fn in_words(what: &What) -> String {
    match what {
        What::Sent { writer: None, to, .. } => format!("sent to {}", to.join(" ")),
        What::Sent { writer: Some(writer), to, .. } => format!("{writer} to {}", to.join(" ")),
        What::Came { kind, evidence, fate, .. } => format!("{kind} {evidence} {fate}"),
    }
}

#[tokio::test]
async fn an_answer_is_told_with_all_that_was_decided() {
    let office = Office::open();
    office.automated(&["ann@customer.example"], WELCOME).await;
    assert_eq!(office.comes(&["sophie@acme.example"], &answer("re@x", "Subject: Re: Welcome")).await, [250]);

    let event = office.story().await.events.remove(1);
    let expected = What::Came {
        correspondent: Some("ann@customer.example".into()),
        kind: Kind::Human,
        evidence: Evidence::MessageId,
        fate: FateName::Forward,
        person: Some(PersonName("sophie".into())),
        healed: vec![],
    };
    assert_eq!((event.message_id, event.what), (Some(id("re@x")), expected));
    assert_eq!(office.stories(Named::MessageId(id("re@x"))).await, [office.story().await], "its id has joined");

    let topic = Topic::of(&Message::read(Bytes::from_static(b"Subject: RE: welcome\r\n\r\n")));
    let correspondent = Some(Correspondent { address: "ann@customer.example".into(), topic });
    let found = office.house.threads.look_up(Query { correspondent, ..Query::default() }).await.unwrap().acquaintance;
    assert_eq!(found.threads.first().map(|known| known.thread), Some(office.story().await.thread));
    assert_eq!(found.written_to_by, [PersonaName("sophie".into())]);
}

#[rstest]
#[case("Subject: out of office|Auto-Submitted: auto-replied", 250, "auto-reply message-id hold")]
#[case("Subject: drop it", 250, "human message-id discard")]
#[case("Subject: refuse it", 550, "human message-id reject")]
#[case("Subject: win|X-Spam-Flag: YES", 250, "human message-id hold")]
#[tokio::test]
async fn what_nobody_got_is_told_too_and_its_id_does_not_join(
    #[case] fields: &str,
    #[case] code: u16,
    #[case] expect: &str,
) {
    let office = Office::open();
    office.automated(&["ann@customer.example"], WELCOME).await;
    for _ in 0..2 {
        assert_eq!(office.comes(&["sophie@acme.example"], &answer("re@x", fields)).await, [code]);
        assert_eq!(office.told().await, ["sent to ann@customer.example", expect], "once");
    }
    assert_eq!(office.stories(Named::MessageId(id("re@x"))).await, []);
}

#[tokio::test]
async fn only_what_is_handed_on_opens_a_thread() {
    let office = Office::open();
    let first = "From: ann@customer.example\r\nMessage-ID: <first@x>\r\nSubject: A question\r\n";
    assert_eq!(office.comes(&["sophie@acme.example"], &format!("{first}X-Spam-Flag: YES\r\n\r\nHi\r\n")).await, [250]);
    assert_eq!(office.comes(&["sophie@acme.example"], &format!("{first}List-Id: <x>\r\n\r\nHi\r\n")).await, [250]);
    let ann = || Named::Correspondent("ann@customer.example".into());
    assert_eq!(office.stories(ann()).await, []);

    assert_eq!(
        office.comes(&["sophie@acme.example", "tom@acme.example"], &format!("{first}\r\nHi\r\n")).await,
        [250; 2]
    );
    let stories = office.stories(ann()).await;
    let mut whose: Vec<&str> = stories.iter().map(|story| story.persona.0.as_str()).collect();
    whose.sort_unstable();
    assert_eq!(whose, ["sophie", "tom"], "a thread with each of them");
    for story in stories {
        assert_eq!(story.correspondents, ["ann@customer.example"]);
        let told: Vec<String> = story.events.iter().map(|event| in_words(&event.what)).collect();
        assert_eq!(told, ["human persona-address forward"]);
    }
}

#[tokio::test]
async fn a_retry_is_not_told_again() {
    let office = Office::open();
    let mailbox = office.root.path().join("mail").join("tom@corp.example");
    std::fs::create_dir_all(mailbox.parent().unwrap()).unwrap();
    std::fs::write(&mailbox, "no folder").unwrap();
    let message = "From: ann@customer.example\r\nMessage-ID: <first@x>\r\n\r\nHi both\r\n";
    let both = ["sophie@acme.example", "tom@acme.example"];
    assert_eq!(office.comes(&both, message).await, [250, 451]);
    let told = async || {
        let stories = office.stories(Named::MessageId(id("first@x"))).await;
        stories.into_iter().map(|story| (story.persona.0, story.events.len())).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [("sophie".into(), 1)], "what waits is not told yet");

    std::fs::remove_file(&mailbox).unwrap();
    for _ in 0..2 {
        assert_eq!(office.comes(&both, message).await, [250, 250]);
        let mut told = told().await;
        told.sort_unstable();
        assert_eq!(told, [("sophie".into(), 1), ("tom".into(), 1)]);
    }
}

#[tokio::test]
async fn what_one_of_ours_writes_is_told_as_sent_once() {
    let office = Office::open();
    office.automated(&["ann@customer.example"], WELCOME).await;
    let sophies = |results: &str| {
        format!(
            "{results}From: sophie@corp.example\r\nTo: ann@customer.example\r\nCc: sophie@acme.example\r\n\
             Message-ID: <own@corp.example>\r\nIn-Reply-To: <welcome@app.example>\r\n\r\nHello Ann\r\n"
        )
    };
    let proved = sophies("Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example\r\n");
    assert_eq!(office.comes(&["sophie@acme.example"], &proved).await, [250]);
    let archive = Copies(Arc::clone(&office.house));
    office.hand_in(&archive, "sophie@corp.example", &["archive@acme.example"], &sophies("")).await;
    assert_eq!(office.told().await, ["sent to ann@customer.example", "sophie to ann@customer.example"]);
    assert_eq!(office.story().await.writer, Some(PersonName("sophie".into())));
}

#[tokio::test]
async fn a_mail_that_comes_in_several_transactions_is_one() {
    let office = Office::open();
    office.automated(&["ann@customer.example"], WELCOME).await;
    office.automated(&["bob@customer.example"], WELCOME).await;
    assert_eq!(office.told().await, ["sent to ann@customer.example bob@customer.example"]);
}
