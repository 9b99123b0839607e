// Assertions for the flows.

/** Throws unless `actual` is `expected`. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected)
    throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}

/** Returns `value`, or throws if it is missing. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
}

export const PASSWORD = 'correct horse battery';
