//! Tokens: which keys make them, where each may stand, and what becomes of one that is not ours, not whole,
//! in a wrong place or in somebody else's mail.

use std::path::Path;

use data_encoding::{BASE32_NOPAD_NOCASE, BASE64};

use super::plans::{plan, told};
use super::*;

const PURPOSES: [Purpose; 4] = [Purpose::Seed, Purpose::Reply, Purpose::ReturnOfForward, Purpose::ReturnOfOutbound];

/// Acme with these keys in its secret file, the newest first.
fn with_keys(keys: &[u8]) -> Acme {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let lines: String = keys.iter().map(|octet| BASE64.encode(&[*octet; 32]) + "\n").collect();
    std::fs::write(&path, lines).unwrap();
    Acme { keys: load(&path), ..Acme::new() }
}

fn load(path: &Path) -> Keys {
    Keys::load(path).unwrap()
}

/// Where a token may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In References.
    References,
    /// In the subaddress of a shared address.
    Shared,
    /// In the domain of masked addresses.
    ReplyDomain,
}

const PLACES: [Place; 3] = [Place::References, Place::Shared, Place::ReplyDomain];

/// What is made of a text in the place of a token: `evidence persona thread`, or that the door refuses it.
fn read(acme: &Acme, place: Place, text: &str) -> String {
    let (to, fields) = match place {
        Place::References => ("hello@acme.example".to_owned(), format!("References: <{text}@acme.example>")),
        Place::Shared => (format!("hello+{text}@acme.example"), "Subject: hi".to_owned()),
        Place::ReplyDomain => (format!("x+{text}@replies.acme.example"), "Subject: hi".to_owned()),
    };
    if acme.desk().recipient(&address(&to)).is_err() {
        return "refused".into();
    }
    let told = told(&plan(acme, &to, &fields, Ok(&Found::default())));
    told.rsplit_once(' ').unwrap().0.to_owned()
}

/// What is made of a text that is no token.
fn nothing(place: Place) -> &'static str {
    if place == Place::ReplyDomain { "refused" } else { "unmatched - -" }
}

#[test]
fn each_purpose_has_its_places_and_serves_no_other() {
    let acme = with_keys(&[1]);
    for purpose in PURPOSES {
        let token = acme.token(purpose, "sophie", thread(1));
        for place in PLACES {
            let expect = match (place, purpose) {
                (Place::References, Purpose::Seed) => "seed sophie 1",
                (Place::Shared | Place::ReplyDomain, Purpose::Reply) => "recipient-token sophie 1",
                (Place::ReplyDomain, Purpose::ReturnOfOutbound) => "recipient-token sophie 1",
                (Place::ReplyDomain, Purpose::ReturnOfForward) => "recipient-token sophie -",
                (Place::References | Place::Shared | Place::ReplyDomain, _) => nothing(place),
            };
            assert_eq!(read(&acme, place, &token), expect, "{purpose:?} in {place:?}");
            assert_eq!(read(&acme, place, &token.to_uppercase()), expect, "upper-cased: {purpose:?} in {place:?}");
        }
    }
}

#[test]
fn a_token_that_a_relay_cut_or_lengthened_is_none() {
    let acme = with_keys(&[1]);
    for purpose in PURPOSES {
        let token = acme.token(purpose, "sophie", thread(1));
        let cuts = (1..token.len()).flat_map(|at| [token[..at].to_owned(), token[at..].to_owned()]);
        for changed in cuts.chain([format!("{token}a"), format!("a{token}"), format!("{token}{token}")]) {
            for place in PLACES {
                // What has no place in a local part is refused for that.
                if place == Place::References || changed.len() <= 50 {
                    assert_eq!(read(&acme, place, &changed), nothing(place), "{changed} in {place:?}");
                }
            }
        }
    }
}

#[test]
fn no_bit_can_be_changed_wherever_it_stands() {
    let acme = with_keys(&[1]);
    for purpose in PURPOSES {
        let octets = BASE32_NOPAD_NOCASE.decode(acme.token(purpose, "sophie", thread(1)).as_bytes()).unwrap();
        for bit in 0..octets.len() * 8 {
            let mut changed = octets.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = BASE32_NOPAD_NOCASE.encode(&changed).to_lowercase();
            for place in PLACES {
                assert_eq!(read(&acme, place, &changed), nothing(place), "bit {bit} of {purpose:?} in {place:?}");
            }
        }
    }
}

#[test]
fn a_key_that_is_in_the_file_verifies_and_the_newest_signs() {
    let seed = |keys: &[u8]| with_keys(keys).token(Purpose::Seed, "sophie", thread(1));
    for (signed_with, known, expect) in [
        (&[1][..], &[1][..], "seed sophie 1"),
        (&[1], &[2, 1], "seed sophie 1"),
        (&[1], &[3, 2, 1], "seed sophie 1"),
        (&[2, 1], &[2], "seed sophie 1"),
        // The older keys of a file sign nothing.
        (&[2, 1], &[1], "unmatched - -"),
        // Taken out: what it signed is no evidence any more.
        (&[1], &[2], "unmatched - -"),
        (&[2, 1], &[3, 1], "unmatched - -"),
        // Another installation's.
        (&[7], &[3, 2, 1], "unmatched - -"),
    ] {
        let read = read(&with_keys(known), Place::References, &seed(signed_with));
        assert_eq!(read, expect, "signed with {signed_with:?}, where {known:?} are known");
    }
}

/// Every customer can read a seed, and so can whoever gets the mail from them.
#[test]
fn a_seed_in_a_strangers_mail_names_the_thread_and_brings_the_strangers_own_id_alone() {
    let acme = with_keys(&[1]);
    let seed = acme.token(Purpose::Seed, "sophie", thread(1));
    let known = || Memory::default().learned("one@acme.example", "sophie", 1);
    let from_eve = format!("From: eve@elsewhere.example|References: <{seed}@acme.example> <anns@customer.example>");
    let replayed = plan(&acme, "sophie@acme.example", &from_eve, Ok(&known().0));
    assert_eq!(told(&replayed), "seed sophie 1 sophie@corp.example");
    assert_eq!(replayed.joins, Some(thread(1)), "her own id");

    // It is evidence for her, and for nobody else.
    let after = known().healed("own@elsewhere.example", "sophie", 1, "eve@elsewhere.example");
    for (from, to, expect) in [
        ("eve@elsewhere.example", "hello@acme.example", "message-id sophie 1 sophie@corp.example"),
        ("ann@customer.example", "hello@acme.example", "unmatched - - held/unmatched"),
        ("ann@customer.example", "sophie@acme.example", "persona-address sophie - sophie@corp.example"),
    ] {
        let fields = format!("From: {from}|In-Reply-To: <own@elsewhere.example>");
        assert_eq!(told(&plan(&acme, to, &fields, Ok(&after.0))), expect, "{from} to {to}");
    }
}
