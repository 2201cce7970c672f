/**
 * Remembers the last call: equal arguments (by identity) give the identical result again, so that whatever rests on that result can be
 * remembered in the same way.
 */
export function memoLatest<Args extends readonly unknown[], Result>(
  compute: (...args: Args) => Result,
): (...args: Args) => Result {
  let last: { readonly args: Args; readonly result: Result } | undefined;
  return (...args) => {
    if (last?.args.every((arg, i) => arg === args[i])) return last.result;
    last = { args, result: compute(...args) };
    return last.result;
  };
}

/** Like `memoLatest`, and a new result that equals the old one by `keyOf` keeps the old one's identity. */
export function memoStable<Args extends readonly unknown[], Result>(
  compute: (...args: Args) => Result,
  keyOf: (result: Result) => string,
): (...args: Args) => Result {
  let held: { readonly key: string; readonly result: Result } | undefined;
  return memoLatest((...args: Args) => {
    const result = compute(...args);
    const key = keyOf(result);
    if (held === undefined || held.key !== key) held = { key, result };
    return held.result;
  });
}

/** A key of everything in a value: maps are written as their entries. */
export const contentOf = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? [...each] : each));
