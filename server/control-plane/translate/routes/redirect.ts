import type { Route } from '#xds';
import type { HttpDirectResponse, HttpRedirect } from '../../snapshot/istio-types.ts';

const REDIRECT_CODES: Readonly<Record<number, NonNullable<NonNullable<Route['redirect']>['response_code']>>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

/** A redirect; undefined for a code that Envoy cannot send. `port` is the listener's, for FROM_REQUEST_PORT. */
export function translateRedirect(
  redirect: HttpRedirect,
  { port, isTls }: { readonly port: number; readonly isTls: boolean },
): Route['redirect'] | undefined {
  const code = REDIRECT_CODES[redirect.redirectCode || 301];
  if (code === undefined) return undefined;
  const target = redirect.port ?? (redirect.derivePort === 'FROM_REQUEST_PORT' ? port : undefined);
  const scheme = redirect.scheme || (isTls ? 'https' : 'http');
  const isDefaultPort = (target === 80 && scheme === 'http') || (target === 443 && scheme === 'https');
  return {
    ...(redirect.authority && { host_redirect: redirect.authority }),
    ...(redirect.prefixRewrite ? { prefix_rewrite: redirect.prefixRewrite } : { path_redirect: redirect.uri ?? '' }),
    ...(redirect.scheme && { scheme_redirect: redirect.scheme }),
    ...(target !== undefined && !isDefaultPort && { port_redirect: target }),
    // 301 is Envoy's default, which a config dump leaves out.
    ...(code !== 'MOVED_PERMANENTLY' && { response_code: code }),
  };
}

/** An answer that the proxy gives itself. */
export function translateDirectResponse(response: HttpDirectResponse): NonNullable<Route['direct_response']> {
  const { status, body } = response;
  if (body?.string !== undefined) return { status, body: { inline_string: body.string } };
  if (body?.bytes !== undefined) return { status, body: { inline_bytes: body.bytes } };
  return { status };
}
