import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Which host names this server answers to, and who may talk to it: only pages that it served itself. */
export interface Access {
  /** Where a browser of this machine finds the server's pages: `http://127.0.0.1:4321`. */
  readonly home: string;
  /** The Host header names this server (a page that rebinds its DNS name to loopback does not). */
  hostAllowed(request: IncomingMessage): boolean;
  /** The request comes from one of our own pages, or from no page at all when `allowNone`. */
  originAllowed(request: IncomingMessage, options: { readonly allowNone: boolean }): boolean;
  /** The learner's id from the cookie, when the cookie is one of ours. */
  learner(request: IncomingMessage): string | undefined;
  /** A new learner and the cookie that names them. */
  enrol(): { readonly learner: string; readonly cookie: string };
  /** The cookie that names a learner. */
  cookie(learner: string): string;
  /** A token that proves a page may open the stream as this learner. */
  token(learner: string): string;
  tokenValid(learner: string, token: string): boolean;
}

const COOKIE = 'meshwork_learner';

/** `hosts` are Host headers, the best first; `secret` signs cookies and tokens; it lives as long as the learners' database. */
export function createAccess(options: { readonly hosts: readonly string[]; readonly secret: Buffer }): Access {
  const sign = (purpose: string, text: string): string =>
    createHmac('sha256', options.secret).update(`${purpose}:${text}`).digest('base64url');
  const equal = (a: string, b: string): boolean =>
    a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
  const token = (learner: string): string => sign('stream', learner);
  const cookie = (learner: string): string =>
    `${COOKIE}=${learner}.${sign('learner', learner)}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000`;
  return {
    home: `http://${options.hosts[0]}`,
    hostAllowed: (request) => options.hosts.includes((request.headers.host ?? '').toLowerCase()),
    originAllowed: (request, { allowNone }) => {
      const site = request.headers['sec-fetch-site'];
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
      const origin = request.headers.origin;
      if (origin === undefined) return allowNone;
      return options.hosts.includes(origin.replace(/^https?:\/\//, '').toLowerCase());
    },
    learner: (request) => {
      const [id, mac] = cookieValue(request, COOKIE)?.split('.') ?? [];
      return id && mac && /^[0-9a-f]{32}$/.test(id) && equal(mac, sign('learner', id)) ? id : undefined;
    },
    enrol: () => {
      const learner = randomBytes(16).toString('hex');
      return { learner, cookie: cookie(learner) };
    },
    cookie,
    token,
    tokenValid: (learner, given) => equal(given, token(learner)),
  };
}

function cookieValue(request: IncomingMessage, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=');
    if (key === name) return value;
  }
  return undefined;
}
