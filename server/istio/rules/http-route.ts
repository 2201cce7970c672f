import { checkDestinations } from './destinations.ts';
import { checkFault } from './fault.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkAuthorityRewrite, checkHeaderOperations } from './headers.ts';
import {
  checkCors,
  checkDirectResponse,
  checkMirrors,
  checkRedirect,
  checkRetries,
  checkRewrite,
} from './http-actions.ts';
import { checkHttpMatches } from './http-match.ts';
import { checkDuration } from './values.ts';

export interface HttpRouteOptions {
  /** The route of a VirtualService without hosts. */
  readonly delegate: boolean;
  /** The route stands for one of the Gateway API. */
  readonly converted: boolean;
}

/** Everything that Istio's validation checks in one HTTP route. */
export function checkHttpRoute(route: Field, findings: Findings, options: HttpRouteOptions): void {
  checkConflicts(route, findings, options);
  checkHttpMatches(route, findings);
  checkHeaderOperations(route.get('headers'), findings);
  checkCors(route.get('corsPolicy'), findings);
  checkFault(route.get('fault'), findings);
  checkMirrors(route, findings);
  checkRedirect(route, findings);
  checkDirectResponse(route.get('directResponse'), findings);
  checkRetries(route, findings);
  checkRewrite(route.get('rewrite'), findings);
  checkAuthorityRewrite(route, findings);
  checkDestinations(route.get('route'), findings, { withHeaders: true, converted: options.converted });
  checkDuration(route.get('timeout'), findings);
}

/** What a route may not be at the same time: it forwards, redirects, answers or delegates. */
function checkConflicts(route: Field, findings: Findings, options: { readonly delegate: boolean }): void {
  const has = (name: string): boolean => route.get(name).exists;
  const forwards = route.get('route').items.length > 0;
  if (has('delegate') && !options.delegate) {
    const name = route.get('name').text;
    if (has('redirect')) findings.reject(route.get('redirect'), `root HTTP route ${name} must not specify redirect`);
    if (forwards) findings.reject(route.get('route'), `root HTTP route ${name} must not specify route`);
    return;
  }
  if (has('delegate')) findings.reject(route.get('delegate'), 'delegate HTTP route cannot contain delegate');
  const ending = has('redirect') ? 'redirect' : has('directResponse') ? 'directResponse' : undefined;
  if (ending) {
    const word = ending === 'redirect' ? 'redirect' : 'direct_response';
    const hint = `A ${word} ends the request in the proxy: keep one of the two.`;
    if (forwards) findings.reject(route.get('route'), `HTTP route cannot contain both route and ${word}`, hint);
    if (has('fault')) findings.reject(route.get('fault'), `HTTP route cannot contain both fault and ${word}`, hint);
    if (has('rewrite'))
      findings.reject(route.get('rewrite'), `HTTP route rule cannot contain both rewrite and ${word}`, hint);
    if (ending === 'redirect' && has('directResponse')) {
      const message = 'HTTP route rule cannot contain both direct_response and redirect';
      findings.reject(route.get('directResponse'), message, hint);
    }
  } else if (!forwards) {
    const hint = 'Say where matching requests go: add route with a destination.';
    findings.reject(route, 'HTTP route, redirect or direct_response is required', hint);
  }
  if (has('mirror') && route.get('mirrors').items.length > 0) {
    findings.reject(route.get('mirrors'), 'HTTP route cannot contain both mirror and mirrors', 'Keep mirrors.');
  }
}
