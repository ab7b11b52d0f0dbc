//! What signatures rest on: the octets of a customer's mail arrive as they were sent, however odd.

use crate::company::{ANN, Company, SOPHIE};
use crate::postfix::Wishes;
use crate::support::{crlf, wait_until};

/// No Date, no Message-ID, a To without a domain, odd spacing, 8-bit octets in header and body, dots.
pub(crate) fn odd() -> Vec<u8> {
    let mut mail = crlf("from:Ann <ann@customer.example>\nTo: sophie\nSUBJECT:   odd  \n\tfolded\nX-Latin: ");
    mail.extend_from_slice(b"caf\xe9\r\n\r\n\xff\xfe8-bit \r\n.\r\n..\r\n\tend ");
    mail.extend_from_slice(b"\r\n\r\n\r\n");
    mail
}

#[test]
fn no_octet_changes_below_the_trace_fields() {
    let company = Company::start();
    let reply = company.postfix.outside(ANN, &["sophie@acme.example"], &odd());
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = company.mailboxes.wait_for(SOPHIE, "folded");
    assert!(arrived.ends_with(&odd()), "{}", String::from_utf8_lossy(&arrived));
    let above = String::from_utf8_lossy(&arrived[..arrived.len() - odd().len()]).to_lowercase();
    for field in ["date:", "message-id:", "to:"] {
        assert!(!above.lines().any(|line| line.starts_with(field)), "{above}");
    }
}

/// On the way to the daemon; how long lines may be on the way to an inbox is for its server to say.
#[test]
fn long_lines_reach_the_daemon_unbroken() {
    let company = Company::start();
    let line = "long ".repeat(3000);
    let mail = crlf(&format!(
        "From: {ANN}\nMessage-ID: <long@customer.example>\nList-Id: <news.customer.example>\nSubject: long\n\n{line}\n"
    ));
    let reply = company.postfix.outside(ANN, &["sophie@acme.example"], &mail);
    assert!(reply.starts_with("250"), "{reply}");
    wait_until("it is held", || !company.daemon.held("list").is_empty());
    assert!(company.daemon.held("list")[0].ends_with(&mail));
}

fn of_size(size: usize) -> Vec<u8> {
    let text = crlf("All work and no play makes Ann a dull girl, as she often says these days.\n");
    let mut mail = crlf(&format!("From: {ANN}\nMessage-ID: <{size}@customer.example>\nSubject: size {size}\n\n"));
    mail.extend(text.iter().cycle().take(size));
    mail.extend_from_slice(b"\r\n");
    mail
}

#[test]
fn large_mail_passes_where_postfix_lets_it_in() {
    let company = Company::with(limited(30 << 20), "", &[SOPHIE, ANN]);
    let reply = company.postfix.outside(ANN, &["sophie@acme.example"], &of_size(20 << 20));
    assert!(reply.starts_with("250"), "{reply}");
    let arrived = company.mailboxes.wait_for(SOPHIE, "Subject: size");
    assert!(arrived.ends_with(&of_size(20 << 20)));
}

/// Our trace fields bring it over the limit of main.cf, and yet it must get back in.
#[test]
fn the_largest_mail_that_may_come_in_gets_back_in() {
    let limit = 100_000;
    let company = Company::with(limited(limit), "", &[SOPHIE, ANN]);
    let send = |size: usize| company.postfix.outside(ANN, &["sophie@acme.example"], &of_size(size));
    let largest = (0..limit).rev().step_by(100).find(|size| !send(*size).starts_with("552")).unwrap();
    company.mailboxes.wait_for(SOPHIE, &format!("Subject: size {largest}\r\n"));
    company.postfix.wait_for_empty_queue();
    assert!(company.mailboxes.inbox(ANN).is_empty(), "no bounce");
    assert!(company.daemon.held("undelivered").is_empty());
}

fn limited(limit: usize) -> Wishes {
    Wishes { main: format!("message_size_limit = {limit}\nvirtual_mailbox_limit = 0\n"), ..Wishes::default() }
}
