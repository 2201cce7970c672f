import type { StringMatcher } from '#xds';
import { cidrRange } from './cidr-range.ts';
import {
  anyValue,
  claimMatch,
  headerMatch,
  listClaimMatch,
  listOf,
  metadataMatch,
  NOT_EMPTY,
  pathMatch,
  quoteMeta,
  stringMatch,
  stringValues,
} from './matchers.ts';
import type { MetadataMatcher, Permission, Principal } from './rbac-types.ts';

/** A value that cannot be turned into a matcher, or not on a connection that carries no HTTP. */
export class Unsupported extends Error {
  constructor(attribute: string, reason: string) {
    super(`${attribute}: ${reason}`);
    this.name = 'Unsupported';
  }
}

/** What a rule is translated for. */
export interface AttributeContext {
  /** The connection is read as plain bytes: there is no request. */
  readonly forTcp: boolean;
  /** Namespace of the policy, for service accounts without one. */
  readonly namespace: string;
}

/** Turns all values of one field into one matcher; throws Unsupported. */
type Build<Matcher> = (values: readonly string[], context: AttributeContext) => Matcher | undefined;

/** One value at a time, joined by OR. A value that throws costs the whole field of an ALLOW rule, and only itself elsewhere. */
type BuildOne<Matcher> = (value: string, context: AttributeContext) => Matcher;

/** How a field becomes a permission (what is asked for) or a principal (who asks). */
export type Attribute = { readonly key: string } & (
  | { readonly permission: BuildOne<Permission> }
  | { readonly permissions: Build<Permission> }
  | { readonly principal: BuildOne<Principal> }
  | { readonly principals: Build<Principal> }
);

const httpOnly = (key: string, { forTcp }: AttributeContext): void => {
  if (forTcp) throw new Unsupported(key, 'HTTP only');
};

function range(key: string, value: string): NonNullable<ReturnType<typeof cidrRange>> {
  const found = cidrRange(value);
  if (found === undefined) throw new Unsupported(key, `"${value}" is no address or range`);
  return found;
}

const authenticated = (principal_name: StringMatcher): Principal => ({ authenticated: { principal_name } });

export const host: Attribute = {
  key: ':authority',
  permission(value, context) {
    httpOnly('hosts', context);
    return { header: headerMatch(':authority', value, true) };
  },
};

export const method: Attribute = {
  key: ':method',
  permission(value, context) {
    httpOnly('methods', context);
    return { header: headerMatch(':method', value) };
  },
};

export const path: Attribute = {
  key: 'path',
  permission(value, context) {
    httpOnly('paths', context);
    return pathMatch(value);
  },
};

export const destinationPort: Attribute = {
  key: 'destination.port',
  permission(value) {
    const port = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(port <= 65_535)) throw new Unsupported('destination.port', `"${value}" is no port`);
    return { destination_port: port };
  },
};

export const destinationIp: Attribute = {
  key: 'destination.ip',
  permission: (value) => ({ destination_ip: range('destination.ip', value) }),
};

export const serverName: Attribute = {
  key: 'connection.sni',
  permission: (value) => ({ requested_server_name: stringMatch(value) }),
};

/** `experimental.envoy.filters.a.b[c]`: key `c` of the metadata of filter `envoy.filters.a.b`. A value `[v]` asks for a list item. */
export const filterMetadata = (key: string): Attribute => ({
  key,
  permissions(values) {
    const open = key.indexOf('[');
    if (open < 0) throw new Unsupported(key, 'has no key in brackets');
    const filter = key.slice('experimental.'.length, open);
    const name = key.slice(open + 1).replace(/\]$/, '');
    const matchers = values.map((value) =>
      value.startsWith('[') && value.endsWith(']')
        ? listOf({ string_match: stringMatch(value.replace(/^[[\]]+|[[\]]+$/g, '')) })
        : { string_match: stringMatch(value) },
    );
    return { metadata: metadataMatch(filter, [name], anyValue(matchers)) };
  },
});

export const sourceIp: Attribute = {
  key: 'source.ip',
  principal: (value) => ({ direct_remote_ip: range('source.ip', value) }),
};

export const remoteIp: Attribute = {
  key: 'remote.ip',
  principal: (value) => ({ remote_ip: range('remote.ip', value) }),
};

export const sourceNamespace: Attribute = {
  key: 'source.namespace',
  principal: (value) =>
    authenticated({ safe_regex: { regex: `.*/ns/${value.split('*').map(quoteMeta).join('.*')}/.*` } }),
};

export const sourceTrustDomain: Attribute = {
  key: 'source.trustDomain',
  principal(value) {
    if (value === '*') return authenticated({ prefix: 'spiffe://' });
    const star = value.indexOf('*');
    if (star < 0) return authenticated({ prefix: `spiffe://${value}/` });
    const pattern = `${quoteMeta(value.slice(0, star))}[^/]*${quoteMeta(value.slice(star + 1))}`;
    return authenticated({ safe_regex: { regex: `spiffe://${pattern}/.*` } });
  },
};

/** `account` of the policy's own namespace, or `namespace/account`. Other parts may stand between in the identity. */
export const sourceServiceAccount: Attribute = {
  key: 'source.serviceAccount',
  principal(value, { namespace }) {
    const slash = value.indexOf('/');
    const [owner, account] = slash < 0 ? [namespace, value] : [value.slice(0, slash), value.slice(slash + 1)];
    const regex = `spiffe://.+/ns/${quoteMeta(owner)}/(.+/|)sa/${quoteMeta(account)}(/.+)?`;
    return authenticated({ safe_regex: { regex } });
  },
};

export const sourcePrincipal: Attribute = {
  key: 'source.principal',
  principal: (value) => authenticated(stringMatch(value, 'spiffe://')),
};

/** `issuer/subject`; the issuer may hold slashes itself. */
export const requestPrincipal: Attribute = {
  key: 'request.auth.principal',
  principals(values, context) {
    httpOnly('request.auth.principal', context);
    const each = values.map((value): Principal => {
      const { issuer, subject } = issuerAndSubject(value);
      const claim = (name: string, string_match: StringMatcher): Principal => ({
        metadata: claimMatch([name], { string_match }),
      });
      return { and_ids: { ids: [claim('iss', issuer), claim('sub', subject)] } };
    });
    const [only] = each;
    return each.length === 1 ? only : { or_ids: { ids: each } };
  },
};

function issuerAndSubject(value: string): { issuer: StringMatcher; subject: StringMatcher } {
  const slash = value.lastIndexOf('/');
  const [issuer, subject] = slash < 0 ? [value, ''] : [value.slice(0, slash), value.slice(slash + 1)];
  if (value === '*') return { issuer: NOT_EMPTY, subject: NOT_EMPTY };
  if (value.startsWith('*')) {
    if (slash < 0) return { issuer: NOT_EMPTY, subject: { suffix: value.slice(1) } };
    return { issuer: issuer === '*' ? NOT_EMPTY : { suffix: issuer.slice(1) }, subject: { exact: subject } };
  }
  if (value.endsWith('*')) {
    if (slash < 0) return { issuer: { prefix: value.slice(0, -1) }, subject: NOT_EMPTY };
    return { issuer: { exact: issuer }, subject: subject === '*' ? NOT_EMPTY : { prefix: subject.slice(0, -1) } };
  }
  return { issuer: { exact: issuer }, subject: { exact: subject } };
}

const claims = (key: string, read: () => readonly string[]): Attribute => ({
  key,
  principals(values, context) {
    httpOnly(key, context);
    const metadata: MetadataMatcher = listClaimMatch(read(), stringValues(values));
    return { metadata };
  },
});

export const requestAudiences = claims('request.auth.audiences', () => ['aud']);
export const requestPresenter = claims('request.auth.presenter', () => ['azp']);

/** `request.auth.claims[a][b]`: claim `b` inside claim `a`. */
export const requestClaim = (key: string): Attribute =>
  claims(key, () => nestedNames(key, key.slice('request.auth.claims'.length)));

export const requestHeader = (key: string): Attribute => ({
  key,
  principal(value, context) {
    httpOnly(key, context);
    return { header: headerMatch(bracketed(key, key.slice('request.headers'.length)), value) };
  },
});

function bracketed(key: string, text: string): string {
  if (!text.startsWith('[') || !text.endsWith(']')) throw new Unsupported(key, 'has no name in brackets');
  return text.slice(1, -1);
}

function nestedNames(key: string, text: string): readonly string[] {
  // Anything but a clean chain of brackets is one name.
  if (!/^(\[[^[\]]*\])*$/.test(text)) return [bracketed(key, text)];
  return [...text.matchAll(/\[([^[\]]*)\]/g)].map(([, name]) => name ?? '');
}
