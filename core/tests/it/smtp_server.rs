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

/// The server. It ends when this is dropped.
pub struct SmtpServer {
    process: Child,
    pub port: u16,
    messages: Receiver<Value>,
}

impl SmtpServer {
    pub fn start() -> Self {
        Self::on_port(0)
    }

    /// Starts a server on this port; 0: any free port.
    pub fn on_port(port: u16) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../script/smtp-server");
        let mut process = Command::new("node")
            .args([script, "--port", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node, which script/setup installs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        let ports: Value = serde_json::from_str(&first).expect("JSON");
        let (sender, messages) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let message = serde_json::from_str(&line).expect("JSON");
                if sender.send(message).is_err() {
                    return; // The test is over.
                }
            }
        });
        let port = ports["port"].as_u64().and_then(|port| port.try_into().ok());
        Self { process, port: port.expect("a port"), messages }
    }

    /// The setting for this server.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// Returns the next message: its recipient and its text.
    pub fn next(&self) -> (String, String) {
        let message = self.messages.recv_timeout(REPORT_TIMEOUT).expect("a message");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&message["to"][0]), text(&message["raw"]))
    }

    /// Returns the messages that were reported and not taken yet.
    pub fn rest(&self) -> usize {
        self.messages.try_iter().count()
    }

    /// Ends the process.
    pub fn stop(mut self) -> u16 {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.port
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
