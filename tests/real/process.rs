//! Commands, and their output where they fail.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a command; its standard output. It must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = output(command, b"");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that reads something; whatever comes of it.
pub(crate) fn output(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs it"));
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // It may print before it has read all. One that does not read to the end says so by its own result.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

/// Copies a program to where it is run, in a process of its own: a file that this one writes is still open for writing
/// in whatever another test starts meanwhile, and such a file cannot be run.
pub(crate) fn install(program: &Path, to: &Path) {
    run(Command::new("install").args(["-m", "755"]).args([program, to]));
}

/// All that a command printed.
pub(crate) fn said(output: &Output) -> String {
    [output.stdout.as_slice(), b"\n", output.stderr.as_slice()]
        .concat()
        .iter()
        .map(|octet| char::from(*octet))
        .collect()
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Whether a process is there.
pub(crate) fn is_there(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
