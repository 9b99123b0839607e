// Which pages never run a script, so that nobody waits for it.
const without = new WeakSet();

/** `where` is a page or a whole context. */
export const scriptsNeverRun = (where) => without.add(where);

export const runsScripts = (page) => !without.has(page) && !without.has(page.context());
