// Watches everything that a browser context says and sends. What nobody expects at that moment fails the journey: console messages of any kind,
// errors of pages, violations of the policy (Chromium reports them on the console), requests to another origin.
import { inspect } from 'node:util';

/**
 * What may be said. One of
 *   { status, url }    a request that was answered with this status (Chromium logs every 4xx and 5xx)
 *   { failure, url }   a request that got no answer, with Chromium's name for why
 *   { text, url? }     anything else, by a regular expression
 * `url` is path and query, or a regular expression; `times` is how often, 1 unless it is said. Infinity: as often as it likes, or never.
 */
function matches(expected, said) {
  if (expected.status && !said.text.startsWith(`Failed to load resource: the server responded with a status of ${expected.status} `)) return false;
  if (expected.failure && said.text !== `Failed to load resource: ${expected.failure}`) return false;
  if (expected.text && !expected.text.test(said.text)) return false;
  if (expected.url === undefined) return true;
  return expected.url instanceof RegExp ? expected.url.test(said.url) : expected.url === said.url;
}

export class Watch {
  #expected = [];
  /** What was said without anybody expecting it. */
  unexpected = [];
  /** Calls of server functions: `{ path, page, status, bearer, plainForm, start, end }`, times in milliseconds since 1970. */
  calls = [];

  constructor(origin) {
    this.origin = origin;
  }

  /** From now on this may be said. */
  expect(expected) {
    const entry = { ...expected, left: expected.times ?? 1 };
    this.#expected.push(entry);
    return entry;
  }

  /** While `action` runs exactly this is said, and not before or after. */
  async during(action, ...expected) {
    const entries = expected.map((one) => this.expect(one));
    const done = await action();
    const missing = () => entries.filter(({ left }) => left > 0 && left !== Infinity);
    await poll(() => missing().length === 0, () => `the console did not say ${missing().map(describe).join(', ')}`);
    this.#expected = this.#expected.filter((entry) => !entries.includes(entry));
    return done;
  }

  /** What was not expected, which is forgiven: for journeys that are about the watching itself. */
  take() {
    return this.unexpected.splice(0);
  }

  /** The calls of one server function so far; with `since`, from that call on (see `mark`). */
  callsTo(path, since = 0) {
    return this.calls.slice(since).filter((call) => call.path === path);
  }

  /** A point in time, for `callsTo`. */
  mark() {
    return this.calls.length;
  }

  follow(context) {
    context.on('console', (message) => this.#hear(message.text(), message.location().url, message.type()));
    context.on('weberror', (event) => this.#hear(`uncaught ${event.error()?.message ?? event.error()}`, '', 'error'));
    context.on('page', (page) => page.on('crash', () => this.#hear('the page crashed', page.url(), 'crash')));
    context.on('request', (request) => this.#see(request));
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

  #hear(text, address, type) {
    const url = address.startsWith(this.origin) ? address.slice(this.origin.length) : address;
    const expected = this.#expected.find((expected) => expected.left > 0 && matches(expected, { text, url }));
    if (expected) expected.left -= 1;
    else this.unexpected.push(`${type}: ${text}${url && ` (${url})`}`);
  }

  #see(request) {
    const url = new URL(request.url());
    if (url.protocol === 'data:') return;
    if (url.origin !== this.origin) this.unexpected.push(`a request to another origin: ${request.url()}`);
    if (request.method() !== 'POST' || !url.pathname.startsWith('/fn/')) return;
    const headers = request.headers();
    this.calls.push({ path: url.pathname, request, page: request.frame().page(), plainForm: request.isNavigationRequest(), bearer: 'authorization' in headers });
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
