import { ipProblem, subnetProblem } from '../rules/addresses.ts';
import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { fqdnProblem, isLabel } from '../rules/hosts.ts';
import { checkPort } from '../rules/values.ts';

function checkNetwork(network: Field, findings: Findings): void {
  for (const endpoint of network.get('endpoints').items) {
    const range = endpoint.get('fromCidr');
    const registry = endpoint.get('fromRegistry');
    if (range.exists) findings.check(range, subnetProblem(range.text));
    else if (registry.exists && !isLabel(registry.text)) {
      findings.reject(registry, `invalid registry name: ${registry.text}`);
    }
  }
  for (const gateway of network.get('gateways').items) {
    const service = gateway.get('registryServiceName');
    const address = gateway.get('address');
    if (service.exists) findings.check(service, fqdnProblem(service.text));
    else if (address.exists && ipProblem(address.text) && fqdnProblem(address.text)) {
      findings.reject(address, `${address.text} is not a valid IP address or DNS name`);
    }
    checkPort(gateway.get('port'), findings);
  }
}

/** Istio's checks of MeshNetworks. */
export function checkMeshNetworks(networks: Field, findings: Findings): void {
  for (const [, network] of networks.get('networks').entries) checkNetwork(network, findings);
}
