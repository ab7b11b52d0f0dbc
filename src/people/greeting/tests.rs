//! Tables of openings, one line each: who is greeted, and who is not.

use proptest::prelude::*;

use super::super::tests::persona;
use super::*;
use crate::mail::Mailbox;
use crate::people::{Greeted, People};

/// Sophie and Tom share hello@; Ute has an address of her own; Anne-Sophie is another persona, whom Ute answers too.
fn company() -> People {
    let greeted = |name: &str, display_name: &str, addresses: &[&str], by: &[&str], as_: &[&str]| Persona {
        greeted_as: as_.iter().map(|name| (*name).to_owned()).collect(),
        ..persona(name, display_name, addresses, by)
    };
    let sophies = [
        "Sophie",
        "Sofie",
        "Zosiu",
        "Sofio",
        "Frau Martin",
        "ソフィー",
        "소피",
        "索菲",
        "Софи",
        "Софі",
        "Σοφία",
        "صوفي",
        "סופי",
    ];
    People::new(
        Vec::new(),
        vec![
            greeted("sophie", "Sophie from Acme", &["s@acme.example", "hello@acme.example"], &["sophie"], &sophies),
            greeted("tom", "Tom from Acme", &["t@acme.example", "hello@acme.example"], &["tom"], &["Tom"]),
            greeted("ute", "Ute Gauß", &["u@acme.example"], &["ute"], &["Ute", "Zoë"]),
        ],
    )
}

/// The names of those who are greeted in these lines, which `⏎` stands between.
fn check(cases: &[(&str, &str)]) {
    check_of(&company(), None, cases);
}

/// `Sophie Brown <b@customer.example>`, or an address alone.
fn mailbox(text: &str) -> Mailbox {
    let (name, address) = text.trim_end_matches('>').rsplit_once('<').unwrap_or(("", text));
    let display_name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    Mailbox { display_name, address: address.parse().unwrap() }
}

/// The same, at this company, of what this author wrote.
fn check_of(company: &People, author: Option<&str>, cases: &[(&str, &str)]) {
    let author = author.map(mailbox);
    let mut wrong = Vec::new();
    for (text, expect) in cases {
        let opening: Vec<String> = text.split(" ⏎ ").map(str::to_owned).collect();
        let found = match company.greeted(&"hello@acme.example".parse().unwrap(), &opening, author.as_ref()) {
            Greeted::Nobody => String::new(),
            Greeted::One(persona) => persona.name.to_string(),
            Greeted::Several(personas) => {
                personas.iter().map(|persona| persona.name.0.as_str()).collect::<Vec<_>>().join(" ")
            }
        };
        if found != *expect {
            wrong.push(format!("{text:?}: {found:?}, expected {expect:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// Each of these greets Sophie, in the first line of a longer mail.
fn greets(lines: &[&str]) {
    let texts: Vec<String> = lines.iter().map(|line| format!("{line} ⏎ the invoice is wrong.")).collect();
    check(&texts.iter().map(|text| (text.as_str(), "sophie")).collect::<Vec<_>>());
}

/// None of these greets anybody.
fn greets_nobody(texts: &[&str]) {
    check(&texts.iter().map(|text| (*text, "")).collect::<Vec<_>>());
}

#[test]
fn english() {
    greets(&[
        "Hi Sophie,",
        "Hi Sophie",
        "hi sophie",
        "HI SOPHIE!",
        "Hi, Sophie!",
        "Hey Sophie :)",
        "Hello Sophie.",
        "Hello again, Sophie,",
        "Hi there Sophie,",
        "Dear Sophie",
        "Dear Sophie,",
        "Dear Ms. Sophie,",
        "My dear Sophie,",
        "Dearest Sophie -",
        "Dear Sophie from Acme,",
        "Good morning Sophie,",
        "Good afternoon, Sophie.",
        "Morning Sophie!",
        "G'day Sophie,",
        "Hi Sophie 👋",
        "Hi Sophie—",
        "Hi Sophie, thanks for your mail.",
        "Hi Sophie thanks for your mail",
        "Hi Sophie I have a question",
        "Hi Sophie can you help me?",
        "Hi Sophie my order is late",
        "Hi Sophie (again),",
        "Hi *Sophie*,",
        "Hi \"Sophie\",",
        "Hi @Sophie,",
        "Hi Sophie and team,",
        "Hi team, hi Sophie,",
        "Dear Team, dear Sophie,",
        "Hi Peter and Sophie,",
        "To Sophie:",
        "To: Sophie",
        "TO SOPHIE:",
        "Attn: Sophie",
        "Attn. Sophie",
        "ATTN SOPHIE",
        "Attention: Sophie",
        "For the attention of Sophie",
        "FAO Sophie",
        "F.A.O. Sophie",
        "c/o Sophie",
        "For Sophie:",
        "Message for Sophie",
        "Sophie,",
        "Sophie",
        "Sophie -",
        "Sophie, hello.",
        "@Sophie",
        "@Sophie can you help?",
        "@sophie: please",
        "Thanks Sophie,",
        "Thank you Sophie!",
        "Thanks again Sophie, that works.",
        "\u{feff}Hi\u{a0}Sophie,",
        "Hi So\u{ad}phie,",
    ]);
}

#[test]
fn german() {
    greets(&[
        "Hallo Sophie,",
        "Hallo Sophie",
        "Hallo liebe Sophie,",
        "Liebe Sophie,",
        "Liebe Frau Sophie,",
        "Liebe Frau Martin,",
        "Sehr geehrte Frau Martin,",
        "Sehr geehrte Frau Sophie",
        "Guten Tag Sophie,",
        "Guten Tag, Frau Martin,",
        "Guten Morgen, liebe Sophie!",
        "Moin Sophie,",
        "Moin moin Sophie",
        "Servus Sophie,",
        "Grüß Gott Sophie,",
        "Gru\u{308}ezi Sophie",
        "Hi Sophie, vielen Dank",
        "Hallo Sophie ich habe eine Frage",
        "z. Hd. Sophie",
        "z.Hd. Frau Sophie",
        "zu Händen von Sophie",
        "Zu Handen Sophie:",
        "An Sophie:",
        "Für Sophie:",
        "Danke Sophie!",
        "Hallo zusammen, hallo Sophie,",
        "Hallo Sofie,",
    ]);
}

#[test]
fn romance_languages() {
    greets(&[
        "Bonjour Sophie,",
        "Bonjour Sophie !",
        "Bonjour Madame Sophie,",
        "Bonsoir Sophie",
        "Chère Sophie,",
        "Che\u{300}re Sophie,",
        "Salut Sophie",
        "Coucou Sophie,",
        "Rebonjour Sophie,",
        "À l'attention de Sophie",
        "A l’attention de Sophie",
        "Pour Sophie :",
        "Merci Sophie,",
        "Bonjour Sophie je voudrais",
        "Hola Sophie:",
        "¡Hola Sophie!",
        "Hola, Sophie:",
        "Estimada Sophie:",
        "Estimada Sra. Sophie:",
        "Querida Sophie,",
        "Buenos días, Sophie",
        "Buenas tardes Sophie,",
        "A la atención de Sophie",
        "Para Sophie:",
        "Olá Sophie,",
        "Oi Sophie!",
        "Bom dia, Sophie,",
        "Boa tarde Sophie",
        "Prezada Sophie,",
        "Cara Sophie,",
        "Ciao Sophie,",
        "Buongiorno Sophie,",
        "Gentile Sophie,",
        "Gent.ma Sig.ra Sophie,",
        "Buonasera Sophie",
        "Salve Sophie,",
        "Alla cortese attenzione di Sophie",
        "Bună Sophie,",
        "Bună ziua, Sophie!",
        "Stimată doamnă Sophie,",
        "Dragă Sophie,",
        "În atenția Sophie",
    ]);
}

#[test]
fn germanic_and_finnish() {
    greets(&[
        "Hoi Sophie,",
        "Beste Sophie,",
        "Dag Sophie,",
        "Goedemorgen Sophie,",
        "Geachte mevrouw Sophie,",
        "T.a.v. Sophie",
        "Ter attentie van Sophie",
        "Aan Sophie:",
        "Hej Sophie!",
        "Hej Sophie",
        "Hejsan Sophie,",
        "Bästa Sophie,",
        "Kära Sophie,",
        "God morgon Sophie",
        "Till Sophie:",
        "Kære Sophie,",
        "Goddag Sophie",
        "Att.: Sophie",
        "Kjære Sophie,",
        "Hei Sophie!",
        "Hei hei Sophie",
        "Moi Sophie,",
        "Terve Sophie!",
        "Hyvä Sophie,",
        "Hyvää päivää, Sophie",
    ]);
}

#[test]
fn eastern_europe() {
    greets(&[
        "Cześć Zosiu,",
        "Dzień dobry Pani Zosiu,",
        "Dzień dobry, Sophie!",
        "Szanowna Pani Sophie,",
        "Droga Sophie,",
        "Witaj Sophie",
        "Ahoj Sofie,",
        "Dobrý den, Sofie,",
        "Dobrý den paní Sophie,",
        "Milá Sofie,",
        "Vážená paní Sophie,",
        "Kedves Sophie!",
        "Szia Sophie,",
        "Tisztelt Sophie!",
        "Jó napot, Sophie!",
        "Γεια σου Σοφία,",
        "Γεια σας, Σοφία",
        "Καλημέρα Σοφία,",
        "Αγαπητή Σοφία,",
        "ΑΓΑΠΗΤΗ ΣΟΦΙΑ,",
        "Αγαπητή κυρία Σοφία,",
        "Merhaba Sophie,",
        "Merhaba Sophie Hanım,",
        "Sayın Sophie Hanım,",
        "Sevgili Sophie,",
        "İyi günler Sophie,",
        "Selam Sophie",
        "Привет, Софи!",
        "Здравствуйте, Софи!",
        "Здравствуйте Sophie",
        "Уважаемая Софи,",
        "Добрый день, Софи.",
        "Софи, здравствуйте!",
        "Софи, добрый день!",
        "Привіт, Софі!",
        "Вітаю, Софі!",
        "Шановна Софі,",
        "Доброго дня, Софі!",
        "Zdravo Sophie,",
        "Tere Sophie,",
    ]);
}

#[test]
fn asia() {
    greets(&[
        "ソフィー様",
        "ソフィーさん",
        "ソフィーさん、こんにちは。",
        "こんにちは、ソフィーさん。",
        "アクメ社 ソフィー様",
        "Sophie様",
        "Sophie さん",
        "ソフィー様 お世話になっております。",
        "Sophie san,",
        "你好 Sophie",
        "你好，Sophie！",
        "Sophie你好，",
        "Sophie 您好：",
        "尊敬的Sophie：",
        "尊敬的Sophie女士：",
        "亲爱的索菲，",
        "親愛的 Sophie",
        "索菲您好！",
        "致Sophie：",
        "早上好，索菲",
        "안녕하세요 소피님,",
        "안녕하세요, 소피님",
        "소피 님께",
        "소피님,",
        "Sophie 님 안녕하세요",
        "Sophie님, 안녕하세요.",
        "친애하는 소피에게",
        "مرحبا صوفي،",
        "عزيزتي صوفي،",
        "السلام عليكم صوفي",
        "مرحباً يا صوفي",
        "السيدة صوفي المحترمة،",
        "שלום סופי,",
        "היי סופי",
        "סופי היקרה,",
        "סופי שלום,",
        "בוקר טוב סופי,",
        "לכבוד סופי",
    ]);
}

#[test]
fn several_are_greeted() {
    check(&[
        ("Hi Sophie and Tom, ⏎ hello", "sophie tom"),
        ("Hi Tom & Sophie!", "tom sophie"),
        ("Hoi Sophie of Tom, ⏎ x", "sophie tom"),
        ("Olá Pedro e Sophie, ⏎ x", "sophie"),
        ("Ahoj Petře a Sofie, ⏎ x", "sophie"),
        ("hi all, ⏎ Hi Sophie, ⏎ x", "sophie"),
        ("Hi Sophie/Tom,", "sophie tom"),
        ("Hi Sophie, Tom,", "sophie tom"),
        ("Hi Sophie, Tom and Ute,", "sophie tom ute"),
        ("Hi Sophie, hi Tom,", "sophie tom"),
        ("Liebe Sophie, lieber Tom,", "sophie tom"),
        ("Liebe Sophie, ⏎ lieber Tom, ⏎ anbei", "sophie tom"),
        ("Hallo Sophie und Tom ⏎ anbei", "sophie tom"),
        ("Bonjour Sophie et Tom,", "sophie tom"),
        ("@Sophie @Tom please look", "sophie tom"),
        ("Sophie, Tom, ⏎ please look", "sophie tom"),
        ("Sophie and Tom, ⏎ please look", "sophie tom"),
        ("Attn: Sophie ⏎ Attn: Tom ⏎ please look", "sophie tom"),
        ("Hi Sophie, ⏎ Hi Sophie, ⏎ please look", "sophie"),
        ("Hi Sophie, Tom told me to write.", "sophie"),
        ("Hi Sophie, ⏎ Tom told me to write.", "sophie"),
        ("Hi Sophie, thanks! Tom", "sophie"),
        ("Hi Ute,", "ute"),
        ("Hi Zoe,", "ute"),
        ("Hi ZOE\u{308} ⏎ hello", "ute"),
        ("Dear Ute Gauss,", "ute"),
    ]);
}

#[test]
fn what_is_no_greeting() {
    greets_nobody(&[
        "Hi, Sophie here from Initech. ⏎ Please call me.",
        "Hi Sophie here ⏎ Please call me.",
        "Hi, Sophie from Initech here ⏎ Please call me.",
        "Hallo, hier ist Sophie. ⏎ Bitte anrufen",
        "Hallo, hier Sophie von Initech ⏎ Bitte anrufen",
        "This is Sophie. ⏎ Please call me.",
        "Hi, this is Sophie. ⏎ Please call me.",
        "Hi, I'm Sophie ⏎ Please call me.",
        "Hi, I’m Sophie, ⏎ Please call me.",
        "Hi, my name is Sophie, ⏎ Please call me.",
        "Hello, Sophie speaking. ⏎ Please call me.",
        "Bonjour, ici Sophie, ⏎ rappelez-moi",
        "Bonjour, je suis Sophie, ⏎ rappelez-moi",
        "Hola, soy Sophie, ⏎ gracias",
        "Ciao, sono Sophie, ⏎ grazie",
        "Hoi, met Sophie, ⏎ bedankt",
        "Guten Tag, mein Name ist Sophie ⏎ Bitte anrufen",
        "I talked to Sophie yesterday. ⏎ She was nice.",
        "Yesterday I wrote to Sophie, ⏎ she has not answered",
        "Hi, Sophie told me to write. ⏎ Bye",
        "Hi Sophie told me to write. ⏎ Bye",
        "Hi, Sophie and I talked yesterday about it. ⏎ Bye",
        "Hallo, Sophie hat mir geschrieben. ⏎ Danke",
        "Hi, Sophie's mail did not arrive. ⏎ Bye",
        "Hi Sophie's team, ⏎ Bye",
        "Sophie told me to write. ⏎ Bye",
        "Sophie, can you help me? ⏎ Bye",
        "Sophie - your colleague told me to write. ⏎ Bye",
        "I got this: ⏎ from you ⏎ Dear Sophie,",
        "I got this: ⏎ from you ⏎ Dear Sophie, ⏎ your order ⏎ Sophie様",
        "Hello boss of Sophie, ⏎ Bye",
        "Hello Boss of Sophie, ⏎ Bye",
        "Ciao, un saluto a Sophie, ⏎ grazie",
        "Olá, sou a Sophie, ⏎ obrigada",
        "Oi, aqui é Sophie, ⏎ obrigada",
        "Hi Sophie`s colleague, ⏎ Bye",
        "Hi Sophie´s colleague, ⏎ Bye",
        "Hi Sophie’s colleague, ⏎ Bye",
        "Hi Sophie‘s colleague, ⏎ Bye",
        "Sophie, your colleague, told me to write. ⏎ Bye",
        "Sophie from Acme called me. ⏎ Bye",
        "To Sophie I said no. ⏎ Bye",
        "For Sophie it was easy. ⏎ Bye",
        "An Sophie habe ich geschrieben ⏎ Bitte anrufen",
        "Please tell Sophie, ⏎ it works",
        "It works. ⏎ Best, Sophie",
        "It works. ⏎ Best, ⏎ Sophie",
        "It works. ⏎ Sophie",
        "It works. ⏎ Sophie ⏎ Initech GmbH",
        "It works. ⏎ Thanks Sophie",
        "It works. ⏎ Thanks, ⏎ Sophie",
        "Thanks, Sophie",
        "Thanks Sophie",
        "Thanks, Sophie ⏎ Initech GmbH",
        "Merci, Sophie",
        "Sophie",
        "Sophie,",
        "It works. ⏎ Ciao, Sophie",
        "It works. ⏎ Ciao Sophie ⏎ Initech Srl",
        "It works. ⏎ Hej, ⏎ Sophie",
        "Mit freundlichen Grüßen ⏎ Sophie",
        "Cordialement, ⏎ Sophie",
        "Saludos, ⏎ Sophie",
        "Dear Sophie Dupont, ⏎ hello",
        "Hello Sophie Dupont ⏎ hello",
        "Hi Sophie Marie, ⏎ hello",
        "Sehr geehrte Frau Dupont, ⏎ hello",
        "Dear Ms Martin-Dupont, ⏎ hello",
        "Hi Sophie-Anne, ⏎ hello",
        "Hi Anne-Sophie, ⏎ hello",
        "Hi Sophiebot, ⏎ hello",
        "Hi sophie.dupont@customer.example, ⏎ hello",
        "Hi sophie@acme.example, ⏎ hello",
        "Hi Sophie_2, ⏎ hello",
        "Hi all, ⏎ hello",
        "Dear team, ⏎ hello",
        "Hi Acme, ⏎ Sophie has written to me",
        "Dear Sir or Madam, ⏎ hello",
        "Hi, ⏎ Sophie here.",
        "Hi, ⏎ Sophie told me to write.",
        "Hi all, thanks, Sophie",
        "Hi team, Sophie",
        "Tomorrow Tom, ⏎ hello",
        "Hi Tomas, ⏎ hello",
        "ソフィーです。 ⏎ よろしく",
        "ソフィーさんから聞きました。 ⏎ よろしく",
        "소피입니다 ⏎ 안녕하세요",
        "我是Sophie。 ⏎ 谢谢",
        "Меня зовут Софи, ⏎ спасибо",
        "Это Софи. ⏎ спасибо",
        "",
        "Hi",
        "Hi ,",
        "@",
    ]);
}

#[test]
fn whoever_has_the_name_of_a_persona_signs_with_it() {
    let signed = ["Sophie ⏎ Customer Ltd ⏎ +33 1", "Thanks Sophie ⏎ Customer Ltd", "Sophie, Tom ⏎ Customer Ltd"];
    let own = [
        "Sophie Brown <b@customer.example>",
        "Brown, Sophie <b@customer.example>",
        "sophie.brown@customer.example",
        "sophie1980@customer.example",
    ];
    for author in own {
        check_of(&company(), Some(author), &signed.map(|text| (text, "")));
        let greets = ["Hi Sophie, ⏎ x", "Dear Sophie ⏎ x", "@Sophie ⏎ x", "Attn: Sophie ⏎ x", "Sophie様 ⏎ x"];
        check_of(&company(), Some(author), &greets.map(|text| (text, "sophie")));
        check_of(&company(), Some(author), &[("Tom ⏎ x", "tom")]);
    }
    for other in
        ["Ann Brown <sophie@customer.example>", "Sophies <b@customer.example>", "Frau Brown <b@customer.example>"]
    {
        let greets = ["Sophie ⏎ Customer Ltd", "Thanks Sophie ⏎ Customer Ltd", "Frau Martin, ⏎ anbei"];
        check_of(&company(), Some(other), &greets.map(|text| (text, "sophie")));
    }
}

#[test]
fn names_that_are_words() {
    let named = |name: &str, by: &str| Persona {
        greeted_as: vec![name.into()],
        ..persona(by, name, &[&format!("{by}@acme.example")], &[by])
    };
    let company = People::new(Vec::new(), vec![named("May", "may"), named("Will", "will"), named("მარი", "mari")]);
    let cases = [
        ("Hi may I ask … ⏎ x", ""),
        ("hi may i ask ⏎ x", ""),
        ("Hello, will you help? ⏎ x", ""),
        ("Hi will and may come ⏎ x", ""),
        ("Will I be charged? ⏎ x", ""),
        ("Will a refund come? ⏎ x", ""),
        ("Will May come? ⏎ x", ""),
        ("Will morning work? ⏎ x", ""),
        ("May and June are busy. ⏎ x", ""),
        ("May, I asked ⏎ x", ""),
        ("may i ask ⏎ x", ""),
        ("thanks will do ⏎ x", ""),
        ("Hi may, ⏎ x", "may"),
        ("hi may ⏎ x", "may"),
        ("hi will: ⏎ x", "will"),
        ("hi will & may ⏎ x", "will may"),
        ("@may please look ⏎ x", "may"),
        ("may ⏎ x", "may"),
        ("may様 ⏎ x", "may"),
        ("尊敬的may女士 ⏎ x", "may"),
        ("May, hello ⏎ x", "may"),
        ("May, ⏎ x", "may"),
        ("May and Will ⏎ x", "may will"),
        ("Hi May I have a question about the invoice of last month ⏎ x", "may"),
        ("გამარჯობა ⏎ @მარი ⏎ x", "mari"),
        ("@მარი, გამარჯობა ⏎ x", "mari"),
        ("Hi მარი can you help ⏎ x", "mari"),
    ];
    check_of(&company, None, &cases);
}

#[test]
fn one_that_has_the_address_comes_first_and_alike_ones_are_one() {
    let named = |name: &str, address: &str, by: &[&str]| Persona {
        greeted_as: vec!["Sophie".into()],
        ..persona(name, &format!("Sophie {name}"), &[address], by)
    };
    let at = |address: &str, personas: Vec<Persona>| {
        let people = People::new(Vec::new(), personas);
        match people.greeted(&address.parse().unwrap(), &["Hi Sophie,".to_owned()], None) {
            Greeted::Nobody => String::new(),
            Greeted::One(persona) => persona.name.to_string(),
            Greeted::Several(personas) => format!("{} personas", personas.len()),
        }
    };
    let two = |by: &str| vec![named("a", "a@acme.example", &["x"]), named("b", "b@acme.example", &[by])];
    assert_eq!(at("Hello@acme.example", two("y")), "2 personas");
    assert_eq!(at("B@acme.example", two("y")), "b");
    assert_eq!(at("hello@acme.example", two("x")), "a");
    assert_eq!(at("b@acme.example", two("x")), "b");
    let pool = |by: &[&str]| vec![named("a", "a@acme.example", &["x", "y"]), named("b", "b@acme.example", by)];
    assert_eq!(at("hello@acme.example", pool(&["y", "x"])), "a");
    assert_eq!(at("hello@acme.example", pool(&["y"])), "2 personas");
}

proptest! {
    #[test]
    fn any_text_has_an_answer(lines in proptest::collection::vec("(Hi|Dear|To|@|Sophie|Tom|and|,|:|-|ソフィー|様|你好| |\\PC){0,40}", 0..7)) {
        let company = company();
        let at = "hello@acme.example".parse().unwrap();
        let once = company.greeted(&at, &lines, None);
        prop_assert_eq!(&once, &company.greeted(&at, &lines, None));
        if !lines.iter().any(|line| fold_contains_a_name(line)) {
            prop_assert_eq!(once, Greeted::Nobody);
        }
    }
}

fn fold_contains_a_name(line: &str) -> bool {
    let folded = fold(line);
    company().personas().flat_map(|persona| &persona.greeted_as).any(|name| folded.contains(&fold(name)))
}
