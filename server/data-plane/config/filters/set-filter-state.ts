import { isIP } from 'node:net';
import type { Any } from '#xds';
import { compileFormat, type Format } from '../../format/template.ts';
import { type KeptValue, readAddress } from '../../http/filter-state.ts';
import { type FormatString, furtherCommands, textOfFormat } from '../format-string.ts';
import { ConfigProblem, within } from '../problem.ts';

/** envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue. As in Envoy, `read_only` keeps nobody from another text. */
export interface KeptText {
  readonly key: string;
  readonly value: Format;
  /** Nothing is left where the text is empty. */
  readonly skipsEmpty: boolean;
  /** What is kept of a text. As in Envoy, one that is not of the right form leaves nothing. */
  readonly make: (text: string) => KeptValue | undefined;
}

/** envoy.extensions.filters.http.set_filter_state.v3.Config. */
export interface SetFilterStateConfig {
  readonly kept: readonly KeptText[];
  readonly clearsRoute: boolean;
}

interface ValueJson {
  readonly object_key?: string;
  readonly factory_key?: string;
  readonly format_string?: FormatString;
  readonly skip_if_empty?: boolean;
}

/** Throws ConfigProblem. */
export function readSetFilterState(config: Any): SetFilterStateConfig {
  const given = (config['on_request_headers'] ?? []) as readonly ValueJson[];
  return {
    kept: given.map((value, i) => within(`on_request_headers[${i}]`, () => readValue(value))),
    clearsRoute: config['clear_route_cache'] === true,
  };
}

/** Envoy's factory for plain text. */
const TEXT = 'envoy.string';

/** Under which limits of other filters find as how many requests this one counts. */
export const HITS_ADDEND = 'envoy.ratelimit.hits_addend';

const MAX_UINT32 = 4_294_967_295;

/** An address with its port. */
function addressAndPort(text: string): KeptValue | undefined {
  const address = readAddress(text);
  return address && { text, shown: false, address, hasFields: true, hashable: true };
}

/** An address without a port. */
function addressAlone(ip: string): KeptValue | undefined {
  const kind = isIP(ip);
  return kind === 0
    ? undefined
    : { text: kind === 6 ? `[${ip}]:0` : `${ip}:0`, shown: false, address: { ip, port: 0 } };
}

/** Factories that this proxy has, and what they make of a text. */
const FACTORIES: Readonly<Record<string, (text: string) => KeptValue | undefined>> = {
  [TEXT]: (text) => ({ text, shown: true }),
  'envoy.hashable_string': (text) => ({ text, shown: true, hashable: true }),
  [HITS_ADDEND]: (text) => (/^\d+$/.test(text) && Number(text) <= MAX_UINT32 ? { text, shown: true } : undefined),
  'envoy.network.ip': addressAlone,
  'envoy.network.transport_socket.original_dst_address': addressAndPort,
  // Read by internal listeners alone, which are not here.
  'envoy.filters.listener.original_dst.local_ip': addressAndPort,
  'envoy.filters.listener.original_dst.remote_ip': addressAndPort,
};

function readValue({
  object_key: key,
  factory_key,
  format_string: format,

  skip_if_empty,
}: ValueJson): KeptText {
  if (key === undefined) throw new ConfigProblem('key', 'is required');
  if (key === '') throw new ConfigProblem('object_key', 'value length must be at least 1 characters');
  if (format === undefined) throw new ConfigProblem('value', 'is required');
  const factory = factory_key || key;
  const make = FACTORIES[factory];
  if (make === undefined) {
    const why = /^envoy\./.test(factory)
      ? `this proxy keeps texts (factory_key: ${TEXT}) and addresses, no '${factory}'`
      : `'${factory}' does not have an object factory`;
    throw new ConfigProblem('object_key', why);
  }
  const text = textOfFormat(format);
  if (text === undefined) throw new ConfigProblem('format_string', 'only a text_format is read');
  const empty = format.omit_empty_values === true ? '' : '-';
  return {
    key,
    value: compileFormat(text, 'format_string.text_format_source', empty, furtherCommands(format)),
    skipsEmpty: skip_if_empty === true,
    make,
  };
}
