// Records the console messages and requests of a browser context. Anything unexpected fails the
// test: console messages of any kind, page errors, violations of the content security policy (which
// Chromium reports on the console) and requests to another origin.
import { inspect } from 'node:util';

/**
 * Whether a console message is the expected one. Expectations are one of
 *   { status, url }    a response with this status (Chromium logs every 4xx and 5xx)
 *   { failure, url }   a request without a response, with Chromium's error code
 *   { text, url? }     any other message, by a regular expression
 * `url` is path and query, or a regular expression. `times` is the number of occurrences (default:
 * 1); `Infinity` allows any number, including none.
 */
function matches(expected, message) {
  if (
    expected.status &&
    !message.text.startsWith(
      `Failed to load resource: the server responded with a status of ${expected.status} `,
    )
  )
    return false;
  if (expected.failure && message.text !== `Failed to load resource: ${expected.failure}`)
    return false;
  if (expected.text && !expected.text.test(message.text)) return false;
  if (expected.url === undefined) return true;
  return expected.url instanceof RegExp
    ? expected.url.test(message.url)
    : expected.url === message.url;
}

/** Chromium reports that it has discarded the pages that it had fetched in advance. */
const CLEARED = /^Clear-Site-Data header on .+: Cleared data types: "prefetchCache"\.$/;

/** The user was quicker than the page, whose first field gets the focus by itself. */
const AUTOFOCUS = /^Autofocus processing was blocked/;

/** Chromium skips the transition to a page, and reports it even if no script runs. */
const TRANSITION = /^uncaught Transition was (aborted|skipped)/;

export class ConsoleWatch {
  #expected = [CLEARED, AUTOFOCUS, TRANSITION].map((text) => ({ text, left: Infinity }));
  /** Unexpected console messages and requests. */
  unexpected = [];
  /**
   * Calls of server functions: `{ path, page, status, bearer, plainForm, start, end }`. Times are
   * in milliseconds since 1970.
   */
  calls = [];

  constructor(origin) {
    this.origin = origin;
  }

  /** Allows a console message from now on. */
  expect(expected) {
    const entry = { ...expected, left: expected.times ?? 1 };
    this.#expected.push(entry);
    return entry;
  }

  /** Expects exactly these console messages while `action` runs. */
  async during(action, ...expected) {
    const entries = expected.map((one) => this.expect(one));
    const result = await action();
    const missing = () => entries.filter(({ left }) => left > 0 && left !== Infinity);
    await poll(
      () => missing().length === 0,
      () => `missing on the console: ${missing().map(describe).join(', ')}`,
    );
    this.#expected = this.#expected.filter((entry) => !entries.includes(entry));
    return result;
  }

  /** Returns the unexpected messages and clears them. For tests of the harness itself. */
  takeUnexpected() {
    return this.unexpected.splice(0);
  }

  /** Calls of one server function; with `since` only those after that mark (see `mark`). */
  callsTo(path, since = 0) {
    return this.calls.slice(since).filter((call) => call.path === path);
  }

  /** The current position in `calls`, for `callsTo`. */
  mark() {
    return this.calls.length;
  }

  follow(context) {
    context.on('console', (message) =>
      this.#onMessage(message.text(), message.location().url, message.type()),
    );
    context.on('weberror', (event) =>
      this.#onMessage(`uncaught ${event.error()?.message ?? event.error()}`, '', 'error'),
    );
    context.on('page', (page) =>
      page.on('crash', () => this.#onMessage('the page crashed', page.url(), 'crash')),
    );
    context.on('request', (request) => this.#onRequest(request));
    context.on('response', (response) => {
      const call = this.calls.find(({ request }) => request === response.request());
      if (call) call.status = response.status();
    });
    context.on('requestfinished', (request) => {
      const call = this.calls.find((call) => call.request === request);
      if (call) {
        const { startTime, responseEnd } = request.timing();
        Object.assign(call, { start: startTime, end: startTime + responseEnd });
      }
    });
  }

  #onMessage(text, location, type) {
    const url = location.startsWith(this.origin) ? location.slice(this.origin.length) : location;
    const expected = this.#expected.find(
      (expected) => expected.left > 0 && matches(expected, { text, url }),
    );
    if (expected) expected.left -= 1;
    else this.unexpected.push(`${type}: ${text}${url && ` (${url})`}`);
  }

  #onRequest(request) {
    const url = new URL(request.url());
    if (url.protocol === 'data:') return;
    if (url.origin !== this.origin)
      this.unexpected.push(`a request to another origin: ${request.url()}`);
    if (request.method() !== 'POST' || !url.pathname.startsWith('/fn/')) return;
    const headers = request.headers();
    this.calls.push({
      path: url.pathname,
      request,
      page: request.frame().page(),
      plainForm: request.isNavigationRequest(),
      bearer: 'authorization' in headers,
    });
  }
}

const describe = ({ left, ...expected }) => `${inspect(expected)} (${left} more)`;

async function poll(condition, complaint) {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(complaint());
    await new Promise((done) => setTimeout(done, 20));
  }
}
