//! `labels.csv`: what people called the messages of a folder.

use std::path::Path;

use sincerely::mail::Kind;

/// A message, and what people called it.
pub(crate) struct Label {
    /// Below the folder.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// The labels of a folder; `None` where it has none.
///
/// # Errors
/// Every line that cannot be read, or names a file that is not there.
pub(crate) fn read(folder: &Path) -> Result<Option<Vec<Label>>, String> {
    let file = folder.join("labels.csv");
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty());
    let (mut labels, mut mistakes) = (Vec::new(), Vec::new());
    for (index, line) in lines {
        match label(folder, line) {
            Ok(label) => labels.push(label),
            Err(mistake) => mistakes.push(format!("{}:{}: {mistake}", file.display(), index + 1)),
        }
    }
    if mistakes.is_empty() { Ok(Some(labels)) } else { Err(mistakes.join("\n")) }
}

/// The path and the kind are the first two columns.
fn label(folder: &Path, line: &str) -> Result<Label, String> {
    let (path, rest) = first_column(line).ok_or("a line has a path, then a kind: path,kind,…")?;
    let kind = rest.split(',').next().unwrap_or_default().trim();
    let kinds = "human, auto-reply, auto-generated, bounce, list, report or challenge";
    let kind = kind.parse().map_err(|_unknown| format!("{kind:?} is no kind: write {kinds}"))?;
    let is_there = folder.join(&path).is_file();
    is_there.then_some(Label { kind, path: path.clone() }).ok_or_else(|| format!("{path} is not there"))
}

/// A column may stand in quotes; a quote in it is doubled.
fn first_column(line: &str) -> Option<(String, &str)> {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split_once(',').map(|(path, rest)| (path.to_owned(), rest));
    };
    let end = quoted.match_indices("\",").map(|(at, _)| at).find(|at| !quoted[..*at].ends_with('"'))?;
    Some((quoted[..end].replace("\"\"", "\""), &quoted[end + 2..]))
}

#[test]
fn labels_of_a_corpus_are_read_and_mistakes_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    assert!(read(folder.path()).unwrap().is_none());
    write("a.eml", "");
    write("b, c.eml", "");
    write("labels.csv", "path,kind,confidence\na.eml,human,sure\n\n\"b, c.eml\",auto-reply,likely\n");
    let labels = read(folder.path()).unwrap().unwrap();
    let told: Vec<String> = labels.iter().map(|label| format!("{} {}", label.path, label.kind)).collect();
    assert_eq!(told, ["a.eml human", "b, c.eml auto-reply"]);
    write("labels.csv", "path,kind\na.eml,robot\nz.eml,human\nnothing\n");
    let mistakes = read(folder.path()).err().unwrap();
    for mistake in ["labels.csv:2: \"robot\" is no kind", "labels.csv:3: z.eml is not there", "labels.csv:4: a line"] {
        assert!(mistakes.contains(mistake), "{mistakes}");
    }
}
