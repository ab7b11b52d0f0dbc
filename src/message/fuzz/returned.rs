//! Deliveries: few, each recipient once and an address, none where nobody speaks for a mail system; and a report that is written
//! of what was read is read alike, however its part is encoded.

use bytes::Bytes;
use data_encoding::BASE64;

use crate::mail::{Address, Delivery};
use crate::message::{Message, Mime};

/// Reads `input` as a message, and as the text of a mail system's and of a person's.
///
/// # Panics
/// When a promise is broken.
pub fn target(input: &[u8]) {
    let message = Message::read(Bytes::copy_from_slice(input));
    for is_null in [false, true] {
        let deliveries = message.deliveries(is_null, Mime::default());
        are_few(&deliveries);
        are_read_when_reported(&deliveries);
    }
    are_few(&message.deliveries(true, Mime { parts: 1, depth: 1 }));
    are_few(&written_by("MAILER-DAEMON@hop.example", input));
    assert!(written_by("ann@customer.example", input).is_empty());
}

fn are_few(deliveries: &[Delivery]) {
    assert!(deliveries.len() <= 100);
    for (place, delivery) in deliveries.iter().enumerate() {
        assert!(!deliveries[..place].iter().any(|known| known.recipient == delivery.recipient), "{deliveries:?}");
        let address: Option<Address> = delivery.recipient.as_ref().map(|recipient| recipient.parse().unwrap());
        assert!(address.is_none_or(|address| Some(address.folded()) == delivery.recipient), "{delivery:?}");
    }
}

fn written_by(author: &str, text: &[u8]) -> Vec<Delivery> {
    let head = format!("From: {author}\r\nSubject: hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    Message::read(Bytes::from([head.as_bytes(), text].concat())).deliveries(false, Mime::default())
}

fn are_read_when_reported(deliveries: &[Delivery]) {
    let is_plain = |delivery: &&Delivery| delivery.recipient.as_ref().is_some_and(|recipient| is_plain(recipient));
    let groups = deliveries.iter().filter(is_plain).map(|delivery| {
        let status = delivery.status.map_or_else(String::new, |status| format!("Status: {status}\r\n"));
        let recipient = delivery.recipient.as_deref().unwrap();
        format!("Final-Recipient: rfc822; {recipient}\r\nAction: {}\r\n{status}\r\n", delivery.action)
    });
    let report = format!("Reporting-MTA: dns; hop.example\r\n\r\n{}", groups.collect::<String>());
    let expect: Vec<Delivery> = deliveries.iter().filter(is_plain).cloned().collect();
    assert_eq!(reported("8bit", &report), expect);
    assert_eq!(reported("base64", &BASE64.encode(report.as_bytes())), expect);
}

/// Not quoted, and nothing in it that a text is divided by.
fn is_plain(recipient: &str) -> bool {
    recipient.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+'))
        && recipient.matches('@').count() == 1
}

fn reported(encoding: &str, content: &str) -> Vec<Delivery> {
    let message = format!(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
         Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{content}\r\n--b--\r\n"
    );
    Message::read(Bytes::from(message)).deliveries(false, Mime::default())
}
