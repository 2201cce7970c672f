import { isIpAddress, isUnixAddress, unixProblem } from './addresses.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { fqdnProblem } from './hosts.ts';
import { checkLabels } from './labels.ts';
import { checkPort, checkPortName } from './values.ts';

interface Rules {
  /** Names of the ports of the ServiceEntry that the endpoint belongs to. Absent: it belongs to none. */
  readonly servicePorts?: ReadonlySet<string>;
  /** Whether the address may be a host name. */
  readonly namesAllowed: boolean;
}

/** `ports` of an endpoint: port numbers by the names of the service's ports. */
export function checkEndpointPorts(
  endpoint: Field,
  servicePorts: ReadonlySet<string> | undefined,
  findings: Findings,
): void {
  for (const [name, port] of endpoint.get('ports').entries) {
    if (servicePorts && !servicePorts.has(name)) {
      const hint = 'Name one of the ports of the ServiceEntry.';
      findings.reject(port, `endpoint port ${port.number} is not defined by the service entry`, hint);
    }
    checkPortName(port, name, findings);
    checkPort(port, findings);
  }
}

function checkAddress(endpoint: Field, rules: Rules, findings: Findings): void {
  const address = endpoint.get('address');
  if (address.text === '' || isIpAddress(address.text)) return;
  if (!rules.namesAllowed) {
    findings.reject(address, `endpoint address "${address.text}" is not a valid IP address`);
  } else if (fqdnProblem(address.text)) {
    findings.reject(address, `endpoint address "${address.text}" is not a valid FQDN or an IP address`);
  }
}

function checkUnixEndpoint(endpoint: Field, rules: Rules, findings: Findings): void {
  const address = endpoint.get('address');
  findings.check(address, unixProblem(address.text));
  if (endpoint.get('ports').entries.length > 0) {
    findings.reject(endpoint.get('ports'), `unix endpoint ${address.text} must not include ports`);
  }
  if (rules.servicePorts && rules.servicePorts.size !== 1) {
    findings.reject(address, 'exactly 1 service port required for unix endpoints');
  }
}

/** A workload by its address: a WorkloadEntry, or an endpoint of a ServiceEntry. */
export function checkWorkloadEntry(endpoint: Field, rules: Rules, findings: Findings): void {
  const address = endpoint.get('address');
  const network = endpoint.get('network').text;
  if (address.text === '') {
    if (network === '') {
      findings.reject(address, 'address is required', 'Add the address of the workload.');
      return;
    }
    findings.warn(address, `address is unset with network "${network}"`);
  }
  if (isUnixAddress(address.text)) checkUnixEndpoint(endpoint, rules, findings);
  else checkAddress(endpoint, rules, findings);
  checkEndpointPorts(endpoint, rules.servicePorts, findings);
  checkLabels(endpoint.get('labels'), findings);
}
