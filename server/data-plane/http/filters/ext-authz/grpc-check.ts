import type { ExtAuthzConfig, GrpcAuthorizer } from '../../../config/ext-authz-config.ts';
import { statusNumber } from '../../../config/ext-authz-config.ts';
import { principalsOf, urlEncodedPem } from '../../../tls/peer-certificates.ts';
import { callGrpc, type GrpcMethod } from '../../call/grpc-call.ts';
import type { Exchange } from '../../exchange.ts';
import { type HeaderChange, PARTIAL_BODY, type Question, type ToldBody, type Verdict } from './verdict.ts';

export const CHECK: GrpcMethod = {
  path: '/envoy.service.auth.v3.Authorization/Check',
  request: 'envoy.service.auth.v3.CheckRequest',
  response: 'envoy.service.auth.v3.CheckResponse',
};

/** Asks by gRPC, Envoy's own authorization API. Returns a function that gives up. */
export function checkByGrpc(
  exchange: Exchange,
  authorizer: GrpcAuthorizer,
  question: Question,
  onVerdict: (verdict: Verdict) => void,
): () => void {
  return callGrpc({
    runtime: exchange.runtime,
    method: CHECK,
    service: authorizer.service,
    message: { attributes: attributesOf(exchange, question) },
    onDone: (answer) => onVerdict(typeof answer === 'string' ? { kind: 'error', reason: answer } : readCheck(answer)),
  });
}

function attributesOf(exchange: Exchange, { config, settings, body }: Question): object {
  const { connection, head, info, runtime } = exchange;
  const address = ({ ip, port }: { ip: string; port: number }): object => ({
    address: { socket_address: { address: ip, port_value: port } },
  });
  const principals = principalsOf(connection.tls, runtime.self.spiffeId);
  const certificate = config.tellsCertificate ? connection.tls?.certificates?.().peer : undefined;
  const query = head.path.indexOf('?');
  return {
    source: {
      ...address(connection.remoteAddress),
      principal: principals.peer,
      ...(certificate !== undefined && { certificate: urlEncodedPem([certificate]) }),
    },
    destination: {
      ...address(connection.localAddress),
      principal: principals.local,
    },
    request: {
      time: new Date(info.startMs).toISOString(),
      http: {
        id: exchange.requestId,
        method: head.method,
        ...toldHeaders(exchange, config, body),
        path: head.path,
        host: head.authority,
        scheme: head.headers.get('x-forwarded-proto') ?? head.scheme,
        ...(query >= 0 && { query: '' }),
        protocol: head.protocol,
        // As in Envoy, what has come by now: something only where it waits for the body.
        ...(body.partial !== undefined && { size: String(info.bytesReceived) }),
        ...(body.bytes.length > 0 &&
          (settings.body?.asBytes === true
            ? { raw_body: body.bytes.toString('base64') }
            : { body: body.bytes.toString('utf8') })),
      },
    },
    context_extensions: settings.contextExtensions,
    ...(config.tellsTls && { tls_session: { sni: connection.requestedServerName } }),
    metadata_context: contextOf(config.metadataNamespaces, (name) => exchange.dynamicMetadata?.of(name)),
    route_metadata_context: contextOf(
      config.routeMetadataNamespaces,
      (name) => exchange.route?.metadata?.filter_metadata?.[name],
    ),
  };
}

/** envoy.config.core.v3.Metadata with the namespaces that are asked for and there. */
function contextOf(namespaces: readonly string[], read: (name: string) => object | undefined): object {
  const found = namespaces.flatMap((name) => {
    const value = read(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0 ? {} : { filter_metadata: Object.fromEntries(found) };
}

/** The headers that may be told: a map with joined values, or a list of bytes where `encode_raw_headers` asks for it. */
function toldHeaders(
  { head }: Exchange,
  { allowedHeaders, disallowedHeaders, rawHeaders }: ExtAuthzConfig,
  { partial }: ToldBody,
): object {
  const all: (readonly [string, string])[] = [
    [':authority', head.authority],
    [':method', head.method],
    [':path', head.path],
    [':scheme', head.scheme],
    ...head.headers.entries(),
  ];
  const told = all.filter(([name]) => {
    const allowed = allowedHeaders === undefined || allowedHeaders.some((match) => match.accepts(name));
    return allowed && !disallowedHeaders.some((match) => match.accepts(name));
  });
  if (partial !== undefined) told.push([PARTIAL_BODY, String(partial)]);
  if (rawHeaders) {
    const headers = told.map(([key, value]) => ({ key, raw_value: Buffer.from(value, 'latin1').toString('base64') }));
    return { header_map: { headers } };
  }
  const joined: Record<string, string> = {};
  for (const [name, value] of told) joined[name] = joined[name] === undefined ? value : `${joined[name]},${value}`;
  return { headers: joined };
}

interface HeaderOption {
  readonly header?: { readonly key?: string; readonly value?: string; readonly raw_value?: string };
  readonly append?: boolean;
  readonly append_action?: number;
}

/** envoy.config.core.v3.HeaderValueOption.HeaderAppendAction by number. */
const ACTIONS = [
  'APPEND_IF_EXISTS_OR_ADD',
  'ADD_IF_ABSENT',
  'OVERWRITE_IF_EXISTS_OR_ADD',
  'OVERWRITE_IF_EXISTS',
] as const;

interface CheckResponse {
  readonly status?: { readonly code?: number };
  readonly denied_response?: {
    readonly status?: { readonly code?: number };
    readonly headers?: readonly HeaderOption[];
    readonly body?: string;
  };
  readonly ok_response?: {
    readonly headers?: readonly HeaderOption[];
    readonly headers_to_remove?: readonly string[];
    readonly response_headers_to_add?: readonly HeaderOption[];
    readonly query_parameters_to_set?: readonly { readonly key?: string; readonly value?: string }[];
    readonly query_parameters_to_remove?: readonly string[];
  };
  readonly dynamic_metadata?: Readonly<Record<string, unknown>>;
}

/** Source: GrpcClientImpl::onSuccess in Envoy. Without a word on `append` a header replaces its like. */
export function readCheck(answer: object): Verdict {
  const { status, denied_response: denied, ok_response: ok, dynamic_metadata: metadata } = answer as CheckResponse;
  const told = metadata && { metadata };
  if ((status?.code ?? 0) !== 0) {
    return {
      kind: 'denied',
      status: statusNumber(denied?.status?.code ?? 0),
      // As in Envoy, what is to be appended is no part of a refusal.
      headers: (denied?.headers ?? []).filter((option) => option.append !== true).map(change),
      body: denied?.body ?? '',
      ...told,
    };
  }
  const appended = (option: HeaderOption): boolean => option.append === true;
  const headers = ok?.headers ?? [];
  const { query_parameters_to_set: set = [], query_parameters_to_remove: remove = [] } = ok ?? {};
  return {
    kind: 'ok',
    set: headers.filter((option) => !appended(option)).map(change),
    append: headers.filter(appended).map(change),
    add: [],
    remove: (ok?.headers_to_remove ?? []).map((name) => name.toLowerCase()),
    toClient: (ok?.response_headers_to_add ?? []).map((option) => ({ ...change(option), action: actionOf(option) })),
    ...(set.length + remove.length > 0 && {
      query: { set: set.map(({ key = '', value = '' }) => ({ key, value })), remove },
    }),
    ...told,
  };
}

function actionOf({ append, append_action: action = 0 }: HeaderOption): (typeof ACTIONS)[number] {
  if (append !== undefined) return append ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD';
  return ACTIONS[action] ?? 'APPEND_IF_EXISTS_OR_ADD';
}

const change = ({ header }: HeaderOption): HeaderChange => ({
  name: (header?.key ?? '').toLowerCase(),
  value: header?.value || Buffer.from(header?.raw_value ?? '', 'base64').toString('latin1'),
});
