import type { Command, CommandReader } from './subject.ts';

/** In milliseconds, as the kernel measures it on the loopback. As in Envoy, a request tells it once its head was read, and a connection always. */
const roundTrip: Command = ({ head, info }) =>
  head.protocol === '' || head.method !== '' || info.logType === 'NotSet' ? 0 : undefined;

/** Of internal listeners, which sidecars have none of: the id of an address that has one. */
const noId: Command = () => '';

/** What this proxy does not ask the system for, and what there is only with internal listeners. */
export const UNTOLD_COMMANDS: Readonly<Record<string, CommandReader>> = {
  DOWNSTREAM_CX_RTT: () => roundTrip,
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: () => noId,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: () => noId,
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID:
    () =>
    ({ info }) =>
      info.upstreamLocalAddress === '' ? undefined : '',
};
