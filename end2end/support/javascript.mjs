// Pages that never run scripts, for which the tests must not wait for hydration.
const scriptless = new WeakSet();

/** Marks a page or a whole context. */
export const markScriptless = (pageOrContext) => scriptless.add(pageOrContext);

export const runsScripts = (page) => !scriptless.has(page) && !scriptless.has(page.context());
