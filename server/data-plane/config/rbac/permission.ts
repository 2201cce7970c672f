import type { Any, HeaderMatcher, StringMatcher } from '#xds';
import { type CidrRange, compileRange } from '../cidr.ts';
import type { MetadataMatcherJson } from '../metadata-match.ts';
import { ConfigProblem } from '../problem.ts';
import { compileStringMatch } from '../string-match.ts';
import { compileUriTemplate } from '../uri-template.ts';
import { ALWAYS_HOLDS, allOf, anyOf, leaf, not, type RbacCondition } from './condition.ts';
import {
  headerCondition,
  metadataCondition,
  pathCondition,
  type SourcedMetadataJson,
  sourcedCondition,
} from './request-conditions.ts';
import { pathOf } from './subject.ts';

/** envoy.config.rbac.v3.Permission: what is asked for. */
export interface PermissionJson {
  readonly any?: boolean;
  readonly and_rules?: { readonly rules?: readonly PermissionJson[] };
  readonly or_rules?: { readonly rules?: readonly PermissionJson[] };
  readonly not_rule?: PermissionJson;
  readonly header?: HeaderMatcher;
  readonly url_path?: { readonly path?: StringMatcher };
  readonly uri_template?: { readonly typed_config?: Any };
  readonly destination_ip?: CidrRange;
  readonly destination_port?: number;
  readonly destination_port_range?: { readonly start?: number; readonly end?: number };
  readonly requested_server_name?: StringMatcher;
  readonly metadata?: MetadataMatcherJson;
  readonly sourced_metadata?: SourcedMetadataJson;
}

/** Compiles a permission. Throws ConfigProblem for one this proxy cannot check: it must not be guessed. */
export function compilePermission(given: PermissionJson, field: string): RbacCondition {
  const set = (list: readonly PermissionJson[] | undefined, name: string): RbacCondition[] =>
    (list ?? []).map((one, i) => compilePermission(one, `${field}.${name}.rules[${i}]`));
  if (given.any === true) return ALWAYS_HOLDS;
  if (given.and_rules) return allOf(set(given.and_rules.rules, 'and_rules'));
  if (given.or_rules) return anyOf(set(given.or_rules.rules, 'or_rules'));
  if (given.not_rule) return not(compilePermission(given.not_rule, `${field}.not_rule`));
  if (given.header) return headerCondition(given.header, `${field}.header`);
  if (given.url_path) return pathCondition(given.url_path, `${field}.url_path`);
  if (given.uri_template) return templateCondition(given.uri_template.typed_config, `${field}.uri_template`);
  if (given.metadata) return metadataCondition(given.metadata, `${field}.metadata`);
  if (given.sourced_metadata) return sourcedCondition(given.sourced_metadata, `${field}.sourced_metadata`);
  return compileDestination(given, field);
}

function compileDestination(given: PermissionJson, field: string): RbacCondition {
  if (given.destination_ip) {
    const range = compileRange(given.destination_ip, `${field}.destination_ip`);
    return leaf({
      name: 'destination address',
      wanted: `in ${range.text}`,
      value: ({ connection }) => connection.localAddress.ip,
      holds: ({ connection }) => range.contains(connection.localAddress.ip),
    });
  }
  if (given.destination_port !== undefined) return portCondition(given.destination_port, given.destination_port + 1);
  const range = given.destination_port_range;
  if (range) return portCondition(range.start ?? 0, range.end ?? 0);
  if (given.requested_server_name) {
    const match = compileStringMatch(given.requested_server_name, `${field}.requested_server_name`);
    return leaf({
      name: 'server name (SNI)',
      wanted: match.wanted,
      value: ({ connection }) => connection.requestedServerName,
      holds: ({ connection }) => match.accepts(connection.requestedServerName),
    });
  }
  throw new ConfigProblem(field, `${Object.keys(given)[0] ?? 'an empty permission'} is not supported`);
}

const portCondition = (start: number, end: number): RbacCondition =>
  leaf({
    name: 'port',
    wanted: end === start + 1 ? `${start}` : `from ${start} to below ${end}`,
    value: ({ connection }) => String(connection.localAddress.port),
    holds: ({ connection: { localAddress } }) => localAddress.port >= start && localAddress.port < end,
  });

const TEMPLATE_TYPE = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';

function templateCondition(config: Any | undefined, field: string): RbacCondition {
  if (config?.['@type'] !== TEMPLATE_TYPE) throw new ConfigProblem(field, 'is no path template');
  const template = String(config['path_template'] ?? '');
  const { matches } = compileUriTemplate(template, field);
  return leaf({
    name: 'path',
    wanted: `a match of ${template}`,
    value: pathOf,
    holds(subject) {
      const path = pathOf(subject);
      return path !== undefined && matches(path);
    },
  });
}
