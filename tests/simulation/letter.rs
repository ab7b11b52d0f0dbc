//! A message as somebody's mail program writes it.

use bytes::Bytes;

/// A message; ids are without their brackets.
#[derive(Clone, Default)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) id: String,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) references: Vec<String>,
    /// Other fields, the first ones above all.
    pub(crate) above: Vec<String>,
    pub(crate) more: Vec<String>,
    pub(crate) body: String,
}

impl Letter {
    /// The message as it travels.
    pub(crate) fn bytes(&self) -> Bytes {
        let mut lines = self.above.clone();
        lines.push(format!("From: {}", self.from));
        lines.push(format!("To: {}", self.to));
        lines.push(format!("Subject: {}", self.subject));
        lines.push(format!("Message-ID: <{}>", self.id));
        lines.extend(self.in_reply_to.as_ref().map(|id| format!("In-Reply-To: <{id}>")));
        if !self.references.is_empty() {
            let ids: Vec<String> = self.references.iter().map(|id| bracketed(id)).collect();
            lines.push(format!("References: {}", ids.join("\r\n ")));
        }
        lines.extend(self.more.clone());
        let body = self.body.replace('\n', "\r\n");
        Bytes::from(format!("{}\r\n\r\n{body}\r\n", lines.join("\r\n")))
    }

    /// Refers to a message in both fields, as mail programs do.
    pub(crate) fn answers(&mut self, seen: &Seen) {
        self.in_reply_to = Some(seen.id.clone());
        self.references = seen.chain();
    }
}

/// What a relay cut stands there as it was left: without its end.
fn bracketed(id: &str) -> String {
    id.strip_suffix(CUT).map_or_else(|| format!("<{id}>"), |cut| format!("<{cut}"))
}

/// The end of an id that was cut.
pub(crate) const CUT: &str = "\u{2702}";

/// A message as its reader has it: what an answer to it refers to.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) references: Vec<String>,
    /// Whether the id is the one that it was learned under.
    pub(crate) is_learned: bool,
}

impl Seen {
    /// The References of an answer.
    pub(crate) fn chain(&self) -> Vec<String> {
        self.references.iter().chain([&self.id]).cloned().collect()
    }
}

/// `Thread-Index` of Outlook, below the root `number`.
pub(crate) fn thread_index(number: u64, depth: usize) -> String {
    let mut octets = vec![1, 0xda];
    octets.extend(number.to_be_bytes());
    octets.extend(number.rotate_left(17).to_be_bytes());
    octets.extend([7, 7, 7, 7]);
    octets.extend(vec![9; 5 * depth]);
    format!("Thread-Index: {}", data_encoding::BASE64.encode(&octets))
}
