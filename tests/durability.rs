//! What got its 250 is known ever after: SIGKILL, a lost index, a lost journal.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{Client, Daemon, NextHop, crlf, field, wait_until};

const PERSONAS: [(&str, &str, &str); 2] =
    [("Sophie from Acme", "sophie", "sophie.martin@corp.example"), ("Tom from Acme", "tom", "tom@corp.example")];

/// An automated mail from the address that Sophie and Tom share: only its thread tells whose it is.
fn automated(number: usize) -> Vec<u8> {
    let (name, _, _) = PERSONAS[number % 2];
    crlf(&format!(
        "From: {name} <hello@acme.example>\nMessage-ID: <campaign.{number}@app.example>\nSubject: hi\n\nHello {number}\n"
    ))
}

fn reply_to(field_text: &str, number: usize) -> Vec<u8> {
    crlf(&format!(
        "From: c{number}@customer.example\nMessage-ID: <r{number}.{}@customer.example>\n{field_text}\nSubject: Re: hi\n\nthanks\n",
        field_text.len()
    ))
}

/// Sends replies to `numbers` at the shared address and checks that each reaches its person.
fn every_reply_finds_its_person(daemon: &Daemon, hop: &NextHop, numbers: &[usize], field_of: impl Fn(usize) -> String) {
    let mut client = Client::connect(daemon.inbound());
    for &number in numbers {
        let before = hop.count();
        let from = format!("c{number}@customer.example");
        let reply = client.send(&from, &["hello@acme.example"], &reply_to(&field_of(number), number)).unwrap();
        assert!(reply.starts_with("250"), "{number}: {reply}");
        assert_eq!(hop.count(), before + 1, "reply {number} was not forwarded");
        assert_eq!(hop.taken()[before].to, [PERSONAS[number % 2].2], "reply {number}");
    }
}

fn index_is_ready(daemon: &Daemon) {
    // While it is rebuilt, what only the index could decide is answered 451.
    wait_until("the index answers", || {
        let probe = reply_to("In-Reply-To: <never-learned@app.example>", 0);
        let reply =
            Client::connect(daemon.inbound()).send("p@customer.example", &["hello@acme.example"], &probe).unwrap();
        assert!(reply.starts_with("250") || reply.starts_with("451"), "{reply}");
        reply.starts_with("250")
    });
}

#[test]
fn what_was_learned_survives_sigkill_and_the_loss_of_index_and_journal() {
    let hop = NextHop::start();
    let mut daemon = Daemon::start(hop.address);
    let mut learned: Vec<usize> = Vec::new();

    // Three times: mail flows on four connections, and the daemon is killed amid it.
    for round in 0..3 {
        learned.extend(send_until_killed(&mut daemon, round));
        daemon.restart();
    }
    assert!(learned.len() >= 60, "only {} messages got through", learned.len());

    let by_message_id = |number: usize| format!("In-Reply-To: <campaign.{number}@app.example>");
    index_is_ready(&daemon);
    every_reply_finds_its_person(&daemon, &hop, &learned, by_message_id);

    // The index folder is lost: the same, from the journal.
    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    daemon.restart();
    index_is_ready(&daemon);
    let later = |number: usize| format!("References: <campaign.{number}@app.example>");
    every_reply_finds_its_person(&daemon, &hop, &learned, later);

    // Both are lost: the seed alone routes a reply.
    let seeds: Vec<(usize, String)> = seeds(&hop);
    daemon.kill();
    std::fs::remove_dir_all(daemon.state().join("index")).unwrap();
    std::fs::remove_dir_all(daemon.state().join("journal")).unwrap();
    daemon.restart();
    let numbers: Vec<usize> = seeds.iter().map(|(number, _)| *number).collect();
    let seed_of = |number: usize| {
        let seed = seeds.iter().find(|(known, _)| *known == number).map(|(_, seed)| seed.clone()).unwrap();
        format!("References: {seed}\n <replaced@amazonses.com>")
    };
    every_reply_finds_its_person(&daemon, &hop, &numbers, seed_of);
}

/// The numbers of the messages that got their 250 before the daemon was killed.
fn send_until_killed(daemon: &mut Daemon, round: usize) -> Vec<usize> {
    let address = daemon.outbound();
    let stop = AtomicBool::new(false);
    let counted = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let (stop, counted) = (&stop, &counted);
            scope.spawn(move || {
                let Ok(mut client) = Client::try_connect(address) else { return };
                for step in 0.. {
                    let number = round * 100_000 + lane * 10_000 + step;
                    let to = format!("c{number}@customer.example");
                    match client.send("app@acme.example", &[&to], &automated(number)) {
                        Ok(reply) if reply.starts_with("250") => counted.lock().unwrap().push(number),
                        Ok(_) | Err(_) => return,
                    }
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        wait_until("mail flows", || counted.lock().unwrap().len() >= 20);
        daemon.kill();
        stop.store(true, Ordering::Relaxed);
    });
    counted.into_inner().unwrap()
}

/// The first id of References of every automated mail that reached the next hop.
fn seeds(hop: &NextHop) -> Vec<(usize, String)> {
    let automated = hop.taken().into_iter().filter(|taken| taken.from == "app@acme.example");
    let of = |bytes: &[u8]| {
        let id = field(bytes, "Message-ID")?;
        let number = id.strip_prefix("<campaign.")?.split('@').next()?.parse().ok()?;
        Some((number, field(bytes, "References")?.split(' ').next()?.to_owned()))
    };
    automated.filter_map(|taken| of(&taken.bytes)).take(50).collect()
}
