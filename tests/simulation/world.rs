//! The world: customers, their conversations with the personas, and the one way in which mail goes to and fro.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sincerely::mail::{Address, PersonaName, Plan, ThreadId};
use sincerely::message::Message;

use crate::company::{Company, HELLO, Moment, PERSONAS};
use crate::dice::Dice;
use crate::judge::{Tally, Truth};
use crate::letter::{CUT, Letter, Seen, thread_index};

/// How many parts a world has: each with customers of its own, so that several can be simulated at once and the
/// world is the same however many are.
pub(crate) const PARTS: usize = 8;
const DAYS: i64 = 200;
const DAY: i64 = 86_400_000;
/// When it all begins, in milliseconds of the Unix epoch: 2026-01-01.
const BEGIN: i64 = 1_767_225_600_000;

/// Subjects of automated mail: few, so that most customers see the same ones.
pub(crate) const SUBJECTS: [&str; 40] = [
    "Welcome to Acme",
    "Your order",
    "Your invoice",
    "Payment received",
    "How was your first week?",
    "Your trial ends soon",
    "Reminder: your appointment",
    "New features for you",
    "Please confirm your address",
    "Your subscription",
    "Willkommen bei Acme",
    "Ihre Bestellung",
    "Ihre Rechnung",
    "Ihr Termin am Montag",
    "Zahlung erhalten",
    "Bienvenue chez Acme",
    "Votre commande",
    "Votre facture",
    "Votre abonnement",
    "Rappel : votre rendez-vous",
    "Bienvenido a Acme",
    "Su pedido",
    "Su factura",
    "Benvenuto in Acme",
    "Il tuo ordine",
    "Bem-vindo \u{e0} Acme",
    "Seu pedido",
    "Welkom bij Acme",
    "Uw bestelling",
    "V\u{e4}lkommen till Acme",
    "Din best\u{e4}llning",
    "Velkommen til Acme",
    "Witamy w Acme",
    "Twoje zam\u{f3}wienie",
    "Acme'ye ho\u{15f} geldiniz",
    "\u{6b22}\u{8fce}\u{4f7f}\u{7528} Acme",
    "\u{60a8}\u{7684}\u{8ba2}\u{5355}",
    "Acme \u{3078}\u{3088}\u{3046}\u{3053}\u{305d}",
    "\u{41a}\u{430}\u{43a} \u{432}\u{430}\u{448}\u{438} \u{434}\u{435}\u{43b}\u{430}?",
    "\u{41a}\u{430}\u{43b}\u{44e}\u{447}",
];

/// Somebody who gets automated mail.
pub(crate) struct Customer {
    pub(crate) address: String,
    pub(crate) domain: usize,
    /// The subjects of the mail that they got.
    pub(crate) subjects: HashSet<usize>,
    pub(crate) conversations: Vec<usize>,
}

/// One conversation, as the people in it know it.
pub(crate) struct Conversation {
    pub(crate) persona: usize,
    pub(crate) customer: usize,
    /// A second recipient of the first mail.
    pub(crate) second: Option<usize>,
    /// Its first subject; none of [`SUBJECTS`] where the customer began.
    pub(crate) subject: String,
    pub(crate) number: Option<usize>,
    /// The threads that it is kept under: where nothing in a mail told whose answer it was, it opened another one.
    pub(crate) threads: Vec<ThreadId>,
    /// Where answers go: From or Reply-To.
    pub(crate) answers_to: String,
    /// The address that From of its mail has.
    pub(crate) address: String,
    /// The return path of the first mail.
    pub(crate) return_path: String,
    /// The seed, where it reached the customer whole.
    pub(crate) seed: Option<String>,
    /// The last mail of ours.
    pub(crate) last: Option<Seen>,
    /// The last mail of the customer's own.
    pub(crate) own: Option<Seen>,
    /// Outlook's conversation, where a mail of the thread bore it.
    pub(crate) outlook: Option<u64>,
    /// An enemy used something of it.
    pub(crate) is_attacked: bool,
    /// The customer, or their neighbour, has mixed it up with another: what is said of it then says little.
    pub(crate) is_mixed: bool,
}

/// One part of the world.
pub(crate) struct Part<'a> {
    pub(crate) company: &'a Company,
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
    pub(crate) domains: Vec<String>,
    /// The first domain is that of a provider of free mail.
    pub(crate) customers: Vec<Customer>,
    pub(crate) conversations: Vec<Conversation>,
    /// Conversations with customers who are enemies, which nobody else takes part in.
    pub(crate) of_enemies: Vec<usize>,
    /// What strangers opened, by their domains: what one of them claims, the others there may use.
    pub(crate) strangers: HashMap<String, Vec<ThreadId>>,
    /// The next of the application's ids, and of the provider's, which an enemy can guess.
    pub(crate) orders: u64,
    pub(crate) replaced: u64,
    pub(crate) number: usize,
    seed: u64,
    size: usize,
    millisecond: i64,
    serial: u16,
}

impl<'a> Part<'a> {
    /// Part `number` of a world, in which `size` threads are opened.
    pub(crate) fn new(company: &'a Company, seed: u64, number: usize, size: usize) -> Self {
        let mut part = Self {
            company,
            dice: Dice::new(seed, number as u64 + 1),
            tally: Tally::default(),
            domains: vec![format!("freemail{number}.example")],
            customers: Vec::new(),
            conversations: Vec::new(),
            of_enemies: Vec::new(),
            strangers: HashMap::new(),
            orders: 1000,
            replaced: 1000,
            number,
            seed,
            size,
            millisecond: BEGIN,
            serial: 0,
        };
        part.settle(size * 6 / 10);
        part
    }

    /// A third of the customers has free mail; the others work in companies of one to three.
    fn settle(&mut self, customers: usize) {
        for index in 0..customers {
            let free = index % 3 == 0;
            if !free && (self.domains.len() == 1 || self.dice.percent(50)) {
                self.domains.push(format!("company{}-{}.example", self.number, self.domains.len()));
            }
            let domain = if free { 0 } else { self.domains.len() - 1 };
            let address =
                format!("{}{index}@{}", self.dice.pick(&["ann", "Ben.Li", "chloe_", "d-"]), self.domains[domain]);
            self.customers.push(Customer { address, domain, subjects: HashSet::new(), conversations: Vec::new() });
        }
    }

    /// All that happens: mail goes out, and meanwhile people and enemies write.
    pub(crate) fn live(&mut self) {
        for opened in 0..self.size {
            self.millisecond = self.millisecond.max(BEGIN + DAYS * DAY * opened as i64 / self.size as i64);
            if self.dice.percent(93) {
                self.automated();
            } else {
                self.customer_opens();
            }
            self.somebody_writes();
            if self.dice.percent(10) {
                self.an_enemy_writes();
            }
        }
        self.victims_write();
    }

    /// The next moment.
    pub(crate) fn moment(&mut self) -> Moment {
        self.millisecond += 1 + self.dice.below(100_000) as i64;
        self.serial = (self.serial + 8) % 0x2000;
        Moment {
            now: Timestamp::from_millisecond(self.millisecond).unwrap(),
            serial: (u16::try_from(self.number).unwrap() << 13) | self.serial,
            is_masked: (self.millisecond - BEGIN) / DAY % 10 == 9,
        }
    }

    /// Letters and digits that nobody foretells.
    pub(crate) fn nonce(&mut self) -> String {
        format!("{:016x}{}{}", self.dice.next(), self.number, self.seed)
    }

    /// A conversation of late, or any.
    pub(crate) fn some_conversation(&mut self) -> Option<usize> {
        let count = self.conversations.len();
        let back = match self.dice.below(10) {
            0..=4 => 50,
            5..=7 => 1000,
            _ => count,
        };
        let index = count.checked_sub(1 + self.dice.below(back.clamp(1, count.max(1))))?;
        (!self.conversations[index].is_mixed).then_some(index)
    }

    /// An automated mail: it may be stamped, replaced, cut and handed in twice.
    fn automated(&mut self) {
        let (persona, customer) = (self.dice.below(PERSONAS.len()), self.some_customer());
        let second = self.dice.percent(3).then(|| self.some_customer());
        let second = second.filter(|second| *second != customer && !self.is_enemy(customer) && !self.is_enemy(*second));
        let address = if self.dice.percent(60) { own_address(persona) } else { HELLO.to_owned() };
        let number = self.dice.below(SUBJECTS.len());
        let outlook = self.dice.percent(4).then(|| self.dice.next());
        self.orders += 1;
        let predicted = self.order_id(self.orders);
        let id = if self.dice.percent(40) { predicted } else { format!("{}@app.acme.example", self.nonce()) };
        let recipients: Vec<String> =
            [Some(customer), second].into_iter().flatten().map(|who| self.customers[who].address.clone()).collect();
        let letter = Letter {
            from: author(persona, &address),
            to: recipients.join(", "),
            subject: SUBJECTS[number].to_owned(),
            id,
            more: outlook.map(|number| thread_index(number, 0)).into_iter().collect(),
            body: "Hello,\n\nthis is for you.".into(),
            ..Letter::default()
        };
        let message = Message::read(letter.bytes());
        let to: Vec<Address> = recipients.iter().map(|to| to.parse().unwrap()).collect();
        let moment = self.moment();
        let (stamp, sent) = self.company.send(moment, &message, &address, &to);
        if self.dice.percent(2) {
            let again = self.moment();
            let (again, _) =
                self.company.send(Moment { is_masked: moment.is_masked, ..again }, &message, &address, &to);
            assert_eq!((again.thread, &again.edits), (stamp.thread, &stamp.edits), "the same mail, handed in again");
        }
        let seen = self.on_its_way(&sent);
        let seed = sent.references().first().map(|id| id.as_str().to_owned());
        let reply_to = sent.value("Reply-To").map(|value| value.trim().to_owned());
        let index = self.conversations.len();
        for who in [Some(customer), second].into_iter().flatten() {
            self.customers[who].subjects.insert(number);
            self.customers[who].conversations.push(index);
        }
        self.conversations.push(Conversation {
            persona,
            customer,
            second,
            subject: letter.subject,
            number: Some(number),
            threads: vec![stamp.thread],
            answers_to: reply_to.unwrap_or_else(|| address.clone()),
            address,
            return_path: stamp.reverse_path.expect("it came with one").to_string(),
            seed: seed.filter(|seed| seen.references.contains(seed)),
            last: Some(seen),
            own: None,
            outlook,
            is_attacked: false,
            is_mixed: self.is_enemy(customer),
        });
        self.of_enemies.extend(Some(index).filter(|_| self.is_enemy(customer)));
        self.tally.automated += 1;
    }

    /// What providers and relays make of our mail, as its reader gets it.
    pub(crate) fn on_its_way(&mut self, sent: &Message) -> Seen {
        let mut seen = Seen {
            id: sent.message_id().expect("it has an id").as_str().to_owned(),
            references: sent.references().iter().map(|id| id.as_str().to_owned()).collect(),
            is_learned: true,
        };
        if self.dice.percent(30) {
            self.replaced += 1;
            seen = Seen { id: self.replaced_id(self.replaced), is_learned: false, ..seen };
        }
        match self.dice.below(20) {
            0 => seen.references.clear(),
            1 => cut_in_the_middle(&mut seen.references, self.dice.below(35)),
            _ => {}
        }
        seen
    }

    /// The application counts its orders in its ids.
    pub(crate) fn order_id(&self, number: u64) -> String {
        format!("Order.{}.{}.{number}@app.acme.example", self.seed, self.number)
    }

    pub(crate) fn replaced_id(&self, number: u64) -> String {
        format!("0102018{}-{}-{number}-000000@eu-west-1.amazonses.example", self.seed, self.number)
    }

    /// A few customers get most of the mail.
    pub(crate) fn some_customer(&mut self) -> usize {
        let all = self.customers.len();
        let among = if self.dice.percent(40) { all.div_ceil(8) } else { all };
        self.dice.below(among)
    }

    /// Some companies are enemies': all their mail, and what they make of it, is their own.
    pub(crate) fn is_enemy(&self, customer: usize) -> bool {
        self.customers[customer].domain % 25 == 1
    }

    /// What belongs to a conversation: its threads, and its persona or those of its other threads.
    pub(crate) fn truth(&self, index: usize) -> Truth {
        let conversation = &self.conversations[index];
        let personas = vec![PERSONAS[conversation.persona].to_owned()];
        Truth { threads: conversation.threads.clone(), must: None, personas }
    }

    /// A message of a conversation comes; where it opens a thread, that is the conversation's too.
    pub(crate) fn answer(&mut self, model: &'static str, index: usize, letter: &Letter, to: &[String]) -> Vec<Plan> {
        let truth = self.truth(index);
        self.answer_as(model, index, letter, to, &truth)
    }

    /// The same, where more is known of the truth.
    pub(crate) fn answer_as(
        &mut self,
        model: &'static str,
        index: usize,
        letter: &Letter,
        to: &[String],
        truth: &Truth,
    ) -> Vec<Plan> {
        let path = address_of(&letter.from);
        let plans = self.deliver(model, &path, letter, to, truth);
        let opened = plans.iter().filter(|plan| plan.matched.thread.is_none()).filter_map(|plan| plan.joins);
        self.conversations[index].threads.extend(opened);
        plans
    }

    /// A message comes to the company, is judged and remembered.
    pub(crate) fn deliver(
        &mut self,
        model: &'static str,
        path: &str,
        letter: &Letter,
        to: &[String],
        truth: &Truth,
    ) -> Vec<Plan> {
        let moment = self.moment();
        self.tally.messages += 1;
        let path = &address_of(path);
        let Some(got) = self.company.get(moment, Message::read(letter.bytes()), path, to) else {
            self.tally.refused += 1;
            return Vec::new();
        };
        for (plan, (address, recipient)) in got.planned.plans.iter().zip(&got.arrival.recipients) {
            self.tally.note(model, plan);
            if let Some(wrong) = truth.wrong(plan, recipient) {
                let looked_at = self.company.looked_at(moment, &got).concat().join("\n");
                let message = String::from_utf8_lossy(got.arrival.message.bytes()).into_owned();
                let case = format!(
                    "{wrong}\n{message}\n--- to {address}, from <{path}>: {:?}\n--- truth: {truth:?}\n--- evidence:\n{looked_at}\n\
                     --- acquaintance: {:?}\n",
                    plan.matched, got.found.acquaintance,
                );
                self.tally.wrong(model, case);
            }
        }
        self.company.remember(moment, &got);
        got.planned.plans
    }

    /// A stranger writes: what they opened themselves is theirs.
    pub(crate) fn stranger_writes(&mut self, model: &'static str, letter: &Letter, to: &[String], truth: &Truth) {
        let from = address_of(&letter.from);
        let mut truth = truth.clone();
        truth.threads.extend(self.strangers.get(domain_of(&from)).into_iter().flatten());
        let plans = self.deliver(model, &from, letter, to, &truth);
        self.opened_by(&from, &plans);
    }

    /// What a message opens is its writer's.
    pub(crate) fn opened_by(&mut self, from: &str, plans: &[Plan]) {
        let opened = plans.iter().filter(|plan| plan.matched.thread.is_none()).filter_map(|plan| plan.joins);
        self.strangers.entry(domain_of(from).to_owned()).or_default().extend(opened);
    }

    /// The number of a persona by its name.
    pub(crate) fn persona(name: &PersonaName) -> usize {
        PERSONAS.iter().position(|known| *known == name.0).expect("there are no others")
    }
}

/// Cuts a list where a relay's buffer ended: in the middle of its first id, which leaves no end of it.
pub(crate) fn cut_in_the_middle(references: &mut Vec<String>, at: usize) {
    if let Some(first) = references.first_mut().filter(|first| !first.ends_with(CUT)) {
        *first = first.chars().take(at).chain(CUT.chars()).collect();
    }
    references.truncate(1);
}

pub(crate) fn own_address(persona: usize) -> String {
    format!("{}@acme.example", PERSONAS[persona])
}

/// The name that customers see, with an address.
pub(crate) fn author(persona: usize, address: &str) -> String {
    format!("{} from Acme <{address}>", first_name(persona))
}

pub(crate) fn first_name(persona: usize) -> String {
    let (first, rest) = PERSONAS[persona].split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn domain_of(address: &str) -> &str {
    address.rsplit('@').next().unwrap_or(address)
}

/// The address in a From value.
pub(crate) fn address_of(from: &str) -> String {
    from.rsplit(['<', ' ']).next().unwrap_or(from).trim_end_matches('>').to_owned()
}
