//! The words of greetings, in the languages of those who write, as they are compared.
//!
//! What is written here is folded at first use, so it may be spelt as people spell it. A `|` stands between
//! phrases. They are what people write to a person, formal or not; what begins mail to nobody in particular
//! does no harm, since a name must follow.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::mail::fold::fold;

/// Words in a phrase.
pub(super) const LONGEST_PHRASE: usize = 6;

/// All lists, folded.
pub(super) static WORDS: LazyLock<Words> = LazyLock::new(Words::new);

/// What the words of a line may be.
pub(super) struct Words {
    /// Said to somebody: `hi`, `good morning`, `dear`.
    pub(super) greetings: HashSet<String>,
    /// Said when coming, and when going too: `ciao`.
    pub(super) partings: HashSet<String>,
    /// Written over mail for somebody: `attn`.
    pub(super) attention: HashSet<String>,
    /// The same, but many a sentence begins so: `to`.
    pub(super) prepositions: HashSet<String>,
    /// With what an answer begins: `thanks`.
    pub(super) thanks: HashSet<String>,
    /// Between a greeting and a name: `there`, `my`.
    pub(super) fillers: HashSet<String>,
    /// Before a name: `Ms`.
    pub(super) titles: HashSet<String>,
    /// Behind a name: `san`.
    pub(super) honorifics: HashSet<String>,
    /// Between two names: `and`.
    pub(super) and: HashSet<String>,
    /// With what a sentence goes on behind a name, where no comma stands: `can`.
    pub(super) starters: HashSet<String>,
    /// The same, behind a greeting and a name only: `my`.
    pub(super) weak_starters: HashSet<String>,
}

impl Words {
    fn new() -> Self {
        Self {
            greetings: folded(&[GREETINGS, PARTINGS]),
            partings: folded(&[PARTINGS]),
            attention: folded(&[ATTENTION]),
            prepositions: folded(&[PREPOSITIONS]),
            thanks: folded(&[THANKS]),
            fillers: folded(&[FILLERS]),
            titles: folded(&[TITLES]),
            honorifics: folded(&[HONORIFICS]),
            and: folded(&[AND]),
            starters: folded(&[STARTERS, THANKS]),
            weak_starters: folded(&[WEAK_STARTERS]),
        }
    }
}

/// The phrases of these lists, their words folded and one space apart.
fn folded(lists: &[&[&str]]) -> HashSet<String> {
    let phrases = lists.iter().copied().flatten().flat_map(|line| line.split('|'));
    phrases.map(|phrase| fold(phrase.trim())).collect()
}

const GREETINGS: &[&str] = &[
    // English
    "hi|hey|hello|hallo|hiya|heya|howdy|yo|dear|dearest|greetings|good day|good morning|good afternoon|good evening|morning",
    "hi hi|g'day|gday|warm greetings|season's greetings|happy new year|happy monday|happy friday",
    "my dear|my dearest|meine liebe|mein lieber|ma chère|mon cher|mi querida|mi querido|minha cara|min kära",
    // German
    "liebe|lieber|liebes|sehr geehrte|sehr geehrter|geehrte|geehrter|werte|werter|sehr verehrte|guten tag|guten morgen",
    "guten abend|guten mittag|grüß gott|grüss gott|grüezi|grüß dich|grüss dich|grüße dich|moin|moin moin|mahlzeit|hallöchen|schönen guten tag|tag",
    // French
    "bonjour|bonsoir|cher|chère|très chère|coucou|rebonjour|re bonjour|bien le bonjour",
    // Spanish
    "hola|buenos días|buenas tardes|buenas noches|buen día|buenas|estimada|estimado|querida|querido|apreciada|apreciado|muy buenas|saludos",
    // Portuguese
    "olá|oi|bom dia|boa tarde|boa noite|cara|caro|prezada|prezado|querida|querido|estimada|estimado|viva|oie",
    // Italian
    "buongiorno|buon giorno|buonasera|buona sera|salve|gentile|gent.ma|gent ma|gentilissima|gentilissimo|cara|caro|egregia|egregio|egr",
    "spettabile|pregiatissima|stimata|buon pomeriggio|carissima",
    // Dutch
    "hoi|dag|beste|geachte|lieve|goedemorgen|goedemiddag|goedenavond|goedendag|goeiedag|goede morgen|goede middag|goede dag|hai|waarde",
    // Swedish, Danish, Norwegian
    "hejsan|hallå|god morgon|god dag|god kväll|god middag|bästa|kära|käre|tjena|tja|tjenare|goddag|god eftermiddag",
    "hejsa|halløj|kære|god morgen|godmorgen|god aften|godaften|goddag|heisan|hallo|kjære|god kveld|hei hei|hei på deg|hej där",
    // Finnish
    "hei|heippa|moikka|moi|terve|hyvä|arvoisa|päivää|hyvää päivää|hyvää huomenta|huomenta|hyvää iltaa|iltaa|tervehdys|rakas|moro",
    // Polish
    "dzień dobry|dobry wieczór|witam|witaj|szanowna|szanowny|droga|drogi|kochana|hejka|siema|szanowna pani|szanowny panie",
    // Czech, Slovak
    "dobrý den|dobré ráno|dobrý večer|dobré odpoledne|dobrý deň|dobré poludnie|milá|milý|vážená|vážený|drahá|drahý|zdravím|dobrý",
    // Hungarian
    "kedves|tisztelt|drága|jó napot|jó napot kívánok|jó reggelt|jó estét|helló|halló|üdv|üdvözlöm|üdvözletem|sziasztok|szép napot",
    // Romanian
    "bună|buna ziua|bună ziua|bună dimineața|bună seara|stimată|stimate|dragă|draga|dragul",
    // Greek
    "γεια|γεια σου|γεια σας|καλημέρα|καλησπέρα|αγαπητή|αγαπητέ|αξιότιμη|αξιότιμε|χαίρετε|καλημέρα σας|καλησπέρα σας|φίλη",
    // Turkish
    "merhaba|merhabalar|selam|selamlar|sayın|sevgili|günaydın|iyi günler|iyi akşamlar|iyi çalışmalar|saygıdeğer|değerli|tünaydın",
    // Russian, Ukrainian, Bulgarian, Serbian
    "привет|приветствую|здравствуйте|здравствуй|добрый день|доброе утро|добрый вечер|доброго дня|доброго времени суток|уважаемая|уважаемый|дорогая|дорогой|милая",
    "привіт|вітаю|добрий день|доброго ранку|добрий ранок|добрий вечір|доброго вечора|шановна|шановний|дорога|дорогий|добридень",
    "здравей|здравейте|добър ден|добро утро|скъпа|драга|zdravo|bok|dobar dan|poštovana|poštovani|draga",
    // Japanese
    "こんにちは|こんばんは|おはようございます|拝啓|はじめまして|初めまして|親愛なる|ハロー|お世話になっております|お世話になります|いつもお世話になっております",
    // Chinese
    "你好|您好|嗨|哈囉|哈喽|哈啰|尊敬的|亲爱的|親愛的|敬爱的|敬愛的|早上好|上午好|下午好|晚上好|早安|午安|晚安|你好呀|早|嘿",
    // Korean
    "안녕하세요|안녕하십니까|안녕|친애하는|존경하는|사랑하는|여보세요",
    // Arabic, Persian
    "مرحبا|أهلا|اهلا|أهلا وسهلا|السلام عليكم|عزيزتي|عزيزي|العزيزة|العزيز|الأخت|الأستاذة|الأستاذ|السيدة|السيد|صباح الخير|مساء الخير|تحية طيبة|حضرة|هلا",
    "سلام|درود|سلام علیکم",
    // Hebrew
    "היי|הי|בוקר טוב|צהריים טובים|ערב טוב|לכבוד|גברת|יקירתי",
    // Vietnamese, Indonesian, Thai, Hindi
    "xin chào|chào|chào bạn|kính gửi|thân gửi|halo|selamat pagi|selamat siang|selamat sore|yang terhormat|yth|สวัสดี|เรียน|नमस्ते|प्रिय",
    // Baltic languages, Estonian, Slovenian
    "sveiki|labdien|labas|laba diena|gerbiama|tere|tere päevast|lugupeetud|pozdravljeni|pozdravljena|spoštovana|živjo",
];

const PARTINGS: &[&str] = &[
    "ciao|ciaooo|salut|hej|hej hej|servus|ahoj|čau|čauky|cześć|szia|sziasztok|pa|shalom|שלום|aloha|namaste|tschau|salutare|nazdar",
];

const ATTENTION: &[&str] = &[
    "attn|attention|att|for the attention of|fao|f a o|for attn|c o|care of|message for|note for|question for|mail for|email for",
    "z hd|z hd von|z hdn|z h|zhd|zu händen|zu händen von|zuhanden|zuhanden von|zur kenntnis an|nachricht für|frage an|nachricht an",
    "à l'attention de|a l'attention de|à l'att de|a l'att de|à l'attn de|message pour|question pour",
    "a la atención de|a la atencion de|a a|at|mensaje para|à atenção de|ao cuidado de|a c|a att|mensagem para",
    "alla cortese attenzione di|alla c a di|alla c a|c a|all'attenzione di|all'att di|messaggio per",
    "ter attentie van|t a v|tav|bericht voor|vraag voor|att till|til opmærksomhed|k rukám|k rukam|do rąk|do rąk własnych|sz p|uwaga",
    "figyelmébe|în atenția|in atentia|υπόψη|υπ όψιν|dikkatine|кому|вниманию|для|до уваги|宛先|致|给|給|받는 사람|수신|لعناية|إلى|עבור|לידי|לכבוד",
];

const PREPOSITIONS: &[&str] =
    &["to|for|an|für|pour|para|per|a|aan|voor|till|til|för|do|dla|pro|pentru|προς|για|к|для|pre|à|al|alla|för"];

const THANKS: &[&str] = &[
    "thanks|thank you|thankyou|thx|many thanks|thanks a lot|thank you very much|thank you so much|thanks so much|cheers",
    "danke|vielen dank|danke schön|dankeschön|herzlichen dank|besten dank|merci|merci beaucoup|mille mercis|gracias|muchas gracias|mil gracias",
    "obrigada|obrigado|muito obrigada|muito obrigado|grazie|grazie mille|molte grazie|bedankt|dank je|dank u|dank je wel|hartelijk dank",
    "tack|tack så mycket|tak|mange tak|takk|tusen takk|kiitos|paljon kiitoksia|dziękuję|dzięki|děkuji|díky|ďakujem|köszönöm|köszi|mulțumesc",
    "ευχαριστώ|teşekkürler|teşekkür ederim|спасибо|большое спасибо|дякую|благодаря|hvala|ありがとうございます|谢谢|謝謝|감사합니다|شكرا|תודה",
];

const FILLERS: &[&str] = &[
    "there|again|my|our|very|once more|and|und|et|y|e|en|og|och|ja|i|a|και|ve|и|та",
    "nochmal|nochmals|noch einmal|wieder|du|meine|mein|ihr|mi|ma|mon|à nouveau|encore|de nouevo|otra vez|di nuovo|minha|mia|mijn|min|igen|taas|újra|znowu|jeszcze raz",
    "يا|و|לך|שוב",
];

const TITLES: &[&str] = &[
    "ms|mrs|miss|mr|mx|madam|ma'am|dr|prof|frau|fräulein|herr|herrn|doktor|mme|madame|mlle|mademoiselle|m|monsieur|mr",
    "sra|señora|señorita|srta|sr|señor|doña|don|senhora|senhor|dona|d|signora|signorina|signor|sig.ra|sig.na|sig|dott.ssa|dott|sigra",
    "mevrouw|mevr|mw|heer|de heer|dhr|fru|frøken|fröken|herre|hr|rouva|herra|pani|pan|pani/pan|paní|pána|slečno|slečna|úr|asszony|kisasszony",
    "doamnă|doamna|domnule|domnul|d na|κυρία|κα|κύριε|κ|hanımefendi|bayan|bay|госпожа|господин|пані|пан|пане|панi",
    "يا|السيدة|السيد|الأستاذة|الأستاذ|الآنسة|آنسة|سيدة|סיד|גב|גברת|מר|הגברת|colleague|kollegin|kollege|friend",
];

const HONORIFICS: &[&str] = &[
    "様|さま|さん|殿|くん|君|ちゃん|先生|氏|御中|sama|san|女士|小姐|先生|老师|老師|经理|經理|同学|您|님|님께|님에게|씨|씨께|선생님|께|에게|앞|收|启|啟",
    "hanım|bey|hanım efendi|hanıma|asszony|úrnő|úr|ji|היקרה|היקר|יקרה|יקר|العزيزة|العزيز|المحترمة|المحترم|جان|عزیز|خانم",
];

const AND: &[&str] = &[
    "and|und|u|et|y|e|ed|en|og|och|ja|i|oraz|a|és|și|si|και|ve|и|та|й|or|oder|ou|o|of|eller|tai|lub|nebo|vagy|sau|ή|veya|или|або|または|と|和|与|與|及|그리고|와|과|و|או",
];

const STARTERS: &[&str] = &[
    "i|i'm|im|i've|ive|i'd|i'll|we|we're|we've|we'd|it's|can|could|can't|cannot|would|will|won't|may|might|please|pls|plz|just|how|hope|hoping|do|does|did|don't",
    "are|have|yes|no|sorry|great|good|nice|when|where|why|what|which|after|since|regarding|concerning|following|further|quick|sure|ok|okay|for|as|if|in|on|with|about|apologies|many|any|could you|let",
    "ich|wir|kannst|können|könnten|könntest|bitte|danke|vielen|leider|hast|haben|wie|wann|wo|warum|was|gibt|ja|nein|anbei|wäre|würde|würden|hier|gerne|kurze|entschuldigung|nach|bei|im|zu|auf",
    "je|j'ai|j'aimerais|j'espère|nous|pouvez|peux|pourriez|pourrais|merci|suite|comment|est|avez|as|voici|oui|non|désolé|désolée|quand|s'il|svp|en",
    "yo|quiero|quisiera|puedes|puede|podrías|podría|por|gracias|tengo|cómo|como|espero|necesito|sí|te|le|me|cuando|dónde|perdona",
    "eu|você|pode|poderia|podes|tudo|preciso|gostaria|obrigado|obrigada|sim|não|quando|onde|espero",
    "io|vorrei|puoi|può|potresti|potrebbe|grazie|ho|abbiamo|come|spero|scusa|scusi|sì|quando|dove|ti|le|mi",
    "ik|wij|kun|kunt|kan|zou|graag|bedankt|hoe|wanneer|heb|hebben|waar|ja|nee|dank",
    "jag|jeg|vi|har|kan|kunne|skulle|hur|hvordan|tack|tak|takk|när|hvornår|var|hvor|jo|ja|nej|nei",
    "minä|voitko|voisitko|voitteko|voisitteko|kiitos|onko|miten|milloin|olen|ja|mam|czy|proszę|chciałbym|chciałabym|dziękuję|kiedy|jak|mám|můžete|můžeš|prosím|děkuji|chtěl|chtěla|bych",
    "szeretném|szeretnék|köszönöm|kérem|tudna|tudnál|mikor|aș|as dori|puteți|poți|vă|mulțumesc|am|θα|μπορείτε|μπορείς|ευχαριστώ|πότε|έχω",
    "ben|biz|lütfen|teşekkürler|nasılsın|nasılsınız|acaba|я|мы|можете|можешь|могли|подскажите|пожалуйста|спасибо|как|когда|у|ми|чи|будь|дякую|коли",
    "请|請|谢谢|謝謝|我|我们|想|能|可以|关于|저는|혹시|감사합니다|أنا|هل|شكرا|אני|אפשר|תודה|האם|מה",
];

const WEAK_STARTERS: &[&str] = &[
    "my|our|the|this|these|that|there|an|is|it|at|your|you|here's|happy|hello|and thanks|not|so|well|now|yesterday|today|last|unfortunately|recently|one|all",
    "der|die|das|mein|meine|unser|unsere|eine|ein|es|du|sie|ihre|deine|kann|ist|war|seit|heute|gestern|letzte|mit|und danke|vorab",
    "le|la|les|mon|ma|mes|notre|un|une|vous|tu|c'est|il|el|los|mi|mis|nuestro|un|una|o|os|meu|minha|il|lo|i|mio|mia|de|het|mijn|een|er|min|mit|det|den|en|et",
    "mon|tá|moje|mój|můj|moja|az|egy|a|το|η|ο|мой|моя|мне|меня|мій|моя|мені",
];
