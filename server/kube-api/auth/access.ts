import type { TLSSocket } from 'node:tls';
import type { AccessDecision, AccessRequest, UserInfo } from '../doors.ts';
import type { ApiContext } from '../http/context.ts';
import type { Exchange } from '../http/exchange.ts';
import { ANONYMOUS } from '../http/exchange.ts';
import { KubeStatusError } from '../status-error.ts';
import { ADMINISTRATORS, rbac } from './rbac.ts';

const ADMIN: UserInfo = { username: 'kubernetes-admin', groups: [ADMINISTRATORS, 'system:authenticated'] };

/** Open to everybody, as the role system:public-info-viewer makes them. */
const PUBLIC = new Set(['/healthz', '/livez', '/readyz', '/version']);

const unauthorized = (): KubeStatusError => new KubeStatusError('Unauthorized', 'Unauthorized');

const authenticated = (user: UserInfo): UserInfo =>
  user.groups.includes('system:authenticated') ? user : { ...user, groups: [...user.groups, 'system:authenticated'] };

/** Finds out who sends a request and what that user may do. */
export class Access {
  readonly #context: ApiContext;
  readonly #authorize: (request: AccessRequest) => AccessDecision;

  constructor(context: ApiContext) {
    this.#context = context;
    const { authorize } = context.options;
    this.#authorize = authorize ? (request) => authorize(request) : rbac(context.store);
  }

  /** Sets the exchange's user. Throws Unauthorized for a token that proves nothing, Forbidden for an impersonation that is not granted. */
  identify(exchange: Exchange): void {
    exchange.user = this.#impersonated(exchange, this.#sender(exchange));
  }

  decide(request: AccessRequest): AccessDecision {
    return this.#authorize(request);
  }

  /** Throws Forbidden in Kubernetes' words. */
  require(request: AccessRequest): void {
    if (!request.resource && PUBLIC.has(request.path)) return;
    const { allowed, reason } = this.#authorize(request);
    if (!allowed) throw accessDenied(request, reason);
  }

  #sender(exchange: Exchange): UserInfo {
    const { options } = this.#context;
    const certified = certificateUser(exchange);
    if (certified) return certified;
    if (!options.authenticate) return ADMIN;
    const header = exchange.header('authorization') ?? '';
    if (header === '') return ANONYMOUS;
    const token = /^bearer\s+(\S+)$/i.exec(header)?.[1];
    if (token === undefined) throw unauthorized();
    const user = options.authenticate(token);
    if (!user) throw unauthorized();
    return authenticated(user);
  }

  #impersonated(exchange: Exchange, sender: UserInfo): UserInfo {
    const username = exchange.header('impersonate-user');
    const asked = exchange.request.headersDistinct['impersonate-group'] ?? [];
    if (username === undefined) {
      if (asked.length > 0) throw new KubeStatusError('InternalError', 'requested groups without impersonating a user');
      return sender;
    }
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
    this.#requireImpersonation(sender, account ? 'serviceaccounts' : 'users', account?.[2] ?? username, account?.[1]);
    for (const group of asked) this.#requireImpersonation(sender, 'groups', group);
    const accountGroups = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [];
    const groups = asked.length > 0 ? asked : accountGroups;
    const uid = exchange.header('impersonate-uid');
    if (username === ANONYMOUS.username) return ANONYMOUS;
    return authenticated({ username, groups, ...(uid === undefined ? {} : { uid }) });
  }

  #requireImpersonation(user: UserInfo, resource: string, name: string, namespace = ''): void {
    const place = { group: '', version: 'v1', resource, subresource: '', namespace, name };
    this.require({ user, verb: 'impersonate', resource: place, path: '' });
  }
}

/** The subject of a verified client certificate. */
function certificateUser({ request }: Exchange): UserInfo | undefined {
  const socket = request.socket as Partial<TLSSocket>;
  if (socket.authorized !== true || !socket.getPeerCertificate) return undefined;
  const { subject } = socket.getPeerCertificate();
  const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
  const username = first(subject?.CN);
  if (username === undefined) return undefined;
  const organizations: string | string[] = subject?.O ?? [];
  return authenticated({ username, groups: Array.isArray(organizations) ? organizations : [organizations] });
}

function accessDenied({ path, resource, user, verb }: AccessRequest, reason: string | undefined): KubeStatusError {
  const why = reason === undefined || reason === '' ? '' : `: ${reason}`;
  const who = `User "${user.username}" cannot ${verb}`;
  if (!resource) return new KubeStatusError('Forbidden', `forbidden: ${who} path "${path}"${why}`, {});
  const { group, name, namespace, subresource } = resource;
  const full = subresource === '' ? resource.resource : `${resource.resource}/${subresource}`;
  const where = namespace === '' ? ' at the cluster scope' : ` in the namespace "${namespace}"`;
  const qualified = group === '' ? resource.resource : `${resource.resource}.${group}`;
  const subject = name === '' ? qualified : `${qualified} "${name}"`;
  return new KubeStatusError(
    'Forbidden',
    `${subject} is forbidden: ${who} resource "${full}" in API group "${group}"${where}${why}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource.resource },
  );
}
