//! The command line of the program: its arguments, and which command they select. The commands are
//! in other modules.
//!
//! It is part of the library, because the program would otherwise compile the futures of all
//! commands, and with them of the whole server, again.

use crate::{
    backup,
    cli::{
        self, KeysCommand, UserCommand,
        mail::{self, MailCommand},
    },
    config::{Config, Settings},
    core_dumps, demo, logging, messages,
    serve::serve,
};
use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use countersign_core::{Clock, RandomSource, ServerSecret};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// The account system that a Rust web app starts from.
///
/// Settings come from the environment, countersign.toml and .env in the working directory.
/// `countersign config` shows them.
#[derive(Parser)]
#[command(name = "countersign", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Subcommand)]
enum Command {
    /// Start the server (the default command).
    Serve,
    /// Start a server with invented accounts, to try it. Its data is deleted when it stops.
    ///
    /// The log-ins of an administrator and two users are printed to standard error. Their devices
    /// and a month of activity exist already.
    ///
    /// The database is in a temporary directory, and nothing in the working directory is written.
    /// All settings apply except the server secret, which is generated. The command fails if
    /// `DATABASE_URL` is set, so that it never touches the data of a server.
    Demo,
    /// Apply database migrations and exit. `serve` also applies them.
    Migrate,
    /// Show the effective settings, without secrets.
    Config {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print all texts of pages and emails, as a file in which single texts can be replaced.
    ///
    /// `COUNTERSIGN_BRAND_MESSAGES` names the file with the replacements.
    Messages {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy the database to a new file. Servers may be running. The server secret is not included.
    Backup {
        /// The target file. It must not exist.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Replace the database with a backup. No server may be running.
    Restore {
        /// A file made by `backup`.
        file: PathBuf,
        /// Replace a database that has accounts. The old database is kept under another name.
        #[arg(long)]
        force: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Manage the server secret.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Manage the signing keys of access tokens. Running servers apply changes within a second.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Manage accounts, with or without a running server.
    #[command(subcommand)]
    User(UserCommand),
    /// Test email and manage the outbox, with or without a running server.
    #[command(subcommand)]
    Mail(MailCommand),
}

#[derive(Clone, Copy, Subcommand)]
enum SecretCommand {
    /// Print a new server secret, for `COUNTERSIGN_SECRET` or a file.
    New,
}

/// Runs the command that the arguments of the process select. An error is printed to standard
/// error. For an invalid argument and for `--help` the process exits here.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match run_command(arguments.command.unwrap_or(Command::Serve)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::write_to_stderr(
                format!("countersign: {}\n", countersign_core::error_chain(&*error)),
                Duration::from_secs(1),
            );
            ExitCode::FAILURE
        }
    }
}

fn run_command(command: Command) -> anyhow::Result<()> {
    core_dumps::disable().context("cannot disable core dumps")?;
    if let Command::Secret(SecretCommand::New) = command {
        return print(&ServerSecret::generate(&RandomSource::System)?.expose());
    }
    let settings = Settings::read().context("cannot read the settings")?;
    let config = match command {
        Command::Demo => Config::from_demo_settings(&settings),
        _ => Config::from_settings(&settings),
    };
    let config = match config {
        Ok(config) => config,
        Err(problems) => bail!("invalid settings:\n  - {}", problems.join("\n  - ")),
    };
    if let Command::Config { json } = command {
        return print(&if json { config.to_json() } else { config.to_text() });
    }
    config.replace_messages();
    if let Command::Messages { json } = command {
        return print(&if json {
            format!("{:#}", messages::to_json())
        } else {
            messages::to_toml()
        });
    }
    let is_server = matches!(command, Command::Serve | Command::Demo);
    let _flush = logging::start(config.log_filter.as_str(), is_server)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::Migrate => {
                cli::migrate(&config).await?;
                print("The database is up to date.")
            }
            Command::Backup { file, json } => print(&backup::back_up(&config, &file, json).await?),
            Command::Restore { file, force, json } => {
                print(&backup::restore(&config, &file, force, json, &Clock::System).await?)
            }
            Command::Keys(command) => {
                print(&cli::keys(&config, command, &Clock::System, &RandomSource::System).await?)
            }
            Command::User(command) => {
                cli::users(
                    &config,
                    command,
                    &Clock::System,
                    &RandomSource::System,
                    password,
                    &mut std::io::stdout(),
                )
                .await
            }
            Command::Mail(command) => {
                let (clock, random) = (Clock::System, RandomSource::System);
                mail::run(&config, command, &clock, &random, &mut std::io::stdout()).await
            }
            Command::Demo => demo::serve(config, RandomSource::System).await,
            _ => serve(config, Clock::System, RandomSource::System).await,
        }
    })
}

/// Reads a password: on a terminal without echo, otherwise the first line of standard input.
fn password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").context("cannot read the password");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}
