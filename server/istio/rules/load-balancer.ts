import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkLocality, checkZoneAware } from './locality.ts';
import { checkDuration, readDuration } from './values.ts';

const MAGLEV_LIMIT = 5_000_011;

export function checkLoadBalancer(balancer: Field, outlier: Field, findings: Findings): void {
  if (!balancer.exists) return;
  const hash = balancer.get('consistentHash');
  if (hash.exists) checkConsistentHash(hash, findings);
  const locality = balancer.get('localityLbSetting');
  const zoneAware = balancer.get('zoneAwareLbSetting');
  if (locality.exists && zoneAware.exists) {
    findings.reject(balancer, 'only one of localityLbSetting and zoneAwareLbSetting can be set');
  }
  checkLocality(locality, outlier.exists, findings);
  checkZoneAware(zoneAware, outlier.exists, findings);
  readDuration(balancer.get('warmupDurationSecs'), findings);
  const warmup = balancer.get('warmup');
  if (!warmup.exists) return;
  if (!warmup.get('duration').exists) findings.reject(warmup, 'duration is required');
  checkDuration(warmup.get('duration'), findings);
  if (warmup.get('minimumPercent').number > 100) {
    findings.reject(warmup.get('minimumPercent'), 'minimumPercent value should be less than or equal to 100');
  }
  if (warmup.get('aggression').exists && warmup.get('aggression').number <= 0) {
    findings.reject(warmup.get('aggression'), 'aggression should be greater than 0');
  }
}

function checkConsistentHash(hash: Field, findings: Findings): void {
  const cookie = hash.get('httpCookie');
  if (cookie.exists && cookie.get('name').text === '') findings.reject(cookie, 'name required for HttpCookie');
  readDuration(cookie.get('ttl'), findings);
  const names = new Set<string>();
  for (const attribute of cookie.get('attributes').items) {
    const name = attribute.get('name').text;
    if (name === '') findings.reject(attribute, 'cookie attribute name cannot be empty');
    else if (names.has(name)) findings.reject(attribute, `duplicate cookie attribute name: ${name}`);
    names.add(name);
  }
  const ringSize = hash.get('minimumRingSize');
  const maglev = hash.get('maglev');
  if (ringSize.number !== 0) {
    const message =
      "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead";
    findings.warn(ringSize, message, 'Write ringHash.minimumRingSize.');
    if (maglev.exists || hash.get('ringHash').exists) {
      findings.reject(ringSize, 'only one of MinimumRingSize or Maglev/Ringhash can be specified');
    }
  }
  if (maglev.exists) checkMaglev(maglev.get('tableSize'), findings);
}

function checkMaglev(tableSize: Field, findings: Findings): void {
  const size = tableSize.number;
  const hint = 'Use a prime number, such as 65537.';
  if (size === 0) findings.reject(tableSize, 'tableSize must be set for maglev', hint);
  if (size >= MAGLEV_LIMIT) findings.reject(tableSize, `tableSize must be less than ${MAGLEV_LIMIT} for maglev`);
  if (size !== 0 && !isPrime(size)) findings.reject(tableSize, 'tableSize must be a prime number for maglev', hint);
}

/** As Envoy tests it, which takes 1 for a prime. */
function isPrime(value: number): boolean {
  if (value !== 0 && value < 4) return true;
  if (value % 2 === 0) return false;
  for (let factor = 3; factor * factor <= value; factor += 2) if (value % factor === 0) return false;
  return true;
}
