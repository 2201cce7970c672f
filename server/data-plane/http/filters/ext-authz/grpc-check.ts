import type { ExtAuthzConfig, GrpcAuthorizer } from '../../../config/ext-authz-config.ts';
import { statusNumber } from '../../../config/ext-authz-config.ts';
import { callGrpc, type GrpcMethod } from '../../call/grpc-call.ts';
import type { Exchange } from '../../exchange.ts';
import { type HeaderChange, PARTIAL_BODY, type ToldBody, type Verdict } from './verdict.ts';

export const CHECK: GrpcMethod = {
  path: '/envoy.service.auth.v3.Authorization/Check',
  request: 'envoy.service.auth.v3.CheckRequest',
  response: 'envoy.service.auth.v3.CheckResponse',
};

/** Asks by gRPC, Envoy's own authorization API. Returns a function that gives up. */
export function checkByGrpc(
  exchange: Exchange,
  { authorizer, config, body }: { authorizer: GrpcAuthorizer; config: ExtAuthzConfig; body: ToldBody },
  onVerdict: (verdict: Verdict) => void,
): () => void {
  return callGrpc({
    runtime: exchange.runtime,
    method: CHECK,
    service: authorizer.service,
    message: { attributes: attributesOf(exchange, config, body) },
    onDone: (answer) => onVerdict(typeof answer === 'string' ? { kind: 'error', reason: answer } : readCheck(answer)),
  });
}

function attributesOf(exchange: Exchange, config: ExtAuthzConfig, body: ToldBody): object {
  const { connection, head, info, runtime } = exchange;
  const address = ({ ip, port }: { ip: string; port: number }): object => ({
    address: { socket_address: { address: ip, port_value: port } },
  });
  const query = head.path.indexOf('?');
  return {
    source: { ...address(connection.remoteAddress), principal: connection.tls?.peerSpiffeId ?? '' },
    destination: {
      ...address(connection.localAddress),
      principal: connection.tls === undefined ? '' : runtime.self.spiffeId,
    },
    request: {
      time: new Date(info.startMs).toISOString(),
      http: {
        id: exchange.requestId,
        method: head.method,
        headers: {
          ...toldHeaders(exchange, config),
          ...(body.partial !== undefined && { [PARTIAL_BODY]: String(body.partial) }),
        },
        path: head.path,
        host: head.authority,
        scheme: head.headers.get('x-forwarded-proto') ?? head.scheme,
        ...(query >= 0 && { query: '' }),
        protocol: head.protocol,
        size: head.headers.get('content-length') ?? '-1',
        ...(body.bytes.length > 0 &&
          (config.body?.asBytes === true
            ? { raw_body: body.bytes.toString('base64') }
            : { body: body.bytes.toString('utf8') })),
      },
    },
    metadata_context: {},
    route_metadata_context: {},
  };
}

function toldHeaders(
  { head }: Exchange,
  { allowedHeaders, disallowedHeaders }: ExtAuthzConfig,
): Record<string, string> {
  const told: Record<string, string> = {
    ':authority': head.authority,
    ':method': head.method,
    ':path': head.path,
    ':scheme': head.scheme,
  };
  for (const [name, value] of head.headers.entries()) {
    const allowed = allowedHeaders === undefined || allowedHeaders.some((match) => match.accepts(name));
    if (!allowed || disallowedHeaders.some((match) => match.accepts(name))) continue;
    told[name] = told[name] === undefined ? value : `${told[name]},${value}`;
  }
  return told;
}

interface HeaderOption {
  readonly header?: { readonly key?: string; readonly value?: string; readonly raw_value?: string };
  readonly append?: boolean;
  readonly append_action?: number;
}

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
      headers: (denied?.headers ?? []).map(change),
      body: denied?.body ?? '',
      ...told,
    };
  }
  const appended = (option: HeaderOption): boolean => option.append === true;
  const headers = ok?.headers ?? [];
  return {
    kind: 'ok',
    set: headers.filter((option) => !appended(option)).map(change),
    add: headers.filter(appended).map(change),
    remove: (ok?.headers_to_remove ?? []).map((name) => name.toLowerCase()),
    toClient: (ok?.response_headers_to_add ?? []).map(change),
    ...told,
  };
}

const change = ({ header }: HeaderOption): HeaderChange => ({
  name: (header?.key ?? '').toLowerCase(),
  value: header?.value || Buffer.from(header?.raw_value ?? '', 'base64').toString('latin1'),
});
