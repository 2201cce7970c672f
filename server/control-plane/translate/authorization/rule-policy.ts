import type {
  PolicyCondition,
  PolicyOperation,
  PolicyRule,
  PolicySource,
} from '../../snapshot/authorization-policies.ts';
import * as attributes from './attributes.ts';
import { type Attribute, type AttributeContext, Unsupported } from './attributes.ts';
import type { Permission, Principal, RbacPolicy } from './rbac-types.ts';
import { expandTrustDomains, withTrustDomains } from './trust-domains.ts';

export interface RuleContext extends AttributeContext {
  /** An ALLOW rule must never become wider than it is written, the others never narrower. */
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
  /** The mesh's own first. */
  readonly trustDomains: readonly string[];
}

/** One field of a rule with its values. */
interface Field {
  readonly attribute: Attribute;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
}

/**
 * A rule as an RBAC policy. Its permissions stand in the order of `to`, its principals in that of `from`. Throws Unsupported for a rule
 * with an unknown condition key, and for an ALLOW rule with a field that cannot be checked here: such a rule matches nothing. In other
 * actions such a field is left out, which makes the rule wider. Source: authz/model in istio pilot.
 */
export function rulePolicy(rule: PolicyRule, context: RuleContext): RbacPolicy {
  const when = (rule.when ?? []).map(conditionField);
  const onRequest = when.filter(({ attribute }) => isPermission(attribute));
  const onPeer = when.filter(({ attribute }) => !isPermission(attribute));
  const operations = (rule.to ?? []).map(({ operation }) => [...operationFields(operation ?? {}), ...onRequest]);
  const sources = (rule.from ?? []).map(({ source }) => [...sourceFields(source ?? {}), ...onPeer]);
  return {
    permissions: (operations.length === 0 ? [onRequest] : operations).map((fields) => permissionOf(fields, context)),
    principals: (sources.length === 0 ? [onPeer] : sources).map((fields) => principalOf(fields, context)),
  };
}

const isPermission = (attribute: Attribute): boolean => 'permission' in attribute || 'permissions' in attribute;

const field = (attribute: Attribute, values: readonly string[] = [], notValues: readonly string[] = []): Field[] =>
  values.length === 0 && notValues.length === 0 ? [] : [{ attribute, values, notValues }];

const operationFields = (to: PolicyOperation): Field[] => [
  ...field(attributes.host, to.hosts, to.notHosts),
  ...field(attributes.method, to.methods, to.notMethods),
  ...field(attributes.path, to.paths, to.notPaths),
  ...field(attributes.destinationPort, to.ports, to.notPorts),
];

const sourceFields = (from: PolicySource): Field[] => [
  ...field(attributes.sourcePrincipal, from.principals, from.notPrincipals),
  ...field(attributes.requestPrincipal, from.requestPrincipals, from.notRequestPrincipals),
  ...field(attributes.sourceServiceAccount, from.serviceAccounts, from.notServiceAccounts),
  ...field(attributes.sourceTrustDomain, from.trustDomains, from.notTrustDomains),
  ...field(attributes.sourceNamespace, from.namespaces, from.notNamespaces),
  ...field(attributes.remoteIp, from.remoteIpBlocks, from.notRemoteIpBlocks),
  ...field(attributes.sourceIp, from.ipBlocks, from.notIpBlocks),
];

const CONDITIONS: Readonly<Record<string, Attribute>> = {
  'destination.ip': attributes.destinationIp,
  'destination.port': attributes.destinationPort,
  'connection.sni': attributes.serverName,
  'source.ip': attributes.sourceIp,
  'remote.ip': attributes.remoteIp,
  'source.namespace': attributes.sourceNamespace,
  'source.trustDomain': attributes.sourceTrustDomain,
  'source.serviceAccount': attributes.sourceServiceAccount,
  'source.principal': attributes.sourcePrincipal,
  'request.auth.principal': attributes.requestPrincipal,
  'request.auth.audiences': attributes.requestAudiences,
  'request.auth.presenter': attributes.requestPresenter,
};

const KEYED: readonly (readonly [string, (key: string) => Attribute])[] = [
  ['experimental.envoy.filters.', attributes.filterMetadata],
  ['request.headers', attributes.requestHeader],
  ['request.auth.claims', attributes.requestClaim],
];

function conditionField({ key, values = [], notValues = [] }: PolicyCondition): Field {
  const attribute = CONDITIONS[key] ?? KEYED.find(([prefix]) => key.startsWith(prefix))?.[1](key);
  if (attribute === undefined) throw new Unsupported(key, 'unknown attribute');
  return { attribute, values, notValues };
}

function permissionOf(fields: readonly Field[], context: RuleContext): Permission {
  const rules = fields.flatMap((one): Permission[] => {
    const { attribute } = one;
    const build = (values: readonly string[]): Permission | undefined =>
      'permissions' in attribute
        ? all(attribute.permissions, values, context)
        : 'permission' in attribute
          ? anyOf(each(attribute.permission, values, context), (list) => ({ or_rules: { rules: list } }))
          : undefined;
    const wanted = build(one.values);
    const unwanted = build(one.notValues);
    return [...(wanted ? [wanted] : []), ...(unwanted ? [{ not_rule: unwanted }] : [])];
  });
  return { and_rules: { rules: rules.length === 0 ? [{ any: true }] : rules } };
}

function principalOf(fields: readonly Field[], context: RuleContext): Principal {
  const ids = fields.flatMap((one): Principal[] => {
    const { attribute } = one;
    const build = (given: readonly string[]): Principal | undefined => {
      const values = migrate(attribute, given, context.trustDomains);
      return 'principals' in attribute
        ? all(attribute.principals, values, context)
        : 'principal' in attribute
          ? anyOf(each(attribute.principal, values, context), (list) => ({ or_ids: { ids: list } }))
          : undefined;
    };
    const wanted = build(one.values);
    const unwanted = build(one.notValues);
    return [...(wanted ? [wanted] : []), ...(unwanted ? [{ not_id: unwanted }] : [])];
  });
  return { and_ids: { ids: ids.length === 0 ? [{ any: true }] : ids } };
}

function migrate(attribute: Attribute, values: readonly string[], trustDomains: readonly string[]): readonly string[] {
  if (attribute === attributes.sourcePrincipal) return withTrustDomains(values, trustDomains);
  if (attribute === attributes.sourceTrustDomain) return expandTrustDomains(values, trustDomains);
  return values;
}

const anyOf = <Matcher>(list: Matcher[], join: (list: Matcher[]) => Matcher): Matcher | undefined =>
  list.length === 0 ? undefined : join(list);

function each<Matcher>(
  build: (value: string, context: AttributeContext) => Matcher,
  values: readonly string[],
  context: RuleContext,
): Matcher[] {
  return values.flatMap((value) => {
    const built = tolerate(() => build(value, context), context);
    return built === undefined ? [] : [built];
  });
}

function all<Matcher>(
  build: (values: readonly string[], context: AttributeContext) => Matcher | undefined,
  values: readonly string[],
  context: RuleContext,
): Matcher | undefined {
  return values.length === 0 ? undefined : tolerate(() => build(values, context), context);
}

function tolerate<Matcher>(build: () => Matcher | undefined, { action }: RuleContext): Matcher | undefined {
  try {
    return build();
  } catch (thrown) {
    if (!(thrown instanceof Unsupported) || action === 'ALLOW') throw thrown;
    return undefined;
  }
}
