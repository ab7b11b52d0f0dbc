//! What the programs that answer by themselves put before the subject that they answer, or write as the subject, by
//! language, folded. Nobody but they begins a subject so, where a colon, a bracket or nothing else follows.

#[rustfmt::skip]
pub(in super::super) const PREFIXES: [(&str, &[&str]); 32] = [
    ("English", &["out of the office response", "out of the office notification", "out of the office auto-reply", "autoreply", "auto reply", "auto-reply", "autoreplied", "auto-replied", "auto response", "auto-response",
        "autoresponse", "autoresponder", "auto responder", "auto-responder", "auto answer", "auto-answer", "automatic reply",
        "automated reply", "automatic response", "automated response", "automatically generated reply", "automatic answer",
        "automatic email reply", "automatic email response", "automated email response", "automated email reply",
        "out of office autoreply", "out of office auto reply",
        "out of office auto-reply", "out of office automatic reply", "out of office reply", "out of office response",
        "out of office auto response", "out of office notification", "out of office notice", "out of office message",
        "out of office assistant", "out-of-office autoreply", "out-of-office reply", "out-of-office notification",
        "out of the office autoreply", "out of the office reply", "vacation reply", "vacation response", "vacation responder",
        "vacation autoreply", "vacation auto-reply", "vacation auto reply", "vacation alert", "absence notification", "yahoo! auto response",
        "ooo auto reply", "ooo autoreply", "ooo auto-reply", "automatic acknowledgement"]),
    ("Arabic", &["رد تلقايي", "الرد التلقايي", "رد الي", "رد خارج المكتب"]),
    ("Bulgarian", &["автоматичен отговор"]),
    ("Catalan", &["resposta automatica"]),
    ("Chinese", &["自动回复", "自動回覆", "自動回復", "自动答复", "自動答覆", "外出自动回复", "外出自動回覆", "假期自动回复"]),
    ("Croatian, Serbian, Slovene", &["automatski odgovor", "samodejni odgovor", "аутоматски одговор"]),
    ("Czech, Slovak", &["automaticka odpoved", "automaticka odpoved", "automaticka odpoved mimo kancelar", "odpoved v nepritomnosti", "oznameni o nepritomnosti"]),
    ("Danish, Norwegian", &["autosvar", "automatisk svar", "autosvar fra", "fravaersmelding", "fravaersbesked", "fravaersassistent", "automatisk fravaersbesked"]),
    ("Dutch", &["automatisch antwoord", "automatische reactie", "afwezigheidsbericht", "afwezigheidsmelding", "afwezigheidsassistent", "automatische beantwoording"]),
    ("Estonian", &["automaatvastus", "automaatne vastus"]),
    ("Finnish", &["automaattinen vastaus", "poissaoloilmoitus", "automaattivastaus", "poissaoloviesti"]),
    ("French", &["reponse automatique", "reponse automatisee", "message d'absence", "notification d'absence", "reponse d'absence"]),
    ("German", &["automatische antwort", "automatische ruckantwort", "automatische ruckmeldung", "automatische antwort-mail", "automatische eingangsbestatigung", "automatische empfangsbestatigung", "automatisierte antwort", "automatisch generierte antwort", "autom. antwort", "auto-antwort", "abwesenheitsnotiz", "abwesenheitsnachricht", "abwesenheitsmeldung", "abwesenheitsassistent", "abwesenheitsbenachrichtigung", "abwesenheitshinweis", "abwesenheitsmitteilung", "abwesenheitsagent", "automatische abwesenheitsnotiz", "automatische abwesenheitsmeldung", "urlaubsnotiz", "urlaubsbenachrichtigung", "autoantwort"]),
    ("Greek", &["αυτοματη απαντηση", "απαντηση εκτοσ γραφειου"]),
    ("Hebrew", &["תשובה אוטומטית", "מענה אוטומטי"]),
    ("Hindi", &["स्वचालित उत्तर", "स्वतः उत्तर"]),
    ("Hungarian", &["automatikus valasz"]),
    ("Indonesian, Malay", &["balasan otomatis", "jawaban otomatis", "balasan automatik"]),
    ("Italian", &["risposta automatica", "risposta non al computer", "risposta automatizzata", "avviso di assenza", "notifica di assenza"]),
    ("Japanese", &["自動応答", "自動返信", "不在通知", "自動返信メール", "不在応答", "不在時の自動応答", "不在の自動返信"]),
    ("Korean", &["부재중 자동응답", "부재중 자동 응답", "부재중 자동회신", "자동 회신", "자동회신", "자동 응답", "자동응답", "부재중 자동 회신", "부재 중 자동 응답", "자동 답장", "부재중 알림"]),
    ("Latvian, Lithuanian", &["automatiska atbilde", "automatiska atbilde", "arpus biroja atrasanas automatiska atbilde", "automatinis atsakymas"]),
    ("Persian", &["پاسخ خودکار"]),
    ("Polish", &["automatyczna odpowiedz", "autoodpowiedz", "odpowiedz automatyczna", "odpowiedz w przypadku nieobecnosci"]),
    ("Portuguese", &["resposta automatica", "resposta automatica", "aviso de ausencia"]),
    ("Romanian", &["raspuns automat"]),
    ("Russian, Ukrainian", &["автоответ", "автоматическии ответ", "автоответчик", "автоматична відповідь", "автовідповідь"]),
    ("Spanish", &["respuesta automatica", "respuesta automatica", "autorespuesta", "auto-respuesta"]),
    ("Swedish", &["autosvar", "automatiskt svar", "franvaromeddelande", "franvaroassistent", "franvarobesked", "automatiskt franvaromeddelande"]),
    ("Thai, Vietnamese", &["ตอบกลับอัตโนมัติ", "การตอบกลับอัตโนมัติ", "tra loi tu dong", "thu tra loi tu dong"]),
    ("Turkish", &["otomatik yanit", "otomatik cevap", "ofis disinda otomatik yanit"]),
    ("Icelandic", &["sjalfvirkt svar"]),
];

/// What may stand behind one of them where neither a colon nor a bracket does: whose answer it is, and to what.
#[rustfmt::skip]
pub(in super::super) const CONNECTORS: [&str; 15] =
    ["re", "fw", "fwd", "aw", "wg", "sv", "vs", "tr", "until", "till", "to your", "auf ihre", "a su", "a votre", "op uw"];

/// The same, of whose answer it is: people write so of what they got.
pub(in super::super) const OF_WHOM: [&str; 8] = ["from", "von", "fra", "fran", "de", "od", "van", "от"];

/// What subjects begin with that speak of an absence, or thank for mail as a desk does; folded. People write it too.
#[rustfmt::skip]
pub(in super::super) const ABSENCES: [(&str, &[&str]); 28] = [
    ("English", &["i am out of the office", "i'm out of the office", "ooo", "on holiday re", "absence re", "on vacation re", "on leave re", "left the company re", "ooo re", "ooo fw", "on leave:", "on vacation:", "vacation:", "holiday:", "annual leave:", "away:", "away until", "currently away", "i no longer work", "automatic message", "automated message", "vacation notice", "email acknowledgement", "out of office", "out of the office", "out-of-office", "ooo:", "auto:", "i am away", "i'm away", "i am on vacation",
        "i'm on vacation", "i am on leave", "i'm on leave", "i am on holiday", "away from my mail", "away from my desk", "away from the office",
        "not in the office", "on annual leave", "maternity leave", "parental leave", "on vacation until",
        "thank you for your e-mail", "thank you for your email", "thank you for your mail",
        "thank you for your message", "thank you for your inquiry", "thank you for your enquiry", "thank you for your request",
        "thank you for contacting", "thank you for writing", "thanks for your email", "thanks for your e-mail", "thanks for your message",
        "thanks for contacting", "thanks for getting in touch", "thank you for getting in touch", "we have received your message", "we have received your email", "we have received your e-mail", "we have received your mail", "we have received your request", "we have received your inquiry", "we have received your enquiry", "we have received your ticket", "we have received your query", "we have received your question", "we have received your application", "we have received your submission", "we've received your message", "we've received your email", "we've received your e-mail", "we've received your mail", "we've received your request", "we've received your inquiry", "we've received your enquiry", "we've received your ticket", "we've received your query", "we've received your question", "we've received your application", "we've received your submission", "we received your message", "we received your email", "we received your e-mail", "we received your mail", "we received your request", "we received your inquiry", "we received your enquiry", "we received your ticket", "we received your query", "we received your question", "we received your application", "we received your submission", "your message has been received",
        "your request has been received", "your email has been received", "your e-mail has been received", "your ticket has been",
        "request received", "message received", "ticket received", "acknowledgement of", "acknowledgment of", "acknowledgement:",
        "receipt of your", "confirmation of receipt", "case created", "ticket created",
        "my email address has changed"]),
    ("Arabic", &["خارج المكتب", "في اجازة", "شكرا لتواصلك", "تم استلام رسالتك", "تم استلام طلبك"]),
    ("Chinese", &["休假:", "休假中", "外出中", "不在办公室", "不在辦公室", "正在休假", "您的邮件已收到", "您的來信已收到", "感谢您的来信", "感謝您的來信", "我们已收到您的"]),
    ("Czech, Slovak", &["dovolena:", "nepritomnost:", "dovolenka:", "mimo kancelar", "jsem na dovolene", "mam dovolenou", "dekujeme za vas", "dekujeme za vasi", "potvrzeni prijeti", "vase zprava byla prijata"]),
    ("Danish, Norwegian", &["fravaer:", "fravaersmeddelelse", "ferie:", "ferielukket", "bortreist:", "ikke pa kontoret", "ikke pa kontor", "er pa ferie", "pa ferie til", "tak for din henvendelse", "tak for din mail", "takk for din henvendelse", "takk for din e-post", "vi har modtaget din", "vi har mottatt din"]),
    ("Dutch", &["afwezig:", "afwezigheid:", "vakantie:", "verlof:", "automatisch bericht", "niet op kantoor", "met vakantie", "op vakantie tot", "bedankt voor uw", "bedankt voor je", "wij hebben uw", "ontvangstbevestiging", "uw bericht is ontvangen"]),
    ("Finnish", &["loma:", "poissa:", "vuosiloma:", "en ole toimistolla", "olen lomalla", "kiitos viestistasi", "kiitos yhteydenotostasi", "viestisi on vastaanotettu"]),
    ("French", &["conge maternite", "conge de maternite", "absence :", "absence:", "absent :", "absent:", "conges :", "conges:", "vacances :", "vacances:", "message automatique", "absence du bureau", "absent du bureau", "avis d'absence", "en conges", "en conge", "hors du bureau", "je suis absent", "je suis en vacances", "accuse de reception", "nous avons bien recu", "merci de votre message", "merci pour votre message", "votre demande a bien ete", "votre message a bien ete"]),
    ("German", &["urlaub:", "urlaub bis", "im urlaub", "elternzeit:", "dienstreise:", "automatische nachricht", "automatische e-mail", "abwesend", "abwesenheit", "ausser haus", "nicht im buro", "nicht im haus", "ich bin im urlaub", "bin im urlaub", "in elternzeit", "im mutterschutz", "vielen dank fur ihre", "vielen dank fur deine", "danke fur ihre", "ihre nachricht ist", "ihre nachricht wurde", "ihre e-mail ist", "ihre e-mail wurde", "eingangsbestatigung", "empfangsbestatigung", "wir haben ihre", "wir haben deine", "nicht mehr im unternehmen"]),
    ("Greek", &["αυτοματο μηνυμα", "εκτοσ γραφειου", "σε αδεια", "ευχαριστουμε για", "λαβαμε το μηνυμα"]),
    ("Hebrew", &["הודעה אוטומטית", "מחוץ למשרד", "בחופשה", "פנייתך התקבלה", "פנייתכם התקבלה", "תודה על פנייתך"]),
    ("Hindi", &["छुट्टी पर", "अवकाश पर", "कार्यालय से बाहर"]),
    ("Hungarian", &["szabadsag:", "tavollet:", "automatikus uzenet", "hazon kivul", "szabadsagon", "nem vagyok az irodaban", "irodan kivul", "koszonjuk levelet", "koszonjuk megkereseset", "uzenetet megkaptuk"]),
    ("Italian", &["congedo di maternita", "congedo parentale", "assenza:", "ferie:", "assente:", "fuori sede", "messaggio automatico", "assenza dall'ufficio", "fuori ufficio", "in ferie", "sono in ferie", "grazie per averci", "grazie per il tuo messaggio", "abbiamo ricevuto", "conferma di ricezione"]),
    ("Japanese", &["不在オフィス", "外出:", "外出中", "休暇のお知らせ", "不在:", "休暇:", "休暇中", "不在のお知らせ", "お問い合わせありがとうございます", "お問合せありがとうございます", "受け付けました", "受付完了", "受信しました"]),
    ("Korean", &["부재중", "부재 중", "문의가 접수", "문의해 주셔서", "메일이 접수"]),
    ("Polish", &["urlop:", "nieobecnosc:", "nieobecnosc", "automatyczne powiadomienie", "nieobecnosc w pracy", "poza biurem", "jestem na urlopie", "nieobecny", "nieobecna", "dziekujemy za", "potwierdzenie otrzymania", "potwierdzenie przyjecia", "otrzymalismy twoja", "otrzymalismy panstwa"]),
    ("Portuguese", &["ferias:", "ausente:", "ausencia:", "mensagem automatica", "ausencia temporaria", "estou de ferias", "em ferias", "fora do escritorio", "obrigado pelo seu contato", "obrigado pela sua mensagem", "recebemos sua", "recebemos a sua", "confirmacao de recebimento"]),
    ("Romanian", &["concediu:", "absent:", "mesaj automat", "absent de la birou", "nu sunt la birou", "in concediu", "va multumim pentru mesaj", "am primit mesajul", "am primit solicitarea"]),
    ("Russian", &["отпуск:", "отсутствие:", "автоматическое сообщение", "нет на месте", "в отпуске", "отсутствую", "вне офиса", "ваше письмо получено", "спасибо за обращение", "спасибо за ваше", "мы получили ваше"]),
    ("Spanish", &["vacaciones:", "ausente:", "ausencia:", "mensaje automatico", "fuera de oficina", "ausente de la oficina", "de vacaciones", "fuera de la oficina", "acuse de recibo", "gracias por contactar", "gracias por su mensaje", "gracias por escribirnos", "hemos recibido su", "hemos recibido tu"]),
    ("Swedish", &["semester:", "ledig:", "franvaro:", "franvarande", "ej pa kontoret", "inte pa kontoret", "pa semester", "har semester", "tack for ditt mail", "tack for ditt meddelande", "tack for ditt mejl", "vi har mottagit", "vi har tagit emot"]),
    ("Thai", &["ไม่อยู่ที่สํานักงาน"]),
    ("Turkish", &["izin:", "tatil:", "ofis disinda", "izindeyim", "yillik izin", "talebiniz alindi", "mesajiniz alindi", "mesajiniz bize ulasti"]),
    ("Ukrainian", &["автоматичне повідомлення", "у відпустці", "відсутніи", "поза офісом", "ми отримали ваше"]),
    ("Vietnamese", &["nghi phep:", "vang mat:", "ngoai van phong"]),
    ("Bulgarian", &["автоматично съобщение", "извън офиса", "в отпуск", "получихме вашето"]),
    ("Croatian, Serbian, Slovene", &["godisnji odmor:", "dopust:", "automatsko obavestenje", "izvan ureda", "na godisnjem odmoru", "nisam u kancelariji", "na dopustu", "zaprimili smo"]),
];

/// What subjects say of somebody who is away, after the name; folded.
#[rustfmt::skip]
pub(in super::super) const SOMEBODY_IS_AWAY: [&str; 22] = [
    "is out of the office", "is out of office", "is away from", "is away until", "is on vacation", "is on leave", "is on holiday", "is no longer with",
    "will be out of the office", "ist ausser haus", "ist ausser haus", "ist nicht im buro", "ist nicht im haus", "ist im urlaub", "ist abwesend",
    "est absent", "est en conge", "est en vacances", "ar inte pa kontoret", "er ikke pa kontoret", "esta fuera de la oficina", "e fuori ufficio",
];
