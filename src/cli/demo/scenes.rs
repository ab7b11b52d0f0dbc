//! What is sent in the demo: automated mail first, then what comes back.

use crate::mail::MessageId;
use crate::message::Message;

/// Where the demo leaves its mark, to find a message again wherever it went.
pub(super) const MARK: &str = "X-Demo-Scene";

/// An automated mail.
pub(super) struct Automated {
    /// The From field.
    pub(super) from: &'static str,
    /// The customer.
    pub(super) to: &'static str,
    /// The subject.
    pub(super) subject: &'static str,
}

/// The automated mails: each persona's own address, and both from the address that they share.
pub(super) const AUTOMATED: [Automated; 4] = [
    Automated {
        from: "Sophie from Acme <sophie@acme.example>",
        to: "ann@customer.example",
        subject: "Welcome to Acme, Ann",
    },
    Automated { from: "Tom from Acme <tom@acme.example>", to: "ben@customer.example", subject: "Your trial, Ben" },
    Automated { from: "Sophie from Acme <hello@acme.example>", to: "cleo@customer.example", subject: "Hello, Cleo" },
    Automated { from: "Tom from Acme <hello@acme.example>", to: "dan@customer.example", subject: "Hello, Dan" },
];

impl Automated {
    /// The message as an application writes it, with LF line ends.
    pub(super) fn text(&self, number: usize) -> String {
        let Self { from, to, subject } = self;
        format!(
            "From: {from}\nTo: {to}\nSubject: {subject}\nMessage-ID: <campaign-{number}@app.acme.example>\n\
             Date: Mon, 2 Nov 2026 09:00:00 +0000\n\nGood to have you here. Just answer if you need anything.\n"
        )
    }
}

/// Something that comes in.
pub(super) struct Scene {
    /// What it is, for the reader.
    pub(super) title: &'static str,
    /// The envelope's reverse path, empty for the null path.
    pub(super) from: &'static str,
    /// The envelope's recipient.
    pub(super) to: &'static str,
    /// The header section below From and To.
    pub(super) fields: String,
    /// The body.
    pub(super) body: String,
}

impl Scene {
    /// The message as it is sent, with LF line ends.
    pub(super) fn text(&self, number: usize) -> String {
        let author = if self.from.is_empty() { "mailer@customer.example" } else { self.from };
        let Self { to, fields, body, .. } = self;
        format!("From: {author}\nTo: {to}\n{MARK}: {number}\n{fields}\n{body}\n")
    }
}

/// What comes back, as the mail programs of those who got `delivered` write it.
pub(super) fn incoming(delivered: &[Message]) -> Vec<Scene> {
    let delivered = Delivered(delivered);
    replies(&delivered).into_iter().chain(machines(&delivered)).chain(strangers()).collect()
}

/// People answer, each with another mail program.
fn replies(delivered: &Delivered<'_>) -> Vec<Scene> {
    vec![
        Scene {
            title: "Ann answers; on the way out Amazon SES had replaced the Message-ID",
            from: "ann@customer.example",
            to: "sophie@acme.example",
            fields: format!(
                "Subject: Re: Welcome to Acme, Ann\nMessage-ID: <ann-1@customer.example>\n\
                 In-Reply-To: <0102-ses@eu-west-1.amazonses.com>\nReferences: {}\n <0102-ses@eu-west-1.amazonses.com>\n",
                delivered.references(0)
            ),
            body: "Thank you, Sophie!".into(),
        },
        Scene {
            title: "Ben answers Tom; his mail program writes In-Reply-To and nothing else",
            from: "ben@customer.example",
            to: "tom@acme.example",
            fields: format!("Subject: AW: Your trial, Ben\nMessage-ID: <ben-1@customer.example>\nIn-Reply-To: {}\n", delivered.id(1)),
            body: "Can I have another week?".into(),
        },
        Scene {
            title: "Ann writes again, with no threading field at all",
            from: "ann@customer.example",
            to: "sophie@acme.example",
            fields: "Subject: one more thing\nMessage-ID: <ann-2@customer.example>\n".into(),
            body: "Where do I find my invoice?".into(),
        },
        Scene {
            title: "Cleo answers at the shared address, to what Sophie wrote",
            from: "cleo@customer.example",
            to: "hello@acme.example",
            fields: format!("Subject: Re: Hello, Cleo\nMessage-ID: <cleo-1@customer.example>\nReferences: {} {}\n", delivered.references(2), delivered.id(2)),
            body: "Hi Sophie".into(),
        },
        Scene {
            title: "Dan answers at the shared address, to what Tom wrote",
            from: "dan@customer.example",
            to: "hello@acme.example",
            fields: format!("Subject: Re: Hello, Dan\nMessage-ID: <dan-1@customer.example>\nIn-Reply-To: {}\n", delivered.id(3)),
            body: "Hi Tom".into(),
        },
        Scene {
            title: "Cleo adds to her own answer, whose id was learned as it passed",
            from: "cleo@customer.example",
            to: "hello@acme.example",
            fields: "Subject: Re: Hello, Cleo\nMessage-ID: <cleo-2@customer.example>\nIn-Reply-To: <cleo-1@customer.example>\n".into(),
            body: "PS: I forgot the attachment".into(),
        },
        Scene {
            title: "Dan's mail program has lost every id; the subject is left",
            from: "dan@customer.example",
            to: "hello@acme.example",
            fields: "Subject: SV: Hello, Dan\nMessage-ID: <dan-2@customer.example>\n".into(),
            body: "Tack!".into(),
        },
        Scene {
            title: "Eve, whom nobody has written to, asks for Sophie by name",
            from: "eve@customer.example",
            to: "hello@acme.example",
            fields: "Subject: A question\nMessage-ID: <eve-1@customer.example>\n".into(),
            body: "Bonjour Sophie,\n\nune question...".into(),
        },
    ]
}

/// Machines answer.
fn machines(delivered: &Delivered<'_>) -> Vec<Scene> {
    vec![
        Scene {
            title: "Ben's vacation notice",
            from: "",
            to: "tom@acme.example",
            fields: format!(
                "Subject: Automatic reply: Your trial, Ben\nAuto-Submitted: auto-replied\nIn-Reply-To: {}\n",
                delivered.id(1)
            ),
            body: "I am away until Monday.".into(),
        },
        Scene {
            title: "A bounce of the mail to Dan, which it returns",
            from: "",
            to: "hello@acme.example",
            fields: "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n\
                     Content-Type: multipart/report; report-type=delivery-status; boundary=b\n"
                .into(),
            body: format!(
                "--b\n\nThe mailbox is full.\n\n--b\nContent-Type: message/delivery-status\n\n\
                 Reporting-MTA: dns; mx.customer.example\n\nFinal-Recipient: rfc822; dan@customer.example\n\
                 Action: failed\nStatus: 5.2.2\n\n--b\nContent-Type: text/rfc822-headers\n\n\
                 Subject: Hello, Dan\nMessage-ID: {}\n\n--b--",
                delivered.id(3)
            ),
        },
    ]
}

/// Strangers try their luck.
fn strangers() -> Vec<Scene> {
    vec![
        Scene {
            title: "A stranger forges a seed at the shared address",
            from: "mallory@elsewhere.example",
            to: "hello@acme.example",
            fields: format!(
                "Subject: Re: Hello\nMessage-ID: <m-1@elsewhere.example>\nReferences: <{}@acme.example>\n",
                "ci2kf3r5jvhwy6m3bq7xk4t2n5z3a6c7d2e4f5g6"
            ),
            body: "I am in your thread, am I not?".into(),
        },
        Scene {
            title: "A stranger tries to relay through us",
            from: "mallory@elsewhere.example",
            to: "victim@elsewhere.example",
            fields: "Subject: cheap watches\n".into(),
            body: "Buy now".into(),
        },
    ]
}

/// The automated mails as they reached the customers.
struct Delivered<'a>(&'a [Message]);

impl Delivered<'_> {
    fn id(&self, index: usize) -> String {
        self.0.get(index).and_then(Message::message_id).map(ToString::to_string).unwrap_or_default()
    }

    fn references(&self, index: usize) -> String {
        self.0.get(index).map(|mail| list(mail.references())).unwrap_or_default()
    }
}

fn list(ids: &[MessageId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
