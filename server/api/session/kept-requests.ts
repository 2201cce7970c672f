import type { ExplanationView } from '#contract';

/** Requests whose decisions somebody opened: a link to one leads to the same road after a restart, and when proxies have forgotten it. */
export interface KeptRequests {
  add(view: ExplanationView): void;
  get(id: string): ExplanationView | undefined;
  /** Newest last. */
  all(): readonly ExplanationView[];
  clear(): void;
}

const MOST = 12;
const MOST_CHARACTERS = 1_000_000;

export function createKeptRequests(before: readonly ExplanationView[], onChange: () => void): KeptRequests {
  let kept = before;
  return {
    add: (view) => {
      const others = kept.filter(({ request }) => request.id !== view.request.id);
      let left = MOST_CHARACTERS;
      kept = [...others, view]
        .slice(-MOST)
        .toReversed()
        .filter((one) => {
          left -= JSON.stringify(one).length;
          return left >= 0;
        })
        .toReversed();
      onChange();
    },
    get: (id) => kept.find(({ request }) => request.id === id),
    all: () => kept,
    clear: () => {
      kept = [];
    },
  };
}
