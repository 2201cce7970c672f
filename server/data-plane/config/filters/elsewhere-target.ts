import type { Any } from '#xds';
import { ConfigProblem } from '../problem.ts';
import { readNumber, record } from '../values.ts';

/** What a request asks for in the place of what it has asked for; undefined: that stays. */
export interface ElsewhereTarget {
  readonly scheme: 'http' | 'https' | undefined;
  readonly authority: string | undefined;
  /** In place of that of the authority. */
  readonly port: number | undefined;
  /** Without a fragment. */
  readonly path: string | undefined;
  readonly stripsQuery: boolean;
}

const URI = /^(https?):\/\/([^/?#\s]+)([^#\s]*)/i;

/** Reads `uri` or `redirect_action` of a RedirectPolicy. */
export function readTarget(config: Any, field: string): ElsewhereTarget {
  const uri = config['uri'];
  const action = record(config['redirect_action']);
  if (typeof uri === 'string') {
    const [, scheme, authority, rest = ''] = URI.exec(uri) ?? [];
    if (scheme === undefined)
      throw new ConfigProblem(`${field}.uri`, `Invalid uri specified for redirection for custom response: ${uri}`);
    const path = rest.startsWith('/') ? rest : `/${rest}`;
    return { scheme: scheme.toLowerCase() as 'http' | 'https', authority, port: undefined, path, stripsQuery: true };
  }
  if (action === undefined) throw new ConfigProblem(`${field}.redirect_action_specifier`, 'is required');
  for (const name of ['regex_rewrite', 'prefix_rewrite'])
    if (action[name] !== undefined)
      throw new ConfigProblem(`${field}.redirect_action`, `${name} is not supported for Custom Response`);
  const host = String(action['host_redirect'] ?? '');
  const path = String(action['path_redirect'] ?? '');
  if (path.includes('#')) {
    const why = `#fragment is not supported for custom response. Specified path_redirect is ${path}`;
    throw new ConfigProblem(`${field}.redirect_action`, why);
  }
  if (host === '' && path === '')
    throw new ConfigProblem(
      `${field}.redirect_action`,
      'At least one of host_redirect and path_redirect needs to be specified',
    );
  const https = action['https_redirect'] === true || action['scheme_redirect'] === 'https';
  return {
    scheme: https ? 'https' : action['scheme_redirect'] === 'http' ? 'http' : undefined,
    authority: host || undefined,
    port: readNumber(action['port_redirect'], 0) || undefined,
    path: path || undefined,
    stripsQuery: action['strip_query'] === true,
  };
}
