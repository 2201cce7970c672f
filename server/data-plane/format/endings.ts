import { type Command, type CommandReader, type FormatSubject, text } from './subject.ts';

/** The line of a request is written before its connection ends. */
const ofClient: Command = ({ info }) => info.ending?.downstream ?? 'Normal';

/** Told as soon as a host was chosen. */
const ofHost: Command = ({ info }: FormatSubject) =>
  info.ending?.upstream ?? (info.upstreamHost === '' ? undefined : 'Normal');

/** How connections ended, and why this proxy has closed them. Source: DetectedCloseType and localCloseReason of Envoy's connections. */
export const ENDING_COMMANDS: Readonly<Record<string, CommandReader>> = {
  DOWNSTREAM_DETECTED_CLOSE_TYPE: () => ofClient,
  UPSTREAM_DETECTED_CLOSE_TYPE: () => ofHost,
  DOWNSTREAM_LOCAL_CLOSE_REASON:
    () =>
    ({ info }) =>
      text(info.ending?.downstreamReason),
  UPSTREAM_LOCAL_CLOSE_REASON:
    () =>
    ({ info }) =>
      text(info.ending?.upstreamReason),
};
