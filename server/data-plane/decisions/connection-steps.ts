import { type DecisionStep, type StepNote, wordStep } from '#domain';

/** A step that was decided before any request came. */
export interface StepDraft {
  readonly stage: DecisionStep['stage'];
  readonly outcome: DecisionStep['outcome'];
  readonly name: string;
  /** Called when the first hop of the connection is recorded. */
  readonly note: () => StepNote;
}

/** Different lists of steps that are remembered: with one for each address and peer, those of some hundred services. */
const MOST_LISTS = 2000;

/** Lists by their JSON, so that connections about which the same was decided have one. */
const lists = new Map<string, readonly DecisionStep[]>();

/**
 * What was decided of a connection before its first request. Clients that open one connection for each request would leave as many equal
 * lists behind; and a note, while it is kept, keeps the connection it is about.
 */
export class ConnectionSteps {
  #drafts: StepDraft[] = [];
  #worded: readonly DecisionStep[] = [];

  add(draft: StepDraft): void {
    this.#drafts.push(draft);
  }

  /** The steps in words, from the first to the one added last; the same objects for every hop. */
  build(): readonly DecisionStep[] {
    if (this.#drafts.length === 0) return this.#worded;
    const worded = this.#drafts.map(({ note, ...bare }) => wordStep({ ...bare, atMs: 0, attempt: 0 }, note()));
    this.#worded = shared([...this.#worded, ...worded]);
    this.#drafts = [];
    return this.#worded;
  }
}

function shared(steps: readonly DecisionStep[]): readonly DecisionStep[] {
  const key = JSON.stringify(steps);
  const known = lists.get(key);
  if (known !== undefined) return known;
  if (lists.size === MOST_LISTS) lists.clear();
  lists.set(key, steps);
  return steps;
}
