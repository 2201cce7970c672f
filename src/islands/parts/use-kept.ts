import { useRef } from 'react';

/** Keeps the first value for as long as `key` stays the same, for work that depends on the shape of data and not on its figures. */
export function useKept<T>(value: T, key: string): T {
  const kept = useRef({ key, value });
  if (kept.current.key !== key) kept.current = { key, value };
  return kept.current.value;
}
