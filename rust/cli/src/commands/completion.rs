//! `completion`: a script from the definitions that parse the command line. It needs no configuration.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::args::{Cli, Completion};
use crate::exit::Failure;

pub fn run(args: &Completion) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "s3-cli", &mut script);
    io::stdout().write_all(&script)?;
    Ok(())
}
