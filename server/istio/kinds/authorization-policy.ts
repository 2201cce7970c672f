import type { KubeObject } from '#domain';
import {
  attributeProblem,
  checkValues,
  ipBlock,
  MAX_SERVICE_ACCOUNTS,
  notEmpty,
  pathTemplate,
  port,
  serviceAccount,
  trustDomain,
  type ValueRule,
} from '../rules/authorization-values.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { checkAttachment } from '../rules/target-refs.ts';
import { SECURITY } from './api-groups.ts';
import { defineKind, specColumn } from './definition.ts';

/** Lists of a source, each with a negated twin: `principals`, `notPrincipals`. */
const SOURCE: Readonly<Record<string, readonly ValueRule[]>> = {
  principals: [notEmpty],
  requestPrincipals: [notEmpty],
  namespaces: [notEmpty],
  serviceAccounts: [serviceAccount],
  trustDomains: [trustDomain],
  ipBlocks: [ipBlock, notEmpty],
  remoteIpBlocks: [ipBlock, notEmpty],
};

const OPERATION: Readonly<Record<string, readonly ValueRule[]>> = {
  ports: [port, notEmpty],
  methods: [notEmpty],
  paths: [notEmpty, pathTemplate],
  hosts: [notEmpty],
};

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const twins = (name: string): readonly string[] => [name, `not${capital(name)}`];
const filled = (field: Field, names: readonly string[]): boolean =>
  names.flatMap(twins).some((name) => field.get(name).items.length > 0);

function checkLists(field: Field, lists: Readonly<Record<string, readonly ValueRule[]>>, findings: Findings): void {
  for (const [name, rules] of Object.entries(lists)) {
    for (const twin of twins(name)) checkValues(field.get(twin), capital(twin), rules, findings);
  }
}

function checkSource(source: Field, rule: number, findings: Findings): void {
  if (filled(source, ['principals', 'namespaces']) && filled(source, ['serviceAccounts'])) {
    findings.reject(source, `cannot set serviceAccounts with namespaces or principals, found at rule ${rule}`);
  }
  if (!filled(source, Object.keys(SOURCE))) {
    findings.reject(
      source,
      `\`from.source\` must not be empty, found at rule ${rule}`,
      'Name what the source must be.',
    );
  }
  checkLists(source, SOURCE, findings);
  for (const twin of twins('serviceAccounts')) {
    const accounts = source.get(twin);
    if (accounts.items.length > MAX_SERVICE_ACCOUNTS) findings.reject(accounts, 'may not have more than 16 values');
  }
}

function checkOperation(operation: Field, rule: number, findings: Findings): void {
  if (!filled(operation, Object.keys(OPERATION))) {
    const hint = 'Name hosts, ports, methods or paths.';
    findings.reject(operation, `\`to.operation\` must not be empty, found at rule ${rule}`, hint);
  }
  checkLists(operation, OPERATION, findings);
}

function checkCondition(condition: Field, findings: Findings): void {
  const key = condition.get('key').text;
  if (key === '') {
    findings.reject(condition.get('key'), '`key` must not be empty', 'Add key, such as request.headers[x-user].');
    return;
  }
  const [values, notValues] = [condition.get('values'), condition.get('notValues')];
  if (values.items.length === 0 && notValues.items.length === 0) {
    findings.reject(condition, `at least one of \`values\` or \`notValues\` must be set for key ${key}`);
    return;
  }
  const report = (list: Field, word: string): void => {
    const wrong = attributeProblem(key, list.texts);
    if (wrong) findings.reject(list.exists ? list : condition, `invalid \`${word}\` for \`key\` ${key}: ${wrong}`);
  };
  report(values, 'value');
  report(notValues, 'notValue');
}

/** Conditions that a TCP proxy can check; the others need HTTP. */
const L4_SOURCE = ['principals', 'ipBlocks', 'namespaces', 'remoteIpBlocks', 'serviceAccounts'];

function warnOfTcpDenial(rule: Field, findings: Findings): void {
  const sources = rule
    .get('from')
    .items.map((from) => from.get('source'))
    .filter((source) => source.exists);
  const operations = rule
    .get('to')
    .items.map((to) => to.get('operation'))
    .filter((operation) => operation.exists);
  const tcpFrom = sources.some((source) => filled(source, L4_SOURCE));
  const tcpTo = operations.some((operation) => filled(operation, ['ports']));
  const httpFrom = sources.length > 0 && operations.length === 0 && !tcpFrom;
  const httpTo = operations.length > 0 && !tcpTo;
  if (!httpFrom && !httpTo) return;
  const message =
    'configured AuthorizationPolicy will deny all traffic to TCP ports under its scope due to the use of only HTTP attributes in a DENY ' +
    'rule; it is recommended to explicitly specify the port';
  findings.warn(rule, message, 'Add to.operation.ports.');
}

function checkRule(rule: Field, index: number, findings: Findings): void {
  for (const from of rule.get('from').items) {
    const source = from.get('source');
    if (source.exists) checkSource(source, index, findings);
    else findings.reject(from, `\`from.source\` must not be nil, found at rule ${index}`, 'Add source.');
  }
  for (const to of rule.get('to').items) {
    const operation = to.get('operation');
    if (operation.exists) checkOperation(operation, index, findings);
    else findings.reject(to, `\`to.operation\` must not be nil, found at rule ${index}`, 'Add operation.');
  }
  for (const condition of rule.get('when').items) checkCondition(condition, findings);
}

const IDENTITY = ['namespaces', 'serviceAccounts', 'trustDomains', 'principals', 'requestPrincipals'];
const IDENTITY_KEYS = new Set(['source.namespace', 'source.serviceAccount', 'source.trustDomain', 'source.principal']);

/** An external authorizer is asked before the peer's identity is known. */
function checkCustomRule(rule: Field, findings: Findings): void {
  const unsupported = (field: Field, what: string): void =>
    findings.reject(field, `${what} is currently not supported with CUSTOM action`);
  for (const from of rule.get('from').items) {
    for (const name of IDENTITY.flatMap(twins)) {
      const list = from.get('source').get(name);
      if (list.items.length > 0) unsupported(list, `From.${capital(name)}`);
    }
  }
  for (const condition of rule.get('when').items) {
    const key = condition.get('key');
    if (IDENTITY_KEYS.has(key.text) || key.text.startsWith('request.auth.')) unsupported(key, key.text);
  }
}

function checkAction(spec: Field, action: string, findings: Findings): void {
  const rules = spec.get('rules').items;
  const provider = spec.get('provider');
  const meaningless = (name: string): string =>
    `${name} action without \`rules\` is meaningless as it will never be triggered, ` +
    'add an empty rule `{}` if you want it be triggered for every request';
  if ((action === 'CUSTOM' || action === 'DENY') && rules.length === 0) {
    findings.reject(spec.get('rules'), meaningless(action), 'Add rules: [{}] to match every request.');
  }
  if (action !== 'CUSTOM') {
    if (provider.exists) findings.reject(provider, `\`provider\` must not be with non CUSTOM action, found ${action}`);
    return;
  }
  if (rules.length > 0 && provider.get('name').text === '') {
    findings.reject(provider, '`provider.name` must not be empty', 'Name an extension provider of the mesh.');
  }
  for (const rule of rules) checkCustomRule(rule, findings);
}

function check(spec: Field, findings: Findings, { metadata }: KubeObject): void {
  const action = spec.get('action').text || 'ALLOW';
  checkAttachment(spec, findings);
  checkAction(spec, action, findings);
  for (const [index, rule] of spec.get('rules').items.entries()) {
    if (!rule.exists) {
      findings.reject(
        rule,
        `\`rule\` must not be nil, found at rule ${index}`,
        'Write {} for a rule that matches all.',
      );
      continue;
    }
    checkRule(rule, index, findings);
    if (action === 'DENY') warnOfTcpDenial(rule, findings);
  }
  findings.prefixRefusals(`invalid policy ${metadata.name}.${metadata.namespace ?? 'default'}:`);
}

export const authorizationPolicyKind = defineKind({
  ...SECURITY,
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  shortNames: ['ap'],
  columns: [specColumn('Action', 'action')],
  check,
});
