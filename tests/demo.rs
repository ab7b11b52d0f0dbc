//! `demo` shows what it says it shows.

use std::process::Command;

#[test]
fn the_demo_shows_every_scene_and_where_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_sincerely")).arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for (title, place, why) in [
        ("Amazon SES had replaced", "sophie.martin@corp.example", "evidence seed"),
        ("In-Reply-To and nothing else", "tom@corp.example", "evidence message-id"),
        ("no threading field", "sophie.martin@corp.example", "evidence persona-address"),
        ("to what Sophie wrote", "sophie.martin@corp.example", "evidence seed"),
        ("to what Tom wrote", "tom@corp.example", "evidence message-id"),
        ("her own answer", "sophie.martin@corp.example", "evidence message-id"),
        ("vacation notice", "held/auto-reply", "kind auto-reply"),
        ("A bounce", "held/bounce", "kind bounce"),
        ("forges a seed", "held/unmatched", ""),
        ("tries to relay", "nowhere", "550 5.7.1"),
    ] {
        let line =
            text.lines().find(|line| line.contains(title)).unwrap_or_else(|| panic!("no scene {title:?}:\n{text}"));
        assert!(line.contains(place) && line.contains(why), "{title:?}: {line}");
    }
}
