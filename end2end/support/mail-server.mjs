// The SMTP server of a test run, script/smtp-server, to which all servers under test send email.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './builds.mjs';

/**
 * Starts the SMTP server. Returns a function that stops it. Playwright calls both, once per run.
 * The ports are passed on to the workers in the environment.
 */
export default async function startMailServer() {
  // It stops when its standard input closes, which is when this process ends.
  const mailServer = spawn(path.join(root, 'script/smtp-server'), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(mailServer, 'exit');
  const lines = createInterface({ input: mailServer.stdout });
  const first = await Promise.race([once(lines, 'line'), ended.then(() => null)]);
  if (!first) throw new Error('script/smtp-server did not start: run script/setup');
  const { port, http } = JSON.parse(first[0]);
  process.env.TEST_SMTP_URL = `smtp://127.0.0.1:${port}?tls=none`;
  process.env.TEST_MESSAGES_URL = `http://127.0.0.1:${http}`;
  return async () => {
    mailServer.kill();
    await ended;
  };
}

/** Settings of a server that sends email. Empty without an SMTP server, as in script/lighthouse. */
export function mailSettings() {
  const transport = process.env.TEST_SMTP_URL;
  if (!transport) return {};
  return {
    COUNTERSIGN_MAIL: transport,
    COUNTERSIGN_MAIL_FROM: 'Countersign <accounts@countersign.example>',
    // Tests of the verification require it.
    COUNTERSIGN_VERIFICATION: 'off',
  };
}

/** Messages that were accepted for an address, oldest first, as received. */
export async function rawMessagesTo(address) {
  const messages = await getJson('/messages', address);
  return messages.map(({ raw }) => raw);
}

/** Number of attempts to send email to an address, with those that the SMTP server refused. */
export const sendAttemptsTo = (address) => getJson('/attempts', address);

async function getJson(route, address) {
  const url = new URL(route, process.env.TEST_MESSAGES_URL);
  url.searchParams.set('to', address);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} returned ${response.status}`);
  return response.json();
}
