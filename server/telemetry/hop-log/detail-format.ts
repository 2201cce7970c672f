import { type DecisionStep, type HopDetail, type HopRecord, type StepNote, type StepTape, TAPE_PLACES } from '#domain';
import { type HeaderShape, HeaderShapes, NO_HEADERS } from './header-shapes.ts';
import { noteNumber, type StepShape, StepShapes, tapeOf } from './step-shapes.ts';

// The details of a hop are one text, and a list of values that tells how to read it:
//
//   request headers, response headers:  shape, mask, length of each value that differs from the shape's
//   what was decided before:            the list of the connection
//   steps:                              shape, microseconds of each step, count of places that follow;
//                                       of each name or value that differs from the shape's: its number, and the value
//   a value that is a text:             TEXT, length
//   a note:                             its JSON, as a text
//   steps that came in words:           the JSON of all of them in place of a shape and the rest: STEPS, TEXT, length

const TEXT = Symbol('text');
const STEPS = Symbol('steps');

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
  readonly #steps = new StepShapes();
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
    this.#steps.clear();
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
    const steps = this.#steps;
    this.#add(steps.find(entries));
    for (let i = 3; i < entries.length; i += TAPE_PLACES) this.#add(entries[i]);
    const at = this.count++;
    const { others } = steps;
    for (let i = 0; i < steps.count; i += 2) {
      const number = others[i] as number;
      const value = others[i + 1];
      this.#add(number);
      if (typeof value === 'string') this.#addText(value);
      else if (number < 0 && isJson((value as StepNote).evidence)) this.#addText(JSON.stringify(value));
      else this.#add(value);
    }
    this.values[at] = this.count - at - 1;
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
    const shape = this.#next() as StepShape;
    const times = this.#at;
    this.#at += shape.length / TAPE_PLACES;
    const others = new Map<number, unknown>();
    for (const end = (this.#next() as number) + this.#at; this.#at < end; ) {
      const number = this.#next() as number;
      const value = this.#nextValue();
      if (number >= 0) others.set(number, value);
      else others.set(noteNumber(number), typeof value === 'string' ? JSON.parse(value) : value);
    }
    return tapeOf(shape, (step) => this.#values[times + step], others);
  }
}
