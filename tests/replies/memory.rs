//! What was learned before: automated mail that went out, and what customers wrote since.

use bytes::Bytes;
use sincerely::mail::{Evidence, FateName, Kind, MessageId, PersonName, PersonaName, PersonaTag, ThreadId};
use sincerely::message::Message;
use sincerely::signing::Keys;
use sincerely::threads::memory::Memory;
use sincerely::threads::token::{Purpose, Token};
use sincerely::threads::{Came, Fingerprint, Record, Sent, Settings, Topic};

/// Mail of ours that opened a thread.
struct Mail {
    thread: &'static str,
    /// Tells it from the others: the last octets of its id.
    number: u8,
    persona: &'static str,
    /// How long ago, in days.
    days: i64,
    to: &'static str,
    id: &'static str,
    subject: &'static str,
}

/// Mail of a customer that joined a thread, or opened one, a day ago.
struct Answer {
    thread: &'static str,
    from: &'static str,
    id: &'static str,
    /// Ids of others that joined with it.
    heals: &'static [&'static str],
    fields: &'static str,
}

/// The time of all decisions: 15 October 2026, 9:00 UTC.
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_792_054_800).unwrap()
}

/// The memory, with all of it.
pub(crate) fn remembered() -> Memory {
    // Times are fixed, and the clock goes on: nothing may grow too old.
    let forever = std::time::Duration::from_hours(24 * 365 * 1000);
    let memory = Memory::new(Settings { keep: forever, ..Settings::default() });
    let records = CAME.iter().map(came).chain(SENT.iter().map(sent)).collect();
    memory.learn(records).unwrap();
    memory
}

/// The name of a thread; of one that came up in a test, its id.
pub(crate) fn name_of(thread: ThreadId) -> String {
    let known = threads().find(|(_, id, _)| *id == thread);
    known.map_or_else(|| thread.to_string(), |(name, ..)| name.to_owned())
}

/// For each thread, what automated mail of it bears.
pub(crate) fn tokens(keys: &Keys) -> impl Iterator<Item = (&'static str, String)> {
    SENT.iter().map(|sent| {
        let token = |purpose| {
            let persona = PersonaTag::of(&PersonaName(sent.persona.into()));
            Token { purpose, persona, id: opened(sent.days, sent.number).0 }.seal(keys)
        };
        let (seed, reply) = (token(Purpose::Seed), token(Purpose::Reply));
        (sent.thread, format!("seed {seed}, reply {reply}, return {}", token(Purpose::ReturnOfOutbound)))
    })
}

/// All threads: name, id and persona.
fn threads() -> impl Iterator<Item = (&'static str, ThreadId, PersonaName)> {
    let by_us = SENT.iter().map(|sent| (sent.thread, opened(sent.days, sent.number), sent.persona));
    let by_them = OPENED.iter().map(|(name, number, persona)| (*name, opened(1, *number), *persona));
    by_us.chain(by_them).map(|(name, id, persona)| (name, id, PersonaName(persona.into())))
}

fn opened(days: i64, number: u8) -> ThreadId {
    ThreadId::new(days_ago(days), [0, number])
}

fn days_ago(days: i64) -> jiff::Timestamp {
    now() - jiff::SignedDuration::from_hours(24 * days)
}

fn sent(mail: &Mail) -> Record {
    let message = read(&format!("Subject: {}\r\nMessage-ID: <{}>", mail.subject, mail.id));
    let writer = WRITERS.iter().find(|(thread, _)| *thread == mail.thread).map(|(_, name)| PersonName((*name).into()));
    Record::Sent(Sent {
        message_id: MessageId::new(mail.id).unwrap(),
        thread: opened(mail.days, mail.number),
        persona: PersonaName(mail.persona.into()),
        fingerprint: Fingerprint::of(&message),
        correspondents: vec![mail.to.into()],
        writer,
        topic: Topic::of(&message),
        at: days_ago(mail.days).as_second(),
    })
}

fn came(answer: &Answer) -> Record {
    let (_, thread, persona) = threads().find(|(name, ..)| *name == answer.thread).unwrap();
    let message = read(answer.fields);
    Record::Came(Came {
        thread,
        persona,
        mail: Fingerprint::of(&message),
        message_id: Some(MessageId::new(answer.id).unwrap()),
        heals: answer.heals.iter().map(|id| MessageId::new(id).unwrap()).collect(),
        correspondent: Some(answer.from.into()),
        kind: Kind::Human,
        evidence: Evidence::MessageId,
        fate: FateName::Forward,
        person: None,
        topic: Topic::of(&message),
        at: days_ago(1).as_second(),
    })
}

fn read(fields: &str) -> Message {
    Message::read(Bytes::from(format!("{fields}\r\n\r\n")))
}

/// What went out, its threads in the order of their numbers.
#[rustfmt::skip]
const SENT: &[Mail] = &[
    Mail { thread: "ann-welcome", number: 1, persona: "sophie", days: 3, to: "ann@customer.example", id: "202601.ann-welcome@app.acme.example", subject: "Welcome to Acme, Ann" },
    Mail { thread: "ann-invoice", number: 2, persona: "tom", days: 2, to: "ann@customer.example", id: "202602.ann-invoice@app.acme.example", subject: "Your invoice 2026-1017" },
    Mail { thread: "ann-first-week", number: 3, persona: "sophie", days: 200, to: "ann@customer.example", id: "202603.ann-first-week@app.acme.example", subject: "How was your first week?" },
    Mail { thread: "joerg", number: 4, persona: "sophie", days: 4, to: "joerg.mueller@kunde.example", id: "202604.joerg@app.acme.example", subject: "Willkommen bei Acme, Jörg" },
    Mail { thread: "chloe", number: 5, persona: "sophie", days: 4, to: "chloe.durand@client.example", id: "202605.chloe@app.acme.example", subject: "Bienvenue chez Acme, Chloé" },
    Mail { thread: "lucia", number: 6, persona: "tom", days: 5, to: "lucia.ortega@cliente.example", id: "202606.lucia@app.acme.example", subject: "Tu recorrido por Acme" },
    Mail { thread: "giulia", number: 7, persona: "sophie", days: 5, to: "giulia.rossi@officina.example", id: "202607.giulia@app.acme.example", subject: "Benvenuta in Acme, Giulia" },
    Mail { thread: "joao", number: 8, persona: "tom", days: 6, to: "joao.silva@padaria.example", id: "202608.joao@app.acme.example", subject: "Bem-vindo à Acme, João" },
    Mail { thread: "femke", number: 9, persona: "sophie", days: 3, to: "femke@winkel.example", id: "202609.femke@app.acme.example", subject: "Welkom bij Acme, Femke" },
    Mail { thread: "asa", number: 10, persona: "sophie", days: 3, to: "asa.lindqvist@verkstad.example", id: "202610.asa@app.acme.example", subject: "Välkommen till Acme, Åsa" },
    Mail { thread: "mette", number: 11, persona: "tom", days: 2, to: "mette@bageri.example", id: "202611.mette@app.acme.example", subject: "Velkommen til Acme, Mette" },
    Mail { thread: "paivi", number: 12, persona: "sophie", days: 2, to: "paivi.korhonen@kirjakauppa.example", id: "202612.paivi@app.acme.example", subject: "Tervetuloa Acmelle, Päivi" },
    Mail { thread: "zofia", number: 13, persona: "tom", days: 4, to: "zofia.nowak@ksiegarnia.example", id: "202613.zofia@app.acme.example", subject: "Witamy w Acme" },
    Mail { thread: "jiri", number: 14, persona: "sophie", days: 4, to: "jiri.dvorak@dilna.example", id: "202614.jiri@app.acme.example", subject: "Vítejte v Acme, Jiří" },
    Mail { thread: "olga", number: 15, persona: "sophie", days: 5, to: "olga.ivanova@masterskaya.example", id: "202615.olga@app.acme.example", subject: "Добро пожаловать в Acme, Ольга" },
    Mail { thread: "sergei", number: 16, persona: "tom", days: 5, to: "sergei@masterskaya.example", id: "202616.sergei@app.acme.example", subject: "Ваш отчёт за сентябрь" },
    Mail { thread: "taras", number: 17, persona: "tom", days: 3, to: "taras.shevchuk@krynytsia.example", id: "202617.taras@app.acme.example", subject: "Ласкаво просимо до Acme" },
    Mail { thread: "kenta", number: 18, persona: "sophie", days: 2, to: "kenta.sato@shoten.example", id: "202618.kenta@app.acme.example", subject: "Acmeへようこそ" },
    Mail { thread: "yui", number: 19, persona: "tom", days: 2, to: "yui.tanaka@kissaten.example", id: "202619.yui@app.acme.example", subject: "九月分のご利用明細" },
    Mail { thread: "xiaoyu", number: 20, persona: "sophie", days: 3, to: "10001@qq.example", id: "202620.xiaoyu@app.acme.example", subject: "欢迎使用Acme" },
    Mail { thread: "weiming", number: 21, persona: "tom", days: 3, to: "wei.ming@163.example", id: "202621.weiming@app.acme.example", subject: "您的试用期即将结束" },
    Mail { thread: "meilin", number: 22, persona: "sophie", days: 3, to: "meilin@gongsi.example", id: "202622.meilin@app.acme.example", subject: "新功能介绍" },
    Mail { thread: "minji", number: 23, persona: "sophie", days: 2, to: "minji.kim@naver.example", id: "202623.minji@app.acme.example", subject: "Acme에 오신 것을 환영합니다" },
    Mail { thread: "ayse", number: 24, persona: "tom", days: 6, to: "ayse.yilmaz@dukkan.example", id: "202624.ayse@app.acme.example", subject: "Acme'ye hoş geldiniz" },
    Mail { thread: "eleni", number: 25, persona: "sophie", days: 6, to: "eleni@vivliopoleio.example", id: "202625.eleni@app.acme.example", subject: "Καλώς ήρθατε στην Acme" },
    Mail { thread: "noa", number: 26, persona: "tom", days: 5, to: "noa.levi@sefarim.example", id: "202626.noa@app.acme.example", subject: "ברוכים הבאים ל-Acme" },
    Mail { thread: "layla", number: 27, persona: "sophie", days: 5, to: "layla.haddad@maktaba.example", id: "202627.layla@app.acme.example", subject: "مرحبًا بك في Acme" },
    Mail { thread: "zsuzsa", number: 28, persona: "sophie", days: 4, to: "zsuzsa.nagy@muhely.example", id: "202628.zsuzsa@app.acme.example", subject: "Üdvözli Önt az Acme" },
    Mail { thread: "bob", number: 29, persona: "sophie", days: 3, to: "bob@bigco.example", id: "202629.bob@app.acme.example", subject: "Welcome to Acme, Bob" },
    Mail { thread: "mia", number: 30, persona: "tom", days: 1, to: "mia@exports.example", id: "20261014081500.1.9F3C2A7D11@mg.acme.example", subject: "Your export is ready" },
    Mail { thread: "renewal", number: 31, persona: "tom", days: 9, to: "procurement@initech.example", id: "202631.renewal@app.acme.example", subject: "Renewal of your plan" },
    Mail { thread: "setup", number: 32, persona: "sophie", days: 9, to: "hello@zen-customer.example", id: "202632.setup@app.acme.example", subject: "A question about your setup" },
    Mail { thread: "dave-august", number: 33, persona: "sophie", days: 45, to: "dave@reports.example", id: "202633.dave-august@app.acme.example", subject: "Your monthly report" },
    Mail { thread: "dave-september", number: 34, persona: "sophie", days: 15, to: "dave@reports.example", id: "202634.dave-september@app.acme.example", subject: "Your monthly report" },
    Mail { thread: "erin-sophie", number: 35, persona: "sophie", days: 6, to: "erin@dentist.example", id: "202635.erin-sophie@app.acme.example", subject: "Your appointment" },
    Mail { thread: "erin-tom", number: 36, persona: "tom", days: 5, to: "erin@dentist.example", id: "202636.erin-tom@app.acme.example", subject: "Your appointment" },
    Mail { thread: "frank", number: 37, persona: "care", days: 7, to: "frank@garage.example", id: "202637.frank@app.acme.example", subject: "We are looking into it" },
    Mail { thread: "kim", number: 38, persona: "anna", days: 90, to: "kim@bakery.example", id: "202638.kim@app.acme.example", subject: "Welcome to Acme, Kim" },
    Mail { thread: "lee", number: 39, persona: "gone", days: 90, to: "lee@bakery.example", id: "202639.lee@app.acme.example", subject: "Welcome to Acme, Lee" },
    Mail { thread: "hugo", number: 40, persona: "sophie", days: 2, to: "hugo@home.example", id: "202640.hugo@app.acme.example", subject: "Welcome, Hugo" },
    Mail { thread: "iris", number: 41, persona: "tom", days: 2, to: "iris@home.example", id: "202641.iris@app.acme.example", subject: "Your tickets" },
    Mail { thread: "nadia-one", number: 42, persona: "sophie", days: 8, to: "nadia@twice.example", id: "terms-2026@app.acme.example", subject: "Terms of service" },
    Mail { thread: "nadia-two", number: 43, persona: "sophie", days: 7, to: "omar@twice.example", id: "terms-2026@app.acme.example", subject: "Terms of service, again" },
    Mail { thread: "paula", number: 45, persona: "sophie", days: 1, to: "paula@future.example", id: "next-4812@app.acme.example", subject: "Your seat is booked" },
    Mail { thread: "gus", number: 46, persona: "tom", days: 4, to: "gus@globex.example", id: "202646.gus@app.acme.example", subject: "Kick-off on Monday" },
    Mail { thread: "club", number: 47, persona: "tom", days: 8, to: "members@club.example", id: "202647.club@app.acme.example", subject: "Your club account" },
    Mail { thread: "oscar", number: 48, persona: "sophie", days: 3, to: "oscar@studio.example", id: "202648.oscar@app.acme.example", subject: "Welcome to Acme, Oscar" },
    Mail { thread: "linh", number: 51, persona: "sophie", days: 2, to: "linh.nguyen@hieusach.example", id: "202651.linh@app.acme.example", subject: "Chào mừng bạn đến với Acme" },
    Mail { thread: "ingrid", number: 52, persona: "tom", days: 2, to: "ingrid@fjellhotell.example", id: "202652.ingrid@app.acme.example", subject: "Velkommen til Acme, Ingrid" },
    Mail { thread: "radu", number: 53, persona: "sophie", days: 3, to: "radu.popescu@atelier.example", id: "202653.radu@app.acme.example", subject: "Bun venit la Acme, Radu" },
];

/// Threads that customers opened a day ago: name, number, persona.
const OPENED: &[(&str, u8, &str)] =
    &[("eve", 44, "sophie"), ("ann-both-sophie", 49, "sophie"), ("ann-both-tom", 50, "tom")];

/// Who of a pool wrote.
const WRITERS: &[(&str, &str)] = &[("frank", "tom")];

#[rustfmt::skip]
const CAME: &[Answer] = &[
    // Exchange at Jörg's company keeps its own conversation.
    Answer { thread: "joerg", from: "joerg.mueller@kunde.example", id: "4f1d2c3b5a694e7f8091a2b3c4d5e6f7@kunde.example", heals: &[], fields: "Subject: AW: Willkommen bei Acme\r\nThread-Index: AQHc1ioB6fJm3u5hEkCk2Q1xT5m3srXl5dLw" },
    Answer { thread: "asa", from: "asa.lindqvist@verkstad.example", id: "A11C0FFE-EXAMPLE-4C4E-B4B1-0D0E0F101112@verkstad.example", heals: &[], fields: "Subject: Re: kvittot" },
    // Ann brought along what she talks about with another company.
    Answer { thread: "ann-welcome", from: "ann@customer.example", id: "anns-answer@customer.example", heals: &["talk-2@globex.example"], fields: "Subject: our plan" },
    // One mail to both, which opened a thread with each.
    Answer { thread: "ann-both-sophie", from: "ann@customer.example", id: "anniversary@customer.example", heals: &[], fields: "Subject: Our anniversary" },
    Answer { thread: "ann-both-tom", from: "ann@customer.example", id: "anniversary@customer.example", heals: &[], fields: "Subject: Our anniversary" },
    // Eve guessed the id of the mail to Paula before it went out.
    Answer { thread: "eve", from: "eve@elsewhere.example", id: "opened-by-eve@elsewhere.example", heals: &["next-4812@app.acme.example"], fields: "Subject: Hello from Eve" },
];
