//! The command line. What it does is in the library.

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use countersign::{
    backup,
    cli::{self, KeysCommand, UserCommand},
    config::{Config, Settings},
};
use countersign_core::{Clock, Entropy, ServerSecret};
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// The account system that a Rust web app starts from.
///
/// Settings come from the environment, from countersign.toml and from .env in the working directory;
/// `countersign config` shows them.
#[derive(Parser)]
#[command(name = "countersign", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Subcommand)]
enum Command {
    /// Serve the pages and the API (this is what happens without a command).
    Serve,
    /// Bring the tables of the database up to date, and stop. `serve` does so, too.
    Migrate,
    /// Show the settings that are in force, without the secrets.
    Config {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy the database to a new file, while servers run or not. The server secret is not part of
    /// it.
    Backup {
        /// The file, which must not exist yet.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put a backup in the place of the database. No server may run meanwhile.
    Restore {
        /// The file that `backup` made.
        file: PathBuf,
        /// Replace a database that has accounts. It is kept under another name.
        #[arg(long)]
        force: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Work with the server secret.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Work with the keys that access tokens are signed with. Running servers follow within a
    /// second.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Work with accounts, beside a running server or without one.
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Clone, Copy, Subcommand)]
enum SecretCommand {
    /// Print a new server secret, for `COUNTERSIGN_SECRET` or a file.
    New,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command.unwrap_or(Command::Serve)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            countersign::logs::write_to_stderr(
                format!("countersign: {}\n", countersign_core::chain(&*error)),
                Duration::from_secs(1),
            );
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    countersign::core_dumps::disable().context("core dumps cannot be switched off")?;
    if let Command::Secret(SecretCommand::New) = command {
        return print(&ServerSecret::generate(&Entropy::System)?.expose());
    }
    let settings = Settings::read().context("the settings cannot be read")?;
    let config = match Config::from_settings(&settings) {
        Ok(config) => config,
        Err(problems) => bail!("these settings are wrong:\n  - {}", problems.join("\n  - ")),
    };
    if let Command::Config { json } = command {
        return print(&if json { config.to_json() } else { config.to_text() });
    }
    let is_server = matches!(command, Command::Serve);
    let _flush = countersign::logs::start(config.log_filter.as_deref(), is_server)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime does not start")?;
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
                print(&cli::keys(&config, command, &Clock::System, &Entropy::System).await?)
            }
            Command::User(command) => {
                cli::users(
                    &config,
                    command,
                    &Clock::System,
                    &Entropy::System,
                    password,
                    &mut std::io::stdout(),
                )
                .await
            }
            _ => countersign::serve(config, Clock::System, Entropy::System).await,
        }
    })
}

/// From the terminal, where it is not shown; else the first line of the standard input.
fn password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").context("no password could be read");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("no password could be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("nothing can be printed")
}
