import type { ResponseHead } from './codec.ts';
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';
import type { LocalReply } from './local-reply.ts';

/** Where a changed body goes. */
export interface BodyOut {
  /** False: the client is slow; `resume` follows. */
  data(chunk: Buffer): boolean;
  end(trailers: Headers | undefined): void;
  /** Who was told to wait may go on. */
  drain(): void;
}

/** Changes the body of one answer. */
export interface BodyCoder {
  data(chunk: Buffer): boolean;
  end(trailers: Headers | undefined): void;
  /** The client takes more. */
  resume(): void;
  /** The answer is broken off. */
  cancel(): void;
}

/** An answer of this proxy in the place of another. */
export interface ReplacedAnswer {
  readonly reply: LocalReply;
  /** Changes its headers before what says how long it is. */
  readonly edit: (head: ResponseHead) => void;
}

/** A filter's part in an answer: changes its head, and its body where it returns who does that. */
export type AnswerFilter = (
  exchange: Exchange,
  head: ResponseHead,
  endStream: boolean,
) => ((out: BodyOut) => BodyCoder) | undefined;

/** A filter with its place in the configuration. */
export interface PlacedFilter {
  readonly place: number;
  readonly filter: AnswerFilter;
}

/** Changes the answer to this request where the filter at `place` of the configuration has its turn: behind those that follow it. */
export function editAnswer(exchange: Exchange, place: number, edit: (head: ResponseHead) => void): void {
  const filter: AnswerFilter = (_exchange, head) => void edit(head);
  exchange.answerFilters = (exchange.answerFilters ?? NO_FILTERS).with({ place, filter });
}

/** The way of one answer through the filters, the last of the configuration first. */
export class AnswerFilters {
  readonly #filters: readonly PlacedFilter[];
  coder: BodyCoder | undefined;
  /** What the client is told in place of the answer, once a filter says so. */
  instead: ReplacedAnswer | undefined;
  /** The request goes on to another answer: the client is told nothing of this one. */
  leaves = false;
  /** The head waits for the body: who changes it passes both on. */
  holds = false;

  constructor(filters: readonly PlacedFilter[]) {
    this.#filters = filters;
  }

  /** The same with one more, behind those whose place is the same or a later one. */
  with(placed: PlacedFilter): AnswerFilters {
    const before = this.#filters.findIndex(({ place }) => place < placed.place);
    return new AnswerFilters(this.#filters.toSpliced(before < 0 ? this.#filters.length : before, 0, placed));
  }

  /** Returns what takes the place of the answer: no further filter sees either; or that its head is passed on later. */
  begin(exchange: Exchange, head: ResponseHead, endStream: boolean): ReplacedAnswer | 'left' | 'held' | undefined {
    const makers: ((out: BodyOut) => BodyCoder)[] = [];
    for (const { filter } of this.#filters) {
      const make = filter(exchange, head, endStream);
      if (this.instead !== undefined) return this.instead;
      if (this.leaves) return 'left';
      if (make !== undefined && !endStream) makers.push(make);
    }
    this.coder = chained(exchange, makers);
    return this.holds ? 'held' : undefined;
  }
}

const NO_FILTERS = new AnswerFilters([]);

/** Several who change one body are one: what was found last stands next to the client. */
function chained(exchange: Exchange, makers: readonly ((out: BodyOut) => BodyCoder)[]): BodyCoder | undefined {
  const coders: BodyCoder[] = [];
  for (const make of makers.toReversed()) {
    const next = coders.at(-1);
    const at = coders.length;
    const drain = (): void => (at + 1 < coders.length ? coders[at + 1]!.resume() : exchange.drainTarget());
    coders.push(make(next === undefined ? outOf(exchange, drain) : within(next, drain)));
  }
  const first = coders.at(-1);
  if (first === undefined || coders.length === 1) return first;
  return {
    data: (chunk) => first.data(chunk),
    end: (trailers) => first.end(trailers),
    resume() {
      for (const coder of coders) coder.resume();
    },
    cancel() {
      for (const coder of coders) coder.cancel();
    },
  };
}

const outOf = (exchange: Exchange, drain: () => void): BodyOut => ({
  data: (chunk) => exchange.passData(chunk),
  end: (trailers) => exchange.passEnd(trailers),
  drain,
});

const within = (coder: BodyCoder, drain: () => void): BodyOut => ({
  data: (chunk) => coder.data(chunk),
  end: (trailers) => coder.end(trailers),
  drain,
});
