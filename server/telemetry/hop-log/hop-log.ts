import type { HopRecord, HopTracing } from '#domain';
import type { HopFacts } from '../summary.ts';
import { DetailLog } from './detail-log.ts';
import type { Familiar } from './familiar.ts';
import { readHop } from './hop-reader.ts';
import { BIT, COUNT, HopRows, ID, NUMBER, REFERENCE } from './hop-rows.ts';
import { HopStories, type HopStory } from './hop-stories.ts';
import { packId, SPAN_WORDS, sameWords, TRACE_WORDS } from './ids.ts';
import { type TextPlace, TextRing } from './text-ring.ts';

const FIRST_BYTES = 64 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The newest hops, outside of JavaScript's heap. Each gets a number, counted from 0; what is asked for by the number of a hop that was
 * overwritten, or never came, is undefined. `hop-rows.ts` and `detail-format.ts` tell where everything lies.
 */
export class HopLog {
  readonly rows: HopRows;
  readonly #stories: HopStories;
  readonly #details: DetailLog;
  #texts = new TextRing(FIRST_BYTES, MOST_BYTES);
  readonly #place: TextPlace = { position: 0, length: 0 };
  readonly #pieces: string[] = [];
  /** Hops that came so far. */
  count = 0;

  /** Of the newest `capacity` hops, the newest `detailed` with steps and headers keep those. */
  constructor(options: { readonly capacity: number; readonly detailed: number; readonly familiar: Familiar }) {
    this.rows = new HopRows(options.capacity);
    this.#details = new DetailLog(options.detailed);
    this.#stories = new HopStories(options.familiar);
  }

  /** The number of the oldest hop that is there. */
  get oldest(): number {
    return Math.max(0, this.count - this.rows.capacity);
  }

  /** Writes a hop into the row that is next; returns its number. */
  write(hop: HopRecord): number {
    const { rows } = this;
    const number = this.count++;
    const row = rows.rowFor(number);
    this.#writeIds(hop, row);
    const at = row * NUMBER.places;
    rows.numbers[at + NUMBER.startMs] = hop.startMs;
    rows.numbers[at + NUMBER.durationMs] = hop.durationMs;
    rows.numbers[at + NUMBER.requestBytes] = hop.request.bytes;
    rows.numbers[at + NUMBER.responseBytes] = hop.response.bytes;
    rows.numbers[at + NUMBER.detail] = isDetailed(hop) ? this.#details.write(hop) : -1;
    rows.numbers[at + NUMBER.request] = -1;
    const { references } = rows;
    const to = row * REFERENCE.places;
    references[to + REFERENCE.story] = this.#stories.find(hop);
    references[to + REFERENCE.downstream] = hop.handshakes?.downstream;
    references[to + REFERENCE.upstream] = hop.handshakes?.upstream;
    if (hop.tracing !== undefined) this.#writeTracing(hop.tracing, row);
    this.#writeTexts(hop, number, row);
    return number;
  }

  read(number: number): HopRecord | undefined {
    if (!(number >= this.oldest && number < this.count)) return undefined;
    const row = this.rows.row(number);
    const at = row * NUMBER.places;
    const { numbers, counts } = this.rows;
    const place = {
      position: numbers[at + NUMBER.textAt]!,
      length: counts[row * COUNT.places + COUNT.textLength]!,
    };
    return readHop(this.rows, row, {
      text: this.#texts.holds(place.position) ? this.#texts.read(place) : '',
      detail: this.#details.read(numbers[at + NUMBER.detail]!),
    });
  }

  /** What a summary needs of a hop that is there. */
  facts(number: number): HopFacts {
    const { counts, references } = this.rows;
    const row = this.rows.row(number);
    const { proxy, protocol, flags, details } = references[row * REFERENCE.places + REFERENCE.story] as HopStory;
    return {
      proxy,
      mtls: (counts[row * COUNT.places + COUNT.bits]! & BIT.mtls) !== 0,
      request: { protocol },
      response: { status: counts[row * COUNT.places + COUNT.status]!, flags, details },
    };
  }

  /** The number of the newest hop with a span; -1: there is none. */
  find(spanId: string): number {
    const wanted = new Uint32Array(SPAN_WORDS);
    packId(spanId, SPAN_WORDS, wanted, 0);
    for (let number = this.count - 1; number >= this.oldest; number--) {
      if (sameWords(SPAN_WORDS, this.rows.ids, this.rows.row(number) * ID.places + ID.span, wanted, 0)) return number;
    }
    return -1;
  }

  /** The request that a hop completed; -1: none. */
  requestOf(number: number): number {
    return this.rows.numbers[this.rows.row(number) * NUMBER.places + NUMBER.request]!;
  }

  setRequest(number: number, request: number): void {
    this.rows.numbers[this.rows.row(number) * NUMBER.places + NUMBER.request] = request;
  }

  clear(): void {
    this.count = 0;
    this.#texts = new TextRing(FIRST_BYTES, MOST_BYTES);
    this.rows.references.fill(undefined);
    this.#details.clear();
    this.#stories.clear();
  }

  #writeIds(hop: HopRecord, row: number): void {
    const { counts, ids, references } = this.rows;
    const at = row * ID.places;
    const { parentSpanId } = hop;
    let hex = packId(hop.traceId, TRACE_WORDS, ids, at + ID.trace);
    hex = packId(hop.spanId, SPAN_WORDS, ids, at + ID.span) && hex;
    if (parentSpanId !== undefined) hex = packId(parentSpanId, SPAN_WORDS, ids, at + ID.parent) && hex;
    let bits = hex ? 0 : BIT.oddIds;
    if (parentSpanId !== undefined) bits |= BIT.hasParent;
    if (hop.direction === 'inbound') bits |= BIT.inbound;
    if (hop.mtls) bits |= BIT.mtls;
    if (hop.sampled !== undefined) bits |= hop.sampled ? BIT.toldSampled | BIT.sampled : BIT.toldSampled;
    if (hop.standsFor !== undefined) bits |= BIT.hasStandsFor;
    counts[row * COUNT.places + COUNT.bits] = bits;
    counts[row * COUNT.places + COUNT.standsFor] = hop.standsFor ?? 0;
    references[row * REFERENCE.places + REFERENCE.ids] = hex ? undefined : [hop.traceId, hop.spanId, parentSpanId];
  }

  #writeTracing({ entrySpanId, maxPathLength }: HopTracing, row: number): void {
    const { counts, numbers } = this.rows;
    if (entrySpanId !== undefined) counts[row * COUNT.places + COUNT.bits]! |= BIT.hasEntrySpan;
    numbers[row * NUMBER.places + NUMBER.maxPathLength] = maxPathLength;
  }

  #writeTexts(hop: HopRecord, number: number, row: number): void {
    const { capacity, counts, numbers } = this.rows;
    const { requestId, request, tracing, accessLog } = hop;
    const entrySpanId = tracing?.entrySpanId ?? '';
    const at = row * COUNT.places;
    counts[at + COUNT.status] = hop.response.status;
    counts[at + COUNT.attempts] = hop.attempts;
    counts[at + COUNT.requestIdLength] = requestId.length;
    counts[at + COUNT.authorityLength] = request.authority.length;
    counts[at + COUNT.pathLength] = request.path.length;
    counts[at + COUNT.entrySpanLength] = entrySpanId.length;
    const next = number < capacity ? 0 : this.rows.row(number + 1);
    const wanted = number === 0 ? 0 : numbers[next * NUMBER.places + NUMBER.textAt]!;
    const pieces = this.#pieces;
    pieces[0] = requestId;
    pieces[1] = request.authority;
    pieces[2] = request.path;
    pieces[3] = entrySpanId;
    pieces[4] = accessLog;
    this.#texts.write(pieces, pieces.length, wanted, this.#place);
    numbers[row * NUMBER.places + NUMBER.textAt] = this.#place.position;
    counts[at + COUNT.textLength] = this.#place.length;
  }
}

/** Headers alone are kept like steps; a record of a busy proxy has neither. Lists are asked for only where nothing else tells. */
function isDetailed(hop: HopRecord): boolean {
  if (hop.thin !== undefined) return !hop.thin;
  return hop.steps.length + hop.request.headers.length + hop.response.headers.length > 0;
}
