// Emails that users receive.
import { expect } from '@playwright/test';
import { rawMessagesTo } from './mail-server.mjs';

/** Number of emails that `mailTo` has returned, by address. */
const readCounts = new Map();

/**
 * Waits for the next email to `address`. Returns `{ subject, text, html, link, code }`. `link` and
 * `code` are as in the text, such as "419 203"; undefined if it has none.
 */
export async function mailTo(address) {
  const index = readCounts.get(address) ?? 0;
  const next = async () => (await rawMessagesTo(address)).length;
  await expect
    .poll(next, { message: `email ${index + 1} to ${address}`, intervals: [100] })
    .toBeGreaterThan(index);
  readCounts.set(address, index + 1);
  return parseMessage((await rawMessagesTo(address))[index]);
}

function parseMessage(raw) {
  const { headers, body } = parseEntity(raw);
  const boundary = /boundary="?([^";\s]+)/i.exec(headers['content-type'])[1];
  const parts = body.split(`--${boundary}`).slice(1, -1).map(parseEntity);
  const contentOf = (type) =>
    decodeBody(parts.find(({ headers }) => headers['content-type'].startsWith(type)));
  const text = contentOf('text/plain');
  return {
    subject: decodeWords(headers.subject),
    text,
    html: contentOf('text/html'),
    link: /^https?:\/\/\S+\/link\?token=\S+$/m.exec(text)?.[0],
    code: /^ +(\d{3} \d{3})$/m.exec(text)?.[1],
  };
}

/** Splits a message, or a part of one, into header fields by lower-case name, and the body. */
function parseEntity(entity) {
  const [head, ...body] = entity.replaceAll('\r\n', '\n').trimStart().split('\n\n');
  const lines = head.replace(/\n[ \t]+/g, ' ').split('\n');
  const fields = lines.map((line) => /^([^:]+): *(.*)$/.exec(line).slice(1));
  return {
    headers: Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
    body: body.join('\n\n'),
  };
}

/** Decodes the body of a part by its `Content-Transfer-Encoding`. */
function decodeBody({ headers, body }) {
  const encoding = headers['content-transfer-encoding']?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(body) : body;
}

function decodeQuotedPrintable(text) {
  const bytes = text
    .replace(/=\n/g, '')
    .replace(/=([\dA-F]{2})/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}

/** Decodes the encoded words of a header field (RFC 2047). White space between two is dropped. */
function decodeWords(value) {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, encoding, text) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString()
        : decodeQuotedPrintable(text.replaceAll('_', ' ')),
    );
}
