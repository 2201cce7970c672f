import type { RequestSummary } from '../doors.ts';
import type { Familiar } from './familiar.ts';
import { packId, SPAN_WORDS, TRACE_WORDS, unpackId } from './ids.ts';
import { type TextPlace, TextRing } from './text-ring.ts';

const FIRST_BYTES = 16 * 1024;
const MOST_BYTES = 32 * 1024 * 1024;

/** Rows that there is place for at first. */
const FIRST_ROWS = 256;

/** 32-bit words of a row's ids. */
const ID = { trace: 0, span: 4, places: 6 } as const;
const NUMBER = { startMs: 0, durationMs: 1, textAt: 2, places: 3 } as const;
const COUNT = { status: 0, bits: 1, standsFor: 2, textLength: 3, pathLength: 4, places: 5 } as const;
const REFERENCE = {
  source: 0,
  sourceVersion: 1,
  destination: 2,
  destinationVersion: 3,
  method: 4,
  flags: 5,
  ids: 6,
  places: 7,
} as const;
const BIT = { mtls: 1, hasStandsFor: 2, answeredBy: 4 } as const;
const ANSWERED_BY: readonly RequestSummary['answeredBy'][] = ['upstream', 'client-proxy', 'server-proxy'];

/** The newest requests in order of completion, as `HopLog` has hops: in columns, each under a number that is counted from 0. */
export class RequestLog {
  readonly #capacity: number;
  readonly #familiar: Familiar;
  #ids: Uint32Array<ArrayBuffer>;
  #numbers: Float64Array<ArrayBuffer>;
  #counts: Int32Array<ArrayBuffer>;
  readonly #references: unknown[];
  #rows: number;
  #texts = new TextRing(FIRST_BYTES, MOST_BYTES);
  readonly #place: TextPlace = { position: 0, length: 0 };
  readonly #pieces: string[] = [];
  /** Requests that came so far. */
  count = 0;

  constructor(capacity: number, familiar: Familiar) {
    this.#capacity = capacity;
    this.#familiar = familiar;
    this.#rows = Math.min(FIRST_ROWS, capacity);
    this.#ids = new Uint32Array(this.#rows * ID.places);
    this.#numbers = new Float64Array(this.#rows * NUMBER.places);
    this.#counts = new Int32Array(this.#rows * COUNT.places);
    this.#references = new Array<unknown>(this.#rows * REFERENCE.places).fill(undefined);
  }

  /** The number of the oldest request that is there. */
  get oldest(): number {
    return Math.max(0, this.count - this.#capacity);
  }

  /** Returns the number of the request. */
  write(request: RequestSummary): number {
    const number = this.count++;
    const row = number % this.#capacity;
    if (row >= this.#rows) this.#grow(Math.min(2 * this.#rows, this.#capacity));
    this.#writeFacts(request, row);
    const { authority, path } = request;
    const at = row * COUNT.places;
    this.#counts[at + COUNT.pathLength] = path.length;
    const next = number < this.#capacity ? 0 : (number + 1) % this.#capacity;
    const wanted = number === 0 ? 0 : this.#numbers[next * NUMBER.places + NUMBER.textAt]!;
    this.#pieces[0] = path;
    this.#pieces[1] = authority;
    this.#texts.write(this.#pieces, 2, wanted, this.#place);
    this.#numbers[row * NUMBER.places + NUMBER.textAt] = this.#place.position;
    this.#counts[at + COUNT.textLength] = this.#place.length;
    return number;
  }

  /** More is known of a request; path and authority stay. Harmless for one that was overwritten. */
  rewrite(number: number, request: RequestSummary): void {
    if (number >= this.oldest) this.#writeFacts(request, number % this.#capacity);
  }

  /** When a request that is there was over. */
  endMs(number: number): number {
    const at = (number % this.#capacity) * NUMBER.places;
    return this.#numbers[at + NUMBER.startMs]! + this.#numbers[at + NUMBER.durationMs]!;
  }

  /** A request that is there. */
  read(number: number): RequestSummary {
    const row = number % this.#capacity;
    const [position, pathLength] = [
      this.#numbers[row * NUMBER.places + NUMBER.textAt]!,
      this.#counts[row * COUNT.places + COUNT.pathLength]!,
    ];
    const length = this.#counts[row * COUNT.places + COUNT.textLength]!;
    const text = this.#texts.holds(position) ? this.#texts.read({ position, length }) : '';
    const known = <Name extends keyof typeof REFERENCE>(name: Name) =>
      this.#references[row * REFERENCE.places + REFERENCE[name]];
    const bits = this.#counts[row * COUNT.places + COUNT.bits]!;
    const [traceId, id] = (known('ids') as readonly [string, string] | undefined) ?? this.#idsOf(row);
    return {
      id,
      traceId,
      startMs: this.#numbers[row * NUMBER.places + NUMBER.startMs]!,
      durationMs: this.#numbers[row * NUMBER.places + NUMBER.durationMs]!,
      source: { service: known('source') as string, version: known('sourceVersion') as string },
      destination: { service: known('destination') as string, version: known('destinationVersion') as string },
      method: known('method') as string,
      path: text.slice(0, pathLength),
      authority: text.slice(pathLength),
      status: this.#counts[row * COUNT.places + COUNT.status]!,
      flags: known('flags') as readonly string[],
      mtls: (bits & BIT.mtls) !== 0,
      answeredBy: ANSWERED_BY[Math.floor(bits / BIT.answeredBy)]!,
      ...((bits & BIT.hasStandsFor) !== 0 && { standsFor: this.#counts[row * COUNT.places + COUNT.standsFor]! }),
    };
  }

  clear(): void {
    this.count = 0;
    this.#texts = new TextRing(FIRST_BYTES, MOST_BYTES);
    this.#references.fill(undefined);
  }

  #grow(rows: number): void {
    const [ids, numbers, counts] = [this.#ids, this.#numbers, this.#counts];
    this.#ids = new Uint32Array(ids.buffer.transfer(rows * ID.places * ids.BYTES_PER_ELEMENT));
    this.#numbers = new Float64Array(numbers.buffer.transfer(rows * NUMBER.places * numbers.BYTES_PER_ELEMENT));
    this.#counts = new Int32Array(counts.buffer.transfer(rows * COUNT.places * counts.BYTES_PER_ELEMENT));
    for (let i = this.#references.length; i < rows * REFERENCE.places; i++) this.#references.push(undefined);
    this.#rows = rows;
  }

  #idsOf(row: number): readonly [traceId: string, id: string] {
    const at = row * ID.places;
    return [unpackId(TRACE_WORDS, this.#ids, at + ID.trace), unpackId(SPAN_WORDS, this.#ids, at + ID.span)];
  }

  #writeFacts(request: RequestSummary, row: number): void {
    const { id, traceId, source, destination, standsFor } = request;
    const words = row * ID.places;
    let hex = packId(traceId, TRACE_WORDS, this.#ids, words + ID.trace);
    hex = packId(id, SPAN_WORDS, this.#ids, words + ID.span) && hex;
    this.#numbers[row * NUMBER.places + NUMBER.startMs] = request.startMs;
    this.#numbers[row * NUMBER.places + NUMBER.durationMs] = request.durationMs;
    const counts = row * COUNT.places;
    this.#counts[counts + COUNT.status] = request.status;
    this.#counts[counts + COUNT.standsFor] = standsFor ?? 0;
    this.#counts[counts + COUNT.bits] =
      (request.mtls ? BIT.mtls : 0) |
      (standsFor === undefined ? 0 : BIT.hasStandsFor) |
      (ANSWERED_BY.indexOf(request.answeredBy) * BIT.answeredBy);
    const at = row * REFERENCE.places;
    this.#references[at + REFERENCE.source] = this.#familiar.text(source.service);
    this.#references[at + REFERENCE.sourceVersion] = this.#familiar.text(source.version);
    this.#references[at + REFERENCE.destination] = this.#familiar.text(destination.service);
    this.#references[at + REFERENCE.destinationVersion] = this.#familiar.text(destination.version);
    this.#references[at + REFERENCE.method] = this.#familiar.text(request.method);
    this.#references[at + REFERENCE.flags] = this.#familiar.list(request.flags);
    this.#references[at + REFERENCE.ids] = hex ? undefined : [traceId, id];
  }
}
