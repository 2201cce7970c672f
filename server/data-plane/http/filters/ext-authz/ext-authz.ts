import type { ExtAuthzConfig } from '../../../config/ext-authz-config.ts';
import { policyOrigin } from '../../../decisions/policy-origin.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { peekBody } from '../../peek-body.ts';
import { chooseRoute } from '../../router/choose-route.ts';
import { perRouteConfig } from '../per-route.ts';
import { checkByGrpc } from './grpc-check.ts';
import { checkByHttp } from './http-check.ts';
import type { HeaderChange, ToldBody, Verdict } from './verdict.ts';

const NAME = 'envoy.filters.http.ext_authz';
const NO_BODY: ToldBody = { bytes: Buffer.alloc(0), partial: undefined };
/** Where the rule that made the proxy ask left its name. */
const ASKED_BY = 'istio_ext_authz_shadow_effective_policy_id';
/** Names that no authorizer may change: they frame and address the message. */
const UNTOUCHABLE: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'connection']);

/** Envoy's ext_authz filter: a service decides whether the request goes on. Who cannot be asked refuses, unless told otherwise. */
export const extAuthz = (config: ExtAuthzConfig): RequestLayer => {
  return (exchange) => {
    if (config.onlyIf !== undefined && !config.onlyIf.accepts((filter) => exchange.metadata.of(filter))) {
      stat(exchange, config, 'disabled');
      return 'next';
    }
    // As in Envoy, nobody is asked about a request that has no route.
    if (exchange.route === undefined || perRouteConfig(exchange, NAME)?.['disabled'] === true) return 'next';
    if (config.body === undefined || !exchange.stream.hasBody) {
      ask(exchange, config, NO_BODY);
      return 'wait';
    }
    const { maxBytes, partial } = config.body;
    peekBody(exchange, maxBytes, (body, complete) => {
      if (complete || partial) {
        ask(exchange, config, { bytes: complete ? body : body.subarray(0, maxBytes), partial: !complete });
        return;
      }
      exchange.stats.count('downstream_rq_too_large');
      exchange.reply({ status: 413, details: 'request_payload_too_large', body: 'Payload Too Large' });
    });
    return 'wait';
  };
};

function ask(exchange: Exchange, config: ExtAuthzConfig, body: ToldBody): void {
  const { authorizer } = config;
  const startedAt = exchange.runtime.clock.monotonic();
  const onVerdict = (verdict: Verdict): void => {
    exchange.underWay = undefined;
    if (exchange.finished) return;
    note(exchange, config, verdict, exchange.runtime.clock.monotonic() - startedAt);
    act(exchange, config, verdict);
  };
  const cancel =
    authorizer.kind === 'http'
      ? checkByHttp(exchange, { authorizer, config, body }, onVerdict)
      : checkByGrpc(exchange, { authorizer, config, body }, onVerdict);
  exchange.underWay = { cancel };
}

function act(exchange: Exchange, config: ExtAuthzConfig, verdict: Verdict): void {
  if (verdict.kind !== 'error' && verdict.metadata !== undefined) exchange.metadata.merge(NAME, verdict.metadata);
  switch (verdict.kind) {
    case 'ok':
      stat(exchange, config, 'ok');
      applyVerdict(exchange, verdict);
      if (config.clearRouteCache && changes(verdict) && rerouted(exchange) === 'wait') return;
      exchange.proceed();
      return;
    case 'denied':
      stat(exchange, config, 'denied');
      exchange.runtime.clusters.get(exchange.info.cluster)?.stats.code(verdict.status, 'internal');
      exchange.editResponse((head) => {
        for (const { name, value } of verdict.headers) if (!UNTOUCHABLE.has(name)) head.headers.set(name, value);
      });
      exchange.reply({ status: verdict.status, flag: 'UAEX', details: 'ext_authz_denied', body: verdict.body });
      return;
    case 'error':
      stat(exchange, config, 'error');
      if (!config.failureModeAllow) {
        exchange.reply({ status: config.statusOnError, flag: 'UAEX', details: 'ext_authz_error' });
        return;
      }
      stat(exchange, config, 'failure_mode_allowed');
      if (config.failureModeHeader) exchange.head.headers.set('x-envoy-auth-failure-mode-allowed', 'true');
      exchange.proceed();
  }
}

type Allowed = Verdict & { readonly kind: 'ok' };

const changes = ({ set, add, remove }: Allowed): boolean => set.length + add.length + remove.length > 0;

function applyVerdict(exchange: Exchange, { set, add, remove, toClient }: Allowed): void {
  const { headers } = exchange.head;
  for (const name of remove) if (name !== '' && !UNTOUCHABLE.has(name) && !name.startsWith(':')) headers.remove(name);
  const allowed = ({ name }: HeaderChange): boolean => !UNTOUCHABLE.has(name) && !name.startsWith(':');
  for (const { name, value } of set.filter(allowed)) headers.set(name, value);
  for (const { name, value } of add.filter(allowed)) headers.add(name, value);
  if (toClient.length === 0) return;
  exchange.editResponse((answer) => {
    for (const { name, value } of toClient.filter(allowed)) answer.headers.add(name, value);
  });
}

function rerouted(exchange: Exchange): 'next' | 'wait' {
  exchange.route = undefined;
  exchange.share = undefined;
  exchange.virtualHost = undefined;
  return chooseRoute(exchange);
}

function note(
  exchange: Exchange,
  { authorizer, failureModeAllow }: ExtAuthzConfig,
  verdict: Verdict,
  ms: number,
): void {
  const rule = exchange.metadata.of('envoy.filters.http.rbac')?.[ASKED_BY];
  const cluster = authorizer.kind === 'http' ? authorizer.cluster : authorizer.service.cluster;
  const stops = verdict.kind === 'denied' || (verdict.kind === 'error' && !failureModeAllow);
  exchange.steps.add('http_filter', stops ? 'stopped' : 'applied', NAME, () => ({
    detail: wording(verdict, cluster, failureModeAllow),
    origin: typeof rule === 'string' ? policyOrigin(rule) : undefined,
    evidence: {
      authorizer: cluster,
      verdict: verdict.kind,
      durationMs: Math.round(ms),
      ...(typeof rule === 'string' && { rule }),
      ...(verdict.kind === 'denied' && { status: verdict.status }),
    },
  }));
}

function wording(verdict: Verdict, cluster: string, failureModeAllow: boolean): string {
  if (verdict.kind === 'ok') return `${cluster} was asked and allows it`;
  if (verdict.kind === 'denied') return `${cluster} was asked and refuses it with ${verdict.status}`;
  const end = failureModeAllow ? 'it goes on, as the provider fails open' : 'so it is refused';
  return `${cluster} could not be asked (${verdict.reason}), ${end}`;
}

function stat({ config, info, runtime }: Exchange, { statPrefix }: ExtAuthzConfig, name: string): void {
  const own = statPrefix === '' ? '' : `${statPrefix}.`;
  runtime.stats.stat(`http.${config.statPrefix}.ext_authz.${own}${name}`).value++;
  if (name !== 'disabled') runtime.clusters.get(info.cluster)?.stats.count(`ext_authz.${own}${name}`);
}
