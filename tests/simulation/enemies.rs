//! What enemies write, and strangers who know more than they should.
//!
//! An enemy never ends in a thread of a victim. Where the design lets somebody in who holds a seed, or works under the
//! victim's own domain, it is counted apart, under names that begin with APART.

use sincerely::threads::token::Purpose;

use crate::company::{HELLO, PERSONAS};
use crate::customers::everything_kept;
use crate::judge::Truth;
use crate::letter::{Letter, thread_index};
use crate::world::{Part, own_address};

type Attack = fn(&mut Part<'_>, usize);

const ATTACKS: [(usize, Attack); 12] = [
    (4, a_foreign_seed),
    (4, a_changed_seed),
    (4, a_changed_token),
    (4, ids_claimed_in_advance),
    (4, ids_claimed_by_a_customer),
    (4, a_partners_conversation),
    (4, somebody_elses_conversation),
    (3, a_false_colleague_of_ours),
    (3, a_false_bounce),
    (3, a_forwarded_seed),
    (3, a_neighbour_with_an_id),
    (2, a_neighbour_claims_an_id),
];

impl Part<'_> {
    pub(crate) fn an_enemy_writes(&mut self) {
        let Some(victim) = self.some_conversation() else { return };
        if self.conversations[victim].last.is_none() {
            return;
        }
        let (_, attack) = ATTACKS[self.dice.weighted(ATTACKS.iter().map(|(weight, _)| *weight))];
        attack(self, victim);
        self.conversations[victim].is_attacked = true;
    }

    /// After all attacks, every victim writes once more.
    pub(crate) fn victims_write(&mut self) {
        let all = 0..self.conversations.len();
        let victims: Vec<usize> = all
            .filter(|index| self.conversations[*index].is_attacked && !self.conversations[*index].is_mixed)
            .collect();
        for victim in victims {
            let (mut letter, last) = self.reply(victim);
            letter.answers(&last);
            let truth = self.surely(victim, self.is_sure(victim));
            self.answer_as("a victim, after all attacks", victim, &letter, &[letter.to.clone()], &truth);
        }
    }

    /// An enemy's mail to where the victim's answers go; under the victim's subject.
    fn forged(&mut self, victim: usize) -> Letter {
        let number = self.dice.below(200);
        let conversation = &self.conversations[victim];
        let to = if self.dice.percent(50) { own_address(conversation.persona) } else { HELLO.to_owned() };
        let subject = format!("Re: {}", conversation.subject);
        let from = format!("eve{number}@enemy{}-{}.example", self.number, number % 20);
        Letter {
            from,
            to,
            subject,
            id: format!("{}@enemy.example", self.nonce()),
            body: "I insist.".into(),
            ..Letter::default()
        }
    }

    /// What may come of an enemy's mail: nothing but what is their own.
    fn enemy_writes(&mut self, model: &'static str, letter: &Letter) {
        // Whom an enemy greets, or has written to at that address before, is theirs to say.
        let truth = Truth { personas: PERSONAS.map(str::to_owned).to_vec(), ..Truth::default() };
        self.stranger_writes(model, letter, std::slice::from_ref(&letter.to), &truth);
    }

    /// A victim's mail, known to the one who writes: may reach the victim's thread, and is counted apart.
    fn insider_writes(&mut self, model: &'static str, victim: usize, letter: &Letter) {
        let truth = self.truth(victim);
        let truth = Truth { personas: PERSONAS.map(str::to_owned).to_vec(), ..truth };
        self.stranger_writes(model, letter, std::slice::from_ref(&letter.to), &truth);
    }
}

/// A seed of another installation, for the victim's very thread.
fn a_foreign_seed(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let conversation = &part.conversations[victim];
    let seed = part.company.foreign_seed(conversation.persona, conversation.threads[0]);
    letter.references = vec![seed.clone(), format!("{}@enemy.example", part.nonce())];
    letter.in_reply_to = Some(seed);
    part.enemy_writes("forgery: a seed of another installation", &letter);
}

fn a_changed_seed(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let Some(seed) = part.conversations[victim].seed.clone() else { return };
    let seed = changed(part, &seed, 0);
    letter.references = vec![seed.clone()];
    letter.in_reply_to = Some(seed);
    part.enemy_writes("forgery: a seed with a changed character", &letter);
}

/// The token of the victim's Reply-To or return path, changed; or one of another installation. In the domain of
/// masked addresses the door refuses it.
fn a_changed_token(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let conversation = &part.conversations[victim];
    let (persona, thread) = (conversation.persona, conversation.threads[0]);
    let answers_to = conversation.answers_to.clone();
    let purpose = *part.dice.pick(&[Purpose::Reply, Purpose::ReturnOfOutbound]);
    let foreign = part.company.foreign_token(purpose, persona, thread);
    let masked = answers_to.split_once('@').filter(|(local, _)| local.contains('+')).map(|(local, _)| local.to_owned());
    let user = PERSONAS[persona];
    letter.to = match (masked, part.dice.below(3)) {
        (Some(masked), 0) => format!("{}@acme.example", changed(part, &masked, user.len() + 1)),
        (_, 1) => format!("bounce+{foreign}@replies.acme.example"),
        _ => format!("{user}+{foreign}@acme.example"),
    };
    part.enemy_writes("forgery: a token, changed or not ours", &letter);
}

/// An enemy opens a thread of their own and claims ids that others will have: the application counts, and so does
/// the provider.
fn ids_claimed_in_advance(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let ahead = 1 + part.dice.next() % 5;
    let (order, replaced) = (part.order_id(part.orders + ahead), part.replaced_id(part.replaced + ahead));
    letter.references = vec![replaced.clone(), order.clone()];
    letter.id = if part.dice.percent(50) { order } else { replaced };
    part.enemy_writes("forgery: ids claimed in advance", &letter);
}

/// The same, by a customer whose own thread a seed proves: all that they refer to would heal.
fn ids_claimed_by_a_customer(part: &mut Part<'_>, victim: usize) {
    if part.of_enemies.is_empty() {
        return;
    }
    let index = *part.dice.pick(&part.of_enemies);
    let (mut letter, last) = part.reply(index);
    letter.answers(&last);
    let guessed =
        (1..4).flat_map(|ahead| [part.order_id(part.orders + ahead), part.replaced_id(part.replaced + ahead)]);
    letter.references.extend(guessed.collect::<Vec<_>>());
    // Ids of the victim's that became known, and that nobody has learned: those name the victim's thread for everybody.
    let known = &part.conversations[victim];
    let of_victim = known.last.iter().filter(|last| !last.is_learned).chain(&known.own).map(|seen| seen.id.clone());
    letter.references.extend(of_victim.collect::<Vec<_>>());
    let to = [letter.to.clone()];
    part.answer("forgery: a customer claims ids of others", index, &letter, &to);
}

/// A customer answers with another company's conversation in References; that company's people write too, in a
/// matter of their own.
fn a_partners_conversation(part: &mut Part<'_>, victim: usize) {
    let partner = format!("{}-{}", part.number, part.dice.below(1000));
    let foreign = [1, 2].map(|_| format!("{}@partner{partner}.example", part.nonce()));
    let (mut letter, last) = part.reply(victim);
    letter.answers(&last);
    letter.references.extend(foreign.clone());
    let truth = part.surely(victim, part.is_sure(victim));
    let to = [letter.to.clone()];
    part.answer_as("another company's conversation in References", victim, &letter, &to, &truth);

    let mut theirs = part.forged(victim);
    theirs.from = format!("pat{}@partner{partner}.example", part.nonce());
    theirs.in_reply_to = Some(foreign[1].clone());
    theirs.references = foreign.to_vec();
    part.enemy_writes("that other company writes", &theirs);
}

fn somebody_elses_conversation(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let number = part.conversations[victim].outlook.unwrap_or_else(|| part.dice.next());
    letter.more.push(thread_index(number, 2));
    part.enemy_writes("forgery: somebody's Thread-Index and subject", &letter);
}

/// An enemy writes as one of ours; nothing proves it.
fn a_false_colleague_of_ours(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let persona = part.conversations[victim].persona;
    letter.from = crate::world::author(persona, &own_address(persona));
    letter.above = match part.dice.below(3) {
        0 => vec!["Authentication-Results: mx.enemy.example; dmarc=pass header.from=acme.example".into()],
        1 => vec!["Authentication-Results: mx.acme.example; dmarc=fail header.from=acme.example".into()],
        _ => Vec::new(),
    };
    let truth = Truth { personas: PERSONAS.map(str::to_owned).to_vec(), ..Truth::default() };
    let plans = part.deliver("forgery: as one of ours", "eve@enemy.example", &letter, &[letter.to.clone()], &truth);
    assert!(plans.iter().all(|plan| plan.lesson.is_none() && plan.joins.is_none()), "it teaches nothing");
}

/// A bounce of what was never sent.
fn a_false_bounce(part: &mut Part<'_>, victim: usize) {
    let mut letter = part.forged(victim);
    let conversation = &part.conversations[victim];
    let seed = part.company.foreign_seed(conversation.persona, conversation.threads[0]);
    let id = part.order_id(part.orders + 1000);
    letter.more.push("Content-Type: multipart/report; report-type=delivery-status; boundary=b".into());
    letter.body = format!("--b\nContent-Type: message/rfc822\n\nMessage-ID: <{id}>\nReferences: <{seed}>\n\n--b--");
    part.enemy_writes("forgery: a bounce of what was never sent", &letter);
}

/// Somebody got a mail of ours forwarded, and writes with its seed: they reach its thread, as everybody may who was
/// forwarded it. What they bring with them heals nothing.
fn a_forwarded_seed(part: &mut Part<'_>, victim: usize) {
    let Some(seed) = part.conversations[victim].seed.clone() else { return };
    let mut letter = part.forged(victim);
    letter.references = vec![seed, part.replaced_id(part.replaced), part.replaced_id(part.replaced + 2)];
    let truth = Truth { personas: PERSONAS.map(str::to_owned).to_vec(), ..part.truth(victim) };
    let plans =
        part.deliver("APART: an enemy who was forwarded a seed", &letter.from, &letter, &[letter.to.clone()], &truth);
    assert!(plans.iter().all(|plan| plan.heals.is_empty()), "an enemy heals nothing");
    part.opened_by(&letter.from, &plans);
}

/// Somebody with an address at the same provider, or in the same company, knows an id of the customer's own.
fn a_neighbour_with_an_id(part: &mut Part<'_>, victim: usize) {
    let Some(own) = part.conversations[victim].own.clone() else { return };
    let domain = part.customers[part.conversations[victim].customer].domain;
    let mut letter = part.forged(victim);
    letter.from = format!("neighbour{}@{}", part.nonce(), part.domains[domain]);
    letter.in_reply_to = Some(own.id);
    part.insider_writes("APART: a neighbour who knows one id", victim, &letter);
}

/// A neighbour with a thread of their own refers to an id of the victim's that nobody has learned. An answer of the
/// victim's that keeps nothing but this id may end in the neighbour's thread; one with a seed does not.
fn a_neighbour_claims_an_id(part: &mut Part<'_>, victim: usize) {
    let Some(index) = part.some_conversation().filter(|index| *index != victim) else { return };
    let (neighbour, customer) = (part.conversations[index].customer, part.conversations[victim].customer);
    let is_near = part.customers[neighbour].domain == part.customers[customer].domain && neighbour != customer;
    let seen = part.conversations[victim].last.clone().filter(|last| !last.is_learned);
    let (Some(seen), true, true) = (seen, is_near, part.conversations[index].last.is_some()) else { return };
    let (mut letter, last) = part.reply(index);
    letter.from = part.customers[neighbour].address.clone();
    letter.answers(&last);
    letter.references.push(seen.id.clone());
    // Where the victim has brought that id before, it tells their thread to the neighbour too.
    let (own, theirs) = (part.truth(victim), part.truth(index));
    let truth = Truth {
        threads: [own.threads, theirs.threads].concat(),
        personas: [own.personas, theirs.personas].concat(),
        must: None,
    };
    let to = [letter.to.clone()];
    part.answer_as("APART: a neighbour claims an id", index, &letter, &to, &truth);

    let (mut answer, last) = part.reply(victim);
    answer.in_reply_to = Some(last.id);
    let own = part.truth(victim);
    let truth = Truth { threads: [own.threads, truth.threads].concat(), ..truth };
    let to = [answer.to.clone()];
    let path = answer.from.clone();
    part.deliver("APART: the victim answers with that id alone", &path, &answer, &to, &truth);
    if part.conversations[victim].seed.is_some() {
        everything_kept(part, victim);
    }
    part.conversations[victim].is_mixed = true;
    part.conversations[index].is_mixed = true;
}

/// The text with one character of its base32 changed, at or after `from`.
fn changed(part: &mut Part<'_>, text: &str, from: usize) -> String {
    let at = from + part.dice.below(40);
    let other = |c: char| if c.eq_ignore_ascii_case(&'a') { 'b' } else { 'a' };
    text.chars().enumerate().map(|(index, c)| if index == at { other(c) } else { c }).collect()
}
