import { hashLabel } from '#domain';
import { HEX_VALUE, hexDigits } from './h1/bytes.ts';
import type { Headers } from './headers.ts';
import type { SpanContext } from './trace-context.ts';
import type { TracedRequest } from './traced-request.ts';

/** The form of a request's id, as every proxy gives it: `-` stands for itself, `x` for a hex digit. */
const FORM = 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx';
const DASH = '-'.charCodeAt(0);
const NO_DIGIT = 255;
/** Odd numbers that mix bits well: those of MurmurHash3. */
const [MIX_HIGH, MIX_LOW] = [0x85ebca6b, 0xc2b2ae35];

/** The digits of the id that was read last, as words of 32 bits. */
const words = new Int32Array(4);

/** Whether a caller tells of a trace, or of a decision about one, in any of the forms. */
export function tellsTrace({ flat }: Headers): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    switch (flat[i]) {
      case 'traceparent':
      case 'b3':
      case 'x-b3-traceid':
      case 'x-b3-spanid':
      case 'x-b3-sampled':
      case 'x-b3-flags':
        return true;
      default:
    }
  }
  return false;
}

/**
 * The span of a request whose trace no header tells. All proxies on its way find the same ids, from what each of them sees: the id of the
 * request and the addresses of pods.
 */
export function untoldSpan({ connection, requestId, runtime, untold }: TracedRequest): SpanContext {
  if (!readWords(requestId)) for (let i = 0; i < words.length; i++) words[i] = runtime.chance.ids.below(0x1_0000_0000);
  const { ip } = runtime.self;
  const { direction, remoteAddress } = connection;
  const inbound = direction === 'inbound';
  let parentSpanId: string | undefined;
  if (untold === 'goes on') parentSpanId = inbound ? spanIdAt(remoteAddress.ip, 'outbound') : spanIdAt(ip, 'inbound');
  return {
    traceId: hexDigits(words[0]! >>> 0, words[1]! >>> 0) + hexDigits(words[2]! >>> 0, words[3]! >>> 0),
    spanId: spanIdAt(ip, direction),
    parentSpanId,
    sampled: false,
    undecided: true,
  };
}

/** False for an id of another form; `words` are of no use then. */
function readWords(requestId: string): boolean {
  if (requestId.length !== FORM.length) return false;
  let digit = 0;
  for (let i = 0; i < FORM.length; i++) {
    const code = requestId.charCodeAt(i);
    if (FORM.charCodeAt(i) === DASH) {
      if (code !== DASH) return false;
      continue;
    }
    const value = HEX_VALUE[code] ?? NO_DIGIT;
    if (value === NO_DIGIT) return false;
    words[digit >> 3] = (words[digit >> 3]! << 4) | value;
    digit++;
  }
  return true;
}

/** Of one hop of the trace whose id is in `words`. */
function spanIdAt(ip: string, direction: 'inbound' | 'outbound'): string {
  let high = hashLabel(ip) + (direction === 'inbound' ? 1 : 0);
  let low = ~high;
  for (let i = 0; i < words.length; i++) {
    high = mixed(high ^ words[i]!, MIX_HIGH);
    low = mixed(low ^ words[i]!, MIX_LOW);
  }
  return hexDigits(high >>> 0, low >>> 0);
}

function mixed(bits: number, by: number): number {
  const product = Math.imul(bits ^ (bits >>> 16), by);
  return product ^ (product >>> 13);
}
