// Addresses as the server makes them.

/** Where a plain form leads that was refused: back to its page, with the problem in the address. */
export function refused(page, func, problem) {
  return `${page}${page.includes('?') ? '&' : '?'}__path=${encodeURIComponent(func)}&__err=${encodeURIComponent(problem)}`;
}
