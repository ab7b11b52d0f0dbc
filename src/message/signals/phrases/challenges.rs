//! What services write that ask the sender of a message to confirm it, folded.

/// In the domain of an author who is such a service.
#[rustfmt::skip]
pub(in super::super) const SERVICES: [&str; 9] = [
    "boxbe.com", "spamarrest.com", "mailblocks.com", "knowspam.net", "digiportal.com", "mailinblack.com", "vanquish.com", "spamlion.com", "sendio.com",
];

/// Anywhere in a subject.
#[rustfmt::skip]
pub(in super::super) const SUBJECTS: [&str; 44] = [
    "please confirm your message", "please confirm your email message", "please confirm your e-mail message", "please confirm (conf#", "confirm your message to", "confirm delivery of", "confirmation required", "confirmation needed", "requires verification", "requires your verification", "requires confirmation", "verify your message", "please verify your message", "please verify your email to", "please verify yourself",
    "sender verification", "verification required", "verify#", "(action required)", "action required: verify", "spamarrest", "[please verify", "message waitlisted", "is waiting for your confirmation", "your message is on hold", "antispam uol", "e-mail de confirmacao", "confirme o envio", "confirme su mensaje", "verificacion de remitente", "confirmez votre message", "authentifiez-vous", "demande d'authentification", "demande de validation",
    "bitte bestatigen sie ihre nachricht", "bestatigen sie den versand", "bitte bestatigen sie ihre e-mail an", "absenderbestatigung", "conferma il tuo messaggio", "confermare l'invio", "подтвердите отправку", "подтвердите ваше письмо", "送信者確認", "spamblocker",
];

/// In the text.
#[rustfmt::skip]
pub(in super::super) const TEXTS: [&str; 81] = [
    "requires that you verify that you are", "verify that you are a real", "verify that you are human", "verify that you are a human", "prove that you are human", "prove you are human", "prove that you are a human", "confirm that you are a human", "confirm that you are human", "confirm you are a human", "you are a real person", "to complete this verification", "has been waitlisted", "my guest list", "boxbe guest list", "recipient's allowed list", "added to the allowed list", "add yourself to my allowed",
    "to my list of approved senders", "list of approved senders", "approved sender list", "approved senders list", "allowed senders list", "this email address is protected by", "this e-mail address is protected by", "this mailbox is protected by", "this account is protected by", "my email is protected by", "my mailbox is protected", "to ensure delivery of your email", "to have your message delivered", "to get your message delivered", "so that your message can be delivered", "in order for your message to be delivered",
    "in order to have your message delivered", "before your message can be delivered", "before your message will be delivered", "before it will be delivered", "your message is being held", "your message has been held until", "will be held until you", "has been quarantined until you", "to release your message", "to release this message, please", "confirm that your message is legitimate", "confirm the delivery of your message", "one-time confirmation", "one time confirmation", "one-time verification", "only need to do this once", "you only have to do this once",
    "you will only have to do this once", "reply to this message to confirm", "simply reply to this message and leave the subject", "just reply to this message and your", "junk mail filter requires", "challenge-response", "challenge/response", "sender verification system", "tmda", "mailinblack",
    "bestatigen sie bitte, dass sie", "damit ihre nachricht zugestellt", "um ihre nachricht zuzustellen", "damit ihre e-mail zugestellt", "einmalige bestatigung", "pour que votre message soit remis", "afin que votre message soit", "pour valider l'envoi", "demande d'authentification", "vous authentifier", "para que su mensaje sea entregado", "para que tu mensaje sea entregado", "confirmar que es una persona", "para que sua mensagem seja entregue", "confirmar o envio da", "confirme que voce nao e um robo", "affinche il tuo messaggio", "per confermare che sei una persona",
    "чтобы ваше письмо было доставлено", "подтвердите, что вы не робот",
];

/// In the subject of what a mail program's provider or an account asks its owner to confirm.
#[rustfmt::skip]
pub(in super::super) const CONFIRMATIONS: [&str; 54] = [
    "send mail as", "forwarding confirmation", "confirm your email", "confirm your e-mail", "verify your email", "verify your e-mail", "email verification", "e-mail verification", "email address verification", "verification code", "confirmation code", "verify your account", "confirm your account", "confirm your subscription", "confirm subscription", "your security code", "your one-time code",
    "bestatigen sie ihre e-mail", "bestatige deine e-mail", "bestatigungscode", "verifizierungscode", "e-mail-adresse bestatigen", "senden als", "envoyer des e-mails en tant que", "confirmez votre adresse", "code de verification", "code de confirmation", "confirma tu correo", "confirme su correo", "codigo de verificacion", "confirme seu e-mail", "codigo de verificacao", "conferma il tuo indirizzo", "codice di verifica", "bevestig je e-mail", "bevestig uw e-mail", "verificatiecode",
    "bekrafta din e-post", "bekraeft din e-mail", "bekreft e-post", "vahvista sahkoposti", "potwierdz adres", "kod weryfikacyjny", "potvrdte svuj e-mail", "подтвердите адрес", "код подтверждения", "підтвердіть адресу", "e-posta adresinizi dogrulayin", "dogrulama kodu", "確認コード", "メールアドレスの確認", "验证码", "驗證碼", "인증 코드",
];
