import { ErrorCode } from '../../../server/data-plane/http/h2/errors.ts';
import { Flag, FrameType, PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { block, frame, framesOf, GET } from './harness.ts';

/**
 * A frame as the corpus writes it: its type with its stream, or a type that has no name by its number; `preface`, or frames that are sent
 * again and again, on streams whose numbers grow by `step`.
 */
export type WrittenFrame =
  | 'preface'
  | 'SETTINGS'
  | ({ readonly [type in keyof typeof FrameType]?: number } & Payload & {
        readonly type?: number;
        readonly stream?: number;
      })
  | { readonly times: number; readonly step?: number; readonly frames: readonly WrittenFrame[] };

interface Payload {
  readonly flags?: string;
  /** Header fields as `name: value`; `GET` and `POST` stand for all that such a request has. */
  readonly fields?: readonly string[];
  readonly text?: string;
  readonly hex?: string;
  /** Bytes of `hex` or `text` as often as this. */
  readonly of?: number;
  /** Bytes of padding that the frame says it has, and those that it has. */
  readonly padding?: number;
  readonly padded?: number;
  /** What its head says instead of the truth. */
  readonly length?: number;
}

const isRepeated = (one: WrittenFrame): one is Extract<WrittenFrame, { times: number }> =>
  typeof one !== 'string' && 'times' in one;

export const bytesOf = (frames: readonly WrittenFrame[], shift = 0): Buffer =>
  Buffer.concat(
    frames.map((one) => {
      if (one === 'preface') return PREFACE;
      if (one === 'SETTINGS') return frame(FrameType.SETTINGS, 0, 0);
      if (!isRepeated(one)) return written(one, shift);
      return Buffer.concat(Array.from({ length: one.times }, (_, i) => bytesOf(one.frames, i * (one.step ?? 0))));
    }),
  );

function written(one: Exclude<WrittenFrame, string | { times: number }>, shift: number): Buffer {
  const name = (Object.keys(FrameType) as (keyof typeof FrameType)[]).find((type) => type in one);
  const type = name === undefined ? (one.type ?? 0) : FrameType[name];
  const stream = name === undefined ? (one.stream ?? 0) : (one[name] ?? 0);
  const named = (one.flags ?? '').split(' ').filter((flag) => flag !== '') as (keyof typeof Flag)[];
  const flags = named.reduce((bits, flag) => bits | Flag[flag], one.padding === undefined ? 0 : Flag.PADDED);
  const lead = one.padding === undefined ? [] : [one.padding];
  const bytes = Buffer.concat([Buffer.from(lead), payloadOf(one), Buffer.alloc(one.padded ?? one.padding ?? 0)]);
  const whole = frame(type, flags, stream === 0 ? 0 : stream + shift, bytes);
  if (one.length !== undefined) whole.writeUIntBE(one.length, 0, 3);
  return whole;
}

function payloadOf({ fields = [], text = '', hex = '', of = 1 }: Payload): Buffer {
  const repeated = Buffer.concat(Array.from({ length: of }, () => Buffer.from(hex.replaceAll(' ', ''), 'hex')));
  return Buffer.concat([block(fields.flatMap(fieldsOf)), repeated, Buffer.from(text.repeat(of), 'latin1')]);
}

function fieldsOf(field: string): (readonly [string, string])[] {
  if (field === 'GET' || field === 'POST')
    return GET.map(([name, value]) => [name, name === ':method' ? field : value] as const);
  const colon = field.indexOf(':', 1);
  return [[field.slice(0, colon), field.slice(colon + 2)]];
}

const NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** How a codec has ended the connection, and streams alone. */
export function verdictOf(sent: Buffer): { goaway: string | undefined; resets: string[] } {
  const frames = framesOf(sent.subarray(sent.subarray(0, PREFACE.length).equals(PREFACE) ? PREFACE.length : 0));
  const goaway = frames.filter(({ type }) => type === FrameType.GOAWAY).at(-1);
  const resets = frames
    .filter(({ type }) => type === FrameType.RST_STREAM)
    .map(({ streamId, payload }) => `${streamId} ${NAMES.get(payload.readUInt32BE())}`);
  return { goaway: goaway && NAMES.get(goaway.payload.readUInt32BE(4)), resets };
}
