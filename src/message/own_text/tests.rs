//! Tables of messages, and what their authors wrote first.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// What is left of a text, its lines joined by `⏎`.
fn check(cases: &[(&str, &str)]) {
    for (text, expect) in cases {
        assert_eq!(opening(text).join(" ⏎ "), *expect, "{text}");
    }
}

/// The opening of a message that is written with LF.
fn of(message: &str) -> String {
    of_bytes(message.replace('\n', "\r\n").into_bytes())
}

fn of_bytes(bytes: Vec<u8>) -> String {
    Message::read(Bytes::from(bytes)).opening(Mime::default()).join(" ⏎ ")
}

#[test]
fn what_stands_below_an_answer_is_not_own() {
    for quoted in [
        "> Hi Ann,\n> welcome",
        ">Hi Ann,",
        "  > Hi Ann,",
        "| Hi Ann,",
        "SM> Hi Ann,",
        "On Mon, Jan 5, 2026 at 10:00 AM Sophie from Acme <s@acme.example> wrote:\n> Hi Ann,",
        "On Mon, Jan 5, 2026 at 10:00 AM Sophie from Acme <\ns@acme.example> wrote:\n> Hi Ann,",
        "On 5 Jan 2026, at 10:00, Sophie from Acme\n<s@acme.example>\nwrote:\n\n> Hi Ann,",
        "On 5 Jan 2026, Sophie wrote:\n\nHi Ann,",
        "Sophie wrote:\n> Hi Ann,",
        "Am 05.01.2026 um 10:00 schrieb Sophie von Acme:\n> Hi Ann,",
        "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Sophie von Acme <\ns@acme.example>:\n> Hi Ann,",
        "Le lun. 5 janv. 2026 à 10:00, Sophie <s@acme.example> a écrit :\n> Hi Ann,",
        "Le 05/01/2026 à 10:00, Sophie a écrit\u{a0}:\n> Hi Ann,",
        "El lun, 5 ene 2026 a las 10:00, Sophie (<s@acme.example>)\nescribió:\n> Hi Ann,",
        "Em seg., 5 de jan. de 2026 às 10:00, Sophie <s@acme.example>\nescreveu:\n> Hi Ann,",
        "Il giorno lun 5 gen 2026 alle ore 10:00 Sophie <s@acme.example>\nha scritto:\n> Hi Ann,",
        "Op ma 5 jan 2026 om 10:00 schreef Sophie <s@acme.example>:\n> Hi Ann,",
        "Den mån 5 jan. 2026 kl 10:00 skrev Sophie <s@acme.example>:\n> Hi Ann,",
        "ma 5. tammik. 2026 klo 10.00 Sophie (s@acme.example) kirjoitti:\n> Hi Ann,",
        "pon., 5 sty 2026 o 10:00 Sophie <s@acme.example> napisał(a):\n> Hi Ann,",
        "po 5. 1. 2026 v 10:00 odesílatel Sophie <s@acme.example> napsal:\n> Hi Ann,",
        "Sophie <s@acme.example> ezt írta (időpont: 2026. jan. 5., H, 10:00):\n\n> Hi Ann,",
        "În lun., 5 ian. 2026 la 10:00, Sophie <s@acme.example> a scris:\n> Hi Ann,",
        "Στις Δευ 5 Ιαν 2026 στις 10:00, ο χρήστης Sophie <s@acme.example>\nέγραψε:\n> Hi Ann,",
        "Sophie <s@acme.example>, 5 Oca 2026 Pzt, 10:00 tarihinde şunu yazdı:\n> Hi Ann,",
        "пн, 5 янв. 2026 г. в 10:00, Sophie <s@acme.example>:\n> Hi Ann,",
        "05.01.2026 10:00, Sophie пишет:\n> Hi Ann,",
        "5 січня 2026, 10:00:00, від \"Sophie\" <s@acme.example>:\n\nHi Ann,",
        "5 січня 2026, 10:00:00, від Sophie from Acme:\n\nHi Ann,",
        "2026年1月5日(月) 10:00 Sophie <s@acme.example>:\n> Hi Ann,",
        "Sophie <s@acme.example> 于2026年1月5日周一 10:00写道：\n> Hi Ann,",
        "2026년 1월 5일 (월) 오전 10:00, Sophie <s@acme.example>님이 작성:\n> Hi Ann,",
        "\u{202b}בתאריך יום ב׳, 5 בינו׳ 2026 ב-10:00 מאת \u{202a}Sophie\u{202c}\u{200f} <\u{202a}s@acme.example\u{202c}\u{200f}>:\u{202c}\n> Hi Ann,",
        "-----Original Message-----\nFrom: Sophie\nHi Ann,",
        "-----Ursprüngliche Nachricht-----\nVon: Sophie\nHi Ann,",
        "---------- Forwarded message ---------\nHi Ann,",
        "________________________________\nFrom: Sophie\nHi Ann,",
        "From: Sophie from Acme <s@acme.example>\nSent: Monday, January 5, 2026 10:00 AM\nTo: Ann\nSubject: Welcome\n\nHi Ann,",
        "*From:* Sophie <s@acme.example>\n*Sent:* Monday\n*To:* Ann\n\nHi Ann,",
        "Von: Sophie <s@acme.example>\nGesendet: Montag\nAn: Ann\nBetreff: x\n\nHi Ann,",
        "Gesendet:\u{a0}Montag, 5. Januar 2026 um 10:00 Uhr\nVon:\u{a0}\"Sophie\" <s@acme.example>\nAn: Ann\nBetreff: x\n\nHi Ann,",
        "Від: Sophie\nНадіслано: понеділок\nКому: Ann\n\nHi Ann,",
        "De : Sophie\nEnvoyé : lundi\nÀ : Ann\n\nHi Ann,",
        "差出人: Sophie\n送信日時: 2026年\n宛先: Ann\n\nHi Ann,",
        "Begin forwarded message:\n\nHi Ann,",
        "##- Please type your reply above this line -##\nHi Ann,",
        "-- \nAnn Brown, Initech",
        "--\nAnn Brown, Initech",
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Enviado desde mi iPhone",
        "iPhoneから送信",
    ] {
        check(&[(&format!("Hi Sophie,\nit works.\n\n{quoted}\n"), "Hi Sophie, ⏎ it works.")]);
    }
}

#[test]
fn own_text_is_own_wherever_it_stands() {
    check(&[
        ("On 5 Jan 2026, Sophie wrote:\n> Hi Ann,\n> welcome\n\nHi Sophie,\nthanks", "Hi Sophie, ⏎ thanks"),
        ("> Hi Ann,\n\nHi Sophie,\n> welcome\nthanks", "Hi Sophie, ⏎ thanks"),
        ("On 5 Jan 2026, Sophie wrote:\nHi Ann,\n> older", ""),
        ("", ""),
        (" \n\n\t\n", ""),
        ("Hi Sophie,\n- one\n- two", "Hi Sophie, ⏎ - one ⏎ - two"),
        ("Hi Sophie,\nOn Monday I tried this:\nit fails", "Hi Sophie, ⏎ On Monday I tried this: ⏎ it fails"),
        ("Hi Sophie,\norder 7 from the shop\nsee below:", "Hi Sophie, ⏎ order 7 from the shop ⏎ see below:"),
        ("1\n2\n3\n4\n5\n6\n7\n8", "1 ⏎ 2 ⏎ 3 ⏎ 4 ⏎ 5 ⏎ 6"),
        ("CAUTION: This email originated from outside.\n\nHi Sophie,", "Hi Sophie,"),
        ("You don't often get email from ann@b.example. Learn why\nHi Sophie,", "Hi Sophie,"),
        ("\u{feff}Hi Sophie,\u{a0}\r\nit works", "Hi Sophie, ⏎ it works"),
        ("From: the beginning it did not work", "From: the beginning it did not work"),
        ("Hi Sophie -- it works", "Hi Sophie -- it works"),
        ("Gesendet: gestern\nund nie beantwortet", "Gesendet: gestern ⏎ und nie beantwortet"),
        ("5 товарів, від яких відмова:\nодин", "5 товарів, від яких відмова: ⏎ один"),
        ("A: yes\nB: no\nFrom here on: no", "A: yes ⏎ B: no ⏎ From here on: no"),
    ]);
    let long = "ö".repeat(300);
    assert_eq!(opening(&long), ["ö".repeat(CHARACTERS)]);
}

#[test]
fn the_text_of_a_message_is_decoded() {
    let plain = |fields: &str, body: &str| of(&format!("From: a@b.example\n{fields}\n\n{body}\n"));
    assert_eq!(plain("X: y", "Hi Sophie,"), "Hi Sophie,");
    assert_eq!(plain("Content-Type: text/plain; charset=utf-8", "Grüß Gott"), "Grüß Gott");
    let latin = b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nCh\xe8re Sophie,".to_vec();
    assert_eq!(of_bytes(latin), "Chère Sophie,");
    assert_eq!(of_bytes(b"Content-Type: text/plain\r\n\r\nCh\xe8re Sophie,".to_vec()), "Ch\u{fffd}re Sophie,");
    let base64 = "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64";
    assert_eq!(plain(base64, "44K944OV44Kj44O85qeY"), "ソフィー様");
    assert_eq!(plain(base64, "no base64 at all!"), "no base64 at all!");
    let quoted = "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: Quoted-Printable";
    assert_eq!(plain(quoted, "Ch=C3=A8re So=\nphie,"), "Chère Sophie,");
    let japanese = b"Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\x1b$B$3$s$K$A$O\x1b(B".to_vec();
    assert_eq!(of_bytes(japanese), "こんにちは");
    assert_eq!(plain("Content-Type: text/plain; charset=nobody-knows", "Hi Sophie,"), "Hi Sophie,");
    assert_eq!(plain("Content-Type: application/pdf", "Hi Sophie,"), "");
    assert_eq!(plain("Content-Type: message/rfc822", "Subject: x\n\nHi Sophie,"), "");
    assert_eq!(plain("Content-Disposition: attachment", "Hi Sophie,"), "");
    let long = format!("Content-Type: text/plain\n\n{}", "x\n".repeat(500_000));
    assert_eq!(of(&long), "x ⏎ x ⏎ x ⏎ x ⏎ x ⏎ x");
}

#[test]
fn html_is_read_as_it_is_seen() {
    let html = |body: &str| of(&format!("Content-Type: text/html; charset=utf-8\n\n{body}"));
    for (body, expect) in [
        ("<p>Hi Sophie,</p><p>it works.</p>", "Hi Sophie, ⏎ it works."),
        ("<div>Hi Sophie,</div><div><br></div><div>it works.</div>", "Hi Sophie, ⏎ it works."),
        (
            "<html><head><style>p { x: y }</style><title>Re: x</title></head><body>Hi Sophie,<br/>it&nbsp;works &amp; runs",
            "Hi Sophie, ⏎ it\u{a0}works & runs",
        ),
        (
            "Hi Sophie,<!-- <p>no</p> --><BLOCKQUOTE type=cite>Hi Ann,<blockquote>older</blockquote>x</BLOCKQUOTE>it works",
            "Hi Sophie, ⏎ it works",
        ),
        (
            "<div>Hi Sophie,</div><div class=gmail_quote><div>On 5 Jan 2026, Sophie wrote:<br></div><blockquote>Hi Ann,</blockquote></div><div>it works</div>",
            "Hi Sophie, ⏎ it works",
        ),
        (
            "<div>Hi Sophie,</div><hr><div><b>From:</b> S<br><b>Sent:</b> x<br><b>To:</b> y<br></div><div>Hi Ann,</div>",
            "Hi Sophie,",
        ),
        (
            "<div>Hi Sophie,</div><div name=\"quote\"><div><b>Gesendet:</b>&nbsp;Montag, 5. Januar<br/><b>Von:</b>&nbsp;S<br/><b>An:</b>&nbsp;A</div><div>Hi Ann,</div></div>",
            "Hi Sophie,",
        ),
        ("<table><tr><td>Hi Sophie,</td></tr><tr><td>it works</td></tr></table>", "Hi Sophie, ⏎ it works"),
        ("Hi <span>So</span>phie, 1 &lt; 2", "Hi Sophie, 1 < 2"),
        ("<blockquote>Hi Ann,", ""),
        ("<", ""),
        ("<!-- Hi", ""),
    ] {
        assert_eq!(html(body), expect, "{body}");
    }
}

#[test]
fn what_a_style_hides_is_not_read() {
    for hidden in [
        "<div style=\"display:none\">Hi Tom,</div>",
        "<DIV STYLE='color: red; Display : None !important;'>Hi <div>Tom,</div> x<br></DIV>",
        "<span style=\"mso-hide:all\">Hi Tom,</span>",
        "<p style=visibility:hidden>Hi Tom,</p>",
        "<div class=\"a\" style=\"font-size:0\">Hi Tom,</div>",
        "<div style=\"font-size: 0.0px; line-height:1px\">Hi <b>Tom</b>,</div>",
        "<span style=\"display:none\">Hi <img src=x><span style=\"display:block\">Tom</span>,</span>",
        "<div style=\"display:none\"><blockquote>Hi Tom,</blockquote></div>",
    ] {
        let text = of(&format!("Content-Type: text/html\n\n<body>{hidden}<p>Hi Sophie,</p>"));
        assert_eq!(text, "Hi Sophie,", "{hidden}");
    }
    for seen in [
        "<div style=\"font-size:0.9em\">Hi Tom,</div>",
        "<div style=\"font-size:10px; display:block\">Hi Tom,</div>",
        "<td style=\"font-size:0px\"><div style=\"font-size:13px\">Hi Tom,</div></td>",
        "<img style=\"display:none\"><input style=\"display:none\"/>Hi Tom,",
        "<div data-style=\"display:none\" title=style>Hi Tom,</div>",
    ] {
        assert_eq!(of(&format!("Content-Type: text/html\n\n<body>{seen}")), "Hi Tom,", "{seen}");
    }
}

/// A container with these parts.
fn container(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\n{part}\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\n\nthe preamble\n{parts}--{boundary}--\n")
}

#[test]
fn the_first_text_that_says_something_is_the_authors() {
    let plain = "Content-Type: text/plain; charset=utf-8\n\nHi Sophie,";
    let html = "Content-Type: text/html\n\n<p>Hello Sophie,</p>";
    let footer = "Content-Type: text/plain\n\nList footer";
    let empty = "Content-Type: text/plain\n\n \n";
    let attached = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nHi Tom,";
    let named = "Content-Type: text/plain; name=a.txt\n\nHi Tom,";
    let message = "Content-Type: message/rfc822\n\nSubject: x\n\nHi Tom,";
    let base64 = "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nSGkgU29waGllLA==";
    for (message, expect) in [
        (container("alternative", "a", &[plain, html]), "Hi Sophie,"),
        (container("alternative", "a", &[html, plain]), "Hello Sophie,"),
        (container("alternative", "a", &[empty, html]), "Hello Sophie,"),
        (container("mixed", "m", &[html, footer]), "Hello Sophie,"),
        (container("mixed", "m", &[attached, plain]), "Hi Sophie,"),
        (container("mixed", "m", &[named, plain]), "Hi Sophie,"),
        (container("mixed", "m", &[message, plain]), "Hi Sophie,"),
        (container("mixed", "m", &[message]), ""),
        (container("mixed", "m", &["\nHi Sophie,"]), "Hi Sophie,"),
        (container("digest", "d", &["\nSubject: x\n\nHi Tom,"]), ""),
        (container("mixed", "m", &[base64, attached]), "Hi Sophie,"),
        (
            container("mixed", "m", &["Content-Type: image/png\n\nx", &container("alternative", "a", &[plain, html])]),
            "Hi Sophie,",
        ),
        (container("signed", "s", &[plain, "Content-Type: application/pgp-signature\n\nx"]), "Hi Sophie,"),
        (
            "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\nHi Sophie,\n".to_owned(),
            "Hi Sophie,",
        ),
        ("Content-Type: multipart/mixed\n\nHi Sophie,\n".to_owned(), ""),
    ] {
        assert_eq!(of(&message), expect, "{message}");
    }
    let deep = container("mixed", "a", &[&container("mixed", "b", &[plain])]);
    let within =
        |parts, depth| Message::read(Bytes::from(deep.replace('\n', "\r\n"))).opening(Mime { parts, depth }).len();
    assert_eq!([within(2, 2), within(1, 2), within(2, 1)], [1, 0, 0]);
}

/// Each of these is made to be slow; the test ends, in a debug build, before anybody wonders.
#[test]
fn what_is_written_to_be_slow_is_read_over() {
    for hostile in [
        "> \n".repeat(60_000),
        "On 1\n".repeat(60_000),
        "On 1 wrote:\n\n".repeat(60_000),
        "1 <a@b>:\n".repeat(60_000),
        "From: x\n".repeat(60_000),
        "\n".repeat(200_000),
        "a".repeat(1 << 20),
        format!("On {}", "1 ".repeat(1 << 19)),
    ] {
        assert!(of(&format!("X: y\n\n{hostile}")).len() <= LINES * CHARACTERS * 4);
    }
    for hostile in [
        "<".repeat(1 << 20),
        "<blockquote>".repeat(100_000),
        "<!--".repeat(100_000),
        "&#x1F600;".repeat(100_000),
        "<p style=display:none>".repeat(50_000),
        "<p style=".repeat(100_000),
    ] {
        assert!(of(&format!("Content-Type: text/html\n\n{hostile}")).len() <= LINES * CHARACTERS * 4);
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_opening(
        kind in "(text/(plain|html)|multipart/mixed; boundary=b)(; charset=(utf-8|utf-7|utf-16|shift_jis|x))?",
        encoding in "base64|quoted-printable|7bit",
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let head = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n--b\r\n\r\n");
        let message = Message::read(Bytes::from([head.as_bytes(), &body].concat()));
        let opening = message.opening(Mime::default());
        prop_assert!(opening.len() <= LINES);
        prop_assert!(opening.iter().all(|line| !line.is_empty() && line.chars().count() <= CHARACTERS));
    }

    #[test]
    fn any_text_has_an_opening(lines in proptest::collection::vec("(> |\\|)?(On 1|wrote:|From: x|To: y|<blockquote>|</blockquote>|<!--|-->|-- |\\PC){0,6}", 0..20)) {
        let text = lines.join("\n");
        prop_assert!(opening(&text).iter().all(|line| text.contains(line.as_str())));
        let html = of(&format!("Content-Type: text/html\n\n{text}"));
        prop_assert!(html.chars().count() <= LINES * (CHARACTERS + 3));
    }
}
