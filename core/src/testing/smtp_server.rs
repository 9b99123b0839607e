//! A real SMTP server for tests: `script/smtp-server`, in a process of its own.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// Maximum time until a message that was sent is reported.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time without a message after which no more is expected.
const QUIET_TIME: Duration = Duration::from_millis(500);

/// The server. It ends when this is dropped.
pub struct SmtpServer {
    process: Child,
    /// The port on 127.0.0.1.
    pub port: u16,
    messages: Receiver<Value>,
}

/// A message that the server has accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceivedMail {
    /// The first recipient.
    pub to: String,
    /// The whole message.
    pub raw: String,
    /// Whether it came over an encrypted connection.
    pub is_encrypted: bool,
    /// The user who authenticated.
    pub user: Option<String>,
}

impl ReceivedMail {
    fn from_report(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            to: text(&message["to"][0]).expect("a recipient"),
            raw: text(&message["raw"]).expect("a message"),
            is_encrypted: message["tls"] == true,
            user: text(&message["user"]),
        }
    }
}

impl SmtpServer {
    /// Starts a server on a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::with_options(&[])
    }

    /// Starts a server on this port.
    #[must_use]
    pub fn on_port(port: u16) -> Self {
        Self::with_options(&["--port", &port.to_string()])
    }

    /// Starts a server with the options of `script/smtp-server`.
    ///
    /// # Panics
    /// Panics if the server does not start.
    #[must_use]
    pub fn with_options(options: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../script/smtp-server");
        let mut process = Command::new("node")
            .arg(script)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node, which script/setup installs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line with the ports").expect("text");
        let ports: Value = serde_json::from_str(&first).expect("JSON");
        let (sender, messages) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let message = serde_json::from_str(&line).expect("JSON");
                if sender.send(message).is_err() {
                    return; // The test has ended.
                }
            }
        });
        let port = ports["port"].as_u64().and_then(|port| port.try_into().ok());
        Self { process, port: port.expect("a port"), messages }
    }

    /// The setting for this server, without encryption.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// Waits for the next message.
    ///
    /// # Panics
    /// Panics if there is none in time.
    pub fn receive(&self) -> ReceivedMail {
        let message = self.messages.recv_timeout(REPORT_TIMEOUT).expect("a message");
        ReceivedMail::from_report(&message)
    }

    /// Returns the messages until none was reported for half a second.
    #[must_use]
    pub fn received_until_quiet(&self) -> Vec<ReceivedMail> {
        std::iter::from_fn(|| self.messages.recv_timeout(QUIET_TIME).ok())
            .map(|message| ReceivedMail::from_report(&message))
            .collect()
    }

    /// Returns the number of messages that were reported and not taken yet.
    #[must_use]
    pub fn rest(&self) -> usize {
        self.messages.try_iter().count()
    }

    /// Ends the process, and returns the port.
    #[must_use]
    pub fn stop(self) -> u16 {
        self.port
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
