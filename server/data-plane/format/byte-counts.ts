import type { ByteMeter } from '../http/byte-meter.ts';
import type { Command, CommandReader, FormatSubject } from './subject.ts';

type Side = 'DOWNSTREAM' | 'UPSTREAM';
type Count = keyof { [Key in keyof ByteMeter as ByteMeter[Key] extends number ? Key : never]: true };

const COUNTS: Readonly<Record<string, Count>> = {
  WIRE_BYTES_RECEIVED: 'wireReceived',
  WIRE_BYTES_SENT: 'wireSent',
  HEADER_BYTES_RECEIVED: 'headerReceived',
  HEADER_BYTES_SENT: 'headerSent',
  DECOMPRESSED_HEADER_BYTES_RECEIVED: 'plainReceived',
  DECOMPRESSED_HEADER_BYTES_SENT: 'plainSent',
};

const command =
  (side: Side, count: Count): Command =>
  ({ info }: FormatSubject) =>
    (side === 'DOWNSTREAM' ? info.downstreamBytes : info.upstreamBytes)?.[count] ?? 0;

/** Bytes on the wire. Connections count them where a log of their listener asks for them. */
export const BYTE_COUNT_COMMANDS: Readonly<Record<string, CommandReader>> = Object.fromEntries(
  (['DOWNSTREAM', 'UPSTREAM'] as const).flatMap((side) =>
    Object.entries(COUNTS).map(([name, count]): [string, CommandReader] => {
      const read = command(side, count);
      return [`${side}_${name}`, () => read];
    }),
  ),
);
