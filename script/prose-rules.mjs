// The rules of script/prose, as data. A `files` entry is a list of globs: `**` crosses folders, `*`
// does not.

/** Files that are not read. */
export const SKIPPED = [
  { files: ['**/Cargo.lock', '**/package-lock.json', '**/LICENSE*'], reason: 'third-party text' },
  { files: ['**/vectors/**', 'fuzz/corpus/**'], reason: 'test data' },
  { files: ['**/*.png', '**/*.ico', '**/*.svg'], reason: 'images' },
  { files: ['script/prose-rules.mjs'], reason: 'this file quotes what it forbids' },
];

/**
 * Words that must not occur, in text or as a part of an identifier. Case does not matter: `Nobody`,
 * `is_nobody` and `NOBODY_ELSE` are all found.
 */
export const WORDS = [
  {
    words: ['whoever', 'somebody', 'nobody', 'anybody', 'stranger', 'strangers'],
    cure: 'name the actor: user, client, anonymous client, administrator, attacker',
  },
  { words: ['boss', 'bosses'], cure: 'use "administrator"' },
  { words: ['crowd', 'crowds'], cure: 'use "clients" or "attackers"' },
  { words: ['leaver', 'leavers'], cure: 'use "account scheduled for deletion"' },
  { words: ['asker', 'askers'], cure: 'use "client"' },
  { words: ['patience'], cure: 'use "timeout"' },
  { words: ['laboratory'], cure: 'use "component gallery"' },
  { words: ['mend', 'mends', 'mended', 'mending'], cure: 'use "fix"' },
];

/** Phrases that must not occur. A space in a pattern also matches a line break in a comment. */
export const PHRASES = [
  { pattern: /\bknown browsers?\b/i, cure: 'use "browser with a device cookie"' },
  {
    // Not "over 100 columns", "over TLS" or "over the limit".
    pattern: /\b(?:is|are|was|were|be) over\b(?! (?:\d|[A-Z]|an? |the |its |their |all ))/,
    cure: 'use "has ended", "has expired", "is revoked" or "is complete"',
  },
  { pattern: /\bwants? in\b(?! (?:an?|the|its|each|order)\b)/i, cure: 'use "logs in"' },
  { pattern: /\bon (?:its|their) way out\b/i, cure: 'use "scheduled for deletion"' },
  { pattern: /\b(?:to|cannot|can|could|may|not|must) be had\b/i, cure: 'use "is available"' },
  { pattern: /\bcomes? of (?:it|them|that)\b/i, cure: 'use "the result"' },
  { pattern: /\bbec(?:a|o)me of (?:it|them|the|that)\b/i, cure: 'use "the state" or "the result"' },
  { pattern: /\bin good order\b/i, cure: 'use "cleanly"' },
  { pattern: /\bat the door\b/i, cure: 'name the page or the endpoint' },
];

/** Places where a forbidden word or phrase is correct. */
export const ALLOWED_TEXT = [
  {
    files: ['script/with-postgres', 'script/with-pgbouncer'],
    pattern: /owner=nobody/,
    reason: 'the name of a system user',
  },
];

/** Words that must not begin a doc comment (`///` or `//!`). */
export const FIRST_WORDS = {
  words: ['Of', 'So', 'For', 'What', 'Whoever', 'Where', 'The same', 'As'],
  cure: 'start with a noun phrase ("The log-in form.") or a third-person verb ("Returns …")',
};

export const MAX_COLUMNS = 100;

/** Lines that may be longer than MAX_COLUMNS. Without a `pattern` every line of the files. */
export const LONG_LINES = [
  { files: ['**/*.json', '**/*.tsv', '**/*.csv'], reason: 'data' },
  { files: ['**/*.snap'], reason: 'rendered output' },
  { files: ['**/*.md'], pattern: /^\s*\|.*\|\s*$/, reason: 'a table row cannot be broken' },
  { files: ['**/*.rs'], pattern: /^\s*#!?\[path = /, reason: 'a path cannot be broken' },
  { files: ['**/*.rs'], pattern: /\$argon2id\$/, reason: 'a password hash cannot be broken' },
  { files: ['style/icons.css'], pattern: /url\("data:/, reason: 'a data URL cannot be broken' },
  { files: ['clippy.toml'], pattern: /^\s*\{ path = /, reason: 'an inline table is one line' },
  {
    files: ['docs/recipes/*.md'],
    pattern: /^(?:\/\/|#|--) \S+, (?:after|before|instead of) `/,
    reason: 'script/check-recipes needs the whole directive in one line',
  },
];

/**
 * Text without spaces that cannot be broken: URLs, and hashes in hexadecimal or base64 digits. It
 * does not count as columns.
 */
export const UNBREAKABLE = new RegExp([
  /https?:\/\/[^\s)>"'`]+/,
  /\b[0-9a-f]{32,}\b/,
  /\b(?=\S*\d)(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/_-]{40,}={0,2}/,
].map(({ source }) => source).join('|'), 'g');

/** Commit subjects: `area: imperative summary`. */
export const SUBJECT = {
  maxLength: 72,
  pattern: /^[a-z0-9][a-z0-9 ,/_.-]*: \S/,
  cure: 'write "area: imperative summary"',
  forbidden: [
    { pattern: /\bwip\d*\b/i, cure: 'describe the change instead of "wip"' },
    {
      pattern: /: (?!(?:embed|feed|need|seed|speed|bring|string|ping)\b)[a-z]+(?:ed|ing)\b/,
      cure: 'start the summary with an imperative verb ("add", not "added" or "adding")',
    },
    {
      pattern: /: (?:adds|allows|changes|fixes|makes|moves|removes|renames|updates|uses)\b/,
      cure: 'start the summary with an imperative verb ("add", not "adds")',
    },
  ],
};
