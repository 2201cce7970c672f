import type { Command, CommandReader } from './subject.ts';

const nothing: Command = () => undefined;
const untold: CommandReader = () => nothing;

/** Of internal listeners, which sidecars have none of: the id of an address that has one. */
const noId: Command = () => '';

/**
 * Commands of Envoy for what this proxy cannot know: they have no value, as in Envoy where it does not apply. A format that has them is
 * accepted.
 */
export const UNTOLD_COMMANDS: Readonly<Record<string, CommandReader>> = {
  // Node does not ask the system.
  DOWNSTREAM_CX_RTT: untold,
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: () => noId,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: () => noId,
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID:
    () =>
    ({ info }) =>
      info.upstreamLocalAddress === '' ? undefined : '',
};
