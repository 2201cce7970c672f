import { checkConnectionPool } from '../rules/connection-pool.ts';
import { Field } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';
import { isLabel, wildcardDomainProblem } from '../rules/hosts.ts';
import { checkLocality, checkZoneAware } from '../rules/locality.ts';
import { checkOutlierDetection } from '../rules/outlier-detection.ts';
import { checkDuration, checkPort, readDuration } from '../rules/values.ts';
import { checkDiscoverySelectors } from './discovery-selectors.ts';
import { canonicalMesh, checkShape } from './mesh-fields.ts';
import { checkProxySettings } from './proxy-settings.ts';

const MS = 1_000_000n;
const LONGEST_CONNECT = 3_600_000n * MS;

function trustDomainProblem(domain: string): string | undefined {
  if (domain === '') return 'empty domain name not allowed';
  const labels = domain.split('.');
  const wrong = labels.some((label, index) => !isLabel(label) && !(label === '' && index === labels.length - 1));
  return wrong ? `trust domain name "${domain}" invalid` : undefined;
}

function checkTrustDomains(mesh: Field, findings: Findings): void {
  const domain = mesh.get('trustDomain');
  const wrong = domain.exists ? trustDomainProblem(domain.text) : undefined;
  if (wrong) findings.reject(domain, `trustDomain: ${wrong}`, 'Write a name such as cluster.local.');
  for (const [index, alias] of mesh.get('trustDomainAliases').items.entries()) {
    const problem = trustDomainProblem(alias.text);
    if (problem) findings.reject(alias, `trustDomainAliases[${index}], domain \`${alias.text}\` : ${problem}`);
  }
}

function checkListenPort(port: Field, findings: Findings): void {
  if (!port.exists) return;
  const inner = new Findings();
  checkPort(port, inner);
  inner.prefixRefusals('invalid proxy listen port:');
  findings.problems.push(...inner.problems);
}

function checkConnectTimeout(timeout: Field, findings: Findings): void {
  const ns = readDuration(timeout, findings);
  if (ns === undefined) return;
  const inner = new Findings();
  checkDuration(timeout, inner);
  inner.prefixRefusals('invalid connect timeout:');
  findings.problems.push(...inner.problems);
  if (ns <= LONGEST_CONNECT) return;
  const message = `invalid connect timeout: time ${timeout.text} must be >1ms and <1h0m0s`;
  findings.reject(timeout, message, 'Use at most 1h.');
}

function checkDetectionTimeout(timeout: Field, findings: Findings): void {
  const ns = readDuration(timeout, findings);
  if (ns === undefined || ns % MS === 0n) return;
  findings.reject(timeout, 'invalid protocol detection timeout: only durations to ms precision are supported');
}

function checkServiceSettings(settings: Field, findings: Findings): void {
  for (const [index, each] of settings.items.entries()) {
    for (const host of each.get('hosts').items) {
      const wrong = wildcardDomainProblem(host.text);
      if (wrong) findings.reject(host, `serviceSettings[${index}], host \`${host.text}\`: ${wrong}`);
    }
  }
}

const CURVES = new Set(['', 'P-224', 'P-256', 'P-521', 'P-384', 'X25519', 'X25519Kyber768Draft00', 'X25519MLKEM768']);

function checkCurves(mesh: Field, findings: Findings): void {
  const ofMesh = mesh.at('meshMTLS.ecdhCurves');
  if (ofMesh.items.length > 0) findings.reject(ofMesh, 'mesh TLS does not support ECDH curves configuration');
  const curves = mesh.at('tlsDefaults.ecdhCurves');
  const names = curves.texts;
  const list = (found: readonly string[]): string => `[${[...new Set(found)].sort().join(' ')}]`;
  const unknown = names.filter((name) => !CURVES.has(name));
  const repeated = names.filter((name, index) => CURVES.has(name) && names.indexOf(name) < index);
  if (unknown.length > 0) findings.warn(curves, `detected unrecognized ECDH curves: ${list(unknown)}`);
  if (repeated.length > 0) findings.warn(curves, `detected duplicate ECDH curves: ${list(repeated)}`);
}

/**
 * Istio's checks of MeshConfig, of the fields that it sets: the others keep Istio's defaults, which are right. Extension providers are not
 * checked; Istio itself only logs what is wrong with them.
 */
export function checkMeshConfig(written: Field, findings: Findings): void {
  checkShape(written, findings);
  // What cannot be read is not checked further.
  if (findings.refused) return;
  const mesh = new Field(canonicalMesh(written.value), written.path);
  checkListenPort(mesh.get('proxyListenPort'), findings);
  checkConnectTimeout(mesh.get('connectTimeout'), findings);
  checkDetectionTimeout(mesh.get('protocolDetectionTimeout'), findings);
  checkProxySettings(mesh.get('defaultConfig'), findings);
  // The mesh itself always counts as having outlier detection.
  checkLocality(mesh.get('localityLbSetting'), true, findings);
  checkZoneAware(mesh.get('zoneAwareLbSetting'), true, findings);
  checkServiceSettings(mesh.get('serviceSettings'), findings);
  checkDiscoverySelectors(mesh.get('discoverySelectors'), findings);
  checkTrustDomains(mesh, findings);
  checkCurves(mesh, findings);
  checkConnectionPool(mesh.at('defaultTrafficPolicy.connectionPool'), findings);
  const outlier = mesh.at('defaultTrafficPolicy.outlierDetection');
  findings.withoutWarnings(() => checkOutlierDetection(outlier, findings));
}
