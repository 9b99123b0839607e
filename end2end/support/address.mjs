// Addresses as the server makes them.

/** Where a plain form leads that was refused: back to its page, with the problem in the address (URL-safe base64 of JSON, padded). */
export function refused(page, func, problem) {
  const value = Buffer.from(JSON.stringify(problem)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return `${page}?__path=${encodeURIComponent(func)}&__err=${encodeURIComponent(value)}`;
}
