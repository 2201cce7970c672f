import { isIP } from 'node:net';
import { MeshworkError } from '#domain';

/** A host outside of the mesh from which an operator lets the keys of JWT issuers be fetched. */
export interface KeyHost {
  /** Scheme, host and port, as `URL.origin` has them: `https://login.example.com`, `http://keys.corp:8080`. */
  readonly origin: string;
  /** Where it is; undefined: at any public address that its name has. */
  readonly address?: string;
}

/**
 * Reads `https://login.example.com`, `login.example.com` (HTTPS) or `http://keys.corp:8080=10.1.2.3`, the last with an address. MeshworkError
 * MW9311 for what is none of these.
 */
export function readKeyHost(text: string): KeyHost {
  const [place = '', address, ...more] = text.trim().split('=');
  const written = place.includes('://') ? place : `https://${place}`;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  const plain = url !== undefined && url.origin !== 'null' && url.href === `${url.origin}/`;
  const known = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!plain || !known || more.length > 0 || (address !== undefined && isIP(address) === 0)) {
    throw new MeshworkError(
      'MW9311',
      `a host of keys is written https://HOST, http://HOST:PORT or HOST=ADDRESS, not "${text}"`,
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const pinned = address ?? (isIP(host) === 0 ? undefined : host);
  return { origin: url.origin, ...(pinned !== undefined && { address: pinned }) };
}
