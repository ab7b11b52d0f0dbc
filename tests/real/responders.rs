//! Programs that answer mail by themselves: what they say never reaches a person, and nobody is answered.

use crate::company::{ANN, Company, SOPHIE, TOM};
use crate::elsewhere::postfix::User;
use crate::elsewhere::world::{Setting, World, came_back, settled};
use crate::postfix::Wishes;
use crate::support::{Daemon, crlf, field, wait_until};

/// Ann's mailbox answers by Sieve (RFC 5230).
const SIEVE: &str = "require \"vacation\";\nvacation :subject \"Gone fishing\" \"Back on Monday.\";\n";

/// The same at Sophie's inbox: what customers write to her persona is for her too.
const SOPHIES_SIEVE: &str =
    "require \"vacation\";\nvacation :addresses \"sophie@acme.example\" \"I am at the lake until Monday.\";\n";

/// vacation(1), as it sets itself up ([`turn_on_vacation`](crate::elsewhere::postfix::UnixMachine::turn_on_vacation)).
const BY_VACATION: User = User { name: "vera", files: &[] };

/// The same with a message as its manual has it, and no sender.
const BY_VACATION_OF_THE_MANUAL: User = User {
    name: "viola",
    files: &[
        (".forward", "\\viola, \"|/usr/bin/vacation -z viola\"\n"),
        (
            ".vacation.msg",
            "From: viola@unix.example (Viola)\nSubject: I am on vacation\n\
             Delivered-By-The-Graces-Of: The Vacation program\nPrecedence: bulk\n\nI am back on Monday.\n",
        ),
    ],
};

/// The recipe of procmailex(5).
const BY_PROCMAIL: User = User {
    name: "paul",
    files: &[
        (".forward", "\"|/usr/bin/procmail\"\n"),
        (
            ".procmailrc",
            "SHELL=/bin/sh\nDEFAULT=$HOME/Maildir/\n:0 Whc: vacation.lock\n* $^To:.*\\<$\\LOGNAME\\>\n* !^FROM_DAEMON\n\
             * !^X-Loop: paul@unix.example\n| formail -rD 8192 vacation.cache\n  :0 ehc\n\
             \x20 | (formail -rI\"Precedence: junk\" -A\"X-Loop: paul@unix.example\"; echo \"I am back on Monday.\") | \
             $SENDMAIL -oi -t\n",
        ),
    ],
};

const VERA: &str = "vera@unix.example";
const VIOLA: &str = "viola@unix.example";
const PAUL: &str = "paul@unix.example";
const AUTOREPLY: &str = "autoreply@exim.example";
const OLD: &str = "old@exim.example";
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

/// Her address as the sender: a program that writes neither what it answers nor that it is one is known by what it
/// writes else, and nobody knows its thread.
#[test]
fn no_responder_of_a_customer_reaches_sophie() {
    no_answer_reaches_anybody(
        "",
        "",
        &[
            ("-", VERA, "persona-address"),
            ("-", VIOLA, "persona-address"),
            (ANN, ANN, "seed"),
            (AUTOREPLY, AUTOREPLY, "seed"),
            (FILTER, FILTER, "seed"),
            (OLD, OLD, "seed"),
            (PAUL, PAUL, "seed"),
        ],
    );
}

/// Our own return path as the sender: the thread is known whatever they write. procmail takes its address for a
/// daemon's, and does not answer; Exim's filter answers the author.
#[test]
fn nor_our_return_path_in_vain() {
    no_answer_reaches_anybody(
        "replies.acme.example",
        "[stamp]\nreturn_path = true\n",
        &[
            (ANN, ANN, "recipient-token"),
            (AUTOREPLY, AUTOREPLY, "recipient-token"),
            (FILTER, FILTER, "seed"),
            (OLD, OLD, "recipient-token"),
            (VERA, VERA, "recipient-token"),
            (VIOLA, VIOLA, "recipient-token"),
        ],
    );
}

/// Mail from Sophie goes to all of them; `expected` has the thread's customer, the author and the evidence of what
/// comes back, sorted.
fn no_answer_reaches_anybody(reply_domain: &'static str, daemon: &'static str, expected: &[(&str, &str, &str)]) {
    const USERS: &[User] = &[BY_VACATION, BY_VACATION_OF_THE_MANUAL, BY_PROCMAIL];
    let world = World::start(&Setting { reply_domain, daemon, users: USERS, ..Setting::default() });
    world.unix.turn_on_vacation(BY_VACATION.name);
    world.company.mailboxes.give_script(ANN, SIEVE);
    let customers = [ANN, VERA, VIOLA, PAUL, AUTOREPLY, OLD, FILTER];
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
    let unix = ["vera", "viola", "paul"].map(|user| world.unix.inbox(user).len());
    let exim = ["autoreply", "old", "filter"].map(|user| world.exim.count(user));
    assert_eq!((mailboxes.inbox(ANN).len(), unix, exim), (1, [1, 1, 1], [1, 1, 1]));
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
    wait_until("it is in the log", || settled(daemon).len() > 1);
    let lines = settled(daemon);
    assert!(lines[1]["to"].starts_with("bounce+") && lines[1]["to"].ends_with("@replies.acme.example"), "{lines:?}");
    assert_eq!(lines.len(), 2, "the question and the notice");
    assert!(mailboxes.inbox(ANN).is_empty() && mailboxes.inbox(TOM).is_empty());
}
