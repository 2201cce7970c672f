import type { HeaderValueOption } from '#xds';
import { compileFormat, type Format } from '../format/template.ts';
import { compileHeaderRules, type HeaderRules } from './header-rules.ts';
import { ConfigProblem } from './problem.ts';

/** How a TCP proxy asks a host for a tunnel. */
export interface TunnelRequest {
  /** Host and port on the other side of the tunnel. */
  readonly authority: Format;
  /** By POST, whose bodies are then the bytes of the tunnel; else by CONNECT. */
  readonly post: boolean;
  /** Of a POST. */
  readonly path: string;
  readonly headers: HeaderRules | undefined;
}

interface TunnelingJson {
  readonly hostname?: string;
  readonly use_post?: boolean;
  readonly post_path?: string;
  readonly headers_to_add?: HeaderValueOption[];
}

/** Reads TcpProxy.TunnelingConfig. What an answer's headers and trailers would leave behind is read by nothing here. */
export function readTunneling(given: Readonly<Record<string, unknown>> | undefined): TunnelRequest | undefined {
  if (given === undefined) return undefined;
  const { hostname = '', use_post: post = false, post_path: path = '', headers_to_add } = given as TunnelingJson;
  if (hostname === '')
    throw new ConfigProblem('tunneling_config.hostname', 'value length must be at least 1 characters');
  if (path !== '' && !post)
    throw new ConfigProblem('tunneling_config.post_path', "Can't set a post path when POST method isn't used");
  return {
    authority: compileFormat(hostname, 'tunneling_config.hostname', ''),
    post,
    path: path === '' ? '/' : path,
    headers: compileHeaderRules({ request_headers_to_add: headers_to_add ?? [] }),
  };
}
