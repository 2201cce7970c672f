import type { Any } from '#xds';
import type { ChainSubject } from '../listener/filter-chain-match.ts';
import { isSameHost } from '../listener/filter-chain-match.ts';
import { compileMatcher, type InputReader, type Matcher } from './matcher.ts';
import { ConfigProblem } from './problem.ts';
import type { Fields } from './values.ts';

const INPUTS = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.';
const NAME = 'type.googleapis.com/google.protobuf.StringValue';

const READ: Readonly<Record<string, (subject: ChainSubject) => string | undefined>> = {
  DestinationIPInput: ({ destination }) => destination.ip,
  DestinationPortInput: ({ destination }) => String(destination.port),
  SourceIPInput: ({ source }) => source.ip,
  SourcePortInput: ({ source }) => String(source.port),
  DirectSourceIPInput: ({ directSource }) => directSource.ip,
  SourceTypeInput: (subject) => (isSameHost(subject) ? 'local' : undefined),
  ServerNameInput: ({ inspection }) => inspection.serverName.toLowerCase() || undefined,
  TransportProtocolInput: ({ inspection }) => inspection.transport,
  ApplicationProtocolInput: ({ inspection }) => inspection.alpn.map((name) => `'${name}'`).join(',') || undefined,
};

const input: InputReader<ChainSubject> = (config, field) => {
  const type = config['@type'];
  const read = type.startsWith(INPUTS) ? READ[type.slice(INPUTS.length)] : undefined;
  if (read === undefined) throw new ConfigProblem(field, `${type} is not supported`);
  return read;
};

/** Reads a listener's `filter_chain_matcher`, which chooses filter chains by their names. */
export const readChainMatcher = (given: Fields): Matcher<ChainSubject, string> =>
  compileMatcher(given, {
    input,
    action: (config: Any, field) => {
      if (config['@type'] !== NAME) throw new ConfigProblem(field, `${config['@type']} is no name of a filter chain`);
      return String(config['value'] ?? '');
    },
  });
