//! The references of commands and settings as Markdown, from the definitions that parse them.

use std::fmt::Write;

use clap::CommandFactory;
use s3dlio::config::{Kind, SETTINGS};

use crate::args::Cli;

const WIDTH: usize = 100;

const HEAD: &str = "\
# s3-cli

<!-- Generated: `s3-cli reference > docs/reference/cli.md`. -->

Results go to stdout, everything else to stderr. `--json` gives one value per line.
Settings that have no flag of their own are given by `--option NAME=VALUE` or in the environment.
`--help` and `file://` need no credentials.

Where there is nothing below a prefix, `list` and `du` answer so, `delete` has nothing left to do, and all three exit
with 0. Commands that read or copy what is there (`get`, `download`, `upload`, `cp`, `sync`) have no source, and exit
with 3. For `sync`, a directory or a bucket that is there and holds nothing is an empty tree.
";

/// The text of `docs/reference/cli.md`.
#[must_use]
pub fn reference() -> String {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut text = HEAD.to_owned();
    let mut section = |heading: &str, command: &mut clap::Command| {
        let help = command.render_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        write!(
            text,
            "\n{heading}\n\n```text\n{}\n```\n",
            lines.join("\n").trim_end()
        )
        .expect("writing to memory does not fail");
    };
    section("## All commands", &mut root);
    let commands = root.get_subcommands_mut();
    let hide_global = |arg: clap::Arg| {
        let global = arg.is_global_set();
        arg.hide(global)
    };
    for command in commands.filter(|command| !command.is_hide_set() && command.get_name() != "help")
    {
        *command = std::mem::take(command).mut_args(hide_global);
        section(&format!("## s3-cli {}", command.get_name()), command);
    }
    text.trim_end().to_owned()
}

const CONFIGURATION: &str = include_str!("configuration.md");

/// The text of `docs/reference/configuration.md`.
#[must_use]
pub fn configuration() -> String {
    let mut table =
        "| Option | Variables | Value | Default | Meaning |\n|---|---|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let variables: Vec<String> = setting.env.iter().map(|name| format!("`{name}`")).collect();
        writeln!(
            table,
            "| `{}` | {} | {} | {} | {} |",
            setting.name,
            variables.join("<br>"),
            value(setting.kind, setting.env),
            escape(setting.default),
            escape(setting.help)
        )
        .expect("writing to memory does not fail");
    }
    CONFIGURATION
        .replacen("SETTINGS\n", &table, 1)
        .trim_end()
        .to_owned()
}

/// What a value looks like.
fn value(kind: Kind, env: &[&str]) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Choice(words) => words.join(", "),
        Kind::Count => "whole number above 0".to_owned(),
        Kind::Size => "bytes, as 8388608 or 8MiB".to_owned(),
        Kind::Seconds if env.iter().any(|name| name.ends_with("_MS")) => {
            "seconds; milliseconds in the variable".to_owned()
        }
        Kind::Seconds => "seconds".to_owned(),
        Kind::Switch => "true or false".to_owned(),
    }
}

/// Angle brackets would be markup.
fn escape(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}
