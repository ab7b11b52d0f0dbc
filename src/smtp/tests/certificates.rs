//! What can be wrong with the files of a certificate.

use std::fs;

use super::pki::Pki;
use crate::smtp::{Certificate, Files, Outdated};

/// Everything that is said about a pair of files, their folder left out.
fn said(pki: &Pki, files: &Files) -> String {
    let unusable = Certificate::read(files).unwrap_err();
    let said = unusable.iter().map(|unusable| format!("{}: {unusable}\n", unusable.part)).collect::<String>();
    said.replace(&format!("{}/", pki.folder.path().display()), "")
}

#[test]
fn what_no_certificate_is_made_of() {
    let pki = Pki::new();
    let named = |certificate: &str, key: &str| Files {
        certificate: pki.folder.path().join(certificate),
        key: pki.folder.path().join(key),
    };
    let whole = fs::read_to_string(&pki.files.certificate).unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let nonsense = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
    for (name, text) in [
        ("empty", " \n"),
        ("der", "\u{30}\u{1}"),
        ("torn", &whole[..whole.len() / 2]),
        ("encrypted", encrypted),
        ("no-certificate", &nonsense("CERTIFICATE")),
        ("no-key", &nonsense("PRIVATE KEY")),
    ] {
        fs::write(pki.folder.path().join(name), text).unwrap();
    }
    fs::write(pki.folder.path().join("long"), vec![b'-'; 2 << 20]).unwrap();
    let of_other = Pki::new();
    fs::copy(&of_other.files.key, pki.folder.path().join("other-key")).unwrap();

    let mut all = String::new();
    for (certificate, key) in [
        ("nowhere", "nowhere"),
        ("empty", "long"),
        ("der", "torn"),
        ("torn", "certificate"),
        ("key", "encrypted"),
        ("certificate", "no-key"),
        ("no-certificate", "key"),
        ("certificate", "other-key"),
        (".", "key"),
    ] {
        all += &said(&pki, &named(certificate, key));
    }
    insta::assert_snapshot!(all, @r"
    certificate: nowhere is not there: write the path of a file in PEM
    key: nowhere is not there: write the path of a file in PEM
    certificate: empty is empty: expected PEM, which begins with -----BEGIN
    key: long is too long for a certificate or a key: write the path of a file in PEM
    certificate: der is not PEM, which begins with -----BEGIN; `openssl x509` or `openssl pkey` with -inform DER converts
    key: torn is damaged: a section of its PEM cannot be read
    certificate: torn is damaged: a section of its PEM cannot be read
    key: certificate has no private key in it: expected -----BEGIN PRIVATE KEY-----
    certificate: key has no certificate in it: expected -----BEGIN CERTIFICATE-----, the server's own first
    key: encrypted is encrypted with a passphrase: decrypt it with `openssl pkey -in FILE -out FILE`
    key: no-key has a key that cannot be used: expected RSA of 2048 bits or more, ECDSA of P-256 or P-384, or Ed25519
    certificate: no-certificate begins with a certificate that cannot be read
    key: other-key is not the key of the first certificate in certificate: write the two that were made together
    certificate: . cannot be read: Is a directory (os error 21)
    ");
}

#[test]
fn both_may_stand_in_one_file() {
    let pki = Pki::new();
    let both = fs::read_to_string(&pki.files.key).unwrap() + &fs::read_to_string(&pki.files.certificate).unwrap();
    let path = pki.folder.path().join("both");
    fs::write(&path, both).unwrap();
    assert!(Certificate::read(&Files { certificate: path.clone(), key: path }).is_ok());
}

#[test]
fn the_dates_of_a_certificate() {
    let certificate = Pki::valid(2000, 2010).certificate();
    let day = |text: &str| text.parse().unwrap();
    let [from, until] = ["2000-01-01T00:00:00Z", "2010-01-01T00:00:00Z"].map(day);
    assert_eq!(certificate.outdated(day("1999-12-31T23:59:59Z")), Some(Outdated::NotYet(from)));
    assert_eq!([certificate.outdated(from), certificate.outdated(until)], [None; 2]);
    let outdated = certificate.outdated(day("2010-01-01T00:00:01Z")).unwrap();
    assert_eq!(outdated.to_string(), "expired on 2010-01-01T00:00:00Z");
}
