import type { JwtFilterConfig, JwtProvider, JwtRequirement } from '../../../config/jwt-config.ts';
import { type RouteSubject, splitPath } from '../../../config/route-condition.ts';
import { noteRefusal, type TokenFailure } from '../../../decisions/token-note.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { perRouteConfig } from '../per-route.ts';
import { chooseRouteAgain } from '../route-again.ts';
import { metadataPayload, sanitizeClaims, writeClaims } from './claims.ts';
import { removeToken } from './extract.ts';
import { JWT_STATUS, JWT_STATUS_CODES, type JwtStatus } from './status.ts';
import { type Judgement, type VerifiedToken, verify } from './verify.ts';

const NAME = 'envoy.filters.http.jwt_authn';
const OF_ROUTE = { name: NAME, type: 'jwt_authn.v3.PerRouteConfig' };
/** Longest path in the challenge of a refusal. */
const MAX_PATH = 256;

/** Envoy's jwt_authn filter: verifies tokens, and leaves what they say to later filters and to the application. */
export const jwtAuthn = (config: JwtFilterConfig): RequestLayer => {
  return (exchange) => {
    sanitizeClaims(exchange.head.headers, config.providers);
    const requirement = requirementFor(exchange, config);
    if (requirement === undefined) return 'next';
    if (typeof requirement !== 'string') return verifyRequest(exchange, config, requirement);
    refuseUnknown(exchange, config, requirement);
    return 'wait';
  };
};

/** A text: the name of a requirement that nobody defined. */
function requirementFor(exchange: Exchange, config: JwtFilterConfig): JwtRequirement | string | undefined {
  if (config.bypassCorsPreflight && isPreflight(exchange)) {
    stat(exchange, config, 'cors_preflight_bypassed');
    stat(exchange, config, 'allowed');
    return undefined;
  }
  const requirement = requirementOf(exchange, config);
  if (requirement === undefined) stat(exchange, config, 'allowed');
  return requirement;
}

function requirementOf(exchange: Exchange, config: JwtFilterConfig): JwtRequirement | string | undefined {
  const own = perRouteConfig(exchange, OF_ROUTE);
  if (own?.['disabled'] === true) return undefined;
  if (typeof own?.['requirement_name'] === 'string')
    return config.named.get(own['requirement_name']) ?? own['requirement_name'];
  const subject: RouteSubject = splitPath(exchange.head);
  const rule = config.rules.find(({ conditions }) => conditions.every((one) => one(subject) === undefined));
  if (rule !== undefined || config.byState === undefined) return rule?.requirement;
  const { key, requires } = config.byState;
  return requires.get(exchange.filterState?.of(key) ?? '');
}

/** A route that asks for a requirement nobody defined lets nothing pass. */
function refuseUnknown(exchange: Exchange, config: JwtFilterConfig, name: string): void {
  const known = [...config.named.keys()].sort().join(',');
  const text = `Wrong requirement_name: ${name}. It should be one of [${known}]`;
  stat(exchange, config, 'denied');
  exchange.steps.add('http_filter', 'stopped', NAME, () => ({ detail: text }));
  exchange.reply({
    status: 403,
    details: `jwt_authn_access_denied{${text.replaceAll(' ', '_')}}`,
    body: config.tellsNothing ? '' : `Failed JWT authentication: ${text}`,
  });
}

const isPreflight = ({ head }: Exchange): boolean =>
  head.method === 'OPTIONS' &&
  (head.headers.get('origin') ?? '') !== '' &&
  (head.headers.get('access-control-request-method') ?? '') !== '';

/** As in Envoy, a request without a token, or with one that does not hold whoever has signed it, is judged at once. */
function verifyRequest(exchange: Exchange, config: JwtFilterConfig, requirement: JwtRequirement): 'next' | 'wait' {
  const { head, runtime } = exchange;
  const realm = originalUri(exchange);
  const verified: VerifiedToken[] = [];
  const failures: TokenFailure[] = [];
  let choosesAgain = false;
  const judgement = verify(requirement, {
    head,
    providers: config.providers,
    nowSeconds: Math.floor(runtime.clock.now() / 1000),
    onToken: () => stat(exchange, config, 'jwt_cache_miss'),
    onFailure: (failure) => failures.push(failure),
    onStatus: (status, provider) => leaveFailure(exchange, status, provider ?? onlyProvider(config)),
    onVerified: (one) => {
      verified.push(one);
      leaveToken(exchange, one);
      // As in Envoy, a token that two rules verify is written twice.
      const written = writeClaims(head.headers, one.provider, one.token);
      const tellsRoutes = written || one.provider.payloadInMetadata !== '';
      if (tellsRoutes && one.provider.clearRouteCache) choosesAgain = true;
      // At once, as Envoy: other rules do not find it any more, and no log has it even if another token fails.
      if (!one.provider.forward) removeToken(head, one.found.location);
    },
  });
  const passes = (status: JwtStatus): boolean => {
    // Also where the request is refused: the log tells the new one.
    if (choosesAgain) chooseRouteAgain(exchange);
    if (status !== 'ok') {
      refuse(exchange, status, { config, realm, failures });
      return false;
    }
    stat(exchange, config, 'allowed');
    noteAccepted(exchange, verified);
    return true;
  };
  const first = judgement.next();
  if (first.done === true) return passes(first.value) ? 'next' : 'wait';
  judged(judgement, first.value).then(
    (status) => {
      if (!exchange.finished && passes(status)) exchange.proceed();
    },
    (thrown: unknown) => {
      // Our own fault: a token that could not be judged is not accepted.
      runtime.onLog(`error\tenvoy\tjwt_authn: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      if (!exchange.finished) refuse(exchange, 'verification', { config, realm, failures });
    },
  );
  return 'wait';
}

async function judged(judgement: Judgement, first: Promise<JwtStatus>): Promise<JwtStatus> {
  for (let signature = first; ; ) {
    const step = judgement.next(await signature);
    if (step.done === true) return step.value;
    signature = step.value;
  }
}

/** Later filters and the log may ask why a token did not hold. */
function leaveFailure({ metadata }: Exchange, status: JwtStatus, provider: JwtProvider | undefined): void {
  const key = provider?.failureInMetadata ?? '';
  if (key !== '') metadata.merge(NAME, { [key]: { code: JWT_STATUS_CODES[status], message: JWT_STATUS[status] } });
}

/** Whose failure it is that there is no token. */
const onlyProvider = ({ providers }: JwtFilterConfig): JwtProvider | undefined =>
  providers.length === 1 ? providers[0] : undefined;

/** What a token says is left even where the request is refused for another one. */
function leaveToken({ metadata }: Exchange, { provider, token }: VerifiedToken): void {
  if (provider.headerInMetadata !== '') metadata.merge(NAME, { [provider.headerInMetadata]: token.header });
  if (provider.payloadInMetadata === '') return;
  metadata.merge(NAME, { [provider.payloadInMetadata]: metadataPayload(provider, token) });
}

function noteAccepted(exchange: Exchange, verified: readonly VerifiedToken[]): void {
  const [first] = verified;
  exchange.steps.add('http_filter', first === undefined ? 'passed' : 'applied', NAME, () =>
    first === undefined
      ? { detail: 'the request carries no token, and none is demanded here' }
      : {
          detail: `the token of ${first.token.issuer} is genuine and in time, for subject ${String(first.token.payload['sub'] ?? 'nobody')}`,
          evidence: {
            issuer: first.token.issuer,
            algorithm: first.token.alg,
            keyId: first.token.kid,
            audiences: first.token.audiences.join(','),
            expires: first.token.expires,
          },
        },
  );
}

function refuse(
  exchange: Exchange,
  status: JwtStatus,
  {
    config,
    realm,
    failures,
  }: { readonly config: JwtFilterConfig; readonly realm: string; readonly failures: readonly TokenFailure[] },
): void {
  const text = JWT_STATUS[status];
  stat(exchange, config, 'denied');
  const { tokenOrigins } = exchange.connection.listener;
  exchange.steps.add('http_filter', 'stopped', NAME, () => noteRefusal(status, failures, tokenOrigins));
  const error = status === 'missing' ? '' : ', error="invalid_token"';
  exchange.reply({
    status: status === 'audience' ? 403 : 401,
    details: `jwt_authn_access_denied{${text.replaceAll(' ', '_')}}`,
    ...(!config.tellsNothing && {
      body: text,
      headers: { 'www-authenticate': `Bearer realm="${realm}"${error}` },
    }),
  });
}

function originalUri({ head }: Exchange): string {
  const scheme = head.headers.get('x-forwarded-proto') ?? head.scheme;
  return `${scheme}://${head.authority}${head.path.slice(0, MAX_PATH)}`;
}

function stat(exchange: Exchange, { statPrefix }: JwtFilterConfig, name: string): void {
  exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.jwt_authn.${statPrefix}${name}`).value++;
}
