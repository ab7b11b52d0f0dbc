//! Our sources as tokens, without what stands under `#[cfg(test)]`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::document::root;

/// Names, each once, in order.
pub(crate) type Names = BTreeSet<String>;

/// One file of `src/`, its tests left out.
pub(crate) struct Source {
    /// Below `src/`.
    pub(crate) path: String,
    /// The top-level module that it belongs to; `main` and `lib` are their own.
    pub(crate) module: String,
    /// How many modules it lies in, itself counted: 1 for a top-level module.
    pub(crate) depth: usize,
    pub(crate) text: String,
    pub(crate) tokens: TokenStream,
    /// Lines of the file that are not of tests.
    pub(crate) lines: usize,
}

/// Every file of `src/` but the list of modules and what is there for tests only.
pub(crate) fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let mut tests = BTreeSet::new();
    let mut sources: Vec<Source> = files.iter().map(|file| source(&folder, file, &mut tests)).collect();
    sources.retain(|source| {
        let path = Path::new(&source.path);
        !path.ancestors().any(|part| tests.contains(&part.with_extension("")))
    });
    sources.retain(|source| source.path != "lib.rs");
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}

fn source(folder: &Path, file: &Path, tests: &mut BTreeSet<PathBuf>) -> Source {
    let text = fs::read_to_string(file).unwrap();
    let whole: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let path = file.strip_prefix(folder).unwrap();
    let module = match path.file_name().unwrap().to_str().unwrap() {
        "mod.rs" => path.parent().unwrap().to_path_buf(),
        _ => path.with_extension(""),
    };
    let mut cut = Cut::default();
    let tokens = cut.tests_out(whole);
    let inside = if path == Path::new("lib.rs") { Path::new("") } else { &module };
    tests.extend(cut.modules.iter().map(|name| inside.join(name)));
    Source {
        module: module.iter().next().unwrap().to_str().unwrap().to_owned(),
        depth: module.iter().count(),
        path: path.to_str().unwrap().to_owned(),
        lines: text.lines().count() - cut.lines,
        text,
        tokens,
    }
}

/// Takes out what stands under `#[cfg(test)]`, and notes what it was.
#[derive(Default)]
struct Cut {
    /// Modules that are files of their own.
    modules: Vec<String>,
    lines: usize,
}

impl Cut {
    fn tests_out(&mut self, stream: TokenStream) -> TokenStream {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut kept = Vec::new();
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            if is_punct(token, '#') && tokens.get(index + 1).is_some_and(is_cfg_test) {
                let length = tokens[index..].iter().skip(2).position(ends_item).map_or(2, |at| at + 3);
                self.note(&tokens[index..index + length]);
                index += length;
            } else {
                kept.push(self.inside(token));
                index += 1;
            }
        }
        kept.into_iter().collect()
    }

    fn inside(&mut self, token: &TokenTree) -> TokenTree {
        let TokenTree::Group(group) = token else { return token.clone() };
        let mut inner = Group::new(group.delimiter(), self.tests_out(group.stream()));
        inner.set_span(group.span());
        inner.into()
    }

    fn note(&mut self, item: &[TokenTree]) {
        let (first, last) = (item.first().unwrap(), item.last().unwrap());
        self.lines += last.span().end().line - first.span().start().line + 1;
        let name = item.windows(2).find(|pair| is_ident(&pair[0], "mod")).map(|pair| pair[1].to_string());
        self.modules.extend(name.filter(|_| is_punct(last, ';')));
    }
}

/// What fuzzing calls is there for tests too.
fn is_cfg_test(token: &TokenTree) -> bool {
    let is_one = |text: &str| ["[cfg(test)]", "[cfg(any(test,fuzzing))]"].contains(&text);
    matches!(token, TokenTree::Group(group) if is_one(&group.to_string().replace(' ', "")))
}

fn ends_item(token: &TokenTree) -> bool {
    is_punct(token, ';') || is_block(token)
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

pub(crate) fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

pub(crate) fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Shows every level of a stream: the stream itself, and what stands in each group.
fn each_level(stream: &TokenStream, look: &mut impl FnMut(&[TokenTree])) {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    look(&tokens);
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            each_level(&group.stream(), look);
        }
    }
}

/// Whether something is so at any level of a stream.
pub(crate) fn any_level(stream: &TokenStream, is_so: &impl Fn(&[TokenTree]) -> bool) -> bool {
    let mut found = false;
    each_level(stream, &mut |tokens| found |= is_so(tokens));
    found
}

/// The modules that stand behind `root::`, also in `root::{a, b::c}`.
pub(crate) fn imports(stream: &TokenStream, root: &str) -> Names {
    let mut names = Names::new();
    each_level(stream, &mut |tokens| {
        for four in tokens.windows(4).filter(|four| is_ident(&four[0], root) && leads_on(&four[1..])) {
            match &four[3] {
                TokenTree::Group(group) => names.extend(first_of_each(group.stream())),
                TokenTree::Ident(name) => names.extend([name.to_string()]),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    });
    names
}

fn first_of_each(list: TokenStream) -> Names {
    let tokens: Vec<TokenTree> = list.into_iter().collect();
    tokens.split(|token| is_punct(token, ',')).filter_map(|part| part.first()).map(ToString::to_string).collect()
}

/// The longest chain of `super::super::…`.
pub(crate) fn supers(stream: &TokenStream) -> usize {
    let mut longest = 0;
    each_level(stream, &mut |tokens| {
        let is_step = |step: &&[TokenTree]| is_ident(&step[0], "super") && leads_on(&step[1..]);
        let steps = |from: &[TokenTree]| from.chunks(3).take_while(is_step).count();
        longest = (0..tokens.len()).map(|at| steps(&tokens[at..])).fold(longest, usize::max);
    });
    longest
}

/// What paths begin with: crates, modules and types.
pub(crate) fn roots(stream: &TokenStream) -> Names {
    let mut names = Names::new();
    each_level(stream, &mut |tokens| {
        for (at, token) in tokens.iter().enumerate() {
            let is_inside = at >= 2 && leads_on(&tokens[at - 2..]);
            let is_used = at >= 1 && is_ident(&tokens[at - 1], "use");
            if !is_inside && (is_used || leads_on(&tokens[at + 1..])) {
                names.insert(token.to_string());
            }
        }
    });
    names
}

/// All words of the code, or only those that lead into a path.
pub(crate) fn idents(stream: &TokenStream, lead_on: bool) -> Names {
    let mut names = Names::new();
    each_level(stream, &mut |tokens| {
        let is_meant =
            |at: usize| matches!(tokens[at], TokenTree::Ident(_)) && (!lead_on || leads_on(&tokens[at + 1..]));
        names.extend((0..tokens.len()).filter(|at| is_meant(*at)).map(|at| tokens[at].to_string()));
    });
    names
}

/// Whether a path goes on: `::` comes next.
fn leads_on(rest: &[TokenTree]) -> bool {
    matches!(rest, [first, second, ..] if is_punct(first, ':') && is_punct(second, ':'))
}

/// Every function with a body: its name and how many lines it takes.
pub(crate) fn functions(stream: &TokenStream) -> Vec<(String, usize)> {
    let mut functions = Vec::new();
    each_level(stream, &mut |tokens| {
        for (at, token) in tokens.iter().enumerate() {
            let (true, Some(TokenTree::Ident(name))) = (is_ident(token, "fn"), tokens.get(at + 1)) else { continue };
            if let Some(body) = tokens[at..].iter().find(|token| ends_item(token)).filter(|token| is_block(token)) {
                functions.push((name.to_string(), body.span().end().line - token.span().start().line + 1));
            }
        }
    });
    functions
}
