import {
  asIs,
  type DecisionStage,
  type DecisionStep,
  type HopDetail,
  type HopRecord,
  type StepNote,
  type StepTape,
  TAPE_PLACES,
  type TapedStep,
} from '#domain';
import { type HeaderShape, HeaderShapes, NO_HEADERS } from './header-shapes.ts';

// The details of a hop are one text, and a list of values that tells how to read it:
//
//   request headers, response headers:  shape, mask, length of each value that differs from the shape's
//   what was decided before:            the list of the connection
//   each step:                          outcome and stage and attempt in one number, name, microseconds, words, count of values, values
//   a value that is a text:             TEXT, length
//   a note:                             `asIs` as words, and its JSON as the one value
//   steps that came in words:           the JSON of all of them in place of each step's six: STEPS, TEXT, length

const TEXT = Symbol('text');
const STEPS = Symbol('steps');

const STAGES: readonly DecisionStage[] = [
  'capture',
  'listener',
  'filter_chain',
  'tls_server',
  'http_filter',
  'virtual_host',
  'route',
  'weight',
  'cluster',
  'endpoint',
  'pool',
  'tls_peer',
  'attempt',
  'response',
];
const OUTCOMES: readonly DecisionStep['outcome'][] = ['chosen', 'passed', 'applied', 'stopped'];
const STAGE_NUMBERS = new Map(STAGES.map((stage, number) => [stage, number]));
const OUTCOME_NUMBERS = new Map(OUTCOMES.map((outcome, number) => [outcome, number]));
/** Bits of an outcome, then of a stage, then of the attempt. */
const OUTCOME_BITS = 2;
const STAGE_BITS = 4;

const NOTHING_BEFORE: StepTape['before'] = [];

export interface WrittenDetail {
  readonly texts: readonly string[];
  /** Texts that count; what stands behind them is of an earlier hop. */
  readonly textCount: number;
  readonly values: readonly unknown[];
  /** Likewise of the values. */
  readonly count: number;
}

/** Takes the details of one hop after the other apart. What it gives is good until the next one comes. */
export class DetailWriter implements WrittenDetail {
  readonly #requests = new HeaderShapes();
  readonly #responses = new HeaderShapes();
  readonly values: unknown[] = [];
  readonly texts: string[] = [];
  count = 0;
  textCount = 0;

  write(hop: HopRecord): WrittenDetail {
    this.count = 0;
    this.textCount = 0;
    this.#writeHeaders(this.#requests, hop.request);
    this.#writeHeaders(this.#responses, hop.response);
    if (hop.tape === undefined) this.#writeSteps(hop.steps);
    else this.#writeTape(hop.tape);
    return this;
  }

  clear(): void {
    this.#requests.clear();
    this.#responses.clear();
    this.values.length = 0;
    this.texts.length = 0;
  }

  #add(value: unknown): void {
    this.values[this.count++] = value;
  }

  #addText(text: string): void {
    this.texts[this.textCount++] = text;
    this.values[this.count++] = TEXT;
    this.values[this.count++] = text.length;
  }

  #writeHeaders(shapes: HeaderShapes, message: HopRecord['request'] | HopRecord['response']): void {
    const list = message.flatHeaders ?? message.headers.flat();
    this.#add(shapes.find(list));
    this.#add(shapes.mask);
    let { mask } = shapes;
    for (let i = 1; mask !== 0; i += 2, mask >>>= 1) {
      if ((mask & 1) === 0) continue;
      const value = list[i]!;
      this.texts[this.textCount++] = value;
      this.#add(value.length);
    }
  }

  #writeTape({ before, entries }: StepTape): void {
    this.#add(before);
    for (let i = 0; i < entries.length; i += TAPE_PLACES) {
      const values = entries[i + 6] as readonly unknown[];
      this.#add(
        OUTCOME_NUMBERS.get(entries[i + 1] as DecisionStep['outcome'])! |
          (STAGE_NUMBERS.get(entries[i] as DecisionStage)! << OUTCOME_BITS) |
          ((entries[i + 4] as number) << (OUTCOME_BITS + STAGE_BITS)),
      );
      this.#add(entries[i + 2]);
      this.#add(entries[i + 3]);
      this.#add(entries[i + 5]);
      if (entries[i + 5] === asIs) this.#writeNote(values[0] as StepNote);
      else this.#writeValues(values);
    }
  }

  #writeValues(values: readonly unknown[]): void {
    this.#add(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'string') this.#addText(value);
      else this.#add(value);
    }
  }

  #writeNote(note: StepNote): void {
    this.#add(1);
    if (isJson(note.evidence)) this.#addText(JSON.stringify(note));
    else this.#add(note);
  }

  #writeSteps(steps: readonly DecisionStep[]): void {
    this.#add(NOTHING_BEFORE);
    this.#add(STEPS);
    if (steps.every(({ evidence }) => isJson(evidence))) this.#addText(JSON.stringify(steps));
    else this.#add(steps);
  }
}

/** JSON has no infinite numbers. */
function isJson(evidence: StepNote['evidence']): boolean {
  for (const name in evidence) {
    const value = evidence[name];
    if (typeof value === 'number' && !Number.isFinite(value)) return false;
  }
  return true;
}

/** Puts together what a `DetailWriter` took apart. */
export function readDetail(text: string, values: readonly unknown[]): HopDetail {
  return new DetailReader(text, values).read();
}

class DetailReader {
  readonly #text: string;
  readonly #values: readonly unknown[];
  #at = 0;
  #textAt = 0;

  constructor(text: string, values: readonly unknown[]) {
    this.#text = text;
    this.#values = values;
  }

  read(): HopDetail {
    const requestHeaders = this.#readHeaders();
    const responseHeaders = this.#readHeaders();
    const before = this.#next() as StepTape['before'];
    if (this.#values[this.#at] === STEPS) {
      this.#at++;
      const steps = this.#nextValue();
      const words = typeof steps === 'string' ? JSON.parse(steps) : steps;
      return { requestHeaders, responseHeaders, tape: undefined, steps: words as DecisionStep[] };
    }
    return { requestHeaders, responseHeaders, tape: { before, entries: this.#readTape() }, steps: [] };
  }

  #next(): unknown {
    return this.#values[this.#at++];
  }

  #nextText(): string {
    const from = this.#textAt;
    this.#textAt += this.#next() as number;
    return this.#text.slice(from, this.#textAt);
  }

  #nextValue(): unknown {
    const value = this.#next();
    return value === TEXT ? this.#nextText() : value;
  }

  #readHeaders(): readonly string[] {
    const shape = this.#next() as HeaderShape;
    let mask = this.#next() as number;
    if (shape.length === 0) return NO_HEADERS;
    const list = [...shape];
    for (let i = 1; mask !== 0; i += 2, mask >>>= 1) if ((mask & 1) === 1) list[i] = this.#nextText();
    return list;
  }

  #readTape(): unknown[] {
    const entries: unknown[] = [];
    while (this.#at < this.#values.length) entries.push(...this.#readStep());
    return entries;
  }

  #readStep(): TapedStep {
    const packed = this.#next() as number;
    const outcome = OUTCOMES[packed & ((1 << OUTCOME_BITS) - 1)]!;
    const stage = STAGES[(packed >> OUTCOME_BITS) & ((1 << STAGE_BITS) - 1)]!;
    const name = this.#next() as string;
    const atUs = this.#next() as number;
    const words = this.#next() as TapedStep[5];
    const values = Array.from({ length: this.#next() as number }, () => this.#nextValue());
    if (words === asIs && typeof values[0] === 'string') values[0] = JSON.parse(values[0]);
    return [stage, outcome, name, atUs, packed >> (OUTCOME_BITS + STAGE_BITS), words, values];
  }
}
