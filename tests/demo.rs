//! `demo` shows what it says it shows.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use std::process::Command;

#[test]
fn the_demo_shows_every_scene_and_where_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_sincerely")).arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for (title, place, why) in [
        ("Amazon SES had replaced", "sophie.martin@corp.example", "seed: "),
        ("In-Reply-To and nothing else", "tom@corp.example", "message-id: "),
        ("no threading field", "sophie.martin@corp.example", "persona-address: "),
        ("to what Sophie wrote", "sophie.martin@corp.example", "seed: "),
        ("to what Tom wrote", "tom@corp.example", "message-id: "),
        ("her own answer", "sophie.martin@corp.example", "message-id: "),
        ("the subject is left", "tom@corp.example", "subject: "),
        ("by name", "sophie.martin@corp.example", "by-name: "),
        ("vacation notice", "held/auto-reply", "kind auto-reply"),
        ("A bounce", "held/bounce", "kind bounce, evidence quoted-id"),
        ("forges a seed", "held/unmatched", "evidence unmatched"),
        ("tries to relay", "nowhere ", "relaying denied"),
    ] {
        let told: Vec<&str> = text.lines().skip_while(|line| !line.contains(title)).skip(1).take(2).collect();
        let [went, because] = told.as_slice() else { panic!("no scene {title:?}:\n{text}") };
        assert!(went.contains(&format!("→ {place} ")) && because.contains(why), "{title:?}: {told:?}");
    }
}
