//! The command `sincerely`: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use sincerely::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(code) => code.into(),
        Err(error) => {
            anstream::eprintln!("sincerely: {error:#}");
            sysexits::ExitCode::Software.into()
        }
    }
}
