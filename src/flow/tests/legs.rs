//! Legs: the deadline, and what is done before.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::address;
use crate::flow::legs::Journey;
use crate::flow::once::Once;
use crate::flow::plan::Desk;
use crate::flow::policy;
use crate::flow::turns::Turns;
use crate::flow::{House, Onward, settle};
use crate::held::Held;
use crate::kept::{self, Kept};
use crate::mail::{Leg, Outcome, PersonName, PersonaName, ReversePath, TransactionId, Transport};
use crate::message::Message;
use crate::message::trace::Hop;
use crate::people::{People, Person, Persona, Shared};
use crate::relay::Relay;
use crate::relay::maildir::MaildirRelay;
use crate::signing::Keys;
use crate::threads::Threads;
use crate::threads::memory::Memory;

const SOPHIE: &str = "sophie@acme.example";

fn sophie() -> People {
    let name = PersonName("sophie".into());
    let persona = Persona {
        greeted_as: Vec::new(),
        name: PersonaName("sophie".into()),
        display_name: None,
        addresses: vec![address("sophie@acme.example")],
        answered_by: vec![name.clone()],
        shared: Shared::default(),
        fallback: Vec::new(),
    };
    People::new(vec![Person { name, inboxes: vec![address("sophie@corp.example")] }], vec![persona])
}

fn house(root: &std::path::Path) -> House {
    let policy = policy::Policy {
        window: Duration::ZERO,
        hostname: "sincerely.acme.example".parse().unwrap(),
        reply_domain: None,
        people: sophie(),
        rules: crate::rules::Rules::default(),
        inbound: policy::Inbound::default(),
        outbound: policy::Outbound::default(),
        stamp: policy::Stamp::default(),
        separators: "+".into(),
        hops: 50,
        mime: crate::message::Mime::default(),
    };
    let onward =
        || Onward { relay: Arc::new(Relay::Maildir(MaildirRelay::new(root.join("mail")))), patience: Duration::ZERO };
    House {
        policy: Arc::new(policy),
        keys: Keys::generate().unwrap(),
        threads: Threads::Memory(Memory::default()),
        inbound: onward(),
        outbound: onward(),
        held: Held::new(root),
        kept: Kept::new(root, kept::Settings::default()),
        absences: crate::absences::Register::open(root).0,
        once: Once::default(),
        turns: Turns::default(),
    }
}

/// The legs of a mail to Sophie whose time is over in `patience`.
async fn legs(house: &House, to: &str, patience: Duration) -> Vec<Leg> {
    let now = crate::clock::now();
    let desk = Desk {
        policy: &house.policy,
        keys: &house.keys,
        absences: &crate::people::absence::NOTHING_SAID,
        now,
        serial: 0,
    };
    let to = address(to);
    let recipients = vec![(to.clone(), desk.recipient(&to).unwrap())];
    let bytes = Bytes::from_static(b"From: ann@customer.example\r\nSubject: late\r\n\r\nHello\r\n");
    let path = ReversePath::Address(address("ann@customer.example"));
    let arrival = desk.read(Message::read(bytes), Some(path), recipients);
    let plan = desk.plan(&arrival, Ok(&crate::threads::Found::default())).plans.remove(0);
    let journey = Journey {
        house,
        arrival: &arrival,
        id: &TransactionId::new(0, 0),
        hop: Hop { helo: "mx", peer: "[127.0.0.1]".into(), with: "ESMTP", recipient: None },
        transport: Transport::default(),
        is_by_one_of_ours: false,
        came: now,
        now,
        deadline: Instant::now() + patience,
    };
    journey.carry_out(&plan).await
}

#[tokio::test]
async fn nothing_is_begun_after_the_deadline() {
    let root = tempfile::tempdir().unwrap();
    let house = house(root.path());
    let late = legs(&house, SOPHIE, Duration::ZERO).await;
    assert_eq!(late, [Leg::new("sophie@corp.example", Outcome::Deferred(settle::not_now()))]);
    assert!(!root.path().join("mail").exists(), "what is deferred was not delivered");
    let in_time = legs(&house, SOPHIE, Duration::from_secs(60)).await;
    assert_eq!(in_time, [Leg::new("sophie@corp.example", Outcome::Relayed)]);
}

#[tokio::test]
async fn what_was_collapsed_is_done_also_when_collapsing_is_over() {
    let root = tempfile::tempdir().unwrap();
    let mut house = house(root.path());
    let soon = Duration::from_secs(60);
    let inbox = |outcome| [Leg::new("sophie@corp.example", outcome)];
    assert_eq!(legs(&house, SOPHIE, soon).await, inbox(Outcome::Relayed));
    assert_eq!(legs(&house, "sophie+x@acme.example", soon).await, inbox(Outcome::Collapsed));
    Arc::get_mut(&mut house.policy).unwrap().inbound.collapse = Duration::ZERO;
    assert_eq!(legs(&house, "sophie+x@acme.example", soon).await, inbox(Outcome::Collapsed), "its retry");
    assert_eq!(legs(&house, "sophie+y@acme.example", soon).await, inbox(Outcome::Relayed), "no retry");
}
