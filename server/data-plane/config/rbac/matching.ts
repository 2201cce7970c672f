import { isIP } from 'node:net';
import type { Any } from '#xds';
import { compileCel } from '../../format/cel.ts';
import { type CelExprJson, celTextOf } from '../../format/cel-text.ts';
import { parseSubjectAltNames } from '../../tls/subject-alt-names.ts';
import { type CidrRange, compileRange } from '../cidr.ts';
import { compileMatcher, type InputReader, type Matcher } from '../matcher.ts';
import { compileMetadataMatch, type MetadataMatcherJson } from '../metadata-match.ts';
import { ConfigProblem, within } from '../problem.ts';
import { PSEUDO_HEADERS } from '../route-condition.ts';
import type { Fields } from '../values.ts';
import type { RbacSubject } from './subject.ts';

/** What a leaf of the tree says: envoy.config.rbac.v3.Action. */
export interface RbacLeaf {
  readonly name: string;
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
}

export interface RbacMatcher {
  readonly choose: Matcher<RbacSubject, RbacLeaf>;
  /** One of its leaves marks requests for audit. */
  readonly logs: boolean;
  /** Counts of texts that are no addresses, where one was looked for. */
  readonly unread: readonly UnreadAddresses[];
}

export interface UnreadAddresses {
  readonly statPrefix: string;
  /** Set by whoever has the figures. */
  stat?: { value: number };
}

const INPUTS = 'type.googleapis.com/envoy.extensions.matching.common_inputs.';
const HEADER = 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput';
const ACTION = 'type.googleapis.com/envoy.config.rbac.v3.Action';
const ATTRIBUTES = 'type.googleapis.com/xds.type.matcher.v3.HttpAttributesCelMatchInput';
const DYNAMIC_METADATA = `${INPUTS}network.v3.DynamicMetadataInput`;
const IP = 'type.googleapis.com/envoy.extensions.matching.input_matchers.ip.v3.Ip';
const METADATA = 'type.googleapis.com/envoy.extensions.matching.input_matchers.metadata.v3.Metadata';
const CEL = 'type.googleapis.com/xds.type.matcher.v3.CelMatcher';

const peerNames = ({ connection }: RbacSubject): ReturnType<typeof parseSubjectAltNames> =>
  parseSubjectAltNames(connection.tls?.certificates?.().peer?.subjectAltName);
const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

const READ: Readonly<Record<string, (subject: RbacSubject) => string | undefined>> = {
  'network.v3.DestinationIPInput': ({ connection }) => connection.localAddress.ip,
  'network.v3.DestinationPortInput': ({ connection }) => String(connection.localAddress.port),
  'network.v3.SourceIPInput': ({ remoteIp }) => remoteIp,
  // An address that headers tell has no port.
  'network.v3.SourcePortInput': ({ connection: { remoteAddress }, remoteIp }) =>
    String(remoteAddress.ip === remoteIp ? remoteAddress.port : 0),
  'network.v3.DirectSourceIPInput': ({ connection }) => (connection.directAddress ?? connection.remoteAddress).ip,
  'network.v3.SourceTypeInput': ({ connection: { localAddress }, remoteIp }) =>
    localAddress.ip === remoteIp ? 'local' : undefined,
  'network.v3.ServerNameInput': ({ connection }) => filled(connection.requestedServerName),
  // Connections belong to the one network namespace that the proxy is in: they name none.
  'network.v3.NetworkNamespaceInput': () => undefined,
  'ssl.v3.UriSanInput': (subject) => filled(peerNames(subject).uris.join(',')),
  'ssl.v3.DnsSanInput': (subject) => filled(peerNames(subject).dns.join(',')),
  'ssl.v3.SubjectInput': ({ connection }) => filled(connection.tls?.peerSubject),
};

const inputOfConnections: InputReader<RbacSubject> = (config, field) => {
  const type = config['@type'];
  if (type === DYNAMIC_METADATA) throw new ConfigProblem(field, `RBAC network filter cannot match '${type}'`);
  return input(config, field);
};

const input: InputReader<RbacSubject> = (config, field) => {
  const type = config['@type'];
  // A condition over all attributes needs no text.
  if (type === ATTRIBUTES) return () => '';
  if (type === DYNAMIC_METADATA) return metadataInput(config, field);
  if (type === HEADER) {
    const name = String(config['header_name'] ?? '').toLowerCase();
    const pseudo = PSEUDO_HEADERS[name];
    return ({ head }) => head && (pseudo === undefined ? head.headers.joined(name) : pseudo(head));
  }
  if (type === `${INPUTS}network.v3.FilterStateInput`) {
    const key = String(config['key'] ?? '');
    return ({ filterState }) => filterState?.(key);
  }
  if (type === `${INPUTS}environment_variable.v3.Config`) {
    const name = String(config['name'] ?? '');
    if (name === '') throw new ConfigProblem(`${field}.name`, 'value length must be at least 1 characters');
    return ({ attributes }) => filled(attributes?.proxy?.environment[name]);
  }
  const read = type.startsWith(INPUTS) ? READ[type.slice(INPUTS.length)] : undefined;
  if (read === undefined) throw new ConfigProblem(field, `${type} is not supported`);
  return read;
};

/** Metadata is no text, so that nothing but a matcher of metadata reads it: as in Envoy, no other ever fits it. */
function metadataInput(config: Any, field: string): () => undefined {
  const { filter = '', path = [] } = config as {
    readonly filter?: string;
    readonly path?: readonly { readonly key?: string }[];
  };
  if (filter === '') throw new ConfigProblem(`${field}.filter`, 'value length must be at least 1 characters');
  if (path.length === 0) throw new ConfigProblem(`${field}.path`, 'value must contain at least 1 item(s)');
  const bare = path.findIndex(({ key = '' }) => key === '');
  if (bare >= 0) throw new ConfigProblem(`${field}.path[${bare}]`, 'is required');
  return () => undefined;
}

/** Reads matchers that judge more than a text; `counts` gets those that count. */
const customOf =
  (counts: UnreadAddresses[]) =>
  (config: Any, field: string, looksAt: Any): CustomTest =>
    custom({ config, looksAt, counts }, field);

interface CustomMatcher {
  readonly config: Any;
  readonly looksAt: Any;
  readonly counts: UnreadAddresses[];
}

type CustomTest = (value: string | undefined, subject: RbacSubject) => boolean;

function custom({ config, looksAt, counts }: CustomMatcher, field: string): CustomTest {
  if (config['@type'] === METADATA) {
    const match = compileMetadataMatch({ ...looksAt, ...config } as MetadataMatcherJson, field);
    return (_value, { metadata }) => looksAt['@type'] === DYNAMIC_METADATA && match.accepts(metadata);
  }
  if (config['@type'] === IP) {
    const ranges = ((config['cidr_ranges'] ?? []) as readonly CidrRange[]).map((range, i) =>
      compileRange(range, `${field}.cidr_ranges[${i}]`),
    );
    const unread: UnreadAddresses = { statPrefix: String(config['stat_prefix'] ?? '') };
    counts.push(unread);
    return (value) => {
      if (value === undefined || value === '') return false;
      if (isIP(value) !== 0) return ranges.some((range) => range.contains(value));
      if (unread.stat !== undefined) unread.stat.value++;
      return false;
    };
  }
  const { cel_expr_parsed, cel_expr_checked, cel_expr_string } = (config['expr_match'] ?? {}) as {
    readonly cel_expr_parsed?: { readonly expr?: CelExprJson };
    readonly cel_expr_checked?: { readonly expr?: CelExprJson };
    readonly cel_expr_string?: string;
  };
  const expr = (cel_expr_parsed ?? cel_expr_checked)?.expr;
  if (config['@type'] !== CEL || (expr === undefined && cel_expr_string === undefined)) {
    throw new ConfigProblem(field, `${config['@type']} is not supported`);
  }
  const holds = compileCel(cel_expr_string ?? celTextOf(expr!, field), field);
  return (value, { attributes }) => value !== undefined && attributes !== undefined && holds(attributes);
}

/** Reads `matcher` or `shadow_matcher` of an RBAC filter of requests, or of connections. Throws ConfigProblem. */
export function readRbacMatcher(given: Fields, field: string, judges: 'requests' | 'connections'): RbacMatcher {
  let logs = false;
  const unread: UnreadAddresses[] = [];
  const action = (config: Any, at: string): RbacLeaf => {
    if (config['@type'] !== ACTION) throw new ConfigProblem(at, `${config['@type']} is no action of RBAC`);
    const kind = (config['action'] ?? 'ALLOW') as RbacLeaf['action'];
    const name = String(config['name'] ?? '');
    if (name === '') throw new ConfigProblem(`${at}.name`, 'value length must be at least 1 characters');
    logs ||= kind === 'LOG';
    return { name, action: kind };
  };
  const choose = within(field, () =>
    compileMatcher(given, {
      input: judges === 'requests' ? input : inputOfConnections,
      action,
      custom: customOf(unread),
    }),
  );
  return { choose, logs, unread };
}
