//! Authentication-Results (RFC 8601): what the company's own servers found out about an author.
//!
//! A stranger can write such a field too. Believed is what bears the name of our server and stands
//! above every hop that is not the company's; that this server removes fields which come in with its
//! name is its own duty (RFC 8601 §5). A field there that cannot be read, and may be our server's, may have
//! said anything: then nothing is proved at all.

use std::iter::Peekable;
use std::str::Chars;

use super::Message;
use crate::mail::{Address, Domain};

/// The one version of the field that there is (RFC 8601 §2.2).
const VERSION: &str = "1";

/// What one method found: `dmarc=pass header.from=acme.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The method, in lower case: `dmarc`.
    pub method: String,
    /// Its result, in lower case: `pass`.
    pub result: String,
    /// Reason and properties, the names in lower case: `header.from` with its value.
    pub properties: Vec<(String, String)>,
}

impl Finding {
    /// The value of a property, such as `header.from`, where it stands there once.
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut values = self.properties.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }
}

/// What our own servers say about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Results {
    /// Nothing: no field is there that is believed.
    Silent,
    /// Something that cannot be read.
    Illegible,
    /// What all fields that are believed say together.
    Found(Vec<Finding>),
}

impl Results {
    /// What the fields of `authserv_id` say above the first Received field that was not written by one of
    /// `servers`.
    pub fn read(message: &Message, authserv_id: &Domain, servers: &[Domain]) -> Self {
        let mut all: Option<Vec<Finding>> = None;
        for (name, value) in message.fields_named(&["Received", "Authentication-Results"]) {
            if name.eq_ignore_ascii_case("Received") {
                let by = written_by(&value);
                if !by.is_some_and(|host| servers.iter().any(|server| is_name_of(&host, server))) {
                    break;
                }
                continue;
            }
            match (authserv_id_of(&value), parse(&value)) {
                (Some(id), _) if !is_name_of(id, authserv_id) => {}
                (Some(_), Some(found)) => all.get_or_insert_default().extend(found),
                (Some(_), None) | (None, _) => return Self::Illegible,
            }
        }
        all.map_or(Self::Silent, Self::Found)
    }

    /// Whether DMARC passed for `author`, the domain of From: says so each finding of it, and there is one.
    /// A finding about another domain, or about none, is none about this author.
    pub fn pass_dmarc(&self, author: &Domain) -> bool {
        let is_about = |from: &str| from.rsplit('@').next().is_some_and(|domain| is_name_of(domain, author));
        let mut dmarc = self.by("dmarc").peekable();
        dmarc.peek().is_some()
            && dmarc.all(|finding| finding.result == "pass" && finding.property("header.from").is_some_and(is_about))
    }

    /// Whether DMARC failed: somebody else may have written the name into From.
    pub fn fail_dmarc(&self) -> bool {
        self.by("dmarc").any(|finding| finding.result == "fail")
    }

    /// Who handed the message in, by the name they logged in with (RFC 8601 §2.7.4): where each finding of it
    /// says the same, and DMARC, which looks at mail from elsewhere, says nothing.
    pub fn authenticated(&self) -> Option<Address> {
        if self.by("dmarc").next().is_some() {
            return None;
        }
        let mut auth = self.by("auth");
        let passed = |finding: &Finding| {
            let name = finding.property("smtp.auth").filter(|_| finding.result == "pass")?;
            name.parse::<Address>().ok()
        };
        let first = passed(auth.next()?)?;
        auth.all(|other| passed(other).is_some_and(|name| name.folded() == first.folded())).then_some(first)
    }

    /// What each finding of a method says, in lower case.
    pub fn said_by<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a str> {
        self.by(method).map(|finding| finding.result.as_str())
    }

    fn by(&self, method: &str) -> impl Iterator<Item = &Finding> {
        let all: &[Finding] = match self {
            Self::Silent | Self::Illegible => &[],
            Self::Found(findings) => findings,
        };
        all.iter().filter(move |finding| finding.method == method)
    }
}

/// Whether a text names a domain, with or without the dot of the root. Only ASCII letters have two cases
/// here: a server in front compares no others.
fn is_name_of(text: &str, domain: &Domain) -> bool {
    text.strip_suffix('.').unwrap_or(text).eq_ignore_ascii_case(domain.as_str())
}

/// The host after `by` in a Received field (RFC 5321 §4.4): the first word, but for a from clause.
fn written_by(value: &str) -> Option<String> {
    let mut cursor = Cursor::new(value);
    let mut word = cursor.word(&[';'])?;
    if word.eq_ignore_ascii_case("from") {
        cursor.word(&[';'])?;
        word = cursor.word(&[';'])?;
    }
    if word.eq_ignore_ascii_case("by") { cursor.word(&[';']) } else { None }
}

/// The authserv-id of a field's value: the first word, where it is plain. `None` where it is quoted or
/// stands behind a comment: a server in front, which is to remove its own name, may not see it there.
fn authserv_id_of(value: &str) -> Option<&str> {
    let value = value.trim_start();
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, ';' | '(')).unwrap_or(value.len());
    let id = value.get(..end)?;
    (!id.is_empty() && !id.contains(NOT_OF_A_TOKEN)).then_some(id)
}

/// What no token has (RFC 2045 §5.1, tspecials), as far as it can stand in a word.
const NOT_OF_A_TOKEN: [char; 13] = ['"', '\\', ')', '<', '>', '@', ',', ':', '/', '[', ']', '?', '='];

/// The findings of one field's value; `None` where it does not follow RFC 8601.
fn parse(value: &str) -> Option<Vec<Finding>> {
    let mut cursor = Cursor::new(value);
    cursor.word(&[';', '='])?;
    let version = cursor.word(&[';', '=']);
    if version.is_some_and(|version| version != VERSION) {
        return None;
    }
    let mut findings = Vec::new();
    while cursor.takes(';') {
        // Seen in practice: a semicolon at the end.
        if cursor.is_at_end() {
            break;
        }
        match cursor.finding()? {
            Statement::None if findings.is_empty() && cursor.is_at_end() => break,
            Statement::None => return None,
            Statement::Finding(finding) => findings.push(finding),
        }
    }
    (cursor.is_at_end() && !cursor.is_cut).then_some(findings)
}

/// What stands after a semicolon.
enum Statement {
    /// `none`: no method was tried.
    None,
    Finding(Finding),
}

/// A place in the value of a structured field. Each step leaves out comments and white space before it
/// (RFC 5322 §3.2.2, CFWS).
struct Cursor<'a> {
    rest: Peekable<Chars<'a>>,
    /// A comment does not end: what stands in it is lost.
    is_cut: bool,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars().peekable(), is_cut: false }
    }

    /// `method ["/" version] "=" result`, then properties `name "=" value`.
    fn finding(&mut self) -> Option<Statement> {
        let method = self.name()?;
        if !self.takes('=') {
            return (method == "none").then_some(Statement::None);
        }
        let result = self.word(&[';', '='])?.to_lowercase();
        let mut properties = Vec::new();
        while !self.ends() {
            let name = self.name()?;
            // A value may hold an equals sign: seen in practice, where a signature is not quoted.
            let value = self.takes('=').then(|| self.word(&[';']))??;
            properties.push((name, value));
        }
        let method = method.split('/').next().unwrap_or_default().to_owned();
        Some(Statement::Finding(Finding { method, result, properties }))
    }

    /// A name in lower case, or two that a dot or a slash joins; CFWS may stand around those.
    fn name(&mut self) -> Option<String> {
        let mut name = self.keyword()?;
        for joint in ['.', '/'] {
            if self.takes(joint) {
                name = format!("{name}{joint}{}", self.keyword()?);
            }
        }
        Some(name)
    }

    /// Letters, digits, hyphens (RFC 5321 §4.1.2) and, seen in practice, underscores.
    fn keyword(&mut self) -> Option<String> {
        self.skip_cfws();
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            word.push(c.to_ascii_lowercase());
        }
        (!word.is_empty()).then_some(word)
    }

    /// A word up to white space, a comment or one of `ends`; what is quoted in it is taken as it is.
    fn word(&mut self, ends: &[char]) -> Option<String> {
        self.skip_cfws();
        let (mut word, mut quoted) = (String::new(), false);
        while let Some(c) = self.rest.next_if(|c| !c.is_whitespace() && *c != '(' && !ends.contains(c)) {
            match c {
                '"' => {
                    quoted = true;
                    self.quoted_into(&mut word)?;
                }
                other => word.push(other),
            }
        }
        (quoted || !word.is_empty()).then_some(word)
    }

    /// The rest of a quoted string (RFC 5322 §3.2.4); `None` where it does not end.
    fn quoted_into(&mut self, word: &mut String) -> Option<()> {
        loop {
            match self.rest.next()? {
                '"' => return Some(()),
                '\\' => word.push(self.rest.next()?),
                other => word.push(other),
            }
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.skip_cfws();
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Whether a finding ends here.
    fn ends(&mut self) -> bool {
        self.is_at_end() || self.rest.peek() == Some(&';')
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_cfws();
        self.rest.peek().is_none()
    }

    /// White space and comments, one inside the other.
    fn skip_cfws(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.rest.next_if(|c| depth > 0 || c.is_whitespace() || *c == '(') {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                '\\' => drop(self.rest.next()),
                _ => {}
            }
        }
        self.is_cut |= depth > 0;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// `id | method=result name=value …; …`, or `-` where the value is wrong.
    fn told(value: &str) -> String {
        let (Some(id), Some(findings)) = (authserv_id_of(value), parse(value)) else { return "-".into() };
        let finding = |finding: &Finding| {
            let properties = finding.properties.iter().map(|(name, value)| format!(" {name}={value}"));
            format!("{}={}{}", finding.method, finding.result, properties.collect::<String>())
        };
        format!("{id} | {}", findings.iter().map(finding).collect::<Vec<_>>().join("; "))
    }

    #[rstest]
    // RFC 8601 appendix B.
    #[case("example.org 1; none", "example.org | ")]
    #[case("example.com; spf=pass smtp.mailfrom=example.net", "example.com | spf=pass smtp.mailfrom=example.net")]
    #[case(
        "example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net",
        "example.com | auth=pass smtp.auth=sender@example.net; spf=pass smtp.mailfrom=example.net"
    )]
    #[case(
        "foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462",
        "foo.example.net | dkim=fail policy.expired=1362471462"
    )]
    #[case(
        "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net",
        "example.com | dkim=pass reason=good signature header.i=@mail-router.example.net"
    )]
    // As servers write it.
    #[case(
        "mx.acme.example;\r\n\tdmarc=pass (p=NONE sp=NONE dis=NONE) header.from=gmail.com",
        "mx.acme.example | dmarc=pass header.from=gmail.com"
    )]
    #[case(
        "mx.acme.example; dkim=pass header.b=ab+/c==; dmarc=pass action=none header.from=x.example;compauth=pass reason=100",
        "mx.acme.example | dkim=pass header.b=ab+/c==; dmarc=pass action=none header.from=x.example; compauth=pass reason=100"
    )]
    #[case("mx; DMARC=Pass Header.From=Acme.Example;", "mx | dmarc=pass header.from=Acme.Example")]
    #[case(
        "mx; auth=pass smtp.auth=\"odd name; dmarc=pass\"@x.example",
        "mx | auth=pass smtp.auth=odd name; dmarc=pass@x.example"
    )]
    #[case("mx; dkim=fail (dmarc=pass (nested; \\) dmarc=pass)) header.d=x", "mx | dkim=fail header.d=x")]
    #[case("mx; dkim=fail reason=\"a \\\"; dmarc=pass\"", "mx | dkim=fail reason=a \"; dmarc=pass")]
    #[case("mx", "mx | ")]
    // Wrong, or of another version: nothing is believed.
    #[case("mx 2; dmarc=pass", "-")]
    #[case("mx 1 x; dmarc=pass", "-")]
    #[case("spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=x.example; dmarc=pass", "-")]
    #[case("mx; none; dmarc=pass", "-")]
    #[case("mx; dmarc=pass; none", "-")]
    #[case("mx; none dmarc=pass", "-")]
    #[case("mx; dmarc=pass because header.from=x", "-")]
    #[case("mx; dmarc=pass header.from", "-")]
    #[case("mx; dmarc=pass header.from=", "-")]
    #[case("mx; dmarc=pass header.", "-")]
    #[case("mx; dmarc=", "-")]
    #[case("mx; dmarc", "-")]
    #[case("mx; dmarc=pass reason=\"no end", "-")]
    #[case("mx; =pass", "-")]
    #[case("; dmarc=pass", "-")]
    #[case("", "-")]
    #[case("(mx; dmarc=pass", "-")]
    #[case("mx; dmarc=pass (no end", "-")]
    #[case("mx; dmarc=pass (no end \\)", "-")]
    // A name that is not a plain word at the very beginning.
    #[case("\"mx.acme.example\"; dmarc=pass", "-")]
    #[case("mx.\\acme.example; dmarc=pass", "-")]
    #[case("(c) mx; dmarc=pass", "-")]
    #[case("mx\"\".acme.example; dmarc=pass", "-")]
    #[case("[192.0.2.1]; dmarc=pass", "-")]
    fn fields_are_read(#[case] value: &str, #[case] expect: &str) {
        assert_eq!(told(value), expect);
    }

    #[rstest]
    #[case("from a (b [1.2.3.4]) by mx.acme.example (Postfix) with ESMTP id 1; date", Some("mx.acme.example"))]
    #[case("by mx.acme.example (Postfix, from userid 0) id 1; date", Some("mx.acme.example"))]
    #[case("FROM a\r\n\tBY mx.acme.example; date", Some("mx.acme.example"))]
    #[case("from (by mx.acme.example) a by other.example; date", Some("other.example"))]
    #[case("from by by mx.acme.example; date", Some("mx.acme.example"))]
    #[case("from a for b by mx.acme.example; date", None)]
    #[case("from a; by mx.acme.example", None)]
    #[case("(qmail 1 invoked by uid 0); date", None)]
    #[case("", None)]
    fn a_hop_is_known_by_its_host(#[case] value: &str, #[case] expect: Option<&str>) {
        assert_eq!(written_by(value).as_deref(), expect);
    }

    const OURS: &str = "Authentication-Results: MX.acme.example; dmarc=pass header.from=corp.example";
    const BY_US: &str = "Received: from a by mx.acme.example; date";

    #[rstest]
    #[case(&[OURS], true)]
    #[case(&[BY_US, OURS], true)]
    #[case(&[OURS, BY_US, "Received: by elsewhere.example; date"], true)]
    #[case(&[BY_US, "Received: by elsewhere.example; date", OURS], false)]
    #[case(&["Received: no hop at all", OURS], false)]
    #[case(&[BY_US, "Authentication-Results: other.example; dmarc=pass"], false)]
    #[case(&[BY_US, "Authentication-Results: mx.acme.example; dmarc=fail", OURS], false)]
    #[case(&["Authentication-Results: mx.acme.example; dkim=pass header.d=corp.example"], false)]
    #[case(&["Authentication-Results: mx.acme.example; dmarc=pass header.from=evil.example"], false)]
    #[case(&["Authentication-Results: mx.acme.example; dmarc=pass header.from=sophie@Corp.Example"], true)]
    #[case(&["Authentication-Results: mx.acme.example.; dmarc=pass header.from=corp.example."], true)]
    #[case(&["Received: from a by mx.acme.example.; date", OURS], true)]
    // Of nobody's domain, or of two.
    #[case(&["Authentication-Results: mx.acme.example; dmarc=pass"], false)]
    #[case(&["Authentication-Results: mx.acme.example; dmarc=pass header.from=corp.example header.from=evil.example"], false)]
    #[case(&["Authentication-Results: mx.acme.example; dmarc=pass header.from=evil.example header.from=corp.example"], false)]
    // A field of our server that cannot be read may have said "fail": it must not leave the word to the next one.
    #[case(&["Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=a b@evil.example; dmarc=fail header.from=corp.example", OURS], false)]
    #[case(&["Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=a(b@evil.example; dmarc=fail header.from=corp.example", OURS], false)]
    #[case(&[OURS, "Authentication-Results: mx.acme.example; dmarc=fail (header.from=corp.example"], false)]
    #[case(&[OURS, "Authentication-Results: ; dmarc=fail"], false)]
    // Another's may be as odd as it likes, and so may all below the first hop that is not ours.
    #[case(&[OURS, "Authentication-Results: other.example; spf=pass smtp.mailfrom=a b@evil.example"], true)]
    #[case(&[OURS, "Received: by elsewhere.example; date", "Authentication-Results: mx.acme.example; ("], true)]
    // Names that the server in front, comparing texts, does not take for its own.
    #[case(&["Authentication-Results: \"mx\".acme.example; dmarc=pass header.from=corp.example"], false)]
    #[case(&["Authentication-Results: (c) mx.acme.example; dmarc=pass header.from=corp.example"], false)]
    #[case(&["Authentication-Results: mx.\\acme.example; dmarc=pass header.from=corp.example", OURS], false)]
    #[case(&[], false)]
    fn what_our_servers_found_is_believed(#[case] fields: &[&str], #[case] expect: bool) {
        let text = format!("{}\r\nFrom: sophie@corp.example\r\n\r\n", fields.join("\r\n"));
        let message = Message::read(Bytes::from(text.trim_start().to_owned()));
        let domain = |text: &str| text.parse::<Domain>().unwrap();
        let results = Results::read(&message, &domain("mx.acme.example"), &[domain("mx.acme.example")]);
        assert_eq!(results.pass_dmarc(&domain("corp.example")), expect, "{results:?}");
    }

    #[rstest]
    #[case("auth=pass smtp.auth=sophie@corp.example", Some("sophie@corp.example"))]
    #[case("auth=pass (plain) smtp.auth=sophie@corp.example; spf=none", Some("sophie@corp.example"))]
    #[case("auth=pass smtp.auth=s@corp.example; auth=pass smtp.auth=S@corp.example", Some("s@corp.example"))]
    #[case("auth=fail smtp.auth=sophie@corp.example", None)]
    #[case("auth=pass smtp.auth=s@corp.example; auth=pass smtp.auth=t@corp.example", None)]
    #[case("auth=pass smtp.auth=s@corp.example; auth=fail smtp.auth=s@corp.example", None)]
    #[case("auth=pass smtp.auth=s@corp.example smtp.auth=t@corp.example", None)]
    #[case("auth=pass smtp.auth=sophie", None)]
    #[case("auth=pass smtp.mailfrom=sophie@corp.example", None)]
    // One of our servers got it from elsewhere, another from that one, which had logged in.
    #[case("dmarc=fail header.from=corp.example; auth=pass smtp.auth=sophie@corp.example", None)]
    #[case("spf=pass smtp.mailfrom=sophie@corp.example", None)]
    fn who_logged_in_is_known(#[case] findings: &str, #[case] expect: Option<&str>) {
        let message = Message::read(Bytes::from(format!("Authentication-Results: mx; {findings}\r\n\r\n")));
        let mx: Domain = "mx".parse().unwrap();
        let results = Results::read(&message, &mx, std::slice::from_ref(&mx));
        assert_eq!(results.authenticated().map(|name| name.to_string()).as_deref(), expect);
    }

    #[test]
    fn to_say_nothing_is_not_to_be_illegible() {
        let mx: Domain = "mx".parse().unwrap();
        let read =
            |text: &'static str| Results::read(&Message::read(Bytes::from(text)), &mx, std::slice::from_ref(&mx));
        assert_eq!(read("Authentication-Results: other; none\r\n\r\n"), Results::Silent);
        assert_eq!(read("Authentication-Results: mx; none\r\n\r\n"), Results::Found(Vec::new()));
        assert_eq!(read("Authentication-Results: mx; none; none\r\n\r\n"), Results::Illegible);
    }

    /// Texts that are nearly such fields.
    fn nearly() -> impl Strategy<Value = String> {
        let pieces =
            vec!["mx", ";", "=", " ", "(", ")", "\"", "\\", "dmarc", "pass", "none", ".", "/", "1", "by", "from"];
        let piece = prop_oneof![8 => proptest::sample::select(pieces).prop_map(str::to_owned), 1 => ".{0,3}"];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in prop_oneof![nearly(), ".{0,80}"]) {
            written_by(&text);
            if let Some(findings) = parse(&text) {
                prop_assert!(findings.iter().all(|finding| !finding.method.is_empty() && !finding.result.is_empty()));
            }
            prop_assert!(authserv_id_of(&text).is_none_or(|id| text.trim_start().starts_with(id)));
        }

        #[test]
        fn any_bytes_of_a_field_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let head = [b"Authentication-Results: mx; ".as_slice(), &bytes].concat();
            let mx: Domain = "mx".parse().unwrap();
            let _answered = Results::read(&Message::read(Bytes::from(head)), &mx, std::slice::from_ref(&mx));
        }

        #[test]
        fn no_comment_and_no_quoted_text_proves_anything(text in "[ -~]{0,60}") {
            let inner: String = text.chars().flat_map(|c| ['\\', c]).collect();
            for value in [format!("mx; spf=none reason=\"{inner}\""), format!("mx; spf=none ({inner})")] {
                let findings = parse(&value).unwrap();
                prop_assert_eq!(findings.len(), 1);
                prop_assert_eq!(&findings[0].method, "spf");
            }
        }
    }
}
