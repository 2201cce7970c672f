import { isIpAddress } from './addresses.ts';
import { checkClientTls } from './client-tls.ts';
import { checkConnectionPool } from './connection-pool.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { fqdnProblem } from './hosts.ts';
import { checkLoadBalancer } from './load-balancer.ts';
import { checkOutlierDetection } from './outlier-detection.ts';
import { checkPort, readDuration } from './values.ts';

const BLOCKS = ['outlierDetection', 'connectionPool', 'loadBalancer', 'tls'] as const;
const TOP_BLOCKS = [...BLOCKS, 'tunnel', 'proxyProtocol', 'retryBudget'] as const;

/** `trafficPolicy` of a DestinationRule or of one of its subsets. */
export function checkTrafficPolicy(policy: Field, namespace: string, findings: Findings): void {
  if (!policy.exists) return;
  const ports = policy.get('portLevelSettings').items;
  if (ports.length === 0 && !TOP_BLOCKS.some((block) => policy.get(block).exists)) {
    findings.reject(policy, 'traffic policy must have at least one field', 'Add a setting, or remove trafficPolicy.');
    return;
  }
  if (policy.get('tunnel').exists && policy.get('proxyProtocol').exists) {
    findings.reject(policy, 'tunnel and proxyProtocol must not be set together', 'Keep one of them.');
  }
  checkBlocks(policy, namespace, findings);
  checkTunnel(policy.get('tunnel'), findings);
  readDuration(policy.at('retryBudget.budgetInterval'), findings);
  // Istio drops the warnings about the settings of ports.
  findings.withoutWarnings(() => {
    for (const settings of ports) checkPortSettings(settings, namespace, findings);
  });
}

function checkPortSettings(settings: Field, namespace: string, findings: Findings): void {
  if (!settings.get('port').exists) {
    findings.reject(settings, 'portTrafficPolicy must have valid port', 'Add port.number.');
  }
  if (BLOCKS.some((block) => settings.get(block).exists)) checkBlocks(settings, namespace, findings);
  else findings.reject(settings, 'port traffic policy must have at least one field');
}

function checkBlocks(policy: Field, namespace: string, findings: Findings): void {
  checkOutlierDetection(policy.get('outlierDetection'), findings);
  checkConnectionPool(policy.get('connectionPool'), findings);
  checkLoadBalancer(policy.get('loadBalancer'), policy.get('outlierDetection'), findings);
  checkClientTls(policy.get('tls'), namespace, findings);
}

function checkTunnel(tunnel: Field, findings: Findings): void {
  if (!tunnel.exists) return;
  const protocol = tunnel.get('protocol');
  if (!['', 'CONNECT', 'POST'].includes(protocol.text)) {
    findings.reject(protocol, 'tunnel protocol must be "CONNECT" or "POST"');
  }
  const host = tunnel.get('targetHost');
  const wrong = isIpAddress(host.text) ? undefined : fqdnProblem(host.text);
  if (wrong) findings.reject(host, `tunnel target host must be valid FQDN or IP address: ${wrong}`);
  checkPort(tunnel.get('targetPort'), findings);
}
