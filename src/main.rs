//! The command `sincerely`: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use sincerely::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Asked for help or the version, it is no mistake.
        Err(error) => {
            let code = if error.use_stderr() { sysexits::ExitCode::Usage } else { sysexits::ExitCode::Ok };
            return cli::refuse(&error).map_or(sysexits::ExitCode::IoErr, |()| code).into();
        }
    };
    match cli::run(cli) {
        Ok(code) => code.into(),
        Err(error) => {
            cli::complain(format_args!("sincerely: {error:#}"));
            sysexits::ExitCode::Software.into()
        }
    }
}
