//! What customers, their colleagues and their machines write; and our own people.
//!
//! Each model is what one mail program, habit or mishap makes of an answer. The conversation that the writer has in
//! mind is the truth.

use crate::company::{HELLO, PERSONAS};
use crate::judge::Truth;
use crate::letter::{Letter, Seen, thread_index};
use crate::world::{Conversation, Part, SUBJECTS, author, cut_in_the_middle, first_name, own_address};

type Model = fn(&mut Part<'_>, usize);

/// Who writes how, by weight.
const MODELS: [(usize, Model); 23] = [
    (30, everything_kept),
    (8, references_only),
    (8, in_reply_to_only),
    (6, references_cut),
    (5, outlook),
    (8, outlook_alone),
    (2, outlook_untaught),
    (10, subject_only),
    (6, nothing_kept),
    (3, greeting_only),
    (6, token),
    (3, folded),
    (6, colleague_answers_customer),
    (4, from_another_address),
    (4, forwarded_to_a_third),
    (4, answers_all),
    (6, bounce),
    (5, vacation),
    (12, one_of_ours_answers),
    (4, to_another_persona),
    (4, crossing),
    (2, two_in_one),
    (2, namesake),
];

impl Part<'_> {
    /// Somebody writes in one of the conversations.
    pub(crate) fn somebody_writes(&mut self) {
        let (_, model) = MODELS[self.dice.weighted(MODELS.iter().map(|(weight, _)| *weight))];
        let Some(index) = self.some_conversation() else { return };
        // Whoever began a conversation waits for the answer of one of ours.
        let model = if self.conversations[index].last.is_none() { one_of_ours_answers } else { model };
        model(self, index);
    }

    /// A customer writes first.
    pub(crate) fn customer_opens(&mut self) {
        let (customer, persona) = (self.some_customer(), self.dice.below(PERSONAS.len()));
        let to = if self.dice.percent(60) { own_address(persona) } else { HELLO.to_owned() };
        let subject = format!("Question {}", self.nonce());
        let letter = Letter {
            from: self.name(customer),
            to: to.clone(),
            subject: subject.clone(),
            id: self.own_id(customer),
            body: format!("Hi {},\n\nI have a question.", first_name(persona)),
            ..Letter::default()
        };
        let truth = Truth { personas: PERSONAS.map(str::to_owned).to_vec(), ..Truth::default() };
        let path = self.customers[customer].address.clone();
        let plans = self.deliver("a customer writes first", &path, &letter, std::slice::from_ref(&to), &truth);
        if self.is_enemy(customer) {
            return;
        }
        let Some((thread, name)) = plans.first().and_then(|plan| plan.joins.zip(plan.matched.persona.clone())) else {
            return;
        };
        let index = self.conversations.len();
        self.customers[customer].conversations.push(index);
        self.conversations.push(Conversation {
            persona: Part::persona(&name),
            customer,
            second: None,
            subject,
            number: None,
            threads: vec![thread],
            answers_to: to.clone(),
            address: to.clone(),
            return_path: to,
            seed: None,
            last: None,
            own: Some(Seen { id: letter.id, references: Vec::new(), is_learned: false }),
            outlook: None,
            is_attacked: false,
            is_mixed: false,
        });
    }

    /// A customer as From has them; mail programs differ in how they write an address.
    fn name(&mut self, customer: usize) -> String {
        let address = &self.customers[customer].address;
        match self.dice.below(10) {
            0 => address.to_uppercase(),
            1..=4 => format!("\"A. Customer\" <{address}>"),
            _ => address.clone(),
        }
    }

    /// A new id as a customer's mail program makes it.
    pub(crate) fn own_id(&mut self, customer: usize) -> String {
        let nonce = self.nonce();
        format!("{nonce}@{}", self.domains[self.customers[customer].domain])
    }

    /// An answer to the last mail of ours, in which nothing is kept yet but the subject.
    pub(crate) fn reply(&mut self, index: usize) -> (Letter, Seen) {
        let who = self.writer(index);
        let conversation = &self.conversations[index];
        let last = conversation.last.clone().expect("there is a mail to answer");
        let (to, subject) = (conversation.answers_to.clone(), conversation.subject.clone());
        let prefix =
            *self.dice.pick(&["Re: ", "RE: ", "AW: ", "SV: ", "Antw: ", "Re: AW: ", "\u{56de}\u{590d}: ", "R: "]);
        let letter = Letter {
            from: self.name(who),
            to,
            subject: format!("{prefix}{subject}"),
            id: self.own_id(who),
            body: "Thank you.\n\n> Hello,\n> this is for you.".into(),
            ..Letter::default()
        };
        (letter, last)
    }

    /// The customer, or the other one whom the first mail went to.
    fn writer(&mut self, index: usize) -> usize {
        let (first, second) = (self.conversations[index].customer, self.conversations[index].second);
        second.filter(|_| self.dice.percent(50)).unwrap_or(first)
    }

    /// Whether an answer with everything that mail programs keep tells its thread surely.
    pub(crate) fn is_sure(&self, index: usize) -> bool {
        let conversation = &self.conversations[index];
        let Some(last) = &conversation.last else { return false };
        last.is_learned || conversation.seed.as_ref().is_some_and(|seed| last.references.contains(seed))
    }

    /// The truth where an answer must find the first thread.
    pub(crate) fn surely(&self, index: usize, is_sure: bool) -> Truth {
        let truth = self.truth(index);
        Truth { must: truth.threads.first().copied().filter(|_| is_sure && truth.threads.len() == 1), ..truth }
    }

    /// The customer sends a letter, which others may answer.
    fn customer_sends(&mut self, model: &'static str, index: usize, letter: &Letter, truth: &Truth) {
        let to = [self.conversations[index].answers_to.clone()];
        self.answer_as(model, index, letter, &to, truth);
        let own = Seen { id: letter.id.clone(), references: letter.references.clone(), is_learned: false };
        self.conversations[index].own = Some(own);
    }

    /// Whether this customer has no other mail under the subject.
    fn has_no_namesake(&self, customer: usize, index: usize) -> bool {
        self.conversations[index].number.is_none_or(|number| !self.customers[customer].subjects.contains(&number))
    }

    /// What may be said of a mail that has lost all ids but not its subject: it belongs to its conversation, or to
    /// another one of these customers under the same subject. What is said of any of them later says little.
    fn or_a_namesake(&mut self, index: usize, customers: &[usize]) -> Truth {
        let mut truth = self.truth(index);
        let number = self.conversations[index].number;
        let all = customers.iter().flat_map(|customer| self.customers[*customer].conversations.clone());
        for other in all.collect::<Vec<_>>() {
            if self.conversations[other].number == number {
                truth.threads.extend(self.conversations[other].threads.iter().copied());
                truth.personas.push(PERSONAS[self.conversations[other].persona].into());
                self.conversations[other].is_mixed = true;
            }
        }
        self.conversations[index].is_mixed = true;
        truth
    }

    /// Somebody else of the same company.
    fn colleague(&mut self, index: usize) -> Option<usize> {
        let customer = self.conversations[index].customer;
        let domain = self.customers[customer].domain;
        let near = [customer.wrapping_sub(1), customer + 1, customer + 2];
        let is_colleague =
            |other: &usize| *other != customer && self.customers.get(*other).is_some_and(|it| it.domain == domain);
        near.into_iter().find(is_colleague).filter(|_| domain != 0)
    }
}

pub(crate) fn everything_kept(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    let truth = part.surely(index, part.is_sure(index));
    part.customer_sends("everything kept", index, &letter, &truth);
}

fn references_only(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.references = last.chain();
    let truth = part.surely(index, part.is_sure(index));
    part.customer_sends("References only", index, &letter, &truth);
}

fn in_reply_to_only(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.in_reply_to = Some(last.id.clone());
    let truth = part.surely(index, last.is_learned);
    part.customer_sends("In-Reply-To only", index, &letter, &truth);
}

fn references_cut(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.references = last.chain();
    let at = part.dice.below(39);
    cut_in_the_middle(&mut letter.references, at);
    if part.dice.percent(50) {
        letter.in_reply_to = Some(last.id);
    }
    part.customer_sends("References cut in the seed", index, &letter, &part.truth(index));
}

/// Outlook keeps all, and its own conversation besides.
fn outlook(part: &mut Part<'_>, index: usize) {
    let number = part.conversations[index].outlook.unwrap_or_else(|| part.dice.next());
    part.conversations[index].outlook = Some(number);
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    letter.more.push(thread_index(number, 1));
    let truth = part.surely(index, part.is_sure(index));
    part.customer_sends("everything kept, by Outlook", index, &letter, &truth);
}

/// Outlook behind an old Exchange: its conversation alone, which an earlier mail has taught.
fn outlook_alone(part: &mut Part<'_>, index: usize) {
    let Some(number) = part.conversations[index].outlook else { return outlook(part, index) };
    let (mut letter, _) = part.reply(index);
    letter.subject = if part.dice.percent(50) { letter.subject } else { format!("Thanks {}", part.nonce()) };
    letter.more.push(thread_index(number, 2));
    part.customer_sends("Thread-Index only, taught before", index, &letter, &part.truth(index));
}

fn outlook_untaught(part: &mut Part<'_>, index: usize) {
    let (mut letter, _) = part.reply(index);
    letter.more.push(thread_index(part.dice.next(), 1));
    part.customer_sends("Thread-Index only, never seen", index, &letter, &part.truth(index));
}

fn subject_only(part: &mut Part<'_>, index: usize) {
    let (letter, _) = part.reply(index);
    part.customer_sends("subject only", index, &letter, &part.truth(index));
}

fn nothing_kept(part: &mut Part<'_>, index: usize) {
    let (mut letter, _) = part.reply(index);
    letter.subject = format!("Hello {}", part.nonce());
    part.customer_sends("nothing kept", index, &letter, &part.truth(index));
}

/// Somebody who has heard of the persona writes to the shared address.
fn greeting_only(part: &mut Part<'_>, _: usize) {
    let persona = part.dice.below(PERSONAS.len());
    let greeting = *part.dice.pick(&["Hi", "Dear", "Bonjour", "Hallo"]);
    let letter = Letter {
        from: format!("{}@{}", part.nonce(), part.dice.pick(&part.domains.clone())),
        to: HELLO.into(),
        subject: (*part.dice.pick(&SUBJECTS)).into(),
        id: format!("{}@prospect.example", part.nonce()),
        body: format!("{greeting} {},\n\na friend told me about you.", first_name(persona)),
        ..Letter::default()
    };
    let truth = Truth { personas: vec![PERSONAS[persona].into()], ..Truth::default() };
    part.stranger_writes("greeting only, at hello@", &letter, &[HELLO.into()], &truth);
}

/// Nothing is kept but the address that the mail asked to be answered at.
fn token(part: &mut Part<'_>, index: usize) {
    let (mut letter, _) = part.reply(index);
    let Some(masked) = Some(letter.to.clone()).filter(|to| to.contains('+')) else {
        return everything_kept(part, index);
    };
    letter.subject = format!("Hello {}", part.nonce());
    let truth = part.surely(index, true);
    let to = match part.dice.below(4) {
        0 => masked.split('@').next().unwrap_or_default().to_uppercase() + "@acme.example",
        1 => HELLO.into(),
        _ => masked,
    };
    part.answer_as("the token of Reply-To", index, &letter, &[to], &truth);
}

/// A gateway writes all ids in one case.
fn folded(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    let is_upper = part.dice.percent(50);
    let fold = |id: &String| if is_upper { id.to_uppercase() } else { id.to_lowercase() };
    letter.references = letter.references.iter().map(fold).collect();
    letter.in_reply_to = letter.in_reply_to.iter().map(fold).next();
    let is_seeded = part.conversations[index].seed.as_ref().is_some_and(|seed| last.references.contains(seed));
    let truth = part.surely(index, is_seeded);
    part.answer_as("ids in upper or lower case", index, &letter, &[letter.to.clone()], &truth);
}

/// The customer's own mail went on to a colleague, who answers it.
fn colleague_answers_customer(part: &mut Part<'_>, index: usize) {
    let Some(own) = part.conversations[index].own.clone() else { return everything_kept(part, index) };
    let Some(colleague) = part.colleague(index).filter(|it| part.has_no_namesake(*it, index)) else { return };
    let (mut letter, _) = part.reply(index);
    (letter.from, letter.id) = (part.name(colleague), part.own_id(colleague));
    letter.in_reply_to = Some(own.id.clone());
    letter.references = if part.dice.percent(50) { own.chain() } else { vec![own.id] };
    let mut truth = part.truth(index);
    // Where nobody knows the customer's mail, whoever alone has written to the colleague gets the answer.
    let own = &part.customers[colleague].conversations;
    truth.personas.extend(own.iter().map(|other| PERSONAS[part.conversations[*other].persona].to_owned()));
    part.answer_as("a colleague answers the customer's mail", index, &letter, &[letter.to.clone()], &truth);
}

fn from_another_address(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.from = format!("private{}@elsewhere{}.example", part.conversations[index].customer, part.number);
    letter.answers(&last);
    let truth = part.surely(index, part.is_sure(index));
    part.answer_as("from another address", index, &letter, &[letter.to.clone()], &truth);
}

/// The customer forwards the mail, and somebody of another company answers it.
fn forwarded_to_a_third(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    let forwarded = letter.id;
    letter.references = [last.chain(), vec![forwarded.clone()]].concat();
    letter.in_reply_to = Some(forwarded);
    letter.from = format!("third@others{}-{}.example", part.number, part.dice.below(500));
    letter.id = format!("{}@partner.example", part.nonce());
    let is_sure = part.is_sure(index);
    let truth = part.surely(index, is_sure);
    part.answer_as("forwarded, and a third answers", index, &letter, &[letter.to.clone()], &truth);
}

/// To everybody of ours whom the customer knows.
fn answers_all(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    let all: Vec<String> = PERSONAS.iter().map(|name| format!("{name}@acme.example")).chain([HELLO.into()]).collect();
    letter.to = all.join(", ");
    if !part.is_sure(index) {
        return elsewhere_without_ids(part, index, &letter, &all);
    }
    let truth = part.surely(index, true);
    part.answer_as("to all personas and hello@ at once", index, &letter, &all, &truth);
}

/// Sophie's old mail is answered at Tom's address.
fn to_another_persona(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    let other = (part.conversations[index].persona + 1 + part.dice.below(PERSONAS.len() - 1)) % PERSONAS.len();
    letter.to = own_address(other);
    if !part.is_sure(index) {
        return elsewhere_without_ids(part, index, &letter, &[letter.to.clone()]);
    }
    part.answer("to another persona's address", index, &letter, &[letter.to.clone()]);
}

/// The ids are lost, and the persona who gets it may have a thread of the same subject with this customer. Nobody
/// could tell, so it is counted apart.
fn elsewhere_without_ids(part: &mut Part<'_>, index: usize, letter: &Letter, to: &[String]) {
    let conversation = &part.conversations[index];
    let writers: Vec<usize> = [Some(conversation.customer), conversation.second].into_iter().flatten().collect();
    let truth = part.or_a_namesake(index, &writers);
    part.deliver("APART: to others of ours, all ids lost", &letter.from, letter, to, &truth);
}

/// The mail of ours comes back, or what is left of it.
fn bounce(part: &mut Part<'_>, index: usize) {
    let conversation = &part.conversations[index];
    let (to, domain) = (conversation.return_path.clone(), part.customers[conversation.customer].domain);
    let returned = conversation.last.clone().expect("it came back");
    let (is_sure, subject) = (part.is_sure(index) || to.contains('+'), conversation.subject.clone());
    let ids = returned.references.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>().join(" ");
    let references = if ids.is_empty() { String::new() } else { format!("References: {ids}\n") };
    let fields = format!("Subject: {subject}\nMessage-ID: <{}>\n{references}", returned.id);
    let kind = *part.dice.pick(&["message/rfc822", "text/rfc822-headers"]);
    let letter = Letter {
        from: format!("Mail Delivery Subsystem <MAILER-DAEMON@mx.{}>", part.domains[domain]),
        to: to.clone(),
        subject: "Undelivered Mail Returned to Sender".into(),
        id: format!("{}@mx.{}", part.nonce(), part.domains[domain]),
        more: vec!["Content-Type: multipart/report; report-type=delivery-status; boundary=b".into()],
        body: format!(
            "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: {kind}\n\n{fields}\n--b--"
        ),
        ..Letter::default()
    };
    let truth = part.surely(index, is_sure && !returned.references.iter().any(|id| id.contains(crate::letter::CUT)));
    part.deliver("a bounce", "", &letter, &[to.trim_matches(['<', '>']).into()], &truth);
}

fn vacation(part: &mut Part<'_>, index: usize) {
    let (mut letter, last) = part.reply(index);
    letter.in_reply_to = Some(last.id.clone());
    if part.dice.percent(50) {
        letter.references = last.chain();
    }
    letter.subject = format!("Automatic reply: {}", letter.subject);
    letter.more.push("Auto-Submitted: auto-replied".into());
    let truth = part.surely(index, last.is_learned);
    part.deliver("a vacation notice", "", &letter, &[letter.to.clone()], &truth);
}

/// One of ours answers the customer directly, with a copy to the persona; the customer may answer that.
fn one_of_ours_answers(part: &mut Part<'_>, index: usize) {
    let Some(own) = part.conversations[index].own.clone() else { return everything_kept(part, index) };
    let conversation = &part.conversations[index];
    let (persona, copy) = (conversation.persona, own_address(conversation.persona));
    let customer = part.customers[conversation.customer].address.clone();
    let mut letter = Letter {
        from: author(persona, &conversation.address.clone()),
        to: customer,
        subject: format!("Re: {}", conversation.subject),
        id: format!("{}@corp.example", part.nonce()),
        above: vec!["Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example".into()],
        body: "Dear customer,\n\nof course.".into(),
        ..Letter::default()
    };
    letter.answers(&own);
    let truth = part.truth(index);
    let path = copy.clone();
    let plans = part.deliver("one of ours answers", &path, &letter, &[copy], &truth);
    let lesson = plans.into_iter().find_map(|plan| plan.lesson).expect("it is learned");
    assert_eq!(Part::persona(&lesson.persona), persona, "whose answer it is");
    let conversation = &mut part.conversations[index];
    // An answer to what belonged to no thread opens one.
    conversation.threads.push(lesson.thread);
    conversation.answers_to.clone_from(&conversation.address);
    conversation.last = Some(Seen { id: letter.id, references: letter.references, is_learned: true });
}

/// References of one conversation, In-Reply-To of another one with the same customer: both are strong, and the
/// stronger is meant, which is a seed, unless its persona is not the recipient's.
fn crossing(part: &mut Part<'_>, index: usize) {
    let Some((one, other)) = two_of_one_customer(part, index) else { return };
    let (mut letter, last) = part.reply(other);
    let conversation = &part.conversations[one];
    let seen = conversation.last.clone().expect("two of one have both");
    letter.references = seen.chain();
    letter.in_reply_to = Some(last.id.clone());
    letter.from = part.customers[conversation.customer].address.clone();
    let is_seeded = conversation.seed.as_ref().is_some_and(|seed| seen.references.contains(seed));
    let to = part.conversations[other].answers_to.clone();
    let is_of_one = to == HELLO || part.conversations[other].persona == conversation.persona;
    let mut truth = part.truth(if is_seeded && is_of_one && !to.contains('+') { one } else { other });
    if !is_seeded && !last.is_learned {
        let more = part.truth(one);
        truth = Truth {
            threads: [truth.threads, more.threads].concat(),
            personas: [truth.personas, more.personas].concat(),
            must: None,
        };
    }
    part.deliver("crossing: References and In-Reply-To differ", &letter.from, &letter, &[to], &truth);
}

/// Whoever writes the ids of two conversations into one field makes one of them.
fn two_in_one(part: &mut Part<'_>, index: usize) {
    let Some((one, other)) = two_of_one_customer(part, index) else { return };
    let (mut letter, last) = part.reply(other);
    let first = part.conversations[one].last.clone().expect("two of one have both");
    letter.references = [first.chain(), last.chain()].concat();
    letter.in_reply_to = Some(last.id);
    letter.from = part.customers[part.conversations[one].customer].address.clone();
    let (a, b) = (part.truth(one), part.truth(other));
    let truth =
        Truth { threads: [a.threads, b.threads].concat(), personas: [a.personas, b.personas].concat(), must: None };
    part.deliver("the ids of two conversations in one field", &letter.from, &letter, &[letter.to.clone()], &truth);
    part.conversations[one].is_mixed = true;
    part.conversations[other].is_mixed = true;
}

/// Two conversations of the same customer that have mail of ours to answer.
fn two_of_one_customer(part: &mut Part<'_>, index: usize) -> Option<(usize, usize)> {
    let customer = part.conversations[index].customer;
    let is_whole = |other: &&usize| {
        let conversation = &part.conversations[**other];
        **other != index && conversation.customer == customer && conversation.last.is_some() && !conversation.is_mixed
    };
    let other = part.customers[customer].conversations.iter().rev().find(is_whole)?;
    Some((index, *other))
}

/// A colleague who has mail of ours under the same subject gets this one forwarded, and answers it with the
/// subject alone. Nobody could tell, so it is counted apart: it goes where the colleague's own mail is.
fn namesake(part: &mut Part<'_>, index: usize) {
    let Some(colleague) = part.colleague(index).filter(|it| !part.has_no_namesake(*it, index)) else { return };
    let (mut letter, _) = part.reply(index);
    (letter.from, letter.id) = (part.name(colleague), part.own_id(colleague));
    let truth = part.or_a_namesake(index, &[colleague]);
    part.deliver(
        "APART: a colleague with a mail of that subject",
        &letter.from.clone(),
        &letter,
        &[letter.to.clone()],
        &truth,
    );
}
