//! The stamp: how an automated message is made to remember its persona. Pure.
//!
//! The seed becomes the first id of References, a missing Message-ID is minted, and where the
//! configuration asks for it Reply-To and the reverse path carry tokens too. A field that a DKIM
//! signature covers (`h=`, also when it names a field that is not there) is left alone.

use data_encoding::BASE32_NOPAD_NOCASE;

use crate::mail::{Address, Domain, Edits, Field, MessageId, PersonaTag, Reply, ReversePath, Say, ThreadId};
use crate::message::{Message, edit};
use crate::people::Persona;
use crate::threads::token::{Purpose, Token};
use crate::threads::{Fingerprint, Found, Origin, Query};

use super::plan::{Desk, return_path};
use super::policy::Strangers;

/// What is written into one automated message, and under what it is learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The thread that the message opens or goes on with.
    pub thread: ThreadId,
    /// Its Message-ID, as it came or minted; `None` where a signature forbids minting one.
    pub message_id: Option<MessageId>,
    /// Whether a seed of this thread stands in References, from us now or from before.
    pub seeded: bool,
    /// The changes to the header section.
    pub edits: Edits,
    /// The reverse path to send it with; `None` where it is not known how it came.
    pub reverse_path: Option<ReversePath>,
    /// The fields that a signature kept us from writing; logged.
    pub skipped: Vec<&'static str>,
}

/// Everything that the memory must be asked about an automated message before it is stamped.
pub fn question(message: &Message) -> Query {
    let ids = message.message_id().cloned().into_iter().collect();
    Query { ids, twin: Some(Fingerprint::of(message)), ..Query::default() }
}

impl<'a> Desk<'a> {
    /// The persona that signs an automated message: by its From field.
    pub fn signing_persona(&self, message: &Message) -> Option<&'a Persona> {
        self.policy.people.author(message.author()?, &self.policy.separators)
    }

    /// What goes in circles, is from nobody we send for, or could be read in two ways. Several From fields
    /// are nothing of ours to judge where none of them names a persona: such mail passes untouched.
    pub fn outbound_door(&self, message: &Message) -> Option<Reply> {
        if message.hops() > self.policy.hops {
            return Some(Say::TooManyHops.reply());
        }
        if self.policy.outbound.strangers == Strangers::Refuse && self.signing_persona(message).is_none() {
            return Some(Say::NoPersona.reply());
        }
        if message.count("From") > 1 && !self.names_a_persona(message) {
            return None;
        }
        self.door(message)
    }

    fn names_a_persona(&self, message: &Message) -> bool {
        let people = &self.policy.people;
        let is_personas = |address: &Address| {
            let (user, _) = address.split_detail(&self.policy.separators);
            !people.personas_at(&user).is_empty()
        };
        message.addresses_in("From").iter().any(is_personas)
    }

    /// The stamp of an automated message that `persona` signs. `found` tells what the same message
    /// was learned under before: a retry keeps its thread and its minted id.
    pub fn stamp(
        &self,
        persona: &Persona,
        message: &Message,
        reverse_path: Option<&ReversePath>,
        found: &Found,
    ) -> Stamp {
        let before = self.learned_before(persona, found);
        let carried = self.carried_seed(persona, message);
        let own = message.message_id().cloned();
        let mut stamp = Stamp {
            thread: carried
                .or(before.as_ref().map(|(thread, _)| *thread))
                .or_else(|| self.thread_of_same_mail(persona, message, found))
                .unwrap_or_else(|| self.new_thread()),
            message_id: own,
            seeded: carried.is_some(),
            edits: Edits::default(),
            reverse_path: reverse_path.cloned(),
            skipped: Vec::new(),
        };
        let from =
            message.author().map_or_else(|| self.policy.hostname.clone(), |author| author.address.domain().clone());
        let signed = signed_fields(message);
        self.mint(&mut stamp, message, before.map(|(_, id)| id), &from, &signed);
        self.seed(&mut stamp, persona, message, &from, &signed);
        self.reply_to(&mut stamp, persona, message, &signed);
        self.return_path(&mut stamp, persona);
        stamp
    }

    fn learned_before(&self, persona: &Persona, found: &Found) -> Option<(ThreadId, MessageId)> {
        let (thread, id) = found.twin.as_ref()?.learned.clone()?;
        let found = found.of_now(&self.policy.people);
        let same = found.threads.get(&thread).is_none_or(|known| known.persona == persona.name);
        same.then_some((thread, id))
    }

    /// The thread in which this mail is known from a copy of it that differs, as one does that was signed on its way:
    /// the seed must name the thread that the index counts the id to.
    fn thread_of_same_mail(&self, persona: &Persona, message: &Message, found: &Found) -> Option<ThreadId> {
        let customers = self.policy.customers(&message.addressees());
        let to: Vec<String> = customers.iter().map(Address::folded).collect();
        let found = found.of_now(&self.policy.people);
        let learned = found.ids.get(message.message_id()?)?.iter();
        let threads = learned.filter(|claim| matches!(claim.origin, Origin::Learned(_))).map(|claim| claim.thread);
        let is_same = |thread: &ThreadId| {
            found.threads.get(thread).is_some_and(|known| known.is_of_same_mail(&persona.name, &to))
        };
        threads.filter(|_| !to.is_empty()).find(is_same)
    }

    /// The thread of a seed for this persona, or for one that it succeeded, that the message already carries.
    fn carried_seed(&self, persona: &Persona, message: &Message) -> Option<ThreadId> {
        let is_of_persona = |token: &Token| {
            self.policy.people.persona_by_tag(token.persona).is_some_and(|now| now.name == persona.name)
        };
        let seeds = message.references().iter().filter_map(|id| Token::open(id.left(), Purpose::Seed, self.keys));
        seeds.filter(is_of_persona).map(|token| ThreadId(token.id)).next()
    }

    pub(super) fn new_thread(&self) -> ThreadId {
        ThreadId::new(self.now, self.serial.to_be_bytes())
    }

    fn mint(&self, stamp: &mut Stamp, message: &Message, before: Option<MessageId>, from: &Domain, signed: &[String]) {
        // A field that is there but cannot be read stays alone: two would be refused by many.
        if message.has("Message-ID") || stamp.skips("Message-ID", signed) {
            return;
        }
        let id = before.unwrap_or_else(|| self.minted(stamp.thread, from));
        stamp.edits.append.push(Field::new("Message-ID", id.to_string()));
        stamp.message_id = Some(id);
    }

    /// An ordinary id, unlike the seed, that nobody else can foretell.
    fn minted(&self, thread: ThreadId, domain: &Domain) -> MessageId {
        let secret: [u8; 20] = self.keys.sign(&[b"message-id\0".as_slice(), &thread.0].concat());
        let left = BASE32_NOPAD_NOCASE.encode(&secret).to_lowercase();
        MessageId::new(&format!("{left}@{domain}")).expect("base32 and a domain hold no bracket")
    }

    fn seed(&self, stamp: &mut Stamp, persona: &Persona, message: &Message, from: &Domain, signed: &[String]) {
        if !self.policy.stamp.seed || stamp.seeded || stamp.skips("References", signed) {
            return;
        }
        let token = Token { purpose: Purpose::Seed, persona: PersonaTag::of(&persona.name), id: stamp.thread.0 };
        let seed = token.message_id(self.keys, from);
        edit::refer_first(message, &seed, &mut stamp.edits);
        stamp.seeded = true;
    }

    fn reply_to(&self, stamp: &mut Stamp, persona: &Persona, message: &Message, signed: &[String]) {
        if !self.policy.stamp.reply_to || message.has("Reply-To") || stamp.skips("Reply-To", signed) {
            return;
        }
        let Some(address) = persona.addresses.first() else { return };
        let token = Token { purpose: Purpose::Reply, persona: PersonaTag::of(&persona.name), id: stamp.thread.0 };
        let masked: Address = address.with_detail(self.separator(), &token.seal(self.keys));
        stamp.edits.append.push(Field::new("Reply-To", masked.to_string()));
    }

    fn return_path(&self, stamp: &mut Stamp, persona: &Persona) {
        let Some(domain) = self.policy.reply_domain.as_ref().filter(|_| self.policy.stamp.return_path) else { return };
        let token =
            Token { purpose: Purpose::ReturnOfOutbound, persona: PersonaTag::of(&persona.name), id: stamp.thread.0 };
        if stamp.reverse_path != Some(ReversePath::Null) {
            let signed = return_path(domain, self.separator(), &token.seal(self.keys));
            stamp.reverse_path = signed.or(stamp.reverse_path.take());
        }
    }
}

impl Stamp {
    /// Whether a signature covers the field; notes it.
    fn skips(&mut self, name: &'static str, signed: &[String]) -> bool {
        let is_signed = signed.iter().any(|field| field.eq_ignore_ascii_case(name));
        if is_signed {
            self.skipped.push(name);
        }
        is_signed
    }
}

/// The fields that any DKIM signature of the message covers (RFC 6376 §3.5, `h=`).
fn signed_fields(message: &Message) -> Vec<String> {
    let signatures = message.values("DKIM-Signature");
    let lists = signatures.filter_map(|signature| {
        let tags = signature.split(';').filter_map(|tag| tag.split_once('='));
        tags.filter(|(tag, _)| tag.trim() == "h").map(|(_, list)| list.to_owned()).next()
    });
    let names = lists.flat_map(|list| list.split(':').map(|name| name.trim().to_lowercase()).collect::<Vec<_>>());
    names.collect()
}
