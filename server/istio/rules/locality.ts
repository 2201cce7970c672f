import type { Field } from './field.ts';
import type { Findings } from './findings.ts';

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];
const FAILOVER_HINT = 'Add outlierDetection: without it no endpoint ever counts as failed, and nothing fails over.';

/** What is wrong with a list of localities `region/zone/subzone`, any of which may end with `*`: they overlap, or are none. */
function localitiesProblem(localities: readonly string[]): string | undefined {
  const seen: string[][] = [];
  for (const locality of localities) {
    const stars = locality.split('*').length - 1;
    if (stars > 1 || (stars === 1 && !locality.endsWith('*'))) {
      return `locality ${locality} wildcard '*' number can not exceed 1 and must be in the end`;
    }
    const overlap = `locality ${locality} overlap with previous specified ones`;
    if (seen.some(([region]) => region === '*')) return overlap;
    const [region = '', zone, ...rest] = locality.split('/');
    const parts = [region, ...(zone === undefined ? [] : [zone]), ...(rest.length > 0 ? [rest.join('/')] : [])];
    if (parts.includes('')) return `locality ${locality} must not contain empty region/zone/subzone info`;
    if (seen.some((earlier) => overlaps(earlier, parts))) return overlap;
    seen.push(parts);
  }
  return undefined;
}

/** The shorter of the two, its last `*` meaning anything below, is the beginning of the other; `a/*` is not below `a/*`'s sibling. */
function overlaps(earlier: readonly string[], later: readonly string[]): boolean {
  if (earlier[0] !== later[0]) return false;
  if (later.length === 1) return true;
  if (earlier.length === 1 || earlier[1] === '*') return true;
  if (earlier[1] !== later[1]) return false;
  if (later.length === 2) return true;
  return earlier.length === 2 || earlier[2] === '*' || earlier[2] === later[2];
}

function checkDistribute(distribute: readonly Field[], findings: Findings): void {
  for (const item of distribute) {
    const shares = item.get('to').entries;
    const outside = shares.find(([, weight]) => weight.number <= 0 || weight.number > 100);
    if (outside) {
      findings.reject(outside[1], 'locality weight must be in range [1, 100]');
      return;
    }
    const total = shares.reduce((sum, [, weight]) => sum + weight.number, 0);
    if (total !== 100) {
      findings.reject(item.get('to'), `total locality weight ${total} != 100`, 'Let the weights add up to 100.');
      return;
    }
    findings.check(item.get('to'), localitiesProblem(shares.map(([locality]) => locality).sort()));
  }
  const [first] = distribute;
  const sources = distribute.map((item) => item.get('from').text);
  if (first) findings.check(first.get('from'), localitiesProblem(sources));
}

function warnWithoutOutlier(setting: Field, outlier: boolean, findings: Findings): void {
  const fails = setting.get('failover').items.length > 0 || setting.get('failoverPriority').items.length > 0;
  if (fails && !outlier)
    findings.warn(setting, 'outlier detection policy must be provided for failover', FAILOVER_HINT);
}

function checkFailover(setting: Field, words: Readonly<Record<'name' | 'region', string>>, findings: Findings): void {
  for (const item of setting.get('failover').items) {
    const [from, to] = [item.get('from').text, item.get('to').text];
    if (from === to) findings.reject(item, `${words.name} failover settings must specify different regions`);
    if (`${from}${to}`.includes('/')) findings.reject(item, words.region);
    if (`${from}${to}`.includes('*')) {
      findings.reject(item, `${words.name} failover region should not contain '*' wildcard`);
    }
  }
}

/** localityLbSetting of a DestinationRule or of the mesh. `outlier`: whether there is outlier detection. */
export function checkLocality(setting: Field, outlier: boolean, findings: Findings): void {
  if (!setting.exists) return;
  const distribute = setting.get('distribute').items;
  const failover = setting.get('failover').items;
  if (distribute.length > 0 && failover.length > 0) {
    findings.reject(setting, "can not simultaneously specify 'distribute' and 'failover'", 'Keep one of them.');
    return;
  }
  const priority = setting.get('failoverPriority');
  const label = priority.texts.find((text) => TOPOLOGY.includes(text));
  if (failover.length > 0 && label !== undefined) {
    const message = `can not simultaneously set 'failover' and topology label '${label}' in 'failover_priority'`;
    findings.reject(priority, message);
    return;
  }
  const before = findings.problems.length;
  checkDistribute(distribute, findings);
  if (findings.problems.length > before) return;
  warnWithoutOutlier(setting, outlier, findings);
  checkFailover(setting, { name: 'locality lb', region: 'locality lb failover only specify region' }, findings);
}

/** zoneAwareLbSetting: failover between regions only, zones are Envoy's own business. */
export function checkZoneAware(setting: Field, outlier: boolean, findings: Findings): void {
  if (!setting.exists) return;
  for (const label of setting.get('failoverPriority').items) {
    if (!TOPOLOGY.includes(label.text)) continue;
    const message =
      `'failover_priority' for zone aware lb must not use topology label '${label.text}'; ` +
      'region- and zone-level routing are handled automatically';
    findings.reject(label, message);
  }
  warnWithoutOutlier(setting, outlier, findings);
  const region = 'zone aware lb failover only specifies region; zone and subzone failover are handled automatically';
  checkFailover(setting, { name: 'zone aware lb', region }, findings);
}
