// URLs as the server creates them.

/** The redirect after a rejected form without scripts: its page, with the problem in the query. */
export function formErrorUrl(page, func, problem) {
  const query = `__path=${encodeURIComponent(func)}&__err=${encodeURIComponent(problem)}`;
  return `${page}${page.includes('?') ? '&' : '?'}${query}`;
}
