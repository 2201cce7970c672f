import { type ExtAuthzConfig, readCheckSettings } from '../../../config/ext-authz-config.ts';
import { policyOrigin } from '../../../decisions/policy-origin.ts';
import { editAnswer } from '../../answer-filters.ts';
import type { Exchange, RequestLayer } from '../../exchange.ts';
import { peekBody } from '../../peek-body.ts';
import { perRoute, perRouteConfig } from '../per-route.ts';
import { chooseRouteAgain } from '../route-again.ts';
import {
  applyToAnswer,
  applyToRefusal,
  applyToRequest,
  changesRequest,
  isWellFormed,
  misnamedIn,
  permitted,
} from './apply-verdict.ts';
import { checkByGrpc } from './grpc-check.ts';
import { checkByHttp } from './http-check.ts';
import { keepShadow } from './shadow-verdict.ts';
import type { Question, ToldBody, Verdict } from './verdict.ts';

const NAME = 'envoy.filters.http.ext_authz';
const OF_ROUTE = { name: NAME, type: 'ext_authz.v3.ExtAuthzPerRoute' };
const NO_BODY: ToldBody = { bytes: Buffer.alloc(0), partial: undefined };
/** Where the rule that made the proxy ask left its name. */
const ASKED_BY = 'istio_ext_authz_shadow_effective_policy_id';

/** Envoy's ext_authz filter: a service decides whether the request goes on. Who cannot be asked refuses, unless told otherwise. */
export const extAuthz = (config: ExtAuthzConfig, place: number): RequestLayer => {
  const settingsOf = perRoute(OF_ROUTE, config.settings, (given) => readCheckSettings(given, config.settings));
  return (exchange) => {
    const forRoute = perRouteConfig(exchange, OF_ROUTE);
    // As in Envoy, nobody is asked about a request that has no route.
    if (exchange.route === undefined || forRoute?.['disabled'] === true) return 'next';
    if (!isEnabled(exchange, config)) {
      stat(exchange, config, 'disabled');
      if (!config.deniesWhereDisabled) return 'next';
      exchange.reply({ status: config.statusOnError, flag: 'UAEX', details: 'ext_authz_error' });
      return 'wait';
    }
    const settings = settingsOf(exchange);
    if (settings.body === undefined || !exchange.stream.hasBody) {
      ask(exchange, { config, settings, place, body: NO_BODY });
      return 'wait';
    }
    const { maxBytes, partial } = settings.body;
    peekBody(exchange, maxBytes, (body, complete) => {
      if (complete || partial) {
        const told = { bytes: complete ? body : body.subarray(0, maxBytes), partial: !complete };
        ask(exchange, { config, settings, place, body: told });
        return;
      }
      exchange.stats.count('downstream_rq_too_large');
      exchange.reply({ status: 413, details: 'request_payload_too_large', body: 'Payload Too Large' });
    });
    return 'wait';
  };
};

function isEnabled(exchange: Exchange, { enabled, onlyIf }: ExtAuthzConfig): boolean {
  const { numerator, of } = enabled;
  const { draws } = exchange.runtime.chance;
  if (numerator < of && (numerator === 0 || draws.below('ext_authz', exchange.traceKey, of) >= numerator)) return false;
  return onlyIf === undefined || onlyIf.accepts((filter) => exchange.metadata.of(filter));
}

function ask(exchange: Exchange, question: Question): void {
  const { config } = question;
  const { authorizer } = question.settings;
  const startedAt = exchange.runtime.clock.monotonic();
  const onVerdict = (verdict: Verdict): void => {
    exchange.underWay = undefined;
    if (exchange.finished) return;
    const tookMs = exchange.runtime.clock.monotonic() - startedAt;
    note(exchange, question, verdict, tookMs);
    leaveMetadata(exchange, config, { verdict, tookMs });
    act(exchange, question, verdict);
  };
  if (authorizer === undefined) {
    onVerdict({ kind: 'error', reason: 'the route names no service' });
    return;
  }
  const cancel =
    authorizer.kind === 'http'
      ? checkByHttp(exchange, authorizer, question, onVerdict)
      : checkByGrpc(exchange, authorizer, question, onVerdict);
  exchange.underWay = { cancel };
}

/** What an authorizer leaves behind; with who may pass also how long it took, where there is something. */
function leaveMetadata(
  exchange: Exchange,
  config: ExtAuthzConfig,
  { verdict, tookMs }: { readonly verdict: Verdict; readonly tookMs: number },
): void {
  const metadata = verdict.kind === 'error' ? undefined : verdict.metadata;
  if (metadata === undefined || Object.keys(metadata).length === 0) return;
  if (!config.takesMetadata) {
    const own = config.statPrefix === '' ? '' : `${config.statPrefix}.`;
    exchange.stats.count(`ext_authz.${own}ignored_dynamic_metadata`);
    return;
  }
  const took = verdict.kind === 'ok' && { ext_authz_duration: Math.floor(tookMs) };
  exchange.metadata.merge(NAME, { ...metadata, ...took });
}

function act(exchange: Exchange, { config, place }: Question, verdict: Verdict): void {
  if (config.validatesChanges && !isWellFormed(verdict)) {
    if (verdict.kind === 'denied') countDenial(exchange, config, verdict.status);
    refuseVerdict(exchange, config);
    return;
  }
  if (config.shadow) keepShadow(exchange, config, verdict);
  switch (verdict.kind) {
    case 'ok': {
      const allowed = permitted(verdict, config.changes);
      if (allowed === undefined) {
        refuseVerdict(exchange, config);
        return;
      }
      stat(exchange, config, 'ok');
      applyToRequest(exchange.head, allowed);
      exchange.misnamed ??= misnamedIn(allowed);
      if (verdict.toClient.length > 0)
        editAnswer(exchange, place, ({ headers }) => applyToAnswer(headers, verdict.toClient));
      if (config.clearRouteCache && changesRequest(verdict) && chooseRouteAgain(exchange) === 'wait') return;
      exchange.proceed();
      return;
    }
    case 'denied':
      countDenial(exchange, config, verdict.status);
      if (config.shadow) {
        goOn(exchange, config, 'shadow_denied');
        return;
      }
      exchange.editResponse(({ headers }) => applyToRefusal(headers, verdict.headers));
      exchange.reply({
        status: verdict.status,
        flag: 'UAEX',
        details: 'ext_authz_denied',
        body: config.maxDeniedBytes === 0 ? verdict.body : Buffer.from(verdict.body).subarray(0, config.maxDeniedBytes),
      });
      return;
    case 'error':
      stat(exchange, config, 'error');
      if (config.shadow) {
        goOn(exchange, config, 'shadow_error');
        return;
      }
      if (!config.failureModeAllow) {
        exchange.reply({ status: config.statusOnError, flag: 'UAEX', details: 'ext_authz_error' });
        return;
      }
      stat(exchange, config, 'failure_mode_allowed');
      if (config.failureModeHeader) exchange.head.headers.set('x-envoy-auth-failure-mode-allowed', 'true');
      exchange.proceed();
  }
}

/** As in Envoy, what a shadow would have done is counted for the listener alone. */
function goOn(exchange: Exchange, { statPrefix }: ExtAuthzConfig, figure: string): void {
  const own = statPrefix === '' ? '' : `${statPrefix}.`;
  exchange.stats.count(`ext_authz.${own}${figure}`);
  exchange.proceed();
}

/** An authorizer wants what no request may be given. */
function refuseVerdict(exchange: Exchange, config: ExtAuthzConfig): void {
  stat(exchange, config, 'invalid');
  exchange.reply({ status: 500, flag: 'UAEX', details: 'ext_authz_invalid' });
}

function countDenial(exchange: Exchange, config: ExtAuthzConfig, status: number): void {
  stat(exchange, config, 'denied');
  if (config.chargesCluster) exchange.runtime.clusters.get(exchange.info.cluster)?.stats.code(status, 'internal');
}

function note(
  exchange: Exchange,
  { config: { failureModeAllow, shadow }, settings: { authorizer } }: Question,
  verdict: Verdict,
  ms: number,
): void {
  const rule = exchange.metadata.of('envoy.filters.http.rbac')?.[ASKED_BY];
  const cluster = authorizer?.kind === 'grpc' ? authorizer.service.cluster : (authorizer?.cluster ?? 'nobody');
  const stops = !shadow && (verdict.kind === 'denied' || (verdict.kind === 'error' && !failureModeAllow));
  exchange.steps.add('http_filter', stops ? 'stopped' : 'applied', NAME, () => ({
    detail: `${wording(verdict, cluster, failureModeAllow)}${shadow ? ', but only in its shadow' : ''}`,
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
