import type { ExtAuthzConfig, HeaderNames, HttpAuthorizer } from '../../../config/ext-authz-config.ts';
import { applyRule } from '../../apply-rules.ts';
import { type AsyncAnswer, callAsync } from '../../call/async-call.ts';
import type { RequestHead } from '../../codec.ts';
import type { Exchange } from '../../exchange.ts';
import { Headers } from '../../headers.ts';
import { type HeaderChange, PARTIAL_BODY, type Question, type ToldBody, type Verdict } from './verdict.ts';

/** Told to every HTTP authorizer, whatever the configuration allows. */
const ALWAYS_TOLD: ReadonlySet<string> = new Set(['authorization']);
/** Names headers that the application must not see. */
const TO_REMOVE = 'x-envoy-auth-headers-to-remove';

/** Asks by HTTP: 200 allows, 5xx is no answer, anything else refuses. Returns a function that gives up. */
export function checkByHttp(
  exchange: Exchange,
  authorizer: HttpAuthorizer,
  { config, body }: Question,
  onVerdict: (verdict: Verdict) => void,
): () => void {
  return callAsync({
    runtime: exchange.runtime,
    cluster: authorizer.cluster,
    head: requestHead(exchange, authorizer, config, body),
    body: body.bytes,
    timeoutMs: authorizer.timeoutMs,
    onDone: (answer) =>
      onVerdict(typeof answer === 'string' ? { kind: 'error', reason: answer } : readVerdict(answer, authorizer)),
  });
}

function requestHead(
  exchange: Exchange,
  authorizer: HttpAuthorizer,
  { allowedHeaders, disallowedHeaders }: ExtAuthzConfig,
  body: ToldBody,
): RequestHead {
  const { head } = exchange;
  const headers = new Headers();
  for (const [name, value] of head.headers.entries()) {
    const told = ALWAYS_TOLD.has(name) || (allowedHeaders !== undefined && isNamed(allowedHeaders, name));
    if (told && !isNamed(disallowedHeaders, name) && name !== 'content-length') headers.add(name, value);
  }
  headers.set('content-length', String(body.bytes.length));
  if (body.partial !== undefined) headers.set(PARTIAL_BODY, String(body.partial));
  for (const rule of authorizer.headersToAdd) applyRule(rule, exchange, headers);
  headers.set('x-envoy-internal', 'true');
  return {
    method: head.method,
    path: `${authorizer.pathPrefix}${head.path}`,
    authority: head.authority,
    scheme: 'http',
    protocol: 'HTTP/1.1',
    headers,
  };
}

const isNamed = (names: HeaderNames, name: string): boolean => names.some((match) => match.accepts(name));

function readVerdict({ head, body }: AsyncAnswer, authorizer: HttpAuthorizer): Verdict {
  if (head.status >= 500) return { kind: 'error', reason: `answered ${head.status}` };
  const toRemove = head.headers.joined(TO_REMOVE) ?? '';
  // What is said to this proxy goes to nobody else.
  head.headers.remove(TO_REMOVE);
  const all = head.headers.entries().map(([name, value]): HeaderChange => ({ name, value }));
  const named = (names: HeaderNames): HeaderChange[] => all.filter(({ name }) => isNamed(names, name));
  const metadata = Object.fromEntries(named(authorizer.toMetadata).map(({ name, value }) => [name, value]));
  if (head.status !== 200) {
    const { toClient } = authorizer;
    return {
      kind: 'denied',
      status: head.status,
      headers:
        toClient === undefined
          ? all.filter(({ name }) => name !== 'content-length')
          : [...named(toClient), ...alwaysToClient(all, toClient)],
      body: body.toString('utf8'),
      metadata,
    };
  }
  return {
    kind: 'ok',
    set: named(authorizer.toUpstream),
    append: [],
    add: named(authorizer.toUpstreamAppend),
    remove: toRemove.split(',').map((name) => name.trim().toLowerCase()),
    toClient: named(authorizer.toClientOnSuccess),
    metadata,
  };
}

const alwaysToClient = (all: readonly HeaderChange[], toClient: HeaderNames): HeaderChange[] =>
  all.filter(({ name }) => ['www-authenticate', 'location'].includes(name) && !isNamed(toClient, name));
