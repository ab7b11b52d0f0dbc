//! Programs that answer mail by themselves: what they say never reaches a person, and nobody is answered.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::elsewhere::world::{Setting, World, came_back, settled};
use crate::postfix::Wishes;
use crate::support::{Daemon, crlf, field, wait_until};

/// Ann's mailbox answers by Sieve (RFC 5230).
const SIEVE: &str = "require \"vacation\";\nvacation :subject \"Gone fishing\" \"Back on Monday.\";\n";

/// The same at Sophie's inbox: what customers write to her persona is for her too.
const SOPHIES_SIEVE: &str =
    "require \"vacation\";\nvacation :addresses \"sophie@acme.example\" \"I am at the lake until Monday.\";\n";

const AUTOREPLY: &str = "autoreply@exim.example";
const FILTER: &str = "filter@exim.example";

/// Whose messages are held as automatic replies, sorted.
fn held_from(daemon: &Daemon) -> Vec<String> {
    let mut authors: Vec<_> = daemon.held("auto-reply").iter().map(|held| author(held)).collect();
    authors.sort();
    authors
}

fn author(message: &[u8]) -> String {
    let from = field(message, "From").unwrap();
    let words = from.split_whitespace().map(|word| word.trim_matches(['<', '>']));
    words.filter(|word| word.contains('@')).collect()
}

/// Her address as the sender.
#[test]
fn no_responder_of_a_customer_reaches_sophie() {
    no_answer_reaches_anybody("", "", &[(ANN, ANN, "seed"), (AUTOREPLY, AUTOREPLY, "seed"), (FILTER, FILTER, "seed")]);
}

/// Our own return path as the sender: the thread is known whatever they write. Exim's
/// filter answers the author.
#[test]
fn nor_our_return_path_in_vain() {
    no_answer_reaches_anybody(
        "replies.acme.example",
        "[stamp]\nreturn_path = true\n",
        &[(ANN, ANN, "recipient-token"), (AUTOREPLY, AUTOREPLY, "recipient-token"), (FILTER, FILTER, "seed")],
    );
}

/// Mail from Sophie goes to all of them; `expected` has the thread's customer, the author and the evidence of what
/// comes back, sorted.
fn no_answer_reaches_anybody(reply_domain: &'static str, daemon: &'static str, expected: &[(&str, &str, &str)]) {
    let world = World::start(&Setting { reply_domain, daemon, ..Setting::default() });
    world.company.mailboxes.give_script(ANN, SIEVE);
    let customers = [ANN, AUTOREPLY, FILTER];
    for customer in customers {
        world.welcome(customer);
    }
    let Company { daemon, mailboxes, .. } = &world.company;
    wait_until("all have answered", || settled(daemon).len() >= customers.len() + expected.len());
    world.company.postfix.wait_for_empty_queue();
    world.unix.wait_for_empty_queue();
    world.exim.wait_for_empty_queue();

    let is = |(thread, _, evidence): &(&str, &str, &str)| [thread, evidence, "auto-reply", "hold"].map(str::to_owned);
    assert_eq!(came_back(daemon), expected.iter().map(is).collect::<Vec<_>>());
    let mut authors: Vec<_> = expected.iter().map(|(_, author, _)| author.to_owned()).collect();
    authors.sort_unstable();
    assert_eq!(held_from(daemon), authors);
    assert!(mailboxes.inbox(SOPHIE).is_empty() && mailboxes.inbox(TOM).is_empty(), "nobody is troubled");
    // Each has the mail, and no answer to the answer.
    let exim = ["autoreply", "filter"].map(|user| world.exim.count(user));
    assert_eq!((mailboxes.inbox(ANN).len(), exim), (1, [1, 1]));
}

#[test]
fn sophies_own_notice_never_reaches_the_customer() {
    let wishes = Wishes { reply_domain: "replies.acme.example", ..Wishes::default() };
    let company = Company::with(wishes, "", &[SOPHIE, TOM, ANN]);
    let Company { postfix, daemon, mailboxes, .. } = &company;
    mailboxes.give_script(SOPHIE, SOPHIES_SIEVE);
    let question = crlf(&format!(
        "From: Ann <{ANN}>\nTo: Sophie <sophie@acme.example>\nMessage-ID: <question@customer.example>\n\
         Subject: a question\n\nHello\n"
    ));
    assert!(postfix.outside(ANN, &["sophie@acme.example"], &question).starts_with("250"));
    mailboxes.wait_for(SOPHIE, "Subject: a question");
    wait_until("her notice is held", || daemon.held("auto-reply").len() == 1);
    postfix.wait_for_empty_queue();
    let notice = daemon.held("auto-reply").remove(0);
    assert!(String::from_utf8_lossy(&notice).contains("at the lake"), "{}", String::from_utf8_lossy(&notice));
    assert_eq!(author(&notice), "sophie@acme.example");
    let lines = settled(daemon);
    assert!(lines[1]["to"].starts_with("bounce+") && lines[1]["to"].ends_with("@replies.acme.example"), "{lines:?}");
    assert_eq!(lines.len(), 2, "the question and the notice");
    assert!(mailboxes.inbox(ANN).is_empty() && mailboxes.inbox(TOM).is_empty());
}
