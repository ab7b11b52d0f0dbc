//! The table: what becomes of each message.
//!
//! A line is a message of `tests/data/replies`, its recipients, and for each of them what an attentive assistant would
//! do: *evidence persona thread person kind fate*, `-` for nothing, `new` for a thread that is opened; or the reply of the
//! door. `heals N`: so many ids of others join the thread with it.

/// Message, recipients, what is expected.
pub(crate) type Case = (&'static str, &'static str, &'static str);

/// Every message of the folder.
#[rustfmt::skip]
pub(crate) const CASES: &[Case] = &[
    // Gmail, web and Android.
    ("gmail-web-en", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("gmail-android-de", "sophie@acme.example", "seed sophie joerg sophie human forward"),
    // Outlook and Exchange.
    ("outlook-desktop-en", "tom@acme.example", "seed tom ann-invoice tom human forward"),
    ("outlook-web-fr", "sophie@acme.example", "seed sophie chloe sophie human forward"),
    ("outlook-mobile-es", "tom@acme.example", "message-id tom lucia tom human forward"),
    ("exchange-comma-references", "sophie@acme.example", "seed sophie joerg sophie human forward"),
    ("exchange-rewritten-in-reply-to", "sophie@acme.example", "conversation sophie joerg sophie human forward"),
    ("exchange-signature-html-only-hu", "sophie@acme.example", "seed sophie zsuzsa sophie human forward"),
    // Apple Mail and iOS.
    ("apple-mail-en", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ios-mail-nl", "sophie@acme.example", "seed sophie femke sophie human forward"),
    ("ios-mail-own-earlier-reply-sv", "sophie@acme.example", "message-id sophie asa sophie human forward"),
    // Thunderbird, K-9, mutt, Gnus and others that follow the RFCs.
    ("thunderbird-de", "sophie@acme.example", "seed sophie joerg sophie human forward"),
    ("k9-fi", "sophie@acme.example", "seed sophie paivi sophie human forward"),
    ("mutt-8bit-latin2-cs", "sophie@acme.example", "seed sophie jiri sophie human forward"),
    ("gnus-in-reply-to-with-phrase-pl", "tom@acme.example", "message-id tom zofia tom human forward"),
    ("mh-in-reply-to-phrase-alone", "sophie@acme.example", "subject sophie ann-welcome sophie human forward"),
    ("nextcloud-in-reply-to-alone", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("webmail-undefined-references", "sophie@acme.example", "subject sophie ann-welcome sophie human forward"),
    // Yahoo, Notes, GMX, Zimbra.
    ("yahoo-en", "sophie@acme.example", "seed sophie ann-welcome sophie human forward heals 1"),
    ("notes-no-references-de", "sophie@acme.example", "message-id sophie joerg sophie human forward"),
    ("notes-in-reply-to-its-own-database", "sophie@acme.example", "subject sophie joerg sophie human forward"),
    ("notes-without-brackets", "sophie@acme.example", "message-id sophie joerg sophie human forward"),
    ("gmx-de", "sophie@acme.example", "message-id sophie joerg sophie human forward"),
    ("webde-subject-alone", "sophie@acme.example", "subject sophie joerg sophie human forward"),
    ("zimbra-it", "sophie@acme.example", "seed sophie giulia sophie human forward"),
    // Russia, Ukraine.
    ("mailru-ru", "sophie@acme.example", "seed sophie olga sophie human forward"),
    ("thebat-koi8-r-ru", "tom@acme.example", "message-id tom sergei tom human forward"),
    ("outlook-express-windows-1251-ru", "tom@acme.example", "subject tom sergei tom human forward"),
    ("yandex-html-only-ru", "sophie@acme.example", "seed sophie olga sophie human forward"),
    ("ukrnet-uk", "tom@acme.example", "seed tom taras tom human forward"),
    // Japan, China, Korea.
    ("outlook-iso-2022-jp-ja", "sophie@acme.example", "seed sophie kenta sophie human forward"),
    ("becky-henshin-ja", "tom@acme.example", "subject tom yui tom human forward"),
    ("qq-gb18030-zh", "sophie@acme.example", "message-id sophie xiaoyu sophie human forward"),
    ("netease-163-gbk-zh", "tom@acme.example", "seed tom weiming tom human forward"),
    ("foxmail-zh", "sophie@acme.example", "subject sophie meilin sophie human forward"),
    ("naver-ko", "sophie@acme.example", "message-id sophie minji sophie human forward"),
    // Turkey, Greece, Israel, Lebanon, Brazil, Denmark.
    ("outlook-tr", "tom@acme.example", "subject tom ayse tom human forward"),
    ("thunderbird-iso-8859-7-el", "sophie@acme.example", "seed sophie eleni sophie human forward"),
    ("outlook-windows-1255-he", "tom@acme.example", "subject tom noa tom human forward"),
    ("gmail-ar", "sophie@acme.example", "seed sophie layla sophie human forward"),
    ("outlook-web-pt", "tom@acme.example", "message-id tom joao tom human forward"),
    ("one-com-da", "tom@acme.example", "seed tom mette tom human forward heals 1"),
    // What mail services and other systems put between.
    ("ses-replaced-id", "sophie@acme.example", "seed sophie bob sophie human forward heals 1"),
    ("ses-replaced-id-without-the-seed", "sophie@acme.example", "subject sophie bob sophie human forward"),
    ("ses-carries-the-answer", "sophie@acme.example", "seed sophie bob sophie human forward heals 1"),
    ("mailgun-id", "tom@acme.example", "message-id tom mia tom human forward"),
    ("salesforce-with-references", "tom@acme.example", "seed tom renewal tom human forward"),
    ("salesforce-without-references", "tom@acme.example", "subject tom renewal tom human forward"),
    ("zendesk-agent-answers", "sophie@acme.example", "message-id sophie setup sophie auto-generated forward"),
    ("zendesk-acknowledges-unasked", "sophie@acme.example", "persona-address sophie - - auto-generated hold/auto-generated"),
    ("list-mailman-with-references", "tom@acme.example", "seed tom club tom human forward heals 1"),
    ("list-without-evidence", "sophie@acme.example", "persona-address sophie - - list hold/list"),
    ("google-group-between", "sophie@acme.example", "message-id sophie oscar sophie human forward"),
    // More phones and webmail.
    ("samsung-mail-vi", "sophie@acme.example", "seed sophie linh sophie human forward"),
    ("proton-no", "tom@acme.example", "message-id tom ingrid tom human forward"),
    ("icloud-ro", "sophie@acme.example", "subject sophie radu sophie human forward"),
    // Machines that answer: vacation notices, receipts.
    ("vacation-sieve", "sophie@acme.example", "seed sophie ann-welcome - auto-reply hold/auto-reply"),
    ("out-of-office-exchange", "sophie@acme.example", "message-id sophie ann-welcome - auto-reply hold/auto-reply"),
    ("out-of-office-without-ids-de", "sophie@acme.example", "persona-address sophie - - auto-reply hold/auto-reply"),
    ("read-receipt", "sophie@acme.example", "quoted-id sophie ann-welcome - report hold/report"),
    // Bounces of every shape name what failed.
    ("bounce-postfix", "sophie@acme.example", "quoted-id sophie ann-welcome - bounce hold/bounce"),
    ("bounce-sendmail-headers-alone", "tom@acme.example", "quoted-id tom ann-invoice - bounce hold/bounce"),
    ("bounce-qmail", "sophie@acme.example", "quoted-id sophie ann-welcome - bounce hold/bounce"),
    ("bounce-exim", "sophie@acme.example", "quoted-id sophie bob - bounce hold/bounce"),
    ("bounce-exchange", "sophie@acme.example", "message-id sophie joerg - bounce hold/bounce"),
    ("bounce-exchange-without-ids", "sophie@acme.example", "quoted-id sophie joerg - bounce hold/bounce"),
    ("bounce-notes", "sophie@acme.example", "quoted-id sophie joerg - bounce hold/bounce"),
    ("bounce-gmail", "sophie@acme.example", "message-id sophie oscar - bounce hold/bounce"),
    ("bounce-delayed", "sophie@acme.example", "quoted-id sophie ann-welcome - bounce hold/bounce"),
    // The rest go to return paths of ours: what is there is held, whatever it looks like; an expired token is nobody's address.
    ("bounce-to-our-return-path", "bounce+ctmh54qiagqs6vy2qaaacnw7r6plbkampynyh5vy@replies.acme.example", "recipient-token sophie ann-welcome - bounce hold/bounce"),
    ("bounce-of-what-we-forwarded", "bounce+cpmh54qiagqti7lwqadqdjz2efvn2m3gas4ilqpq@replies.acme.example", "recipient-token sophie - - bounce hold/bounce"),
    ("vacation-notice-of-sophie-herself", "bounce+cpmh54qiagqti7lwqadqdjz2efvn2m3gas4ilqpq@replies.acme.example", "recipient-token sophie - - auto-reply hold/auto-reply"),
    ("bounce-expired-return-token", "bounce+cpmh54qiagqj6jikqadqfjeawoeek5ifvttnrpb5@replies.acme.example", "550 5.1.1"),
    ("bounce-of-nothing-we-know", "sophie@acme.example", "persona-address sophie - - bounce hold/bounce"),
    ("bounce-that-a-person-asks-about", "hello@acme.example", "quoted-id sophie ann-welcome sophie human forward"),
    // Attached messages.
    ("forwarded-as-attachment-apple", "hello@acme.example", "quoted-id sophie ann-welcome sophie human forward"),
    ("attached-reply-of-a-colleague", "sophie@acme.example", "quoted-id sophie ann-welcome sophie human forward"),
    ("attached-mail-of-the-other-persona", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    ("attached-mail-of-strangers", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    // Outlook's conversation.
    ("conversation-at-the-shared-address", "hello@acme.example", "conversation sophie joerg sophie human forward"),
    ("conversation-at-toms-address", "tom@acme.example", "persona-address tom new tom human forward"),
    ("conversation-of-a-stranger", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | unmatched - - - human hold/unmatched"),
    // Who answers, and to whom.
    ("colleague-answers-all", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("colleague-after-a-forward", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("colleague-by-anns-own-id", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("stranger-by-anns-own-id", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    ("from-another-address", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("from-another-address-without-ids", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | unmatched - - - human hold/unmatched"),
    ("third-person-after-a-forward", "hello@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("answers-all", "sophie@acme.example tom@acme.example", "seed sophie ann-welcome sophie human forward | persona-address tom new tom human forward"),
    // The address says who is wanted; Tom sees in the log that it was Sophie's.
    ("old-mail-of-sophie-to-tom", "tom@acme.example", "persona-address tom new tom human forward"),
    ("old-mail-of-sophie-to-sophie", "sophie@acme.example", "seed sophie ann-first-week sophie human forward"),
    ("to-sophie-and-tom-at-once", "sophie@acme.example tom@acme.example", "persona-address sophie new sophie human forward | persona-address tom new tom human forward"),
    // The first mail opened a thread with each; at hello@ it tells neither.
    ("second-mail-to-both", "sophie@acme.example tom@acme.example hello@acme.example", "message-id sophie ann-both-sophie sophie human forward | message-id tom ann-both-tom tom human forward | unmatched - - - human hold/unmatched"),
    ("shared-address-seed", "hello@acme.example", "seed sophie hugo sophie human forward"),
    ("shared-address-message-id", "hello@acme.example", "message-id tom iris tom human forward"),
    ("pool-whoever-wrote-last", "care@acme.example", "message-id care frank tom human forward"),
    ("insider-tells-the-pool", "care@acme.example", "message-id care frank - human forward"),
    ("seed-of-a-persona-that-left", "sophie@acme.example anna@acme.example hello@acme.example", "seed sophie kim sophie human forward | seed sophie kim sophie human forward | seed sophie kim sophie human forward"),
    ("seed-of-a-persona-nobody-knows", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | unmatched - - - human hold/unmatched"),
    // No threading header at all.
    ("subject-alone", "sophie@acme.example hello@acme.example", "subject sophie ann-welcome sophie human forward | subject sophie ann-welcome sophie human forward"),
    ("subject-at-toms-address", "tom@acme.example", "persona-address tom new tom human forward"),
    ("subject-after-the-window", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | unmatched - - - human hold/unmatched"),
    // A subject is only evidence for who was written to: others may have seen it anywhere.
    ("subject-from-a-colleague", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | unmatched - - - human hold/unmatched"),
    // Both reports are Sophie's, so she gets it at hello@ too; which one it is about, nobody can tell.
    ("subject-of-two-threads", "sophie@acme.example hello@acme.example", "persona-address sophie new sophie human forward | subject sophie new sophie human forward"),
    ("subject-of-two-personas", "sophie@acme.example tom@acme.example hello@acme.example", "subject sophie erin-sophie sophie human forward | subject tom erin-tom tom human forward | by-name sophie new sophie human forward"),
    ("subject-that-is-only-a-prefix", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    ("correspondent-of-one-persona", "hello@acme.example support@acme.example", "correspondent sophie new sophie human forward | correspondent sophie new sophie human forward"),
    ("correspondent-of-two-personas", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    // Whoever knows Ann's address and guesses a subject gets what writing to Sophie's own address gets: a letter that Sophie
    // reads. No id but its own joins, which is then evidence for Ann's side alone; what says that a machine wrote it is held.
    ("forged-author-with-a-guessed-subject", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("forged-author-whom-nobody-doubts", "hello@acme.example", "subject sophie ann-welcome sophie human forward"),
    ("forged-machine-with-a-guessed-subject", "hello@acme.example", "subject sophie ann-welcome - auto-generated hold/auto-generated"),
    ("marked-as-spam", "sophie@acme.example", "seed sophie ann-welcome - human hold/spam"),
    // Greetings at a shared address.
    ("greeting-en", "hello@acme.example", "by-name sophie new sophie human forward"),
    ("greeting-fr", "hello@acme.example", "by-name tom new tom human forward"),
    ("greeting-de", "hello@acme.example", "by-name sophie new sophie human forward"),
    ("greeting-ja", "hello@acme.example", "by-name sophie new sophie human forward"),
    ("greeting-zh", "hello@acme.example", "by-name tom new tom human forward"),
    ("greeting-es", "hello@acme.example", "by-name sophie new sophie human forward"),
    ("greeting-ru", "hello@acme.example", "by-name tom new tom human forward"),
    ("no-greeting-both", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("no-greeting-of-themselves", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("no-greeting-in-the-sign-off", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("no-greeting-in-quoted-text", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("no-greeting-in-a-sentence", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    // Tokens in addresses.
    ("token-in-the-shared-address", "hello+ckmdz6ugagqti7lwqaacs4m4p3oyyvhobwnngbks@acme.example", "recipient-token tom iris tom human forward"),
    ("token-in-sophies-address", "sophie+clmh54qiagqs6vy2qaaadei7u2yts6ilkoa322lk@acme.example", "recipient-token sophie ann-welcome sophie human forward"),
    ("token-in-the-reply-domain", "tom+ckmdz6ugagqti7lwqaacs4m4p3oyyvhobwnngbks@replies.acme.example", "recipient-token tom iris tom human forward"),
    ("token-in-upper-case", "HELLO+CKMDZ6UGAGQTI7LWQAACS4M4P3OYYVHOBWNNGBKS@ACME.EXAMPLE", "recipient-token tom iris tom human forward"),
    ("token-cut", "hello+ckmdz6ugagqti7lwqaacs4m4p3oyyvhob@acme.example", "unmatched - - - human hold/unmatched"),
    ("token-cut-in-the-reply-domain", "tom+ckmdz6ugagqti7lwqaacs4m4p3oyyvhob@replies.acme.example", "550 5.1.1"),
    ("token-of-another-purpose", "hello+cgmdz6ugagqti7lwqaact6ykxxfsh6eyjt3by27h@acme.example", "unmatched - - - human hold/unmatched"),
    ("token-of-another-installation", "hello+ckmdz6ugagqti7lwqaactzyorpfmc7rm6yntcrvs@acme.example", "unmatched - - - human hold/unmatched"),
    ("token-of-tom-in-sophies-address", "sophie+ckmdz6ugagqti7lwqaaaed5xr5hfqfg3trn6xkza@acme.example", "persona-address sophie new sophie human forward"),
    ("token-of-a-persona-that-left", "hello+cjajtxp2agpw6towqaacmczjz7mmcgvcp4j6qgl7@acme.example", "recipient-token sophie kim sophie human forward"),
    ("token-in-cc", "hello@acme.example", "recipient-token tom iris tom human forward"),
    ("token-in-delivered-to", "hello@acme.example", "recipient-token tom iris tom human forward"),
    ("token-in-received-for", "hello@acme.example", "recipient-token tom iris tom human forward"),
    ("token-in-cc-of-sophies-mail", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    // Identification fields as they really come.
    ("ids-folded-inside-the-seed", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ids-encoded-words", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ids-quoted", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("ids-html-escaped", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("ids-semicolons", "sophie@acme.example", "seed sophie ann-welcome sophie human forward heals 1"),
    ("ids-in-two-fields", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward"),
    ("ids-upper-cased-seed", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ids-four-hundred", "sophie@acme.example", "seed sophie ann-welcome sophie human forward heals 32"),
    ("ids-four-hundred-the-first-is-ours", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward heals 32"),
    ("ids-four-hundred-ours-is-lost", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    ("ids-cut-at-4096", "sophie@acme.example", "seed sophie ann-welcome sophie human forward heals 32"),
    ("ids-head-cut-in-the-seed", "sophie@acme.example", "message-id sophie ann-welcome sophie human forward heals 1"),
    ("ids-cut-in-the-seed", "sophie@acme.example", "subject sophie ann-welcome sophie human forward"),
    ("ids-seed-of-the-key-before", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ids-seed-of-another-installation", "hello@acme.example", "unmatched - - - human hold/unmatched"),
    ("ids-two-seeds-the-newest", "hello@acme.example", "seed tom ann-invoice tom human forward"),
    ("ids-seed-against-message-id", "hello@acme.example", "seed sophie ann-welcome sophie human forward"),
    ("ids-learned-under-two-messages", "hello@acme.example", "correspondent sophie new sophie human forward"),
    ("ids-8bit-header-section", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
    // Poison.
    ("another-company-in-cc", "sophie@acme.example", "seed sophie ann-welcome sophie human forward heals 1"),
    // Ann brought that talk along; for Gus it is no evidence, or his mail to her would land in Sophie's thread with Ann.
    ("another-company-goes-on", "hello@acme.example", "correspondent tom new tom human forward"),
    ("id-claimed-in-advance", "sophie@acme.example", "message-id sophie paula sophie human forward"),
    ("claims-an-id-in-advance", "sophie@acme.example", "message-id sophie eve sophie human forward"),
    ("forwarded-with-the-ids-of-others", "sophie@acme.example", "persona-address sophie new sophie human forward"),
    ("replayed-seed-of-a-stranger", "sophie@acme.example", "seed sophie ann-welcome sophie human forward"),
];
